"""Tests of schemes as data: the country's, versions by day, narrowing, and months."""

from dataclasses import replace
from datetime import date

import pytest

from deltacare.patterns import NumberPattern
from deltacare.schemes import (
    NATIONAL,
    Scheme,
    months_later,
    national_on,
    scheme_on,
    widened_field,
)
from deltacare.v1.entry_pb2 import CERTIFICATE_SUBJECT_CAREGIVER, CERTIFICATE_SUBJECT_INSTITUTION

LEVELS = NATIONAL["CAREGIVER_LEVEL"]
OWN = replace(LEVELS, name="JS_CAREGIVER", grades=("初级", "高级"), from_date=date(2026, 1, 1))


def test_the_country() -> None:
    """Caregivers' levels and institutions' grades stand in opposite orders, lowest first."""
    assert ("五级", "四级", "三级", "二级", "一级") == LEVELS.grades
    assert ("一级", "二级", "三级", "四级", "五级") == NATIONAL["GB_T_37276"].grades
    assert "4-10-01-05" == LEVELS.occupation
    for name, scheme in NATIONAL.items():
        assert name == scheme.name
        is_caregiver = scheme.subject == CERTIFICATE_SUBJECT_CAREGIVER
        assert is_caregiver == bool(scheme.occupation)
        assert scheme.basis
        assert not scheme.number_pattern or NumberPattern.parse(scheme.number_pattern)


@pytest.mark.parametrize(
    "day, holds", [(date(2019, 9, 24), False), (date(2019, 9, 25), True), (date(2999, 1, 1), True)]
)
def test_a_standard_applies_from_its_day(day: date, *, holds: bool) -> None:
    """Before the day of a standard the country has no such scheme."""
    assert (LEVELS if holds else None) == national_on("CAREGIVER_LEVEL", day)
    assert national_on("JS_CAREGIVER", day) is None


def test_which_version_holds() -> None:
    """The latest first day not after the day decides; of several, the last said."""
    first = OWN
    later = replace(OWN, grades=("初级",), from_date=date(2026, 7, 1))
    again = replace(OWN, grades=("高级",), from_date=date(2026, 7, 1))
    other = replace(OWN, name="JS_OTHER")

    def on(day: date, *versions: Scheme) -> Scheme | None:
        return scheme_on(versions, "JS_CAREGIVER", day)

    june, july = date(2026, 6, 30), date(2026, 7, 1)
    assert on(date(2025, 12, 31), first) is None
    assert first == on(june, first, later, other)
    assert later == on(july, first, later)
    assert again == on(july, later, again, first), "the last said of one day, wherever"
    assert later == on(july, again, later, first)
    assert on(june, other) is None


def test_an_ended_version_gives_way_to_the_country() -> None:
    """A version that has ended holds no more; under a national name the country's does again."""
    narrow = replace(
        LEVELS, grades=("三级",), from_date=date(2026, 1, 1), until_date=date(2026, 6, 30)
    )
    assert narrow == scheme_on([narrow], "CAREGIVER_LEVEL", date(2026, 6, 30))
    assert LEVELS == scheme_on([narrow], "CAREGIVER_LEVEL", date(2026, 7, 1))
    assert LEVELS == scheme_on([narrow], "CAREGIVER_LEVEL", date(2025, 12, 31))
    ended = replace(OWN, until_date=date(2026, 6, 30))
    older = replace(OWN, from_date=date(2025, 1, 1))
    assert scheme_on([older, ended], "JS_CAREGIVER", date(2026, 7, 1)) is None


WIDE = replace(
    LEVELS,
    number_pattern="C[0-9]{3}",
    validity_months_max=36,
    issuing_divisions=("320100", "320200"),
    renewal_hours_min=10,
    until_date=date(2030, 1, 1),
)


@pytest.mark.parametrize(
    "changes, field",
    [
        ({}, None),
        ({"grades": ("五级", "三级")}, None),
        ({"grades": ("三级", "五级")}, "grades"),
        ({"grades": ("三级", "特级")}, "grades"),
        ({"grades": ("三级", "三级")}, "grades"),
        ({"subject": CERTIFICATE_SUBJECT_INSTITUTION}, "subject"),
        ({"occupation": "4-10-01-06"}, "occupation"),
        ({"number_pattern": ""}, "number_pattern"),
        ({"validity_months_max": 35}, None),
        ({"validity_months_max": 37}, "validity_months_max"),
        ({"validity_months_max": 0}, "validity_months_max"),
        ({"issuing_divisions": ("320200",)}, None),
        ({"issuing_divisions": ("320300",)}, "issuing_divisions"),
        ({"issuing_divisions": ()}, "issuing_divisions"),
        ({"renewal_hours_min": 11}, None),
        ({"renewal_hours_min": 9}, "renewal_hours_min"),
        ({"from_date": date(2019, 9, 24)}, "from_date"),
        ({"from_date": date(2026, 1, 1)}, None),
        ({"until_date": date(2030, 1, 2)}, "until_date"),
        ({"until_date": None}, "until_date"),
        ({"until_date": date(2029, 1, 1)}, None),
        ({"basis": "JS-2026-1"}, None),
    ],
)
def test_what_widens(changes: dict[str, object], field: str | None) -> None:
    """Every field may ask for more and none for less than the wider scheme."""
    assert field == widened_field(replace(WIDE, **changes), WIDE)  # type: ignore[arg-type]  # by name


def test_nothing_widens_what_leaves_all_open() -> None:
    """Where the wider scheme says nothing, anything narrows it."""
    assert widened_field(replace(WIDE, until_date=None), LEVELS) is None


@pytest.mark.parametrize(
    "day, months, last",
    [
        ("2026-01-01", 36, "2029-01-01"),
        ("2026-01-31", 1, "2026-02-28"),
        ("2027-12-31", 2, "2028-02-29"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2026-11-30", 1, "2026-12-30"),
        ("2026-12-15", 1, "2027-01-15"),
    ],
)
def test_months(day: str, months: int, last: str) -> None:
    """A time of months ends with the day of the same number, or with the month (民法典 202)."""
    assert date.fromisoformat(last) == months_later(date.fromisoformat(day), months)
