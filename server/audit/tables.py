"""The table of the audit room: how far each member's audit log is anchored in its registry log.

A projection of registry logs, deleted and recomputed on a rebuild. The audit log itself is read
from the log room; it has no rows of its own.
"""

from sqlalchemy import Column, LargeBinary, Table, Text

from server.store.schema import BigInt, UtcTime, metadata

__all__ = ["anchors"]

anchors = Table(
    "audit_anchors",
    metadata,
    Column("author", Text, primary_key=True),
    Column("idx", BigInt, primary_key=True, autoincrement=False),
    Column("size", BigInt, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("entry_time", UtcTime(), nullable=False),
)
