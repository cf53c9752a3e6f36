"""Certificates, their life, what hosts recognise, and the sealed salts of names."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the certification room."""
    op.create_table(
        "certification_certificates",
        sa.Column("certificate_no", ID_TEXT, nullable=False),
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("status_index", BigInt, nullable=False),
        sa.Column("institution_id", ID_TEXT, nullable=False),
        sa.Column("predecessor_no", ID_TEXT, nullable=False),
        sa.Column("line_no", ID_TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("certificate_no", name="pk_certification_certificates"),
    )
    op.create_index(
        "ix_certification_certificates_place",
        "certification_certificates",
        ["author", "log_index"],
    )
    op.create_index(
        "ix_certification_certificates_status",
        "certification_certificates",
        ["author", "status_index"],
        unique=True,
    )
    op.create_index(
        "ix_certification_certificates_institution_id",
        "certification_certificates",
        ["institution_id"],
    )
    op.create_index(
        "ix_certification_certificates_line_no",
        "certification_certificates",
        ["line_no"],
    )
    op.create_table(
        "certification_events",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("certificate_no", ID_TEXT, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Integer, nullable=False),
        sa.Column("effective_date", sa.Text),
        sa.Column("until_date", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_certification_events"),
    )
    op.create_index(
        "ix_certification_events_certificate_no", "certification_events", ["certificate_no"]
    )
    op.create_table(
        "certification_schemes",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("scheme", ID_TEXT, nullable=False),
        sa.Column("from_date", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_certification_schemes"),
    )
    op.create_index(
        "ix_certification_schemes_name",
        "certification_schemes",
        ["author", "scheme", "from_date", "log_index"],
    )
    op.create_table(
        "certification_equivalences",
        sa.Column("equivalence_id", ID_TEXT, nullable=False),
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("equivalence_id", name="pk_certification_equivalences"),
    )
    op.create_table(
        "certification_equivalence_ends",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("equivalence_id", ID_TEXT, nullable=False),
        sa.Column("effective_date", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_certification_equivalence_ends"),
    )
    op.create_index(
        "ix_certification_equivalence_ends_equivalence_id",
        "certification_equivalence_ends",
        ["equivalence_id"],
    )
    op.create_table(
        "certification_recognitions",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("certificate_no", ID_TEXT, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("published_date", sa.Text, nullable=False),
        sa.Column("is_suspension", sa.Boolean, nullable=False),
        sa.Column("effective_date", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_certification_recognitions"),
    )
    op.create_index(
        "ix_certification_recognitions_certificate_no",
        "certification_recognitions",
        ["certificate_no"],
    )
    op.create_table(
        "certification_recognition_answers",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("certificate_no", ID_TEXT, nullable=False),
        sa.Column("suspension_hash", sa.LargeBinary, nullable=False),
        sa.Column("published_date", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_certification_recognition_answers"),
    )
    op.create_index(
        "ix_certification_recognition_answers_suspension_hash",
        "certification_recognition_answers",
        ["suspension_hash"],
    )
    op.create_table(
        "certification_salts",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_certification_salts"),
    )
    op.create_table(
        "certification_watched",
        sa.Column("caller", ID_TEXT, nullable=False),
        sa.Column("institution_id", ID_TEXT, nullable=False),
        sa.Column("certificate_no", ID_TEXT, nullable=False),
        sa.PrimaryKeyConstraint(
            "caller", "institution_id", "certificate_no", name="pk_certification_watched"
        ),
    )
    op.create_index(
        "ix_certification_watched_certificate",
        "certification_watched",
        ["certificate_no", "caller"],
    )
    op.create_index(
        "ix_certification_watched_caller",
        "certification_watched",
        ["caller", "certificate_no"],
    )
