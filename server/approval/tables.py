"""The tables of the approval room: people's keys as stated, and who has done which duty.

Both are projections of logs. The second is written by every room whose entries take on a duty, and
deleted with the log it came from by this room alone.
"""

from sqlalchemy import Column, Index, LargeBinary, Table

from server.registry.tables import IdText
from server.store.schema import BigInt, metadata

__all__ = ["approval_duty", "approval_keys"]

approval_keys = Table(
    "approval_keys",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("key_id", IdText, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    # The body as stated: a serialised ``ApprovalKey``.
    Column("body", LargeBinary, nullable=False),
)
Index(
    "ix_approval_keys_key_id",
    approval_keys.c.author,
    approval_keys.c.key_id,
    approval_keys.c.log_index,
)
Index(
    "ix_approval_keys_public_key",
    approval_keys.c.author,
    approval_keys.c.public_key,
    approval_keys.c.log_index,
)

# Who has set policy, made or reviewed records or approved payment; the partner is empty for
# registry logs.
approval_duty = Table(
    "approval_duty",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("partner", IdText, primary_key=True),
    Column("principal", IdText, primary_key=True),
    Column("duty", IdText, primary_key=True),
)
