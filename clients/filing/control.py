"""Compares what a file says it holds with what it holds (总分核对), and sums it up for a person."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clients.filing.record_files import StatedTotals, sums_of
from settlement.records import SettlementRow

__all__ = ["Mismatch", "RowSum", "mismatches", "row_sums"]


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


def mismatches(stated: Iterable[StatedTotals], rows: Iterable[SettlementRow]) -> Iterator[Mismatch]:
    """Yield every figure that differs.

    Args:
        stated: What the file and the caller say.
        rows: What is about to be filed.
    """
    held = sums_of(rows)
    for each in stated:
        for name in ("record_count", "sum_fen", "service_days"):
            said, found = getattr(each, name), getattr(held, name)
            if said is not None and said != found:
                yield Mismatch(row=each.row, name=name, stated=said, held=found)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RowSum:
    """What rows of one home, host, month and kind come to.

    Attributes:
        home: Home province.
        host: Host province.
        service_month: Month of service.
        subsidy_kind: Kind.
        record_count: How many.
        sum_fen: Their sum.
    """

    home: str
    host: str
    service_month: str
    subsidy_kind: str
    record_count: int
    sum_fen: int


def row_sums(rows: Iterable[SettlementRow]) -> list[RowSum]:
    """Return what rows come to by home, host, month and kind, sorted."""
    found: dict[tuple[str, str, str, str], tuple[int, int]] = {}
    for row in rows:
        key = (row.home, row.host, row.service_month, row.subsidy_kind)
        count, fen = found.get(key, (0, 0))
        found[key] = (count + 1, fen + row.amount_fen)
    return [
        RowSum(
            home=home,
            host=host,
            service_month=month,
            subsidy_kind=kind,
            record_count=count,
            sum_fen=fen,
        )
        for (home, host, month, kind), (count, fen) in sorted(found.items())
    ]
