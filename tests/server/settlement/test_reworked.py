"""After a rebuild nothing that rests on nights is answered until they are worked out again."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, TextClause, text

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import policy_service_pb2 as ppb
from deltacare.v1 import settlement_service_pb2 as spb
from tests.server.settlement.world import HOME, HOST, KIND, World, day, entries


def questions(world: World) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return what home is asked, each by its name."""
    room, call = world[HOME], world.call(HOME)
    settlement, clearing = room.settlement, room.clearing
    return {
        "budgets": lambda: room.policy.list_budgets(ppb.ListBudgetsRequest(), call),
        "records": lambda: settlement.list_records(
            spb.ListRecordsRequest(partner=HOST, view=spb.RECORD_VIEW_OWN), call
        ),
        "inbox": lambda: settlement.judge_inbox(spb.JudgeInboxRequest(partner=HOST), call),
        "overlaps": lambda: settlement.list_overlaps(
            spb.ListOverlapsRequest(other_home=HOME), call
        ),
        "clawbacks": lambda: settlement.list_clawbacks(
            spb.ListClawbacksRequest(partner=HOST), call
        ),
        "proposals": lambda: clearing.list_reversal_proposals(
            cpb.ListReversalProposalsRequest(partner=HOST), call
        ),
        "lines": lambda: clearing.list_lines(cpb.ListLinesRequest(partner=HOST), call),
        "counts": lambda: clearing.count_lines(cpb.CountLinesRequest(partner=HOST), call),
    }


def _execute(connection: Connection, *, query: TextClause) -> None:
    connection.execute(query)


async def stale(world: World) -> None:
    """Ask everything, and be told each time that nights are worked out again."""
    for name, ask in questions(world).items():
        with pytest.raises(Refusal) as caught:
            await ask()
        assert (name, Reason.STALE) == (name, caught.value.reason)
        assert f"{day(1)} {HOME}-{HOST}" == caught.value.details["night"]


async def test_nothing_is_answered_from_nights_that_are_missing(tmp_path: Path) -> None:
    """What was spent and cleared is not known meanwhile, and no date closes; then all is as was."""
    async with World.open(tmp_path) as world:
        budget = epb.Budget(home_division=HOME, year=2026, subsidy_kind=KIND, amount_fen=10_000_000)
        await world.registry(HOME, *entries("budget", budget))
        await world.facts()
        await world.both(world.record("S1"), world.record("S2", 1))
        await world.night(1)
        await world.file(HOME, [world.record("S3", 2)])
        before = {name: await ask() for name, ask in questions(world).items()}
        (spent,) = before["budgets"].budgets
        assert (600_000, 300_000) == (spent.consumed_fen, spent.reserved_fen)
        node = world[HOME].node
        for log in (
            LogName.registry(HOME),
            LogName.registry(HOST),
            LogName.settlement(HOME, HOST),
            LogName.settlement(HOST, HOME),
        ):
            await node.logs.rebuild(log)
        # 1. Before.
        await stale(world)
        with pytest.raises(Refusal) as caught:
            await world[HOME].settlement.close_day(
                spb.CloseDayRequest(request_id=world.request_id(), business_date=day(2)),
                world.call(HOME, "CloseDay"),
            )
        assert Reason.STALE == caught.value.reason
        await world.run(HOME)
        assert before == {name: await ask() for name, ask in questions(world).items()}
        # 2. Between working out and closing.
        mark = "UPDATE settlement_night SET agreed = {} WHERE partner = :partner"
        for state in (2, 1):
            query = text(mark.format(state)).bindparams(partner=HOST)
            await node.database.write(partial(_execute, query=query))
            if state > 1:
                await stale(world)
        assert before == {name: await ask() for name, ask in questions(world).items()}
        await world.night(2)
