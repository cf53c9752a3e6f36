"""What this node knows of every log, in memory: positions, and what watchers are shown.

Fed after every commit and compared with the database every 200 ms, so that replicas of a node
agree. Watchers see the newest of each kind and may miss what lay between: each of them is
overtaken by what follows, and the checkpoint that must not be overtaken stays up until it has its
quorum.
"""

import asyncio
import enum
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from deltacare.ids import LogName
from server.log.store import Head

__all__ = ["Board", "Shown", "Slot", "Subscriber"]


class Slot(enum.StrEnum):
    """Kinds of notes that are shown of a log."""

    HEAD = "head"
    ASKED = "asked"
    COSIGNED = "cosigned"
    QUORUM = "quorum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A note on the board.

    Attributes:
        log: the log.
        size: of the checkpoint.
        note: signed, with the cosignatures known when it was put up.
        is_asked: whether its author asks for cosignatures.
        revision: place in the order of what was put up.
    """

    log: LogName
    size: int
    note: bytes
    is_asked: bool
    revision: int


class Board:
    """Lives in the event loop; no method blocks."""

    def __init__(self) -> None:
        self._heads: dict[LogName, Head] = {}
        self._slots: dict[tuple[LogName, Slot], Shown] = {}
        self._revision = 0
        self._is_closed = False
        self._subscribers: set[Subscriber] = set()

    @property
    def heads(self) -> Mapping[LogName, Head]:
        """The newest head known of each log held."""
        return self._heads

    def put_heads(self, heads: Iterable[Head]) -> frozenset[LogName]:
        """Take over heads as committed; older ones than known are left out.

        Returns:
            The logs whose head was news.
        """
        news: set[LogName] = set()
        for head in heads:
            known = self._heads.get(head.log)
            if known is not None and known.version >= head.version:
                continue
            self._heads[head.log] = head
            news.add(head.log)
            if head.head_note is not None and (
                known is None or known.head_note is None or head.head_size > known.head_size
            ):
                self._put(head.log, Slot.HEAD, head.head_size, head.head_note)
        self._notify(news)
        return frozenset(news)

    def drop(self, log: LogName) -> None:
        """Forget a head, because the database has gone back behind it."""
        self._heads.pop(log, None)
        for slot in Slot:
            self._slots.pop((log, slot), None)

    def withdraw(self, log: LogName, slot: Slot) -> None:
        """Take down a note that counts no more."""
        self._slots.pop((log, slot), None)

    def show(
        self, log: LogName, slot: Slot, size: int, note: bytes, *, again: bool = False
    ) -> None:
        """Put up a note in place of the one of its kind.

        Args:
            log: the log.
            slot: the kind.
            size: of the checkpoint.
            note: signed.
            again: show it to everybody once more although it is up.
        """
        held = self._slots.get((log, slot))
        if held is not None and held.size == size and held.note == note and not again:
            return
        self._put(log, slot, size, note)
        self._notify({log})

    def size_up(self, log: LogName, slot: Slot) -> int | None:
        """Return the size of what is up of a kind, ``None`` if nothing is."""
        held = self._slots.get((log, slot))
        return held.size if held is not None else None

    def shown(self, log: LogName, *, after: int = 0) -> list[Shown]:
        """Return what is up of a log and was put up after a revision, smallest first.

        One note a size: the last put up, asking if any of them asks.
        """
        by_size: dict[int, Shown] = {}
        for slot in Slot:
            shown = self._slots.get((log, slot))
            if shown is None or shown.revision <= after:
                continue
            other = by_size.get(shown.size)
            if other is None:
                by_size[shown.size] = shown
                continue
            later = max(shown, other, key=lambda s: s.revision)
            by_size[shown.size] = Shown(
                log=log,
                size=later.size,
                note=later.note,
                is_asked=shown.is_asked or other.is_asked,
                revision=later.revision,
            )
        return [by_size[size] for size in sorted(by_size)]

    @property
    def is_closed(self) -> bool:
        """Whether the node drains."""
        return self._is_closed

    @property
    def revision(self) -> int:
        """The place of what was put up last."""
        return self._revision

    async def changes(
        self, *, gathered: Collection[LogName] = (), gather_s: float = 0.0
    ) -> AsyncIterator[frozenset[LogName]]:
        """Yield the logs about which something is new since the last yield; all of them first.

        Args:
            gathered: logs whose changes wait for those that follow soon.
            gather_s: for how long they wait.
        """
        loop = asyncio.get_running_loop()
        late, waiting = frozenset(gathered), frozenset[LogName]()
        due_s = 0.0
        with self.subscribe() as subscriber:
            if not self._is_closed:
                yield await subscriber.next()
            while not self._is_closed:
                left_s = max(0.0, due_s - loop.time()) if waiting else None
                changed = await subscriber.next(within_s=left_s)
                if not waiting:
                    due_s = loop.time() + gather_s
                waiting |= changed & late
                changed -= late
                if waiting and loop.time() >= due_s:
                    changed, waiting = changed | waiting, frozenset()
                if changed:
                    yield changed

    @contextmanager
    def subscribe(self) -> Iterator["Subscriber"]:
        """Lend a reader of changes, to which everything known is new."""
        subscriber = Subscriber(set(self._heads))
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def close(self) -> None:
        """End every reader of changes: the node drains."""
        self._is_closed = True
        for subscriber in self._subscribers:
            subscriber.wake()

    def _put(self, log: LogName, slot: Slot, size: int, note: bytes) -> None:
        self._revision += 1
        self._slots[log, slot] = Shown(
            log=log,
            size=size,
            note=note,
            is_asked=slot == Slot.ASKED,
            revision=self._revision,
        )

    def _notify(self, logs: Iterable[LogName]) -> None:
        for subscriber in self._subscribers:
            subscriber.add(logs)


class Subscriber:
    """One reader of changes, and what it has not seen."""

    def __init__(self, pending: set[LogName]) -> None:
        self._pending = pending
        self._is_news = asyncio.Event()
        self._is_news.set()

    def add(self, logs: Iterable[LogName]) -> None:
        """Note that something is new about some logs."""
        self._pending.update(logs)
        if self._pending:
            self._is_news.set()

    def wake(self) -> None:
        """Let the reader go on although nothing is new."""
        self._is_news.set()

    async def next(self, *, within_s: float | None = None) -> frozenset[LogName]:
        """Return what is new, when there is something; nothing if the time is over before."""
        try:
            async with asyncio.timeout(within_s):
                await self._is_news.wait()
        except TimeoutError:
            return frozenset()
        self._is_news.clear()
        found, self._pending = frozenset(self._pending), set()
        return found
