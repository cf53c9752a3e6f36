"""Tests of proposed and published listings through the service, and of their totals."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deltacare.errors import Reason
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import registry_service_pb2 as reg_pb
from tests.server.registry.support import fields_of, refused
from tests.support.rooms import DUTY, Rooms, institution_body, listing_body, request_id

SH = "310000"


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Shanghai's node alone, with two institutions."""
    async with Rooms.alone(tmp_path, SH) as opened:
        await opened.register(SH, institution_body("310000-1"), institution_body("310000-2"))
        yield opened


async def propose(
    rooms: Rooms, listing: pb.Listing, *, rid: str | None = None
) -> reg_pb.ProposeListingResponse:
    """Propose a listing."""
    request = reg_pb.ProposeListingRequest(
        request_id=rid or request_id(), duty=DUTY, listing=listing
    )
    return await rooms.registry[SH].propose_listing(request, rooms.call(SH, "ProposeListing"))


async def listed(rooms: Rooms) -> list[tuple[str, str, bytes]]:
    """Return id, state and proposal of every listing, by pages of one."""
    request = reg_pb.ListListingsRequest(page_size=1)
    found = []
    while True:
        page = await rooms.registry[SH].list_listings(request, rooms.call(SH))
        found += [
            (
                each.listing.listing_id,
                reg_pb.ListingState.Name(each.state).removeprefix("LISTING_STATE_"),
                each.proposal_hash,
            )
            for each in page.listings
        ]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_a_listing_is_proposed_published_and_withdrawn(rooms: Rooms) -> None:
    """Each state is shown, the last proposal is the one that is published."""
    await rooms.publish(SH, listing_body("310000-L2", "310000-2"))
    first = (await propose(rooms, listing_body("310000-L1", "310000-1"))).proposal_hash
    other = listing_body("310000-L1", "310000-1", "310000-2")
    second = (await propose(rooms, other)).proposal_hash
    assert [
        ("310000-L1", "PROPOSED", second),
        ("310000-L2", "PUBLISHED", b""),
    ] == await listed(rooms)

    error = await refused(rooms.publish(SH, listing_body("310000-L1", proposal_hash=first)))
    assert "G20-PROPOSAL" == error.details["rule"]
    error = await refused(rooms.publish(SH, other))
    assert "G20-PROPOSAL" == error.details["rule"]
    other.proposal_hash = second
    await rooms.publish(SH, other)
    withdrawal = pb.ListingWithdrawal(
        listing_id="310000-L2", effective_date="2026-01-02", reason="RENOVATION"
    )
    await rooms.registry[SH].withdraw_listing(
        reg_pb.WithdrawListingRequest(request_id=request_id(), duty=DUTY, withdrawal=withdrawal),
        rooms.call(SH, "Withdraw"),
    )
    assert [
        ("310000-L1", "PUBLISHED", second),
        ("310000-L2", "WITHDRAWN", b""),
    ] == await listed(rooms)
    error = await refused(propose(rooms, listing_body("310000-L1")))
    assert Reason.ALREADY_EXISTS is error.reason


async def test_withdrawn_from_a_later_day_it_is_published_until_then(rooms: Rooms) -> None:
    """Whoever looks is told the day; the listing opens its institutions until then."""
    await rooms.publish(SH, listing_body("310000-L1", "310000-1"))
    for day, state in (("2062-01-01", "PUBLISHED"), ("2026-01-02", "WITHDRAWN")):
        withdrawal = pb.ListingWithdrawal(
            listing_id="310000-L1", effective_date=day, reason="RENOVATION"
        )
        await rooms.registry[SH].withdraw_listing(
            reg_pb.WithdrawListingRequest(
                request_id=request_id(), duty=DUTY, withdrawal=withdrawal
            ),
            rooms.call(SH, "Withdraw"),
        )
        assert [("310000-L1", state, b"")] == await listed(rooms)


async def test_one_request_one_proposal(rooms: Rooms) -> None:
    """The same request again gets the first answer."""
    rid = request_id()
    first = await propose(rooms, listing_body(), rid=rid)
    await propose(rooms, listing_body(until_date="2026-12-31"))
    assert first == await propose(rooms, listing_body(), rid=rid)


async def test_a_proposal_names_none(rooms: Rooms) -> None:
    """A proposal is refused by its fields like a listing, and may name no proposal."""
    error = await refused(propose(rooms, listing_body(proposal_hash=b"x" * 32, from_date="")))
    assert {"listing.proposal_hash", "listing.from_date"} == fields_of(error)


async def test_totals_that_differ(rooms: Rooms) -> None:
    """Each total that differs is named with what the register says, proposed or published."""
    wrong = listing_body(
        "310000-L1",
        "310000-1",
        "310000-2",
        totals=pb.ControlTotals(institution_count=2, city_count=2, approved_beds=199),
    )
    for call in (propose(rooms, wrong), rooms.publish(SH, wrong)):
        error = await refused(call)
        assert (Reason.INVALID_FIELD, "G19-TOTALS") == (error.reason, error.details["rule"])
        assert [
            ("listing.totals.city_count", "2", "The register says 1."),
            ("listing.totals.approved_beds", "199", "The register says 200."),
        ] == [(each.field, each.value, each.remedy) for each in error.violations]
    assert [] == await listed(rooms)


async def test_totals_are_of_the_day_of_publication(rooms: Rooms) -> None:
    """Beds that were approved after the proposal make it a proposal of the past."""
    body = listing_body("310000-L1", "310000-1")
    body.proposal_hash = (await propose(rooms, body)).proposal_hash
    await rooms.register(SH, institution_body("310000-1", approved_beds=120))
    error = await refused(rooms.publish(SH, body))
    assert "G19-TOTALS" == error.details["rule"]
    body.totals.approved_beds = 120
    body.proposal_hash = b""
    body.proposal_hash = (await propose(rooms, body)).proposal_hash
    await rooms.publish(SH, body)
    assert [("310000-L1", "PUBLISHED", body.proposal_hash)] == await listed(rooms)


async def test_missing_totals(rooms: Rooms) -> None:
    """A listing says its totals."""
    body = listing_body()
    body.ClearField("totals")
    assert {"listing.totals"} == fields_of(await refused(rooms.publish(SH, body)))


async def test_the_closed_are_not_listed(rooms: Rooms) -> None:
    """Nobody is sent to an institution that is no more; it is named, and why not."""
    closed = institution_body(
        "310000-2", state=pb.INSTITUTION_STATE_CLOSED, state_date="2025-12-31"
    )
    await rooms.register(SH, closed)
    both = listing_body("310000-L1", "310000-1", "310000-2")
    for call in (propose(rooms, both), rooms.publish(SH, both)):
        error = await refused(call)
        assert "G18-LISTED-CLOSED" == error.details["rule"]
        assert [
            (
                "listing.institution_ids",
                "310000-2",
                "It is closed from 2025-12-31; leave it out.",
            )
        ] == [(each.field, each.value, each.remedy) for each in error.violations]
    await rooms.publish(SH, listing_body("310000-L2", "310000-2", from_date="2025-01-01"))
    assert [("310000-L2", "PUBLISHED", b"")] == await listed(rooms)


async def test_who_closes_later_is_listed(rooms: Rooms) -> None:
    """Until it closes it takes people in."""
    closing = institution_body(
        "310000-1", state=pb.INSTITUTION_STATE_CLOSED, state_date="2062-01-01"
    )
    await rooms.register(SH, closing)
    await rooms.publish(SH, listing_body("310000-L1", "310000-1"))
    later = listing_body("310000-L2", "310000-1", from_date="2062-01-01")
    error = await refused(rooms.publish(SH, later))
    assert "G18-LISTED-CLOSED" == error.details["rule"]
