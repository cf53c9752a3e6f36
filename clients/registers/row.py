"""Reads one row of a register into an institution by a mapping, and names what is wrong with it.

Opens nothing and asks no node. What cannot be read stays empty and is reported; nothing is put
right by guessing. What a row has to do with others (repeated numbers, successors) is `reader`'s.
"""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from clients.registers.findings import Defect, Finding, finding
from clients.registers.mapping import ATTRIBUTES, GradeColumns, Match, RegisterMapping
from clients.registers.streets import Streets
from deltacare.divisions import CHANGES, Validity, is_statistical
from deltacare.errors import Refusal
from deltacare.ids import InstitutionId, parse_province, parse_uscc
from deltacare.institutions import ATTRIBUTES as OWNED
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import (
    INSTITUTION_STATE_CLOSED,
    INSTITUTION_STATE_UNSPECIFIED,
    Institution,
    InstitutionGrade,
    InstitutionState,
    MedicalFacility,
    MedicalFacilityKind,
    OperationMode,
    ProviderType,
)

__all__ = ["Row"]

_NAME_CHARS_MAX = 200
_ADDRESS_CHARS_MAX = 300
_STREET_CHARS_MAX = 50
_BEDS_MAX = 100_000
_DISTRICT = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_STREET = re.compile(r"[1-9][0-9]{8}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d*)?")
_POSTCODE = re.compile(r"[0-9]{6}", re.ASCII)
_CODE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_GRADE_CHARS_MAX = 32
# Degrees within which China lies.
_LONGITUDES = (Decimal(73), Decimal(136))
_LATITUDES = (Decimal(3), Decimal(54))
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row while it is read.

    Attributes:
        number: As a spreadsheet counts.
        cells: Text by attribute, of the columns that the file has.
        headers: What the file calls each attribute's column.
        mapping: How the register is read.
        streets: Codes of streets by name, or ``None``.
        today: No institution was founded later; grades that ended before have expired.
        findings: Gathers what is wrong.
        claims_only: Whether all that it says is only claimed, whoever the source is.
    """

    number: int
    cells: Mapping[str, str]
    headers: Mapping[str, str]
    mapping: RegisterMapping
    streets: Streets | None
    today: date
    findings: list[Finding]
    claims_only: bool = False

    def institution(self, wanted_province: str | None) -> Institution:
        """Return what the row says; whether it can be taken, its findings say."""
        # 1. What names it.
        home = self._province(wanted_province)
        state = self._state()
        made = Institution(
            institution_id=self._number(home) if self.mapping.match is Match.NUMBER else "",
            name=self._name(),
            state=InstitutionState.ValueType(state),
            approved_beds=self._beds(is_closed=state == INSTITUTION_STATE_CLOSED),
            unified_social_credit_code=self._credit_code(),
        )
        # 2. Where it is.
        district = self._district(home)
        made.division_code = self._street_code(district) or district or home
        made.street = self._text("street", _STREET_CHARS_MAX, Defect.STREET_TOO_LONG)
        made.address = self._address()
        made.postcode = self._postcode()
        made.longitude_e6, made.latitude_e6 = self._place()
        # 3. What else the register says.
        made.operation_mode = OperationMode.ValueType(
            self._choice("operation_mode", Defect.MODE_MISSING, Defect.MODE_UNKNOWN)
        )
        made.provider_type = ProviderType.ValueType(
            self._choice(
                "provider_type", Defect.PROVIDER_TYPE_MISSING, Defect.PROVIDER_TYPE_UNKNOWN
            )
        )
        made.established_date = self._founded()
        self._set_open_beds(made)
        made.state_date = self._date("state_date", Defect.STATE_DATE_UNREADABLE)
        made.state_reason = self._reason()
        made.successor_ids.extend(self._successors(home, made))
        made.medical_facilities.extend(self._facilities())
        for place, columns in enumerate(self.mapping.grades):
            grade = self._grade(place, columns)
            if grade is not None:
                made.grades.append(grade)
        return made

    # Cells.

    def _has(self, attribute: str) -> bool:
        """Whether the file speaks of an attribute at all."""
        return attribute in self.cells

    def _cell(self, attribute: str) -> str:
        if attribute not in self.cells:
            return ""
        cell = self.mapping.cells[attribute]
        if cell.constant is not None:
            return cell.constant
        text = cell.cut(self.cells[attribute])
        # Line breaks and wide spaces are how a cell is set, not what it says.
        return text if text.isprintable() else " ".join(text.split())

    def _note(self, attribute: str, defect: Defect) -> None:
        column = self.headers.get(attribute, attribute)
        self.findings.append(
            finding(self.number, column, self.cells.get(attribute, "").strip(), defect)
        )

    def _missing(self, attribute: str, defect: Defect) -> None:
        """Note an empty cell of a column that the file has."""
        if self._has(attribute):
            self._note(attribute, defect)

    def _meaning(self, attribute: str, text: str) -> str | None:
        """Return what a word of the register means, ``None`` if no code says it."""
        codes = self.mapping.codes.get(attribute)
        return text if codes is None else codes.get(text)

    def empty_fields(self) -> frozenset[str]:
        """Return the fields that have no value for nothing, where the row says nothing."""
        return frozenset({"approved_beds"} if self._is_left_empty("approved_beds") else ())

    def _is_left_empty(self, attribute: str) -> bool:
        """Whether a cell is empty that may be: its source only claims what stands there.

        Who states institutions has to have their names, beds and states; a claim may be left off.
        """
        fields = ATTRIBUTES[attribute].fields
        owned = () if self.claims_only else self.mapping.authorities
        is_claimed = not any(OWNED[each].owner in owned for each in fields)
        is_key = self.mapping.match.value == attribute
        return is_claimed and not is_key and self._has(attribute) and not self._cell(attribute)

    # What names it.

    def _province(self, wanted: str | None) -> str:
        code = self.mapping.province
        if not code:
            text = self._cell("province")
            try:
                code = parse_province(self._meaning("province", text) or text)
            except Refusal:
                self._note("province", Defect.PROVINCE_UNREADABLE)
                return ""
        if wanted is not None and code != wanted:
            self._note("province", Defect.PROVINCE_OTHER)
        return code

    def _number(self, home: str) -> str:
        text = self._cell("number")
        if not text:
            self._note("number", Defect.NUMBER_MISSING)
            return ""
        try:
            return str(InstitutionId.parse(f"{home or '310000'}-{text}"))
        except Refusal:
            self._note("number", Defect.NUMBER_MALFORMED)
            return ""

    def _name(self) -> str:
        text = self._cell("name")
        if not text:
            if not self._is_left_empty("name"):
                self._missing("name", Defect.NAME_MISSING)
        elif len(text) > _NAME_CHARS_MAX or not text.isprintable():
            self._note("name", Defect.NAME_TOO_LONG)
        return text

    def _state(self) -> int:
        if not self._has("state"):
            return INSTITUTION_STATE_UNSPECIFIED
        text = self._cell("state")
        if self.mapping.columns["state"].constant is None:
            text = self._meaning("state", text) or ""
        number = ATTRIBUTES["state"].choices.get(text, INSTITUTION_STATE_UNSPECIFIED)
        if not number and not self._is_left_empty("state"):
            self._note("state", Defect.STATE_UNKNOWN)
        return number

    def _beds(self, *, is_closed: bool) -> int:
        if not self._has("approved_beds") or self._is_left_empty("approved_beds"):
            return 0
        value = self._whole("approved_beds")
        if value is None:
            self._note("approved_beds", Defect.BEDS_UNREADABLE)
            return 0
        if not value and not is_closed:
            self._note("approved_beds", Defect.BEDS_ZERO)
        return value

    def _whole(self, attribute: str) -> int | None:
        value = _decimal(self._cell(attribute)) if self._has(attribute) else None
        if value is None or not 0 <= value <= _BEDS_MAX:
            return None
        return int(value) if value == value.to_integral_value() else None

    # Where it is.

    def _district(self, home: str) -> str:
        text = self._cell("district_code")
        if not text:
            self._missing("district_code", Defect.DISTRICT_MISSING)
            return ""
        code = self._meaning("district_code", text)
        if code is None:
            self._note("district_code", Defect.DISTRICT_UNKNOWN)
            return ""
        if not _DISTRICT.fullmatch(code) or (home and code[:2] != home[:2]):
            self._note("district_code", Defect.DISTRICT_MALFORMED)
            return ""
        if is_statistical(code):
            self._note("district_code", Defect.DISTRICT_STATISTICAL)
        elif CHANGES.validity(code, self.today) is Validity.ABOLISHED:
            self._note("district_code", Defect.DISTRICT_ABOLISHED)
        return code

    def _street_code(self, district: str) -> str:
        text = self._cell("street_code")
        text = (self._meaning("street_code", text) or text) if text else ""
        if not text:
            return self._street_by_name(district)
        if not _STREET.fullmatch(text):
            self._note("street_code", Defect.STREET_MALFORMED)
            return ""
        if district and not text.startswith(district):
            self._note("street_code", Defect.STREET_ELSEWHERE)
            return ""
        return text if district else ""

    def _street_by_name(self, district: str) -> str:
        name = self._cell("street")
        if not name:
            place = "street_code" if self._has("street_code") else "street"
            self._missing(place, Defect.STREET_MISSING)
            return ""
        if self.streets is None:
            self._note("street", Defect.STREET_WITHOUT_CODE)
            return ""
        code = self.streets.code(district, name)
        if not code and district:
            self._note("street", Defect.STREET_UNKNOWN)
        return code

    def _text(self, attribute: str, chars_max: int, defect: Defect) -> str:
        text = self._cell(attribute)
        if len(text) > chars_max or not text.isprintable():
            self._note(attribute, defect)
            return ""
        return text

    def _address(self) -> str:
        if not self._cell("address"):
            self._missing("address", Defect.ADDRESS_MISSING)
        return self._text("address", _ADDRESS_CHARS_MAX, Defect.ADDRESS_TOO_LONG)

    def _postcode(self) -> str:
        text = self._cell("postcode")
        if not text:
            self._missing("postcode", Defect.POSTCODE_MISSING)
        elif not _POSTCODE.fullmatch(text):
            self._note("postcode", Defect.POSTCODE_MALFORMED)
            return ""
        return text

    def _place(self) -> tuple[int, int]:
        names = ("longitude", "latitude")
        if not any(map(self._has, names)):
            return 0, 0
        texts = [self._cell(name) for name in names]
        if not all(texts):
            self._note(names[0] if not texts[0] else names[1], Defect.PLACE_MISSING)
            return 0, 0
        found = []
        for name, text, (low, high) in zip(names, texts, (_LONGITUDES, _LATITUDES), strict=True):
            value = _decimal(text)
            if value is not None:
                value /= self.mapping.columns[name].divisor
            if value is None or not low <= value <= high:
                self._note(name, Defect.PLACE_UNREADABLE)
                return 0, 0
            found.append(int((value * _MICRO).to_integral_value()))
        return found[0], found[1]

    # What else it says.

    def _choice(self, attribute: str, missing: Defect, unknown: Defect) -> int:
        text = self._cell(attribute)
        choices = ATTRIBUTES[attribute].choices
        if self._has(attribute) and self.mapping.columns[attribute].constant is not None:
            return choices[text]
        if not text:
            self._missing(attribute, missing)
            return 0
        meaning = self._meaning(attribute, text)
        if meaning is None:
            self._note(attribute, unknown)
            return 0
        return choices[meaning]

    def _credit_code(self) -> str:
        text = self._cell("unified_social_credit_code")
        if not text:
            return ""
        try:
            return parse_uscc(text)
        except Refusal:
            self._note("unified_social_credit_code", Defect.CREDIT_CODE_MALFORMED)
            return ""

    def _founded(self) -> str:
        if not self._cell("established_date"):
            self._missing("established_date", Defect.FOUNDING_MISSING)
            return ""
        return self._date("established_date", Defect.FOUNDING_UNREADABLE, latest=self.today)

    def _date(self, attribute: str, defect: Defect, *, latest: date | None = None) -> str:
        text = self._cell(attribute)
        if not text:
            return ""
        day = self._day(text)
        if day is None or (latest is not None and day > latest):
            self._note(attribute, defect)
            return ""
        return day.isoformat()

    def _day(self, text: str, *, is_end: bool = False) -> date | None:
        """Return the day that a text names; of a month the first, or for an end the last."""
        try:
            return parse_date(text)  # what cells of workbooks come to
        except Refusal:
            pass
        for form in self.mapping.dates:
            match = form.pattern.fullmatch(text)
            if match is None:
                continue
            year, month, *rest = map(int, match.groups())
            try:
                last = calendar.monthrange(year, month)[1] if is_end and not rest else 1
                return parse_date(date(year, month, rest[0] if rest else last).isoformat())
            except (ValueError, Refusal):
                return None
        return None

    def _set_open_beds(self, made: Institution) -> None:
        text = self._cell("open_beds")
        if not text:
            return
        value = self._whole("open_beds")
        if value is None:
            self._note("open_beds", Defect.OPEN_BEDS_UNREADABLE)
        elif value > made.approved_beds and self._whole("approved_beds") is not None:
            self._note("open_beds", Defect.OPEN_BEDS_ABOVE_APPROVED)
        else:
            made.open_beds = value

    def _reason(self) -> str:
        text = self._cell("state_reason")
        meaning = self._meaning("state_reason", text) if text else ""
        if meaning is None or (meaning and not _CODE.fullmatch(meaning)):
            self._note("state_reason", Defect.STATE_REASON_UNKNOWN)
            return ""
        return meaning

    def _successors(self, home: str, made: Institution) -> list[str]:
        if not self._has("successor_ids"):
            return []
        found: list[str] = []
        cell = self.mapping.columns["successor_ids"]
        for text in cell.cut_all(self.cells["successor_ids"]):
            try:
                found.append(str(InstitutionId.parse(f"{home or '310000'}-{text}")))
            except Refusal:
                self._note("successor_ids", Defect.SUCCESSOR_MALFORMED)
        if found and made.state != INSTITUTION_STATE_CLOSED:
            self._note("successor_ids", Defect.SUCCESSOR_OF_OPEN)
            return []
        return list(dict.fromkeys(found))

    def _facilities(self) -> list[MedicalFacility]:
        if not self._has("medical_facilities"):
            return []
        cell = self.mapping.columns["medical_facilities"]
        raw = cell.constant if cell.constant is not None else self.cells["medical_facilities"]
        kinds: list[str] = []
        for word in cell.cut_all(raw):
            is_named = cell.constant is not None
            meaning = word if is_named else self._meaning("medical_facilities", word)
            if meaning is None:
                self._note("medical_facilities", Defect.FACILITY_UNKNOWN)
            else:
                kinds.append(meaning)
        insured = bool(kinds) and self._insured()
        return [
            MedicalFacility(
                kind=MedicalFacilityKind.ValueType(ATTRIBUTES["medical_facilities"].choices[kind]),
                insured=insured,
            )
            for kind in sorted(set(kinds))
        ]

    def _insured(self) -> bool:
        text = self._cell("medical_insured")
        if not text:
            return False
        is_constant = self.mapping.columns["medical_insured"].constant is not None
        meaning = text if is_constant else self._meaning("medical_insured", text)
        if meaning is None:
            self._note("medical_insured", Defect.INSURED_UNKNOWN)
        return meaning == "YES"

    def _grade(self, place: int, columns: GradeColumns) -> InstitutionGrade | None:
        at = f"grades[{place}]"
        text = self._cell(f"{at}.grade")
        if not text:
            return None
        grade = columns.codes.get(text) if columns.codes else text
        if grade is None or len(grade) > _GRADE_CHARS_MAX or not grade.isprintable():
            self._note(f"{at}.grade", Defect.GRADE_UNKNOWN)
            return None
        begins = self._day(self._cell(f"{at}.from_date"))
        end_text = self._cell(f"{at}.until_date")
        ends = self._day(end_text, is_end=True)
        if begins is not None and not end_text and columns.valid_months:
            ends = _months_later(begins, columns.valid_months) - timedelta(days=1)
        if begins is None or (end_text and ends is None) or (ends and ends < begins):
            self._note(f"{at}.from_date", Defect.GRADE_DATE_UNREADABLE)
            return None
        if ends is not None and ends < self.today:
            self._note(f"{at}.grade", Defect.GRADE_EXPIRED)
        return InstitutionGrade(
            scheme=columns.scheme,
            grade=grade,
            from_date=begins.isoformat(),
            until_date=ends.isoformat() if ends else "",
        )


def _months_later(day: date, months: int) -> date:
    """Return the same day some months later, or the last of that month if it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = min(day.year + years, date.max.year)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def _decimal(text: str) -> Decimal | None:
    """Return the number that a cell states, thousands separators and all; ``None`` if none.

    An exponent is none: ``1e3`` is more likely a word or a slip than a thousand.
    """
    if not _NUMBER.fullmatch(text):
        return None
    return Decimal(text.replace(",", ""))
