"""Reads the bodies of certification entries: is each field there, well formed, within its limits?

Used on the way in, where a caller learns of every field at once, and when a log is projected,
where one unreadable field makes the entry void.
"""

import re
from collections.abc import Sequence

from deltacare.errors import ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, parse_province
from deltacare.patterns import NumberPattern
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import (
    CERTIFICATE_SUBJECT_CAREGIVER,
    CERTIFICATE_SUBJECT_INSTITUTION,
    Certificate,
    CertificateAddition,
    CertificateReference,
    CertificateReinstatement,
    CertificateRenewal,
    CertificateRevocation,
    CertificateSubject,
    CertificateSuspension,
    CertificationScheme,
    Equivalence,
    EquivalenceEnd,
    RecognitionResumption,
    RecognitionSuspension,
    ReferenceKind,
)
from server.registry.fields import (
    parse_code,
    parse_numbered_id,
    read_count,
    read_enum,
    read_reason,
    read_text,
    read_window,
    repeated,
)

__all__ = [
    "DIGEST_BYTES",
    "GRADES_MAX",
    "GRADE_CHARS_MAX",
    "HASH_BYTES",
    "REFERENCES_MAX",
    "DatedWord",
    "read_addition",
    "read_certificate",
    "read_dated_word",
    "read_equivalence",
    "read_equivalence_end",
    "read_renewal",
    "read_scheme",
    "read_suspension",
]

DIGEST_BYTES = 32
HASH_BYTES = 32
GRADES_MAX = 16
GRADE_CHARS_MAX = 32
REFERENCES_MAX = 32
HOURS_MAX = 10_000
ISSUING_DIVISIONS_MAX = 256
VALIDITY_MONTHS_MAX = 1_200

_DIVISION = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_OPAQUE = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z_.-]{0,62}[0-9A-Za-z])?", re.ASCII)
_OCCUPATION = re.compile(r"[1-9](?:-[0-9]{2}){3}", re.ASCII)

DatedWord = (
    CertificateReinstatement | CertificateRevocation | RecognitionSuspension | RecognitionResumption
)
"""Bodies that name a certificate, a first day and a reason, and nothing else."""


def _read_number(text: str, at: str, bad: ViolationCollector) -> None:
    bad.take(CertificateNumber.parse, text, field=f"{at}certificate_no")


def read_certificate(body: Certificate, at: str, bad: ViolationCollector) -> None:
    """Check a certificate.

    Args:
        body: what is stated.
        at: prefix of the fields in violations: empty, or a path that ends with a dot.
        bad: takes the violations.
    """
    _read_number(body.certificate_no, at, bad)
    read_enum(body.subject, f"{at}subject", bad, kind=CertificateSubject, optional=False)
    bad.take(parse_code, body.scheme, field=f"{at}scheme")
    read_text(body.grade, f"{at}grade", bad, chars_min=1, chars_max=GRADE_CHARS_MAX)
    is_caregiver = body.subject == CERTIFICATE_SUBJECT_CAREGIVER
    if len(body.holder_name_digest) != (DIGEST_BYTES if is_caregiver else 0):
        bad.note(f"{at}holder_name_digest", "", "A caregiver's has 32 bytes, any other none.")
    if body.subject == CERTIFICATE_SUBJECT_INSTITUTION:
        bad.take(InstitutionId.parse, body.institution_id, field=f"{at}institution_id")
    elif body.institution_id:
        bad.note(f"{at}institution_id", body.institution_id, "A caregiver is no institution.")
    read_window(
        body.valid_from_date,
        body.valid_until_date,
        bad,
        fields=(f"{at}valid_from_date", f"{at}valid_until_date"),
        open_ended=False,
    )
    if body.division_code:
        _read_division(body.division_code, f"{at}division_code", bad)
    if body.predecessor_no:
        bad.take(CertificateNumber.parse, body.predecessor_no, field=f"{at}predecessor_no")
    _read_references(body.references, f"{at}references", bad)


def _read_division(code: str, field: str, bad: ViolationCollector) -> None:
    """Check the code of an office or keeper of a register."""
    if not _DIVISION.fullmatch(code):
        bad.note(field, code, "It is no division in six digits.", "Write it as 310115.")


def _read_opaque(text: str, field: str, bad: ViolationCollector) -> None:
    """Check a number of another register, or a code of a document."""
    if not _OPAQUE.fullmatch(text):
        bad.note(
            field,
            text,
            "It is no number of a register or document.",
            "Use 1 to 64 letters, digits, inner hyphens, dots and underscores.",
        )


def _read_references(
    references: Sequence[CertificateReference], at: str, bad: ViolationCollector
) -> None:
    """Check what a certificate rests on; no reference stands twice."""
    if len(references) > REFERENCES_MAX:
        bad.note(at, len(references), f"It has {len(references)} references, not 0 to 32.")
    for index, each in enumerate(references[:REFERENCES_MAX]):
        field = f"{at}[{index}]"
        read_enum(each.kind, f"{field}.kind", bad, kind=ReferenceKind, optional=False)
        _read_opaque(each.reference_no, f"{field}.reference_no", bad)
        if each.division_code:
            _read_division(each.division_code, f"{field}.division_code", bad)
        bad.take(parse_date, each.completed_date, field=f"{field}.completed_date")
        read_count(each.hours, f"{field}.hours", bad, most=HOURS_MAX)
    if repeated(f"{each.kind} {each.division_code} {each.reference_no}" for each in references):
        bad.note(at, "", "A reference stands more than once.")


def read_renewal(body: CertificateRenewal, at: str, bad: ViolationCollector) -> None:
    """Check a renewal; for the arguments see ``read_certificate``."""
    _read_number(body.certificate_no, at, bad)
    bad.take(parse_date, body.valid_until_date, field=f"{at}valid_until_date")
    if len(body.predecessor_hash) != HASH_BYTES:
        bad.note(f"{at}predecessor_hash", "", "The hash of an entry has 32 bytes.")
    if body.reason:
        read_reason(body.reason, f"{at}reason", bad)
    _read_references(body.references, f"{at}references", bad)


def read_addition(body: CertificateAddition, at: str, bad: ViolationCollector) -> None:
    """Check an addition; for the arguments see ``read_certificate``."""
    _read_number(body.certificate_no, at, bad)
    if not body.references:
        bad.note(f"{at}references", "", "Nothing is added.", "Name 1 to 32 references.")
    _read_references(body.references, f"{at}references", bad)


def read_scheme(body: CertificationScheme, at: str, bad: ViolationCollector) -> None:
    """Check a scheme; for the arguments see ``read_certificate``."""
    bad.take(parse_code, body.scheme, field=f"{at}scheme")
    read_enum(body.subject, f"{at}subject", bad, kind=CertificateSubject, optional=False)
    if body.subject == CERTIFICATE_SUBJECT_INSTITUTION and body.occupation:
        bad.note(f"{at}occupation", body.occupation, "An institution has no occupation.")
    elif body.subject == CERTIFICATE_SUBJECT_CAREGIVER and not _OCCUPATION.fullmatch(
        body.occupation
    ):
        bad.note(
            f"{at}occupation",
            body.occupation,
            "It is no code of the national classification of occupations.",
            "Write it as 4-10-01-05.",
        )
    _read_grades(body.grades, f"{at}grades", bad)
    if body.number_pattern:
        bad.take(NumberPattern.parse, body.number_pattern, field=f"{at}number_pattern")
    read_count(body.validity_months_max, f"{at}validity_months_max", bad, most=VALIDITY_MONTHS_MAX)
    if len(body.issuing_divisions) > ISSUING_DIVISIONS_MAX:
        bad.note(f"{at}issuing_divisions", len(body.issuing_divisions), "It names more than 256.")
    for index, code in enumerate(body.issuing_divisions[:ISSUING_DIVISIONS_MAX]):
        _read_division(code, f"{at}issuing_divisions[{index}]", bad)
    if repeated(body.issuing_divisions):
        bad.note(f"{at}issuing_divisions", "", "A division stands more than once.")
    read_count(body.renewal_hours_min, f"{at}renewal_hours_min", bad, most=HOURS_MAX)
    read_window(body.from_date, body.until_date, bad, fields=(f"{at}from_date", f"{at}until_date"))
    _read_opaque(body.basis, f"{at}basis", bad)


def _read_grades(grades: Sequence[str], at: str, bad: ViolationCollector) -> None:
    """Check names of grades: some, each once."""
    if not 1 <= len(grades) <= GRADES_MAX:
        bad.note(at, len(grades), f"It has {len(grades)} grades, not 1 to 16.")
    if repeated(grades):
        bad.note(at, "", "A grade stands more than once.")
    for index, grade in enumerate(grades[:GRADES_MAX]):
        read_text(grade, f"{at}[{index}]", bad, chars_min=1, chars_max=GRADE_CHARS_MAX)


def read_suspension(body: CertificateSuspension, at: str, bad: ViolationCollector) -> None:
    """Check a suspension; for the arguments see ``read_certificate``."""
    _read_number(body.certificate_no, at, bad)
    read_window(
        body.effective_date,
        body.until_date,
        bad,
        fields=(f"{at}effective_date", f"{at}until_date"),
    )
    read_reason(body.reason, f"{at}reason", bad)


def read_dated_word(body: DatedWord, at: str, bad: ViolationCollector) -> None:
    """Check a word on a certificate; for the arguments see ``read_certificate``."""
    _read_number(body.certificate_no, at, bad)
    bad.take(parse_date, body.effective_date, field=f"{at}effective_date")
    read_reason(body.reason, f"{at}reason", bad)


def read_equivalence(body: Equivalence, at: str, bad: ViolationCollector) -> None:
    """Check an equivalence; for the arguments see ``read_certificate``."""
    bad.take(parse_numbered_id, body.equivalence_id, field=f"{at}equivalence_id")
    bad.take(parse_province, body.issuer, field=f"{at}issuer")
    bad.take(parse_code, body.scheme, field=f"{at}scheme")
    _read_grades(body.grades, f"{at}grades", bad)
    bad.take(parse_code, body.mapped_scheme, field=f"{at}mapped_scheme")
    read_text(body.mapped_grade, f"{at}mapped_grade", bad, chars_min=1, chars_max=GRADE_CHARS_MAX)
    read_window(body.from_date, body.until_date, bad, fields=(f"{at}from_date", f"{at}until_date"))
    bad.take(parse_numbered_id, body.agreement_id, field=f"{at}agreement_id")


def read_equivalence_end(body: EquivalenceEnd, at: str, bad: ViolationCollector) -> None:
    """Check the end of an equivalence; for the arguments see ``read_certificate``."""
    bad.take(parse_numbered_id, body.equivalence_id, field=f"{at}equivalence_id")
    bad.take(parse_date, body.effective_date, field=f"{at}effective_date")
    read_reason(body.reason, f"{at}reason", bad)
