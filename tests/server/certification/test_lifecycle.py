"""Tests of the lifecycle rules as they are projected, on both sides of the edge of each."""

import pytest
from sqlalchemy import select

from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as pb
from server.certification import lifecycle, tables
from server.certification.projector import CertificationProjector
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.support.certifying import (
    NUMBER,
    addition_body,
    certificate,
    education,
    equivalence_end,
    institution_certificate,
    reinstatement,
    renewal_body,
    resumed,
    revocation,
    suspension,
    unrecognised,
)
from tests.support.projecting import Book
from tests.support.rooms import equivalence_body, institution_body

SH, JS = "310000", "320000"


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, RegistryProjector(), CertificationProjector())


def test_rules_are_numbered_in_order_and_say_themselves_twice() -> None:
    """Every rule has its number in order, a text in both languages, and a source."""
    assert [f"C{n:02d}" for n in range(1, 34)] == [rule.code[:3] for rule in lifecycle.RULES]
    for rule in lifecycle.RULES:
        assert rule.zh.endswith("。")
        assert rule.en.endswith(".")
        assert rule.source


ISSUED = certificate()
FOLLOWER = certificate("320000-C4", predecessor_no=NUMBER)
RENEWED = renewal_body("2027-12-31", ISSUED)
SECOND = renewal_body("2028-12-31", RENEWED, references=[education("E9")])
THIRD = renewal_body("2029-12-31", SECOND)
ISSUER_STORY = [
    (institution_certificate("320000-S3", institution_id="320000-9"), "C32"),
    (institution_body("320000-1"), None),
    (ISSUED, None),
    (ISSUED, "C03"),
    (certificate("310000-C1"), "C01"),
    (certificate("320000-C2", holder_name_digest=b""), "G02"),
    (certificate("320000-C2", predecessor_no="x"), "G02"),
    (certificate("320000-C2", predecessor_no="32\0"), "G02"),
    (certificate("320000-C2\0"), "G02"),
    (certificate("320000-C2", division_code="3201"), "G02"),
    (certificate("320000-C2", references=[education(), education()]), "G02"),
    (certificate("320000-C2", references=[education(reference_no="")]), "G02"),
    (certificate("320000-C2", references=[education(hours=10_001)]), "G02"),
    (certificate("320000-C2", references=[education(kind=0)]), "G02"),
    (certificate("320000-C2", references=[education(f"E{n}") for n in range(33)]), "G02"),
    (institution_certificate("320000-C3", institution_id="310000-1"), "C02"),
    (certificate("320000-C4", predecessor_no="320000-C5"), "C26"),
    (certificate("320000-C4", predecessor_no="320000-C4"), "C26"),
    (certificate("320000-C4", predecessor_no="310000-C1"), "C26"),
    (FOLLOWER, None),
    (institution_certificate("320000-S1", predecessor_no=NUMBER), "C26"),
    (institution_certificate("320000-S1"), None),
    (institution_certificate("320000-S2", predecessor_no="320000-S1"), None),
    (renewal_body("2026-12-31", ISSUED), "C06"),
    (renewal_body("2027-12-31", None), "G02"),
    (renewal_body("2027-12-31", FOLLOWER), "C27"),
    (renewal_body("2027-12-31", ISSUED, reason="x"), "G02"),
    (RENEWED, None),
    (renewal_body("2028-12-31", ISSUED), "C27"),
    (RENEWED, "C27"),
    (renewal_body("2027-06-30", RENEWED), "C06"),
    (SECOND, None),
    (renewal_body("2028-01-01", ISSUED, "320000-C9"), "C04"),
    (renewal_body("2028-01-01", ISSUED, "310000-C9"), "C01"),
    (addition_body(), None),
    (addition_body(), None),
    (pb.CertificateAddition(certificate_no=NUMBER), "G02"),
    (addition_body(number="320000-C9"), "C04"),
    (addition_body(number="310000-C1"), "C01"),
    (reinstatement("2026-10-10"), "C07"),
    (suspension("2026-10-05", "2026-10-20"), None),
    (reinstatement("2026-10-04"), "C07"),
    (reinstatement("2026-10-21"), "C07"),
    (reinstatement("2026-10-10"), None),
    (reinstatement("2026-10-15"), "C07"),
    (suspension("2026-10-01", "2026-09-30"), "G02"),
    (suspension("2026-10-12"), None),
    (suspension("2026-12-01", "2026-12-20"), None),
    (reinstatement("2026-10-14"), None),
    (reinstatement("2026-11-30"), "C07"),
    (reinstatement("2026-12-10"), None),
    (revocation("2062-10-25"), None),
    (revocation("2062-10-25"), "C05"),
    (revocation("2062-10-26"), "C05"),
    (suspension("2062-10-25"), "C05"),
    (suspension("2062-10-24"), None),
    (reinstatement("2062-10-24"), None),
    (reinstatement("2062-10-26"), "C05"),
    (addition_body(), None),
    (THIRD, None),
    (revocation("2030-01-01"), None),
    (addition_body(), "C05"),
    (renewal_body("2031-01-01", THIRD), "C05"),
    (revocation("2026-10-25"), None),
    (revocation("2026-10-25"), "C05"),
    (revocation("2026-10-26"), "C05"),
    (suspension("2026-10-26"), "C05"),
    (suspension("2026-10-24"), None),
    (reinstatement("2026-10-26"), "C05"),
    (renewal_body("2031-01-01", THIRD), "C05"),
    (addition_body(), "C05"),
    (revocation("2026-10-20"), None),
]
HOST_STORY = [
    (equivalence_end(), "C11"),
    (equivalence_body(), None),
    (equivalence_body(), "C10"),
    (equivalence_body("320000-E1"), "C08"),
    (equivalence_body("310000-E2", issuer=SH), "C09"),
    (equivalence_body("310000-E3", grades=()), "G02"),
    (equivalence_end("2062-10-16"), None),
    (equivalence_end("2062-10-16"), "C12"),
    (equivalence_end("2062-10-17"), "C12"),
    (equivalence_end(), None),
    (equivalence_end(), "C12"),
    (equivalence_end("2026-10-17"), "C12"),
    (equivalence_end("2026-10-01"), None),
    (resumed("2026-10-05"), "C14"),
    (unrecognised("2026-10-03"), None),
    (resumed("2026-10-02"), "C14"),
    (resumed("2026-10-05"), None),
    (unrecognised("2026-11-01"), None),
    (unrecognised("2026-12-01"), None),
    (resumed("2026-11-20"), None),
    (resumed("2026-11-25"), "C14"),
    (resumed("2026-12-10"), None),
    (unrecognised("2026-10-03", "310000-C1"), "C13"),
    (resumed("2026-10-03", "310000-C1"), "C13"),
    (unrecognised("2026-10-03", "320000-C77"), None),
    (unrecognised("2026-10-03", "320000-C77\0"), "G02"),
    (equivalence_body("310000-E9\0"), "G02"),
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
                tables.schemes,
                tables.equivalences,
                tables.equivalence_ends,
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
