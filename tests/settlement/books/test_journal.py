"""The journal: every event a balanced line, and both sides of a pair with one balance."""

import hashlib
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.books.balances import balance_text, line_text, trial_balance
from settlement.books.events import Budgeted, Cleared, Event
from settlement.books.journal import Finding, JournalLine, Posting, book, claims
from tests.settlement.books.generated import (
    HOME,
    HOST,
    KIND,
    PAYMENT,
    balances,
    booked,
    month,
    ordered,
    shown,
    source,
)


def test_month_of_both_sides() -> None:
    """From budget to what is due: each account of home and host, and claims that mirror."""
    home = balances(booked())
    assert {
        "Assets:Advances:P310000:Paid": 40_000,
        "Assets:Bank": -50_000,
        "Equity:Budget:Appropriated:Y2026:K-CARE-BED:D320000": -1_000_000,
        "Equity:Budget:Available:Y2026:K-CARE-BED:D320000": 1_000_000,
        "Equity:Budget:Available:Y2026:K-CARE-BED:D320000:D320100:D320106": -60_000,
        "Equity:Budget:Available:Y2026:K-CARE-BED:D320000:D320200:D320205": -40_001,
        "Equity:Budget:Consumed:Y2026:K-CARE-BED:D320000:D320100:D320106": 60_000,
        "Equity:Budget:Consumed:Y2026:K-CARE-BED:D320000:D320200:D320205": 40_001,
        "Expenses:Subsidy:P310000:K-CARE-BED": 100_001,
        "Liabilities:Payable:P310000:Due": -90_001,
    } == home
    host = balances(booked(own=HOST))
    assert {
        "Assets:Bank": 50_000,
        "Assets:Receivable:P320000:Due": 90_001,
        "Income:PassThrough:P320000:K-CARE-BED": -100_001,
        "Liabilities:Advances:P320000:Paid": -40_000,
    } == host
    assert ((0, 90_001), (90_001, 0)) == (claims(home, HOST), claims(host, HOME))


@pytest.mark.parametrize(
    "events, expected",
    [
        # Ordered; the bank shows nothing yet.
        ([ordered(30, 90_001)], {"Liabilities:Payable:P310000:Ordered": -90_001}),
        # Debited, on its way.
        (
            [ordered(30, 90_001), shown(31, 90_001)],
            {
                "Assets:InTransit:P310000": 90_001,
                "Liabilities:Payable:P310000:Ordered": -90_001,
            },
        ),
        # Paid.
        ([ordered(30, 90_001), shown(31, 90_001), shown(31, 90_001, by_payer=False)], {}),
        # Returned: due again.
        (
            [ordered(30, 90_001), shown(31, 90_001), shown(32, 90_001, returned=True)],
            {"Liabilities:Payable:P310000:Due": -90_001},
        ),
        # In part: what is left is due again.
        (
            [ordered(30, 90_001), shown(31, 90_000), shown(31, 90_000, by_payer=False)],
            {"Liabilities:Payable:P310000:Due": -1},
        ),
        # In part, and the rest ordered.
        (
            [
                ordered(30, 90_001),
                shown(31, 90_000),
                shown(31, 90_000, by_payer=False),
                ordered(33, 1, attempt=2),
            ],
            {"Liabilities:Payable:P310000:Ordered": -1},
        ),
        # Twice: the surplus is to come back.
        (
            [
                ordered(30, 90_001),
                shown(31, 90_001),
                shown(32, 90_001),
                shown(31, 90_001, by_payer=False),
                shown(32, 90_001, by_payer=False),
            ],
            {"Assets:Surplus:P310000": 90_001},
        ),
        # Twice, and the surplus came back.
        (
            [
                ordered(30, 90_001),
                shown(31, 90_001),
                shown(32, 90_001),
                shown(31, 90_001, by_payer=False),
                shown(32, 90_001, by_payer=False),
                shown(33, 90_001, by_payer=False, returned=True),
                shown(33, 90_001, returned=True),
            ],
            {},
        ),
        # The payee's bank was read first.
        (
            [ordered(30, 90_001), shown(31, 90_001, by_payer=False)],
            {"Assets:InTransit:P310000": -90_001},
        ),
    ],
)
def test_payment(events: list[Event], expected: dict[str, int]) -> None:
    """What a bank shows leaves the right balances, in whatever way it went wrong."""
    touched = ("Assets:InTransit", "Assets:Surplus", "Liabilities:Payable")
    found = {
        account: fen
        for account, fen in balances(booked(*events)).items()
        if account.startswith(touched)
    }
    assert expected == found


events_of_payment = st.lists(
    st.one_of(
        st.builds(
            ordered,
            st.integers(40, 60),
            st.integers(1, 100_000),
            attempt=st.integers(1, 3),
            day=st.dates().map(lambda day: f"2026-11-{day.day:02d}"),
        ),
        st.builds(
            shown,
            st.integers(40, 60),
            st.integers(1, 100_000),
            by_payer=st.booleans(),
            returned=st.booleans(),
            attempt=st.integers(1, 3),
            day=st.dates().map(lambda day: f"2026-11-{day.day:02d}"),
        ),
    ),
    max_size=8,
    unique_by=lambda event: (type(event), event.sources[0]),
)


@given(more=events_of_payment, seed=st.integers(0, 1_000))
def test_whatever_banks_show(more: list[Event], seed: int) -> None:
    """Lines sum to zero, debits equal credits, claims mirror, whatever the order of events."""
    shuffled = list(more)
    random.Random(seed).shuffle(shuffled)
    home, host = booked(*more), booked(*more, own=HOST)
    assert [line_text(line) for line in home] == [line_text(line) for line in booked(*shuffled)]
    for line in (*home, *host):
        assert 0 == sum(each.fen for each in line.postings)
    for lines in (home, host):
        assert 0 == sum(trial_balance(lines, "2026-12-31").net.values())
    left, right = (balances(lines) for lines in (home, host))
    assert claims(left, HOST) == claims(right, HOME)[::-1]
    assert left.get("Assets:Surplus:P310000", 0) == -right.get("Liabilities:Surplus:P320000", 0)


def test_budget_set_anew() -> None:
    """A budget that replaces another is booked by the difference; the same again is no line."""
    first = Budgeted(
        event_date="2026-11-02",
        sources=source(1),
        year="2026",
        subsidy_kind=KIND,
        division="320100",
        amount_fen=500,
    )
    again = [
        replace(first, sources=source(index), amount_fen=fen) for index, fen in ((2, 300), (3, 300))
    ]
    lines, _ = book([first, *again], HOME, first_month="2026-11")
    account = "Equity:Budget:Available:Y2026:K-CARE-BED:D320000:D320100"
    assert [500, -200] == [
        each.fen for line in lines for each in line.postings if each.account == account
    ]


def test_findings() -> None:
    """A night that clears another sum than its result states, and a statement that nets another."""
    events = [
        replace(event, amount_fen=110_002, amounts={})
        if isinstance(event, Cleared) and not event.back
        else event
        for event in month(HOST)
    ]
    _, findings = book(
        events, HOST, first_month="2026-11", gross={("2026-11-02", HOME, HOST): 110_001}
    )
    assert [
        Finding(code="GROSS_DIFFERS", subject=f"2026-11-02 {HOME} {HOST}", detail="110002 110001"),
        Finding(code="GROSS_DIFFERS", subject=f"2026-11-03 {HOME} {HOST}", detail="-10000 0"),
        Finding(
            code="NETTED_NOT_CLEARED",
            subject=f"{HOST}-S1 {HOME} {HOST}",
            detail="100001 100002",
        ),
    ] == findings


def test_text_of_a_line() -> None:
    """The bytes that a month's root is made of: every field, then the postings."""
    line = booked()[0]
    fields = (
        *("2026-11-01", "2026-10-20", "BUDGET", f"320000 2026 {KIND}", ""),
        *("deltacare/320000/registry", "1", line.source.entry_hash.hex(), "0"),
        *("Equity:Budget:Appropriated:Y2026:K-CARE-BED:D320000", "-1000000"),
        *("Equity:Budget:Available:Y2026:K-CARE-BED:D320000", "1000000"),
    )
    assert "\x1f".join(fields).encode() + b"\n" == line_text(line)
    late = replace(line, late=True)
    assert line_text(line).replace(b"\x1f0\x1f", b"\x1f1\x1f") == line_text(late)


def test_text_of_a_balance() -> None:
    """The bytes that a balance is stated by: the day, then debits and credits in fen."""
    line = replace(
        booked()[0],
        postings=(
            Posting(account="Assets:Bank", fen=-5),
            Posting(account="Assets:InTransit:P310000", fen=5),
        ),
    )
    balance = trial_balance([line, line], "2026-11-30")
    assert (
        b"2026-11-30\nAssets:Bank\x1f0\x1f10\nAssets:InTransit:P310000\x1f10\x1f0\n"
        == balance_text(balance)
    )
    assert hashlib.sha256(balance_text(balance)).digest() == balance.digest


def test_unbalanced_line() -> None:
    """No line that does not sum to zero can be made."""
    line = booked()[0]
    with pytest.raises(AssertionError, match="sums to zero"):
        JournalLine(
            book_date=line.book_date,
            event_date=line.event_date,
            event=line.event,
            subject=PAYMENT.payment_id,
            partner="",
            source=line.source,
            postings=(Posting(account="Assets:Bank", fen=1),),
            late=False,
        )
