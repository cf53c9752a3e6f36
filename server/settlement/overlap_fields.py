"""Reads the fields of overlap keys, claims and demands, naming what is not acceptable.

Like ``server.settlement.fields``: the same functions where a province writes and where its partner
projects. Only form is judged here.
"""

import re
from collections.abc import Iterable

from deltacare.errors import FieldViolation
from deltacare.overlap import (
    OVERLAP_TAG_BYTES,
    is_overlap_key_id,
    is_overlap_public_key,
)
from deltacare.v1.entry_pb2 import Clawback, OverlapClaims, OverlapKey
from server.settlement.fields import AMOUNT_FEN_MAX, DIGEST_BYTES, is_code, is_number

__all__ = [
    "CLAIMS_MAX",
    "DAYS_MAX",
    "claims_faults",
    "clawback_faults",
    "overlap_key_faults",
]

CLAIMS_MAX = 1_000
DAYS_MAX = 62
_YEAR_MIN, _YEAR_MAX = 2000, 2999
_MONTHS = 12
_GROUP = re.compile("[A-Z0-9_]{1,32}", re.ASCII)
_VALUE_CHARS_MAX = 64


def _fault(field: str, value: object, description: str, remedy: str = "") -> FieldViolation:
    return FieldViolation(
        field=field, value=str(value)[:_VALUE_CHARS_MAX], description=description, remedy=remedy
    )


def overlap_key_faults(body: OverlapKey) -> Iterable[FieldViolation]:
    """Yield what cannot be read in a key for overlaps, or shares no secret."""
    if not is_overlap_key_id(body.key_id):
        yield _fault("key_id", body.key_id, "It is not 1 to 64 characters of [A-Za-z0-9._-].")
    if not is_overlap_public_key(body.public_key):
        yield _fault("public_key", body.public_key.hex(), "With this key no secret can be shared.")
    if not _YEAR_MIN <= body.from_year <= _YEAR_MAX:
        yield _fault("from_year", body.from_year, "It is a year from 2000 to 2999.")


def claims_faults(body: OverlapClaims) -> Iterable[FieldViolation]:
    """Yield what cannot be read in claims: their order is part of their form."""
    if not _YEAR_MIN <= body.service_year <= _YEAR_MAX:
        yield _fault("service_year", body.service_year, "It is a year from 2000 to 2999.")
    if not 1 <= len(body.claims) <= CLAIMS_MAX:
        yield _fault("claims", len(body.claims), f"There are 1 to {CLAIMS_MAX:,} of them.")
        return
    before = (b"", 0, "")
    for position, each in enumerate(body.claims):
        place = (each.tag, each.month, each.exclusivity_group)
        if (
            len(each.tag) != OVERLAP_TAG_BYTES
            or not 1 <= each.month <= _MONTHS
            or not _GROUP.fullmatch(each.exclusivity_group)
            or each.days > DAYS_MAX
        ):
            yield _fault(f"claims[{position}]", "", "A field of it does not have its form.")
        elif place <= before:
            yield _fault(
                f"claims[{position}]", "", "Claims are sorted by tag, month and group, each once."
            )
        before = place


def clawback_faults(body: Clawback, author: str, where: str) -> Iterable[FieldViolation]:
    """Yield what cannot be read in a demand.

    Args:
        body: The demand.
        author: Province that states it.
        where: Its path.
    """
    if not is_number(body.clawback_id) or not body.clawback_id.startswith(f"{author}-"):
        yield _fault(
            f"{where}.clawback_id",
            body.clawback_id,
            "This is not the number of a demand of this province.",
            f"Write {author}-C2026-1: 1 to 64 letters, digits, dots, hyphens and underscores.",
        )
    if not is_number(body.settlement_no):
        yield _fault(
            f"{where}.settlement_no", body.settlement_no, "This is not the number of a settlement."
        )
    if not 1 <= body.amount_fen <= AMOUNT_FEN_MAX:
        yield _fault(f"{where}.amount_fen", body.amount_fen, "It is 1 to 10^12 fen.")
    if not is_code(body.reason):
        yield _fault(
            f"{where}.reason",
            body.reason,
            "This is not the code of a reason.",
            "Use 1 to 64 capital letters, digits and underscores; write no names.",
        )
    if body.document_hash and len(body.document_hash) != DIGEST_BYTES:
        yield _fault(f"{where}.document_hash", "", "It has not 32 bytes.", "Give a SHA-256.")
