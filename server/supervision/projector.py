"""Turns what registry logs say of supervision into rows.

A run of entries is judged in order against what the run itself and the rows before it say, then
written in a few statements. What breaks a rule is recorded as void and leaves no row. Depends on
nothing but the entries of this log and the rows that came from it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from deltacare.ids import LogKind, LogName
from deltacare.v1.entry_pb2 import (
    Entry,
    Inspection,
    MeasureLift,
    RectificationReport,
    SupervisionMeasure,
)
from server.log.ports import LogTx, Sequenced
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule
from server.registry.store import chunks
from server.registry.values import EndSaid
from server.supervision.bodies import read_inspection, read_lift, read_measure, read_report
from server.supervision.rules import (
    M01_NOT_REGISTRY,
    M02_UNREADABLE,
    judge_inspection,
    judge_lift,
    judge_measure,
    judge_report,
)
from server.supervision.store import history_of, load_measures_by_id
from server.supervision.tables import inspections, lifts, measures, reports
from server.supervision.values import MeasureHistory, ReportSaid

__all__ = ["SupervisionProjector", "SupervisionState", "subject_of"]


def subject_of(entry: Entry) -> str:
    """Return the id that a refusal of an entry names."""
    match entry.WhichOneof("body"):
        case "inspection":
            return entry.inspection.inspection_id
        case "supervision_measure":
            return entry.supervision_measure.measure_id
        case "rectification_report":
            return entry.rectification_report.measure_id
    return entry.measure_lift.measure_id


class SupervisionState:
    """What an author's registry log says of supervision so far, and what a run adds to it.

    Lives in one transaction. ``judge`` says what an entry breaks, ``apply`` takes in one that
    breaks nothing, ``flush`` writes all that was taken in.

    Args:
        connection: of the transaction.
        author: whose registry log it is.
        entries: those to come, so that what they refer to is read at once.
    """

    def __init__(self, connection: Connection, author: str, entries: Iterable[Entry]) -> None:
        self._connection = connection
        self._author = author
        self._inspected: list[dict[str, Any]] = []
        self._taken: list[dict[str, Any]] = []
        self._reported: list[dict[str, Any]] = []
        self._lifted: list[dict[str, Any]] = []
        inspection_ids: set[str] = set()
        measure_ids: set[str] = set()
        for entry in entries:
            if entry.WhichOneof("body") == "inspection":
                inspection_ids.add(entry.inspection.inspection_id)
            else:
                measure_ids.add(subject_of(entry))
                inspection_ids.add(entry.supervision_measure.inspection_id)
        self._inspections = self._read_inspections(inspection_ids)
        # Those of others are never asked for: the first rule is that the id bears the own code.
        self._measures = load_measures_by_id(connection, measure_ids)

    def _read_inspections(self, ids: Iterable[str]) -> set[str]:
        found: set[str] = set()
        table = inspections.c
        for some in chunks(ids):
            query = select(table.inspection_id).where(
                table.inspection_id.in_(some), table.author == self._author
            )
            found.update(row.inspection_id for row in self._connection.execute(query))
        return found

    def judge(self, entry: Entry) -> Rule | None:
        """Return the first rule that an entry breaks."""
        match entry.WhichOneof("body"):
            case "inspection":
                return self._judge_inspection(entry.inspection)
            case "supervision_measure":
                return self._judge_measure(entry.supervision_measure)
            case "rectification_report":
                return self._judge_report(entry.rectification_report)
            case "measure_lift":
                return self._judge_lift(entry.measure_lift)
        raise AssertionError("the log room gives a projector its own bodies")

    def _judge_inspection(self, body: Inspection) -> Rule | None:
        if not is_readable(read_inspection, body):
            return M02_UNREADABLE
        return judge_inspection(self._author, body, taken=body.inspection_id in self._inspections)

    def _judge_measure(self, body: SupervisionMeasure) -> Rule | None:
        if not is_readable(read_measure, body):
            return M02_UNREADABLE
        return judge_measure(
            self._author,
            body,
            taken=body.measure_id in self._measures,
            inspected=body.inspection_id in self._inspections,
        )

    def _judge_report(self, body: RectificationReport) -> Rule | None:
        if not is_readable(read_report, body):
            return M02_UNREADABLE
        return judge_report(self._author, body, measure=self._measures.get(body.measure_id))

    def _judge_lift(self, body: MeasureLift) -> Rule | None:
        if not is_readable(read_lift, body):
            return M02_UNREADABLE
        return judge_lift(self._author, body, measure=self._measures.get(body.measure_id))

    def apply(self, item: Sequenced) -> None:
        """Take in an entry that breaks no rule."""
        entry = item.entry
        match entry.WhichOneof("body"):
            case "inspection":
                self._apply_inspection(item.index, entry.inspection)
            case "supervision_measure":
                self._apply_measure(item.index, entry.supervision_measure)
            case "rectification_report":
                self._apply_report(item.index, entry.rectification_report)
            case "measure_lift":
                self._apply_lift(item.index, entry.measure_lift)

    def _apply_inspection(self, index: int, body: Inspection) -> None:
        self._inspections.add(body.inspection_id)
        self._inspected.append(
            {
                "inspection_id": body.inspection_id,
                "author": self._author,
                "log_index": index,
                "subject": body.institution_id or body.certificate_no,
                "body": body.SerializeToString(deterministic=True),
            }
        )

    def _apply_measure(self, index: int, body: SupervisionMeasure) -> None:
        history = history_of(self._author, index, body)
        self._measures[body.measure_id] = history
        self._taken.append(
            {
                "measure_id": body.measure_id,
                "author": self._author,
                "log_index": index,
                "subject": history.subject,
                "body": body.SerializeToString(deterministic=True),
            }
        )

    def _apply_report(self, index: int, body: RectificationReport) -> None:
        history: MeasureHistory = self._measures[body.measure_id]
        said = ReportSaid(
            index=index,
            accepted=body.accepted,
            report_date=date.fromisoformat(body.report_date),
            reason=body.reason,
        )
        self._measures[body.measure_id] = replace(history, reports=(*history.reports, said))
        self._reported.append(
            {
                "author": self._author,
                "log_index": index,
                "measure_id": body.measure_id,
                "is_accepted": body.accepted,
                "report_date": body.report_date,
                "reason": body.reason,
            }
        )

    def _apply_lift(self, index: int, body: MeasureLift) -> None:
        history = self._measures[body.measure_id]
        lift = EndSaid(index=index, from_date=date.fromisoformat(body.effective_date))
        self._measures[body.measure_id] = replace(history, lifts=(*history.lifts, lift))
        self._lifted.append(
            {
                "author": self._author,
                "log_index": index,
                "measure_id": body.measure_id,
                "effective_date": body.effective_date,
                "reason": body.reason,
            }
        )

    def flush(self) -> None:
        """Write what was taken in."""
        for table, rows in (
            (inspections, self._inspected),
            (measures, self._taken),
            (reports, self._reported),
            (lifts, self._lifted),
        ):
            if rows:
                self._connection.execute(insert(table), rows)


class SupervisionProjector:
    """Stores what supervision entries say; implements the log room's ``Projector``."""

    bodies = frozenset(
        {"inspection", "supervision_measure", "rectification_report", "measure_lift"}
    )

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        if log.kind is not LogKind.REGISTRY:
            for item in entries:
                tx.void(log, item.index, M01_NOT_REGISTRY.code)
            return
        state = SupervisionState(tx.connection, log.author, (item.entry for item in entries))
        for item in entries:
            rule = state.judge(item.entry)
            if rule is None:
                state.apply(item)
            else:
                tx.void(log, item.index, rule.code)
        state.flush()

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log."""
        if log.kind is LogKind.REGISTRY:
            for table in (inspections, measures, reports, lifts):
                tx.connection.execute(delete(table).where(table.c.author == log.author))
