"""How far logs are taken in, and single entries as the books name them.

Own logs count to their end, partners' registry logs up to where a quorum has seen them. Settlement
logs count up to their last day close: what follows one belongs to a day that is still open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from deltacare.ids import LogName
from deltacare.tlog.tree import leaf_hash
from deltacare.v1.entry_pb2 import Entry
from server.log.ports import LogReader, Position
from server.settlement import tables
from settlement.books.events import Source

__all__ = ["Entries", "ends_of", "registry_ends"]


def registry_ends(own: str, positions: Mapping[LogName, Position]) -> dict[str, int]:
    """Return how many entries of each registry log count.

    Args:
        own: The own province, of whose log no quorum is asked.
        positions: Of every registry log.
    """
    return {
        str(log): position.size if log.author == own else position.quorum_size
        for log, position in positions.items()
    }


def ends_of(
    connection: Connection, own: str, registries: Mapping[str, int], until_date: str = ""
) -> dict[str, int]:
    """Return how many entries of each log the books take in, by name, sorted.

    Args:
        connection: A snapshot.
        own: The own province.
        registries: Of registry logs.
        until_date: Settlement logs up to their close of this date; empty: up to the last one.
    """
    closes = tables.day_close.c
    query = select(closes.author, closes.partner, func.max(closes.idx).label("idx")).where(
        (closes.author == own) | (closes.partner == own)
    )
    if until_date:
        query = query.where(closes.business_date <= until_date)
    found = dict(registries)
    for row in connection.execute(query.group_by(closes.author, closes.partner)):
        found[str(LogName.settlement(row.author, row.partner))] = row.idx + 1
    return dict(sorted(found.items()))


@dataclass(slots=True, kw_only=True)
class Entries:
    """Single entries by place, read once: they never change.

    Attributes:
        reader: Of the logs held.
    """

    reader: LogReader
    _known: dict[tuple[LogName, int], tuple[Source, datetime]] = field(default_factory=dict)

    def source(self, connection: Connection, log: LogName, index: int) -> Source:
        """Return an entry as an event names it."""
        return self._read(connection, log, index)[0]

    def entry_time(self, connection: Connection, log: LogName, index: int) -> datetime:
        """Return when an entry was sequenced, by its author's clock."""
        return self._read(connection, log, index)[1]

    def _read(self, connection: Connection, log: LogName, index: int) -> tuple[Source, datetime]:
        known = self._known.get((log, index))
        if known is None:
            (data,) = self.reader.entries(connection, log, index, index + 1)
            moment = Entry.FromString(data).entry_time.ToDatetime(tzinfo=UTC)
            source = Source(log=str(log), index=index, entry_hash=leaf_hash(data))
            known = self._known[log, index] = (source, moment)
        return known
