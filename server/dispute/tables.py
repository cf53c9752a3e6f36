"""The tables of the dispute room: what settlement logs say of disputed lines, word by word.

Nothing here says where a dispute stands: that follows from the words of both logs of a pair, is
worked out when it is asked, and can be asked for any past moment.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, UtcTime, metadata

__all__ = ["raised", "word"]


def _place() -> list[Column[str] | Column[int]]:
    """Return the columns of a place in a settlement log."""
    return [
        Column("author", IdText, primary_key=True),
        Column("partner", IdText, primary_key=True),
        Column("idx", BigInt, primary_key=True, autoincrement=False),
    ]


raised = Table(
    "dispute_raised",
    metadata,
    *_place(),
    Column("dispute_id", IdText, nullable=False),
    Column("entry_time", UtcTime, nullable=False),
    Column("settlement_no", IdText, nullable=False),
    Column("home", IdText, nullable=False),
    Column("host", IdText, nullable=False),
    Column("claim", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.Dispute
    Index("ix_dispute_raised_id", "dispute_id", "partner", unique=True),
    Index("ix_dispute_raised_no", "settlement_no"),
    Index("ix_dispute_raised_time", "entry_time", "author", "partner", "idx"),
)

# Answers, escalations and closures, of either side.
word = Table(
    "dispute_word",
    metadata,
    *_place(),
    Column("dispute_id", IdText, nullable=False),
    Column("entry_time", UtcTime, nullable=False),
    Column("word", Text, nullable=False),  # server.dispute.states.Said
    Column("level", Integer, nullable=False),  # of an escalation, else 0
    Column("remedy", Integer, nullable=False),  # of an agreement or a closure, else 0
    Column("reason", Text, nullable=False),
    Index("ix_dispute_word_id", "dispute_id"),
)
