"""What settlement logs say of disputed lines: what was raised, and every word on it."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the dispute room."""
    op.create_table(
        "dispute_raised",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("dispute_id", ID_TEXT, nullable=False),
        sa.Column("entry_time", UtcTime, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("home", ID_TEXT, nullable=False),
        sa.Column("host", ID_TEXT, nullable=False),
        sa.Column("claim", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "partner", "idx", name="pk_dispute_raised"),
    )
    op.create_index(
        "ix_dispute_raised_id", "dispute_raised", ["dispute_id", "partner"], unique=True
    )
    op.create_index("ix_dispute_raised_no", "dispute_raised", ["settlement_no"])
    op.create_index(
        "ix_dispute_raised_time", "dispute_raised", ["entry_time", "author", "partner", "idx"]
    )
    op.create_table(
        "dispute_word",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("dispute_id", ID_TEXT, nullable=False),
        sa.Column("entry_time", UtcTime, nullable=False),
        sa.Column("word", sa.Text, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("remedy", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "partner", "idx", name="pk_dispute_word"),
    )
    op.create_index("ix_dispute_word_id", "dispute_word", ["dispute_id"])
