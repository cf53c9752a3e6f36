"""Certificates that follow one another: a measure against one is against the holder of all."""

from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import event

from deltacare.errors import Reason
from deltacare.evidence import Evidence
from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from server.certification.lifecycle import LINE_MAX
from server.certification.projector import CertificationProjector
from server.certification.reading import read_certificates
from server.certification.standing import certificate_good_days
from server.certification.store import load_recognition_facts
from server.personal.vault import Vault
from server.store.database import Database
from server.supervision.projector import SupervisionProjector
from tests.support.certifying import certificate, new, refused, verdict
from tests.support.ports import SeededEntropy
from tests.support.projecting import Book
from tests.support.rooms import DUTY, Rooms, certificate_body, equivalence_body, request_id
from tests.support.supervising import measure_body
from tests.support.watching import Follower, put

SH, JS = "310000", "320000"
BARRED = ("NOT_RECOGNISED_HERE", "R12-BARRED")


def follower(number: str, follows: str, **changes: object) -> pb.Certificate:
    """Return a certificate that follows another."""
    return certificate_body(number, grade="二级", predecessor_no=follows, **changes)


def ban(certificate_no: str, measure_id: str = "320000-M1", **changes: object) -> object:
    """Return a ban of a certificate's holder that began."""
    fields: dict[str, object] = {"certificate_no": certificate_no, "from_date": "2026-06-01"}
    return measure_body(measure_id, **{**fields, **changes})


async def rules(rooms: Rooms, province: str, *numbers: str) -> list[tuple[str, str]]:
    """Return verdict and rule of certificates at a node."""
    found = [await rooms.check(province, number) for number in numbers]
    return [(verdict(each), each.rule) for each in found]


@pytest.mark.parametrize("barred", ["320000-C1", "320000-C2", "320000-C3", "320000-C4"])
async def test_a_ban_reaches_every_certificate_of_the_line(four: Rooms, barred: str) -> None:
    """What it follows and what follows it, at home and elsewhere, also what was remembered."""
    await four.issue(
        JS,
        follower("320000-C2", "320000-C1"),
        follower("320000-C3", "320000-C2"),
        follower("320000-C4", "320000-C1"),
        certificate_body("320000-C9"),
    )
    await four.spread(JS)
    line = ("320000-C1", "320000-C2", "320000-C3", "320000-C4")
    for province, rule in ((SH, "R22-RECOGNISED"), (JS, "R14-HOME")):
        assert [("VALID", rule)] * 5 == await rules(four, province, *line, "320000-C9")
    await four.take(JS, ban(barred))  # type: ignore[arg-type]  # a measure
    await four.spread(JS)
    for province, rule in ((SH, "R22-RECOGNISED"), (JS, "R14-HOME")):
        found = await rules(four, province, *line, "320000-C9")
        assert [*[BARRED] * 4, ("VALID", rule)] == found
    await four.lift(JS, "320000-M1", "2026-06-01")
    await four.spread(JS)
    assert [("VALID", "R22-RECOGNISED")] * 4 == await rules(four, SH, *line)


async def test_a_host_bars_the_line_in_its_own_province(four: Rooms) -> None:
    """R16 asks for the same certificates as R12, and what follows later is barred as well."""
    await four.issue(JS, follower("320000-C2", "320000-C1"))
    await four.spread(JS)
    measure = ban("320000-C2", "310000-M1")
    await four.take(SH, measure)  # type: ignore[arg-type]  # a measure
    await four.spread(SH)
    here = ("NOT_RECOGNISED_HERE", "R16-BARRED-HERE")
    assert [here, here] == await rules(four, SH, "320000-C1", "320000-C2")
    assert [("VALID", "R14-HOME")] * 2 == await rules(four, JS, "320000-C1", "320000-C2")
    await four.issue(JS, follower("320000-C3", "320000-C1"))
    await four.spread(JS)
    assert [here] == await rules(four, SH, "320000-C3")


async def test_a_barred_holder_gets_no_other_certificate(alone: Rooms) -> None:
    """Neither one that follows, nor one for a first day within the ban; one for a day before it."""
    await alone.issue(JS, certificate_body(), follower("320000-C2", "320000-C1"))
    measure = ban("320000-C2", until_date="2026-06-30")
    await alone.take(JS, measure)  # type: ignore[arg-type]  # a measure
    late = follower("320000-C3", "320000-C1", valid_from_date="2026-06-30")
    error = await refused(alone.issue(JS, certificate_body("320000-C8"), late))
    assert ("C31-HOLDER-BARRED", ["certificates[1].certificate.predecessor_no"]) == (
        error.details["rule"],
        [each.field for each in error.violations],
    )
    await alone.issue(
        JS,
        follower("320000-C4", "320000-C1", valid_from_date="2026-05-31"),
        follower("320000-C5", "320000-C1", valid_from_date="2026-07-01"),
    )
    now = alone.nodes.clock.now().date().isoformat()
    assert "2026-06-30" < now
    assert [("VALID", "R14-HOME")] * 2 == await rules(alone, JS, "320000-C4", "320000-C5")


async def test_a_person_in_the_vault_who_is_barred(alone: Rooms) -> None:
    """Another certificate of theirs, in no line with the first, is refused; others' are issued."""
    desk = alone.certification[JS]
    desk._room = replace(desk._room, vault=Vault(JS, b"v" * 32, SeededEntropy()))

    async def issue(number: str, ref: str) -> None:
        request = cert_pb.IssueCertificatesRequest(
            request_id=request_id(),
            duty=DUTY,
            certificates=[new(certificate_body(number), subject_ref=ref)],
        )
        await desk.issue_certificates(request, alone.call(JS, "Issue"))

    await issue("320000-C1", "P-1")
    await alone.take(JS, ban("320000-C1", from_date="2025-12-01"))  # type: ignore[arg-type]  # a measure
    error = await refused(issue("320000-C7", "P-1"))
    assert ("C31-HOLDER-BARRED", [("certificates[0].subject_ref", "")]) == (
        error.details["rule"],
        [(each.field, each.value) for each in error.violations],
    )
    assert Reason.RULE_REFUSED is error.reason
    await issue("320000-C7", "P-2")


async def test_a_line_is_bounded(alone: Rooms) -> None:
    """The last that fits is issued, in one batch or many; the next one is refused."""
    numbers = [f"320000-C{number:03d}" for number in range(LINE_MAX + 1)]
    bodies = [
        certificate_body(number, predecessor_no=before)
        for before, number in zip(["", *numbers], numbers, strict=False)
    ]
    error = await refused(alone.issue(JS, *bodies))
    assert ("C30-LINE-FULL", f"certificates[{LINE_MAX}].certificate.predecessor_no") == (
        error.details["rule"],
        error.violations[0].field,
    )
    await alone.issue(JS, *bodies[:-2])
    await alone.issue(JS, bodies[-2])
    aside = certificate_body("320000-D1", predecessor_no=numbers[0])
    assert "C30-LINE-FULL" == (await refused(alone.issue(JS, aside))).details["rule"]
    await alone.take(JS, ban(numbers[-2]))  # type: ignore[arg-type]  # a measure
    assert [BARRED] == await rules(alone, JS, numbers[0])


def test_a_line_of_the_night(database: Database) -> None:
    """The days of a night leave out the ban; up to a pin before the link it is not known."""
    book = Book(database, CertificationProjector(), SupervisionProjector())
    one, two = certificate("320000-C1"), certificate("320000-C2", predecessor_no="320000-C1")
    book.say(JS, one, measure_body("320000-M1", certificate_no="320000-C2"), two)
    month = ServiceMonth(year=2026, month=10)
    found = []
    for size in (2, 3):
        pins = {LogName.registry(JS): size}
        facts = database.read_now(partial(load_recognition_facts, pins=pins, numbers=["320000-C1"]))
        days = certificate_good_days(facts, certificate_no="320000-C1", place=JS, month=month)
        found.append(days)
    assert [2**31 - 1, 0] == found


async def test_a_verdict_file_shows_the_line(four: Rooms) -> None:
    """Its receipts hold the issues by which the barred certificate is the same holder's."""
    await four.issue(JS, follower("320000-C2", "320000-C1"), follower("320000-C3", "320000-C2"))
    await four.take(JS, ban("320000-C3"))  # type: ignore[arg-type]  # a measure
    await four.spread(JS)
    answer = await four.check(SH, "320000-C1", evidence=True)
    assert BARRED == (verdict(answer), answer.rule)
    receipts = Evidence.from_bytes(answer.evidence).receipts
    said = [pb.Entry.FromString(each.entry) for each in receipts]
    assert ["320000-C1", "320000-C2", "320000-C3", "320000-M1"] == [
        each.certificate.certificate_no or each.supervision_measure.measure_id for each in said
    ]


async def test_who_watches_is_told_of_the_line(four: Rooms) -> None:
    """A measure against another of the line touches; so does the issue of one that follows."""
    await four.issue(JS, certificate_body("320000-C5"))
    await four.issue(JS, follower("320000-C2", "320000-C1"))
    await four.spread(JS)
    call = four.call(SH)
    await put(four.certification[SH], call, "310000-137", ["320000-C2", "320000-C3", "320000-C5"])
    heard = Follower(four.certification[SH], call)
    await heard.connect()
    await four.issue(JS, follower("320000-C3", "320000-C2"))
    await four.spread(JS)
    (issued,) = await heard.heard(1)
    assert [("320000-C2", "320000-C3"), ("320000-C3", "")] == [
        (each.certificate_no, each.superseded_by) for each in issued.certificates
    ]
    await four.take(JS, ban("320000-C1"))  # type: ignore[arg-type]  # a measure
    await four.spread(JS)
    _, taken = await heard.heard(2)
    assert [("320000-C2", BARRED[1]), ("320000-C3", BARRED[1])] == [
        (each.certificate_no, each.verdict.rule) for each in taken.certificates
    ]
    await four.declare(SH, equivalence_body("310000-E2"))
    await four.spread(SH)
    everywhere = (await heard.heard(3))[-1]
    assert 3 == len(everywhere.certificates)
    await heard.disconnect()


async def test_lines_cost_no_more_statements(alone: Rooms) -> None:
    """However many certificates are asked for, and whether they follow others or not."""
    await alone.issue(JS, certificate_body("320000-C9"))
    await alone.issue(JS, certificate_body(), follower("320000-C2", "320000-C1"))
    database = alone.nodes[JS].database
    counts = []
    for numbers in (["320000-C9"], ["320000-C1", "320000-C2", "320000-C9"]):

        def read(connection: object, numbers: list[str] = numbers) -> int:
            statements: list[str] = []

            def count(*args: object) -> None:
                statements.append(str(args[2]))

            event.listen(connection, "before_cursor_execute", count)
            try:
                read_certificates(connection, numbers)  # type: ignore[arg-type]  # a connection
            finally:
                event.remove(connection, "before_cursor_execute", count)
            return len(statements)

        counts.append(database.read_now(read))
    assert [4, 4] == counts
