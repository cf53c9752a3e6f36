"""On which days a register says that an institution is closed.

Pure: values in, values out. What may be said of states is for ``rules``; what follows from a
closing is for the rooms above. A closing restricts and counts as far as a log was verified; coming
back permits and counts as far as a quorum cosigned it. An institution that is suspended is not
closed: it takes nobody in for now, and its standards and grades are what they were.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from server.registry.values import Reach

__all__ = ["Closing", "ClosingSaid", "closed_from_to", "closed_on", "closings", "closings_said"]

_ONE_DAY = timedelta(days=1)
# Of a log that is looked at as far as it goes.
_ALL = Reach(restrict_size=2**63 - 1, permit_size=2**63 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingSaid:
    """A statement by which a register closes an institution, or the first that opens it again.

    Attributes:
        index: place in the register's log.
        is_closed: whether it closes; else the institution comes back.
        from_date: first day of that; of a closing whose day the register has not, the day on which
            it was stated.
        reason: code of the reason; may be empty.
    """

    index: int
    is_closed: bool
    from_date: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """Days on which an institution is closed.

    Attributes:
        index: place of the statement in the register's log.
        from_date: first day.
        until_date: last day; ``None`` if there is none.
        reason: code of the reason; may be empty.
    """

    index: int
    from_date: date
    until_date: date | None
    reason: str

    def holds(self, day: date) -> bool:
        """Whether a day lies in it."""
        return self.from_date <= day and (self.until_date is None or day <= self.until_date)


def closings(said: Iterable[ClosingSaid], reach: Reach) -> tuple[Closing, ...]:
    """Return the days on which an institution is closed, as far as what was said counts.

    A closing that is said again for a later day gives no day back: only coming back does, with its
    day and reason (G17), and it ends every closing that was said before it.

    Args:
        said: of one institution.
        reach: of its register's log.

    Returns:
        In the order of the log; days may lie in several.
    """
    found: list[Closing] = []
    # The closings since it came back the last time.
    held: list[Closing] = []
    for word in sorted(said, key=lambda each: each.index):
        if word.is_closed and word.index < reach.restrict_size:
            held.append(
                Closing(
                    index=word.index, from_date=word.from_date, until_date=None, reason=word.reason
                )
            )
        elif not word.is_closed:
            last = word.from_date - _ONE_DAY if word.index < reach.permit_size else None
            found += [_until(each, last) for each in held if last is None or last >= each.from_date]
            held = []
    return (*found, *held)


def closings_said(said: Iterable[ClosingSaid]) -> tuple[Closing, ...]:
    """Return the days on which an institution is closed by all that its register said."""
    return closings(said, _ALL)


def _until(closing: Closing, last: date | None) -> Closing:
    """Return a closing that ends on a day."""
    return Closing(
        index=closing.index, from_date=closing.from_date, until_date=last, reason=closing.reason
    )


def closed_on(closings: Iterable[Closing], day: date) -> Closing | None:
    """Return the closing that holds a day; of several the one that was said first."""
    holding = (each for each in closings if each.holds(day))
    return min(holding, key=lambda each: each.index, default=None)


def closed_from_to(closings: Iterable[Closing], first: date, last: date | None) -> bool:
    """Whether an institution is closed on every day of some.

    Args:
        closings: of the institution.
        first: first day.
        last: last day; ``None`` if there is none.
    """
    known = tuple(closings)
    day = first
    while last is None or day <= last:
        ends = [each.until_date for each in known if each.holds(day)]
        if not ends:
            return False
        if any(end is None for end in ends):
            return True
        day = max(end for end in ends if end is not None) + _ONE_DAY
    return True
