"""The state of an institution in words, and when it is to come."""

import pytest

from clients.cli.institution_state import other_state, state_words
from clients.language import using_language
from deltacare.v1 import entry_pb2 as pb

TODAY = "2026-11-22"
OPERATING, SUSPENDED, CLOSED = (
    pb.INSTITUTION_STATE_OPERATING,
    pb.INSTITUTION_STATE_SUSPENDED,
    pb.INSTITUTION_STATE_CLOSED,
)


@pytest.mark.parametrize(
    "state, day, words, chinese",
    [
        (OPERATING, "", "operating", "运营"),
        (OPERATING, "2026-11-22", "operating", "运营"),
        (OPERATING, "2026-11-23", "operates from 2026-11-23", "自 2026-11-23 起运营"),
        (SUSPENDED, "", "suspended", "暂停服务"),
        (SUSPENDED, "2026-11-23", "suspended from 2026-11-23", "自 2026-11-23 起暂停服务"),
        (CLOSED, "", "closed", "已关闭"),
        (CLOSED, "2026-11-22", "closed", "已关闭"),
        (CLOSED, "2026-11-23", "closes on 2026-11-23", "自 2026-11-23 起关闭"),
    ],
)
def test_states(state: int, day: str, words: str, chinese: str) -> None:
    """What has begun is so; what has not says from when, in either language."""
    home = pb.Institution(state=pb.InstitutionState.ValueType(state), state_date=day)
    with using_language("en"):
        assert words == state_words(home, TODAY)
        assert ("" if words == "operating" else words) == other_state(home, TODAY)
    with using_language("zh"):
        assert chinese == state_words(home, TODAY)
