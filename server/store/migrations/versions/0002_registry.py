"""What registry logs say of institutions, claims, listings and agreements."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the registry room."""
    op.create_table(
        "registry_institutions",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("institution_id", ID_TEXT, nullable=False),
        sa.Column("superseded_index", BigInt),
        sa.Column("division_code", ID_TEXT, nullable=False),
        sa.Column("name_folded", sa.Text, nullable=False),
        sa.Column("name_pinyin", sa.Text, nullable=False),
        sa.Column("name_initials", sa.Text, nullable=False),
        sa.Column("operation_mode", sa.Integer, nullable=False),
        sa.Column("provider_type", sa.Integer, nullable=False),
        sa.Column("approved_beds", sa.Integer, nullable=False),
        sa.Column("open_beds", sa.Integer),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("state_date", sa.Text, nullable=False),
        sa.Column("longitude_e6", sa.Integer),
        sa.Column("latitude_e6", sa.Integer),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_registry_institutions"),
    )
    op.create_index(
        "ix_registry_institutions_current",
        "registry_institutions",
        ["institution_id"],
        unique=True,
        sqlite_where=sa.text("superseded_index IS NULL"),
        postgresql_where=sa.text("superseded_index IS NULL"),
    )
    op.create_index(
        "ix_registry_institutions_statements",
        "registry_institutions",
        ["institution_id", "log_index"],
    )
    op.create_index(
        "ix_registry_institutions_place",
        "registry_institutions",
        ["latitude_e6", "longitude_e6"],
    )
    op.create_table(
        "registry_closings",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("institution_id", ID_TEXT, nullable=False),
        sa.Column("is_closed", sa.Boolean, nullable=False),
        sa.Column("from_date", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_registry_closings"),
    )
    op.create_index("ix_registry_closings_institution_id", "registry_closings", ["institution_id"])
    op.create_table(
        "registry_claims",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("institution_id", ID_TEXT, nullable=False),
        sa.Column("attribute", ID_TEXT, nullable=False),
        sa.Column("source", ID_TEXT, nullable=False),
        sa.Column("superseded_index", BigInt),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_registry_claims"),
    )
    op.create_index(
        "ix_registry_claims_current",
        "registry_claims",
        ["institution_id", "attribute", "author", "source"],
        unique=True,
        sqlite_where=sa.text("superseded_index IS NULL"),
        postgresql_where=sa.text("superseded_index IS NULL"),
    )
    op.create_table(
        "registry_listings",
        sa.Column("listing_id", ID_TEXT, nullable=False),
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("listing_id", name="pk_registry_listings"),
    )
    op.create_table(
        "registry_listing_withdrawals",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("listing_id", ID_TEXT, nullable=False),
        sa.Column("effective_date", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_registry_listing_withdrawals"),
    )
    op.create_index(
        "ix_registry_listing_withdrawals_listing_id",
        "registry_listing_withdrawals",
        ["listing_id"],
    )
    op.create_table(
        "registry_listing_proposals",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("listing_id", ID_TEXT, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("superseded_index", BigInt),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_registry_listing_proposals"),
    )
    op.create_index(
        "ix_registry_listing_proposals_current",
        "registry_listing_proposals",
        ["listing_id"],
        unique=True,
        sqlite_where=sa.text("superseded_index IS NULL"),
        postgresql_where=sa.text("superseded_index IS NULL"),
    )
    op.create_table(
        "registry_agreements",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("agreement_id", ID_TEXT, nullable=False),
        sa.Column("version_hash", sa.LargeBinary, nullable=False),
        sa.Column("superseded_index", BigInt),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_registry_agreements"),
    )
    op.create_index("ix_registry_agreements_agreement_id", "registry_agreements", ["agreement_id"])
    op.create_table(
        "registry_agreement_words",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("agreement_id", ID_TEXT, nullable=False),
        sa.Column("version_hash", sa.LargeBinary, nullable=False),
        sa.Column("ended_date", sa.Text),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_registry_agreement_words"),
    )
    op.create_index(
        "ix_registry_agreement_words_agreement_id", "registry_agreement_words", ["agreement_id"]
    )
