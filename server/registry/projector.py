"""Turns registry entries into rows: the same code for own entries and for every province's.

A run of entries is judged in order against what the run itself and the rows before it say, then
written in a few statements. What breaks a rule is recorded as void and leaves no row. Depends on
nothing but the entries of this log and the rows that came from it. What there is to know of each
subject is in a module of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date

from sqlalchemy import Connection, delete

from deltacare.ids import LogKind, LogName
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import ControlTotals, Entry, Listing
from server.log.ports import LogTx, Sequenced
from server.registry.agreement_rows import AgreementRows
from server.registry.claim_rows import ClaimRows
from server.registry.closings import Closing, closed_on, closings_said
from server.registry.institution_rows import InstitutionRows
from server.registry.listing_rows import ListingRows
from server.registry.rulebook import Rule
from server.registry.rules import G01_NOT_REGISTRY, closed_throughout, totals_of
from server.registry.tables import (
    agreement_words,
    agreements,
    claims,
    closings,
    institutions,
    listing_withdrawals,
    listings,
    proposals,
)

__all__ = ["RegistryProjector", "RegistryState"]


class RegistryState:
    """What an author's registry log says so far, and what a run of entries adds to it.

    Lives in one transaction. ``judge`` says what an entry breaks, ``apply`` takes in one that
    breaks nothing, ``flush`` writes all that was taken in.

    Args:
        connection: of the transaction.
        author: whose registry log it is.
        entries: those to come, so that what they refer to is read at once.
    """

    def __init__(self, connection: Connection, author: str, entries: Iterable[Entry]) -> None:
        self._connection = connection
        institution_ids: set[str] = set()
        listing_ids: set[str] = set()
        agreement_ids: set[str] = set()
        claimed_ids: set[str] = set()
        for entry in entries:
            match entry.WhichOneof("body"):
                case "institution":
                    institution_ids.add(entry.institution.institution_id)
                    institution_ids.update(entry.institution.successor_ids)
                case "institution_claim":
                    claimed_ids.add(entry.institution_claim.institution_id)
                case "listing" | "listing_proposal":
                    listing = _listing_in(entry)
                    listing_ids.add(listing.listing_id)
                    institution_ids.update(listing.institution_ids)
                case "listing_withdrawal":
                    listing_ids.add(entry.listing_withdrawal.listing_id)
                case "agreement":
                    agreement_ids.add(entry.agreement.agreement_id)
                case "agreement_answer":
                    agreement_ids.add(entry.agreement_answer.agreement_id)
        self._institutions = InstitutionRows(connection, author, institution_ids)
        self._claims = ClaimRows(connection, author, claimed_ids)
        self._listings = ListingRows(
            connection,
            author,
            listing_ids,
            self._institutions.standing,
            self._institutions.closed,
        )
        self._agreements = AgreementRows(connection, author, agreement_ids)

    def judge(self, entry: Entry, *, writing: bool) -> Rule | None:
        """Return the first rule that an entry breaks.

        Args:
            entry: the entry, with its time.
            writing: whether its author is about to append it: then what other logs say counts.
        """
        rule: Rule | None
        match entry.WhichOneof("body"):
            case "institution":
                rule = self._institutions.judge(entry.institution)
            case "institution_claim":
                rule = self._claims.judge(entry.institution_claim)
            case "listing_proposal":
                rule = self._listings.judge_proposal(entry.listing_proposal)
            case "listing":
                rule = self._listings.judge_listing(entry.listing)
            case "listing_withdrawal":
                rule = self._listings.judge_withdrawal(entry.listing_withdrawal)
            case "agreement":
                rule = self._agreements.judge_version(entry.agreement)
            case "agreement_answer":
                rule = self._agreements.judge_answer(
                    entry.agreement_answer, stated_date=_stated_date(entry), writing=writing
                )
            case _:
                raise AssertionError("the log room gives a projector its own bodies")
        return rule

    def subject(self, entry: Entry) -> str:
        """Return the ids that a refusal of an entry names."""
        match entry.WhichOneof("body"):
            case "listing" | "listing_proposal":
                listing = _listing_in(entry)
                standing = self._institutions.standing
                unknown = (each for each in listing.institution_ids if each not in standing)
                return ", ".join([listing.listing_id, *unknown])
            case "listing_withdrawal":
                return entry.listing_withdrawal.listing_id
            case "agreement":
                return entry.agreement.agreement_id
            case "agreement_answer":
                return entry.agreement_answer.agreement_id
            case "institution_claim":
                return entry.institution_claim.institution_id
        return entry.institution.institution_id

    def totals(self, listing: Listing) -> ControlTotals:
        """Return what the institutions of a listing add up to, all of them stated."""
        return totals_of(listing, self._institutions.standing)

    def closed(self, listing: Listing) -> Mapping[str, Closing]:
        """Return what closes institutions of a listing on every day of it, by id."""
        said = self._institutions.closed
        first = date.fromisoformat(listing.from_date)
        found = {
            each: closed_on(closings_said(said[each]), first)
            for each in closed_throughout(listing, said)
        }
        return {each: closing for each, closing in found.items() if closing is not None}

    def apply(self, item: Sequenced) -> None:
        """Take in an entry that breaks no rule."""
        entry = item.entry
        match entry.WhichOneof("body"):
            case "institution":
                self._institutions.apply(
                    item.index, entry.institution, stated_date=_stated_date(entry)
                )
            case "institution_claim":
                self._claims.apply(item.index, entry.institution_claim)
            case "listing_proposal":
                self._listings.propose(item.index, item.leaf_hash, entry.listing_proposal)
            case "listing":
                self._listings.publish(item.index, entry.listing)
            case "listing_withdrawal":
                self._listings.withdraw(item.index, entry.listing_withdrawal)
            case "agreement":
                self._agreements.propose(item.index, item.leaf_hash, entry.agreement)
            case "agreement_answer":
                self._agreements.answer(item.index, entry.agreement_answer)

    def flush(self) -> None:
        """Write what was taken in."""
        self._institutions.flush(self._connection)
        self._claims.flush(self._connection)
        self._listings.flush(self._connection)
        self._agreements.flush(self._connection)


def _stated_date(entry: Entry) -> date:
    """Return the business date of an entry."""
    return business_date(entry.entry_time.ToDatetime(UTC))


def _listing_in(entry: Entry) -> Listing:
    """Return the listing that an entry publishes or proposes."""
    return entry.listing if entry.HasField("listing") else entry.listing_proposal.listing


class RegistryProjector:
    """Stores what registry entries say; implements the log room's ``Projector``."""

    bodies = frozenset(
        {
            "institution",
            "institution_claim",
            "listing",
            "listing_proposal",
            "listing_withdrawal",
            "agreement",
            "agreement_answer",
        }
    )

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        if log.kind is not LogKind.REGISTRY:
            for item in entries:
                tx.void(log, item.index, G01_NOT_REGISTRY.code)
            return
        state = RegistryState(tx.connection, log.author, (item.entry for item in entries))
        for item in entries:
            rule = state.judge(item.entry, writing=False)
            if rule is None:
                state.apply(item)
            else:
                tx.void(log, item.index, rule.code)
        state.flush()

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log."""
        if log.kind is LogKind.REGISTRY:
            for table in (
                institutions,
                closings,
                claims,
                proposals,
                listings,
                listing_withdrawals,
                agreements,
                agreement_words,
            ):
                tx.connection.execute(delete(table).where(table.c.author == log.author))
