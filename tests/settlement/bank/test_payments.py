"""Where a payment stands: each row of the table, and what holds whatever happens."""

from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deltacare.v1.payment_service_pb2 import PaymentState
from settlement.bank.payments import (
    TABLE,
    Action,
    Booking,
    Ordered,
    Party,
    PaymentStanding,
    State,
    end_to_end_id,
    split_end_to_end_id,
    standing,
)

DAY = date(2026, 11, 23)
DUE = 100


def order(attempt: int, fen: int = DUE, day: date = DAY) -> Ordered:
    """Return an attempt that was ordered."""
    return Ordered(attempt=attempt, amount_fen=fen, execution_date=day)


def booked(*rows: str) -> list[Booking]:
    """Return bookings from ``attempt:fen``, negative for a return; each has a reference."""
    found = []
    for index, row in enumerate(rows):
        attempt, _, fen = row.partition(":")
        found.append(
            Booking(
                attempt=int(attempt),
                is_return=int(fen) < 0,
                amount_fen=abs(int(fen)),
                booking_ref=str(index).encode(),
            )
        )
    return found


def test_states_are_those_of_the_contract() -> None:
    """The numbers travel."""
    expected = {name.removeprefix("PAYMENT_STATE_"): n for name, n in PaymentState.items() if n}
    assert expected == {each.name: each.value for each in State}


CASES = [
    # orders, payer's bank, payee's bank, state, owner, action, next attempt, next fen
    ([], [], [], "DUE payer ORDER", 1, 100),
    ([order(1)], [], [], "ORDERED payer READ_BANK_STATEMENT", 0, 0),
    (
        [order(1, day=DAY - timedelta(days=1))],
        [],
        [],
        "UNKNOWN payer ASK_BANK",
        0,
        0,
    ),
    ([order(1)], ["1:100"], [], "DEBITED payee PAYEE_READ_BANK_STATEMENT", 0, 0),
    ([order(1)], ["1:100"], ["1:100"], "PAID  ", 0, 0),
    ([order(1)], [], ["1:100"], "PAID payer READ_BANK_STATEMENT", 0, 0),
    # Returned, as either bank shows it first.
    ([order(1)], ["1:100", "1:-100"], [], "RETURNED payer ORDER_AGAIN", 2, 100),
    ([order(1)], ["1:-100"], [], "RETURNED payer READ_BANK_STATEMENT", 0, 0),
    (
        [order(1)],
        ["1:100", "1:-100"],
        ["1:100"],
        "RETURNED payee PAYEE_READ_BANK_STATEMENT",
        0,
        0,
    ),
    ([order(1)], ["1:100"], ["1:100", "1:-100"], "RETURNED payer READ_BANK_STATEMENT", 0, 0),
    ([order(1)], [], ["1:100", "1:-100"], "RETURNED payer READ_BANK_STATEMENT", 0, 0),
    (
        [order(1)],
        ["1:100", "1:-100"],
        ["1:100", "1:-100"],
        "RETURNED payer ORDER_AGAIN",
        2,
        100,
    ),
    # Less than was ordered.
    ([order(1)], ["1:60"], [], "PARTIAL payer ORDER_REST", 2, 40),
    ([order(1)], ["1:60"], ["1:60"], "PARTIAL payer ORDER_REST", 2, 40),
    ([order(1)], [], ["1:60"], "PARTIAL payer READ_BANK_STATEMENT", 0, 0),
    ([order(1)], ["1:60"], ["1:80"], "PARTIAL payer READ_BANK_STATEMENT", 0, 0),
    ([order(1)], ["1:100"], ["1:99"], "PARTIAL payer ASK_BANK", 0, 0),
    ([order(1)], ["1:100", "1:-30"], ["1:70"], "PARTIAL payer ORDER_REST", 2, 30),
    # The second attempt.
    (
        [order(1), order(2, 40)],
        ["1:60"],
        ["1:60"],
        "ORDERED payer READ_BANK_STATEMENT",
        0,
        0,
    ),
    ([order(1), order(2, 40)], ["1:60", "2:40"], ["1:60", "2:40"], "PAID  ", 0, 0),
    (
        [order(1), order(2, 40)],
        ["1:60", "2:40"],
        ["1:60"],
        "DEBITED payee PAYEE_READ_BANK_STATEMENT",
        0,
        0,
    ),
    # More than is due.
    ([order(1)], ["1:100", "1:100"], ["1:100", "1:100"], "OVERPAID payee RETURN_SURPLUS", 0, 0),
    ([order(1)], ["1:100", "1:100"], [], "OVERPAID payee PAYEE_READ_BANK_STATEMENT", 0, 0),
    ([order(1)], ["1:100", "1:100"], ["1:100"], "OVERPAID payer ASK_BANK", 0, 0),
    ([order(1)], [], ["1:101"], "OVERPAID payee RETURN_SURPLUS", 0, 0),
    (
        [order(1)],
        ["1:100", "1:100"],
        ["1:100", "1:100", "1:-100"],
        "OVERPAID payer READ_BANK_STATEMENT",
        0,
        0,
    ),
    (
        [order(1)],
        ["1:100", "1:100", "1:-100"],
        ["1:100", "1:100"],
        "PAID payee PAYEE_READ_BANK_STATEMENT",
        0,
        0,
    ),
    (
        [order(1)],
        ["1:100", "1:100", "1:-100"],
        ["1:100", "1:100", "1:-100"],
        "PAID  ",
        0,
        0,
    ),
    # More came back than went, of what was read: nothing is ordered on such a word.
    (
        [order(1)],
        ["1:60", "1:-100"],
        [],
        "RETURNED payer READ_BANK_STATEMENT",
        0,
        0,
    ),
    # Nor does what came back of one attempt take from another.
    (
        [order(1), order(2)],
        ["1:100", "1:-100", "1:-100", "2:100"],
        [],
        "DEBITED payee PAYEE_READ_BANK_STATEMENT",
        0,
        0,
    ),
    # The last attempt that an EndToEndId can name.
    (
        [order(99)],
        ["99:60"],
        [],
        "PARTIAL payer ASK_BANK",
        0,
        0,
    ),
    # Booked without an order: it is money all the same.
    ([], ["1:100"], [], "DEBITED payee PAYEE_READ_BANK_STATEMENT", 0, 0),
    # What the payer neither ordered nor sent keeps nobody from paying, once it is gone again: the
    # next attempt follows the payer's own, whatever number a stranger wrote.
    ([], [], ["3:1", "3:-1"], "RETURNED payer ORDER_AGAIN", 1, 100),
    (
        [order(1)],
        ["1:100", "1:-100"],
        ["3:1", "3:-1"],
        "RETURNED payer ORDER_AGAIN",
        2,
        100,
    ),
    ([order(1)], ["1:60"], ["1:60", "99:1", "99:-1"], "PARTIAL payer ORDER_REST", 2, 40),
    ([order(1)], [], ["3:1", "3:-1"], "ORDERED payer READ_BANK_STATEMENT", 0, 0),
    # While it is with the payee, nothing is ordered on top of it.
    ([], [], ["3:1"], "PARTIAL payer READ_BANK_STATEMENT", 0, 0),
    (
        [order(1)],
        ["1:100", "1:-100"],
        ["3:1"],
        "PARTIAL payer READ_BANK_STATEMENT",
        0,
        0,
    ),
    # A booking under a later attempt does not end the one that is open.
    (
        [order(1)],
        ["2:40"],
        [],
        "ORDERED payer READ_BANK_STATEMENT",
        0,
        0,
    ),
]


@pytest.mark.parametrize("orders, payer, payee, expected, attempt, fen", CASES)
def test_each_row(  # noqa: PLR0917 - a row of cases
    orders: list[Ordered], payer: list[str], payee: list[str], expected: str, attempt: int, fen: int
) -> None:
    """Each situation has one state, one owner and one next action."""
    found = standing(DUE, orders=orders, payer=booked(*payer), payee=booked(*payee), today=DAY)
    assert expected == f"{found.state.name} {found.owner.value} {found.action.value}"
    assert (attempt, fen) == (found.next_attempt, found.next_fen)


def test_every_row_of_the_table_is_reached() -> None:
    """No row is dead: each decides one of the cases."""
    reached = {expected for *_, expected, _, _ in CASES}
    rows = {f"{row.state.name} {row.owner.value} {row.action.value}" for row in TABLE}
    assert rows == reached


BOOKINGS = st.lists(
    st.builds(
        Booking,
        attempt=st.integers(1, 3),
        is_return=st.booleans(),
        amount_fen=st.integers(1, 120),
        booking_ref=st.binary(min_size=1, max_size=1),
    ),
    max_size=6,
)
ORDERS = st.lists(st.integers(1, 100), max_size=3).map(
    lambda fens: [order(number, fen) for number, fen in enumerate(fens, start=1)]
)
DAYS = st.sampled_from([DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)])


@given(ORDERS, BOOKINGS, BOOKINGS, DAYS, st.randoms(use_true_random=False))
def test_the_order_of_reports_does_not_matter(
    orders: list[Ordered],
    payer: list[Booking],
    payee: list[Booking],
    today: date,
    random,  # noqa: ANN001 - hypothesis's own
) -> None:
    """Whichever bank is read first, and in what order: the payment stands where it stands."""
    # Of two bookings under one reference the first counts, so only distinct ones are shuffled.
    payer = list({each.booking_ref: each for each in payer}.values())
    payee = list({each.booking_ref: each for each in payee}.values())
    expected = standing(DUE, orders=orders, payer=payer, payee=payee, today=today)
    found = standing(
        DUE,
        orders=random.sample(orders, len(orders)),
        payer=random.sample(payer, len(payer)),
        payee=random.sample(payee, len(payee)),
        today=today,
    )
    assert expected == found


@given(ORDERS, BOOKINGS, BOOKINGS, DAYS)
def test_money_that_is_shown_is_never_lost(
    orders: list[Ordered], payer: list[Booking], payee: list[Booking], today: date
) -> None:
    """What both banks show adds up in what is told, each booking once by its reference."""
    found = standing(DUE, orders=orders, payer=payer * 2, payee=payee * 2, today=today)

    def net(bookings: list[Booking]) -> int:
        once = {each.booking_ref: each for each in reversed(bookings)}.values()
        return sum(-each.amount_fen if each.is_return else each.amount_fen for each in once)

    assert (net(payer), net(payee)) == (found.debited_fen, found.credited_fen)
    if max(found.debited_fen, found.credited_fen) > DUE:
        assert State.OVERPAID is found.state or found.action is not Action.NOTHING
    if found.state is State.DUE:
        assert not orders
        assert not payer
        assert not payee
    assert (found.owner is Party.NOBODY) == (found.action is Action.NOTHING)


class Bank:
    """A bank that takes orders and does one thing after another with each, and both sides' eyes.

    What it did is real at once; what a side has read of it comes later, in any order.
    """

    def __init__(self) -> None:
        self.orders: list[Ordered] = []
        self.real: list[tuple[str, Booking]] = []
        self.read: list[tuple[str, Booking]] = []
        self.returns: dict[int, int] = {}

    def stand(self) -> PaymentStanding:
        """Return where the payment stands by what was read."""
        return standing(
            DUE,
            orders=self.orders,
            payer=[each for side, each in self.read if side == "payer"],
            payee=[each for side, each in self.read if side == "payee"],
            today=DAY,
        )

    def book(self, attempt: int, fen: int, *, is_return: bool) -> None:
        """Move money between the two."""
        for side in ("payer", "payee"):
            self.real.append(
                (
                    side,
                    Booking(
                        attempt=attempt,
                        is_return=is_return,
                        amount_fen=fen,
                        booking_ref=str(len(self.real)).encode(),
                    ),
                )
            )

    def moved(self, attempt: int) -> int:
        """Return what is really with the payee of an attempt."""
        return sum(
            -each.amount_fen if each.is_return else each.amount_fen
            for side, each in self.real
            if side == "payer" and each.attempt == attempt
        )


@given(st.lists(st.tuples(st.sampled_from("obprR"), st.integers(0, 99)), max_size=40))
def test_never_more_is_ordered_than_is_due(steps: list[tuple[str, int]]) -> None:
    """Whatever the bank does short of doubling, and whoever reads what when.

    What is with the payee and what is ordered and not ended never exceed what is due together.
    """
    bank = Bank()
    for kind, number in steps:
        ordered = [each.attempt for each in bank.orders]
        booked_ = {each.attempt for _, each in bank.real}
        untouched = [each for each in bank.orders if each.attempt not in booked_]
        if kind == "o":
            found = bank.stand()
            if found.next_attempt:
                assert found.next_attempt == len(bank.orders) + 1
                bank.orders.append(order(found.next_attempt, found.next_fen))
        elif kind == "b" and untouched:  # the bank pays
            bank.book(untouched[0].attempt, untouched[0].amount_fen, is_return=False)
        elif kind == "p" and untouched:  # or pays less, for good
            fen = 1 + number % untouched[0].amount_fen
            bank.book(untouched[0].attempt, fen, is_return=False)
        elif kind == "r" and ordered:  # money comes back
            attempt = ordered[number % len(ordered)]
            if bank.moved(attempt) > 0:
                bank.book(attempt, bank.moved(attempt), is_return=True)
        elif kind == "R" and bank.real:  # a side reads any booking, perhaps again
            bank.read.append(bank.real[number % len(bank.real)])
        booked_ = {each.attempt for _, each in bank.real}
        pending = sum(each.amount_fen for each in bank.orders if each.attempt not in booked_)
        with_payee = sum(bank.moved(each.attempt) for each in bank.orders)
        assert pending + with_payee <= DUE


@given(
    ORDERS,
    BOOKINGS,
    BOOKINGS,
    DAYS,
    st.lists(st.tuples(st.integers(4, 99), st.integers(1, 10**9)), min_size=1, max_size=3),
)
def test_strays_that_went_back_change_nothing(
    orders: list[Ordered],
    payer: list[Booking],
    payee: list[Booking],
    today: date,
    strays: list[tuple[int, int]],
) -> None:
    """Whoever writes our id on whatever sum: once the payee sent it back, all is as it was."""
    without = standing(DUE, orders=orders, payer=payer, payee=payee, today=today)
    more = [
        Booking(
            attempt=attempt,
            is_return=is_return,
            amount_fen=fen,
            booking_ref=f"stray {number} {is_return}".encode(),
        )
        for number, (attempt, fen) in enumerate(strays)
        for is_return in (False, True)
    ]
    found = standing(DUE, orders=orders, payer=payer, payee=[*payee, *more], today=today)
    if without.state is State.DUE:
        assert (State.RETURNED, Action.ORDER_AGAIN) == (found.state, found.action)
        assert (1, DUE) == (found.next_attempt, found.next_fen)
    else:
        assert without == found


def test_both_orders_of_the_two_banks() -> None:
    """Every order in which six bookings are read ends in the same state."""
    payer, payee = booked("1:60", "2:40", "2:-40"), booked("1:60", "2:40", "2:-40")
    orders = [order(1), order(2, 40)]
    rows = [*((0, each) for each in payer), *((1, each) for each in payee)]
    found = {
        standing(
            DUE,
            orders=orders,
            payer=[each for side, each in some if side == 0],
            payee=[each for side, each in some if side == 1],
            today=DAY,
        )
        for some in permutations(rows)
    }
    assert 1 == len(found)
    assert "ORDER_AGAIN" == next(iter(found)).action


def test_end_to_end_ids() -> None:
    """35 characters, read back to what they name; anything else is not ours."""
    payment = "A2" * 16
    assert f"{payment}-07" == end_to_end_id(payment, 7)
    assert 35 == len(end_to_end_id(payment, 99))
    assert (payment, 7) == split_end_to_end_id(f"{payment}-07")
    for text in ("", payment, f"{payment}-", f"{payment}-00", f"{payment}-7", f"{payment}-007"):
        assert split_end_to_end_id(text) is None
    for text in (f"{payment}-٠١", f"{payment.lower()}-01", f"{'A1' * 16}-01"):
        assert split_end_to_end_id(text) is None
