"""Which agreements and listings are in force, and on which days.

Pure: values in, a value out. Days are bits: bit 0 of a mask is the first day of the month. What
may be said at all is for ``rules``; what was said is given as values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import zip_longest
from typing import Final

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
    "accepts",
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
    "versions_in_force",
]

_ONE_DAY: Final = timedelta(days=1)


def party_provinces(parties: Iterable[str]) -> tuple[str, ...]:
    """Return the provinces that have a party, ascending."""
    return tuple(sorted({province_of(party) for party in parties}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A version that is accepted, until it is ended.

    Attributes:
        version: which one.
        ended_date: first day without it; ``date.max``, which no entry names, if nobody ended it.
    """

    version: AgreementVersion
    ended_date: date

    def holds(self, day: date) -> bool:
        """Whether it has begun on a day, and is not ended."""
        return self.version.from_date <= day < self.ended_date


def _accepted(
    history: AgreementHistory, province: str, reach: Reach
) -> Mapping[bytes, tuple[AgreementWordSaid, date]]:
    """Return the words by which one province accepts versions, with the first day without each.

    Accepting a version takes back nothing that was accepted before, and what ended that version
    before. A word ENDED takes back, from its day on, the version it names and every earlier one,
    and all of them if it names one that is not known: that can only be a later one. Of several the
    earliest day counts. A word under the quorum counts; a later one that is only verified can take
    acceptance away, never give it.
    """
    places = {version.version_hash: place for place, version in enumerate(history.versions)}
    accepted: dict[bytes, tuple[AgreementWordSaid, date]] = {}
    said = (word for word in history.words if word.province == province)
    for word in sorted(said, key=lambda each: each.index):
        if word.index >= reach.restrict_size:
            break
        if word.ended_date is not None:
            last = places.get(word.version_hash, len(places))
            for version_hash, (by, ended_date) in accepted.items():
                if places.get(version_hash, last) <= last:
                    accepted[version_hash] = by, min(ended_date, word.ended_date)
        elif word.index < reach.permit_size:
            accepted[word.version_hash] = word, date.max
    return accepted


def accepts(
    history: AgreementHistory,
    version: AgreementVersion,
    province: str,
    reach: Reach,
    on_date: date,
) -> bool:
    """Whether a province accepts a version for a day, as far as its log counts."""
    found = _accepted(history, province, reach).get(version.version_hash)
    return found is not None and on_date < found[1]


def _accepted_by_all(history: AgreementHistory, reaches: Mapping[str, Reach]) -> list[_Held]:
    """Return the versions that every province with a party in them accepts, the oldest first."""
    accepted = {
        province: _accepted(history, province, reach) for province, reach in reaches.items()
    }
    found = []
    for version in history.versions:
        if version.author not in reaches or version.index >= reaches[version.author].permit_size:
            continue
        words = [
            accepted.get(province, {}).get(version.version_hash)
            for province in party_provinces(version.parties)
        ]
        ended_dates = [word[1] for word in words if word is not None]
        if len(ended_dates) == len(words):
            found.append(_Held(version=version, ended_date=min(ended_dates)))
    return found


def versions_in_force(
    history: AgreementHistory, reaches: Mapping[str, Reach]
) -> tuple[AgreementVersion, ...]:
    """Return the versions of one agreement that are in force on some day, by their first day.

    On a day that version is in force which is the newest that every province with a party in it
    accepts for that day and whose first day has come. So an amendment changes nothing while
    somebody has not answered, and nothing before its first day; an end changes nothing before its
    own; and what was replaced does not come back after its successor's last day.

    Args:
        history: what was said.
        reaches: of the registry logs, by author; of one that is missing nothing counts.

    Returns:
        Versions with the days on which they are in force as their window; no two share a day. One
        version has two windows where a party that joined with an amendment has left it again.
    """
    accepted = _accepted_by_all(history, reaches)
    # Between two of these days nothing begins and nothing is ended.
    edges = sorted(
        {each.version.from_date for each in accepted}
        | {each.ended_date for each in accepted if each.ended_date != date.max}
    )
    found: list[AgreementVersion] = []
    for first, following in zip_longest(edges, edges[1:]):
        version = next((each.version for each in reversed(accepted) if each.holds(first)), None)
        if version is None:
            continue
        until = version.until_date
        if following is not None:
            last = following - _ONE_DAY
            until = last if until is None else min(until, last)
        if until is not None and until < first:
            continue  # its last day has passed
        before = found[-1] if found else None
        if (
            before is not None
            and before.version_hash == version.version_hash
            and before.until_date == first - _ONE_DAY
        ):
            found[-1] = replace(before, until_date=until)
        else:
            found.append(replace(version, from_date=first, until_date=until))
    return tuple(found)


def agreement_in_force(
    history: AgreementHistory, reaches: Mapping[str, Reach], on_date: date
) -> AgreementVersion | None:
    """Return the version in force on a day, ``None`` if there is none.

    Args:
        history: what was said.
        reaches: of the registry logs, by author; of one that is missing nothing counts.
        on_date: the day.
    """
    found = versions_in_force(history, reaches)
    return next((version for version in found if holds_on(version, on_date)), None)


def agreement_words_in_force(
    history: AgreementHistory, version: AgreementVersion, reaches: Mapping[str, Reach]
) -> tuple[AgreementWordSaid, ...]:
    """Return the words that brought a version into force, one of each province, the author's first.

    Args:
        history: what was said.
        version: one that ``agreement_in_force`` returned for the same reaches.
        reaches: of the registry logs, by author.
    """
    provinces = sorted(party_provinces(version.parties), key=lambda each: each != version.author)
    return tuple(
        _accepted(history, province, reaches[province])[version.version_hash][0]
        for province in provinces
    )


def agreements_in_force(
    histories: Iterable[AgreementHistory], reaches: Mapping[str, Reach]
) -> tuple[AgreementVersion, ...]:
    """Return the versions in force, by id and first day; see ``versions_in_force``."""
    found = (version for each in histories for version in versions_in_force(each, reaches))
    return tuple(sorted(found, key=lambda each: (each.agreement_id, each.from_date)))


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
            mask |= month.mask(start, None if end is None else end - _ONE_DAY)
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
        agreements: those in force, each with the days on which it is as its window.
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
