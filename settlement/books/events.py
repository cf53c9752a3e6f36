"""What happened, as the books take it in: typed values, each with the entries it follows from.

Whoever gathers them reads logs and tables; here they are only described. An event counts in the
books of a month once every entry that it rests on is among those that the month took in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

__all__ = [
    "RANKS",
    "Budgeted",
    "Cleared",
    "Drawn",
    "Event",
    "Granted",
    "Netted",
    "Ordered",
    "PaymentDue",
    "Reservation",
    "Shown",
    "Source",
]

BudgetKey = tuple[str, str]
"""Year of service and six-digit division."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Source:
    """An entry from which something follows.

    Attributes:
        log: Name of its log.
        index: Its place, from 0.
        entry_hash: Its leaf hash, 32 bytes.
    """

    log: str
    index: int
    entry_hash: bytes = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has.

    Attributes:
        event_date: Day on which it happened, `YYYY-MM-DD`.
        sources: Entries that it rests on; the line of the journal names the first.
    """

    event_date: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgeted(Event):
    """A budget was set, or set anew: the amount replaces what was said before."""

    year: str
    subsidy_kind: str
    division: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation(Event):
    """Own records of a day began to reserve budget, or ceased to; of one host and kind.

    Attributes:
        partner: The host.
        subsidy_kind: The kind.
        released: They ceased to.
        amounts: Fen above zero by year of service and division.
    """

    partner: str
    subsidy_kind: str
    released: bool
    amounts: Mapping[BudgetKey, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(Event):
    """An agreed night cleared settlements of one direction and kind, or netted them back.

    Attributes:
        home: Who pays.
        host: Who receives.
        subsidy_kind: The kind.
        back: The night netted cleared settlements the other way, by reversals of both.
        amount_fen: The sum, above zero.
        amounts: By year of service and division of the elders; empty where home is another.
    """

    home: str
    host: str
    subsidy_kind: str
    back: bool
    amount_fen: int
    amounts: Mapping[BudgetKey, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDue:
    """A payment that a statement or an advance asks for.

    Attributes:
        payment_id: The one id under which it is ever made.
        payer: Who pays.
        payee: Who receives.
        amount_fen: How much, above zero.
    """

    payment_id: str
    payer: str
    payee: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Netted(Event):
    """A statement became binding: what was cleared turns into what is to be paid.

    Attributes:
        statement_id: Its number.
        from_date: First business date of its window.
        until_date: Last business date.
        flows: Gross flows by payer and payee that have the own province on one side.
        payments: Payments of the own province; what advances pay is not in them.
        drawn: By payer and payee, what advances pay.
    """

    statement_id: str
    from_date: str
    until_date: str
    flows: Mapping[tuple[str, str], int]
    payments: tuple[PaymentDue, ...]
    drawn: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn(Event):
    """A binding statement draws an advance down."""

    statement_id: str
    advance_id: str
    payer: str
    payee: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted(Event):
    """An advance was granted: it is paid like what a statement says."""

    advance_id: str
    payment: PaymentDue


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered(Event):
    """The payer instructed its bank."""

    payment: PaymentDue
    attempt: int
    amount_fen: int
    is_advance: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown(Event):
    """A bank statement shows a booking of a payment.

    Attributes:
        payment: What was to be paid.
        attempt: Which attempt the booking names.
        by_payer: The payer's bank shows it, else the payee's.
        returned: It came back.
        amount_fen: Of the booking, above zero.
        is_advance: The payment is an advance.
    """

    payment: PaymentDue
    attempt: int
    by_payer: bool
    returned: bool
    amount_fen: int
    is_advance: bool


RANKS: Final[Mapping[type[Event], int]] = {
    each: rank
    for rank, each in enumerate(
        (Budgeted, Reservation, Cleared, Netted, Drawn, Granted, Ordered, Shown)
    )
}
"""In which order events of one entry are booked."""
