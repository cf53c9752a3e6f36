"""Reads the tables that clerks have: CSV or XLSX, in the encodings that their programs write.

It gives text: what a cell says, with no number rounded and no date guessed, and the row as the
spreadsheet numbers it. What the texts mean is the caller's. CSV may be UTF-8 with or without a byte
order mark or GB18030, separated by commas, tabs or semicolons. Of a workbook the first sheet is
read. A file that cannot be read as a table is refused with a remedy (`BadFile`).
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree.ElementTree import ParseError

from settlement.findings import BadFile, Finding, Findings, Problem
from settlement.formulas import UnsavedFormula, holds_formulas, mark_unsaved, unsaved_formulas
from settlement.unpacked import CELL_CHARS_MAX, SHEET_ROWS_MAX, problem_of

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = [
    "FILE_BYTES_MAX",
    "ROWS_MAX",
    "SHEET_CELLS_MAX",
    "Layout",
    "Table",
    "TableRow",
    "cell_text",
    "column_positions",
    "decode",
    "normal_name",
    "read_table",
    "sheet_names",
    "sniff_delimiter",
]

FILE_BYTES_MAX: Final = 2 * 1024**3
ROWS_MAX: Final = 20_000_000
SHEET_CELLS_MAX: Final = 64_000_000
"""Of a sheet, over all rows: each is as wide as those before it, however little stands in it."""

_UTF8_BOM = b"\xef\xbb\xbf"
_XLSX = "xlsx"
_XLSX_MAGIC = b"PK\x03\x04"
_WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls")
_DELIMITERS = (",", "\t", ";")
_CELL_CHARS_MAX = 1_000_000
# A spreadsheet keeps fifteen significant digits; a larger whole number has lost some.
_EXACT_DIGITS = 15
_EXACT_MAX = 10**_EXACT_DIGITS
_THOUSANDS = re.compile(r"[¥￥]?[+-]?[1-9][0-9]{0,2},[0-9]{3}(?:\.[0-9]*)?")
_MIDNIGHT = time()
# What the reader of workbooks raises for those that are cut, damaged, or no tables.
_DAMAGED: Final = (
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    ParseError,
    RuntimeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file is laid out, where that is known beforehand.

    Attributes:
        sheet: Name of the sheet of a workbook; empty for the first.
        header_row: Row of the header; above it stand titles. The first with content from there on.
        delimiter: What separates columns of a text; empty: a comma, else a tab or semicolon.
        encodings: Encodings of a text without a byte order mark, in the order in which to try.
    """

    sheet: str = ""
    header_row: int = 1
    delimiter: str = ""
    encodings: tuple[str, ...] = ("utf-8", "gb18030")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One row of a table.

    Attributes:
        number: As the spreadsheet numbers it; the header is row 1.
        cells: Texts, one for each column.
    """

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a file holds, as text.

    Attributes:
        header: Column names as written, stripped.
        rows: The rows with as many cells as there are columns; rows without content are left out.
        findings: What is wrong with other rows, at most 1,000.
        findings_total: How many rows that is.
        encoding: `utf-8`, `utf-8-sig`, `gb18030` or `xlsx`.
    """

    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    findings: tuple[Finding, ...]
    findings_total: int
    encoding: str

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each row as its number and its cells by column name."""
        for row in self.rows:
            yield row.number, dict(zip(self.header, row.cells, strict=True))


def read_table(path: Path | str, *, layout: Layout | None = None) -> Table:
    """Return the table in a file.

    Args:
        path: A CSV or XLSX file of at most 2 GiB, a workbook also unpacked within bounds; told
            apart by content, not by name.
        layout: What is known of it beforehand; ``None`` for what most programs write.

    Raises:
        BadFile: If it cannot be opened, is empty or too large, or is neither.
    """
    path = Path(path)
    try:
        return _read(path, _data_of(path), layout or Layout())
    except MemoryError:
        raise _refused(path, Problem.OUT_OF_MEMORY) from None


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the names of a workbook's sheets in order; of another file, none.

    Raises:
        BadFile: If it cannot be opened, is too large, or is a workbook that cannot be read.
    """
    data = _data_of(path)
    if not data.startswith(_XLSX_MAGIC):
        return ()
    book = _workbook(path, data)
    try:
        return tuple(book.sheetnames)
    finally:
        book.close()


def _data_of(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        BadFile: If it cannot be opened or is too large.
    """
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise _refused(path, Problem.TOO_LARGE)
        return path.read_bytes()
    except OSError:
        raise _refused(path, Problem.NOT_READABLE) from None


def _read(path: Path, data: bytes, layout: Layout) -> Table:
    """Return the table that the bytes of a file hold."""
    if data.startswith(_XLSX_MAGIC):
        return _table(path, _sheet_rows(path, data, layout.sheet), _XLSX, layout.header_row)
    try:
        text, encoding = decode(data, path.name, layout.encodings)
    except BadFile:
        if _is_named_workbook(path):
            raise _refused(path, Problem.NOT_A_WORKBOOK) from None
        raise
    # A CSV under a workbook's name is read; what has no columns either is a damaged workbook.
    if _is_named_workbook(path) and not any(mark in _first_line(text) for mark in _DELIMITERS):
        raise _refused(path, Problem.NOT_A_WORKBOOK)
    delimiter = layout.delimiter or sniff_delimiter(_first_line(text))
    rows = _csv_rows(path, text, delimiter)
    return _table(path, rows, encoding, layout.header_row, has_commas=delimiter == ",")


def decode(
    data: bytes, file: str, encodings: Sequence[str] = ("utf-8", "gb18030")
) -> tuple[str, str]:
    """Return the text of a file and its encoding.

    UTF-8 is tried first: text in GB18030 that is longer than a few characters is never valid UTF-8.

    Args:
        data: The bytes of the file.
        file: Its name, for a refusal.
        encodings: Which are tried without a byte order mark, in this order.

    Raises:
        BadFile: If it is in none of them, or holds a null character.
    """
    problem = Finding.of(Problem.UNKNOWN_ENCODING)
    if b"\0" in data:
        raise BadFile(file, Findings([problem]))
    for encoding in ("utf-8-sig",) if data.startswith(_UTF8_BOM) else encodings:
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise BadFile(file, Findings([problem]))


def sniff_delimiter(header: str) -> str:
    """Return what separates the columns of a header line: a comma, else a tab or semicolon."""
    for delimiter in _DELIMITERS:
        if delimiter in header:
            return delimiter
    return ","


def normal_name(name: str) -> str:
    """Return a column name as it is compared: without outer space or a mark, in lower case."""
    return name.replace("\ufeff", "").strip().lower().replace("(", "（").replace(")", "）")


def column_positions(
    header: Sequence[str], aliases: Mapping[str, Sequence[str]]
) -> tuple[dict[str, int], tuple[Finding, ...]]:
    """Return where each wanted column stands, and what is wrong with the header.

    Args:
        header: Column names as written.
        aliases: For each wanted column, the other names under which it may stand.

    Returns:
        Positions by wanted name, and a finding for each column that is missing or there twice.
        Columns that nobody wants are left alone.
    """
    names = [normal_name(name) for name in header]
    positions: dict[str, int] = {}
    findings: list[Finding] = []
    for wanted, others in aliases.items():
        accepted = {normal_name(wanted), *(normal_name(other) for other in others)}
        found = [index for index, name in enumerate(names) if name in accepted]
        if len(found) == 1:
            positions[wanted] = found[0]
        else:
            problem = Problem.DUPLICATE_COLUMN if found else Problem.MISSING_COLUMN
            findings.append(Finding.of(problem, row=1, column=wanted))
    return positions, tuple(findings)


def _refused(path: Path, problem: Problem, *, row: int = 0, value: str = "") -> BadFile:
    """Return the refusal of a whole file."""
    return BadFile(path.name, Findings([Finding.of(problem, row=row, value=value)]))


def _is_named_workbook(path: Path) -> bool:
    return path.suffix.lower() in _WORKBOOK_SUFFIXES


def _first_line(text: str) -> str:
    """Return the first line with content."""
    return next((line for line in io.StringIO(text) if line.strip()), "")


def _table(
    path: Path,
    numbered: Iterator[tuple[int, list[str]]],
    encoding: str,
    header_row: int,
    *,
    has_commas: bool = False,
) -> Table:
    """Return the table of numbered rows; the first from a row on with content is the header."""
    header: tuple[str, ...] = ()
    width = 0
    rows: list[TableRow] = []
    findings = Findings()
    for number, cells in numbered:
        if number < header_row or not any(cell.strip() for cell in cells):
            continue
        if not header:
            header, width = _header(cells), len(cells)
            continue
        if len(rows) >= ROWS_MAX:
            raise _refused(path, Problem.TOO_LARGE, row=number)
        is_split = has_commas and len(cells) > width and _is_split(cells)
        if len(cells) > len(header) and not any(cells[len(header) :]) and not is_split:
            # Spreadsheets export empty cells to the right of the last column.
            cells = cells[: len(header)]  # noqa: PLW2901 - the row without its empty tail
        if len(cells) != len(header):
            findings.note(Problem.CELL_COUNT, row=number, value=",".join(cells))
            continue
        unsaved = _unsaved(header, cells) if encoding == _XLSX else None
        if unsaved is not None:
            findings.note(Problem.UNSAVED_FORMULA, row=number, column=unsaved[0], value=unsaved[1])
            continue
        rows.append(TableRow(number=number, cells=tuple(cells)))
    if not header:
        raise _refused(path, Problem.EMPTY_FILE)
    return Table(
        header=header,
        rows=tuple(rows),
        findings=findings.listed,
        findings_total=findings.total,
        encoding=encoding,
    )


def _is_split(cells: list[str]) -> bool:
    """Return whether two neighbours may be one number, split at its thousands mark."""
    return any(
        _THOUSANDS.fullmatch(f"{left.strip()},{right.strip()}") for left, right in pairwise(cells)
    )


def _unsaved(header: tuple[str, ...], cells: list[str]) -> tuple[str, str] | None:
    """Return column and text of the first formula of a row that has no value."""
    for name, cell in zip(header, cells, strict=True):
        if type(cell) is UnsavedFormula:
            return name, cell
    return None


def _header(cells: list[str]) -> tuple[str, ...]:
    """Return column names without the empty ones at the end."""
    names = [cell.replace("\ufeff", "").strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def _csv_rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV text, numbered as a spreadsheet would."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    limit = csv.field_size_limit(_CELL_CHARS_MAX)
    number = 0
    try:
        for cells in reader:
            number += 1
            yield number, cells
    except csv.Error:
        raise _refused(path, Problem.BROKEN_CSV, row=number + 1) from None
    finally:
        csv.field_size_limit(limit)


def _sheet_rows(path: Path, data: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a sheet of a workbook, none shorter than those before it.

    A workbook leaves out the empty cells at the end of a row.
    """
    book = _workbook(path, data)
    try:
        sheets = [each for each in book.worksheets if name in ("", each.title)]
        if not sheets and book.worksheets:
            book.close()
            raise _refused(path, Problem.NO_SUCH_SHEET, value=name)
        sheet = sheets[0]
    except _DAMAGED:
        raise _refused(path, Problem.NOT_A_WORKBOOK) from None
    width = number = count = 0
    try:
        # The stated size of a sheet is often wrong; without it every row is read as it is.
        sheet.reset_dimensions()
        for number, cells in enumerate(_values(sheet), start=1):
            width = max(width, len(cells))
            count += width
            if number > SHEET_ROWS_MAX or count > SHEET_CELLS_MAX:
                raise _refused(path, Problem.TOO_LARGE, row=number)
            if any(isinstance(cell, str) and len(cell) > CELL_CHARS_MAX for cell in cells):
                raise _refused(path, Problem.CELL_TOO_LONG, row=number)
            yield number, [*map(cell_text, cells), *[""] * (width - len(cells))]
    except _DAMAGED:
        raise _refused(path, Problem.NOT_A_WORKBOOK, row=number + 1) from None
    finally:
        book.close()


def _values(sheet: Any) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - its types lack its places
    """Yield the values of a sheet's rows, and the formulas whose value was never saved."""
    rows = sheet.iter_rows(values_only=True)
    archive, member = sheet.parent._archive, sheet._worksheet_path  # noqa: SLF001 - not offered
    with archive.open(member) as text:
        has_formulas = holds_formulas(text)
    if not has_formulas:
        yield from rows
        return
    with archive.open(member) as text:
        yield from mark_unsaved(rows, unsaved_formulas(text))


def _workbook(path: Path, data: bytes) -> "Workbook":
    """Return a workbook, opened to be read row by row.

    Raises:
        BadFile: If it is none, or unpacks to more than fits.
    """
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            problem = problem_of(archive)
        if problem is not None:
            raise _refused(path, problem)
        return openpyxl.load_workbook(
            io.BytesIO(data), read_only=True, data_only=True, keep_links=False
        )
    except _DAMAGED:
        raise _refused(path, Problem.NOT_A_WORKBOOK) from None


def cell_text(cell: Any) -> str:  # noqa: ANN401, PLR0911 - whatever a cell holds, case by case
    """Return what a cell of a workbook says, as text.

    A number that the spreadsheet can no longer hold exactly comes out in scientific notation, so
    that whoever reads it sees the damage. A date without a time of day is its ISO form.
    """
    match cell:
        case None:
            return ""
        case bool():
            return "TRUE" if cell else "FALSE"
        case str():
            return cell
        case int() | float() if abs(cell) >= _EXACT_MAX:
            return f"{cell:.14E}"
        case float() if cell.is_integer():
            return str(int(cell))
        case float():
            return repr(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == _MIDNIGHT else cell.isoformat(" ")
        case date():
            return cell.isoformat()
        case _:
            return str(cell)
