"""Codes of streets and towns by their names, from a table that somebody else publishes.

The table has a row for each street: ``code`` (nine digits), ``name``, and the district in
``areaCode`` (six digits), as the National Bureau of Statistics' list is passed on. Names are
compared as they stand: what is nearly a street's name is no street's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Findings

__all__ = ["Streets", "load_streets"]

_HEADERS: Mapping[str, tuple[str, ...]] = {
    "code": ("代码", "街道代码", "街镇代码"),
    "name": ("名称", "街道名称", "街镇名称"),
    "areaCode": ("区县代码", "district_code"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Streets:
    """Streets by district and name.

    Attributes:
        codes: Nine digits by six digits of the district and name.
    """

    codes: Mapping[tuple[str, str], str]

    def code(self, district: str, name: str) -> str:
        """Return the code of a street, empty if the table has none of this name there."""
        return self.codes.get((district, name.strip()), "")


def load_streets(path: Path) -> Streets:
    """Return the streets of a CSV or XLSX file.

    Raises:
        BadFile: If it is no table, or lacks a column.
    """
    table = read_table(path)
    positions, problems = column_positions(table.header, _HEADERS)
    if problems:
        raise BadFile(path.name, Findings(problems))
    at_code, at_name, at_district = (positions[name] for name in _HEADERS)
    return Streets(
        codes={
            (row.cells[at_district].strip(), row.cells[at_name].strip()): row.cells[at_code].strip()
            for row in table.rows
        }
    )
