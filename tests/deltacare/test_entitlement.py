"""Amounts: against exact fractions, against decimal's half-up, and which version decides."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.divisions import Division, DivisionTable
from deltacare.entitlement import (
    COMPUTATION_VERSION,
    GradeRate,
    Tariff,
    Unit,
    Version,
    deciding_version,
    entitled_fen,
    narrowest_divisions,
    rounded_half_up,
)
from deltacare.money import MAX_FEN
from deltacare.times import ServiceMonth

OCTOBER = ServiceMonth(year=2026, month=10)
UNCAPPED = MAX_FEN

FEN = st.integers(1, MAX_FEN)
RATES = st.one_of(
    st.builds(GradeRate, grade=st.just("三级"), amount_fen=FEN),
    st.builds(
        GradeRate, grade=st.just("三级"), tariff_fen=FEN, share_basis_points=st.integers(1, 10_000)
    ),
)
TARIFFS = st.builds(
    Tariff,
    unit=st.sampled_from(Unit),
    rate_fen=st.just(0),
    cap_fen=st.sampled_from([0, 100_000, MAX_FEN]),
    scheme=st.just("GB_T_42195"),
    rates=st.tuples(RATES),
    is_prorated=st.booleans(),
)
MONTHS = st.builds(ServiceMonth, year=st.integers(2000, 2999), month=st.integers(1, 12))


def entitled(tariff: Tariff, days: int, month: ServiceMonth = OCTOBER) -> int | None:
    """Return what an elder of the third grade is granted."""
    return entitled_fen(tariff, scheme="GB_T_42195", grade="三级", service_days=days, month=month)


def exact(tariff: Tariff, days: int, month: ServiceMonth) -> Fraction:
    """Return the amount before it is rounded and capped, by the words of the contract."""
    (rate,) = tariff.rates
    per_unit = Fraction(rate.amount_fen)
    if rate.tariff_fen:
        per_unit = Fraction(rate.tariff_fen) * Fraction(rate.share_basis_points, 10_000)
    if tariff.unit is not Unit.MONTH:
        return per_unit * days
    return (
        per_unit * Fraction(min(days, month.days), month.days) if tariff.is_prorated else per_unit
    )


@given(TARIFFS, st.integers(1, 1_000), MONTHS)
def test_amounts_are_exact_fractions_rounded_once(
    tariff: Tariff, days: int, month: ServiceMonth
) -> None:
    """The nearest fen, a half upwards, at most the cap; the same by fractions and by decimal."""
    amount = exact(tariff, days, month)
    nearest = (amount + Fraction(1, 2)).__floor__()
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(amount.numerator) / Decimal(amount.denominator)
        assert nearest == int(quotient.quantize(Decimal(1), rounding=ROUND_HALF_UP))
    assert min(nearest, tariff.cap_fen) == entitled(tariff, days, month)


@given(st.integers(0, 10**30), st.integers(1, 10**12))
def test_rounding(numerator: int, denominator: int) -> None:
    """Never off by more than half, and a half goes up."""
    found = rounded_half_up(numerator, denominator)
    assert Fraction(-1, 2) < found - Fraction(numerator, denominator) <= Fraction(1, 2)


@pytest.mark.parametrize(
    "tariff,days,expected",
    [
        (Tariff(unit=Unit.DAY, rate_fen=4_500, cap_fen=UNCAPPED), 31, 139_500),
        (Tariff(unit=Unit.USE, rate_fen=4_500, cap_fen=100_000), 31, 100_000),
        (Tariff(unit=Unit.MONTH, rate_fen=100_000, cap_fen=UNCAPPED), 1, 100_000),
        # 1,000.00 yuan × 10 of 31 days is 322.5806…; of 90,001 fen × 31 of 31 nothing is lost.
        (Tariff(unit=Unit.MONTH, rate_fen=100_000, cap_fen=UNCAPPED, is_prorated=True), 10, 32_258),
        (
            Tariff(unit=Unit.MONTH, rate_fen=100_001, cap_fen=UNCAPPED, is_prorated=True),
            31,
            100_001,
        ),
        (Tariff(unit=Unit.MONTH, rate_fen=62, cap_fen=UNCAPPED, is_prorated=True), 1, 2),
        (Tariff(unit=Unit.MONTH, rate_fen=31, cap_fen=UNCAPPED, is_prorated=True), 40, 31),
        (Tariff(unit=Unit.DAY, rate_fen=4_500, cap_fen=0), 1, 0),
    ],
)
def test_without_rates(tariff: Tariff, days: int, expected: int) -> None:
    """One amount for every grade, by day, use, month and part of a month."""
    assert expected == entitled(tariff, days)
    assert not tariff.is_exact


def test_half_a_fen_goes_up() -> None:
    """45.01 yuan at half is 22.505: 22.51; three times that is 67.515, rounded once: 67.52."""
    half = GradeRate(grade="", tariff_fen=4_501, share_basis_points=5_000)
    tariff = Tariff(unit=Unit.DAY, rate_fen=0, cap_fen=UNCAPPED, rates=(half,))
    assert [2_251, 4_501, 6_752] == [entitled(tariff, days) for days in (1, 2, 3)]
    assert tariff.is_exact


def test_the_rate_of_a_grade() -> None:
    """A grade of the scheme has its rate, any other the one for all, or none."""
    rates = (GradeRate(grade="", amount_fen=1), GradeRate(grade="三级", amount_fen=3))
    tariff = Tariff(unit=Unit.DAY, rate_fen=0, cap_fen=UNCAPPED, scheme="A", rates=rates)
    asked = [("A", "三级"), ("A", "一级"), ("B", "三级"), ("", "")]

    def found(of: Tariff) -> list[int | None]:
        return [
            entitled_fen(of, scheme=scheme, grade=grade, service_days=1, month=OCTOBER)
            for scheme, grade in asked
        ]

    assert [3, 1, 1, 1] == found(tariff)
    named = Tariff(unit=Unit.DAY, rate_fen=0, cap_fen=UNCAPPED, scheme="A", rates=rates[1:])
    assert [3, None, None, None] == found(named)


def version(index: int, from_date: str, until_date: str = "", division: str = "340000") -> Version:
    """Return a version of a policy."""
    tariff = Tariff(unit=Unit.DAY, rate_fen=index, cap_fen=UNCAPPED)
    return Version(
        index=index,
        home_division=division,
        from_date=from_date,
        until_date=until_date,
        tariff=tariff,
    )


@pytest.mark.parametrize(
    "versions,expected",
    [
        ([], None),
        ([version(1, "2026-10-02")], None),
        ([version(1, "2026-10-01")], 1),
        ([version(1, "2026-01-01"), version(2, "2026-10-01")], 2),
        ([version(2, "2026-01-01"), version(1, "2026-10-01")], 1),
        ([version(1, "2026-10-01"), version(2, "2026-10-01")], 2),
        ([version(1, "2026-01-01"), version(2, "2026-06-01", "2026-09-30")], None),
        # The narrowest division counts, whatever was stated later for a wider one.
        ([version(1, "2026-01-01", division="340104"), version(2, "2026-02-01")], 1),
        (
            [
                version(1, "2026-01-01"),
                version(2, "2026-01-01", division="340100"),
                version(3, "2026-01-01", division="340200"),
            ],
            2,
        ),
        # Another district's is not this elder's; one that begins later ends nothing before.
        ([version(1, "2026-01-01"), version(2, "2026-01-01", division="340203")], 1),
        ([version(1, "2026-01-01"), version(2, "2026-10-02", division="340104")], 1),
        # A district that ended its own is not paid the province's instead.
        ([version(1, "2026-01-01"), version(2, "2026-01-01", "2026-09-30", "340104")], None),
    ],
)
def test_which_version_decides(versions: list[Version], expected: int | None) -> None:
    """Narrowest division, then latest first day, then last in the log."""
    for order in (versions, versions[::-1]):
        found = deciding_version(order, home_division="340104", month=OCTOBER)
        assert expected == (None if found is None else found.index)


def test_codes_of_their_time() -> None:
    """A county that became a district is one division under both codes; a merged one is no more."""
    in_2026 = date(2026, 10, 1)
    # 崇明县 became 崇明区 unchanged in 2016: policies under either code are its own.
    both = ["310000", "310151", "310230"]
    for elder in ("310151", "310230"):
        assert ["310151", "310230"] == list(narrowest_divisions(both, elder, in_2026))
    # 卢湾区 was merged into 黄浦区: an old policy of it is nobody's, and its elders are 黄浦's.
    assert ["310101"] == list(narrowest_divisions(["310101", "310103"], "310103", in_2026))
    assert [] == list(narrowest_divisions(["310103"], "310103", in_2026))
    # 枞阳县 moved from 安庆 to 铜陵 in 2016.
    cities = ["340700", "340800"]
    assert ["340700"] == list(narrowest_divisions(cities, "340823", in_2026))
    assert ["340800"] == list(narrowest_divisions(cities, "340823", date(2015, 1, 1)))


def test_the_latest_of_two_codes_of_one_division() -> None:
    """Of a county's policy and the later one of the district that it became, the later decides."""
    versions = [
        version(1, "2015-01-01", division="310230"),
        version(2, "2026-01-01", division="310151"),
    ]
    found = deciding_version(versions, home_division="310230", month=OCTOBER)
    assert found is not None
    assert 2 == found.index


def test_divisions_of_a_callers_table() -> None:
    """Changes that a caller knows count as those that are embedded."""
    table = DivisionTable.of(
        [
            Division(code="340198", until_date=date(2026, 6, 1), successors=("340199",)),
            Division(code="340199", from_date=date(2026, 6, 1)),
        ]
    )
    found = narrowest_divisions(["340198"], "340199", date(2026, 10, 1), table=table)
    assert ["340198"] == list(found)


def test_version_of_the_computation() -> None:
    """Stored with amounts: raise it with whatever changes one."""
    assert 1 == COMPUTATION_VERSION
