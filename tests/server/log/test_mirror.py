"""Mirrors: catching up in parts, by whatever way is open, and cosigning what was verified."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.v1 import log_service_pb2 as pb
from server.log import tables
from server.log.ports import LogTx
from tests.support.nodes import (
    FAST,
    AnyProjector,
    FourNodes,
    NoAttachments,
    institution,
    record,
    until,
)

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = "310000", "320000", "330000", "340000"
REGISTRY = LogName.registry(SHANGHAI)


def numbered(count: int, *, first: int = 0) -> list:
    """Return entries of a registry log."""
    return [institution(f"310000-{first + n}") for n in range(count)]


async def test_every_member_mirrors_a_registry_log(tmp_path: Path) -> None:
    """All hold the same bytes, and all learn of the quorum."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        await nodes[SHANGHAI].append(REGISTRY, numbered(3))
        held = []
        for node in nodes.nodes.values():
            await node.holds(REGISTRY, 3)
            await node.has_quorum(REGISTRY, 3)
            read = node.logs.reader.entries
            held.append(await node.database.read(lambda c, read=read: read(c, REGISTRY, 0, 3)))
    assert held == [held[0]] * 4


async def test_a_settlement_log_reaches_its_partner_alone(tmp_path: Path) -> None:
    """The partner holds it under its own cosignature; the others hold nothing of it."""
    log = LogName.settlement(SHANGHAI, JIANGSU)
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        await nodes[SHANGHAI].append(log, [record("S1", home=JIANGSU, host=SHANGHAI)])
        await nodes[JIANGSU].holds(log, 1)
        await nodes[SHANGHAI].has_quorum(log, 1)
        names = await nodes[ZHEJIANG].database.read(
            lambda c: c.execute(select(tables.logs.c.name)).scalars().all()
        )
    assert str(log) not in names
    assert str(LogName.settlement(SHANGHAI, ZHEJIANG)) in names


async def test_catching_up_goes_in_parts(tmp_path: Path) -> None:
    """A node that comes late stores what it lacks in several transactions, all proven."""
    settings = replace(FAST, pull_entries_max=1_000)
    nodes = FourNodes(tmp_path, settings=settings)
    late = nodes[ANHUI]
    try:
        for province in (SHANGHAI, JIANGSU, ZHEJIANG):
            await nodes[province].start()
        await nodes[SHANGHAI].confirmed(REGISTRY)
        for first in range(0, 5_300, 1_060):
            await nodes[SHANGHAI].append(REGISTRY, numbered(1_060, first=first))
        await late.start()
        await late.holds(REGISTRY, 5_300)
        await late.has_quorum(REGISTRY, 5_300)
        versions = select(tables.logs.c.version).where(tables.logs.c.name == str(REGISTRY))
        assert await late.database.read(lambda c: c.execute(versions).scalar_one()) >= 6
        (projector,) = late.projectors
        assert isinstance(projector, AnyProjector)
        assert [index for index, _ in projector.seen[REGISTRY]] == list(range(5_300))
    finally:
        for node in nodes.nodes.values():
            await node.stop()


async def test_a_cut_stream_resumes_from_its_own_cursor(tmp_path: Path) -> None:
    """What was stored before the break is not asked for again."""
    settings = replace(FAST, pull_entries_max=1_000)
    nodes = FourNodes(tmp_path, settings=settings, provinces=(SHANGHAI, JIANGSU))
    log = LogName.settlement(SHANGHAI, JIANGSU)
    try:
        author, mirror = nodes[SHANGHAI], nodes[JIANGSU]
        await author.start(write_unconfirmed=True)
        for first in range(5):
            entries = [record(f"S{first}-{n}", home=JIANGSU, host=SHANGHAI) for n in range(1_000)]
            await author.append(log, entries)
        nodes.network.delay(SHANGHAI, JIANGSU, 0.02)
        await mirror.start()
        await mirror.holds(log, 1_000)
        nodes.network.break_streams(SHANGHAI, JIANGSU)
        held = mirror.logs.reader.position(log).size
        nodes.network.delay(SHANGHAI, JIANGSU, 0)
        await mirror.holds(log, 5_000)
        await author.has_quorum(log, 5_000)
        assert 1_000 <= held <= 5_000
        firsts = select(tables.log_runs.c.first_index).order_by(tables.log_runs.c.first_index)
        rows = await mirror.database.read(lambda c: c.execute(firsts).scalars().all())
        assert len(rows) == len(set(rows))
    finally:
        for node in nodes.nodes.values():
            await node.stop()


async def test_a_broken_link_to_the_author_stops_nothing(tmp_path: Path) -> None:
    """Another member relays the author's registry log, its quorum and its freshness."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        nodes.network.cut(SHANGHAI, ANHUI)
        await nodes[SHANGHAI].append(REGISTRY, numbered(5))
        await nodes[ANHUI].holds(REGISTRY, 5)
        await nodes[ANHUI].has_quorum(REGISTRY, 5)
        moment = nodes.clock.advance(timedelta(seconds=90))
        await nodes[SHANGHAI].logs._author.freshen()
        reader = nodes[ANHUI].logs.reader
        await until(lambda: reader.position(REGISTRY).fresh_time == moment, what="freshness")
        partners = {p.province: p for p in nodes[ANHUI].logs.health().partners}
        assert not partners[SHANGHAI].is_connected
        assert partners[JIANGSU].is_connected


async def test_polling_follows_when_no_stream_stays_up(tmp_path: Path) -> None:
    """A partner whose streams always fail is asked every few moments."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        for province in (SHANGHAI, JIANGSU, ZHEJIANG):
            nodes.network.drop(ANHUI, province, "watch_checkpoints", times=10_000)
            nodes.network.break_streams(ANHUI, province)
        await nodes[SHANGHAI].append(REGISTRY, numbered(2))
        await nodes[ANHUI].holds(REGISTRY, 2)
        await nodes[SHANGHAI].has_quorum(REGISTRY, 2)


async def test_a_lost_cosignature_comes_another_way(tmp_path: Path) -> None:
    """The author asks again, and sees it on the partner's checkpoint at the next exchange."""
    log = LogName.settlement(SHANGHAI, JIANGSU)
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        nodes.network.drop(JIANGSU, SHANGHAI, "add_cosignature", times=1)
        await nodes[SHANGHAI].append(log, [record("S1", home=JIANGSU, host=SHANGHAI)])
        await nodes[SHANGHAI].has_quorum(log, 1)
        assert nodes.network.calls[JIANGSU, SHANGHAI, "add_cosignature"] >= 1


async def test_received_time_is_the_partner_s_cosignature(tmp_path: Path) -> None:
    """The cosigned checkpoint names every witness with its own time."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        moment = nodes.clock.advance(timedelta(minutes=5))
        await nodes[SHANGHAI].append(REGISTRY, numbered(1))
        await nodes[SHANGHAI].has_quorum(REGISTRY, 1)
        reader = nodes[SHANGHAI].logs.reader
        note = await nodes[SHANGHAI].database.read(lambda c: reader.quorum_checkpoint(c, REGISTRY))
    assert note is not None
    signed = SignedCheckpoint.from_bytes(note, nodes.trust.log_keys(REGISTRY)[0].key)
    keys = [nodes.trust.witness_keys(p)[0].key for p in nodes.trust.witnesses(REGISTRY)]
    found = verify_cosignatures(signed, keys)
    assert len(found) >= 2
    assert {c.time for c in found} == {moment}


async def test_day_closes_are_cosigned_each_in_order(tmp_path: Path) -> None:
    """However fast they come, the checkpoint right behind each close gets its quorum."""
    log = LogName.settlement(SHANGHAI, JIANGSU)
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        node = nodes[SHANGHAI]
        nodes.network.cut(SHANGHAI, JIANGSU)
        closes = []
        for day in range(4):
            entry = record(f"S{day}", home=JIANGSU, host=SHANGHAI)
            await node.append(log, [entry])
            closes.append(1 + await node.append(log, [entry], alone=True))
        await node.append(log, [entry])
        nodes.network.heal(SHANGHAI, JIANGSU)
        await node.has_quorum(log, 9)
        for province in (SHANGHAI, JIANGSU):
            await nodes[province].has_quorum(log, 9)
            read = nodes[province].logs.reader.quorum_checkpoint
            found = [
                await nodes[province].database.read(
                    lambda c, read=read, size=size: read(c, log, size)
                )
                for size in closes
            ]
            assert [note is not None for note in found] == [True] * 4
        cosigned = tables.cosignatures.c
        query = (
            select(cosigned.size)
            .where(cosigned.witness == f"deltacare/{JIANGSU}/witness")
            .where(cosigned.log_id == node.logs._store.log_id(log))
            .order_by(cosigned.stored_time, cosigned.size)
        )
        sizes = await node.database.read(lambda c: c.execute(query).scalars().all())
    assert closes == [2, 4, 6, 8]
    assert [size for size in sizes if size in closes] == closes


async def test_a_checkpoint_without_quorum_is_overtaken_by_the_newest(tmp_path: Path) -> None:
    """One is out at a time; when its time is over the newest takes its place."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        nodes.network.cut(SHANGHAI, JIANGSU)
        nodes.network.cut(SHANGHAI, ZHEJIANG)
        nodes.network.cut(SHANGHAI, ANHUI)
        node = nodes[SHANGHAI]
        for n in range(3):
            await node.append(REGISTRY, numbered(1, first=n))
        asked = node.logs._author._asked
        await until(lambda: REGISTRY in asked and asked[REGISTRY].size == 3, what="overtaken")
        for province in (JIANGSU, ZHEJIANG):
            nodes.network.heal(SHANGHAI, province)
        await node.has_quorum(REGISTRY, 3)


class _Salts(NoAttachments):
    """Salts in memory; every node has its own."""

    def __init__(self) -> None:
        self.kept: dict[tuple[LogName, int], bytes] = {}

    def read(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Mapping[int, bytes]:
        """Return those of a range."""
        del connection
        return {
            index: salt
            for (name, index), salt in self.kept.items()
            if name == log and first_index <= index < end_index
        }

    def write(self, tx: LogTx, log: LogName, salts: Mapping[int, bytes]) -> None:
        """Keep some."""
        del tx
        self.kept.update({(log, index): salt for index, salt in salts.items()})


async def test_salts_travel_beside_the_entries(tmp_path: Path) -> None:
    """A partner is given them with the entries; a malformed one is not kept."""
    stores = {p: _Salts() for p in (SHANGHAI, JIANGSU, ZHEJIANG, ANHUI)}
    stores[SHANGHAI].kept = {(REGISTRY, 1): b"s" * 16, (REGISTRY, 2): b"short"}
    async with FourNodes.open(tmp_path, attachments=lambda p: stores[p]) as nodes:
        await nodes.confirmed()
        await nodes[SHANGHAI].append(REGISTRY, numbered(3))
        await nodes[JIANGSU].holds(REGISTRY, 3)
    assert stores[JIANGSU].kept == {(REGISTRY, 1): b"s" * 16}


async def test_a_watcher_sees_growth_and_cosignatures(tmp_path: Path) -> None:
    """First what is held, then each growth at once, then the quorum; the drain ends it."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        service = nodes[SHANGHAI].logs.service
        request = pb.WatchCheckpointsRequest(logs=[str(REGISTRY)])
        call = nodes.network.call(JIANGSU, "watch_checkpoints")
        seen: list[pb.Checkpoint] = []

        async def watch() -> None:
            async for checkpoint in service.watch_checkpoints(request, call):
                seen.append(checkpoint)  # noqa: PERF401 - looked at while it grows

        task = asyncio.create_task(watch())
        await until(lambda: seen)
        await nodes[SHANGHAI].append(REGISTRY, numbered(2))

        def has_quorum() -> bool:
            return any(c.size == 2 and c.note.count("— ".encode()) >= 3 for c in seen)

        await until(has_quorum, what="a cosigned checkpoint on the stream")
        nodes[SHANGHAI].logs.drain()
        await task
    assert seen[0].size == 0
    assert any(c.size == 2 and c.cosign_requested for c in seen)
