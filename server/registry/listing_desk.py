"""Listings of the own province: proposed, published, withdrawn; and those of all, shown."""

from deltacare.errors import Refusal, ViolationCollector
from deltacare.ids import parse_province
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import Entry, ListingProposal
from deltacare.v1.registry_service_pb2 import (
    ListListingsRequest,
    ListListingsResponse,
    ProposeListingRequest,
    ProposeListingResponse,
    PublishListingRequest,
    PublishListingResponse,
    WithdrawListingRequest,
    WithdrawListingResponse,
)
from server.edge.call import Call
from server.registry.bodies import read_listing, read_proposal, read_withdrawal
from server.registry.fields import read_page_size
from server.registry.listing_views import find_listings
from server.registry.paging import next_token, read_token
from server.registry.projector import RegistryState
from server.registry.requests import appended, new_entry, without_unknown
from server.registry.room import Desk
from server.registry.rulebook import Rule
from server.registry.rules import G18_LISTED_CLOSED, G19_TOTALS

__all__ = ["ListingDesk"]


class ListingDesk(Desk):
    """Methods about listings."""

    async def propose_listing(
        self, request: ProposeListingRequest, call: Call
    ) -> ProposeListingResponse:
        """Propose a listing of the own province; it opens nothing yet."""
        body = ListingProposal(listing=without_unknown(request.listing))
        return await self._append(
            request,
            call,
            entry=lambda _: new_entry(request.duty, listing_proposal=body),
            read=lambda bad: read_proposal(body, "", bad),
            answer=lambda run: ProposeListingResponse(
                appended=appended(run), proposal_hash=run.leaf_hashes[0]
            ),
            response=ProposeListingResponse,
        )

    async def publish_listing(
        self, request: PublishListingRequest, call: Call
    ) -> PublishListingResponse:
        """Publish a listing of the own province."""
        return await self._say(
            request,
            call,
            body=("listing", "listing"),
            read=read_listing,
            answer=lambda run: PublishListingResponse(appended=appended(run)),
            response=PublishListingResponse,
        )

    async def withdraw_listing(
        self, request: WithdrawListingRequest, call: Call
    ) -> WithdrawListingResponse:
        """Withdraw a listing of the own province."""
        return await self._say(
            request,
            call,
            body=("withdrawal", "listing_withdrawal"),
            read=read_withdrawal,
            answer=lambda run: WithdrawListingResponse(appended=appended(run)),
            response=WithdrawListingResponse,
        )

    async def list_listings(
        self,
        request: ListListingsRequest,
        call: Call,
    ) -> ListListingsResponse:
        """Return a page of listings by id."""
        bad = ViolationCollector()
        size = read_page_size(request.page_size, bad)
        if request.province:
            bad.take(parse_province, request.province)
        question = f"listings\0{request.province}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()
        today = business_date(call.now)
        found = await self._room.database.read(
            lambda connection: find_listings(
                connection, province=request.province, after=after, limit=size + 1, today=today
            )
        )
        page = found[:size]
        return ListListingsResponse(
            listings=page,
            next_page_token=(
                next_token(question, page[-1].listing.listing_id) if len(found) > size else ""
            ),
        )

    def _refusal(self, rule: Rule, state: RegistryState, entry: Entry) -> Refusal:
        """Return the refusal of an entry, with what its register says of whom it names.

        Where totals differ, that is those of the register; where institutions are closed, which.
        """
        if rule not in (G18_LISTED_CLOSED, G19_TOTALS):
            return super()._refusal(rule, state, entry)
        listing = entry.listing if entry.HasField("listing") else entry.listing_proposal.listing
        bad = ViolationCollector()
        if rule is G18_LISTED_CLOSED:
            for institution_id, closing in state.closed(listing).items():
                bad.note(
                    "listing.institution_ids",
                    institution_id,
                    f"{rule.code}: {rule.en}",
                    f"It is closed from {closing.from_date}; leave it out.",
                )
            return self._with(rule.refusal(listing.listing_id), bad)
        actual = state.totals(listing)
        for field in actual.DESCRIPTOR.fields_by_name:
            stated, found = getattr(listing.totals, field), getattr(actual, field)
            if stated != found:
                bad.note(
                    f"listing.totals.{field}",
                    stated,
                    f"{rule.code}: {rule.en}",
                    f"The register says {found}.",
                )
        return self._with(rule.refusal(listing.listing_id), bad)

    @staticmethod
    def _with(refusal: Refusal, bad: ViolationCollector) -> Refusal:
        """Return a refusal with what is wrong in detail."""
        return Refusal(
            refusal.reason, refusal.message, details=refusal.details, violations=bad.violations
        )
