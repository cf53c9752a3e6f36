"""What the demonstration says about provinces, kinds, rates and caregivers: constants with reasons.

Everything here is invented. Rates have the order of magnitude of published ones, so that the
statement at the end looks like one, and are nobody's.
"""

from dataclasses import dataclass
from typing import Final

from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import SUBSIDY_UNIT_DAY, SUBSIDY_UNIT_USE, SubsidyUnit

__all__ = [
    "AGREED_KINDS",
    "CLOSED_DATES",
    "KINDS",
    "PAIRS",
    "PROVINCES",
    "SCHEME",
    "TREATY_KIND_OUTSIDE",
    "Kind",
    "rate_fen",
]

PROVINCES: Final = ("310000", "320000", "330000", "340000")
PAIRS: Final = tuple((a, b) for a in PROVINCES for b in PROVINCES if a < b)

# Dates that the demonstration closes.
CLOSED_DATES: Final = 5

SCHEME: Final = "CAREGIVER_LEVEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of subsidy.

    Attributes:
        code: Its code.
        unit: By what it is counted.
        rate_fen: For one unit, before the province's factor.
        units_max: Most units that a record of the demonstration names.
        exclusivity_group: Kinds whose days together may not exceed the month, or empty.
        needs_caregiver: Whether a record must name a certified caregiver.
    """

    code: str
    unit: "SubsidyUnit.ValueType"
    rate_fen: int
    units_max: int
    exclusivity_group: str
    needs_caregiver: bool


KINDS: Final = (
    Kind(
        code="CARE_BED",
        unit=SUBSIDY_UNIT_DAY,
        rate_fen=4_500,
        units_max=28,
        exclusivity_group="RESIDENTIAL",
        needs_caregiver=False,
    ),
    Kind(
        code="NURSING",
        unit=SUBSIDY_UNIT_DAY,
        rate_fen=6_800,
        units_max=28,
        exclusivity_group="",
        needs_caregiver=True,
    ),
    Kind(
        code="MEAL_AID",
        unit=SUBSIDY_UNIT_USE,
        rate_fen=1_200,
        units_max=28,
        exclusivity_group="",
        needs_caregiver=False,
    ),
    Kind(
        code="CHECK_UP",
        unit=SUBSIDY_UNIT_USE,
        rate_fen=9_900,
        units_max=4,
        exclusivity_group="",
        needs_caregiver=False,
    ),
)
AGREED_KINDS: Final = tuple(kind.code for kind in KINDS)

# A kind that home pays for at home and no agreement covers.
TREATY_KIND_OUTSIDE: Final = Kind(
    code="HOME_REFIT",
    unit=SUBSIDY_UNIT_USE,
    rate_fen=80_000,
    units_max=1,
    exclusivity_group="",
    needs_caregiver=False,
)

# Percent of the rate that each home province pays.
_FACTOR_PERCENT = {"310000": 120, "320000": 105, "330000": 110, "340000": 90}


def rate_fen(home: str, kind: Kind) -> int:
    """Return what a home province pays for one unit of a kind, in fen."""
    return kind.rate_fen * _FACTOR_PERCENT[home] // 100


def cap_fen(home: str, kind: Kind, month: ServiceMonth) -> int:
    """Return the highest sum of one elder and month: a full month at the rate."""
    return rate_fen(home, kind) * month.days
