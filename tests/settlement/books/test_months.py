"""Months that close: what is late, and that a closed month's books never change."""

from settlement.books.balances import month_books
from settlement.books.months import ClosedMonth, open_month
from tests.settlement.books.generated import HOME, HOST, booked, ordered, shown

ENDS = {f"deltacare/{HOME}/registry": 30, f"deltacare/{HOST}/registry": 30}
NOVEMBER = ClosedMonth(month="2026-11", log_ends=ENDS)
LAST = "2026-11-30"


def test_late() -> None:
    """What a closed month did not know is booked in the open one, and names its own day."""
    late = shown(31, 90_001, day="2026-11-11")
    line = booked(late, closed=(NOVEMBER,))[-1]
    assert ("2026-12-01", "2026-11-11", "DEBITED", True) == (
        line.book_date,
        line.event_date,
        line.event,
        line.late,
    )


def test_known_in_time() -> None:
    """What a closed month took in stays on its day."""
    line = booked(ordered(29, 90_001), closed=(NOVEMBER,))[-1]
    assert ("2026-11-10", False) == (line.book_date, line.late)


def test_late_by_two_months() -> None:
    """It goes to the month that was open when it became known, not to the newest."""
    december = ClosedMonth(month="2026-12", log_ends=dict.fromkeys(ENDS, 40))
    line = booked(shown(31, 5, day="2026-11-11"), closed=(NOVEMBER, december))[-1]
    assert "2026-12-01" == line.book_date
    line = booked(shown(41, 5, day="2026-11-11"), closed=(NOVEMBER, december))[-1]
    assert "2027-01-01" == line.book_date


def test_before_the_books_begin() -> None:
    """A budget set before the first month is booked on its first day, and is not late."""
    line = booked()[0]
    assert ("BUDGET", "2026-11-01", "2026-10-20", False) == (
        line.event,
        line.book_date,
        line.event_date,
        line.late,
    )


def test_closed_month_stays() -> None:
    """Whatever becomes known later, and whatever closes after, the month's digests are the same."""
    stated = month_books(booked(), "2026-11", LAST)
    december = ClosedMonth(month="2026-12", log_ends=dict.fromkeys(ENDS, 40))
    more = (
        shown(31, 90_001, day="2026-11-01"),
        shown(31, 90_001, by_payer=False, day="2026-11-30"),
        shown(45, 1, returned=True, day="2026-11-30"),
        ordered(44, 7, attempt=2, day="2026-12-31"),
    )
    for closed in ((NOVEMBER,), (NOVEMBER, december)):
        assert stated == month_books(booked(*more, closed=closed), "2026-11", LAST)
    assert stated != month_books(booked(*more), "2026-11", LAST)


def test_open_month() -> None:
    """The first month is open until it is closed, then the next; also over a year's end."""
    assert "2026-11" == open_month("2026-11", ())
    december = ClosedMonth(month="2026-12", log_ends=ENDS)
    assert "2027-01" == open_month("2026-11", (NOVEMBER, december))
