"""Generated events of two provinces, each with the entries it rests on. Nobody here exists."""

import hashlib
from typing import Any

from settlement.books.balances import trial_balance
from settlement.books.events import (
    Budgeted,
    Cleared,
    Drawn,
    Event,
    Granted,
    Netted,
    Ordered,
    PaymentDue,
    Reservation,
    Shown,
    Source,
)
from settlement.books.journal import JournalLine, book
from settlement.books.months import ClosedMonth

__all__ = [
    "ADVANCE",
    "HOME",
    "HOST",
    "KIND",
    "PAYMENT",
    "balances",
    "booked",
    "month",
    "ordered",
    "shown",
    "source",
]

HOME, HOST, KIND = "320000", "310000", "CARE_BED"
PAYMENT = PaymentDue(payment_id="P" * 32, payer=HOME, payee=HOST, amount_fen=90_001)
ADVANCE = PaymentDue(payment_id="A" * 32, payer=HOME, payee=HOST, amount_fen=50_000)


def source(index: int, province: str = HOME) -> tuple[Source]:
    """Return an entry of a registry log."""
    log = f"deltacare/{province}/registry"
    digest = hashlib.sha256(f"{log} {index}".encode()).digest()
    return (Source(log=log, index=index, entry_hash=digest),)


def ordered(index: int, fen: int, *, attempt: int = 1, day: str = "2026-11-10") -> Ordered:
    """Return an order of home."""
    return Ordered(
        event_date=day,
        sources=source(index),
        payment=PAYMENT,
        attempt=attempt,
        amount_fen=fen,
        is_advance=False,
    )


def shown(
    index: int,
    fen: int,
    *,
    by_payer: bool = True,
    attempt: int = 1,
    returned: bool = False,
    day: str = "2026-11-11",
    payment: PaymentDue = PAYMENT,
) -> Shown:
    """Return a booking that a bank shows."""
    return Shown(
        event_date=day,
        sources=source(index, HOME if by_payer else HOST),
        payment=payment,
        attempt=attempt,
        by_payer=by_payer,
        returned=returned,
        amount_fen=fen,
        is_advance=payment is ADVANCE,
    )


def month(own: str) -> list[Event]:
    """Return a month, from budget to a statement that draws an advance, as one side has it."""
    amounts = {("2026", "320106"): 70_000, ("2026", "320205"): 40_001} if own == HOME else {}
    back = {("2026", "320106"): 10_000} if own == HOME else {}
    events: list[Event] = [
        Cleared(
            event_date="2026-11-02",
            sources=source(10) + source(10, HOST),
            home=HOME,
            host=HOST,
            subsidy_kind=KIND,
            back=False,
            amount_fen=110_001,
            amounts=amounts,
        ),
        Cleared(
            event_date="2026-11-03",
            sources=source(11) + source(11, HOST),
            home=HOME,
            host=HOST,
            subsidy_kind=KIND,
            back=True,
            amount_fen=10_000,
            amounts=back,
        ),
        Netted(
            event_date="2026-11-09",
            sources=source(20, HOST) + source(21),
            statement_id=f"{HOST}-S1",
            from_date="2026-11-01",
            until_date="2026-11-07",
            flows={(HOME, HOST): 100_001, (HOST, HOME): 0},
            payments=(PAYMENT,),
            drawn={(HOME, HOST): 10_000},
        ),
        Drawn(
            event_date="2026-11-09",
            sources=source(20, HOST) + source(21),
            statement_id=f"{HOST}-S1",
            advance_id=f"{HOME}-A1",
            payer=HOME,
            payee=HOST,
            amount_fen=10_000,
        ),
        Granted(
            event_date="2026-11-01",
            sources=source(3),
            advance_id=f"{HOME}-A1",
            payment=ADVANCE,
        ),
        shown(4, 50_000, by_payer=True, payment=ADVANCE, day="2026-11-02"),
        shown(4, 50_000, by_payer=False, payment=ADVANCE, day="2026-11-02"),
    ]
    if own == HOME:
        reserved: dict[str, Any] = {
            "partner": HOST,
            "subsidy_kind": KIND,
            "amounts": {("2026", "320106"): 70_000, ("2026", "320205"): 40_001},
        }
        events += [
            Budgeted(
                event_date="2026-10-20",
                sources=source(1),
                year="2026",
                subsidy_kind=KIND,
                division="320000",
                amount_fen=1_000_000,
            ),
            Reservation(event_date="2026-11-01", sources=source(2), released=False, **reserved),
            Reservation(event_date="2026-11-02", sources=source(10), released=True, **reserved),
        ]
    return events


def booked(
    *more: Event, own: str = HOME, closed: tuple[ClosedMonth, ...] = ()
) -> list[JournalLine]:
    """Return the journal of the month and of what follows."""
    lines, findings = book(
        [*month(own), *more],
        own,
        first_month="2026-11",
        closed=closed,
        gross={("2026-11-02", HOME, HOST): 110_001, ("2026-11-03", HOME, HOST): -10_000},
    )
    assert [] == findings
    return lines


def balances(lines: list[JournalLine], day: str = "2026-12-31") -> dict[str, int]:
    """Return the balances at the end of a day that are not zero."""
    return {account: fen for account, fen in trial_balance(lines, day).net.items() if fen}
