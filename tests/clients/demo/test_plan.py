"""The plan of the demonstration: reproducible, complete, and right about its own outcome."""

from collections import Counter

import pytest

from clients.demo.plan import RECORDS_MIN, Plan, make_plan
from clients.demo.scenario import CLOSED_DATES, PAIRS, PROVINCES, rate_fen
from settlement.core.classes import LineClass


@pytest.mark.parametrize("records", [RECORDS_MIN, 400, 5_000])
def test_every_class_is_planted_and_the_size_is_as_asked(records: int) -> None:
    """All eighteen classes, and as many numbers as were asked for."""
    plan = make_plan(seed=3, records=records)
    assert set(LineClass) == set(plan.expected)
    assert records == plan.settlements
    numbers = {row.number for days in plan.days.values() for day in days for row in day.rows}
    assert records == len(numbers)


def test_seed_decides_everything() -> None:
    """One seed, one plan; another seed, other money."""
    assert make_plan(seed=5, records=400) == make_plan(seed=5, records=400)
    assert make_plan(seed=5, records=400).flows != make_plan(seed=6, records=400).flows


def _filed(plan: Plan) -> dict[str, dict[str, list[int]]]:
    """Return by number the amounts that each side filed, over all dates."""
    found: dict[str, dict[str, list[int]]] = {}
    for (author, _), days in plan.days.items():
        for day in days:
            for row in day.rows:
                side = "home" if author == row.elder.home else "host"
                sides = found.setdefault(row.number, {"home": [], "host": []})
                sides[side].append(row.amount_fen)
    return found


def test_each_author_files_only_between_itself_and_its_partner() -> None:
    """Every record is between the author of the log and its partner, on one of five dates."""
    plan = make_plan(seed=3, records=600)
    assert 2 * len(PAIRS) == len(plan.days)
    for (author, partner), days in plan.days.items():
        assert CLOSED_DATES == len(days)
        for day in days:
            for row in day.rows:
                assert {author, partner} == {row.elder.home, row.elder.host}


def test_one_sided_lines_are_those_expected() -> None:
    """Numbers that one side filed are the one-sided classes, and nothing else."""
    plan = make_plan(seed=3, records=600)
    one_sided = [sides for sides in _filed(plan).values() if not all(sides.values())]
    expected = sum(
        plan.expected[line_class]
        for line_class in (LineClass.IN_TRANSIT, LineClass.HOME_ONLY, LineClass.HOST_ONLY)
    )
    assert expected == len(one_sided)


def test_ordinary_amounts_stay_within_the_rate() -> None:
    """Only what is planted to be above the rate is above it."""
    plan = make_plan(seed=3, records=600)
    above = {
        row.number
        for days in plan.days.values()
        for day in days
        for row in day.rows
        if row.amount_fen > rate_fen(row.elder.home, row.kind) * row.units
    }
    assert plan.expected[LineClass.OVER_CAP] == len(above)


def test_no_elder_has_two_settlements_of_a_kind_by_chance() -> None:
    """Caps and months are per elder and kind; only planted doubles share one."""
    plan = make_plan(seed=3, records=600)
    seen: Counter[tuple[object, str]] = Counter()
    for number, elder, kind in {
        (row.number, row.elder, row.kind.code)
        for days in plan.days.values()
        for day in days
        for row in day.rows
    }:
        assert number
        seen[elder, kind] += 1
    doubles = sum(count - 1 for count in seen.values())
    # Two numbers of one service, and two stays of one elder, in each turn of each pair.
    assert plan.expected[LineClass.DUP_SEMANTIC] // 2 + len(PAIRS) == doubles


def test_flows_go_both_ways_between_all_four() -> None:
    """Every ordered pair has a flow, so that netting has something to do."""
    plan = make_plan(seed=3, records=600)
    assert {(a, b) for a in PROVINCES for b in PROVINCES if a != b} == set(plan.flows)
    assert all(fen > 0 for fen in plan.flows.values())
