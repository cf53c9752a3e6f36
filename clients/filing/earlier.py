"""Looks up what was filed, or waits in drafts, under the numbers of a file, before it is filed.

A line's amount is computed once: a row that a file leaves empty and that was filed already keeps
the amount it was filed with, whatever the policy says now, so that the same file makes the same
requests. Nothing is filed here, and nothing decided.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.policy_service_pb2 import ComputedAmount
from deltacare.v1.settlement_service_pb2 import (
    RECORD_VIEW_OWN,
    FileRecordsRequest,
    ListRecordsRequest,
)
from settlement.core.columns import COLUMNS

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient
    from settlement.records import SettlementRow

__all__ = ["computed_before", "drafted_records", "filed_before", "known_rows"]

Numbered = TypeVar("Numbered", "SettlementRow", SettlementRecord)

_NUMBERS_MAX = 1_000
_PAGE_SIZE = 1_000


def filed_before(
    node: "SyncNodeClient", rows: "Iterable[SettlementRow | SettlementRecord]", *, own: str
) -> list[SettlementRecord]:
    """Return what the own province has filed under the numbers of rows, replaced or not.

    Args:
        node: The own node.
        rows: Each between the own province and another.
        own: The node's province.

    Raises:
        DeltacareError: If the node cannot be asked.
    """
    partners: dict[str, set[str]] = {}
    for row in rows:
        partners.setdefault(row.host if row.home == own else row.home, set()).add(row.settlement_no)
    found: list[SettlementRecord] = []
    for partner, numbers in sorted(partners.items()):
        ordered = sorted(numbers)
        for first in range(0, len(ordered), _NUMBERS_MAX):
            request = ListRecordsRequest(
                partner=partner,
                view=RECORD_VIEW_OWN,
                settlement_nos=ordered[first : first + _NUMBERS_MAX],
                page_size=_PAGE_SIZE,
            )
            found += _listed(node, request)
    return found


def _listed(node: "SyncNodeClient", request: ListRecordsRequest) -> Iterator[SettlementRecord]:
    while True:
        page = node.settlement.ListRecords(request)
        yield from (each.record for each in page.records)
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def drafted_records(node: "SyncNodeClient") -> list[SettlementRecord]:
    """Return the records of the drafts that wait for a reviewer, as far as the caller sees them.

    Raises:
        DeltacareError: If the node cannot be asked.
    """
    from deltacare.v1.review_service_pb2 import GetDraftRequest, ListDraftsRequest

    found: list[SettlementRecord] = []
    request = ListDraftsRequest(page_size=_PAGE_SIZE)
    while True:
        page = node.review.ListDrafts(request)
        for draft in page.drafts:
            if draft.method.rpartition("/")[2] == "FileRecords":
                data = node.review.GetDraft(GetDraftRequest(name=draft.name)).request
                found += FileRecordsRequest.FromString(data).records
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def computed_before(
    rows: Iterable["SettlementRow"], records: Iterable[SettlementRecord]
) -> dict[int, ComputedAmount]:
    """Return by row what its amount was computed as when the same row was filed first.

    Args:
        rows: Those whose amount a file leaves empty.
        records: What was filed under their numbers, in order.
    """
    first: dict[tuple[object, ...], ComputedAmount] = {}
    for record in records:
        if record.HasField("policy_index") and not record.HasField("replaces_index"):
            amount = ComputedAmount(
                amount_fen=record.amount_fen,
                policy_index=record.policy_index,
                computation_version=record.computation_version,
            )
            first.setdefault(_service(record), amount)
    found = {row.row: first.get(_service(row)) for row in rows}
    return {number: amount for number, amount in found.items() if amount is not None}


def _service(line: "SettlementRecord | SettlementRow") -> tuple[object, ...]:
    """Return what a line says beside its amount."""
    return tuple(getattr(line, name) for name in COLUMNS if name != "amount_fen")


def known_rows(rows: Iterable[Numbered], records: Sequence[SettlementRecord]) -> list[Numbered]:
    """Return the rows under whose number a record was filed."""
    numbers = {(each.home, each.host, each.settlement_no) for each in records}
    return [row for row in rows if (row.home, row.host, row.settlement_no) in numbers]
