"""Reads files of refusals and reversals: a settlement number and the code of a reason a row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from settlement.fields import NUMBER
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Findings, Problem
from settlement.records import ALIASES

__all__ = ["ENDS_MAX", "EndRow", "read_ends"]

ENDS_MAX: Final = 1_000
"""Rows of one file: one request, done once or not at all."""

_NUMBER: Final = re.compile(NUMBER)
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"settlement_no": ALIASES["settlement_no"], "reason": ("事由代码", "事由")}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRow:
    """A row of the file.

    Attributes:
        row: As the spreadsheet numbers it.
        settlement_no: Number of the settlement.
        reason: Code of the reason.
    """

    row: int
    settlement_no: str
    reason: str


def read_ends(path: Path) -> list[EndRow]:
    """Return the rows of a file of refusals or reversals.

    Args:
        path: CSV or XLSX.

    Raises:
        BadFile: If a column is missing, a number stands twice or is none, or there are no rows, or
            too many; names all.
    """
    table = read_table(path)
    positions, wrong = column_positions(table.header, _COLUMNS)
    if wrong:
        raise BadFile(path.name, Findings(wrong))
    findings = Findings(table.findings)
    findings.total = table.findings_total
    rows: list[EndRow] = []
    seen: set[str] = set()
    for row in table.rows:
        cells = {name: row.cells[position].strip() for name, position in positions.items()}
        number = cells["settlement_no"]
        problem = Problem.REPEATED_VALUE if number in seen else _problem(number)
        if problem is not None:
            findings.note(problem, row=row.number, column="settlement_no", value=number)
        if not cells["reason"]:
            findings.note(Problem.EMPTY_VALUE, row=row.number, column="reason")
        seen.add(number)
        rows.append(EndRow(row=row.number, settlement_no=number, reason=cells["reason"]))
    if not rows and not findings.total:
        findings.note(Problem.NO_ROWS)
    if len(rows) > ENDS_MAX:
        findings.note(Problem.TOO_LARGE, row=rows[ENDS_MAX].row)
    if findings.total:
        raise BadFile(path.name, findings)
    return rows


def _problem(number: str) -> Problem | None:
    """Return what is wrong with a settlement number."""
    if not number:
        return Problem.EMPTY_VALUE
    return None if _NUMBER.fullmatch(number) else Problem.BAD_SETTLEMENT_NO
