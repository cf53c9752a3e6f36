"""Status lists worked out from a log: as of a size and a day, and kept up as the log grows.

`compute_lists` is the definition: certificates in the order in which they were issued, each with
what its author's log says of it up to a size, on a day. `LiveLists` gives the same for the present
and reads only what changed: entries that came since, and certificates of which it is known that
their status changes on a day.
"""

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from deltacare.credential.status_list import (
    LIST_PLACES,
    Status,
    list_hash,
    new_list,
    set_status,
)
from deltacare.ids import LogName
from server.certification.standing import certificate_standing
from server.certification.store import read_histories
from server.certification.values import CertificateHistory
from server.credential.rules import places_in_list
from server.credential.store import issued_count, restricted_numbers, status_indexes
from server.log.ports import LogReader
from server.registry.values import Reach
from server.store.database import Database

__all__ = ["ListAt", "LiveLists", "compute_list", "status_of"]

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAt:
    """One list as of a size and a day.

    Attributes:
        list_number: From 0.
        data: Uncompressed.
        entry_count: Places in use.
        list_hash: SHA-256 of the data.
        log_size: Entries of the author's registry log that it takes in.
        on_date: The day.
    """

    list_number: int
    data: bytes
    entry_count: int
    list_hash: bytes
    log_size: int
    on_date: date


def status_of(
    history: CertificateHistory, *, size: int, day: date
) -> tuple[Status, tuple[date, ...]]:
    """Return the status of a certificate, and the later days on which it may be another.

    Args:
        history: all that its issuer ever said of it.
        size: entries of the issuer's log that count.
        day: the day.
    """
    standing = certificate_standing(history, Reach(restrict_size=size, permit_size=size))
    if standing is None:
        return Status.VALID, ()
    spans = standing.suspensions
    status = Status.VALID
    if any(span.holds(day) for span in spans):
        status = Status.SUSPENDED
    changes = {span.from_date for span in spans}
    changes |= {span.until_date + _ONE_DAY for span in spans if span.until_date is not None}
    if standing.revocation is not None:
        changes.add(standing.revocation.from_date)
        if standing.revocation.holds(day):
            status = Status.INVALID
    return status, tuple(sorted(each for each in changes if each > day))


class _State:
    """Lists of one author, as far as they were worked out."""

    def __init__(self, author: str) -> None:
        self.author = author
        self.lists: list[bytearray] = []
        self.count = 0
        self.size = 0
        self.day = date.min
        self.changed: set[int] = set()
        self._agenda: dict[date, set[str]] = {}

    def advance(self, connection: Connection, *, size: int, day: date) -> None:
        """Work out what changed up to a size and a day, neither of them earlier than before."""
        touched = set(restricted_numbers(connection, self.author, self.size, size))
        for due in [each for each in self._agenda if each <= day]:
            touched |= self._agenda.pop(due)
        self._grow(issued_count(connection, self.author, size))
        places = status_indexes(connection, touched)
        for number, history in read_histories(connection, touched).items():
            index = places[number]
            if index >= self.count:
                continue
            status, changes = status_of(history, size=size, day=day)
            list_number = index // LIST_PLACES
            set_status(self.lists[list_number], index % LIST_PLACES, status)
            self.changed.add(list_number)
            for change in changes:
                self._agenda.setdefault(change, set()).add(number)
        self.size, self.day = size, day

    def _grow(self, count: int) -> None:
        """Make place for certificates that were issued since; they begin valid."""
        if count == self.count:
            return
        for list_number in range(-(-count // LIST_PLACES)):
            before = places_in_list(self.count, list_number)
            places = places_in_list(count, list_number)
            if places == before and list_number < len(self.lists):
                continue
            whole = new_list(places)
            if list_number < len(self.lists):
                held = self.lists[list_number]
                held.extend(bytes(len(whole) - len(held)))
            else:
                self.lists.append(whole)
            self.changed.add(list_number)
        self.count = count

    def at(self, list_number: int) -> ListAt:
        """Return a list as it is now."""
        data = bytes(self.lists[list_number])
        return ListAt(
            list_number=list_number,
            data=data,
            entry_count=places_in_list(self.count, list_number),
            list_hash=list_hash(data),
            log_size=self.size,
            on_date=self.day,
        )


def compute_list(
    connection: Connection, author: str, list_number: int, *, size: int, day: date
) -> ListAt | None:
    """Return a list as of a size and a day, from nothing; ``None`` if there was none.

    Args:
        connection: a snapshot that holds at least so many entries of the author's log, projected.
        author: whose.
        list_number: from 0.
        size: entries that count.
        day: the day.
    """
    state = _State(author)
    state.advance(connection, size=size, day=day)
    return state.at(list_number) if list_number < len(state.lists) else None


class LiveLists:
    """The own province's lists, kept up.

    Args:
        own: the province.
        database: its rows.
        reader: how far its log goes.
    """

    def __init__(self, *, own: str, database: Database, reader: LogReader) -> None:
        self._own = own
        self._database = database
        self._reader = reader
        self._state = _State(own)
        self._shown: dict[int, ListAt] = {}
        self._lock = asyncio.Lock()

    async def current(self, day: date) -> tuple[ListAt, ...]:
        """Return every list as of all that the own log holds, on a day."""
        await self._reader.refresh()
        async with self._lock:
            # Read before the snapshot: what that holds beyond is cut off.
            size = self._reader.position(LogName.registry(self._own)).size
            state = self._state
            if size < state.size or day < state.day:
                # A database that was put back, or a clock: begin again.
                state = _State(self._own)
            if (size, day) != (state.size, state.day):
                await self._database.read(
                    lambda connection: state.advance(connection, size=size, day=day)
                )
                self._show(state)
            return tuple(self._shown[number] for number in range(len(state.lists)))

    def _show(self, state: _State) -> None:
        """Copy the lists that changed; the others get the new size and day."""
        if state is not self._state:
            self._state = state
            self._shown.clear()
            state.changed = set(range(len(state.lists)))
        for number in range(len(state.lists)):
            before = self._shown.get(number)
            if before is None or number in state.changed:
                self._shown[number] = state.at(number)
            else:
                self._shown[number] = ListAt(
                    list_number=number,
                    data=before.data,
                    entry_count=before.entry_count,
                    list_hash=before.list_hash,
                    log_size=state.size,
                    on_date=state.day,
                )
        state.changed.clear()
