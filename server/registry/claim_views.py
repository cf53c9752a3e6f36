"""Shows claims as the contract has them: those that count, by any author."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, tuple_

from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import InstitutionClaim
from deltacare.v1.registry_service_pb2 import StandingClaim
from deltacare.v1.types_pb2 import EntryRef
from server.registry.tables import claims

__all__ = ["claim_id", "find_claims", "read_claim_id"]

_BREAK = "|"
_PARTS = 4


def claim_id(claim: StandingClaim) -> str:
    """Return what names a claim among those that count, in the order in which they are listed."""
    body = claim.claim
    return _BREAK.join((body.institution_id, body.attribute, claim.author, body.source))


def read_claim_id(text: str) -> tuple[str, ...]:
    """Return the parts of what ``claim_id`` returned; empty for an empty text."""
    parts = tuple(text.split(_BREAK))
    return parts if len(parts) == _PARTS else ()


def find_claims(
    connection: Connection,
    *,
    institution_id: str = "",
    source: str = "",
    after: Sequence[str] = (),
    limit: int | None = None,
) -> Sequence[StandingClaim]:
    """Return claims by institution, attribute, author and source.

    Args:
        connection: a snapshot.
        institution_id: only of this institution; empty means all.
        source: only of this source; empty means all.
        after: only those behind this institution, attribute, author and source; empty means all.
        limit: most rows; ``None`` means all.
    """
    table = claims.c
    order = (table.institution_id, table.attribute, table.author, table.source)
    query = select(table.author, table.log_index, table.body).where(
        table.superseded_index.is_(None), table.value != ""
    )
    if institution_id:
        query = query.where(table.institution_id == institution_id)
    if source:
        query = query.where(table.source == source)
    if after:
        query = query.where(tuple_(*order) > tuple_(*after))
    return [
        StandingClaim(
            claim=InstitutionClaim.FromString(body),
            author=author,
            entry=EntryRef(log=str(LogName.registry(author)), index=index),
        )
        for author, index, body in connection.execute(query.order_by(*order).limit(limit))
    ]
