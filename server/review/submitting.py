"""Takes what a clerk or payer submits: read as strictly as at the edge, and checked as if filed.

The edge sees only the bytes of the request within the request, so what it asks of every write is
asked here of that one: fields that the contract knows, no identity number, a size.
"""

from dataclasses import dataclass

from google.protobuf.message import DecodeError, Message

from deltacare.errors import (
    DeltacareError,
    Reason,
    Refusal,
    ViolationCollector,
    invalid_field,
)
from deltacare.ids import Principal, parse_request_id
from deltacare.v1.entry_pb2 import ApprovalDuty
from deltacare.v1.review_service_pb2 import SubmitDraftRequest
from deltacare.v1.types_pb2 import Duty
from server.approval.rules import FAULTS
from server.edge.call import Call, Disclosures
from server.edge.known import check_known
from server.edge.opaque import note_identity_numbers
from server.review import rules
from server.review.ports import ReviewedMethod
from server.review.sequencing import Reviewed, reviewed

__all__ = ["Submitted", "lacks_checker", "read_request", "read_submission", "rehearse"]

_NOBODY = "not-yet-reviewed"
"""Stands for the reviewer of a draft that nobody has reviewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A submission that can be read.

    Attributes:
        request_id: In canonical form.
        drafted: Who submits and approves such a thing.
        method: Who handles it.
        request: What it asks for, without a duty.
        summary: What that comes to.
    """

    request_id: str
    drafted: rules.Drafted
    method: ReviewedMethod
    request: Message
    summary: rules.Summary


def read_submission(
    submission: SubmitDraftRequest, method: ReviewedMethod | None, call: Call
) -> Submitted:
    """Return what was submitted.

    Args:
        submission: As received.
        method: Of this node, by the name that it gives; ``None`` if there is none.
        call: Whose.

    Raises:
        Refusal: ``INVALID_FIELD``, with everything that cannot be read, or if count and sum are not
            what the file says (V05); ``ROLE_NOT_ALLOWED``, if another role submits such a thing;
            ``TOO_LARGE``.
    """
    drafted = rules.DRAFTED.get(submission.method)
    if drafted is None or method is None:
        known = ", ".join(name.rpartition("/")[2] for name in rules.DRAFTED)
        raise invalid_field(
            "method",
            submission.method,
            "Nothing is submitted for review by this method.",
            f"Use the full name of one of {known}.",
        )
    if call.caller.role not in drafted.makers:
        raise Refusal(
            Reason.ROLE_NOT_ALLOWED,
            f"The role {call.caller.role} does not submit this.",
            details={"role": call.caller.role, "method": submission.method},
        )
    if len(submission.request) > rules.REQUEST_BYTES_MAX:
        raise Refusal(
            Reason.TOO_LARGE,
            f"The request has more than {rules.REQUEST_BYTES_MAX} bytes: submit it in parts.",
            details={"request_bytes_max": str(rules.REQUEST_BYTES_MAX)},
        )
    request = read_request(method, submission.request)
    bad = ViolationCollector()
    request_id = bad.take(parse_request_id, submission.request_id, field="request_id") or ""
    if getattr(request, "request_id", "") != submission.request_id:
        bad.note("request", "", "Its request_id is another.", "Give both the same UUID.")
    if request.HasField("duty"):
        bad.note("request.duty", "", "Who answers for it follows from the review.", "Leave it out.")
    note_identity_numbers(request, bad)
    summary = rules.summary(request)
    _check_totals(submission, summary, bad)
    bad.raise_if_any()
    return Submitted(
        request_id=request_id, drafted=drafted, method=method, request=request, summary=summary
    )


def _check_totals(
    submission: SubmitDraftRequest, summary: rules.Summary, bad: ViolationCollector
) -> None:
    """Compare what the file says it holds with what is there (总分核对)."""
    if not submission.control_count and not submission.control_fen:
        return
    code = rules.CONTROL_TOTALS.code
    if submission.control_count != summary.item_count:
        bad.note(
            "control_count",
            submission.control_count,
            f"{code}: the request holds {summary.item_count}.",
            "Compare the file with its source.",
        )
    if submission.control_fen != summary.sum_fen:
        bad.note(
            "control_fen",
            submission.control_fen,
            f"{code}: the request comes to {summary.sum_fen} fen.",
            "Compare the file with its source.",
        )


def read_request(method: ReviewedMethod, data: bytes) -> Message:
    """Return the request that some bytes are.

    Raises:
        Refusal: ``INVALID_FIELD``, if they are none, or hold what the contract does not know.
    """
    try:
        request = method.request_type.FromString(data)
    except DecodeError:
        raise invalid_field(
            "request", "", "It is not of the method's request type.", "Serialise that type."
        ) from None
    check_known(request, method.request_type.FromString, data)
    return request


async def rehearse(submitted: Submitted, call: Call) -> None:
    """Let what was submitted be filed, and undo it.

    Of what people sign, the checker's signature comes with the review: that it is missing stands
    against nothing here, if the maker's is there.

    Raises:
        DeltacareError: What stands against it.
    """
    request = submitted.method.request_type()
    request.CopyFrom(submitted.request)
    request.duty.CopyFrom(Duty(maker=call.caller.opaque_id, reviewer=_NOBODY))  # type: ignore[attr-defined]
    checked = Call(
        caller=Principal(province=call.caller.province, role="reviewer", opaque_id=_NOBODY),
        method=call.method,
        now=call.now,
        disclosures=Disclosures(),
    )
    with reviewed(Reviewed()):
        try:
            await submitted.method.handler(request, checked)
        except DeltacareError as error:
            if not (submitted.drafted.is_signed and lacks_checker(error, request)):
                raise


def lacks_checker(error: DeltacareError, request: Message) -> bool:
    """Whether all that stands against a request is that its checker has not signed yet."""
    if error.details.get("rule") not in {rule.code for rule in FAULTS.values()}:
        return False
    maker = request.duty.maker  # type: ignore[attr-defined]  # as above
    return all(
        [(each.duty, each.principal) for each in carrier.approvals]  # type: ignore[attr-defined]
        == [(ApprovalDuty.APPROVAL_DUTY_MAKER, maker)]
        for carrier in rules.carriers(request)
    )
