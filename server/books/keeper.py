"""Works the journal out from the projections, once for each state of the logs.

Nothing of it is stored. What was worked out is kept in memory until a log grows, a night is agreed
or a month closes; the sums of past nights, which are most of the work, are kept longer.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.trust import Trust
from server.books import store
from server.books.money import budget_events, payment_events
from server.books.nights import NightSums, agreed_nights, night_events
from server.books.sources import Entries, ends_of, registry_ends
from server.log.ports import LogReader
from server.settlement.cache import last_agreed_date
from server.store.database import Database
from settlement.books.events import Event
from settlement.books.journal import Finding, JournalLine, book
from settlement.books.months import ClosedMonth

__all__ = ["Books", "BooksKeeper", "pending_nights"]

_alarm = structlog.get_logger("deltacare.alarm")
_MONTH_CHARS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The books of the own province as the logs have them.

    Attributes:
        lines: The journal, sorted.
        findings: What in it does not agree.
        log_ends: By log, how many entries were taken in.
        closes: Months that were closed.
        agreed: Partner and date of nights that were taken in.
        pending: Partner and date of nights that are agreed and not worked out here yet.
    """

    lines: Sequence[JournalLine]
    findings: Sequence[Finding]
    log_ends: Mapping[str, int]
    closes: Sequence[store.StatedClose]
    agreed: Collection[tuple[str, str]]
    pending: Sequence[tuple[str, str]]


def pending_nights(books: Books) -> Sequence[tuple[str, str]]:
    """Return the nights of closed months that this node has still to work out again."""
    last = books.closes[-1].body.month if books.closes else ""
    return [each for each in books.pending if each[1][:_MONTH_CHARS] <= last]


class BooksKeeper:
    """The books of one province.

    Args:
        province: Whose.
        trust: Members and the opening date.
        database: This node's.
        reader: Of the logs held.
    """

    def __init__(
        self, *, province: str, trust: Trust, database: Database, reader: LogReader
    ) -> None:
        self._province = province
        self._trust = trust
        self._database = database
        self._reader = reader
        self._entries = Entries(reader=reader)
        self._sums = NightSums()
        self._lock = asyncio.Lock()
        self._known: tuple[object, Books] | None = None

    @property
    def first_month(self) -> str:
        """The month in which the books begin."""
        return str(ServiceMonth.of(self._trust.opening_date))

    @property
    def partners(self) -> tuple[str, ...]:
        """The other members, ascending."""
        return tuple(each for each in self._trust.provinces if each != self._province)

    async def current(self) -> Books:
        """Return the books as of now.

        Raises:
            Refusal: `STALE`: nights of closed months are being worked out again, after a rebuild.
        """
        books = await self._read("")
        waiting = pending_nights(books)
        if waiting:
            partner, day = waiting[0]
            raise Refusal(
                Reason.STALE,
                "Nights of closed months are still being worked out again; ask again in a moment.",
                details={"night": f"{day} {self._province}-{partner}"},
            )
        return books

    async def until(self, month: ServiceMonth) -> Books:
        """Return the books that closing a month now would take in."""
        return await self._read(month.last_date.isoformat())

    async def _read(self, until_date: str) -> Books:
        async with self._lock:
            await self._reader.refresh()
            logs = (LogName.registry(each) for each in self._trust.provinces)
            positions = {log: self._reader.position(log) for log in logs}
            registries = registry_ends(self._province, positions)
            return await self._database.read(
                lambda connection: self._current(
                    connection, ends_of(connection, self._province, registries, until_date)
                )
            )

    def _current(self, connection: Connection, ends: Mapping[str, int]) -> Books:
        """Return the books up to some ends, from memory if nothing has changed."""
        closes = store.load_closes(connection, self._province)
        agreed = [last_agreed_date(connection, partner) for partner in self.partners]
        key = (tuple(ends.items()), len(closes), tuple(agreed))
        if self._known is not None and self._known[0] == key:
            return self._known[1]
        books = self._work(connection, ends, store.closed_months(closes), closes)
        self._known = (key, books)
        # While nights are worked out again, what they cleared is missing and proves nothing.
        for each in () if books.pending else books.findings:
            _alarm.error("books_disagree", code=each.code, subject=each.subject, detail=each.detail)
        return books

    def _work(
        self,
        connection: Connection,
        ends: Mapping[str, int],
        closed: Sequence[ClosedMonth],
        closes: Sequence[store.StatedClose] = (),
    ) -> Books:
        """Gather events, and book those whose entries were taken in."""
        own = self._province
        nights = agreed_nights(connection, own, ends)
        events: list[Event] = [
            *budget_events(connection, own, self._entries),
            *night_events(
                connection,
                own,
                self.partners,
                nights,
                sums=self._sums,
                entries=self._entries,
            ),
            *payment_events(connection, own, ends, self._entries),
        ]
        known = [
            event
            for event in events
            if all(each.index < ends.get(each.log, 0) for each in event.sources)
        ]
        lines, findings = book(
            known, own, first_month=self.first_month, closed=closed, gross=nights.gross
        )
        return Books(
            lines=lines,
            findings=findings,
            log_ends=ends,
            closes=closes,
            agreed=nights.results.keys(),
            pending=nights.pending,
        )
