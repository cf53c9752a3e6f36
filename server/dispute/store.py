"""Reads and writes the rows of disputes: what was raised, the words on it, and the records behind.

Synchronous and inside the caller's transaction; decides nothing. How far each log counts is asked
of the caller: what was said beyond it is left out.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, or_, select

from deltacare.ids import LogName
from server.dispute import tables
from server.dispute.states import Raised, Said, Standing, Word, fold
from server.registry.store import chunks
from server.registry.values import Reach
from server.settlement import tables as settlement_tables

__all__ = [
    "Reaches",
    "find_raised",
    "has_line",
    "is_cleared",
    "page_of_raised",
    "raised_of_line",
    "standings",
    "taken_ids",
]

Reaches = Callable[[str, str], Reach]
"""How far the settlement log of an author with a partner counts."""


def _raised(row: Row[Any]) -> Raised:
    return Raised(
        dispute_id=row.dispute_id,
        author=row.author,
        partner=row.partner,
        index=row.idx,
        entry_time=row.entry_time,
        settlement_no=row.settlement_no,
        home=row.home,
        host=row.host,
        claim=row.claim,
        body=bytes(row.body),
    )


def taken_ids(
    connection: Connection, author: str, ids: Iterable[str], *, partner: str = ""
) -> frozenset[str]:
    """Return those of some numbers under which an author raised a dispute.

    Args:
        connection: Inside a transaction.
        author: Who raised it.
        ids: Numbers.
        partner: Only in the log with this one; empty means in any.
    """
    columns = tables.raised.c
    found: set[str] = set()
    for some in chunks(ids):
        query = select(columns.dispute_id).where(
            columns.author == author, columns.dispute_id.in_(some)
        )
        if partner:
            query = query.where(columns.partner == partner)
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def find_raised(
    connection: Connection, ids: Iterable[str], reaches: Reaches, *, pair: Iterable[str] = ()
) -> dict[str, Raised]:
    """Return disputes by number, as far as the logs count.

    Args:
        connection: Inside a transaction.
        ids: Numbers.
        reaches: How far each log counts.
        pair: The two provinces of a pair; empty means any.
    """
    columns = tables.raised.c
    provinces = sorted(pair)
    found: dict[str, Raised] = {}
    for some in chunks(ids):
        query = select(tables.raised).where(columns.dispute_id.in_(some))
        if provinces:
            query = query.where(columns.author.in_(provinces), columns.partner.in_(provinces))
        for row in connection.execute(query.order_by(columns.partner.desc())):
            if row.idx < reaches(row.author, row.partner).restrict_size:
                found[row.dispute_id] = _raised(row)
    return found


def page_of_raised(
    connection: Connection,
    *,
    partner: str,
    settlement_no: str,
    after: tuple[datetime, str, str, int] | None,
    limit: int,
) -> Sequence[Raised]:
    """Return disputes after a place, oldest first.

    Args:
        connection: Inside a transaction.
        partner: Only of the pair with this one; empty means all.
        settlement_no: Only on this line; empty means all.
        after: Time, author, partner and index of the last one seen; ``None`` from the beginning.
        limit: At most so many.
    """
    columns = tables.raised.c
    place = (columns.entry_time, columns.author, columns.partner, columns.idx)
    query = select(tables.raised).order_by(*place).limit(limit)
    if partner:
        query = query.where(or_(columns.author == partner, columns.partner == partner))
    if settlement_no:
        query = query.where(columns.settlement_no == settlement_no)
    if after is not None:
        later = []
        for depth, value in enumerate(after):
            same = [column == each for column, each in zip(place, after[:depth], strict=False)]
            later.append(and_(*same, place[depth] > value))
        query = query.where(or_(*later))
    return [_raised(row) for row in connection.execute(query)]


def raised_of_line(
    connection: Connection, author: str, partner: str, numbers: Iterable[str]
) -> Sequence[Raised]:
    """Return what an author has disputed of some lines, in the log with a partner."""
    columns = tables.raised.c
    return [
        _raised(row)
        for some in chunks(numbers)
        for row in connection.execute(
            select(tables.raised).where(
                columns.settlement_no.in_(some),
                columns.author == author,
                columns.partner == partner,
            )
        )
    ]


def standings(
    connection: Connection,
    disputes: Sequence[Raised],
    reaches: Reaches,
    more: Mapping[str, Word] | None = None,
) -> list[Standing]:
    """Return where each of some disputes stands.

    Args:
        connection: Inside a transaction.
        disputes: Which.
        reaches: How far each log counts: words that permit up to its quorum, the others as far as
            it was verified.
        more: A word that is about to be said, by the number of the dispute.
    """
    columns = tables.word.c
    words: dict[tuple[str, frozenset[str]], list[Word]] = {}
    for some in chunks({each.dispute_id for each in disputes}):
        query = select(tables.word).where(columns.dispute_id.in_(some))
        for row in connection.execute(query):
            reach = reaches(row.author, row.partner)
            said = Said(row.word)
            if row.idx >= (reach.permit_size if said.permits else reach.restrict_size):
                continue
            word = Word(
                province=row.author,
                log=str(LogName.settlement(row.author, row.partner)),
                index=row.idx,
                entry_time=row.entry_time,
                said=said,
                level=row.level,
                remedy=row.remedy,
                reason=row.reason,
            )
            key = (row.dispute_id, frozenset((row.author, row.partner)))
            words.setdefault(key, []).append(word)
    found = []
    for each in disputes:
        known = words.get((each.dispute_id, frozenset((each.author, each.partner))), [])
        new = (more or {}).get(each.dispute_id)
        found.append(fold(each, [*known, new] if new is not None else known))
    return found


def has_line(connection: Connection, pair: Sequence[str], number: str, home: str) -> bool:
    """Whether a log of a pair has a record of a settlement."""
    records = settlement_tables.record.c
    return bool(
        connection.execute(
            select(
                exists().where(
                    records.author.in_(pair),
                    records.partner.in_(pair),
                    records.settlement_no == number,
                    records.home == home,
                    records.void_rule.is_(None),
                )
            )
        ).scalar()
    )


def is_cleared(connection: Connection, dispute: Raised) -> bool:
    """Whether the disputed settlement was cleared."""
    cleared = settlement_tables.cleared.c
    query = select(
        exists().where(
            cleared.home == dispute.home,
            cleared.host == dispute.host,
            cleared.settlement_no == dispute.settlement_no,
        )
    )
    return bool(connection.execute(query).scalar())
