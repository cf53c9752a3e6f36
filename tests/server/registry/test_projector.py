"""Tests of the registry's projector and of what is loaded at pins, on both databases."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as pb
from server.registry import tables
from server.registry.claim_views import find_claims
from server.registry.projector import RegistryProjector, RegistryState
from server.registry.store import (
    agreement_changed,
    load_agreements,
    load_institution_divisions,
    load_listings,
)
from server.store.database import Database
from tests.support.projecting import Book
from tests.support.rooms import agreement_body, institution_body, listing_body

SH, JS = "310000", "320000"
SH_LOG, JS_LOG = LogName.registry(SH), LogName.registry(JS)


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, RegistryProjector())


def answer(version_hash: bytes, word: int = pb.AGREEMENT_WORD_ACCEPTED) -> pb.AgreementAnswer:
    """Return an answer to 310000-A1."""
    return pb.AgreementAnswer(
        agreement_id="310000-A1",
        version_hash=version_hash,
        word=word,
        reason="TERMS",
        effective_date="2026-11-01" if word == pb.AGREEMENT_WORD_ENDED else "",
    )


def withdrawal(day: str = "2026-10-02") -> pb.ListingWithdrawal:
    """Return the end of 310000-L1."""
    return pb.ListingWithdrawal(listing_id="310000-L1", effective_date=day, reason="CLOSED")


def dump(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the room."""
    return database.read_now(
        lambda connection: {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in (
                tables.institutions,
                tables.claims,
                tables.proposals,
                tables.listings,
                tables.agreements,
                tables.agreement_words,
            )
        }
    )


def claim(value: str = "120", **changes: object) -> pb.InstitutionClaim:
    """Return what a directory says of the beds of 310000-1."""
    fields: dict[str, object] = {
        "institution_id": "310000-1",
        "source": "MAP",
        "authority": pb.AUTHORITY_DIRECTORY,
        "attribute": "approved_beds",
        "value": value,
        "as_of_date": "2026-10-01",
    }
    return pb.InstitutionClaim(**{**fields, **changes})


def proposal(listing: pb.Listing) -> pb.ListingProposal:
    """Return the proposal of a listing."""
    return pb.ListingProposal(listing=listing)


CLOSED = pb.INSTITUTION_STATE_CLOSED

STORY = (
    institution_body("310000-1"),
    institution_body("310000-2"),
    institution_body("310000-1", division_code="310151"),
    listing_body("310000-L1", "310000-1", "310000-2"),
    listing_body("310000-L1", "310000-1"),
    listing_body("310000-L2", "310000-9"),
    withdrawal(),
    withdrawal("2026-10-09"),
    institution_body("320000-1"),
    institution_body("310000-3", state=pb.INSTITUTION_STATE_UNSPECIFIED),
    agreement_body(),
    agreement_body(),
    answer(b"x" * 32),
    institution_body("310000-1", approved_beds=7),
    # 14: claims.
    claim("120"),
    claim("130"),
    claim("many"),
    claim("5", authority=pb.AUTHORITY_CIVIL_AFFAIRS),
    claim("5", institution_id="320000-1"),
    claim("5", institution_id="320000-1", authority=pb.AUTHORITY_HEALTH),
    claim("5", attribute="beds"),
    # 21: totals follow what was stated before, 7 beds and 100.
    listing_body("310000-L3", "310000-1", "310000-2"),
    proposal(listing_body("310000-L3", "310000-1", "310000-2")),
    proposal(listing_body("310000-L3", "310000-2")),
    listing_body("310000-L3", "310000-2"),
    listing_body("310000-L4", "310000-2", proposal_hash=b"x" * 32),
    proposal(listing_body("310000-L1", "310000-2")),
    # 27: states and successors.
    institution_body("310000-2", successor_ids=["310000-1"]),
    institution_body("310000-2", state=CLOSED, successor_ids=["310000-9"]),
    institution_body("310000-2", state=CLOSED, successor_ids=["310000-1"]),
    institution_body("310000-2"),
    institution_body("310000-1", state=CLOSED, successor_ids=["310000-2"]),
    listing_body("310000-L5", "310000-2"),
    institution_body("310000-2", state_date="2026-11-01", state_reason="CLOSED_IN_ERROR"),
    claim("", as_of_date="2026-11-01"),
)
VOID = {
    4: "G05-LISTING-TAKEN",
    5: "G06-UNREGISTERED",
    7: "G08-LISTING-WITHDRAWN",
    8: "G03-NOT-OWN",
    9: "G02-UNREADABLE",
    11: "G11-PREDECESSOR",
    12: "G13-NOT-NEWEST",
    16: "G02-UNREADABLE",
    17: "G21-CLAIM-BY-OWNER",
    19: "G22-CLAIM-FROM-OUTSIDE",
    20: "G02-UNREADABLE",
    21: "G19-TOTALS",
    22: "G19-TOTALS",
    24: "G20-PROPOSAL",
    25: "G20-PROPOSAL",
    26: "G05-LISTING-TAKEN",
    27: "G14-SUCCESSOR-OF-OPEN",
    28: "G15-SUCCESSOR-UNREGISTERED",
    30: "G17-REOPENED",
    31: "G16-SUCCESSOR-CLOSED",
    32: "G18-LISTED-CLOSED",
}


@pytest.mark.parametrize("at_once", [True, False])
def test_void_entries_leave_no_row(book: Book, database: Database, *, at_once: bool) -> None:
    """What breaks a rule is recorded with it, however the log was cut into runs."""
    book.say(SH, *STORY, at_once=at_once)
    assert VOID == book.rules(SH)
    rows = dump(database)
    assert [0, 1, 2, 13, 29, 33] == sorted(row[1] for row in rows["registry_institutions"])
    assert [14, 15, 18, 34] == sorted(row[1] for row in rows["registry_claims"])
    assert [23] == [row[1] for row in rows["registry_listing_proposals"]]
    assert ["310000-L1"] == [row[0] for row in rows["registry_listings"]]


def test_runs_and_rebuild_lead_to_the_same_rows(book: Book, database: Database) -> None:
    """One run, single entries and a rebuild give the same rows and the same voids."""
    book.say(SH, *STORY)
    book.say(JS, institution_body("320000-1"))
    expected = dump(database)
    book.rebuild(SH)
    assert expected == dump(database)
    assert VOID == book.rules(SH)


def test_settlement_log_holds_no_registry_entries(book: Book, database: Database) -> None:
    """A registry body in a settlement log is void."""
    book.say(LogName.settlement(SH, JS), institution_body())
    assert {0: "G01-NOT-REGISTRY"} == book.rules(SH)
    assert dump(database)["registry_institutions"] == []


def test_institution_divisions_at_pins(book: Book, database: Database) -> None:
    """A pin shows what a log said up to it, and nothing of a log without one."""
    book.say(
        SH,
        institution_body("310000-1", division_code="310105"),
        institution_body("310000-2"),
        institution_body("310000-1", division_code="310151001000"),
    )
    book.say(JS, institution_body("320000-1"))

    def at(pins: dict[LogName, int]) -> dict[str, str]:
        return database.read_now(lambda c: load_institution_divisions(c, pins))

    assert at({SH_LOG: 0}) == {}
    assert at({SH_LOG: 1}) == {"310000-1": "310105"}
    assert at({SH_LOG: 2}) == {"310000-1": "310105", "310000-2": "310105"}
    assert at({SH_LOG: 3}) == {"310000-1": "310151001", "310000-2": "310105"}
    assert at({JS_LOG: 1, LogName.settlement(SH, JS): 9}) == {"320000-1": "320102"}


def test_listings_at_pins(book: Book, database: Database) -> None:
    """A listing is there from its entry on, and its end from the end's entry on."""
    earlier = withdrawal("2026-10-01")
    book.say(SH, institution_body(), listing_body(), withdrawal(), earlier, withdrawal())

    def ends(size: int) -> list[date | None]:
        found = database.read_now(lambda c: load_listings(c, {SH_LOG: size}))
        return [each.withdrawn_date for each in found]

    assert ends(1) == []
    assert ends(2) == [None]
    assert ends(3) == [date(2026, 10, 2)]
    assert ends(4) == [date(2026, 10, 1)]
    assert ends(5) == [date(2026, 10, 1)]
    assert {4: "G08-LISTING-WITHDRAWN"} == book.rules(SH)


def test_agreements_at_pins(book: Book, database: Database) -> None:
    """An agreement is in force between the acceptance of the last party and its end."""
    (first,) = book.say(SH, agreement_body())
    book.say(JS, answer(first), answer(first, pb.AGREEMENT_WORD_ENDED))

    def in_force(sh: int, js: int) -> list[tuple[bytes, date | None]]:
        pins = {SH_LOG: sh, JS_LOG: js}
        found = database.read_now(lambda c: load_agreements(c, pins))
        return [(each.version_hash, each.until_date) for each in found]

    assert in_force(1, 0) == []
    assert in_force(0, 1) == []
    assert in_force(1, 1) == [(first, None)]
    assert in_force(1, 2) == [(first, date(2026, 10, 31))]
    assert {} == book.voids


@pytest.mark.parametrize(
    "changes, rule",
    [
        ({}, None),
        # From the day of the entry in Shanghai, which is the 2nd though it is the 1st in UTC.
        ({"effective_date": "2026-11-02"}, None),
        ({"effective_date": "2026-11-01"}, "G23-ENDED-PAST"),
        ({"effective_date": ""}, "G02-UNREADABLE"),
        ({"effective_date": "2026-11-31"}, "G02-UNREADABLE"),
        ({"word": pb.AGREEMENT_WORD_ACCEPTED, "effective_date": "2026-11-09"}, "G02-UNREADABLE"),
        ({"word": pb.AGREEMENT_WORD_ACCEPTED, "effective_date": ""}, None),
    ],
)
def test_an_end_has_a_day_that_has_not_passed(
    database: Database, changes: dict[str, object], rule: str | None
) -> None:
    """Void at every node, of an agreement of whichever province, by the entry alone."""
    fields: dict[str, object] = {
        "agreement_id": "310000-A1",
        "version_hash": b"x" * 32,
        "word": pb.AGREEMENT_WORD_ENDED,
        "reason": "TERMS",
        "effective_date": "2026-11-09",
    }
    entry = pb.Entry(agreement_answer=pb.AgreementAnswer(**{**fields, **changes}))
    entry.entry_time.FromDatetime(datetime(2026, 11, 1, 16, 0, tzinfo=UTC))
    found = database.read_now(lambda c: RegistryState(c, JS, [entry]).judge(entry, writing=False))
    assert rule == (found and found.code)


def test_answer_may_come_before_what_it_answers(database: Database) -> None:
    """Logs arrive in any order: an answer to another's agreement is never void for that."""
    entry_order = Book(database, RegistryProjector())
    (first,) = Book(database).say(SH, agreement_body())
    entry_order.say(JS, answer(first))
    entry_order.say(SH, agreement_body())
    found = database.read_now(lambda c: load_agreements(c, {SH_LOG: 1, JS_LOG: 1}))
    assert [first] == [each.version_hash for each in found]
    assert {} == entry_order.voids


def test_agreement_changed(book: Book, database: Database) -> None:
    """A run says of agreements if a proposal or an answer is in it."""
    book.say(SH, institution_body(), agreement_body(), institution_body("310000-2"))

    def changed(first: int, end: int) -> bool:
        return database.read_now(lambda c: agreement_changed(c, SH, first, end))

    assert [False, True, False] == [changed(0, 1), changed(1, 2), changed(2, 3)]


def test_other_logs_make_nothing_void(book: Book, database: Database) -> None:
    """What another province stated is no successor here, whether or not it was mirrored."""
    heir = institution_body("310000-1", state=CLOSED, successor_ids=["320000-1"])
    book.say(JS, institution_body("320000-1"))
    book.say(SH, heir)
    assert {0: "G15-SUCCESSOR-UNREGISTERED"} == book.rules(SH)
    other_way = Book(database, RegistryProjector())
    other_way.say(SH, heir)
    assert book.rules(SH) == other_way.rules(SH)


def test_a_listing_is_published_as_it_was_last_proposed(book: Book, database: Database) -> None:
    """The last proposal counts, in one run or in several, and its hash stands in the listing."""
    first, second = listing_body(), listing_body(until_date="2026-12-31")
    book.say(SH, institution_body())
    hashes = book.say(SH, proposal(first), proposal(second))
    first.proposal_hash, second.proposal_hash = hashes
    book.say(SH, first, second)
    assert {3: "G20-PROPOSAL"} == book.rules(SH)
    book.rebuild(SH)
    assert {3: "G20-PROPOSAL"} == book.rules(SH)
    rows = dump(database)
    assert [(1, 2), (2, None)] == [(row[1], row[4]) for row in rows["registry_listing_proposals"]]
    assert ["310000-L1"] == [row[0] for row in rows["registry_listings"]]


def test_claims_of_others_are_theirs(book: Book, database: Database) -> None:
    """Two authors' claims stand side by side; each supersedes its own, by source, and no other."""
    book.say(SH, claim("1"), claim("2", source="SURVEY"), claim("3"))
    book.say(JS, claim("4"), claim("", as_of_date="2026-10-02"))

    def standing() -> list[tuple[str, str, str]]:
        found = database.read_now(find_claims)
        return [(each.author, each.claim.source, each.claim.value) for each in found]

    assert [(SH, "MAP", "3"), (SH, "SURVEY", "2")] == standing()
    rows = dump(database)["registry_claims"]
    assert [(SH, 0, 2), (SH, 1, None), (SH, 2, None), (JS, 0, 1), (JS, 1, None)] == [
        (row[0], row[1], row[5]) for row in rows
    ]
    book.rebuild(JS)
    assert rows == dump(database)["registry_claims"]


def test_a_value_is_compared_in_one_form(book: Book, database: Database) -> None:
    """A claim is stored as it was said, and compared in the one form of its attribute."""
    book.say(SH, institution_body(division_code="310105000000"))
    book.say(SH, claim("310105000000", attribute="division_code"))
    (row,) = dump(database)["registry_claims"]
    assert "310105" == row[6]
    assert "310105000000" == pb.InstitutionClaim.FromString(row[7]).value
