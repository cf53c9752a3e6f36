"""One elder with several hosts: what is beyond the month is held when the date closes."""

from pathlib import Path

import pytest

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from tests.server.settlement.homes import (
    AH,
    GROUP,
    JS,
    SH,
    ZJ,
    close,
    enrol,
    file,
    held,
    holds,
    homes,
    overlaps,
    stated,
)
from tests.server.settlement.world import DUTY, MONTH, World, day, entries
from tests.support.persons import identity_number

THREE = (SH, JS, ZJ)


async def end_hold(world: World, home: str, host: str, index: int) -> None:
    """End a hold by a person."""
    await world[home].settlement.end_holds(
        spb.EndHoldsRequest(
            request_id=world.request_id(),
            duty=DUTY,
            partner=host,
            ends=[epb.HoldEnd(hold_index=index, reason="CHECKED")],
        ),
        world.call(home, "EndHolds"),
    )


async def reverse(world: World, home: str, host: str, number: str) -> None:
    """Reverse home's record."""
    await world[home].settlement.file_reversals(
        spb.FileReversalsRequest(
            request_id=world.request_id(),
            duty=DUTY,
            partner=host,
            reversals=[epb.Reversal(settlement_no=number, home=home, host=host, reason="ERROR")],
        ),
        world.call(home, "FileReversals"),
    )


async def test_the_later_record_is_held_once(tmp_path: Path) -> None:
    """The month holds the earlier one; the later is held when it comes, and not again after."""
    async with homes(tmp_path, provinces=THREE) as world:
        with_sh = await enrol(world, JS, SH, "elder-1")
        with_zj = await enrol(world, JS, ZJ, "elder-1")
        other = await enrol(world, JS, ZJ, "elder-2")
        assert len({with_sh, with_zj, other}) == 3, "a host learns nothing of the other"
        await file(world, JS, SH, with_sh, "S1", days=20)
        await close(world, 1)
        await file(world, JS, ZJ, with_zj, "Z1", days=12)
        await file(world, JS, ZJ, other, "Z2", days=31)
        await close(world, 2)
        assert {} == await held(world, JS, SH)
        (hold,) = await holds(world, JS, ZJ)
        assert ("Z1", day(2), "OVERLAP_BETWEEN_HOSTS", False) == (
            hold.hold.settlement_no,
            hold.from_date,
            hold.hold.reason,
            hold.can_end,
        )
        (overlap,) = await overlaps(world, JS, JS)
        assert (MONTH, GROUP, 32, 0, day(2)) == (
            overlap.service_month,
            overlap.exclusivity_group,
            overlap.own_days,
            overlap.other_days,
            overlap.noticed_date,
        )
        assert [(SH, "S1", False), (ZJ, "Z1", True)] == [
            (each.host, each.settlement_no, each.held) for each in overlap.settlements
        ]
        assert [with_sh, with_zj] == list(overlap.beneficiary_refs)
        await close(world, 3)
        await file(world, JS, SH, with_sh, "S9", days=1, service_month="2026-09")
        await close(world, 4)
        assert ["Z1"] == [each.settlement_no for each in await stated(world, JS, ZJ, "hold")]
        assert [] == await stated(world, JS, SH, "hold")


async def test_days_that_fit_are_not_held(tmp_path: Path) -> None:
    """Thirty-one days over two hosts are a month; other kinds, months and elders are apart."""
    async with homes(tmp_path, provinces=THREE) as world:
        free = epb.SubsidyPolicy(
            subsidy_kind="MEAL", unit=epb.SUBSIDY_UNIT_USE, rate_fen=1_000, cap_fen=100_000
        )
        free.from_date = "2026-01-01"
        await world.registry(JS, *entries("subsidy_policy", free))
        elder = [await enrol(world, JS, host, "elder-1") for host in (SH, ZJ)]
        await file(world, JS, SH, elder[0], "S1", days=20)
        await file(world, JS, ZJ, elder[1], "Z1", days=11)
        await file(world, JS, ZJ, elder[1], "Z2", days=30, service_month="2026-09")
        await file(world, JS, ZJ, elder[1], "Z3", days=31, subsidy_kind="MEAL")
        # Filed twice alike, a number counts once; the night tells that it is a copy.
        await file(world, JS, ZJ, elder[1], "Z1", days=11)
        await close(world, 1)
        assert {} == await held(world, JS, SH) | await held(world, JS, ZJ)
        assert [] == await overlaps(world, JS, JS)


async def test_within_one_host_the_night_tells(tmp_path: Path) -> None:
    """Both sides see the days of one pair, so that home states nothing of them."""
    async with homes(tmp_path, provinces=THREE) as world:
        elder = await enrol(world, JS, SH, "elder-1")
        await file(world, JS, SH, elder, "S1", days=20)
        await file(world, JS, SH, elder, "S2", days=20)
        await close(world, 1)
        assert {} == await held(world, JS, SH)


async def test_two_handles_of_one_person(tmp_path: Path) -> None:
    """The identity number makes one person of two handles; without it they are two."""
    async with homes(tmp_path, provinces=THREE) as world:
        number = identity_number(7)
        first = await enrol(world, JS, SH, "elder-1", number)
        second = await enrol(world, JS, ZJ, "elder-1b", number.lower())
        await file(world, JS, SH, first, "S1", days=20)
        await file(world, JS, ZJ, second, "Z1", days=20)
        await close(world, 1)
        assert {"Z1": False} == await held(world, JS, ZJ)


async def test_several_handles_of_one_person_with_one_host(tmp_path: Path) -> None:
    """Each pseudonym alone fits the month, so that the night sees nothing: home holds the rest."""
    async with homes(tmp_path, provinces=THREE) as world:
        number = identity_number(7)
        elder = [await enrol(world, JS, SH, f"elder-{n}", number) for n in (1, 2, 3)]
        for n, days in enumerate((20, 20, 11)):
            await file(world, JS, SH, elder[n], f"S{n}", days=days)
        await close(world, 1)
        assert {"S1": False, "S2": False} == await held(world, JS, SH)
        (row,) = await overlaps(world, JS, JS)
        assert (51, 0) == (row.own_days, row.other_days)


@pytest.mark.parametrize("way", ["reversal", "revision"])
async def test_a_hold_ends_when_the_days_shrink(tmp_path: Path, way: str) -> None:
    """What took too many days is reversed or revised: the hold can be ended, by a person."""
    async with homes(tmp_path, provinces=THREE) as world:
        elder = [await enrol(world, JS, host, "elder-1") for host in (SH, ZJ)]
        index = await file(world, JS, SH, elder[0], "S1", days=20)
        await close(world, 1)
        await file(world, JS, ZJ, elder[1], "Z1", days=20)
        await close(world, 2)
        assert {"Z1": False} == await held(world, JS, ZJ)
        if way == "reversal":
            await reverse(world, JS, SH, "S1")
        else:
            await file(world, JS, SH, elder[0], "S1", days=11, replaces_index=index)
        (hold,) = await holds(world, JS, ZJ)
        assert hold.can_end
        await end_hold(world, JS, ZJ, hold.entry.index)
        assert {} == await held(world, JS, ZJ)
        (ended,) = await holds(world, JS, ZJ, with_ended=True)
        assert day(4) == ended.ended_date, "held for the last time in the night of the date it ends"
        await close(world, 3)
        assert {} == await held(world, JS, ZJ)
        assert [] == await overlaps(world, JS, JS)


async def test_a_hold_that_stands_is_not_ended(tmp_path: Path) -> None:
    """The refusal names the rule; an end that came nevertheless is followed by another hold."""
    async with homes(tmp_path, provinces=THREE) as world:
        elder = [await enrol(world, JS, host, "elder-1") for host in (SH, ZJ)]
        await file(world, JS, SH, elder[0], "S1", days=20)
        await file(world, JS, ZJ, elder[1], "Z1", days=20)
        await close(world, 1)
        (hold,) = await holds(world, JS, ZJ)
        with pytest.raises(Refusal) as refused:
            await end_hold(world, JS, ZJ, hold.entry.index)
        (fault,) = refused.value.violations
        assert ("ends[0].hold_index", "Z1") == (fault.field, fault.value)
        assert fault.description.startswith("S31-HOLD-OVERLAP: ")
        assert {"Z1": False} == await held(world, JS, ZJ)
        # As another program, or an earlier one, may have written it.
        end = epb.HoldEnd(hold_index=hold.entry.index, reason="CHECKED")
        await world[JS].node.append(LogName.settlement(JS, ZJ), entries("hold_end", end))
        assert {} == await held(world, JS, ZJ)
        await close(world, 2)
        (again,) = await holds(world, JS, ZJ)
        assert ("Z1", day(2)) == (again.hold.settlement_no, again.from_date), "without a gap"
        with pytest.raises(Refusal, match="S13"):
            await end_hold(world, JS, ZJ, hold.entry.index)


@pytest.mark.slow
async def test_what_is_cleared_comes_first(tmp_path: Path) -> None:
    """What a night closed before the group was stated stays; the earlier one, open, is beyond."""
    async with homes(tmp_path, provinces=THREE) as world:
        await world.facts(elders=0)
        alone = epb.SubsidyPolicy(
            subsidy_kind="VISIT", unit=epb.SUBSIDY_UNIT_DAY, rate_fen=10_000, cap_fen=310_000
        )
        alone.from_date = "2026-01-01"
        await world.registry(JS, *entries("subsidy_policy", alone))
        elder = [await enrol(world, JS, host, "elder-1") for host in (SH, ZJ)]
        await file(world, JS, ZJ, elder[1], "Z1", days=25, subsidy_kind="VISIT")
        await close(world, 1)
        record = world.record("S1", beneficiary_ref=elder[0], service_days=11, amount_fen=110_000)
        await world.both(record)
        await world.night(2)
        assert {"MATCHED": ["S1"]} == await world.classes(2)
        alone.exclusivity_group = GROUP
        await world.registry(JS, *entries("subsidy_policy", alone))
        await world.night(3)
        assert {"Z1": False} == await held(world, JS, ZJ)
        assert {} == await held(world, JS, SH)


async def test_a_policy_that_comes_late(tmp_path: Path) -> None:
    """What was filed before its group was stated is looked at again at the next close."""
    async with homes(tmp_path, provinces=(*THREE, AH)) as world:
        alone = epb.SubsidyPolicy(
            subsidy_kind="VISIT", unit=epb.SUBSIDY_UNIT_DAY, rate_fen=10_000, cap_fen=310_000
        )
        alone.from_date = "2026-01-01"
        await world.registry(JS, *entries("subsidy_policy", alone))
        elder = [await enrol(world, JS, host, "elder-1") for host in (SH, AH)]
        await file(world, JS, SH, elder[0], "S1", days=20)
        await file(world, JS, AH, elder[1], "A1", days=20, subsidy_kind="VISIT")
        await close(world, 1)
        assert {} == await held(world, JS, AH)
        alone.exclusivity_group = GROUP
        await world.registry(JS, *entries("subsidy_policy", alone))
        await close(world, 2)
        assert {"A1": False} == await held(world, JS, AH) | await held(world, JS, SH)
