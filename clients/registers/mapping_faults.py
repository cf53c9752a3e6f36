"""Faults of a mapping's file by line and key: the parser of TOML keeps values and forgets lines."""

import re
from collections.abc import Mapping
from typing import Any

from settlement.findings import BadFile, Finding, Findings

__all__ = [
    "MISSING",
    "WRONG_TYPE",
    "FaultReader",
    "Words",
    "bad_mapping",
    "key_lines",
]

Words = tuple[str, str]
"""A sentence, Chinese first."""

_UNKNOWN_KEY: Words = ("没有这一项。", "There is no such key.")
MISSING: Words = ("缺少这一项。", "This key is missing.")
WRONG_TYPE: Words = ("类型不对。", "This is of the wrong type.")


_VALUE_CHARS_MAX = 60
_TABLE_LINE = re.compile(r"\s*\[(\[?)\s*([^\[\]]+?)\s*\]")
_KEY_LINE = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*=""")


def bad_mapping(file: str, value: str, problem: Words, remedy: Words, *, row: int = 0) -> BadFile:
    """Return the refusal of a mapping as a whole, for one reason."""
    return BadFile(file, Findings([_finding(row, "", value, problem, remedy)]))


def _finding(row: int, key: str, value: str, problem: Words, remedy: Words) -> Finding:
    """Return one fault of a mapping, by line and key."""
    return Finding(
        row=row,
        column=key,
        value=value[:_VALUE_CHARS_MAX],
        problem=problem[1],
        remedy=remedy[1],
        problem_zh=problem[0],
        remedy_zh=remedy[0],
    )


def key_lines(text: str) -> Mapping[str, int]:
    """Return on which line each key stands; the parser of TOML keeps values only."""
    found: dict[str, int] = {}
    table = ""
    counts: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _TABLE_LINE.match(line):
            table = heading[2].replace('"', "")
            if heading[1]:
                counts[table] = counts.get(table, -1) + 1
            head, _, rest = table.partition(".")
            if head in counts:
                table = f"{head}[{counts[head]}]" + (f".{rest}" if rest else "")
            found.setdefault(table, number)
        elif key := _KEY_LINE.match(line):
            name = key[1] or key[2] or key[3]
            found.setdefault(f"{table}.{name}" if table else name, number)
    return found


class FaultReader:
    """A document while it is read: takes what can be read and gathers what is wrong with the rest.

    Args:
        document: As parsed.
        lines: On which line each key stands.
    """

    def __init__(self, document: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        self.document = document
        self.lines = lines
        self.findings = Findings()

    def take_table(self, key: str, known: tuple[str, ...]) -> Mapping[str, Any]:
        """Return a table of the document, empty if there is none."""
        table = self.document.get(key, {})
        if not isinstance(table, Mapping):
            self.wrong(key, table, WRONG_TYPE, ("应为表。", "Write a table."))
            return {}
        self.check_keys(key, table, known)
        return table

    def check_keys(self, key: str, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        """Note every key that is not known."""
        listed = "、".join(known), ", ".join(known)
        for name in table:
            if name not in known:
                self.wrong(
                    f"{key}.{name}" if key else name,
                    "",
                    _UNKNOWN_KEY,
                    (f"可用：{listed[0]}。", f"There are: {listed[1]}."),
                )

    def one_of(self, key: str, value: object, known: tuple[str, ...]) -> str | None:
        """Return a value that is one of those known, else note it."""
        if isinstance(value, str) and value in known:
            return value
        listed = "、".join(map(repr, known)), ", ".join(map(repr, known))
        self.wrong(
            key,
            value,
            ("不在可用的值之中。", "It is none of the values that are known."),
            (f"可用：{listed[0]}。", f"There are: {listed[1]}."),
        )
        return None

    def take_text(self, key: str, value: object) -> str:
        """Return a text, else note that it is none."""
        if isinstance(value, str) and value.strip():
            return value
        self.wrong(
            key,
            "" if value is None else value,
            MISSING if value is None else WRONG_TYPE,
            ("应为文字。", "Write a text."),
        )
        return ""

    def take_texts(self, key: str, value: object) -> tuple[str, ...]:
        """Return a list of texts, else note that it is none."""
        if isinstance(value, list) and all(isinstance(each, str) and each for each in value):
            return tuple(value)
        self.wrong(
            key,
            "" if value is None else value,
            MISSING if value is None else WRONG_TYPE,
            ("应为文字的列表。", "Write a list of texts."),
        )
        return ()

    def wrong(self, key: str, value: object, problem: Words, remedy: Words) -> None:
        """Note one fault, on the line of its key or of the table around it."""
        at = key
        while at and at not in self.lines:
            at = at.rpartition(".")[0]
        line = self.lines.get(at, 0)
        self.findings.add(_finding(line, key, str(value), problem, remedy))
