"""Keeps duties apart: no principal sets policy, reviews records and approves payment at once.

The city sets policy, the street reviews, the district pays (Accounting Law, article 25). Who has
done what is read from the logs; a write that would combine two is refused where it is written. It
cannot make an entry void, because a province's logs arrive in no common order. Roles are no help
here: a principal is the person, whatever role stands in a certificate.
"""

import enum
from collections.abc import Iterable

from sqlalchemy import Connection, select, text

from server.settlement import rules, tables

__all__ = ["DutyKind", "note_duties", "require_apart"]


class DutyKind(enum.StrEnum):
    """What a principal has done for a province."""

    POLICY = "POLICY"
    """Made or reviewed a subsidy policy."""
    REVIEW = "REVIEW"
    """Reviewed records, reversals or refusals."""
    PAYMENT = "PAYMENT"
    """Made or reviewed the approval of a statement: what is to be paid."""


_INSERT = text(
    "INSERT INTO settlement_duty (author, partner, principal, duty)"
    " VALUES (:author, :partner, :principal, :duty) ON CONFLICT DO NOTHING"
)


def note_duties(
    connection: Connection, author: str, partner: str, principals: Iterable[str], kind: DutyKind
) -> None:
    """Keep who has done what, as a log says.

    Args:
        connection: Of the projection.
        author: Province that writes the log.
        partner: Of a settlement log; empty for a registry log.
        principals: Opaque ids.
        kind: What they did.
    """
    rows = [
        {"author": author, "partner": partner, "principal": each, "duty": kind.value}
        for each in sorted(set(principals))
        if each
    ]
    if rows:
        connection.execute(_INSERT, rows)


def require_apart(
    connection: Connection, author: str, principals: Iterable[str], kind: DutyKind
) -> None:
    """Refuse a write by which a principal would hold a second of the three duties.

    Args:
        connection: Inside the transaction of the write.
        author: The own province.
        principals: Opaque ids.
        kind: What they are about to do.

    Raises:
        Refusal: ``RULE_REFUSED`` by rule S22, naming who holds what.
    """
    held = tables.duty.c
    query = (
        select(held.principal, held.duty)
        .where(
            held.author == author,
            held.principal.in_(sorted(set(principals))),
            held.duty != kind.value,
        )
        .distinct()
        .order_by(held.principal, held.duty)
    )
    found = connection.execute(query).all()
    if found:
        named = ", ".join(f"{row.principal} {row.duty}" for row in found)
        raise rules.DUTIES_COMBINED.refusal(f"{kind.value}: {named}")
