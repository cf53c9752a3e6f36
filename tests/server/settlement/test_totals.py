"""Totals by partner, date, home and kind: equal books are equal, and what differs is told."""

from pathlib import Path
from typing import Any

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from settlement.core.columns import COLUMNS
from settlement.totals import line_of, total_of
from tests.server.settlement.world import HOME, HOST, KIND, World, day, make_record


def total(*records: epb.SettlementRecord, number: int = 1, kind: str = KIND) -> spb.RecordTotal:
    """Return what a clerk's books say of some records."""
    lines = [line_of([getattr(each, name) for name in COLUMNS]) for each in records]
    found = total_of(lines, sum(each.amount_fen for each in records))
    return spb.RecordTotal(
        partner=HOST,
        business_date=day(number),
        home=HOME,
        subsidy_kind=kind,
        record_count=found.record_count,
        sum_fen=found.sum_fen,
        digest=found.digest,
    )


async def compare(world: World, *totals: spb.RecordTotal, **changes: Any) -> Any:
    """Compare totals at home's node."""
    given = {"totals": totals, "from_date": day(1), "until_date": day(3)}
    return await world[HOME].settlement.compare_totals(
        spb.CompareTotalsRequest(**{**given, **changes}), world.call(HOME, "CompareTotals")
    )


async def test_what_is_equal_need_not_travel(tmp_path: Path) -> None:
    """Equal lines have equal totals in whatever order; a fen, a line or a day more has not."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=3)
        first = [world.record(f"S{number}", number) for number in range(3)]
        visit = world.record("V1", 1, subsidy_kind="CARE_VISIT")
        await world.file(HOME, [*first, visit])
        await world.close(1)
        later = world.record("T1", 2)
        await world.file(HOME, [later])
        given = [
            total(*reversed(first)),
            total(visit, kind="CARE_VISIT"),
            total(later, number=2),
        ]
        answer = await compare(world, *given)
        assert (3, []) == (answer.equal_count, list(answer.differences))
        # One fen.
        altered = [first[0], first[1], make_record("S2", 2, amount_fen=300_001)]
        answer = await compare(world, total(*altered), *given[1:])
        assert 2 == answer.equal_count
        (difference,) = answer.differences
        assert (3, 900_001) == (difference.given.record_count, difference.given.sum_fen)
        assert (3, 900_000) == (difference.held.record_count, difference.held.sum_fen)
        # The same sum over other lines.
        swapped = [
            make_record("S0", 0, amount_fen=300_001),
            make_record("S1", 1, amount_fen=299_999),
        ]
        answer = await compare(world, total(*swapped, first[2]), *given[1:])
        assert [(900_000, 900_000)] == [
            (each.given.sum_fen, each.held.sum_fen) for each in answer.differences
        ]
        # What only one side has.
        answer = await compare(world, given[0], total(later, number=3))
        assert [
            ("", day(1), "CARE_VISIT"),
            ("", day(2), KIND),
            (day(3), "", KIND),
        ] == [
            (
                each.given.business_date,
                each.held.business_date,
                (each.given.subsidy_kind or each.held.subsidy_kind),
            )
            for each in answer.differences
        ]
        # A window leaves other dates out, and a partner can be asked about with no total at all.
        answer = await compare(world, partner=HOST, from_date=day(2), until_date=day(2))
        assert [day(2)] == [each.held.business_date for each in answer.differences]


async def test_only_live_records_count(tmp_path: Path) -> None:
    """What a revision replaced is in no total; the revision is, on its own date."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=1)
        filed = await world.file(HOME, [world.record("S1")])
        await world.close(1)
        index = filed.appended.first_index
        revised = world.record("S1", amount_fen=250_000)
        revised.replaces_index = index
        await world.file(HOME, [revised])
        answer = await compare(world, total(revised, number=2))
        assert (1, []) == (answer.equal_count, list(answer.differences))


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"from_date": "yesterday"}, "from_date"),
        ({"until_date": "2027-01-31"}, "until_date"),
        ({"until_date": "2020-01-01"}, "until_date"),
        ({"partner": "110000"}, "partner"),
        ({"totals": []}, "totals"),
        ({"totals": [total(), total()]}, "totals[1]"),
        ({"totals": [total()] * 1_001}, "totals"),
        ({"totals": [spb.RecordTotal(partner=HOST)]}, "totals[0].digest"),
    ],
)
async def test_hostile_totals(tmp_path: Path, changes: dict[str, Any], field: str) -> None:
    """What is no question is refused by name."""
    async with World.open(tmp_path) as world:
        with pytest.raises(Refusal) as caught:
            await compare(world, total(), **changes)
        assert Reason.INVALID_FIELD is caught.value.reason
        assert field in {each.field for each in caught.value.violations}
