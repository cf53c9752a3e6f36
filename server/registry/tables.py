"""The tables of the registry room: institutions, claims, listings and agreements.

Every row carries the index in its author's registry log that brought it, and the index that ended
or superseded it, so that what was known at any size of a log can be asked again. ``author`` names
the log. Rows are never changed but for the index that supersedes them.
"""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text, text

from server.store.schema import BigInt, metadata

__all__ = [
    "IdText",
    "agreement_words",
    "agreements",
    "claims",
    "closings",
    "institutions",
    "listing_withdrawals",
    "listings",
    "proposals",
]

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
    # Folded, so that both databases find the same by a part of a name.
    Column("name_folded", Text, nullable=False),
    # Readings of the name, the likeliest first, with a blank between two: syllables with an
    # apostrophe between, and first letters; see ``names``.
    Column("name_pinyin", Text, nullable=False),
    Column("name_initials", Text, nullable=False),
    Column("operation_mode", Integer, nullable=False),
    Column("provider_type", Integer, nullable=False),
    Column("approved_beds", Integer, nullable=False),
    Column("open_beds", Integer),
    Column("state", Integer, nullable=False),
    # First day of the state; empty where the register has none.
    Column("state_date", Text, nullable=False),
    # In micro-degrees; both missing where the register has none.
    Column("longitude_e6", Integer),
    Column("latitude_e6", Integer),
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
# For histories: what was superseded is asked for by id too.
Index(
    "ix_registry_institutions_statements",
    institutions.c.institution_id,
    institutions.c.log_index,
)
Index("ix_registry_institutions_place", institutions.c.latitude_e6, institutions.c.longitude_e6)

# The statements above that close an institution, and the first after them that opens it again: few,
# so that who asks whether one is closed reads no history.
closings = Table(
    "registry_closings",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("institution_id", IdText, nullable=False, index=True),
    Column("is_closed", Boolean, nullable=False),
    # Of a closing without a day, the day on which it was stated.
    Column("from_date", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# What sources that own nothing say of institutions of any province.
claims = Table(
    "registry_claims",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("institution_id", IdText, nullable=False),
    Column("attribute", IdText, nullable=False),
    Column("source", IdText, nullable=False),
    Column("superseded_index", BigInt),
    # In the form in which it is compared; empty where the claim was withdrawn.
    Column("value", Text, nullable=False),
    # The body as stated: a serialised ``InstitutionClaim``.
    Column("body", LargeBinary, nullable=False),
)
Index(
    "ix_registry_claims_current",
    claims.c.institution_id,
    claims.c.attribute,
    claims.c.author,
    claims.c.source,
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
)

# What withdrew them: one for an earlier day may follow one that bore a wrong day.
listing_withdrawals = Table(
    "registry_listing_withdrawals",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("listing_id", IdText, nullable=False, index=True),
    Column("effective_date", Text, nullable=False),
)

# Listings that their author meant to publish; they open nothing.
proposals = Table(
    "registry_listing_proposals",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("listing_id", IdText, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("superseded_index", BigInt),
    # The listing as proposed: a serialised ``Listing``.
    Column("body", LargeBinary, nullable=False),
)
Index(
    "ix_registry_listing_proposals_current",
    proposals.c.listing_id,
    unique=True,
    sqlite_where=text("superseded_index IS NULL"),
    postgresql_where=text("superseded_index IS NULL"),
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
    # First day without it, of a word that ends it; others accept.
    Column("ended_date", Text),
)
