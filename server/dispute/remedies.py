"""Whether a disputed line was put right in the way that was agreed, as the logs of the pair show.

Looks at records and reversals only, never at what anybody says of them; what the night makes of
them is the night's. An empty answer means that nothing is missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import (
    DISPUTE_REMEDY_FILE,
    DISPUTE_REMEDY_REVERSE,
    DISPUTE_REMEDY_REVISE,
)
from server.dispute.states import Raised
from server.dispute.store import Reaches
from server.settlement import tables
from settlement.core.columns import COLUMNS

__all__ = ["EntryTime", "remedy_missing"]

EntryTime = Callable[[Connection, LogName, int], datetime]
"""When an entry of a log that is held was sequenced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What one side's log says of the number.

    Attributes:
        columns: Of its newest record that stands; ``None`` if none does.
        revised: It has replaced a record since the dispute was raised, and that stands.
    """

    columns: tuple[object, ...] | None
    revised: bool


def remedy_missing(
    connection: Connection,
    dispute: Raised,
    remedy: int,
    reaches: Reaches,
    entry_time: EntryTime,
) -> tuple[str, ...]:
    """Return the provinces that have not done their part of a remedy, sorted.

    REVISE: since the dispute was raised at least one side revised, and the newest records of both
    say the same; or both revised, and they do. REVERSE: every side that filed the number has
    reversed it. FILE: both sides have a record that stands. NONE: nothing is to be done.

    Args:
        connection: Inside a transaction.
        dispute: Of which line.
        remedy: Value of ``DisputeRemedy``.
        reaches: How far each log counts.
        entry_time: When an entry was sequenced.
    """
    parties = (dispute.author, dispute.partner)
    sides = {
        one: _side(connection, dispute, one, reaches=reaches, entry_time=entry_time)
        for one in parties
    }
    if remedy == DISPUTE_REMEDY_REVISE:
        return _unrevised(sides)
    if remedy in {DISPUTE_REMEDY_REVERSE, DISPUTE_REMEDY_FILE}:
        stands = remedy == DISPUTE_REMEDY_REVERSE  # and should not
        return tuple(
            sorted(one for one, side in sides.items() if (side.columns is not None) is stands)
        )
    return ()


def _unrevised(sides: dict[str, _Side]) -> tuple[str, ...]:
    one, other = sides.values()
    is_same = one.columns is not None and one.columns == other.columns
    if is_same and (one.revised or other.revised):
        return ()
    left = tuple(sorted(province for province, side in sides.items() if not side.revised))
    return left or tuple(sorted(sides))


def _side(
    connection: Connection,
    dispute: Raised,
    author: str,
    *,
    reaches: Reaches,
    entry_time: EntryTime,
) -> _Side:
    partner = dispute.partner if author == dispute.author else dispute.author
    size = reaches(author, partner).restrict_size
    records = tables.record.c
    query = (
        select(tables.record)
        .where(
            records.author == author,
            records.partner == partner,
            records.settlement_no == dispute.settlement_no,
            records.home == dispute.home,
            records.void_rule.is_(None),
            records.idx < size,
        )
        .order_by(records.idx)
    )
    rows = connection.execute(query).all()
    reversals = tables.reversal.c
    reversed_index = connection.execute(
        select(reversals.idx)
        .where(
            reversals.author == author,
            reversals.partner == partner,
            reversals.settlement_no == dispute.settlement_no,
            reversals.home == dispute.home,
            reversals.idx < size,
        )
        .order_by(reversals.idx.desc())
        .limit(1)
    ).scalar()
    standing: list[Row[Any]] = [
        row for row in rows if reversed_index is None or row.idx > reversed_index
    ]
    if not standing:
        return _Side(columns=None, revised=False)
    newest = standing[-1]
    log = LogName.settlement(author, partner)
    revised = (
        newest.replaces_idx is not None
        and entry_time(connection, log, newest.idx) >= dispute.entry_time
    )
    columns = tuple(getattr(newest, name) for name in COLUMNS)
    return _Side(columns=columns, revised=revised)
