"""Who is enrolled, on which days and as what: what home stated, cut off where it ends.

One place for nights, computed amounts and budgets. An enrolment ends with its last day, with the
assessment that it rests on, or by a word of home, whichever is first; of several words the earliest
day counts. What follows for money is decided elsewhere.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, select

from deltacare.divisions import normalise_division
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import SettlementRecord
from server.registry.store import chunks
from server.settlement import tables

__all__ = [
    "HomeDivisions",
    "Standing",
    "StatedEnrolment",
    "deciding_enrolment",
    "stated_enrolments",
]

_REFS_ASKED_MAX = 10_000
Standing = tuple[str, str, str]
"""Home division, assessment scheme and grade: what an amount depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedEnrolment:
    """An enrolment as its home stated it, with the days that are left of it.

    Attributes:
        home: Home province.
        host: Host province.
        ref: Pseudonym of the elder.
        index: Place in home's log.
        standing: Home division, assessment scheme and grade.
        kinds: Kinds that may be settled.
        from_date: First day.
        until_date: Last day; empty means until ended.
    """

    home: str
    host: str
    ref: str
    index: int
    standing: Standing
    kinds: tuple[str, ...]
    from_date: str
    until_date: str

    def mask(self, month: ServiceMonth) -> int:
        """Return the days of a month on which it holds, as bits."""
        until_date = date.fromisoformat(self.until_date) if self.until_date else None
        return month.mask(date.fromisoformat(self.from_date), until_date)


def _last_days(
    connection: Connection, home: str, host: str, end_index: int | None, ids: Collection[str] | None
) -> Mapping[str, str]:
    """Return the last day of each enrolment that was ended, of some numbers or of all."""
    ends = tables.enrolment_end.c
    query = select(ends.enrolment_id, ends.effective_date).where(
        ends.author == home, ends.partner == host
    )
    if end_index is not None:
        query = query.where(ends.idx < end_index)
    asked = [query] if ids is None else [query.where(ends.enrolment_id.in_(x)) for x in chunks(ids)]
    found: dict[str, str] = {}
    for each in asked:
        for number, effective_date in connection.execute(each):
            last_day = (date.fromisoformat(effective_date) - timedelta(days=1)).isoformat()
            found[number] = min(last_day, found.get(number, last_day))
    return found


def stated_enrolments(
    connection: Connection,
    home: str,
    host: str,
    refs: Collection[str],
    *,
    end_index: int | None = None,
) -> Iterator[StatedEnrolment]:
    """Yield the enrolments of some elders with a host that still hold on any day.

    Args:
        connection: A snapshot.
        home: Who stated them.
        host: With whom.
        refs: Pseudonyms of the elders.
        end_index: Only what stands before this place of home's log; ``None``: all.
    """
    columns = tables.enrolment.c
    query = select(
        columns.idx,
        columns.enrolment_id,
        columns.beneficiary_ref,
        columns.home_division,
        columns.assessment_scheme,
        columns.assessment_grade,
        columns.subsidy_kinds,
        columns.from_date,
        columns.until_date,
        columns.assessment_until_date,
    ).where(columns.author == home, columns.partner == host)
    if end_index is not None:
        query = query.where(columns.idx < end_index)
    if len(refs) <= _REFS_ASKED_MAX:
        # A few elders are asked for by name; of many, all are read.
        asked = [query.where(columns.beneficiary_ref.in_(some)) for some in chunks(refs)]
        rows = [row for each in asked for row in connection.execute(each)]
        last_days = _last_days(connection, home, host, end_index, {row[1] for row in rows})
    else:
        rows = list(connection.execute(query))
        last_days = _last_days(connection, home, host, end_index, None)
    divisions: dict[str, str] = {}
    for index, number, ref, division, scheme, grade, kinds, from_date, *untils in rows:
        if ref not in refs:
            continue
        until_date = min(filter(None, (*untils, last_days.get(number, ""))), default="")
        if until_date and until_date < from_date:
            continue
        if division not in divisions:
            divisions[division] = normalise_division(division)
        yield StatedEnrolment(
            home=home,
            host=host,
            ref=ref,
            index=index,
            standing=(divisions[division], scheme, grade),
            kinds=tuple(kinds.split(" ")),
            from_date=from_date,
            until_date=until_date,
        )


class HomeDivisions:
    """Divisions in which elders are registered, as home had enrolled them at a place of its log.

    What a record is set against a budget by, fixed when home files it: an enrolment that comes
    later moves no money between budgets. An enrolment that has ended still tells.

    Args:
        rows: For each elder the division, kinds and first day of each enrolment, in their order.
    """

    def __init__(self, rows: Mapping[str, Sequence[tuple[str, str, str]]]) -> None:
        self._rows = rows

    @classmethod
    def load(
        cls, connection: Connection, home: str, host: str, refs: Collection[str], *, end_index: int
    ) -> "HomeDivisions":
        """Read what stands of some elders before a place of home's log."""
        columns = tables.enrolment.c
        query = (
            select(
                columns.beneficiary_ref,
                columns.home_division,
                columns.subsidy_kinds,
                columns.from_date,
            )
            .where(columns.author == home, columns.partner == host, columns.idx < end_index)
            .order_by(columns.idx)
        )
        found: dict[str, list[tuple[str, str, str]]] = {}
        for some in chunks(refs):
            for ref, *said in connection.execute(query.where(columns.beneficiary_ref.in_(some))):
                found.setdefault(ref, []).append((said[0], said[1], said[2]))
        return cls(found)

    def of(self, record: SettlementRecord) -> str | None:
        """Return the division for a record, ``None`` if its elder was not enrolled.

        Of several enrolments those for the kind count, or else all; of them the one with the latest
        first day not after the first of the month, or else the first to begin; of several, the last
        in the log.
        """
        stated = self._rows.get(record.beneficiary_ref, ())
        if len(stated) <= 1:
            return stated[0][0] if stated else None
        fitting = [each for each in stated if record.subsidy_kind in each[1].split(" ")] or stated
        first_day = f"{record.service_month}-01"
        begun = [from_date for _, _, from_date in fitting if from_date <= first_day]
        day = max(begun) if begun else min(from_date for _, _, from_date in fitting)
        return [division for division, _, from_date in fitting if from_date == day][-1]


def deciding_enrolment(
    stated: Iterable[StatedEnrolment], kind: str, month: ServiceMonth
) -> StatedEnrolment | None:
    """Return the enrolment of one elder that decides what a month's service comes to.

    Of those for the kind that hold on a day of the month, it is the one with the latest first day
    not after the first of the month; if none had begun by then, the one that began first; of
    several, the last in the log. The night says the same in `settlement.core.eligibility`.
    """
    holding = [each for each in stated if kind in each.kinds and each.mask(month)]
    begun = [each for each in holding if each.from_date <= month.first_date.isoformat()]
    if begun:
        return max(begun, key=lambda each: (each.from_date, each.index))
    first_day = min((each.from_date for each in holding), default="")
    first = [each for each in holding if each.from_date == first_day]
    return max(first, key=lambda each: each.index, default=None)
