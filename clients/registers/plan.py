"""What an import states and what it claims, given what the node has already.

A source speaks for the attributes that its authorities own; of these the register is stated. What
else it says becomes claims, which stand beside. What a file does not mention, and what of it cannot
be read, leaves what is stored as it is. Asks no node: the caller brings what is stored.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from clients.registers.findings import Defect, Finding, finding
from clients.registers.mapping import Match
from clients.registers.reader import Register, RegisterRow
from deltacare.divisions import (
    CHANGES,
    Validity,
    city_of,
    is_statistical,
    normalise_division,
    province_of,
)
from deltacare.institutions import ATTRIBUTES, fold_text, value_of
from deltacare.v1.entry_pb2 import (
    AUTHORITY_CIVIL_AFFAIRS,
    AUTHORITY_DIRECTORY,
    INSTITUTION_STATE_CLOSED,
    Authority,
    Institution,
    InstitutionClaim,
)

__all__ = ["ImportPlan", "plan_import"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What is to be sent.

    Attributes:
        statements: Institutions to be stated, those that are open before those that name them.
        claims: Claims to be stated; an empty value withdraws one.
        kept: By institution the fields that keep their stored value because a cell cannot be read.
        findings: What only shows beside what is stored.
        gone: Institutions of the own province, not closed, that the register no longer has. Of
            cities in which the file has no institution it says nothing.
    """

    statements: tuple[Institution, ...]
    claims: tuple[InstitutionClaim, ...]
    kept: Mapping[str, frozenset[str]]
    findings: tuple[Finding, ...]
    gone: tuple[str, ...]


def plan_import(
    register: Register,
    stored: Mapping[str, Institution],
    *,
    province: str,
    as_of: date,
    is_as_of_given: bool = True,
    claims_only: bool = False,
    claimed: Iterable[InstitutionClaim] = (),
) -> ImportPlan:
    """Return what an import has to send.

    Args:
        register: As read.
        stored: What the node has, by id; at least of the own province and of those matched.
        province: The node's own, of which alone it states institutions.
        as_of: Day as of which the source says it.
        is_as_of_given: Whether somebody named that day. If not, what was claimed before in the
            same words keeps its day, so that importing again says nothing new.
        claims_only: Whether everything is to be claimed and nothing stated.
        claimed: What this source claims already, so that it can be taken back.
    """
    planning = _Planning(register, stored, province, as_of, claims_only=claims_only)
    before = {(each.institution_id, each.attribute): each for each in claimed if each.value}
    planning.run(before)
    for claim in planning.claims:
        said = before.get((claim.institution_id, claim.attribute))
        is_kept = not is_as_of_given and said is not None and said.value == claim.value
        claim.as_of_date = said.as_of_date if said and is_kept else as_of.isoformat()
    statements = sorted(planning.statements, key=lambda made: made.state == _CLOSED)
    return ImportPlan(
        statements=tuple(statements),
        claims=tuple(planning.claims),
        kept=planning.kept,
        findings=tuple(planning.findings),
        gone=tuple(planning.gone()),
    )


class _Planning:
    """One import while it is planned."""

    def __init__(
        self,
        register: Register,
        stored: Mapping[str, Institution],
        province: str,
        as_of: date,
        *,
        claims_only: bool,
    ) -> None:
        self._register = register
        self._stored = stored
        self._province = province
        self._as_of = as_of
        authorities = register.mapping.authorities
        self._founds = not claims_only and AUTHORITY_CIVIL_AFFAIRS in authorities
        self._owned = frozenset(
            name
            for name in register.fields
            if name in ATTRIBUTES and ATTRIBUTES[name].owner in authorities and not claims_only
        )
        self._index = _index(register.mapping.match, stored)
        self._named: set[str] = set()
        self._doubtful: set[str] = set()
        # Cities in which the file has institutions: only of these it has all.
        self._cities: set[str] = set()
        self._has_rows = False
        self._outdated = {
            found.row for found in register.findings if found.defect in _OUTDATED_DIVISIONS
        }
        self._read = {
            row.institution.institution_id: row.institution.state for row in register.rows
        }
        self.statements: list[Institution] = []
        self.claims: list[InstitutionClaim] = []
        self.kept: dict[str, frozenset[str]] = {}
        self.findings: list[Finding] = []

    def run(self, claimed: Mapping[tuple[str, str], InstitutionClaim]) -> None:
        """Plan every row, and what the source says no longer because it has no row for it."""
        for row in self._register.rows:
            institution_id = self._id_of(row)
            if not institution_id:
                continue
            self._named.add(institution_id)
            self._cover(row, institution_id)
            is_own = province_of(institution_id[:6]) == self._province
            if is_own and self._owned:
                statement = self._statement(row, institution_id)
                if statement is None:
                    continue
                self.statements.append(statement)
            elif institution_id not in self._stored:
                self._note(row, "number", Defect.NOT_REGISTERED)
                continue
            self.claims += self._claims(row, institution_id, claimed, is_own=is_own)
        self._named |= self._left_out_ids() | self._doubtful
        self.claims += self._withdrawn(claimed)

    def _cover(self, row: RegisterRow, institution_id: str) -> None:
        """Note in which city a row's institution stands, now and as far as that was known."""
        codes = [row.institution.division_code]
        if institution_id in self._stored:
            codes.append(self._stored[institution_id].division_code)
        self._cities.update(city for code in codes if (city := _city(code)))
        self._has_rows = True

    def _left_out_ids(self) -> set[str]:
        """Return the institutions that rows name that cannot be taken: they are not gone."""
        match = self._register.mapping.match
        found: set[str] = set()
        for read in self._register.left_out:
            if match is Match.NUMBER:
                found.add(read.institution_id)
            else:
                found.update(self._index.get(fold_text(getattr(read, match.value)), ()))
        return found

    def _withdrawn(
        self, claimed: Mapping[tuple[str, str], InstitutionClaim]
    ) -> Iterator[InstitutionClaim]:
        """Yield the withdrawals of claims about institutions that the source no longer has."""
        if self._register.has_unnamed:
            return  # a row that names nobody may be any institution's
        known = self._cities_of({institution_id for institution_id, _ in claimed})
        for (institution_id, _), claim in claimed.items():
            if institution_id not in self._named and self._is_covered(institution_id, known):
                yield _withdrawal(claim)

    def _cities_of(self, institution_ids: Iterable[str]) -> frozenset[str]:
        """Return the cities in which institutions stand, as far as they are known."""
        found = (self._stored.get(each) for each in institution_ids)
        return frozenset(_city(home.division_code) for home in found if home is not None) - {""}

    def _is_covered(self, institution_id: str, known: frozenset[str]) -> bool:
        """Whether a file that has no institution says by this that its source has it no more.

        It does of the cities in which it has others. Of an institution of which only the province
        is known it does if it has some in every city of which the source is known to speak.

        Args:
            institution_id: The institution.
            known: Those cities.
        """
        old = self._stored.get(institution_id)
        if old is None:
            return False
        city = _city(old.division_code)
        return city in self._cities if city else self._has_rows and known <= self._cities

    def gone(self) -> Iterator[str]:
        """Yield what the register had and has no more, where it is the register that has all."""
        if not self._founds:
            return
        standing = sorted(
            institution_id
            for institution_id, old in self._stored.items()
            if province_of(institution_id[:6]) == self._province and old.state != _CLOSED
        )
        known = self._cities_of(standing)
        for institution_id in standing:
            if institution_id not in self._named and self._is_covered(institution_id, known):
                yield institution_id

    def _note(self, row: RegisterRow, attribute: str, defect: Defect, value: str = "") -> None:
        column = self._register.headers.get(attribute, attribute)
        shown = value or row.institution.institution_id or row.institution.name
        self.findings.append(finding(row.number, column, shown, defect))

    def _id_of(self, row: RegisterRow) -> str:
        """Return which institution a row is, empty if that cannot be said."""
        match = self._register.mapping.match
        if match is Match.NUMBER:
            return row.institution.institution_id
        key = getattr(row.institution, match.value)
        found = self._index.get(fold_text(key), ()) if key else ()
        if len(found) == 1 and found[0] not in self._named:
            return found[0]
        self._doubtful.update(found)
        defect = Defect.SEVERAL_REGISTERED if found else Defect.NOT_REGISTERED
        self._note(row, match.value, defect, key)
        return ""

    def _statement(self, row: RegisterRow, institution_id: str) -> Institution | None:
        """Return what is to be stated of an institution, ``None`` if nothing can be."""
        old = self._stored.get(institution_id)
        if old is None and not (self._founds and row.institution.institution_id):
            self._note(row, "number", Defect.NOT_REGISTERED)
            return None
        made = Institution(institution_id=institution_id, division_code=self._province)
        if old is not None:
            made.CopyFrom(old)
        kept = set()
        for name in self._owned:
            if old is not None and self._is_better(name, old, row):
                kept.add(name)
            else:
                _copy(row.institution, made, name)
        if kept:
            self.kept[institution_id] = frozenset(kept)
        return self._consistent(row, made, old)

    def _is_better(self, name: str, old: Institution, row: RegisterRow) -> bool:
        """Whether what is stored says more than a cell that cannot be read, or is out of date."""
        if name == "division_code" and self._is_newer(old, row):
            return True
        if name not in row.unread:
            return False
        if name == "division_code":
            # A street of another district than the row's is no better than none.
            district = row.institution.division_code[:6]
            is_inside = old.division_code.startswith(district) or district == self._province
            return old.division_code != row.institution.division_code and is_inside
        return bool(value_of(old, name)) and value_of(old, name) != value_of(row.institution, name)

    def _is_newer(self, old: Institution, row: RegisterRow) -> bool:
        """Whether a division is stored that is one today, and the row's is not."""
        if row.number not in self._outdated:
            return False
        code = old.division_code[:_DISTRICT_CHARS]
        is_one = CHANGES.validity(code, self._as_of) is not Validity.ABOLISHED
        return is_one and not is_statistical(code) and code != self._province

    def _consistent(
        self, row: RegisterRow, made: Institution, old: Institution | None
    ) -> Institution | None:
        """Return a statement without what no longer fits together, ``None`` if it cannot be."""
        if made.HasField("open_beds") and made.open_beds > made.approved_beds:
            made.ClearField("open_beds")
            self._note(row, "open_beds", Defect.OPEN_BEDS_ABOVE_APPROVED)
        if old is not None and old.state != made.state:
            # What was stored explains the state before this one.
            for name in {"state_date", "state_reason"} - self._owned:
                made.ClearField(name)  # type: ignore[arg-type]  # a field's name
            if old.state == _CLOSED and not (
                made.state_reason and made.state_date and made.state_date >= old.state_date
            ):
                self._note(row, "state", Defect.REOPENED_UNEXPLAINED)
                return None
        if made.state != _CLOSED:
            del made.successor_ids[:]
        before = old.successor_ids if old is not None else ()
        for each in list(made.successor_ids):
            at = self._stored.get(each)
            state = self._read.get(each, at.state if at is not None else _CLOSED)
            if state == _CLOSED and each not in before:
                made.successor_ids.remove(each)
                self._note(row, "successor_ids", Defect.SUCCESSOR_CLOSED, each)
        return made

    def _claims(
        self,
        row: RegisterRow,
        institution_id: str,
        claimed: Mapping[tuple[str, str], InstitutionClaim],
        *,
        is_own: bool,
    ) -> Iterator[InstitutionClaim]:
        """Yield what a source says of attributes that it does not own, or no longer says."""
        mapping = self._register.mapping
        told = self._owned if is_own else frozenset()
        matched = {mapping.match.value} - {Match.NUMBER.value}
        for name in ATTRIBUTES:
            if name not in self._register.fields or name in row.unread:
                continue
            said = claimed.get((institution_id, name))
            if name in told:
                if said is not None:
                    # It is stated by now: beside it the source would contradict itself for ever.
                    yield _withdrawal(said)
                continue
            if name in matched:
                continue
            value = "" if name in row.empty else value_of(row.institution, name)
            if name == "division_code" and value == institution_id[:6]:
                value = ""  # the province: the row names no division
            if not value and said is None:
                continue
            owns = ATTRIBUTES[name].owner in mapping.authorities
            authority = (
                AUTHORITY_DIRECTORY
                if owns or not is_own
                else Authority.ValueType(mapping.authorities[0])
            )
            yield InstitutionClaim(
                institution_id=institution_id,
                source=mapping.source,
                authority=authority,
                attribute=name,
                value=value,
            )


def _withdrawal(claim: InstitutionClaim) -> InstitutionClaim:
    """Return what takes a claim back."""
    made = InstitutionClaim()
    made.CopyFrom(claim)
    made.value = ""
    return made


def _index(match: Match, stored: Mapping[str, Institution]) -> Mapping[str, tuple[str, ...]]:
    """Return ids by what rows are matched by."""
    found: dict[str, tuple[str, ...]] = {}
    if match is not Match.NUMBER:
        for institution_id, old in stored.items():
            key = fold_text(getattr(old, match.value))
            if key:
                found[key] = (*found.get(key, ()), institution_id)
    return found


def _copy(source: Institution, target: Institution, name: str) -> None:
    """Let one field of an institution be as it is in another."""
    field = Institution.DESCRIPTOR.fields_by_name[name]
    target.ClearField(name)  # type: ignore[arg-type]  # a field's name
    if field.is_repeated:
        getattr(target, name).extend(getattr(source, name))
    elif not field.has_presence or source.HasField(name):  # type: ignore[arg-type]  # a field's name
        setattr(target, name, getattr(source, name))


def _city(code: str) -> str:
    """Return what tells the city of a division from others, empty where none is known."""
    return (city_of(normalise_division(code)) or "") if code else ""


_CLOSED = INSTITUTION_STATE_CLOSED
_DISTRICT_CHARS = 6
_OUTDATED_DIVISIONS = frozenset({Defect.DISTRICT_ABOLISHED, Defect.DISTRICT_STATISTICAL})
