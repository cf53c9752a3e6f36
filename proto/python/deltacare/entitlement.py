"""What a policy grants for a service: whole fen from units, days and grade, computed in one place.

A node computes with this what it files, judges and clears, a command line what it shows, and a
verifier what it was told. Integers only: the exact amount is one fraction, rounded half-up to the
fen once, at the end. A policy without rates grants up to its amount, so that less may be filed; one
with rates says the amount itself. Nothing here knows a kind, an amount or a grade: all of it stands
in policies. Whether an elder is enrolled, and what a budget still covers, is asked elsewhere.
"""

import enum
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from deltacare.divisions import CHANGES, DivisionTable, division_level, normalise_division
from deltacare.times import ServiceMonth

__all__ = [
    "COMPUTATION_VERSION",
    "GradeRate",
    "Tariff",
    "Unit",
    "Version",
    "deciding_version",
    "entitled_fen",
    "narrowest_divisions",
    "rounded_half_up",
]

COMPUTATION_VERSION = 1
"""Version of this module's arithmetic; stored with every amount that it computed."""

_SHARE_WHOLE = 10_000  # hundredths of a percent


class Unit(enum.Enum):
    """By what a policy counts."""

    DAY = "DAY"
    MONTH = "MONTH"
    USE = "USE"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeRate:
    """What one unit comes to for one grade of need: an amount, or a share of a tariff.

    Attributes:
        grade: Under the tariff's scheme; empty is for every grade that no other rate names.
        amount_fen: For one unit; 0 where a tariff and a share say it.
        tariff_fen: Price of one unit; 0 where an amount says it.
        share_basis_points: Share of the price that is paid, in hundredths of a percent.
    """

    grade: str
    amount_fen: int = 0
    tariff_fen: int = 0
    share_basis_points: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What amounts of one policy are computed from.

    Attributes:
        unit: By what it counts.
        rate_fen: Highest amount for one unit, whatever the grade; 0 where `rates` say it.
        cap_fen: Highest sum for one elder and month.
        scheme: Scheme of the assessment of need that `rates` name grades of; empty if none.
        rates: By grade.
        is_prorated: Whether a month that was not served whole is paid by its days.
    """

    unit: Unit
    rate_fen: int
    cap_fen: int
    scheme: str = ""
    rates: tuple[GradeRate, ...] = ()
    is_prorated: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether it says the amount itself; else it is the highest, and less may be filed."""
        return bool(self.rates)

    def rate_for(self, scheme: str, grade: str) -> GradeRate | None:
        """Return the rate for a grade of need, ``None`` if none fits.

        Args:
            scheme: Scheme of the elder's assessment; empty if there was none.
            grade: Grade under it; empty if there was none.
        """
        named = (rate for rate in self.rates if rate.grade and rate.grade == grade)
        found = next(named, None) if scheme == self.scheme else None
        return found or next((rate for rate in self.rates if not rate.grade), None)


def rounded_half_up(numerator: int, denominator: int) -> int:
    """Return a fraction that is not below zero as the nearest whole number, a half upwards."""
    assert numerator >= 0, "an amount is not below zero"
    assert denominator > 0, "a denominator is above zero"
    return (2 * numerator + denominator) // (2 * denominator)


def entitled_fen(
    tariff: Tariff, *, scheme: str, grade: str, service_days: int, month: ServiceMonth
) -> int | None:
    """Return what a policy grants for one elder, month and number of days or uses.

    Args:
        tariff: Of the deciding policy.
        scheme: Scheme of the elder's assessment; empty if there was none.
        grade: Grade under it; empty if there was none.
        service_days: Days of service, or uses, from 1.
        month: Month of service.

    Returns:
        Fen, at most the cap; ``None`` if there is no rate for the grade.
    """
    per_unit, divisor = tariff.rate_fen, 1
    if tariff.rates:
        rate = tariff.rate_for(scheme, grade)
        if rate is None:
            return None
        if rate.tariff_fen:
            per_unit, divisor = rate.tariff_fen * rate.share_basis_points, _SHARE_WHOLE
        else:
            per_unit = rate.amount_fen
    units = service_days
    if tariff.unit is Unit.MONTH:
        units = 1
        if tariff.is_prorated:
            units, divisor = min(service_days, month.days), divisor * month.days
    return min(rounded_half_up(per_unit * units, divisor), tariff.cap_fen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of what a home province pays for a kind.

    Attributes:
        index: Place in the registry log of the home province.
        home_division: Division whose elders it is for, in canonical form.
        from_date: First day it holds, ISO 8601.
        until_date: Last day it holds; empty means until replaced.
        tariff: What amounts are computed from.
        exclusivity_group: Days under kinds of one group may not exceed the month; empty if none.
        needs_caregiver: Whether a record must name a certified caregiver.
        is_budgeted: Whether what no budget covers is held.
    """

    index: int
    home_division: str
    from_date: str
    until_date: str
    tariff: Tariff
    exclusivity_group: str = ""
    needs_caregiver: bool = False
    is_budgeted: bool = False


def narrowest_divisions(
    divisions: Iterable[str], narrower: str, on_date: date, *, table: DivisionTable = CHANGES
) -> Collection[str]:
    """Return the narrowest of some divisions within which another lies; none if none does.

    Codes are of their time: an abolished one goes by its successor where that took over its area
    unchanged, so that more than one code can mean the same division.

    Args:
        divisions: Canonical codes.
        narrower: Canonical code of any time.
        on_date: The date of the question.
        table: Divisions and what became of them.
    """
    holding = [each for each in set(divisions) if table.contains(each, narrower, on_date)]
    # A county that became a district is the same division under both codes.
    current = {each: _current(each, on_date, table) for each in holding}
    if not holding:
        return ()
    deepest = max((division_level(code), code) for code in current.values())[1]
    return sorted(each for each, code in current.items() if code == deepest)


def _current(code: str, on_date: date, table: DivisionTable) -> str:
    """Return the code that a division which still exists goes by on a date."""
    resolved = table.resolve(code, on_date)
    return resolved[0] if len(resolved) == 1 else code


def deciding_version(
    versions: Iterable[Version], *, home_division: str, month: ServiceMonth
) -> Version | None:
    """Return the version that decides for an elder and a month, ``None`` if none is in force.

    Of those that name a division within which the elder is registered, the narrowest division's
    count; of them the one with the latest first day not after the first day of the month; of
    several, the last in the log. If that one has ended before, nothing takes its place. A version
    that begins later takes no part: a district's first policy does not end the city's before it.

    Args:
        versions: Of one home province and kind, known at the time of the question.
        home_division: Division in which the elder is registered.
        month: Month of service.
    """
    first_date = month.first_date
    first_day = first_date.isoformat()
    begun = [each for each in versions if each.from_date <= first_day]
    divisions = narrowest_divisions(
        (each.home_division for each in begun), normalise_division(home_division), first_date
    )
    deciding = [each for each in begun if each.home_division in divisions]
    if not deciding:
        return None
    newest = max(deciding, key=lambda each: (each.from_date, each.index))
    return None if newest.until_date and newest.until_date < first_day else newest
