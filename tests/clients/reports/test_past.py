"""A month that is over, reported later: payments, advances, disputes as they were at its end."""

from datetime import UTC, date, datetime
from typing import Any

from clients.reports.gathering import month_facts
from clients.reports.month import month_document
from clients.reports.past import advances_on, drawn_fen, payments_on
from clients.reports.xlsx import workbook
from deltacare.times import ServiceMonth, format_time
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import dispute_service_pb2 as dpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ppb
from deltacare.v1 import registry_service_pb2 as rpb

END = date(2026, 11, 30)
BOOKED = epb.PAYMENT_OUTCOME_BOOKED
RETURNED = epb.PAYMENT_OUTCOME_RETURNED


def noon(day: int, month: int = 11) -> datetime:
    """Return noon of a day in Shanghai."""
    return datetime(2026, month, day, 4, tzinfo=UTC)


def report(day: str, fen: int, outcome: epb.PaymentOutcome.ValueType = BOOKED) -> epb.PaymentReport:
    """Return a booking of the first attempt."""
    return epb.PaymentReport(
        attempt=1,
        outcome=outcome,
        amount_fen=fen,
        booking_date=day,
        booking_ref=f"{day} {fen} {outcome}".encode(),
    )


def payment(basis: datetime, **facts: Any) -> ppb.StandingPayment:
    """Return a payment of 100 fen that was ordered on 20 November and has been paid since."""
    made = ppb.StandingPayment(
        payment_id="P" * 32,
        basis_hash=b"\x01" * 32,
        payer="320000",
        payee="310000",
        amount_fen=100,
        state=ppb.PAYMENT_STATE_PAID,
        debited_fen=100,
        credited_fen=100,
        orders=[epb.PaymentOrder(attempt=1, amount_fen=100, execution_date="2026-11-20")],
        **{
            "payer_reports": [report("2026-11-20", 100)],
            "payee_reports": [report("2026-12-01", 100)],
            **facts,
        },
    )
    made.basis_time.FromDatetime(basis)
    made.order_times.add().FromDatetime(noon(20))
    return made


def test_payments_as_they_stood() -> None:
    """What was booked after the day is left out, and where the payment stood follows."""
    now = payment(noon(19))
    (then,) = payments_on([now], END)
    assert (ppb.PAYMENT_STATE_DEBITED, 100, 0) == (then.state, then.debited_fen, then.credited_fen)
    assert ("310000", "PAYEE_READ_BANK_STATEMENT") == (then.owner, then.next_action)
    (ordered,) = payments_on([now], date(2026, 11, 19))
    assert (ppb.PAYMENT_STATE_DUE, 0, "ORDER") == (
        ordered.state,
        ordered.attempt,
        ordered.next_action,
    )
    (later,) = payments_on([now], date(2026, 12, 1))
    assert ppb.PAYMENT_STATE_PAID == later.state
    assert [] == payments_on([now], date(2026, 11, 18))
    # Shanghai's day: its midnight is the afternoon before in UTC.
    assert [] == payments_on([payment(datetime(2026, 11, 30, 16, tzinfo=UTC))], END)


def test_an_order_that_nothing_was_shown_of_is_late_by_that_day() -> None:
    """Whether a bank is late is asked of the day, not of today."""
    silent = payment(noon(19), payer_reports=[], payee_reports=[])
    states = [payments_on([silent], date(2026, 11, day))[0].state for day in (20, 21)]
    assert [ppb.PAYMENT_STATE_ORDERED, ppb.PAYMENT_STATE_UNKNOWN] == states


def test_advances_as_they_stood() -> None:
    """Granted by the day, received by the payee's bank, drawn by the books."""
    paid = payment(
        noon(19), payee_reports=[report("2026-11-21", 100), report("2026-12-02", 40, RETURNED)]
    )
    granted = ppb.StandingAdvance(
        payer="320000",
        advance=epb.Advance(advance_id="320000-A1", payee="310000", amount_fen=100),
        advance_hash=b"\x01" * 32,
        received_fen=60,
        drawn_fen=60,
    )
    unpaid = ppb.StandingAdvance(advance=granted.advance, advance_hash=b"\x02" * 32)
    lines = [
        bpb.JournalLine(
            event=event,
            subject="310000-S1 320000-A1",
            postings=[bpb.Posting(account=name, amount_fen=fen) for name, fen in moved],
        )
        for event, moved in (
            ("DRAWN", (("a", 25), ("b", -25))),
            ("DRAWN", (("a", 5), ("b", -5))),
            ("NETTED", (("a", 7), ("b", -7))),
        )
    ]
    (then,) = advances_on([granted, unpaid], payments_on([paid], END), drawn_fen(lines))
    assert (100, 30) == (then.received_fen, then.drawn_fen)


class Node:
    """Answers with what it was given, or nothing, and keeps what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[Any] = []
        self._answers = {
            "ListPairNights": cpb.ListPairNightsResponse(),
            "GetTrialBalance": bpb.TrialBalance(),
            "ListMonthCloses": bpb.ListMonthClosesResponse(),
            "ListJournal": bpb.ListJournalResponse(),
            "ListPayments": ppb.ListPaymentsResponse(),
            "ListAdvances": ppb.ListAdvancesResponse(),
            "ListDisputes": dpb.ListDisputesResponse(),
            "BatchGetInstitutions": rpb.BatchGetInstitutionsResponse(),
            **answers,
        }
        self.clearing = self.books = self.payment = self.dispute = self.registry = self

    def __getattr__(self, name: str) -> Any:
        """Return the method of a call."""

        def call(request: Any) -> Any:
            self.asked.append(request)
            return self._answers[name]

        return call


def facts(today: date, **answers: Any) -> tuple[Any, Node]:
    """Return the facts of November as they are gathered on a day, and whom they were asked of."""
    node: Any = Node(**answers)
    return month_facts(node, "320000", ServiceMonth.parse("2026-11"), today=today), node


def test_a_month_that_is_over_reads_the_same_later() -> None:
    """Payments made and received after its end change nothing in its report."""
    first = payment(noon(19), payee_reports=[])
    second = payment(noon(3, 12))
    second.payment_id = "Q" * 32
    reports = [
        workbook(
            month_document(facts(day, ListPayments=ppb.ListPaymentsResponse(payments=made))[0])
        )
        for day, made in (
            (date(2026, 12, 1), [first]),
            (date(2026, 12, 20), [payment(noon(19)), second]),
        )
    ]
    assert reports[0] == reports[1]


def test_disputes_are_asked_for_as_of_the_end() -> None:
    """The end of the month in Shanghai; of a month that runs, now."""
    for today, expected in ((date(2026, 12, 1), "2026-11-30T16:00:00Z"), (END, "")):
        _, node = facts(today)
        (asked,) = [each for each in node.asked if isinstance(each, dpb.ListDisputesRequest)]
        is_set = asked.HasField("known_time")
        said = format_time(asked.known_time.ToDatetime(tzinfo=UTC)) if is_set else ""
        assert expected == said


def test_each_table_of_money_says_its_day() -> None:
    """The last day of a month that is over, today in one that runs."""
    for today, expected in ((date(2026, 12, 9), "2026-11-30"), (date(2026, 11, 9), "2026-11-09")):
        document = month_document(facts(today)[0])
        parts = {part.name: part for part in document.parts}
        headings = [
            table.heading for name in ("付款与预付金", "差错单") for table in parts[name].tables
        ]
        assert [
            f"付款（截至 {expected}）",
            f"预付金（截至 {expected}）",
            f"未办结的差错单（截至 {expected}）",
        ] == headings
