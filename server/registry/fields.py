"""Reads the fields of requests and entries, noting every one that is not acceptable.

The same functions run where a province writes and where its partners project what it wrote, so
that both refuse the same. Only form is judged here, not who may say it or whether it fits what was
said before: those are numbered rules.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from typing import Any, Protocol

from deltacare.errors import ViolationCollector, invalid_field
from deltacare.ids import parse_opaque_id
from deltacare.times import parse_date
from deltacare.v1.types_pb2 import Duty

__all__ = [
    "CODE_CHARS_MAX",
    "PAGE_SIZE_DEFAULT",
    "PAGE_SIZE_MAX",
    "EnumKind",
    "numbered_id_province",
    "parse_code",
    "parse_numbered_id",
    "read_count",
    "read_duty",
    "read_enum",
    "read_optional_date",
    "read_page_size",
    "read_reason",
    "read_text",
    "read_window",
    "repeated",
]

CODE_CHARS_MAX = 64
PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000


class EnumKind(Protocol):
    """An enumeration of the contract: its names and numbers."""

    def keys(self) -> list[str]:
        """Return the names, the unspecified one first."""
        ...

    def values(self) -> list[Any]:
        """Return the numbers."""
        ...

    def __hash__(self) -> int: ...


_CODE = re.compile(r"[A-Z0-9_]+", re.ASCII)
_NUMBERED_ID = re.compile(r"[1-9][0-9]0000-[0-9A-Za-z](?:[0-9A-Za-z-]{0,30}[0-9A-Za-z])?", re.ASCII)
_PROVINCE_CHARS = 6


def parse_numbered_id(text: str, *, field: str) -> str:
    """Return an id made of a province and a number of its choice, such as ``310000-L2026-1``.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such id.
    """
    if not _NUMBERED_ID.fullmatch(text):
        raise invalid_field(
            field,
            text,
            "This is not a province's code, a hyphen and a number of its choice.",
            "Write it as 310000-2026-1.",
        )
    return text


def numbered_id_province(text: str) -> str:
    """Return the province of an id that was parsed."""
    return text[:_PROVINCE_CHARS]


def parse_code(text: str, *, field: str, chars_max: int = CODE_CHARS_MAX) -> str:
    """Return a code of capital letters, digits and underscores.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is anything else. The value is not repeated, because a
            caller may have put a sentence about a person there.
    """
    if len(text) > chars_max or not _CODE.fullmatch(text):
        raise invalid_field(
            field,
            "",
            "This is not a code.",
            f"Use 1 to {chars_max} capital letters, digits and underscores.",
        )
    return text


def read_duty(duty: Duty, bad: ViolationCollector) -> None:
    """Check who answers for a write."""
    maker = bad.take(parse_opaque_id, duty.maker, field="duty.maker")
    reviewer = bad.take(parse_opaque_id, duty.reviewer, field="duty.reviewer")
    if maker is not None and maker == reviewer:
        bad.note(
            "duty.reviewer",
            reviewer,
            "The reviewer is the maker.",
            "Have another person review it.",
        )


def read_reason(text: str, field: str, bad: ViolationCollector) -> None:
    """Check the code of a reason."""
    bad.take(parse_code, text, field=field)


def read_text(
    text: str, field: str, bad: ViolationCollector, *, chars_max: int, chars_min: int = 0
) -> None:
    """Check a text that people read: length, nothing unprintable, no space at its ends."""
    if not chars_min <= len(text) <= chars_max:
        bad.note(field, text, f"It has {len(text)} characters, not {chars_min} to {chars_max}.")
    elif not text.isprintable() or text != text.strip():
        bad.note(field, text, "It holds unprintable characters or begins or ends with a space.")


def read_count(value: int, field: str, bad: ViolationCollector, *, most: int) -> None:
    """Check a count that has an upper limit."""
    if value > most:
        bad.note(field, value, f"It is more than {most:,}.")


@cache
def _known(kind: EnumKind) -> frozenset[int]:
    """Return the numbers of an enumeration."""
    return frozenset(kind.values())


def read_enum(
    value: int, field: str, bad: ViolationCollector, *, kind: EnumKind, optional: bool
) -> None:
    """Check that an enumerated value is known, and said unless it is optional."""
    if value not in _known(kind) or not (value or optional):
        names = ", ".join(kind.keys()[0 if optional else 1 :])
        bad.note(field, value, "It is not a known value.", f"Use one of {names}.")


def read_optional_date(text: str, field: str, bad: ViolationCollector) -> date | None:
    """Return a date that may be missing."""
    return bad.take(parse_date, text, field=field) if text else None


def read_window(
    from_text: str,
    until_text: str,
    bad: ViolationCollector,
    *,
    fields: tuple[str, str],
    open_ended: bool = True,
) -> None:
    """Check a first and a last day: the last may be missing, and is never before the first."""
    first = bad.take(parse_date, from_text, field=fields[0])
    if not until_text and open_ended:
        return
    last = bad.take(parse_date, until_text, field=fields[1])
    if first is not None and last is not None and last < first:
        bad.note(fields[1], until_text, "The last day lies before the first.")


def read_page_size(value: int, bad: ViolationCollector) -> int:
    """Return how many rows a page has; 0 asks for the default."""
    if not 0 <= value <= PAGE_SIZE_MAX:
        bad.note("page_size", value, f"It is not 0 to {PAGE_SIZE_MAX:,}.")
    return value or PAGE_SIZE_DEFAULT


def repeated(values: Iterable[str]) -> frozenset[str]:
    """Return the values that stand more than once."""
    seen: set[str] = set()
    again: set[str] = set()
    for value in values:
        (again if value in seen else seen).add(value)
    return frozenset(again)
