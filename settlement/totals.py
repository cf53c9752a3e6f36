"""Totals of records by partner, date, home and kind: what two books compare before lines travel.

A total is a count, a sum and a digest over the very lines; equal digests mean equal lines. Pure:
the node makes them of its rows and a clerk's program of a file, and both come out alike. Only the
ten columns count, in no order: who filed a line, when and in which batch does not.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from settlement.core.columns import COLUMNS, SEPARATOR

__all__ = ["Key", "Total", "line_of", "total_of"]

_LINE_END: Final = "\n"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """What is totalled together.

    Attributes:
        partner: The other province.
        business_date: Under which the records were filed.
        home: The partner or the own province.
        subsidy_kind: Kind.
    """

    partner: str
    business_date: str
    home: str
    subsidy_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What some records come to.

    Attributes:
        record_count: How many.
        sum_fen: Their sum.
        digest: 32 bytes.
    """

    record_count: int
    sum_fen: int
    digest: bytes


def line_of(values: Sequence[object]) -> bytes:
    """Return a record as it is digested: its ten columns in their order, joined and ended."""
    assert len(values) == len(COLUMNS), "a record has ten columns"
    return (SEPARATOR.join(map(str, values)) + _LINE_END).encode()


def total_of(lines: Iterable[bytes], sum_fen: int) -> Total:
    """Return the total of records.

    Args:
        lines: Of each, from `line_of`, in any order; equal ones count each.
        sum_fen: Of their amounts.
    """
    ordered = sorted(lines)
    return Total(
        record_count=len(ordered),
        sum_fen=sum_fen,
        digest=hashlib.sha256(b"".join(ordered)).digest(),
    )
