"""A key and the time it counts for: from, until, and the instant from which it is called bad.

Keys are replaced while the service runs, so a member has several of one name in the course of
years. What was signed in a key's time stays verifiable by it; a key that its owner lost is declared
tainted, and then counts for nothing that an untainted quorum had not seen before. Keys of both
suites have the same windows and are never mixed: a policy of one names none of the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from deltacare.keys import VerifierKey
from deltacare.sm2 import Sm2VerifierKey

__all__ = ["KeyTerm", "SuiteTerm", "Term", "in_force"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """The window of a key.

    Attributes:
        from_time: The first instant at which it may sign.
        until_time: The first instant at which it may not; ``None`` while that is open.
        tainted_time: The instant from which its owner no longer answers for it; ``None`` if it
            was never called bad.
    """

    from_time: datetime
    until_time: datetime | None = None
    tainted_time: datetime | None = None

    def __post_init__(self) -> None:
        assert self.until_time is None or self.from_time < self.until_time, "a window is not empty"

    @property
    def is_tainted(self) -> bool:
        """Whether the key was called bad, whenever."""
        return self.tainted_time is not None

    def covers(self, instant: datetime) -> bool:
        """Whether an instant is in the key's window and before its taint."""
        if instant < self.from_time:
            return False
        if self.until_time is not None and instant >= self.until_time:
            return False
        return self.tainted_time is None or instant < self.tainted_time


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTerm(Term):
    """A key with its window.

    Attributes:
        key: The key.
    """

    key: VerifierKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteTerm(Term):
    """A key of the second suite with its window.

    Attributes:
        key: The key; of a log for notes, of a witness for cosignatures.
    """

    key: Sm2VerifierKey


T = TypeVar("T", bound=Term)


def in_force(terms: Iterable[T], at: datetime) -> tuple[T, ...]:
    """Return the keys that may sign at an instant, the one that came last first.

    A tainted key signs no more, whatever instant its taint names.
    """
    found = [term for term in terms if term.covers(at) and not term.is_tainted]
    return tuple(sorted(found, key=lambda term: term.from_time, reverse=True))
