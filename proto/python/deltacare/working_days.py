"""Working days by the State Council's calendar: weekends, statutory holidays, and days moved.

Each year's arrangement is a notice of the General Office of the State Council, published in the
autumn before; it is data here, one block a year. A year whose notice is not here has no answer: a
deadline that nobody could know yet is not guessed. Weekends alone would give a wrong day in most
weeks of January, May and October.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

__all__ = [
    "CALENDARS",
    "YearCalendar",
    "add_working_days",
    "is_working_day",
    "missing_year",
    "next_working_day",
    "working_days_after",
]

_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class YearCalendar:
    """The arrangement of one year.

    Attributes:
        notice: Number of the State Council's notice.
        holidays: Days off, weekends inside a holiday included.
        workdays: Saturdays and Sundays on which people work in exchange.
    """

    notice: str
    holidays: frozenset[date]
    workdays: frozenset[date]


def _days(year: int, text: str) -> frozenset[date]:
    """Return the days of a text such as ``0501-0505 1001``: month and day, both ends included."""
    found: set[date] = set()
    for run in text.split():
        first, _, last = run.partition("-")
        day = date(year, int(first[:2]), int(first[2:]))
        end = date(year, int((last or first)[:2]), int((last or first)[2:]))
        while day <= end:
            found.add(day)
            day += _ONE_DAY
    return frozenset(found)


def _year(year: int, notice: str, *, holidays: str, workdays: str) -> tuple[int, YearCalendar]:
    calendar = YearCalendar(
        notice=notice, holidays=_days(year, holidays), workdays=_days(year, workdays)
    )
    return year, calendar


CALENDARS: Mapping[int, YearCalendar] = MappingProxyType(
    dict(
        (
            _year(
                2024,
                "国办发明电〔2023〕7号",
                holidays="0101 0210-0217 0404-0406 0501-0505 0610 0915-0917 1001-1007",
                workdays="0204 0218 0407 0428 0511 0914 0929 1012",
            ),
            _year(
                2025,
                "国办发明电〔2024〕12号",
                holidays="0101 0128-0204 0404-0406 0501-0505 0531-0602 1001-1008",
                workdays="0126 0208 0427 0928 1011",
            ),
            _year(
                2026,
                "国办发明电〔2025〕7号",
                holidays="0101-0103 0215-0223 0404-0406 0501-0505 0619-0621 0925-0927 1001-1007",
                workdays="0104 0214 0228 0509 0920 1010",
            ),
        )
    )
)
"""The years whose notice was published."""


def is_working_day(day: date) -> bool | None:
    """Whether people work on a day; ``None`` if the calendar of its year is not published."""
    calendar = CALENDARS.get(day.year)
    if calendar is None:
        return None
    if day.weekday() >= _SATURDAY:
        return day in calendar.workdays
    return day not in calendar.holidays


def add_working_days(day: date, count: int) -> date | None:
    """Return the last day of a term of working days; the day itself is not counted.

    Args:
        day: From when the term runs; it need not be a working day.
        count: How many working days, 1 or more.

    Returns:
        ``None`` if the term runs into a year whose calendar is not published.
    """
    assert count > 0, "a term has a length"
    while count:
        day += _ONE_DAY
        works = is_working_day(day)
        if works is None:
            return None
        count -= works
    return day


def next_working_day(day: date) -> date:
    """Return a day itself if people work on it, else the next on which they do.

    A day of a year whose calendar is not published is returned as it is: it is not known to be off.
    """
    while is_working_day(day) is False:
        day += _ONE_DAY
    return day


def missing_year(day: date, count: int) -> int:
    """Return the year without a calendar into which a term of working days runs; 0 if none is.

    Args:
        day: From when the term runs; it is not counted.
        count: How many working days, 1 or more.
    """
    last = day
    while (works := is_working_day(last + _ONE_DAY)) is not None:
        last += _ONE_DAY
        count -= works
        if not count:
            return 0
    return (last + _ONE_DAY).year


def working_days_after(last: date, today: date) -> tuple[int, int]:
    """Return how many working days lie after a last day, today included, and a missing year.

    Args:
        last: Last day of a term.
        today: The day on which it is asked; before the last day there are none.

    Returns:
        The working days of the years whose calendar is published, and the first year on the way
        whose calendar is not, 0 if all are: then there are at least so many.
    """
    count = 0
    while last < today:
        last += _ONE_DAY
        works = is_working_day(last)
        if works is None:
            return count, last.year
        count += works
    return count, 0
