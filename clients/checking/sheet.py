"""Writes a roster with its verdicts: the columns that came in, then what came of each row.

Verdicts of an earlier run are replaced. A workbook gets a second sheet with the counts; in a text
they would look like rows, so there they are only said. What a cell begins with never makes it a
formula, and a file is written whole or not at all.
"""

import csv
import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from clients.checking.roster import Roster
from clients.checking.run import RowResult
from clients.checking.words import VERDICT_NAMES

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
    bold = book.add_format({"bold": True})
    sheet = book.add_worksheet("核验结果")
    sheet.freeze_panes(1, 0)
    headings = next(rows)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, _fitting(heading), bold)
    numeric = {headings.index(name) for name in _NUMERIC_COLUMNS}
    for place, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if column in numeric and cell:
                sheet.write_number(place, column, int(cell))
            elif cell:
                # A text, whatever it begins with.
                sheet.write_string(place, column, _fitting(cell))
    totals = book.add_worksheet("合计")
    totals.write_row(0, 0, ("结论", "verdict", "行数 rows"), bold)
    for place, (verdict, count) in enumerate(counted.items(), start=1):
        name = VERDICT_NAMES.get(verdict, (_NOT_ASKED_ZH, ""))[0]
        totals.write_row(place, 0, (name, verdict, count))
    totals.write_row(len(counted) + 1, 0, ("合计", "TOTAL", sum(counted.values())))
    book.close()
    return stream.getvalue()


def _fitting(text: str) -> str:
    """Return what of a text a cell can hold."""
    return text.translate(_UNWRITABLE)[:_CELL_CHARS_MAX]
