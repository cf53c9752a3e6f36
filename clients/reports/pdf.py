"""Draws a report as PDF: A4 across, headings repeated, digest and page number on every page.

The font is inside the file, cut down to what is drawn. Nothing in the file says when it was made,
so the same report is the same bytes on every node.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from clients.reports.document import Cell, Document, Part, Table
from clients.reports.fonts import BOLD, REGULAR, glyphs

if TYPE_CHECKING:
    from fpdf import FPDF

__all__ = ["pdf"]

_FIXED_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_FONT: Final = "noto"
_TITLE_PT, _HEADING_PT, _TEXT_PT, _CELL_PT, _FOOT_PT = 15, 11, 9, 8, 7
_MARGIN_MM: Final = 14
_FOOT_MM: Final = 12
_LINE_MM: Final = 5.2
_PART_MM: Final = 50
"""What has to be left of a page for another part to begin on it."""
_SHADE: Final = (232, 238, 244)
_WIDE: Final = 2
_HASH: Final = re.compile(r"\b([0-9a-f]{32})([0-9a-f]{32})\b ?")
# A number is at most this wide; texts get what is left.
_WEIGHT_NUMBER, _WEIGHT_TEXT_MIN, _WEIGHT_TEXT_MAX = 12, 6, 40


def pdf(document: Document) -> bytes:
    """Return a report as PDF."""
    fonts = glyphs(_texts(document))
    # The library reads fonts from files only, and reads them again when it writes.
    with TemporaryDirectory(prefix="deltacare-") as directory:
        paths: dict[str, Path] = {}
        for style, weight in (("", REGULAR), ("B", BOLD)):
            paths[style] = Path(directory, f"{weight}.ttf")
            paths[style].write_bytes(fonts[weight])
        return _drawn(document, paths)


def _drawn(document: Document, fonts: Mapping[str, Path]) -> bytes:
    """Return a report as PDF, with fonts by style."""
    page = _new_page(document, fonts)
    page.set_title(document.title)
    page.set_creator("deltacare")
    page.set_producer("deltacare")
    page.set_creation_date(_FIXED_TIME)
    page.set_lang("zh-CN")
    page.add_page()
    _head(page, document)
    for index, part in enumerate(document.parts):
        if index and page.will_page_break(_PART_MM):
            page.add_page()
        _part(page, part)
    return bytes(page.output())


def _new_page(document: Document, fonts: Mapping[str, Path]) -> "FPDF":
    """Return an empty report whose pages carry title, digest and number."""
    from fpdf import FPDF

    class Page(FPDF):
        """Pages with the report's foot."""

        def footer(self) -> None:
            """Write digest and page number."""
            self.set_y(-_FOOT_MM)
            self.set_font(_FONT, size=_FOOT_PT)
            before, between = document.page_words
            number = f"{before} {self.page_no()} {between} {{nb}}"
            width = self.epw
            text = f"{document.digest_name} {document.digest}"
            self.cell(width * 0.8, 4, text)
            self.cell(width * 0.2, 4, number, align="R")

    page = Page(orientation="landscape", format="A4")
    for style, path in fonts.items():
        page.add_font(_FONT, style, path)
    page.alias_nb_pages()
    page.set_margins(_MARGIN_MM, _MARGIN_MM)
    page.set_auto_page_break(auto=True, margin=_FOOT_MM + 4)
    return page


def _head(page: "FPDF", document: Document) -> None:
    """Write the head of the report."""
    page.set_font(_FONT, "B", _TITLE_PT)
    page.multi_cell(page.epw, 8, document.title, new_x="LMARGIN", new_y="NEXT")
    page.ln(1)
    for name, value in (*document.facts, (document.digest_name, document.digest)):
        page.set_font(_FONT, "B", _TEXT_PT)
        page.cell(52, _LINE_MM, name)
        page.set_font(_FONT, "", _TEXT_PT)
        page.multi_cell(page.epw - 52, _LINE_MM, value, new_x="LMARGIN", new_y="NEXT", align="L")
    page.ln(1)
    page.set_font(_FONT, "", _FOOT_PT)
    page.multi_cell(page.epw, 4, document.note, new_x="LMARGIN", new_y="NEXT")


def _part(page: "FPDF", part: Part) -> None:
    """Write a part."""
    page.ln(3)
    page.set_font(_FONT, "B", _TITLE_PT - 2)
    page.multi_cell(page.epw, 8, part.name, new_x="LMARGIN", new_y="NEXT")
    for table in part.tables:
        _table(page, table)


def _table(page: "FPDF", table: Table) -> None:
    """Write a table; its head is repeated on every page that it goes on."""
    from fpdf.enums import TableCellFillMode
    from fpdf.fonts import FontFace

    page.ln(2)
    page.set_font(_FONT, "B", _HEADING_PT)
    if page.will_page_break(4 * _LINE_MM):  # a heading does not stand alone
        page.add_page()
    page.multi_cell(page.epw, 7, table.heading, new_x="LMARGIN", new_y="NEXT")
    page.set_font(_FONT, "", _CELL_PT)
    if not table.rows:
        page.multi_cell(page.epw, _LINE_MM, table.empty, new_x="LMARGIN", new_y="NEXT")
        return
    bold = FontFace(emphasis="BOLD")
    with page.table(
        col_widths=_widths(table),
        text_align=_aligns(table),
        headings_style=FontFace(emphasis="BOLD", fill_color=_SHADE),
        cell_fill_mode=TableCellFillMode.NONE,
        line_height=_LINE_MM,
        padding=0.6,
    ) as drawn:
        drawn.row(list(table.columns))
        last = len(table.rows) - 1
        for index, row in enumerate(table.rows):
            style = bold if table.total and index == last else None
            drawn.row([_shown(cell) for cell in row], style=style)


def _shown(cell: Cell) -> str:
    """Return a cell as it is read; a hash, which no line of a table holds, in two halves."""
    if isinstance(cell, Decimal):
        return f"{cell:,.2f}"
    if isinstance(cell, int):
        return f"{cell:,}"
    return _HASH.sub(r"\1\n\2\n", cell).rstrip("\n")


def _aligns(table: Table) -> tuple[str, ...]:
    """Return how columns are set: numbers flush right."""
    return tuple(
        "RIGHT" if any(not isinstance(row[index], str) for row in table.rows) else "LEFT"
        for index in range(len(table.columns))
    )


def _widths(table: Table) -> tuple[int, ...]:
    """Return the share of the page that each column gets, by what is in it."""
    found = []
    for index, name in enumerate(table.columns):
        widest = max((_width(_shown(row[index])) for row in table.rows), default=0)
        width = max(widest, min(_width(name), _WEIGHT_NUMBER))
        found.append(max(_WEIGHT_TEXT_MIN, min(width, _WEIGHT_TEXT_MAX)))
    return tuple(found)


def _width(text: str) -> int:
    """Return how wide a text is: a Chinese character is as wide as two others."""
    return max(
        sum(_WIDE if ord(character) > 0x2E80 else 1 for character in line)  # noqa: PLR2004
        for line in text.split("\n")
    )


def _texts(document: Document) -> Iterator[str]:
    """Yield everything that is drawn."""
    yield from (document.title, document.note, document.digest_name, *document.page_words)
    for fact in document.facts:
        yield from fact
    for part in document.parts:
        yield part.name
        for table in part.tables:
            yield from (table.heading, table.empty, *table.columns)
            yield from _cells(table.rows)


def _cells(rows: Iterable[Sequence[Cell]]) -> Iterator[Any]:
    return (cell for row in rows for cell in row if isinstance(cell, str))
