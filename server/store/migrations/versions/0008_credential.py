"""Keys for phone certificates, status lists as stated, and partners' tokens."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the credential room."""
    op.create_table(
        "credential_keys",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("key_id", ID_TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_credential_keys"),
    )
    op.create_table(
        "credential_status_lists",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("stated_time", UtcTime, nullable=False),
        sa.Column("list_number", sa.Integer, nullable=False),
        sa.Column("entry_count", sa.Integer, nullable=False),
        sa.Column("list_hash", sa.LargeBinary, nullable=False),
        sa.Column("log_size", BigInt, nullable=False),
        sa.Column("on_date", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_credential_status_lists"),
    )
    op.create_index(
        "ix_credential_status_lists_number",
        "credential_status_lists",
        ["author", "list_number", "log_index"],
    )
    op.create_table(
        "credential_partner_tokens",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("list_number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("fetched_time", UtcTime, nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "list_number", name="pk_credential_partner_tokens"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("credential_partner_tokens")
    op.drop_table("credential_status_lists")
    op.drop_table("credential_keys")
