"""Reads a clerk's file of settlement records: rows, the row of totals, and what the node computes.

The ten columns are read as `settlement.records` reads them. What a clerk's file may have beside
that: a row of totals (合计, TOTAL), an empty amount, and a column that says under which business
date a row was filed. Nothing is sent and nobody is asked here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deltacare.errors import Refusal
from deltacare.times import parse_date
from settlement.core.columns import COLUMNS
from settlement.files import column_positions, normal_name, read_table
from settlement.findings import BadFile, Findings, Problem
from settlement.records import ALIASES, SettlementRow, parse_cell
from settlement.stated import StatedTotals, stated_totals

__all__ = ["FILED_DATE", "RecordFile", "read_records"]

FILED_DATE: Final = "filed_date"
_FILED_DATE_NAMES: Final = frozenset(normal_name(name) for name in (FILED_DATE, "报送日"))
_COMPUTED_FEN: Final = 1  # stands in for an amount until the node has computed it


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    """What a file of records holds.

    Attributes:
        rows: The good rows, in order; an amount that is to be computed is 1 fen.
        findings: What is wrong with the others.
        computed_rows: Numbers of the rows whose amount is to be computed.
        filed_dates: By row, the business date that the file gives.
        totals: What rows of totals say.
    """

    rows: tuple[SettlementRow, ...]
    findings: Findings
    computed_rows: frozenset[int] = frozenset()
    filed_dates: Mapping[int, str] = field(default_factory=dict)
    totals: tuple[StatedTotals, ...] = ()


def read_records(path: Path) -> RecordFile:
    """Return what a file of records holds.

    Args:
        path: CSV or XLSX.

    Raises:
        BadFile: If it is no table, lacks a column or has no rows.
    """
    table = read_table(path)
    positions, wrong = column_positions(table.header, ALIASES)
    if wrong:
        raise BadFile(path.name, Findings(wrong))
    dated = [i for i, name in enumerate(table.header) if normal_name(name) in _FILED_DATE_NAMES]
    findings = Findings(table.findings)
    findings.total = table.findings_total
    rows: list[SettlementRow] = []
    computed: set[int] = set()
    filed_dates: dict[int, str] = {}
    totals: list[StatedTotals] = []
    for row in table.rows:
        cells = {column: row.cells[positions[column]].strip() for column in COLUMNS}
        total = stated_totals(row.number, row.cells[0].strip(), cells)
        if total is not None:
            totals.append(total)
            continue
        if not cells["amount_fen"]:
            computed.add(row.number)
            cells["amount_fen"] = str(_COMPUTED_FEN)
        found = _row(row.number, cells, findings)
        date = row.cells[dated[0]].strip() if dated else ""
        if date and not _is_date(date):
            findings.note(Problem.BAD_DATE, row=row.number, column=FILED_DATE, value=date)
            continue
        if found is None:
            continue
        rows.append(found)
        if date:
            filed_dates[row.number] = date
    if not rows and not findings.total:
        findings.note(Problem.NO_ROWS)
        raise BadFile(path.name, findings)
    return RecordFile(
        rows=tuple(rows),
        findings=findings,
        computed_rows=frozenset(computed),
        filed_dates=filed_dates,
        totals=tuple(totals),
    )


def _row(number: int, cells: Mapping[str, str], findings: Findings) -> SettlementRow | None:
    """Return a row, or note everything that is wrong with it."""
    values: dict[str, str | int] = {}
    for column in COLUMNS:
        value = parse_cell(column, cells[column])
        if isinstance(value, Problem):
            findings.note(value, row=number, column=column, value=cells[column])
        else:
            values[column] = value
    if len(values) < len(COLUMNS):
        return None
    if values["home"] == values["host"]:
        findings.note(Problem.SAME_PROVINCE, row=number, column="host", value=str(values["host"]))
        return None
    return SettlementRow(row=number, **values)  # type: ignore[arg-type]  # by column


def _is_date(text: str) -> bool:
    try:
        parse_date(text, field=FILED_DATE)
    except Refusal:
        return False
    return True
