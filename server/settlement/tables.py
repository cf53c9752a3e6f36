"""The tables of the room: projections of logs, caches of nights, and two private ones.

Rows that came from a log carry its author, its partner (settlement logs) and their index; a rebuild
deletes and recomputes them. ``closed_date`` and ``void_rule`` of records and reversals, what nights
left behind and what is cleared are a cache that the two logs alone bring forth again. The private
tables are in no log: they are backed up, and a rebuild leaves them.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, UtcTime, metadata

__all__ = [
    "NIGHT_AGAIN",
    "NIGHT_AGREED",
    "cleared",
    "code",
    "consumed",
    "day_close",
    "enrolment",
    "enrolment_end",
    "hold",
    "night",
    "night_count",
    "night_leaf",
    "pair_result",
    "pseudonym",
    "record",
    "refusal",
    "reversal",
    "reversal_proposal",
    "statement",
    "statement_answer",
    "statement_drawdown",
    "statement_result",
]


def _place() -> list[Column[str] | Column[int]]:
    """Return the columns of a place in a settlement log."""
    return [
        Column("author", IdText, primary_key=True),
        Column("partner", IdText, primary_key=True),
        Column("idx", BigInt, primary_key=True, autoincrement=False),
    ]


def _registry_place() -> list[Column[str] | Column[int]]:
    """Return the columns of a place in a registry log."""
    return [
        Column("author", IdText, primary_key=True),
        Column("idx", BigInt, primary_key=True, autoincrement=False),
    ]


def _content() -> list[Column[str] | Column[int]]:
    """Return what a settlement record says beside its key."""
    return [
        Column("beneficiary_ref", IdText, nullable=False),
        Column("institution", Text, nullable=False),
        Column("subsidy_kind", IdText, nullable=False),
        Column("service_month", Text, nullable=False),
        Column("service_days", Integer, nullable=False),
        Column("amount_fen", BigInt, nullable=False),
        Column("caregiver_cert_no", Text, nullable=False),
    ]


# --- Settlement logs ------------------------------------------------------------------------------

day_close = Table(
    "settlement_day_close",
    metadata,
    *_place(),
    Column("business_date", IdText, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Index("ix_settlement_day_close_date", "author", "partner", "business_date", unique=True),
)

record = Table(
    "settlement_record",
    metadata,
    *_place(),
    Column("filed_date", Text, nullable=False),
    Column("settlement_no", IdText, nullable=False),
    Column("home", IdText, nullable=False),
    Column("host", IdText, nullable=False),
    *_content(),
    Column("policy_idx", BigInt),  # in home's registry log, of the policy it was computed by
    Column("computation_version", Integer, nullable=False),  # 0: computed otherwise
    # Of the elder, as home had enrolled them when it filed; only in what home filed.
    Column("home_division", IdText),
    Column("replaces_idx", BigInt),  # the record it replaces
    Column("replaced_idx", BigInt),  # the record that replaced it
    Column("closed_date", Text),  # the agreed night that closed it
    Column("void_rule", Text),  # it replaces one that a night had closed before
    Index("ix_settlement_record_no", "author", "partner", "settlement_no"),
)
# A night reads what is open, and looks for revisions; both are few among all that was ever filed.
Index(
    "ix_settlement_record_open",
    record.c.author,
    record.c.partner,
    record.c.idx,
    sqlite_where=record.c.closed_date.is_(None),
    postgresql_where=record.c.closed_date.is_(None),
)
Index(
    "ix_settlement_record_replaces",
    record.c.author,
    record.c.partner,
    record.c.replaces_idx,
    sqlite_where=record.c.replaces_idx.is_not(None),
    postgresql_where=record.c.replaces_idx.is_not(None),
)
# What home has filed for an elder, with every host.
Index(
    "ix_settlement_record_elder",
    record.c.beneficiary_ref,
    sqlite_where=record.c.author == record.c.home,
    postgresql_where=record.c.author == record.c.home,
)

reversal = Table(
    "settlement_reversal",
    metadata,
    *_place(),
    Column("filed_date", Text, nullable=False),
    Column("settlement_no", IdText, nullable=False),
    Column("home", IdText, nullable=False),
    Column("host", IdText, nullable=False),
    Column("reason", Text, nullable=False),
    Column("closed_date", Text),  # the agreed night that used it up
    Index("ix_settlement_reversal_no", "author", "partner", "settlement_no"),
)

refusal = Table(
    "settlement_refusal",
    metadata,
    *_place(),
    Column("filed_date", Text, nullable=False),
    Column("settlement_no", IdText, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_settlement_refusal_no", "author", "partner", "settlement_no"),
)

hold = Table(
    "settlement_hold",
    metadata,
    *_place(),
    Column("filed_date", Text, nullable=False),
    Column("settlement_no", IdText, nullable=False),
    Column("hold_class", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("end_idx", BigInt),
    Column("end_filed_date", Text),  # held for the last time in this date's night
    Index("ix_settlement_hold_no", "author", "partner", "settlement_no"),
)

enrolment = Table(
    "settlement_enrolment",
    metadata,
    *_place(),
    Column("filed_date", Text, nullable=False),
    Column("enrolment_id", IdText, nullable=False),
    Column("beneficiary_ref", IdText, nullable=False),
    Column("home_division", Text, nullable=False),
    Column("subsidy_kinds", Text, nullable=False),  # joined by a space
    Column("assessment_scheme", Text, nullable=False),
    Column("assessment_grade", Text, nullable=False),
    Column("from_date", Text, nullable=False),
    Column("until_date", Text, nullable=False),  # empty: until ended
    Column("assessment_until_date", Text, nullable=False),  # empty: no end
    Index("ix_settlement_enrolment_id", "author", "partner", "enrolment_id", unique=True),
    Index("ix_settlement_enrolment_ref", "beneficiary_ref"),
)

enrolment_end = Table(
    "settlement_enrolment_end",
    metadata,
    *_place(),
    Column("enrolment_id", IdText, nullable=False),
    Column("effective_date", Text, nullable=False),
    Index("ix_settlement_enrolment_end_id", "author", "partner", "enrolment_id"),
)

# --- Registry logs --------------------------------------------------------------------------------

pair_result = Table(
    "settlement_pair_result",
    metadata,
    *_registry_place(),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("lower", IdText, nullable=False),
    Column("higher", IdText, nullable=False),
    Column("business_date", IdText, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.PairResult
    Index(
        "ix_settlement_pair_result_night",
        "lower",
        "higher",
        "business_date",
        "attempt",
        "author",
        unique=True,
    ),
    Index("ix_settlement_pair_result_date", "business_date"),
    Index("ix_settlement_pair_result_hash", "leaf_hash"),
)

statement = Table(
    "settlement_statement",
    metadata,
    *_registry_place(),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("statement_id", IdText, nullable=False, unique=True),
    Column("entry_time", UtcTime, nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.Statement
    Index("ix_settlement_statement_hash", "leaf_hash"),
)

statement_result = Table(
    "settlement_statement_result",
    metadata,
    *_registry_place(),  # of the statement
    Column("result_hash", LargeBinary, primary_key=True),
    Index("ix_settlement_statement_result_hash", "result_hash"),
)

statement_drawdown = Table(
    "settlement_statement_drawdown",
    metadata,
    *_registry_place(),  # of the statement
    Column("advance_hash", LargeBinary, primary_key=True),
    Column("amount_fen", BigInt, nullable=False),
    Index("ix_settlement_statement_drawdown_hash", "advance_hash"),
)

statement_answer = Table(
    "settlement_statement_answer",
    metadata,
    *_registry_place(),
    Column("statement_hash", LargeBinary, nullable=False),
    Column("word", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("maker", Text, nullable=False),
    Column("reviewer", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.StatementAnswer
    Index("ix_settlement_statement_answer_hash", "statement_hash", "author", unique=True),
)

# --- Nights: a cache ------------------------------------------------------------------------------


def _night() -> list[Column[str] | Column[int]]:
    """Return the columns of an attempt at a night of the own province with a partner."""
    return [
        Column("partner", IdText, primary_key=True),
        Column("business_date", IdText, primary_key=True),
        Column("attempt", Integer, primary_key=True, autoincrement=False),
    ]


NIGHT_AGREED = 1
"""Its lines are closed and cleared."""
NIGHT_AGAIN = 2
"""Agreed before and worked out again, after a rebuild; to be closed again in a moment."""

night = Table(
    "settlement_night",
    metadata,
    *_night(),
    Column("digest", LargeBinary, nullable=False),
    Column("line_count", BigInt, nullable=False),
    Column("lower_pays_fen", BigInt, nullable=False),
    Column("higher_pays_fen", BigInt, nullable=False),
    Column("rules_version", Integer, nullable=False),
    Column("agreed", Integer, nullable=False),  # 0, NIGHT_AGREED or NIGHT_AGAIN
    Column("outcome", LargeBinary),  # what it closes once it is agreed; empty after that
)

night_leaf = Table(
    "settlement_night_leaf",
    metadata,
    *_night(),
    Column("leaf_index", Integer, primary_key=True, autoincrement=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("classes", BigInt, nullable=False),  # bit n: class n occurs
    Column("content", LargeBinary, nullable=False),  # up to 256 lines, as digested
    Column("filed_dates", LargeBinary, nullable=False),  # first date of each line, joined by LF
)

night_count = Table(
    "settlement_night_count",
    metadata,
    *_night(),
    Column("line_class", Integer, primary_key=True, autoincrement=False),
    Column("line_count", BigInt, nullable=False),
    Column("home_fen", BigInt, nullable=False),
    Column("host_fen", BigInt, nullable=False),
)

# The key holds an invariant: a settlement is cleared at most once, ever.
cleared = Table(
    "settlement_cleared",
    metadata,
    Column("home", IdText, primary_key=True),
    Column("host", IdText, primary_key=True),
    Column("settlement_no", IdText, primary_key=True),
    *_content(),
    Column("home_division", IdText),  # as the own record has it that was cleared
    Column("cleared_date", Text, nullable=False),
    Column("reversed_date", Text),  # the agreed night that netted it the other way
    Index("ix_settlement_cleared_ref", "beneficiary_ref", "service_month"),
)

# What each agreed night consumed of own budgets, less what it cleared back.
consumed = Table(
    "settlement_consumed",
    metadata,
    Column("partner", IdText, primary_key=True),
    Column("business_date", IdText, primary_key=True),
    Column("home_division", IdText, primary_key=True),  # empty: not enrolled when home filed
    Column("subsidy_kind", IdText, primary_key=True),
    Column("service_month", IdText, primary_key=True),
    Column("amount_fen", BigInt, nullable=False),
)

reversal_proposal = Table(
    "settlement_reversal_proposal",
    metadata,
    Column("home", IdText, primary_key=True),
    Column("host", IdText, primary_key=True),
    Column("settlement_no", IdText, primary_key=True),
    Column("line_class", Integer, nullable=False),
    Column("noticed_date", Text, nullable=False),
)

# --- Private --------------------------------------------------------------------------------------

pseudonym = Table(
    "settlement_pseudonym",
    metadata,
    Column("handle_mac", LargeBinary, primary_key=True),  # HMAC of elder handle and host
    Column("beneficiary_ref", IdText, nullable=False),
    Column("elder_mac", LargeBinary, nullable=False),  # HMAC of elder handle, for every host
    Index("ix_settlement_pseudonym_ref", "beneficiary_ref"),
    Index("ix_settlement_pseudonym_elder", "elder_mac"),
)

code = Table(
    "settlement_enrolment_code",
    metadata,
    Column("code_mac", LargeBinary, primary_key=True),
    Column("host", IdText, nullable=False),
    Column("enrolment_id", IdText, nullable=False),
)
