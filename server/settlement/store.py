"""Reads and writes of the room's tables that more than one module needs.

Synchronous and inside the caller's transaction; decides nothing. Rows that come by the thousand
are written by the driver's own ``executemany`` with plain tuples, which costs a fifth of what named
parameters do.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import TypeVar

from sqlalchemy import Connection, Table, func, select

from server.settlement import tables
from server.settlement.rules import Replaced, next_date

__all__ = [
    "day_close",
    "enrolment_ids",
    "insert_rows",
    "last_closed_date",
    "numbers_filed",
    "numbers_reversed",
    "numbers_standing",
    "open_date",
    "replaced_records",
]

_IN_CHUNK = 500  # values in one IN list; SQLite allows 32,766 parameters

T = TypeVar("T", int, str)


def _chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Yield distinct values in lists that fit into one query."""
    rows = sorted(set(values))
    for start in range(0, len(rows), _IN_CHUNK):
        yield rows[start : start + _IN_CHUNK]


@lru_cache(maxsize=64)
def _insert_text(table: Table, paramstyle: str) -> str:
    """Return the INSERT of every column of a table in the driver's own parameter style."""
    mark = "?" if paramstyle == "qmark" else "%s"
    names = ", ".join(column.name for column in table.columns)
    marks = ", ".join(mark for _ in table.columns)
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})"  # noqa: S608 - names are ours


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows that give every column of a table, in its order, as the driver takes them."""
    if rows:
        text = _insert_text(table, connection.dialect.paramstyle)
        connection.exec_driver_sql(text, list(rows))


def last_closed_date(connection: Connection, author: str, partner: str) -> str | None:
    """Return the last date that a settlement log has closed; ``None`` before the first."""
    closes = tables.day_close.c
    query = select(func.max(closes.business_date)).where(
        closes.author == author, closes.partner == partner
    )
    found: str | None = connection.execute(query).scalar()
    return found


def open_date(connection: Connection, author: str, partner: str, opening_date: date) -> str:
    """Return the date under which a settlement log files what comes now."""
    return next_date(last_closed_date(connection, author, partner), opening_date)


def day_close(
    connection: Connection, author: str, partner: str, business_date: str
) -> tuple[int, int] | None:
    """Return the index and the rules version of the close of a date; ``None`` if it is open."""
    closes = tables.day_close.c
    row = connection.execute(
        select(closes.idx, closes.rules_version).where(
            closes.author == author,
            closes.partner == partner,
            closes.business_date == business_date,
        )
    ).first()
    return None if row is None else (row.idx, row.rules_version)


def numbers_filed(
    connection: Connection, author: str, partner: str, numbers: Iterable[str]
) -> frozenset[tuple[str, str]]:
    """Return those of some numbers under which the author filed a record, each with its home."""
    records = tables.record.c
    found: set[tuple[str, str]] = set()
    for chunk in _chunks(numbers):
        query = select(records.settlement_no, records.home).where(
            records.author == author,
            records.partner == partner,
            records.settlement_no.in_(chunk),
        )
        found.update((row.settlement_no, row.home) for row in connection.execute(query))
    return frozenset(found)


def numbers_reversed(
    connection: Connection, author: str, partner: str, numbers: Iterable[str]
) -> frozenset[tuple[str, str]]:
    """Return those of some numbers that the author reversed and filed no record under since.

    Each with its home. Depends on the author's log alone.
    """
    records, reversals = tables.record.c, tables.reversal.c
    found: set[tuple[str, str]] = set()
    for chunk in _chunks(numbers):
        newest: dict[tuple[str, str], int] = {}
        for columns in (records, reversals):
            query = (
                select(columns.settlement_no, columns.home, func.max(columns.idx))
                .where(
                    columns.author == author,
                    columns.partner == partner,
                    columns.settlement_no.in_(chunk),
                )
                .group_by(columns.settlement_no, columns.home)
            )
            for number, home, index in connection.execute(query):
                if columns is records:
                    newest[number, home] = index
                elif index > newest.get((number, home), -1):
                    found.add((number, home))
    return frozenset(found)


def numbers_standing(
    connection: Connection, author: str, partner: str, numbers: Iterable[str]
) -> frozenset[str]:
    """Return those of some numbers that the author, as home, filed and has not reversed since.

    Depends on the author's log alone: whether a night closed them is not asked.
    """
    records, reversals = tables.record.c, tables.reversal.c
    found: set[str] = set()
    for chunk in _chunks(numbers):
        newest: dict[str, int] = {}
        for columns in (records, reversals):
            query = (
                select(columns.settlement_no, func.max(columns.idx))
                .where(
                    columns.author == author,
                    columns.partner == partner,
                    columns.home == author,
                    columns.settlement_no.in_(chunk),
                )
                .group_by(columns.settlement_no)
            )
            for number, index in connection.execute(query):
                if columns is records:
                    newest[number] = index
                elif index > newest.get(number, index):
                    del newest[number]
        found.update(newest)
    return frozenset(found)


def enrolment_ids(
    connection: Connection, author: str, partner: str, ids: Iterable[str]
) -> frozenset[str]:
    """Return those of some numbers under which the author enrolled an elder with the partner."""
    columns = tables.enrolment.c
    found: set[str] = set()
    for chunk in _chunks(ids):
        query = select(columns.enrolment_id).where(
            columns.author == author, columns.partner == partner, columns.enrolment_id.in_(chunk)
        )
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def replaced_records(
    connection: Connection, author: str, partner: str, indexes: Iterable[int]
) -> Mapping[int, Replaced]:
    """Return the records at some places of a log, as a revision needs to know them."""
    records = tables.record.c
    found: dict[int, Replaced] = {}
    for chunk in _chunks(indexes):
        query = select(
            records.idx,
            records.settlement_no,
            records.home,
            records.void_rule,
            records.replaced_idx,
            records.closed_date,
        ).where(records.author == author, records.partner == partner, records.idx.in_(chunk))
        for row in connection.execute(query):
            found[row.idx] = Replaced(
                settlement_no=row.settlement_no,
                home=row.home,
                is_void=row.void_rule is not None,
                is_replaced=row.replaced_idx is not None,
                closed_date=row.closed_date,
            )
    return found
