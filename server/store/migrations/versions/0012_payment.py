"""Terms of advances, advances, payment orders and what banks show of payments."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables of the payment room."""
    op.create_table(
        "payment_terms",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("payee", ID_TEXT, nullable=False),
        sa.Column("limit_fen", BigInt, nullable=False),
        sa.Column("floor_fen", BigInt, nullable=False),
        sa.Column("from_date", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("author", "idx", name="pk_payment_terms"),
    )
    op.create_index("ix_payment_terms_payee", "payment_terms", ["author", "payee", "idx"])
    op.create_table(
        "payment_advance",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("advance_id", ID_TEXT, nullable=False),
        sa.Column("payee", ID_TEXT, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        sa.Column("entry_time", UtcTime, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "idx", name="pk_payment_advance"),
        sa.UniqueConstraint("advance_id", name="uq_payment_advance_advance_id"),
    )
    op.create_index("ix_payment_advance_hash", "payment_advance", ["leaf_hash"])
    op.create_index("ix_payment_advance_payee", "payment_advance", ["author", "payee"])
    op.create_table(
        "payment_order",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("payment_id", ID_TEXT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("basis_hash", sa.LargeBinary, nullable=False),
        sa.Column("payee", ID_TEXT, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        sa.Column("execution_date", sa.Text, nullable=False),
        sa.Column("message_hash", sa.LargeBinary, nullable=False),
        sa.Column("entry_time", UtcTime, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("author", "idx", name="pk_payment_order"),
    )
    op.create_index(
        "ix_payment_order_attempt",
        "payment_order",
        ["author", "payment_id", "attempt"],
        unique=True,
    )
    op.create_table(
        "payment_report",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("payment_id", ID_TEXT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Integer, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        sa.Column("booking_date", sa.Text, nullable=False),
        sa.Column("booking_ref", sa.LargeBinary, nullable=False),
        sa.Column("message_hash", sa.LargeBinary, nullable=False),
        sa.Column("entry_time", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("author", "idx", name="pk_payment_report"),
    )
    op.create_index("ix_payment_report_payment", "payment_report", ["payment_id"])
    op.create_index(
        "ix_payment_report_ref", "payment_report", ["author", "booking_ref"], unique=True
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("payment_report")
    op.drop_table("payment_order")
    op.drop_table("payment_advance")
    op.drop_table("payment_terms")
