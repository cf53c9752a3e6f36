"""The tables of overlaps and demands: what logs say, and what a node keeps to find overlaps.

Keys, claims and demands are projections of logs. The rest is in no log and never leaves the node:
which pseudonyms are one elder's, whose tag is whose, what was found at the last close. Identity
numbers are not here but in the vault of persons; when that destroys a person, the links here go in
the same transaction.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, UtcTime, metadata

__all__ = [
    "claim",
    "clawback",
    "due",
    "elder",
    "key",
    "overlap",
    "state",
    "tag",
]

# --- Logs -----------------------------------------------------------------------------------------

key = Table(
    "settlement_overlap_key",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("idx", BigInt, primary_key=True, autoincrement=False),
    Column("key_id", IdText, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("from_year", Integer, nullable=False),
)

# Every word on a tag, month and group: the last one before a size is what was claimed then.
claim = Table(
    "settlement_overlap_claim",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("partner", IdText, primary_key=True),
    Column("service_year", Integer, primary_key=True, autoincrement=False),
    Column("tag", LargeBinary, primary_key=True),
    Column("month", Integer, primary_key=True, autoincrement=False),
    Column("exclusivity_group", IdText, primary_key=True),
    Column("idx", BigInt, primary_key=True, autoincrement=False),
    Column("days", Integer, nullable=False),
    Index("ix_settlement_overlap_claim_place", "author", "partner", "idx"),
)

clawback = Table(
    "settlement_clawback",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("partner", IdText, primary_key=True),
    Column("idx", BigInt, primary_key=True, autoincrement=False),
    Column("filed_date", Text, nullable=False),
    Column("clawback_id", IdText, nullable=False),
    Column("settlement_no", IdText, nullable=False),
    Column("maker", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("entry_time", UtcTime(), nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.Clawback
    Index("ix_settlement_clawback_id", "author", "clawback_id"),
    Index("ix_settlement_clawback_no", "author", "partner", "settlement_no"),
)

# --- Private --------------------------------------------------------------------------------------

# An elder, by an HMAC of home's own handle; `settlement_pseudonym` names the same.
elder = Table(
    "settlement_elder",
    metadata,
    Column("elder_mac", LargeBinary, primary_key=True),
    # The mark of the identity number if one is kept, so that two handles of one person are one;
    # else the HMAC again.
    Column("person_key", LargeBinary, nullable=False),
    Column("subject_ref", IdText),  # in the vault of persons; null if no number is kept
    Index("ix_settlement_elder_person", "person_key"),
    Index("ix_settlement_elder_subject", "subject_ref"),
)

# Whose tag is whose; nobody's if the person was erased, its number put right or a key replaced.
tag = Table(
    "settlement_overlap_tag",
    metadata,
    Column("partner", IdText, primary_key=True),
    Column("service_year", Integer, primary_key=True, autoincrement=False),
    Column("tag", LargeBinary, primary_key=True),
    Column("person_key", LargeBinary),
    Index("ix_settlement_overlap_tag_person", "person_key"),
)

# Persons and months that the next close looks at.
due = Table(
    "settlement_overlap_due",
    metadata,
    Column("person_key", LargeBinary, primary_key=True),
    Column("service_month", IdText, primary_key=True),
)

# How far closes have looked: places of logs, and keys, by name.
state = Table(
    "settlement_overlap_state",
    metadata,
    Column("name", IdText, primary_key=True),
    Column("value", Text, nullable=False),
)

# What the last close that looked found beyond a month.
overlap = Table(
    "settlement_overlap",
    metadata,
    Column("other_home", IdText, primary_key=True),  # the own province: between its hosts
    Column("service_month", IdText, primary_key=True),
    Column("person_key", LargeBinary, primary_key=True),
    Column("exclusivity_group", IdText, primary_key=True),
    Column("own_days", Integer, nullable=False),
    Column("other_days", Integer, nullable=False),
    Column("noticed_date", Text, nullable=False),
)
