"""What a node holds of its own logs and of its partners'."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _key(*columns: str, table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def upgrade() -> None:
    """Create the tables of the log room."""
    op.create_table(
        "logs",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", BigInt, nullable=False),
        sa.Column("changed_time", UtcTime(), nullable=False),
        sa.Column("size", BigInt, nullable=False),
        sa.Column("frontier", sa.LargeBinary, nullable=False),
        sa.Column("head_size", BigInt, nullable=False),
        sa.Column("head_note", sa.LargeBinary),
        sa.Column("seen_note", sa.LargeBinary),
        sa.Column("quorum_size", BigInt, nullable=False),
        sa.Column("quorum_time", UtcTime()),
        sa.Column("fresh_time", UtcTime()),
        sa.Column("projected_size", BigInt, nullable=False),
        sa.Column("is_stalled", sa.Boolean, nullable=False),
        sa.Column("is_forked", sa.Boolean, nullable=False),
        sa.Column("evidence_count", BigInt, nullable=False),
        sa.Column("fork_count", BigInt, nullable=False),
        sa.Column("cosigned_size", BigInt),
        sa.Column("cosigned_root", sa.LargeBinary),
        sa.Column("judgement", sa.Text, nullable=False),
        _key("log_id", table="logs"),
        sa.UniqueConstraint("name", name="uq_logs_name"),
    )
    op.create_table(
        "log_runs",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("first_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("entry_count", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("stored_time", UtcTime(), nullable=False),
        _key("log_id", "first_index", table="log_runs"),
    )
    op.create_index("ix_log_runs_log_id_stored_time", "log_runs", ["log_id", "stored_time"])
    op.create_table(
        "log_tiles",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("level", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("tile_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        _key("log_id", "level", "tile_index", table="log_tiles"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("size", BigInt, nullable=False, autoincrement=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.Column("stored_time", UtcTime(), nullable=False),
        sa.Column("is_due", sa.Boolean, nullable=False),
        sa.Column("is_doubted", sa.Boolean, nullable=False),
        sa.Column("quorum_time", UtcTime()),
        _key("log_id", "size", table="checkpoints"),
    )
    op.create_index("ix_checkpoints_log_id_quorum_time", "checkpoints", ["log_id", "quorum_time"])
    op.create_table(
        "cosignatures",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("size", BigInt, nullable=False, autoincrement=False),
        sa.Column("witness", sa.Text, nullable=False),
        sa.Column("key_id", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("cosigned_time", UtcTime(), nullable=False),
        sa.Column("stored_time", UtcTime(), nullable=False),
        _key("log_id", "size", "witness", "key_id", table="cosignatures"),
    )
    op.create_table(
        "suite_lines",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("size", BigInt, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("key_id", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("cosigned_time", UtcTime()),
        sa.Column("stored_time", UtcTime(), nullable=False),
        _key("log_id", "size", "name", "key_id", table="suite_lines"),
    )
    op.create_table(
        "freshness",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("stored_time", UtcTime(), nullable=False, autoincrement=False),
        sa.Column("fresh_time", UtcTime()),
        sa.Column("quorum_time", UtcTime()),
        _key("log_id", "stored_time", table="freshness"),
    )
    op.create_table(
        "evidence",
        sa.Column("evidence_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("log", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("held_note", sa.LargeBinary, nullable=False),
        sa.Column("shown_note", sa.LargeBinary, nullable=False),
        sa.Column("shown_by", sa.Text, nullable=False),
        sa.Column("seen_time", UtcTime(), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        _key("evidence_id", table="evidence"),
        sa.UniqueConstraint("digest", name="uq_evidence_digest"),
    )
    op.create_index("ix_evidence_log_reason_shown_by", "evidence", ["log", "reason", "shown_by"])
    op.create_table(
        "submissions",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("size", BigInt, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        _key("log_id", table="submissions"),
    )
    op.create_table(
        "void_entries",
        sa.Column("log_id", BigInt, nullable=False, autoincrement=False),
        sa.Column("entry_index", BigInt, nullable=False, autoincrement=False),
        sa.Column("rule", sa.Text, nullable=False),
        _key("log_id", "entry_index", table="void_entries"),
    )
    op.create_table(
        "requests",
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("method", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("content_mac", sa.LargeBinary, nullable=False),
        sa.Column("is_refusal", sa.Boolean, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("created_time", UtcTime(), nullable=False),
        _key("scope", "method", "request_id", table="requests"),
    )
