"""Tests of working days, against an independent package of the same notices."""

from datetime import date, timedelta

import chinese_calendar
import pytest

from deltacare.working_days import CALENDARS, add_working_days, is_working_day, next_working_day


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_every_day_is_what_an_independent_package_says(year: int) -> None:
    """The PyPI package chinesecalendar reads the same notices: each day of the year agrees."""
    day = date(year, 1, 1)
    wrong = []
    while day.year == year:
        if is_working_day(day) is not chinese_calendar.is_workday(day):
            wrong.append(day.isoformat())
        day += timedelta(days=1)
    assert wrong == []


def test_days_moved_are_weekends_and_lie_outside_holidays() -> None:
    """A day on which people work in exchange is a Saturday or Sunday, and no holiday."""
    for year, calendar in CALENDARS.items():
        assert all(day.weekday() >= 5 for day in calendar.workdays)
        assert not calendar.workdays & calendar.holidays
        assert {year} == {day.year for day in calendar.workdays | calendar.holidays}
        assert calendar.notice.startswith("国办发明电")


@pytest.mark.parametrize(
    "day, count, expected",
    [
        # A week without holidays.
        (date(2026, 11, 2), 1, date(2026, 11, 3)),
        (date(2026, 11, 2), 10, date(2026, 11, 16)),
        # From a Saturday: Monday is the first.
        (date(2026, 11, 7), 1, date(2026, 11, 9)),
        # Over the National Day holiday, with a Saturday on which people work.
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        # Over the new year into a year that is there, and into one that is not.
        (date(2025, 12, 31), 1, date(2026, 1, 4)),
        (date(2026, 12, 30), 1, date(2026, 12, 31)),
        (date(2026, 12, 30), 2, None),
        (date(2030, 6, 1), 1, None),
    ],
)
def test_terms(day: date, count: int, expected: date | None) -> None:
    """The day itself is not counted; a year that is not published is said, never guessed."""
    assert expected == add_working_days(day, count)


def test_a_year_that_is_not_published() -> None:
    """Nothing is said of it, not even of its Sundays."""
    assert is_working_day(date(2023, 12, 31)) is None
    assert is_working_day(date(2027, 1, 4)) is None


@pytest.mark.parametrize(
    "day, expected",
    [
        (date(2026, 10, 1), date(2026, 10, 8)),
        (date(2026, 10, 10), date(2026, 10, 10)),
        (date(2026, 11, 21), date(2026, 11, 23)),
        (date(2026, 11, 23), date(2026, 11, 23)),
        (date(2027, 1, 1), date(2027, 1, 1)),
    ],
)
def test_the_next_working_day(day: date, expected: date) -> None:
    """A day off is moved; of a year that is not published no day is known to be one."""
    assert expected == next_working_day(day)
