"""The tables of the certification room: certificates, their life, and what hosts recognise.

Every row carries the index in its author's registry log that brought it, so that what was known at
any size of a log can be asked again. Salts belong to no projection: a rebuild leaves them.
"""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, metadata

__all__ = [
    "certificate_events",
    "certificates",
    "equivalence_ends",
    "equivalences",
    "recognition_answers",
    "recognitions",
    "salts",
    "schemes",
]

certificates = Table(
    "certification_certificates",
    metadata,
    Column("certificate_no", IdText, primary_key=True),
    Column("author", IdText, nullable=False),
    Column("log_index", BigInt, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    # Its running number among the valid issues of its author, from 0: its place in status lists.
    Column("status_index", BigInt, nullable=False),
    Column("institution_id", IdText, nullable=False),
    # The certificate that it follows, or empty, and the first of its line: its own number if it
    # follows none.
    Column("predecessor_no", IdText, nullable=False),
    Column("line_no", IdText, nullable=False),
    # The body as issued: a serialised ``Certificate``.
    Column("body", LargeBinary, nullable=False),
)
Index("ix_certification_certificates_place", certificates.c.author, certificates.c.log_index)
Index(
    "ix_certification_certificates_status",
    certificates.c.author,
    certificates.c.status_index,
    unique=True,
)
Index("ix_certification_certificates_institution_id", certificates.c.institution_id)
Index("ix_certification_certificates_line_no", certificates.c.line_no)

certificate_events = Table(
    "certification_events",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("certificate_no", IdText, nullable=False, index=True),
    Column("leaf_hash", LargeBinary, nullable=False),
    # A value of ``EventKind``.
    Column("kind", Integer, nullable=False),
    Column("effective_date", Text),
    Column("until_date", Text),
    Column("reason", Text, nullable=False),
    # The body as stated: the message that the kind goes with, serialised.
    Column("body", LargeBinary, nullable=False),
)

# What provinces state of the schemes under which they issue.
schemes = Table(
    "certification_schemes",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("scheme", IdText, nullable=False),
    Column("from_date", Text, nullable=False),
    # The body as stated: a serialised ``CertificationScheme``.
    Column("body", LargeBinary, nullable=False),
)
Index(
    "ix_certification_schemes_name",
    schemes.c.author,
    schemes.c.scheme,
    schemes.c.from_date,
    schemes.c.log_index,
)

equivalences = Table(
    "certification_equivalences",
    metadata,
    Column("equivalence_id", IdText, primary_key=True),
    Column("author", IdText, nullable=False),
    Column("log_index", BigInt, nullable=False),
    # The body as declared: a serialised ``Equivalence``.
    Column("body", LargeBinary, nullable=False),
)

# What ended them: one for an earlier day may follow one that bore a wrong day.
equivalence_ends = Table(
    "certification_equivalence_ends",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("equivalence_id", IdText, nullable=False, index=True),
    Column("effective_date", Text, nullable=False),
)

# What hosts say of one certificate of another issuer.
recognitions = Table(
    "certification_recognitions",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("certificate_no", IdText, nullable=False, index=True),
    Column("leaf_hash", LargeBinary, nullable=False),
    # Business date of the entry: from it an issuer's term to answer runs.
    Column("published_date", Text, nullable=False),
    Column("is_suspension", Boolean, nullable=False),
    Column("effective_date", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# What issuers answer to that.
recognition_answers = Table(
    "certification_recognition_answers",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("certificate_no", IdText, nullable=False),
    Column("suspension_hash", LargeBinary, nullable=False, index=True),
    Column("published_date", Text, nullable=False),
    # The body as stated: a serialised ``RecognitionAnswer``.
    Column("body", LargeBinary, nullable=False),
)

# The salts of name digests, each sealed under a key of this node.
salts = Table(
    "certification_salts",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    # The own request that held the name, empty for salts that a partner sent.
    Column("request_id", Text, nullable=False),
)
