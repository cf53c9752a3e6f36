"""Tests of what is loaded at pins from the rows of certification."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from deltacare.ids import LogName
from deltacare.times import ServiceMonth
from deltacare.v1 import entry_pb2 as pb
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
from tests.support.certifying import (
    certificate,
    equivalence_end,
    reinstatement,
    renewal_body,
    revocation,
    suspension,
    unrecognised,
)
from tests.support.projecting import Book
from tests.support.rooms import agreement_body, equivalence_body

SH, JS = "310000", "320000"
SH_LOG, JS_LOG = LogName.registry(SH), LogName.registry(JS)
NUMBER = "320000-C1"
MONTH = ServiceMonth(year=2026, month=10)


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, RegistryProjector(), CertificationProjector())


def test_certificates_at_pins(book: Book, database: Database) -> None:
    """A pin shows a certificate as its issuer's log had it then."""
    book.say(
        JS, certificate(), suspension("2026-10-05"), reinstatement("2026-10-08"),
        renewal_body("2027-12-31", certificate()), revocation("2026-10-20"),
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
        mask = certificate_good_days(facts, NUMBER, place=host, month=MONTH)
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
