"""Months that close: on which day something is booked, and what a closed month's books rest on.

A month closes over the entries that its author held then, log by log. What rests on nothing else is
booked on its own day for ever; whatever becomes known later is booked on the first day of the month
that was open when it became known, is late, and names the day on which it happened. So a closed
month's journal can be worked out again years later, whatever came after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deltacare.times import ServiceMonth
from settlement.books.events import Event

__all__ = ["ClosedMonth", "book_date", "next_month", "open_month"]

_MONTH_CHARS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedMonth:
    """A month that was closed.

    Attributes:
        month: `YYYY-MM`.
        log_ends: By log, how many of its entries the books of the month took in.
    """

    month: str
    log_ends: Mapping[str, int]

    def has(self, event: Event) -> bool:
        """Whether every entry that an event rests on was taken in."""
        return all(each.index < self.log_ends.get(each.log, 0) for each in event.sources)


def next_month(month: str) -> str:
    """Return the month after one."""
    return str(ServiceMonth.parse(month).next())


def open_month(first_month: str, closed: Sequence[ClosedMonth]) -> str:
    """Return the month that is open: the next one to close."""
    return next_month(closed[-1].month) if closed else first_month


def book_date(event: Event, *, first_month: str, closed: Sequence[ClosedMonth]) -> tuple[str, bool]:
    """Return the day on which an event is booked, and whether that is late.

    What happened before the books began is booked on their first day.

    Args:
        event: What happened.
        first_month: `YYYY-MM` in which the books begin.
        closed: Months closed, in order, the first one first.
    """
    day = max(event.event_date, f"{first_month}-01")
    month = day[:_MONTH_CHARS]
    for each in closed:
        if each.month >= month and each.has(event):
            return (day, False) if each.month == month else (f"{each.month}-01", True)
    current = open_month(first_month, closed)
    return (day, False) if month >= current else (f"{current}-01", True)
