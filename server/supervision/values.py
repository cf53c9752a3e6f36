"""The values that the rules of supervision work on.

A history is all that a log says of one measure, each word with its place; a bar is what follows
from it on some days, as far as it counts. Nothing here reads or decides.
"""

import enum
from dataclasses import dataclass
from datetime import date

from server.registry.rulebook import Rule
from server.registry.values import EndSaid

__all__ = ["Bar", "Effect", "MeasureHistory", "MeasureState", "ReportSaid"]


class Effect(enum.IntEnum):
    """What a measure takes away; the numbers are those of ``MeasureEffect``."""

    UNLISTED = 2
    NOT_RECOGNISED = 3


class MeasureState(enum.IntEnum):
    """Where a measure stands on a day; the numbers are those of the contract."""

    PENDING = 1
    IN_FORCE = 2
    OVERDUE = 3
    MENDED = 4
    ENDED = 5
    LIFTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSaid:
    """What the author said of the mending that it had ordered.

    Attributes:
        index: place in the author's registry log.
        accepted: whether it is mended.
        report_date: day of the report.
        reason: code of the reason; may be empty when it is accepted.
    """

    index: int
    accepted: bool
    report_date: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureHistory:
    """A measure as taken and all that was ever said of it by its author.

    Attributes:
        measure_id: ``310000-M2026-4``.
        author: province that took it.
        index: place in the author's registry log.
        kind: value of ``MeasureKind``.
        institution_id: against whom, or empty.
        certificate_no: against the holder of which certificate, or empty; one of the two is given.
        from_date: first day.
        until_date: last day; ``None`` until it is lifted.
        due_date: last day for mending, of a rectification; else ``None``.
        reason: code of the reason.
        reports: in the order of the log.
        lifts: in the order of the log.
    """

    measure_id: str
    author: str
    index: int
    kind: int
    institution_id: str
    certificate_no: str
    from_date: date
    until_date: date | None
    due_date: date | None
    reason: str
    reports: tuple[ReportSaid, ...] = ()
    lifts: tuple[EndSaid, ...] = ()

    @property
    def subject(self) -> str:
        """The institution or the certificate that it is against."""
        return self.institution_id or self.certificate_no


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Days on which a measure takes something away.

    Attributes:
        effect: what.
        author: province that took the measure.
        index: place of the measure in the author's registry log.
        measure_id: the measure.
        from_date: first day.
        until_date: last day; ``None`` if there is none.
        reason: code of the measure's reason.
        rule: the numbered rule by which it does so.
        everywhere: whether it counts in every province; else in the author's alone.
    """

    effect: Effect
    author: str
    index: int
    measure_id: str
    from_date: date
    until_date: date | None
    reason: str
    rule: Rule
    everywhere: bool

    def holds(self, day: date) -> bool:
        """Whether a day lies in it."""
        return self.from_date <= day and (self.until_date is None or day <= self.until_date)

    def counts_in(self, province: str) -> bool:
        """Whether it counts in a province."""
        return self.everywhere or self.author == province
