"""Finds the formulas of a sheet whose value was never saved, so that none passes for an empty cell.

A program that writes a formula does not work it out; the spreadsheet program does, when it saves
the workbook. Until then whoever reads values sees nothing in the cell, and an empty cell may mean
something: that an amount is to be computed, or that a date is not limited. Nothing is worked out
here, and what a formula says is not read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["UnsavedFormula", "holds_formulas", "mark_unsaved", "unsaved_formulas"]

_SPACE: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ROW: Final = f"{_SPACE}row"
_FORMULA: Final = f"{_SPACE}f"
_VALUE: Final = f"{_SPACE}v"
_CELL_REF: Final = re.compile(r"([A-Za-z]{1,3})[0-9]+")
_FORMULA_TAG: Final = re.compile(rb"<(?:[A-Za-z0-9_]+:)?f[\s/>]")
_PIECE_BYTES: Final = 1024**2
_TAG_BYTES_MAX: Final = 64


class UnsavedFormula(str):
    """What stands in a cell whose formula has no value: the formula, with its equals sign."""

    __slots__ = ()


def holds_formulas(sheet: IO[bytes]) -> bool:
    """Return whether a sheet may hold a formula, from its text alone and so at little cost.

    Args:
        sheet: XML of a sheet; read up to the first formula.
    """
    kept = b""
    while piece := sheet.read(_PIECE_BYTES):
        if _FORMULA_TAG.search(kept + piece):
            return True
        kept = piece[-_TAG_BYTES_MAX:]
    return False


def unsaved_formulas(sheet: IO[bytes]) -> Iterator[tuple[int, Mapping[int, UnsavedFormula]]]:
    """Yield the rows that hold a formula without a value: number, and formulas by column from 1.

    Args:
        sheet: XML of a sheet.

    Raises:
        xml.etree.ElementTree.ParseError: If it is damaged; likewise `ValueError` and whatever
            reading an archive raises.
    """
    from defusedxml.ElementTree import (  # type: ignore[import-untyped]  # ships no types
        iterparse,
    )

    number = 0
    parent: Element | None = None
    for event, element in iterparse(sheet, events=("start", "end")):
        if event == "start":
            if parent is None and element.tag == f"{_SPACE}sheetData":
                parent = element
            continue
        if element.tag != _ROW:
            continue
        number = int(float(element.get("r", number + 1)))
        found = dict(_unsaved_of_row(element))
        if found:
            yield number, found
        (element if parent is None else parent).clear()  # no row is kept


def _unsaved_of_row(row: "Element") -> Iterator[tuple[int, UnsavedFormula]]:
    """Yield column and formula of the cells of a row whose formula has no value."""
    column = 0
    for cell in row:
        match = _CELL_REF.fullmatch(cell.get("r", ""))
        column = _column_number(match[1]) if match else column + 1
        formula = cell.find(_FORMULA)
        if formula is None:
            continue
        value = cell.find(_VALUE)
        # A text that came out empty is a value; spreadsheet programs save it as an empty element.
        is_saved = value is not None and (bool(value.text) or cell.get("t") == "str")
        if not is_saved:
            yield column, UnsavedFormula(f"={formula.text or ''}")


def _column_number(letters: str) -> int:
    """Return the number of a column, from 1: ``AA`` is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def mark_unsaved(
    rows: Iterable[tuple[Any, ...]],
    unsaved: Iterator[tuple[int, Mapping[int, UnsavedFormula]]],
) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a sheet with the formula in each cell that has one and no value.

    Args:
        rows: Values of every row from the first on; ``None`` where there is none.
        unsaved: Of the same sheet.
    """
    number, formulas = next(unsaved, (0, {}))
    for row_number, cells in enumerate(rows, start=1):
        while formulas and number < row_number:
            number, formulas = next(unsaved, (0, {}))
        if number != row_number:
            yield cells
            continue
        yield tuple(
            formulas.get(column) if cell is None else cell
            for column, cell in enumerate(cells, start=1)
        )
