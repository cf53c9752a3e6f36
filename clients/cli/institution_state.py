"""In which state an institution is, in words; of a state to come, from which day."""

from typing import Any

from clients.language import tr
from clients.plain import enum_name

__all__ = ["other_state", "state_words"]


def state_words(home: Any, day: str) -> str:  # noqa: ANN401  # an Institution
    """Return the state of an institution.

    Args:
        home: As its register states it.
        day: Today, as a date.
    """
    since = home.state_date
    later = since > day
    words = {
        "OPERATING": (
            tr(f"自 {since} 起运营", f"operates from {since}") if later else tr("运营", "operating")
        ),
        "SUSPENDED": (
            tr(f"自 {since} 起暂停服务", f"suspended from {since}")
            if later
            else tr("暂停服务", "suspended")
        ),
        "CLOSED": (
            tr(f"自 {since} 起关闭", f"closes on {since}") if later else tr("已关闭", "closed")
        ),
    }
    return words.get(enum_name(home, "state"), "")


def other_state(home: Any, day: str) -> str:  # noqa: ANN401  # an Institution
    """Return the state of an institution; empty if it operates, as most of them do."""
    is_usual = enum_name(home, "state") == "OPERATING" and home.state_date <= day
    return "" if is_usual else state_words(home, day)
