"""Disputes between two nodes: what is let through, what is refused, and that both show the same."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.v1 import dispute_service_pb2 as dpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.types_pb2 import Duty
from server.approval.duties import DutyKind, require_apart
from server.dispute.tables import word
from tests.server.dispute.world import DisputeWorld, dispute
from tests.server.settlement.test_restored import replace_database
from tests.server.settlement.world import HOME, HOST, KIND, day, entries

NONE, REVISE = epb.DISPUTE_REMEDY_NONE, epb.DISPUTE_REMEDY_REVISE
REVERSE, FILE = epb.DISPUTE_REMEDY_REVERSE, epb.DISPUTE_REMEDY_FILE
D1 = f"{HOST}-D1"


async def opened(world: DisputeWorld, *numbers: str) -> None:
    """File some settlements from both sides."""
    await world.both(*(world.record(number, elder) for elder, number in enumerate(numbers, 1)))
    for province in (HOME, HOST):
        await world.known(province)


async def refused(awaited: Any) -> Refusal:
    """Return the refusal of a call."""
    with pytest.raises(Refusal) as caught:
        await awaited
    return caught.value


async def test_a_dispute_from_end_to_end(tmp_path: Path) -> None:
    """Raised, contested, agreed, put right, closed; each time both nodes say whose move it is."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        await world.raised(dispute())
        shown = await world.both_show()
        assert (
            dpb.DISPUTE_STATE_RAISED,
            HOME,
            "ANSWER",
            "2026-11-22",
            "2026-11-27",
            HOST,
        ) == (
            shown.state,
            shown.owner,
            shown.next_action,
            shown.raised_date,
            shown.due_date,
            shown.raised_by,
        )
        await world.contest()
        shown = await world.both_show()
        assert ("BOTH", "ESCALATE_OR_AGREE", "2026-12-04") == (
            shown.owner,
            shown.next_action,
            shown.due_date,
        )
        await world.agree(REVERSE)
        shown = await world.both_show()
        assert ("BOTH", "DO_REMEDY", [HOST, HOME], REVERSE) == (
            shown.owner,
            shown.next_action,
            list(shown.remedy_missing),
            shown.remedy,
        )
        await world.reverse(HOME, "S1")
        await world.known(HOME)
        shown = await world.both_show()
        assert (HOST, "DO_REMEDY") == (shown.owner, shown.next_action)
        refusal = await refused(world.close_dispute(REVERSE))
        assert ("D19-REMEDY-MISSING", f"REVERSE {HOST}") == (
            refusal.details["rule"],
            refusal.details["missing"],
        )
        await world.reverse(HOST, "S1")
        await world.known(HOST)
        shown = await world.both_show()
        assert (HOST, "CLOSE") == (shown.owner, shown.next_action)
        await world.close_dispute(REVERSE)
        shown = await world.both_show()
        assert (dpb.DISPUTE_STATE_CLOSED, "", "", "", REVERSE) == (
            shown.state,
            shown.owner,
            shown.next_action,
            shown.due_date,
            shown.remedy,
        )
        assert [
            (HOST, "RAISED", "WRONG_AMOUNT"),
            (HOME, "CONTESTED", "AS_FILED"),
            (HOME, "AGREED", ""),
            (HOST, "CLOSED", "DONE"),
        ] == [(step.province, step.step, step.reason) for step in shown.steps]
        for province in (HOME, HOST):
            assert [] == await world.listed(province)
            assert [shown] == await world.listed(province, states=[dpb.DISPUTE_STATE_CLOSED])


async def test_silence_closes_nothing(tmp_path: Path) -> None:
    """A month after the last day it is as open as before, overdue, and may go to the next level."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        await world.raised(dispute())
        refusal = await refused(world.escalate(1))
        assert "D16-TOO-EARLY" == refusal.details["rule"]
        world.nodes.clock.advance(timedelta(days=30))
        shown = await world.both_show()
        assert (dpb.DISPUTE_STATE_RAISED, HOME, 17, 30) == (
            shown.state,
            shown.owner,
            shown.overdue_days,
            shown.age_days,
        )
        await world.escalate(1)
        shown = await world.both_show()
        assert (dpb.DISPUTE_STATE_ESCALATED, 1, "BOTH", "DECIDE_TOGETHER") == (
            shown.state,
            shown.level,
            shown.owner,
            shown.next_action,
        )
        # The departments' term runs into a year whose calendar nobody has published.
        assert ("", 2027, 0) == (
            shown.due_date,
            shown.calendar_missing_year,
            shown.overdue_days,
        )
        refusal = await refused(world.escalate(2))
        assert "D18-CALENDAR" == refusal.details["rule"]


async def test_above_the_two_both_must_say_the_same(tmp_path: Path) -> None:
    """One word leaves it open and with the other; an answer counts no more."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        await world.raised(dispute())
        await world.contest()
        await world.escalate(1, by=HOME)
        refusal = await refused(world.agree(REVERSE))
        assert "D15-ESCALATED" == refusal.details["rule"]
        refusal = await refused(world.escalate(1))
        assert "D17-LEVEL" == refusal.details["rule"]
        await world.close_dispute(NONE, by=HOME)
        shown = await world.both_show()
        assert (dpb.DISPUTE_STATE_ESCALATED, HOST, "CLOSE", "CLOSURE_SAID") == (
            shown.state,
            shown.owner,
            shown.next_action,
            shown.steps[-1].step,
        )
        await world.close_dispute(NONE)
        assert dpb.DISPUTE_STATE_CLOSED == (await world.both_show()).state
        for said in (world.contest(), world.close_dispute(NONE), world.escalate(2)):
            assert "D14-CLOSED" == (await refused(said)).details["rule"]


async def test_what_cannot_be_raised(tmp_path: Path) -> None:
    """A line nobody filed, a taken number, the same claim again; each is named, and none stays."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1", "S2")
        await world.raised(dispute())
        log = LogName.settlement(HOST, HOME)
        before = world[HOST].node.logs.reader.position(log).size
        refusal = await refused(
            world.raised(
                dispute("D2", "S9"),
                dispute("D1", "S2"),
                dispute("D3"),
                dispute("D4", "S2"),
                dispute("D5", "S2"),
                dispute("D6", claim=epb.DISPUTE_CLAIM_DAYS),
            )
        )
        # Its own log alone shows that a number is taken: the rest is not asked then.
        assert [("disputes[1]", "D05-ID-TAKEN")] == [
            (each.field, each.description.partition(":")[0]) for each in refusal.violations
        ]
        refusal = await refused(
            world.raised(
                dispute("D2", "S9"),
                dispute("D3"),
                dispute("D4", "S2"),
                dispute("D5", "S2"),
                dispute("D6", claim=epb.DISPUTE_CLAIM_DAYS),
            )
        )
        assert [
            ("disputes[0]", "D12-LINE-UNKNOWN", "S9"),
            ("disputes[1]", "D13-OPEN-ALREADY", f"S1 {D1}"),
            ("disputes[3]", "D13-OPEN-ALREADY", f"S2 {HOST}-D4"),
        ] == [
            (each.field, each.description.partition(":")[0], each.value)
            for each in refusal.violations
        ]
        assert Reason.NOT_FOUND is refusal.reason
        assert before == world[HOST].node.logs.reader.position(log).size
        # The other side may dispute the same line; and the own one again, once it is closed.
        await world.raised(dispute("D1", by=HOME), by=HOME)
        await world.close_dispute(NONE)
        await world.raised(dispute("D3"))
        assert [D1, f"{HOME}-D1", f"{HOST}-D3"] == [
            each.dispute.dispute_id
            for each in await world.listed(HOME, states=dpb.DisputeState.values()[1:])
        ]


async def test_every_field_is_named_at_once(tmp_path: Path) -> None:
    """What cannot be read in any dispute of the batch, and how long a batch may be."""
    async with DisputeWorld.open(tmp_path) as world:
        bad = dispute("D2", "S 1", reason="the amount is wrong")
        refusal = await refused(world.raised(dispute(claim=0), bad))
        assert (
            Reason.INVALID_FIELD,
            ["disputes[0].claim", "disputes[1].settlement_no", "disputes[1].reason"],
        ) == (refusal.reason, [each.field for each in refusal.violations])
        many = [dispute(f"D{number}") for number in range(101)]
        for batch in ([], many):
            refusal = await refused(world.raised(*batch))
            assert ["disputes"] == [each.field for each in refusal.violations]
        refusal = await refused(world.contest(f"{HOST}-D1", by=HOST))
        assert "D06-OTHER-SIDE" == refusal.details["rule"]
        refusal = await refused(world.contest())
        assert (Reason.NOT_FOUND, "D11-UNKNOWN") == (refusal.reason, refusal.details["rule"])
        refusal = await refused(world.shown(HOST))
        assert Reason.NOT_FOUND is refusal.reason
        call = world.call(HOST, "GetDispute")
        for name in ("D1", "disputes/D1"):
            request = dpb.GetDisputeRequest(name=name)
            refusal = await refused(world.disputes[HOST].get_dispute(request, call))
            assert ["name"] == [each.field for each in refusal.violations]


async def test_duties_stay_apart(tmp_path: Path) -> None:
    """Who pays raises no dispute; who raised one pays nothing: the log is read for it."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        policy = epb.SubsidyPolicy(
            subsidy_kind=KIND,
            unit=epb.SUBSIDY_UNIT_DAY,
            rate_fen=10_000,
            cap_fen=310_000,
            from_date="2026-01-01",
        )
        await world.registry(HOST, *entries("subsidy_policy", policy))
        request = dpb.RaiseDisputesRequest(
            disputes=[dispute()], duty=Duty(maker="reg-1", reviewer="rv-9")
        )
        refusal = await refused(world.say(HOST, request))
        assert "S24-MAKER-COMBINED" == refusal.details["rule"]
        request = dpb.RaiseDisputesRequest(
            disputes=[dispute()], duty=Duty(maker="mk-7", reviewer="rv-7")
        )
        await world.say(HOST, request)
        for principal in ("mk-7", "rv-7"):
            with pytest.raises(Refusal):
                await world[HOST].node.database.read(
                    partial(
                        require_apart,
                        author=HOST,
                        principals=[principal],
                        kind=DutyKind.PAYMENT,
                    )
                )


# --- Remedies -------------------------------------------------------------------------------------


async def revise(world: DisputeWorld, province: str, index: int, **changes: Any) -> None:
    """Replace the record S1 of a province."""
    record = world.record("S1", 1, replaces_index=index, **changes)
    answer = await world.file(province, [record])
    assert not answer.refusal_reason, answer
    await world.known(province)


async def first_index(world: DisputeWorld, province: str) -> int:
    """Return the place of the first record of a province."""
    answer = await world[province].settlement.list_records(
        spb.ListRecordsRequest(
            partner=HOST if province == HOME else HOME, view=spb.RECORD_VIEW_OWN
        ),
        world.call(province),
    )
    return answer.records[0].entry.index


async def missing(world: DisputeWorld) -> list[str]:
    """Return who both nodes say has not done their part."""
    return list((await world.both_show()).remedy_missing)


async def test_revised_means_that_both_say_the_same(tmp_path: Path) -> None:
    """A revision since the dispute was raised, and equal records; equal ones alone show nothing."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        places = {each: await first_index(world, each) for each in (HOME, HOST)}
        await world.raised(dispute())
        await world.agree(REVISE)
        assert [HOST, HOME] == await missing(world)
        await revise(world, HOST, places[HOST], amount_fen=290_000)
        assert [HOME] == await missing(world)
        refusal = await refused(world.close_dispute(REVISE))
        assert f"REVISE {HOME}" == refusal.details["missing"]
        await revise(world, HOME, places[HOME], amount_fen=280_000)
        assert [HOST, HOME] == await missing(world)
        last = world[HOME].node.logs.reader.position(LogName.settlement(HOME, HOST)).size - 1
        await revise(world, HOME, last, amount_fen=290_000)
        assert [] == await missing(world)
        await world.close_dispute(REVISE)
        assert dpb.DISPUTE_STATE_CLOSED == (await world.both_show()).state


async def test_one_side_that_was_wrong_revises_alone(tmp_path: Path) -> None:
    """Where the other was right all along, its record stands as it is."""
    async with DisputeWorld.open(tmp_path) as world:
        await world.file(HOST, [world.record("S1", 1)])
        await world.file(HOME, [world.record("S1", 1, amount_fen=310_000)])
        for province in (HOME, HOST):
            await world.known(province)
        place = await first_index(world, HOME)
        await world.raised(dispute())
        await world.agree(REVISE)
        await revise(world, HOME, place)
        assert [] == await missing(world)


async def test_a_side_that_never_filed(tmp_path: Path) -> None:
    """Filing is owed by the side that has no record; who reversed has none either."""
    async with DisputeWorld.open(tmp_path) as world:
        await world.file(HOST, [world.record("S1", 1)])
        await world.known(HOST)
        await world.raised(dispute(claim=epb.DISPUTE_CLAIM_CLEARING))
        await world.agree(FILE)
        assert [HOME] == await missing(world)
        await world.file(HOME, [world.record("S1", 1)])
        await world.known(HOME)
        assert [] == await missing(world)
        await world.reverse(HOST, "S1")
        await world.known(HOST)
        assert [HOST] == await missing(world)


@pytest.mark.slow
async def test_what_is_cleared_is_not_revised(tmp_path: Path) -> None:
    """After clearing there are only reversals: agreeing to revise is refused with that."""
    async with DisputeWorld.open(tmp_path) as world:
        await world.facts()
        await opened(world, "S1")
        await world.night(1)
        assert {"MATCHED": ["S1"]} == await world.classes(1)
        await world.raised(dispute())
        refusal = await refused(world.agree(REVISE))
        assert "D20-CLEARED" == refusal.details["rule"]
        await world.agree(REVERSE)
        assert [HOST, HOME] == await missing(world)
        for province in (HOME, HOST):
            await world.reverse(province, "S1")
            await world.known(province)
        await world.close_dispute(REVERSE)
        assert dpb.DISPUTE_STATE_CLOSED == (await world.both_show()).state
        assert day(1) == (await world.pair_night(HOME, 1)).business_date


# --- What is known when ---------------------------------------------------------------------------


async def test_a_past_moment_is_answered_as_it_was(tmp_path: Path) -> None:
    """Words, remedies and deadlines of then; before it was raised there is none."""
    async with DisputeWorld.open(tmp_path) as world:
        clock = world.nodes.clock
        before = clock.now()
        clock.advance(timedelta(hours=1))
        await opened(world, "S1")
        moments = []
        shown = []
        for step in (
            lambda: world.raised(dispute()),
            lambda: world.agree(REVERSE),
            lambda: world.reverse(HOME, "S1"),
            lambda: world.reverse(HOST, "S1"),
            lambda: world.close_dispute(REVERSE),
        ):
            clock.advance(timedelta(hours=1))
            await step()
            for province in (HOME, HOST):
                await world.known(province)
            moments.append(clock.now())
            shown.append(await world.both_show())
        for province in (HOME, HOST):
            assert shown == [await world.shown(province, known_time=moment) for moment in moments]
            refusal = await refused(world.shown(province, known_time=before))
            assert Reason.NOT_FOUND is refusal.reason
            refusal = await refused(
                world.shown(province, known_time=clock.now() + timedelta(seconds=1))
            )
            assert ["known_time"] == [each.field for each in refusal.violations]


async def test_a_clock_that_runs_ahead_of_ours(tmp_path: Path) -> None:
    """A word that would fall behind the partner's in time is not written without effect."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        await world.raised(dispute())
        await world.contest()
        # The rows say what a partner's faster clock would have made them say.
        ahead = world.nodes.clock.now() + timedelta(seconds=5)
        await world[HOST].node.database.write(
            lambda c: c.execute(update(word).values(entry_time=ahead))
        )
        with pytest.raises(Unavailable) as caught:
            await world.escalate(1)
        assert (Reason.STALE, True) == (caught.value.reason, caught.value.retryable)
        world.nodes.clock.advance(timedelta(seconds=5))
        await world.escalate(1)
        assert dpb.DISPUTE_STATE_ESCALATED == (await world.shown(HOST)).state


async def test_lists_and_pages(tmp_path: Path) -> None:
    """Oldest first, by partner, line and state, in pages that lose and repeat nothing."""
    async with DisputeWorld.open(tmp_path) as world:
        numbers = [f"S{number}" for number in range(7)]
        await opened(world, *numbers)
        for position, number in enumerate(numbers):
            by = (HOST, HOME)[position % 2]
            world.nodes.clock.advance(timedelta(seconds=1))
            await world.raised(dispute(f"D{position}", number, by=by), by=by)
        await world.close_dispute(NONE, f"{HOST}-D2")
        wanted = [f"{(HOST, HOME)[position % 2]}-D{position}" for position in range(7)]
        wanted.remove(f"{HOST}-D2")
        for size in (1, 2, 3, 100):
            listed = await world.listed(HOME, page_size=size)
            assert wanted == [each.dispute.dispute_id for each in listed]
        assert wanted == [
            each.dispute.dispute_id for each in await world.listed(HOME, partner=HOST)
        ]
        assert [] == await world.listed(HOME, partner="330000")
        only = await world.listed(HOST, settlement_no="S3")
        assert [f"{HOME}-D3"] == [each.dispute.dispute_id for each in only]
        closed = await world.listed(HOST, states=[dpb.DISPUTE_STATE_CLOSED])
        assert [f"{HOST}-D2"] == [each.dispute.dispute_id for each in closed]
        for bad, field in (
            (dpb.ListDisputesRequest(partner=HOME), "partner"),
            (dpb.ListDisputesRequest(states=[0]), "states"),  # type: ignore[list-item]
            (dpb.ListDisputesRequest(page_size=1_001), "page_size"),
            (dpb.ListDisputesRequest(page_token="xx"), "page_token"),
        ):
            call = world.call(HOME, "ListDisputes")
            refusal = await refused(world.disputes[HOME].list_disputes(bad, call))
            assert [field] == [each.field for each in refusal.violations]


async def test_a_repeated_request_gets_its_first_answer(tmp_path: Path) -> None:
    """A retry raises nothing twice, and what was refused under an id stays refused."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        request = dpb.RaiseDisputesRequest(request_id=world.request_id(), disputes=[dispute()])
        assert await world.say(HOST, request) == await world.say(HOST, request)
        assert 1 == len(await world.listed(HOST))


# --- What lasts -----------------------------------------------------------------------------------


async def test_it_survives_a_rebuild(tmp_path: Path) -> None:
    """Projected anew from the logs, each node shows what it showed."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        await world.raised(dispute())
        await world.contest()
        before = await world.both_show()
        for province in (HOME, HOST):
            for author, partner in ((HOME, HOST), (HOST, HOME)):
                await world[province].node.logs.rebuild(LogName.settlement(author, partner))
        assert before == await world.both_show()


async def test_a_partner_that_is_gone_misses_nothing(tmp_path: Path) -> None:
    """What is said meanwhile stands at the own node, and at the other when it is back."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        await world[HOME].node.stop()
        await world.raised(dispute())
        shown = await world.shown(HOST)
        assert (dpb.DISPUTE_STATE_RAISED, HOME) == (shown.state, shown.owner)
        await world[HOME].node.start()
        await world[HOME].node.confirmed()
        world.attach(HOME)
        await world.known(HOST)
        assert shown == await world.both_show()


@pytest.mark.slow
async def test_a_node_without_its_database_takes_all_back(tmp_path: Path) -> None:
    """From its partner's copies it comes to the same disputes, and goes on."""
    async with DisputeWorld.open(tmp_path) as world:
        await opened(world, "S1")
        await world.raised(dispute())
        await world.contest()
        before = await world.both_show()
        await world[HOME].node.stop()
        replace_database(world[HOME].node, None)
        await world[HOME].node.start()
        await world[HOME].node.confirmed()
        world.attach(HOME)
        for province in (HOST, HOME):
            await world.known(province)
        assert before == await world.both_show()
        await world.agree(REVERSE)
        assert dpb.DISPUTE_STATE_AGREED == (await world.both_show()).state
