"""Writes the templates that clerks fill in: CSV, or XLSX with checks and a sheet of guidance.

Columns of identifiers are text, so that a spreadsheet rounds no number and guesses no date. What a
spreadsheet checks while somebody types is a help; everything is checked again when it is read.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from clients.filing.columns import Column, Form

__all__ = ["ROWS_CHECKED_MAX", "SUFFIXES", "write_template"]

SUFFIXES: Final = (".csv", ".xlsx")
ROWS_CHECKED_MAX: Final = 10_000
"""Rows of a sheet that the spreadsheet checks while they are filled in."""

_BOM: Final = "utf-8-sig"
_WIDTH_MIN = 12
_TEXT_FORMAT = "@"


def write_template(form: Form, path: Path, *, is_chinese: bool) -> None:
    """Write an empty file of a form.

    Args:
        form: The kind.
        path: Ends in ``.csv`` or ``.xlsx``.
        is_chinese: Whether the columns are named in Chinese; both are read.
    """
    header = [each.zh if is_chinese else each.name for each in form.columns]
    if path.suffix.lower() == ".csv":
        _write_csv(path, header)
    else:
        _write_workbook(form, path, header, is_chinese=is_chinese)


def _write_csv(path: Path, header: Sequence[str]) -> None:
    import csv

    with path.open("w", encoding=_BOM, newline="") as file:
        csv.writer(file).writerow(header)


def _write_workbook(form: Form, path: Path, header: Sequence[str], *, is_chinese: bool) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet: Any = book.active
    sheet.title = form.zh if is_chinese else form.en
    sheet.append(list(header))
    sheet.freeze_panes = "A2"
    for position, (column, name) in enumerate(zip(form.columns, header, strict=True), start=1):
        letter = get_column_letter(position)
        sheet[f"{letter}1"].font = Font(bold=True)
        dimension = sheet.column_dimensions[letter]
        dimension.width = max(_WIDTH_MIN, 2 * len(name), len(column.example) + 2)
        if column.whole is None:
            dimension.number_format = _TEXT_FORMAT
            for row in range(2, ROWS_CHECKED_MAX // 100 + 2):
                sheet.cell(row, position).number_format = _TEXT_FORMAT
        check = _check(column, is_chinese=is_chinese)
        if check is not None:
            sheet.add_data_validation(check)
            check.add(f"{letter}2:{letter}{ROWS_CHECKED_MAX + 1}")
    _write_guidance(book.create_sheet("填写说明 Guidance"), form)
    book.save(path)


def _check(column: Column, *, is_chinese: bool) -> Any:  # noqa: ANN401 - openpyxl ships no types
    """Return what a spreadsheet checks in a column, ``None`` if nothing."""
    from openpyxl.worksheet.datavalidation import DataValidation

    allow_blank = True  # what is missing is found when the file is read
    if column.choices:
        formula = '"' + ",".join(column.choices) + '"'
        check = DataValidation(type="list", formula1=formula, allow_blank=allow_blank)
    elif column.whole is not None:
        low, high = column.whole
        check = DataValidation(
            type="whole",
            operator="between",
            formula1=str(low),
            formula2=str(high),
            allow_blank=allow_blank,
        )
    else:
        return None
    check.errorTitle = column.zh if is_chinese else column.name
    check.error = column.help_zh if is_chinese else column.help_en
    check.errorStyle = "warning"  # a row of totals holds other values
    check.showErrorMessage = True
    return check


def _write_guidance(sheet: Any, form: Form) -> None:  # noqa: ANN401 - openpyxl ships no types
    """Write what belongs into each column, in both languages."""
    from openpyxl.styles import Alignment, Font

    sheet.append(("列名", "column", "必填 required", "说明", "meaning", "示例 example"))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for column in form.columns:
        needed = "是 yes" if column.is_needed else "否 no"
        sheet.append(
            (column.zh, column.name, needed, column.help_zh, column.help_en, column.example)
        )
    sheet.append(())
    for zh, en in zip(form.notes_zh, form.notes_en, strict=True):
        sheet.append((zh,))
        sheet.append((en,))
    sheet.append((f"填好后：{form.command}",))
    sheet.append((f"When it is filled in: {form.command}",))
    for letter, width in zip("ABCDEF", (16, 20, 14, 48, 60, 36), strict=True):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows(min_row=2, max_row=len(form.columns) + 1):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.number_format = _TEXT_FORMAT
