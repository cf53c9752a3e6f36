"""Opens a register's file, whatever program wrote it, and hands its rows to the reader."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Final

from clients.registers.findings import Defect, finding
from clients.registers.mapping import RegisterMapping
from clients.registers.reader import Register, read_register
from clients.registers.streets import Streets
from settlement.files import Table, normal_name, read_table
from settlement.findings import BadFile, Finding, Findings, Problem

__all__ = ["load_register"]

# What else than its cells' number can be wrong with a row that is not read at all.
_BROKEN: Final[Mapping[str, Defect]] = MappingProxyType(
    {Problem.UNSAVED_FORMULA.en: Defect.FORMULA_UNSAVED}
)


def load_register(
    path: Path,
    *,
    mapping: RegisterMapping,
    today: date,
    province: str | None = None,
    streets: Streets | None = None,
    claims_only: bool = False,
) -> Register:
    """Return the institutions of a register's file and every defect.

    Args:
        path: CSV or XLSX, in any encoding that clerks' programs write.
        mapping: How it is read.
        today: No institution was founded later.
        province: The node's province; rows of others are left out. ``None`` takes all.
        streets: Codes of streets by name, if a table is at hand.
        claims_only: Whether all that the rows say is only claimed.

    Raises:
        BadFile: If it is no table, or lacks a column without which no row can be taken.
    """
    table = read_table(path, layout=mapping.layout)
    # 1. Columns: those that name an institution must be there, the others may be missing.
    positions, problems = _positions(table, mapping)
    if problems:
        raise BadFile(path.name, Findings(problems))
    # 2. Rows.
    register = read_register(
        _rows(table, positions),
        mapping=mapping,
        headers={name: table.header[index] for name, index in positions.items()},
        today=today,
        province=province,
        streets=streets,
        claims_only=claims_only,
    )
    # 3. Rows that are no rows: they count, so that nothing is left out in silence.
    broken = [
        finding(row.row, row.column, row.value, _BROKEN.get(row.problem, Defect.ROW_BROKEN))
        for row in table.findings
    ]
    return replace(
        register,
        findings=tuple(sorted((*broken, *register.findings), key=lambda found: found.row)),
        row_count=register.row_count + table.findings_total,
        has_unnamed=register.has_unnamed or bool(table.findings_total),
    )


def _positions(table: Table, mapping: RegisterMapping) -> tuple[Mapping[str, int], list[Finding]]:
    """Return where each attribute stands, and what is wrong with the header."""
    names = [normal_name(name) for name in table.header]
    positions: dict[str, int] = {}
    problems: dict[str, Finding] = {}
    for attribute, cell in mapping.cells.items():
        if cell.constant is not None:
            continue
        accepted = {normal_name(name) for name in cell.headers}
        found = [index for index, name in enumerate(names) if name in accepted]
        column = cell.headers[0]
        row = mapping.layout.header_row
        if len(found) == 1:
            positions[attribute] = found[0]
        elif found:
            problems[column] = Finding.of(Problem.DUPLICATE_COLUMN, row=row, column=column)
        elif attribute in mapping.required:
            problems[column] = Finding.of(Problem.MISSING_COLUMN, row=row, column=column)
    return positions, list(problems.values())


def _rows(table: Table, positions: Mapping[str, int]) -> Iterator[tuple[int, dict[str, str]]]:
    for row in table.rows:
        yield row.number, {name: row.cells[index] for name, index in positions.items()}
