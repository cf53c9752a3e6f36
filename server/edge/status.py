"""The one file that turns errors into gRPC statuses with ``google.rpc`` details.

An error of ours becomes its code, its reason (``ErrorInfo``), its fields (``BadRequest``, and the
contract's ``FieldFault`` with value and remedy) and when to come back (``RetryInfo``). Anything
else becomes INTERNAL and says nothing but the id under which the node logged it. What leaves fits
the caller's limit of metadata: fields that do not fit are counted, not sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from google.rpc import (  # type: ignore[import-untyped]  # ships no py.typed
    error_details_pb2,
    status_pb2,
)
from grpc import StatusCode

from clients.sdk.errors import DETAILS_BYTES_KEY, DETAILS_BYTES_MAX, ERROR_DOMAIN
from deltacare.errors import DeltacareError, FieldViolation, Kind, Reason, Refusal
from deltacare.v1.settlement_service_pb2 import FieldFault

__all__ = [
    "DETAILS_BYTES_DEFAULT",
    "WireError",
    "code_of",
    "details_limit",
    "to_wire",
]

DETAILS_BYTES_DEFAULT = 5_632
# gRPC clients take 8 KiB of metadata unless told otherwise, and binary values travel as base64,
# a third longer.

_MESSAGE_CHARS_MAX = 500
_DETAIL_CHARS_MAX = 500
_VIOLATION_OVERHEAD_BYTES = 96  # type URL and tags of one field's two representations

_CODES = {
    Kind.UNAUTHENTICATED: StatusCode.UNAUTHENTICATED,
    Kind.DENIED: StatusCode.PERMISSION_DENIED,
    Kind.INVALID: StatusCode.INVALID_ARGUMENT,
    Kind.NOT_FOUND: StatusCode.NOT_FOUND,
    Kind.EXISTS: StatusCode.ALREADY_EXISTS,
    Kind.PRECONDITION: StatusCode.FAILED_PRECONDITION,
    Kind.EXHAUSTED: StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: StatusCode.UNAVAILABLE,
    Kind.DEADLINE: StatusCode.DEADLINE_EXCEEDED,
    Kind.INTERNAL: StatusCode.INTERNAL,
}

# Where the contract's comments name another code than the kind would give: what a caller handed
# over and does not verify is its argument's fault, and a receipt without quorum is a state.
_REFUSAL_CODES = {
    Reason.BAD_SIGNATURE: StatusCode.INVALID_ARGUMENT,
    Reason.BAD_PROOF: StatusCode.INVALID_ARGUMENT,
    Reason.NO_QUORUM: StatusCode.FAILED_PRECONDITION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError:
    """A status as it leaves.

    Attributes:
        code: Of gRPC.
        message: One sentence.
        details: A serialised ``google.rpc.Status``.
    """

    code: StatusCode
    message: str
    details: bytes


def code_of(error: DeltacareError) -> StatusCode:
    """Return the status code of an error."""
    if isinstance(error, Refusal) and error.reason in _REFUSAL_CODES:
        return _REFUSAL_CODES[error.reason]
    return _CODES[error.reason.kind]


def to_wire(
    error: Exception, *, request_id: str, details_bytes_max: int = DETAILS_BYTES_DEFAULT
) -> WireError:
    """Return what a caller is told of an error.

    Args:
        error: One of ours, or a surprise, of which nothing is told.
        request_id: Under which the node logs this call.
        details_bytes_max: What the caller can take.
    """
    if not isinstance(error, DeltacareError):
        error = DeltacareError(
            Reason.INTERNAL, f"The node failed; its log has the cause under {request_id}."
        )
    code = code_of(error)
    message = _cut(error.message, _MESSAGE_CHARS_MAX)
    status = status_pb2.Status(code=code.value[0], message=message)
    info = error_details_pb2.ErrorInfo(reason=error.reason.wire, domain=ERROR_DOMAIN)
    for name, value in error.details.items():
        info.metadata[name] = _cut(value, _DETAIL_CHARS_MAX)
    info.metadata["request_id"] = request_id
    room = details_bytes_max - status.ByteSize() - info.ByteSize() - 2 * _VIOLATION_OVERHEAD_BYTES
    shown = _fitting(error.violations, room)
    if len(shown) < len(error.violations):
        info.metadata["violations"] = str(len(error.violations))
        info.metadata["violations_shown"] = str(len(shown))
    status.details.add().Pack(info)
    retry_after_ms = error.details.get("retry_after_ms")
    if retry_after_ms is not None:
        delay = Duration()
        delay.FromMilliseconds(int(retry_after_ms))
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    if shown:
        _add_violations(status, shown)
    return WireError(code=code, message=message, details=status.SerializeToString())


def details_limit(metadata: Iterable[tuple[str, str | bytes]]) -> int:
    """Return how many bytes of details a caller can take, by its metadata."""
    for key, value in metadata:
        if key == DETAILS_BYTES_KEY and isinstance(value, str) and value.isdecimal():
            return max(DETAILS_BYTES_DEFAULT, min(int(value[:9]), DETAILS_BYTES_MAX))
    return DETAILS_BYTES_DEFAULT


def _add_violations(status: status_pb2.Status, shown: Sequence[FieldViolation]) -> None:
    """Put fields into a status: as the standard has them, and whole as the contract does."""
    bad = error_details_pb2.BadRequest()
    for violation in shown:
        text = f"{violation.description} {violation.remedy}".rstrip()
        bad.field_violations.add(field=violation.field, description=text)
    status.details.add().Pack(bad)
    for violation in shown:
        status.details.add().Pack(
            FieldFault(
                field=violation.field,
                value=violation.value,
                description=violation.description,
                remedy=violation.remedy,
            )
        )


def _fitting(violations: Sequence[FieldViolation], room_bytes: int) -> Sequence[FieldViolation]:
    """Return the first violations that fit."""
    for count, violation in enumerate(violations):
        text_bytes = sum(
            len(part.encode())
            for part in (violation.field, violation.description, violation.remedy)
        )
        room_bytes -= 2 * text_bytes + len(violation.value.encode()) + _VIOLATION_OVERHEAD_BYTES
        if room_bytes < 0:
            return violations[:count]
    return violations


def _cut(text: str, chars_max: int) -> str:
    """Return a text in at most so many characters."""
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"
