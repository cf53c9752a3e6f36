"""Finds which rows of a file a node lacks: totals first, lines only where totals differ.

Equal totals mean equal lines, whose digest says so; of those nothing travels. Where totals differ
the node's own lines of that partner and date are read, and each row is new, known, or known with
other content. Nothing is filed here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.settlement_service_pb2 import (
    RECORD_VIEW_OWN,
    CompareTotalsRequest,
    CompareTotalsResponse,
    ListRecordsRequest,
    RecordTotal,
)
from settlement.core.columns import COLUMNS
from settlement.records import SettlementRow
from settlement.totals import Key, line_of, total_of

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["Differing", "compare_totals", "find_differing", "totals_of"]

_PAGE_SIZE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Differing:
    """What a node lacks of some rows.

    Attributes:
        new: Rows whose number the node does not know.
        changed: Rows whose number it knows with other content.
        known_count: Rows that it has already, in whatever total.
        equal_totals: Totals that were equal, of which no line travelled.
    """

    new: tuple[SettlementRow, ...]
    changed: tuple[SettlementRow, ...]
    known_count: int
    equal_totals: int


def totals_of(
    rows: Iterable[SettlementRow], *, own: str, dates: Mapping[int, str], default_date: str
) -> dict[Key, list[SettlementRow]]:
    """Return rows by what is totalled together.

    Args:
        rows: Each between the own province and another.
        own: The node's province.
        dates: By row, the business date under which it was filed, where the file says.
        default_date: For the other rows.
    """
    found: dict[Key, list[SettlementRow]] = {}
    for row in rows:
        key = Key(
            partner=row.host if row.home == own else row.home,
            business_date=dates.get(row.row, default_date),
            home=row.home,
            subsidy_kind=row.subsidy_kind,
        )
        found.setdefault(key, []).append(row)
    return found


def compare_totals(
    node: "SyncNodeClient", groups: Mapping[Key, Sequence[SettlementRow]], *, partner: str = ""
) -> CompareTotalsResponse:
    """Return what the node says of the totals of some rows.

    Args:
        node: The own node.
        groups: Rows by what is totalled together; at most 1,000 groups within 31 days.
        partner: Only with this partner; empty means those that occur.

    Raises:
        DeltacareError: If the node cannot be asked, or there are too many groups or dates.
    """
    totals = []
    for key, rows in sorted(groups.items()):
        total = total_of(map(_line, rows), sum(row.amount_fen for row in rows))
        totals.append(
            RecordTotal(
                partner=key.partner,
                business_date=key.business_date,
                home=key.home,
                subsidy_kind=key.subsidy_kind,
                record_count=total.record_count,
                sum_fen=total.sum_fen,
                digest=total.digest,
            )
        )
    days = sorted(key.business_date for key in groups)
    return node.settlement.CompareTotals(
        CompareTotalsRequest(totals=totals, partner=partner, from_date=days[0], until_date=days[-1])
    )


def find_differing(
    node: "SyncNodeClient", groups: Mapping[Key, Sequence[SettlementRow]]
) -> Differing:
    """Return which rows the node lacks, asking for its lines only where totals differ."""
    answer = compare_totals(node, groups)
    differing = {
        Key(
            partner=each.given.partner,
            business_date=each.given.business_date,
            home=each.given.home,
            subsidy_kind=each.given.subsidy_kind,
        )
        for each in answer.differences
        if each.HasField("given")
    }
    held: dict[tuple[str, str, str], set[bytes]] = {}
    for partner, date in sorted({(key.partner, key.business_date) for key in differing}):
        for record in _own_records(node, partner, date):
            line = line_of([getattr(record, name) for name in COLUMNS])
            number = (record.home, record.host, record.settlement_no)
            held.setdefault(number, set()).add(line)
    new: list[SettlementRow] = []
    changed: list[SettlementRow] = []
    known = 0
    for key, rows in sorted(groups.items()):
        for row in rows:
            lines = held.get((row.home, row.host, row.settlement_no))
            if key not in differing or (lines is not None and _line(row) in lines):
                known += 1
            elif lines is None:
                new.append(row)
            else:
                changed.append(row)
    return Differing(
        new=tuple(sorted(new, key=lambda row: row.row)),
        changed=tuple(sorted(changed, key=lambda row: row.row)),
        known_count=known,
        equal_totals=len(groups) - len(differing),
    )


def _line(row: SettlementRow) -> bytes:
    return line_of([getattr(row, name) for name in COLUMNS])


def _own_records(node: "SyncNodeClient", partner: str, date: str) -> Iterator[SettlementRecord]:
    """Yield the live records that the own province filed with a partner."""
    request = ListRecordsRequest(
        partner=partner,
        view=RECORD_VIEW_OWN,
        filed_date=date,
        page_size=_PAGE_SIZE,
    )
    while True:
        page = node.settlement.ListRecords(request)
        for each in page.records:
            if not each.HasField("replaced_by_index"):
                yield each.record
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token
