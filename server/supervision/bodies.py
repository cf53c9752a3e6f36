"""Reads the bodies of supervision entries: is each field there, well formed, within its limits?

Used on the way in, where a caller learns of every field at once, and when a log is projected,
where one unreadable field makes the entry void.
"""

from deltacare.errors import ViolationCollector
from deltacare.ids import CertificateNumber, InstitutionId, parse_province
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import (
    INSPECTION_RESULT_FINDINGS,
    Inspection,
    InspectionResult,
    MeasureKind,
    MeasureLift,
    RectificationReport,
    SupervisionMeasure,
)
from server.registry.fields import (
    parse_code,
    parse_numbered_id,
    read_enum,
    read_optional_date,
    read_reason,
    read_window,
    repeated,
)

__all__ = [
    "FINDINGS_MAX",
    "HASH_BYTES",
    "JOINED_MAX",
    "read_inspection",
    "read_lift",
    "read_measure",
    "read_report",
]

FINDINGS_MAX = 32
JOINED_MAX = 33
HASH_BYTES = 32


def _read_subject(body: Inspection | SupervisionMeasure, at: str, bad: ViolationCollector) -> None:
    """Check that a body is about one institution or about the holder of one certificate."""
    if bool(body.institution_id) == bool(body.certificate_no):
        bad.note(
            f"{at}institution_id",
            body.institution_id,
            "Exactly one of an institution and a certificate is given.",
            "Give the institution, or the certificate of the caregiver.",
        )
        return
    if body.institution_id:
        bad.take(InstitutionId.parse, body.institution_id, field=f"{at}institution_id")
    else:
        bad.take(CertificateNumber.parse, body.certificate_no, field=f"{at}certificate_no")


def read_inspection(body: Inspection, at: str, bad: ViolationCollector) -> None:
    """Check an inspection.

    Args:
        body: what is stated.
        at: prefix of the fields in violations: empty, or a path that ends with a dot.
        bad: takes the violations.
    """
    bad.take(parse_numbered_id, body.inspection_id, field=f"{at}inspection_id")
    _read_subject(body, at, bad)
    bad.take(parse_date, body.inspection_date, field=f"{at}inspection_date")
    read_enum(body.result, f"{at}result", bad, kind=InspectionResult, optional=False)
    _read_findings(body, f"{at}finding_codes", bad)
    where = f"{at}joined_by"
    if len(body.joined_by) > JOINED_MAX:
        bad.note(where, len(body.joined_by), f"It has more than {JOINED_MAX} values.")
    for index, province in enumerate(body.joined_by[:JOINED_MAX]):
        bad.take(parse_province, province, field=f"{where}[{index}]")
    if list(body.joined_by) != sorted(set(body.joined_by)):
        bad.note(
            where,
            ", ".join(body.joined_by[:JOINED_MAX]),
            "The provinces do not stand in ascending order, each once.",
        )


def _read_findings(body: Inspection, where: str, bad: ViolationCollector) -> None:
    """Check the codes of what was found: some if there is something to mend, else none."""
    found = body.result == INSPECTION_RESULT_FINDINGS
    least, most = (1, FINDINGS_MAX) if found else (0, 0)
    if not least <= len(body.finding_codes) <= most:
        bad.note(
            where,
            len(body.finding_codes),
            f"It has {len(body.finding_codes)} values, not {least} to {most:,}.",
            "Name what is to be mended, or say that the inspection was passed.",
        )
    for index, code in enumerate(body.finding_codes[:FINDINGS_MAX]):
        bad.take(parse_code, code, field=f"{where}[{index}]")
    again = repeated(body.finding_codes)
    if again:
        bad.note(where, ", ".join(sorted(again)[:FINDINGS_MAX]), "A value stands more than once.")


def read_measure(body: SupervisionMeasure, at: str, bad: ViolationCollector) -> None:
    """Check a measure; for the arguments see ``read_inspection``."""
    bad.take(parse_numbered_id, body.measure_id, field=f"{at}measure_id")
    read_enum(body.kind, f"{at}kind", bad, kind=MeasureKind, optional=False)
    _read_subject(body, at, bad)
    if body.inspection_id:
        bad.take(parse_numbered_id, body.inspection_id, field=f"{at}inspection_id")
    read_window(body.from_date, body.until_date, bad, fields=(f"{at}from_date", f"{at}until_date"))
    read_optional_date(body.due_date, f"{at}due_date", bad)
    read_reason(body.reason, f"{at}reason", bad)
    if len(body.document_hash) not in (0, HASH_BYTES):
        bad.note(f"{at}document_hash", "", "A SHA-256 has 32 bytes.", "Leave it empty if unknown.")


def read_report(body: RectificationReport, at: str, bad: ViolationCollector) -> None:
    """Check a report of mending; for the arguments see ``read_inspection``."""
    bad.take(parse_numbered_id, body.measure_id, field=f"{at}measure_id")
    bad.take(parse_date, body.report_date, field=f"{at}report_date")
    if body.reason or not body.accepted:
        read_reason(body.reason, f"{at}reason", bad)


def read_lift(body: MeasureLift, at: str, bad: ViolationCollector) -> None:
    """Check a lift; for the arguments see ``read_inspection``."""
    bad.take(parse_numbered_id, body.measure_id, field=f"{at}measure_id")
    bad.take(parse_date, body.effective_date, field=f"{at}effective_date")
    read_reason(body.reason, f"{at}reason", bad)
