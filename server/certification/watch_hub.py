"""Wakes those who watch when a log has grown by something that touches their certificates.

One task for all streams of this process looks at what each registry log grew by, once, and asks the
lists whose certificates that touches; those streams look for themselves. For the others it moves
their place in the log on, so that they never read what is not for them. Nothing is queued: a stream
that is slow finds on its next look all that came meanwhile. The task runs while somebody watches.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from deltacare.errors import Reason, Unavailable
from deltacare.ids import LogKind, LogName
from server.certification.watch_touches import watchers_touched
from server.certification.watch_values import Cursor, Reached
from server.edge.logging import error_facts, get_log
from server.log.ports import LogReader
from server.store.database import Database

__all__ = ["STREAMS_PER_CALLER_MAX", "Hub", "Subscription", "reached"]

STREAMS_PER_CALLER_MAX = 8
"""Most streams of one caller that are open at one replica."""

_log = get_log("certification")


def reached(reader: LogReader, log: LogName) -> Reached:
    """Return how far a log is held, from memory."""
    position = reader.position(log)
    return Reached(
        size=position.size, quorum_size=position.quorum_size, is_stalled=position.stalled
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Clean:
    """A stretch of a log that touches nothing of a caller's."""

    first: Reached
    end: Reached


class Subscription:
    """What one stream waits for.

    Args:
        caller: whose stream, by its opaque id.
    """

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self._pending: set[LogName] = set()
        self._clean: dict[LogName, _Clean] = {}
        self._news = asyncio.Event()
        self._is_over = False

    def wake(self, log: LogName) -> None:
        """Say that something in a log touches the caller's certificates."""
        self._pending.add(log)
        self._news.set()

    def pass_over(self, log: LogName, first: Reached, end: Reached) -> None:
        """Say that a stretch of a log touches nothing of the caller's."""
        known = self._clean.get(log)
        begins = first if known is None or known.end != first else known.first
        self._clean[log] = _Clean(first=begins, end=end)

    def close(self) -> None:
        """End the stream: the hub cannot go on."""
        self._is_over = True
        self._news.set()

    def skip(self, log: LogName, cursor: Cursor) -> Cursor:
        """Return a cursor moved over what is known to touch nothing."""
        clean = self._clean.get(log)
        if (
            clean is None
            or cursor.after
            or cursor.after_permit
            or cursor.next_index < clean.first.size
            or cursor.next_permit_index < clean.first.quorum_size
        ):
            return cursor
        return cursor.up_to(clean.end.size, clean.end)

    async def next(self, wait_s: float) -> Collection[LogName]:
        """Return the logs to look at, when there are any; none if there are none in time.

        Args:
            wait_s: how long to wait for them; 0 does not wait.

        Raises:
            Unavailable: ``SHUTTING_DOWN``, if nobody looks at the logs any more.
        """
        if wait_s > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
        self._news.clear()
        if self._is_over:
            raise Unavailable(
                Reason.SHUTTING_DOWN,
                "Watching ended; go on from the last cursors.",
                details={"retry_after_ms": "1000"},
            )
        found, self._pending = self._pending, set()
        return found


class Hub:
    """The streams of one process.

    Args:
        database: the lists, and the rows of the logs.
        reader: how far each log is held, and when that changes.
    """

    def __init__(self, *, database: Database, reader: LogReader) -> None:
        self._database = database
        self._reader = reader
        self._subscriptions: set[Subscription] = set()
        self._streams: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def subscribe(self, caller: str) -> AsyncIterator[Subscription]:
        """Lend a subscription.

        Raises:
            Unavailable: ``OVERLOADED``, if the caller has too many streams.
        """
        with self._counted(caller):
            subscription = Subscription(caller)
            self._subscriptions.add(subscription)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run(), name="watching")
            try:
                yield subscription
            finally:
                self._subscriptions.discard(subscription)
                if not self._subscriptions and self._task is not None:
                    task, self._task = self._task, None
                    task.cancel()
                    await asyncio.wait((task,))

    @contextmanager
    def _counted(self, caller: str) -> Iterator[None]:
        """Count a stream of a caller.

        Raises:
            Unavailable: ``OVERLOADED``, if it has too many.
        """
        if self._streams[caller] >= STREAMS_PER_CALLER_MAX:
            raise Unavailable(
                Reason.OVERLOADED,
                f"More than {STREAMS_PER_CALLER_MAX} streams of this caller watch certificates.",
                details={
                    "streams_per_caller_max": str(STREAMS_PER_CALLER_MAX),
                    "retry_after_ms": "1000",
                },
            )
        self._streams[caller] += 1
        try:
            yield
        finally:
            self._streams[caller] -= 1
            if not self._streams[caller]:
                del self._streams[caller]

    async def _run(self) -> None:
        """Look at every growth until nobody watches or the node drains."""
        try:
            seen: dict[LogName, Reached] = {}
            async for changed in self._reader.changes():
                for log in sorted(changed):
                    if log.kind is LogKind.REGISTRY:
                        await self._look(log, seen)
        except Exception as error:  # noqa: BLE001  # streams end, and their callers come back
            _log.error("watching_broke", **error_facts(error))
        finally:
            for subscription in self._subscriptions:
                subscription.close()

    async def _look(self, log: LogName, seen: dict[LogName, Reached]) -> None:
        """Wake whom the growth of a log touches."""
        before, now = seen.get(log), reached(self._reader, log)
        seen[log] = now
        if before is None:
            # The streams that are there look for themselves, each from its own place.
            for subscription in self._subscriptions:
                subscription.wake(log)
            return
        if (now.size, now.quorum_size) == (before.size, before.quorum_size):
            return
        callers = None
        if not now.is_stalled:
            callers = await self._database.read(
                lambda connection: watchers_touched(connection, log.author, before, now)
            )
        for subscription in self._subscriptions:
            if callers is None or subscription.caller in callers:
                subscription.wake(log)
            else:
                subscription.pass_over(log, before, now)
