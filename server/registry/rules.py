"""What may be said in a registry log of institutions, claims, listings and agreements.

Pure: values in, a rule or ``None`` out. The numbered rules run in order, at the author before an
entry is appended and at every node that projects it; the first that is broken decides. A rule that
makes an entry void looks at nothing but its author's own log up to that entry, because nodes see
different logs in different order and must all come to the same. What depends on another log (does
the agreement exist there, is this version its newest?) is refused at the author; elsewhere such a
word has no effect for as long as it does not fit. What follows from what was said is in
``in_force``.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from deltacare.divisions import city_of, normalise_division, province_of
from deltacare.errors import Reason
from deltacare.institutions import ATTRIBUTES
from deltacare.v1.entry_pb2 import (
    AGREEMENT_WORD_ENDED,
    AUTHORITY_DIRECTORY,
    INSTITUTION_STATE_CLOSED,
    Agreement,
    AgreementAnswer,
    ControlTotals,
    Institution,
    InstitutionClaim,
    Listing,
    ListingWithdrawal,
)
from server.registry.closings import ClosingSaid, closed_from_to, closings_said
from server.registry.fields import numbered_id_province
from server.registry.in_force import party_provinces
from server.registry.rulebook import Rule
from server.registry.values import InstitutionStanding

__all__ = [
    "G01_NOT_REGISTRY",
    "G02_UNREADABLE",
    "G04_DIVISION_OUTSIDE",
    "G14_SUCCESSOR_OF_OPEN",
    "G15_SUCCESSOR_UNREGISTERED",
    "G16_SUCCESSOR_CLOSED",
    "G17_REOPENED",
    "G18_LISTED_CLOSED",
    "G19_TOTALS",
    "RULES",
    "closed_throughout",
    "judge_agreement",
    "judge_answer",
    "judge_claim",
    "judge_end",
    "judge_institution",
    "judge_institution_change",
    "judge_listing",
    "judge_publication",
    "judge_withdrawal",
    "totals_of",
]

_OWN_WORD = "deltacare/v1/entry.proto: a province speaks for itself"
_INSTITUTION = "deltacare/v1/entry.proto, Institution;《养老机构管理办法》(民政部令第66号)"
_LISTING = "deltacare/v1/entry.proto, Listing; 异地养老机构名单"
_CLAIM = "deltacare/v1/entry.proto, InstitutionClaim; deltacare/institutions.py"
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
G04_DIVISION_OUTSIDE = Rule(
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
    zh="该名单已自同日或更早之日起撤回。",
    en="The listing was withdrawn before, from the same day or an earlier one.",
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

G14_SUCCESSOR_OF_OPEN = Rule(
    code="G14-SUCCESSOR-OF-OPEN",
    zh="只有已关闭的机构才有承接机构。",
    en="Only a closed institution has successors.",
    source=_INSTITUTION,
)
G15_SUCCESSOR_UNREGISTERED = Rule(
    code="G15-SUCCESSOR-UNREGISTERED",
    zh="承接机构须是本省名册中已登记的其他机构。",
    en="A successor is another institution that the same register has stated before.",
    source=_INSTITUTION,
    reason=Reason.NOT_FOUND,
)
G16_SUCCESSOR_CLOSED = Rule(
    code="G16-SUCCESSOR-CLOSED",
    zh="新列的承接机构不得已关闭。",
    en="An institution that is newly named as successor is not closed itself.",
    source=_INSTITUTION,
)
# A closure may have been an error, or a register may have dropped a row for a month; so coming
# back is possible. But checks, listings and residents were told that the institution is no more:
# whoever takes that back says from which day and why, or a careless import would undo it.
G17_REOPENED = Rule(
    code="G17-REOPENED",
    zh="已关闭的机构恢复时须写明不早于关闭之日的起始日期和原因。",
    en=(
        "An institution comes back from being closed only with the day, not before the closing, "
        "and the reason."
    ),
    source=_INSTITUTION,
)
# Of a listing's days those of a closing count for nothing anyway, day by day; so it is void only
# where nothing would be left of it for an institution.
G18_LISTED_CLOSED = Rule(
    code="G18-LISTED-CLOSED",
    zh="名单中的机构在名单的全部日期均已关闭。",
    en="The listing names an institution that is closed on every day of it.",
    source=_LISTING,
)
G19_TOTALS = Rule(
    code="G19-TOTALS",
    zh="名单的总分核对不符。",
    en="The control totals differ from what the register says.",
    source="deltacare/v1/entry.proto, ControlTotals; 总分核对",
    reason=Reason.INVALID_FIELD,
)
_G20_PROPOSAL = Rule(
    code="G20-PROPOSAL",
    zh="公布的名单须与最近一次提出的内容一致并写明其哈希；未提出过的不写。",
    en=(
        "A listing that was proposed is published as its last proposal says, naming its hash; one "
        "that was not proposed names none."
    ),
    source=_LISTING,
)
_G21_CLAIM_BY_OWNER = Rule(
    code="G21-CLAIM-BY-OWNER",
    zh="要素主管部门的说法应写入名册,不作为其他来源的说法。",
    en="What the owner of an attribute says is stated in the register, not claimed.",
    source=_CLAIM,
)
_G22_CLAIM_FROM_OUTSIDE = Rule(
    code="G22-CLAIM-FROM-OUTSIDE",
    zh="对外省机构的说法一律按无主管权的来源登记。",
    en="No authority of a province owns anything of another's institutions: it is a directory.",
    source=_CLAIM,
)
# Everybody relied on these days while nobody had said a word against them: care was given, people
# were let in to work. An end that is said today is an end from today.
_G23_ENDED_PAST = Rule(
    code="G23-ENDED-PAST",
    zh="协议最早自陈述当日起终止；已过之日由各方均接受的修改处理。",
    en=(
        "An agreement ends from the day of the entry at the earliest; days that have passed are "
        "changed by an amendment that all accept."
    ),
    source=_AGREEMENT,
)

RULES: tuple[Rule, ...] = (
    G01_NOT_REGISTRY,
    G02_UNREADABLE,
    _G03_NOT_OWN,
    G04_DIVISION_OUTSIDE,
    _G05_LISTING_TAKEN,
    _G06_UNREGISTERED,
    _G07_LISTING_UNKNOWN,
    _G08_LISTING_WITHDRAWN,
    _G09_ONE_PROVINCE,
    _G10_NO_OWN_PARTY,
    _G11_PREDECESSOR,
    _G12_AGREEMENT_UNKNOWN,
    _G13_NOT_NEWEST,
    G14_SUCCESSOR_OF_OPEN,
    G15_SUCCESSOR_UNREGISTERED,
    G16_SUCCESSOR_CLOSED,
    G17_REOPENED,
    G18_LISTED_CLOSED,
    G19_TOTALS,
    _G20_PROPOSAL,
    _G21_CLAIM_BY_OWNER,
    _G22_CLAIM_FROM_OUTSIDE,
    _G23_ENDED_PAST,
)
"""Every rule, in order."""


def judge_institution(author: str, body: Institution) -> Rule | None:
    """Return the rule that a readable statement of an institution breaks by itself."""
    if numbered_id_province(body.institution_id) != author:
        return _G03_NOT_OWN
    if province_of(normalise_division(body.division_code)) != author:
        return G04_DIVISION_OUTSIDE
    if body.successor_ids and body.state != INSTITUTION_STATE_CLOSED:
        return G14_SUCCESSOR_OF_OPEN
    return None


def judge_institution_change(
    body: Institution, *, standing: Mapping[str, InstitutionStanding]
) -> Rule | None:
    """Return the rule that a statement breaks by what its register stated before.

    A successor must be open when it is named, and is named by one that is closed: so no chain of
    successors leads back to where it began, whatever is stated in whatever order. One that was
    named before stays, closed or not.

    Args:
        body: the statement; breaks none of ``judge_institution``.
        standing: what the author's log says before it, by id; at least of all that it names.
    """
    before = standing.get(body.institution_id)
    kept = before.successor_ids if before is not None else ()
    for each in body.successor_ids:
        if each == body.institution_id or each not in standing:
            return G15_SUCCESSOR_UNREGISTERED
        if each not in kept and standing[each].state == INSTITUTION_STATE_CLOSED:
            return G16_SUCCESSOR_CLOSED
    comes_back = (
        before is not None
        and before.state == INSTITUTION_STATE_CLOSED
        and body.state != INSTITUTION_STATE_CLOSED
    )
    # Dates are ISO 8601 texts of one length: they sort as days do, a missing one first.
    if comes_back and before is not None:
        explained = body.state_reason and body.state_date and body.state_date >= before.state_date
        return None if explained else G17_REOPENED
    return None


def totals_of(body: Listing, standing: Mapping[str, InstitutionStanding]) -> ControlTotals:
    """Return what the institutions of a listing add up to.

    Args:
        body: the listing.
        standing: what its author's log says before it, of each of them.
    """
    listed = [standing[each] for each in body.institution_ids]
    return ControlTotals(
        institution_count=len(listed),
        city_count=len({city_of(each.division_code) for each in listed} - {None}),
        approved_beds=sum(each.approved_beds for each in listed),
    )


def judge_listing(
    author: str,
    body: Listing,
    *,
    taken: bool,
    standing: Mapping[str, InstitutionStanding],
    closed: Mapping[str, Sequence[ClosingSaid]],
) -> Rule | None:
    """Return the rule that a readable listing breaks, proposed or published.

    Args:
        author: who says it.
        body: the listing.
        taken: whether the author published a listing under this id before.
        standing: what its log says before it of those of its institutions that it stated.
        closed: what its log says before it of closing them.
    """
    ids = (body.listing_id, *body.institution_ids)
    if any(numbered_id_province(each) != author for each in ids):
        return _G03_NOT_OWN
    if taken:
        return _G05_LISTING_TAKEN
    if any(each not in standing for each in body.institution_ids):
        return _G06_UNREGISTERED
    if closed_throughout(body, closed):
        return G18_LISTED_CLOSED
    return None if body.totals == totals_of(body, standing) else G19_TOTALS


def closed_throughout(body: Listing, closed: Mapping[str, Sequence[ClosingSaid]]) -> Sequence[str]:
    """Return the institutions of a readable listing that are closed on every day of it.

    Args:
        body: the listing.
        closed: what its author's log says before it of closing them.
    """
    first = date.fromisoformat(body.from_date)
    last = date.fromisoformat(body.until_date) if body.until_date else None
    return [
        each
        for each in body.institution_ids
        if each in closed and closed_from_to(closings_said(closed[each]), first, last)
    ]


def judge_publication(body: Listing, *, proposal: tuple[bytes, Listing] | None) -> Rule | None:
    """Return the rule that a published listing breaks by what was proposed.

    Args:
        body: the listing.
        proposal: leaf hash and content of the last proposal under its id before it, if any.
    """
    if proposal is None:
        return _G20_PROPOSAL if body.proposal_hash else None
    said = Listing()
    said.CopyFrom(body)
    said.ClearField("proposal_hash")
    return None if (body.proposal_hash, said) == proposal else _G20_PROPOSAL


def judge_claim(author: str, body: InstitutionClaim) -> Rule | None:
    """Return the rule that a readable claim breaks.

    Anybody may claim anything of any province's institutions, whether or not that register states
    them; only what the owner says is no claim.

    Args:
        author: who says it.
        body: the claim.
    """
    if body.authority == ATTRIBUTES[body.attribute].owner.value:
        return _G21_CLAIM_BY_OWNER
    if numbered_id_province(body.institution_id) != author and (
        body.authority != AUTHORITY_DIRECTORY
    ):
        return _G22_CLAIM_FROM_OUTSIDE
    return None


def judge_withdrawal(
    author: str, body: ListingWithdrawal, *, known: bool, withdrawn_date: date | None
) -> Rule | None:
    """Return the rule that a readable withdrawal breaks.

    One from an earlier day than before is possible: the first may have borne a wrong day.

    Args:
        author: who says it.
        body: the withdrawal.
        known: whether the author published the listing before.
        withdrawn_date: first day from which it withdrew it before; ``None`` if it did not.
    """
    if numbered_id_province(body.listing_id) != author:
        return _G03_NOT_OWN
    if not known:
        return _G07_LISTING_UNKNOWN
    is_earlier = withdrawn_date is None or date.fromisoformat(body.effective_date) < withdrawn_date
    return None if is_earlier else _G08_LISTING_WITHDRAWN


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


def judge_end(body: AgreementAnswer, *, stated_date: date) -> Rule | None:
    """Return the rule that a readable end of an agreement breaks by its day; of any author's.

    Args:
        body: the word; one that accepts names no day.
        stated_date: business date of the entry.
    """
    if body.word != AGREEMENT_WORD_ENDED:
        return None
    is_past = date.fromisoformat(body.effective_date) < stated_date
    return _G23_ENDED_PAST if is_past else None
