"""Reads and writes the closed months. Synchronous, inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from deltacare.v1.entry_pb2 import MonthClose
from server.books.rules import ClosedBefore
from server.books.tables import month_closes
from settlement.books.months import ClosedMonth

__all__ = [
    "StatedClose",
    "add_close",
    "closed_months",
    "forget_closes",
    "last_close",
    "load_closes",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedClose:
    """A closed month as a log states it.

    Attributes:
        index: Place in the author's registry log.
        body: What it says.
    """

    index: int
    body: MonthClose


def load_closes(connection: Connection, author: str) -> list[StatedClose]:
    """Return the months that a province closed, in order."""
    stated = month_closes.c
    query = (
        select(stated.log_index, stated.body).where(stated.author == author).order_by(stated.month)
    )
    return [
        StatedClose(index=row.log_index, body=MonthClose.FromString(bytes(row.body)))
        for row in connection.execute(query)
    ]


def closed_months(closes: Sequence[StatedClose]) -> tuple[ClosedMonth, ...]:
    """Return closed months as the books take them."""
    return tuple(
        ClosedMonth(
            month=each.body.month, log_ends={end.log: end.size for end in each.body.log_ends}
        )
        for each in closes
    )


def last_close(connection: Connection, author: str) -> ClosedBefore | None:
    """Return what a province closed last; ``None`` if nothing."""
    stated = month_closes.c
    body = connection.execute(
        select(stated.body).where(stated.author == author).order_by(stated.month.desc()).limit(1)
    ).scalar()
    if body is None:
        return None
    close = MonthClose.FromString(bytes(body))
    return ClosedBefore(
        month=close.month, log_ends={each.log: each.size for each in close.log_ends}
    )


def add_close(
    connection: Connection, author: str, index: int, leaf_hash: bytes, body: MonthClose
) -> None:
    """Keep a closed month."""
    connection.execute(
        insert(month_closes).values(
            author=author,
            log_index=index,
            leaf_hash=leaf_hash,
            month=body.month,
            body=body.SerializeToString(deterministic=True),
        )
    )


def forget_closes(connection: Connection, author: str) -> None:
    """Delete the rows that came from a province's registry log."""
    connection.execute(delete(month_closes).where(month_closes.c.author == author))
