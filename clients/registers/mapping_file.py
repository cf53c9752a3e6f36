"""Reads the mapping of a register from TOML, strictly: what is not understood is named by its line.

A key that is misspelt and silently ignored would leave beds or grades out of every import. So every
key, attribute, code and date form has to be known, and every fault of the file is told at once.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clients.registers.mapping import (
    ATTRIBUTES,
    DATES_DEFAULT,
    Cell,
    DateForm,
    GradeColumns,
    Kind,
    Match,
    RegisterMapping,
)
from clients.registers.mapping_faults import (
    MISSING,
    WRONG_TYPE,
    FaultReader,
    Words,
    bad_mapping,
    key_lines,
)
from deltacare.divisions import PROVINCES
from deltacare.v1.entry_pb2 import Authority
from settlement.files import Layout
from settlement.findings import BadFile

__all__ = ["BYTES_MAX", "FORMAT", "read_mapping"]

FORMAT = "deltacare/register-mapping/v1"

BYTES_MAX = 1_000_000
_CODE = re.compile(r"[A-Z0-9_]{1,64}", re.ASCII)
_TABLES = ("format", "source", "file", "columns", "codes", "grades")
_SOURCE = ("id", "name_zh", "name_en", "authorities", "province", "match")
_FILE = ("encodings", "sheet", "header_row", "delimiter", "dates", "coordinates")
_ENCODINGS = ("utf-8", "gb18030")
_DELIMITERS = (",", ";", "\t", "|")
_CELL_ALWAYS = ("column", "constant", "separator", "part", "replace")
_GRADES_MAX = 16
_MONTHS_MAX = 1_200
_HEADER_ROW_MAX = 100
# The only coordinates that entries carry; others have to be converted where they come from.
_COORDINATES = "GCJ-02"


def read_mapping(data: bytes, *, name: str, file: str) -> RegisterMapping:
    """Return the mapping that a TOML text says.

    Args:
        data: The text in UTF-8.
        name: Short name of the mapping.
        file: Name of the file, for a refusal.

    Raises:
        BadFile: With every fault, by line and key.
    """
    if len(data) > BYTES_MAX:
        raise bad_mapping(
            file,
            str(len(data)),
            ("文件过大。", "The file is too large."),
            ("映射文件不超过 1 MB。", "A mapping has at most 1 MB."),
        )
    try:
        text = data.decode("utf-8-sig")
        document = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        place = re.search(r"line (\d+)", str(error))
        raise bad_mapping(
            file,
            "",
            ("不是 UTF-8 编码的 TOML。", "This is not TOML in UTF-8."),
            (
                "请核对该行的引号、方括号与等号。",
                "Check the quotes, brackets and equals signs of this line.",
            ),
            row=int(place[1]) if place else 0,
        ) from None
    reading = _Reading(document, key_lines(text))
    mapping = reading.mapping(name)
    if reading.findings.total:
        raise BadFile(file, reading.findings)
    return mapping


class _Reading(FaultReader):
    """One file while it is read; gathers what is wrong with it."""

    def mapping(self, name: str) -> RegisterMapping:
        """Return the mapping as far as it can be read."""
        self.check_keys("", self.document, _TABLES)
        if self.document.get("format") != FORMAT:
            self.wrong(
                "format",
                self.document.get("format", ""),
                ("不认识的映射格式。", "The format of the mapping is not known."),
                (f"首行写 format = “{FORMAT}”。", f"Begin the file with format = {FORMAT!r}."),
            )
        source = self.take_table("source", _SOURCE)
        shape = self.take_table("file", _FILE)
        columns = self._columns()
        codes = self._codes(columns)
        columns = _constants_meant(columns, codes)
        match = self.one_of("source.match", source.get("match", "number"), _MATCHES)
        mapping = RegisterMapping(
            name=name,
            source=self._source_id(source),
            title_zh=self.take_text("source.name_zh", source.get("name_zh")),
            title_en=self.take_text("source.name_en", source.get("name_en")),
            authorities=self._authorities(source),
            province=self._province(source, columns),
            match=Match(match or Match.NUMBER),
            layout=self._layout(shape),
            dates=self._dates(shape),
            columns=columns,
            codes=codes,
            grades=self._grades(),
        )
        self._coordinates(shape, columns)
        self._complete(mapping)
        return mapping

    # What the tables say.

    def _source_id(self, source: Mapping[str, Any]) -> str:
        found = source.get("id", "")
        if not isinstance(found, str) or not _CODE.fullmatch(found):
            self.wrong(
                "source.id",
                found,
                ("来源代码有误。", "This is no code of a source."),
                (
                    "使用 1 至 64 位大写字母、数字、下划线。",
                    "Use 1 to 64 capital letters, digits and underscores.",
                ),
            )
            return ""
        return found

    def _authorities(self, source: Mapping[str, Any]) -> tuple[int, ...]:
        known = {
            name.removeprefix("AUTHORITY_"): number for name, number in Authority.items() if number
        }
        names = self.take_texts("source.authorities", source.get("authorities"))
        return tuple(
            known[name]
            for name in names
            if self.one_of("source.authorities", name, tuple(known)) is not None
        )

    def _province(self, source: Mapping[str, Any], columns: Mapping[str, Cell]) -> str:
        fixed = source.get("province", "")
        if bool(fixed) == ("province" in columns):
            self.wrong(
                "source.province",
                fixed,
                (
                    "省份应由 source.province 或 columns.province 之一给出。",
                    "The province comes from source.province or columns.province, one of them.",
                ),
                ("保留其中一项。", "Keep one of the two."),
            )
        if not fixed:
            return ""
        return self.one_of("source.province", fixed, tuple(PROVINCES)) or ""

    def _layout(self, shape: Mapping[str, Any]) -> Layout:
        encodings = self.take_texts("file.encodings", shape.get("encodings", list(_ENCODINGS)))
        for name in encodings:
            self.one_of("file.encodings", name, _ENCODINGS)
        delimiter = shape.get("delimiter", "")
        if delimiter:
            self.one_of("file.delimiter", delimiter, _DELIMITERS)
        row = shape.get("header_row", 1)
        if type(row) is not int or not 1 <= row <= _HEADER_ROW_MAX:
            self.wrong(
                "file.header_row",
                row,
                ("标题行号有误。", "This is no row of a header."),
                ("填写 1 至 100 的整数。", "Write a whole number from 1 to 100."),
            )
            row = 1
        sheet = shape.get("sheet", "")
        return Layout(
            sheet=self.take_text("file.sheet", sheet) if sheet != "" else "",
            header_row=row,
            delimiter=delimiter if delimiter in _DELIMITERS else "",
            encodings=tuple(name for name in encodings if name in _ENCODINGS) or _ENCODINGS,
        )

    def _dates(self, shape: Mapping[str, Any]) -> tuple[DateForm, ...]:
        found = []
        for text in self.take_texts("file.dates", shape.get("dates", list(DATES_DEFAULT))):
            form = DateForm.of(text)
            if form is None:
                self.wrong(
                    "file.dates",
                    text,
                    ("不是日期格式。", "This is no form of a date."),
                    (
                        "由 YYYY、MM 或 M、DD 或 D 及分隔符组成，如 YYYY年M月D日。",
                        "Put it together of YYYY, MM or M, DD or D, such as YYYY-MM-DD.",
                    ),
                )
            else:
                found.append(form)
        return tuple(found)

    def _coordinates(self, shape: Mapping[str, Any], columns: Mapping[str, Cell]) -> None:
        system = shape.get("coordinates")
        if system is None and not {"longitude", "latitude"} & columns.keys():
            return
        if system != _COORDINATES:
            self.wrong(
                "file.coordinates",
                "" if system is None else system,
                (
                    "只接受 GCJ-02 坐标，本程序不作换算。",
                    "Only coordinates in GCJ-02 are taken; nothing is converted here.",
                ),
                (
                    "WGS-84、BD-09 或 CGCS2000 请先在来源系统换算，再写 coordinates = “GCJ-02”。",
                    "Convert other coordinates where they come from; say coordinates = 'GCJ-02'.",
                ),
            )

    def _columns(self) -> Mapping[str, Cell]:
        table = self.take_table("columns", tuple(ATTRIBUTES))
        found: dict[str, Cell] = {}
        for name, value in table.items():
            if name in ATTRIBUTES:
                cell = self._cell(f"columns.{name}", value, ATTRIBUTES[name].kind)
                if cell is not None:
                    found[name] = cell
        return found

    def _codes(self, columns: Mapping[str, Cell]) -> Mapping[str, Mapping[str, str]]:
        tables = self.take_table("codes", tuple(ATTRIBUTES))
        found: dict[str, Mapping[str, str]] = {}
        for name, table in tables.items():
            key = f"codes.{name}"
            if name not in ATTRIBUTES:
                continue
            if name not in columns:
                self.wrong(
                    key,
                    "",
                    ("没有列使用这些代码。", "No column uses these codes."),
                    (f"补上 columns.{name}，或删去本表。", f"Add columns.{name}, or remove it."),
                )
            found[name] = self._code_table(key, table, tuple(ATTRIBUTES[name].choices))
        for name, cell in columns.items():
            attribute = ATTRIBUTES[name]
            if cell.constant is not None and attribute.choices:
                meaning = found.get(name, {}).get(cell.constant, cell.constant)
                self.one_of(f"columns.{name}", meaning, tuple(attribute.choices))
            elif attribute.kind in (Kind.CHOICE, Kind.CHOICES, Kind.CODE) and name not in found:
                self.wrong(
                    f"codes.{name}",
                    "",
                    MISSING,
                    (
                        "写明名录中每种写法的含义。",
                        "Say what each word of the register means.",
                    ),
                )
        return found

    def _code_table(self, key: str, table: object, known: tuple[str, ...]) -> Mapping[str, str]:
        if not isinstance(table, Mapping):
            self.wrong(key, table, WRONG_TYPE, ("应为表。", "Write a table."))
            return {}
        found: dict[str, str] = {}
        for word, meaning in table.items():
            at = f"{key}.{word}"
            if known:
                if self.one_of(at, meaning, known) is not None:
                    found[str(word)] = meaning
            elif isinstance(meaning, str) and meaning:
                found[str(word)] = meaning
            else:
                self.wrong(at, meaning, WRONG_TYPE, ("应为文字。", "Write a text."))
        return found

    def _grades(self) -> tuple[GradeColumns, ...]:
        tables = self.document.get("grades", [])
        is_list = isinstance(tables, list) and all(isinstance(each, Mapping) for each in tables)
        if not is_list or len(tables) > _GRADES_MAX:
            self.wrong(
                "grades",
                "",
                WRONG_TYPE,
                ("写成 [[grades]]，至多 16 个。", "Write them as [[grades]], at most 16."),
            )
            return ()
        made = (self._grade(f"grades[{place}]", table) for place, table in enumerate(tables))
        return tuple(grade for grade in made if grade is not None)

    def _grade(self, key: str, table: Mapping[str, Any]) -> GradeColumns | None:
        known = ("scheme", "grade", "from_date", "until_date", "valid_months", "codes")
        self.check_keys(key, table, known)
        scheme = table.get("scheme", "")
        if not isinstance(scheme, str) or not _CODE.fullmatch(scheme):
            self.wrong(
                f"{key}.scheme",
                scheme,
                ("等级体系代码有误。", "This is no code of a scheme."),
                ("如 GB_T_37276。", "Write one such as GB_T_37276."),
            )
        cells = {
            name: self._cell(
                f"{key}.{name}", table[name], Kind.TEXT if name == "grade" else Kind.DATE
            )
            for name in ("grade", "from_date", "until_date")
            if name in table
        }
        for name in ("grade", "from_date"):
            if name not in table:
                self.wrong(f"{key}.{name}", "", MISSING, ("指明所在列。", "Name its column."))
        months = table.get("valid_months", 0)
        if type(months) is not int or not 0 <= months <= _MONTHS_MAX:
            self.wrong(
                f"{key}.valid_months",
                months,
                WRONG_TYPE,
                ("填写 0 至 1200 的整数。", "Write a whole number from 0 to 1200."),
            )
            months = 0
        codes = self._code_table(f"{key}.codes", table.get("codes", {}), ())
        grade, from_date = cells.get("grade"), cells.get("from_date")
        if grade is None or from_date is None:
            return None
        return GradeColumns(
            scheme=str(scheme),
            grade=grade,
            from_date=from_date,
            until_date=cells.get("until_date"),
            valid_months=months,
            codes=codes,
        )

    def _cell(self, key: str, value: object, kind: Kind) -> Cell | None:
        """Return what is said of one column, ``None`` if that is nothing that can be used."""
        if isinstance(value, str | list):
            value = {"column": value}
        if not isinstance(value, Mapping):
            self.wrong(
                key,
                value,
                WRONG_TYPE,
                ("写列名、列名的列表或表。", "Write a column's name, a list of names or a table."),
            )
            return None
        extra = {Kind.NUMBER: ("unit",), Kind.DEGREES: ("divisor",)}.get(kind, ())
        self.check_keys(key, value, (*_CELL_ALWAYS, *extra))
        named = value.get("column", [])
        headers = self.take_texts(f"{key}.column", [named] if isinstance(named, str) else named)
        constant = value.get("constant")
        if bool(headers) == isinstance(constant, str):
            self.wrong(
                key,
                "",
                (
                    "应写 column 或 constant 之一。",
                    "It says column or constant, one of the two.",
                ),
                ("保留其中一项。", "Keep one of the two."),
            )
            return None
        part, separator = value.get("part", 0), value.get("separator", "")
        if not isinstance(separator, str) or type(part) is not int or part < 0:
            self.wrong(key, f"{separator} {part}", WRONG_TYPE, _OF_PARTS)
            return None
        if bool(part) != bool(separator) and not (separator and kind.is_list):
            self.wrong(key, separator or str(part), WRONG_TYPE, _OF_PARTS)
        replace = value.get("replace", {})
        if not isinstance(replace, Mapping) or not all(
            isinstance(new, str) and old for old, new in replace.items()
        ):
            self.wrong(
                f"{key}.replace",
                replace,
                WRONG_TYPE,
                ("写成 { “旧” = “新” }。", "Write { 'old' = 'new' }."),
            )
            replace = {}
        divisor = value.get("divisor", 1)
        if type(divisor) is not int or divisor < 1:
            self.wrong(
                f"{key}.divisor", divisor, WRONG_TYPE, ("填写正整数。", "Write a whole number.")
            )
            divisor = 1
        return Cell(
            headers=headers,
            constant=constant if isinstance(constant, str) else None,
            separator=separator,
            part=part,
            replace=tuple(replace.items()),
            unit=self.take_text(f"{key}.unit", value["unit"]) if "unit" in value else "",
            divisor=divisor,
        )

    def _complete(self, mapping: RegisterMapping) -> None:
        """Note what has to be there for a row to name an institution."""
        named = "number" if mapping.match is Match.NUMBER else mapping.match.value
        wanted = {named}
        if Authority.Value("AUTHORITY_CIVIL_AFFAIRS") in mapping.authorities:
            wanted |= {"number", "name", "approved_beds", "state"}
        table = self.document.get("columns")
        # One that is there and wrong was named already.
        named = table.keys() if isinstance(table, Mapping) else ()
        for name in sorted(wanted.difference(mapping.columns, named)):
            self.wrong(f"columns.{name}", "", MISSING, ("指明所在列。", "Name its column."))
        for pair in (("longitude", "latitude"), ("latitude", "longitude")):
            if pair[0] in mapping.columns and pair[1] not in mapping.columns:
                at = f"columns.{pair[1]}"
                self.wrong(at, "", MISSING, ("指明所在列。", "Name its column."))


def _constants_meant(
    columns: Mapping[str, Cell], codes: Mapping[str, Mapping[str, str]]
) -> Mapping[str, Cell]:
    """Return columns whose constants are by our names where the register's words were written.

    Where a text stands as it is, its row is run through the codes like any other.
    """
    return {
        name: replace(cell, constant=codes[name].get(cell.constant, cell.constant))
        if cell.constant is not None and name in codes and ATTRIBUTES[name].choices
        else cell
        for name, cell in columns.items()
    }


_MATCHES = tuple(match.value for match in Match)
_OF_PARTS: Words = (
    "separator 与 part（从 1 起）须同时写；清单列可只写 separator。",
    "Say separator and part (from 1) together; a list may have a separator alone.",
)
