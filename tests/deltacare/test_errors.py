"""Reasons, refusals and the collector of violations."""

import pytest

from deltacare.errors import (
    DeltacareError,
    Kind,
    PeerFault,
    Reason,
    Refusal,
    Unavailable,
    ViolationCollector,
    invalid_field,
)
from deltacare.ids import parse_province, parse_request_id


def test_reasons_stand_in_order_of_precedence() -> None:
    """The ranks count up without gaps in the order of definition."""
    assert list(range(1, len(Reason) + 1)) == [reason.rank for reason in Reason]


@pytest.mark.parametrize(
    "reason",
    [
        Reason.SHUTTING_DOWN,
        Reason.OVERLOADED,
        Reason.RATE_LIMITED,
        Reason.LOG_NOT_CONFIRMED,
        Reason.NO_QUORUM,
        Reason.STALE,
        Reason.PEER_UNREACHABLE,
        Reason.DEADLINE_EXCEEDED,
    ],
)
def test_what_passes_is_retryable(reason: Reason) -> None:
    """An outage, a limit or a missing confirmation passes."""
    assert reason.retryable
    assert Unavailable(reason, "later").retryable


def test_nothing_else_is_retryable() -> None:
    """A refusal stays one; exactly eight reasons invite a retry."""
    assert 8 == sum(reason.retryable for reason in Reason)
    assert not Reason.RULE_REFUSED.retryable


def test_every_kind_but_none_is_used() -> None:
    """No kind stands there for nothing."""
    assert set(Kind) == {reason.kind for reason in Reason}


def test_one_base_and_three_faults() -> None:
    """Whose fault it is can be told by type; all have one base."""
    for error in (Refusal, PeerFault, Unavailable):
        assert issubclass(error, DeltacareError)


def test_an_error_shows_reason_and_message() -> None:
    """The text of an error names the wire reason first."""
    error = PeerFault(Reason.FORK, "two histories", details={"log": "x"})
    assert "FORK: two histories" == str(error)
    assert {"log": "x"} == dict(error.details)


def test_a_long_value_is_shortened() -> None:
    """A refusal does not carry a megabyte back."""
    (violation,) = invalid_field("name", "x" * 10_000, "Too long.").violations
    assert 120 == len(violation.value)


def test_the_collector_reports_every_field() -> None:
    """Two bad fields of one call come back in one refusal, the good one parsed."""
    bad = ViolationCollector()
    assert bad.take(parse_province, "310000") == "310000"
    assert bad.take(parse_province, "3100", field="home") is None
    assert bad.take(parse_request_id, "nonsense", field="request_id") is None
    with pytest.raises(Refusal) as caught:
        bad.raise_if_any()
    assert Reason.INVALID_FIELD is caught.value.reason
    assert ["home", "request_id"] == [v.field for v in caught.value.violations]
    assert "2" == caught.value.details["violations"]


def test_an_empty_collector_says_nothing() -> None:
    """Without violations nothing is raised."""
    ViolationCollector().raise_if_any()


def test_the_collector_keeps_a_thousand_and_counts_the_rest() -> None:
    """A batch of bad records cannot grow an answer without bound."""
    bad = ViolationCollector()
    for index in range(1_500):
        bad.note(f"records[{index}]", "", "Bad.")
    assert 1_500 == bad.count
    assert 1_000 == len(bad.violations)


def test_the_collector_does_not_swallow_other_refusals() -> None:
    """A refusal without a field is no violation of one."""

    def refuse(text: str) -> str:
        raise Refusal(Reason.ROLE_NOT_ALLOWED, text)

    with pytest.raises(Refusal, match="ROLE_NOT_ALLOWED"):
        ViolationCollector().take(refuse, "no")
