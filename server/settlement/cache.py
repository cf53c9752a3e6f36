"""What nights leave behind: lines, sums, what they close once they are agreed; and its undoing.

All of it follows from the two logs of a pair, so it may be deleted and is then computed again night
by night. Closing an agreed night is in `server.settlement.night_close`.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, or_, select, update

from server.settlement import rules, store, tables
from server.settlement.kept import KeptNight

__all__ = [
    "StoredNight",
    "forget_nights",
    "last_agreed_date",
    "newest_attempt",
    "store_night",
    "stored_night",
]


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
        is_agreed=row.agreed == tables.NIGHT_AGREED,
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
        is_agreed=row.agreed == tables.NIGHT_AGREED,
    )


def last_agreed_date(connection: Connection, partner: str) -> str | None:
    """Return the last date whose lines are closed and cleared, ``None`` before the first."""
    nights = tables.night.c
    query = select(func.max(nights.business_date)).where(
        nights.partner == partner, nights.agreed == tables.NIGHT_AGREED
    )
    found: str | None = connection.execute(query).scalar()
    return found


# --- Storing --------------------------------------------------------------------------------------


def store_night(
    connection: Connection,
    *,
    partner: str,
    business_date: str,
    attempt: int,
    flows: tuple[int, int],
    kept: KeptNight,
    is_again: bool = False,
) -> None:
    """Keep what a night came to, in place of what was kept of the same attempt.

    Args:
        connection: Inside the transaction that states the result.
        partner: The other province.
        business_date: The date.
        attempt: From 1.
        flows: What the lower code pays the higher, and what the higher pays, in fen.
        kept: What it came to.
        is_again: Whether it was agreed before, and is worked out after a rebuild.
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
                kept.digest,
                kept.line_count,
                *flows,
                rules.RULES_VERSION,
                tables.NIGHT_AGAIN if is_again else 0,
                kept.outcome,
            )
        ],
    )
    store.insert_rows(connection, tables.night_leaf, [(*key, *row) for row in kept.leaf_rows])
    counts = [
        (*key, line_class.rank, count, *kept.summary.fen[line_class])
        for line_class, count in kept.summary.counts.items()
    ]
    store.insert_rows(connection, tables.night_count, counts)


# --- Undoing --------------------------------------------------------------------------------------


def forget_nights(connection: Connection, author: str, partner: str) -> None:
    """Undo every night of a pair, so that its nights are computed again from its two logs."""
    pair = (author, partner)
    for table in (tables.night, tables.night_leaf, tables.night_count, tables.consumed):
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
