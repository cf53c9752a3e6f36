"""Never fork yourself: what a node does after it lost what it signed, or cannot know."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, update

from deltacare.errors import Reason, Refusal, Unavailable, invalid_field
from deltacare.ids import LogName
from deltacare.trust import Trust
from server.log import tables
from server.log.ports import LogTx
from server.log.recovery import Confirmations
from tests.support.federation import make_trust
from tests.support.nodes import FourNodes, Node, appending, institution, request_uuid, until

SHANGHAI, JIANGSU, ZHEJIANG, ANHUI = "310000", "320000", "330000", "340000"
REGISTRY = LogName.registry(SHANGHAI)


def confirmations(trust: Trust | None = None, *, override: bool = False) -> Confirmations:
    """Return the confirmations of a node that has just started."""
    return Confirmations(
        trust or make_trust(), SHANGHAI, write_unconfirmed=override, on_lost=lambda: None
    )


@pytest.mark.parametrize(
    "quorum, answers", [(1, 3), (2, 2), (3, 1)], ids=["quorum 1", "quorum 2", "quorum 3"]
)
def test_enough_answers_meet_every_quorum(quorum: int, answers: int) -> None:
    """Any quorum there ever was has one of those who answered in it."""
    found = confirmations(make_trust(registry_quorum=quorum))
    assert found.needed(REGISTRY) == answers
    assert found.needed(LogName.settlement(SHANGHAI, JIANGSU)) == 1


def test_one_partner_counts_once() -> None:
    """Repeating an answer confirms nothing more."""
    found = confirmations()
    assert [found.confirm(REGISTRY, p) for p in (JIANGSU, JIANGSU, ANHUI)] == [False, False, True]
    assert found.is_writable(REGISTRY)


def test_an_operator_s_word_ends_with_proof() -> None:
    """The override holds until a log turns out longer or forked."""
    found = confirmations(override=True)
    assert found.is_writable(REGISTRY)
    found.lose([REGISTRY])
    assert not found.is_writable(REGISTRY)
    forked = confirmations(override=True)
    forked.contradict(REGISTRY)
    assert not forked.is_writable(REGISTRY)


def copy_database(node: Node, target: Path) -> None:
    """Copy the files of a stopped node."""
    shutil.copy(node.url.removeprefix("sqlite:///"), target)


def restore_database(node: Node, source: Path) -> None:
    """Put an old copy back."""
    path = node.url.removeprefix("sqlite:///")
    for suffix in ("-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)
    shutil.copy(source, path)


async def entries(node: Node, log: LogName, size: int) -> Sequence[bytes]:
    """Return the bytes of a log."""
    return await node.database.read(lambda c: node.logs.reader.entries(c, log, 0, size))


async def test_without_partners_a_node_only_reads(tmp_path: Path) -> None:
    """Writes are refused for now, refusals are not kept, stored answers are repeated."""
    nodes = FourNodes(tmp_path)
    node = nodes[SHANGHAI]
    write = appending([(REGISTRY, [institution("310000-1")])], request_id=request_uuid(1))
    try:
        await node.start(write_unconfirmed=True)
        first = await node.logs.sequencer.submit(write)
        await node.stop()
        await node.start(write_unconfirmed=False)
        assert len(node.logs.health().unconfirmed) == 5
        assert await node.logs.sequencer.submit(write) == first
        with pytest.raises(Unavailable) as caught:
            await node.append(REGISTRY, [institution("310000-2")])
        assert caught.value.reason is Reason.LOG_NOT_CONFIRMED
        assert node.logs.reader.position(REGISTRY).size == 1
        assert len(await entries(node, REGISTRY, 9)) == 1
    finally:
        await node.stop()


async def test_what_an_unconfirmed_node_refuses_is_not_kept(tmp_path: Path) -> None:
    """It may judge by an old state, so the same request may pass once it knows better."""

    def decide(_tx: LogTx) -> Sequence[tuple[LogName, list]]:
        raise invalid_field("beds", 1, "Too few.")

    good = appending([(REGISTRY, [institution("310000-1")])], request_id=request_uuid(1))
    refused = type(good)(
        caller=good.caller,
        method=good.method,
        request_id=good.request_id,
        content=good.content,
        decide=decide,
        answer=good.answer,
    )
    nodes = FourNodes(tmp_path)
    try:
        await nodes[SHANGHAI].start()
        with pytest.raises(Refusal):
            await nodes[SHANGHAI].logs.sequencer.submit(refused)
        for province in (JIANGSU, ZHEJIANG, ANHUI):
            await nodes[province].start()
        await nodes.confirmed()
        await nodes[SHANGHAI].logs.sequencer.submit(good)
    finally:
        for node in nodes.nodes.values():
            await node.stop()


async def test_two_of_three_partners_suffice_for_the_registry(tmp_path: Path) -> None:
    """One missing partner keeps back only the settlement log written for it."""
    nodes = FourNodes(tmp_path)
    try:
        for province in (SHANGHAI, JIANGSU, ZHEJIANG):
            await nodes[province].start()
        health = nodes[SHANGHAI].logs.health
        missing = LogName.settlement(SHANGHAI, ANHUI)
        await until(lambda: health().unconfirmed == (missing,), what="all but one confirmed")
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        await nodes[SHANGHAI].has_quorum(REGISTRY, 1)
    finally:
        for node in nodes.nodes.values():
            await node.stop()


async def test_one_of_three_partners_does_not_suffice(tmp_path: Path) -> None:
    """The others' quorum might hold more: the registry log is only read."""
    nodes = FourNodes(tmp_path)
    try:
        for province in (SHANGHAI, JIANGSU):
            await nodes[province].start()
        await nodes[SHANGHAI].confirmed(LogName.settlement(SHANGHAI, JIANGSU))
        assert REGISTRY in nodes[SHANGHAI].logs.health().unconfirmed
    finally:
        for node in nodes.nodes.values():
            await node.stop()


async def test_an_old_backup_takes_its_history_back_before_it_writes(tmp_path: Path) -> None:
    """The restored node's logs and rows are what they were; what it writes follows them."""
    log = LogName.settlement(SHANGHAI, JIANGSU)
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        author = nodes[SHANGHAI]
        await author.append(REGISTRY, [institution("310000-1")])
        await author.append(log, [institution("310000-1")])
        await author.stop()
        copy_database(author, tmp_path / "old.db")
        await author.start()
        await author.confirmed()
        for n in range(2, 8):
            await author.append(REGISTRY, [institution(f"310000-{n}")])
            await author.append(log, [institution(f"310000-{n}")])
        for province in (JIANGSU, ZHEJIANG):
            await nodes[province].holds(REGISTRY, 7)
        await nodes[JIANGSU].holds(log, 7)
        before = [await entries(author, one, 7) for one in (REGISTRY, log)]
        await author.stop()
        restore_database(author, tmp_path / "old.db")
        (projector,) = author.projectors
        projector.seen.clear()  # type: ignore[attr-defined]
        await author.start()
        assert author.logs.reader.position(REGISTRY).size < 7
        await author.confirmed()
        assert [await entries(author, one, 7) for one in (REGISTRY, log)] == before
        assert projector.seen[REGISTRY][-1] == (6, "institution")  # type: ignore[attr-defined]
        first = await author.append(REGISTRY, [institution("310000-8")])
        assert first == 7
        await nodes[ANHUI].holds(REGISTRY, 8)
        await author.has_quorum(REGISTRY, 8)
        assert not nodes[JIANGSU].logs.reader.position(REGISTRY).forked


async def test_a_database_that_goes_back_while_running_is_noticed(tmp_path: Path) -> None:
    """A failover that lost commits stops the writing until partners gave back what is lost."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        author = nodes[SHANGHAI]
        await author.append(REGISTRY, [institution("310000-1")])
        await author.has_quorum(REGISTRY, 1)
        rows = tables.logs
        log_id = author.logs._store.log_id(REGISTRY)
        old = await author.database.read(
            lambda c: dict(c.execute(rows.select().where(rows.c.log_id == log_id)).one()._mapping)
        )
        await author.append(REGISTRY, [institution("310000-2")])
        for province in (JIANGSU, ZHEJIANG, ANHUI):
            await nodes[province].holds(REGISTRY, 2)

        def go_back(connection: Connection) -> None:
            for table in (tables.log_runs, tables.checkpoints, tables.log_tiles):
                index = {
                    "log_runs": tables.log_runs.c.first_index >= 1,
                    "checkpoints": tables.checkpoints.c.size >= 2,
                    "log_tiles": tables.log_tiles.c.level >= 64,
                }[table.name]
                connection.execute(table.delete().where(table.c.log_id == log_id, index))
            tile = tables.log_tiles
            hashes = connection.execute(tile.select().where(tile.c.log_id == log_id)).one().hashes
            connection.execute(
                update(tile)
                .where(tile.c.log_id == log_id)
                .values(width=1, hashes=bytes(hashes)[:32])
            )
            connection.execute(update(rows).where(rows.c.log_id == log_id).values(old))

        await author.database.write(go_back)
        with pytest.raises(Unavailable) as caught:
            await author.append(REGISTRY, [institution("310000-3")])
        assert caught.value.reason is Reason.LOG_NOT_CONFIRMED
        await author.confirmed()
        assert await author.append(REGISTRY, [institution("310000-3")]) == 2
        await nodes[JIANGSU].holds(REGISTRY, 3)
        assert not nodes[JIANGSU].logs.reader.position(REGISTRY).forked


async def test_a_witness_remembers_through_its_partners(tmp_path: Path) -> None:
    """A restored witness cosigns nothing smaller than what partners show that it cosigned."""
    async with FourNodes.open(tmp_path) as nodes:
        await nodes.confirmed()
        witness = nodes[ANHUI]
        await witness.stop()
        copy_database(witness, tmp_path / "old.db")
        await witness.start()
        await nodes[SHANGHAI].append(REGISTRY, [institution("310000-1")])
        await witness.holds(REGISTRY, 1)
        cosigned = tables.logs.c.cosigned_size
        query = tables.logs.select().where(tables.logs.c.name == str(REGISTRY))

        def floor() -> int | None:
            row = witness.database.read_now(lambda c: c.execute(query).one())
            return row._mapping[cosigned.name]  # type: ignore[no-any-return]

        await until(lambda: floor() == 1, what="the witness cosigned")
        await witness.stop()
        restore_database(witness, tmp_path / "old.db")
        # Without its partners it does not know, and cosigns nothing.
        for other in (SHANGHAI, JIANGSU, ZHEJIANG):
            nodes.network.cut(ANHUI, other)
        await witness.start()
        assert floor() in (None, 0)
        for other in (SHANGHAI, JIANGSU, ZHEJIANG):
            nodes.network.heal(ANHUI, other)
        await until(lambda: floor() == 1, what="partners showed what it cosigned")
