"""Which enrolment decides, as the night's expressions say, and whose budget a record is under."""

import pytest

from deltacare.times import ServiceMonth
from server.settlement.enrolled import HomeDivisions, StatedEnrolment, deciding_enrolment
from tests.server.settlement.world import HOME, HOST, KIND, make_record, ref

MARCH = ServiceMonth(year=2025, month=3)
CASES = [
    # First day, last day, number; the same cases as in tests/settlement/test_night.py.
    ([("2024-01-01", "", 1)], 1),
    ([("2024-01-01", "", 1), ("2025-01-01", "", 2)], 2),
    ([("2025-01-01", "", 2), ("2024-01-01", "", 1)], 2),
    ([("2024-01-01", "", 1), ("2025-03-02", "", 2)], 1),
    ([("2025-03-02", "", 2), ("2025-03-03", "", 1)], 2),
    ([("2024-01-01", "", 1), ("2024-01-01", "", 2)], 2),
    ([("2024-01-01", "", 2), ("2024-01-01", "", 1)], 1),
    ([("2024-01-01", "", 1), ("2024-06-01", "2025-02-28", 2)], 1),
    ([("2024-01-01", "2025-02-28", 2), ("2025-04-01", "", 2)], 0),
]


@pytest.mark.parametrize("enrolments,expected", CASES)
def test_which_enrolment_decides(enrolments: list[tuple[str, str, int]], expected: int) -> None:
    """The latest that had begun on the first of the month; else the first to begin."""
    stated = [
        StatedEnrolment(
            home=HOME,
            host=HOST,
            ref=ref(1),
            index=index,
            standing=("320106", "", str(number)),
            kinds=(KIND,),
            from_date=from_date,
            until_date=until_date,
        )
        for index, (from_date, until_date, number) in enumerate(enrolments)
    ]
    for order in (stated, stated[::-1]):
        found = deciding_enrolment(order, KIND, MARCH)
        assert expected == (0 if found is None else int(found.standing[2]))
    assert deciding_enrolment(stated, "MEAL_AID", MARCH) is None


def test_the_division_of_a_record() -> None:
    """By the enrolments for its kind, or any; ended ones tell as well, nothing tells of nobody."""
    divisions = HomeDivisions(
        {
            ref(1): [("320106", KIND, "2026-01-01")],
            ref(2): [
                ("320102", f"{KIND} MEAL_AID", "2026-01-01"),
                ("320106", KIND, "2026-10-01"),
                ("320205", KIND, "2026-10-02"),
            ],
        }
    )
    found = [
        divisions.of(make_record("S1", elder, subsidy_kind=kind))
        for elder, kind in ((1, KIND), (1, "MEAL_AID"), (2, KIND), (2, "MEAL_AID"), (3, KIND))
    ]
    assert ["320106", "320106", "320106", "320102", None] == found
