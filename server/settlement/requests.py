"""What every request of this room is checked for, and how its answer says where entries stand."""

from collections.abc import Sequence

from google.protobuf.message import Message

from deltacare.errors import FieldViolation, ViolationCollector
from deltacare.ids import parse_request_id
from deltacare.trust import Trust
from deltacare.v1.settlement_service_pb2 import FieldFault
from deltacare.v1.types_pb2 import Appended, Duty
from server.edge.call import Call
from server.edge.duties import check_duty
from server.log.ports import AppendedRun
from server.registry.fields import read_duty

__all__ = [
    "BATCH_MAX",
    "appended",
    "check_batch",
    "check_partner",
    "field_faults",
    "read_write",
]

BATCH_MAX = 1_000
_FAULTS_MAX = 1_000
_VALUE_CHARS_MAX = 64


def read_write(request: Message, call: Call, bad: ViolationCollector, *, duty: Duty | None) -> str:
    """Return a write's request id, after checking it and who answers for the write.

    Args:
        request: With the field ``request_id``, and ``duty`` unless that is ``None``.
        call: Who calls.
        bad: Takes what is wrong.
        duty: Who answers for it; ``None`` where a request names nobody.

    Raises:
        Refusal: ``ROLE_NOT_ALLOWED``, if a person signs for another.
    """
    text: str = request.request_id  # type: ignore[attr-defined]  # every write has it
    request_id = bad.take(parse_request_id, text, field="request_id")
    if duty is not None:
        read_duty(duty, bad)
        check_duty(call.caller, request)
    return request_id or ""


def check_partner(
    partner: str, own: str, trust: Trust, bad: ViolationCollector, *, field: str = "partner"
) -> None:
    """Check that a province is another member."""
    if partner == own or partner not in trust.provinces:
        members = ", ".join(each for each in trust.provinces if each != own)
        bad.note(field, partner, "This is not a partner.", f"Use one of {members}.")


def check_batch(count: int, field: str, bad: ViolationCollector) -> None:
    """Check how many elements a batch has."""
    if not 1 <= count <= BATCH_MAX:
        bad.note(field, count, f"A batch has 1 to {BATCH_MAX:,} elements.", "Send several batches.")


def appended(run: AppendedRun) -> Appended:
    """Return where the entries of one log came to stand."""
    return Appended(
        log=str(run.log),
        first_index=run.first_index,
        entry_count=len(run.leaf_hashes),
        checkpoint=run.checkpoint,
    )


def field_faults(violations: Sequence[FieldViolation]) -> list[FieldFault]:
    """Return violations as a batch's answer names them, at most 1,000."""
    return [
        FieldFault(
            field=each.field,
            value=each.value[:_VALUE_CHARS_MAX],
            description=each.description,
            remedy=each.remedy,
        )
        for each in violations[:_FAULTS_MAX]
    ]
