"""The values that watching works on: who watches, how far a log is held, where one goes on.

Nothing here reads or decides.
"""

from dataclasses import dataclass, replace
from datetime import date

__all__ = ["Cursor", "DayPlace", "Reached", "Watcher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Who watches what.

    Attributes:
        caller: opaque id.
        institution_id: only the list of this one; empty means all.
    """

    caller: str
    institution_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far a log is held.

    Attributes:
        size: entries verified.
        quorum_size: entries under a quorum.
        is_stalled: whether some of them are not projected, nobody here knows which.
    """

    size: int
    quorum_size: int
    is_stalled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a watcher goes on in a log.

    Attributes:
        next_index: of the next entry that restricts or adds.
        next_permit_index: of the next entry that permits.
        after: the last certificate told of the entry at ``next_index``, if a part of it was.
        after_permit: likewise of the entry at ``next_permit_index``.
    """

    next_index: int
    next_permit_index: int
    after: str = ""
    after_permit: str = ""

    def up_to(self, index: int, reached: Reached) -> "Cursor":
        """Return the cursor when everything due before an index has been told."""
        restrict = max(self.next_index, min(index, reached.size))
        permit = max(self.next_permit_index, min(index, reached.quorum_size))
        return Cursor(
            next_index=restrict,
            next_permit_index=permit,
            after=self.after if restrict == self.next_index else "",
            after_permit=self.after_permit if permit == self.next_permit_index else "",
        )

    def within(self, index: int, after: str, *, is_permit: bool, reached: Reached) -> "Cursor":
        """Return the cursor when an entry has been told in part, after all that was due before."""
        cursor = self.up_to(index, reached)
        if is_permit:
            return replace(cursor, after_permit=after)
        return replace(cursor, after=after)

    def covers(self, reached: Reached) -> bool:
        """Whether everything that was held then has been told."""
        return self.next_index >= reached.size and self.next_permit_index >= reached.quorum_size

    def part_told(self, index: int, *, is_permit: bool) -> str:
        """Return the last certificate told of an entry, empty if none of it was."""
        if is_permit:
            return self.after_permit if index == self.next_permit_index else ""
        return self.after if index == self.next_index else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayPlace:
    """Where a watcher goes on in the days.

    Attributes:
        told_date: last day of which everything was told.
        next_date: the day that was told in part; ``None`` if none was.
        after: the last certificate that was compared for it.
    """

    told_date: date
    next_date: date | None = None
    after: str = ""

    def due(self, today: date) -> date | None:
        """Return the day to tell of; ``None`` if none has come since, by whatever clock."""
        day = self.next_date or today
        return day if self.told_date < day <= today else None

    def within(self, day: date, after: str) -> "DayPlace":
        """Return the place when a day has been told up to a certificate."""
        return replace(self, next_date=day, after=after)

    def past(self, day: date) -> "DayPlace":
        """Return the place when a day has been told."""
        return DayPlace(told_date=day)
