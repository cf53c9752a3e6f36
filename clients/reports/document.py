"""A report before it is drawn: parts with tables of plain values, the same for XLSX and PDF.

Cells are texts, counts and yuan (`Decimal`). A document states what it is a rendering of: the
digest stands on every page, and places in the logs among its tables, so that paper and log can be
compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from deltacare.money import FEN_PER_YUAN

__all__ = ["Cell", "Document", "Part", "Table", "yuan"]

Cell = str | int | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        heading: What stands above it.
        columns: Names of its columns.
        rows: Its rows, each with a cell for every column.
        total: The last row sums the others up.
        empty: What stands in its place if it has no row.
    """

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    total: bool = False
    empty: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a report: a sheet of a workbook, a chapter on paper.

    Attributes:
        name: Its title.
        tables: In order.
    """

    name: str
    tables: Sequence[Table]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole report.

    Attributes:
        title: At the head of every page.
        facts: Names and values at the head of the report.
        note: What kind of rendering it is.
        digest: What every page states, in hexadecimal.
        digest_name: What the digest is of, in words.
        page_words: "Page" and "of", around the numbers.
        parts: In order.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    note: str
    digest: str
    digest_name: str
    page_words: tuple[str, str]
    parts: Sequence[Part] = field(default_factory=tuple)


def yuan(fen: int) -> Decimal:
    """Return fen as yuan, exactly."""
    return Decimal(fen) / FEN_PER_YUAN
