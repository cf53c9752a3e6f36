"""Instants, business dates and service months, so that no two rooms count a day differently.

Instants are aware ``datetime`` values in UTC. A business date is a calendar date in
Asia/Shanghai. Nothing here reads a clock: the present time is always passed in.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Self

from deltacare.errors import invalid_field

__all__ = [
    "SHANGHAI",
    "ServiceMonth",
    "business_date",
    "day_start_time",
    "format_time",
    "from_posix_s",
    "parse_date",
    "parse_time",
    "posix_s",
    "require_utc",
]

# China has used UTC+8 without summer time since 15 September 1991, and no business date of this
# federation lies before that; a fixed offset needs no time zone database on the machine.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)
_YEAR_MIN, _YEAR_MAX = 1900, 2999
_POSIX_MAX = 32_472_144_000  # the year 2999 in seconds


def require_utc(value: datetime) -> datetime:
    """Return `value` in UTC; a naive instant is our own mistake.

    Args:
        value: An aware instant in any zone.
    """
    assert value.tzinfo is not None, "an instant without a zone reached the kernel"
    return value.astimezone(UTC)


def business_date(instant: datetime) -> date:
    """Return the calendar date in Asia/Shanghai of an instant."""
    return require_utc(instant).astimezone(SHANGHAI).date()


def day_start_time(day: date) -> datetime:
    """Return the instant at which a business date begins, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def posix_s(instant: datetime) -> int:
    """Return whole seconds since 1970-01-01T00:00:00Z, rounded down."""
    return (require_utc(instant) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def from_posix_s(seconds: int, *, field: str = "time") -> datetime:
    """Return the instant of a POSIX timestamp.

    Args:
        seconds: Seconds since the epoch, 0 to the year 2999.
        field: The name that a refusal gives.

    Raises:
        Refusal: ``INVALID_FIELD``, if out of range.
    """
    if not 0 <= seconds < _POSIX_MAX:
        raise invalid_field(field, seconds, "The timestamp lies outside 1970 to 2998.")
    return datetime.fromtimestamp(seconds, tz=UTC)


def format_time(instant: datetime) -> str:
    """Return RFC 3339 in UTC with a trailing ``Z``; a fraction only where there is one."""
    value = require_utc(instant).replace(tzinfo=None)
    text = value.isoformat(timespec="microseconds" if value.microsecond else "seconds")
    return text + "Z"


def parse_time(text: str, *, field: str = "time") -> datetime:
    """Return the instant of an RFC 3339 text, in UTC.

    Args:
        text: Such as ``2026-11-22T08:00:00Z`` or ``2026-11-22T16:00:00+08:00``. Digits beyond
            microseconds must be zero; a leap second is refused.
        field: The name that a refusal gives.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such text.
    """
    remedy = "Write it as 2026-11-22T08:00:00Z."
    match = _TIME.fullmatch(text)
    if match is None:
        raise invalid_field(field, text, "This is not an RFC 3339 time with a zone.", remedy)
    day, hour, minute, second, fraction, zone = match.groups()
    digits = (fraction or "").ljust(9, "0")
    if digits[6:] != "000":
        raise invalid_field(field, text, "The time is finer than a microsecond.", remedy)
    if zone in "Zz":
        offset = "+00:00"
    elif zone == "-00:00":
        raise invalid_field(field, text, "The zone -00:00 means that the zone is unknown.", remedy)
    else:
        offset = zone
    try:
        value = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}.{digits[:6]}{offset}")
        value = value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid_field(field, text, "There is no such time.", remedy) from None
    if not _YEAR_MIN <= value.year <= _YEAR_MAX:
        raise invalid_field(field, text, "The year lies outside 1900 to 2999.", remedy)
    return value


def parse_date(text: str, *, field: str = "date") -> date:
    """Return the date of an ISO 8601 text ``YYYY-MM-DD``.

    Args:
        text: Ten characters; no other form is guessed.
        field: The name that a refusal gives.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such date or lies outside 1900 to 2999.
    """
    remedy = "Write it as 2026-11-22."
    match = _DATE.fullmatch(text)
    if match is None:
        raise invalid_field(field, text, "This is not a date of the form YYYY-MM-DD.", remedy)
    year, month, day = (int(part) for part in match.groups())
    try:
        value = date(year, month, day)
    except ValueError:
        raise invalid_field(field, text, "There is no such day in the calendar.", remedy) from None
    if not _YEAR_MIN <= year <= _YEAR_MAX:
        raise invalid_field(field, text, "The year lies outside 1900 to 2999.", remedy)
    return value


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ServiceMonth:
    """A calendar month of service, and its days as bits: bit 0 is the first.

    A mask answers "held on at least N days of the month" by ``(a & b).bit_count() >= n``,
    however many intervals it was made from.
    """

    year: int
    month: int

    @classmethod
    def parse(cls, text: str, *, field: str = "service_month") -> Self:
        """Return the month of a text ``YYYY-MM``.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no such month or lies outside 1900 to 2999.
        """
        remedy = "Write it as 2026-10."
        match = _MONTH.fullmatch(text)
        if match is None:
            raise invalid_field(field, text, "This is not a month of the form YYYY-MM.", remedy)
        year, month = (int(part) for part in match.groups())
        if not 1 <= month <= 12:  # noqa: PLR2004 - months of a year
            raise invalid_field(field, text, "There is no such month.", remedy)
        if not _YEAR_MIN <= year <= _YEAR_MAX:
            raise invalid_field(field, text, "The year lies outside 1900 to 2999.", remedy)
        return cls(year=year, month=month)

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the month that holds a date."""
        return cls(year=day.year, month=day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def days(self) -> int:
        """The number of days, 28 to 31."""
        return monthrange(self.year, self.month)[1]

    @property
    def first_date(self) -> date:
        """The first day."""
        return date(self.year, self.month, 1)

    @property
    def last_date(self) -> date:
        """The last day."""
        return date(self.year, self.month, self.days)

    @property
    def full_mask(self) -> int:
        """The mask of every day."""
        return (1 << self.days) - 1

    def next(self) -> "ServiceMonth":
        """Return the month after this one."""
        return ServiceMonth.of(self.last_date + timedelta(days=1))

    def mask(self, from_date: date | None, until_date: date | None) -> int:
        """Return the days of the month that lie in an interval.

        Args:
            from_date: First day of the interval, itself included; ``None`` for no beginning.
            until_date: Last day of the interval, itself included, as certificates and agreements
                state it; ``None`` for no end.

        Returns:
            A bitmask of up to 31 bits; 0 where the two do not meet.
        """
        first = self.first_date if from_date is None else max(from_date, self.first_date)
        last = self.last_date if until_date is None else min(until_date, self.last_date)
        if last < first:
            return 0
        return ((1 << (last.day - first.day + 1)) - 1) << (first.day - 1)

    def bit(self, day: date) -> int:
        """Return the mask of one day; 0 where it lies in another month."""
        return self.mask(day, day)
