"""Proves what the status list of a past day says of a certificate, by the hash in its issuer's log.

The list comes from any node and is believed by nobody: its digest must be that of a ``StatusList``
entry, and that entry must stand in the issuer's log, by the verifier's own policy. Two things no
receipt shows: that no newer list was stated up to that day, and which place in the list is the
certificate's. With the log itself, as a directory of C2SP tiles from whomever, both are looked for;
without it they are the node's word, and `PastStatus` says so. A list says whether a certificate is
revoked or suspended, and nothing of the days from and until which it runs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clients.logs.source import TilesDirectory, claimed_size
from clients.verify.receipt import prove
from clients.verify.trusting import Trusting
from clients.verify.unusable import Unusable
from deltacare.credential.status_list import (
    LIST_PLACES,
    decompress_list,
    list_hash,
    require_places,
    status_at,
)
from deltacare.errors import PeerFault, Reason, Refusal, invalid_field
from deltacare.evidence import EvidenceReceipt
from deltacare.ids import CertificateNumber, LogName
from deltacare.times import business_date, parse_date
from deltacare.tlog.tree import Frontier, leaf_hash, leaf_hashes
from deltacare.v1.credential_service_pb2 import GetStatusListRequest
from deltacare.v1.entry_pb2 import Entry, StatusList
from deltacare.v1.log_service_pb2 import GetReceiptRequest

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["PastStatus", "SearchedLog", "prove_status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedLog:
    """The issuer's whole log, in which no newer list of that day or before stands.

    Attributes:
        entries: How many were looked at.
        cosigned_time: When it was as long as that: the oldest of the cosignatures.
        is_place_proved: Whether the certificate's place was counted in it. It is not where the
            log's certificates are not as many as the list has places: some of them are void.
    """

    entries: int
    cosigned_time: datetime
    is_place_proved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStatus:
    """What the list of a day says of a certificate.

    Attributes:
        status: 0 neither revoked nor suspended, 1 revoked, 2 suspended.
        list_number: List that it stands in.
        place: Place in it.
        stated_on: Day of the list.
        age_days: How many days the list was old on the day that is asked about; a node states one
            only when something changed.
        log: Log of the entry.
        index: Place of the entry.
        is_proved: Whether the entry's receipt was verified by a policy.
        searched: The log; ``None`` if that no newer list was stated, and the place, are the node's
            word.
    """

    status: int
    list_number: int
    place: int
    stated_on: str
    age_days: int
    log: str
    index: int
    is_proved: bool
    searched: SearchedLog | None


def prove_status(
    node: "SyncNodeClient",
    certificate_no: str,
    on_date: str,
    *,
    policies: Sequence[Path],
    now: datetime,
    logs: Path | None = None,
) -> PastStatus:
    """Return what the last list stated up to a day says of a certificate.

    1. The list of that day, and the entry that states it. 2. The entry stands in the issuer's log.
    3. The list is the one that it states, of that day or before. 4. The certificate's place.
    5. With the log: no newer list stands in it, and the place is the certificate's.

    Args:
        node: Gives list, entry and receipt.
        certificate_no: The certificate.
        on_date: ISO 8601; not later than today.
        policies: The verifier's; without one the entry is the node's word.
        now: The moment.
        logs: Exported logs, ``<directory>/<log name>``; only with policies.

    Raises:
        DeltacareError: As the node answers.
        OSError: If an exported log cannot be read.
        PeerFault: ``BAD_PROOF``, if what it gives does not fit together, or is not the newest.
        Refusal: ``INVALID_FIELD``, if the day is still to come, or the log is not there.
    """
    issuer = CertificateNumber.parse(certificate_no, field="certificate_no").issuer
    day = parse_date(on_date, field="on_date")
    if day > business_date(now):
        raise invalid_field("on_date", on_date, "No status list speaks of days to come.")
    trusting = Trusting.read(policies, now=now) if policies else None
    # 1. What the node gives.
    answer = node.credential.GetStatusList(
        GetStatusListRequest(certificate_no=certificate_no, on_date=on_date)
    )
    log = str(LogName.registry(issuer))
    index = answer.entry.index
    receipt = node.log.GetReceipt(GetReceiptRequest(log=log, index=index))
    # 2. The entry.
    if trusting is not None:
        proved = prove(EvidenceReceipt(proof=receipt.proof, entry=receipt.entry), trusting)
        if (proved.proved.log, proved.proved.index) != (log, index):
            raise _bad("The receipt is of another entry.")
        entry = proved.entry
    else:
        entry = Entry.FromString(receipt.entry)
    body = entry.status_list
    # 3. The list.
    data = decompress_list(answer.list)
    if entry.WhichOneof("body") != "status_list" or list_hash(data) != body.list_hash:
        raise _bad("The list is not the one that the entry states.")
    if body.list_number != answer.list_number or body.on_date > day.isoformat():
        raise _bad("The entry states another list, or one of a later day.")
    if body.log_size > index:
        raise _bad("The entry is void: it states a list of entries that were not there yet.")
    require_places(data, body.entry_count)
    # 4. The place.
    if answer.place >= body.entry_count:
        raise _bad("The certificate was not issued yet when the list was stated.")
    # 5. The log.
    searched = None
    if logs is not None and trusting is not None:
        search = _Search(log, index, leaf_hash(receipt.entry), body, day)
        searched = search.run(
            logs / log,
            trusting,
            certificate_no=certificate_no,
            running_no=answer.list_number * LIST_PLACES + answer.place,
        )
    return PastStatus(
        status=status_at(data, answer.place),
        list_number=answer.list_number,
        place=answer.place,
        stated_on=body.on_date,
        age_days=(day - parse_date(body.on_date, field="on_date")).days,
        log=log,
        index=index,
        is_proved=trusting is not None,
        searched=searched,
    )


class _Search:
    """Looks through a whole log for what the node did not show.

    Args:
        log: Its name.
        index: Place of the entry that the node gave.
        leaf: Its leaf hash.
        stated: What it states.
        day: The day that is asked about.
    """

    def __init__(self, log: str, index: int, leaf: bytes, stated: StatusList, day: date) -> None:
        self._log = log
        self._index = index
        self._leaf = leaf
        self._stated = stated
        self._day = day
        # Certificates in the order of their issue; a number that is there is issued once.
        self._issued: dict[str, int] = {}

    def run(
        self, directory: Path, trusting: Trusting, *, certificate_no: str, running_no: int
    ) -> SearchedLog:
        """Return the log, if it holds no newer list and does not contradict the place.

        1. Its checkpoint satisfies the policy, and is not from before that day. 2. Every entry:
        the one that the node gave stands where it says, no newer list of that day or before
        follows it. 3. The entries have the root that is signed. 4. The place.

        Raises:
            OSError: If the directory cannot be read.
            PeerFault: ``BAD_PROOF``, or as for a checkpoint.
            Unusable: If it is not the log, or was exported too early.
        """
        # 1. Who signed it, and when.
        source = TilesDirectory(directory)
        try:
            note = source.checkpoint()
        except (FileNotFoundError, NotADirectoryError):
            raise self._unusable(directory) from None
        # As for the logs beside a verdict file: nothing rests on lines by unknown keys.
        seen = replace(trusting, allow_unknown=True).checkpoint(note)
        times = [each.time for each in seen.cosignatures]
        if (
            seen.checkpoint.origin != self._log
            or seen.checkpoint.size <= self._index
            or not times
            or business_date(min(times)) < self._day
        ):
            raise self._unusable(directory)
        # 2. Entry by entry.
        frontier = Frontier.empty()
        for run in source.entries(claimed_size(note)):
            for offset, data in enumerate(run):
                self._take(frontier.size + offset, data)
            frontier = frontier.append(leaf_hashes(run))
        # 3. The root.
        if (frontier.size, frontier.root) != (seen.checkpoint.size, seen.checkpoint.root):
            raise _bad(f"The entries in {directory} do not have the root that was signed.")
        # 4. The place.
        in_list = len(self._issued) - self._stated.list_number * LIST_PLACES
        is_counted = self._stated.entry_count == min(max(in_list, 0), LIST_PLACES)
        if is_counted and self._issued.get(certificate_no) != running_no:
            raise _bad("The certificate has another place in the list than the node says.")
        return SearchedLog(
            entries=frontier.size, cosigned_time=min(times), is_place_proved=is_counted
        )

    def _take(self, index: int, data: bytes) -> None:
        """Look at one entry."""
        from google.protobuf.message import DecodeError

        if index == self._index and leaf_hash(data) != self._leaf:
            raise _bad(f"The log has another entry at {self._log} #{index}.")
        try:
            entry = Entry.FromString(data)
        except DecodeError:
            return  # of a later version
        name = entry.WhichOneof("body")
        if name == "certificate" and index < self._stated.log_size:
            self._issued.setdefault(entry.certificate.certificate_no, len(self._issued))
        elif name == "status_list" and index > self._index:
            self._require_no_newer(index, entry.status_list)

    def _require_no_newer(self, index: int, other: StatusList) -> None:
        """Refuse a list that should have been given in place of the one that was.

        One that takes in what was not there yet, or less than the one before it, is void.
        """
        stated = self._stated
        if (
            other.list_number == stated.list_number
            and stated.on_date <= other.on_date <= self._day.isoformat()
            and stated.log_size <= other.log_size <= index
        ):
            raise _bad(
                f"The node gave an older list: {self._log} #{index} states a newer one of that day "
                "or before."
            )

    def _unusable(self, directory: Path) -> Refusal:
        """Say which log is needed, and how to come by it."""
        return Unusable(
            f"{directory} 不是截至 {self._day}（含当日）的 {self._log}；"
            f"以 deltacare log export {self._log} {directory} 导出。",
            f"{directory} does not hold {self._log} up to {self._day} or later: "
            f"deltacare log export {self._log} {directory}",
        )


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
