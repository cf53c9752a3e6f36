"""Reads the bodies of certification entries: is each field there, well formed, within its limits?

Used on the way in, where a caller learns of every field at once, and when a log is projected,
where one unreadable field makes the entry void.
"""

from deltacare.errors import ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, parse_province
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import (
    CERTIFICATE_SUBJECT_CAREGIVER,
    CERTIFICATE_SUBJECT_INSTITUTION,
    Certificate,
    CertificateReinstatement,
    CertificateRenewal,
    CertificateRevocation,
    CertificateSubject,
    CertificateSuspension,
    Equivalence,
    EquivalenceEnd,
    RecognitionResumption,
    RecognitionSuspension,
)
from server.registry.fields import (
    parse_code,
    parse_numbered_id,
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
    "DatedWord",
    "read_certificate",
    "read_dated_word",
    "read_equivalence",
    "read_equivalence_end",
    "read_renewal",
    "read_suspension",
]

DIGEST_BYTES = 32
GRADES_MAX = 16
GRADE_CHARS_MAX = 32

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


def read_renewal(body: CertificateRenewal, at: str, bad: ViolationCollector) -> None:
    """Check a renewal; for the arguments see ``read_certificate``."""
    _read_number(body.certificate_no, at, bad)
    bad.take(parse_date, body.valid_until_date, field=f"{at}valid_until_date")


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
    grades = f"{at}grades"
    if not 1 <= len(body.grades) <= GRADES_MAX:
        bad.note(grades, len(body.grades), f"It has {len(body.grades)} grades, not 1 to 16.")
    if repeated(body.grades):
        bad.note(grades, "", "A grade stands more than once.")
    for index, grade in enumerate(body.grades[:GRADES_MAX]):
        read_text(grade, f"{grades}[{index}]", bad, chars_min=1, chars_max=GRADE_CHARS_MAX)
    bad.take(parse_code, body.mapped_scheme, field=f"{at}mapped_scheme")
    read_text(body.mapped_grade, f"{at}mapped_grade", bad, chars_min=1, chars_max=GRADE_CHARS_MAX)
    read_window(body.from_date, body.until_date, bad, fields=(f"{at}from_date", f"{at}until_date"))
    bad.take(parse_numbered_id, body.agreement_id, field=f"{at}agreement_id")


def read_equivalence_end(body: EquivalenceEnd, at: str, bad: ViolationCollector) -> None:
    """Check the end of an equivalence; for the arguments see ``read_certificate``."""
    bad.take(parse_numbered_id, body.equivalence_id, field=f"{at}equivalence_id")
    bad.take(parse_date, body.effective_date, field=f"{at}effective_date")
    read_reason(body.reason, f"{at}reason", bad)
