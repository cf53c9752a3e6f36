"""Group commit: what is appended together, refused apart, and answered once."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from google.protobuf.message import Message
from sqlalchemy import func, select

from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable, invalid_field
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.tree import leaf_hashes, root_of
from deltacare.v1.entry_pb2 import Entry
from deltacare.v1.types_pb2 import Appended
from server.log import tables
from server.log.ports import LogTx, Write
from tests.support.federation import make_trust, principal
from tests.support.nodes import (
    FAST,
    AnyProjector,
    FourNodes,
    Node,
    appending,
    institution,
    record,
    request_uuid,
)
from tests.support.ports import START_TIME

REGISTRY = LogName.registry("310000")
SETTLEMENT = LogName.settlement("310000", "320000")


def solo(tmp_path: Path, url: str) -> AbstractAsyncContextManager[Node]:
    """Return one node on a database."""
    return FourNodes.solo(tmp_path, urls={"310000": url})


def one(number: int, **options: object) -> Write:
    """Return a write of one institution."""
    entry = institution(f"310000-{number}")
    return appending([(REGISTRY, [entry])], request_id=request_uuid(number), **options)  # type: ignore[arg-type]


def refusing(write: Write, error: DeltacareError) -> Write:
    """Return a write that a rule refuses after it has appended in vain."""

    def decide(_tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
        raise error

    return replace(write, decide=decide)


async def stored(node: Node, log: LogName) -> list[Entry]:
    """Return a log's entries, parsed."""
    size = node.logs.reader.position(log).size
    datas = await node.database.read(lambda c: node.logs.reader.entries(c, log, 0, size))
    return [Entry.FromString(data) for data in datas]


async def submit_all(node: Node, writes: Sequence[Write]) -> list[bytes | BaseException]:
    """Submit at the same time."""
    submits = (node.logs.sequencer.submit(write) for write in writes)
    return await asyncio.gather(*submits, return_exceptions=True)


async def test_an_answer_names_the_place_under_a_signed_checkpoint(
    tmp_path: Path, database_url: str
) -> None:
    """Entries of one write are consecutive, stamped, and under the checkpoint of the answer."""
    async with solo(tmp_path, database_url) as node:
        await node.append(REGISTRY, [institution("310000-0")])
        entries = [institution(f"310000-{i}") for i in range(1, 4)]
        write = appending([(REGISTRY, entries)], request_id=request_uuid(7))
        answer = Appended.FromString(await node.logs.sequencer.submit(write))
        signed = SignedCheckpoint.from_bytes(
            answer.checkpoint, make_trust().log_keys(REGISTRY)[0].key
        )
        datas = await node.database.read(lambda c: node.logs.reader.entries(c, REGISTRY, 0, 9))
        rows = await stored(node, REGISTRY)
    assert (answer.first_index, answer.entry_count) == (1, 3)
    assert signed.checkpoint.size == 4
    assert signed.checkpoint.root == root_of(datas)
    assert [row.request_position for row in rows] == [0, 0, 1, 2]
    assert {row.request_id for row in rows[1:]} == {request_uuid(7)}
    assert [row.entry_time.ToDatetime(START_TIME.tzinfo) for row in rows] == [START_TIME] * 4


async def test_refusals_inside_a_group_undo_themselves_only(
    tmp_path: Path, database_url: str
) -> None:
    """Of many writes at once the refused leave nothing, and the others stand."""
    refusal = invalid_field("beds", 3, "Too few.", "Build more.")
    writes = [one(n) if n % 3 else refusing(one(n), refusal) for n in range(30)]
    async with solo(tmp_path, database_url) as node:
        results = await submit_all(node, writes)
        rows = await stored(node, REGISTRY)
    refused = [n for n, result in enumerate(results) if isinstance(result, Refusal)]
    assert refused == list(range(0, 30, 3))
    named = [row.institution.institution_id for row in rows]
    assert named == [f"310000-{n}" for n in range(30) if n % 3]


async def test_a_write_to_several_logs_is_all_or_nothing(tmp_path: Path, database_url: str) -> None:
    """A refusal at the answer takes back what was appended to every log."""

    def answer(_tx: LogTx, _runs: object) -> Message:
        raise invalid_field("late", 1, "It shows only now.")

    both = appending(
        [
            (REGISTRY, [institution("310000-1")]),
            (SETTLEMENT, [record("S1", home="310000", host="320000")]),
        ],
        request_id=request_uuid(1),
    )
    async with solo(tmp_path, database_url) as node:
        with pytest.raises(Refusal):
            await node.logs.sequencer.submit(replace(both, answer=answer))
        sizes = [node.logs.reader.position(log).size for log in (REGISTRY, SETTLEMENT)]
        again = replace(both, request_id=request_uuid(2))
        await node.logs.sequencer.submit(again)
        rows = await stored(node, SETTLEMENT)
    assert sizes == [0, 0]
    assert [row.request_position for row in rows] == [1]


async def test_repeating_a_request_returns_the_first_answer(
    tmp_path: Path, database_url: str
) -> None:
    """Same id and content: the same bytes, and nothing is appended."""
    async with solo(tmp_path, database_url) as node:
        first = await node.logs.sequencer.submit(one(1))
        await node.append(REGISTRY, [institution("310000-9")])
        second = await node.logs.sequencer.submit(one(1))
        size = node.logs.reader.position(REGISTRY).size
    assert second == first
    assert size == 2


async def test_repeating_at_the_same_time_appends_once(tmp_path: Path, database_url: str) -> None:
    """A repetition inside one group sees the answer of the first."""
    async with solo(tmp_path, database_url) as node:
        results = await submit_all(node, [one(1)] * 5)
        size = node.logs.reader.position(REGISTRY).size
    assert len(set(results)) == 1
    assert size == 1


async def test_other_content_under_the_same_id_is_refused(
    tmp_path: Path, database_url: str, quiet: list[dict[str, object]]
) -> None:
    """ALREADY_EXISTS and an alarm; another caller or method is another id."""
    async with solo(tmp_path, database_url) as node:
        await node.logs.sequencer.submit(one(1))
        with pytest.raises(Refusal) as caught:
            await node.logs.sequencer.submit(one(1, content=b"other"))
        other = principal("310000", opaque_id="sys-2")
        await node.logs.sequencer.submit(one(1, content=b"other", caller=other))
        await node.logs.sequencer.submit(replace(one(1), content=b"other", method="/other"))
        size = node.logs.reader.position(REGISTRY).size
    assert caught.value.reason is Reason.REQUEST_ID_REUSED
    assert "request_id_reused" in {row["event"] for row in quiet}
    assert size == 3


async def test_a_role_does_not_scope_a_request(tmp_path: Path, database_url: str) -> None:
    """A principal is the opaque id, whatever role precedes it."""
    async with solo(tmp_path, database_url) as node:
        first = await node.logs.sequencer.submit(one(1))
        clerk = principal("310000", role="clerk")
        assert await node.logs.sequencer.submit(one(1, caller=clerk)) == first


async def test_a_refusal_stays_under_its_id(tmp_path: Path, database_url: str) -> None:
    """What a rule refused is refused again with every violation, though it would pass now."""
    refusal = invalid_field("beds", 3, "Too few.", "Build more.")
    async with solo(tmp_path, database_url) as node:
        for write in (refusing(one(1), refusal), one(1)):
            with pytest.raises(Refusal) as caught:
                await node.logs.sequencer.submit(write)
            assert caught.value.message == refusal.message
            assert caught.value.violations == refusal.violations
        assert node.logs.reader.position(REGISTRY).size == 0


@pytest.mark.parametrize(
    "error",
    [
        Unavailable(Reason.PEER_UNREACHABLE, "Later."),
        Refusal(Reason.ROLE_NOT_ALLOWED, "Not you."),
        Refusal(Reason.STALE, "Not now."),
    ],
    ids=["outage", "rights", "stale"],
)
async def test_what_may_pass_later_is_not_kept(
    tmp_path: Path, database_url: str, error: DeltacareError
) -> None:
    """Outage, missing rights and staleness leave the request id free."""
    async with solo(tmp_path, database_url) as node:
        with pytest.raises(type(error)):
            await node.logs.sequencer.submit(refusing(one(1), error))
        await node.logs.sequencer.submit(one(1))
        assert node.logs.reader.position(REGISTRY).size == 1


async def test_a_defect_in_one_write_spoils_no_other(tmp_path: Path, database_url: str) -> None:
    """A write that breaks is told so; those committed with it stand."""

    def broken(_tx: LogTx) -> Sequence[tuple[LogName, Iterable[Entry]]]:
        raise ZeroDivisionError

    writes = [replace(one(n), decide=broken) if n == 4 else one(n) for n in range(9)]
    async with solo(tmp_path, database_url) as node:
        results = await submit_all(node, writes)
        rows = await stored(node, REGISTRY)
    assert [type(r) for r in results if not isinstance(r, bytes)] == [ZeroDivisionError]
    assert len(rows) == 8


async def test_a_long_queue_is_refused(tmp_path: Path) -> None:
    """OVERLOADED beyond the limit, and the id stays free."""
    settings = replace(FAST, queue_max=4)
    async with FourNodes.solo(tmp_path, settings=settings) as node:
        results = await submit_all(node, [one(n) for n in range(6)])
        refused = [r for r in results if isinstance(r, Unavailable)]
        assert {r.reason for r in refused} == {Reason.OVERLOADED}
        assert len(refused) == 2
        await node.logs.sequencer.submit(one(5))


async def test_stopping_finishes_what_waits(tmp_path: Path) -> None:
    """Writes that were taken are answered; later ones are told that the node shuts down."""
    async with FourNodes.solo(tmp_path) as node:
        sequencer = node.logs.sequencer
        waiting = [asyncio.ensure_future(sequencer.submit(one(n))) for n in range(5)]
        await asyncio.sleep(0)  # every one of them has joined the queue
        await node.stop()
        assert len(await asyncio.gather(*waiting)) == 5
        with pytest.raises(Unavailable) as caught:
            await sequencer.submit(one(9))
    assert caught.value.reason is Reason.SHUTTING_DOWN


async def test_a_write_that_is_alone_has_a_checkpoint_right_behind_it(
    tmp_path: Path, database_url: str
) -> None:
    """Between others that commit together, it commits by itself and its checkpoint is kept."""
    writes = [one(n, alone=n == 5) for n in range(12)]
    async with solo(tmp_path, database_url) as node:
        answers = [Appended.FromString(a) for a in await submit_all(node, writes)]  # type: ignore[arg-type]
        rows = tables.checkpoints.c
        query = select(rows.size, rows.is_due).order_by(rows.size)
        kept = await node.database.read(lambda c: c.execute(query).all())
    assert answers[5].first_index == 5
    assert (6, True) in [(row.size, bool(row.is_due)) for row in kept]
    assert [row.size for row in kept if row.is_due] == [6]


async def test_an_entry_too_large_is_refused_whole(tmp_path: Path, database_url: str) -> None:
    """An entry that no tile bundle holds refuses its write, naming the position."""
    entries = [institution("310000-1"), institution("310000-2")]
    entries[1].institution.name = "a" * 70_000
    async with solo(tmp_path, database_url) as node:
        with pytest.raises(Refusal) as caught:
            await node.append(REGISTRY, entries)
        assert node.logs.reader.position(REGISTRY).size == 0
    assert caught.value.reason is Reason.TOO_LARGE
    assert caught.value.details["position"] == "1"


async def test_a_group_ends_after_so_many_entries(tmp_path: Path) -> None:
    """The rest of a long queue is committed next, in order."""
    settings = replace(FAST, group_entries_max=3)
    async with FourNodes.solo(tmp_path, settings=settings) as node:
        answers = await submit_all(node, [one(n) for n in range(10)])
        rows = tables.checkpoints.c
        sizes = await node.database.read(lambda c: c.execute(select(rows.size)).scalars().all())
    firsts = [Appended.FromString(a).first_index for a in answers]  # type: ignore[arg-type]
    assert firsts == list(range(10))
    assert set(sizes) >= {10}
    assert max(b - a for a, b in zip([0, *sorted(sizes)], sorted(sizes), strict=False)) <= 3


async def test_runs_hold_at_most_256_entries(tmp_path: Path, database_url: str) -> None:
    """A batch of 1,000 becomes few rows, read back to the byte from anywhere."""
    entries = [institution(f"310000-{n}", beds=n) for n in range(1_000)]
    projector = AnyProjector()
    options = {"urls": {"310000": database_url}, "projectors": lambda _: [projector]}
    async with FourNodes.solo(tmp_path, **options) as node:
        await node.append(REGISTRY, entries)
        runs = tables.log_runs.c
        query = select(func.count(), func.max(runs.entry_count)).select_from(tables.log_runs)
        count, longest = await node.database.read(lambda c: c.execute(query).one())
        part = await node.database.read(lambda c: node.logs.reader.entries(c, REGISTRY, 250, 515))
    assert (count, longest) == (4, 256)
    beds = [Entry.FromString(data).institution.approved_beds for data in part]
    assert beds == list(range(250, 515))
    assert [index for index, _ in projector.seen[REGISTRY]] == list(range(1_000))


async def test_large_entries_make_short_runs(tmp_path: Path) -> None:
    """A run stays below 1 MiB."""
    entries = [institution(f"310000-{n}") for n in range(100)]
    for entry in entries:
        entry.institution.address = "x" * 30_000
    async with FourNodes.solo(tmp_path) as node:
        await node.append(REGISTRY, entries)
        runs = tables.log_runs.c
        longest = await node.database.read(
            lambda c: c.execute(select(func.max(func.length(runs.data)))).scalar_one()
        )
        rows = await stored(node, REGISTRY)
    assert longest < 1024 * 1024
    assert len(rows) == 100


async def test_a_write_may_bring_nothing(tmp_path: Path) -> None:
    """The answer still carries a signed checkpoint of the log as it is."""
    empty = appending([(REGISTRY, [])], request_id=request_uuid(1))
    async with FourNodes.solo(tmp_path) as node:
        answer = Appended.FromString(await node.logs.sequencer.submit(empty))
        signed = SignedCheckpoint.from_bytes(
            answer.checkpoint, make_trust().log_keys(REGISTRY)[0].key
        )
    assert (answer.entry_count, signed.checkpoint.size) == (0, 0)


async def test_leaf_hashes_reach_the_answer(tmp_path: Path) -> None:
    """The answer is made from where the entries came to stand."""
    found: list[tuple[bytes, ...]] = []
    write = one(1)

    def answer(tx: LogTx, runs: Sequence[object]) -> Message:
        found.append(runs[0].leaf_hashes)  # type: ignore[attr-defined]
        assert tx.size(REGISTRY) == 1
        return write.answer(tx, runs)  # type: ignore[arg-type]

    async with FourNodes.solo(tmp_path) as node:
        await node.logs.sequencer.submit(replace(write, answer=answer))
        datas = await node.database.read(lambda c: node.logs.reader.entries(c, REGISTRY, 0, 1))
    assert found == [tuple(leaf_hashes(datas))]
