"""Reads a file of elders to enrol: the columns, every row checked, and the requests made of it.

Forms are the node's to judge; here a row must be readable. A request's id comes from its content,
so that a file enrolled again gives the same codes and enrols nobody twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from clients.filing.ids import content_id
from deltacare.v1.entry_pb2 import Enrolment
from deltacare.v1.settlement_service_pb2 import CreateEnrolmentsRequest, NewEnrolment
from deltacare.v1.types_pb2 import Duty
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Finding, Findings, Problem

__all__ = ["BATCH_MAX", "COLUMNS", "NewElder", "enrolment_requests", "read_elders"]

BATCH_MAX: Final = 1_000

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "enrolment_id": ("登记编号",),
        "elder_handle": ("内部编号",),
        "home_division": ("户籍地区",),
        "subsidy_kinds": ("补贴项目",),
        "from_date": ("起始日",),
        "until_date": ("截止日",),
        "assessment_scheme": ("评估体系",),
        "assessment_grade": ("评估等级",),
        "assessment_until_date": ("评估截止日",),
        "identity_number": ("身份证号", "公民身份号码"),
    }
)
_MAY_BE_MISSING = frozenset({"assessment_until_date", "identity_number"})
_MAY_BE_EMPTY = _MAY_BE_MISSING | {"until_date", "assessment_scheme", "assessment_grade"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewElder:
    """A row of the file.

    Attributes:
        row: As the spreadsheet numbers it.
        new: What is asked for.
    """

    row: int
    new: NewEnrolment


def read_elders(path: Path) -> list[NewElder]:
    """Return the rows of a file of elders.

    Args:
        path: CSV or XLSX; kinds of subsidy in one cell are separated by semicolons. Columns for
            the end of an assessment and for identity numbers may be missing.

    Raises:
        BadFile: If a column is missing, a row cannot be read or a number stands twice; names all.
    """
    table = read_table(path)
    positions, wrong = column_positions(table.header, COLUMNS)
    missing = Finding.of(Problem.MISSING_COLUMN).problem
    wrong = tuple(
        each for each in wrong if each.problem != missing or each.column not in _MAY_BE_MISSING
    )
    if wrong:
        raise BadFile(path.name, Findings(wrong))
    findings = Findings(table.findings)
    findings.total = table.findings_total
    elders: list[NewElder] = []
    seen: set[str] = set()
    for row in table.rows:
        cells = dict.fromkeys(_MAY_BE_MISSING, "")
        cells |= {name: row.cells[position].strip() for name, position in positions.items()}
        for name, cell in cells.items():
            if not cell and name not in _MAY_BE_EMPTY:
                findings.note(Problem.EMPTY_VALUE, row=row.number, column=name)
        if cells["enrolment_id"] in seen:
            findings.note(
                Problem.REPEATED_VALUE,
                row=row.number,
                column="enrolment_id",
                value=cells["enrolment_id"],
            )
        seen.add(cells["enrolment_id"])
        elders.append(NewElder(row=row.number, new=_new(cells)))
    if not table.rows and not findings.total:
        findings.note(Problem.NO_ROWS)
    if findings.total:
        raise BadFile(path.name, findings)
    return elders


def _new(cells: Mapping[str, str]) -> NewEnrolment:
    kinds = cells["subsidy_kinds"].replace("；", ";").split(";")
    return NewEnrolment(
        elder_handle=cells["elder_handle"],
        identity_number=cells["identity_number"],
        enrolment=Enrolment(
            enrolment_id=cells["enrolment_id"],
            home_division=cells["home_division"],
            subsidy_kinds=[kind.strip() for kind in kinds if kind.strip()],
            from_date=cells["from_date"],
            until_date=cells["until_date"],
            assessment_scheme=cells["assessment_scheme"],
            assessment_grade=cells["assessment_grade"],
            assessment_until_date=cells["assessment_until_date"],
        ),
    )


def enrolment_requests(
    elders: Sequence[NewElder], *, host: str, duty: Duty, once: str | None
) -> list[CreateEnrolmentsRequest]:
    """Return the requests that enrol elders with a host.

    Args:
        elders: Of a file, in its order.
        host: Province in which they are cared for.
        duty: Who answers for it.
        once: Request id of the caller's choice; ``None`` lets content decide.
    """
    requests = []
    for first in range(0, len(elders), BATCH_MAX):
        new = [elder.new for elder in elders[first : first + BATCH_MAX]]
        if once is None:
            # The id stands in a log: nothing in it may let a guess of who somebody is be tried.
            content = (each.enrolment.SerializeToString(deterministic=True) for each in new)
            named = ("enrol", host, duty.maker, duty.reviewer, str(first))
            request_id = content_id(*(text.encode() for text in named), *content)
        else:
            request_id = content_id(b"enrol", once.encode(), str(first).encode())
        requests.append(
            CreateEnrolmentsRequest(request_id=request_id, duty=duty, host=host, enrolments=new)
        )
    return requests
