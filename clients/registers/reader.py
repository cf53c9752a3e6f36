"""Reads the rows of a register into institutions, keeping what is good and naming what is not.

Takes rows that some file was read into and returns values; opens nothing, asks no node. Only what
names an institution, its beds and its state can leave a row out; every other defect leaves its
field empty. `row` reads one row; here stands what rows have to do with each other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from clients.registers.findings import UNREAD_FIELDS, Defect, Finding, finding
from clients.registers.mapping import ATTRIBUTES, Match, RegisterMapping
from clients.registers.row import Row
from clients.registers.streets import Streets
from deltacare.v1.entry_pb2 import Institution

__all__ = ["Register", "RegisterRow", "by_rarity", "defect_counts", "read_register"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterRow:
    """One row that can be taken.

    Attributes:
        number: As a spreadsheet counts.
        institution: What it says; without an id if it is matched otherwise.
        unread: Fields that stay empty because a cell cannot be read.
        empty: Fields without a value of their own for nothing, of which the row says nothing.
    """

    number: int
    institution: Institution
    unread: frozenset[str]
    empty: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What a register's file says.

    Attributes:
        mapping: How it was read.
        rows: The rows that can be taken, in order.
        findings: Every defect, in order of rows.
        row_count: Rows of the file without its header.
        fields: Fields of ``Institution`` of which the file speaks.
        headers: What the file calls each attribute's column.
        left_out: What the rows say that cannot be taken, as far as it was read.
        has_unnamed: Whether there are rows of which not even the institution can be read.
    """

    mapping: RegisterMapping
    rows: tuple[RegisterRow, ...]
    findings: tuple[Finding, ...]
    row_count: int
    fields: frozenset[str]
    headers: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[Institution, ...] = ()
    has_unnamed: bool = False

    @property
    def institutions(self) -> tuple[Institution, ...]:
        """The rows that can be taken, as institutions."""
        return tuple(row.institution for row in self.rows)

    @property
    def left_out_count(self) -> int:
        """Rows that were not taken."""
        return self.row_count - len(self.rows)

    @property
    def beds(self) -> int:
        """Approved beds of the rows that were taken."""
        return sum(row.institution.approved_beds for row in self.rows)


def read_register(
    rows: Iterable[tuple[int, Mapping[str, str]]],
    *,
    mapping: RegisterMapping,
    headers: Mapping[str, str],
    today: date,
    province: str | None = None,
    streets: Streets | None = None,
    claims_only: bool = False,
) -> Register:
    """Return the institutions of a register's rows and every defect.

    Args:
        rows: Row number as a spreadsheet counts, and texts by attribute.
        mapping: How they are read.
        headers: By attribute what its column is called; only those that the file has.
        today: No institution was founded later.
        province: The node's province; rows of others are left out. ``None`` takes all.
        streets: Codes of streets by name, if a table is at hand.
        claims_only: Whether all that the rows say is only claimed.
    """
    constants = {
        name: cell.constant for name, cell in mapping.cells.items() if cell.constant is not None
    }
    findings = list(_absences(mapping, headers))
    read: list[tuple[RegisterRow, list[Finding]]] = []
    left_out: list[Institution] = []
    has_unnamed = False
    seen: set[str] = set()
    row_count = 0
    for number, cells in rows:
        row_count += 1
        row = Row(
            number=number,
            cells={**constants, **{name: cells[name] for name in headers}},
            headers=headers,
            mapping=mapping,
            streets=streets,
            today=today,
            findings=[],
            claims_only=claims_only,
        )
        institution = row.institution(province)
        named = institution.institution_id
        if named and named in seen:
            value = cells["number"]
            repeated = finding(number, headers["number"], value, Defect.NUMBER_REPEATED)
            row.findings.append(repeated)
        if any(found.leaves_out for found in row.findings):
            findings += row.findings
            left_out.append(institution)
            has_unnamed |= not _names_one(mapping, row.findings, institution)
            continue
        if named:
            seen.add(named)
        unread = {name for found in row.findings for name in UNREAD_FIELDS.get(found.defect, ())}
        read.append(
            (
                RegisterRow(
                    number=number,
                    institution=institution,
                    unread=frozenset(unread),
                    empty=row.empty_fields(),
                ),
                row.findings,
            )
        )
    taken = []
    for each, found in read:
        known, unknown = _successors_known(each, seen, headers)
        findings += [*found, *unknown]
        taken.append(known)
    return Register(
        mapping=mapping,
        rows=tuple(taken),
        findings=tuple(sorted(findings, key=lambda found: found.row)),
        row_count=row_count,
        fields=_fields(mapping, headers),
        headers=headers,
        left_out=tuple(left_out),
        has_unnamed=has_unnamed,
    )


def _names_one(mapping: RegisterMapping, found: Iterable[Finding], read: Institution) -> bool:
    """Whether a row that cannot be taken says at least which institution it is about."""
    if any(each.defect is Defect.PROVINCE_UNREADABLE for each in found):
        return False
    key = "institution_id" if mapping.match is Match.NUMBER else mapping.match.value
    return bool(getattr(read, key))


def _absences(mapping: RegisterMapping, headers: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what the whole file lacks, each once."""
    for name, cell in mapping.cells.items():
        if cell.constant is None and name not in headers and name != _CREDIT_CODE:
            yield finding(0, cell.headers[0], "", Defect.COLUMN_ABSENT)
    # Where names say which institution is meant, codes would add nothing.
    if _CREDIT_CODE not in headers and mapping.match is not Match.NAME:
        yield finding(0, _CREDIT_CODE, "", Defect.CREDIT_CODE_ABSENT)


def _fields(mapping: RegisterMapping, headers: Mapping[str, str]) -> frozenset[str]:
    """Return the fields of which a file speaks; what it does not mention is not taken back."""
    found: set[str] = set()
    for name, cell in mapping.columns.items():
        if cell.constant is not None or name in headers:
            found.update(ATTRIBUTES[name].fields)
    if "medical_facilities" not in headers and "medical_facilities" in mapping.columns:
        found.discard("medical_facilities")
    if any(f"grades[{place}].grade" in headers for place in range(len(mapping.grades))):
        found.add("grades")
    if "number" not in mapping.columns or mapping.match is not Match.NUMBER:
        found.discard("institution_id")
    return frozenset(found)


def _successors_known(
    row: RegisterRow, seen: set[str], headers: Mapping[str, str]
) -> tuple[RegisterRow, list[Finding]]:
    """Return a row without the successors that the register does not have."""
    named = row.institution.successor_ids
    good = [each for each in named if each in seen and each != row.institution.institution_id]
    if len(good) == len(named):
        return row, []
    made = Institution()
    made.CopyFrom(row.institution)
    del made.successor_ids[:]
    made.successor_ids.extend(good)
    column = headers.get("successor_ids", "successor_ids")
    findings = [
        finding(row.number, column, each, Defect.SUCCESSOR_UNKNOWN)
        for each in named
        if each not in good
    ]
    return replace(row, institution=made), findings


def defect_counts(findings: Iterable[Finding]) -> Iterator[tuple[Defect, int]]:
    """Yield how often each defect was found: what leaves rows out first, then the rarer before."""
    counts: dict[Defect, int] = {}
    for found in findings:
        counts[found.defect] = counts.get(found.defect, 0) + 1
    order = {defect: place for place, defect in enumerate(Defect)}
    yield from sorted(
        counts.items(), key=lambda item: (not item[0].leaves_out, item[1], order[item[0]])
    )


def by_rarity(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings by kind as `defect_counts` has them, so that no kind hides another."""
    listed = list(findings)
    order = {defect: place for place, (defect, _) in enumerate(defect_counts(listed))}
    return sorted(listed, key=lambda found: (order[found.defect], found.row))


_CREDIT_CODE = "unified_social_credit_code"
