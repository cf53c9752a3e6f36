"""Registers read as found: each genuine kind of defect on made-up rows, and what becomes of it."""

from datetime import date

import pytest

from clients.language import using_language
from clients.registers.findings import Defect
from clients.registers.reader import (
    HEADER_NAMES,
    Register,
    by_rarity,
    defect_counts,
    keep_stored,
    read_register,
)
from deltacare.v1.entry_pb2 import (
    INSTITUTION_STATE_OPERATING,
    OPERATION_MODE_PUBLIC_PRIVATE,
    OPERATION_MODE_UNSPECIFIED,
    Institution,
)

TODAY = date(2026, 11, 22)
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


def read(*rows: dict[str, str], province: str | None = "310000") -> Register:
    """Return the register of rows that differ from the good one."""
    return read_register(
        enumerate(({**GOOD, **row} for row in rows), start=2),
        columns=HEADER_NAMES,
        today=TODAY,
        province=province,
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
    """Thousands separators and an exact scientific notation are numbers."""
    register = read({"approved_beds": "1,200"}, {"src_id": "138", "approved_beds": "1.2E+3"})
    assert [1_200, 1_200] == [row.approved_beds for row in register.institutions]


def test_one_finding_for_a_column_that_no_row_has() -> None:
    """A register without credit codes says so once, not once a row."""
    columns = [name for name in HEADER_NAMES if name != "unified_social_credit_code"]
    register = read_register(
        enumerate([GOOD, {**GOOD, "src_id": "138"}], start=2), columns=columns, today=TODAY
    )
    assert [(Defect.CREDIT_CODE_ABSENT, 1)] == list(defect_counts(register.findings))


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


def test_unreadable_cells_keep_what_is_stored() -> None:
    """A cell that cannot be read erases nothing; an empty one does, and a good one replaces."""
    stored = read({}).institutions
    changed = {
        "street_code": "3.10113E+08",
        "established": "soon",
        "zipcode": "",
        "address": "新址",
    }
    register, kept = keep_stored(read(changed), stored)
    (institution,) = register.institutions
    assert {"310000-137": frozenset({"division_code", "established_date"})} == kept
    assert ("310113102", "2015-07-22", "", "新址") == (
        institution.division_code,
        institution.established_date,
        institution.postcode,
        institution.address,
    )
    moved = read({"street_code": "x", "district_code": "310115"})
    register, kept = keep_stored(moved, stored)
    assert ("310115", {}) == (register.institutions[0].division_code, kept)
    assert ({}, ()) == (keep_stored(read(changed), ())[1], read({}).findings)
