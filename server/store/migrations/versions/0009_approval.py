"""People's keys for approvals, and who has done which duty."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the approval room."""
    op.create_table(
        "approval_keys",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("key_id", ID_TEXT, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_approval_keys"),
    )
    op.create_index("ix_approval_keys_key_id", "approval_keys", ["author", "key_id", "log_index"])
    op.create_index(
        "ix_approval_keys_public_key", "approval_keys", ["author", "public_key", "log_index"]
    )
    op.create_table(
        "approval_duty",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("principal", ID_TEXT, nullable=False),
        sa.Column("duty", ID_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("author", "partner", "principal", "duty", name="pk_approval_duty"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("approval_duty")
    op.drop_table("approval_keys")
