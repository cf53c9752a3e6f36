"""Appends to own logs: concurrent writes are sequenced and committed together.

One task takes waiting writes and commits them as a group in one transaction: per write a
savepoint, in which it is decided, appended, projected, signed and answered; then the tree and the
heads, once a group. Nothing of it leaves this module before the commit.

Life of a group:
1. Lock the heads of own logs, so that replicas of this node agree on what comes next.
2. Per write: repeat the first answer if there was one; else decide, append, project, sign the
   checkpoint right behind its entries, answer, and keep the answer. A refusal undoes the write
   and is itself kept.
3. Store tiles, the newest checkpoint and the head of each log that grew.
4. Commit; then tell memory, watchers and callers.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection

from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.tile import ENTRY_BYTES_MAX, Tile
from deltacare.tlog.tree import leaf_hashes
from deltacare.v1.entry_pb2 import Entry
from server.log.board import Board
from server.log.checkpoints import CheckpointStore
from server.log.ports import AppendedRun, Clock, Sequenced, Write
from server.log.projection import Projection, Tx
from server.log.requests import RequestKey, RequestStore, is_kept
from server.log.settings import LogSettings
from server.log.signing import Signing
from server.log.store import Head, LogStore, Tree
from server.store.database import Database

__all__ = ["GroupSequencer"]

_alarm = structlog.get_logger("deltacare.alarm")


class _RehearsedError(Exception):
    """A rehearsal went well: carries its answer past the rollback."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self.answer = answer


class _WentBackError(Exception):
    """The database holds less of some logs than it held before: a failover, or an old backup."""

    def __init__(self, logs: Sequence[LogName]) -> None:
        super().__init__()
        self.logs = logs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """A write that waits, and the caller who waits for it."""

    write: Write
    answer: asyncio.Future[bytes]

    def settle(self, result: bytes | Exception) -> None:
        """Tell the caller, unless it has gone."""
        if self.answer.done():
            return
        if isinstance(result, Exception):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grown:
    """A log as the current group has left it so far."""

    head: Head
    tree: Tree
    signed: SignedCheckpoint | None
    tiles: Mapping[tuple[int, int], Tile]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Committed:
    """What a group brought: answers or errors of the writes that were taken, in order."""

    results: Sequence[bytes | DeltacareError]
    heads: Sequence[Head]
    trees: Mapping[LogName, Tree]


class GroupSequencer:
    """The one writer of own logs: a ``server.log.ports.Sequencer`` and ``Rehearser``.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        projection: turns entries into rows.
        signing: chooses the key of an own log.
        request_mac_key: compares repeated requests.
        clock: read once a transaction.
        settings: limits.
        is_confirmed: whether a log may be written.
        board: what is known in memory; tells whether the database went back.
        on_commit: told of the heads that changed.
        on_regression: told of the logs of which the database holds less than it did.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: LogStore,
        checkpoints: CheckpointStore,
        projection: Projection,
        signing: Signing,
        request_mac_key: bytes,
        clock: Clock,
        settings: LogSettings,
        is_confirmed: Callable[[LogName], bool],
        board: Board,
        on_commit: Callable[[Sequence[Head]], object],
        on_regression: Callable[[Iterable[LogName]], None],
    ) -> None:
        self._database = database
        self._store = store
        self._checkpoints = checkpoints
        self._projection = projection
        self._signing = signing
        self._requests = RequestStore(request_mac_key)
        self._clock = clock
        self._settings = settings
        self._is_confirmed = is_confirmed
        self._board = board
        self._on_commit = on_commit
        self._on_regression = on_regression
        self._waiting: deque[_Pending] = deque()
        self._is_work = asyncio.Event()
        self._is_stopping = False
        self._task: asyncio.Task[None] | None = None
        # Right edges as last committed; used only if the locked head still has the same tree.
        self._trees: dict[LogName, Tree] = {}

    async def start(self) -> None:
        """Begin to take writes."""
        self._task = asyncio.create_task(self._run(), name="log-sequencer")

    async def stop(self) -> None:
        """Finish the writes that wait, and take no more."""
        self._is_stopping = True
        self._is_work.set()
        if self._task is not None:
            await self._task

    async def submit(self, write: Write) -> bytes:
        """Return the serialised answer once it is durable; see the port."""
        if self._is_stopping:
            raise Unavailable(Reason.SHUTTING_DOWN, "The node is shutting down.")
        if len(self._waiting) >= self._settings.queue_max:
            raise Unavailable(
                Reason.OVERLOADED, f"{self._settings.queue_max} writes wait; come back later."
            )
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Pending(write=write, answer=answer))
        self._is_work.set()
        return await answer

    async def rehearse(self, write: Write) -> bytes:
        """Return the answer that a write would get, and undo it; see the port."""

        def work(connection: Connection) -> None:
            heads = self._store.lock(connection, self._store.own)
            tx = Tx(self._store, connection, self._clock.now(), heads)
            grown: dict[LogName, _Grown] = {}
            runs = [
                self._append(tx, grown, log, entries) for log, entries in self._entries(tx, write)
            ]
            answer = write.answer(tx, runs)
            raise _RehearsedError(answer.SerializeToString(deterministic=True))

        try:
            await self._database.write(work)
        except _RehearsedError as rehearsed:
            return rehearsed.answer
        raise AssertionError("a rehearsal is undone")

    async def _run(self) -> None:
        while True:
            await self._is_work.wait()
            self._is_work.clear()
            while group := self._take():
                await self._commit_group(group)
            if self._is_stopping:
                return

    def _take(self) -> list[_Pending]:
        """Remove what is to be committed together; a write that wants to be alone is."""
        group: list[_Pending] = []
        while self._waiting and len(group) < self._settings.group_writes_max:
            if self._waiting[0].answer.cancelled():
                self._waiting.popleft()
                continue
            if group and self._waiting[0].write.alone:
                break
            group.append(self._waiting.popleft())
            if group[-1].write.alone:
                break
        return group

    async def _commit_group(self, group: Sequence[_Pending]) -> None:
        """Commit a group; if it breaks, each write by itself, so that one spoils no other."""
        writes = [pending.write for pending in group]
        try:
            done = await self._database.write(lambda c: self._commit(c, writes))
        except _WentBackError as error:
            self._on_regression(error.logs)
            for pending in group:
                pending.settle(_unconfirmed(error.logs[0]))
        except Exception as error:  # noqa: BLE001 - whatever it is, its writer must be told
            if len(group) == 1:
                group[0].settle(error)
                return
            for pending in group:
                await self._commit_group([pending])
        else:
            self._trees.update(done.trees)
            self._waiting.extendleft(reversed(group[len(done.results) :]))
            self._on_commit(done.heads)
            for pending, result in zip(group, done.results, strict=False):
                pending.settle(result)

    def _commit(self, connection: Connection, writes: Sequence[Write]) -> _Committed:
        """Run a group inside its transaction, on the writing thread."""
        # 1. Lock.
        heads = self._store.lock(connection, self._store.own)
        known = self._board.heads
        lost = [log for log in heads if log in known and heads[log].version < known[log].version]
        if lost:
            raise _WentBackError(lost)
        tx = Tx(self._store, connection, self._clock.now(), heads)
        grown: dict[LogName, _Grown] = {}
        # 2. Each write.
        results: list[bytes | DeltacareError] = []
        entry_count = 0
        for write in writes:
            before = sum(head.size for head in tx.heads.values())
            results.append(self._one(tx, grown, write))
            entry_count += sum(head.size for head in tx.heads.values()) - before
            if entry_count >= self._settings.group_entries_max:
                break
        # 3. Tree, checkpoint and head.
        is_due = writes[0].alone
        saved = [self._store_grown(tx, grown[log], is_due=is_due) for log in sorted(grown)]
        return _Committed(
            results=results,
            heads=saved,
            trees={log: state.tree for log, state in grown.items()},
        )

    def _one(self, tx: Tx, grown: dict[LogName, _Grown], write: Write) -> bytes | DeltacareError:
        """Answer one write, or undo it."""
        key = RequestKey.of(write.caller, write.method, write.request_id)
        mac = self._requests.mac(write.content)
        first = self._requests.find(tx.connection, key)
        if first is not None:
            if first.content_mac != mac:
                _alarm.error("request_id_reused", scope=key.scope, method=key.method)
                return Refusal(
                    Reason.REQUEST_ID_REUSED,
                    "This request id was used before with other content.",
                    details={"request_id": key.request_id},
                )
            return first.refusal or first.answer
        heads, states = dict(tx.heads), dict(grown)
        savepoint = tx.connection.begin_nested()
        try:
            runs = [
                self._append(tx, grown, log, entries) for log, entries in self._entries(tx, write)
            ]
            answer = write.answer(tx, runs).SerializeToString(deterministic=True)
        except DeltacareError as error:
            savepoint.rollback()
            tx.heads.clear()
            tx.heads.update(heads)
            grown.clear()
            grown.update(states)
            # What an unconfirmed node knows may be old: it refuses, but not for good.
            is_tried_again = write.is_personal or write.is_draft
            is_lasting = is_kept(error) and self._is_whole() and not is_tried_again
            if isinstance(error, Refusal) and is_lasting:
                self._requests.keep(tx.connection, key, content_mac=mac, answer=error, now=tx.now)
            return error
        self._requests.keep(tx.connection, key, content_mac=mac, answer=answer, now=tx.now)
        savepoint.commit()
        return answer

    def _entries(self, tx: Tx, write: Write) -> list[tuple[LogName, list[Entry]]]:
        """Decide, and stamp what was decided."""
        decided = [(log, list(entries)) for log, entries in write.decide(tx)]
        total = sum(len(entries) for _, entries in decided)
        if total > self._settings.write_entries_max:
            raise Refusal(
                Reason.TOO_LARGE,
                f"One request brings at most {self._settings.write_entries_max} entries.",
                details={"entries": str(total)},
            )
        time = Timestamp()
        time.FromDatetime(tx.now)
        seconds, nanos = time.seconds, time.nanos
        request_id = write.request_id
        position = 0
        for log, entries in decided:
            assert log.author == self._store.province, "a node writes its own logs"
            for entry in entries:
                entry_time = entry.entry_time
                entry_time.seconds = seconds
                entry_time.nanos = nanos
                entry.request_id = request_id
                entry.request_position = position
                position += 1
        return decided

    def _append(
        self, tx: Tx, grown: dict[LogName, _Grown], log: LogName, entries: Sequence[Entry]
    ) -> AppendedRun:
        """Append entries to a log, project them, and sign what the log is then."""
        state = grown.get(log) or self._load(tx, log)
        head = state.head
        if not self._is_confirmed(log):
            raise _unconfirmed(log)
        if head.is_stalled:
            raise Refusal(
                Reason.LOG_STALLED,
                f"{log} holds entries that this version does not know.",
                details={"log": str(log)},
            )
        first_index = head.size
        leaves: list[bytes] = []
        if entries:
            datas = [entry.SerializeToString(deterministic=True) for entry in entries]
            _require_entry_size(datas)
            leaves = leaf_hashes(datas)
            self._store.append_entries(tx.connection, head, datas, tx.now)
            tree, tiles = state.tree.append(leaves)
            size = first_index + len(entries)
            head = replace(head, size=size, frontier=tree.frontier, projected_size=size)
            tx.heads[log] = head
            rows = [
                Sequenced(index=first_index + offset, leaf_hash=leaf, entry=entry)
                for offset, (leaf, entry) in enumerate(zip(leaves, entries, strict=True))
            ]
            assert all(map(self._projection.understands, entries)), "we know what we write"
            self._projection.run(tx, head, rows)
            merged = {**state.tiles, **{(tile.level, tile.index): tile for tile in tiles}}
            state = _Grown(head=head, tree=tree, signed=None, tiles=merged)
        signed = state.signed or self._sign(head, tx.now)
        grown[log] = replace(state, signed=signed)
        return AppendedRun(
            log=log,
            first_index=first_index,
            leaf_hashes=tuple(leaves),
            checkpoint=signed.to_bytes(),
        )

    def _load(self, tx: Tx, log: LogName) -> _Grown:
        head = tx.heads[log]
        tree = self._trees.get(log)
        if tree is None or tree.frontier != head.frontier:
            tree = self._store.tree(tx.connection, head)
        return _Grown(head=head, tree=tree, signed=None, tiles={})

    def _sign(self, head: Head, now: datetime) -> SignedCheckpoint:
        signer = self._signing.log_signer(head.log, now)
        checkpoint = Checkpoint(origin=str(head.log), size=head.size, root=head.frontier.root)
        return SignedCheckpoint.sign(checkpoint, signer)

    def _store_grown(self, tx: Tx, state: _Grown, *, is_due: bool) -> Head:
        """Store what a group made of a log."""
        assert state.signed is not None, "what was appended was signed"
        head, signed = state.head, state.signed
        self._store.write_tiles(tx.connection, head.log_id, state.tiles.values())
        self._checkpoints.put(tx.connection, head, signed, tx.now, is_due=is_due)
        note = signed.to_bytes()
        head = replace(head, head_size=head.size, head_note=note, seen_note=note)
        return self._store.save(tx.connection, head, tx.now)

    def _is_whole(self) -> bool:
        return all(map(self._is_confirmed, self._store.own))


def _unconfirmed(log: LogName) -> Unavailable:
    return Unavailable(
        Reason.LOG_NOT_CONFIRMED,
        f"Too few partners have confirmed where {log} ends.",
        details={"log": str(log)},
    )


def _require_entry_size(datas: Iterable[bytes]) -> None:
    for position, data in enumerate(datas):
        if len(data) > ENTRY_BYTES_MAX:
            raise Refusal(
                Reason.TOO_LARGE,
                f"Entry {position} has {len(data)} bytes; at most {ENTRY_BYTES_MAX} fit.",
                details={"position": str(position)},
            )
