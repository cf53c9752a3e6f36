"""Turns registry entries into rows: institutions, listings and agreements of every province.

A run of entries is judged in order against what the run itself and the rows before it say, then
written in a few statements. What breaks a rule is recorded as void and leaves no row. Depends on
nothing but the entries of this log and the rows that came from it.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from deltacare.divisions import normalise_division
from deltacare.ids import LogKind, LogName
from deltacare.v1.entry_pb2 import (
    AGREEMENT_WORD_ACCEPTED,
    Agreement,
    AgreementAnswer,
    Entry,
    Institution,
    Listing,
    ListingWithdrawal,
)
from server.log.ports import LogTx, Sequenced
from server.registry.bodies import (
    is_readable,
    read_agreement,
    read_answer,
    read_institution,
    read_listing,
    read_withdrawal,
)
from server.registry.fields import numbered_id_province
from server.registry.rulebook import Rule
from server.registry.rules import (
    G01_NOT_REGISTRY,
    G02_UNREADABLE,
    judge_agreement,
    judge_answer,
    judge_institution,
    judge_listing,
    judge_withdrawal,
)
from server.registry.store import chunks
from server.registry.tables import agreement_words, agreements, institutions, listings

__all__ = ["RegistryProjector", "RegistryState", "fold_name"]


def fold_name(name: str) -> str:
    """Return a name as it is searched by."""
    return name.casefold()


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
        self._author = author
        # By table the rows to insert, by their index.
        self._new: dict[str, dict[int, dict[str, Any]]] = {}
        self._superseded: dict[str, list[dict[str, Any]]] = {}
        ids: dict[str, set[str]] = {"institution": set(), "listing": set(), "agreement": set()}
        for entry in entries:
            match entry.WhichOneof("body"):
                case "institution":
                    ids["institution"].add(entry.institution.institution_id)
                case "listing":
                    ids["listing"].add(entry.listing.listing_id)
                    ids["institution"].update(entry.listing.institution_ids)
                case "listing_withdrawal":
                    ids["listing"].add(entry.listing_withdrawal.listing_id)
                case "agreement":
                    ids["agreement"].add(entry.agreement.agreement_id)
                case "agreement_answer":
                    ids["agreement"].add(entry.agreement_answer.agreement_id)
        self._institutions = self._read_institutions(ids["institution"])
        self._listings = self._read_listings(ids["listing"])
        self._agreements = self._read_agreements(ids["agreement"])

    def _read_institutions(self, ids: Iterable[str]) -> dict[str, int]:
        table = institutions.c
        found: dict[str, int] = {}
        for some in chunks(ids):
            query = select(table.institution_id, table.log_index).where(
                table.institution_id.in_(some), table.superseded_index.is_(None)
            )
            found.update(
                (row.institution_id, row.log_index) for row in self._connection.execute(query)
            )
        return found

    def _read_listings(self, ids: Iterable[str]) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for some in chunks(ids):
            query = select(listings.c.listing_id, listings.c.withdrawn_index).where(
                listings.c.listing_id.in_(some)
            )
            for row in self._connection.execute(query):
                found[row.listing_id] = row.withdrawn_index is not None
        return found

    def _read_agreements(self, ids: Iterable[str]) -> dict[str, tuple[int, bytes, tuple[str, ...]]]:
        table = agreements.c
        found: dict[str, tuple[int, bytes, tuple[str, ...]]] = {}
        for some in chunks(ids):
            query = select(table.agreement_id, table.log_index, table.version_hash, table.body)
            query = query.where(table.agreement_id.in_(some), table.superseded_index.is_(None))
            for row in self._connection.execute(query):
                parties = tuple(Agreement.FromString(row.body).parties)
                found[row.agreement_id] = (row.log_index, row.version_hash, parties)
        return found

    def judge(self, entry: Entry, *, writing: bool) -> Rule | None:
        """Return the first rule that an entry breaks.

        Args:
            entry: the entry.
            writing: whether its author is about to append it: then what other logs say counts.
        """
        match entry.WhichOneof("body"):
            case "institution":
                return self._judge_institution(entry.institution)
            case "listing":
                return self._judge_listing(entry.listing)
            case "listing_withdrawal":
                return self._judge_withdrawal(entry.listing_withdrawal)
            case "agreement":
                return self._judge_agreement(entry.agreement)
            case "agreement_answer":
                return self._judge_answer(entry.agreement_answer, writing=writing)
        raise AssertionError("the log room gives a projector its own bodies")

    def _judge_institution(self, body: Institution) -> Rule | None:
        if not is_readable(read_institution, body):
            return G02_UNREADABLE
        return judge_institution(self._author, body)

    def _judge_listing(self, body: Listing) -> Rule | None:
        if not is_readable(read_listing, body):
            return G02_UNREADABLE
        taken = body.listing_id in self._listings
        return judge_listing(self._author, body, taken=taken, registered=self._institutions)

    def _judge_withdrawal(self, body: ListingWithdrawal) -> Rule | None:
        if not is_readable(read_withdrawal, body):
            return G02_UNREADABLE
        known = body.listing_id in self._listings
        withdrawn = self._listings.get(body.listing_id, False)
        return judge_withdrawal(self._author, body, known=known, withdrawn=withdrawn)

    def _judge_agreement(self, body: Agreement) -> Rule | None:
        if not is_readable(read_agreement, body):
            return G02_UNREADABLE
        newest = self._agreements.get(body.agreement_id)
        return judge_agreement(self._author, body, newest_hash=newest[1] if newest else None)

    def _judge_answer(self, body: AgreementAnswer, *, writing: bool) -> Rule | None:
        if not is_readable(read_answer, body):
            return G02_UNREADABLE
        if not writing and numbered_id_province(body.agreement_id) != self._author:
            return None
        newest = self._agreements.get(body.agreement_id)
        return judge_answer(
            self._author,
            body,
            newest_hash=newest[1] if newest else None,
            parties=newest[2] if newest else (),
        )

    def subject(self, entry: Entry) -> str:
        """Return the ids that a refusal of an entry names."""
        match entry.WhichOneof("body"):
            case "listing":
                ids = entry.listing.institution_ids
                unknown = (each for each in ids if each not in self._institutions)
                return ", ".join([entry.listing.listing_id, *unknown])
            case "listing_withdrawal":
                return entry.listing_withdrawal.listing_id
            case "agreement":
                return entry.agreement.agreement_id
            case "agreement_answer":
                return entry.agreement_answer.agreement_id
        return entry.institution.institution_id

    def apply(self, item: Sequenced) -> None:
        """Take in an entry that breaks no rule."""
        entry = item.entry
        match entry.WhichOneof("body"):
            case "institution":
                self._apply_institution(item.index, entry.institution)
            case "listing":
                self._apply_listing(item.index, entry.listing)
            case "listing_withdrawal":
                self._apply_withdrawal(item.index, entry.listing_withdrawal)
            case "agreement":
                self._apply_agreement(item.index, item.leaf_hash, entry.agreement)
            case "agreement_answer":
                body = entry.agreement_answer
                accepted = body.word == AGREEMENT_WORD_ACCEPTED
                self._apply_word(
                    item.index, body.agreement_id, body.version_hash, accepted=accepted
                )

    def _supersede(self, name: str, old_index: int | None, new_index: int) -> None:
        if old_index is None:
            return
        row = self._new.get(name, {}).get(old_index)
        if row is not None:
            row["superseded_index"] = new_index
            return
        self._superseded.setdefault(name, []).append(
            {"old_author": self._author, "old_index": old_index, "new_index": new_index}
        )

    def _apply_institution(self, index: int, body: Institution) -> None:
        self._supersede("institutions", self._institutions.get(body.institution_id), index)
        self._institutions[body.institution_id] = index
        self._new.setdefault("institutions", {})[index] = {
            "author": self._author,
            "log_index": index,
            "institution_id": body.institution_id,
            "superseded_index": None,
            "division_code": normalise_division(body.division_code),
            "name_folded": fold_name(body.name),
            "operation_mode": body.operation_mode,
            "approved_beds": body.approved_beds,
            "state": body.state,
            "body": body.SerializeToString(deterministic=True),
        }

    def _apply_listing(self, index: int, body: Listing) -> None:
        self._listings[body.listing_id] = False
        self._new.setdefault("listings", {})[index] = {
            "listing_id": body.listing_id,
            "author": self._author,
            "log_index": index,
            "body": body.SerializeToString(deterministic=True),
            "withdrawn_index": None,
            "withdrawn_date": None,
        }

    def _apply_withdrawal(self, index: int, body: ListingWithdrawal) -> None:
        self._listings[body.listing_id] = True
        for row in self._new.get("listings", {}).values():
            if row["listing_id"] == body.listing_id:
                row.update(withdrawn_index=index, withdrawn_date=body.effective_date)
                return
        self._superseded.setdefault("listings", []).append(
            {"old_id": body.listing_id, "new_index": index, "new_date": body.effective_date}
        )

    def _apply_agreement(self, index: int, leaf_hash: bytes, body: Agreement) -> None:
        newest = self._agreements.get(body.agreement_id)
        self._supersede("agreements", newest[0] if newest else None, index)
        self._agreements[body.agreement_id] = (index, leaf_hash, tuple(body.parties))
        self._new.setdefault("agreements", {})[index] = {
            "author": self._author,
            "log_index": index,
            "agreement_id": body.agreement_id,
            "version_hash": leaf_hash,
            "superseded_index": None,
            "body": body.SerializeToString(deterministic=True),
        }
        self._apply_word(index, body.agreement_id, leaf_hash, accepted=True)

    def _apply_answer(self, index: int, body: AgreementAnswer) -> None:
        accepted = body.word == AGREEMENT_WORD_ACCEPTED
        self._apply_word(index, body.agreement_id, body.version_hash, accepted=accepted)

    def _apply_word(
        self, index: int, agreement_id: str, version_hash: bytes, *, accepted: bool
    ) -> None:
        self._new.setdefault("words", {})[index] = {
            "author": self._author,
            "log_index": index,
            "agreement_id": agreement_id,
            "version_hash": version_hash,
            "is_accepted": accepted,
        }

    def flush(self) -> None:
        """Write what was taken in: first what ends, so that only one row is ever current."""
        for name, table in (("institutions", institutions), ("agreements", agreements)):
            if name in self._superseded:
                self._connection.execute(
                    update(table)
                    .where(
                        table.c.author == bindparam("old_author"),
                        table.c.log_index == bindparam("old_index"),
                    )
                    .values(superseded_index=bindparam("new_index")),
                    self._superseded[name],
                )
        if "listings" in self._superseded:
            self._connection.execute(
                update(listings)
                .where(listings.c.listing_id == bindparam("old_id"))
                .values(
                    withdrawn_index=bindparam("new_index"), withdrawn_date=bindparam("new_date")
                ),
                self._superseded["listings"],
            )
        for name, table in (
            ("institutions", institutions),
            ("listings", listings),
            ("agreements", agreements),
            ("words", agreement_words),
        ):
            if name in self._new:
                self._connection.execute(insert(table), list(self._new[name].values()))


class RegistryProjector:
    """Stores what registry entries say; implements the log room's ``Projector``."""

    bodies = frozenset(
        {"institution", "listing", "listing_withdrawal", "agreement", "agreement_answer"}
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
            for table in (institutions, listings, agreements, agreement_words):
                tx.connection.execute(delete(table).where(table.c.author == log.author))
