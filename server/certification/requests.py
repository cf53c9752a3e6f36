"""Reads what callers of certification send: certificates to issue, and questions.

A holder's name is turned into its digest or handed to the comparison here and goes nowhere else;
no violation repeats it.
"""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from deltacare.divisions import normalise_division, province_of
from deltacare.errors import ViolationCollector, invalid_field
from deltacare.identity_numbers import holds_identity_number
from deltacare.ids import CertificateNumber, parse_identity_number
from deltacare.times import business_date, from_posix_s, parse_date
from deltacare.v1.certification_service_pb2 import CheckCertificationRequest, NewCertificate
from deltacare.v1.entry_pb2 import (
    CERTIFICATE_SUBJECT_CAREGIVER,
    Certificate,
    CertificateReference,
)
from server.certification.bodies import DIGEST_BYTES, read_certificate
from server.certification.questions import Question
from server.certification.rules import SALT_BYTES, holder_name_digest
from server.log.ports import Entropy
from server.registry.fields import parse_code, read_reason, repeated
from server.registry.requests import without_unknown

__all__ = [
    "CERTIFICATES_MAX",
    "HOLDER_NAME_CHARS_MAX",
    "PURPOSE_DEFAULT",
    "read_new_certificates",
    "read_place",
    "read_question",
    "refuse_personal_references",
]

CERTIFICATES_MAX = 1_000
HOLDER_NAME_CHARS_MAX = 64
PURPOSE_DEFAULT = "WORK"
_SUBJECT_REF = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z_.-]{0,62}[0-9A-Za-z])?", re.ASCII)
_NANOS_MAX = 999_999_999
_SECONDS_MAX = 32_472_143_999  # the end of the year 2998


def _read_holder_name(name: str, field: str, bad: ViolationCollector) -> None:
    """Check a holder's name without ever repeating it."""
    if not 1 <= len(name) <= HOLDER_NAME_CHARS_MAX or not name.isprintable() or not name.strip():
        bad.note(field, "", "A name has 1 to 64 printable characters.", "Write it as on the paper.")


def _read_new_holder(new: NewCertificate, at: str, bad: ViolationCollector) -> None:
    """Check the name of who is certified: a digest of it stands in the log for ever."""
    _read_holder_name(new.holder_name, f"{at}.holder_name", bad)
    if holds_identity_number(new.holder_name):
        bad.note(
            f"{at}.holder_name",
            "",
            "Somebody's identity number stands in the name.",
            "Write the name alone; the number goes into identity_number.",
        )
    if new.name_change_reason:
        read_reason(new.name_change_reason, f"{at}.name_change_reason", bad)


def read_new_certificates(
    certificates: Sequence[NewCertificate], bad: ViolationCollector, *, entropy: Entropy
) -> tuple[list[Certificate], dict[int, bytes]]:
    """Return certificates to issue as the log will have them, and the salts of names by position.

    Args:
        certificates: what is asked.
        bad: takes the violations.
        entropy: draws the salts.
    """
    if not 1 <= len(certificates) <= CERTIFICATES_MAX:
        bad.note("certificates", len(certificates), "A batch has 1 to 1,000 certificates.")
    again = repeated(each.certificate.certificate_no for each in certificates)
    bodies: list[Certificate] = []
    salts: dict[int, bytes] = {}
    for position, each in enumerate(certificates[:CERTIFICATES_MAX]):
        at = f"certificates[{position}]"
        body = without_unknown(each.certificate)
        if body.holder_name_digest:
            bad.note(
                f"{at}.certificate.holder_name_digest",
                "",
                "Leave it out: the node computes it.",
            )
            body.ClearField("holder_name_digest")
        if body.subject == CERTIFICATE_SUBJECT_CAREGIVER:
            before = bad.count
            _read_new_holder(each, at, bad)
            body.holder_name_digest = bytes(DIGEST_BYTES)
            if bad.count == before:
                salts[position] = entropy.token(SALT_BYTES)
                body.holder_name_digest = holder_name_digest(salts[position], each.holder_name)
        else:
            for name in ("holder_name", "name_change_reason"):
                if getattr(each, name):
                    bad.note(f"{at}.{name}", "", "Only a caregiver's certificate has a holder.")
        _read_person(each, at, bad)
        read_certificate(body, f"{at}.certificate.", bad)
        _refuse_identity_numbers(body, f"{at}.certificate.", bad)
        if body.certificate_no in again:
            bad.note(
                f"{at}.certificate.certificate_no",
                body.certificate_no,
                "The number stands more than once in the batch.",
            )
        bodies.append(body)
    return bodies, salts


def _read_person(new: NewCertificate, at: str, bad: ViolationCollector) -> None:
    """Check under which reference the vault keeps a holder, never repeating an identity number."""
    if not new.subject_ref:
        if new.identity_number:
            bad.note(
                f"{at}.identity_number",
                "",
                "It is kept only for a person with a reference.",
                "Give subject_ref, the number of the person in your own system.",
            )
        return
    if new.certificate.subject != CERTIFICATE_SUBJECT_CAREGIVER:
        bad.note(f"{at}.subject_ref", "", "Only a caregiver's certificate has a holder.")
    if not _SUBJECT_REF.fullmatch(new.subject_ref) or holds_identity_number(new.subject_ref):
        bad.note(
            f"{at}.subject_ref",
            "",
            "It is no opaque reference.",
            "Use 1 to 64 letters, digits, inner hyphens, dots and underscores that say nothing of "
            "the person.",
        )
    if new.identity_number:
        bad.take(parse_identity_number, new.identity_number, field=f"{at}.identity_number")


def _refuse_identity_numbers(body: Certificate, at: str, bad: ViolationCollector) -> None:
    """Note numbers of certificates and references that are identity numbers; asked at the author.

    Papers sometimes bear the holder's identity number as their own; what is in a log stays there.
    """
    if holds_identity_number(body.certificate_no):
        bad.note(
            f"{at}certificate_no",
            "",
            "The number is somebody's identity number, which no log may carry.",
            "Number the certificate otherwise.",
        )
    refuse_personal_references(body.references, f"{at}references", bad)


def refuse_personal_references(
    references: Sequence[CertificateReference], at: str, bad: ViolationCollector
) -> None:
    """Note references whose number is somebody's identity number; asked at the author."""
    for index, each in enumerate(references):
        if holds_identity_number(each.reference_no):
            bad.note(
                f"{at}[{index}].reference_no",
                "",
                "The number is somebody's identity number, which no log may carry.",
                "Give the number of the record.",
            )


def read_question(
    request: CheckCertificationRequest, *, now: datetime, own: str, members: Collection[str]
) -> Question:
    """Return what is asked.

    Args:
        request: of the method.
        now: the moment of the call.
        own: the node's province.
        members: the provinces of the federation.

    Raises:
        Refusal: ``INVALID_FIELD``, with all that cannot be read.
    """
    bad = ViolationCollector()
    number = bad.take(CertificateNumber.parse, request.certificate_no, field="certificate_no")
    if request.holder_name:
        _read_holder_name(request.holder_name, "holder_name", bad)
    on_date = bad.take(
        parse_date, request.on_date or business_date(now).isoformat(), field="on_date"
    )
    known_time: datetime | None = None
    if request.HasField("known_time"):
        known_time = _read_moment(request.known_time, bad)
        if known_time is not None and known_time > now:
            bad.note("known_time", known_time.isoformat(), "Nothing is known of the future.")
    bad.take(parse_code, request.purpose or PURPOSE_DEFAULT, field="purpose")
    host = bad.take(read_place, request.host or own, members)
    identity_number = ""
    if request.identity_number:
        identity_number = bad.take(parse_identity_number, request.identity_number) or ""
    bad.raise_if_any()
    assert number is not None, "what cannot be read was refused"
    assert on_date is not None, "what cannot be read was refused"
    assert host is not None, "what cannot be read was refused"
    return Question(
        certificate_no=str(number),
        issuer=number.issuer,
        host=host,
        on_date=on_date,
        known_time=known_time,
        holder_name=request.holder_name,
        identity_number=identity_number,
    )


def read_place(text: str, members: Collection[str], *, field: str = "host") -> str:
    """Return the canonical code of a division where a certificate should count.

    Args:
        text: at any level: 2, 4, 6, 9 or 12 digits.
        members: the provinces of the federation.
        field: for the violation.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is none or lies in no member province.
    """
    code = normalise_division(text, field=field)
    if province_of(code) not in members:
        raise invalid_field(
            field,
            text,
            "It lies in no province that is a member of the federation.",
            "Name a division of a member; deltacare node status lists them.",
        )
    return code


def _read_moment(value: Timestamp, bad: ViolationCollector) -> datetime | None:
    """Return the instant of a timestamp, to the microsecond."""
    if not (0 <= value.nanos <= _NANOS_MAX and 0 <= value.seconds <= _SECONDS_MAX):
        bad.note("known_time", "", "The moment lies outside 1970 to 2998.")
        return None
    return from_posix_s(value.seconds) + timedelta(microseconds=value.nanos // 1_000)
