"""Reads the rows of the room: policies and budgets up to a size of each log.

Synchronous and inside the caller's transaction; decides nothing but which budget was stated last.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from deltacare.v1.entry_pb2 import SubsidyPolicy
from server.policy.tables import budgets, policies

__all__ = [
    "BudgetCell",
    "StatedBudget",
    "StatedPolicy",
    "load_budgets",
    "load_policies",
    "policies_page",
]

BudgetCell = tuple[str, int, str]
"""Division, year and kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPolicy:
    """A policy as a log states it.

    Attributes:
        author: Home province.
        index: Place in its registry log.
        body: What it says.
    """

    author: str
    index: int
    body: SubsidyPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBudget:
    """The last word on a budget.

    Attributes:
        index: Place in the author's registry log.
        amount_fen: All of the year.
        document_no: Number of the document that sets it.
        document_hash: SHA-256 of it, or empty.
    """

    index: int
    amount_fen: int
    document_no: str
    document_hash: bytes


def load_policies(
    connection: Connection, author: str, *, end_index: int | None = None
) -> Sequence[StatedPolicy]:
    """Return the policies that a home province has stated, in the order of its log.

    Args:
        connection: A snapshot.
        author: The home province.
        end_index: Only what stands before this place; ``None``: all.
    """
    stated = policies.c
    query = select(stated.log_index, stated.body).where(stated.author == author)
    if end_index is not None:
        query = query.where(stated.log_index < end_index)
    return [
        StatedPolicy(author=author, index=index, body=SubsidyPolicy.FromString(body))
        for index, body in connection.execute(query.order_by(stated.log_index))
    ]


def policies_page(
    connection: Connection, *, home: str, after: tuple[str, str, int] | None, limit: int
) -> Sequence[Row[Any]]:
    """Return rows of policies, sorted by home, kind and place.

    Args:
        connection: A snapshot.
        home: Only of this province; empty means all.
        after: Home, kind and place of the last row given before.
        limit: Most rows.
    """
    stated = policies.c
    query = select(policies)
    if home:
        query = query.where(stated.author == home)
    if after is not None:
        author, kind, index = after
        query = query.where(
            or_(
                stated.author > author,
                and_(stated.author == author, stated.subsidy_kind > kind),
                and_(
                    stated.author == author,
                    stated.subsidy_kind == kind,
                    stated.log_index > index,
                ),
            )
        )
    order = (stated.author, stated.subsidy_kind, stated.log_index)
    return connection.execute(query.order_by(*order).limit(limit)).all()


def load_budgets(
    connection: Connection, author: str, *, year: int | None = None
) -> Mapping[BudgetCell, StatedBudget]:
    """Return the last word on each budget of a province, sorted by division, year and kind.

    Args:
        connection: A snapshot.
        author: The home province.
        year: Only of this year; ``None``: all.
    """
    stated = budgets.c
    last = (
        select(func.max(stated.log_index))
        .where(stated.author == author)
        .group_by(stated.home_division, stated.year, stated.subsidy_kind)
    )
    query = select(budgets).where(stated.author == author, stated.log_index.in_(last))
    if year is not None:
        query = query.where(stated.year == year)
    order = (stated.home_division, stated.year, stated.subsidy_kind)
    return {
        (row.home_division, row.year, row.subsidy_kind): StatedBudget(
            index=row.log_index,
            amount_fen=row.amount_fen,
            document_no=row.document_no,
            document_hash=row.document_hash,
        )
        for row in connection.execute(query.order_by(*order))
    }
