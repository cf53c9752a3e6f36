"""What an author's registry log claims of institutions, and what a run of entries adds.

The last claim of a source, institution and attribute counts; an empty one withdraws it. What was
claimed before stays as a superseded row.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from deltacare.v1.entry_pb2 import InstitutionClaim
from server.registry.bodies import canonical_claim, is_readable, read_claim
from server.registry.rows import Rows
from server.registry.rulebook import Rule
from server.registry.rules import G02_UNREADABLE, judge_claim
from server.registry.store import chunks
from server.registry.tables import claims

__all__ = ["ClaimKey", "ClaimRows", "claim_key", "claims_newest"]

ClaimKey = tuple[str, str, str]
"""Institution, attribute and source: of one author, the last claim of each counts."""


def claim_key(body: InstitutionClaim) -> ClaimKey:
    """Return what a claim replaces the last claim of."""
    return body.institution_id, body.attribute, body.source


def claims_newest(
    connection: Connection, author: str, institution_ids: Iterable[str]
) -> dict[ClaimKey, tuple[int, bytes]]:
    """Return an author's last claims of institutions, withdrawn ones too: index and body."""
    found: dict[ClaimKey, tuple[int, bytes]] = {}
    table = claims.c
    for some in chunks(sorted(set(institution_ids))):
        query = select(
            table.institution_id, table.attribute, table.source, table.log_index, table.body
        ).where(
            table.institution_id.in_(some),
            table.author == author,
            table.superseded_index.is_(None),
        )
        for institution_id, attribute, source, log_index, body in connection.execute(query):
            found[institution_id, attribute, source] = (log_index, body)
    return found


class ClaimRows:
    """The claims of one author within a transaction.

    Args:
        connection: of the transaction.
        author: whose log it is.
        ids: institutions that the claims to come are about.
    """

    def __init__(self, connection: Connection, author: str, ids: Iterable[str]) -> None:
        self._author = author
        self._rows = Rows(claims, author)
        self._newest = {
            key: index for key, (index, _) in claims_newest(connection, author, ids).items()
        }

    def judge(self, body: InstitutionClaim) -> Rule | None:
        """Return the first rule that a claim breaks."""
        if not is_readable(read_claim, body):
            return G02_UNREADABLE
        return judge_claim(self._author, body)

    def apply(self, index: int, body: InstitutionClaim) -> None:
        """Take in a claim that breaks no rule."""
        key = claim_key(body)
        self._rows.add(
            index,
            replaces=self._newest.get(key),
            institution_id=body.institution_id,
            attribute=body.attribute,
            source=body.source,
            value=canonical_claim(body).value,
            body=body.SerializeToString(deterministic=True),
        )
        self._newest[key] = index

    def flush(self, connection: Connection) -> None:
        """Write what was taken in."""
        self._rows.flush(connection)
