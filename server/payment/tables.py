"""The tables of the payment room: terms, advances, orders and bookings, as stated in logs.

Each row carries its author and its index in that author's registry log; a rebuild deletes and
recomputes them. No row says where a payment stands: that follows from these rows, the statements
and the day, and is asked anew each time.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, UtcTime, metadata

__all__ = ["advance", "order", "report", "terms"]


def _place() -> list[Column[str] | Column[int]]:
    """Return the columns of a place in a registry log."""
    return [
        Column("author", IdText, primary_key=True),
        Column("idx", BigInt, primary_key=True, autoincrement=False),
    ]


terms = Table(
    "payment_terms",
    metadata,
    *_place(),
    Column("payee", IdText, nullable=False),
    Column("limit_fen", BigInt, nullable=False),
    Column("floor_fen", BigInt, nullable=False),
    Column("from_date", Text, nullable=False),
    Index("ix_payment_terms_payee", "author", "payee", "idx"),
)

advance = Table(
    "payment_advance",
    metadata,
    *_place(),  # the author pays
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("advance_id", IdText, nullable=False, unique=True),
    Column("payee", IdText, nullable=False),
    Column("amount_fen", BigInt, nullable=False),
    Column("entry_time", UtcTime, nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.Advance
    Index("ix_payment_advance_hash", "leaf_hash"),
    Index("ix_payment_advance_payee", "author", "payee"),
)

# The index holds an invariant: an attempt is ordered once, ever.
order = Table(
    "payment_order",
    metadata,
    *_place(),  # the author pays
    Column("payment_id", IdText, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("basis_hash", LargeBinary, nullable=False),
    Column("payee", IdText, nullable=False),
    Column("amount_fen", BigInt, nullable=False),
    Column("execution_date", Text, nullable=False),
    Column("message_hash", LargeBinary, nullable=False),
    Column("entry_time", UtcTime, nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.PaymentOrder
    Index("ix_payment_order_attempt", "author", "payment_id", "attempt", unique=True),
)

# The index holds an invariant: a booking counts once.
report = Table(
    "payment_report",
    metadata,
    *_place(),  # the author is payer or payee, as the payment says
    Column("payment_id", IdText, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", Integer, nullable=False),  # deltacare.v1.PaymentOutcome
    Column("amount_fen", BigInt, nullable=False),
    Column("booking_date", Text, nullable=False),
    Column("booking_ref", LargeBinary, nullable=False),
    Column("message_hash", LargeBinary, nullable=False),
    Column("entry_time", UtcTime, nullable=False),
    Index("ix_payment_report_payment", "payment_id"),
    Index("ix_payment_report_ref", "author", "booking_ref", unique=True),
)
