"""Reads the rows of supervision as the values that its rules work on.

All that was ever said is read; what of it counts at a size or a past moment is asked of ``rules``
with a reach.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from sqlalchemy import Connection, Row, Select, select, union_all

from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import SupervisionMeasure
from server.registry.store import chunks, optional_date
from server.registry.values import EndSaid, reaches_of
from server.supervision.rules import bars_known
from server.supervision.tables import lifts, measures, reports
from server.supervision.values import Bar, MeasureHistory, ReportSaid

__all__ = [
    "history_of",
    "load_bars",
    "load_measures",
    "load_measures_by_id",
    "measures_touched",
    "read_lifts",
    "read_reports",
]


def history_of(
    author: str,
    log_index: int,
    body: SupervisionMeasure,
    *,
    reports: Iterable[ReportSaid] = (),
    lifts: Iterable[EndSaid] = (),
) -> MeasureHistory:
    """Return the history of a measure from its entry and what was said of it.

    Args:
        author: whose log.
        log_index: place of the measure in it.
        body: the measure.
        reports: of mending, in the order of the log.
        lifts: likewise.
    """
    return MeasureHistory(
        measure_id=body.measure_id,
        author=author,
        index=log_index,
        kind=body.kind,
        institution_id=body.institution_id,
        certificate_no=body.certificate_no,
        from_date=date.fromisoformat(body.from_date),
        until_date=optional_date(body.until_date),
        due_date=optional_date(body.due_date),
        reason=body.reason,
        reports=tuple(reports),
        lifts=tuple(lifts),
    )


def read_reports(
    connection: Connection, measure_ids: Iterable[str]
) -> dict[str, tuple[ReportSaid, ...]]:
    """Return the reports of mending of some measures, by measure."""
    found: dict[str, list[ReportSaid]] = {}
    for some in chunks(measure_ids):
        query = select(reports).where(reports.c.measure_id.in_(some)).order_by(reports.c.log_index)
        for row in connection.execute(query):
            found.setdefault(row.measure_id, []).append(
                ReportSaid(
                    index=row.log_index,
                    accepted=row.is_accepted,
                    report_date=date.fromisoformat(row.report_date),
                    reason=row.reason,
                )
            )
    return {measure_id: tuple(said) for measure_id, said in found.items()}


def read_lifts(
    connection: Connection, measure_ids: Iterable[str]
) -> dict[str, tuple[EndSaid, ...]]:
    """Return what lifted some measures, by measure, in the order of the log."""
    found: dict[str, tuple[EndSaid, ...]] = {}
    for some in chunks(measure_ids):
        query = select(lifts).where(lifts.c.measure_id.in_(some)).order_by(lifts.c.log_index)
        for row in connection.execute(query):
            lift = EndSaid(index=row.log_index, from_date=date.fromisoformat(row.effective_date))
            found[row.measure_id] = (*found.get(row.measure_id, ()), lift)
    return found


def _read(
    connection: Connection, queries: Iterable[Select[tuple[object, ...]]]
) -> list[MeasureHistory]:
    rows: list[Row[tuple[object, ...]]] = []
    for query in queries:
        rows += connection.execute(query.order_by(measures.c.measure_id)).all()
    said = read_reports(connection, [row.measure_id for row in rows])
    lifted = read_lifts(connection, [row.measure_id for row in rows])
    return [
        history_of(
            row.author,
            row.log_index,
            SupervisionMeasure.FromString(row.body),
            reports=said.get(row.measure_id, ()),
            lifts=lifted.get(row.measure_id, ()),
        )
        for row in rows
    ]


def load_measures(
    connection: Connection, subjects: Iterable[str] | None = None
) -> dict[str, tuple[MeasureHistory, ...]]:
    """Return the measures that were ever taken, by whom they are against, sorted by id.

    Args:
        connection: a snapshot.
        subjects: only against these institutions' ids and certificates' numbers; ``None``: all.
    """
    if subjects is None:
        queries = [select(measures)]
    else:
        queries = [
            select(measures).where(measures.c.subject.in_(some)) for some in chunks(set(subjects))
        ]
    found: dict[str, list[MeasureHistory]] = {}
    for history in _read(connection, queries):
        found.setdefault(history.subject, []).append(history)
    return {subject: tuple(taken) for subject, taken in found.items()}


def load_bars(
    connection: Connection, pins: Mapping[LogName, int], subjects: Iterable[str]
) -> dict[str, tuple[Bar, ...]]:
    """Return what follows from measures at the pins of a night, by whom they are against.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
        subjects: the institutions' ids and certificates' numbers asked for; those against whom
            nothing holds are missing.
    """
    reaches = reaches_of(pins)
    known = {
        subject: bars_known(taken, reaches)
        for subject, taken in load_measures(connection, subjects).items()
    }
    return {subject: bars for subject, bars in known.items() if bars}


def load_measures_by_id(
    connection: Connection, measure_ids: Iterable[str]
) -> dict[str, MeasureHistory]:
    """Return measures by id; those that no log has are missing."""
    queries = [
        select(measures).where(measures.c.measure_id.in_(some)) for some in chunks(measure_ids)
    ]
    return {history.measure_id: history for history in _read(connection, queries)}


def measures_touched(
    connection: Connection, author: str, first_index: int, end_index: int, *, limit: int
) -> frozenset[str] | None:
    """Return against whom the measures are that a run of a registry log says anything of.

    Args:
        connection: a snapshot.
        author: whose log.
        first_index: first of the run.
        end_index: one past its last.
        limit: most subjects to name.

    Returns:
        Institutions' ids and certificates' numbers; ``None`` if there are more than the limit.
    """
    taken = measures.c
    parts = [
        select(taken.subject).where(
            taken.author == author, taken.log_index >= first_index, taken.log_index < end_index
        ),
        *(
            select(taken.subject)
            .join(table, table.c.measure_id == taken.measure_id)
            .where(
                table.c.author == author,
                table.c.log_index >= first_index,
                table.c.log_index < end_index,
            )
            for table in (reports, lifts)
        ),
    ]
    rows = connection.execute(union_all(*parts).limit(limit + 1)).all()
    return None if len(rows) > limit else frozenset(row.subject for row in rows)
