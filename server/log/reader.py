"""Reads of the logs held, for the rooms above: a ``server.log.ports.LogReader``.

Positions come from memory and are compared with the database at most every 200 ms, because
another replica of this node may write to the same database. Reads of entries and of the past run
in the caller's snapshot.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection

from deltacare.ids import LogName
from server.log.board import Board, Slot
from server.log.checkpoints import CheckpointStore, KnownCheckpoint
from server.log.history import times_at
from server.log.ports import Clock, Position
from server.log.receipts import receipt_bytes, witnessed_note
from server.log.store import Head, LogStore
from server.store.database import Database

__all__ = ["Reader"]

_NOTHING = Position(
    size=0, quorum_size=0, quorum_time=None, fresh_time=None, stalled=False, forked=False
)

_alarm = structlog.get_logger("deltacare.alarm")


class Reader:
    """The logs of one node, read.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        board: what is known in memory.
        clock: gives the age of own logs.
        refresh_s: age at which memory is compared with the database.
        on_regression: called with the logs of which the database holds less than it did.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: LogStore,
        checkpoints: CheckpointStore,
        board: Board,
        clock: Clock,
        refresh_s: float,
        on_regression: Callable[[Iterable[LogName]], None],
    ) -> None:
        self._database = database
        self._store = store
        self._checkpoints = checkpoints
        self._board = board
        self._clock = clock
        self._refresh_s = refresh_s
        self._on_regression = on_regression
        self._refreshed_s = float("-inf")
        self._running: asyncio.Task[None] | None = None

    def position(self, log: LogName) -> Position:
        """Return how far a log is held, from memory."""
        head = self._board.heads.get(log)
        if head is None:
            return _NOTHING
        if log.author == self._store.province:
            return self._own(head.size, self._clock.now(), head)
        return Position(
            size=head.size,
            quorum_size=head.quorum_size,
            quorum_time=head.quorum_time,
            fresh_time=head.fresh_time,
            stalled=head.is_stalled,
            forked=head.is_forked,
        )

    async def refresh(self) -> None:
        """Compare positions with the database if that was not done within 200 ms."""
        loop = asyncio.get_running_loop()
        if loop.time() - self._refreshed_s < self._refresh_s:
            return
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._refresh())
        await asyncio.shield(self._running)

    def position_at(self, connection: Connection, log: LogName, known_time: datetime) -> Position:
        """Return how far a log was held at a past moment.

        Whether it is stalled or forked is said as of now: what was proven since is not forgotten.
        """
        head = self._store.head(connection, log)
        size = self._store.size_at(connection, log, known_time)
        if log.author == self._store.province:
            return self._own(size, known_time, head)
        fresh_time, quorum_time = times_at(connection, head.log_id, known_time)
        return Position(
            size=size,
            quorum_size=self._checkpoints.quorum_size_at(connection, log, known_time),
            quorum_time=quorum_time,
            fresh_time=fresh_time,
            stalled=head.is_stalled,
            forked=head.is_forked,
        )

    def entries(
        self, connection: Connection, log: LogName, first_index: int, end_index: int
    ) -> Sequence[bytes]:
        """Return the exact bytes of a range of entries."""
        return self._store.entries(connection, log, first_index, end_index)

    def quorum_checkpoint(
        self, connection: Connection, log: LogName, size: int | None = None
    ) -> bytes | None:
        """Return a signed checkpoint with its quorum: of that size, or the newest."""
        found: KnownCheckpoint | None
        if size is None:
            found = self._checkpoints.newest_quorum(connection, log)
        else:
            found = self._checkpoints.get(connection, log, size)
        return found.note if found is not None and found.has_quorum else None

    def checkpoint(self, connection: Connection, log: LogName) -> bytes | None:
        """Return the newest signed checkpoint of a log, cosigned or not."""
        found = self._checkpoints.newest(connection, log)
        return found.note if found is not None else None

    def receipts(
        self, connection: Connection, log: LogName, indexes: Sequence[int]
    ) -> tuple[bytes, Sequence[bytes]] | None:
        """Return the newest checkpoint with its quorum, and tlog-proofs of entries under it."""
        found = self._checkpoints.newest_quorum(connection, log)
        if found is None or any(index >= found.size for index in indexes):
            return None
        proofs = [
            receipt_bytes(
                self._store, connection, log, index=index, size=found.size, note=found.note
            )
            for index in indexes
        ]
        return witnessed_note(log, found.note), proofs

    def root(self, connection: Connection, log: LogName, size: int) -> bytes:
        """Return the root of a log's tree as it was at a size that is held."""
        return self._store.root(connection, log, size)

    def changes(self) -> AsyncIterator[frozenset[LogName]]:
        """Yield the logs that grew, or got a quorum, since the last yield; the first at once."""
        return self._board.changes()

    def _own(self, size: int, now: datetime, head: Head) -> Position:
        return Position(
            size=size,
            quorum_size=size,
            quorum_time=now,
            fresh_time=now,
            stalled=head.is_stalled,
            forked=head.is_forked,
        )

    async def _refresh(self) -> None:
        known = dict(self._board.heads)
        started_s = asyncio.get_running_loop().time()
        heads = await self._database.read(self._store.heads)
        # Only what was known before the read can tell that the database went back.
        lost = [
            log
            for log, head in known.items()
            if (found := heads.get(log)) is not None and found.version < head.version
        ]
        if lost:
            _alarm.error("database_went_back", logs=[str(log) for log in lost])
            for log in lost:
                self._board.drop(log)
            self._on_regression(lost)
        self._refreshed_s = started_s
        for log in self._board.put_heads(heads.values()):
            before = known.get(log)
            if before is None or heads[log].quorum_size > before.quorum_size:
                await self._show_quorum(log)

    async def _show_quorum(self, log: LogName) -> None:
        """Put up what another replica got cosigned."""
        found = await self._database.read(lambda c: self._checkpoints.newest_quorum(c, log))
        if found is not None:
            self._board.show(log, Slot.QUORUM, found.size, found.note)
