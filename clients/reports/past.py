"""Payments and advances as they stood at the end of a day, from what a node says of them now.

Of a payment everything has its day: when it was asked for and ordered, and on which day banks
booked it; where it stood follows from these by the table by which a node says where it stands. What
statements draw from advances has its day in the books. So the report of a month that is over says
the same whenever it is drawn. What is not known at all cannot be shown: a booking of the month that
is reported later is shown from then on.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from typing import Final

from deltacare.times import business_date
from deltacare.v1.books_service_pb2 import JournalLine
from deltacare.v1.entry_pb2 import PaymentOrder, PaymentOutcome, PaymentReport
from deltacare.v1.payment_service_pb2 import PaymentState, StandingAdvance, StandingPayment
from settlement.bank.payments import Booking, Ordered, Party, standing

__all__ = ["advances_on", "drawn_fen", "payments_on"]

_DRAWN: Final = "DRAWN"


def payments_on(payments: Iterable[StandingPayment], day: date) -> list[StandingPayment]:
    """Return the payments that were asked for by the end of a day, as they stood then.

    Args:
        payments: As they stand now.
        day: A business date.
    """
    return [
        _payment_on(each, day)
        for each in payments
        if business_date(each.basis_time.ToDatetime(tzinfo=UTC)) <= day
    ]


def _payment_on(payment: StandingPayment, day: date) -> StandingPayment:
    ordered = [
        (order, time)
        for order, time in zip(payment.orders, payment.order_times, strict=True)
        if business_date(time.ToDatetime(tzinfo=UTC)) <= day
    ]
    payer, payee = (
        [each for each in reports if date.fromisoformat(each.booking_date) <= day]
        for reports in (payment.payer_reports, payment.payee_reports)
    )
    found = standing(
        payment.amount_fen,
        orders=[_ordered(order) for order, _ in ordered],
        payer=map(_booking, payer),
        payee=map(_booking, payee),
        today=day,
    )
    owners = {Party.PAYER: payment.payer, Party.PAYEE: payment.payee, Party.NOBODY: ""}
    return StandingPayment(
        payment_id=payment.payment_id,
        basis_hash=payment.basis_hash,
        basis_id=payment.basis_id,
        payer=payment.payer,
        payee=payment.payee,
        amount_fen=payment.amount_fen,
        state=PaymentState.ValueType(found.state),
        attempt=found.attempt,
        debited_fen=found.debited_fen,
        credited_fen=found.credited_fen,
        owner=owners[found.owner],
        next_action=found.action,
        orders=[order for order, _ in ordered],
        order_times=[time for _, time in ordered],
        payer_reports=payer,
        payee_reports=payee,
        basis_time=payment.basis_time,
        next_attempt=found.next_attempt,
        next_fen=found.next_fen,
    )


def advances_on(
    advances: Iterable[StandingAdvance],
    payments: Sequence[StandingPayment],
    drawn: Mapping[str, int],
) -> list[StandingAdvance]:
    """Return the advances that were granted by the end of a day, as they stood then.

    Args:
        advances: As they stand now.
        payments: Those of that day, among them the payments of advances.
        drawn: By the number of an advance, what statements had drawn of it.
    """
    paying = {each.basis_hash: each for each in payments}
    return [
        StandingAdvance(
            payer=each.payer,
            advance=each.advance,
            entry=each.entry,
            advance_hash=each.advance_hash,
            received_fen=paying[each.advance_hash].credited_fen,
            drawn_fen=drawn.get(each.advance.advance_id, 0),
        )
        for each in advances
        if each.advance_hash in paying
    ]


def drawn_fen(lines: Iterable[JournalLine]) -> dict[str, int]:
    """Return by the number of an advance what lines of the books draw from it."""
    found: dict[str, int] = {}
    for line in lines:
        if line.event == _DRAWN:
            _, _, advance_id = line.subject.partition(" ")
            fen = sum(max(0, posting.amount_fen) for posting in line.postings)
            found[advance_id] = found.get(advance_id, 0) + fen
    return found


def _ordered(order: PaymentOrder) -> Ordered:
    return Ordered(
        attempt=order.attempt,
        amount_fen=order.amount_fen,
        execution_date=date.fromisoformat(order.execution_date),
    )


def _booking(report: PaymentReport) -> Booking:
    return Booking(
        attempt=report.attempt,
        is_return=report.outcome == PaymentOutcome.PAYMENT_OUTCOME_RETURNED,
        amount_fen=report.amount_fen,
        booking_ref=report.booking_ref,
    )
