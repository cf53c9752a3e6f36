"""Which checkpoint of an own log is out for cosigning: one at a time.

Pure: sizes and seconds in, a size out. The newest, once the last has its quorum or a second has
passed. One that ends in a day close is due: it is asked for before any later one, in order, and
stays out until it has its quorum, because a witness that has cosigned a later one can cosign it
no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Asked", "Pace", "next_asked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is out for cosigning.

    Attributes:
        size: of the checkpoint.
        since_s: when it was first asked for, by a monotonic clock.
    """

    size: int
    since_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What there is to choose from.

    Attributes:
        head_size: size of the newest checkpoint; 0 if there is none, or it covers nothing.
        quorum_size: size of the newest checkpoint with its quorum; 0 if there is none.
        due_sizes: those that must be cosigned and have no quorum yet, ascending.
        pace_s: seconds after which one without its quorum is overtaken.
    """

    head_size: int
    quorum_size: int
    due_sizes: Sequence[int]
    pace_s: float


def next_asked(pace: Pace, asked: Asked | None, now_s: float) -> Asked | None:
    """Return what is to be out for cosigning now; ``None`` if nothing needs to be."""
    # 1. What is due comes first, in order.
    if pace.due_sizes:
        size = pace.due_sizes[0]
        return asked if asked is not None and asked.size == size else _at(size, now_s)
    # 2. Nothing to ask for, or the newest has its quorum.
    if pace.quorum_size >= pace.head_size:
        return None
    # 3. One at a time: what is out stays out until its quorum or its time has come.
    if asked is not None:
        has_quorum = pace.quorum_size >= asked.size
        if not has_quorum and now_s < asked.since_s + pace.pace_s:
            return asked
        if asked.size == pace.head_size:
            return asked
    return _at(pace.head_size, now_s)


def _at(size: int, now_s: float) -> Asked:
    return Asked(size=size, since_s=now_s)
