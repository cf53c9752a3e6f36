"""Demands for what was cleared: who may state one, what it says, and where it stands."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deltacare.approvals import ApprovalSubject, clawback_hash
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.types_pb2 import Duty
from server.settlement.clawbacks import due_date
from tests.server.settlement.world import DUTY, HOME, HOST, World, entries
from tests.support.signing import approvals

STATES = spb.ClawbackState


def demand(
    number: str, *, amount_fen: int = 300_000, signed: bool = True, **changes: object
) -> epb.Clawback:
    """Return a demand of home's for a settlement, signed by both."""
    body = epb.Clawback(
        clawback_id=f"{HOME}-C-{number}",
        settlement_no=number,
        home=HOME,
        host=HOST,
        amount_fen=amount_fen,
        reason="DEATH",
    )
    for name, value in changes.items():
        setattr(body, name, value)
    if signed:
        body.approvals.extend(
            approvals(DUTY, ApprovalSubject.CLAWBACK, clawback_hash(body), province=HOME)
        )
    return body


async def demand_back(
    world: World, *bodies: epb.Clawback, province: str = HOME, request_id: str = ""
) -> spb.FileClawbacksResponse:
    """Demand settlements back."""
    return await world[province].settlement.file_clawbacks(
        spb.FileClawbacksRequest(
            request_id=request_id or world.request_id(),
            duty=DUTY,
            partner=HOST if province == HOME else HOME,
            clawbacks=bodies,
        ),
        world.call(province, "FileClawbacks"),
    )


async def demands(world: World, province: str = HOME) -> list[spb.StandingClawback]:
    """Return the demands of the pair as one node sees them."""
    answer = await world[province].settlement.list_clawbacks(
        spb.ListClawbacksRequest(partner=HOST if province == HOME else HOME), world.call(province)
    )
    return list(answer.clawbacks)


async def seen(world: World) -> None:
    """Wait until the host holds all of home's log."""
    log = LogName.settlement(HOME, HOST)
    size = world[HOME].node.logs.reader.position(log).size
    await world[HOST].node.has_quorum(log, size)


async def cleared(world: World, *numbers: str) -> None:
    """Clear settlements in the first night; two people of home have keys."""
    await world.facts()
    await world.approvers(HOME, DUTY.maker, DUTY.reviewer)
    await world.both(*(world.record(each, place) for place, each in enumerate(numbers)))
    await world.night(1)
    assert {"MATCHED": sorted(numbers)} == await world.classes(1)


async def test_a_demand_runs_its_course(tmp_path: Path) -> None:
    """Demanded with the own reversal, disputed, answered by the host's, recovered by the night."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1")
        answer = await demand_back(world, demand("S1"))
        assert 2 == answer.appended.entry_count
        await seen(world)
        for province in (HOME, HOST):
            (standing,) = await demands(world, province)
            # Ten working days after Sunday, 22 November, by the clock: the log is behind it.
            assert (STATES.CLAWBACK_STATE_DEMANDED, "2026-12-04", "") == (
                standing.state,
                standing.due_date,
                standing.approvals_rule,
            )
            assert 300_000 == standing.clawback.amount_fen
        night = await world.night(2)
        assert 0 == night.lower_result.higher_pays_fen
        assert {"REVERSED_ONE_SIDE": ["S1"]} == await world.classes(2)
        # A dispute from before the demand is no answer to it; one that was raised since is.
        world.disputed["S1"] = datetime(2026, 11, 19, tzinfo=UTC)
        (standing,) = await demands(world)
        assert STATES.CLAWBACK_STATE_DEMANDED == standing.state
        world.disputed["S1"] = datetime(2026, 11, 30, tzinfo=UTC)
        (standing,) = await demands(world)
        assert STATES.CLAWBACK_STATE_DISPUTED == standing.state
        world.disputed.clear()
        await world.reverse(HOST, "S1")
        (standing,) = await demands(world, HOST)
        assert (STATES.CLAWBACK_STATE_ANSWERED, "") == (standing.state, standing.due_date)
        night = await world.night(3)
        assert -300_000 == night.lower_result.higher_pays_fen
        for province in (HOME, HOST):
            (standing,) = await demands(world, province)
            assert STATES.CLAWBACK_STATE_RECOVERED == standing.state


async def test_a_reversal_that_was_filed_is_not_filed_again(tmp_path: Path) -> None:
    """The demand alone is appended, and the night nets the settlement once."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1", "S2")
        await world.reverse(HOME, "S1")
        answer = await demand_back(world, demand("S1"), demand("S2"))
        assert 3 == answer.appended.entry_count
        await world.reverse(HOST, "S1", "S2")
        assert -600_000 == (await world.night(2)).lower_result.higher_pays_fen
        assert 0 == (await world.night(3)).lower_result.higher_pays_fen


async def test_what_is_refused_where_it_is_written(tmp_path: Path) -> None:
    """Each refusal names its rule; nothing of the batch is appended."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1", "S2", "S3")
        await world.file(HOME, [world.record("OPEN", 9)])
        log = LogName.settlement(HOME, HOST)
        size = world[HOME].node.logs.reader.position(log).size
        forged = demand("S1")
        forged.reason = "FRAUD"
        for bodies, rule in (
            ((demand("S1"), demand("OPEN")), "S27"),
            ((demand("NEVER"),), "S27"),
            ((demand("S1", amount_fen=299_999),), "S28"),
            ((demand("S1", signed=False),), "A"),
            ((forged,), "A"),
        ):
            with pytest.raises(Refusal) as refused:
                await demand_back(world, *bodies)
            named = [each.description for each in refused.value.violations]
            assert any(each.startswith(rule) for each in named), (rule, named)
        assert size == world[HOME].node.logs.reader.position(log).size
        await demand_back(world, demand("S1"))
        for body, rule in (
            (demand("S1", clawback_id=f"{HOME}-C-other", signed=False), "S26"),
            (demand("S2", clawback_id=f"{HOME}-C-S1", signed=False), "S25"),
        ):
            with pytest.raises(Refusal, match=rule):
                await demand_back(world, body)
        await world.reverse(HOST, "S1")
        await world.reverse(HOME, "S3")
        await world.reverse(HOST, "S3")
        await world.night(2)
        with pytest.raises(Refusal, match="S27"):
            await demand_back(world, demand("S3"))


async def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Every fault of a batch with its place; a host demands nothing."""
    async with World.open(tmp_path) as world:
        body = epb.Clawback(
            clawback_id="C1", settlement_no="a b", home=HOME, host=HOST, document_hash=b"short"
        )
        with pytest.raises(Refusal) as refused:
            await demand_back(world, body, body)
        assert {
            f"clawbacks[{position}].{name}"
            for position in (0, 1)
            for name in ("clawback_id", "settlement_no", "amount_fen", "reason", "document_hash")
        } == {each.field for each in refused.value.violations}
        with pytest.raises(Refusal) as refused:
            await demand_back(world, demand("S1"), province=HOST)
        assert "clawbacks[0].home" in {each.field for each in refused.value.violations}
        assert Reason.INVALID_FIELD is refused.value.reason


async def test_a_repeated_request_demands_once(tmp_path: Path) -> None:
    """The first answer comes again."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1")
        request_id = world.request_id()
        first = await demand_back(world, demand("S1"), request_id=request_id)
        assert first == await demand_back(world, demand("S1"), request_id=request_id)
        assert 1 == len(await demands(world))


async def test_who_sets_policy_demands_nothing(tmp_path: Path) -> None:
    """Making and reviewing demands are the duties of who files records."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1")
        duty = Duty(maker="reg-1", reviewer="rv-1")
        await world.approvers(HOME, duty.maker)
        body = demand("S1", signed=False)
        body.approvals.extend(
            approvals(duty, ApprovalSubject.CLAWBACK, clawback_hash(body), province=HOME)
        )
        with pytest.raises(Refusal, match="S24"):
            await world[HOME].settlement.file_clawbacks(
                spb.FileClawbacksRequest(
                    request_id=world.request_id(), duty=duty, partner=HOST, clawbacks=[body]
                ),
                world.call(HOME, "FileClawbacks"),
            )


def test_a_year_without_a_calendar_is_said() -> None:
    """The last day to answer lies in a year whose calendar is not published: nobody guesses it."""
    made, demanded = datetime(2026, 11, 1, tzinfo=UTC), STATES.CLAWBACK_STATE_DEMANDED
    assert ("2026-12-31", "") == (
        due_date("2026-12-17", made, demanded),
        due_date("2026-12-18", made, demanded),
    )
    assert "" == due_date("2026-11-02", made, STATES.CLAWBACK_STATE_ANSWERED)


def test_a_log_that_is_behind_shortens_no_term() -> None:
    """The term runs from the day the demand was made, in Shanghai, if that is the later one."""
    evening = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    for state in (STATES.CLAWBACK_STATE_DEMANDED, STATES.CLAWBACK_STATE_DISPUTED):
        # Ten working days after Monday, 23 November.
        assert "2026-12-07" == due_date("2026-09-28", evening, state)


async def test_demands_that_are_void(tmp_path: Path) -> None:
    """By their own log alone: of another's home, unreadable, never filed, twice."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1", "S2")
        log = LogName.settlement(HOME, HOST)
        first = await world[HOME].node.append(
            log,
            entries(
                "clawback",
                demand("S1"),
                demand("S1", clawback_id=f"{HOME}-C-again"),
                demand("S2", clawback_id=f"{HOME}-C-S1"),
                demand("S9"),
                demand("S2", amount_fen=0),
                demand("S2", home=HOST, host=HOME),
                demand("S2", host="330000"),
            ),
        )
        await seen(world)
        expected = ["S26", "S25", "S11", "S04", "S03", "S02"]
        for province in (HOME, HOST):
            voids = [
                (index - first, rule.partition("-")[0])
                for index, rule in await world.voids(province, log)
                if index >= first
            ]
            assert list(enumerate(expected, start=1)) == voids
            assert ["S1"] == [
                each.clawback.settlement_no for each in await demands(world, province)
            ]


async def test_approvals_are_judged_again_where_they_are_read(tmp_path: Path) -> None:
    """A demand whose signatures do not fit stands in the log; whoever reads it is told the rule."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1")
        await world[HOME].node.append(
            LogName.settlement(HOME, HOST), entries("clawback", demand("S1", signed=False))
        )
        await seen(world)
        for province in (HOME, HOST):
            (standing,) = await demands(world, province)
            assert standing.approvals_rule.startswith("A")


async def test_a_rebuild_brings_the_same_demands(tmp_path: Path) -> None:
    """They follow from the logs."""
    async with World.open(tmp_path) as world:
        await cleared(world, "S1")
        await demand_back(world, demand("S1"))
        await seen(world)
        before = await demands(world, HOST)
        await world[HOST].node.logs.rebuild(LogName.settlement(HOME, HOST))
        await world.run(HOST)
        assert before == await demands(world, HOST)
