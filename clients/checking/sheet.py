"""Writes a roster with its verdicts: the columns that came in, then what came of each row.

Verdicts of an earlier run are replaced. A workbook gets a second sheet with the counts; in a text
they would look like rows, so there they are only said. A workbook is to be worked from: what is to
be done is wrapped, rows can be filtered, and those that are not valid have a colour. What a cell
begins with never makes it a formula, and a file is written whole or not at all.
"""

import csv
import io
import os
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clients.checking.roster import Roster
from clients.checking.run import RowResult
from clients.checking.words import VERDICT_NAMES

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

__all__ = ["RESULT_COLUMNS", "result_cells", "write_results"]

RESULT_COLUMNS = (
    "行号 row",
    "核验编号 certificate",
    "结论 verdict (zh)",
    "verdict",
    "规则 rule",
    "事由 reason",
    "核验日 on date",
    "有效期至 good until",
    "剩余天数 days left",
    "本地等级 counts as",
    "处理办法",
    "remedy",
    "问题",
    "findings",
)

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
# Control characters that a workbook cannot hold (XML 1.0, 2.2).
_UNWRITABLE = {code: None for code in range(32) if code not in (9, 10, 13)}
_CELL_CHARS_MAX = 32_767
"""Of a workbook: "Excel specifications and limits"."""
_RESULT_WIDTHS = (9, 22, 14, 22, 28, 18, 12, 13, 9, 22, 44, 50, 36, 36)
"""Of ``RESULT_COLUMNS``, in characters."""
_WRAPPED_COLUMNS = ("处理办法", "remedy", "问题", "findings")
_OWN_WIDTHS = (8, 36)
_MEASURED_ROWS = 200
_CELL_MEASURED_MAX = 64
_COLOURS = {"NOT_ASKED": "#FFF2CC", "": "#FBD9D3"}
"""Of rows that could not be read, and of all others that are not valid."""
_NUMERIC_COLUMNS = ("行号 row", "剩余天数 days left")
_NOT_ASKED_ZH = "未核验"


def result_cells(result: RowResult) -> tuple[str, ...]:
    """Return what came of a row, by ``RESULT_COLUMNS``."""
    return (
        str(result.row.number),
        result.row.certificate_no,
        VERDICT_NAMES.get(result.verdict, (_NOT_ASKED_ZH, ""))[0],
        result.verdict,
        result.rule,
        result.reason,
        result.on_date,
        result.valid_until_date,
        "" if result.days_left is None else str(result.days_left),
        result.counts_as,
        *result.remedy,
        "；".join(zh for zh, _ in result.faults),
        " ".join(en for _, en in result.faults),
    )


def write_results(
    path: Path, roster: Roster, results: Sequence[RowResult], counted: Mapping[str, int]
) -> None:
    """Write a roster with its verdicts.

    Args:
        path: Ends in ``.xlsx`` for a workbook; else CSV in UTF-8 with a byte order mark.
        roster: As read.
        results: Of every row, in order.
        counted: Rows by verdict.
    """
    rows = _rows(roster, results)
    is_workbook = path.suffix.lower() == ".xlsx"
    data = _workbook(rows, counted) if is_workbook else _csv(rows)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _rows(roster: Roster, results: Sequence[RowResult]) -> Iterator[tuple[str, ...]]:
    """Yield the headings, then every row with what came of it."""
    kept = [place for place, name in enumerate(roster.header) if name not in RESULT_COLUMNS]
    yield (*(roster.header[place] for place in kept), *RESULT_COLUMNS)
    for result in results:
        yield (*(result.row.cells[place] for place in kept), *result_cells(result))


def _csv(rows: Iterator[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell for cell in row])
    return text.getvalue().encode("utf-8-sig")


def _workbook(rows: Iterator[tuple[str, ...]], counted: Mapping[str, int]) -> bytes:
    import xlsxwriter

    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream, {"in_memory": True})
    bold = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
    sheet = book.add_worksheet("核验结果")
    sheet.freeze_panes(1, 0)
    headings = next(rows)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, _fitting(heading), bold)
    widest = [_width(heading) for heading in headings[: -len(RESULT_COLUMNS)]]
    numeric = {headings.index(name) for name in _NUMERIC_COLUMNS}
    last = 0
    for place, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if column in numeric and cell:
                sheet.write_number(place, column, int(cell))
            elif cell:
                # A text, whatever it begins with.
                sheet.write_string(place, column, _fitting(cell))
        if place <= _MEASURED_ROWS:
            widest = [max(pair) for pair in zip(widest, map(_width, row), strict=False)]
        last = place
    _lay_out(book, sheet, headings, widest, last)
    totals = book.add_worksheet("合计")
    totals.set_column(0, 1, 24)
    totals.write_row(0, 0, ("结论", "verdict", "行数 rows"), bold)
    for place, (verdict, count) in enumerate(counted.items(), start=1):
        name = VERDICT_NAMES.get(verdict, (_NOT_ASKED_ZH, ""))[0]
        totals.write_row(place, 0, (name, verdict, count))
    totals.write_row(len(counted) + 1, 0, ("合计", "TOTAL", sum(counted.values())))
    book.close()
    return stream.getvalue()


def _lay_out(
    book: "Workbook", sheet: "Worksheet", headings: Sequence[str], widest: Sequence[int], last: int
) -> None:
    """Give columns their widths, wrap what is long, and let rows be filtered and seen.

    Args:
        book: The workbook.
        sheet: Of the results, written.
        headings: Of its columns, the results' own last.
        widest: What the columns before these need, in characters.
        last: Its last row, from 0.
    """
    top, wrapped = (
        book.add_format({"valign": "top", "text_wrap": is_wrapped}) for is_wrapped in (False, True)
    )
    least, most = _OWN_WIDTHS
    widths = (*(min(max(width + 2, least), most) for width in widest), *_RESULT_WIDTHS)
    for column, (heading, width) in enumerate(zip(headings, widths, strict=True)):
        sheet.set_column(column, column, width, wrapped if heading in _WRAPPED_COLUMNS else top)
    sheet.autofilter(0, 0, last, len(headings) - 1)
    # By a rule, so that the colour goes with its row when rows are sorted, and costs nothing.
    verdict = _letter(headings.index("verdict"))
    for name, colour in _COLOURS.items():
        sheet.conditional_format(
            1,
            0,
            last,
            len(headings) - 1,
            {
                "type": "formula",
                "criteria": f'=${verdict}2="{name}"' if name else f'=${verdict}2<>"VALID"',
                "format": book.add_format({"bg_color": colour}),
                "stop_if_true": True,
            },
        )


def _letter(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(column))


def _width(text: str) -> int:
    """Return how many characters a text is wide, of its longest line: a Chinese one counts two."""
    return max(
        (
            sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in line)
            for line in text[:_CELL_MEASURED_MAX].splitlines()
        ),
        default=0,
    )


def _fitting(text: str) -> str:
    """Return what of a text a cell can hold."""
    return text.translate(_UNWRITABLE)[:_CELL_CHARS_MAX]
