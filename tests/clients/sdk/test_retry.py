"""Tests of when a call is tried again."""

from uuid import UUID

from clients.sdk.retry import NO_RETRY, RetryPolicy, request_id
from deltacare.errors import Reason, Refusal, Unavailable
from tests.support.ports import SeededEntropy

POLICY = RetryPolicy(attempts_max=4, delay_first_s=0.1, delay_max_s=0.3)
OVERLOADED = Unavailable(Reason.OVERLOADED, "Later.")


def delays(jitter: float) -> list[float | None]:
    """Return the waits of a policy, attempt by attempt."""
    return [
        POLICY.delay_s(OVERLOADED, attempt=attempt, left_s=None, jitter=jitter)
        for attempt in range(1, 5)
    ]


def test_back_off_doubles_up_to_its_limit() -> None:
    """Waits double, are capped, and end with the attempts."""
    assert delays(1.0) == [0.1, 0.2, 0.3, None]


def test_jitter_shortens_by_up_to_half() -> None:
    """Jitter spreads clients over the second half of the wait."""
    assert delays(0.0) == [0.05, 0.1, 0.15, None]


def test_only_what_can_help() -> None:
    """What the reason says cannot succeed later is not tried again."""
    for reason in Reason:
        delay_s = POLICY.delay_s(Refusal(reason, ""), attempt=1, left_s=None, jitter=1)
        assert (delay_s is not None) is reason.retryable


def test_stated_delay_is_kept() -> None:
    """A node that says when to come back is not asked before."""
    error = Unavailable(Reason.RATE_LIMITED, "Later.", details={"retry_after_ms": "1500"})
    assert POLICY.delay_s(error, attempt=1, left_s=None, jitter=0) == 1.5
    soon = Unavailable(Reason.RATE_LIMITED, "Later.", details={"retry_after_ms": "1"})
    assert POLICY.delay_s(soon, attempt=1, left_s=None, jitter=1) == 0.1


def test_not_beyond_the_callers_time() -> None:
    """A wait that would use up the time is not begun."""
    assert POLICY.delay_s(OVERLOADED, attempt=1, left_s=0.1, jitter=1) is None
    assert POLICY.delay_s(OVERLOADED, attempt=1, left_s=0.11, jitter=1) == 0.1


def test_no_retry() -> None:
    """One attempt is one attempt."""
    assert NO_RETRY.delay_s(OVERLOADED, attempt=1, left_s=None, jitter=1) is None


def test_request_id() -> None:
    """A request id is a random UUID, as the entropy that is given has it."""
    entropy = SeededEntropy("request")
    first, second = request_id(entropy.token), request_id(entropy.token)
    assert first == request_id(SeededEntropy("request").token)
    assert first != second
    assert UUID(first).version == 4
    assert request_id() != request_id()
