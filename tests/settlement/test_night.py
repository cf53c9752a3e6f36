"""A night: the engine against the oracle, every class and edge, and what changes no result."""

import hashlib
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from settlement.core.classes import LineClass
from settlement.night import NightResult, run_night, run_proposals
from tests.settlement import oracle
from tests.settlement.nights import (
    A,
    B,
    both,
    enrolment,
    facts,
    filed,
    grants,
    nights,
    of_side,
    plain,
    policy,
    to_facts,
    to_inputs,
    was_cleared,
)

COMMON = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def classes_of(night: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (number, class) of every line, sorted."""
    result = run_night(to_inputs(night))
    found = result.lines.select(["settlement_no", "class"]).to_pylist()
    return sorted((line["settlement_no"], line["class"]) for line in found)


def compare(night: dict[str, Any]) -> NightResult:
    """Assert that engine and oracle agree in every particular; return the engine's result."""
    lines = oracle.night(**night)
    result = run_night(to_inputs(night), keep_leaves=True)
    texts = sorted(line.text() for line in lines)
    assert b"".join(texts) == b"".join(result.leaves)
    assert oracle.digest(texts) == result.digest
    expected = Counter(line.line_class for line in lines)
    assert expected == {key.name: count for key, count in result.summary.counts.items()}
    closed = sorted(
        (side, line.line_class, one["position"])
        for line in lines
        if line.line_class in oracle.CLOSED and line.kind != "REVERSAL"
        for side, rows in (("home", line.home), ("host", line.host))
        for one in rows
    )
    found = result.closed.select(["side", "class", "position"]).to_pylist()
    assert closed == sorted((one["side"], one["class"], one["position"]) for one in found)
    cleared = sorted(
        line.key for line in lines if line.line_class == "MATCHED" and line.kind == "SETTLEMENT"
    )
    keys = ("home", "host", "settlement_no")
    assert cleared == sorted(
        tuple(one[name] for name in keys) for one in result.newly_cleared.to_pylist()
    )
    cancelled = sorted(
        line.key for line in lines if line.line_class == "MATCHED" and line.kind == "REVERSAL"
    )
    assert cancelled == sorted(
        tuple(one[name] for name in keys) for one in result.newly_cancelled.to_pylist()
    )
    return result


@pytest.mark.parametrize(
    "examples", [20, pytest.param(COMMON.max_examples, marks=pytest.mark.long)]
)
def test_engine_equals_oracle(examples: int) -> None:
    """Lines, bytes, digest, counts, closed rows and cleared numbers are those of the oracle."""

    @settings(COMMON, max_examples=examples)
    @given(nights())
    def agree(night: dict[str, Any]) -> None:
        result = compare(night)
        assert sum(result.summary.positions.values()) == 0

    agree()


@settings(COMMON, max_examples=10)
@given(nights())
def test_order_and_threads_do_not_matter(night: dict[str, Any]) -> None:
    """Shuffled inputs on another number of threads give the same digest."""
    first = run_night(to_inputs(night), threads=1)
    seed = 20251122
    shuffled = dict(night)
    for name in ("rows", "reversed_numbers", "cleared", "cleared_reversals", "holds"):
        shuffled[name] = random.Random(seed).sample(night[name], len(night[name]))
    second = run_night(to_inputs(shuffled), threads=3)
    assert (first.digest, first.summary) == (second.digest, second.summary)
    assert first.lines == second.lines


def test_nothing_gives_the_digest_of_nothing() -> None:
    """A night without rows has no lines, and its digest is the hash of nothing."""
    result = run_night(to_inputs(plain()))
    assert (hashlib.sha256(b"").digest(), 0) == (result.digest, result.line_count)


def test_hand_computed_digest() -> None:
    """The digest of two lines is what hashlib gives over bytes that are written out here."""
    tail = "b1\x1f320000-1\x1fBED\x1f2025-03\x1f10\x1f1000\x1fC1"
    matched = (
        f"310000\x1f320000\x1fS1\x1fMATCHED\x1f1\x1f1000\x1fS1\x1f310000\x1f320000\x1f{tail}"
        f"\x1f1\x1f1000\x1fS1\x1f310000\x1f320000\x1f{tail}\n"
    )
    other = tail.replace("b1", "b2")
    one_sided = (
        "310000\x1f320000\x1fS2\x1fHOST_ONLY\x1f0\x1f0"
        + "\x1f" * 10
        + f"\x1f1\x1f1000\x1fS2\x1f310000\x1f320000\x1f{other}\n"
    )
    leaf = (matched + one_sided).encode()
    expected = hashlib.sha256(b"\x00" + leaf).digest()
    night = plain(rows=[*both("S1"), filed("host", "S2", beneficiary_ref="b2")])
    assert expected == run_night(to_inputs(night)).digest


def test_more_lines_than_a_leaf() -> None:
    """600 lines make three leaves, and the root is the oracle's."""
    rows = [
        one
        for number in range(600)
        for one in both(f"S{number}", beneficiary_ref=f"b{number}", amount_fen=number)
    ]
    result = compare(plain(rows=rows))
    assert (600, 3) == (result.line_count, len(result.leaf_hashes))


# Each case: the rows of number S1, what else is given, and the class of the line.
EDGES: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "matched": ({"rows": both()}, [("S1", "MATCHED")]),
    "reversed by both": (
        {"rows": both(), "reversed_numbers": [of_side("home"), of_side("host")]},
        [("S1", "REVERSED")],
    ),
    "reversed by the only filer": (
        {"rows": [filed("home")], "reversed_numbers": [of_side("home")]},
        [("S1", "REVERSED")],
    ),
    "reversed by one of two, before a conflict": (
        {
            "rows": [*both(), filed("host", amount_fen=1)],
            "reversed_numbers": [of_side("home")],
        },
        [("S1", "REVERSED_ONE_SIDE")],
    ),
    "reversed by a side that filed nothing": (
        {"rows": [filed("host")], "reversed_numbers": [of_side("home")]},
        [("S1", "REVERSED_ONE_SIDE")],
    ),
    "reversed takes all copies": (
        {
            "rows": [filed("home"), filed("home")],
            "reversed_numbers": [of_side("home")],
        },
        [("S1", "REVERSED")],
    ),
    "conflict holds equal copies too": (
        {"rows": [*both(), filed("home"), filed("home", service_days=2)]},
        [("S1", "DUP_CONFLICT")],
    ),
    "copies on both sides, the first judged alone": (
        {"rows": [*both(), *both(), filed("host")]},
        [("S1", "DUP_EXACT")] * 3 + [("S1", "MATCHED")],
    ),
    "a copy of a one-sided row": (
        {"rows": [filed("home"), filed("home")]},
        [("S1", "DUP_EXACT"), ("S1", "HOME_ONLY")],
    ),
    "cleared number filed again by both": (
        {"rows": both(), "cleared": [was_cleared()]},
        [("S1", "DUP_EXACT")] * 2,
    ),
    "cancelled number filed again is not paid again": (
        {"rows": both(), "cleared": [was_cleared(cancelled=True)]},
        [("S1", "DUP_EXACT")] * 2,
    ),
    "cleared number filed again with another amount": (
        {"rows": both(amount_fen=2_000), "cleared": [was_cleared()]},
        [("S1", "DUP_CONFLICT")],
    ),
    "differing row of a cleared number, reversed by its filer": (
        {
            "rows": [filed("home", amount_fen=2)],
            "cleared": [was_cleared()],
            "reversed_numbers": [of_side("home")],
            "cleared_reversals": [of_side("home", filed_date=None)],
        },
        [("S1", "REVERSED"), ("S1", "REVERSED_ONE_SIDE")],
    ),
    "differing row of a cleared number, reversed by both": (
        {
            "rows": [filed("home", amount_fen=2)],
            "cleared": [was_cleared()],
            "reversed_numbers": [of_side("home")],
            "cleared_reversals": [of_side(side, filed_date=None) for side in ("home", "host")],
        },
        [("S1", "MATCHED"), ("S1", "REVERSED")],
    ),
    "differing rows of a cleared number, one side withdraws": (
        {
            "rows": both(amount_fen=2),
            "cleared": [was_cleared()],
            "reversed_numbers": [of_side("home")],
            "cleared_reversals": [of_side("home", filed_date=None)],
        },
        [("S1", "DUP_CONFLICT"), ("S1", "REVERSED"), ("S1", "REVERSED_ONE_SIDE")],
    ),
    "cancelled number filed again with another amount is withdrawn": (
        {
            "rows": both(amount_fen=2),
            "cleared": [was_cleared(cancelled=True)],
            "reversed_numbers": [of_side("home"), of_side("host")],
        },
        [("S1", "REVERSED")],
    ),
    "same claim as a withdrawn row of a cleared number": (
        {
            "rows": [filed("home", amount_fen=2), *both("S2", amount_fen=2)],
            "cleared": [was_cleared()],
            "reversed_numbers": [of_side("home")],
        },
        [("S1", "REVERSED"), ("S2", "MATCHED")],
    ),
    "same claim under another number": (
        {"rows": [*both("S1"), *both("S2", caregiver_cert_no="C2")]},
        [("S1", "DUP_SEMANTIC"), ("S2", "DUP_SEMANTIC")],
    ),
    "same claim, one number on each side": (
        {"rows": [filed("home", "S1"), filed("host", "S2")]},
        [("S1", "DUP_SEMANTIC"), ("S2", "DUP_SEMANTIC")],
    ),
    "same claim as one cleared": (
        {"rows": both("S2"), "cleared": [was_cleared("S1")]},
        [("S2", "DUP_SEMANTIC")],
    ),
    "same claim as one cancelled": (
        {"rows": both("S2"), "cleared": [was_cleared("S1", cancelled=True)]},
        [("S2", "MATCHED")],
    ),
    "same claim as one that its filer reversed": (
        {
            "rows": [filed("home", "S1"), *both("S2")],
            "reversed_numbers": [of_side("home", "S1")],
        },
        [("S1", "REVERSED"), ("S2", "MATCHED")],
    ),
    "same claim in the other direction": (
        {"rows": [*both("S1"), *both("S2", home=B, host=A)]},
        [("S1", "MATCHED"), ("S2", "MATCHED")],
    ),
    "held as overlap before the amount": (
        {
            "rows": [filed("home"), filed("host", amount_fen=2)],
            "holds": [{**of_side("home"), "hold_class": "OVERLAP"}],
        },
        [("S1", "OVERLAP")],
    ),
    "held for the budget before transit": (
        {
            "rows": [filed("home", days_ago=0)],
            "holds": [{**of_side("home"), "hold_class": "OVER_BUDGET"}],
        },
        [("S1", "OVER_BUDGET")],
    ),
    "in transit on the second day": (
        {"rows": [filed("host", days_ago=2)]},
        [("S1", "IN_TRANSIT")],
    ),
    "one-sided on the third day": ({"rows": [filed("host", days_ago=3)]}, [("S1", "HOST_ONLY")]),
    "transit counts from the first row": (
        {"rows": [filed("host", days_ago=3), filed("host", days_ago=0)]},
        [("S1", "DUP_EXACT"), ("S1", "HOST_ONLY")],
    ),
    "no date, nothing in transit": (
        {"rows": [filed("home", days_ago=0)], "business_date": None},
        [("S1", "HOME_ONLY")],
    ),
    "amount before field": (
        {"rows": [filed("home"), filed("host", amount_fen=2, caregiver_cert_no="C2")]},
        [("S1", "AMOUNT")],
    ),
    "caregiver differs": (
        {"rows": [filed("home"), filed("host", caregiver_cert_no="")]},
        [("S1", "FIELD")],
    ),
    "claim differs": (
        {"rows": [filed("home"), filed("host", service_days=9)]},
        [("S1", "FIELD")],
    ),
    "two directions, one number": (
        {"rows": [*both("S1"), filed("host", "S1", home=B, host=A)]},
        [("S1", "HOST_ONLY"), ("S1", "MATCHED")],
    ),
    "reversal of a cleared one, by one side": (
        {
            "cleared": [was_cleared()],
            "cleared_reversals": [of_side("host", filed_date=None)],
        },
        [("S1", "REVERSED_ONE_SIDE")],
    ),
    "reversal of a cleared one, by both": (
        {
            "cleared": [was_cleared()],
            "cleared_reversals": [of_side(side, filed_date=None) for side in ("home", "host")],
        },
        [("S1", "MATCHED")],
    ),
    "reversal of a cancelled one is nothing": (
        {
            "cleared": [was_cleared(cancelled=True)],
            "cleared_reversals": [of_side(side, filed_date=None) for side in ("home", "host")],
        },
        [],
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_edge_of_precedence(name: str) -> None:
    """Each edge has the class that the rules give, and the oracle agrees."""
    given_, expected = EDGES[name]
    night = plain(**given_)
    assert sorted(expected) == classes_of(night)
    compare(night)


def test_reversal_of_a_cleared_one_nets_the_other_way_once() -> None:
    """Filed by both sides it is netted with the cleared amount below zero."""
    night = plain(
        cleared=[was_cleared()],
        cleared_reversals=[of_side(side, filed_date=None) for side in ("home", "host")],
    )
    result = run_night(to_inputs(night))
    assert {(A, B): -1_000} == result.summary.bilateral
    assert {A: 1_000, B: -1_000} == result.summary.positions
    assert [{"home": A, "host": B, "settlement_no": "S1"}] == result.newly_cancelled.to_pylist()


def _without(name: str, **changes: Any) -> dict[str, Any]:
    """Return registers in which one table is empty or changed."""
    return facts(**{name: [], **changes})


HALF = (1 << 9) - 1  # nine days, one less than the row claims

# Each case: registers, changes of the row, and the class.
REGISTERS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "all is well": (facts(), {}, "MATCHED"),
    "no agreement": (_without("agreements"), {}, "OUT_OF_AGREEMENT"),
    "agreement of another division": (
        facts(
            agreements=[
                {**one, "home_division": "310102"} if one["home_division"] else one
                for one in facts()["agreements"]
            ]
        ),
        {},
        "OUT_OF_AGREEMENT",
    ),
    "agreement on nine days of ten": (
        facts(agreements=[{**one, "day_mask": HALF} for one in facts()["agreements"]]),
        {},
        "OUT_OF_AGREEMENT",
    ),
    "two agreements together cover it": (
        facts(
            agreements=[{**facts()["agreements"][0], "day_mask": mask} for mask in (HALF, 1 << 20)]
        ),
        {},
        "MATCHED",
    ),
    "not listed": (_without("listings"), {}, "INSTITUTION_UNLISTED"),
    "not enrolled, but any division agrees": (_without("enrolments"), {}, "ELDER_INELIGIBLE"),
    "enrolled for another kind": (
        facts(enrolments=[enrolment(subsidy_kind="MEAL")]),
        {},
        "ELDER_INELIGIBLE",
    ),
    "enrolled from the last ten days": (
        facts(enrolments=[enrolment(from_date="2025-03-22")]),
        {},
        "MATCHED",
    ),
    "enrolled from the last nine days": (
        facts(enrolments=[enrolment(from_date="2025-03-23")]),
        {},
        "ELDER_INELIGIBLE",
    ),
    "two enrolments are counted once a day": (
        facts(
            enrolments=[
                enrolment(until_date="2025-03-06"),
                enrolment(from_date="2025-03-04", until_date="2025-03-09"),
            ]
        ),
        {},
        "ELDER_INELIGIBLE",
    ),
    "caregiver not certified": (_without("caregivers"), {}, "CAREGIVER_UNCERTIFIED"),
    "caregiver missing where needed": (
        facts(),
        {"caregiver_cert_no": ""},
        "CAREGIVER_UNCERTIFIED",
    ),
    "caregiver missing where not needed": (
        facts(policies=grants(policy(needs_caregiver=False))),
        {"caregiver_cert_no": ""},
        "MATCHED",
    ),
    "caregiver not needed, given and bad": (
        facts(policies=grants(policy(needs_caregiver=False))),
        {"caregiver_cert_no": "C9"},
        "CAREGIVER_UNCERTIFIED",
    ),
    "no policy pays nothing": (_without("policies"), {}, "OVER_CAP"),
    "at the rate": (facts(), {"amount_fen": 10_000}, "MATCHED"),
    "above the rate": (facts(), {"amount_fen": 10_001}, "OVER_CAP"),
    "a month is one unit": (
        facts(policies=grants(policy(unit="MONTH"))),
        {"amount_fen": 1_001},
        "OVER_CAP",
    ),
    "uses are units": (
        facts(policies=grants(policy(unit="USE"))),
        {"amount_fen": 10_000},
        "MATCHED",
    ),
    "by use, one day is enough": (
        facts(
            policies=grants(policy(unit="USE")),
            enrolments=[enrolment(from_date="2025-03-31")],
        ),
        {},
        "MATCHED",
    ),
    "above the cap": (facts(policies=grants(policy(cap_fen=999))), {}, "OVER_CAP"),
}


@pytest.mark.parametrize("name", REGISTERS)
def test_registers(name: str) -> None:
    """Each condition by itself gives its class."""
    known, changes, expected = REGISTERS[name]
    night = plain(rows=both(**changes), facts=known)
    assert [("S1", expected)] == classes_of(night)
    compare(night)


def test_one_bad_side_is_enough() -> None:
    """A condition that only the host's row violates is violated."""
    night = plain(rows=[filed("home"), filed("host", caregiver_cert_no="C9")], facts=facts())
    assert [("S1", "CAREGIVER_UNCERTIFIED")] == classes_of(night)


def test_exclusive_days_beyond_the_month() -> None:
    """Two lines of 20 days exceed a month where the kind is exclusive, and both are flagged."""
    rows = [*both("S1", service_days=20), *both("S2", service_days=20, amount_fen=999)]
    known = facts(policies=grants(policy(exclusivity_group="CARE")))
    expected = [("S1", "OVERLAP"), ("S2", "OVERLAP")]
    assert expected == classes_of(plain(rows=rows, facts=known))
    assert [("S1", "MATCHED"), ("S2", "MATCHED")] == classes_of(plain(rows=rows, facts=facts()))


def test_groups_exclude_only_their_own() -> None:
    """Days under kinds of two groups are not added up; those of two kinds of one group are."""
    rows = [*both("S1", service_days=20), *both("S2", service_days=20, subsidy_kind="MEAL")]
    found = []
    for groups in (("CARE", "CARE"), ("CARE", "FOOD"), ("CARE", "")):
        known = facts(
            policies=grants(
                *(
                    policy(subsidy_kind=kind, exclusivity_group=group)
                    for kind, group in zip(("BED", "MEAL"), groups, strict=True)
                )
            ),
            enrolments=[enrolment(), enrolment(subsidy_kind="MEAL")],
            agreements=[
                {**agreement, "subsidy_kind": kind}
                for agreement in facts()["agreements"]
                for kind in ("BED", "MEAL")
            ],
        )
        night = plain(rows=rows, facts=known)
        compare(night)
        found.append([line_class for _, line_class in classes_of(night)])
    assert [["OVERLAP"] * 2, ["MATCHED"] * 2, ["MATCHED"] * 2] == found


@pytest.mark.parametrize(
    "enrolments,expected",
    [
        ([("2024-01-01", "", 1)], 1),
        ([("2024-01-01", "", 1), ("2025-01-01", "", 2)], 2),
        ([("2025-01-01", "", 2), ("2024-01-01", "", 1)], 2),
        ([("2024-01-01", "", 1), ("2025-03-02", "", 2)], 1),
        ([("2025-03-02", "", 2), ("2025-03-03", "", 1)], 2),
        ([("2024-01-01", "", 1), ("2024-01-01", "", 2)], 2),
        ([("2024-01-01", "", 2), ("2024-01-01", "", 1)], 1),
        ([("2024-01-01", "", 1), ("2024-06-01", "2025-02-28", 2)], 1),
        ([("2024-01-01", "2025-02-28", 2), ("2025-04-01", "", 2)], 0),
    ],
)
def test_which_enrolment_decides(enrolments: list[tuple[str, str, int]], expected: int) -> None:
    """The latest that had begun on the first of the month; else the first to begin."""
    known = facts(
        enrolments=[
            enrolment(from_date=first, until_date=last, standing=standing, sequence=sequence)
            for sequence, (first, last, standing) in enumerate(enrolments)
        ],
        policies=grants(*(policy(standings=(n,), rate_fen=100 + n) for n in range(3))),
    )
    paid = {0: "ELDER_INELIGIBLE", 1: "OVER_CAP", 2: "MATCHED"}
    night = plain(rows=both(amount_fen=1_020), facts=known)
    compare(night)
    assert [("S1", paid[expected])] == classes_of(night)


def test_cleared_days_count() -> None:
    """Days cleared before count against the month, unless they were cancelled."""
    known = facts(policies=grants(policy(exclusivity_group="CARE")))
    rows = both("S2", service_days=12, amount_fen=999)
    found = {
        cancelled: classes_of(
            plain(
                rows=rows,
                cleared=[was_cleared("S1", service_days=20, cancelled=cancelled)],
                facts=known,
            )
        )
        for cancelled in (False, True)
    }
    assert {False: [("S2", "OVERLAP")], True: [("S2", "MATCHED")]} == found


def test_cap_counts_only_lines_that_reach_it() -> None:
    """A line that an earlier class holds back does not fill the cap of the others."""
    rows = [*both("S1"), *both("S2", institution=f"{B}-2", amount_fen=900)]
    known = facts(policies=grants(policy(cap_fen=1_500)))
    assert [("S1", "MATCHED"), ("S2", "OUT_OF_AGREEMENT")] == classes_of(
        plain(rows=rows, facts=known)
    )


def test_proposals_name_what_later_facts_refuse() -> None:
    """A cleared line is proposed for reversal when its listing is gone; a cancelled one is not."""
    cleared = [was_cleared("S1"), was_cleared("S2", cancelled=True)]
    known = to_facts(facts(listings=[]))
    table = to_inputs(plain(cleared=cleared)).cleared
    expected = [{"home": A, "host": B, "settlement_no": "S1", "class": "INSTITUTION_UNLISTED"}]
    assert expected == run_proposals(table, known).to_pylist()
    assert run_proposals(table, to_facts(facts())).to_pylist() == []


def test_chunks_do_not_matter() -> None:
    """Rows in many small Arrow chunks give the digest of rows in one."""
    import pyarrow as pa

    rows = [one for n in range(40) for one in both(f"S{n}", beneficiary_ref=f"b{n}")]
    inputs = to_inputs(plain(rows=rows))
    chunked = pa.concat_tables([inputs.rows.slice(start, 7) for start in range(0, 80, 7)])
    assert run_night(inputs).digest == run_night(replace(inputs, rows=chunked)).digest


def test_every_class_occurs_in_these_tests() -> None:
    """The edges and registers above cover every class."""
    seen = {name for _, expected in EDGES.values() for _, name in expected}
    seen |= {expected for _, _, expected in REGISTERS.values()}
    assert {line_class.name for line_class in LineClass} == seen
