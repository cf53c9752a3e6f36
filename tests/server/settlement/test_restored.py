"""Nodes that lost their nights, or come to a pair late: every night is what it was."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete

from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import settlement_service_pb2 as spb
from server.log.tables import requests
from server.settlement.pins import Waiting
from tests.server.settlement.world import HOME, HOST, World, day
from tests.support.nodes import Node

pytestmark = pytest.mark.long

AGREED = cpb.PAIR_NIGHT_STATE_AGREED
NIGHTS = (1, 2, 3)


def database_path(node: Node) -> Path:
    """Return the file of a node's database."""
    return Path(node.url.removeprefix("sqlite:///"))


async def start(world: World, province: str) -> None:
    """Start a node that was stopped, and its rooms."""
    await world[province].node.start()
    await world[province].node.confirmed()
    world.attach(province)


async def lose(world: World, province: str, copy: Path | None) -> None:
    """Stop a node and put an old copy of its database in its place, or nothing at all."""
    await world[province].node.stop()
    replace_database(world[province].node, copy)


def replace_database(node: Node, copy: Path | None) -> None:
    """Put a copy in the place of a stopped node's database, or nothing at all."""
    path = database_path(node)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    if copy is not None:
        shutil.copy(copy, path)


@pytest.mark.parametrize("has_copy", [True, False], ids=["old copy", "empty database"])
async def test_a_restored_node_recomputes_the_nights_it_lost(
    tmp_path: Path, *, has_copy: bool
) -> None:
    """From its partners' logs it comes to every agreed night again, and the next date clears."""
    async with World.open(tmp_path) as world:
        await world.facts()
        copy = tmp_path / "old.db" if has_copy else None
        if copy is not None:
            await world[HOME].node.stop()
            shutil.copy(database_path(world[HOME].node), copy)
            await start(world, HOME)
        for number in NIGHTS:
            await world.both(world.record(f"S{number}", number))
            assert AGREED == (await world.night(number)).state
        before = [await world.pair_night(HOME, number) for number in NIGHTS]
        await lose(world, HOME, copy)
        await start(world, HOME)
        await world.settled()
        await world.run(HOME)
        assert before == [await world.pair_night(HOME, number) for number in NIGHTS]
        for number in NIGHTS:
            assert {"MATCHED": [f"S{number}"]} == await world.classes(number)
        await world.both(world.record("S4", 4))
        night = await world.night(4)
        assert (AGREED, day(4)) == (night.state, night.business_date)
        assert {"MATCHED": ["S4"]} == await world.classes(4) == await world.classes(4, HOST)


async def test_a_result_that_comes_back_meanwhile_is_not_stated_again(tmp_path: Path) -> None:
    """What a node computes while its own log still comes back, it had stated: it says it once."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.close(1)
        for author, other in ((HOME, HOST), (HOST, HOME)):
            log = LogName.settlement(author, other)
            await world[other].node.has_quorum(log, 1)
            await world[author].node.has_quorum(log, 1)
        home, registry = world[HOME], LogName.registry(HOME)
        positions = home.nights.positions()
        due = await home.node.database.read(lambda c: home.nights._look(c, HOST, positions))
        assert not isinstance(due, Waiting)
        await world.run(HOME)
        size = home.node.logs.reader.position(registry).size
        # The answers to requests are in no log: they do not come back.
        await home.node.database.write(lambda c: c.execute(delete(requests)))
        await home.nights._compute(HOST, due, attempt=1)
        assert size == home.node.logs.reader.position(registry).size
        assert [] == await world.voids(HOME, registry)


async def test_a_lost_close_waits_for_its_cosignature_by_that_name(tmp_path: Path) -> None:
    """Before any result brings the cosigned checkpoint, the close is what the night waits for."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.night(1)
        await world.close(2)
        await world.both(world.record("S1", 1))
        for author, other in ((HOME, HOST), (HOST, HOME)):
            log = LogName.settlement(author, other)
            size = world[author].node.logs.reader.position(log).size
            await world[other].node.has_quorum(log, size)
        await lose(world, HOME, None)
        await start(world, HOME)
        await world.settled()
        await world.run(HOME)
        assert AGREED == (await world.pair_night(HOME, 1)).state
        night = await world.pair_night(HOME, 2)
        assert night.waiting_for.startswith("CLOSE_NOT_COSIGNED ")
        # The partner holds the cosigned checkpoints: its result brings them.
        await world.run(HOST, HOME)
        assert AGREED == (await world.pair_night(HOME, 2)).state


async def test_a_partner_that_was_away_for_three_closes(tmp_path: Path) -> None:
    """It mirrors past the closes in one go, closes what it missed, and both agree on every date."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1", 1))
        await world[HOME].node.stop()
        for number in NIGHTS:
            await world.file(HOST, [world.record(f"H{number}", 10 + number)])
            await world[HOST].settlement.close_day(
                spb.CloseDayRequest(request_id=world.request_id(), business_date=day(number)),
                world.call(HOST, "CloseDay"),
            )
        await start(world, HOME)
        log = LogName.settlement(HOST, HOME)
        await world[HOME].node.holds(log, world[HOST].node.logs.reader.position(log).size)
        await world[HOME].settlement.close_day(
            spb.CloseDayRequest(request_id=world.request_id(), business_date=day(3)),
            world.call(HOME, "CloseDay"),
        )
        for author, other in ((HOME, HOST), (HOST, HOME)):
            log = LogName.settlement(author, other)
            for province in (author, other):
                size = world[author].node.logs.reader.position(log).size
                await world[province].node.has_quorum(log, size)
        for _ in NIGHTS:
            await world.run()
        states = [(await world.pair_night(HOST, number)).state for number in NIGHTS]
        assert [AGREED] * 3 == states
