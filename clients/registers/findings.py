"""Defects of a register: what is wrong, where, and what to do, in both languages.

A defect is reported, never mended by guessing. Most leave the row usable and one field empty; the
others leave the row out. Which is which stands in the table below and nowhere else.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from clients.language import tr
from clients.registers.defect_words import WORDS

__all__ = ["UNREAD_FIELDS", "Defect", "Finding"]

_VALUE_SHOWN_CHARS_MAX = 60


class Defect(enum.Enum):
    """The kinds of defects; those that leave the row out come first."""

    ROW_BROKEN = "ROW_BROKEN"
    FORMULA_UNSAVED = "FORMULA_UNSAVED"
    NUMBER_MISSING = "NUMBER_MISSING"
    NUMBER_MALFORMED = "NUMBER_MALFORMED"
    NUMBER_REPEATED = "NUMBER_REPEATED"
    PROVINCE_UNREADABLE = "PROVINCE_UNREADABLE"
    PROVINCE_OTHER = "PROVINCE_OTHER"
    NAME_MISSING = "NAME_MISSING"
    NAME_TOO_LONG = "NAME_TOO_LONG"
    BEDS_UNREADABLE = "BEDS_UNREADABLE"
    STATE_UNKNOWN = "STATE_UNKNOWN"
    NOT_REGISTERED = "NOT_REGISTERED"
    SEVERAL_REGISTERED = "SEVERAL_REGISTERED"
    REOPENED_UNEXPLAINED = "REOPENED_UNEXPLAINED"
    COLUMN_ABSENT = "COLUMN_ABSENT"
    BEDS_ZERO = "BEDS_ZERO"
    OPEN_BEDS_UNREADABLE = "OPEN_BEDS_UNREADABLE"
    OPEN_BEDS_ABOVE_APPROVED = "OPEN_BEDS_ABOVE_APPROVED"
    DISTRICT_MISSING = "DISTRICT_MISSING"
    DISTRICT_MALFORMED = "DISTRICT_MALFORMED"
    DISTRICT_STATISTICAL = "DISTRICT_STATISTICAL"
    DISTRICT_UNKNOWN = "DISTRICT_UNKNOWN"
    DISTRICT_ABOLISHED = "DISTRICT_ABOLISHED"
    STREET_MISSING = "STREET_MISSING"
    STREET_WITHOUT_CODE = "STREET_WITHOUT_CODE"
    STREET_UNKNOWN = "STREET_UNKNOWN"
    STREET_MALFORMED = "STREET_MALFORMED"
    STREET_ELSEWHERE = "STREET_ELSEWHERE"
    FOUNDING_MISSING = "FOUNDING_MISSING"
    FOUNDING_UNREADABLE = "FOUNDING_UNREADABLE"
    MODE_MISSING = "MODE_MISSING"
    MODE_UNKNOWN = "MODE_UNKNOWN"
    PROVIDER_TYPE_MISSING = "PROVIDER_TYPE_MISSING"
    PROVIDER_TYPE_UNKNOWN = "PROVIDER_TYPE_UNKNOWN"
    STATE_DATE_UNREADABLE = "STATE_DATE_UNREADABLE"
    STATE_REASON_UNKNOWN = "STATE_REASON_UNKNOWN"
    SUCCESSOR_MALFORMED = "SUCCESSOR_MALFORMED"
    SUCCESSOR_UNKNOWN = "SUCCESSOR_UNKNOWN"
    SUCCESSOR_OF_OPEN = "SUCCESSOR_OF_OPEN"
    SUCCESSOR_CLOSED = "SUCCESSOR_CLOSED"
    GRADE_UNKNOWN = "GRADE_UNKNOWN"
    GRADE_DATE_UNREADABLE = "GRADE_DATE_UNREADABLE"
    GRADE_EXPIRED = "GRADE_EXPIRED"
    FACILITY_UNKNOWN = "FACILITY_UNKNOWN"
    INSURED_UNKNOWN = "INSURED_UNKNOWN"
    ADDRESS_MISSING = "ADDRESS_MISSING"
    ADDRESS_TOO_LONG = "ADDRESS_TOO_LONG"
    POSTCODE_MISSING = "POSTCODE_MISSING"
    POSTCODE_MALFORMED = "POSTCODE_MALFORMED"
    PLACE_MISSING = "PLACE_MISSING"
    PLACE_UNREADABLE = "PLACE_UNREADABLE"
    CREDIT_CODE_ABSENT = "CREDIT_CODE_ABSENT"
    CREDIT_CODE_MALFORMED = "CREDIT_CODE_MALFORMED"
    STREET_TOO_LONG = "STREET_TOO_LONG"

    @property
    def leaves_out(self) -> bool:
        """Whether a row with this defect cannot be taken."""
        return self in _LEAVE_OUT

    @property
    def what(self) -> str:
        """What is wrong, in the language of the run."""
        return tr(*WORDS[self.value].what)

    @property
    def remedy(self) -> str:
        """What to do, in the language of the run."""
        return tr(*WORDS[self.value].remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One defect of one cell.

    Attributes:
        row: Row of the file as a spreadsheet numbers it, the header being 1; 0 for the whole file.
        column: Name of the column.
        value: What was found, shortened.
        defect: What is wrong.
    """

    row: int
    column: str
    value: str
    defect: Defect

    @property
    def leaves_out(self) -> bool:
        """Whether the row was not taken because of it."""
        return self.defect.leaves_out

    def to_plain(self) -> dict[str, object]:
        """Return it for JSON, with its words in the language of the run."""
        return {
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "defect": self.defect.value,
            "left_out": self.leaves_out,
            "description": self.defect.what,
            "remedy": self.defect.remedy,
        }


def finding(row: int, column: str, value: str, defect: Defect) -> Finding:
    """Return a finding with its value shortened."""
    if len(value) > _VALUE_SHOWN_CHARS_MAX:
        value = value[: _VALUE_SHOWN_CHARS_MAX - 1] + "…"
    return Finding(row=row, column=column, value=value, defect=defect)


_LEAVE_OUT = frozenset(
    {
        Defect.ROW_BROKEN,
        Defect.FORMULA_UNSAVED,
        Defect.NUMBER_MISSING,
        Defect.NUMBER_MALFORMED,
        Defect.NUMBER_REPEATED,
        Defect.PROVINCE_UNREADABLE,
        Defect.PROVINCE_OTHER,
        Defect.NAME_MISSING,
        Defect.NAME_TOO_LONG,
        Defect.BEDS_UNREADABLE,
        Defect.STATE_UNKNOWN,
        Defect.NOT_REGISTERED,
        Defect.SEVERAL_REGISTERED,
        Defect.REOPENED_UNEXPLAINED,
    }
)


# Fields that stay empty where a cell cannot be read: unlike an empty cell, the register says
# something there, and it is not known what.
UNREAD_FIELDS: Mapping[Defect, tuple[str, ...]] = {
    Defect.DISTRICT_MALFORMED: ("division_code",),
    Defect.DISTRICT_UNKNOWN: ("division_code",),
    Defect.STREET_MALFORMED: ("division_code",),
    Defect.STREET_ELSEWHERE: ("division_code",),
    Defect.STREET_TOO_LONG: ("street",),
    Defect.FOUNDING_UNREADABLE: ("established_date",),
    Defect.MODE_UNKNOWN: ("operation_mode",),
    Defect.ADDRESS_TOO_LONG: ("address",),
    Defect.POSTCODE_MALFORMED: ("postcode",),
    Defect.PLACE_UNREADABLE: ("longitude_e6", "latitude_e6"),
    Defect.CREDIT_CODE_MALFORMED: ("unified_social_credit_code",),
    Defect.OPEN_BEDS_UNREADABLE: ("open_beds",),
    Defect.OPEN_BEDS_ABOVE_APPROVED: ("open_beds",),
    Defect.PROVIDER_TYPE_UNKNOWN: ("provider_type",),
    Defect.STATE_DATE_UNREADABLE: ("state_date",),
    Defect.STATE_REASON_UNKNOWN: ("state_reason",),
    Defect.SUCCESSOR_MALFORMED: ("successor_ids",),
    Defect.GRADE_UNKNOWN: ("grades",),
    Defect.GRADE_DATE_UNREADABLE: ("grades",),
    Defect.FACILITY_UNKNOWN: ("medical_facilities",),
    Defect.INSURED_UNKNOWN: ("medical_facilities",),
}

assert set(WORDS) == {defect.value for defect in Defect}, "every defect has its words"
