"""What may be said in a registry log, and what follows from what was said.

Pure: values in, a rule or a value out. The numbered rules run in order, at the author before an
entry is appended and at every node that projects it; the first that is broken decides. A rule that
makes an entry void looks at nothing but its author's own log up to that entry, because nodes see
different logs in different order and must all come to the same. What depends on another log (does
the agreement exist there, is this version its newest?) is refused at the author; elsewhere such a
word has no effect for as long as it does not fit.

Days are bits: bit 0 of a mask is the first day of the month.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from deltacare.divisions import CHANGES, normalise_division, province_of
from deltacare.errors import Reason
from deltacare.ids import LogKind, LogName
from deltacare.times import ServiceMonth
from deltacare.v1.entry_pb2 import (
    AGREEMENT_SCOPE_SUBSIDY,
    Agreement,
    AgreementAnswer,
    Institution,
    Listing,
    ListingWithdrawal,
)
from server.registry.fields import numbered_id_province
from server.registry.rulebook import Rule

__all__ = [
    "G01_NOT_REGISTRY",
    "G02_UNREADABLE",
    "RULES",
    "AgreementHistory",
    "AgreementVersion",
    "AgreementWordSaid",
    "ListingStanding",
    "Reach",
    "agreement_covers",
    "agreement_days",
    "agreement_in_force",
    "agreements_in_force",
    "judge_agreement",
    "judge_answer",
    "judge_institution",
    "judge_listing",
    "judge_withdrawal",
    "listing_days",
    "party_provinces",
    "reaches_of",
]

_FEDERATION = "deltacare design §4, verifying and meaning"
_RECOGNITION = "deltacare design §5, agreements"

G01_NOT_REGISTRY = Rule(
    code="G01-NOT-REGISTRY",
    zh="该内容只能写入登记日志。",
    en="This belongs into a registry log.",
    source=_FEDERATION,
)
G02_UNREADABLE = Rule(
    code="G02-UNREADABLE",
    zh="字段缺失、格式有误或超出范围。",
    en="A field is missing, malformed or out of range.",
    source=_FEDERATION,
    reason=Reason.INVALID_FIELD,
)
_G03_NOT_OWN = Rule(
    code="G03-NOT-OWN",
    zh="一省只能为本省编号的对象作出陈述。",
    en="A province states only what bears its own code.",
    source=_FEDERATION,
    reason=Reason.NOT_AUTHOR,
)
_G04_DIVISION_OUTSIDE = Rule(
    code="G04-DIVISION-OUTSIDE",
    zh="机构所在区划不属于本省。",
    en="The institution's division lies outside its province.",
    source="GB/T 2260",
)
_G05_LISTING_TAKEN = Rule(
    code="G05-LISTING-TAKEN",
    zh="该名单编号已使用过。",
    en="The listing was published before.",
    source=_FEDERATION,
    reason=Reason.ALREADY_EXISTS,
)
_G06_UNREGISTERED = Rule(
    code="G06-UNREGISTERED",
    zh="名单中的机构未在本省登记。",
    en="The listing names an institution that its province has not stated.",
    source="deltacare.v1 PublishListing",
    reason=Reason.NOT_FOUND,
)
_G07_LISTING_UNKNOWN = Rule(
    code="G07-LISTING-UNKNOWN",
    zh="没有这一名单。",
    en="There is no such listing.",
    source=_FEDERATION,
    reason=Reason.NOT_FOUND,
)
_G08_LISTING_WITHDRAWN = Rule(
    code="G08-LISTING-WITHDRAWN",
    zh="该名单已撤回。",
    en="The listing was withdrawn before.",
    source=_FEDERATION,
)
_G09_ONE_PROVINCE = Rule(
    code="G09-ONE-PROVINCE",
    zh="协议各方须来自两个以上的省。",
    en="An agreement has parties in two or more provinces.",
    source=_RECOGNITION,
)
_G10_NO_OWN_PARTY = Rule(
    code="G10-NO-OWN-PARTY",
    zh="本省没有协议当事方。",
    en="No party of the agreement is of this province.",
    source=_RECOGNITION,
)
_G11_PREDECESSOR = Rule(
    code="G11-PREDECESSOR",
    zh="新版本须以现行最新版本为前版,首版不得有前版。",
    en="A version names the newest one before it, and the first names none.",
    source=_RECOGNITION,
)
_G12_AGREEMENT_UNKNOWN = Rule(
    code="G12-AGREEMENT-UNKNOWN",
    zh="没有这一协议。",
    en="There is no such agreement.",
    source=_RECOGNITION,
    reason=Reason.NOT_FOUND,
)
_G13_NOT_NEWEST = Rule(
    code="G13-NOT-NEWEST",
    zh="所答复的不是协议的最新版本。",
    en="The version answered is not the newest of the agreement.",
    source=_RECOGNITION,
)

RULES: tuple[Rule, ...] = (
    G01_NOT_REGISTRY,
    G02_UNREADABLE,
    _G03_NOT_OWN,
    _G04_DIVISION_OUTSIDE,
    _G05_LISTING_TAKEN,
    _G06_UNREGISTERED,
    _G07_LISTING_UNKNOWN,
    _G08_LISTING_WITHDRAWN,
    _G09_ONE_PROVINCE,
    _G10_NO_OWN_PARTY,
    _G11_PREDECESSOR,
    _G12_AGREEMENT_UNKNOWN,
    _G13_NOT_NEWEST,
)
"""Every rule, in order."""


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
        accepted: whether it accepted; else it ended.
    """

    province: str
    index: int
    version_hash: bytes
    accepted: bool


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


def judge_institution(author: str, body: Institution) -> Rule | None:
    """Return the rule that a readable statement of an institution breaks."""
    if numbered_id_province(body.institution_id) != author:
        return _G03_NOT_OWN
    if province_of(normalise_division(body.division_code)) != author:
        return _G04_DIVISION_OUTSIDE
    return None


def judge_listing(
    author: str, body: Listing, *, taken: bool, registered: Collection[str]
) -> Rule | None:
    """Return the rule that a readable listing breaks.

    Args:
        author: who says it.
        body: the listing.
        taken: whether the author published a listing under this id before.
        registered: those of its institutions that the author stated before.
    """
    ids = (body.listing_id, *body.institution_ids)
    if any(numbered_id_province(each) != author for each in ids):
        return _G03_NOT_OWN
    if taken:
        return _G05_LISTING_TAKEN
    if any(each not in registered for each in body.institution_ids):
        return _G06_UNREGISTERED
    return None


def judge_withdrawal(
    author: str, body: ListingWithdrawal, *, known: bool, withdrawn: bool
) -> Rule | None:
    """Return the rule that a readable withdrawal breaks.

    Args:
        author: who says it.
        body: the withdrawal.
        known: whether the author published the listing before.
        withdrawn: whether it withdrew it before.
    """
    if numbered_id_province(body.listing_id) != author:
        return _G03_NOT_OWN
    if not known:
        return _G07_LISTING_UNKNOWN
    return _G08_LISTING_WITHDRAWN if withdrawn else None


def party_provinces(parties: Iterable[str]) -> tuple[str, ...]:
    """Return the provinces that have a party, ascending."""
    return tuple(sorted({province_of(party) for party in parties}))


def judge_agreement(
    author: str, body: Agreement, *, newest_hash: bytes | None
) -> Rule | None:
    """Return the rule that a readable version of an agreement breaks.

    Only the province whose code the agreement bears proposes its versions, so they form one chain
    in one log; a partner that wants other terms ends it and proposes its own.

    Args:
        author: who says it.
        body: the version.
        newest_hash: leaf hash of the newest version before it; ``None`` if there is none.
    """
    if numbered_id_province(body.agreement_id) != author:
        return _G03_NOT_OWN
    provinces = party_provinces(body.parties)
    if len(provinces) < 2:  # noqa: PLR2004 - two sides
        return _G09_ONE_PROVINCE
    if author not in provinces:
        return _G10_NO_OWN_PARTY
    return None if body.predecessor_hash == (newest_hash or b"") else _G11_PREDECESSOR


def judge_answer(
    author: str,
    body: AgreementAnswer,
    *,
    newest_hash: bytes | None,
    parties: Sequence[str],
) -> Rule | None:
    """Return the rule that a readable answer breaks.

    For an agreement of another author this holds at the caller's node alone: see the module.

    Args:
        author: who says it.
        body: the word.
        newest_hash: leaf hash of the newest version known; ``None`` if there is none.
        parties: of that version.
    """
    if newest_hash is None:
        return _G12_AGREEMENT_UNKNOWN
    if author not in party_provinces(parties):
        return _G10_NO_OWN_PARTY
    return None if body.version_hash == newest_hash else _G13_NOT_NEWEST


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


def agreements_in_force(
    histories: Iterable[AgreementHistory], reaches: Mapping[str, Reach]
) -> tuple[AgreementVersion, ...]:
    """Return the versions in force, by id; see ``agreement_in_force``."""
    found = (agreement_in_force(history, reaches) for history in histories)
    return tuple(
        sorted((each for each in found if each is not None), key=lambda each: each.agreement_id)
    )


@lru_cache(maxsize=65_536)
def _cover_mask(party: str, place: str, month: ServiceMonth) -> int:
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


def agreement_covers(version: AgreementVersion, place: str, on_date: date) -> bool:
    """Whether a party of an agreement is, or contains, a division on a date."""
    return any(
        province_of(party) == province_of(place) and CHANGES.contains(party, place, on_date)
        for party in version.parties
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
            host_days |= _cover_mask(party, host_division, month)
            if home_division is not None:
                home_days |= _cover_mask(party, home_division, month)
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
