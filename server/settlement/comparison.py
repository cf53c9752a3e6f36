"""Finds the first line in which two nodes' nights differ, from the leaves under their digests.

A partner's leaves are believed only as far as they give the digest that it stated in its log. What
differs is shown; why, is for people to find.
"""

from typing import Protocol

from sqlalchemy import Connection

from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.tlog.tree import Frontier, leaf_hash
from deltacare.v1.clearing_service_pb2 import (
    CompareNightsResponse,
    ListNightLeavesRequest,
    ListNightLeavesResponse,
    PairNightState,
)
from server.settlement import cache, lines
from server.settlement.leaves import first_difference
from server.settlement.results import load_results
from server.settlement.statements import Reach
from server.store.database import Database

__all__ = ["NightPeer", "compare_nights", "no_night"]


class NightPeer(Protocol):
    """The way to a partner's leaves."""

    async def list_night_leaves(
        self, partner: str, request: ListNightLeavesRequest
    ) -> ListNightLeavesResponse:
        """Ask a partner, as ``ClearingService.ListNightLeaves``; raises ``deltacare.errors``."""
        ...


def no_night() -> Refusal:
    """Return the refusal of a night that is not kept here."""
    return Refusal(Reason.NOT_FOUND, "This node has not run that night.")


async def compare_nights(
    database: Database, peer: NightPeer, reach: Reach, *, partner: str, business_date: str
) -> CompareNightsResponse:
    """Show the first line in which the partner's night differs from the own one.

    1. Both have stated a result of one attempt, and they differ. 2. The partner's leaves give
    the digest that it stated. 3. The first leaf that differs. 4. The first line in it.

    Raises:
        Refusal: ``RULE_REFUSED``, if there is nothing to compare.
        PeerFault: ``BAD_PROOF``, if the partner shows leaves that it did not state.
    """
    pair = (min(reach.own, partner), max(reach.own, partner))

    # 1.
    def read(connection: Connection) -> tuple[int, list[bytes], bytes]:
        found = load_results(
            connection,
            reach.permits,
            pair=pair,
            from_date=business_date,
            until_date=business_date,
        )
        both: set[int] = set()
        if found:
            by_author = found[0].by_author
            both = set(by_author.get(pair[0], ())) & set(by_author.get(pair[1], ()))
        if not both or found[0].agreed_attempt:
            raise Refusal(
                Reason.RULE_REFUSED,
                "Both have to state a result of one attempt, with digests that differ.",
                details={"state": PairNightState.Name(found[0].state) if found else "NONE"},
            )
        attempt = max(both)
        night = cache.stored_night(connection, partner, business_date, attempt)
        if night is None:
            raise no_night()
        stated = found[0].by_author[partner][attempt].body.digest
        return attempt, lines.leaf_hashes(connection, partner, night), stated

    attempt, mine, stated = await database.read(read)
    # 2.
    asked = ListNightLeavesRequest(business_date=business_date, attempt=attempt)
    theirs = list((await peer.list_night_leaves(partner, asked)).leaf_hashes)
    if Frontier.empty().append(theirs).root != stated:
        raise PeerFault(
            Reason.BAD_PROOF, "The partner's leaves do not give the digest that it stated."
        )
    # 3.
    same = [one == two for one, two in zip(mine, theirs, strict=False)]
    leaf_index = same.index(False) if False in same else len(same)
    partner_leaf = b""
    if leaf_index < len(theirs):
        asked.leaf_index = leaf_index
        partner_leaf = (await peer.list_night_leaves(partner, asked)).leaf
        if leaf_hash(partner_leaf) != theirs[leaf_index]:
            raise PeerFault(Reason.BAD_PROOF, "The partner's leaf does not have its hash.")

    # 4.
    def own(connection: Connection) -> bytes:
        night = cache.stored_night(connection, partner, business_date, attempt)
        assert night is not None, "the night was there"
        return lines.leaf_content(connection, partner, night, leaf_index) or b""

    own_leaf = await database.read(own)
    difference = first_difference(own_leaf, partner_leaf)
    return CompareNightsResponse(
        attempt=attempt,
        leaf_index=leaf_index,
        own_line=difference.own_line,
        partner_line=difference.partner_line,
    )
