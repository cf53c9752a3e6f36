"""Reads the rates of a policy from a file: by grade an amount, or a tariff and the share of it.

A CSV or workbook has the column ``grade``, and ``amount_yuan`` or ``tariff_yuan`` with
``share_percent``, or all of them; cells that do not apply stay empty. A TOML file has a table
``[[rates]]`` with the same names. Here each rate must be readable and be an amount or a share, so
that what is wrong is said by row and in yuan; what they mean together is the node's to judge.
"""

import tomllib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Final

from clients.filing.column_words import column_words
from clients.language import tr
from deltacare.errors import ViolationCollector, invalid_field
from deltacare.money import parse_yuan
from deltacare.v1.entry_pb2 import Rate
from settlement.files import column_positions, read_table
from settlement.findings import BadFile, Finding, Findings, Problem

__all__ = ["COLUMNS", "read_rates"]

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "grade": ("评估等级", "等级"),
        "amount_yuan": ("金额", "金额（元）"),
        "tariff_yuan": ("单价", "单价（元）"),
        "share_percent": ("支付比例", "比例（%）"),
    }
)
_NEEDED: Final = "grade"
_AMOUNT: Final = "amount_yuan"
_SHARED: Final = ("tariff_yuan", "share_percent")  # of no use without each other
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
    rates: list[Rate] = []
    grades: set[str] = set()
    for where, row in cells:
        rates.append(_rate(row, where, bad))
        if row["grade"] in grades:
            place = _cell(where, "grade")
            bad.note(
                place,
                row["grade"],
                "An earlier rate is of this grade too.",
                "Leave one rate for each grade.",
            )
        grades.add(row["grade"])
    bad.raise_if_any()
    return sorted(rates, key=lambda rate: rate.assessment_grade.encode())


def _table_cells(path: Path) -> Iterable[tuple[str, Mapping[str, str]]]:
    """Return the rows of a table, by column."""
    table = read_table(path)
    positions, wrong = column_positions(table.header, COLUMNS)
    wrong = tuple(_unusable(positions, wrong))
    if wrong or table.findings_total:
        findings = Findings([*wrong, *table.findings])
        raise BadFile(path.name, findings)
    if not table.rows:
        findings = Findings()
        findings.note(Problem.NO_ROWS)
        raise BadFile(path.name, findings)
    return [
        (
            tr(f"第 {row.number} 行", f"row {row.number}"),
            {
                name: row.cells[positions[name]].strip() if name in positions else ""
                for name in COLUMNS
            },
        )
        for row in table.rows
    ]


def _unusable(positions: Mapping[str, int], wrong: Iterable[Finding]) -> Iterable[Finding]:
    """Yield what is wrong with a header: of the columns missing, those that others do not replace.

    Args:
        positions: Where the columns stand that are there.
        wrong: A finding for each column that is missing or there twice.
    """
    needed = {_NEEDED}
    if positions.keys() & set(_SHARED):
        needed |= set(_SHARED)
    elif _AMOUNT not in positions:
        needed.add(_AMOUNT)
    for finding in wrong:
        if finding.problem != Problem.MISSING_COLUMN.en or finding.column in needed:
            yield finding


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
                _toml_place(position),
                ", ".join(unknown),
                "This is not a field of a rate.",
                "Use grade, amount_yuan, tariff_yuan and share_percent.",
            )
        found.append(
            (_toml_place(position), {name: str(row.get(name, "")).strip() for name in COLUMNS})
        )
    return found


def _toml_place(position: int) -> str:
    """Return which table of a TOML file it is, counted as people do."""
    return tr(f"第 {position + 1} 个 [[rates]]", f"[[rates]] no. {position + 1}")


def _rate(cells: Mapping[str, str], where: str, bad: ViolationCollector) -> Rate:
    """Return the rate that cells state."""
    before = bad.count
    rate = Rate(
        assessment_grade=cells["grade"],
        amount_fen=_fen(cells[_AMOUNT], _cell(where, _AMOUNT), bad),
        tariff_fen=_fen(cells["tariff_yuan"], _cell(where, "tariff_yuan"), bad),
        share_basis_points=_share(cells["share_percent"], _cell(where, "share_percent"), bad),
    )
    by_amount = rate.amount_fen and not rate.tariff_fen and not rate.share_basis_points
    by_share = not rate.amount_fen and rate.tariff_fen and rate.share_basis_points
    if bad.count == before and not by_amount and not by_share:
        bad.note(
            where,
            ", ".join(cells[name] for name in COLUMNS if cells[name]),
            "A rate is an amount above zero, or a tariff above zero and a share.",
            "Give amount_yuan alone, or tariff_yuan with share_percent.",
        )
    return rate


def _cell(where: str, column: str) -> str:
    """Return which cell it is, in the language of the run."""
    return tr(f"{where}，{column_words(column)}", f"{where}, {column}")


def _fen(text: str, where: str, bad: ViolationCollector) -> int:
    """Return an amount in fen; what is not stated is zero."""
    fen = bad.take(parse_yuan, text, field=where, allow_negative=True) if text else 0
    if fen is None or fen >= 0:
        return fen or 0
    bad.note(where, text, "A rate is not negative.", "Write yuan above zero, such as 45.00.")
    return 0


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
