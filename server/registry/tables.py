"""The tables of the registry room: what registry logs say of institutions, listings, agreements.

Every row carries the index in its author's registry log that brought it, and the index that ended
or superseded it, so that what was known at any size of a log can be asked again. ``author`` names
the log. Rows are never changed but for the index that supersedes them.
"""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, text

from server.store.schema import BigInt, metadata

__all__ = ["IdText", "agreement_words", "agreements", "institutions", "listings"]

# Ids sort by their bytes in both databases, whatever the language of the server.
IdText = Text().with_variant(Text(collation="C"), "postgresql")

institutions = Table(
    "registry_institutions",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("institution_id", IdText, nullable=False),
    Column("superseded_index", BigInt),
    Column("division_code", IdText, nullable=False),
    # Case-folded, so that both databases find the same by a part of a name.
    Column("name_folded", Text, nullable=False),
    Column("operation_mode", Integer, nullable=False),
    Column("approved_beds", Integer, nullable=False),
    Column("state", Integer, nullable=False),
    # The body as stated: a serialised ``Institution``.
    Column("body", LargeBinary, nullable=False),
)
Index(
    "ix_registry_institutions_current",
    institutions.c.institution_id,
    unique=True,
    sqlite_where=text("superseded_index IS NULL"),
    postgresql_where=text("superseded_index IS NULL"),
)

listings = Table(
    "registry_listings",
    metadata,
    Column("listing_id", IdText, primary_key=True),
    Column("author", IdText, nullable=False),
    Column("log_index", BigInt, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("withdrawn_index", BigInt),
    Column("withdrawn_date", Text),
)

agreements = Table(
    "registry_agreements",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("agreement_id", IdText, nullable=False, index=True),
    Column("version_hash", LargeBinary, nullable=False),
    Column("superseded_index", BigInt),
    Column("body", LargeBinary, nullable=False),
)

# What each province said of an agreement, proposals included; of any author.
agreement_words = Table(
    "registry_agreement_words",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("agreement_id", IdText, nullable=False, index=True),
    Column("version_hash", LargeBinary, nullable=False),
    Column("is_accepted", Boolean, nullable=False),
)
