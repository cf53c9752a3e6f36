"""What lies beyond a month, and which records are held for it: values in, verdict out.

Days of one person, month and exclusivity group are summed over every host and pseudonym. A
settlement counts once, with the most days of its rows. Of these the records that were filed last
are the ones beyond; between two home provinces, who see nothing of each other but days, each holds
all of its own. What a night has closed is past holding: it is told apart, to be reversed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "Service",
    "beyond_by_homes",
    "beyond_by_hosts",
    "cleared_by_homes",
    "cleared_by_hosts",
    "is_apart",
    "summed_days",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A live record of the own province as home.

    Attributes:
        host: The partner.
        settlement_no: Its number.
        index: Place in the own settlement log with that partner.
        beneficiary_ref: Pseudonym with that host.
        filed_date: Business date under which it was filed.
        days: Days of service that it claims.
        closed_date: The agreed night that closed it; ``None`` while it is open.
    """

    host: str
    settlement_no: str
    index: int
    beneficiary_ref: str
    filed_date: str
    days: int
    closed_date: str | None


def _settlements(services: Sequence[Service]) -> dict[tuple[str, str], int]:
    """Return the days of each settlement."""
    found: dict[tuple[str, str], int] = {}
    for each in services:
        key = (each.host, each.settlement_no)
        found[key] = max(each.days, found.get(key, 0))
    return found


def summed_days(services: Sequence[Service]) -> int:
    """Return the days that are claimed of one person, month and group."""
    return sum(_settlements(services).values())


def is_apart(services: Sequence[Service]) -> bool:
    """Whether the days stand under several pseudonyms, so that home alone can add them up.

    An elder has one with each host, and one more there for each handle that home gave one person.
    """
    return len({(each.host, each.beneficiary_ref) for each in services}) > 1


def beyond_by_hosts(services: Sequence[Service], month_days: int) -> tuple[Service, ...]:
    """Return the open records that are beyond the month, counted over more than one pseudonym.

    What is closed comes first, then what was filed earlier; from the first that does not fit any
    more, all are beyond. Of one pseudonym alone the night itself tells, on both sides.

    Args:
        services: Of one person, month and group.
        month_days: Length of the month.
    """
    if not is_apart(services):
        return ()
    return tuple(each for each in _last(services, month_days) if each.closed_date is None)


def cleared_by_hosts(services: Sequence[Service], month_days: int) -> tuple[Service, ...]:
    """Return the closed records that are beyond the month by themselves, over several pseudonyms.

    Args:
        services: Of one person, month and group.
        month_days: Length of the month.
    """
    closed = [each for each in services if each.closed_date is not None]
    if not is_apart(closed):
        return ()
    return _last(closed, month_days)


def _last(services: Sequence[Service], month_days: int) -> tuple[Service, ...]:
    """Return the records from the first on that does not fit the month any more, in their turn."""
    days = _settlements(services)
    ordered = sorted(
        services,
        key=lambda each: (each.closed_date is None, each.filed_date, each.index, each.host),
    )
    total = 0
    beyond: list[Service] = []
    for each in ordered:
        # The first row of a settlement brings its days, further ones nothing.
        total += days.pop((each.host, each.settlement_no), 0)
        if total > month_days:
            beyond.append(each)
    return tuple(beyond)


def beyond_by_homes(
    services: Sequence[Service], other_days: int, month_days: int
) -> tuple[Service, ...]:
    """Return the open records to hold because another home pays for the same days.

    Args:
        services: Of one person, month and group.
        other_days: Days that the other home claims.
        month_days: Length of the month.
    """
    if not other_days or summed_days(services) + other_days <= month_days:
        return ()
    return tuple(each for each in services if each.closed_date is None)


def cleared_by_homes(
    services: Sequence[Service], other_days: int, month_days: int
) -> tuple[Service, ...]:
    """Return the closed records that another home pays for as well; what is open is held.

    Args:
        services: Of one person, month and group.
        other_days: Days that the other home claims.
        month_days: Length of the month.
    """
    closed = tuple(each for each in services if each.closed_date is not None)
    return closed if other_days and summed_days(closed) + other_days > month_days else ()
