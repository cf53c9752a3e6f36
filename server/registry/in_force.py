"""Which agreements and listings are in force, and on which days.

Pure: values in, a value out. Days are bits: bit 0 of a mask is the first day of the month. What
may be said at all is for ``rules``; what was said is given as values.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache

from deltacare.divisions import CHANGES, province_of
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import AGREEMENT_SCOPE_SUBSIDY
from server.registry.values import (
    AgreementHistory,
    AgreementVersion,
    AgreementWordSaid,
    ListingStanding,
    Reach,
)

__all__ = [
    "agreement_concerns",
    "agreement_days",
    "agreement_in_force",
    "agreement_words_in_force",
    "agreements_in_force",
    "cover_mask",
    "holds_on",
    "listing_days",
    "matrix_cells",
    "party_provinces",
]


def party_provinces(parties: Iterable[str]) -> tuple[str, ...]:
    """Return the provinces that have a party, ascending."""
    return tuple(sorted({province_of(party) for party in parties}))


def _accepted_hash(words: Iterable[AgreementWordSaid], reach: Reach) -> bytes | None:
    """Return the version that one province's words accept, ``None`` if none.

    A word under the quorum counts; a later one that is only verified can take acceptance away,
    never give it.
    """
    accepted: bytes | None = None
    for word in sorted(words, key=lambda each: each.index):
        if word.index >= reach.restrict_size:
            break
        said = word.version_hash if word.accepted else None
        if word.index < reach.permit_size:
            accepted = said
        elif said != accepted:
            return None
    return accepted


def agreement_in_force(
    history: AgreementHistory, reaches: Mapping[str, Reach]
) -> AgreementVersion | None:
    """Return the version that every province with a party accepts, ``None`` if there is none.

    Whether a day lies in its window is asked of the version.

    Args:
        history: what was said.
        reaches: of the registry logs, by author; of one that is missing nothing counts.
    """
    for version in history.versions:
        reach = reaches.get(version.author)
        if reach is None or version.index >= reach.permit_size:
            continue
        if all(
            province in reaches
            and _accepted_hash(
                (word for word in history.words if word.province == province), reaches[province]
            )
            == version.version_hash
            for province in party_provinces(version.parties)
        ):
            return version
    return None


def agreement_words_in_force(
    history: AgreementHistory, version: AgreementVersion, reaches: Mapping[str, Reach]
) -> tuple[AgreementWordSaid, ...]:
    """Return the words that brought a version into force, one of each province, the author's first.

    Args:
        history: what was said.
        version: one that ``agreement_in_force`` returned for the same reaches.
        reaches: of the registry logs, by author.
    """
    last: dict[str, AgreementWordSaid] = {}
    for word in history.words:
        if word.index < reaches[word.province].permit_size:
            newest = last.get(word.province)
            if newest is None or word.index > newest.index:
                last[word.province] = word
    provinces = sorted(party_provinces(version.parties), key=lambda each: each != version.author)
    return tuple(last[province] for province in provinces)


def agreements_in_force(
    histories: Iterable[AgreementHistory], reaches: Mapping[str, Reach]
) -> tuple[AgreementVersion, ...]:
    """Return the versions in force, by id; see ``agreement_in_force``."""
    found = (agreement_in_force(history, reaches) for history in histories)
    return tuple(
        sorted((each for each in found if each is not None), key=lambda each: each.agreement_id)
    )


@lru_cache(maxsize=65_536)
def cover_mask(party: str, place: str, month: ServiceMonth) -> int:
    """Return the days of a month on which one division covers another."""
    if province_of(party) != province_of(place):
        return 0
    mask = 0
    first = month.first_date
    inside = [day for day in CHANGES.change_dates if first < day <= month.last_date]
    for start, end in zip([first, *inside], [*inside, None], strict=True):
        if CHANGES.contains(party, place, start):
            mask |= month.mask(start, None if end is None else end - timedelta(days=1))
    return mask


def agreement_concerns(parties: Iterable[str], place: str, on_date: date) -> bool:
    """Whether a party is, contains or lies in a division on a date."""
    return any(
        province_of(party) == province_of(place)
        and (CHANGES.contains(party, place, on_date) or CHANGES.contains(place, party, on_date))
        for party in parties
    )


def agreement_days(
    agreements: Iterable[AgreementVersion],
    *,
    home: str,
    home_division: str | None,
    host_division: str,
    kind: str,
    month: ServiceMonth,
) -> int:
    """Return the days of a month on which subsidies of a kind may be settled between two places.

    A day counts if one agreement in force covers both places and the kind, and the day lies in its
    window.

    Args:
        agreements: those in force.
        home: province that pays, six digits.
        home_division: canonical code where the elder is registered; ``None`` where no enrolment
            tells it: then any party of the home province will do, because what is missing is the
            enrolment, and another class names that.
        host_division: canonical code where the institution stands.
        kind: kind of subsidy.
        month: the month of service.

    Returns:
        A mask of up to 31 bits.
    """
    days = 0
    for version in agreements:
        if AGREEMENT_SCOPE_SUBSIDY not in version.scopes or kind not in version.subsidy_kinds:
            continue
        home_days = host_days = 0
        for party in version.parties:
            host_days |= cover_mask(party, host_division, month)
            if home_division is not None:
                home_days |= cover_mask(party, home_division, month)
            elif province_of(party) == home:
                home_days = month.full_mask
        days |= home_days & host_days & month.mask(version.from_date, version.until_date)
    return days


def listing_days(
    listings: Iterable[ListingStanding], *, institution_id: str, month: ServiceMonth
) -> int:
    """Return the days of a month on which a listing opens an institution to elders from outside.

    Args:
        listings: as far as known.
        institution_id: the institution, ``310000-137``.
        month: the month of service.

    Returns:
        A mask of up to 31 bits.
    """
    days = 0
    for listing in listings:
        if institution_id in listing.institution_ids:
            held = month.mask(listing.from_date, listing.until_date)
            if listing.withdrawn_date is not None:
                held &= ~month.mask(listing.withdrawn_date, None)
            days |= held
    return days


def holds_on(version: AgreementVersion, day: date) -> bool:
    """Whether a day lies in the window of a version."""
    return version.from_date <= day and (version.until_date is None or day <= version.until_date)


def matrix_cells(
    versions: Iterable[AgreementVersion],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    on_date: date,
) -> dict[tuple[str, str], list[str]]:
    """Return the agreements that bind two divisions to each other, by the pair, ids ascending.

    A party binds what lies inside it on the date. The two divisions must be bound by different
    parties: an agreement of a province with another is none between its own districts.

    Args:
        versions: in force, with the day in their windows, by id.
        rows: canonical codes.
        columns: canonical codes.
        on_date: date on which divisions are compared.
    """
    cells: dict[tuple[str, str], list[str]] = {}
    for version in versions:
        binding = {
            place: frozenset(
                party
                for party in version.parties
                if province_of(party) == province_of(place)
                and CHANGES.contains(party, place, on_date)
            )
            for place in {*rows, *columns}
        }
        for row in rows:
            for column in columns:
                sides = binding[row], binding[column]
                if all(sides) and len(sides[0] | sides[1]) > 1:
                    cells.setdefault((row, column), []).append(version.agreement_id)
    return cells
