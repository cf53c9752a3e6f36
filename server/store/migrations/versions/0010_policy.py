"""Subsidy policies and budgets as stated."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the policy room."""
    op.create_table(
        "policy_policies",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("subsidy_kind", ID_TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_policy_policies"),
    )
    op.create_index(
        "ix_policy_policies_kind", "policy_policies", ["author", "subsidy_kind", "log_index"]
    )
    op.create_table(
        "policy_budgets",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("home_division", ID_TEXT, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("subsidy_kind", ID_TEXT, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        sa.Column("document_no", sa.Text, nullable=False),
        sa.Column("document_hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_policy_budgets"),
    )
    op.create_index(
        "ix_policy_budgets_cell",
        "policy_budgets",
        ["author", "home_division", "year", "subsidy_kind", "log_index"],
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("policy_budgets")
    op.drop_table("policy_policies")
