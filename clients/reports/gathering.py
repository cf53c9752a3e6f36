"""Asks a node for what reports are made of, page by page.

A month of 400,000 lines is some hundred pages; whoever waits is told how far it is. What the
caller's role may not read is refused by the node, and the report with it: none is made with a part
left out.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from clients.plain import enum_name
from clients.reports.month import Matched, MonthFacts
from clients.reports.past import advances_on, drawn_fen, payments_on
from deltacare.times import ServiceMonth, business_date, day_start_time
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1.dispute_service_pb2 import ListDisputesRequest
from deltacare.v1.payment_service_pb2 import ListAdvancesRequest, ListPaymentsRequest
from deltacare.v1.registry_service_pb2 import BatchGetInstitutionsRequest
from settlement.core.classes import LineClass

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["agreed_nights", "count_classes", "month_facts", "statement_money"]

_PAGE_SIZE = 1_000
_NAMES_PER_CALL = 500
_CLOSED = [each.rank for each in LineClass if each.closed]
_CARRIED = [each.rank for each in LineClass if not each.closed]
_DIVISION_CHARS = 6


def _pages(call: Callable[[Any], Any], request: Any) -> Iterator[Any]:  # noqa: ANN401 - messages
    """Yield every page of a list."""
    request.page_size = _PAGE_SIZE
    while True:
        page = call(request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def agreed_nights(node: "SyncNodeClient", from_date: str, until_date: str) -> list[cpb.PairNight]:
    """Return the agreed nights of every pair between two dates, sorted by date and pair."""
    request = cpb.ListPairNightsRequest(from_date=from_date, until_date=until_date)
    return [
        night
        for page in _pages(node.clearing.ListPairNights, request)
        for night in page.nights
        if enum_name(night, "state") == "AGREED"
    ]


def count_classes(
    node: "SyncNodeClient", own: str, nights: Sequence[cpb.PairNight]
) -> dict[str, list[cpb.LineCount]]:
    """Return by partner the counts of the own pairs: what nights closed, and what the last left.

    Args:
        node: Whom to ask.
        own: The own province.
        nights: Agreed nights, sorted by date.
    """
    closed, left = _counts(node, own, nights)
    return {partner: closed[partner] + left[partner] for partner in closed}


def _counts(
    node: "SyncNodeClient", own: str, nights: Sequence[cpb.PairNight]
) -> tuple[dict[str, list[cpb.LineCount]], dict[str, list[cpb.LineCount]]]:
    """Return the counts of closed classes over all nights, and those carried after the last."""
    closed: dict[str, list[cpb.LineCount]] = {}
    left: dict[str, list[cpb.LineCount]] = {}
    for night in nights:
        if own not in (night.lower, night.higher):
            continue
        partner = night.higher if night.lower == own else night.lower
        answer = node.clearing.CountLines(
            cpb.CountLinesRequest(partner=partner, business_date=night.business_date)
        )
        done = [each for each in answer.counts if each.line_class in _CLOSED]
        closed.setdefault(partner, []).extend(done)
        left[partner] = [each for each in answer.counts if each.line_class in _CARRIED]
    return closed, left


def statement_money(node: "SyncNodeClient", statement_id: str) -> tuple[list[Any], list[Any]]:
    """Return the payments of a statement, and every advance."""
    return _payments(node, ListPaymentsRequest(basis_id=statement_id)), _advances(node, "")


def _payments(node: "SyncNodeClient", request: ListPaymentsRequest) -> list[Any]:
    return [each for page in _pages(node.payment.ListPayments, request) for each in page.payments]


def _drawn(node: "SyncNodeClient", until_date: str) -> dict[str, int]:
    """Return what statements had drawn of own advances by the end of a day, by the books."""
    request = bpb.ListJournalRequest(until_date=until_date)
    return drawn_fen(
        line for page in _pages(node.books.ListJournal, request) for line in page.lines
    )


def _disputes(node: "SyncNodeClient", day: date | None) -> list[Any]:
    """Return the disputes that are open, or were at the end of a day."""
    request = ListDisputesRequest()
    if day is not None:
        request.known_time.FromDatetime(day_start_time(day + timedelta(days=1)))
    return [each for page in _pages(node.dispute.ListDisputes, request) for each in page.disputes]


def _advances(node: "SyncNodeClient", own: str) -> list[Any]:
    return [
        each
        for page in _pages(node.payment.ListAdvances, ListAdvancesRequest(province=own))
        for each in page.advances
    ]


def month_facts(
    node: "SyncNodeClient",
    own: str,
    month: ServiceMonth,
    *,
    said: Callable[[int], None] = lambda _: None,
    today: date | None = None,
) -> MonthFacts:
    """Return what a month's report is made of; all of it as of the end of a month that is over.

    Args:
        node: Whom to ask.
        own: The own province.
        month: The month.
        said: Called with how many lines were read, each time some were.
        today: The business date; by default by this machine's clock.
    """
    today = today or business_date(datetime.now(UTC))
    first, last = month.first_date.isoformat(), month.last_date.isoformat()
    nights = agreed_nights(node, first, last)
    mine = [each for each in nights if own in (each.lower, each.higher)]
    closed, left = _counts(node, own, nights)
    ends: dict[str, str] = {}
    sums: dict[tuple[str, str, str], list[int]] = {}
    for night in mine:
        partner = night.higher if night.lower == own else night.lower
        ends[partner] = max(ends.get(partner, ""), night.business_date)
        for line in _lines(node, partner, night.business_date, [LineClass.MATCHED.rank], said):
            record = line.host_side.record
            cell = sums.setdefault((line.home, line.host, record.institution), [0, 0])
            cell[0] += 1
            cell[1] += record.amount_fen
    places = _institutions(node, {institution for _, _, institution in sums})
    balance = node.books.GetTrialBalance(bpb.GetTrialBalanceRequest(on_date=last))
    closes = [
        each
        for page in _pages(node.books.ListMonthCloses, bpb.ListMonthClosesRequest())
        for each in page.month_closes
        if each.month_close.month == str(month)
    ]
    day = min(month.last_date, today)
    is_over = day < today
    payments = _payments(node, ListPaymentsRequest(province=own))
    advances = _advances(node, own)
    if is_over:
        payments = payments_on(payments, day)
        advances = advances_on(advances, payments, _drawn(node, last) if advances else {})
    return MonthFacts(
        own=own,
        month=str(month),
        until_date=max(ends.values(), default=last),
        nights=nights,
        closed=closed,
        open=left,
        open_lines=[
            line
            for partner, day in sorted(ends.items())
            for line in _lines(node, partner, day, _CARRIED, said)
        ],
        matched={
            key: Matched(
                name=places.get(key[2], ("", ""))[0],
                district=places.get(key[2], ("", ""))[1],
                line_count=count,
                amount_fen=fen,
            )
            for key, (count, fen) in sums.items()
        },
        payments=payments,
        advances=advances,
        money_date=day.isoformat(),
        disputes=_disputes(node, day if is_over else None),
        balance=balance,
        close=closes[0] if closes else None,
    )


def _lines(
    node: "SyncNodeClient",
    partner: str,
    day: str,
    classes: Sequence[int],
    said: Callable[[int], None],
) -> Iterator[cpb.Line]:
    """Yield lines of a night."""
    request = cpb.ListLinesRequest(
        partner=partner,
        business_date=day,
        classes=classes,  # type: ignore[arg-type]  # ranks are the numbers of the contract
    )
    for page in _pages(node.clearing.ListLines, request):
        said(len(page.lines))
        yield from page.lines


def _institutions(node: "SyncNodeClient", wanted: set[str]) -> dict[str, tuple[str, str]]:
    """Return name and district of institutions, as far as the registers know them."""
    names = [f"institutions/{each}" for each in sorted(wanted)]
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(names), _NAMES_PER_CALL):
        answer = node.registry.BatchGetInstitutions(
            BatchGetInstitutionsRequest(names=names[start : start + _NAMES_PER_CALL])
        )
        for each in answer.institutions:
            body = each.institution
            found[body.institution_id] = (body.name, body.division_code[:_DIVISION_CHARS])
    return found
