"""Sums up what a file of records holds, by provinces, month and kind, for a person."""

from collections.abc import Iterable
from dataclasses import dataclass

from settlement.records import SettlementRow

__all__ = ["RowSum", "row_sums"]


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
