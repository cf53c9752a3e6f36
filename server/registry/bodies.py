"""Reads the bodies of registry entries: is each field there, well formed and within its limits?

Used on the way in, where a caller learns of every field at once, and when a log is projected,
where one unreadable field makes the entry void. Form only: see ``rules`` for the rest.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from deltacare.divisions import normalise_division
from deltacare.errors import ViolationCollector
from deltacare.ids import InstitutionId, parse_uscc
from deltacare.institutions import ATTRIBUTES, parse_value
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import (
    AGREEMENT_SCOPE_SUBSIDY,
    AGREEMENT_WORD_ENDED,
    Agreement,
    AgreementAnswer,
    AgreementScope,
    AgreementWord,
    Authority,
    Institution,
    InstitutionClaim,
    InstitutionState,
    Listing,
    ListingProposal,
    ListingWithdrawal,
    MedicalFacilityKind,
    OperationMode,
    ProviderType,
)
from server.registry.fields import (
    parse_code,
    parse_numbered_id,
    read_count,
    read_enum,
    read_optional_date,
    read_reason,
    read_text,
    read_window,
    repeated,
)

__all__ = [
    "ADDRESS_CHARS_MAX",
    "BEDS_MAX",
    "BODY_BYTES_MAX",
    "LATITUDE_E6_MAX",
    "LISTED_MAX",
    "LONGITUDE_E6_MAX",
    "NAME_CHARS_MAX",
    "PARTIES_MAX",
    "SUBSIDY_KINDS_MAX",
    "SUBSIDY_KIND_CHARS_MAX",
    "canonical_claim",
    "canonical_institution",
    "is_readable",
    "read_agreement",
    "read_answer",
    "read_claim",
    "read_institution",
    "read_listing",
    "read_parties",
    "read_proposal",
    "read_withdrawal",
]

NAME_CHARS_MAX = 200
ADDRESS_CHARS_MAX = 300
BEDS_MAX = 100_000
LISTED_MAX = 2_000
PARTIES_MIN, PARTIES_MAX = 2, 64
SUBSIDY_KINDS_MAX = 16
GRADES_MAX = 16
FACILITIES_MAX = 16
SUCCESSORS_MAX = 8
CLAIM_CHARS_MAX = 300
SUBSIDY_KIND_CHARS_MAX = 32
# An entry has at most 65,535 bytes; what surrounds a body (ids, time) takes less than 500.
BODY_BYTES_MAX = 65_000
HASH_BYTES = 32

_STREET_CHARS_MAX = 100
_GRADE_CHARS_MAX = 32
_POSTCODE_CHARS = 6
LONGITUDE_E6_MAX = 180_000_000
LATITUDE_E6_MAX = 90_000_000
_PARTY_CHARS = 6

B = TypeVar("B", bound=Message)


def is_readable(read: Callable[[B, str, ViolationCollector], None], body: B) -> bool:
    """Whether a body has nothing that cannot be read."""
    bad = ViolationCollector()
    read(body, "", bad)
    return not bad.count


def canonical_institution(institution: Institution) -> Institution:
    """Return an institution with its codes in their canonical spelling.

    What cannot be read is left as it is, for ``read_institution`` to name. Fields that this
    version does not know are dropped, so that nothing gets into a log unread.
    """
    result = Institution()
    result.CopyFrom(institution)
    result.DiscardUnknownFields()
    quiet = ViolationCollector()
    division = quiet.take(normalise_division, institution.division_code, field="")
    if division is not None:
        result.division_code = division
    if institution.unified_social_credit_code:
        code = quiet.take(parse_uscc, institution.unified_social_credit_code, field="")
        if code is not None:
            result.unified_social_credit_code = code
    return result


def read_institution(body: Institution, at: str, bad: ViolationCollector) -> None:
    """Check an institution.

    Args:
        body: what is stated.
        at: prefix of the fields in violations: empty, or a path that ends with a dot.
        bad: takes the violations.
    """
    bad.take(InstitutionId.parse, body.institution_id, field=f"{at}institution_id")
    read_text(body.name, f"{at}name", bad, chars_min=1, chars_max=NAME_CHARS_MAX)
    bad.take(normalise_division, body.division_code, field=f"{at}division_code")
    read_text(body.street, f"{at}street", bad, chars_max=_STREET_CHARS_MAX)
    read_text(body.address, f"{at}address", bad, chars_max=ADDRESS_CHARS_MAX)
    code = body.postcode
    if code and not (len(code) == _POSTCODE_CHARS and code.isascii() and code.isdigit()):
        bad.note(f"{at}postcode", code, "A postcode has six digits.", "Leave it empty if unknown.")
    read_count(body.approved_beds, f"{at}approved_beds", bad, most=BEDS_MAX)
    read_enum(body.operation_mode, f"{at}operation_mode", bad, kind=OperationMode, optional=True)
    read_optional_date(body.established_date, f"{at}established_date", bad)
    if body.unified_social_credit_code:
        bad.take(
            parse_uscc,
            body.unified_social_credit_code,
            field=f"{at}unified_social_credit_code",
        )
    if abs(body.longitude_e6) > LONGITUDE_E6_MAX:
        bad.note(f"{at}longitude_e6", body.longitude_e6, "It is beyond 180 degrees.")
    if abs(body.latitude_e6) > LATITUDE_E6_MAX:
        bad.note(f"{at}latitude_e6", body.latitude_e6, "It is beyond 90 degrees.")
    read_enum(body.state, f"{at}state", bad, kind=InstitutionState, optional=False)
    read_enum(body.provider_type, f"{at}provider_type", bad, kind=ProviderType, optional=True)
    if body.HasField("open_beds") and body.open_beds > body.approved_beds:
        bad.note(f"{at}open_beds", body.open_beds, "It is more than the approved beds.")
    _read_grades(body, at, bad)
    _read_facilities(body, at, bad)
    where = f"{at}successor_ids"
    _read_members(body.successor_ids, where, bad, least=0, most=SUCCESSORS_MAX)
    for index, successor in enumerate(body.successor_ids[:SUCCESSORS_MAX]):
        bad.take(InstitutionId.parse, successor, field=f"{where}[{index}]")
    read_optional_date(body.state_date, f"{at}state_date", bad)
    if body.state_reason:
        read_reason(body.state_reason, f"{at}state_reason", bad)


def _read_grades(body: Institution, at: str, bad: ViolationCollector) -> None:
    """Check the grades that a register shows: none stands twice from the same day."""
    where = f"{at}grades"
    starts = (f"{each.scheme} {each.from_date}" for each in body.grades)
    _read_members(starts, where, bad, least=0, most=GRADES_MAX)
    for index, each in enumerate(body.grades[:GRADES_MAX]):
        inside = f"{where}[{index}]"
        bad.take(parse_code, each.scheme, field=f"{inside}.scheme")
        read_text(each.grade, f"{inside}.grade", bad, chars_min=1, chars_max=_GRADE_CHARS_MAX)
        fields = (f"{inside}.from_date", f"{inside}.until_date")
        read_window(each.from_date, each.until_date, bad, fields=fields)


def _read_facilities(body: Institution, at: str, bad: ViolationCollector) -> None:
    """Check the medical facilities inside: each kind at most once."""
    where = f"{at}medical_facilities"
    kinds = (str(each.kind) for each in body.medical_facilities)
    _read_members(kinds, where, bad, least=0, most=FACILITIES_MAX)
    for index, each in enumerate(body.medical_facilities[:FACILITIES_MAX]):
        read_enum(
            each.kind, f"{where}[{index}].kind", bad, kind=MedicalFacilityKind, optional=False
        )


def canonical_claim(claim: InstitutionClaim) -> InstitutionClaim:
    """Return a claim with its value in the form in which it is compared.

    What cannot be read is left as it is, for ``read_claim`` to name.
    """
    result = InstitutionClaim()
    result.CopyFrom(claim)
    result.DiscardUnknownFields()
    if claim.value and claim.attribute in ATTRIBUTES:
        quiet = ViolationCollector()
        value = quiet.take(parse_value, claim.value, attribute=claim.attribute, field="")
        result.value = claim.value if value is None else value
    return result


def read_claim(body: InstitutionClaim, at: str, bad: ViolationCollector) -> None:
    """Check a claim; for the arguments see ``read_institution``."""
    bad.take(InstitutionId.parse, body.institution_id, field=f"{at}institution_id")
    bad.take(parse_code, body.source, field=f"{at}source")
    read_enum(body.authority, f"{at}authority", bad, kind=Authority, optional=False)
    bad.take(parse_date, body.as_of_date, field=f"{at}as_of_date")
    if body.attribute not in ATTRIBUTES:
        known = ", ".join(ATTRIBUTES)
        bad.note(
            f"{at}attribute",
            body.attribute,
            "It is not an attribute of an institution.",
            f"Use one of {known}.",
        )
    elif body.value:
        read_text(body.value, f"{at}value", bad, chars_max=CLAIM_CHARS_MAX)
        bad.take(parse_value, body.value, attribute=body.attribute, field=f"{at}value")


def read_listing(body: Listing, at: str, bad: ViolationCollector) -> None:
    """Check a listing; for the arguments see ``read_institution``."""
    bad.take(parse_numbered_id, body.listing_id, field=f"{at}listing_id")
    where = f"{at}institution_ids"
    _read_members(body.institution_ids, where, bad, least=1, most=LISTED_MAX)
    for index, institution_id in enumerate(body.institution_ids[:LISTED_MAX]):
        bad.take(InstitutionId.parse, institution_id, field=f"{where}[{index}]")
    read_window(body.from_date, body.until_date, bad, fields=(f"{at}from_date", f"{at}until_date"))
    if not body.HasField("totals"):
        bad.note(
            f"{at}totals",
            "",
            "The control totals are missing.",
            "State how many institutions, cities and approved beds the listing has.",
        )
    if len(body.proposal_hash) not in (0, HASH_BYTES):
        bad.note(f"{at}proposal_hash", "", "A leaf hash has 32 bytes.")
    if body.ByteSize() > BODY_BYTES_MAX:
        bad.note(where, "", "The listing is too long for an entry.", "Publish it in two batches.")


def read_proposal(body: ListingProposal, at: str, bad: ViolationCollector) -> None:
    """Check a proposed listing; for the arguments see ``read_institution``."""
    read_listing(body.listing, f"{at}listing.", bad)
    if body.listing.proposal_hash:
        bad.note(
            f"{at}listing.proposal_hash",
            "",
            "A proposal names no proposal.",
            "Leave the field empty.",
        )


def read_withdrawal(body: ListingWithdrawal, at: str, bad: ViolationCollector) -> None:
    """Check the end of a listing; for the arguments see ``read_institution``."""
    bad.take(parse_numbered_id, body.listing_id, field=f"{at}listing_id")
    bad.take(parse_date, body.effective_date, field=f"{at}effective_date")
    read_reason(body.reason, f"{at}reason", bad)


def read_agreement(body: Agreement, at: str, bad: ViolationCollector) -> None:
    """Check a version of an agreement; for the arguments see ``read_institution``."""
    bad.take(parse_numbered_id, body.agreement_id, field=f"{at}agreement_id")
    if len(body.predecessor_hash) not in (0, HASH_BYTES):
        bad.note(f"{at}predecessor_hash", "", "A leaf hash has 32 bytes.")
    read_parties(body.parties, f"{at}parties", bad, least=PARTIES_MIN)
    scopes = f"{at}scopes"
    _read_members(map(str, body.scopes), scopes, bad, least=1, most=len(AgreementScope.keys()))
    for index, scope in enumerate(body.scopes[: len(AgreementScope.keys())]):
        read_enum(scope, f"{scopes}[{index}]", bad, kind=AgreementScope, optional=False)
    kinds = f"{at}subsidy_kinds"
    covers_subsidies = AGREEMENT_SCOPE_SUBSIDY in body.scopes
    _read_members(
        body.subsidy_kinds,
        kinds,
        bad,
        least=1 if covers_subsidies else 0,
        most=SUBSIDY_KINDS_MAX if covers_subsidies else 0,
    )
    for index, kind in enumerate(body.subsidy_kinds[:SUBSIDY_KINDS_MAX]):
        bad.take(parse_code, kind, field=f"{kinds}[{index}]", chars_max=SUBSIDY_KIND_CHARS_MAX)
    read_window(body.from_date, body.until_date, bad, fields=(f"{at}from_date", f"{at}until_date"))


def read_parties(
    parties: Sequence[str], where: str, bad: ViolationCollector, *, least: int
) -> None:
    """Check divisions of which agreements are made."""
    _read_members(parties, where, bad, least=least, most=PARTIES_MAX)
    for index, party in enumerate(parties[:PARTIES_MAX]):
        code = bad.take(normalise_division, party, field=f"{where}[{index}]")
        if code is not None and (code != party or len(code) != _PARTY_CHARS):
            bad.note(
                f"{where}[{index}]",
                party,
                "A party is a province, city or district in six digits.",
                "Write six digits, such as 310151.",
            )


def read_answer(body: AgreementAnswer, at: str, bad: ViolationCollector) -> None:
    """Check a word on an agreement; for the arguments see ``read_institution``."""
    bad.take(parse_numbered_id, body.agreement_id, field=f"{at}agreement_id")
    if len(body.version_hash) != HASH_BYTES:
        bad.note(f"{at}version_hash", "", "A leaf hash has 32 bytes.", "Take it from the proposal.")
    read_enum(body.word, f"{at}word", bad, kind=AgreementWord, optional=False)
    if body.reason or body.word == AGREEMENT_WORD_ENDED:
        read_reason(body.reason, f"{at}reason", bad)
    if body.word == AGREEMENT_WORD_ENDED:
        bad.take(parse_date, body.effective_date, field=f"{at}effective_date")
    elif body.effective_date:
        bad.note(
            f"{at}effective_date",
            body.effective_date,
            "Only an end has a day; what is accepted holds from the version's first day.",
            "Leave it out.",
        )


def _read_members(
    values: Iterable[str], field: str, bad: ViolationCollector, *, least: int, most: int
) -> None:
    """Check how many values a list has, and that none stands twice."""
    listed = tuple(values)
    if not least <= len(listed) <= most:
        bad.note(field, len(listed), f"It has {len(listed)} values, not {least} to {most:,}.")
    again = repeated(listed)
    if again:
        bad.note(field, ", ".join(sorted(again)), "A value stands more than once.")
