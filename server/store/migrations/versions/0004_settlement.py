"""What settlement logs say, what nights leave behind, and what a node keeps of enrolments."""

import sqlalchemy as sa
from alembic import op

from server.store.schema import BigInt, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Ids sort by their bytes in both databases, whatever the language of the server.
ID_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _key(*columns: str, table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _create_logs() -> None:
    """Create what settlement logs say."""
    op.create_table(
        "settlement_day_close",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("business_date", ID_TEXT, nullable=False),
        sa.Column("rules_version", sa.Integer, nullable=False),
        _key("author", "partner", "idx", table="settlement_day_close"),
    )
    op.create_index(
        "ix_settlement_day_close_date",
        "settlement_day_close",
        ["author", "partner", "business_date"],
        unique=True,
    )
    op.create_table(
        "settlement_record",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("filed_date", sa.Text, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("home", ID_TEXT, nullable=False),
        sa.Column("host", ID_TEXT, nullable=False),
        sa.Column("beneficiary_ref", ID_TEXT, nullable=False),
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("subsidy_kind", ID_TEXT, nullable=False),
        sa.Column("service_month", sa.Text, nullable=False),
        sa.Column("service_days", sa.Integer, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        sa.Column("caregiver_cert_no", sa.Text, nullable=False),
        sa.Column("policy_idx", BigInt),
        sa.Column("computation_version", sa.Integer, nullable=False),
        sa.Column("home_division", ID_TEXT),
        sa.Column("replaces_idx", BigInt),
        sa.Column("replaced_idx", BigInt),
        sa.Column("closed_date", sa.Text),
        sa.Column("void_rule", sa.Text),
        _key("author", "partner", "idx", table="settlement_record"),
    )
    op.create_index(
        "ix_settlement_record_no", "settlement_record", ["author", "partner", "settlement_no"]
    )
    op.create_index(
        "ix_settlement_record_open",
        "settlement_record",
        ["author", "partner", "idx"],
        sqlite_where=sa.text("closed_date IS NULL"),
        postgresql_where=sa.text("closed_date IS NULL"),
    )
    op.create_index(
        "ix_settlement_record_replaces",
        "settlement_record",
        ["author", "partner", "replaces_idx"],
        sqlite_where=sa.text("replaces_idx IS NOT NULL"),
        postgresql_where=sa.text("replaces_idx IS NOT NULL"),
    )
    op.create_table(
        "settlement_reversal",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("filed_date", sa.Text, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("home", ID_TEXT, nullable=False),
        sa.Column("host", ID_TEXT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("closed_date", sa.Text),
        _key("author", "partner", "idx", table="settlement_reversal"),
    )
    op.create_index(
        "ix_settlement_reversal_no", "settlement_reversal", ["author", "partner", "settlement_no"]
    )
    op.create_table(
        "settlement_refusal",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("filed_date", sa.Text, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        _key("author", "partner", "idx", table="settlement_refusal"),
    )
    op.create_index(
        "ix_settlement_refusal_no", "settlement_refusal", ["author", "partner", "settlement_no"]
    )
    op.create_table(
        "settlement_hold",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("filed_date", sa.Text, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("hold_class", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("end_idx", BigInt),
        sa.Column("end_filed_date", sa.Text),
        _key("author", "partner", "idx", table="settlement_hold"),
    )
    op.create_index(
        "ix_settlement_hold_no", "settlement_hold", ["author", "partner", "settlement_no"]
    )
    op.create_table(
        "settlement_enrolment",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("filed_date", sa.Text, nullable=False),
        sa.Column("enrolment_id", ID_TEXT, nullable=False),
        sa.Column("beneficiary_ref", ID_TEXT, nullable=False),
        sa.Column("home_division", sa.Text, nullable=False),
        sa.Column("subsidy_kinds", sa.Text, nullable=False),
        sa.Column("assessment_scheme", sa.Text, nullable=False),
        sa.Column("assessment_grade", sa.Text, nullable=False),
        sa.Column("from_date", sa.Text, nullable=False),
        sa.Column("until_date", sa.Text, nullable=False),
        sa.Column("assessment_until_date", sa.Text, nullable=False),
        _key("author", "partner", "idx", table="settlement_enrolment"),
    )
    op.create_index(
        "ix_settlement_enrolment_id",
        "settlement_enrolment",
        ["author", "partner", "enrolment_id"],
        unique=True,
    )
    op.create_index("ix_settlement_enrolment_ref", "settlement_enrolment", ["beneficiary_ref"])
    op.create_table(
        "settlement_enrolment_end",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("enrolment_id", ID_TEXT, nullable=False),
        sa.Column("effective_date", sa.Text, nullable=False),
        _key("author", "partner", "idx", table="settlement_enrolment_end"),
    )
    op.create_index(
        "ix_settlement_enrolment_end_id",
        "settlement_enrolment_end",
        ["author", "partner", "enrolment_id"],
    )


def _create_registry() -> None:
    """Create what registry logs say of results and statements."""
    op.create_table(
        "settlement_pair_result",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("lower", ID_TEXT, nullable=False),
        sa.Column("higher", ID_TEXT, nullable=False),
        sa.Column("business_date", ID_TEXT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _key("author", "idx", table="settlement_pair_result"),
    )
    op.create_index("ix_settlement_pair_result_date", "settlement_pair_result", ["business_date"])
    op.create_index("ix_settlement_pair_result_hash", "settlement_pair_result", ["leaf_hash"])
    op.create_index(
        "ix_settlement_pair_result_night",
        "settlement_pair_result",
        ["lower", "higher", "business_date", "attempt", "author"],
        unique=True,
    )
    op.create_table(
        "settlement_statement",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("statement_id", ID_TEXT, nullable=False),
        sa.Column("entry_time", UtcTime(), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _key("author", "idx", table="settlement_statement"),
        sa.UniqueConstraint("statement_id", name="uq_settlement_statement_statement_id"),
    )
    op.create_index("ix_settlement_statement_hash", "settlement_statement", ["leaf_hash"])
    op.create_table(
        "settlement_statement_result",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("result_hash", sa.LargeBinary, nullable=False),
        _key("author", "idx", "result_hash", table="settlement_statement_result"),
    )
    op.create_index(
        "ix_settlement_statement_result_hash", "settlement_statement_result", ["result_hash"]
    )
    op.create_table(
        "settlement_statement_drawdown",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("advance_hash", sa.LargeBinary, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        _key("author", "idx", "advance_hash", table="settlement_statement_drawdown"),
    )
    op.create_index(
        "ix_settlement_statement_drawdown_hash", "settlement_statement_drawdown", ["advance_hash"]
    )
    op.create_table(
        "settlement_statement_answer",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("statement_hash", sa.LargeBinary, nullable=False),
        sa.Column("word", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _key("author", "idx", table="settlement_statement_answer"),
    )
    op.create_index(
        "ix_settlement_statement_answer_hash",
        "settlement_statement_answer",
        ["statement_hash", "author"],
        unique=True,
    )


def _create_nights() -> None:
    """Create what nights leave behind."""
    op.create_table(
        "settlement_night",
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("business_date", ID_TEXT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("line_count", BigInt, nullable=False),
        sa.Column("lower_pays_fen", BigInt, nullable=False),
        sa.Column("higher_pays_fen", BigInt, nullable=False),
        sa.Column("rules_version", sa.Integer, nullable=False),
        sa.Column("agreed", sa.Integer, nullable=False),
        sa.Column("outcome", sa.LargeBinary),
        _key("partner", "business_date", "attempt", table="settlement_night"),
    )
    op.create_table(
        "settlement_night_leaf",
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("business_date", ID_TEXT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("leaf_index", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("classes", BigInt, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("filed_dates", sa.LargeBinary, nullable=False),
        _key("partner", "business_date", "attempt", "leaf_index", table="settlement_night_leaf"),
    )
    op.create_table(
        "settlement_night_count",
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("business_date", ID_TEXT, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("line_class", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("line_count", BigInt, nullable=False),
        sa.Column("home_fen", BigInt, nullable=False),
        sa.Column("host_fen", BigInt, nullable=False),
        _key("partner", "business_date", "attempt", "line_class", table="settlement_night_count"),
    )
    op.create_table(
        "settlement_cleared",
        sa.Column("home", ID_TEXT, nullable=False),
        sa.Column("host", ID_TEXT, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("beneficiary_ref", ID_TEXT, nullable=False),
        sa.Column("institution", sa.Text, nullable=False),
        sa.Column("subsidy_kind", ID_TEXT, nullable=False),
        sa.Column("service_month", sa.Text, nullable=False),
        sa.Column("service_days", sa.Integer, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        sa.Column("caregiver_cert_no", sa.Text, nullable=False),
        sa.Column("home_division", ID_TEXT),
        sa.Column("cleared_date", sa.Text, nullable=False),
        sa.Column("reversed_date", sa.Text),
        _key("home", "host", "settlement_no", table="settlement_cleared"),
    )
    op.create_index(
        "ix_settlement_cleared_ref", "settlement_cleared", ["beneficiary_ref", "service_month"]
    )
    op.create_table(
        "settlement_consumed",
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("business_date", ID_TEXT, nullable=False),
        sa.Column("home_division", ID_TEXT, nullable=False),
        sa.Column("subsidy_kind", ID_TEXT, nullable=False),
        sa.Column("service_month", ID_TEXT, nullable=False),
        sa.Column("amount_fen", BigInt, nullable=False),
        _key(
            "partner",
            "business_date",
            "home_division",
            "subsidy_kind",
            "service_month",
            table="settlement_consumed",
        ),
    )
    op.create_table(
        "settlement_reversal_proposal",
        sa.Column("home", ID_TEXT, nullable=False),
        sa.Column("host", ID_TEXT, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("line_class", sa.Integer, nullable=False),
        sa.Column("noticed_date", sa.Text, nullable=False),
        _key("home", "host", "settlement_no", table="settlement_reversal_proposal"),
    )


def _create_private() -> None:
    """Create what is in no log."""
    op.create_table(
        "settlement_pseudonym",
        sa.Column("handle_mac", sa.LargeBinary, nullable=False),
        sa.Column("beneficiary_ref", ID_TEXT, nullable=False),
        sa.Column("elder_mac", sa.LargeBinary, nullable=False),
        _key("handle_mac", table="settlement_pseudonym"),
    )
    op.create_index("ix_settlement_pseudonym_ref", "settlement_pseudonym", ["beneficiary_ref"])
    op.create_index("ix_settlement_pseudonym_elder", "settlement_pseudonym", ["elder_mac"])
    op.create_table(
        "settlement_enrolment_code",
        sa.Column("code_mac", sa.LargeBinary, nullable=False),
        sa.Column("host", ID_TEXT, nullable=False),
        sa.Column("enrolment_id", ID_TEXT, nullable=False),
        _key("code_mac", table="settlement_enrolment_code"),
    )


def _create_claims() -> None:
    """Create what logs say of overlaps and demands."""
    op.create_table(
        "settlement_overlap_key",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("key_id", ID_TEXT, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("from_year", sa.Integer, nullable=False),
        _key("author", "idx", table="settlement_overlap_key"),
    )
    op.create_table(
        "settlement_overlap_claim",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("service_year", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("tag", sa.LargeBinary, nullable=False),
        sa.Column("month", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("exclusivity_group", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("days", sa.Integer, nullable=False),
        _key(
            "author",
            "partner",
            "service_year",
            "tag",
            "month",
            "exclusivity_group",
            "idx",
            table="settlement_overlap_claim",
        ),
    )
    op.create_index(
        "ix_settlement_overlap_claim_place",
        "settlement_overlap_claim",
        ["author", "partner", "idx"],
    )
    op.create_table(
        "settlement_clawback",
        sa.Column("author", ID_TEXT, nullable=False),
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("idx", BigInt, nullable=False, autoincrement=False),
        sa.Column("filed_date", sa.Text, nullable=False),
        sa.Column("clawback_id", ID_TEXT, nullable=False),
        sa.Column("settlement_no", ID_TEXT, nullable=False),
        sa.Column("maker", sa.Text, nullable=False),
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("entry_time", UtcTime(), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _key("author", "partner", "idx", table="settlement_clawback"),
    )
    op.create_index("ix_settlement_clawback_id", "settlement_clawback", ["author", "clawback_id"])
    op.create_index(
        "ix_settlement_clawback_no", "settlement_clawback", ["author", "partner", "settlement_no"]
    )


def _create_overlaps() -> None:
    """Create what a node keeps to find overlaps."""
    op.create_index(
        "ix_settlement_record_elder",
        "settlement_record",
        ["beneficiary_ref"],
        sqlite_where=sa.text("author = home"),
        postgresql_where=sa.text("author = home"),
    )
    op.create_table(
        "settlement_elder",
        sa.Column("elder_mac", sa.LargeBinary, nullable=False),
        sa.Column("person_key", sa.LargeBinary, nullable=False),
        sa.Column("subject_ref", ID_TEXT),
        _key("elder_mac", table="settlement_elder"),
    )
    op.create_index("ix_settlement_elder_person", "settlement_elder", ["person_key"])
    op.create_index("ix_settlement_elder_subject", "settlement_elder", ["subject_ref"])
    op.create_table(
        "settlement_overlap_tag",
        sa.Column("partner", ID_TEXT, nullable=False),
        sa.Column("service_year", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("tag", sa.LargeBinary, nullable=False),
        sa.Column("person_key", sa.LargeBinary),
        _key("partner", "service_year", "tag", table="settlement_overlap_tag"),
    )
    op.create_index("ix_settlement_overlap_tag_person", "settlement_overlap_tag", ["person_key"])
    op.create_table(
        "settlement_overlap_due",
        sa.Column("person_key", sa.LargeBinary, nullable=False),
        sa.Column("service_month", ID_TEXT, nullable=False),
        _key("person_key", "service_month", table="settlement_overlap_due"),
    )
    op.create_table(
        "settlement_overlap_state",
        sa.Column("name", ID_TEXT, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        _key("name", table="settlement_overlap_state"),
    )
    op.create_table(
        "settlement_overlap",
        sa.Column("other_home", ID_TEXT, nullable=False),
        sa.Column("service_month", ID_TEXT, nullable=False),
        sa.Column("person_key", sa.LargeBinary, nullable=False),
        sa.Column("exclusivity_group", ID_TEXT, nullable=False),
        sa.Column("own_days", sa.Integer, nullable=False),
        sa.Column("other_days", sa.Integer, nullable=False),
        sa.Column("noticed_date", sa.Text, nullable=False),
        _key(
            "other_home",
            "service_month",
            "person_key",
            "exclusivity_group",
            table="settlement_overlap",
        ),
    )


def upgrade() -> None:
    """Create the tables of the settlement room."""
    _create_logs()
    _create_registry()
    _create_nights()
    _create_private()
    _create_claims()
    _create_overlaps()
