"""What the own copy of an issuer's log restricts and the issuer's status list does not show.

A list may be behind its log: it was kept since before the restriction, its issuer is gone, or its
issuer lies about what it takes in. So a list is measured by nothing that it says of itself: the
list of today is worked out from the copy that is here, and place by place what is good in the one
and not in the other is named. The other way round a list is left alone: what it restricts stays
restricted until its issuer says otherwise.
"""

import asyncio
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, select

from deltacare.credential.status_list import LIST_PLACES, STATUS_BITS, Status, status_at
from deltacare.ids import LogName
from server.certification.tables import certificate_events, certificates
from server.credential.status import LiveLists
from server.log.ports import LogReader
from server.registry.store import chunks
from server.store.database import Database

__all__ = ["Mirror", "hidden_places"]

_PER_BYTE = 8 // STATUS_BITS
# Lists differ in few places if in any: equal runs are passed over whole.
_RUN_BYTES = 512


class Mirror:
    """Works out issuers' lists from the copies of their logs.

    Args:
        own: the own province.
        own_lists: its lists, which are kept up already.
        database: rows of all logs.
        reader: how far they are held.
    """

    def __init__(
        self, *, own: str, own_lists: LiveLists, database: Database, reader: LogReader
    ) -> None:
        self._database = database
        self._reader = reader
        self._lists = {own: own_lists}

    async def hidden(
        self, issuer: str, shown: Mapping[int, bytes], day: date, *, numbers_max: int
    ) -> frozenset[str]:
        """Return certificates that may not count although a list shows them as good.

        Those that the log restricts on the day; and those of which something is said that no quorum
        has seen yet, since what permits counts only then. It names too many rather than too few:
        the rules decide about each.

        Args:
            issuer: whose.
            shown: its lists by number, uncompressed.
            day: today.
            numbers_max: it stops soon after so many.
        """
        lists = self._lists.get(issuer)
        if lists is None:
            lists = LiveLists(own=issuer, database=self._database, reader=self._reader)
            self._lists[issuer] = lists
        current = await lists.current(day)
        position = self._reader.position(LogName.registry(issuer))
        places: list[int] = []
        for number, data in shown.items():
            if number < len(current):
                found = await asyncio.to_thread(hidden_places, data, current[number].data)
                more = found[: numbers_max + 1 - len(places)]
                places += (number * LIST_PLACES + place for place in more)
        return await self._database.read(
            lambda connection: (
                _numbers_at(connection, issuer, places)
                | _unseen_by_quorum(connection, issuer, position.quorum_size, position.size)
            )
        )


def hidden_places(shown: bytes, known: bytes) -> list[int]:
    """Return the places that are good in the list that was shown and not in the one known."""
    found: list[int] = []
    for first in range(0, min(len(shown), len(known)), _RUN_BYTES):
        ours = known[first : first + _RUN_BYTES]
        theirs = shown[first : first + _RUN_BYTES]
        if ours != theirs:
            found += (
                (first + at) * _PER_BYTE + place
                for at, (our, their) in enumerate(zip(ours, theirs, strict=False))
                if our != their
                for place in range(_PER_BYTE)
                if status_at(ours, at * _PER_BYTE + place) != Status.VALID
                and status_at(theirs, at * _PER_BYTE + place) == Status.VALID
            )
    return found


def _unseen_by_quorum(
    connection: Connection, issuer: str, first_index: int, end_index: int
) -> frozenset[str]:
    """Return the certificates of which a run of a log says anything."""
    found: set[str] = set()
    for table in (certificates, certificate_events):
        query = select(table.c.certificate_no).where(
            table.c.author == issuer,
            table.c.log_index >= first_index,
            table.c.log_index < end_index,
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def _numbers_at(connection: Connection, issuer: str, places: list[int]) -> frozenset[str]:
    """Return the certificates that have these running numbers among their issuer's."""
    table = certificates.c
    found: set[str] = set()
    for some in chunks(places):
        query = select(table.certificate_no).where(
            table.author == issuer, table.status_index.in_(some)
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)
