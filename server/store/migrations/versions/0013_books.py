"""Closed months of the provinces' books."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table of the books room."""
    op.create_table(
        "books_month_closes",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("month", ID_TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_books_month_closes"),
    )
    op.create_index(
        "ix_books_month_closes_month", "books_month_closes", ["author", "month"], unique=True
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("books_month_closes")
