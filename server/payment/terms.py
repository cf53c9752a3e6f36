"""Reads the terms of advances: the last word of each member on each other, as far as logs count.

Whether an advance keeps to them is decided by the rules and by who grants it, not here.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, or_, select

from deltacare.v1.entry_pb2 import AdvanceTerms
from deltacare.v1.payment_service_pb2 import StandingTerms
from server.payment import tables
from server.settlement.statements import Reach

__all__ = ["terms_that_hold", "terms_with"]


def terms_with(connection: Connection, author: str, payee: str, until: int) -> AdvanceTerms | None:
    """Return the last word of an author on a payee that stands before a place of its log."""
    terms = tables.terms.c
    query = (
        select(tables.terms)
        .where(terms.author == author, terms.payee == payee, terms.idx < until)
        .order_by(terms.idx.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return AdvanceTerms(
        payee=row.payee,
        limit_fen=row.limit_fen,
        floor_fen=row.floor_fen,
        from_date=row.from_date,
    )


def terms_that_hold(
    connection: Connection, reach: Reach, *, province: str
) -> Sequence[StandingTerms]:
    """Return the last word of each member on each other, sorted by payer and payee.

    Args:
        connection: A snapshot.
        reach: How far logs count.
        province: Only stated by it or of it; empty for all.
    """
    terms = tables.terms.c
    query = select(terms.author, terms.payee).distinct().order_by(terms.author, terms.payee)
    if province:
        query = query.where(or_(terms.author == province, terms.payee == province))
    found = []
    for author, payee in connection.execute(query).all():
        said = terms_with(connection, author, payee, reach.permits(author))
        if said is not None:
            found.append(StandingTerms(payer=author, terms=said))
    return found
