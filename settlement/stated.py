"""What a file of records says that it holds: its row of totals, compared with its rows (总分核对).

A clerk may put one below the rows: 合计 or TOTAL in the first cell, how many rows if wanted, sums
below days and amount. It is no record, and a figure that differs is told with both values.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deltacare.errors import Refusal
from deltacare.money import parse_fen

if TYPE_CHECKING:
    from settlement.records import SettlementRow

__all__ = ["Mismatch", "StatedTotals", "mismatches", "stated_totals", "sums_of"]

_TOTALS: Final = re.compile(
    r"(?:合计|总计|total)\s*[:：]?\s*([0-9][0-9,]*)?\s*(?:笔|条|行|rows?|records?)?", re.IGNORECASE
)
_WHOLE: Final = re.compile(r"[0-9][0-9,]*(?:\.0+)?")
_WHOSE: Final = ("home", "host", "beneficiary_ref")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedTotals:
    """What a file says that it holds; ``None`` where it says nothing.

    Attributes:
        row: Of the file, as a spreadsheet counts; 0 if it was said elsewhere.
        record_count: How many rows.
        sum_fen: Sum of the amounts; -1 where it cannot be read.
        service_days: Sum of the days.
    """

    row: int = 0
    record_count: int | None = None
    sum_fen: int | None = None
    service_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """A figure that is not what was stated.

    Attributes:
        row: Of the row of totals; 0 if it was said elsewhere.
        name: `record_count`, `sum_fen` or `service_days`.
        stated: What was said.
        held: What the rows come to.
    """

    row: int
    name: str
    stated: int
    held: int


def stated_totals(number: int, first: str, cells: Mapping[str, str]) -> StatedTotals | None:
    """Return what a row of totals says, ``None`` if it is none.

    Args:
        number: Of the row, as a spreadsheet counts.
        first: Its first cell, stripped.
        cells: Its cells by column. A row that says whose it is is a record, even if its number
            reads like a total.
    """
    match = _TOTALS.fullmatch(first)
    if match is None or all(cells[name].strip() for name in _WHOSE):
        return None
    return StatedTotals(
        row=number,
        record_count=_whole(match[1] or ""),
        sum_fen=_fen(cells["amount_fen"].strip()),
        service_days=_whole(cells["service_days"].strip()),
    )


def sums_of(rows: Iterable["SettlementRow"]) -> StatedTotals:
    """Return what some rows come to."""
    counted = list(rows)
    return StatedTotals(
        record_count=len(counted),
        sum_fen=sum(row.amount_fen for row in counted),
        service_days=sum(row.service_days for row in counted),
    )


def mismatches(
    stated: Iterable[StatedTotals], rows: Iterable["SettlementRow"]
) -> Iterator[Mismatch]:
    """Yield every figure that differs.

    Args:
        stated: What the file and the caller say.
        rows: What it holds.
    """
    held = sums_of(rows)
    for each in stated:
        for name in ("record_count", "sum_fen", "service_days"):
            said, found = getattr(each, name), getattr(held, name)
            if said is not None and said != found:
                yield Mismatch(row=each.row, name=name, stated=said, held=found)


def _whole(text: str) -> int | None:
    return int(text.replace(",", "").split(".")[0]) if _WHOLE.fullmatch(text) else None


def _fen(text: str) -> int | None:
    """Return an amount; one that cannot be read is compared with nothing and so differs."""
    if not text:
        return None
    try:
        return parse_fen(text)
    except Refusal:
        return -1
