"""Tests of the lifecycle rules as they are projected, and of what is loaded at pins."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1 import entry_pb2 as pb
from server.certification import lifecycle, tables
from server.certification.projector import CertificationProjector
from server.certification.standing import certificate_good_days
from server.certification.store import (
    load_certificates,
    load_equivalences,
    load_recognition_facts,
    load_recognition_suspensions,
    touched,
)
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.support.projecting import Book
from tests.support.rooms import agreement_body, certificate_body, equivalence_body

SH, JS = "310000", "320000"
SH_LOG, JS_LOG = LogName.registry(SH), LogName.registry(JS)
NUMBER = "320000-C1"
MONTH = ServiceMonth(year=2026, month=10)


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, RegistryProjector(), CertificationProjector())


def certificate(number: str = NUMBER, **changes: object) -> pb.Certificate:
    """Return a certificate as it stands in a log."""
    return certificate_body(number, **{"holder_name_digest": b"d" * 32, **changes})


def renewal(until: str, number: str = NUMBER) -> pb.CertificateRenewal:
    """Return a renewal."""
    return pb.CertificateRenewal(certificate_no=number, valid_until_date=until)


def suspension(day: str, until: str = "", number: str = NUMBER) -> pb.CertificateSuspension:
    """Return a suspension."""
    return pb.CertificateSuspension(
        certificate_no=number, effective_date=day, until_date=until, reason="COMPLAINT"
    )


def reinstatement(day: str, number: str = NUMBER) -> pb.CertificateReinstatement:
    """Return a reinstatement."""
    return pb.CertificateReinstatement(certificate_no=number, effective_date=day, reason="CLEARED")


def revocation(day: str, number: str = NUMBER) -> pb.CertificateRevocation:
    """Return a revocation."""
    return pb.CertificateRevocation(certificate_no=number, effective_date=day, reason="FRAUD")


def equivalence_end(day: str = "2026-10-16") -> pb.EquivalenceEnd:
    """Return the end of an equivalence."""
    return pb.EquivalenceEnd(equivalence_id="310000-E1", effective_date=day, reason="REVIEW")


def unrecognised(day: str, number: str = NUMBER) -> pb.RecognitionSuspension:
    """Return a suspension of recognition."""
    return pb.RecognitionSuspension(certificate_no=number, effective_date=day, reason="DOUBT")


def resumed(day: str, number: str = NUMBER) -> pb.RecognitionResumption:
    """Return a resumption of recognition."""
    return pb.RecognitionResumption(certificate_no=number, effective_date=day, reason="CLEARED")


def test_rules_are_numbered_in_order_and_say_themselves_twice() -> None:
    """Every rule has its number in order, a text in both languages, and a source."""
    assert [f"C{n:02d}" for n in range(1, 16)] == [rule.code[:3] for rule in lifecycle.RULES]
    for rule in lifecycle.RULES:
        assert rule.zh.endswith("。")
        assert rule.en.endswith(".")
        assert rule.source


ISSUER_STORY = [
    (certificate(), None),
    (certificate(), "C03"),
    (certificate("310000-C1"), "C01"),
    (certificate("320000-C2", holder_name_digest=b""), "G02"),
    (
        certificate(
            "320000-C3",
            subject=pb.CERTIFICATE_SUBJECT_INSTITUTION,
            holder_name_digest=b"",
            institution_id="310000-1",
        ),
        "C02",
    ),
    (renewal("2026-12-31"), "C06"),
    (renewal("2027-12-31"), None),
    (renewal("2027-06-30"), "C06"),
    (renewal("2028-01-01", "320000-C9"), "C04"),
    (renewal("2028-01-01", "310000-C9"), "C01"),
    (reinstatement("2026-10-10"), "C07"),
    (suspension("2026-10-05", "2026-10-20"), None),
    (reinstatement("2026-10-04"), "C07"),
    (reinstatement("2026-10-21"), "C07"),
    (reinstatement("2026-10-10"), None),
    (reinstatement("2026-10-15"), "C07"),
    (suspension("2026-10-01", "2026-09-30"), "G02"),
    (revocation("2026-10-25"), None),
    (revocation("2026-10-20"), "C05"),
    (suspension("2026-10-26"), "C05"),
    (reinstatement("2026-10-26"), "C05"),
    (renewal("2029-01-01"), "C05"),
]
HOST_STORY = [
    (equivalence_end(), "C11"),
    (equivalence_body(), None),
    (equivalence_body(), "C10"),
    (equivalence_body("320000-E1"), "C08"),
    (equivalence_body("310000-E2", issuer=SH), "C09"),
    (equivalence_body("310000-E3", grades=()), "G02"),
    (equivalence_end(), None),
    (equivalence_end("2026-10-01"), "C12"),
    (resumed("2026-10-05"), "C14"),
    (unrecognised("2026-10-03"), None),
    (resumed("2026-10-02"), "C14"),
    (resumed("2026-10-05"), None),
    (unrecognised("2026-10-03", "310000-C1"), "C13"),
    (resumed("2026-10-03", "310000-C1"), "C13"),
    (unrecognised("2026-10-03", "320000-C77"), None),
]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("author, story", [(JS, ISSUER_STORY), (SH, HOST_STORY)])
def test_lifecycle(book: Book, author: str, story: list, *, at_once: bool) -> None:
    """Every rule voids what breaks it and nothing else, however the log was cut into runs."""
    book.say(author, *(body for body, _ in story), at_once=at_once)
    expected = {index: rule for index, (_, rule) in enumerate(story) if rule}
    assert expected == {index: rule[:3] for index, rule in book.rules(author).items()}


def test_settlement_log_holds_no_certificates(book: Book) -> None:
    """A certificate in a settlement log is void."""
    book.say(LogName.settlement(JS, SH), certificate())
    assert {0: "G01-NOT-REGISTRY"} == book.rules(JS)


def dump(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Return every projected row of the room."""
    return database.read_now(
        lambda connection: {
            table.name: sorted(tuple(row) for row in connection.execute(select(table)))
            for table in (
                tables.certificates,
                tables.certificate_events,
                tables.equivalences,
                tables.recognitions,
            )
        }
    )


def test_rebuild_leads_to_the_same_rows(book: Book, database: Database) -> None:
    """Forgotten and projected anew, the rows and the voids are the same."""
    book.say(JS, *(body for body, _ in ISSUER_STORY))
    book.say(SH, *(body for body, _ in HOST_STORY))
    expected, voids = dump(database), dict(book.voids)
    book.rebuild(JS)
    book.rebuild(SH)
    assert expected == dump(database)
    assert voids == book.voids


def test_certificates_at_pins(book: Book, database: Database) -> None:
    """A pin shows a certificate as its issuer's log had it then."""
    book.say(
        JS, certificate(), suspension("2026-10-05"), reinstatement("2026-10-08"),
        renewal("2027-12-31"), revocation("2026-10-20"),
    )  # fmt: skip

    def at(size: int) -> Any:  # a standing; a failure shows itself
        found = database.read_now(lambda c: load_certificates(c, {JS_LOG: size}, [NUMBER, "x"]))
        return found.get(NUMBER)

    assert at(0) is None
    assert () == at(1).suspensions
    assert [(date(2026, 10, 5), None)] == [
        (span.from_date, span.until_date) for span in at(2).suspensions
    ]
    assert [date(2026, 10, 7)] == [span.until_date for span in at(3).suspensions]
    assert [date(2026, 12, 31), date(2027, 12, 31)] == [at(n).valid_until_date for n in (3, 4)]
    assert [None, date(2026, 10, 20)] == [
        span and span.from_date for span in (at(4).revocation, at(5).revocation)
    ]
    assert {} == database.read_now(lambda c: load_certificates(c, {SH_LOG: 9}, [NUMBER]))


def test_recognition_at_pins(book: Book, database: Database) -> None:
    """Equivalences and suspensions of recognition come with the host's log."""
    book.say(SH, equivalence_body(), unrecognised("2026-10-03"), equivalence_end())

    def read(load: Callable[..., Any], *args: object) -> Any:  # of three
        return database.read_now(lambda c: load(c, *args))

    assert {SH: ()} == read(load_equivalences, {SH_LOG: 0})
    assert [None, date(2026, 10, 15)] == [
        read(load_equivalences, {SH_LOG: size})[SH][0].until_date for size in (2, 3)
    ]
    assert {(SH, NUMBER): ()} == read(load_recognition_suspensions, {SH_LOG: 1}, [NUMBER])
    (span,) = read(load_recognition_suspensions, {SH_LOG: 2}, [NUMBER])[SH, NUMBER]
    assert date(2026, 10, 3) == span.from_date


def test_good_days_from_rows(book: Book, database: Database) -> None:
    """The night's facts, loaded at pins, lead to the days that every rule leaves."""
    (version,) = book.say(SH, agreement_body(from_date="2026-10-02"))
    book.say(SH, equivalence_body(), unrecognised("2026-10-28"), equivalence_end("2026-10-30"))
    book.say(
        JS,
        certificate(),
        pb.AgreementAnswer(
            agreement_id="310000-A1", version_hash=version, word=pb.AGREEMENT_WORD_ACCEPTED
        ),
        suspension("2026-10-05", "2026-10-07"),
        revocation("2026-10-26"),
    )

    def good(sh: int, js: int, host: str = SH) -> list[int]:
        pins = {SH_LOG: sh, JS_LOG: js}
        facts = database.read_now(lambda c: load_recognition_facts(c, pins, [NUMBER]))
        mask = certificate_good_days(facts, NUMBER, host=host, month=MONTH)
        return [day for day in range(1, 32) if mask >> (day - 1) & 1]

    assert good(4, 4) == [*range(2, 5), *range(8, 26)]
    assert good(4, 3) == [*range(2, 5), *range(8, 28)]
    assert good(2, 3) == [*range(2, 5), *range(8, 32)]
    assert good(2, 2) == [*range(2, 32)]
    assert good(2, 1) == []
    assert good(1, 2) == []
    assert good(0, 1, host=JS) == [*range(1, 32)]


def test_touched(book: Book, database: Database) -> None:
    """A run names the certificates it speaks of, and says whether it speaks of equivalences."""
    book.say(JS, certificate(), certificate("320000-C2"), suspension("2026-10-05"))
    book.say(SH, equivalence_body(), unrecognised("2026-10-03"), equivalence_end())

    def at(author: str, first: int, end: int, limit: int = 9) -> tuple[frozenset[str], bool] | None:
        return database.read_now(lambda c: touched(c, author, first, end, limit=limit))

    assert (frozenset({NUMBER, "320000-C2"}), False) == at(JS, 0, 3)
    assert (frozenset({NUMBER}), False) == at(JS, 2, 3)
    assert (frozenset(), True) == at(SH, 0, 1)
    assert (frozenset({NUMBER}), False) == at(SH, 1, 2)
    assert (frozenset(), True) == at(SH, 2, 3)
    assert at(JS, 0, 3, limit=2) is None
