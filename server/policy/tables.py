"""The tables of the room: policies and budgets as registry logs state them.

Every row carries the author and the index of the entry; a rebuild deletes and recomputes it. No row
is ever changed: which of several counts is asked when it matters.
"""

from sqlalchemy import Column, Index, Integer, LargeBinary, Table, Text

from server.registry.tables import IdText
from server.store.schema import BigInt, metadata

__all__ = ["budgets", "policies"]

policies = Table(
    "policy_policies",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("subsidy_kind", IdText, nullable=False),
    Column("body", LargeBinary, nullable=False),  # deltacare.v1.SubsidyPolicy
    Index("ix_policy_policies_kind", "author", "subsidy_kind", "log_index"),
)

budgets = Table(
    "policy_budgets",
    metadata,
    Column("author", IdText, primary_key=True),
    Column("log_index", BigInt, primary_key=True, autoincrement=False),
    Column("home_division", IdText, nullable=False),
    Column("year", Integer, nullable=False),
    Column("subsidy_kind", IdText, nullable=False),
    Column("amount_fen", BigInt, nullable=False),
    Column("document_no", Text, nullable=False),
    Column("document_hash", LargeBinary, nullable=False),
    Index("ix_policy_budgets_cell", "author", "home_division", "year", "subsidy_kind", "log_index"),
)
