"""Which key of an issuer signs on which day, by what its log states.

The last word on a key's id counts. A key signs from its first day to its last; one without a last
day signs until another key's first day, that day included, so that a replacement leaves no gap. A
last day before the first withdraws a key whole: nothing it ever signed counts, whatever date a
thief wrote into it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

__all__ = ["KeyStated", "KeyWindow", "key_windows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStated:
    """What one entry states of a key.

    Attributes:
        index: Place in the issuer's registry log.
        key_id: Name of the key.
        public_key: SubjectPublicKeyInfo, DER.
        from_date: First day on which it signs.
        until_date: Last day; ``None`` until it is replaced.
    """

    index: int
    key_id: str
    public_key: bytes
    from_date: date
    until_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWindow:
    """A key and the days on which it signs.

    Attributes:
        stated: The entry that counts.
        until_date: Last day; ``None`` while nothing replaces it.
    """

    stated: KeyStated
    until_date: date | None

    @property
    def is_withdrawn(self) -> bool:
        """Whether it counts for nothing."""
        return self.until_date is not None and self.until_date < self.stated.from_date

    def covers(self, day: date) -> bool:
        """Whether it signs on a day."""
        return self.stated.from_date <= day and (self.until_date is None or day <= self.until_date)


def key_windows(stated: Iterable[KeyStated]) -> tuple[KeyWindow, ...]:
    """Return the keys of one issuer with their days, in the order of their entries.

    Args:
        stated: All entries of that issuer, in any order.
    """
    last: dict[str, KeyStated] = {}
    for each in sorted(stated, key=lambda each: each.index):
        last[each.key_id] = each
    found = []
    for each in sorted(last.values(), key=lambda each: each.index):
        until = each.until_date
        if until is None:
            successors = [
                other.from_date
                for other in last.values()
                if (other.from_date, other.index) > (each.from_date, each.index)
                and not (other.until_date is not None and other.until_date < other.from_date)
            ]
            until = min(successors, default=None)
        found.append(KeyWindow(stated=each, until_date=until))
    return tuple(found)
