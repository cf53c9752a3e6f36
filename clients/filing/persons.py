"""Reads a file of persons whose values go into the vault.

Values come from a file because a command line is seen by every user of the machine and kept in the
shell's history. No finding repeats a value. Forms are the node's to judge; here a row must be
readable. Nothing is derived from the values either: a request's id made of them would let whoever
sees it test a guess.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deltacare.errors import FieldViolation
from deltacare.v1.personal_service_pb2 import PersonalRecord, PersonalValues
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Findings, Problem

__all__ = ["COLUMNS", "PERSONS_MAX", "PersonRow", "read_persons", "refused_rows"]

_FIELD: Final = re.compile(r"records\[(\d+)\]\.?(?:values\.)?(.*)")

PERSONS_MAX: Final = 1_000
"""Persons of one file: one request, done once or not at all."""

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "subject_ref": ("内部编号",),
        "holder_name": ("姓名",),
        "identity_number": ("身份证号", "公民身份号码"),
        "phone": ("电话", "手机号"),
        "certificate_nos": ("证书编号",),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One row of the file.

    Attributes:
        number: As a spreadsheet counts.
        record: What it says of a person.
    """

    number: int
    record: PersonalRecord


def refused_rows(
    rows: Sequence[PersonRow], violations: Sequence[FieldViolation]
) -> list[tuple[int, FieldViolation]]:
    """Return what a node has against a file: row, and the violation with its column as field.

    Args:
        rows: As they were sent.
        violations: Of the node; one of no row has row 0.
    """
    found = []
    for each in violations:
        match = _FIELD.fullmatch(each.field)
        if match is None or int(match[1]) >= len(rows):
            found.append((0, each))
        else:
            found.append((rows[int(match[1])].number, replace(each, field=match[2])))
    return found


def read_persons(path: Path) -> list[PersonRow]:
    """Return the rows of a file of persons.

    Args:
        path: CSV or XLSX; several certificates in one cell are separated by semicolons.

    Raises:
        BadFile: If a column is missing, a row cannot be read or a person stands twice; names all.
    """
    table = read_table(path)
    positions, missing = column_positions(table.header, COLUMNS)
    if missing:
        raise BadFile(path.name, Findings(missing))
    findings = Findings(table.findings)
    findings.total = table.findings_total
    rows: list[PersonRow] = []
    seen: set[str] = set()
    for row in table.rows:
        cells = {name: row.cells[position].strip() for name, position in positions.items()}
        reference = cells["subject_ref"]
        if not reference:
            findings.note(Problem.EMPTY_VALUE, row=row.number, column="subject_ref")
        elif reference in seen:
            findings.note(Problem.REPEATED_VALUE, row=row.number, column="subject_ref")
        seen.add(reference)
        rows.append(PersonRow(number=row.number, record=_record(cells)))
    if not table.rows and not findings.total:
        findings.note(Problem.NO_ROWS)
    if findings.total:
        raise BadFile(path.name, findings)
    return rows


def _record(cells: Mapping[str, str]) -> PersonalRecord:
    numbers = cells["certificate_nos"].replace("；", ";").split(";")
    return PersonalRecord(
        subject_ref=cells["subject_ref"],
        values=PersonalValues(
            holder_name=cells["holder_name"],
            identity_number=cells["identity_number"],
            phone=cells["phone"],
        ),
        certificate_nos=[number.strip() for number in numbers if number.strip()],
    )
