"""Inspections and measures for tests, synthetic; no institution or caregiver in them exists."""

from deltacare.v1 import entry_pb2 as pb

__all__ = ["inspection_body", "measure_body"]


def inspection_body(inspection_id: str = "310000-I1", **changes: object) -> pb.Inspection:
    """Return an inspection of the first institution of its author, with something to mend."""
    fields: dict[str, object] = {
        "inspection_id": inspection_id,
        "inspection_date": "2026-09-01",
        "result": pb.INSPECTION_RESULT_FINDINGS,
        "finding_codes": ("FIRE_EXIT",),
    }
    if "certificate_no" not in changes:
        fields["institution_id"] = f"{inspection_id[:6]}-1"
    return pb.Inspection(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


def measure_body(measure_id: str = "310000-M1", **changes: object) -> pb.SupervisionMeasure:
    """Return a ban of the first institution of its author, unless something else is named."""
    fields: dict[str, object] = {
        "measure_id": measure_id,
        "kind": pb.MEASURE_KIND_BAN,
        "from_date": "2026-10-01",
        "reason": "UNSAFE",
    }
    if "certificate_no" not in changes:
        fields["institution_id"] = f"{measure_id[:6]}-1"
    return pb.SupervisionMeasure(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own
