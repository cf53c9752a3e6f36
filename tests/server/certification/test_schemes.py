"""Tests of the rules about schemes as they are projected, and of what is listed."""

import pytest

from deltacare.ids import LogName
from deltacare.schemes import NATIONAL
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from server.certification.projector import CertificationProjector
from server.certification.scheme_bodies import scheme_of, statement_of
from server.certification.scheme_store import find_schemes, read_schemes
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.support.certifying import (
    NUMBER,
    addition_body,
    certificate,
    education,
    institution_certificate,
    refused,
    renewal_body,
    say,
    scheme_body,
)
from tests.support.projecting import Book
from tests.support.rooms import Rooms, certificate_body, institution_body

SH, JS = "310000", "320000"
LEVELS = ("五级", "四级", "三级", "二级", "一级")


def own(number: str = NUMBER, **changes: object) -> pb.Certificate:
    """Return a certificate under the scheme of ``scheme_body``."""
    return certificate(number, **{"scheme": "JS_CAREGIVER", "grade": "中级", **changes})


def levels(**changes: object) -> pb.CertificationScheme:
    """Return a statement under the national name."""
    return scheme_body("CAREGIVER_LEVEL", **{"grades": LEVELS, **changes})


@pytest.fixture
def book(database: Database) -> Book:
    """An empty node."""
    return Book(database, RegistryProjector(), CertificationProjector())


STATEMENTS = [
    (scheme_body(), None),
    (scheme_body("js"), "G02"),
    (scheme_body(subject=0), "G02"),
    (scheme_body(occupation=""), "G02"),
    (scheme_body(occupation="4-10-1"), "G02"),
    (scheme_body(subject=pb.CERTIFICATE_SUBJECT_INSTITUTION), "G02"),
    (scheme_body(subject=pb.CERTIFICATE_SUBJECT_INSTITUTION, occupation=""), None),
    (scheme_body(grades=()), "G02"),
    (scheme_body(grades=("甲", "甲")), "G02"),
    (scheme_body(grades=[str(n) for n in range(16)]), None),
    (scheme_body(grades=[str(n) for n in range(17)]), "G02"),
    (scheme_body(number_pattern="C[0-9]{8}"), None),
    (scheme_body(number_pattern="(C+)+"), "G02"),
    (scheme_body(number_pattern="\0"), "G02"),
    (scheme_body(validity_months_max=1_200), None),
    (scheme_body(validity_months_max=1_201), "G02"),
    (scheme_body(renewal_hours_min=10_001), "G02"),
    (scheme_body(from_date="2026-1-1"), "G02"),
    (scheme_body(until_date="2025-12-31"), "G02"),
    (scheme_body(until_date="2026-01-01"), None),
    (scheme_body(basis=""), "G02"),
    (scheme_body(basis="苏民 1"), "G02"),
    (scheme_body(issuing_divisions=("320100", "320500")), None),
    (scheme_body(issuing_divisions=("320100", "320100")), "G02"),
    (scheme_body(issuing_divisions=("3201",)), "G02"),
    (scheme_body(issuing_divisions=("310115",)), "C17"),
    (levels(), None),
    (levels(grades=("五级", "三级")), None),
    (levels(grades=("三级", "五级")), "C16"),
    (levels(grades=("五级", "特级")), "C16"),
    (levels(occupation="4-10-01-06"), "C16"),
    (levels(from_date="2019-09-24"), "C16"),
    (levels(from_date="2019-09-25"), None),
    (levels(validity_months_max=36, renewal_hours_min=20, number_pattern="C[0-9]+"), "G02"),
    (levels(validity_months_max=36, renewal_hours_min=20, number_pattern="C[0-9]{3}"), None),
    (scheme_body("GB_T_37276", grades=("一级",)), "C16"),
]


@pytest.mark.parametrize("at_once", [True, False])
def test_statements(book: Book, *, at_once: bool) -> None:
    """Every rule about statements voids what breaks it and nothing else."""
    book.say(JS, *(body for body, _ in STATEMENTS), at_once=at_once)
    expected = {index: rule for index, (_, rule) in enumerate(STATEMENTS) if rule}
    assert expected == {index: rule[:3] for index, rule in book.rules(JS).items()}


JULY = scheme_body(grades=("中级", "高级"), from_date="2026-07-01", number_pattern="C[0-9]{2}")
STRICT = scheme_body(
    "JS_STRICT",
    validity_months_max=12,
    issuing_divisions=("320100", "320000"),
)
ISSUES = [
    (own("320000-C90"), "C18"),
    (scheme_body(), None),
    (own("320000-C1"), None),
    (own("320000-C2", valid_from_date="2025-12-31"), "C18"),
    (own("320000-C3", grade="三级"), "C20"),
    (institution_body("320000-1"), None),
    (institution_certificate("320000-S1", scheme="JS_CAREGIVER", grade="中级"), "C19"),
    (JULY, None),
    (own("320000-C4", grade="初级"), None),
    (own("320000-C5", grade="初级", valid_from_date="2026-07-01"), "C20"),
    (own("320000-C6", valid_from_date="2026-07-01"), "C21"),
    (own("320000-D60", valid_from_date="2026-07-01"), "C21"),
    (own("320000-C60", valid_from_date="2026-07-01"), None),
    (STRICT, None),
    (own("320000-C10", scheme="JS_STRICT", valid_until_date="2027-01-01"), None),
    (own("320000-C11", scheme="JS_STRICT", valid_until_date="2027-01-02"), "C22"),
    (own("320000-C12", scheme="JS_STRICT", division_code="320100"), None),
    (own("320000-C13", scheme="JS_STRICT", division_code="320102"), "C24"),
    (own("320000-C14", scheme="JS_STRICT", division_code="310115"), "C23"),
    (certificate("320000-C15", division_code="310115"), "C23"),
    (certificate("320000-C16", division_code="320102"), None),
    (certificate("320000-C17", valid_from_date="2019-09-24"), "C18"),
    (certificate("320000-C18", valid_from_date="2019-09-25"), None),
    (certificate("320000-C19", scheme="GB_T_37276"), "C19"),
    (institution_certificate("320000-S2", grade="五级"), None),
    (institution_certificate("320000-S3", scheme="GB_38600", grade="五级"), "C20"),
    (institution_certificate("320000-S4", scheme="GB_38600", grade="符合"), None),
    (levels(grades=("三级",), until_date="2026-06-30"), None),
    (certificate("320000-C20", grade="二级"), "C20"),
    (certificate("320000-C21", grade="二级", valid_from_date="2026-07-01"), None),
    (scheme_body("JS_PROVINCE", issuing_divisions=("320100",)), None),
    (own("320000-C22", scheme="JS_PROVINCE"), "C24"),
    (scheme_body("JS_LATE"), None),
    (own("320000-C23", scheme="JS_LATE"), None),
]


@pytest.mark.parametrize("at_once", [True, False])
def test_certificates_under_schemes(book: Book, *, at_once: bool) -> None:
    """A certificate is judged by what its issuer's log says before it, on its first day."""
    book.say(JS, *(body for body, _ in ISSUES), at_once=at_once)
    expected = {index: rule for index, (_, rule) in enumerate(ISSUES) if rule}
    assert expected == {index: rule[:3] for index, rule in book.rules(JS).items()}


def test_what_another_province_states_counts_for_itself_alone(book: Book) -> None:
    """A scheme in one log makes no certificate of another good, nor does its narrowing."""
    book.say(SH, scheme_body(), levels(grades=("五级",)))
    book.say(JS, own(), certificate("320000-C2"))
    assert {0: "C18-SCHEME-UNKNOWN"} == book.rules(JS)


HOURS = scheme_body("JS_HOURS", renewal_hours_min=30, validity_months_max=12)
HELD = own(scheme="JS_HOURS")
FIRST = renewal_body("2027-12-31", HELD, references=[education("E3", 10), education("E1", 20)])
TRAINING = education("E2", 10, kind=pb.REFERENCE_KIND_TRAINING)
SECOND = renewal_body("2028-06-30", FIRST, references=[education("E4", 15)])
RENEWALS = [
    (HOURS, None),
    (HELD, None),
    (renewal_body("2027-12-31", HELD), "C25"),
    (renewal_body("2027-12-31", HELD, references=[education(hours=29)]), "C25"),
    (addition_body(education("E1", 20)), None),
    (addition_body(education("E1", 20)), None),
    (addition_body(TRAINING), None),
    (renewal_body("2027-12-31", HELD), "C25"),
    (renewal_body("2027-12-31", HELD, references=[education("E1", 10)]), "C25"),
    (renewal_body("2027-12-31", HELD, references=[education("E3", 9)]), "C25"),
    (renewal_body("2028-01-01", HELD, references=[education("E3", 10)]), "C22"),
    (FIRST, None),
    (renewal_body("2028-06-30", FIRST, references=[education("E3", 30)]), "C25"),
    (addition_body(education("E3", 15), education("E1", 15)), None),
    (renewal_body("2028-06-30", FIRST, references=[education("E4", 15)]), "C25"),
    (addition_body(education("E1", 15, division_code="310115")), None),
    (SECOND, None),
    (scheme_body("JS_HOURS", grades=("高级",), from_date="2028-07-01"), None),
    (renewal_body("2028-12-31", SECOND), "C20"),
    (scheme_body("JS_HOURS", from_date="2028-07-01", until_date="2028-07-01"), None),
    (scheme_body("JS_HOURS", from_date="2028-07-02"), None),
    (renewal_body("2028-12-31", SECOND), None),
    (scheme_body("JS_HOURS", from_date="2029-01-01", until_date="2029-01-01"), None),
]


@pytest.mark.parametrize("at_once", [True, False])
def test_renewals_under_schemes(book: Book, *, at_once: bool) -> None:
    """Hours count once, since the last renewal, and the version of the added time decides."""
    book.say(JS, *(body for body, _ in RENEWALS), at_once=at_once)
    expected = {index: rule for index, (_, rule) in enumerate(RENEWALS) if rule}
    assert expected == {index: rule[:3] for index, rule in book.rules(JS).items()}


def test_a_renewal_needs_a_scheme_that_still_holds(book: Book) -> None:
    """Once the scheme has ended, what was issued under it stays good and is not prolonged."""
    ended = scheme_body(until_date="2026-12-31")
    book.say(JS, ended, own(), renewal_body("2027-12-31", own()))
    assert {2: "C18-SCHEME-UNKNOWN"} == book.rules(JS)


def test_rows_of_schemes(book: Book, database: Database) -> None:
    """All versions are read in the order of the log; the newest of each is listed; forgotten."""
    book.say(JS, scheme_body(), JULY, scheme_body("JS_B"), scheme_body("js"))
    book.say(SH, scheme_body("ZZ"))
    found = database.read_now(lambda c: read_schemes(c, JS, ["JS_CAREGIVER", "ZZ"]))
    assert {"JS_CAREGIVER": [3, 2]} == {
        name: [len(version.grades) for version in versions] for name, versions in found.items()
    }

    def listed(province: str = "", after: str = "", limit: int = 99) -> list[tuple[str, str]]:
        rows = database.read_now(
            lambda c: find_schemes(c, province=province, after=after, limit=limit)
        )
        return [(row.province, row.scheme.scheme) for row in rows]

    national = [("", name) for name in sorted(NATIONAL)]
    stated = [(SH, "ZZ"), (JS, "JS_B"), (JS, "JS_CAREGIVER")]
    assert national + stated == listed()
    assert stated[1:] == listed(JS)
    assert national[1:] + stated[:1] == listed(after=f"0 {national[0][1]}", limit=6)
    assert stated[2:] == listed(after="320000 JS_B")
    (newest,) = database.read_now(
        lambda c: find_schemes(c, province=JS, after="320000 JS_B", limit=1)
    )
    assert (JULY, 1) == (newest.scheme, newest.entry.index)
    book.rebuild(JS)
    assert national + stated == listed()


# Over the service.


async def test_schemes_are_stated_and_listed(alone: Rooms) -> None:
    """A statement is appended once, listed in pages after the country's, and widening is named."""
    await say(alone, JS, "publish_scheme", scheme=scheme_body())
    error = await refused(
        say(alone, JS, "publish_scheme", scheme=levels(grades=("特级",), issuing_divisions=()))
    )
    assert ("C16-SCHEME-WIDENED", "CAREGIVER_LEVEL.grades") == (
        error.details["rule"],
        error.details["subject"],
    )
    error = await refused(
        say(alone, JS, "publish_scheme", scheme=scheme_body("x", number_pattern="(a+)+"))
    )
    assert ["scheme.scheme", "scheme.number_pattern"] == [v.field for v in error.violations]
    names: list[str] = []
    token = ""
    while True:
        page = await alone.certification[JS].list_schemes(
            cert_pb.ListSchemesRequest(page_size=2, page_token=token), alone.call(JS)
        )
        names += [row.scheme.scheme for row in page.schemes]
        token = page.next_page_token
        if not token:
            break
    assert [*sorted(NATIONAL), "JS_CAREGIVER"] == names
    error = await refused(
        alone.certification[JS].list_schemes(
            cert_pb.ListSchemesRequest(province="x", page_size=-1), alone.call(JS)
        )
    )
    assert {"province", "page_size"} == {violation.field for violation in error.violations}


async def test_an_invented_name_is_stated_first(alone: Rooms) -> None:
    """Issuing under a name that nobody stated is refused with the field; then it is let through."""
    body = certificate_body(scheme="JS_CAREGIVER", grade="中级")
    error = await refused(alone.issue(JS, body, certificate_body("320000-C2", grade="特级")))
    assert [
        ("certificates[0].certificate.scheme", "JS_CAREGIVER"),
        ("certificates[1].certificate.grade", "特级"),
    ] == [(violation.field, violation.value) for violation in error.violations]
    await say(alone, JS, "publish_scheme", scheme=scheme_body())
    await alone.issue(JS, body)
    assert 2 == alone.nodes[JS].logs.reader.position(LogName.registry(JS)).size


def test_nothing_is_lost_in_a_statement() -> None:
    """A scheme said in the contract's words is the same scheme."""
    for scheme in NATIONAL.values():
        assert scheme == scheme_of(statement_of(scheme))
