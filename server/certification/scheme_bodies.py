"""Schemes as the contract has them, and as the rules do; what one allows is decided elsewhere."""

from datetime import date

from deltacare.schemes import Scheme
from deltacare.v1.entry_pb2 import CertificationScheme

__all__ = ["scheme_of", "statement_of"]


def scheme_of(body: CertificationScheme) -> Scheme:
    """Return the scheme that a readable statement states."""
    return Scheme(
        name=body.scheme,
        subject=body.subject,
        occupation=body.occupation,
        grades=tuple(body.grades),
        number_pattern=body.number_pattern,
        validity_months_max=body.validity_months_max,
        issuing_divisions=tuple(body.issuing_divisions),
        renewal_hours_min=body.renewal_hours_min,
        from_date=date.fromisoformat(body.from_date),
        until_date=date.fromisoformat(body.until_date) if body.until_date else None,
        basis=body.basis,
    )


def statement_of(scheme: Scheme) -> CertificationScheme:
    """Return the statement of a scheme."""
    return CertificationScheme(
        scheme=scheme.name,
        subject=scheme.subject,  # type: ignore[arg-type]  # a value of the enumeration
        occupation=scheme.occupation,
        grades=scheme.grades,
        number_pattern=scheme.number_pattern,
        validity_months_max=scheme.validity_months_max,
        issuing_divisions=scheme.issuing_divisions,
        renewal_hours_min=scheme.renewal_hours_min,
        from_date=scheme.from_date.isoformat(),
        until_date=scheme.until_date.isoformat() if scheme.until_date else "",
        basis=scheme.basis,
    )
