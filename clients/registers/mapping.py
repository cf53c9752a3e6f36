"""What a mapping says: where in a register each of our attributes stands, and how it is written.

Another city's system is such a value, read from a file, and no program. These are values and the
table of attributes that a mapping may speak of; `mapping_file` reads them, `reader` applies them.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from deltacare.v1.entry_pb2 import (
    Authority,
    InstitutionState,
    MedicalFacilityKind,
    OperationMode,
    ProviderType,
)
from settlement.files import Layout

__all__ = [
    "ATTRIBUTES",
    "CELL_CHARS_MAX",
    "DATES_DEFAULT",
    "Attribute",
    "Cell",
    "DateForm",
    "GradeColumns",
    "Kind",
    "Match",
    "RegisterMapping",
]


CELL_CHARS_MAX = 4_000
"""Longest text that replacing may make of a cell: more than any attribute takes."""

# What a cell comes to that would be longer: for every attribute too long or not a value.
_OVERGROWN = "…" * (CELL_CHARS_MAX + 1)


class Kind(enum.Enum):
    """How the text of an attribute is read."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DEGREES = "degrees"
    CHOICE = "choice"
    CODE = "code"
    TEXTS = "texts"
    CHOICES = "choices"

    @property
    def is_list(self) -> bool:
        """Whether one cell may hold several."""
        return self in (Kind.TEXTS, Kind.CHOICES)


class Match(enum.Enum):
    """By what a row of the register is known to be an institution of ours."""

    NUMBER = "number"
    CREDIT_CODE = "unified_social_credit_code"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What may stand under ``[columns]``.

    Attributes:
        kind: How its text is read.
        fields: Fields of ``Institution`` that it fills.
        choices: What a code may mean, by name; empty where a text stands as it is.
    """

    kind: Kind
    fields: tuple[str, ...] = ()
    choices: Mapping[str, int] = field(default_factory=dict)


def _choices(wrapper: object, *, with_unspecified: bool = False) -> Mapping[str, int]:
    """Return the values of an enum of the contract, by name without the prefix."""
    items = dict(wrapper.items())  # type: ignore[attr-defined]  # an enum of protobuf
    (first,) = (name for name, number in items.items() if number == 0)
    prefix = first.removesuffix("UNSPECIFIED")
    return MappingProxyType(
        {
            name.removeprefix(prefix): number
            for name, number in items.items()
            if number or with_unspecified
        }
    )


ATTRIBUTES: Mapping[str, Attribute] = MappingProxyType(
    {
        "number": Attribute(kind=Kind.TEXT, fields=("institution_id",)),
        "province": Attribute(kind=Kind.TEXT),
        "name": Attribute(kind=Kind.TEXT, fields=("name",)),
        "district_code": Attribute(kind=Kind.TEXT, fields=("division_code",)),
        "street_code": Attribute(kind=Kind.TEXT, fields=("division_code",)),
        "street": Attribute(kind=Kind.TEXT, fields=("street",)),
        "address": Attribute(kind=Kind.TEXT, fields=("address",)),
        "postcode": Attribute(kind=Kind.TEXT, fields=("postcode",)),
        "approved_beds": Attribute(kind=Kind.NUMBER, fields=("approved_beds",)),
        "open_beds": Attribute(kind=Kind.NUMBER, fields=("open_beds",)),
        "operation_mode": Attribute(
            kind=Kind.CHOICE,
            fields=("operation_mode",),
            choices=_choices(OperationMode, with_unspecified=True),
        ),
        "provider_type": Attribute(
            kind=Kind.CHOICE,
            fields=("provider_type",),
            choices=_choices(ProviderType, with_unspecified=True),
        ),
        "established_date": Attribute(kind=Kind.DATE, fields=("established_date",)),
        "unified_social_credit_code": Attribute(
            kind=Kind.TEXT, fields=("unified_social_credit_code",)
        ),
        "longitude": Attribute(kind=Kind.DEGREES, fields=("longitude_e6",)),
        "latitude": Attribute(kind=Kind.DEGREES, fields=("latitude_e6",)),
        "state": Attribute(kind=Kind.CHOICE, fields=("state",), choices=_choices(InstitutionState)),
        "state_date": Attribute(kind=Kind.DATE, fields=("state_date",)),
        "state_reason": Attribute(kind=Kind.CODE, fields=("state_reason",)),
        "successor_ids": Attribute(kind=Kind.TEXTS, fields=("successor_ids",)),
        "medical_facilities": Attribute(
            kind=Kind.CHOICES,
            fields=("medical_facilities",),
            choices=_choices(MedicalFacilityKind),
        ),
        "medical_insured": Attribute(
            kind=Kind.CHOICE,
            fields=("medical_facilities",),
            choices=MappingProxyType({"NO": 0, "YES": 1}),
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where an attribute stands in a row, and what is done to its text before it is read.

    Attributes:
        headers: Names that its column may have; empty for a constant.
        constant: What every row says; ``None`` where a column says it.
        separator: What separates the parts of a cell that holds several.
        part: Which part is meant, from 1; 0 for the whole cell, or for all parts of a list.
        replace: Texts and what stands in their place, in order.
        unit: A word behind the number that is no part of it, such as ``张``.
        divisor: What a number is divided by, such as 1,000,000 for micro-degrees.
    """

    headers: tuple[str, ...] = ()
    constant: str | None = None
    separator: str = ""
    part: int = 0
    replace: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    divisor: int = 1

    def cut(self, text: str) -> str:
        """Return what the attribute says, of the text of its cell."""
        text = text.strip()
        if self.part:
            parts = text.split(self.separator)
            text = parts[self.part - 1].strip() if self.part <= len(parts) else ""
        return self._worked(text)

    def cut_all(self, text: str) -> tuple[str, ...]:
        """Return everything that a cell with several says."""
        parts = text.split(self.separator) if self.separator else [text]
        return tuple(worked for part in parts if (worked := self._worked(part.strip())))

    def _worked(self, text: str) -> str:
        for old, new in self.replace:
            if len(text) + text.count(old) * (len(new) - len(old)) > CELL_CHARS_MAX:
                return _OVERGROWN
            text = text.replace(old, new)
        return text.strip().removesuffix(self.unit).strip() if self.unit else text.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class DateForm:
    """How dates are written, such as ``YYYY年M月D日``; without a day it names a month.

    Attributes:
        text: As the mapping writes it.
        pattern: The same as a regular expression with groups for year, month and day.
    """

    text: str
    pattern: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> "DateForm | None":
        """Return the form that a text describes, ``None`` if it describes none."""
        match = re.fullmatch(r"YYYY([^YMD0-9]?)(MM?)([^YMD0-9]?)(?:(DD?)([^YMD0-9]?))?", text)
        if match is None or (match[4] and not (match[1] and match[3]) and text != "YYYYMMDD"):
            return None
        digits = {"M": r"(\d{1,2})", "MM": r"(\d{2})", "D": r"(\d{1,2})", "DD": r"(\d{2})"}
        first, month, second, day, last = match.groups()
        pattern = r"(\d{4})" + re.escape(first) + digits[month] + re.escape(second)
        if day:
            pattern += digits[day] + re.escape(last)
        return cls(text=text, pattern=re.compile(pattern, re.ASCII))


DATES_DEFAULT = ("YYYY-MM-DD", "YYYY/M/D", "YYYY.M.D", "YYYY年M月D日")


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeColumns:
    """Where a register shows the grades of one scheme.

    Attributes:
        scheme: Code of the scheme.
        grade: Where the grade stands.
        from_date: Where its first day stands.
        until_date: Where its last day stands; ``None`` if the register does not show it.
        valid_months: How long it holds where the register shows no last day; 0: not known.
        codes: What the register writes, and the grade within the scheme that it means.
    """

    scheme: str
    grade: Cell
    from_date: Cell
    until_date: Cell | None
    valid_months: int
    codes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterMapping:
    """How one register is read.

    Attributes:
        name: Short name: that of its file without suffix.
        source: Code of the source, as claims name it.
        title_zh: What the register is called in Chinese.
        title_en: The same in English.
        authorities: What the source is; it owns attributes accordingly.
        province: Province of every row; empty where a column says it.
        match: By what a row is known.
        layout: How the file is laid out.
        dates: How dates are written.
        columns: Where each attribute stands.
        codes: By attribute what the register writes and what it means by our names.
        grades: Schemes whose grades it shows.
    """

    name: str
    source: str
    title_zh: str
    title_en: str
    authorities: tuple[int, ...]
    province: str
    match: Match
    layout: Layout
    dates: tuple[DateForm, ...]
    columns: Mapping[str, Cell]
    codes: Mapping[str, Mapping[str, str]]
    grades: tuple[GradeColumns, ...] = ()

    @property
    def authority_names(self) -> tuple[str, ...]:
        """Names of the authorities without the prefix."""
        return tuple(
            Authority.Name(Authority.ValueType(number)).removeprefix("AUTHORITY_")
            for number in self.authorities
        )

    @property
    def required(self) -> tuple[str, ...]:
        """Attributes without which no row can be taken."""
        named = "number" if self.match is Match.NUMBER else self.match.value
        wanted = (named, "province", "name", "approved_beds")
        return tuple(dict.fromkeys(name for name in wanted if name in self.columns))

    @property
    def cells(self) -> Mapping[str, Cell]:
        """Every cell that is read of a row, by attribute; grades by their place."""
        found = dict(self.columns)
        for place, grade in enumerate(self.grades):
            found[f"grades[{place}].grade"] = grade.grade
            found[f"grades[{place}].from_date"] = grade.from_date
            if grade.until_date is not None:
                found[f"grades[{place}].until_date"] = grade.until_date
        return found
