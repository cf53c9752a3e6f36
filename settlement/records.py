"""Reads settlement files: the ten columns, every row checked, nothing used unless all are good.

Two ways to the same rows. `read_settlements` reads any file that `settlement.files` can, row by
row, and tells of each bad one what is wrong; it takes what is unambiguous, such as `2026/10` for a
month or `1,200` for an amount. `read_settlement_table` is for a million rows: a CSV that is in the
plain form already is checked column by column, and anything else goes the first way. The tests
compare the two.

Identifiers are checked for form only as far as lines of text need it: what a province may file is
decided where it is filed. So is an empty amount: only a node can compute one. A row of totals is no
record; what it states has to be what the rows come to. A file may hold no rows: then the other side
stands alone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from deltacare.errors import Refusal
from deltacare.money import MAX_FEN, parse_fen
from deltacare.times import ServiceMonth
from settlement.core.columns import COLUMNS
from settlement.files import Table, column_positions, read_table
from settlement.findings import BadFile, Finding, Findings, Problem
from settlement.stated import StatedTotals, mismatches, stated_totals

if TYPE_CHECKING:
    import pyarrow as pa

    from settlement.grid import Grid

__all__ = [
    "ALIASES",
    "FIELD_CHARS_MAX",
    "PROVINCES",
    "SERVICE_DAYS_MAX",
    "SettlementFile",
    "SettlementRow",
    "parse_cell",
    "read_settlement_rows",
    "read_settlement_table",
    "read_settlements",
]

# The four members; a record names two of them.
PROVINCES: Final = ("310000", "320000", "330000", "340000")
FIELD_CHARS_MAX: Final = 64
SERVICE_DAYS_MAX: Final = 31

# Other names under which a column may stand: what clerks write above it.
ALIASES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "settlement_no": ("结算编号", "结算单号"),
        "home": ("户籍地", "户籍省份"),
        "host": ("服务地", "服务省份"),
        "beneficiary_ref": ("受益人编号", "老人编号"),
        "institution": ("机构编号", "机构"),
        "subsidy_kind": ("补贴项目", "补贴类型"),
        "service_month": ("服务月份", "月份"),
        "service_days": ("服务天数", "天数"),
        "amount_fen": ("金额（分）", "金额分"),
        "caregiver_cert_no": ("护理员证书编号", "护理员证号"),
    }
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SCIENTIFIC = re.compile(r"[0-9]+(?:\.[0-9]+)?[eE]\+[0-9]+", re.ASCII)
_MONTH = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:月|[-/.]0?1)?|(\d{2}))", re.ASCII)
_WHOLE = re.compile(r"(\d{1,9})(?:\.0+)?", re.ASCII)
_DIVISION_LENGTHS = (2, 4, 6, 9, 12)
# What a row of totals states, and the column below which it stands.
_TOTALLED: Final = {"record_count": "", "sum_fen": "amount_fen", "service_days": "service_days"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRow:
    """One row of a settlement file, checked.

    Attributes:
        row: As the spreadsheet numbers it.
        settlement_no: 1 to 64 characters.
        home: Six digits.
        host: Six digits, another province.
        beneficiary_ref: 1 to 64 characters.
        institution: 1 to 64 characters.
        subsidy_kind: 1 to 64 characters.
        service_month: `YYYY-MM`.
        service_days: 1 to 31.
        amount_fen: 0 to the largest that a record may hold.
        caregiver_cert_no: Up to 64 characters; may be empty.
    """

    row: int
    settlement_no: str
    home: str
    host: str
    beneficiary_ref: str
    institution: str
    subsidy_kind: str
    service_month: str
    service_days: int
    amount_fen: int
    caregiver_cert_no: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFile:
    """What a settlement file holds.

    Attributes:
        rows: The good rows, in order; there may be none.
        findings: What is wrong with the others, or with a row of totals, at most 1,000.
        findings_total: How many findings there are.
    """

    rows: tuple[SettlementRow, ...]
    findings: tuple[Finding, ...]
    findings_total: int


def read_settlements(path: Path | str) -> SettlementFile:
    """Return the good rows of a settlement file and what is wrong with the others.

    Args:
        path: CSV or XLSX.

    Raises:
        BadFile: If it is no table or lacks a column.
    """
    path = Path(path)
    table = read_table(path)
    positions = _positions(path, table)
    findings = Findings(table.findings)
    findings.total = table.findings_total
    rows: list[SettlementRow] = []
    totals: list[StatedTotals] = []
    for row in table.rows:
        cells = {column: row.cells[positions[column]] for column in COLUMNS}
        total = stated_totals(row.number, row.cells[0].strip(), cells)
        if total is not None:
            totals.append(total)
            continue
        values: dict[str, str | int] = {}
        for column, cell in cells.items():
            value = parse_cell(column, cell)
            if isinstance(value, Problem):
                findings.note(value, row=row.number, column=column, value=cell)
            else:
                values[column] = value
        if len(values) < len(COLUMNS):
            continue
        if values["home"] == values["host"]:
            findings.note(
                Problem.SAME_PROVINCE, row=row.number, column="host", value=str(values["host"])
            )
            continue
        rows.append(SettlementRow(row=row.number, **values))  # type: ignore[arg-type]  # by column
    if not findings.total:
        # Beside rows that are left out, totals differ because of them.
        for found in mismatches(totals, rows):
            column = _TOTALLED[found.name]
            findings.note(
                Problem.OTHER_SUM if column else Problem.OTHER_COUNT,
                row=found.row,
                column=column,
                value=f"{found.stated if found.stated >= 0 else '?'} ≠ {found.held}",
            )
    return SettlementFile(rows=tuple(rows), findings=findings.listed, findings_total=findings.total)


def read_settlement_table(path: Path | str) -> "pa.Table":
    """Return all rows of a settlement file in the columns that a plan reads.

    Args:
        path: CSV or XLSX.

    Raises:
        BadFile: If anything at all is wrong with it; says what, row by row.
    """
    from settlement.grid import Grid

    rows = read_settlement_rows(path)
    return rows.table() if isinstance(rows, Grid) else rows


def read_settlement_rows(path: Path | str) -> "Grid | pa.Table":
    """Return all rows of a settlement file: where they stand in a file of the plainest form.

    Args:
        path: CSV or XLSX.

    Raises:
        BadFile: If anything at all is wrong with it; says what, row by row.
    """
    from settlement import columnar, grid

    path = Path(path)
    # From the quickest reader to the most patient: each gives up on what it does not know.
    plainest = grid.read_grid(path) if path.is_file() else None
    if plainest is not None:
        return plainest
    table = columnar.read_plain(path) if path.is_file() else None
    if table is not None:
        return table
    file = read_settlements(path)
    if file.findings_total:
        findings = Findings(file.findings)
        findings.total = file.findings_total
        raise BadFile(path.name, findings)
    return columnar.table_of_rows(file.rows)


def parse_cell(column: str, text: str) -> str | int | Problem:
    """Return the value of a cell of one of the ten columns, or what is wrong with it."""
    text = text.strip()
    if _CONTROL.search(text):
        return Problem.CONTROL_CHARACTER
    return _PARSERS.get(column, _identifier)(text)


def _identifier(text: str) -> str | Problem:
    """Return an identifier as it is."""
    if not text:
        return Problem.EMPTY_VALUE
    if len(text) > FIELD_CHARS_MAX:
        return Problem.TOO_LONG
    if _SCIENTIFIC.fullmatch(text):
        return Problem.SCIENTIFIC_IDENTIFIER
    return text


def _optional(text: str) -> str | Problem:
    """Return an identifier that may be missing."""
    return _identifier(text) if text else ""


def _province(text: str) -> str | Problem:
    """Return a province's six digits; a division's code may be cut or filled with zeros."""
    if not text:
        return Problem.EMPTY_VALUE
    if text.isascii() and text.isdigit() and len(text) in _DIVISION_LENGTHS:
        code = text[:2].ljust(6, "0")
        if code in PROVINCES and not text[2:].strip("0"):
            return code
    return Problem.UNKNOWN_PROVINCE


def _month(text: str) -> str | Problem:
    """Return a month as `YYYY-MM`; a spreadsheet may have made it the first day of the month."""
    match = _MONTH.fullmatch(text)
    if match is None:
        return Problem.BAD_MONTH if text else Problem.EMPTY_VALUE
    year, month, joined_month = match.groups()
    try:
        return str(ServiceMonth.parse(f"{year}-{int(month or joined_month):02d}"))
    except Refusal:
        return Problem.BAD_MONTH


def _days(text: str) -> int | Problem:
    """Return a number of days."""
    match = _WHOLE.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= SERVICE_DAYS_MAX:
        return Problem.BAD_DAYS if text else Problem.EMPTY_VALUE
    return int(match[1])


def _fen(text: str) -> int | Problem:  # noqa: PLR0911 - one for each problem
    """Return an amount in fen; the kernel decides, this finds the words for its refusal."""
    try:
        return parse_fen(text)
    except Refusal:
        pass
    if not text:
        return Problem.NO_AMOUNT
    try:
        exact = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return Problem.NOT_AMOUNT
    if not exact.is_finite():
        return Problem.NOT_AMOUNT
    if exact < 0:
        return Problem.NEGATIVE_AMOUNT
    if exact > MAX_FEN:
        return Problem.AMOUNT_TOO_LARGE
    if exact != exact.to_integral_value():
        return Problem.FRACTION_AMOUNT
    return Problem.SCIENTIFIC_AMOUNT if "e" in text.lower() else Problem.NOT_AMOUNT


_PARSERS: Final[Mapping[str, Callable[[str], str | int | Problem]]] = MappingProxyType(
    {
        "home": _province,
        "host": _province,
        "service_month": _month,
        "service_days": _days,
        "amount_fen": _fen,
        "caregiver_cert_no": _optional,
    }
)


def _positions(path: Path, table: Table) -> dict[str, int]:
    """Return where the ten columns stand.

    Raises:
        BadFile: If one is missing or there twice.
    """
    positions, findings = column_positions(table.header, ALIASES)
    if findings:
        raise BadFile(path.name, Findings(findings))
    return positions
