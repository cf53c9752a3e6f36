"""The tables of the vault: persons, their sealed values, what they hold, and what was erased.

Only `personal_erasures` is a projection; the rest is in no log and in no other place. A person's
row holds the key of its values, wrapped: without that row the values are noise.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, UtcTime, metadata

__all__ = ["erasures", "holdings", "persons", "requests", "scrubs", "values"]

persons = Table(
    "personal_persons",
    metadata,
    Column("subject_ref", IdText, primary_key=True),
    # 32 bytes of this person, sealed under the node's vault key, behind their nonce.
    Column("wrapped_key", LargeBinary, nullable=False),
    # 16 random bytes that `Erased` names: what finds the row again in a database that was restored.
    Column("tag", LargeBinary, nullable=False),
    # HMAC-SHA-256 of its identity number under a key of the node; null if none is kept.
    Column("identity_mark", LargeBinary),
    Column("changed_time", UtcTime(), nullable=False),
)
Index("ix_personal_persons_tag", persons.c.tag)
Index("ix_personal_persons_identity_mark", persons.c.identity_mark)

values = Table(
    "personal_values",
    metadata,
    Column("subject_ref", IdText, primary_key=True),
    # Name of a field of ``PersonalValues``.
    Column("field", IdText, primary_key=True),
    # Sealed under the person's key, behind its nonce.
    Column("sealed", LargeBinary, nullable=False),
)

holdings = Table(
    "personal_holdings",
    metadata,
    Column("certificate_no", IdText, primary_key=True),
    Column("subject_ref", IdText, nullable=False),
)
Index("ix_personal_holdings_subject_ref", holdings.c.subject_ref)

# Requests whose content held values of a person: what is kept under their ids is blinded with it.
requests = Table(
    "personal_requests",
    metadata,
    Column("subject_ref", IdText, primary_key=True),
    Column("request_id", IdText, primary_key=True),
)

# Certificates whose holders were erased: no salt of theirs is kept again.
erasures = Table(
    "personal_erasures",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("certificate_no", IdText, primary_key=True),
    Column("log_index", BigInt, nullable=False),
    Column("reason", Text, nullable=False),
)
Index("ix_personal_erasures_place", erasures.c.author, erasures.c.log_index)

# At most one row: something was destroyed, and the database's files were not wiped since.
scrubs = Table(
    "personal_scrubs",
    metadata,
    Column("scrub_id", Integer, primary_key=True, autoincrement=False),
    Column("requested_time", UtcTime(), nullable=False),
)
