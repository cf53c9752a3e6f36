"""How far audit logs are anchored, and where persons' values were disclosed."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the audit room."""
    op.create_table(
        "audit_anchors",
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("size", BigInt, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("entry_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("author", "idx", name="pk_audit_anchors"),
    )
    op.create_table(
        "audit_subjects",
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("subject_ref", sa.Text, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("author", "subject_ref", "idx", name="pk_audit_subjects"),
    )
