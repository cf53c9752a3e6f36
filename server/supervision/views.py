"""Shows inspections and measures as the contract has them, with what follows from each on a day.

All that was verified is shown. Of what gives back (a report that something is mended, a lift) only
what a quorum cosigned changes where a measure stands; the own province's word needs none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, select

from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import Inspection, MeasureLift, RectificationReport, SupervisionMeasure
from deltacare.v1.supervision_service_pb2 import (
    MEASURE_EFFECT_RECORDED,
    MeasureEffect,
    StandingMeasure,
    StatedInspection,
)
from deltacare.v1.supervision_service_pb2 import MeasureState as StateShown
from deltacare.v1.types_pb2 import EntryRef
from server.registry.values import Reach
from server.supervision.rules import (
    bars,
    consequence_rule,
    counts_everywhere,
    measure_state,
)
from server.supervision.store import load_measures_by_id
from server.supervision.tables import inspections, lifts, measures
from server.supervision.values import MeasureHistory, MeasureState

__all__ = ["MeasureFilter", "find_inspections", "find_measures"]

_SCAN = 500
_HOLDING = frozenset({MeasureState.IN_FORCE, MeasureState.OVERDUE})


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureFilter:
    """Which measures are wanted.

    Attributes:
        measure_id: this one; empty means all.
        author: of this province; empty means all.
        subject: against this institution or certificate; empty means all.
        in_force_only: only those that hold on the day.
    """

    measure_id: str = ""
    author: str = ""
    subject: str = ""
    in_force_only: bool = False


def _entry_ref(author: str, index: int) -> EntryRef:
    """Return the place of an entry in a registry log."""
    return EntryRef(log=str(LogName.registry(author)), index=index)


def _standing(
    history: MeasureHistory,
    body: SupervisionMeasure,
    lift: MeasureLift | None,
    reach: Reach,
    day: date,
) -> StandingMeasure:
    """Return a measure with where it stands on a day."""
    state = measure_state(history, reach, day)
    effects = sorted({bar.effect for bar in bars(history, reach) if bar.holds(day)})
    return StandingMeasure(
        measure=body,
        author=history.author,
        entry=_entry_ref(history.author, history.index),
        state=StateShown.ValueType(state),
        effects=[MeasureEffect.ValueType(each) for each in effects] or [MEASURE_EFFECT_RECORDED],
        everywhere=counts_everywhere(history.author, history.subject),
        reports=[
            RectificationReport(
                measure_id=history.measure_id,
                report_date=report.report_date.isoformat(),
                accepted=report.accepted,
                reason=report.reason,
            )
            for report in history.reports
        ],
        lift=lift,
        rule=consequence_rule(history.kind, state).code,
    )


def _read_lifts(connection: Connection, measure_ids: Sequence[str]) -> dict[str, MeasureLift]:
    """Return the last lift of measures, which is from the earliest day, by measure."""
    query = select(lifts).where(lifts.c.measure_id.in_(measure_ids)).order_by(lifts.c.log_index)
    return {
        row.measure_id: MeasureLift(
            measure_id=row.measure_id, effective_date=row.effective_date, reason=row.reason
        )
        for row in connection.execute(query)
    }


def find_measures(
    connection: Connection,
    wanted: MeasureFilter,
    *,
    day: date,
    reaches: Mapping[str, Reach],
    after: str,
    limit: int,
) -> Sequence[StandingMeasure]:
    """Return measures by id.

    Args:
        connection: a snapshot.
        wanted: which.
        day: to judge by.
        reaches: up to where the registry logs count, by author; of one that is missing nothing is
            shown.
        after: only those with a greater id.
        limit: most rows.
    """
    table = measures.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.measure_id:
        conditions.append(table.measure_id == wanted.measure_id)
    if wanted.author:
        conditions.append(table.author == wanted.author)
    if wanted.subject:
        conditions.append(table.subject == wanted.subject)
    found: list[StandingMeasure] = []
    while len(found) < limit:
        query = select(measures).where(table.measure_id > after, *conditions)
        rows = connection.execute(query.order_by(table.measure_id).limit(_SCAN)).all()
        if not rows:
            break
        after = rows[-1].measure_id
        histories = load_measures_by_id(connection, [row.measure_id for row in rows])
        lifted = _read_lifts(connection, [row.measure_id for row in rows])
        for row in rows:
            reach = reaches.get(row.author)
            if reach is None:
                continue
            body = SupervisionMeasure.FromString(row.body)
            lift = lifted.get(row.measure_id)
            shown = _standing(histories[row.measure_id], body, lift, reach, day)
            if not wanted.in_force_only or MeasureState(shown.state) in _HOLDING:
                found.append(shown)
    return found[:limit]


def find_inspections(
    connection: Connection, *, author: str, institution_id: str, after: str, limit: int
) -> Sequence[StatedInspection]:
    """Return inspections by id.

    Args:
        connection: a snapshot.
        author: only of this province; empty means all.
        institution_id: only of this institution; empty means all.
        after: only those with a greater id.
        limit: most rows.
    """
    table = inspections.c
    query = select(table.author, table.log_index, table.body).where(table.inspection_id > after)
    if author:
        query = query.where(table.author == author)
    if institution_id:
        query = query.where(table.subject == institution_id)
    return [
        StatedInspection(
            inspection=Inspection.FromString(row.body),
            author=row.author,
            entry=_entry_ref(row.author, row.log_index),
        )
        for row in connection.execute(query.order_by(table.inspection_id).limit(limit))
    ]
