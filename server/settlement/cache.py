"""What nights leave behind: lines, sums, what they close once they are agreed; and its undoing.

All of it follows from the two logs of a pair, so it may be deleted and is then computed again night
by night. Closing an agreed night is in `server.settlement.night_close`.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection, delete, func, or_, select, update

from server.settlement import rules, store, tables
from settlement.night import NightResult

__all__ = [
    "StoredNight",
    "forget_nights",
    "last_agreed_date",
    "newest_attempt",
    "pack_outcome",
    "store_night",
    "stored_night",
    "unpack_outcome",
]

_OUTCOME_TABLES = ("closed", "newly_cleared", "newly_cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNight:
    """An attempt at a night as this node computed it.

    Attributes:
        business_date: The date.
        attempt: From 1.
        digest: Of its lines, 32 bytes.
        is_agreed: Its lines are closed and cleared.
    """

    business_date: str
    attempt: int
    digest: bytes
    is_agreed: bool


def stored_night(
    connection: Connection, partner: str, business_date: str, attempt: int
) -> StoredNight | None:
    """Return an attempt that this node has computed, ``None`` if it has not."""
    nights = tables.night.c
    row = connection.execute(
        select(nights.digest, nights.agreed).where(
            nights.partner == partner,
            nights.business_date == business_date,
            nights.attempt == attempt,
        )
    ).first()
    if row is None:
        return None
    return StoredNight(
        business_date=business_date,
        attempt=attempt,
        digest=bytes(row.digest),
        is_agreed=bool(row.agreed),
    )


def newest_attempt(
    connection: Connection, partner: str, business_date: str | None
) -> StoredNight | None:
    """Return the newest attempt at a date, or at the last date computed."""
    nights = tables.night.c
    query = select(nights.business_date, nights.attempt, nights.digest, nights.agreed).where(
        nights.partner == partner
    )
    if business_date is not None:
        query = query.where(nights.business_date == business_date)
    row = connection.execute(
        query.order_by(nights.business_date.desc(), nights.attempt.desc()).limit(1)
    ).first()
    if row is None:
        return None
    return StoredNight(
        business_date=row.business_date,
        attempt=row.attempt,
        digest=bytes(row.digest),
        is_agreed=bool(row.agreed),
    )


def last_agreed_date(connection: Connection, partner: str) -> str | None:
    """Return the last date whose lines are closed and cleared, ``None`` before the first."""
    nights = tables.night.c
    query = select(func.max(nights.business_date)).where(
        nights.partner == partner, nights.agreed == 1
    )
    found: str | None = connection.execute(query).scalar()
    return found


# --- Storing --------------------------------------------------------------------------------------


def pack_outcome(result: NightResult) -> bytes:
    """Return what a night closes once it is agreed, as one value."""
    parts: list[bytes] = []
    for name in _OUTCOME_TABLES:
        sink = io.BytesIO()
        table: pa.Table = getattr(result, name)
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        parts += [len(sink.getvalue()).to_bytes(8, "big"), sink.getvalue()]
    return b"".join(parts)


def unpack_outcome(data: bytes) -> dict[str, pa.Table]:
    """Return the tables of `pack_outcome` by name."""
    found: dict[str, pa.Table] = {}
    offset = 0
    for name in _OUTCOME_TABLES:
        end = offset + 8 + int.from_bytes(data[offset : offset + 8], "big")
        with pa.ipc.open_stream(data[offset + 8 : end]) as reader:
            found[name] = reader.read_all()
        offset = end
    return found


def store_night(
    connection: Connection,
    *,
    partner: str,
    business_date: str,
    attempt: int,
    flows: tuple[int, int],
    result: NightResult,
    leaf_rows: Sequence[tuple[int, bytes, int, bytes, bytes]],
) -> None:
    """Keep what a night came to, in place of what was kept of the same attempt.

    Args:
        connection: Inside the transaction that states the result.
        partner: The other province.
        business_date: The date.
        attempt: From 1.
        flows: What the lower code pays the higher, and what the higher pays, in fen.
        result: Of the core.
        leaf_rows: For each leaf its index, hash, classes as bits, content, and first dates.
    """
    key = (partner, business_date, attempt)
    for table in (tables.night, tables.night_leaf, tables.night_count):
        connection.execute(
            delete(table).where(
                table.c.partner == partner,
                table.c.business_date == business_date,
                table.c.attempt == attempt,
            )
        )
    store.insert_rows(
        connection,
        tables.night,
        [
            (
                *key,
                result.digest,
                result.line_count,
                *flows,
                rules.RULES_VERSION,
                0,
                pack_outcome(result),
            )
        ],
    )
    store.insert_rows(connection, tables.night_leaf, [(*key, *row) for row in leaf_rows])
    counts = [
        (*key, line_class.rank, count, *result.summary.fen[line_class])
        for line_class, count in result.summary.counts.items()
    ]
    store.insert_rows(connection, tables.night_count, counts)


# --- Undoing --------------------------------------------------------------------------------------


def forget_nights(connection: Connection, author: str, partner: str) -> None:
    """Undo every night of a pair, so that its nights are computed again from its two logs."""
    pair = (author, partner)
    for table in (tables.night, tables.night_leaf, tables.night_count):
        connection.execute(delete(table).where(table.c.partner.in_(pair)))
    for table in (tables.cleared, tables.reversal_proposal):
        connection.execute(delete(table).where(table.c.home.in_(pair), table.c.host.in_(pair)))
    record, reversal = tables.record, tables.reversal
    late = select(record.c.author, record.c.partner, record.c.idx, record.c.replaces_idx).where(
        record.c.author.in_(pair), record.c.partner.in_(pair), record.c.void_rule.is_not(None)
    )
    for row in connection.execute(late).all():
        connection.execute(
            update(record)
            .where(
                record.c.author == row.author,
                record.c.partner == row.partner,
                record.c.idx == row.replaces_idx,
                record.c.replaced_idx.is_(None),
            )
            .values(replaced_idx=row.idx)
        )
    for table, values in (
        (record, {"closed_date": None, "void_rule": None}),
        (reversal, {"closed_date": None}),
    ):
        connection.execute(
            update(table)
            .where(
                table.c.author.in_(pair),
                table.c.partner.in_(pair),
                or_(*(table.c[name].is_not(None) for name in values)),
            )
            .values(**values)
        )
