"""``deltacare agreement matrix``: which divisions have agreements with which, on one day."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table, require_folder
from clients.language import both, tr
from clients.plain import plain

__all__ = ["matrix"]

_SCOPES = {"standard": 1, "qualification": 2, "subsidy": 3}
_SIDE_MAX = 64
_CODE_CHARS = 6
_COLUMNS_SHOWN = 4


@click.command(
    "matrix",
    cls=Command,
    help=both(
        "协议矩阵：行对列有哪些有效协议；默认行为本省签约地区，列为外省签约地区。",
        "The matrix of agreements in force; by default the own province's divisions that any "
        "agreement names against those of the other provinces.",
    ),
)
@option(
    "--rows", default="", metavar="CODES", help=both("行：六位代码，逗号分隔。", "Rows, codes.")
)
@option("--columns", default="", metavar="CODES", help=both("列：同上。", "Columns, codes."))
@option("--scope", type=click.Choice(list(_SCOPES)), help=both("只看该范围。", "Only this scope."))
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both("写入 .xlsx 文件。", "Write it into an .xlsx file."),
)
@connected
def matrix(
    *,
    connection: Connection,
    rows: str,
    columns: str,
    scope: str | None,
    on_date: str,
    out: Path | None,
) -> None:
    """Show who has an agreement with whom."""
    from deltacare.v1.entry_pb2 import AgreementScope
    from deltacare.v1.registry_service_pb2 import GetAgreementMatrixRequest

    if out is not None:
        if out.suffix.lower() != ".xlsx":
            raise InputRefused(tr(f"{out} 应以 .xlsx 结尾。", f"{out} must end in .xlsx."))
        require_folder(out)
    with connection.open() as node:
        row_codes, column_codes = _codes(rows, "--rows"), _codes(columns, "--columns")
        if not row_codes or not column_codes:
            own, others = _parties(node, on_date)
            row_codes, column_codes = row_codes or own, column_codes or others
        if not row_codes or not column_codes:
            raise InputRefused(
                tr(
                    "没有协议可供排列；请用 --rows 与 --columns 指定地区。",
                    "No agreement names any divisions; say which with --rows and --columns.",
                )
            )
        found = node.registry.GetAgreementMatrix(
            GetAgreementMatrixRequest(
                row_divisions=row_codes,
                column_divisions=column_codes,
                scope=AgreementScope.ValueType(_SCOPES[scope] if scope else 0),
                on_date=on_date,
            )
        )
    cells = {(cell.row_division, cell.column_division): cell for cell in found.cells}
    if out is not None:
        out.write_bytes(_workbook(row_codes, column_codes, cells, found.on_date))
    data = {
        "on_date": found.on_date,
        "rows": row_codes,
        "columns": column_codes,
        "cells": [plain(cell) for cell in found.cells],
        "out": str(out) if out else None,
    }
    pairs = len(row_codes) * len(column_codes)
    lines = [
        tr(
            f"{found.on_date}：{len(row_codes)} × {len(column_codes)} 个地区，"
            f"{pairs} 对中 {len(cells)} 对有协议",
            f"{found.on_date}: {len(row_codes)} × {len(column_codes)} divisions; {len(cells)} of "
            f"{pairs} pairs have agreements",
        )
    ]
    if answer(data, lines):
        # As many columns in a table as fit, so that no code is broken.
        for first in range(0, len(column_codes), _COLUMNS_SHOWN):
            some = column_codes[first : first + _COLUMNS_SHOWN]
            print_table(["", *map(_named, some)], _counts(row_codes, some, cells))


def _named(code: str) -> str:
    """Return a division's code with its name, where one is known."""
    from clients.division_names import division_name

    return f"{code} {division_name(code)}".strip()


def _codes(text: str, name: str) -> list[str]:
    """Return division codes as typed, separated by commas."""
    found = [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]
    bad = [code for code in found if len(code) != _CODE_CHARS or not code.isdecimal()]
    if bad:
        raise InputRefused(
            tr(
                f"{name} 中的 {bad[0]} 不是六位代码。",
                f"{name}: {bad[0]} is no code of six digits.",
            )
        )
    return list(dict.fromkeys(found))


def _parties(node: Any, on_date: str) -> tuple[list[str], list[str]]:  # noqa: ANN401  # a client of a node
    """Return the own province's and the others' divisions that agreements in force name."""
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest
    from deltacare.v1.registry_service_pb2 import ListAgreementsRequest

    own = node.federation.WhoAmI(WhoAmIRequest()).province
    parties: set[str] = set()
    for page in pages(node.registry.ListAgreements, ListAgreementsRequest(on_date=on_date)):
        for standing in page.agreements:
            if standing.in_force:
                parties.update(standing.in_force_version.parties)
    mine = sorted(code for code in parties if code[:2] == own[:2])
    others = sorted(code for code in parties if code[:2] != own[:2])
    for side, name in ((mine, "--rows"), (others, "--columns")):
        if len(side) > _SIDE_MAX:
            raise InputRefused(
                tr(
                    f"签约地区超过 {_SIDE_MAX} 个，请用 {name} 选取。",
                    f"Agreements name more than {_SIDE_MAX} divisions; choose with {name}.",
                )
            )
    return mine, others


def _counts(
    rows: Sequence[str], columns: Sequence[str], cells: Mapping[tuple[str, str], Any]
) -> Iterable[list[str]]:
    """Yield the rows of the table: the agreement where there is one, else how many."""
    for row in rows:
        line = [_named(row)]
        for column in columns:
            cell = cells.get((row, column))
            ids = list(cell.agreement_ids) if cell is not None else []
            line.append("" if not ids else ids[0] if len(ids) == 1 else str(len(ids)))
        yield line


def _workbook(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Mapping[tuple[str, str], Any],
    on_date: str,
) -> bytes:
    """Return the matrix as a workbook: every agreement in its cell."""
    from clients.registers.report import workbook_bytes

    table: list[tuple[str | int, ...]] = [(on_date, *map(_named, columns))]
    for row in rows:
        found = (cells.get((row, column)) for column in columns)
        table.append(
            (_named(row), *(" ".join(cell.agreement_ids) if cell else "" for cell in found))
        )
    return workbook_bytes([(tr("协议矩阵", "Agreements"), table)], freeze="B2")
