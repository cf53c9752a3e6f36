"""Instants, business dates and the days of a month."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.errors import Refusal
from deltacare.times import (
    ServiceMonth,
    business_date,
    day_start_time,
    format_time,
    from_posix_s,
    parse_date,
    parse_time,
    posix_s,
    require_utc,
)


def test_a_business_date_begins_at_sixteen_hours_utc() -> None:
    """Midnight in Shanghai is 16:00 UTC of the day before."""
    midnight = datetime(2026, 11, 21, 16, 0, tzinfo=UTC)
    assert date(2026, 11, 22) == business_date(midnight)
    assert date(2026, 11, 21) == business_date(midnight - timedelta(microseconds=1))
    assert midnight == day_start_time(date(2026, 11, 22))


@given(st.dates(date(1992, 1, 1), date(2900, 1, 1)))
def test_a_day_starts_within_itself(day: date) -> None:
    """The start of a business date lies in it, and the instant before does not."""
    start = day_start_time(day)
    assert day == business_date(start)
    assert day - timedelta(days=1) == business_date(start - timedelta(seconds=1))


@pytest.mark.parametrize(
    "text, value",
    [
        ("2026-11-22T08:00:00Z", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("2026-11-22T16:00:00+08:00", datetime(2026, 11, 22, 8, tzinfo=UTC)),
        ("2026-11-22t08:00:00.5z", datetime(2026, 11, 22, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-22T08:00:00.123456000Z", datetime(2026, 11, 22, 8, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_read(text: str, value: datetime) -> None:
    """Times with a zone are read, in UTC."""
    assert value == parse_time(text)
    assert UTC is parse_time(text).tzinfo


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22",
        "2026-11-22T08:00:00",
        "2026-11-22 08:00:00Z",
        "2026-11-22T08:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T08:00:60Z",
        "2026-13-22T08:00:00Z",
        "2026-11-22T08:00:00.1234567Z",
        "2026-11-22T08:00:00-00:00",
        "2026-11-22T08:00:00+25:00",
        "0001-01-01T00:00:00+08:00",
        "1799-01-01T00:00:00Z",
        "２026-11-22T08:00:00Z",
        "",
    ],
)
def test_other_times_are_refused(text: str) -> None:
    """What leaves a doubt about the instant is refused."""
    with pytest.raises(Refusal, match="issued_time"):
        parse_time(text, field="issued_time")


@given(st.integers(0, 29_348_006_400_000_000))
def test_times_read_back(microseconds: int) -> None:
    """Formatting and reading are inverse to each other."""
    value = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    assert value == parse_time(format_time(value))


def test_a_time_is_written_without_an_idle_fraction() -> None:
    """A whole second has no fraction, and another zone becomes Z."""
    value = datetime(2026, 11, 22, 16, tzinfo=timezone(timedelta(hours=8)))
    assert "2026-11-22T08:00:00Z" == format_time(value)


def test_posix_seconds_are_rounded_down() -> None:
    """A fraction of a second is dropped, also before the epoch."""
    assert 1 == posix_s(datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC))
    assert -1 == posix_s(datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC))
    assert 1_795_334_400 == posix_s(from_posix_s(1_795_334_400))


@pytest.mark.parametrize("seconds", [-1, 2**40, 2**63])
def test_impossible_timestamps_are_refused(seconds: int) -> None:
    """A timestamp that no calendar holds is refused, not crashed on."""
    with pytest.raises(Refusal):
        from_posix_s(seconds)


def test_a_naive_instant_is_our_mistake() -> None:
    """An instant without a zone never means anything."""
    with pytest.raises(AssertionError):
        require_utc(datetime(2026, 1, 1))  # noqa: DTZ001 - the case


@pytest.mark.parametrize("text", ["2024-02-29", "1900-01-01", "2999-12-31"])
def test_dates_are_read(text: str) -> None:
    """Days of the calendar are read."""
    assert text == parse_date(text).isoformat()


@pytest.mark.parametrize(
    "text, said",
    [
        ("2023-02-29", "no such day"),
        ("2026-04-31", "no such day"),
        ("1899-12-31", "year"),
        ("2026-1-1", "form"),
        ("20260101", "form"),
        ("2026/01/01", "form"),
        ("2026-01-01T00:00:00Z", "form"),
        ("", "form"),
        ("٢٠٢٦-01-01", "form"),
    ],
)
def test_other_dates_are_refused(text: str, said: str) -> None:
    """What is no day, or is written otherwise, is refused with the reason."""
    with pytest.raises(Refusal, match=said):
        parse_date(text)


def test_a_month_knows_its_days() -> None:
    """Lengths, borders and the month after."""
    february = ServiceMonth.parse("2028-02")
    assert 29 == february.days
    assert (date(2028, 2, 1), date(2028, 2, 29)) == (february.first_date, february.last_date)
    assert "2028-03" == str(february.next())
    assert "2027-01" == str(ServiceMonth.parse("2026-12").next())


@pytest.mark.parametrize(
    "text", ["2026-00", "2026-13", "2026-1", "202610", "2026-10-01", "1899-12"]
)
def test_other_months_are_refused(text: str) -> None:
    """A month is written in seven characters."""
    with pytest.raises(Refusal):
        ServiceMonth.parse(text)


@pytest.mark.parametrize(
    "from_date, until_date, mask",
    [
        (None, None, (1 << 31) - 1),
        (date(2026, 10, 1), date(2026, 10, 1), 1),
        (date(2026, 10, 31), date(2027, 1, 1), 1 << 30),
        (date(2026, 9, 1), date(2026, 10, 3), 0b111),
        (date(2026, 10, 5), date(2026, 10, 4), 0),
        (date(2026, 11, 1), None, 0),
        (None, date(2026, 9, 30), 0),
    ],
)
def test_masks_of_intervals(from_date: date | None, until_date: date | None, mask: int) -> None:
    """Both ends of an interval count, and what lies outside the month does not."""
    assert mask == ServiceMonth.parse("2026-10").mask(from_date, until_date)


@given(
    st.dates(date(2026, 9, 1), date(2026, 11, 30)), st.dates(date(2026, 9, 1), date(2026, 11, 30))
)
def test_a_mask_counts_the_days_of_the_interval(first: date, last: date) -> None:
    """A mask has one bit for each day of the month in the interval."""
    month = ServiceMonth.parse("2026-10")
    days = [month.first_date + timedelta(days=i) for i in range(month.days)]
    expected = sum(1 << i for i, day in enumerate(days) if first <= day <= last)
    assert expected == month.mask(first, last)
    assert month.mask(first, first) == month.bit(first)
