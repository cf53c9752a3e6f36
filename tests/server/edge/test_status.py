"""Tests of errors on the wire: there and back, and what is held back."""

from collections.abc import Iterable

import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from clients.sdk.errors import DETAILS_BYTES_KEY, DETAILS_BYTES_MAX, DETAILS_KEY, from_rpc
from deltacare.errors import (
    DeltacareError,
    FieldViolation,
    Kind,
    PeerFault,
    Reason,
    Refusal,
    Unavailable,
)
from server.edge.status import (
    DETAILS_BYTES_DEFAULT,
    WireError,
    code_of,
    details_limit,
    to_wire,
)


class Failure:
    """What gRPC raises at a client, made of what the edge sent."""

    def __init__(self, wire: WireError) -> None:
        self.wire = wire

    def code(self) -> StatusCode:
        """Return the code."""
        return self.wire.code

    def details(self) -> str:
        """Return the message."""
        return self.wire.message

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]]:
        """Return the details."""
        return ((DETAILS_KEY, self.wire.details),)


def round_trip(error: Exception, *, bytes_max: int = DETAILS_BYTES_MAX) -> DeltacareError:
    """Return what a client of ours makes of an error."""
    return from_rpc(Failure(to_wire(error, request_id="r-1", details_bytes_max=bytes_max)))


def violations(count: int) -> tuple[FieldViolation, ...]:
    """Return some refused fields."""
    return tuple(
        FieldViolation(
            field=f"records[{n}].amount_fen",
            value=f"-{n}",
            description="The amount is negative.",
            remedy="Write a whole number of fen.",
        )
        for n in range(count)
    )


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_travels(reason: Reason) -> None:
    """Each reason comes back as itself, as an error that passes where it is retryable."""
    back = round_trip(DeltacareError(reason, "It is so.", details={"log": "a/b"}))
    assert back.reason is reason
    assert back.message == "It is so."
    assert dict(back.details) == {"log": "a/b", "request_id": "r-1"}
    passing = (Kind.UNAVAILABLE, Kind.EXHAUSTED, Kind.DEADLINE)
    assert isinstance(back, Unavailable) is (reason.retryable and reason.kind in passing)
    assert isinstance(back, Refusal | Unavailable) is (reason.kind is not Kind.INTERNAL)


def test_codes_of_the_contract() -> None:
    """Where the contract's comments name a code, that code is sent."""
    assert code_of(Refusal(Reason.BAD_SIGNATURE, "")) is StatusCode.INVALID_ARGUMENT
    assert code_of(PeerFault(Reason.BAD_SIGNATURE, "")) is StatusCode.FAILED_PRECONDITION
    assert code_of(Refusal(Reason.NO_QUORUM, "")) is StatusCode.FAILED_PRECONDITION
    assert code_of(Unavailable(Reason.NO_QUORUM, "")) is StatusCode.UNAVAILABLE
    assert code_of(Refusal(Reason.REQUEST_ID_REUSED, "")) is StatusCode.ALREADY_EXISTS
    assert code_of(Refusal(Reason.ROLE_NOT_ALLOWED, "")) is StatusCode.PERMISSION_DENIED


def test_all_violations_travel() -> None:
    """A thousand refused fields come back whole, with value and remedy."""
    sent = violations(1_000)
    back = round_trip(Refusal(Reason.INVALID_FIELD, "Fields.", violations=sent))
    assert back.violations == sent


def test_standard_clients_see_fields() -> None:
    """The standard's own message names field and fault for clients that know nothing of ours."""
    wire = to_wire(
        Refusal(Reason.INVALID_FIELD, "Fields.", violations=violations(2)), request_id="r-1"
    )
    status = status_pb2.Status.FromString(wire.details)
    assert status.code == StatusCode.INVALID_ARGUMENT.value[0]
    bad = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad) for detail in status.details if detail.Is(bad.DESCRIPTOR))
    assert [(v.field, v.description) for v in bad.field_violations] == [
        (f"records[{n}].amount_fen", "The amount is negative. Write a whole number of fen.")
        for n in range(2)
    ]


def test_details_fit_the_callers_limit() -> None:
    """For a client that takes little, what does not fit is counted instead of sent."""
    sent = violations(1_000)
    error = Refusal(Reason.INVALID_FIELD, "Fields.", violations=sent)
    wire = to_wire(error, request_id="r-1")
    assert len(wire.details) <= DETAILS_BYTES_DEFAULT
    back = from_rpc(Failure(wire))
    assert back.details["violations"] == "1000"
    shown = int(back.details["violations_shown"])
    assert shown > 10
    assert back.violations == sent[:shown]


def test_surprise_says_nothing() -> None:
    """Of an unexpected exception nothing leaves but the id under which it is logged."""
    back = round_trip(ValueError("holder 'secret' in row 7"))
    assert back.reason is Reason.INTERNAL
    assert type(back) is DeltacareError
    assert "secret" not in str(back)
    assert "r-1" in back.message


def test_long_texts_are_cut() -> None:
    """A message or detail that is too long is cut, so that the status is always sent."""
    wire = to_wire(
        Refusal(Reason.NOT_FOUND, "x" * 10_000, details={"what": "y" * 10_000}), request_id="r-1"
    )
    assert len(wire.details) <= DETAILS_BYTES_DEFAULT
    assert from_rpc(Failure(wire)).details["what"].startswith("yyy")


def test_retry_info() -> None:
    """When to come back travels as the standard's RetryInfo and comes back in milliseconds."""
    error = Unavailable(Reason.RATE_LIMITED, "Slow down.", details={"retry_after_ms": "250"})
    wire = to_wire(error, request_id="r-1")
    retry = error_details_pb2.RetryInfo()
    status = status_pb2.Status.FromString(wire.details)
    assert any(detail.Unpack(retry) for detail in status.details if detail.Is(retry.DESCRIPTOR))
    assert retry.retry_delay.ToMilliseconds() == 250
    assert from_rpc(Failure(wire)).details["retry_after_ms"] == "250"


@pytest.mark.parametrize(
    "value, expected",
    [
        ("100000", 100_000),
        ("1", DETAILS_BYTES_DEFAULT),
        ("99999999999", DETAILS_BYTES_MAX),
        ("many", DETAILS_BYTES_DEFAULT),
        (b"100000", DETAILS_BYTES_DEFAULT),
    ],
)
def test_limit_of_details(value: str | bytes, expected: int) -> None:
    """A caller may raise its limit of details, up to ours."""
    assert details_limit([("user-agent", "x"), (DETAILS_BYTES_KEY, value)]) == expected


def test_limit_of_details_unsaid() -> None:
    """Who says nothing gets what every client takes."""
    assert details_limit([]) == DETAILS_BYTES_DEFAULT
