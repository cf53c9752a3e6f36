"""Administrative divisions: codes of five lengths, what lies in what, and what became of what.

A code in a record may be older than today's table: districts are merged, split and renamed, and
an old person's papers keep the code of their time. So every question about containment names a
date. This module embeds the four provinces and a short list of changes since 2009, not a table of
names: a caller who has one (such as the National Bureau of Statistics publishes) builds a
`DivisionTable` from its rows.

Codes: GB/T 2260 (province, city, county), GB/T 10114 (street or town), and the statistical
extension to twelve digits (village or neighbourhood).
"""

import enum
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Self

from deltacare.errors import invalid_field

__all__ = [
    "CHANGES",
    "PROVINCES",
    "Division",
    "DivisionLevel",
    "DivisionTable",
    "Province",
    "Validity",
    "city_of",
    "contains",
    "division_level",
    "is_statistical",
    "normalise_division",
    "province_of",
]

_MUNICIPALITIES = frozenset({"11", "12", "31", "50"})
_CODE = re.compile(r"[1-9][0-9](?:[0-9]{2}|[0-9]{4}|[0-9]{7}|[0-9]{10})?", re.ASCII)
_CANONICAL_CHARS = (6, 9, 12)
_RESOLVE_STEPS_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Province:
    """A province-level division of the delta.

    Attributes:
        code: Six digits.
        name_zh: Short name in Chinese.
        name_en: Short name in English.
    """

    code: str
    name_zh: str
    name_en: str


PROVINCES: Mapping[str, Province] = MappingProxyType(
    {
        code: Province(code=code, name_zh=name_zh, name_en=name_en)
        for code, name_zh, name_en in (
            ("310000", "上海", "Shanghai"),
            ("320000", "江苏", "Jiangsu"),
            ("330000", "浙江", "Zhejiang"),
            ("340000", "安徽", "Anhui"),
        )
    }
)


class DivisionLevel(enum.IntEnum):
    """How deep a division lies; a smaller number is wider."""

    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    STREET = 4
    VILLAGE = 5


class Validity(enum.Enum):
    """Whether a division exists on a date."""

    VALID = "valid"
    NOT_YET = "not_yet"
    ABOLISHED = "abolished"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A division and the time of its code.

    Attributes:
        code: Canonical code.
        name: Its name, empty if not known.
        from_date: First day of the code; ``None`` if it is older than the table.
        until_date: First day on which the code is no more; ``None`` if it is in use.
        successors: Codes that took over its area, all of them, if it is no more.
    """

    code: str
    name: str = ""
    from_date: date | None = None
    until_date: date | None = None
    successors: tuple[str, ...] = ()


def normalise_division(text: str, *, field: str = "division") -> str:
    """Return the canonical code of a division.

    Args:
        text: 2, 4, 6, 9 or 12 digits; trailing zeros mean that nothing narrower is named.
        field: The name that a refusal gives.

    Returns:
        Six digits for a province, city or county, nine for a street or town, twelve for a
        village or neighbourhood.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such code.
    """
    code = text.strip()
    if not _CODE.fullmatch(code):
        raise invalid_field(
            field,
            text,
            "This is not the code of a division.",
            "Write 2, 4, 6, 9 or 12 digits, such as 310151.",
        )
    full = code.ljust(12, "0")
    province, city, county, street, village = full[:2], full[2:4], full[4:6], full[6:9], full[9:]
    gap = (
        (city == "00" and (county != "00" or street != "000" or village != "000"))
        or (county == "00" and (street != "000" or village != "000"))
        or (street == "000" and village != "000")
    )
    if gap:
        raise invalid_field(
            field,
            text,
            f"Within {province} the code names a part but not the whole it lies in.",
            "Check the digits in the middle.",
        )
    if village != "000":
        return full
    return full[:9] if street != "000" else full[:6]


def _significant(code: str) -> str:
    """Return the digits of a canonical code that say where it is."""
    if len(code) == 6:  # noqa: PLR2004 - the length of a county code
        return code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code
    return code


def division_level(code: str) -> DivisionLevel:
    """Return how deep a canonical code lies."""
    assert len(code) in _CANONICAL_CHARS, "the code is canonical"
    return {
        2: DivisionLevel.PROVINCE,
        4: DivisionLevel.CITY,
        6: DivisionLevel.COUNTY,
        9: DivisionLevel.STREET,
        12: DivisionLevel.VILLAGE,
    }[len(_significant(code))]


def province_of(code: str) -> str:
    """Return the province, in six digits, of a canonical code."""
    assert len(code) in _CANONICAL_CHARS, "the code is canonical"
    return code[:2] + "0000"


def city_of(code: str) -> str | None:
    """Return the digits that tell the city of a canonical code from others, ``None`` if unknown.

    A municipality (直辖市) is one city, whatever its districts; of another province's code alone
    no city is known.
    """
    if code[:2] in _MUNICIPALITIES:
        return code[:2]
    return None if division_level(code) is DivisionLevel.PROVINCE else code[:4]


def is_statistical(code: str) -> bool:
    """Whether a canonical code is one that statisticians give to a development zone.

    The National Bureau of Statistics uses 71 to 79 as county digits for zones that GB/T 2260 does
    not know, such as 320576 苏州工业园区; nobody's registered home lies in one.
    """
    return code[4:5] == "7" and code[5:6] != "0"


# Changes since 2009, from the day they were announced; successors hold the whole former area.
# Announcements of the governments concerned; codes of the yearly tables of the Ministry of Civil
# Affairs. A change that is not listed is given by the caller's rows.
_CHANGES: tuple[tuple[str, str, str, tuple[tuple[str, str, str], ...]], ...] = (
    # Shanghai
    ("2009-05-06", "", "", (("310119", "南汇区", "310115"),)),
    ("2011-06-08", "", "", (("310103", "卢湾区", "310101"),)),
    ("2015-11-04", "", "", (("310108", "闸北区", "310106"),)),
    ("2016-07-22", "310151", "崇明区", (("310230", "崇明县", "310151"),)),
    # Jiangsu
    (
        "2012-09-01",
        "320508",
        "姑苏区",
        (
            ("320502", "沧浪区", "320508"),
            ("320503", "平江区", "320508"),
            ("320504", "金阊区", "320508"),
        ),
    ),
    ("2012-09-01", "320509", "吴江区", (("320584", "吴江市", "320509"),)),
    (
        "2020-07-17",
        "320613",
        "崇川区",
        (("320602", "崇川区", "320613"), ("320611", "港闸区", "320613")),
    ),
    ("2020-07-17", "320614", "海门区", (("320684", "海门市", "320614"),)),
    # Zhejiang
    ("2021-04-09", "", "", (("330103", "下城区", "330105"),)),
    ("2021-04-09", "330114", "钱塘区", (("330104", "江干区", "330102 330114"),)),
    ("2021-04-09", "330113", "临平区", ()),
    # Anhui
    ("2011-08-22", "340181", "巢湖市", (("341402", "居巢区", "340181"),)),
    ("2011-08-22", "340124", "庐江县", (("341421", "庐江县", "340124"),)),
    ("2011-08-22", "340225", "无为县", (("341422", "无为县", "340225"),)),
    ("2011-08-22", "340522", "含山县", (("341423", "含山县", "340522"),)),
    ("2011-08-22", "340523", "和县", (("341424", "和县", "340207 340523"),)),
    ("2011-08-22", "", "", (("341400", "巢湖市", "340100 340200 340500"),)),
    ("2016-01-04", "340706", "义安区", (("340721", "铜陵县", "340706"),)),
    (
        "2016-01-04",
        "340705",
        "铜官区",
        (("340702", "铜官山区", "340705"), ("340703", "狮子山区", "340705")),
    ),
    ("2016-01-04", "340722", "枞阳县", (("340823", "枞阳县", "340722"),)),
    ("2016-01-04", "340422", "寿县", (("341521", "寿县", "340422"),)),
    ("2019-08-06", "341882", "广德市", (("341822", "广德县", "341882"),)),
    ("2019-12-16", "340281", "无为市", (("340225", "无为县", "340281"),)),
    (
        "2020-07-06",
        "340209",
        "弋江区",
        (("340203", "弋江区", "340209"), ("340208", "三山区", "340209")),
    ),
    ("2020-07-06", "340210", "湾沚区", (("340221", "芜湖县", "340210"),)),
    ("2020-07-06", "340212", "繁昌区", (("340222", "繁昌县", "340212"),)),
)


class DivisionTable:
    """Divisions by code, immutable, with the questions that depend on a date.

    A code that the table does not hold is taken to exist and to lie where its digits say: most
    tables that callers have are of one day and name no abolished code.

    Args:
        divisions: One for each code.
    """

    def __init__(self, divisions: Iterable[Division]) -> None:
        rows = {division.code: division for division in divisions}
        predecessors: dict[str, list[str]] = {}
        for division in rows.values():
            for successor in division.successors:
                predecessors.setdefault(successor, []).append(division.code)
        self._rows: Mapping[str, Division] = MappingProxyType(rows)
        self._predecessors: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {code: tuple(sorted(codes)) for code, codes in predecessors.items()}
        )

    @classmethod
    def of(cls, rows: Iterable[Division]) -> Self:
        """Return the embedded changes completed by a caller's rows.

        A caller's row gives its name, and its dates and successors where it states any.
        """
        merged = dict(CHANGES._rows)  # noqa: SLF001 - of this class
        for row in rows:
            known = merged.get(row.code)
            if known is not None and not (row.from_date or row.until_date or row.successors):
                merged[row.code] = Division(
                    code=row.code,
                    name=row.name or known.name,
                    from_date=known.from_date,
                    until_date=known.until_date,
                    successors=known.successors,
                )
            else:
                merged[row.code] = row
        return cls(merged.values())

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def change_dates(self) -> tuple[date, ...]:
        """The days on which a code begins or ends, ascending: between two, no answer changes."""
        days = {day for row in self._rows.values() for day in (row.from_date, row.until_date)}
        return tuple(sorted(day for day in days if day is not None))

    def get(self, code: str) -> Division | None:
        """Return the division of a canonical code, ``None`` if the table does not hold it."""
        return self._rows.get(code)

    def name(self, code: str) -> str:
        """Return the name of a division, or its code if the table has no name for it."""
        row = self._rows.get(code)
        return row.name if row is not None and row.name else code

    def validity(self, code: str, on_date: date) -> Validity:
        """Return whether a canonical code exists on a date, as far as the table knows."""
        row = self._rows.get(code)
        if row is None:
            return Validity.UNKNOWN
        if row.from_date is not None and on_date < row.from_date:
            return Validity.NOT_YET
        if row.until_date is not None and on_date >= row.until_date:
            return Validity.ABOLISHED
        return Validity.VALID

    def resolve(self, code: str, on_date: date) -> tuple[str, ...]:
        """Return the divisions that hold the area of a code on a date.

        An abolished code leads to its successors, a code of a later time to its predecessors; a
        street or village of an abolished county to the county's successors, because its own new
        code is not known. Any other code leads to itself; a table that runs in circles, nowhere.
        """
        current, done = {code}, set[str]()
        for _ in range(_RESOLVE_STEPS_MAX):
            moved: set[str] = set()
            for each in current:
                county = self._rows.get(each) or self._rows.get(each[:6])
                state = self.validity(county.code, on_date) if county else Validity.UNKNOWN
                if county is not None and state is Validity.ABOLISHED and county.successors:
                    moved.update(county.successors)
                elif county is not None and state is Validity.NOT_YET:
                    earlier = self._predecessors.get(county.code, ())
                    (moved if earlier else done).update(earlier or (each,))
                else:
                    done.add(each)
            current = moved - done
            if not current:
                return tuple(sorted(done))
        return ()

    def contains(self, wider: str, narrower: str, on_date: date) -> bool:
        """Whether all of one division lies in another on a date.

        The wider one must exist on that date, or have become, unchanged in area, a division that
        does: an agreement of 崇明县 holds for 崇明区, but one of a district that was merged or
        split ends with it. The narrower may be of any time; if it was split, every part must lie
        in the wider one.

        Args:
            wider: Canonical code.
            narrower: Canonical code.
            on_date: The date of the question.
        """
        outer = self._continued(wider, on_date)
        if outer is None:
            return False
        prefix = _significant(outer)
        parts = self.resolve(narrower, on_date)
        return bool(parts) and all(part.startswith(prefix) for part in parts)

    def _continued(self, code: str, on_date: date) -> str | None:
        """Return the code that a whole area goes by on a date, ``None`` if it is no more."""
        for _ in range(_RESOLVE_STEPS_MAX):
            state = self.validity(code, on_date)
            if state in (Validity.VALID, Validity.UNKNOWN):
                return code
            row = self._rows[code]
            if state is Validity.NOT_YET or len(row.successors) != 1:
                return None
            (successor,) = row.successors
            heir = self._rows.get(successor)
            if heir is None or heir.from_date != row.until_date:
                return None
            if self._predecessors[successor] != (code,):
                return None
            code = successor
        return None


def _embedded() -> DivisionTable:
    """Return the table of the provinces and of `_CHANGES`."""
    rows = {p.code: Division(code=p.code, name=p.name_zh) for p in PROVINCES.values()}
    for text, _, _, abolished in _CHANGES:
        day = date.fromisoformat(text)
        for code, name, successors in abolished:
            rows[code] = Division(
                code=code, name=name, until_date=day, successors=tuple(successors.split())
            )
    for text, code, name, _ in _CHANGES:
        if code:
            gone = rows.get(code)
            rows[code] = Division(
                code=code,
                name=name,
                from_date=date.fromisoformat(text),
                until_date=gone.until_date if gone else None,
                successors=gone.successors if gone else (),
            )
    return DivisionTable(rows.values())


CHANGES = _embedded()
"""The embedded table: four provinces and the changes listed in this module."""


def contains(wider: str, narrower: str, on_date: date) -> bool:
    """Whether all of one division lies in another on a date, by the embedded table.

    See `DivisionTable.contains`.
    """
    return CHANGES.contains(wider, narrower, on_date)
