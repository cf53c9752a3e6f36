"""Draws a report as a workbook: the same bytes for the same report, on every node.

Amounts are numbers with two decimals; a text is never a formula, whatever it begins with.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from clients.reports.document import Cell, Document, Part, Table

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["workbook"]

# A workbook records when it was made; a fixed instant keeps equal reports equal.
_FIXED_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - the format knows no zones
_FIXED_ZIP_TIME = (2000, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_FIXED_MODIFIED = rb"\g<1>2000-01-01T00:00:00Z"
_FILE_MODE = 0o600 << 16

_YUAN_FORMAT: Final = "#,##0.00;[Red]-#,##0.00"
_COUNT_FORMAT: Final = "#,##0"
_COLUMN_CHARS: Final = 24
_COLUMNS_MAX: Final = 12
_SHEET_NAME_CHARS_MAX: Final = 31
_FOOTER_CHARS_MAX: Final = 200


def workbook(document: Document) -> bytes:
    """Return a report as XLSX: a sheet for each part, each with the head of the whole."""
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator = "deltacare"
    book.properties.created = _FIXED_TIME
    book.remove(book.worksheets[0])
    for part in document.parts:
        _Sheet(book.create_sheet(part.name[:_SHEET_NAME_CHARS_MAX])).draw(document, part)
    data = io.BytesIO()
    book.save(data)
    return _with_fixed_times(data.getvalue())


class _Sheet:
    """A sheet that is written from top to bottom; used for one part and thrown away."""

    def __init__(self, sheet: "Worksheet") -> None:
        from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
        from openpyxl.utils import get_column_letter
        from openpyxl.worksheet.properties import PageSetupProperties

        self._sheet = sheet
        self._row = 0
        self._bold = Font(bold=True)
        self._title = Font(bold=True, size=16)
        self._shade = PatternFill("solid", fgColor="FFE8EEF4")
        line = Side(style="thin", color="FF9AA5B1")
        self._border = Border(left=line, right=line, top=line, bottom=line)
        self._wrap = Alignment(vertical="center", wrap_text=True)
        sheet.page_setup.orientation = "landscape"
        sheet.page_setup.fitToHeight = 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        for index in range(1, _COLUMNS_MAX + 1):
            sheet.column_dimensions[get_column_letter(index)].width = _COLUMN_CHARS

    def draw(self, document: Document, part: Part) -> None:
        """Write the head of the report and one part of it."""
        self._text(f"{document.title} · {part.name}", self._title)
        for name, value in (*document.facts, (document.digest_name, document.digest)):
            self._row += 1
            self._sheet.cell(self._row, 1, name).font = self._bold
            self._write(2, value)
        self._text(document.note)
        for table in part.tables:
            self._table(table)
        footer = f"{document.digest_name} {document.digest}"[:_FOOTER_CHARS_MAX]
        feet = self._sheet.oddFooter
        assert feet is not None, "a new sheet has a foot"
        assert feet.left is not None, "with all its parts"
        assert feet.right is not None, "likewise"
        feet.left.text = footer.replace("&", "&&")
        feet.right.text = "&P / &N"

    def _text(self, text: str, font: object = None) -> None:
        self._row += 1
        cell = self._sheet.cell(self._row, 1)
        cell.value = text
        cell.data_type = "s"
        if font is not None:
            cell.font = font  # type: ignore[assignment]  # a Font

    def _table(self, table: Table) -> None:
        self._row += 1
        self._text(table.heading, self._bold)
        if not table.rows:
            self._text(table.empty)
            return
        self._line(table.columns, bold=True)
        for index in range(1, len(table.columns) + 1):
            self._sheet.cell(self._row, index).fill = self._shade
        last = len(table.rows) - 1
        for index, row in enumerate(table.rows):
            self._line(row, bold=table.total and index == last)

    def _line(self, cells: Sequence[Cell], *, bold: bool) -> None:
        self._row += 1
        for index, value in enumerate(cells, start=1):
            self._write(index, value)
            cell = self._sheet.cell(self._row, index)
            cell.border = self._border
            if bold:
                cell.font = self._bold

    def _write(self, column: int, value: Cell) -> None:
        """Write a value; a text is never a formula, whatever it begins with."""
        cell = self._sheet.cell(self._row, column)
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"
            cell.alignment = self._wrap
        else:
            cell.number_format = _YUAN_FORMAT if isinstance(value, Decimal) else _COUNT_FORMAT


def _with_fixed_times(data: bytes) -> bytes:
    """Return a workbook whose members bear one fixed time, so that equal content is equal."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename == "docProps/core.xml":
                # The library stamps the time of saving whatever the properties say.
                content = _MODIFIED.sub(_FIXED_MODIFIED, content)
            info = zipfile.ZipInfo(member.filename, _FIXED_ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _FILE_MODE
            target.writestr(info, content)
    return out.getvalue()
