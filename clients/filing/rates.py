"""Reads the rates of a policy from a file: by grade an amount, or a tariff and the share of it.

A CSV or workbook has the columns ``grade``, ``amount_yuan``, ``tariff_yuan`` and ``share_percent``;
cells that do not apply stay empty. A TOML file has a table ``[[rates]]`` with the same names. What
the rates mean together is the node's to judge; here each must be readable.
"""

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Final

from deltacare.errors import ViolationCollector, invalid_field
from deltacare.money import parse_yuan
from deltacare.v1.entry_pb2 import Rate
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Findings, Problem

__all__ = ["COLUMNS", "read_rates"]

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "grade": ("评估等级", "等级"),
        "amount_yuan": ("金额", "金额（元）"),
        "tariff_yuan": ("单价", "单价（元）"),
        "share_percent": ("支付比例", "比例（%）"),
    }
)
_BYTES_MAX: Final = 1 << 20
_ROWS_MAX: Final = 1_000
_SHARE_WHOLE: Final = 10_000  # hundredths of a percent


def read_rates(path: Path) -> list[Rate]:
    """Return the rates in a file, sorted as a policy needs them.

    Args:
        path: CSV, XLSX or TOML.

    Raises:
        BadFile: If it is no table, or a column is missing.
        Refusal: ``INVALID_FIELD``, naming every cell that cannot be read.
    """
    cells = _toml_cells(path) if path.suffix.lower() == ".toml" else _table_cells(path)
    bad = ViolationCollector()
    rates = [_rate(row, where, bad) for where, row in cells]
    bad.raise_if_any()
    return sorted(rates, key=lambda rate: rate.assessment_grade.encode())


def _table_cells(path: Path) -> Iterable[tuple[str, Mapping[str, str]]]:
    """Return the rows of a table, by column."""
    table = read_table(path)
    positions, missing = column_positions(table.header, COLUMNS)
    if missing or table.findings_total:
        findings = Findings([*missing, *table.findings])
        raise BadFile(path.name, findings)
    if not table.rows:
        findings = Findings()
        findings.note(Problem.NO_ROWS)
        raise BadFile(path.name, findings)
    return [
        (
            f"row {row.number}",
            {name: row.cells[position].strip() for name, position in positions.items()},
        )
        for row in table.rows
    ]


def _toml_cells(path: Path) -> Iterable[tuple[str, Mapping[str, str]]]:
    """Return the tables of a TOML file, by name."""
    try:
        data = path.read_bytes()[: _BYTES_MAX + 1]
        if len(data) > _BYTES_MAX:
            raise invalid_field("rates", path.name, "A file of rates has at most 1 MiB.")
        read = tomllib.loads(data.decode("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise invalid_field(
            "rates",
            path.name,
            f"The file is not TOML: {error}.",
            "Write one [[rates]] for each grade.",
        ) from None
    rows = read.get("rates")
    if not isinstance(rows, list) or not rows or len(rows) > _ROWS_MAX:
        raise invalid_field(
            "rates",
            path.name,
            "The file has no tables [[rates]].",
            "Write one [[rates]] for each grade.",
        )
    found = []
    for position, row in enumerate(rows):
        unknown = sorted(set(row) - set(COLUMNS)) if isinstance(row, dict) else [str(row)]
        if unknown:
            raise invalid_field(
                f"rates[{position}]",
                ", ".join(unknown),
                "This is not a field of a rate.",
                "Use grade, amount_yuan, tariff_yuan and share_percent.",
            )
        found.append(
            (f"rates[{position}]", {name: str(row.get(name, "")).strip() for name in COLUMNS})
        )
    return found


def _rate(cells: Mapping[str, str], where: str, bad: ViolationCollector) -> Rate:
    """Return the rate that cells state."""

    def fen(name: str) -> int:
        text = cells[name]
        return (bad.take(parse_yuan, text, field=f"{where}, {name}") or 0) if text else 0

    return Rate(
        assessment_grade=cells["grade"],
        amount_fen=fen("amount_yuan"),
        tariff_fen=fen("tariff_yuan"),
        share_basis_points=_share(cells["share_percent"], f"{where}, share_percent", bad),
    )


def _share(text: str, where: str, bad: ViolationCollector) -> int:
    """Return a percentage in hundredths of a percent."""
    if not text:
        return 0
    try:
        points = Decimal(text.removesuffix("%").strip()) * 100
    except InvalidOperation:
        points = Decimal(-1)
    if points != points.to_integral_value() or not 1 <= points <= _SHARE_WHOLE:
        bad.note(
            where,
            text,
            "This is not a share from 0.01 to 100 percent.",
            "Write 60 or 62.5, with at most two decimals.",
        )
        return 0
    return int(points)
