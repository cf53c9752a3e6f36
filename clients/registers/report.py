"""Writes every defect and disagreement of a register into a file for its keeper's spreadsheet.

Row, column, value, problem, remedy, in the language of the run; in a workbook disagreements stand
on a sheet of their own, in a text below, in columns of their own. What a cell of the register said
is text here, whatever it looks like: it is never run as a formula.
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from clients.language import tr
from clients.registers.attribute_words import attribute_name, value_words
from clients.registers.disagreements import disagreement_words
from clients.registers.findings import Finding
from deltacare.v1.registry_service_pb2 import Disagreement

__all__ = ["SUFFIXES", "report_bytes", "workbook_bytes"]

SUFFIXES = (".csv", ".xlsx")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WIDTH_MIN, _WIDTH_MAX = 8, 60
# Characters that are set twice as wide as a letter: Chinese and its punctuation.
_WIDE_FROM = "\u1100"

Cell = str | int
"""A text, or a number that a spreadsheet sorts as one."""


def report_bytes(
    path: Path, findings: Iterable[Finding], disagreements: Iterable[Disagreement] = ()
) -> bytes:
    """Return the content of a report.

    Args:
        path: Its name, which says the kind: one of ``SUFFIXES``.
        findings: In the order in which they are to stand.
        disagreements: The same.
    """
    assert path.suffix.lower() in SUFFIXES, "the caller looked at the name"
    header = (
        tr("行", "row"),
        tr("列", "column"),
        tr("内容", "value"),
        tr("问题", "problem"),
        tr("处理办法", "remedy"),
        tr("未采用该行", "row left out"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            found.row or "",
            found.column,
            _CONTROL.sub("�", found.value),
            found.defect.what,
            found.defect.remedy,
            tr("是", "yes") if found.leaves_out else "",
        )
        for found in findings
    ]
    apart = [(_said(each), *disagreement_words(each)) for each in disagreements]
    own = (
        tr("机构", "institutions"),
        tr("要素", "attribute"),
        tr("名册所载", "stated"),
        tr("另一说法", "claimed"),
        tr("来源", "source"),
    )
    if path.suffix.lower() == ".csv":
        # One table: what the two kinds have in common stands in the same columns.
        return _csv(
            [
                (*header, *own),
                *((*row, *("" for _ in own)) for row in rows),
                *(("", "", "", words, remedy, "", *said) for said, words, remedy in apart),
            ]
        )
    sheets: list[tuple[str, list[tuple[Cell, ...]]]] = [
        (tr("名录问题", "Defects"), [header, *rows])
    ]
    if apart:
        below: list[tuple[Cell, ...]] = [(*said, words, remedy) for said, words, remedy in apart]
        sheets.append((tr("不一致", "Disagreements"), [(*own, *header[3:5]), *below]))
    return workbook_bytes(sheets)


def _said(found: Disagreement) -> tuple[str, ...]:
    """Return what does not fit: whose, of what, and what is said where."""
    said = (value_words(found.attribute, each) for each in (found.stated, found.claimed))
    return (
        " ".join(found.institution_ids),
        attribute_name(found.attribute),
        *(_CONTROL.sub("�", text) for text in (*said, found.source)),
    )


def _csv(rows: Iterable[tuple[Cell, ...]]) -> bytes:
    """Return CSV with a mark of UTF-8, without which spreadsheets garble Chinese."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(
            f"'{cell}" if str(cell).startswith(_FORMULA_STARTS) else cell for cell in row
        )
    return text.getvalue().encode("utf-8-sig")


def workbook_bytes(
    sheets: Iterable[tuple[str, list[tuple[Cell, ...]]]], *, freeze: str = "A2"
) -> bytes:
    """Return a workbook whose texts are texts, whatever they look like, and numbers numbers.

    Args:
        sheets: Title and rows of each, the first row being its header.
        freeze: The cell above which and left of which everything stays in sight.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
        for place, column in enumerate(zip(*rows, strict=True), start=1):
            sheet.column_dimensions[get_column_letter(place)].width = _width(column)
        sheet.freeze_panes = freeze
        for number, row in enumerate(rows):
            cells = [WriteOnlyCell(sheet, value=cell) for cell in row]
            for cell in cells:
                cell.font = Font(bold=number == 0)
                if not isinstance(cell.value, int):
                    cell.data_type = "s"
            sheet.append(cells)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _width(column: Iterable[Cell]) -> int:
    """Return how wide a column is set: as its longest text, within bounds."""
    longest = max(
        sum(2 if character >= _WIDE_FROM else 1 for character in str(cell)) for cell in column
    )
    return min(max(longest + 2, _WIDTH_MIN), _WIDTH_MAX)
