"""Reads the rows of a register into institutions, keeping what is good and naming what is not.

Takes rows that some file was read into and returns values; opens nothing, asks no node. Only what
names the institution and its beds can leave a row out; every other defect leaves its field empty.
The columns are those of the public registers; headers in Chinese are understood too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from clients.registers.findings import UNREAD_FIELDS, Defect, Finding, finding
from deltacare.divisions import is_statistical
from deltacare.errors import Refusal
from deltacare.ids import InstitutionId, parse_province, parse_uscc
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import (
    INSTITUTION_STATE_OPERATING,
    OPERATION_MODE_PRIVATE_PRIVATE,
    OPERATION_MODE_PUBLIC_PRIVATE,
    OPERATION_MODE_PUBLIC_PUBLIC,
    OPERATION_MODE_UNSPECIFIED,
    Institution,
    OperationMode,
)

__all__ = [
    "COLUMNS_REQUIRED",
    "HEADER_NAMES",
    "Register",
    "by_rarity",
    "defect_counts",
    "keep_stored",
    "read_register",
]

COLUMNS_REQUIRED = ("src_id", "province_code", "name", "approved_beds")

# What a column may be called, in lower case; each column's own name counts as well.
HEADER_NAMES: Mapping[str, tuple[str, ...]] = {
    "src_id": ("序号", "编号", "登记编号", "机构编号"),
    "province_code": ("省级代码", "省份代码"),
    "city_code": ("城市代码", "地市代码"),
    "district_code": ("区县代码", "区代码"),
    "district": ("区县", "区"),
    "street_code": ("街镇代码", "街道代码"),
    "street": ("街镇", "街道", "所属街镇"),
    "name": ("名称", "机构名称", "养老机构名称"),
    "approved_beds": ("核定床位", "核定床位数", "床位数"),
    "established": ("成立日期", "成立时间"),
    "operation_mode": ("运营方式", "建设运营方式"),
    "address": ("地址", "机构地址"),
    "zipcode": ("邮编", "邮政编码"),
    "lng": ("经度", "longitude"),
    "lat": ("纬度", "latitude"),
    "unified_social_credit_code": ("统一社会信用代码", "uscc"),
}

_NAME_CHARS_MAX = 200
_ADDRESS_CHARS_MAX = 300
_STREET_CHARS_MAX = 50
_BEDS_MAX = 100_000
_DISTRICT = re.compile(r"[1-9][0-9]{5}", re.ASCII)
_STREET = re.compile(r"[1-9][0-9]{8}", re.ASCII)
_POSTCODE = re.compile(r"[0-9]{6}", re.ASCII)
_SLASHED_DATE = re.compile(r"(\d{4})[/.年](\d{1,2})[/.月](\d{1,2})日?", re.ASCII)
_MODES = {
    "公建公营": OPERATION_MODE_PUBLIC_PUBLIC,
    "公建民营": OPERATION_MODE_PUBLIC_PRIVATE,
    "民建民营": OPERATION_MODE_PRIVATE_PRIVATE,
}
# Degrees within which China lies.
_LONGITUDES = (Decimal(73), Decimal(136))
_LATITUDES = (Decimal(3), Decimal(54))
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """What a register's file says.

    Attributes:
        institutions: The rows that can be taken, in order.
        findings: Every defect, in order of rows.
        row_count: Rows of the file without its header.
        unread: By institution the fields that stay empty because a cell cannot be read.
    """

    institutions: tuple[Institution, ...]
    findings: tuple[Finding, ...]
    row_count: int
    unread: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def left_out_count(self) -> int:
        """Rows that were not taken."""
        return self.row_count - len(self.institutions)

    @property
    def beds(self) -> int:
        """Approved beds of the rows that were taken."""
        return sum(institution.approved_beds for institution in self.institutions)


def read_register(
    rows: Iterable[tuple[int, Mapping[str, str]]],
    *,
    columns: Iterable[str],
    today: date,
    province: str | None = None,
) -> Register:
    """Return the institutions of a register's rows and every defect.

    Args:
        rows: Row number as a spreadsheet counts, and cells by the names in ``HEADER_NAMES``.
        columns: Columns that the file has.
        today: No institution was founded later.
        province: The node's province; rows of others are left out. ``None`` takes all.
    """
    findings: list[Finding] = []
    if "unified_social_credit_code" not in columns:
        findings.append(finding(0, "unified_social_credit_code", "", Defect.CREDIT_CODE_ABSENT))
    institutions: list[Institution] = []
    unread: dict[str, frozenset[str]] = {}
    seen: set[str] = set()
    row_count = 0
    for number, cells in rows:
        row_count += 1
        row = _Row(number=number, cells=cells, findings=[])
        institution = row.institution(today=today, province=province, seen=seen)
        findings += row.findings
        if institution is not None:
            seen.add(institution.institution_id)
            institutions.append(institution)
            names = {name for found in row.findings for name in UNREAD_FIELDS.get(found.defect, ())}
            if names:
                unread[institution.institution_id] = frozenset(names)
    return Register(
        institutions=tuple(institutions),
        findings=tuple(findings),
        row_count=row_count,
        unread=unread,
    )


def keep_stored(
    register: Register, stored: Iterable[Institution]
) -> tuple[Register, Mapping[str, frozenset[str]]]:
    """Return a register whose unreadable cells do not erase what is stored.

    Args:
        register: As read.
        stored: What the node has of the institutions in ``register.unread``.

    Returns:
        The register, and by institution the fields that keep their stored value.
    """
    before = {institution.institution_id: institution for institution in stored}
    kept: dict[str, frozenset[str]] = {}
    institutions: list[Institution] = []
    for read in register.institutions:
        old = before.get(read.institution_id)
        names = register.unread.get(read.institution_id, frozenset())
        if old is not None and names:
            merged = Institution()
            merged.CopyFrom(read)
            for name in names:
                value = getattr(old, name)
                # A street of another district than the row's is no better than none.
                if value and (name != "division_code" or value.startswith(read.division_code[:6])):
                    setattr(merged, name, value)
            changed = frozenset(
                name for name in names if getattr(merged, name) != getattr(read, name)
            )
            if changed:
                kept[read.institution_id] = changed
            institutions.append(merged)
        else:
            institutions.append(read)
    return replace(register, institutions=tuple(institutions)), kept


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One row while it is read; gathers what is wrong with it."""

    number: int
    cells: Mapping[str, str]
    findings: list[Finding]

    def institution(
        self, *, today: date, province: str | None, seen: set[str]
    ) -> Institution | None:
        """Return the institution, or ``None`` if the row cannot be taken."""
        # 1. What names it.
        home = self._province(province)
        institution_id = self._number(home, seen)
        name = self._name()
        beds = self._beds()
        # 2. Where it is.
        district = self._district(home)
        street_code = self._street_code(district)
        longitude, latitude = self._place()
        # 3. What else the register says.
        made = Institution(
            institution_id=institution_id,
            name=name,
            division_code=street_code or district or home,
            street=self._text("street", _STREET_CHARS_MAX, Defect.STREET_TOO_LONG),
            address=self._address(),
            postcode=self._postcode(),
            approved_beds=beds or 0,
            operation_mode=self._mode(),
            established_date=self._founded(today),
            unified_social_credit_code=self._credit_code(),
            longitude_e6=longitude,
            latitude_e6=latitude,
            state=INSTITUTION_STATE_OPERATING,
        )
        return None if any(found.leaves_out for found in self.findings) else made

    def _cell(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def _note(self, column: str, defect: Defect) -> None:
        self.findings.append(finding(self.number, column, self._cell(column), defect))

    def _province(self, wanted: str | None) -> str:
        text = self._cell("province_code")
        try:
            code = parse_province(text)
        except Refusal:
            self._note("province_code", Defect.PROVINCE_UNREADABLE)
            return ""
        if wanted is not None and code != wanted:
            self._note("province_code", Defect.PROVINCE_OTHER)
        return code

    def _number(self, home: str, seen: set[str]) -> str:
        text = self._cell("src_id")
        if not text:
            self._note("src_id", Defect.NUMBER_MISSING)
            return ""
        try:
            name = str(InstitutionId.parse(f"{home or '310000'}-{text}"))
        except Refusal:
            self._note("src_id", Defect.NUMBER_MALFORMED)
            return ""
        if name in seen:
            self._note("src_id", Defect.NUMBER_REPEATED)
        return name

    def _name(self) -> str:
        text = self._cell("name")
        if not text:
            self._note("name", Defect.NAME_MISSING)
        elif len(text) > _NAME_CHARS_MAX:
            self._note("name", Defect.NAME_TOO_LONG)
        return text

    def _beds(self) -> int | None:
        value = _decimal(self._cell("approved_beds"))
        if value is None or value != value.to_integral_value() or not 0 <= value <= _BEDS_MAX:
            self._note("approved_beds", Defect.BEDS_UNREADABLE)
            return None
        if not value:
            self._note("approved_beds", Defect.BEDS_ZERO)
        return int(value)

    def _district(self, home: str) -> str:
        text = self._cell("district_code")
        if not text:
            self._note("district_code", Defect.DISTRICT_MISSING)
            return ""
        if not _DISTRICT.fullmatch(text) or (home and text[:2] != home[:2]):
            self._note("district_code", Defect.DISTRICT_MALFORMED)
            return ""
        if is_statistical(text):
            self._note("district_code", Defect.DISTRICT_STATISTICAL)
        return text

    def _street_code(self, district: str) -> str:
        text = self._cell("street_code")
        if not text:
            if self._cell("street"):
                self._note("street", Defect.STREET_WITHOUT_CODE)
            else:
                self._note("street_code", Defect.STREET_MISSING)
            return ""
        if not _STREET.fullmatch(text):
            self._note("street_code", Defect.STREET_MALFORMED)
            return ""
        if district and not text.startswith(district):
            self._note("street_code", Defect.STREET_ELSEWHERE)
            return ""
        return text if district else ""

    def _text(self, column: str, chars_max: int, defect: Defect) -> str:
        text = self._cell(column)
        if len(text) > chars_max:
            self._note(column, defect)
            return ""
        return text

    def _address(self) -> str:
        if not self._cell("address"):
            self._note("address", Defect.ADDRESS_MISSING)
        return self._text("address", _ADDRESS_CHARS_MAX, Defect.ADDRESS_TOO_LONG)

    def _postcode(self) -> str:
        text = self._cell("zipcode")
        if not text:
            self._note("zipcode", Defect.POSTCODE_MISSING)
        elif not _POSTCODE.fullmatch(text):
            self._note("zipcode", Defect.POSTCODE_MALFORMED)
            return ""
        return text

    def _mode(self) -> "OperationMode.ValueType":
        text = self._cell("operation_mode")
        if not text:
            self._note("operation_mode", Defect.MODE_MISSING)
        elif text not in _MODES:
            self._note("operation_mode", Defect.MODE_UNKNOWN)
        return _MODES.get(text, OPERATION_MODE_UNSPECIFIED)

    def _founded(self, today: date) -> str:
        text = self._cell("established")
        if not text:
            self._note("established", Defect.FOUNDING_MISSING)
            return ""
        slashed = _SLASHED_DATE.fullmatch(text)
        if slashed:
            year, month, day = slashed.groups()
            text = f"{year}-{int(month):02d}-{int(day):02d}"
        try:
            founded = parse_date(text)
        except Refusal:
            founded = None
        if founded is None or founded > today:
            self._note("established", Defect.FOUNDING_UNREADABLE)
            return ""
        return founded.isoformat()

    def _credit_code(self) -> str:
        text = self._cell("unified_social_credit_code")
        if not text:
            return ""
        try:
            return parse_uscc(text)
        except Refusal:
            self._note("unified_social_credit_code", Defect.CREDIT_CODE_MALFORMED)
            return ""

    def _place(self) -> tuple[int, int]:
        texts = self._cell("lng"), self._cell("lat")
        if not all(texts):
            self._note("lng" if not texts[0] else "lat", Defect.PLACE_MISSING)
            return 0, 0
        for column, text, (low, high) in zip(
            ("lng", "lat"), texts, (_LONGITUDES, _LATITUDES), strict=True
        ):
            value = _decimal(text)
            if value is None or not low <= value <= high:
                self._note(column, Defect.PLACE_UNREADABLE)
                return 0, 0
        return _micro(texts[0]), _micro(texts[1])


def _decimal(text: str) -> Decimal | None:
    """Return the number that a cell states, thousands separators and all; ``None`` if none."""
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _micro(text: str) -> int:
    return int((Decimal(text.replace(",", "")) * _MICRO).to_integral_value())


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
