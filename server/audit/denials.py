"""Counts denials that are alike, so that a flood of them is a few entries. Pure: no clock, no I/O.

What is counted is bounded: beyond so many kinds within a window only provinces, rules and reasons
are told apart. Whom a certificate does not name is counted by cause alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from deltacare.ids import Principal
from deltacare.v1.entry_pb2 import AccessDenied
from server.edge.audit import Denial

__all__ = ["KINDS_MAX", "WINDOW_DURATION", "Counted", "Denials"]

WINDOW_DURATION = timedelta(minutes=1)
KINDS_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Denials that are alike.

    Attributes:
        denial: What they have in common.
        count: How many.
        first_time: When the first of them came.
        last_time: When the last of them came.
    """

    denial: Denial
    count: int
    first_time: datetime
    last_time: datetime

    def with_more(self, other: "Counted") -> "Counted":
        """Return these and others together."""
        return replace(
            self,
            count=self.count + other.count,
            first_time=min(self.first_time, other.first_time),
            last_time=max(self.last_time, other.last_time),
        )

    def to_body(self) -> AccessDenied:
        """Return them as the contract has them."""
        denial, caller = self.denial, self.denial.caller
        body = AccessDenied(
            province=caller.province if caller else "",
            role=caller.role if caller else "",
            principal=caller.opaque_id if caller else "",
            method=denial.method,
            purpose=denial.purpose or "",
            rule=denial.rule,
            reason=denial.reason,
            cause=denial.cause,
            count=self.count,
        )
        body.first_time.FromDatetime(self.first_time)
        body.last_time.FromDatetime(self.last_time)
        return body


class Denials:
    """The denials of the present window.

    Args:
        window_duration: How long alike ones are counted together.
        kinds_max: How many kinds are told apart.
    """

    def __init__(
        self, *, window_duration: timedelta = WINDOW_DURATION, kinds_max: int = KINDS_MAX
    ) -> None:
        self._window_duration = window_duration
        self._kinds_max = kinds_max
        self._counted: dict[Denial, Counted] = {}

    def __len__(self) -> int:
        return len(self._counted)

    def add(self, denial: Denial, now: datetime) -> None:
        """Count a denial."""
        self._add(Counted(denial=denial, count=1, first_time=now, last_time=now))

    def give_back(self, counted: Iterable[Counted]) -> None:
        """Count again what was taken and could not be kept."""
        for each in counted:
            self._add(each)

    def take_due(self, now: datetime) -> Sequence[Counted]:
        """Return and forget what was counted, once its window is over; nothing before that."""
        begun = min((each.first_time for each in self._counted.values()), default=None)
        if begun is None or now - begun < self._window_duration:
            return ()
        return self.take()

    def take(self) -> Sequence[Counted]:
        """Return and forget what was counted."""
        taken, self._counted = tuple(self._counted.values()), {}
        return taken

    def _add(self, new: Counted) -> None:
        denial = new.denial
        if denial.caller is None:
            denial = replace(denial, method="")
        known = self._counted.get(denial)
        if known is None and len(self._counted) >= self._kinds_max:
            denial = _folded(denial)
            known = self._counted.get(denial)
        new = replace(new, denial=denial)
        self._counted[denial] = new if known is None else known.with_more(new)


def _folded(denial: Denial) -> Denial:
    """Return a denial without what a caller can vary at will."""
    caller = denial.caller
    nobody = Principal(province=caller.province, role="", opaque_id="") if caller else None
    return replace(denial, caller=nobody, method="", purpose=None)
