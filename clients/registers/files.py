"""Opens a register's file, whatever program wrote it, and hands its rows to the reader."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from clients.registers.findings import Defect, Finding, finding
from clients.registers.reader import COLUMNS_REQUIRED, HEADER_NAMES, Register, read_register
from settlement.files import Table, column_positions, read_table
from settlement.findings import BadFile, Findings, Problem

__all__ = ["load_register"]


def load_register(path: Path, *, today: date, province: str | None = None) -> Register:
    """Return the institutions of a register's file and every defect.

    Args:
        path: CSV or XLSX, in any encoding that clerks' programs write.
        today: No institution was founded later.
        province: The node's province; rows of others are left out. ``None`` takes all.

    Raises:
        BadFile: If it is no table, or lacks a column without which no row can be taken.
    """
    table = read_table(path)
    # 1. Columns: those that name an institution must be there, the others may be missing.
    positions, problems = column_positions(table.header, HEADER_NAMES)
    fatal = [
        problem
        for problem in problems
        if problem.column in COLUMNS_REQUIRED or problem.problem == Problem.DUPLICATE_COLUMN.en
    ]
    if fatal:
        raise BadFile(path.name, Findings(fatal))
    # 2. Rows.
    register = read_register(
        _rows(table, positions), columns=positions, today=today, province=province
    )
    # 3. Rows that are no rows: they count, so that nothing is left out in silence.
    broken = tuple(finding(row.row, "", row.value, Defect.ROW_BROKEN) for row in table.findings)
    return Register(
        institutions=register.institutions,
        findings=_by_row((*broken, *register.findings)),
        row_count=register.row_count + table.findings_total,
        unread=register.unread,
    )


def _rows(table: Table, positions: dict[str, int]) -> Iterator[tuple[int, dict[str, str]]]:
    for row in table.rows:
        yield row.number, {name: row.cells[index] for name, index in positions.items()}


def _by_row(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda found: found.row))
