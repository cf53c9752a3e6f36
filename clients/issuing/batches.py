"""Issues the rows of a sheet in batches, each row once however often the file is sent.

A batch's request id comes from its certificates and its place, so that a run repeated after a crash
sends the same requests and gets the first answers. Nothing of a person goes into an id: it stands
in the log. If the node refuses a batch, the rows that it names are taken out and the others sent
under a fresh id, because a refusal is kept under its id and the cause may be mended since. A row
whose number was issued before is compared with what the log has: the same is no fault. What is
kept of its holder is not changed by it; name and identity number are compared by a check, and a row
that differs says so.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from clients.filing.ids import content_id
from clients.issuing.sheet import NewRow, masked
from clients.sdk.retry import request_id
from deltacare.errors import Reason, Refusal
from deltacare.v1.certification_service_pb2 import (
    VERDICT_HOLDER_MISMATCH,
    CheckCertificationRequest,
    GetCertificateRequest,
    IssueCertificatesRequest,
    IssueCertificatesResponse,
)
from deltacare.v1.entry_pb2 import Certificate

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient
    from deltacare.v1.types_pb2 import Duty

__all__ = ["BATCH_MAX", "ISSUED", "REFUSED", "UNCHANGED", "RowOutcome", "batch_id", "issue_rows"]

BATCH_MAX: Final = 1_000

ISSUED: Final = "ISSUED"
UNCHANGED: Final = "UNCHANGED"
REFUSED: Final = "REFUSED"

_FIELD = re.compile(r"certificates\[([0-9]+)\]\.?(?:certificate\.)?(.*)")
_TAKEN = "C03-"
_PERSON_NOT_COMPARED = (
    "The certificate was issued before, the same; subject_ref was not compared and not taken."
)
_PERSON_REMEDY = "If it has changed, put the person with deltacare personal put."
_PERSONAL = frozenset({"holder_name", "identity_number", "subject_ref"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowOutcome:
    """What became of a row.

    Attributes:
        row: The row.
        kind: ``ISSUED``, ``UNCHANGED`` (it was issued before, just so) or ``REFUSED``.
        column: What the refusal is about; empty for the row as a whole.
        value: What stands there; empty where it may be personal.
        why: The refusal, in English; of an unchanged row, what was not compared.
        remedy: What to do, likewise.
        place: Entry of the log, such as ``deltacare/320000/registry #7``; empty if refused.
    """

    row: NewRow
    kind: str
    column: str = ""
    value: str = ""
    why: str = ""
    remedy: str = ""
    place: str = ""


def batch_id(rows: Sequence[NewRow], duty: "Duty", first: int, once: str | None) -> str:
    """Return the request id of a batch.

    Args:
        rows: In order.
        duty: Who answers.
        first: Place of the first in the file.
        once: Request id of the caller's choice; ``None`` lets content decide.
    """
    if once is not None:
        return content_id(b"issue", once.encode(), str(first).encode())
    named = ("issue", duty.maker, duty.reviewer, str(first))
    return content_id(
        *(text.encode() for text in named),
        *(row.new.certificate.SerializeToString(deterministic=True) for row in rows),
    )


def issue_rows(
    node: "SyncNodeClient",
    rows: Sequence[NewRow],
    duty: "Duty",
    *,
    sizes: Mapping[str, int],
    once: str | None = None,
) -> Iterator[list[RowOutcome]]:
    """Issue rows and yield what became of them, batch by batch.

    Args:
        node: The own node.
        rows: Of a file, in order.
        duty: Who answers.
        sizes: Of the logs, before this run: what stands below was issued by an earlier one.
        once: Request id of the caller's choice: other content under it is refused.

    Raises:
        DeltacareError: If the node cannot be asked, or refuses a call for what is no row's fault;
            sending the file again goes on where this ended.
    """
    for first in range(0, len(rows), BATCH_MAX):
        batch = list(rows[first : first + BATCH_MAX])
        request = batch_id(batch, duty, first, once)
        try:
            outcomes = _issued(batch, _issue(node, batch, duty, request), sizes)
        except Refusal as refusal:
            is_reused = refusal.reason is Reason.REQUEST_ID_REUSED
            if once is not None if is_reused else not _named(batch, refusal):
                raise
            # The id stands for these certificates under other names, or this is an old refusal.
            outcomes = _issue_good(node, batch, duty, sizes)
        compared = (_compared(node, each) for each in outcomes)
        yield sorted(compared, key=lambda outcome: outcome.row.number)


def _issue_good(
    node: "SyncNodeClient", rows: Sequence[NewRow], duty: "Duty", sizes: Mapping[str, int]
) -> list[RowOutcome]:
    """Issue the rows against which the node has nothing, under fresh ids."""
    outcomes: list[RowOutcome] = []
    left = rows
    while left:
        try:
            outcomes += _issued(left, _issue(node, left, duty, request_id()), sizes)
        except Refusal as refusal:
            named = _named(left, refusal)
            if not named:
                raise
            outcomes += named.values()
            left = [row for position, row in enumerate(left) if position not in named]
        else:
            break
    return outcomes


def _issue(
    node: "SyncNodeClient", rows: Sequence[NewRow], duty: "Duty", request: str
) -> IssueCertificatesResponse:
    return node.certification.IssueCertificates(
        IssueCertificatesRequest(
            request_id=request, duty=duty, certificates=[row.new for row in rows]
        )
    )


def _issued(
    rows: Sequence[NewRow], response: IssueCertificatesResponse, sizes: Mapping[str, int]
) -> list[RowOutcome]:
    appended = response.appended
    is_old = appended.first_index < sizes.get(appended.log, 0)
    return [
        RowOutcome(
            row=row,
            kind=UNCHANGED if is_old else ISSUED,
            place=f"{appended.log} #{appended.first_index + position}",
        )
        for position, row in enumerate(rows)
    ]


def _named(rows: Sequence[NewRow], refusal: Refusal) -> dict[int, RowOutcome]:
    """Return the rows that a refusal names, by position, each with the first thing against it."""
    found: dict[int, RowOutcome] = {}
    for violation in refusal.violations:
        match = _FIELD.fullmatch(violation.field)
        if match is None or int(match[1]) >= len(rows):
            continue
        found.setdefault(
            int(match[1]),
            RowOutcome(
                row=rows[int(match[1])],
                kind=REFUSED,
                column=match[2],
                value="" if match[2] in _PERSONAL else masked(violation.value),
                why=violation.description,
                remedy=violation.remedy,
            ),
        )
    return found


def _compared(node: "SyncNodeClient", outcome: RowOutcome) -> RowOutcome:
    """Return what became of a row whose number was issued before: unchanged, if just so."""
    if outcome.kind != REFUSED or not outcome.why.startswith(_TAKEN):
        return outcome
    number = outcome.row.certificate_no
    found = node.certification.GetCertificate(GetCertificateRequest(name=f"certificates/{number}"))
    known = Certificate()
    known.CopyFrom(found.certificate)
    known.ClearField("holder_name_digest")
    if any(each.WhichOneof("event") == "erased" for each in found.events):
        return replace(
            outcome,
            why="The number was issued before, and its holder was erased; nobody can compare it "
            "any more.",
            remedy="Leave the row out: who asked to be erased is not certified again without "
            "asking.",
        )
    if known != outcome.row.new.certificate:
        why = "The number was issued before, for another certificate."
        return replace(outcome, why=why, remedy="Give this one a number of its own.")
    new = outcome.row.new
    if new.holder_name and _is_other(node, known, name=new.holder_name):
        why = "The number was issued before, to another holder."
        return replace(outcome, why=why, remedy="Give this one a number of its own.")
    if new.identity_number and _is_other(node, known, identity_number=new.identity_number):
        return replace(
            outcome,
            column="identity_number",
            why=(
                "The certificate was issued before, and this is not the identity number kept for "
                "its holder: person and identity number were not taken."
            ),
            remedy="Put what is right with deltacare personal put.",
        )
    entry = found.events[0].entry
    return RowOutcome(
        row=outcome.row,
        kind=UNCHANGED,
        # To compare the reference would disclose it.
        why=_PERSON_NOT_COMPARED if new.subject_ref else "",
        remedy=_PERSON_REMEDY if new.subject_ref else "",
        place=f"{entry.log} #{entry.index}",
    )


def _is_other(
    node: "SyncNodeClient", known: Certificate, *, name: str = "", identity_number: str = ""
) -> bool:
    """Return whether the issuer says that somebody is not a certificate's holder."""
    judged = node.certification.CheckCertification(
        CheckCertificationRequest(
            certificate_no=known.certificate_no,
            holder_name=name,
            identity_number=identity_number,
            on_date=known.valid_from_date,
            host=known.certificate_no.partition("-")[0],
        )
    )
    return bool(judged.verdict == VERDICT_HOLDER_MISMATCH)
