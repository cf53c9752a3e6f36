"""Proves what a certificate was on a past day, from the hash that its issuer's log holds.

The list comes from any node and is believed by nobody: its digest must be that of a ``StatusList``
entry, and that entry must stand in the issuer's log, by the verifier's own policy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from clients.verify.receipt import prove
from clients.verify.trusting import Trusting
from deltacare.credential.status_list import decompress_list, list_hash, status_at
from deltacare.errors import PeerFault, Reason
from deltacare.evidence import EvidenceReceipt
from deltacare.ids import CertificateNumber, LogName
from deltacare.times import parse_date
from deltacare.v1.credential_service_pb2 import GetStatusListRequest
from deltacare.v1.entry_pb2 import Entry
from deltacare.v1.log_service_pb2 import GetReceiptRequest

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["PastStatus", "prove_status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStatus:
    """What a certificate was.

    Attributes:
        status: 0 valid, 1 revoked, 2 suspended.
        list_number: List that it stands in.
        place: Place in it.
        stated_on: Day of the list.
        log: Log of the entry.
        index: Place of the entry.
        is_proved: Whether the entry's receipt was verified by a policy.
    """

    status: int
    list_number: int
    place: int
    stated_on: str
    log: str
    index: int
    is_proved: bool


def prove_status(
    node: "SyncNodeClient",
    certificate_no: str,
    on_date: str,
    *,
    policies: Sequence[Path],
    now: datetime,
) -> PastStatus:
    """Return what a certificate was on a day, by the last list stated up to that day.

    1. The list of that day, and the entry that states it. 2. The entry stands in the issuer's log.
    3. The list is the one that it states, of that day or before. 4. The certificate's place.

    Args:
        node: Gives list, entry and receipt.
        certificate_no: The certificate.
        on_date: ISO 8601.
        policies: The verifier's; without one the entry is the node's word.
        now: The moment.

    Raises:
        DeltacareError: As the node answers.
        PeerFault: ``BAD_PROOF``, if what it gives does not fit together.
    """
    issuer = CertificateNumber.parse(certificate_no, field="certificate_no").issuer
    day = parse_date(on_date, field="on_date")
    # 1. What the node gives.
    answer = node.credential.GetStatusList(
        GetStatusListRequest(certificate_no=certificate_no, on_date=on_date)
    )
    log = str(LogName.registry(issuer))
    receipt = node.log.GetReceipt(GetReceiptRequest(log=log, index=answer.entry.index))
    # 2. The entry.
    if policies:
        proved = prove(
            EvidenceReceipt(proof=receipt.proof, entry=receipt.entry),
            Trusting.read(policies, now=now),
        )
        if (proved.proved.log, proved.proved.index) != (log, answer.entry.index):
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
    # 4. The place.
    if answer.place >= body.entry_count:
        raise PeerFault(
            Reason.BAD_PROOF, "The certificate was not issued yet when the list was stated."
        )
    return PastStatus(
        status=status_at(data, answer.place),
        list_number=answer.list_number,
        place=answer.place,
        stated_on=body.on_date,
        log=log,
        index=answer.entry.index,
        is_proved=bool(policies),
    )


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
