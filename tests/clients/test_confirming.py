"""What a bank's statement is read against, from a node's answer: whose payment, and since when."""

from datetime import UTC, date, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from clients.paying.confirming import known_payments
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ppb
from settlement.bank.camt053 import KnownPayment
from settlement.bank.payments import Booking, Party

PAYEE, PAYER, THIRD = "310000", "320000", "330000"


def at(*moment: int) -> Timestamp:
    """Return a moment of UTC."""
    found = Timestamp()
    found.FromDatetime(datetime(*moment, tzinfo=UTC))  # type: ignore[misc, arg-type]
    return found


def payment() -> ppb.StandingPayment:
    """Return a payment with two attempts; the first came back."""
    return ppb.StandingPayment(
        payment_id="A" * 32,
        payer=PAYER,
        payee=PAYEE,
        amount_fen=100,
        basis_time=at(2026, 11, 1, 17),
        orders=[
            epb.PaymentOrder(attempt=1, amount_fen=100, execution_date="2026-11-04"),
            epb.PaymentOrder(attempt=2, amount_fen=100, execution_date="2026-11-09"),
        ],
        order_times=[at(2026, 11, 3, 15, 59), at(2026, 11, 3, 16)],
        payer_reports=[
            epb.PaymentReport(
                attempt=1,
                outcome=epb.PAYMENT_OUTCOME_RETURNED,
                amount_fen=100,
                booking_ref=b"r",
            )
        ],
    )


def test_days_are_those_of_the_business_calendar() -> None:
    """Sixteen hours of UTC are the next day in Shanghai: for what is due as for each order."""
    expected = KnownPayment(
        party=Party.PAYER,
        due_fen=100,
        due_date=date(2026, 11, 2),
        ordered={1: 100, 2: 100},
        execution_dates={1: date(2026, 11, 4), 2: date(2026, 11, 9)},
        order_dates={1: date(2026, 11, 3), 2: date(2026, 11, 4)},
        booked=(Booking(attempt=1, is_return=True, amount_fen=100, booking_ref=b"r"),),
    )
    assert {"A" * 32: expected} == known_payments([payment()], PAYER)


def test_each_party_has_its_own_bank() -> None:
    """The payee's statement is held against its own bookings; nobody else's payment is known."""
    found = known_payments([payment()], PAYEE)["A" * 32]
    assert (Party.PAYEE, ()) == (found.party, found.booked)
    assert {} == known_payments([payment()], THIRD)
