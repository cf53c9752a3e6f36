"""The values that the registry's rules work on: what was said, and up to where it counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from deltacare.ids import LogKind, LogName

__all__ = [
    "AgreementHistory",
    "AgreementVersion",
    "AgreementWordSaid",
    "EndSaid",
    "InstitutionStanding",
    "ListingStanding",
    "Reach",
    "reaches_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSaid:
    """A word that ends what its author said before; one said later may only be for an earlier day.

    Attributes:
        index: place in the author's registry log.
        from_date: first day on which it is over.
    """

    index: int
    from_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Up to where the entries of one registry log count.

    Attributes:
        restrict_size: entries that were verified: what restricts counts below this index.
        permit_size: entries under a quorum: what permits counts below this index.
    """

    restrict_size: int
    permit_size: int


def reaches_of(pins: Mapping[LogName, int]) -> dict[str, Reach]:
    """Return the reach of each registry log, by author, where a night pinned it to one size."""
    return {
        log.author: Reach(restrict_size=size, permit_size=size)
        for log, size in pins.items()
        if log.kind is LogKind.REGISTRY
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionStanding:
    """What a register says of one institution, as far as rules look at it.

    Attributes:
        index: place of the newest statement in the author's log.
        state: value of ``InstitutionState``.
        state_date: first day of the state; empty if not stated.
        successor_ids: institutions that took over from it.
        division_code: canonical code.
        approved_beds: beds.
    """

    index: int
    state: int
    state_date: str
    successor_ids: tuple[str, ...]
    division_code: str
    approved_beds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementVersion:
    """A version of an agreement.

    Attributes:
        agreement_id: the agreement.
        version_hash: leaf hash of the entry that proposed it.
        author: province that proposed it.
        index: place in the author's registry log.
        parties: division codes of six digits.
        scopes: values of ``AgreementScope``.
        subsidy_kinds: kinds it covers.
        from_date: first day.
        until_date: last day; ``None`` if it has none.
    """

    agreement_id: str
    version_hash: bytes
    author: str
    index: int
    parties: tuple[str, ...]
    scopes: frozenset[int]
    subsidy_kinds: frozenset[str]
    from_date: date
    until_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementWordSaid:
    """What a province said of an agreement; proposing a version accepts it.

    Attributes:
        province: who said it.
        index: place in its registry log.
        version_hash: which version it meant.
        ended_date: first day without that version and those before it; ``None`` if it accepted.
    """

    province: str
    index: int
    version_hash: bytes
    ended_date: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementHistory:
    """All that was ever said of one agreement.

    Attributes:
        versions: in the order of the author's log.
        words: of every province, in the order of each one's log.
    """

    versions: tuple[AgreementVersion, ...]
    words: tuple[AgreementWordSaid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingStanding:
    """A listing and its end, as far as known.

    Attributes:
        listing_id: the listing.
        institution_ids: whom it opens.
        from_date: first day.
        until_date: last day; ``None`` if it has none.
        withdrawn_date: first day it no longer holds; ``None`` if it was not withdrawn.
    """

    listing_id: str
    institution_ids: frozenset[str]
    from_date: date
    until_date: date | None
    withdrawn_date: date | None
