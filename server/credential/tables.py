"""The tables of the credential room: keys and status lists as stated, and partners' tokens.

The first two are projections of registry logs. Partners' tokens came from no log: they are kept so
that a bundle can still be made when a partner is gone, with their age, and a rebuild leaves them.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, UtcTime, metadata

__all__ = ["credential_keys", "partner_tokens", "status_lists"]

credential_keys = Table(
    "credential_keys",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("key_id", IdText, nullable=False),
    # The body as stated: a serialised ``CredentialKey``.
    Column("body", LargeBinary, nullable=False),
)

status_lists = Table(
    "credential_status_lists",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("stated_time", UtcTime, nullable=False),
    Column("list_number", Integer, nullable=False),
    Column("entry_count", Integer, nullable=False),
    Column("list_hash", LargeBinary, nullable=False),
    Column("log_size", BigInt, nullable=False),
    Column("on_date", Text, nullable=False),
)
Index(
    "ix_credential_status_lists_number",
    status_lists.c.author,
    status_lists.c.list_number,
    status_lists.c.log_index,
)

# The newest status list token of each partner, as it was fetched and verified.
partner_tokens = Table(
    "credential_partner_tokens",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("list_number", Integer, primary_key=True, autoincrement=False),
    Column("fetched_time", UtcTime, nullable=False),
    Column("token", Text, nullable=False),
)
