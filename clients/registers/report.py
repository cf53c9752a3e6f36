"""Writes every defect and disagreement of a register into a file for its keeper's spreadsheet.

Row, column, value, problem, remedy, in the language of the run; in a workbook disagreements stand
on a sheet of their own, in a text below. What a cell of the register said is text here, whatever it
looks like: it is never run as a formula.
"""

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from clients.language import tr
from clients.registers.disagreements import disagreement_words
from clients.registers.findings import Finding
from deltacare.v1.registry_service_pb2 import Disagreement

__all__ = ["SUFFIXES", "report_bytes", "workbook_bytes"]

SUFFIXES = (".csv", ".xlsx")

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_WIDTHS = (8, 28, 28, 48, 60)


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
    rows: list[tuple[str, ...]] = [
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
    apart = list(map(_disagreement_row, disagreements))
    if path.suffix.lower() == ".csv":
        below: list[tuple[str, ...]] = [
            (ids, attribute, "：".join((*said, source)).strip("："), words, remedy, "")
            for ids, attribute, *said, source, words, remedy in apart
        ]
        return _csv([header, *rows, *below])
    sheets = [(tr("名录问题", "Defects"), [header, *rows])]
    if apart:
        sheets.append((tr("不一致", "Disagreements"), [_disagreement_header(), *apart]))
    return workbook_bytes(sheets)


def _disagreement_header() -> tuple[str, ...]:
    return (
        tr("机构", "institutions"),
        tr("要素", "attribute"),
        tr("名册所载", "stated"),
        tr("另一说法", "claimed"),
        tr("来源", "source"),
        tr("问题", "problem"),
        tr("处理办法", "remedy"),
    )


def _disagreement_row(found: Disagreement) -> tuple[str, ...]:
    words, remedy = disagreement_words(found)
    said = (found.stated, found.claimed, found.source)
    return (
        " ".join(found.institution_ids),
        found.attribute,
        *(_CONTROL.sub("�", text) for text in said),
        words,
        remedy,
    )


def _csv(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Return CSV with a mark of UTF-8, without which spreadsheets garble Chinese."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow(f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row)
    return text.getvalue().encode("utf-8-sig")


def workbook_bytes(sheets: Iterable[tuple[str, list[tuple[str, ...]]]]) -> bytes:
    """Return a workbook whose cells are text."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    for title, rows in sheets:
        sheet = book.create_sheet(title)
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
