"""Tests of supervision's projector and of what is loaded from its rows, on both databases."""

from datetime import date

import pytest
from sqlalchemy import select

from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as pb
from server.registry.values import EndSaid
from server.store.database import Database
from server.supervision import tables
from server.supervision.projector import SupervisionProjector
from server.supervision.rules import barred_on
from server.supervision.store import load_bars, load_measures, measures_touched
from server.supervision.values import Effect, ReportSaid
from tests.support.projecting import Book
from tests.support.supervising import inspection_body, measure_body

SH, JS = "310000", "320000"
SH_LOG, JS_LOG = LogName.registry(SH), LogName.registry(JS)


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, SupervisionProjector())


def order(measure_id: str = "310000-M2", **changes: object) -> pb.SupervisionMeasure:
    """Return a rectification that is due on 10 October."""
    due = {"kind": pb.MEASURE_KIND_RECTIFICATION, "due_date": "2026-10-10"}
    return measure_body(measure_id, **{**due, **changes})


def report(
    day: str, *, accepted: bool = True, measure_id: str = "310000-M2", reason: str = "SEEN"
) -> pb.RectificationReport:
    """Return a report on the rectification."""
    return pb.RectificationReport(
        measure_id=measure_id, report_date=day, accepted=accepted, reason=reason
    )


def lift(measure_id: str = "310000-M1", day: str = "2026-11-01") -> pb.MeasureLift:
    """Return a lift."""
    return pb.MeasureLift(measure_id=measure_id, effective_date=day, reason="APPEAL")


STORY = (
    inspection_body(),
    inspection_body(),
    measure_body(inspection_id="310000-I1"),
    measure_body("310000-M3", inspection_id="310000-I9"),
    order(),
    report("2026-10-08", accepted=False),
    report("2026-10-12"),
    report("2026-10-13"),
    lift(),
    lift(),
    report("2026-10-08", measure_id="310000-M1"),
    measure_body(kind=pb.MEASURE_KIND_WARNING),
    measure_body("320000-M1"),
    lift("310000-M9"),
    order("310000-M4", due_date=""),
    measure_body("310000-M5", kind=pb.MEASURE_KIND_UNSPECIFIED),
    lift("310000-M2", "2026-09-30"),
    inspection_body("310000-I2", joined_by=(SH,)),
    measure_body("310000-M6", certificate_no="320000-C1"),
)
VOID = {
    1: "M04-ID-TAKEN",
    3: "M08-INSPECTION-UNKNOWN",
    7: "M12-MENDED",
    9: "M13-LIFTED",
    10: "M11-NO-RECTIFICATION",
    11: "M04-ID-TAKEN",
    12: "M03-NOT-OWN",
    13: "M10-MEASURE-UNKNOWN",
    14: "M09-DUE-DATE",
    15: "M02-UNREADABLE",
    16: "M14-TOO-EARLY",
    17: "M07-JOINED-BY-SELF",
}


def dump(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the room."""
    return database.read_now(
        lambda connection: {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in (tables.inspections, tables.measures, tables.reports, tables.lifts)
        }
    )


@pytest.mark.parametrize("at_once", [True, False])
def test_void_entries_leave_no_row(book: Book, database: Database, *, at_once: bool) -> None:
    """What breaks a rule is recorded with it, however the log was cut into runs."""
    book.say(SH, *STORY, at_once=at_once)
    assert VOID == book.rules(SH)
    found = dump(database)
    assert ["310000-I1"] == [row[0] for row in found["supervision_inspections"]]
    assert ["310000-M1", "310000-M2", "310000-M6"] == [
        row[0] for row in found["supervision_measures"]
    ]
    assert [5, 6] == [row[1] for row in found["supervision_reports"]]


def test_runs_and_rebuild_lead_to_the_same_rows(book: Book, database: Database) -> None:
    """One run, single entries and a rebuild give the same rows and the same voids."""
    book.say(SH, *STORY)
    book.say(JS, measure_body("320000-M1"), lift("320000-M1"))
    expected = dump(database)
    for author in (SH, JS):
        book.rebuild(author)
    assert expected == dump(database)
    assert VOID == book.rules(SH)


def test_nobody_speaks_of_anothers_measure(book: Book, database: Database) -> None:
    """A report or lift in another province's log is void and changes nothing."""
    book.say(SH, measure_body(), order(), inspection_body())
    expected = dump(database)
    book.say(JS, lift(), report("2026-10-05"), inspection_body("310000-I2"))
    # Nor does it follow another's inspection: not all have seen that before.
    book.say(JS, measure_body("320000-M1", inspection_id="310000-I1"))
    assert {**dict.fromkeys(range(3), "M03-NOT-OWN"), 3: "M08-INSPECTION-UNKNOWN"} == (
        book.rules(JS)
    )
    assert expected == dump(database)


def test_settlement_log_holds_no_measures(book: Book, database: Database) -> None:
    """A body of supervision in a settlement log is void."""
    book.say(LogName.settlement(SH, JS), measure_body(), inspection_body())
    assert dict.fromkeys(range(2), "M01-NOT-REGISTRY") == book.rules(SH)
    assert [] == dump(database)["supervision_measures"]


MALFORMED = {
    "no subject": measure_body(institution_id=""),
    "two subjects": measure_body(certificate_no="310000-C1", institution_id="310000-1"),
    "bad institution": measure_body(institution_id="31-1"),
    "bad certificate": measure_body(certificate_no="310000-c1"),
    "bad id": measure_body("310000"),
    "bad inspection": measure_body(inspection_id="I1"),
    "unknown kind": measure_body(kind=99),
    "no first day": measure_body(from_date=""),
    "last before first": measure_body(until_date="2026-09-30"),
    "no such day": order(due_date="2026-02-30"),
    "no reason": measure_body(reason=""),
    "short hash": measure_body(document_hash=b"1" * 31),
    "nothing found": inspection_body(finding_codes=()),
    "passed with findings": inspection_body(result=pb.INSPECTION_RESULT_PASSED),
    "too many findings": inspection_body(finding_codes=[f"F{each}" for each in range(33)]),
    "finding twice": inspection_body(finding_codes=("FIRE", "FIRE")),
    "finding in prose": inspection_body(finding_codes=("a door",)),
    "inspected nobody": inspection_body(institution_id=""),
    "no day": inspection_body(inspection_date=""),
    "no result": inspection_body(result=0),
    "not ascending": inspection_body(joined_by=("330000", "320000")),
    "no province": inspection_body(joined_by=("320100",)),
    "refused without a reason": report("2026-10-12", accepted=False, reason=""),
    "report without a day": report(""),
    "lift without a day": lift("310000-M1", ""),
}


def test_unreadable(book: Book) -> None:
    """One field that cannot be read makes an entry void."""
    book.say(SH, inspection_body("310000-I9"), measure_body("310000-M1"), order())
    book.say(SH, *MALFORMED.values())
    found = book.rules(SH)
    assert dict.fromkeys(MALFORMED, "M02-UNREADABLE") == {
        name: found.get(index) for index, name in enumerate(MALFORMED, 3)
    }


def test_readable(book: Book) -> None:
    """What lies just within the limits is kept."""
    book.say(
        SH,
        order(),
        inspection_body("310000-I2", finding_codes=[f"F{each}" for each in range(32)]),
        inspection_body("310000-I3", result=pb.INSPECTION_RESULT_PASSED, finding_codes=()),
        inspection_body("310000-I4", joined_by=("320000", "330000"), certificate_no="310000-C1"),
        measure_body("310000-M7", document_hash=b"1" * 32, until_date="2026-10-01"),
        report("2026-10-12", reason=""),
    )
    assert {} == book.rules(SH)


def test_history_is_what_was_said(book: Book, database: Database) -> None:
    """Measures are loaded with their reports and lift, by whom they are against."""
    book.say(SH, *STORY)
    book.say(JS, measure_body("320000-M1", institution_id="310000-1"))
    found = database.read_now(load_measures)
    assert {
        "310000-1": ["310000-M1", "310000-M2", "320000-M1"],
        "320000-C1": ["310000-M6"],
    } == {subject: [each.measure_id for each in taken] for subject, taken in found.items()}
    ban, order_said, _ = found["310000-1"]
    assert (2, (EndSaid(index=8, from_date=date(2026, 11, 1)),)) == (ban.index, ban.lifts)
    assert date(2026, 10, 10) == order_said.due_date
    assert (
        ReportSaid(index=5, accepted=False, report_date=date(2026, 10, 8), reason="SEEN"),
        ReportSaid(index=6, accepted=True, report_date=date(2026, 10, 12), reason="SEEN"),
    ) == order_said.reports
    one = database.read_now(lambda connection: load_measures(connection, ["320000-C1", "nobody"]))
    assert {"320000-C1"} == set(one)


def test_bars_at_pins(book: Book, database: Database) -> None:
    """A pin shows what a log said up to it, and nothing of a log without one."""
    book.say(SH, *STORY)

    def barred(size: int | None, day: date, effect: Effect) -> str | None:
        pins = {} if size is None else {SH_LOG: size}
        known = database.read_now(lambda connection: load_bars(connection, pins, ["310000-1"]))
        found = barred_on(known.get("310000-1", ()), day=day, effect=effect, province=JS)
        return None if found is None else found.measure_id

    sizes = (None, 2, 3, 8, 9)
    # Lifted from 1 November on by the ninth entry, which takes nothing back before that day.
    last, next_day = date(2026, 10, 31), date(2026, 11, 1)
    assert [None, None, "310000-M1", "310000-M1", "310000-M1"] == [
        barred(size, last, Effect.NOT_RECOGNISED) for size in sizes
    ]
    assert [None, None, "310000-M1", "310000-M1", None] == [
        barred(size, next_day, Effect.NOT_RECOGNISED) for size in sizes
    ]


def test_touched(book: Book, database: Database) -> None:
    """Whom a run of a log concerns: by a measure, a report or a lift; not by what is void."""
    book.say(SH, *STORY)
    expected: dict[tuple[int, int], set[str] | frozenset[str] | None] = {
        (0, 2): set(),
        (2, 3): {"310000-1"},
        (5, 6): {"310000-1"},
        (8, 9): {"310000-1"},
        (9, 18): set(),
        (18, 19): {"320000-C1"},
        (0, 19): {"310000-1", "320000-C1"},
    }

    def touched(author: str, first: int, end: int) -> frozenset[str] | None:
        return database.read_now(lambda c: measures_touched(c, author, first, end, limit=10))

    assert expected == {run: touched(SH, *run) for run in expected}
    assert frozenset() == touched(JS, 0, 19)


def test_touched_too_many(book: Book, database: Database) -> None:
    """More subjects than asked for are not named."""
    book.say(SH, *STORY)
    assert None is database.read_now(lambda c: measures_touched(c, SH, 0, 19, limit=1))
