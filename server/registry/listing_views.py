"""Shows listings as the contract has them: proposed, published, withdrawn."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select

from deltacare.v1.entry_pb2 import Listing
from deltacare.v1.registry_service_pb2 import (
    LISTING_STATE_PROPOSED,
    LISTING_STATE_PUBLISHED,
    LISTING_STATE_WITHDRAWN,
    PublishedListing,
)
from server.registry.store import read_withdrawals
from server.registry.tables import listings, proposals
from server.registry.views import entry_ref

__all__ = ["find_listings"]


def find_listings(
    connection: Connection, *, province: str, after: str, limit: int, today: date
) -> Sequence[PublishedListing]:
    """Return listings by id, with those that are only proposed.

    Args:
        connection: a snapshot.
        province: only of this province; empty means all.
        after: only those with a greater id.
        limit: most rows.
        today: a listing that is withdrawn from a later day is still published.
    """
    table = listings.c
    published = select(listings).where(table.listing_id > after)
    proposed = select(proposals).where(
        proposals.c.listing_id > after, proposals.c.superseded_index.is_(None)
    )
    if province:
        published = published.where(table.author == province)
        proposed = proposed.where(proposals.c.author == province)
    found: dict[str, PublishedListing] = {}
    for row in connection.execute(proposed.order_by(proposals.c.listing_id).limit(limit)):
        found[row.listing_id] = PublishedListing(
            listing=Listing.FromString(row.body),
            entry=entry_ref(row.author, row.log_index),
            state=LISTING_STATE_PROPOSED,
            proposal_hash=row.leaf_hash,
        )
    rows = connection.execute(published.order_by(table.listing_id).limit(limit)).all()
    withdrawn = read_withdrawals(connection, listing_ids=[row.listing_id for row in rows])
    for row in rows:
        body = Listing.FromString(row.body)
        ends = [each.from_date.isoformat() for each in withdrawn.get(row.listing_id, ())]
        found[row.listing_id] = PublishedListing(
            listing=body,
            withdrawn_date=min(ends, default=""),
            entry=entry_ref(row.author, row.log_index),
            state=(
                LISTING_STATE_WITHDRAWN
                if ends and min(ends) <= today.isoformat()
                else LISTING_STATE_PUBLISHED
            ),
            # The rules let it name nothing but its last proposal.
            proposal_hash=body.proposal_hash,
        )
    return [found[listing_id] for listing_id in sorted(found)[:limit]]
