"""Writes every defect of a register into a file that its keeper opens in a spreadsheet.

Row, column, value, problem, remedy, in the language of the run. What a cell of the register said
is text here, whatever it looks like: it is never run as a formula.
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from clients.language import tr
from clients.registers.findings import Finding

__all__ = ["SUFFIXES", "report_bytes"]

SUFFIXES = (".csv", ".xlsx")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WIDTHS = (8, 28, 28, 48, 60)


def report_bytes(path: Path, findings: Iterable[Finding]) -> bytes:
    """Return the content of a report.

    Args:
        path: Its name, which says the kind: one of ``SUFFIXES``.
        findings: In the order in which they are to stand.
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
    rows = [
        (
            str(found.row or ""),
            found.column,
            _CONTROL.sub("�", found.value),
            found.defect.what,
            found.defect.remedy,
            tr("是", "yes") if found.leaves_out else "",
        )
        for found in findings
    ]
    return (_xlsx if path.suffix.lower() == ".xlsx" else _csv)([header, *rows])


def _csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Return CSV with a mark of UTF-8, without which spreadsheets garble Chinese."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row)
    return text.getvalue().encode("utf-8-sig")


def _xlsx(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Return a workbook of one sheet whose cells are text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    sheet = book.create_sheet(tr("名录问题", "Defects"))
    for letter, width in zip("ABCDE", _WIDTHS, strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    for row in rows:
        cells = [WriteOnlyCell(sheet, value=cell) for cell in row]
        for cell in cells:
            cell.data_type = "s"
        sheet.append(cells)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()
