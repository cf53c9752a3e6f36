"""The tables of the audit room: how far audit logs are anchored, and whose values were disclosed.

Projections, deleted and recomputed on a rebuild: anchors of registry logs, disclosures of the own
audit log. What a disclosure says is read from the log; its row only finds it.
"""

from sqlalchemy import Column, LargeBinary, Table, Text

from server.store.schema import BigInt, UtcTime, metadata

__all__ = ["anchors", "subjects"]

anchors = Table(
    "audit_anchors",
    metadata,
    Column("author", Text, primary_key=True),
    Column("idx", BigInt, primary_key=True, autoincrement=False),
    Column("size", BigInt, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("entry_time", UtcTime(), nullable=False),
)

# Places in the audit log where a person's values were disclosed.
subjects = Table(
    "audit_subjects",
    metadata,
    Column("author", Text, primary_key=True),
    Column("subject_ref", Text, primary_key=True),
    Column("idx", BigInt, primary_key=True, autoincrement=False),
)
