"""Two replicas of a node behind one PostgreSQL database agree on one history."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.tree import root_of
from deltacare.v1.entry_pb2 import Entry
from deltacare.v1.types_pb2 import Appended
from server.log.ports import LogTx
from tests.support.nodes import FourNodes, Node, appending, institution, request_uuid, until

SHANGHAI, JIANGSU = "310000", "320000"
REGISTRY = LogName.registry(SHANGHAI)

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def replicas(directory: Path, url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Bring two replicas of one node up."""
    both = [FourNodes(directory, urls={SHANGHAI: url})[SHANGHAI] for _ in range(2)]
    try:
        for node in both:
            await node.start(write_unconfirmed=True)
        yield both[0], both[1]
    finally:
        for node in both:
            await node.stop()


async def test_replicas_append_to_one_history(tmp_path: Path, postgres_url: str) -> None:
    """Both write at once: every entry has a place of its own and every checkpoint is true."""
    async with replicas(tmp_path, postgres_url) as nodes:
        writes = [
            appending([(REGISTRY, [institution(f"310000-{n}")])], request_id=request_uuid(n))
            for n in range(60)
        ]
        answers = await asyncio.gather(
            *(nodes[n % 2].logs.sequencer.submit(write) for n, write in enumerate(writes))
        )
        parsed = [Appended.FromString(answer) for answer in answers]
        node = nodes[0]
        datas = await node.database.read(lambda c: node.logs.reader.entries(c, REGISTRY, 0, 99))
        key = node._trust.log_keys(REGISTRY)[0].key
    assert sorted(answer.first_index for answer in parsed) == list(range(60))
    for number, answer in enumerate(parsed):
        signed = SignedCheckpoint.from_bytes(answer.checkpoint, key)
        assert signed.checkpoint.root == root_of(datas[: signed.checkpoint.size])
        entry = Entry.FromString(datas[answer.first_index])
        assert entry.institution.institution_id == f"310000-{number}"


async def test_nothing_is_decided_before_the_heads_are_locked(
    tmp_path: Path, postgres_url: str
) -> None:
    """A write that finds the heads locked by the other replica decides only when it is done."""
    decided: list[int] = []
    write = appending([(REGISTRY, [institution("310000-1")])], request_id=request_uuid(1))

    def decide(tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
        decided.append(tx.size(REGISTRY))
        return write.decide(tx)

    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with replicas(tmp_path, postgres_url) as (node, _):
        with psycopg.connect(postgres_url) as other:
            other.execute("SELECT * FROM logs FOR UPDATE")
            answer = asyncio.ensure_future(
                node.logs.sequencer.submit(replace(write, decide=decide))
            )
            with psycopg.connect(postgres_url, autocommit=True) as watcher:
                await until(lambda: watcher.execute(waiting).fetchone() != (0,), what="a wait")
            assert decided == []
            other.rollback()
            await answer
    assert decided == [0]


async def test_a_request_repeated_at_the_other_replica_is_answered_once(
    tmp_path: Path, postgres_url: str
) -> None:
    """Idempotency holds across replicas, for answers and for refusals."""
    async with replicas(tmp_path, postgres_url) as (one, other):
        write = appending([(REGISTRY, [institution("310000-1")])], request_id=request_uuid(1))
        first = await one.logs.sequencer.submit(write)
        assert await other.logs.sequencer.submit(write) == first
        changed = appending(
            [(REGISTRY, [institution("310000-2")])], request_id=request_uuid(1), content=b"other"
        )
        with pytest.raises(Refusal):
            await other.logs.sequencer.submit(changed)


async def test_positions_agree_within_moments(tmp_path: Path, postgres_url: str) -> None:
    """What one replica commits the other answers from memory shortly after."""
    async with replicas(tmp_path, postgres_url) as (one, other):
        changes = other.logs.reader.changes()
        assert REGISTRY in await anext(changes)
        await one.append(REGISTRY, [institution("310000-1")])
        await until(lambda: other.logs.reader.position(REGISTRY).size == 1)
        assert REGISTRY in await anext(changes)
        await changes.aclose()  # type: ignore[attr-defined]


async def test_replicas_mirror_without_tripping(tmp_path: Path, postgres_url: str) -> None:
    """Both pull the same log; it is stored once, whole."""
    log = LogName.settlement(JIANGSU, SHANGHAI)
    provinces = (SHANGHAI, JIANGSU)
    nodes = FourNodes(tmp_path, provinces=provinces, urls={SHANGHAI: postgres_url})
    twin = FourNodes(tmp_path, provinces=provinces, urls={SHANGHAI: postgres_url})[SHANGHAI]
    # The twin calls the same partner, and nobody calls the twin.
    twin._network = nodes.network
    try:
        await nodes[JIANGSU].start(write_unconfirmed=True)
        for first in range(3):
            entries = [institution(f"320000-{first}-{n}") for n in range(700)]
            await nodes[JIANGSU].append(log, entries)
        await nodes[SHANGHAI].start()
        await twin.start()
        for node in (nodes[SHANGHAI], twin):
            await node.holds(log, 2_100)
        await nodes[JIANGSU].has_quorum(log, 2_100)
        read = twin.logs.reader.entries
        found = await twin.database.read(lambda c: read(c, log, 0, 3_000))
        author = nodes[JIANGSU]
        true = await author.database.read(lambda c: author.logs.reader.entries(c, log, 0, 3_000))
        assert found == true
    finally:
        for node in (twin, *nodes.nodes.values()):
            await node.stop()
