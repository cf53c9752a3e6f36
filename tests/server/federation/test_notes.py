"""Whose clock is wrong, by what partners say of the time."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from deltacare.v1.federation_service_pb2 import GetTrustStatusResponse
from server.federation.notes import TrustNotes
from tests.support.ports import START_TIME

DAYS = 3 * 86_400


@pytest.mark.parametrize(
    "ahead_s, expected",
    [
        ((), False),
        ((0, 0, 0), False),
        ((-DAYS, -DAYS, -DAYS), True),
        ((DAYS, DAYS, DAYS), True),
        ((-DAYS, -DAYS, 0), True),
        # Of two clocks nobody knows which is wrong; most decide, and all of one mind.
        ((-DAYS,), False),
        ((-DAYS, 0), False),
        ((-DAYS, 0, 0), False),
        ((-DAYS, DAYS), False),
        # As much as is believed of a signature.
        ((-300, -300, -300), False),
        ((-301, -301, -301), True),
    ],
)
def test_whose_clock_is_off(ahead_s: Sequence[int], *, expected: bool) -> None:
    """Two partners at least, and most of those that answered lately."""
    notes = TrustNotes(alarm_s=1, avoid_s=1)
    for number, each in enumerate(ahead_s):
        stated = Timestamp()
        stated.FromDatetime(START_TIME + timedelta(seconds=each))
        answer = GetTrustStatusResponse(now_time=stated)
        notes.answered(f"3{number}0000", answer, START_TIME)
    assert expected is notes.is_clock_off(START_TIME)
    # What was said long ago, or before the clock was set back, says nothing.
    assert not notes.is_clock_off(START_TIME + timedelta(minutes=11))
    assert not notes.is_clock_off(START_TIME - timedelta(days=3))
