"""Writes discrepancies as a workbook: one row a line, totals on a sheet of their own.

Cells are texts or numbers; no text is ever a formula, whatever it begins with. The same lines give
the same bytes.
"""

import io
from collections.abc import Iterable, Sequence
from datetime import datetime

__all__ = ["line_workbook"]

Cell = str | int | float

# A workbook records when it was made; a fixed instant keeps equal ones equal.
_FIXED_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - the format knows no zones
_CELL_CHARS_MAX = 32_767
_WIDTH = 18


def line_workbook(sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[Cell]]]]) -> bytes:
    """Return a workbook.

    Args:
        sheets: Name, headings and rows of each sheet; every row has a cell for each heading.
    """
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False})
    book.set_properties({"created": _FIXED_TIME, "author": "deltacare"})
    bold = book.add_format({"bold": True})
    for name, headings, rows in sheets:
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headings) - 1, _WIDTH)
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(last, column, cell[:_CELL_CHARS_MAX])
                else:
                    sheet.write_number(last, column, cell)
        sheet.autofilter(0, 0, last, len(headings) - 1)
    book.close()
    return stream.getvalue()
