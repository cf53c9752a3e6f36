"""Loads what a night is computed from: the rows of both logs up to their closes, as Arrow tables.

Reads one snapshot and decides little: which rows are live, and which reversals are of a cleared
settlement. Both depend on the two logs and on earlier nights alone. Registers are in
`server.settlement.facts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Row, and_, case, func, or_, select, union

from deltacare.v1.entry_pb2 import HoldClass
from server.settlement import tables
from server.store.columns import ColumnReader
from settlement.night import INPUT_SCHEMAS, NightInputs

__all__ = ["Closes", "cleared_of_pair", "live_count", "load_inputs"]

_CONTENT = (
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "service_month",
    "service_days",
    "amount_fen",
    "caregiver_cert_no",
)
_KEY = ("home", "host", "settlement_no")
_HOLD_NAMES = {
    HoldClass.HOLD_CLASS_OVERLAP: "OVERLAP",
    HoldClass.HOLD_CLASS_OVER_BUDGET: "OVER_BUDGET",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Closes:
    """Where a pair's two logs end for one date.

    Attributes:
        lower: The pair's province with the lower code.
        higher: The other.
        business_date: The date.
        indexes: For each author, the index of its close: the night reads what stands before it.
    """

    lower: str
    higher: str
    business_date: date
    indexes: Mapping[str, int]

    @property
    def authors(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Each author with its partner."""
        return (self.lower, self.higher), (self.higher, self.lower)


def _table(
    schema: pa.Schema, names: Sequence[str], rows: Sequence[Row[Any] | tuple[Any, ...]]
) -> pa.Table:
    """Return rows as a table of a schema; dates come as ISO 8601 texts."""
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    arrays = []
    for field in schema:
        values: Sequence[Any] = columns.get(field.name, ())
        if pa.types.is_date(field.type):
            arrays.append(pa.array(values, pa.string()).cast(field.type))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.table(arrays, schema=schema)


def load_inputs(
    connection: Connection, closes: Closes, columns: ColumnReader | None = None
) -> NightInputs:
    """Return the inputs of a night but the registers.

    Args:
        connection: A snapshot in which every earlier night of the pair is closed.
        closes: Where the logs end.
        columns: Reads the same snapshot by the million; the rows then come as they are read, and
            with them all that was cleared before, because asking for each is dearer.
    """
    reversed_numbers, cancelling = _reversals(connection, closes)
    return NightInputs(
        rows=_rows(connection, closes) if columns is None else _row_parts(columns, closes),
        reversed_numbers=reversed_numbers,
        cleared=(
            _cleared(connection, closes) if columns is None else _cleared_parts(columns, closes)
        ),
        cleared_reversals=cancelling,
        holds=_holds(connection, closes),
        business_date=closes.business_date,
    )


def _is_live(closes: Closes, author: str, partner: str) -> Any:  # noqa: ANN401 - a condition
    """Return the condition that a row of a log takes part in the night."""
    records, end = tables.record.c, closes.indexes[author]
    return and_(
        records.author == author,
        records.partner == partner,
        records.idx < end,
        records.closed_date.is_(None),
        records.void_rule.is_(None),
        or_(records.replaced_idx.is_(None), records.replaced_idx >= end),
    )


def _rows(connection: Connection, closes: Closes) -> pa.Table:
    """Return the live rows of both sides."""
    records = tables.record.c
    names = (*_KEY, *_CONTENT, "filed_date", "idx")
    found: list[tuple[Any, ...]] = []
    for author, partner in closes.authors:
        query = select(*(records[name] for name in names)).where(_is_live(closes, author, partner))
        found += [
            ("home" if row[0] == author else "host", *row)
            for row in connection.execute(query).all()
        ]
    return _table(INPUT_SCHEMAS["rows"], ("side", *names[:-1], "position"), found)


def live_count(connection: Connection, closes: Closes) -> int:
    """Return how many rows of both sides take part in the night."""
    counts = (
        select(func.count()).select_from(tables.record).where(_is_live(closes, author, partner))
        for author, partner in closes.authors
    )
    return sum(connection.execute(each).scalar_one() for each in counts)


def _row_parts(columns: ColumnReader, closes: Closes) -> Iterator[pa.Table]:
    """Yield the live rows of both sides, some at a time."""
    records = tables.record.c
    names = (*_KEY, *_CONTENT, "filed_date")
    queries = [
        select(*(records[name] for name in names), records.idx.label("position")).where(
            _is_live(closes, author, partner)
        )
        for author, partner in closes.authors
    ]
    schema = INPUT_SCHEMAS["rows"]
    for place, part in columns.read(queries):
        author, _ = closes.authors[place]
        side = pc.if_else(pc.equal(part["home"], author), "home", "host")
        yield part.append_column("side", side).select(schema.names).cast(schema)


def _cleared_parts(columns: ColumnReader, closes: Closes) -> Iterator[pa.Table]:
    """Yield all that a pair has cleared, some at a time."""
    cleared = tables.cleared.c
    listed = [cleared[name] for name in (*_KEY, *_CONTENT)]
    is_cancelled = case((cleared.reversed_date.is_not(None), 1), else_=0).label("cancelled")
    queries = [
        select(*listed, is_cancelled).where(cleared.home == home, cleared.host == host)
        for home, host in closes.authors
    ]
    schema = INPUT_SCHEMAS["cleared"]
    for _, part in columns.read(queries):
        yield part.select(schema.names).cast(schema)


def _reversals(connection: Connection, closes: Closes) -> tuple[pa.Table, pa.Table]:
    """Return every number that a side reversed, and the reversals of what is cleared.

    A reversal cancels its side's rows of the number for good, earlier and later ones; so all that
    were ever filed are read, which are few. It is of a cleared settlement if that was cleared on a
    date before the one it is filed under.
    """
    reversals, cleared = tables.reversal.c, tables.cleared.c
    numbers: set[tuple[str, str, str, str]] = set()
    of_cleared: dict[tuple[str, str, str, str], str] = {}
    columns = [reversals[name] for name in (*_KEY, "filed_date")]
    is_cleared = and_(
        cleared.home == reversals.home,
        cleared.host == reversals.host,
        cleared.settlement_no == reversals.settlement_no,
        cleared.cleared_date < reversals.filed_date,
        cleared.reversed_date.is_(None),
    )
    for author, partner in closes.authors:
        query = select(*columns).where(
            reversals.author == author,
            reversals.partner == partner,
            reversals.idx < closes.indexes[author],
        )
        for row in connection.execute(query):
            numbers.add(("home" if row.home == author else "host", *row[:-1]))
        query = query.join(tables.cleared, is_cleared).where(reversals.closed_date.is_(None))
        for row in connection.execute(query.order_by(reversals.idx)):
            key = ("home" if row.home == author else "host", *row[:-1])
            of_cleared.setdefault(key, row.filed_date)
    names = ("side", *_KEY)
    return (
        _table(INPUT_SCHEMAS["reversed_numbers"], names, sorted(numbers)),
        _table(
            INPUT_SCHEMAS["cleared_reversals"],
            (*names, "filed_date"),
            [(*key, filed) for key, filed in sorted(of_cleared.items())],
        ),
    )


def _cleared(connection: Connection, closes: Closes) -> pa.Table:
    """Return what was cleared before and can matter to a live row.

    That is: under its number, or for the same elder and month (what was paid twice, or counts
    towards a cap), or what a reversal is of. Anything else changes no line.
    """
    records, reversals, cleared = tables.record.c, tables.reversal.c, tables.cleared.c
    names = (*_KEY, *_CONTENT, "reversed_date")
    columns = [cleared[name] for name in names]
    same_way = and_(cleared.home == records.home, cleared.host == records.host)
    parts = []
    for author, partner in closes.authors:
        live = _is_live(closes, author, partner)
        by_number = and_(same_way, cleared.settlement_no == records.settlement_no)
        by_elder = and_(
            same_way,
            cleared.beneficiary_ref == records.beneficiary_ref,
            cleared.service_month == records.service_month,
        )
        of_reversal = and_(
            cleared.home == reversals.home,
            cleared.host == reversals.host,
            cleared.settlement_no == reversals.settlement_no,
        )
        parts += [
            select(*columns).join(tables.record, by_number).where(live),
            select(*columns).join(tables.record, by_elder).where(live),
            select(*columns)
            .join(tables.reversal, of_reversal)
            .where(
                reversals.author == author,
                reversals.partner == partner,
                reversals.idx < closes.indexes[author],
                reversals.closed_date.is_(None),
            ),
        ]
    return _cleared_table(connection.execute(union(*parts)).all())


def cleared_of_pair(connection: Connection, closes: Closes) -> pa.Table:
    """Return everything that a pair has cleared, for the search of late facts."""
    cleared = tables.cleared.c
    pair = (closes.lower, closes.higher)
    query = select(*(cleared[name] for name in (*_KEY, *_CONTENT, "reversed_date"))).where(
        cleared.home.in_(pair), cleared.host.in_(pair)
    )
    return _cleared_table(connection.execute(query).all())


def _cleared_table(rows: Sequence[Row[Any]]) -> pa.Table:
    found = [(*row[:-1], row[-1] is not None) for row in rows]
    return _table(INPUT_SCHEMAS["cleared"], (*_KEY, *_CONTENT, "cancelled"), found)


def _holds(connection: Connection, closes: Closes) -> pa.Table:
    """Return the holds in force: an end counts from the date after the one it was filed under."""
    holds = tables.hold.c
    found: set[tuple[str, str, str, str]] = set()
    for author, partner in closes.authors:
        query = select(holds.settlement_no, holds.hold_class).where(
            holds.author == author,
            holds.partner == partner,
            holds.idx < closes.indexes[author],
            or_(
                holds.end_filed_date.is_(None),
                holds.end_filed_date >= closes.business_date.isoformat(),
            ),
        )
        for row in connection.execute(query):
            found.add((author, partner, row.settlement_no, _HOLD_NAMES[row.hold_class]))
    return _table(INPUT_SCHEMAS["holds"], (*_KEY, "hold_class"), sorted(found))
