"""camt.053: every case of a payment, both versions, and what no bank would send."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltacare.errors import Reason, Refusal
from settlement.bank.camt053 import BankStatement, KnownPayment, read_camt053
from settlement.bank.camt053_xml import CAMT053_BYTES_MAX
from settlement.bank.findings import BankProblem
from settlement.bank.payments import Booking, Party
from tests.support.banking import Entry, Transaction, statement

PAYMENT = "A" * 32
OTHER = "B" * 32
FIRST, SECOND = f"{PAYMENT}-01", f"{PAYMENT}-02"
ACCOUNT = "340000001"
DAY = date(2026, 11, 23)
DUE_DAY = date(2026, 11, 1)
DUE_FEN = 10_050
PAYS = {
    PAYMENT: KnownPayment(
        party=Party.PAYER,
        due_fen=DUE_FEN,
        due_date=DUE_DAY,
        ordered={1: 10_050},
        execution_dates={1: DAY},
    )
}
RECEIVES = {
    PAYMENT: KnownPayment(party=Party.PAYEE, due_fen=DUE_FEN, due_date=DUE_DAY, ordered={1: 10_050})
}

both = pytest.mark.parametrize("version", ["02", "08"])


def debit(yuan: str = "100.50", **fields: object) -> Entry:
    """Return an entry by which the first attempt leaves the account."""
    fields.setdefault("transactions", [Transaction(end_to_end_id=FIRST)])
    return Entry(yuan=yuan, direction="DBIT", **fields)  # type: ignore[arg-type]


def credit(yuan: str = "100.50", **fields: object) -> Entry:
    """Return an entry by which the first attempt reaches the account."""
    fields.setdefault("transactions", [Transaction(end_to_end_id=FIRST)])
    return Entry(yuan=yuan, direction="CRDT", **fields)  # type: ignore[arg-type]


def read(
    *entries: Entry, payments: Mapping[str, KnownPayment] | None = None, version: str = "08"
) -> BankStatement:
    """Read a statement of our account with these entries."""
    data = statement(ACCOUNT, entries, version=version)
    known = PAYS if payments is None else payments
    return read_camt053(data, accounts={ACCOUNT}, payments=known, today=DAY)


def booking(fen: int) -> Booking:
    """Return a booking of the first attempt that was reported before."""
    return Booking(attempt=1, is_return=False, amount_fen=fen, booking_ref=b"r")


def seen(found: BankStatement) -> list[tuple[int, bool, int]]:
    """Return attempt, return and fen of each booking."""
    return [
        (each.booking.attempt, each.booking.is_return, each.booking.amount_fen)
        for each in found.bookings
    ]


def problems(found: BankStatement) -> list[BankProblem]:
    """Return what was found."""
    return [each.problem for each in found.findings]


# --- What a payment can meet ----------------------------------------------------------------------


@both
def test_a_payment_is_booked(version: str) -> None:
    """The whole amount, once: a booking and nothing to look at, for payer and payee alike."""
    found = read(debit(), version=version)
    assert [(1, False, 10_050)] == seen(found)
    assert [] == problems(found)
    assert [DAY] == [each.booking_date for each in found.bookings]
    assert [(1, False, 10_050)] == seen(read(credit(), payments=RECEIVES, version=version))


@both
def test_a_missing_payment_is_said(version: str) -> None:
    """A statement that covers the day of execution and does not show the payment says so."""
    found = read(version=version)
    assert [] == seen(found)
    assert [(BankProblem.MISSING, FIRST)] == [
        (each.problem, each.end_to_end_id) for each in found.findings
    ]


def test_what_was_shown_before_or_is_not_covered_is_not_missing() -> None:
    """Nothing is missing of an earlier statement, nor of a day that this one does not cover."""
    known = replace(PAYS[PAYMENT], booked=(booking(10_050),))
    assert [] == problems(read(payments={PAYMENT: known}))
    tomorrow = (date(2026, 11, 24), date(2026, 11, 24))
    data = statement(ACCOUNT, [], days=tomorrow)
    assert () == read_camt053(data, accounts={ACCOUNT}, payments=PAYS, today=DAY).findings


@both
def test_a_doubled_payment_is_two_bookings(version: str) -> None:
    """Two references are two bookings: both are kept, and the surplus is said."""
    found = read(debit(), debit(reference="B2"), version=version)
    assert [(1, False, 10_050), (1, False, 10_050)] == seen(found)
    assert [BankProblem.DOUBLED] == problems(found)


@both
def test_a_returned_payment(version: str) -> None:
    """Money that comes back under our id is a return, whether the bank calls it one or not."""
    plain = read(debit(), credit(reference="B2"), version=version)
    named = read(
        debit(),
        credit(
            reference="B2",
            sub_family="RRTN",
            transactions=[Transaction(end_to_end_id=FIRST, returned=True)],
        ),
        version=version,
    )
    reversed_ = read(debit(), credit(reference="B2", reversal=True), version=version)
    for found in (plain, named, reversed_):
        assert [(1, False, 10_050), (1, True, 10_050)] == seen(found)
        assert [BankProblem.RETURNED] == problems(found)


@both
def test_a_wrong_amount_is_kept_as_booked(version: str) -> None:
    """What the bank booked counts, not what we hoped: more, or less in two parts."""
    more = read(debit("100.51"), version=version)
    assert [(1, False, 10_051)] == seen(more)
    assert [BankProblem.WRONG_AMOUNT] == problems(more)
    parts = read(debit("60.00"), debit("40.50", reference="B2"), version=version)
    assert [(1, False, 6_000), (1, False, 4_050)] == seen(parts)
    assert [BankProblem.WRONG_AMOUNT] * 2 == problems(parts)


@both
def test_a_payee_sends_the_surplus_back(version: str) -> None:
    """A debit at the payee under the payment's id is a return; with it the payment is whole."""
    surplus = debit("0.50", reference="B2")
    found = read(credit("101.00"), surplus, payments=RECEIVES, version=version)
    assert [(1, False, 10_100), (1, True, 50)] == seen(found)
    assert [BankProblem.WRONG_AMOUNT] == problems(found)
    # Read by itself later, it asks nobody to do anything; nor does it at the payer.
    received = replace(RECEIVES[PAYMENT], booked=(booking(10_100),))
    assert [] == problems(read(surplus, payments={PAYMENT: received}, version=version))
    paid = replace(PAYS[PAYMENT], booked=(booking(10_100),))
    assert [] == problems(read(credit("0.50"), payments={PAYMENT: paid}, version=version))


@both
def test_what_is_sent_back_of_what_is_due_is_said_to_each_party(version: str) -> None:
    """A payer orders again what came back; a payee has nothing to order."""
    received = replace(RECEIVES[PAYMENT], booked=(booking(10_100),))
    found = read(debit("1.00"), payments={PAYMENT: received}, version=version)
    assert [(BankProblem.SENT_BACK, "CNY 1.00")] == [
        (each.problem, each.value) for each in found.findings
    ]
    paid = replace(PAYS[PAYMENT], booked=(booking(10_100),))
    found = read(credit("1.00"), payments={PAYMENT: paid}, version=version)
    assert [BankProblem.RETURNED] == problems(found)


def test_of_a_surplus_what_is_left_is_said() -> None:
    """Half of it back is not all of it: what is left is named, to payer and payee."""
    for payments, entry in ((PAYS, credit("0.50")), (RECEIVES, debit("0.50"))):
        known = {PAYMENT: replace(payments[PAYMENT], booked=(booking(10_150),))}
        found = read(entry, payments=known)
        assert [(BankProblem.SURPLUS_LEFT, "CNY 0.50")] == [
            (each.problem, each.value) for each in found.findings
        ]


@both
def test_a_booking_shown_with_another_amount_is_said_and_not_reported(version: str) -> None:
    """A bank that corrects itself under one reference contradicts what was reported."""
    before = read(debit("100.00"), version=version).bookings[0].booking
    known = {PAYMENT: replace(PAYS[PAYMENT], booked=(before,))}
    found = read(debit(), payments=known, version=version)
    assert [] == seen(found)
    assert [(BankProblem.BOOKED_OTHERWISE, "CNY 100.50, before CNY 100.00")] == [
        (each.problem, each.value) for each in found.findings
    ]
    assert [] == problems(read(debit("100.00"), payments=known, version=version))


@both
def test_one_reference_with_two_amounts_is_neither(version: str) -> None:
    """Which of them was booked only the bank can say; a third under it changes nothing."""
    for amounts in (("100.00", "100.50"), ("100.00", "100.50", "100.00")):
        found = read(*(debit(each) for each in amounts), version=version)
        assert [] == seen(found)
        assert [BankProblem.TWO_AMOUNTS] == problems(found)


# --- How entries come -----------------------------------------------------------------------------


@both
def test_a_batch_is_read_by_its_transactions(version: str) -> None:
    """An entry of several transactions is as many bookings; what is not ours is counted."""
    batch = Entry(
        yuan="160.50",
        direction="DBIT",
        transactions=[
            Transaction(end_to_end_id=FIRST, yuan="100.50"),
            Transaction(end_to_end_id="NOTPROVIDED", yuan="20.00"),
            Transaction(end_to_end_id=f"{OTHER}-03", yuan="40.00"),
        ],
    )
    payments = {
        **PAYS,
        OTHER: KnownPayment(party=Party.PAYER, due_fen=4_000, due_date=DUE_DAY, ordered={3: 4_000}),
    }
    found = read(batch, payments=payments, version=version)
    assert [(1, False, 10_050), (3, False, 4_000)] == seen(found)
    assert 1 == found.foreign_count
    assert 2 == len({each.booking.booking_ref for each in found.bookings})


@both
def test_a_batch_that_does_not_add_up_says_nothing(version: str) -> None:
    """Amounts that contradict each other are nobody's payment, and neither are missing ones."""
    for yuan in ("100.49", None):
        batch = Entry(
            yuan="120.50",
            direction="DBIT",
            transactions=[
                Transaction(end_to_end_id=FIRST, yuan=yuan),
                Transaction(end_to_end_id="OTHER", yuan="20.00"),
            ],
        )
        found = read(batch, version=version)
        assert [] == seen(found)
        assert BankProblem.BATCH_SUM in problems(found)


def test_a_mixed_batch_goes_by_each_direction() -> None:
    """In version 08 a transaction may go the other way than its entry."""
    batch = Entry(
        yuan="60.50",
        direction="DBIT",
        transactions=[
            Transaction(end_to_end_id=FIRST, yuan="100.50"),
            Transaction(end_to_end_id=SECOND, yuan="40.00", direction="CRDT"),
        ],
    )
    assert [(1, False, 10_050), (2, True, 4_000)] == seen(read(batch))


@both
def test_only_booked_entries_count(version: str) -> None:
    """Pending and informative entries move no money; what is pending is not missing."""
    pending, told = debit(status="PDNG"), debit(status="INFO", reference="B2")
    found = read(pending, told, version=version)
    assert [] == seen(found)
    assert 2 == found.unbooked_count
    assert [(BankProblem.PENDING, FIRST)] == [
        (each.problem, each.end_to_end_id) for each in found.findings
    ]
    assert [BankProblem.MISSING] == problems(read(told, version=version))
    # A credit that is pending is no sign of our debit.
    assert [BankProblem.MISSING] == problems(read(credit(status="PDNG"), version=version))
    assert [] == problems(read(pending, debit(reference="B2"), version=version))


@both
def test_the_same_booking_has_the_same_reference(version: str) -> None:
    """A file read again brings no new reference, and neither does a copy within one."""
    one, again = read(debit(), version=version), read(debit(), debit(), version=version)
    assert one.bookings[0].booking.booking_ref == again.bookings[0].booking.booking_ref
    assert 1 == len(again.bookings)
    assert 1 == again.repeated_count


def test_a_reversal_under_one_reference_is_a_booking_of_its_own() -> None:
    """A bank that reverses under the reference of what it reverses still shows two bookings."""
    found = read(debit(), credit(reversal=True))
    assert [(1, False, 10_050), (1, True, 10_050)] == seen(found)


def test_both_versions_give_one_reference() -> None:
    """A bank that moves to the newer version shows the same booking."""
    old, new = read(debit(), version="02"), read(debit(), version="08")
    assert old.bookings[0].booking.booking_ref == new.bookings[0].booking.booking_ref


def test_numbers_of_entries_tell_bookings_apart_within_their_statement() -> None:
    """A bank that only numbers its entries begins again in the next statement."""
    entry = debit(reference=None, number="1")
    first = statement(ACCOUNT, [entry], statement_id="S1")
    second = statement(ACCOUNT, [entry], statement_id="S2")
    refs = {
        read_camt053(data, accounts={ACCOUNT}, payments=PAYS, today=DAY)
        .bookings[0]
        .booking.booking_ref
        for data in (first, first, second)
    }
    assert 2 == len(refs)


# --- What is found and not reported ---------------------------------------------------------------


@pytest.mark.parametrize(
    "entry, problem",
    [
        (debit(currency="USD"), BankProblem.FOREIGN_CURRENCY),
        (debit("100.505"), BankProblem.NOT_WHOLE_FEN),
        (debit(reference=None), BankProblem.NO_REFERENCE),
        (debit(day=None), BankProblem.NO_DATE),
        (
            debit(transactions=[Transaction(end_to_end_id=FIRST, returned=True)]),
            BankProblem.RETURN_CONTRADICTS,
        ),
        (
            debit(transactions=[Transaction(end_to_end_id=f"{OTHER}-01")]),
            BankProblem.UNKNOWN_PAYMENT,
        ),
    ],
)
@both
def test_what_cannot_be_believed_is_not_reported(
    entry: Entry, problem: BankProblem, version: str
) -> None:
    """Each is named with its place and is no booking."""
    found = read(entry, version=version)
    assert [] == seen(found)
    assert (problem, "1/1") == (found.findings[0].problem, found.findings[0].place)
    assert not problem.is_reported


def test_a_reversed_return_is_a_booking_again() -> None:
    """A reversal of the return takes the money once more; the direction says so."""
    entry = debit(reversal=True, sub_family="RRTN", reference="B9")
    assert [(1, False, 10_050)] == seen(read(entry))


def test_an_attempt_that_was_never_ordered_is_kept_and_said() -> None:
    """Money that left the account counts, whoever ordered it."""
    entry = debit(transactions=[Transaction(end_to_end_id=SECOND)])
    found = read(entry)
    assert [(2, False, 10_050)] == seen(found)
    assert [BankProblem.NOT_ORDERED, BankProblem.MISSING] == problems(found)


def test_a_payee_is_told_of_money_that_nobody_ordered() -> None:
    """Its fen is money while it is there; once it is sent back, there is nothing to look at."""
    stray = [Transaction(end_to_end_id=SECOND)]
    found = read(credit("1.00", transactions=stray), payments=RECEIVES)
    assert [(2, False, 100)] == seen(found)
    assert [(BankProblem.NOT_SENT_BY_PAYER, SECOND, "CNY 1.00")] == [
        (each.problem, each.end_to_end_id, each.value) for each in found.findings
    ]
    back = debit("1.00", transactions=stray, reference="B2")
    kept = KnownPayment(
        party=Party.PAYEE,
        due_fen=DUE_FEN,
        due_date=DUE_DAY,
        ordered={1: 10_050},
        booked=tuple(each.booking for each in found.bookings),
    )
    again = read(credit("1.00", transactions=stray), back, payments={PAYMENT: kept})
    assert [(2, False, 100), (2, True, 100)] == seen(again)
    assert [] == problems(again)


@both
def test_a_booking_before_its_order_or_after_today_is_not_reported(version: str) -> None:
    """No bank books what was not ordered yet, nor what is still to come."""
    known = KnownPayment(
        party=Party.PAYER,
        due_fen=DUE_FEN,
        due_date=DUE_DAY,
        ordered={1: 10_050},
        execution_dates={1: DAY},
        order_dates={1: date(2026, 11, 20)},
    )
    second = [Transaction(end_to_end_id=SECOND)]
    cases = [
        (debit(day=date(2026, 11, 20)), []),
        (debit(day=date(2026, 11, 19)), [BankProblem.BEFORE_ORDER]),
        (debit(day=date(2020, 1, 1)), [BankProblem.BEFORE_ORDER]),
        (debit(day=date(2026, 11, 24)), [BankProblem.AFTER_TODAY]),
        # Of what was never ordered, it is the day on which the payment became due.
        (debit(day=DUE_DAY, transactions=second), [BankProblem.NOT_ORDERED, BankProblem.MISSING]),
        (
            debit(day=date(2026, 10, 31), transactions=second),
            [BankProblem.BEFORE_ORDER, BankProblem.MISSING],
        ),
    ]
    for entry, expected in cases:
        found = read(entry, payments={PAYMENT: known}, version=version)
        assert expected == problems(found)
        is_kept = all(problem.is_reported for problem in expected)
        assert is_kept == bool(found.bookings)
    assert "2020-01-01" == read(cases[2][0], payments={PAYMENT: known}).findings[0].value


def test_what_was_reported_is_not_held_against_a_later_order() -> None:
    """Money that came unordered stays what it was when its attempt is ordered after all."""
    stray = credit("1.00", day=DUE_DAY, transactions=[Transaction(end_to_end_id=SECOND)])
    first = read(stray, payments=RECEIVES)
    ordered = replace(
        RECEIVES[PAYMENT],
        ordered={1: 10_050, 2: 10_050},
        order_dates={2: DAY},
        booked=tuple(each.booking for each in first.bookings),
    )
    assert [] == problems(read(stray, payments={PAYMENT: ordered}))
    unknown = replace(ordered, booked=())
    assert [BankProblem.BEFORE_ORDER] == problems(read(stray, payments={PAYMENT: unknown}))


@pytest.mark.parametrize(
    "written",
    [
        "1e3",
        "1E+3",
        "１１４００.００",
        "100.５0",
        "1_000.00",
        "NaN",
        "INF",
        "1,000.00",
        "",
        "0x10",
        ".",
        "1" * 19,
        "100.500000001",
        "- 1",
    ],
)
@both
def test_an_amount_is_written_as_the_schema_writes_it(written: str, version: str) -> None:
    """What Python reads as a number and XML Schema does not is nobody's money."""
    data = statement(ACCOUNT, [debit()], version=version)
    assert 1 == data.count(b">100.50<")
    changed = data.replace(b">100.50<", f">{written}<".encode())
    with pytest.raises(Refusal, match="schema"):
        read_camt053(changed, accounts={ACCOUNT}, payments=PAYS, today=DAY)


@pytest.mark.parametrize(
    "written", ["100.5", "+100.50", " 100.50\n", "0100.500", "0" * 30 + "100.50" + "0" * 30]
)
def test_other_ways_of_the_schema_are_the_same_amount(written: str) -> None:
    """XML Schema lets a decimal have a sign, zeros and white space around it."""
    data = statement(ACCOUNT, [debit()]).replace(b">100.50<", f">{written}<".encode())
    found = read_camt053(data, accounts={ACCOUNT}, payments=PAYS, today=DAY)
    assert [(1, False, 10_050)] == seen(found)


def test_a_day_is_written_as_the_schema_writes_it() -> None:
    """Digits of another script name no day."""
    data = statement(ACCOUNT, [debit()])
    for name in ("Dt", "FrDtTm", "CreDtTm"):
        changed = data.replace(f"<{name}>2026".encode(), f"<{name}>２０２６".encode())
        assert changed != data
        with pytest.raises(Refusal, match="schema"):
            read_camt053(changed, accounts={ACCOUNT}, payments=PAYS, today=DAY)


@both
def test_days_at_the_edges_of_the_calendar(version: str) -> None:
    """A day that no calendar has is refused by name; the end of a day may be written as 24:00."""
    data = statement(ACCOUNT, [debit()], version=version)
    for old, new in (
        ("<Dt>2026", "<Dt>99999"),
        ("<Dt>2026", "<Dt>0000"),
        ("<ToDtTm>2026", "<ToDtTm>99999"),
        ("+08:00</ToDtTm>", "+99:00</ToDtTm>"),
        ("<FrDtTm>2026-11-23", "<FrDtTm>0001-01-01"),
    ):
        changed = data.replace(old.encode(), new.encode())
        assert changed != data
        with pytest.raises(Refusal) as caught:
            read_camt053(changed, accounts={ACCOUNT}, payments=PAYS, today=DAY)
        assert Reason.INVALID_FIELD is caught.value.reason
    night = data.replace(b"T23:59:59", b"T24:00:00")
    assert night != data
    assert [] == problems(read_camt053(night, accounts={ACCOUNT}, payments=PAYS, today=DAY))


def test_an_amount_beyond_bounds_is_no_booking() -> None:
    """What no log takes is said before anything is reported."""
    found = read(debit("1000000000000.01"))
    assert BankProblem.NOT_WHOLE_FEN is problems(found)[0]
    assert () == found.bookings


def test_a_statement_of_another_account_is_not_ours() -> None:
    """Its bookings are nobody's here, and its number is not repeated whole."""
    data = statement("999000111", [debit()])
    found = read_camt053(data, accounts={ACCOUNT}, payments=PAYS, today=DAY)
    assert [(BankProblem.ACCOUNT_NOT_OURS, "*0111")] == [
        (each.problem, each.value) for each in found.findings
    ]
    assert () == found.bookings


@both
def test_a_statement_that_does_not_add_up_is_said(version: str) -> None:
    """Between opening and closing balance lie the booked entries, or something is missing."""
    for closing, expected in (("899.50", []), ("899.49", [BankProblem.BALANCE_DIFFERS])):
        data = statement(ACCOUNT, [debit()], version=version, opening="1000", closing=closing)
        found = read_camt053(data, accounts={ACCOUNT}, payments=PAYS, today=DAY)
        assert expected == problems(found)


def test_what_is_not_ours_is_counted() -> None:
    """Entries without an id of our form are the account's other business."""
    others = [
        Entry(yuan="1.00", direction="DBIT"),
        debit(transactions=[Transaction(end_to_end_id="INVOICE 7")]),
        debit(transactions=[Transaction(end_to_end_id=f"{PAYMENT}-00")]),
        debit(transactions=[Transaction(end_to_end_id=f"{PAYMENT.lower()}-01")]),
    ]
    found = read(debit(), *others)
    assert 4 == found.foreign_count
    assert 1 == len(found.bookings)


# --- What is no statement -------------------------------------------------------------------------

GOOD = statement(ACCOUNT, [debit()])


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "not XML"),
        (b"<a", "not XML"),
        (GOOD[:-20], "not XML"),
        (b"<Document/>", "none of"),
        (GOOD.replace(b"053.001.08", b"053.001.04"), "none of"),
        (GOOD.replace(b"<Stmt>", b"<Stmt><Nonsense/>"), "schema"),
        (GOOD.replace(b"100.50", b"1e"), "schema"),
        (GOOD.replace(b"<Sts><Cd>BOOK</Cd></Sts>", b""), "schema"),
        (GOOD.replace(b"UTF-8", b"big5"), "encoding"),
        (b"<a>" * 70, "deep"),
        (GOOD + b" " * CAMT053_BYTES_MAX, "bytes"),
        (
            GOOD.replace(b"<Document", b'<!DOCTYPE d [<!ENTITY a "b">]><Document', 1),
            "document type",
        ),
    ],
)
def test_what_is_no_statement_is_refused(data: bytes, words: str) -> None:
    """Bad bytes get one clear error, whatever is wrong with them."""
    with pytest.raises(Refusal) as caught:
        read_camt053(data, accounts={ACCOUNT}, payments=PAYS, today=DAY)
    assert words in str(caught.value)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 40), st.binary(max_size=4)),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_statements_are_read_or_refused(damage: list[tuple[int, int, bytes]]) -> None:
    """Whatever bytes are lost or changed, there is an answer or one clear error."""
    data = GOOD
    for place, lost, put in damage:
        data = data[:place] + put + data[place + lost :]
    reasons = set()
    try:
        found = read_camt053(data, accounts={ACCOUNT}, payments=PAYS, today=DAY)
    except Refusal as refusal:
        reasons.add(refusal.reason)
    else:
        assert all(each.booking.amount_fen > 0 for each in found.bookings)
    assert reasons <= {Reason.INVALID_FIELD}


def test_chinese_encodings_are_read() -> None:
    """Banks write GB18030; the hash stays that of the bank's own bytes."""
    text = GOOD.decode().replace("UTF-8", "GB18030").replace("MSG-1", "报文一")
    found = read_camt053(text.encode("gb18030"), accounts={ACCOUNT}, payments=PAYS, today=DAY)
    assert "报文一" == found.message_id
    assert 1 == len(found.bookings)
