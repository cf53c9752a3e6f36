"""Reads a file of persons whose values go into the vault.

Values come from a file because a command line is seen by every user of the machine and kept in the
shell's history. No finding repeats a value. Forms are the node's to judge; here a row must be
readable. Nothing is derived from the values either: a request's id made of them would let whoever
sees it test a guess.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deltacare.v1.personal_service_pb2 import PersonalRecord, PersonalValues
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Findings, Problem

__all__ = ["COLUMNS", "PERSONS_MAX", "read_persons"]

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


def read_persons(path: Path) -> list[PersonalRecord]:
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
    records: list[PersonalRecord] = []
    seen: set[str] = set()
    for row in table.rows:
        cells = {name: row.cells[position].strip() for name, position in positions.items()}
        reference = cells["subject_ref"]
        if not reference:
            findings.note(Problem.EMPTY_VALUE, row=row.number, column="subject_ref")
        elif reference in seen:
            findings.note(Problem.REPEATED_VALUE, row=row.number, column="subject_ref")
        seen.add(reference)
        records.append(_record(cells))
    if not table.rows and not findings.total:
        findings.note(Problem.NO_ROWS)
    if findings.total:
        raise BadFile(path.name, findings)
    return records


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
