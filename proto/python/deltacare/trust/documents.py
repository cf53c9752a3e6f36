"""How the federation's documents are spelled: canonical JSON, one spelling for one value.

Keys in order, no spaces, each name once, a final newline. What is read must be spelled so, which
makes a document's hash say what it says.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from deltacare.errors import Reason, Refusal, ViolationCollector

__all__ = [
    "DOCUMENT_BYTES_MAX",
    "canonical",
    "read_object",
    "require_fields",
    "require_type",
    "wrong",
]

DOCUMENT_BYTES_MAX = 1_000_000

T = TypeVar("T")


def canonical(value: object) -> bytes:
    """Return the one spelling of a JSON value."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def read_object(data: bytes, *, fields: Sequence[str], kind: str, where: str) -> dict[str, Any]:
    """Return the object of a document.

    Args:
        data: The document.
        fields: The names it must have, ascending, and no other.
        kind: What its ``format`` must say.
        where: The name that a refusal gives.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is too large, no JSON, or not such an object.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    if len(data) > DOCUMENT_BYTES_MAX:
        raise wrong(where, f"It has more than {DOCUMENT_BYTES_MAX} bytes.")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=once)
        canonical(value)  # half of a surrogate pair can be escaped in JSON, but not spelled
    except (ValueError, RecursionError):
        raise wrong(where, "It is not JSON in UTF-8 with each name once.") from None
    found = require_fields(value, fields, where)
    if found["format"] != kind:
        raise wrong(f"{where}.format", f"It is not {kind}.")
    return found


def require_fields(value: object, names: Sequence[str], where: str) -> dict[str, Any]:
    """Return a value that is an object of exactly these names.

    Raises:
        Refusal: ``INVALID_FIELD``.
    """
    if not isinstance(value, dict) or sorted(value) != list(names):
        raise wrong(where, f"It is not an object of exactly {', '.join(names)}.")
    return cast("dict[str, Any]", value)


def require_type(value: object, kind: type[T], where: str) -> T:
    """Return a value that is of exactly a type; a truth value is no number.

    Raises:
        Refusal: ``INVALID_FIELD``.
    """
    if type(value) is not kind:
        raise wrong(where, f"It is not of type {kind.__name__}.")
    return value


def wrong(where: str, description: str, *, details: Mapping[str, str] | None = None) -> Refusal:
    """Return the refusal of a document's field."""
    bad = ViolationCollector()
    bad.note(where, "", description)
    return Refusal(
        Reason.INVALID_FIELD,
        f"{where}: {description}",
        details=details,
        violations=bad.violations,
    )
