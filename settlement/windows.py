"""Windows of statements: the whole day, week or month that a date lies in.

Pure, and one rule for the node and for the clerk who asks. A night belongs to the window that holds
its business date, whatever the hour at which it was closed, so two who count come to the same. What
is a window is decided here; which nights are agreed is not.
"""

import enum
from calendar import monthrange
from datetime import date, timedelta

__all__ = ["WindowKind", "is_window", "window_of"]

_WEEK_DAYS = 7


class WindowKind(enum.Enum):
    """How long a window is, by the numbers of the contract's ``StatementWindow``."""

    DAY = 1
    WEEK = 2
    MONTH = 3


def window_of(kind: WindowKind, day: date) -> tuple[date, date]:
    """Return the first and the last date of the window that a date lies in.

    Args:
        kind: How long; a week begins on Monday.
        day: Any date of it.
    """
    if kind is WindowKind.DAY:
        return day, day
    if kind is WindowKind.WEEK:
        first = day - timedelta(days=day.weekday())
        return first, first + timedelta(days=_WEEK_DAYS - 1)
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def is_window(kind: WindowKind, first: date, last: date) -> bool:
    """Whether two dates are the ends of one whole window."""
    return window_of(kind, first) == (first, last)
