"""The one table of the books room: months that provinces closed. Journals are stored nowhere."""

from sqlalchemy import Column, Index, LargeBinary, Table

from server.registry.tables import IdText
from server.store.schema import BigInt, metadata

__all__ = ["month_closes"]

month_closes = Table(
    "books_month_closes",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("month", IdText, nullable=False),
    # The body as stated: a serialised ``MonthClose``.
    Column("body", LargeBinary, nullable=False),
)
# The index holds an invariant: a month closes once, ever.
Index("ix_books_month_closes_month", month_closes.c.author, month_closes.c.month, unique=True)
