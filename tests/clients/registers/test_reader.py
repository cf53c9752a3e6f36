"""Registers read as found: each genuine kind of defect on made-up rows, and what becomes of it."""

from dataclasses import replace
from datetime import date

import pytest

from clients.language import using_language
from clients.registers.findings import Defect
from clients.registers.mapping import Match
from clients.registers.mapping_file import read_mapping
from clients.registers.reader import Register, by_rarity, defect_counts, read_register
from clients.registers.shipped import find_mapping
from clients.registers.streets import Streets
from deltacare.institutions import value_of
from deltacare.v1.entry_pb2 import (
    INSTITUTION_STATE_OPERATING,
    OPERATION_MODE_PUBLIC_PRIVATE,
    OPERATION_MODE_UNSPECIFIED,
    Institution,
)

TODAY = date(2026, 11, 22)
SHANGHAI = find_mapping("shanghai")
GOOD = {
    "src_id": "137",
    "province_code": "310000",
    "city_code": "310100",
    "district_code": "310113",
    "district": "宝山区",
    "street_code": "310113102",
    "street": "大场镇",
    "name": "编造的养老院（测试用）",
    "approved_beds": "247",
    "established": "2015-07-22",
    "operation_mode": "公建民营",
    "address": "编造路1号（测试用）",
    "zipcode": "200436",
    "lng": "121.415111",
    "lat": "31.300448",
    "unified_social_credit_code": "",
}


def read(
    *rows: dict[str, str],
    province: str | None = "310000",
    without: str = "",
    streets: Streets | None = None,
    match: Match = Match.NUMBER,
) -> Register:
    """Return the register of rows that differ from the good one, read as Shanghai's."""
    columns = [name for name in GOOD if name != without]
    headers = {
        attribute: name
        for attribute, cell in SHANGHAI.cells.items()
        for name in cell.headers
        if name in columns
    }
    return read_register(
        (
            (number, {attribute: ({**GOOD, **row})[name] for attribute, name in headers.items()})
            for number, row in enumerate(rows, start=2)
        ),
        mapping=replace(SHANGHAI, match=match),
        headers=headers,
        today=TODAY,
        province=province,
        streets=streets,
    )


def test_a_good_row() -> None:
    """Everything that the register says stands in the institution, and nothing is reported."""
    register = read({})
    assert () == register.findings
    assert (
        Institution(
            institution_id="310000-137",
            name="编造的养老院（测试用）",
            division_code="310113102",
            street="大场镇",
            address="编造路1号（测试用）",
            postcode="200436",
            approved_beds=247,
            operation_mode=OPERATION_MODE_PUBLIC_PRIVATE,
            established_date="2015-07-22",
            longitude_e6=121_415_111,
            latitude_e6=31_300_448,
            state=INSTITUTION_STATE_OPERATING,
        ),
    ) == register.institutions


@pytest.mark.parametrize(
    "change, column, defect",
    [
        ({"approved_beds": "0"}, "approved_beds", Defect.BEDS_ZERO),
        ({"street_code": "", "street": ""}, "street_code", Defect.STREET_MISSING),
        ({"street_code": "", "street": "错字镇"}, "street", Defect.STREET_WITHOUT_CODE),
        ({"street_code": "3.10113E+08"}, "street_code", Defect.STREET_MALFORMED),
        ({"street_code": "310114102"}, "street_code", Defect.STREET_ELSEWHERE),
        ({"district_code": ""}, "district_code", Defect.DISTRICT_MISSING),
        ({"district_code": "330113"}, "district_code", Defect.DISTRICT_MALFORMED),
        ({"established": ""}, "established", Defect.FOUNDING_MISSING),
        ({"established": "2015-02-30"}, "established", Defect.FOUNDING_UNREADABLE),
        ({"established": "2027-01-01"}, "established", Defect.FOUNDING_UNREADABLE),
        ({"operation_mode": ""}, "operation_mode", Defect.MODE_MISSING),
        ({"operation_mode": "民办"}, "operation_mode", Defect.MODE_UNKNOWN),
        ({"address": ""}, "address", Defect.ADDRESS_MISSING),
        ({"address": "路" * 301}, "address", Defect.ADDRESS_TOO_LONG),
        ({"street": "镇" * 51}, "street", Defect.STREET_TOO_LONG),
        ({"zipcode": ""}, "zipcode", Defect.POSTCODE_MISSING),
        ({"zipcode": "0"}, "zipcode", Defect.POSTCODE_MALFORMED),
        ({"lng": ""}, "lng", Defect.PLACE_MISSING),
        ({"lat": "131.3"}, "lat", Defect.PLACE_UNREADABLE),
        (
            {"unified_social_credit_code": "12310113MB2F306180"},
            "unified_social_credit_code",
            Defect.CREDIT_CODE_MALFORMED,
        ),
    ],
)
def test_what_leaves_a_field_empty(change: dict[str, str], column: str, defect: Defect) -> None:
    """The row is kept, and the defect reported by row, column, value and remedy."""
    register = read({}, {"src_id": "138", **change})
    assert 2 == len(register.institutions)
    (found,) = register.findings
    assert (3, column, defect, False) == (found.row, found.column, found.defect, found.leaves_out)
    assert found.defect.what
    assert found.defect.remedy


@pytest.mark.parametrize(
    "change, column, defect",
    [
        ({"src_id": ""}, "src_id", Defect.NUMBER_MISSING),
        ({"src_id": "1 3"}, "src_id", Defect.NUMBER_MALFORMED),
        ({"src_id": "137"}, "src_id", Defect.NUMBER_REPEATED),
        ({"province_code": "31"}, "province_code", Defect.PROVINCE_UNREADABLE),
        ({"name": " "}, "name", Defect.NAME_MISSING),
        ({"name": "名" * 201}, "name", Defect.NAME_TOO_LONG),
        ({"approved_beds": ""}, "approved_beds", Defect.BEDS_UNREADABLE),
        ({"approved_beds": "-5"}, "approved_beds", Defect.BEDS_UNREADABLE),
        ({"approved_beds": "12.5"}, "approved_beds", Defect.BEDS_UNREADABLE),
        ({"approved_beds": "100001"}, "approved_beds", Defect.BEDS_UNREADABLE),
        ({"approved_beds": "约二百"}, "approved_beds", Defect.BEDS_UNREADABLE),
        # A thousand, or a digit that a spreadsheet has rounded away, or a code: nobody knows.
        ({"approved_beds": "1e3"}, "approved_beds", Defect.BEDS_UNREADABLE),
        ({"approved_beds": "1.2E+3"}, "approved_beds", Defect.BEDS_UNREADABLE),
        ({"approved_beds": "1_000"}, "approved_beds", Defect.BEDS_UNREADABLE),
    ],
)
def test_what_leaves_the_row_out(change: dict[str, str], column: str, defect: Defect) -> None:
    """The row is reported and left out; the good one beside it goes in."""
    register = read({}, {"src_id": "138", **change})
    assert ["310000-137"] == [row.institution_id for row in register.institutions]
    assert 1 == register.left_out_count
    out = [found for found in register.findings if found.leaves_out]
    assert [(3, column, defect)] == [(found.row, found.column, found.defect) for found in out]


def test_another_province() -> None:
    """A node takes its own province's rows; without a province all are taken."""
    other = {
        "province_code": "320000",
        "district_code": "320102",
        "street_code": "320102002",
    }
    assert [Defect.PROVINCE_OTHER] == [found.defect for found in read(other).findings]
    assert ["320000-137"] == [row.institution_id for row in read(other, province=None).institutions]


def test_nothing_is_guessed() -> None:
    """What cannot be read stays empty instead of getting a likely value."""
    (kept,) = read(
        {"street_code": "", "zipcode": "0", "operation_mode": "", "established": "", "lng": "x"}
    ).institutions
    assert ("310113", "", OPERATION_MODE_UNSPECIFIED, "", 0, 0) == (
        kept.division_code,
        kept.postcode,
        kept.operation_mode,
        kept.established_date,
        kept.longitude_e6,
        kept.latitude_e6,
    )


@pytest.mark.parametrize("written", ["2015/7/22", "2015.07.22", "2015年7月22日"])
def test_dates_as_clerks_write_them(written: str) -> None:
    """Other forms of the same day are read; they mean one thing only."""
    (kept,) = read({"established": written}).institutions
    assert "2015-07-22" == kept.established_date


def test_beds_as_spreadsheets_write_them() -> None:
    """Thousands separators, wide digits and a fraction of nothing are numbers."""
    register = read({"approved_beds": "1,200"}, {"src_id": "138", "approved_beds": "１２００.0"})
    assert [1_200, 1_200] == [row.approved_beds for row in register.institutions]


def test_one_finding_for_a_column_that_no_row_has() -> None:
    """A register without credit codes says so once, not once a row."""
    register = read({}, {"src_id": "138"}, without="unified_social_credit_code")
    assert [(Defect.CREDIT_CODE_ABSENT, 1)] == list(defect_counts(register.findings))
    by_name = read({}, without="unified_social_credit_code", match=Match.NAME)
    assert () == by_name.findings, "names say which institution is meant"


def test_findings_in_both_languages() -> None:
    """The words follow the language; row, column, value and code do not."""
    (found,) = read({"approved_beds": "0"}).findings
    with using_language("zh"):
        chinese = found.to_plain()
    english = found.to_plain()
    assert chinese["description"] != english["description"]
    assert (2, "approved_beds", "0", "BEDS_ZERO") == (
        chinese["row"],
        chinese["column"],
        chinese["value"],
        chinese["defect"],
    )


def test_rare_defects_come_before_common_ones() -> None:
    """By kind: what leaves a row out, then the rarer before; no kind is hidden by another."""
    rows = [{"src_id": str(number), "zipcode": ""} for number in range(1, 60)]
    rows += [{"src_id": "60", "street_code": "3.10113E+08"}, {"src_id": "61", "name": ""}]
    listed = by_rarity(read(*rows).findings)
    assert [Defect.NAME_MISSING, Defect.STREET_MALFORMED] == [f.defect for f in listed[:2]]
    assert [("NAME_MISSING", 1), ("STREET_MALFORMED", 1), ("POSTCODE_MISSING", 59)] == [
        (defect.value, count) for defect, count in defect_counts(listed)
    ]


def test_a_column_that_the_file_lacks() -> None:
    """It is named once, and the file does not speak of it, so that nothing stored is lost."""
    register = read({}, {"src_id": "138"}, without="zipcode")
    assert [(0, "zipcode", Defect.COLUMN_ABSENT)] == [
        (found.row, found.column, found.defect) for found in register.findings
    ]
    assert "postcode" not in register.fields
    assert {"name", "approved_beds", "state", "division_code"} <= register.fields


def test_streets_by_name() -> None:
    """A table of streets gives codes by name inside the district; what it lacks is reported."""
    streets = Streets(codes={("310113", "大场镇"): "310113102", ("310114", "江湾镇"): "310114109"})
    register = read(
        {"street_code": ""},
        {"src_id": "138", "street_code": "", "street": "江湾镇"},
        streets=streets,
    )
    assert ["310113102", "310113"] == [each.division_code for each in register.institutions]
    assert [(3, "street", "江湾镇", Defect.STREET_UNKNOWN)] == [
        (found.row, found.column, found.value, found.defect) for found in register.findings
    ]


def test_layout_is_no_content() -> None:
    """Line breaks and wide spaces become spaces; what cannot be printed is refused."""
    (home,) = read({"address": "编造路\n1号", "name": "编造的\u3000养老院"}).institutions
    assert ("编造路 1号", "编造的 养老院") == (home.address, home.name)
    register = read({"address": "编造路\u200b1号"}, {"src_id": "138", "name": "编\u200b造"})
    assert [Defect.ADDRESS_TOO_LONG, Defect.NAME_TOO_LONG] == [
        found.defect for found in register.findings
    ]


WIDE = """
format = "deltacare/register-mapping/v1"
[source]
id = "TEST"
name_zh = "测试"
name_en = "Test"
authorities = ["CIVIL_AFFAIRS"]
province = "320000"
[file]
dates = ["YYYY-MM-DD", "YYYY-MM"]
[columns]
number = { column = "no", replace = { "第" = "", "号" = "" } }
name = "name"
approved_beds = { column = "beds", unit = "张" }
open_beds = "open"
provider_type = "type"
state = { column = "state", separator = "/", part = 1 }
state_date = { column = "state", separator = "/", part = 2 }
state_reason = { column = "state", separator = "/", part = 3 }
successor_ids = { column = "heirs", separator = "、", replace = { "第" = "", "号" = "" } }
medical_facilities = { column = "medical", separator = "、" }
medical_insured = "insured"
[codes.provider_type]
"院" = "RESIDENTIAL_INSTITUTION"
"其他" = "UNSPECIFIED"
[codes.state]
"开" = "OPERATING"
"关" = "CLOSED"
[codes.state_reason]
"并" = "MERGED"
[codes.medical_facilities]
"医务室" = "MEDICAL_ROOM"
"医院" = "HOSPITAL"
[codes.medical_insured]
"是" = "YES"
"否" = "NO"
[[grades]]
scheme = "GB_T_37276"
grade = { column = "grade", separator = "/", part = 1 }
from_date = { column = "grade", separator = "/", part = 2 }
valid_months = 36
[grades.codes]
"3A" = "三级"
"""
HOME = {
    "no": "第7号",
    "name": "编造的养老院（测试用）",
    "beds": "120张",
    "open": "12",
    "type": "院",
    "state": "开",
    "heirs": "",
    "medical": "医院、医务室",
    "insured": "是",
    "grade": "3A/2025-02",
}


def read_wide(*rows: dict[str, str]) -> Register:
    """Return the register of rows in a shape that has every sort of attribute."""
    mapping = read_mapping(WIDE.encode(), name="wide", file="wide.toml")
    headers = {name: cell.headers[0] for name, cell in mapping.cells.items()}
    return read_register(
        (
            (number, {name: {**HOME, **row}[column] for name, column in headers.items()})
            for number, row in enumerate(rows, start=2)
        ),
        mapping=mapping,
        headers=headers,
        today=TODAY,
    )


def test_cells_that_hold_several_things() -> None:
    """Parts, units, replacements, codes and months come to what they mean."""
    register = read_wide(
        {}, {"no": "8", "state": "关/2025-03-31/并", "heirs": "第7号", "open": "", "grade": ""}
    )
    home, gone = register.institutions
    assert ("320000-7", 120, 12) == (home.institution_id, home.approved_beds, home.open_beds)
    assert "HOSPITAL:INSURED,MEDICAL_ROOM:INSURED" == value_of(home, "medical_facilities")
    (grade,) = home.grades
    assert ("GB_T_37276", "三级", "2025-02-01", "2028-01-31") == (
        grade.scheme,
        grade.grade,
        grade.from_date,
        grade.until_date,
    )
    assert ("CLOSED", "2025-03-31", "MERGED", "320000-7") == tuple(
        value_of(gone, name) for name in ("state", "state_date", "state_reason", "successor_ids")
    )
    assert {Defect.CREDIT_CODE_ABSENT} == {found.defect for found in register.findings}


@pytest.mark.parametrize(
    "change, defect, field",
    [
        ({"open": "121"}, Defect.OPEN_BEDS_ABOVE_APPROVED, "open_beds"),
        ({"open": "-1"}, Defect.OPEN_BEDS_UNREADABLE, "open_beds"),
        ({"type": "店"}, Defect.PROVIDER_TYPE_UNKNOWN, "provider_type"),
        ({"type": ""}, Defect.PROVIDER_TYPE_MISSING, "provider_type"),
        ({"state": "关/春天/并"}, Defect.STATE_DATE_UNREADABLE, "state_date"),
        ({"state": "关/2025-03-31/散"}, Defect.STATE_REASON_UNKNOWN, "state_reason"),
        ({"state": "关", "heirs": "甲 乙"}, Defect.SUCCESSOR_MALFORMED, "successor_ids"),
        ({"state": "关", "heirs": "9"}, Defect.SUCCESSOR_UNKNOWN, "successor_ids"),
        ({"state": "关", "heirs": "7"}, Defect.SUCCESSOR_UNKNOWN, "successor_ids"),
        ({"heirs": "7"}, Defect.SUCCESSOR_OF_OPEN, "successor_ids"),
        ({"grade": "9A/2025-02"}, Defect.GRADE_UNKNOWN, "grades"),
        ({"grade": "3A"}, Defect.GRADE_DATE_UNREADABLE, "grades"),
        ({"grade": "3A/2025-13"}, Defect.GRADE_DATE_UNREADABLE, "grades"),
        ({"medical": "康复角"}, Defect.FACILITY_UNKNOWN, "medical_facilities"),
    ],
)
def test_what_is_not_taken(change: dict[str, str], defect: Defect, field: str) -> None:
    """The row goes in without the attribute, and the report says why."""
    register = read_wide(change)
    (found,) = (each for each in register.findings if each.row)
    (home,) = register.institutions
    assert (defect, "") == (found.defect, value_of(home, field))


@pytest.mark.parametrize(
    "change, defect",
    [
        ({"grade": "3A/2019-02"}, Defect.GRADE_EXPIRED),
        ({"insured": "不详"}, Defect.INSURED_UNKNOWN),
    ],
)
def test_what_is_taken_and_reported(change: dict[str, str], defect: Defect) -> None:
    """The register shows it, so it is stated; that it is odd is reported."""
    register = read_wide(change)
    assert [defect] == [found.defect for found in register.findings if found.row]
    assert register.institutions[0].grades
    assert register.institutions[0].medical_facilities


def test_a_state_that_nobody_knows() -> None:
    """An institution whose state is unknown cannot be stated; nothing is assumed."""
    register = read_wide({"state": "？"}, {"no": "8", "state": ""})
    assert () == register.institutions
    assert [Defect.STATE_UNKNOWN] * 2 == [found.defect for found in register.findings if found.row]


def test_a_word_that_means_nothing_of_ours() -> None:
    """A mapping may say that a word has no counterpart; that is no defect."""
    register = read_wide({"type": "其他"})
    assert [] == [found for found in register.findings if found.row]
    assert "" == value_of(register.institutions[0], "provider_type")


def test_a_closed_home_needs_no_beds() -> None:
    """0 beds are odd of what operates, not of what has closed."""
    register = read_wide(
        {"beds": "0", "open": ""}, {"no": "8", "beds": "0", "state": "关", "open": ""}
    )
    assert [(2, Defect.BEDS_ZERO)] == [
        (found.row, found.defect) for found in register.findings if found.row
    ]
