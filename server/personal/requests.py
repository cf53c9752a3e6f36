"""Reads what callers of the vault send. No violation repeats a value of a person.

A reference of a person is opaque by contract, but a caller may have put a number there that is
not; so a malformed one is not repeated either.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from deltacare.errors import Reason, Refusal, ViolationCollector, invalid_field
from deltacare.identity_numbers import holds_identity_number
from deltacare.ids import CertificateNumber, parse_identity_number
from deltacare.legal_bases import LegalBasis
from deltacare.v1.personal_service_pb2 import (
    DisclosePersonalDataRequest,
    PersonalRecord,
    PersonalValues,
)
from server.personal.vault import FIELDS
from server.registry.fields import repeated

__all__ = [
    "HELD_MAX",
    "RECORDS_MAX",
    "Record",
    "parse_subject_ref",
    "read_disclosure",
    "read_own_numbers",
    "read_records",
    "require_known",
]

RECORDS_MAX = 1_000
HELD_MAX = 64
_NAME_CHARS_MAX = 64

_SUBJECT_REF = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_IDENTITY_LIKE = re.compile(r"[1-9][0-9]{16}[0-9Xx]", re.ASCII)
_PHONE = re.compile(r"[0-9+-]{5,20}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Values of one person that were read.

    Attributes:
        subject_ref: The person.
        given: By field, those that were given; never shown.
        certificate_nos: What the person holds.
    """

    subject_ref: str
    given: dict[str, str] = field(repr=False)
    certificate_nos: Sequence[str]


def parse_subject_ref(text: str, *, field: str = "subject_ref") -> str:
    """Return the opaque reference of a person.

    Raises:
        Refusal: ``INVALID_FIELD``, also if it looks like an identity number. It is not repeated.
    """
    remedy = "Use 1 to 64 letters, digits, dots, underscores and hyphens that say nothing."
    if not _SUBJECT_REF.fullmatch(text):
        raise invalid_field(field, "", "This is not an opaque reference.", remedy)
    if _IDENTITY_LIKE.fullmatch(text) or holds_identity_number(text):
        raise invalid_field(field, "", "A reference is never an identity number.", remedy)
    return text


def read_records(
    records: Sequence[PersonalRecord], bad: ViolationCollector, *, own: str
) -> list[Record]:
    """Return the values to put.

    Args:
        records: What is asked.
        bad: Takes the violations.
        own: The node's province.
    """
    if not 1 <= len(records) <= RECORDS_MAX:
        bad.note("records", len(records), "A batch has 1 to 1,000 persons.")
    again = repeated(each.subject_ref for each in records)
    found = []
    for position, each in enumerate(records[:RECORDS_MAX]):
        at = f"records[{position}]"
        subject_ref = bad.take(parse_subject_ref, each.subject_ref, field=f"{at}.subject_ref")
        if each.subject_ref in again:
            bad.note(f"{at}.subject_ref", "", "The person stands more than once in the batch.")
        given = _read_values(each.values, f"{at}.values", bad)
        if len(each.certificate_nos) > HELD_MAX:
            bad.note(
                f"{at}.certificate_nos",
                len(each.certificate_nos),
                f"One person brings at most {HELD_MAX} certificates at once.",
            )
        numbers = read_own_numbers(each.certificate_nos, f"{at}.certificate_nos", bad, own=own)
        found.append(Record(subject_ref=subject_ref or "", given=given, certificate_nos=numbers))
    return found


def _read_values(values: PersonalValues, at: str, bad: ViolationCollector) -> dict[str, str]:
    """Return the values that are given, checked for their form."""
    found: dict[str, str] = {}
    if values.holder_name:
        name = values.holder_name
        if len(name) > _NAME_CHARS_MAX or not name.isprintable() or not name.strip():
            bad.note(
                f"{at}.holder_name",
                "",
                "A name has 1 to 64 printable characters.",
                "Write it as on the paper.",
            )
        if holds_identity_number(name):
            bad.note(
                f"{at}.holder_name",
                "",
                "Somebody's identity number stands in the name.",
                "Write the name alone; the number goes into identity_number.",
            )
        found["holder_name"] = name
    if values.identity_number:
        number = bad.take(
            parse_identity_number, values.identity_number, field=f"{at}.identity_number"
        )
        found["identity_number"] = number or ""
    if values.phone:
        if not _PHONE.fullmatch(values.phone):
            bad.note(f"{at}.phone", "", "A telephone number has 5 to 20 digits, + or -.")
        found["phone"] = values.phone
    if not found:
        bad.note(at, "", "No value is given.", "Give at least one.")
    return found


def read_own_numbers(
    texts: Sequence[str], at: str, bad: ViolationCollector, *, own: str
) -> tuple[str, ...]:
    """Return certificate numbers of the own province, ascending and without repetition."""
    found: set[str] = set()
    for position, text in enumerate(texts):
        try:
            number = CertificateNumber.parse(text, field=f"{at}[{position}]")
        except Refusal as error:
            for violation in error.violations:
                bad.add(replace(violation, value=""))
            continue
        if number.issuer != own:
            bad.note(f"{at}[{position}]", text, "The certificate is of another province.")
        found.add(str(number))
    return tuple(sorted(found))


def read_disclosure(
    request: DisclosePersonalDataRequest, *, own: str
) -> tuple[str, str, Sequence[str], LegalBasis]:
    """Return whom a disclosure is about, which fields it needs, and its basis.

    Args:
        request: What is asked.
        own: The node's province.

    Returns:
        Person or certificate (one of them is empty), fields in the order of the contract, basis.

    Raises:
        Refusal: ``INVALID_FIELD``, with all that cannot be read.
    """
    bad = ViolationCollector()
    if bool(request.subject_ref) == bool(request.certificate_no):
        bad.note("subject_ref", "", "Give either a person or a certificate.")
    elif request.subject_ref:
        bad.take(parse_subject_ref, request.subject_ref, field="subject_ref")
    else:
        read_own_numbers((request.certificate_no,), "certificate_no", bad, own=own)
    asked = frozenset(request.fields)
    if not asked or not asked <= frozenset(FIELDS):
        bad.note(
            "fields", "", "Fields that do not exist, or none.", f"Use some of {', '.join(FIELDS)}."
        )
    basis = bad.take(LegalBasis.parse, request.legal_basis, field="legal_basis")
    bad.raise_if_any()
    assert basis is not None, "what cannot be read was refused"
    return (
        request.subject_ref,
        request.certificate_no,
        tuple(each for each in FIELDS if each in asked),
        basis,
    )


def require_known(places: Collection[str], numbers: Sequence[str]) -> None:
    """Refuse certificates that the own log does not have.

    Raises:
        Refusal: ``NOT_FOUND``.
    """
    unknown = sorted(set(numbers) - set(places))
    if unknown:
        raise Refusal(
            Reason.NOT_FOUND,
            f"No log has certificates/{unknown[0]}.",
            details={"name": f"certificates/{unknown[0]}"},
        )
