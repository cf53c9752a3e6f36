"""The numbered rules, as values."""

from datetime import UTC, date, datetime

import pytest

from server.settlement import rules
from server.settlement.rules import Replaced


def test_rules_are_numbered_once_and_said_in_two_languages() -> None:
    """Codes ascend without a gap; a rule has its text in Chinese and English."""
    assert [f"S{number:02d}" for number in range(1, 33)] == [
        rule.code.partition("-")[0] for rule in rules.RULES
    ]
    assert all(rule.zh and rule.en for rule in rules.RULES)


def test_day_closes() -> None:
    """Only the open date is closed, and not before its end in Shanghai."""
    late = datetime(2026, 11, 1, 16, 0, tzinfo=UTC)
    early = datetime(2026, 11, 1, 15, 59, 59, tzinfo=UTC)
    assert rules.close_rule("2026-11-01", "2026-11-01", late) is None
    assert rules.CLOSE_TOO_EARLY is rules.close_rule("2026-11-01", "2026-11-01", early)
    for other in ("2026-10-31", "2026-11-02", "", "2026-11-1"):
        assert rules.CLOSE_OUT_OF_ORDER is rules.close_rule(other, "2026-11-01", late)


def test_open_dates() -> None:
    """The first open date is the opening date, and then the day after the last closed."""
    opening = date(2026, 11, 1)
    assert "2026-11-01" == rules.next_date(None, opening)
    assert "2027-01-01" == rules.next_date("2026-12-31", opening)


@pytest.mark.parametrize(
    "changes,expected",
    [
        ({}, None),
        ({"is_void": True}, rules.REPLACES_UNKNOWN),
        ({"settlement_no": "S2"}, rules.REPLACES_OTHER_KEY),
        ({"home": "310000"}, rules.REPLACES_OTHER_KEY),
        ({"closed_date": "2026-11-01"}, rules.REPLACES_CLOSED),
        ({"is_replaced": True}, rules.REPLACES_REPLACED),
    ],
)
def test_revisions(changes: dict[str, object], expected: object) -> None:
    """A revision names a standing, open record of its own key."""
    values = {
        "settlement_no": "S1",
        "home": "320000",
        "is_void": False,
        "is_replaced": False,
        "closed_date": None,
    }
    target = Replaced(**(values | changes))  # type: ignore[arg-type]  # as the class has them
    assert expected is rules.replacement_rule("S1", "320000", target)
    assert rules.REPLACES_UNKNOWN is rules.replacement_rule("S1", "320000", None)


def test_result_authors() -> None:
    """A pair's result is stated by one of its two members, the lower code first."""
    members = ("310000", "320000", "330000")
    assert rules.result_author_rule("310000", "310000", "320000", members) is None
    for author, lower, higher in (
        ("330000", "310000", "320000"),
        ("310000", "320000", "310000"),
        ("310000", "310000", "310000"),
        ("310000", "310000", "340000"),
    ):
        found = rules.result_author_rule(author, lower, higher, members)
        assert rules.RESULT_BY_STRANGER is found
