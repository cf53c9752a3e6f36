"""Reads a spreadsheet of certificates to issue: every row, with all that is wrong with it.

Forms that can be told here are told here, all at once, before anything is sent; what a scheme or a
log has against a row the node says. An identity number is never repeated: not in a fault, not in a
report.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from clients.issuing.references import parse_references
from deltacare.errors import FieldViolation, ViolationCollector, invalid_field
from deltacare.identity_numbers import holds_identity_number
from deltacare.ids import CertificateNumber, InstitutionId, parse_identity_number
from deltacare.times import parse_date
from deltacare.v1.certification_service_pb2 import NewCertificate
from deltacare.v1.entry_pb2 import (
    CERTIFICATE_SUBJECT_CAREGIVER,
    CERTIFICATE_SUBJECT_INSTITUTION,
    Certificate,
)
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Finding, Findings, Problem

__all__ = ["COLUMNS", "REQUIRED", "NewRow", "RowFault", "Sheet", "masked", "read_sheet"]

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "certificate_no": ("证书编号", "证书号"),
        "subject": ("对象",),
        "scheme": ("类别", "评价体系"),
        "grade": ("等级",),
        "holder_name": ("姓名", "持证人姓名"),
        "subject_ref": ("人员编号",),
        "identity_number": ("身份证号", "身份证号码"),
        "name_change_reason": ("更名事由",),
        "institution_id": ("机构编号",),
        "valid_from_date": ("起始日", "有效期起"),
        "valid_until_date": ("截止日", "有效期止"),
        "division_code": ("发证区划",),
        "predecessor_no": ("前一证书编号",),
        "references": ("凭据",),
    }
)
"""The columns and what else they may be called."""

REQUIRED: Final = frozenset(
    {"certificate_no", "scheme", "grade", "valid_from_date", "valid_until_date"}
)

_SUBJECTS = {
    "": 0,
    "caregiver": CERTIFICATE_SUBJECT_CAREGIVER,
    "护理员": CERTIFICATE_SUBJECT_CAREGIVER,
    "institution": CERTIFICATE_SUBJECT_INSTITUTION,
    "机构": CERTIFICATE_SUBJECT_INSTITUTION,
}
_PERSONAL = frozenset({"holder_name", "identity_number", "subject_ref"})
_NUMBERS = ("certificate_no", "subject_ref", "identity_number", "institution_id", "predecessor_no")
_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?E\+?[0-9]{1,3}", re.IGNORECASE | re.ASCII)
_DATE = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?", re.ASCII)
_IDENTITY = re.compile(r"(?<![0-9])[1-9][0-9]{5}(?:1[89]|20)[0-9]{9}[0-9Xx](?![0-9])", re.ASCII)
_NAME_CHARS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """What is wrong with a row.

    Attributes:
        row: As the spreadsheet numbers it.
        column: Name of the column.
        value: What stands there; empty where it may be personal.
        description: What is wrong, one sentence in English.
        remedy: What to do, likewise.
    """

    row: int
    column: str
    value: str
    description: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A row that can be sent.

    Attributes:
        number: As the spreadsheet numbers it.
        new: What is asked for.
    """

    number: int
    new: NewCertificate

    @property
    def certificate_no(self) -> str:
        """The number of its certificate."""
        return self.new.certificate.certificate_no


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a file holds.

    Attributes:
        rows: Those that can be sent, in order.
        faults: What is wrong with the others, all of it.
        numbers: Number of the certificate, as written, of every row with something in it.
    """

    rows: tuple[NewRow, ...]
    faults: tuple[RowFault, ...]
    numbers: Mapping[int, str]


def read_sheet(path: Path) -> Sheet:
    """Return the certificates of a file.

    Args:
        path: CSV or XLSX, in any encoding that clerks' programs write.

    Raises:
        BadFile: If it is no table, lacks a column, has one twice, or has no rows.
    """
    table = read_table(path)
    positions, problems = column_positions(table.header, COLUMNS)
    problems = tuple(
        each
        for each in problems
        if each.column in REQUIRED or each.problem == Problem.DUPLICATE_COLUMN.en
    )
    if problems:
        raise BadFile(path.name, Findings(problems))
    if table.findings_total > len(table.findings):
        findings = Findings(table.findings)
        findings.total = table.findings_total
        raise BadFile(path.name, findings)
    if not table.rows and not table.findings:
        raise BadFile(path.name, Findings([Finding.of(Problem.NO_ROWS)]))
    faults = [
        RowFault(row=each.row, column="", value="", description=each.problem, remedy=each.remedy)
        for each in table.findings
    ]
    numbers = {each.row: "" for each in table.findings}
    rows: list[NewRow] = []
    first_rows: dict[str, int] = {}
    for row in table.rows:
        cells = dict.fromkeys(COLUMNS, "")
        for name, position in positions.items():
            cells[name] = unicodedata.normalize("NFKC", row.cells[position]).strip()
        if "holder_name" in positions:  # its digest is of the name as written
            cells["holder_name"] = row.cells[positions["holder_name"]].strip()
        numbers[row.number] = masked(cells["certificate_no"])
        new, wrong = _read_row(cells)
        before = first_rows.setdefault(cells["certificate_no"], row.number)
        if before != row.number and cells["certificate_no"]:
            wrong.append(_again(cells["certificate_no"], before))
        faults += _placed(row.number, wrong)
        if not wrong:
            rows.append(NewRow(number=row.number, new=new))
    return Sheet(
        rows=tuple(rows), faults=tuple(sorted(faults, key=lambda f: f.row)), numbers=numbers
    )


def _placed(number: int, wrong: list[FieldViolation]) -> Iterator[RowFault]:
    """Yield what is wrong with a row."""
    for each in wrong:
        yield RowFault(
            row=number,
            column=each.field,
            value="" if each.field in _PERSONAL else masked(each.value),
            description=each.description,
            remedy=each.remedy,
        )


def _again(number: str, row: int) -> FieldViolation:
    return FieldViolation(
        field="certificate_no",
        value=masked(number),
        description=f"The number stands in row {row} already.",
        remedy="Keep one of the rows.",
    )


def _read_row(cells: Mapping[str, str]) -> tuple[NewCertificate, list[FieldViolation]]:
    """Return what a row asks for, and what is wrong with it."""
    bad = ViolationCollector()
    for name in REQUIRED:
        if not cells[name]:
            bad.note(name, "", "The value is missing.", "Fill it in.")
    damaged = {name for name in _NUMBERS if _SCIENTIFIC.fullmatch(cells[name])}
    for name in damaged:
        bad.note(
            name,
            "",
            "The spreadsheet turned the number into scientific notation and lost digits.",
            "Format the column as text and enter the number again from its source.",
        )
    for name in ("certificate_no", "predecessor_no"):
        if cells[name] and name not in damaged:
            bad.take(CertificateNumber.parse, cells[name], field=name)
    days = {name: _day(cells[name]) for name in ("valid_from_date", "valid_until_date")}
    for name, day in days.items():
        if day:
            bad.take(parse_date, day, field=name)
    references = bad.take(parse_references, cells["references"]) or []
    subject = bad.take(_subject, cells["subject"], field="subject") or (
        CERTIFICATE_SUBJECT_INSTITUTION
        if cells["institution_id"]
        else CERTIFICATE_SUBJECT_CAREGIVER
    )
    _read_holder(cells, subject, damaged, bad)
    new = NewCertificate(
        certificate=Certificate(
            certificate_no=cells["certificate_no"],
            subject=subject,  # type: ignore[arg-type]  # a value of the enumeration
            scheme=cells["scheme"],
            grade=cells["grade"],
            institution_id=cells["institution_id"],
            division_code=cells["division_code"],
            predecessor_no=cells["predecessor_no"],
            references=references,
            valid_from_date=days["valid_from_date"],
            valid_until_date=days["valid_until_date"],
        ),
        holder_name=cells["holder_name"],
        subject_ref=cells["subject_ref"],
        identity_number=cells["identity_number"],
        name_change_reason=cells["name_change_reason"],
    )
    return new, list(bad.violations)


def _read_holder(
    cells: Mapping[str, str], subject: int, damaged: set[str], bad: ViolationCollector
) -> None:
    """Check whom a row is about, never repeating a value of a person."""
    if subject == CERTIFICATE_SUBJECT_INSTITUTION:
        if "institution_id" not in damaged:
            bad.take(InstitutionId.parse, cells["institution_id"], field="institution_id")
        for name in sorted({*_PERSONAL, "name_change_reason"}):
            if cells[name]:
                bad.note(name, "", "Only a caregiver's certificate has a holder.")
        return
    if cells["institution_id"]:
        bad.note("institution_id", cells["institution_id"], "A caregiver is no institution.")
    name = cells["holder_name"]
    if not 1 <= len(name) <= _NAME_CHARS_MAX or not name.isprintable():
        bad.note(
            "holder_name",
            "",
            "A name has 1 to 64 printable characters.",
            "Write it as on the paper.",
        )
    if holds_identity_number(name):
        bad.note(
            "holder_name",
            "",
            "Somebody's identity number stands in the name.",
            "Write the name alone; the number goes into identity_number.",
        )
    if cells["identity_number"] and "identity_number" not in damaged:
        bad.take(parse_identity_number, cells["identity_number"], field="identity_number")
        if not cells["subject_ref"]:
            bad.note(
                "subject_ref",
                "",
                "It is kept only for a person with a reference.",
                "Give subject_ref, the number of the person in your own system.",
            )


def _subject(text: str, *, field: str) -> int:
    """Return whom a certificate is about; 0 if it is not said."""
    found = _SUBJECTS.get(text.lower())
    if found is None:
        raise invalid_field(
            field, text, "This is no kind of subject.", "Write caregiver or institution."
        )
    return found


def masked(text: str) -> str:
    """Return a text without what looks like an identity number, in whatever column it stands."""
    return _IDENTITY.sub("******", text)


def _day(text: str) -> str:
    """Return a day as the contract writes it, if a spreadsheet wrote it otherwise."""
    match = _DATE.fullmatch(text)
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}" if match else text
