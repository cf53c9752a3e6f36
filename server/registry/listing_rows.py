"""What an author's registry log says of its listings, and what a run of entries adds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert, select

from deltacare.v1.entry_pb2 import Listing, ListingProposal, ListingWithdrawal
from server.registry.bodies import is_readable, read_listing, read_proposal, read_withdrawal
from server.registry.closings import ClosingSaid
from server.registry.rows import Rows
from server.registry.rulebook import Rule
from server.registry.rules import (
    G02_UNREADABLE,
    judge_listing,
    judge_publication,
    judge_withdrawal,
)
from server.registry.store import chunks, read_withdrawals
from server.registry.tables import listing_withdrawals, listings, proposals
from server.registry.values import InstitutionStanding

__all__ = ["ListingRows"]


class ListingRows:
    """The listings of one author within a transaction, and what it proposed.

    Args:
        connection: of the transaction.
        author: whose log it is.
        ids: of listings that the entries to come refer to.
        standing: what the log says of the institutions that they name; read at each question.
        closed: what it says of closing them; likewise.
    """

    def __init__(
        self,
        connection: Connection,
        author: str,
        ids: Iterable[str],
        standing: Mapping[str, InstitutionStanding],
        closed: Mapping[str, Sequence[ClosingSaid]],
    ) -> None:
        self._author = author
        self._standing = standing
        self._closed = closed
        self._proposals = Rows(proposals, author)
        self._new: list[dict[str, Any]] = []
        self._withdrawn: list[dict[str, Any]] = []
        # From which day it was withdrawn, if it was, of each that was published.
        self._published: dict[str, date | None] = {}
        self._proposed: dict[str, tuple[int, bytes, Listing]] = {}
        for some in chunks(ids):
            query = select(listings.c.listing_id).where(listings.c.listing_id.in_(some))
            withdrawn = read_withdrawals(connection, listing_ids=some)
            for (listing_id,) in connection.execute(query):
                ends = withdrawn.get(listing_id, ())
                self._published[listing_id] = min((each.from_date for each in ends), default=None)
            table = proposals.c
            proposed = select(table.listing_id, table.log_index, table.leaf_hash, table.body).where(
                table.listing_id.in_(some), table.superseded_index.is_(None)
            )
            for listing_id, log_index, leaf_hash, body in connection.execute(proposed):
                self._proposed[listing_id] = (log_index, leaf_hash, Listing.FromString(body))

    def _judge(self, body: Listing) -> Rule | None:
        taken = body.listing_id in self._published
        return judge_listing(
            self._author, body, taken=taken, standing=self._standing, closed=self._closed
        )

    def judge_proposal(self, body: ListingProposal) -> Rule | None:
        """Return the first rule that a proposal breaks: those that its publication would."""
        if not is_readable(read_proposal, body):
            return G02_UNREADABLE
        return self._judge(body.listing)

    def judge_listing(self, body: Listing) -> Rule | None:
        """Return the first rule that a publication breaks."""
        if not is_readable(read_listing, body):
            return G02_UNREADABLE
        proposed = self._proposed.get(body.listing_id)
        return self._judge(body) or judge_publication(
            body, proposal=None if proposed is None else proposed[1:]
        )

    def judge_withdrawal(self, body: ListingWithdrawal) -> Rule | None:
        """Return the first rule that a withdrawal breaks."""
        if not is_readable(read_withdrawal, body):
            return G02_UNREADABLE
        return judge_withdrawal(
            self._author,
            body,
            known=body.listing_id in self._published,
            withdrawn_date=self._published.get(body.listing_id),
        )

    def propose(self, index: int, leaf_hash: bytes, body: ListingProposal) -> None:
        """Take in a proposal that breaks no rule."""
        listing = body.listing
        before = self._proposed.get(listing.listing_id)
        self._proposed[listing.listing_id] = (index, leaf_hash, listing)
        self._proposals.add(
            index,
            replaces=None if before is None else before[0],
            listing_id=listing.listing_id,
            leaf_hash=leaf_hash,
            body=listing.SerializeToString(deterministic=True),
        )

    def publish(self, index: int, body: Listing) -> None:
        """Take in a publication that breaks no rule."""
        self._published[body.listing_id] = None
        self._new.append(
            {
                "listing_id": body.listing_id,
                "author": self._author,
                "log_index": index,
                "body": body.SerializeToString(deterministic=True),
            }
        )

    def withdraw(self, index: int, body: ListingWithdrawal) -> None:
        """Take in a withdrawal that breaks no rule."""
        # The rules let none pass that is not for an earlier day than those before it.
        self._published[body.listing_id] = date.fromisoformat(body.effective_date)
        self._withdrawn.append(
            {
                "author": self._author,
                "log_index": index,
                "listing_id": body.listing_id,
                "effective_date": body.effective_date,
            }
        )

    def flush(self, connection: Connection) -> None:
        """Write what was taken in."""
        self._proposals.flush(connection)
        if self._new:
            connection.execute(insert(listings), self._new)
        if self._withdrawn:
            connection.execute(insert(listing_withdrawals), self._withdrawn)
