"""Where a payment stands and what to do next: one table over what was ordered and what banks show.

A payment is made under one id, in attempts. What is known of it are orders, the bookings that the
payer's bank shows and those that the payee's bank shows; all three arrive in any order, and the
state is a function of them and of the day alone. A booking counts once by its reference. Another
attempt may be ordered only when the payer's bank has shown what became of every one that was
ordered, and never for more than is still due by the larger of the two banks' words. What only the
payee's bank shows of an attempt that nobody ordered is money while it is there, and opens no
attempt: else any stranger's fen with our id would keep a payment from being made. Who may say what,
and where the amount due comes from, is decided elsewhere.
"""

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

__all__ = [
    "ATTEMPTS_MAX",
    "TABLE",
    "Action",
    "Booking",
    "Ordered",
    "Party",
    "PaymentStanding",
    "Row",
    "State",
    "end_to_end_id",
    "split_end_to_end_id",
    "standing",
]

ATTEMPTS_MAX: Final = 99
"""Two digits of an ``EndToEndId``."""

_ID_CHARS = 32
_BASE32 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


class State(enum.IntEnum):
    """Where a payment stands; the numbers are those of ``PaymentState`` in the contract."""

    DUE = 1
    ORDERED = 2
    UNKNOWN = 3
    DEBITED = 4
    PAID = 5
    RETURNED = 6
    PARTIAL = 7
    OVERPAID = 8


class Party(enum.Enum):
    """Who has to act."""

    PAYER = "payer"
    PAYEE = "payee"
    NOBODY = ""


class Action(enum.StrEnum):
    """What to do next; the values travel."""

    ORDER = "ORDER"
    READ_BANK_STATEMENT = "READ_BANK_STATEMENT"
    ASK_BANK = "ASK_BANK"
    PAYEE_READ_BANK_STATEMENT = "PAYEE_READ_BANK_STATEMENT"
    ORDER_AGAIN = "ORDER_AGAIN"
    ORDER_REST = "ORDER_REST"
    RETURN_SURPLUS = "RETURN_SURPLUS"
    NOTHING = ""


_ORDERING = frozenset({Action.ORDER, Action.ORDER_AGAIN, Action.ORDER_REST})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An attempt that the payer ordered.

    Attributes:
        attempt: 1 to 99.
        amount_fen: How much, above zero.
        execution_date: Day on which the bank is asked to pay.
    """

    attempt: int
    amount_fen: int
    execution_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """A booking that one party's bank shows.

    Attributes:
        attempt: What the ``EndToEndId`` names.
        is_return: Whether the money went back: credited at the payer, debited at the payee.
        amount_fen: How much, above zero.
        booking_ref: Tells bookings of that party apart.
    """

    attempt: int
    is_return: bool
    amount_fen: int
    booking_ref: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStanding:
    """Where a payment stands.

    Attributes:
        state: One of eight.
        owner: Who has to act.
        action: What to do next.
        attempt: The last one that was ordered or that the payer's bank shows; 0 if none.
        debited_fen: What the payer's bank shows as paid less returned; negative while a return was
            read and its debit was not.
        credited_fen: What the payee's bank shows as received less returned, likewise.
        next_attempt: The attempt that may be ordered now; 0 if none may.
        next_fen: How much that attempt may be ordered for: what is still due; 0 if none may.
    """

    state: State
    owner: Party
    action: Action
    attempt: int
    debited_fen: int
    credited_fen: int
    next_attempt: int
    next_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One attempt as the banks show it."""

    number: int
    execution_date: date | None
    debit: int
    debit_back: int
    credit: int
    credit_back: int

    @property
    def out(self) -> int:
        """What is away from the payer by its own bank; a return never makes it less than none."""
        return max(0, self.debit - self.debit_back)

    @property
    def arrived(self) -> int:
        """What is with the payee by its own bank."""
        return max(0, self.credit - self.credit_back)

    @property
    def is_ordered(self) -> bool:
        """Whether the payer's log has an order of it."""
        return self.execution_date is not None

    @property
    def is_of_payer(self) -> bool:
        """Whether the payer ordered it or its bank shows it: later attempts are counted on."""
        return self.is_ordered or bool(self.debit or self.debit_back)

    @property
    def is_open(self) -> bool:
        """Whether the payer's bank has not shown what became of it: a debit, of any amount."""
        return self.is_ordered and not self.debit

    @property
    def lag(self) -> int:
        """What the payee still shows of money that the payer's bank shows as back."""
        return max(0, self.arrived - self.out) if self.debit and self.debit_back else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    """What the rows of the table ask."""

    due: int
    today: date
    attempts: tuple[_Attempt, ...]

    @property
    def out(self) -> int:
        """What is away from the payer, by its bank."""
        return sum(each.out for each in self.attempts)

    @property
    def arrived(self) -> int:
        """What is with the payee, without what the payer's bank shows as back."""
        return sum(each.arrived - each.lag for each in self.attempts)

    @property
    def lag(self) -> int:
        return sum(each.lag for each in self.attempts)

    @property
    def open(self) -> _Attempt | None:
        """The last attempt of which the payer's bank has shown nothing."""
        return next((each for each in reversed(self.attempts) if each.is_open), None)

    @property
    def is_late(self) -> bool:
        """Whether the day of execution of the open attempt is past."""
        day = self.open.execution_date if self.open else None
        return day is not None and day < self.today

    @property
    def payee_sent_back(self) -> bool:
        """Whether the payee's bank shows a return that the payer's bank has not shown."""
        return any(each.credit_back and each.arrived < each.out for each in self.attempts)

    @property
    def arrived_short(self) -> bool:
        """Whether the payee's bank booked less of an attempt than the payer's bank sent."""
        return any(each.credit and each.arrived < each.out for each in self.attempts)

    @property
    def return_unexplained(self) -> bool:
        """Whether more came back of an attempt than the payer's bank has shown as sent."""
        return any(each.debit_back > each.debit for each in self.attempts)

    @property
    def last(self) -> int:
        """The last attempt of the payer; 0 if there is none."""
        return max((each.number for each in self.attempts if each.is_of_payer), default=0)

    @property
    def last_is_back(self) -> bool:
        """Whether nothing of that attempt is away from the payer."""
        return not any(each.out for each in self.attempts if each.number == self.last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the table: of all rows the first that applies says where a payment stands.

    Attributes:
        when: Whether it applies.
        state: Where the payment stands then.
        owner: Who has to act.
        action: What to do next.
    """

    when: Callable[[_Facts], bool]
    state: State
    owner: Party
    action: Action


def _row(state: State, owner: Party, action: Action, when: Callable[[_Facts], bool]) -> Row:
    return Row(when=when, state=state, owner=owner, action=action)


_PAYER, _PAYEE = Party.PAYER, Party.PAYEE

TABLE: Final[tuple[Row, ...]] = (
    # Nothing was ordered, and no bank shows anything.
    _row(State.DUE, _PAYER, Action.ORDER, lambda f: not f.attempts),
    # More than is due is on the way or there.
    _row(State.OVERPAID, _PAYEE, Action.RETURN_SURPLUS, lambda f: f.arrived > f.due),
    _row(
        State.OVERPAID,
        _PAYER,
        Action.READ_BANK_STATEMENT,
        lambda f: f.out > f.due and f.payee_sent_back,
    ),
    _row(
        State.OVERPAID,
        _PAYEE,
        Action.PAYEE_READ_BANK_STATEMENT,
        lambda f: f.out > f.due and f.arrived < f.due,
    ),
    _row(State.OVERPAID, _PAYER, Action.ASK_BANK, lambda f: f.out > f.due),
    # The whole amount is there, once.
    _row(
        State.PAID,
        _PAYEE,
        Action.PAYEE_READ_BANK_STATEMENT,
        lambda f: f.arrived == f.due and f.lag > 0,
    ),
    _row(
        State.PAID,
        _PAYER,
        Action.READ_BANK_STATEMENT,
        lambda f: f.arrived == f.due and f.out < f.due,
    ),
    _row(State.PAID, Party.NOBODY, Action.NOTHING, lambda f: f.arrived == f.due),
    # An attempt is open: the payer's bank has shown no debit of it.
    _row(
        State.PARTIAL,
        _PAYER,
        Action.READ_BANK_STATEMENT,
        lambda f: f.open is not None and f.open.arrived > 0,
    ),
    _row(
        State.RETURNED,
        _PAYER,
        Action.READ_BANK_STATEMENT,
        lambda f: f.open is not None and bool(f.open.credit_back or f.open.debit_back),
    ),
    _row(State.UNKNOWN, _PAYER, Action.ASK_BANK, lambda f: f.open is not None and f.is_late),
    _row(State.ORDERED, _PAYER, Action.READ_BANK_STATEMENT, lambda f: f.open is not None),
    # The whole amount has left the payer; not all of it has been shown to arrive.
    _row(
        State.RETURNED,
        _PAYER,
        Action.READ_BANK_STATEMENT,
        lambda f: f.out == f.due and f.payee_sent_back,
    ),
    _row(State.PARTIAL, _PAYER, Action.ASK_BANK, lambda f: f.out == f.due and f.arrived_short),
    _row(
        State.DEBITED,
        _PAYEE,
        Action.PAYEE_READ_BANK_STATEMENT,
        lambda f: f.out == f.due,
    ),
    # Less than the whole has left the payer, and every attempt has ended: before the rest is
    # ordered, the two banks must not contradict each other.
    _row(
        State.RETURNED,
        _PAYER,
        Action.READ_BANK_STATEMENT,
        lambda f: f.return_unexplained,
    ),
    _row(State.RETURNED, _PAYEE, Action.PAYEE_READ_BANK_STATEMENT, lambda f: f.lag > 0),
    _row(State.PARTIAL, _PAYER, Action.READ_BANK_STATEMENT, lambda f: f.arrived > f.out),
    _row(
        State.PARTIAL,
        _PAYER,
        Action.ASK_BANK,
        lambda f: f.last >= ATTEMPTS_MAX,
    ),
    _row(State.RETURNED, _PAYER, Action.ORDER_AGAIN, lambda f: f.last_is_back),
    _row(State.PARTIAL, _PAYER, Action.ORDER_REST, lambda _: True),
)
"""Every state, in the order in which its row is tried."""


def standing(
    due_fen: int,
    *,
    orders: Iterable[Ordered] = (),
    payer: Iterable[Booking] = (),
    payee: Iterable[Booking] = (),
    today: date,
) -> PaymentStanding:
    """Return where a payment stands.

    Args:
        due_fen: How much is due in all, above zero.
        orders: What the payer ordered; of one attempt the first counts.
        payer: Bookings that the payer's bank shows, in any order.
        payee: Bookings that the payee's bank shows, in any order.
        today: The business date.
    """
    assert due_fen > 0, "a payment moves money"
    ordered: dict[int, Ordered] = {}
    for each in orders:
        ordered.setdefault(each.attempt, each)
    debits, credits_ = _once(payer), _once(payee)
    numbers = sorted({*ordered, *(each.attempt for each in (*debits, *credits_))})
    attempts = tuple(
        _Attempt(
            number=number,
            execution_date=ordered[number].execution_date if number in ordered else None,
            debit=_sum(debits, number, is_return=False),
            debit_back=_sum(debits, number, is_return=True),
            credit=_sum(credits_, number, is_return=False),
            credit_back=_sum(credits_, number, is_return=True),
        )
        for number in numbers
    )
    facts = _Facts(due=due_fen, today=today, attempts=attempts)
    row = next(row for row in TABLE if row.when(facts))
    may_order = row.action in _ORDERING
    rest = due_fen - facts.out
    assert not may_order or 0 < rest <= due_fen, "what is ordered is due"
    return PaymentStanding(
        state=row.state,
        owner=row.owner,
        action=row.action,
        attempt=facts.last,
        debited_fen=sum(each.debit - each.debit_back for each in attempts),
        credited_fen=sum(each.credit - each.credit_back for each in attempts),
        next_attempt=facts.last + 1 if may_order else 0,
        next_fen=rest if may_order else 0,
    )


def _once(bookings: Iterable[Booking]) -> tuple[Booking, ...]:
    """Return bookings, each reference once: the same file may be read twice."""
    found: dict[bytes, Booking] = {}
    for each in bookings:
        found.setdefault(each.booking_ref, each)
    return tuple(found.values())


def _sum(bookings: Iterable[Booking], attempt: int, *, is_return: bool) -> int:
    return sum(
        each.amount_fen
        for each in bookings
        if each.attempt == attempt and each.is_return is is_return
    )


def end_to_end_id(payment_id: str, attempt: int) -> str:
    """Return the ``EndToEndId`` of an attempt: the id, a hyphen and two digits, 35 characters.

    Args:
        payment_id: 32 characters of base32.
        attempt: 1 to 99.
    """
    assert len(payment_id) == _ID_CHARS, "a payment id has 32 characters"
    assert 1 <= attempt <= ATTEMPTS_MAX, "an attempt has two digits"
    return f"{payment_id}-{attempt:02d}"


def split_end_to_end_id(text: str) -> tuple[str, int] | None:
    """Return payment id and attempt of an ``EndToEndId`` of this form; ``None`` of any other."""
    payment_id, hyphen, number = text.partition("-")
    if len(payment_id) != _ID_CHARS or not _BASE32.issuperset(payment_id) or not hyphen:
        return None
    if len(number) != len("01") or not (number.isascii() and number.isdigit()) or number == "00":
        return None
    return payment_id, int(number)
