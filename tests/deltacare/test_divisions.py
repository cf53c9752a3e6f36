"""Division codes: five lengths, containment on a date, successors."""

from datetime import date

import pytest

from deltacare.divisions import (
    CHANGES,
    PROVINCES,
    Division,
    DivisionLevel,
    DivisionTable,
    Validity,
    contains,
    division_level,
    is_statistical,
    normalise_division,
    province_of,
)
from deltacare.errors import Refusal

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "text, code, level",
    [
        ("31", "310000", DivisionLevel.PROVINCE),
        ("310000", "310000", DivisionLevel.PROVINCE),
        ("310000000000", "310000", DivisionLevel.PROVINCE),
        ("3201", "320100", DivisionLevel.CITY),
        ("310151", "310151", DivisionLevel.COUNTY),
        ("310151000", "310151", DivisionLevel.COUNTY),
        ("310113102", "310113102", DivisionLevel.STREET),
        ("310113102000", "310113102", DivisionLevel.STREET),
        ("310113102001", "310113102001", DivisionLevel.VILLAGE),
        (" 310151 ", "310151", DivisionLevel.COUNTY),
    ],
)
def test_five_lengths_have_one_spelling(text: str, code: str, level: DivisionLevel) -> None:
    """Trailing zeros name nothing narrower."""
    assert code == normalise_division(text)
    assert level is division_level(code)
    assert text.strip()[:2] + "0000" == province_of(code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "310",
        "31015",
        "3101511",
        "3101131021",
        "310113102001001",
        "010000",
        "31O151",
        "３１０１５１",
        "310000101",
        "310100001",
        "310151000001",
        "3.1E5",
    ],
)
def test_other_codes_are_refused(text: str) -> None:
    """Another length, a letter, or a part without its whole is refused."""
    with pytest.raises(Refusal, match="division"):
        normalise_division(text)


@pytest.mark.parametrize(
    "wider, narrower",
    [
        ("310000", "310151"),
        ("310000", "310151001"),
        ("320500", "320581"),
        ("310113", "310113102"),
        ("310113102", "310113102001"),
        ("310151", "310151"),
    ],
)
def test_wider_divisions_hold_narrower_ones(wider: str, narrower: str) -> None:
    """Digits say what lies in what; not the other way round."""
    assert contains(wider, narrower, TODAY)
    assert (wider == narrower) == contains(narrower, wider, TODAY)


def test_neighbours_hold_nothing_of_each_other() -> None:
    """A code is compared by its parts, not by any shared beginning."""
    assert not contains("320100", "321000", TODAY)
    assert not contains("310000", "320000", TODAY)
    assert not contains("310113102", "310113103", TODAY)


def test_a_county_that_became_a_district_goes_on() -> None:
    """An agreement of 崇明县 holds for 崇明区, and papers from 崇明县 for 崇明区."""
    change = date(2016, 7, 22)
    assert contains("310230", "310151", TODAY)
    assert contains("310151", "310230", TODAY)
    assert contains("310230", "310230", date(2016, 7, 21))
    assert not contains("310151", "310230", date(2016, 7, 21))
    assert contains("310151", "310230", change)
    assert contains("310230", "310230100", TODAY)


def test_a_merged_district_ends_its_agreements() -> None:
    """下城区 went into 拱墅区: its people are there, its agreements are not."""
    before, after = date(2021, 4, 8), date(2021, 4, 9)
    assert contains("330103", "330103", before)
    assert not contains("330105", "330103", before)
    assert contains("330105", "330103", after)
    assert not contains("330103", "330105", after)
    assert not contains("330103", "330103", after)


def test_districts_merged_under_a_new_code_end_their_agreements() -> None:
    """沧浪区, 平江区 and 金阊区 became 姑苏区: none of the three goes on as the whole."""
    for code in ("320502", "320503", "320504"):
        assert contains("320508", code, TODAY)
        assert not contains(code, "320508", TODAY)
    assert contains("320584", "320509", TODAY)


def test_a_split_district_lies_only_where_all_its_parts_lie() -> None:
    """江干区 went to 上城区 and 钱塘区: its people are in 杭州市, in neither for certain."""
    assert ("330102", "330114") == CHANGES.resolve("330104", TODAY)
    assert not contains("330102", "330104", TODAY)
    assert not contains("330114", "330104", TODAY)
    assert contains("330100", "330104", TODAY)
    assert contains("330000", "330104001", TODAY)
    assert contains("330104", "330104", date(2021, 4, 8))


def test_a_district_that_does_not_exist_yet_agrees_to_nothing() -> None:
    """临平区 and 钱塘区 exist from 9 April 2021."""
    assert Validity.NOT_YET is CHANGES.validity("330113", date(2021, 4, 8))
    assert not contains("330113", "330113", date(2021, 4, 8))
    assert contains("330113", "330113", date(2021, 4, 9))
    assert contains("330100", "330113", date(2021, 4, 8))
    assert ("330104",) == CHANGES.resolve("330114", date(2021, 4, 8))


def test_chains_of_changes_are_followed() -> None:
    """无为县 moved from 巢湖 to 芜湖 in 2011 and became a city in 2019."""
    assert ("340225",) == CHANGES.resolve("341422", date(2019, 12, 15))
    assert ("340281",) == CHANGES.resolve("341422", date(2019, 12, 16))
    assert contains("341422", "340281", TODAY)
    assert contains("340200", "341422", TODAY)
    assert not contains("340100", "341422", TODAY)
    assert contains("341400", "341422", date(2011, 8, 21))
    assert not contains("341400", "341422", date(2011, 8, 22))


@pytest.mark.parametrize(
    "code, on_date, validity",
    [
        ("310230", date(2016, 7, 21), Validity.VALID),
        ("310230", date(2016, 7, 22), Validity.ABOLISHED),
        ("310151", date(2016, 7, 21), Validity.NOT_YET),
        ("310151", date(2016, 7, 22), Validity.VALID),
        ("310101", TODAY, Validity.UNKNOWN),
        ("310000", TODAY, Validity.VALID),
    ],
)
def test_validity_changes_on_the_day(code: str, on_date: date, validity: Validity) -> None:
    """The day of a change belongs to the new code."""
    assert validity is CHANGES.validity(code, on_date)


def test_names_come_from_the_callers_rows() -> None:
    """Rows of a caller's table give names and keep the embedded dates."""
    table = DivisionTable.of(
        [Division(code="310113", name="宝山区"), Division(code="310151", name="崇明区")]
    )
    assert "宝山区" == table.name("310113")
    assert "崇明县" == table.name("310230")
    assert "320102" == table.name("320102")
    assert Validity.NOT_YET is table.validity("310151", date(2016, 7, 21))


def test_a_caller_adds_changes() -> None:
    """Rows with dates and successors count like the embedded ones."""
    day = date(2027, 1, 1)
    table = DivisionTable.of(
        [
            Division(code="320999", name="旧", until_date=day, successors=("320998",)),
            Division(code="320998", name="新", from_date=day),
        ]
    )
    assert table.contains("320999", "320998", day)
    assert not table.contains("320998", "320999", date(2026, 12, 31))


def test_a_circle_of_successors_ends() -> None:
    """A table that contradicts itself gets an answer, not a loop."""
    day = date(2020, 1, 1)
    table = DivisionTable(
        [
            Division(code="320901", until_date=day, successors=("320902",)),
            Division(code="320902", until_date=day, successors=("320901",)),
        ]
    )
    assert not table.contains("320901", "320902", TODAY)
    assert not table.contains("320900", "320902", TODAY)


def test_development_zones_are_told_apart() -> None:
    """Statistical codes of zones are no GB/T 2260 codes."""
    assert is_statistical("320576")
    assert is_statistical("340176")
    assert not is_statistical("310151")
    assert not is_statistical("320581")


def test_four_provinces_are_embedded() -> None:
    """Codes ascending, names in both languages."""
    assert ["310000", "320000", "330000", "340000"] == list(PROVINCES)
    assert ("上海", "Shanghai") == (PROVINCES["310000"].name_zh, PROVINCES["310000"].name_en)
