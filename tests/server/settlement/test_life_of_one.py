"""The life of single settlements, by night: what each night says, and where the money ends."""

from pathlib import Path

import pytest

from deltacare.errors import Refusal
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from tests.server.settlement.test_clawbacks import cleared, demand, demand_back, demands, seen
from tests.server.settlement.test_reversals import owners, run_night
from tests.server.settlement.world import DUTY, HOME, HOST, World, day

RECOVERED = spb.CLAWBACK_STATE_RECOVERED


async def proposals(world: World) -> list[tuple[str, str, str, str, str]]:
    """Return what is proposed for reversal, as both nodes say it.

    Number, class, business date of the notice, whose move, and until when.
    """
    found = []
    for province, partner in ((HOME, HOST), (HOST, HOME)):
        answer = await world[province].clearing.list_reversal_proposals(
            cpb.ListReversalProposalsRequest(partner=partner), world.call(province)
        )
        found.append(
            [
                (
                    each.record.settlement_no,
                    cpb.LineClass.Name(each.line_class).removeprefix("LINE_CLASS_"),
                    each.noticed_date,
                    each.owner,
                    each.due_date,
                )
                for each in answer.proposals
            ]
        )
    assert found[0] == found[1]
    return found[0]


async def dies(world: World, elder: int, effective_date: str) -> None:
    """State at home that an enrolment ended with a death on a day that is past."""
    await world[HOME].settlement.end_enrolment(
        spb.EndEnrolmentRequest(
            request_id=world.request_id(),
            duty=DUTY,
            host=HOST,
            end=epb.EnrolmentEnd(
                enrolment_id=f"E{elder}", effective_date=effective_date, reason="DEATH"
            ),
        ),
        world.call(HOME, "EndEnrolment"),
    )


@pytest.mark.slow
async def test_cleared_filed_again_reversed_on_both_sides(tmp_path: Path) -> None:
    """Paid once, not twice, and back once: the sum over the nights is nothing."""
    async with World.open(tmp_path) as world:
        await world.facts()
        record = world.record("S1")
        # 1. Cleared: home owes 3,000 yuan.
        await world.both(record)
        paid = [await run_night(world, 1)]
        assert {"MATCHED": ["S1"]} == await world.classes(1)
        # 2. Both file it again: surplus copies, which are closed and net nothing.
        await world.both(record)
        paid.append(await run_night(world, 2))
        assert {"DUP_EXACT": ["S1", "S1"]} == await world.classes(2)
        # 3. Home reverses: the line waits for the host, however many nights pass.
        await world.reverse(HOME, "S1")
        for number in (3, 4):
            paid.append(await run_night(world, number))
            assert {"REVERSED_ONE_SIDE": ["S1"]} == await world.classes(number)
            assert [("REVERSED_ONE_SIDE", HOST)] == await owners(world)
        # 4. The host reverses: matched, and the same amount goes the other way.
        await world.reverse(HOST, "S1")
        paid.append(await run_night(world, 5))
        assert {"MATCHED": ["S1"]} == await world.classes(5)
        # 5. Nothing is left, and what is filed under the number for ever after is withdrawn.
        paid.append(await run_night(world, 6))
        assert {} == await world.classes(6)
        await world.both(record)
        paid.append(await run_night(world, 7))
        assert {"REVERSED": ["S1"]} == await world.classes(7)
        assert [300_000, 0, 0, 0, -300_000, 0, 0] == paid


@pytest.mark.slow
async def test_a_death_entered_a_month_late(tmp_path: Path) -> None:
    """It closes no night again: proposed, demanded back, answered, and the money returns."""
    async with World.open(tmp_path) as world:
        # 1. October is cleared for two elders. One of them died on 20 September.
        await cleared(world, "DEAD", "ALIVE")
        first = await world.pair_night(HOME, 1)
        assert 600_000 == first.lower_result.higher_pays_fen
        await dies(world, 0, "2026-09-20")
        # 2. The next night clears nothing more, and proposes the one line, with owner and deadline.
        assert 0 == await run_night(world, 2)
        assert {} == await world.classes(2)
        assert [("DEAD", "ELDER_INELIGIBLE", day(2), HOME, day(12))] == await proposals(world)
        # 3. Home demands it back: its own reversal stands with the demand, the host's is missing.
        await demand_back(world, demand("DEAD"))
        await seen(world)
        (standing,) = await demands(world, HOST)
        # Ten working days after Sunday, 22 November, by the clock: the log is behind it.
        assert (spb.CLAWBACK_STATE_DEMANDED, "2026-12-04") == (standing.state, standing.due_date)
        assert [("DEAD", "ELDER_INELIGIBLE", day(2), HOST, day(12))] == await proposals(world)
        assert 0 == await run_night(world, 3)
        assert {"REVERSED_ONE_SIDE": ["DEAD"]} == await world.classes(3)
        assert [("REVERSED_ONE_SIDE", HOST)] == await owners(world)
        # 4. The host finds the demand and answers it; the night clears both the other way.
        await world.reverse(HOST, standing.clawback.settlement_no)
        assert -300_000 == await run_night(world, 4)
        assert {"MATCHED": ["DEAD"]} == await world.classes(4)
        for province in (HOME, HOST):
            (standing,) = await demands(world, province)
            assert (RECOVERED, "") == (standing.state, standing.due_date)
        # 5. Nothing is proposed any more, and the first night is what it was.
        assert 0 == await run_night(world, 5)
        assert [] == await proposals(world)
        assert first == await world.pair_night(HOME, 1)
        # 6. What is filed for the dead elder from now on is refused by its class.
        await world.both(world.record("AFTER", 0, service_month="2026-11", service_days=1))
        assert 0 == await run_night(world, 6)
        assert {"ELDER_INELIGIBLE": ["AFTER"]} == await world.classes(6)


@pytest.mark.long
async def test_a_death_within_the_month_takes_what_exceeds_it(tmp_path: Path) -> None:
    """Twenty days before the death stand; thirty of the same month do not."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(
            world.record("FITS", 0, service_days=20, amount_fen=200_000),
            world.record("BEYOND", 1),
        )
        assert 500_000 == await run_night(world, 1)
        for elder in (0, 1):
            await dies(world, elder, "2026-10-21")
        assert 0 == await run_night(world, 2)
        (proposal,) = await proposals(world)
        assert ("BEYOND", "ELDER_INELIGIBLE") == proposal[:2]


@pytest.mark.long
async def test_a_notice_keeps_its_deadline(tmp_path: Path) -> None:
    """Named again by later nights, a proposal ages from its first."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1", 0), world.record("S2", 1))
        await world.night(1)
        await dies(world, 0, "2026-09-20")
        await world.night(2)
        await dies(world, 1, "2026-09-20")
        await world.night(3)
        assert [("S1", day(2)), ("S2", day(3))] == [
            (number, noticed) for number, _, noticed, *_ in await proposals(world)
        ]


@pytest.mark.long
async def test_filed_weeks_late_by_one_side(tmp_path: Path) -> None:
    """In transit, then one-sided for weeks, then matched: cleared once, in the night it matched."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.file(HOST, [world.record("LATE")])
        said = []
        for number in range(1, 16):
            assert 0 == (await world.night(number)).lower_result.higher_pays_fen
            ((name, numbers),) = (await world.classes(number)).items()
            assert ["LATE"] == numbers
            said.append(name)
        assert ["IN_TRANSIT"] * 3 + ["HOST_ONLY"] * 12 == said
        assert [("HOST_ONLY", HOME)] == await owners(world)
        await world.file(HOME, [world.record("LATE")])
        assert 300_000 == await run_night(world, 16)
        assert {"MATCHED": ["LATE"]} == await world.classes(16)


@pytest.mark.long
async def test_a_month_that_is_filed_when_the_register_has_changed(tmp_path: Path) -> None:
    """Late filing is judged by the days of the service month, not by the day it is filed."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await dies(world, 0, "2026-11-02")
        await world.night(1)
        await world.night(2)
        await world.both(
            world.record("OCTOBER", 0), world.record("NOVEMBER", 0, service_month="2026-11")
        )
        assert 300_000 == await run_night(world, 3)
        assert {"MATCHED": ["OCTOBER"], "ELDER_INELIGIBLE": ["NOVEMBER"]} == await world.classes(3)


@pytest.mark.long
async def test_revisions_across_dates(tmp_path: Path) -> None:
    """Each night judges what stood before its close; what it closed is revised no more."""
    async with World.open(tmp_path) as world:
        await world.facts()
        wrong = world.record("S1", amount_fen=290_000)
        answer = await world.file(HOME, [wrong])
        await world.file(HOST, [world.record("S1")])
        assert 0 == await run_night(world, 1)
        assert {"AMOUNT": ["S1"]} == await world.classes(1)
        # Revised on the next date, it is another line of that date, and the first night's stays.
        first = answer.appended.first_index
        answer = await world.file(HOME, [world.record("S1", replaces_index=first)])
        assert 300_000 == await run_night(world, 2)
        assert ({"AMOUNT": ["S1"]}, {"MATCHED": ["S1"]}) == (
            await world.classes(1),
            await world.classes(2),
        )
        # A revision of what is cleared is refused; nor does one of the replaced record go through.
        for index in (first, answer.appended.first_index):
            late = await world.file(HOME, [world.record("S1", replaces_index=index)])
            assert "RULE_REFUSED" == late.refusal_reason
        assert 0 == await run_night(world, 3)
        assert {} == await world.classes(3)


@pytest.mark.long
async def test_a_demand_that_is_disputed_and_withdrawn_stays_one_sided(tmp_path: Path) -> None:
    """The host does not reverse: no money moves, and the line waits with its owner named."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1")
        await demand_back(world, demand("S1", reason="NOT_SERVED"))
        for number in (2, 3, 4):
            assert 0 == await run_night(world, number)
            assert {"REVERSED_ONE_SIDE": ["S1"]} == await world.classes(number)
        assert [("REVERSED_ONE_SIDE", HOST)] == await owners(world)
        with pytest.raises(Refusal, match="S26"):
            await demand_back(world, demand("S1", clawback_id=f"{HOME}-C-twice"))


async def test_an_end_that_is_put_right(tmp_path: Path) -> None:
    """The earlier of two words on an end counts, and more is proposed for it."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(
            world.record("S1", 0, service_days=10, amount_fen=100_000),
            world.record("S2", 0, service_month="2026-09", service_days=10, amount_fen=100_000),
        )
        assert 200_000 == await run_night(world, 1)
        await dies(world, 0, "2026-10-05")
        await world.night(2)
        assert ["S1"] == [number for number, *_ in await proposals(world)]
        await dies(world, 0, "2026-09-05")
        await world.night(3)
        assert ["S1", "S2"] == [number for number, *_ in await proposals(world)]
