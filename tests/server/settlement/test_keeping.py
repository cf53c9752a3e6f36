"""Nights that diverge, nodes that are away, and nodes that close and run by themselves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from server.settlement import keeper as keeping
from server.settlement.keeper import NightKeeper, next_wake_time
from tests.server.settlement.world import HOME, HOST, World, day

DIVERGED = cpb.PAIR_NIGHT_STATE_DIVERGED
AGREED = cpb.PAIR_NIGHT_STATE_AGREED


async def test_diverged_night(tmp_path: Path) -> None:
    """Nothing is netted, the first difference is shown, later dates wait for an agreed attempt."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(*(world.record(f"S{number:03d}", number) for number in range(40)))
        compare = cpb.CompareNightsRequest(partner=HOST, business_date=day(1))
        with pytest.raises(Refusal, match="Both have to state"):
            await world[HOME].clearing.compare_nights(compare, world.call(HOME))
        # 1. A damaged table, which only a rebuild mends.
        damage = text(
            "UPDATE settlement_record SET amount_fen = 7 WHERE settlement_no = 'S017'"
            " AND author = :author"
        )
        await world[HOST].node.database.write(lambda c: c.execute(damage, {"author": HOST}))
        night = await world.night(1)
        assert (DIVERGED, "DIGESTS_DIFFER") == (night.state, night.waiting_for)
        assert 1 == night.attempt
        # 2. The first difference, seen from either side.
        shown = await world[HOME].clearing.compare_nights(compare, world.call(HOME))
        assert (1, 0) == (shown.attempt, shown.leaf_index)
        own, partner = shown.own_line.split("\x1f"), shown.partner_line.split("\x1f")
        assert [HOME, HOST, "S017", "MATCHED"] == own[:4]
        assert [HOME, HOST, "S017", "AMOUNT"] == partner[:4]
        other = await world[HOST].clearing.compare_nights(
            cpb.CompareNightsRequest(partner=HOME, business_date=day(1)), world.call(HOST)
        )
        assert (shown.partner_line, shown.own_line) == (other.own_line, other.partner_line)
        # 3. The next date waits.
        await world.close(2)
        await world.run()
        assert DIVERGED == (await world.pair_night(HOME, 1)).state
        # 4. Mended, the host makes another attempt, once for one request; home follows.
        log = LogName.settlement(HOST, HOME)
        await world[HOST].node.logs.rebuild(log)
        request = cpb.RunNightRequest(
            request_id=world.request_id(), partner=HOME, retry_diverged=True
        )
        answer = await world[HOST].clearing.run_night(request, world.call(HOST, "RunNight"))
        assert [2] == [each.attempt for each in answer.nights]
        assert not (await world[HOST].clearing.run_night(request, world.call(HOST))).nights
        await world.settled()
        await world.run()
        assert [(AGREED, 2), (AGREED, 1)] == [
            (each.state, each.attempt)
            for each in [await world.pair_night(HOME, number) for number in (1, 2)]
        ]
        assert {"MATCHED": [f"S{number:03d}" for number in range(40)]} == await world.classes(1)
        with pytest.raises(Refusal, match="Both have to state"):
            await world[HOME].clearing.compare_nights(compare, world.call(HOME))


async def test_a_node_that_was_away_comes_to_the_same_result(tmp_path: Path) -> None:
    """Stopped while the host files and closes, home catches up, and the night is what it is."""
    async with World.open(tmp_path) as world:
        await world.facts()
        records = [world.record(f"S{number}", number) for number in range(20)]
        await world.file(HOME, records[:15])
        await world[HOME].node.stop()
        await world.file(HOST, records)
        await world[HOME].node.start()
        await world[HOME].node.confirmed()
        world.attach(HOME)
        night = await world.night(1)
        assert AGREED == night.state
        expected = {
            "MATCHED": sorted(f"S{number}" for number in range(15)),
            "IN_TRANSIT": sorted(f"S{number}" for number in range(15, 20)),
        }
        assert expected == await world.classes(1)
        assert expected == await world.classes(1, HOST)


def _keepers(world: World) -> list[NightKeeper]:
    """Return what closes dates and runs nights at both nodes."""
    return [
        NightKeeper(
            province=province,
            nights=world[province].nights,
            closer=world[province].settlement.closer,
            reader=world[province].node.logs.reader,
            clock=world.nodes.clock,
            close_time=(0, 30),
        )
        for province in (HOME, HOST)
    ]


async def test_nodes_close_and_run_by_themselves(tmp_path: Path) -> None:
    """With an hour to close at, both nodes close what is due and the nights follow."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        keepers = _keepers(world)
        for keeper in keepers:
            await keeper.start()
        try:
            async with asyncio.timeout(120):
                while (await world.pair_night(HOME, 1)).state != AGREED:
                    await world.settled()
        finally:
            for keeper in keepers:
                await keeper.stop()
        assert {"MATCHED": ["S1"]} == await world.classes(1)
        closes = await world[HOME].settlement.closer.list_closes()
        found = {each.log: each.last_closed_date for each in closes.closes}
        assert day(21) == found[str(LogName.settlement(HOME, HOST))], "the 22nd has not ended"


def test_next_wake_time() -> None:
    """The hour comes today or tomorrow, in Asia/Shanghai."""
    now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)  # 16:00 in Shanghai
    assert datetime(2026, 11, 22, 16, 30, tzinfo=UTC) == next_wake_time(now, (0, 30))
    assert datetime(2026, 11, 22, 8, 1, tzinfo=UTC) == next_wake_time(now, (16, 1))
    assert datetime(2026, 11, 23, 8, 0, tzinfo=UTC) == next_wake_time(now, (16, 0))


def _broken_once(
    monkeypatch: pytest.MonkeyPatch, room: object, name: str
) -> tuple[asyncio.Event, asyncio.Event]:
    """Let a duty's first call fail as it does while the database is gone.

    Returns:
        What is set when it failed, and when it worked.
    """
    real: Callable[..., Awaitable[Any]] = getattr(room, name)
    failed, worked = asyncio.Event(), asyncio.Event()

    async def call(*given: object) -> object:
        if not failed.is_set():
            failed.set()
            raise OperationalError("SELECT", {}, Exception("connection lost"))
        answer = await real(*given)
        worked.set()
        return answer

    monkeypatch.setattr(room, name, call)
    return failed, worked


class _Quiet:
    """A reader that tells of one change, and of nothing more."""

    async def changes(self) -> AsyncIterator[frozenset[LogName]]:
        """Yield it."""
        yield frozenset({LogName.settlement(HOME, HOST)})
        await asyncio.Event().wait()


async def test_duties_outlive_a_database_that_was_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dates are closed and nights run though each failed in its turn, and nothing else happens."""
    monkeypatch.setattr(keeping, "_RETRY_S", 0.1)
    async with World.open(tmp_path) as world:
        room = world[HOME]
        no_closing, closed = _broken_once(monkeypatch, room.settlement.closer, "close_due")
        _, run = _broken_once(monkeypatch, room.nights, "run_due")
        keeper = NightKeeper(
            province=HOME,
            nights=room.nights,
            closer=room.settlement.closer,
            reader=_Quiet(),  # type: ignore[arg-type]  # as far as it is asked
            clock=world.nodes.clock,
            close_time=(0, 30),
        )
        await keeper.start()
        try:
            async with asyncio.timeout(10):
                await no_closing.wait()
                world.nodes.clock.advance(timedelta(seconds=1))
                await closed.wait()
                await run.wait()
        finally:
            await keeper.stop()
