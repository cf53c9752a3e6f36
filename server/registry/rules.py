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
from datetime import date, timedelta
from functools import lru_cache

from deltacare.divisions import CHANGES, normalise_division, province_of
from deltacare.errors import Reason
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
from server.registry.values import (
    AgreementHistory,
    AgreementVersion,
    AgreementWordSaid,
    ListingStanding,
    Reach,
)

__all__ = [
    "G01_NOT_REGISTRY",
    "G02_UNREADABLE",
    "RULES",
    "agreement_concerns",
    "agreement_days",
    "agreement_in_force",
    "agreement_words_in_force",
    "agreements_in_force",
    "judge_agreement",
    "judge_answer",
    "judge_institution",
    "judge_listing",
    "judge_withdrawal",
    "listing_days",
    "party_provinces",
]

_OWN_WORD = "deltacare/v1/entry.proto: a province speaks for itself"
_LISTING = "deltacare/v1/entry.proto, Listing; 异地养老机构名单"
_AGREEMENT = "deltacare/v1/entry.proto, Agreement; 合作协议"

G01_NOT_REGISTRY = Rule(
    code="G01-NOT-REGISTRY",
    zh="该内容只能写入登记日志。",
    en="This belongs into a registry log.",
    source=_OWN_WORD,
)
G02_UNREADABLE = Rule(
    code="G02-UNREADABLE",
    zh="字段缺失、格式有误或超出范围。",
    en="A field is missing, malformed or out of range.",
    source=_OWN_WORD,
    reason=Reason.INVALID_FIELD,
)
_G03_NOT_OWN = Rule(
    code="G03-NOT-OWN",
    zh="一省只能为本省编号的对象作出陈述。",
    en="A province states only what bears its own code.",
    source=_OWN_WORD,
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
    source=_LISTING,
    reason=Reason.ALREADY_EXISTS,
)
_G06_UNREGISTERED = Rule(
    code="G06-UNREGISTERED",
    zh="名单中的机构未在本省登记。",
    en="The listing names an institution that its province has not stated.",
    source=_LISTING,
    reason=Reason.NOT_FOUND,
)
_G07_LISTING_UNKNOWN = Rule(
    code="G07-LISTING-UNKNOWN",
    zh="没有这一名单。",
    en="There is no such listing.",
    source=_LISTING,
    reason=Reason.NOT_FOUND,
)
_G08_LISTING_WITHDRAWN = Rule(
    code="G08-LISTING-WITHDRAWN",
    zh="该名单已撤回。",
    en="The listing was withdrawn before.",
    source=_LISTING,
)
_G09_ONE_PROVINCE = Rule(
    code="G09-ONE-PROVINCE",
    zh="协议各方须来自两个以上的省。",
    en="An agreement has parties in two or more provinces.",
    source=_AGREEMENT,
)
_G10_NO_OWN_PARTY = Rule(
    code="G10-NO-OWN-PARTY",
    zh="本省没有协议当事方。",
    en="No party of the agreement is of this province.",
    source=_AGREEMENT,
)
_G11_PREDECESSOR = Rule(
    code="G11-PREDECESSOR",
    zh="新版本须以现行最新版本为前版,首版不得有前版。",
    en="A version names the newest one before it, and the first names none.",
    source=_AGREEMENT,
)
_G12_AGREEMENT_UNKNOWN = Rule(
    code="G12-AGREEMENT-UNKNOWN",
    zh="没有这一协议。",
    en="There is no such agreement.",
    source=_AGREEMENT,
    reason=Reason.NOT_FOUND,
)
_G13_NOT_NEWEST = Rule(
    code="G13-NOT-NEWEST",
    zh="所答复的不是协议的最新版本。",
    en="The version answered is not the newest of the agreement.",
    source=_AGREEMENT,
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


def judge_agreement(author: str, body: Agreement, *, newest_hash: bytes | None) -> Rule | None:
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
