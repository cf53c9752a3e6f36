"""Tests of statuses that carry none of our details, and of details that cannot be read."""

from collections.abc import Iterable

import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from clients.sdk.errors import DETAILS_KEY, from_rpc
from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable


class Failure:
    """What gRPC raises."""

    def __init__(
        self, code: StatusCode, details: str | None = "text", status: bytes | None = None
    ) -> None:
        self._code = code
        self._details = details
        self._status = status

    def code(self) -> StatusCode:
        """Return the code."""
        return self._code

    def details(self) -> str | None:
        """Return the message."""
        return self._details

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """Return the details, if there are any."""
        return None if self._status is None else (("x", "y"), (DETAILS_KEY, self._status))


@pytest.mark.parametrize(
    "code, reason, kind",
    [
        (StatusCode.UNAVAILABLE, Reason.PEER_UNREACHABLE, Unavailable),
        (StatusCode.CANCELLED, Reason.PEER_UNREACHABLE, Unavailable),
        (StatusCode.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED, Unavailable),
        (StatusCode.RESOURCE_EXHAUSTED, Reason.OVERLOADED, Unavailable),
        (StatusCode.UNIMPLEMENTED, Reason.UNSUPPORTED_VERSION, Refusal),
        (StatusCode.PERMISSION_DENIED, Reason.ROLE_NOT_ALLOWED, Refusal),
        (StatusCode.UNAUTHENTICATED, Reason.UNAUTHENTICATED, Refusal),
        (StatusCode.NOT_FOUND, Reason.NOT_FOUND, Refusal),
        (StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, Refusal),
        (StatusCode.INTERNAL, Reason.INTERNAL, DeltacareError),
        (StatusCode.UNKNOWN, Reason.INTERNAL, DeltacareError),
        (StatusCode.DATA_LOSS, Reason.INTERNAL, DeltacareError),
    ],
)
def test_bare_codes(code: StatusCode, reason: Reason, kind: type[DeltacareError]) -> None:
    """A status of the transport's own is named by its code."""
    error = from_rpc(Failure(code))
    assert (type(error), error.reason, error.message) == (kind, reason, "text")
    assert from_rpc(Failure(code, details=None)).message == code.name


def test_too_large_by_the_transport() -> None:
    """A message that gRPC itself found too large is no passing overload."""
    text = "SERVER: Received message larger than max (5242885 vs. 4194304)"
    error = from_rpc(Failure(StatusCode.RESOURCE_EXHAUSTED, text))
    assert (type(error), error.reason) == (Refusal, Reason.TOO_LARGE)


@pytest.mark.parametrize("status", [b"\xff", b"", b"junk" * 10])
def test_unreadable_details(status: bytes) -> None:
    """Details that cannot be read count as none."""
    error = from_rpc(Failure(StatusCode.NOT_FOUND, status=status))
    assert error.reason is Reason.NOT_FOUND


def packed(info: error_details_pb2.ErrorInfo, *more: Any) -> bytes:
    """Return a status with details."""
    status = status_pb2.Status(code=9)
    status.details.add().Pack(info)
    status.details.extend(more)
    result: bytes = status.SerializeToString()
    return result


def test_reasons_of_others_are_not_ours() -> None:
    """A reason of another domain, or one that this version does not know, is not believed."""
    for domain, reason in [("elsewhere", "FORK"), ("deltacare", "NEW_REASON")]:
        info = error_details_pb2.ErrorInfo(domain=domain, reason=reason)
        error = from_rpc(Failure(StatusCode.FAILED_PRECONDITION, status=packed(info)))
        assert error.reason is Reason.RULE_REFUSED


def test_fields_of_a_standard_server() -> None:
    """Fields that come only in the standard's form are kept as well as it has them."""
    bad = error_details_pb2.BadRequest()
    bad.field_violations.add(field="a.b", description="It is wrong.")
    detail = Any()
    detail.Pack(bad)
    info = error_details_pb2.ErrorInfo(domain="deltacare", reason="INVALID_FIELD")
    error = from_rpc(Failure(StatusCode.INVALID_ARGUMENT, status=packed(info, detail)))
    assert [(v.field, v.value, v.description) for v in error.violations] == [
        ("a.b", "", "It is wrong.")
    ]
