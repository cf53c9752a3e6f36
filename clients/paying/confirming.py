"""From a bank's statement to reports: which of our payments its bookings are, and what to say."""

from collections.abc import Iterable
from datetime import UTC, date

from google.protobuf.timestamp_pb2 import Timestamp

from deltacare.times import business_date
from deltacare.v1.entry_pb2 import PaymentOutcome, PaymentReport
from deltacare.v1.payment_service_pb2 import StandingPayment
from settlement.bank.camt053 import BankStatement, KnownPayment
from settlement.bank.payments import Booking, Party

__all__ = ["known_payments", "reports_of"]


def known_payments(payments: Iterable[StandingPayment], own: str) -> dict[str, KnownPayment]:
    """Return the payments of which the own province is a party, as a statement is read against."""
    found = {}
    for each in payments:
        if own not in (each.payer, each.payee):
            continue
        party = Party.PAYER if own == each.payer else Party.PAYEE
        own_reports = each.payer_reports if party is Party.PAYER else each.payee_reports
        found[each.payment_id] = KnownPayment(
            party=party,
            due_fen=each.amount_fen,
            due_date=_day(each.basis_time),
            ordered={order.attempt: order.amount_fen for order in each.orders},
            execution_dates={
                order.attempt: date.fromisoformat(order.execution_date) for order in each.orders
            },
            order_dates={
                order.attempt: _day(time)
                for order, time in zip(each.orders, each.order_times, strict=True)
            },
            booked=tuple(
                Booking(
                    attempt=report.attempt,
                    is_return=report.outcome == PaymentOutcome.PAYMENT_OUTCOME_RETURNED,
                    amount_fen=report.amount_fen,
                    booking_ref=report.booking_ref,
                )
                for report in own_reports
            ),
        )
    return found


def _day(time: Timestamp) -> date:
    return business_date(time.ToDatetime(tzinfo=UTC))


def reports_of(statement: BankStatement) -> list[PaymentReport]:
    """Return what to report of a statement, in its order."""
    return [
        PaymentReport(
            payment_id=each.payment_id,
            attempt=each.booking.attempt,
            outcome=PaymentOutcome.PAYMENT_OUTCOME_RETURNED
            if each.booking.is_return
            else PaymentOutcome.PAYMENT_OUTCOME_BOOKED,
            amount_fen=each.booking.amount_fen,
            booking_date=each.booking_date.isoformat(),
            booking_ref=each.booking.booking_ref,
            message_hash=statement.message_hash,
        )
        for each in statement.bookings
    ]
