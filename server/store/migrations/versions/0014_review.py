"""What clerks and payers submitted for review."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table of drafts."""
    op.create_table(
        "review_drafts",
        sa.Column("request_id", ID_TEXT, nullable=False),
        sa.Column("method", ID_TEXT, nullable=False),
        sa.Column("maker", ID_TEXT, nullable=False),
        sa.Column("submitted_time", UtcTime(), nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("reviewer", ID_TEXT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("item_count", sa.Integer, nullable=False),
        sa.Column("sum_fen", BigInt, nullable=False),
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("content_mac", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("refusal", sa.Text, nullable=False),
        sa.Column("response", sa.LargeBinary),
        sa.Column("ended_time", UtcTime()),
        sa.PrimaryKeyConstraint("request_id", name="pk_review_drafts"),
    )
    op.create_index("ix_review_drafts_order", "review_drafts", ["state", "submitted_time"])
    op.create_index("ix_review_drafts_maker", "review_drafts", ["maker", "state"])
