"""Reads a roster: the certificates of the people of an institution, as spreadsheets have them.

The sheet and the row of the headings are looked for, so that a title above them or another order of
sheets does no harm. Every row with anything in it comes out, in order, with what is wrong with it;
a row at fault is asked about no less loudly: it gets no verdict and a finding. Columns that mean
nothing here are kept as they are.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deltacare.errors import Refusal
from deltacare.ids import CertificateNumber
from settlement.files import Layout, Table, column_positions, read_table, sheet_names
from settlement.findings import BadFile, Finding, Findings, Problem

__all__ = ["COLUMN_NAMES", "ROSTER_ROWS_MAX", "Roster", "RosterRow", "read_roster"]

ROSTER_ROWS_MAX = 1_000_000

COLUMN_NAMES: Mapping[str, tuple[str, ...]] = {
    "certificate_no": (
        *("certificate", "certificate number", "证书编号", "证书号", "证书号码", "资格证书编号"),
        *("资格证编号", "资格证号", "资格证书号", "护理员证书编号", "职业资格证书编号"),
    ),
    "holder_name": (
        *("holder", "name", "姓名", "持证人", "持证人姓名", "护理员姓名", "人员姓名", "员工姓名"),
    ),
}
"""What the two columns may be called, in lower case; each column's own name counts as well."""

# Titles, dates and names of institutions stand above the headings, never more than this.
_TITLE_ROWS_MAX = 10
_SCIENTIFIC = re.compile(r"[0-9](?:[.][0-9]+)?E[+]?[0-9]{1,3}", re.IGNORECASE | re.ASCII)
_NAMES_WANTED = (
    (
        f"请在前 {_TITLE_ROWS_MAX} 行内将该列命名为其中之一："
        f"{'、'.join(COLUMN_NAMES['certificate_no'])}。"
    ),
    (
        f"Within the first {_TITLE_ROWS_MAX} rows of a sheet call it one of: "
        f"{', '.join(COLUMN_NAMES['certificate_no'])}."
    ),
)
# Hyphens as they are typed and pasted; and the first of a number, for which an input method writes
# a long dash, twice, with space around it. A long dash further on may be a range, and is none.
_HYPHENS = re.compile("[\u2010-\u2013\u2212]")
_FIRST_HYPHEN = re.compile(r"([0-9]{6})\s*(?:-|[\u2014\u2015]+)\s*")
# What stands between two numbers in a cell.
_BETWEEN = re.compile(r"[\s,;/|、]+")
_NAME_CHARS_MAX = 64

_NUMBER_MISSING = (
    "缺少证书编号。合并的单元格请先取消合并，逐行填写编号",
    "The certificate number is missing. Unmerge merged cells and fill in each row.",
)
_NUMBER_DAMAGED = (
    "编号被表格软件变为科学计数法，数字已丢失。请将该列设为文本，按证书原件重新录入",
    (
        "The spreadsheet turned the number into scientific notation and lost digits. Format the "
        "column as text and enter it again from the certificate."
    ),
)
_NUMBER_MALFORMED = (
    "不是证书编号。请按证书写：省级代码、连字符、编号，如 320000-C2025000123",
    (
        "This is not the number of a certificate. Write the province's code, a hyphen and the "
        "number, such as 320000-C2025000123."
    ),
)
_NUMBERS_TWO = (
    "一个单元格中有两个证书编号。请拆为两行，每行一个编号",
    "Two numbers of certificates stand in one cell. Give each a row of its own.",
)
_NUMBER_PARTED = (
    "编号中间有空格或换行，无法判断是一个编号还是两个。一个编号请去掉空格，两个请分为两行",
    (
        "A space or line break parts the number: it may be one, or two. Write one without it, or "
        "give each of two a row of its own."
    ),
)
_NAME_MALFORMED = (
    "姓名应为 1 至 64 个可见字符。请按证书写",
    "A name has 1 to 64 printable characters. Write it as on the certificate.",
)
_NAME_MISSING = (
    "缺少姓名，未核对持证人。请填写姓名；整份不核对姓名的，请加 --no-names",
    (
        "The name is missing, so its holder could not be compared. Fill it in, or compare no names "
        "at all with --no-names."
    ),
)
_CELL_COUNT = (
    "该行单元格数与列数不符，未能读取。请为含逗号的内容加引号",
    (
        "The row has more or fewer cells than there are columns and was not read. Put fields that "
        "contain a comma in quotation marks."
    ),
)
_UNSAVED = Problem.UNSAVED_FORMULA
_BROKEN: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {_UNSAVED.en: (f"{_UNSAVED.zh}{_UNSAVED.remedy_zh}", f"{_UNSAVED.en} {_UNSAVED.remedy_en}")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterRow:
    """One row of a roster.

    Attributes:
        number: As the spreadsheet numbers it.
        cells: As they stand, one for each column.
        certificate_no: The certificate in its canonical form; empty if it cannot be read.
        holder_name: As written, without outer space; empty if not given.
        faults: What is wrong, each in Chinese and English; a row at fault is not asked about.
        notes: What a reader should know of a row that is asked about, likewise.
    """

    number: int
    cells: tuple[str, ...]
    certificate_no: str
    holder_name: str
    faults: tuple[tuple[str, str], ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """What a roster's file says.

    Attributes:
        header: Headings as written.
        rows: Every row with anything in it, in order.
        sheet: The sheet that was read; empty for a text, or the first sheet.
    """

    header: tuple[str, ...]
    rows: tuple[RosterRow, ...]
    sheet: str = ""


def read_roster(path: Path, *, needs_names: bool = False) -> Roster:
    """Return the roster in a file.

    Args:
        path: CSV or XLSX, in any encoding that clerks' programs write.
        needs_names: Whether a row without a name is at fault, if the roster has names.

    Raises:
        BadFile: If it is no table, or has no column of certificates, or one twice.
    """
    table, positions, sheet = _find_table(path)
    broken = {finding.row: finding.problem for finding in table.findings}
    if table.findings_total > len(broken):
        raise BadFile(path.name, Findings(table.findings))
    if len(table.rows) + len(broken) > ROSTER_ROWS_MAX:
        raise BadFile(path.name, Findings([Finding.of(Problem.TOO_LARGE)]))
    if not table.rows and not broken:
        raise BadFile(path.name, Findings([Finding.of(Problem.NO_ROWS)]))
    blank = ("",) * len(table.header)
    rows = [
        *_rows(table, positions, needs_names=needs_names),
        *(
            RosterRow(
                number=number,
                cells=blank,
                certificate_no="",
                holder_name="",
                faults=(_BROKEN.get(problem, _CELL_COUNT),),
            )
            for number, problem in broken.items()
        ),
    ]
    return Roster(
        header=table.header, rows=tuple(sorted(rows, key=lambda row: row.number)), sheet=sheet
    )


def _find_table(path: Path) -> tuple[Table, dict[str, int], str]:
    """Return the table that has certificates, where its columns stand, and its sheet.

    Raises:
        BadFile: If no sheet has such a column within its first rows, or one has it twice.
    """
    refused: BadFile | None = None
    for sheet in _sheets(path):
        for header_row in range(1, _TITLE_ROWS_MAX + 1):
            try:
                table = read_table(path, layout=Layout(sheet=sheet, header_row=header_row))
            except BadFile as error:
                refused = refused or error
                break
            positions, problems = column_positions(table.header, COLUMN_NAMES)
            doubled = [each for each in problems if each.problem == Problem.DUPLICATE_COLUMN.en]
            if doubled:
                raise BadFile(path.name, Findings(doubled))
            if "certificate_no" in positions:
                return table, positions, sheet
            missing = [
                replace(each, remedy=_NAMES_WANTED[1], remedy_zh=_NAMES_WANTED[0])
                for each in problems
                if each.column == "certificate_no"
            ]
            refused = refused or BadFile(path.name, Findings(missing))
    assert refused is not None, "a file has a sheet"
    raise refused


def _sheets(path: Path) -> Sequence[str]:
    """Return the sheets of a workbook, the first as the empty name; of a text that name alone.

    Raises:
        BadFile: If it cannot be read.
    """
    return ("", *sheet_names(path)[1:])


def _rows(table: Table, positions: Mapping[str, int], *, needs_names: bool) -> Iterator[RosterRow]:
    """Yield the rows with what is wrong with each, repetitions included."""
    first_row: dict[str, tuple[int, str]] = {}
    at_number, at_name = positions["certificate_no"], positions.get("holder_name")
    for row in table.rows:
        written = row.cells[at_number]
        name = "" if at_name is None else row.cells[at_name].strip()
        number, fault = _read_number(written)
        faults = [] if fault is None else [fault]
        if len(name) > _NAME_CHARS_MAX or not name.isprintable():
            faults.append(_NAME_MALFORMED)
        elif needs_names and at_name is not None and not name:
            faults.append(_NAME_MISSING)
        notes = []
        if number:
            before = first_row.setdefault(number, (row.number, name))
            if before[0] != row.number:
                notes.append(_repeated(before[0], same_name=before[1] == name))
        yield RosterRow(
            number=row.number,
            cells=row.cells,
            certificate_no=number,
            holder_name=name,
            faults=tuple(faults),
            notes=tuple(notes),
        )


def _read_number(written: str) -> tuple[str, tuple[str, str] | None]:
    """Return a certificate's number, or what is wrong with it.

    Full-width characters, as Chinese input methods write them, are taken for what they mean; so
    are small letters, because a certificate's number has only capitals, and dashes. What is parted
    is not put together: it may be two numbers.
    """
    text = _HYPHENS.sub("-", unicodedata.normalize("NFKC", written)).strip()
    text = _FIRST_HYPHEN.sub(r"\1-", text, count=1)
    text = text.upper() if text.isascii() else text
    if not text:
        return "", _NUMBER_MISSING
    parts = [part for part in _BETWEEN.split(text) if part]
    if sum(map(_is_number, parts)) > 1:
        return "", _NUMBERS_TWO
    if len(text.split()) > 1:
        joined = "".join(text.split())
        return "", _NUMBER_PARTED if _is_number(joined) else _NUMBER_MALFORMED
    if _SCIENTIFIC.fullmatch(text):
        return "", _NUMBER_DAMAGED
    try:
        return str(CertificateNumber.parse(text)), None
    except Refusal:
        return "", _NUMBER_MALFORMED


def _is_number(text: str) -> bool:
    """Whether a text can be a certificate's number."""
    try:
        CertificateNumber.parse(text)
    except Refusal:
        return False
    return True


def _repeated(row: int, *, same_name: bool) -> tuple[str, str]:
    """Return that a certificate stands in an earlier row."""
    if same_name:
        return f"与第 {row} 行重复", f"The same as row {row}."
    return (
        f"第 {row} 行以另一姓名列有同一证书，请核对",
        f"Row {row} has the same certificate under another name; find out whose it is.",
    )
