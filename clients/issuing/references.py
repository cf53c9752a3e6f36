"""How references of certificates are written by people: kind, number, day, hours, division.

`继续教育:JX-2026-9:2026-05-01:20` is one; several are separated by semicolons. The last two parts
may be left out. Colons and semicolons may be those of a Chinese keyboard.
"""

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from deltacare.errors import invalid_field
from deltacare.v1.entry_pb2 import CertificateReference, ReferenceKind

__all__ = ["KIND_NAMES", "parse_reference", "parse_references"]

KIND_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "TRAINING": "培训",
        "CONTINUING_EDUCATION": "继续教育",
        "EXAMINATION": "考核评价",
        "AWARD": "表彰奖励",
    }
)
"""Kinds of references: the name in the contract, and in Chinese."""

_KINDS = {
    name: ReferenceKind.Value(f"REFERENCE_KIND_{kind}")
    for kind, zh in KIND_NAMES.items()
    for name in (kind, zh)
}
_PARTS_MIN, _PARTS_MAX = 3, 5


def parse_reference(text: str, *, field: str = "references") -> CertificateReference:
    """Return the reference of a text.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is none; what was given is not repeated.
    """
    parts = [part.strip() for part in unicodedata.normalize("NFKC", text).split(":")]
    kind = _KINDS.get(parts[0].upper())
    hours = parts[3] if len(parts) > 3 and parts[3] else "0"  # noqa: PLR2004  # its place
    if not (
        kind is not None
        and _PARTS_MIN <= len(parts) <= _PARTS_MAX
        and hours.isascii()
        and hours.isdecimal()
        and len(hours) <= len("10000")
    ):
        raise invalid_field(
            field,
            "",
            "This is no reference.",
            "Write kind, number, day, hours and division, such as "
            "CONTINUING_EDUCATION:JX-9:2026-05-01:20; the kinds are TRAINING, "
            "CONTINUING_EDUCATION, EXAMINATION and AWARD, or their names in Chinese.",
        )
    return CertificateReference(
        kind=kind,
        reference_no=parts[1],
        completed_date=parts[2],
        hours=int(hours),
        division_code=parts[4] if len(parts) == _PARTS_MAX else "",
    )


def parse_references(text: str, *, field: str = "references") -> list[CertificateReference]:
    """Return the references of a cell.

    Raises:
        Refusal: as ``parse_reference``.
    """
    parts = unicodedata.normalize("NFKC", text).split(";")
    return [parse_reference(part, field=field) for part in parts if part.strip()]
