"""Status lists worked out from a log: as of a size and a day, and kept up as the log grows.

`compute_lists` is the definition: certificates in the order in which they were issued, each with
what its author's log says of it up to a size, on a day. `LiveLists` gives the same for the present
and reads only what changed: entries that came since, and certificates of which it is known that
their status changes on a day.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Self

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """Lists of one author, as far as they were worked out; what comes later is another state.

    Never changed: whoever works out the next one may fail or be left at any step, and nothing of
    what is due is lost with it.

    Attributes:
        author: Whose.
        lists: By number, all of one size and day.
        count: Certificates that they have places for.
        size: Entries of the author's log that they take in.
        day: Day as of which they hold.
        agenda: Certificates whose status may be another from a later day on.
    """

    author: str
    lists: tuple[ListAt, ...] = ()
    count: int = 0
    size: int = 0
    day: date = date.min
    agenda: Mapping[date, frozenset[str]] = field(default_factory=dict)

    def advanced(self, connection: Connection, *, size: int, day: date) -> Self:
        """Return what follows at a size and on a day, neither of them earlier than here.

        Reads only what changed: entries that came since, and certificates that are due.
        """
        touched = set(restricted_numbers(connection, self.author, self.size, size))
        for due, numbers in self.agenda.items():
            if due <= day:
                touched |= numbers
        count = issued_count(connection, self.author, size)
        work = _Work(self.lists, count)
        coming: dict[date, set[str]] = {}
        places = status_indexes(connection, touched)
        for number, history in read_histories(connection, touched).items():
            index = places[number]
            if index >= count:
                continue
            status, changes = status_of(history, size=size, day=day)
            work.put(index, status)
            for change in changes:
                coming.setdefault(change, set()).add(number)
        agenda = {due: numbers for due, numbers in self.agenda.items() if due > day}
        for change, found in coming.items():
            agenda[change] = agenda.get(change, frozenset()) | found
        return replace(
            self,
            lists=work.lists(size, day),
            count=count,
            size=size,
            day=day,
            agenda=agenda,
        )


class _Work:
    """Lists that are being worked out from others, which stay as they are.

    Args:
        before: the others.
        count: certificates issued; those that are new begin valid.
    """

    def __init__(self, before: Sequence[ListAt], count: int) -> None:
        self._before = before
        self._count = count
        self._changed: dict[int, bytearray] = {}

    def put(self, index: int, status: Status) -> None:
        """Write the place of a certificate."""
        list_number, place = divmod(index, LIST_PLACES)
        set_status(self._of(list_number), place, status)

    def _of(self, list_number: int) -> bytearray:
        """Return a list that may be written, with all its places."""
        if list_number not in self._changed:
            data = new_list(places_in_list(self._count, list_number))
            if list_number < len(self._before):
                held = self._before[list_number].data
                data[: len(held)] = held
            self._changed[list_number] = data
        return self._changed[list_number]

    def lists(self, size: int, day: date) -> tuple[ListAt, ...]:
        """Return every list, of a size and a day."""
        return tuple(
            self._at(number, size, day) for number in range(-(-self._count // LIST_PLACES))
        )

    def _at(self, number: int, size: int, day: date) -> ListAt:
        places = places_in_list(self._count, number)
        before = self._before[number] if number < len(self._before) else None
        if before is not None and number not in self._changed and before.entry_count == places:
            return replace(before, log_size=size, on_date=day)
        data = bytes(self._of(number))
        return ListAt(
            list_number=number,
            data=data,
            entry_count=places,
            list_hash=list_hash(data),
            log_size=size,
            on_date=day,
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
    lists = _State(author=author).advanced(connection, size=size, day=day).lists
    return lists[list_number] if list_number < len(lists) else None


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
        self._state = _State(author=own)
        self._lock = asyncio.Lock()
        self._working: set[asyncio.Task[tuple[ListAt, ...]]] = set()

    async def current(self, day: date) -> tuple[ListAt, ...]:
        """Return every list as of all that the own log holds, on a day.

        Raises:
            DBAPIError: If the database fails; the next call begins where this one did.
        """
        await self._reader.refresh()
        task = asyncio.create_task(self._advance(day))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        # Who goes away leaves the work to be finished: others wait for it, and it is theirs too.
        return await asyncio.shield(task)

    async def _advance(self, day: date) -> tuple[ListAt, ...]:
        """Work out what changed, in turn; the lists are exchanged whole once all was read."""
        async with self._lock:
            # Read before the snapshot: what that holds beyond is cut off.
            size = self._reader.position(LogName.registry(self._own)).size
            state = self._state
            if size < state.size or day < state.day:
                # A database that was put back, or a clock: begin again.
                state = _State(author=self._own)
            if (size, day) != (state.size, state.day):
                state = await self._database.read(
                    lambda connection: state.advanced(connection, size=size, day=day)
                )
                self._state = state
            return state.lists
