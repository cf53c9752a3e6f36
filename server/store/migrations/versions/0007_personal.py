"""The vault of persons, and whose holders were erased."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the vault."""
    op.create_table(
        "personal_persons",
        sa.Column("subject_ref", ID_TEXT, nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
        sa.Column("tag", sa.LargeBinary, nullable=False),
        sa.Column("identity_mark", sa.LargeBinary),
        sa.Column("changed_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject_ref", name="pk_personal_persons"),
    )
    op.create_index("ix_personal_persons_tag", "personal_persons", ["tag"])
    op.create_index("ix_personal_persons_identity_mark", "personal_persons", ["identity_mark"])
    op.create_table(
        "personal_values",
        sa.Column("subject_ref", ID_TEXT, nullable=False),
        sa.Column("field", ID_TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("subject_ref", "field", name="pk_personal_values"),
    )
    op.create_table(
        "personal_holdings",
        sa.Column("certificate_no", ID_TEXT, nullable=False),
        sa.Column("subject_ref", ID_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("certificate_no", name="pk_personal_holdings"),
    )
    op.create_index("ix_personal_holdings_subject_ref", "personal_holdings", ["subject_ref"])
    op.create_table(
        "personal_requests",
        sa.Column("subject_ref", ID_TEXT, nullable=False),
        sa.Column("request_id", ID_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("subject_ref", "request_id", name="pk_personal_requests"),
    )
    op.create_table(
        "personal_erasures",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("certificate_no", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "certificate_no", name="pk_personal_erasures"),
    )
    op.create_index("ix_personal_erasures_place", "personal_erasures", ["author", "log_index"])
    op.create_table(
        "personal_scrubs",
        sa.Column("scrub_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("requested_time", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("scrub_id", name="pk_personal_scrubs"),
    )
