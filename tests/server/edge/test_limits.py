"""Tests of what one caller may take: a bucket and two counters."""

import pytest

from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.ids import Principal
from server.edge.limits import Limits, Meter

CALLER = Principal(province="310000", role="clerk", opaque_id="id-1")
SAME_PERSON = Principal(province="310000", role="reviewer", opaque_id="id-1")
NAMESAKE = Principal(province="320000", role="clerk", opaque_id="id-1")
PEERS = [Principal(province="320000", role="peer", opaque_id=f"n{n}") for n in range(9)]
STRANGERS = [Principal(province="320000", role="clerk", opaque_id=f"c{n}") for n in range(9)]
OTHER_PEER = Principal(province="330000", role="peer", opaque_id="n0")


def meter_of(limits: Limits, *, callers_max: int = 10_000) -> Meter:
    """Return the meter of Shanghai's node."""
    return Meter(limits, province="310000", callers_max=callers_max)


def enter(meter: Meter, caller: Principal = CALLER, *, at_s: float = 0.0) -> None:
    """Begin a call and end it at once."""
    meter.leave(meter.enter(caller, is_stream=False, monotonic_s=at_s), is_stream=False)


def test_bucket_empties_and_fills() -> None:
    """A burst is let in, then calls at the rate, and the refusal says when to come back."""
    meter = meter_of(Limits(calls_per_s_max=10, burst_calls_max=3))
    for _ in range(3):
        enter(meter)
    with pytest.raises(Unavailable) as caught:
        enter(meter)
    assert caught.value.reason is Reason.RATE_LIMITED
    assert caught.value.details == {"calls_per_s_max": "10", "retry_after_ms": "100"}
    enter(meter, at_s=0.1)
    with pytest.raises(Unavailable):
        enter(meter, at_s=0.15)
    for _ in range(3):
        enter(meter, at_s=100.0)
    with pytest.raises(Unavailable):
        enter(meter, at_s=100.0)


def test_a_principal_is_its_id() -> None:
    """Two roles of one person share an allowance; the same id elsewhere is another person."""
    meter = meter_of(Limits(calls_per_s_max=1, burst_calls_max=1))
    enter(meter)
    with pytest.raises(Unavailable):
        enter(meter, SAME_PERSON)
    enter(meter, NAMESAKE)


def test_calls_at_once() -> None:
    """Calls that run are counted until they end, streams among them separately."""
    meter = meter_of(Limits(calls_at_once_max=3, streams_at_once_max=1))
    stream = meter.enter(CALLER, is_stream=True, monotonic_s=0)
    with pytest.raises(Unavailable) as caught:
        meter.enter(CALLER, is_stream=True, monotonic_s=0)
    assert caught.value.reason is Reason.OVERLOADED
    assert caught.value.details["streams_at_once_max"] == "1"
    calls = [meter.enter(CALLER, is_stream=False, monotonic_s=0) for _ in range(2)]
    with pytest.raises(Unavailable) as caught:
        meter.enter(CALLER, is_stream=False, monotonic_s=0)
    assert caught.value.details["calls_at_once_max"] == "3"
    meter.leave(calls[0], is_stream=False)
    enter(meter)
    meter.leave(stream, is_stream=True)
    meter.enter(CALLER, is_stream=True, monotonic_s=0)


def test_refused_calls_take_nothing() -> None:
    """A call that is not let in leaves no count behind."""
    meter = meter_of(Limits(calls_at_once_max=1, calls_per_s_max=1, burst_calls_max=2))
    running = meter.enter(CALLER, is_stream=False, monotonic_s=0)
    for _ in range(5):
        with pytest.raises(Unavailable, match="OVERLOADED"):
            meter.enter(CALLER, is_stream=False, monotonic_s=0)
    meter.leave(running, is_stream=False)
    enter(meter)


def test_callers_remembered_are_bounded() -> None:
    """Of many callers the longest idle is forgotten, never one whose call is running."""
    meter = meter_of(Limits(), callers_max=2)
    callers = [Principal(province="310000", role="clerk", opaque_id=f"c{n}") for n in range(5)]
    running = meter.enter(callers[0], is_stream=False, monotonic_s=0)
    for caller in callers[1:]:
        enter(meter, caller)
    assert list(meter._callers) == [("310000", "c0"), ("310000", "c4")]
    meter.leave(running, is_stream=False)
    assert running.calls == 0


def test_answer_too_large() -> None:
    """An answer beyond the limit is refused with the limit in bytes."""
    meter = meter_of(Limits(message_bytes_max=100))
    meter.check_message(100)
    with pytest.raises(Refusal) as caught:
        meter.check_message(101)
    assert caught.value.reason is Reason.TOO_LARGE
    assert caught.value.details == {"message_bytes_max": "100"}


def refused(meter: Meter, caller: Principal = CALLER, *, at_s: float = 0.0) -> None:
    """Deny a call of a caller."""
    meter.count_refused(caller, monotonic_s=at_s)


def test_a_role_has_one_bucket() -> None:
    """All callers of a role share it, whoever they are; another role does not feel it."""
    meter = meter_of(Limits(role_calls_per_s_max={"clerk": 3}))
    clerks = [Principal(province="310000", role="clerk", opaque_id=f"c{n}") for n in range(4)]
    for clerk in clerks[:3]:
        enter(meter, clerk)
    with pytest.raises(Unavailable) as caught:
        enter(meter, clerks[3])
    assert Reason.RATE_LIMITED is caught.value.reason
    assert {"role_calls_per_s_max": "3", "retry_after_ms": "333"} == caught.value.details
    enter(meter, Principal(province="310000", role="reviewer", opaque_id="c0"))
    enter(meter, clerks[3], at_s=0.34)
    with pytest.raises(Unavailable):
        enter(meter, clerks[3], at_s=0.35)


def test_a_call_that_its_role_has_no_room_for_costs_the_caller_nothing() -> None:
    """The bucket of the caller is as full as before."""
    meter = meter_of(
        Limits(role_calls_per_s_max={"clerk": 1}, calls_per_s_max=1, burst_calls_max=2)
    )
    enter(meter)
    for _ in range(5):
        with pytest.raises(Unavailable, match="role clerk"):
            enter(meter)
    enter(meter, SAME_PERSON)


def test_refused_again_and_again() -> None:
    """After so many denials no call of the caller is looked at, until time has passed."""
    meter = meter_of(Limits(refused_calls_per_min_max=60))
    for _ in range(59):
        refused(meter)
        meter.check_refused(CALLER, monotonic_s=0)
    refused(meter)
    with pytest.raises(Unavailable) as caught:
        meter.check_refused(SAME_PERSON, monotonic_s=0)
    assert Reason.RATE_LIMITED is caught.value.reason
    assert {"refused_calls_per_min_max": "60", "retry_after_ms": "1000"} == caught.value.details
    meter.check_refused(NAMESAKE, monotonic_s=0)
    meter.check_refused(CALLER, monotonic_s=1.0)
    refused(meter, at_s=1.0)
    with pytest.raises(Unavailable):
        meter.check_refused(CALLER, monotonic_s=1.5)
    meter.check_refused(CALLER, monotonic_s=60.0)


def test_denied_callers_remembered_are_bounded() -> None:
    """Whoever was denied longest ago is forgotten first."""
    meter = meter_of(Limits(), callers_max=2)
    for number in range(5):
        refused(meter, Principal(province="310000", role="clerk", opaque_id=f"c{number}"))
    assert [("310000", "c3"), ("310000", "c4")] == list(meter._refused)


def test_a_province_has_one_allowance_for_its_nodes() -> None:
    """However many names its CA issues, together they get what one gets; others do not feel it."""
    meter = meter_of(Limits(calls_per_s_max=1, burst_calls_max=2, streams_at_once_max=1))
    stream = meter.enter(PEERS[0], is_stream=True, monotonic_s=0)
    with pytest.raises(Unavailable, match="OVERLOADED"):
        meter.enter(PEERS[1], is_stream=True, monotonic_s=0)
    meter.leave(stream, is_stream=True)
    enter(meter, PEERS[2])
    for peer in PEERS:
        with pytest.raises(Unavailable, match="RATE_LIMITED"):
            enter(meter, peer)
    enter(meter, OTHER_PEER)
    enter(meter)
    assert 3 == len(meter._callers)


def test_callers_of_another_province_are_denied_as_one() -> None:
    """Names that its CA makes up get no more denials; its node is heard in spite of them."""
    meter = meter_of(Limits(refused_calls_per_min_max=3))
    for stranger in STRANGERS[:3]:
        refused(meter, stranger)
    with pytest.raises(Unavailable, match="RATE_LIMITED"):
        meter.check_refused(STRANGERS[4], monotonic_s=0)
    meter.check_refused(PEERS[0], monotonic_s=0)
    for peer in PEERS[:3]:
        refused(meter, peer)
    with pytest.raises(Unavailable, match="RATE_LIMITED"):
        meter.check_refused(PEERS[4], monotonic_s=0)
    meter.check_refused(OTHER_PEER, monotonic_s=0)
    meter.check_refused(CALLER, monotonic_s=0)
