"""What registry logs say of supervision: inspections, measures, and reports of mending."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the supervision room."""
    op.create_table(
        "supervision_inspections",
        sa.Column("inspection_id", ID_TEXT, nullable=False),
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False),
        sa.Column("subject", ID_TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("inspection_id", name="pk_supervision_inspections"),
    )
    op.create_index(
        "ix_supervision_inspections_place", "supervision_inspections", ["author", "log_index"]
    )
    op.create_index("ix_supervision_inspections_subject", "supervision_inspections", ["subject"])
    op.create_table(
        "supervision_measures",
        sa.Column("measure_id", ID_TEXT, nullable=False),
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False),
        sa.Column("subject", ID_TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("measure_id", name="pk_supervision_measures"),
    )
    op.create_index(
        "ix_supervision_measures_place", "supervision_measures", ["author", "log_index"]
    )
    op.create_index("ix_supervision_measures_subject", "supervision_measures", ["subject"])
    op.create_table(
        "supervision_lifts",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("measure_id", ID_TEXT, nullable=False),
        sa.Column("effective_date", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_supervision_lifts"),
    )
    op.create_index("ix_supervision_lifts_measure_id", "supervision_lifts", ["measure_id"])
    op.create_table(
        "supervision_reports",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("log_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("measure_id", ID_TEXT, nullable=False),
        sa.Column("is_accepted", sa.Boolean, nullable=False),
        sa.Column("report_date", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "log_index", name="pk_supervision_reports"),
    )
    op.create_index("ix_supervision_reports_measure_id", "supervision_reports", ["measure_id"])
