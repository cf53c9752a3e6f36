"""Strict reading of the JSON in evidence: one spelling for one value, or it is refused.

A file that can be spelled in two ways can be altered without being changed; then nobody could say
that an altered byte is always found. So keys are sorted, each stands once, there are no spaces, and
what was read must give the same bytes when it is written.
"""

import json
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from deltacare.errors import PeerFault, Reason
from deltacare.keys import decode_base64
from deltacare.trust.documents import canonical

__all__ = ["bad", "read_canonical", "read_list", "require", "require_bytes", "require_fields"]

T = TypeVar("T")

_SHOWN_CHARS_MAX = 60


def bad(message: str) -> PeerFault:
    """Return the fault of evidence that is not taken."""
    return PeerFault(Reason.BAD_PROOF, message)


def read_canonical(data: bytes, where: str) -> object:
    """Return a JSON value that is spelled in the one way.

    Args:
        data: The bytes, final newline included.
        where: What it is, for the fault.

    Raises:
        PeerFault: ``BAD_PROOF``, if it is no JSON, or spelled in another way.
    """
    try:
        value = json.loads(data.decode("utf-8"))
        again = canonical(value)
    except (ValueError, RecursionError):
        raise bad(f"The {where} is not JSON in UTF-8.") from None
    # A name that stands twice, a space or another order: all give other bytes here.
    if again != data:
        raise bad(f"The {where} is not spelled in the one way: it was altered or is not ours.")
    return cast("object", value)


def require_fields(value: object, names: Sequence[str], where: str) -> dict[str, Any]:
    """Return a value that is an object of exactly these names.

    Raises:
        PeerFault: ``BAD_PROOF``, naming what is missing or unknown.
    """
    if not isinstance(value, dict):
        raise bad(f"{where} is not an object.")
    wrong = sorted(set(value) ^ set(names))
    if wrong:
        shown = ", ".join(wrong)[:_SHOWN_CHARS_MAX]
        raise bad(f"{where} has not exactly the fields it should have; see: {shown}.")
    return value


def require(value: object, kind: type[T], where: str) -> T:
    """Return a value that is of exactly a type; a truth value is no number.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    if type(value) is not kind:
        raise bad(f"{where} is not of type {kind.__name__}.")
    return value


def require_bytes(value: object, where: str) -> bytes:
    """Return the bytes of a text in canonical base64.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    data = decode_base64(require(value, str, where))
    if data is None:
        raise bad(f"{where} is not canonical base64.")
    return data


def read_list(value: object, where: str, *, items_max: int) -> list[Any]:
    """Return a list of limited length.

    Raises:
        PeerFault: ``BAD_PROOF``.
    """
    found = require(value, list, where)
    if len(found) > items_max:
        raise bad(f"{where} has more than {items_max} items.")
    return found
