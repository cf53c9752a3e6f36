"""Turns gRPC statuses back into the project's errors, with reason, details and fields.

The other direction, at the node's edge, uses the names that stand here. A status without our
details comes from the transport or from something in between, and is named as well as its code
allows.
"""

from collections.abc import Iterable
from typing import Protocol

from google.protobuf.message import DecodeError
from google.rpc import (  # type: ignore[import-untyped]  # ships no py.typed
    error_details_pb2,
    status_pb2,
)
from grpc import StatusCode

from deltacare.errors import DeltacareError, FieldViolation, Kind, Reason, Refusal, Unavailable
from deltacare.v1.settlement_service_pb2 import FieldFault

__all__ = [
    "DETAILS_BYTES_KEY",
    "DETAILS_BYTES_MAX",
    "DETAILS_KEY",
    "ERROR_DOMAIN",
    "RpcFailure",
    "from_rpc",
]

ERROR_DOMAIN = "deltacare"

DETAILS_KEY = "grpc-status-details-bin"
"""Trailing metadata that carries a serialised ``google.rpc.Status``."""

DETAILS_BYTES_KEY = "deltacare-details-bytes-max"
"""Metadata in which a client says how many bytes of details it can take."""

DETAILS_BYTES_MAX = 512 * 1024

# What a status means that carries no reason of ours.
_BARE = {
    StatusCode.UNAUTHENTICATED: Reason.UNAUTHENTICATED,
    StatusCode.PERMISSION_DENIED: Reason.ROLE_NOT_ALLOWED,
    StatusCode.INVALID_ARGUMENT: Reason.INVALID_FIELD,
    StatusCode.OUT_OF_RANGE: Reason.INVALID_FIELD,
    StatusCode.NOT_FOUND: Reason.NOT_FOUND,
    StatusCode.ALREADY_EXISTS: Reason.ALREADY_EXISTS,
    StatusCode.FAILED_PRECONDITION: Reason.RULE_REFUSED,
    StatusCode.RESOURCE_EXHAUSTED: Reason.OVERLOADED,
    StatusCode.UNIMPLEMENTED: Reason.UNSUPPORTED_VERSION,
    StatusCode.UNAVAILABLE: Reason.PEER_UNREACHABLE,
    StatusCode.CANCELLED: Reason.PEER_UNREACHABLE,
    StatusCode.DEADLINE_EXCEEDED: Reason.DEADLINE_EXCEEDED,
}
# gRPC has one code for a message too large and a server too busy; only its text differs.
_TOO_LARGE_TEXT = "larger than max"
_PASSING = {Kind.UNAVAILABLE, Kind.DEADLINE, Kind.EXHAUSTED}


class RpcFailure(Protocol):
    """What gRPC raises, synchronous and asynchronous alike."""

    def code(self) -> StatusCode:
        """Return the status code."""
        ...

    def details(self) -> str | None:
        """Return the status message."""
        ...

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Return what came after the answer."""
        ...


def from_rpc(failure: RpcFailure, *, endpoint: str = "") -> DeltacareError:
    """Return the error that a node meant.

    Args:
        failure: As gRPC raised it.
        endpoint: Which node was called; where no node answered, ``details["endpoint"]`` says it.

    Returns:
        ``Unavailable`` for what passes, ``DeltacareError`` for INTERNAL, else ``Refusal``. If the
        node said when to come back, ``details["retry_after_ms"]`` says it.
    """
    status = _status(failure)
    info = error_details_pb2.ErrorInfo()
    retry = error_details_pb2.RetryInfo()
    fault = FieldFault()
    violations: list[FieldViolation] = []
    bare_fields: list[FieldViolation] = []
    retry_after_ms: int | None = None
    for detail in status.details:
        if detail.Is(FieldFault.DESCRIPTOR):
            detail.Unpack(fault)
            violations.append(
                FieldViolation(
                    field=fault.field,
                    value=fault.value,
                    description=fault.description,
                    remedy=fault.remedy,
                )
            )
        elif detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            detail.Unpack(retry)
            retry_after_ms = retry.retry_delay.ToMilliseconds()
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            bare_fields = [
                FieldViolation(field=row.field, value="", description=row.description)
                for row in bad.field_violations
            ]
    details = dict(info.metadata)
    if retry_after_ms is not None:
        details["retry_after_ms"] = str(retry_after_ms)
    reason = _reason(failure, info)
    if endpoint and info.domain != ERROR_DOMAIN and reason is Reason.PEER_UNREACHABLE:
        details["endpoint"] = endpoint
    return _class(reason)(
        reason,
        failure.details() or failure.code().name,
        details=details,
        violations=violations or bare_fields,
    )


def _status(failure: RpcFailure) -> status_pb2.Status:
    """Return the status in the trailing metadata, empty if there is none that can be read."""
    for key, value in failure.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()


def _reason(failure: RpcFailure, info: error_details_pb2.ErrorInfo) -> Reason:
    """Return the reason that was named, or the one that a bare code stands for."""
    if info.domain == ERROR_DOMAIN and info.reason in Reason.__members__:
        return Reason[info.reason]
    code = failure.code()
    if code is StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE_TEXT in (failure.details() or ""):
        return Reason.TOO_LARGE
    return _BARE.get(code, Reason.INTERNAL)


def _class(reason: Reason) -> type[DeltacareError]:
    """Return the class of error that a reason is raised as."""
    if reason.kind is Kind.INTERNAL:
        return DeltacareError
    return Unavailable if reason.retryable and reason.kind in _PASSING else Refusal
