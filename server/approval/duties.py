"""Keeps duties apart: no principal sets policy, reviews records and approves payment at once.

Which exclude each other is the table of ``server.edge.duties``. Who has done what is read from the
logs; a write that would combine two is refused where it is written. It cannot make an entry void,
because a province's logs arrive in no common order. Nobody is let off for having done it long ago:
the index holds one row a principal and duty, and no record is read to ask it.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select, text

from deltacare.v1.types_pb2 import Duty
from server.approval import rules
from server.approval.tables import approval_duty
from server.edge.duties import DutyKind, conflicts, excluded_by

__all__ = ["DutyKind", "note_duties", "require_apart", "require_filing"]

_INSERT = text(
    "INSERT INTO approval_duty (author, partner, principal, duty)"
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


def require_filing(connection: Connection, author: str, duty: Duty) -> None:
    """Hold who makes and who reviews what is filed in a settlement log to these duties.

    Raises:
        Refusal: ``RULE_REFUSED`` by rule S22 or S24.
    """
    require_apart(connection, author, [duty.reviewer], DutyKind.REVIEW)
    require_apart(connection, author, [duty.maker], DutyKind.MAKING)


def require_apart(
    connection: Connection, author: str, principals: Iterable[str], kind: DutyKind
) -> None:
    """Refuse a write by which a principal would hold two duties that exclude each other.

    Args:
        connection: Inside the transaction of the write.
        author: The own province.
        principals: Opaque ids.
        kind: What they are about to do.

    Raises:
        Refusal: ``RULE_REFUSED``, naming who holds what: by rule S24 where one of the two is
            making records, else by S22.
    """
    held = approval_duty.c
    query = (
        select(held.principal, held.duty)
        .where(
            held.author == author,
            held.principal.in_(sorted(set(principals))),
            held.duty.in_(sorted(excluded_by(kind))),
        )
        .distinct()
        .order_by(held.principal, held.duty)
    )
    found = connection.execute(query).all()
    if not found:
        return
    named = ", ".join(f"{row.principal} {row.duty}" for row in found)
    against = conflicts((DutyKind(row.duty) for row in found), kind)
    is_made = all(DutyKind.MAKING in conflict.duties for conflict in against)
    rule = rules.MAKER_COMBINED if is_made else rules.DUTIES_COMBINED
    raise rule.refusal(f"{kind.value}: {named}")
