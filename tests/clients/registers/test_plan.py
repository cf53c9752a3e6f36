"""What an import states and claims: owners' words stand, others' stay beside, nothing is lost."""

from collections.abc import Mapping
from datetime import date

import pytest

from clients.registers.findings import Defect
from clients.registers.mapping_file import read_mapping
from clients.registers.plan import ImportPlan, plan_import
from clients.registers.reader import read_register
from deltacare.institutions import value_of
from deltacare.v1.entry_pb2 import (
    AUTHORITY_DIRECTORY,
    AUTHORITY_HEALTH,
    INSTITUTION_STATE_CLOSED,
    INSTITUTION_STATE_OPERATING,
    MEDICAL_FACILITY_KIND_CLINIC,
    Institution,
    InstitutionClaim,
    MedicalFacility,
)

TODAY = date(2026, 11, 22)
SH, JS = "310000", "320000"
MAPPING = """
format = "deltacare/register-mapping/v1"
[source]
id = "SOURCE"
name_zh = "来源"
name_en = "Source"
authorities = AUTHORITIES
province = "PROVINCE"
match = "MATCH"
[columns]
number = "number"
name = "name"
approved_beds = "beds"
open_beds = "open"
district_code = "district"
established_date = "founded"
medical_facilities = "medical"
state = { column = "state", separator = "/", part = 1 }
state_date = { column = "state", separator = "/", part = 2 }
state_reason = { column = "state", separator = "/", part = 3 }
successor_ids = "heirs"
[codes.medical_facilities]
"医务室" = "MEDICAL_ROOM"
[codes.state]
"开" = "OPERATING"
"关" = "CLOSED"
[codes.state_reason]
"回" = "REOPENED"
"""
HOME = {
    "number": "1",
    "name": "编造的养老院（测试用）",
    "beds": "100",
    "open": "5",
    "district": "310113",
    "founded": "2015-07-22",
    "medical": "医务室",
    "state": "开",
    "heirs": "",
}
STORED = Institution(
    institution_id="310000-1",
    name="编造的养老院（测试用）",
    division_code="310113102",
    approved_beds=120,
    open_beds=110,
    established_date="2014-01-01",
    address="编造路1号（测试用）",
    state=INSTITUTION_STATE_OPERATING,
    medical_facilities=[MedicalFacility(kind=MEDICAL_FACILITY_KIND_CLINIC, insured=True)],
)
ALL = ("CIVIL_AFFAIRS", "REGISTRAR", "HEALTH", "PLACE_NAMES")


def plan(
    *rows: Mapping[str, str],
    authorities: tuple[str, ...] = ALL,
    stored: tuple[Institution, ...] = (),
    match: str = "number",
    province: str = SH,
    own: str = SH,
    claims_only: bool = False,
    claimed: tuple[InstitutionClaim, ...] = (),
    is_as_of_given: bool = True,
    without: tuple[str, ...] = (),
) -> ImportPlan:
    """Return the plan of an import of rows that differ from the good one."""
    listed = "[" + ", ".join(f'"{name}"' for name in authorities) + "]"
    text = MAPPING.replace("AUTHORITIES", listed).replace("PROVINCE", province)
    mapping = read_mapping(text.replace("MATCH", match).encode(), name="m", file="m.toml")
    headers = {
        name: cell.headers[0]
        for name, cell in mapping.cells.items()
        if cell.headers[0] not in without
    }
    register = read_register(
        (
            (number, {name: {**HOME, **row}[column] for name, column in headers.items()})
            for number, row in enumerate(rows, start=2)
        ),
        mapping=mapping,
        headers=headers,
        today=TODAY,
        claims_only=claims_only,
    )
    return plan_import(
        register,
        {each.institution_id: each for each in stored},
        province=own,
        as_of=TODAY,
        claims_only=claims_only,
        claimed=claimed,
        is_as_of_given=is_as_of_given,
    )


def test_a_source_that_owns_everything() -> None:
    """It states every attribute that it speaks of, and claims nothing."""
    made = plan({}, stored=(STORED,))
    (home,) = made.statements
    assert ("100", "5", "310113", "2015-07-22", "MEDICAL_ROOM") == tuple(
        value_of(home, name)
        for name in (
            "approved_beds",
            "open_beds",
            "division_code",
            "established_date",
            "medical_facilities",
        )
    )
    assert "编造路1号（测试用）" == home.address, "of what the file does not speak stays"
    assert ((), (), {}) == (made.claims, made.findings, made.kept)


def test_a_source_that_owns_some() -> None:
    """The health authority states facilities; beds, names and dates of others it only claims."""
    made = plan({}, authorities=("HEALTH",), stored=(STORED,))
    (home,) = made.statements
    assert ("120", "2014-01-01", "MEDICAL_ROOM") == tuple(
        value_of(home, name) for name in ("approved_beds", "established_date", "medical_facilities")
    )
    claims = {claim.attribute: claim for claim in made.claims}
    assert {
        "name": HOME["name"],
        "approved_beds": "100",
        "open_beds": "5",
        "division_code": "310113",
        "established_date": "2015-07-22",
        "state": "OPERATING",
    } == {name: claim.value for name, claim in claims.items()}
    assert {("SOURCE", AUTHORITY_HEALTH, "2026-11-22")} == {
        (claim.source, claim.authority, claim.as_of_date) for claim in made.claims
    }


def test_what_is_not_registered() -> None:
    """Only the register itself brings an institution in; another's row is reported."""
    made = plan({}, authorities=("HEALTH",))
    assert ((), ()) == (made.statements, made.claims)
    assert [Defect.NOT_REGISTERED] == [found.defect for found in made.findings]
    (home,) = plan({}, authorities=("CIVIL_AFFAIRS",)).statements
    assert "310000" == home.division_code, "the division is not this source's to state"


def test_a_directory_by_name() -> None:
    """A source without our numbers is matched by name; two of one name are nobody."""
    made = plan({}, authorities=("DIRECTORY",), stored=(STORED,), match="name")
    assert ((), {"310000-1"}) == (
        made.statements,
        {claim.institution_id for claim in made.claims},
    )
    assert "name" not in {claim.attribute for claim in made.claims}
    twin = Institution()
    twin.CopyFrom(STORED)
    twin.institution_id = "310000-2"
    for stored, defect in (
        ((), Defect.NOT_REGISTERED),
        ((STORED, twin), Defect.SEVERAL_REGISTERED),
    ):
        made = plan({}, authorities=("DIRECTORY",), stored=stored, match="name")
        assert ((), [defect]) == (made.claims, [found.defect for found in made.findings])


@pytest.mark.parametrize("own, claims_only", [(SH, True), (JS, True), (JS, False)])
def test_claims_only_and_another_province(own: str, *, claims_only: bool) -> None:
    """Nothing is stated; whoever would own it at home is a directory here."""
    made = plan({}, stored=(STORED,), own=own, claims_only=claims_only)
    assert () == made.statements
    assert {AUTHORITY_DIRECTORY} == {claim.authority for claim in made.claims}
    assert "100" in {claim.value for claim in made.claims if claim.attribute == "approved_beds"}


def test_a_claim_is_taken_back() -> None:
    """What a source claimed and says no longer is withdrawn, and nothing else is."""
    claimed = tuple(
        InstitutionClaim(institution_id="310000-1", source="SOURCE", attribute=attribute, value="x")
        for attribute in ("established_date", "address")
    )
    made = plan({"founded": ""}, authorities=("HEALTH",), stored=(STORED,), claimed=claimed)
    assert {"established_date": ""} == {
        claim.attribute: claim.value for claim in made.claims if not claim.value
    }


def test_what_was_claimed_before_keeps_its_day() -> None:
    """Unless somebody names the day: importing again on another day says nothing new."""
    before = InstitutionClaim(
        institution_id="310000-1",
        source="SOURCE",
        attribute="approved_beds",
        value="100",
        as_of_date="2026-10-01",
    )
    for given, beds, day in (
        (False, "100", "2026-10-01"),
        (True, "100", "2026-11-22"),
        (False, "90", "2026-11-22"),
    ):
        made = plan(
            {"beds": beds},
            authorities=("HEALTH",),
            stored=(STORED,),
            claimed=(before,),
            is_as_of_given=given,
        )
        (claim,) = (each for each in made.claims if each.attribute == "approved_beds")
        assert (beds, day) == (claim.value, claim.as_of_date)


def test_what_cannot_be_read_is_not_claimed() -> None:
    """Nor is what was claimed of it before taken back."""
    claimed = InstitutionClaim(
        institution_id="310000-1", source="SOURCE", attribute="established_date", value="2014-02-02"
    )
    made = plan({"founded": "soon"}, authorities=("HEALTH",), stored=(STORED,), claimed=(claimed,))
    assert "established_date" not in {claim.attribute for claim in made.claims}


def test_unreadable_cells_keep_what_is_stored() -> None:
    """A cell that cannot be read erases nothing; an empty one does, and a good one replaces."""
    made = plan({"founded": "soon", "open": "", "district": "31.0"}, stored=(STORED,))
    (home,) = made.statements
    assert ("310113102", "2014-01-01", "", "100") == tuple(
        value_of(home, name)
        for name in ("division_code", "established_date", "open_beds", "approved_beds")
    )
    assert {"310000-1": frozenset({"division_code", "established_date"})} == made.kept
    (home,) = plan({"founded": "soon"}).statements
    assert "" == home.established_date


def test_a_column_that_is_not_there_takes_nothing_back() -> None:
    """Of what a file does not speak, what is stored stays."""
    (home,) = plan({}, stored=(STORED,), without=("founded", "medical")).statements
    assert ("2014-01-01", "CLINIC:INSURED") == (
        home.established_date,
        value_of(home, "medical_facilities"),
    )


def test_open_beds_that_no_longer_fit() -> None:
    """Approved beds fall below stored open ones: these are dropped, and the report says so."""
    made = plan({}, stored=(STORED,), without=("open",))
    assert "" == value_of(made.statements[0], "open_beds")
    assert [Defect.OPEN_BEDS_ABOVE_APPROVED] == [found.defect for found in made.findings]


def test_successors() -> None:
    """Who takes over is stated before; who has closed itself takes nothing over."""
    closed = {"number": "2", "state": "关/2025-03-31", "heirs": "1"}
    made = plan(closed, {})
    assert ["310000-1", "310000-2"] == [home.institution_id for home in made.statements]
    assert ["310000-1"] == list(made.statements[1].successor_ids)
    made = plan(closed, {"state": "关/2025-03-31"})
    assert [[], []] == [list(home.successor_ids) for home in made.statements]
    assert [Defect.SUCCESSOR_CLOSED] == [found.defect for found in made.findings]
    before = Institution(
        institution_id="310000-2", state=INSTITUTION_STATE_CLOSED, successor_ids=["310000-1"]
    )
    made = plan(closed, {"state": "关/2025-03-31"}, stored=(before,))
    assert [] == list(made.findings), "one that was named before stays"


def test_what_comes_back_from_being_closed() -> None:
    """Not by a careless row: it takes the day, not before the closing, and the reason."""
    before = Institution()
    before.CopyFrom(STORED)
    before.state, before.state_date = INSTITUTION_STATE_CLOSED, "2025-03-31"
    for state in ("开", "开/2025-01-01/回", "开/2025-06-01"):
        made = plan({"state": state}, stored=(before,))
        assert ((), [Defect.REOPENED_UNEXPLAINED]) == (
            made.statements,
            [found.defect for found in made.findings],
        )
    before.successor_ids.append("310000-2")
    made = plan({"state": "开/2025-06-01/回"}, stored=(before,), without=("heirs",))
    assert [(INSTITUTION_STATE_OPERATING, [])] == [
        (home.state, list(home.successor_ids)) for home in made.statements
    ], "what operates has no successors"


def test_what_is_gone_from_the_register() -> None:
    """It is named and left as it is; a source that is not the register says nothing about it."""
    other = Institution()
    other.CopyFrom(STORED)
    other.institution_id = "310000-9"
    closed = Institution(institution_id="310000-8", state=INSTITUTION_STATE_CLOSED)
    stored = (STORED, other, closed)
    assert ("310000-9",) == plan({}, stored=stored).gone
    assert () == plan({}, stored=stored, authorities=("HEALTH",)).gone
    assert () == plan({}, stored=stored, claims_only=True).gone


def at(institution_id: str, division_code: str) -> Institution:
    """Return a registered institution in a division."""
    home = Institution()
    home.CopyFrom(STORED)
    home.institution_id, home.division_code = institution_id, division_code
    return home


def test_a_file_speaks_of_the_cities_that_it_covers() -> None:
    """The register of one city says nothing of another's, nor does a file of no good row."""
    nanjing, suzhou = at("320000-1", "320102"), at("320000-9", "320505001")
    unplaced = at("320000-8", "320000")
    stored = (nanjing, suzhou, unplaced)
    of_nanjing = {"district": "320104", "number": "2"}
    made = plan(of_nanjing, stored=stored, own=JS, province=JS)
    assert ("320000-1",) == made.gone
    of_suzhou = {"district": "320508", "number": "3"}
    both = plan(of_nanjing, of_suzhou, stored=stored, own=JS, province=JS)
    assert ("320000-1", "320000-8", "320000-9") == both.gone, "it has every city that is known"
    assert () == plan({**of_nanjing, "beds": "many"}, stored=stored, own=JS, province=JS).gone
    # Where a row names no division, the institution stands where it stood.
    others = (nanjing, at("320000-7", "320106"))
    quiet = plan({"district": "", "number": "1"}, stored=others, own=JS, province=JS)
    assert ("320000-7",) == quiet.gone


def test_what_a_bad_row_names_is_not_gone() -> None:
    """The register has it, though what it says of it cannot be read."""
    stored = (STORED, at("310000-2", "310113"))
    assert () == plan({}, {"number": "2", "beds": "many"}, stored=stored).gone
    assert ("310000-2",) == plan({}, {"number": "?!", "beds": "1"}, stored=stored).gone


def said(institution_id: str, attribute: str = "approved_beds") -> InstitutionClaim:
    """Return what the source claimed before."""
    return InstitutionClaim(
        institution_id=institution_id,
        source="SOURCE",
        authority=AUTHORITY_DIRECTORY,
        attribute=attribute,
        value="100",
        as_of_date="2026-10-01",
    )


def withdrawn(made: ImportPlan) -> list[tuple[str, str, int, str]]:
    """Return what is taken back."""
    return [
        (each.institution_id, each.attribute, each.authority, each.as_of_date)
        for each in made.claims
        if not each.value
    ]


@pytest.mark.parametrize("match", ["number", "name"])
def test_claims_about_what_is_gone_are_withdrawn(match: str) -> None:
    """All that the source claimed of an institution that its file no longer has, where it looks."""
    gone, elsewhere = at("310000-2", "310113"), at("320000-3", "320505")
    gone.name, elsewhere.name = "另一家编造的养老院（测试用）", "又一家编造的养老院（测试用）"
    before = (said("310000-1"), said("310000-2"), said("310000-2", "address"), said("320000-3"))
    stored = (STORED, gone, elsewhere)

    def run(*rows: Mapping[str, str]) -> list[tuple[str, str, int, str]]:
        made = plan(
            *rows,
            authorities=("DIRECTORY",),
            stored=stored,
            claimed=before,
            match=match,
            is_as_of_given=False,
        )
        return withdrawn(made)

    assert [
        ("310000-2", "approved_beds", AUTHORITY_DIRECTORY, "2026-11-22"),
        ("310000-2", "address", AUTHORITY_DIRECTORY, "2026-11-22"),
    ] == run({})
    bad = {"number": "2", "name": gone.name, "beds": "many"}
    assert [] == run({}, bad), "its row is there, though it cannot be read"
    assert [] == run({}, {"number": "", "name": ""}), "a row may be of any institution"
    assert [] == run({"beds": "many"}), "a file without a good row says nothing"


@pytest.mark.parametrize("name", ["编造的 · 养老院", "编造的养老院", "编造的・养老院"])
def test_a_dot_in_a_name_means_nothing(name: str) -> None:
    """A directory that sets it, or leaves it out, means the same institution."""
    home = at("310000-1", "310113")
    home.name = "编造的·养老院"
    made = plan({"name": name}, authorities=("DIRECTORY",), stored=(home,), match="name")
    assert {"310000-1"} == {claim.institution_id for claim in made.claims}


def test_what_stands_in_no_known_city_may_be_gone() -> None:
    """Of whom only the province is known, a file says something that has every city."""
    unplaced = at("320000-8", "320000")
    row = {"district": "320104", "number": "2"}
    for others, expected in (
        ((), ("320000-8",)),
        ((at("320000-2", "320104"),), ("320000-8",)),
        ((at("320000-2", "320104"), at("320000-3", "320505")), ()),
    ):
        stored = (unplaced, *others)
        assert expected == plan(row, stored=stored, own=JS, province=JS).gone
    closed = at("320000-3", "320505")
    closed.state = INSTITUTION_STATE_CLOSED
    stored = (unplaced, at("320000-2", "320104"), closed)
    assert ("320000-8",) == plan(row, stored=stored, own=JS, province=JS).gone
    # A file of rows that name no division is of the province.
    bare = {"district": "", "number": "2"}
    stored = (unplaced, at("320000-2", "320000"))
    assert ("320000-8",) == plan(bare, stored=stored, own=JS, province=JS).gone
    assert () == plan({**bare, "beds": "many"}, stored=stored, own=JS, province=JS).gone
    # A municipality is one city: of its name alone it is known where an institution stands.
    assert ("310000-8",) == plan({}, stored=(STORED, at("310000-8", "310000"))).gone


def test_claims_about_what_stands_in_no_known_city_are_withdrawn() -> None:
    """Once the source has no row for it and a row in each city of which it claimed something."""
    stored = (at("320000-8", "320000"), at("320000-2", "320104"), at("320000-3", "320505"))
    before = (said("320000-8"), said("320000-2"))

    def run(*claims: InstitutionClaim) -> list[str]:
        made = plan(
            {"district": "320104", "number": "2"},
            authorities=("DIRECTORY",),
            stored=stored,
            claimed=claims,
            own=JS,
            province=JS,
        )
        return [each[0] for each in withdrawn(made)]

    assert ["320000-8"] == run(*before)
    assert [] == run(*before, said("320000-3")), "the file is of one of two cities"


def test_claims_on_what_a_source_now_owns_are_withdrawn() -> None:
    """Who speaks as owner no longer claims, or it would disagree with itself ever after."""
    before = (said("310000-1", "division_code"), said("310000-1", "postcode"))
    some = plan({}, authorities=ALL[:2], stored=(STORED,), claimed=before)
    assert [] == withdrawn(some)
    assert {"division_code": "310113", "medical_facilities": "MEDICAL_ROOM"} == {
        each.attribute: each.value for each in some.claims
    }
    made = plan({}, stored=(STORED,), claimed=before)
    assert [("310000-1", "division_code", AUTHORITY_DIRECTORY, "2026-11-22")] == withdrawn(made)
    assert 1 == len(made.claims), "of what the file does not speak nothing is taken back"
    unread = plan({"district": "many"}, stored=(STORED,), claimed=before)
    assert [] == withdrawn(unread), "what stands there is not known"


@pytest.mark.parametrize(
    "column, attribute",
    [("beds", "approved_beds"), ("state", "state"), ("name", "name"), ("open", "open_beds")],
)
def test_an_empty_cell_takes_a_claim_back(column: str, attribute: str) -> None:
    """Only who states beds, names and states has to have them; who claims them may leave off."""
    before = (said("310000-1", attribute),)
    for claims_only, authorities in ((False, ("DIRECTORY",)), (True, ALL)):
        made = plan(
            {column: ""},
            authorities=authorities,
            stored=(STORED,),
            claimed=before,
            claims_only=claims_only,
        )
        assert [("310000-1", attribute)] == [each[:2] for each in withdrawn(made)]
    made = plan({column: ""}, authorities=("DIRECTORY",), stored=(STORED,))
    assert attribute not in {each.attribute for each in made.claims}
    if column != "open":
        assert () == plan({column: ""}, stored=(STORED,)).statements, "the register has them"


def test_an_outdated_division_takes_no_good_ones_place() -> None:
    """An abolished code is reported, and what is stored stays; without that it is taken."""
    for code in ("310108", "310103"):
        made = plan({"district": code}, stored=(STORED,))
        assert ("310113102", {"310000-1": frozenset({"division_code"})}) == (
            made.statements[0].division_code,
            made.kept,
        )
    for stored in ((), (at("310000-1", "310000"),), (at("310000-1", "310103"),)):
        made = plan({"district": "310108"}, stored=stored)
        assert ("310108", {}) == (made.statements[0].division_code, made.kept)
