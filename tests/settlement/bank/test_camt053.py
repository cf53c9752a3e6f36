"""camt.053: every case of a payment, both versions, and what no bank would send."""

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
PAYS = {PAYMENT: KnownPayment(party=Party.PAYER, ordered={1: 10_050}, execution_dates={1: DAY})}
RECEIVES = {PAYMENT: KnownPayment(party=Party.PAYEE, ordered={1: 10_050})}

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
    *entries: Entry, payments: dict[str, KnownPayment] | None = None, version: str = "08"
) -> BankStatement:
    """Read a statement of our account with these entries."""
    data = statement(ACCOUNT, entries, version=version)
    return read_camt053(data, accounts={ACCOUNT}, payments=PAYS if payments is None else payments)


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
    shown = Booking(attempt=1, is_return=False, amount_fen=10_050, booking_ref=b"r")
    known = KnownPayment(
        party=Party.PAYER, ordered={1: 10_050}, execution_dates={1: DAY}, booked=(shown,)
    )
    assert [] == problems(read(payments={PAYMENT: known}))
    tomorrow = (date(2026, 11, 24), date(2026, 11, 24))
    data = statement(ACCOUNT, [], days=tomorrow)
    assert () == read_camt053(data, accounts={ACCOUNT}, payments=PAYS).findings


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
    """A debit at the payee under the payment's id is a return."""
    found = read(credit(), debit("0.50", reference="B2"), payments=RECEIVES, version=version)
    assert [(1, False, 10_050), (1, True, 50)] == seen(found)


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
    payments = {**PAYS, OTHER: KnownPayment(party=Party.PAYER, ordered={3: 4_000})}
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
    """Pending and informative entries say nothing yet."""
    found = read(debit(status="PDNG"), debit(status="INFO", reference="B2"), version=version)
    assert [] == seen(found)
    assert 2 == found.unbooked_count
    assert [BankProblem.MISSING] == problems(found)


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
        read_camt053(data, accounts={ACCOUNT}, payments=PAYS).bookings[0].booking.booking_ref
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


def test_a_statement_of_another_account_is_not_ours() -> None:
    """Its bookings are nobody's here, and its number is not repeated whole."""
    data = statement("999000111", [debit()])
    found = read_camt053(data, accounts={ACCOUNT}, payments=PAYS)
    assert [(BankProblem.ACCOUNT_NOT_OURS, "*0111")] == [
        (each.problem, each.value) for each in found.findings
    ]
    assert () == found.bookings


@both
def test_a_statement_that_does_not_add_up_is_said(version: str) -> None:
    """Between opening and closing balance lie the booked entries, or something is missing."""
    for closing, expected in (("899.50", []), ("899.49", [BankProblem.BALANCE_DIFFERS])):
        data = statement(ACCOUNT, [debit()], version=version, opening="1000", closing=closing)
        found = read_camt053(data, accounts={ACCOUNT}, payments=PAYS)
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
        read_camt053(data, accounts={ACCOUNT}, payments=PAYS)
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
        found = read_camt053(data, accounts={ACCOUNT}, payments=PAYS)
    except Refusal as refusal:
        reasons.add(refusal.reason)
    else:
        assert all(each.booking.amount_fen > 0 for each in found.bookings)
    assert reasons <= {Reason.INVALID_FIELD}


def test_chinese_encodings_are_read() -> None:
    """Banks write GB18030; the hash stays that of the bank's own bytes."""
    text = GOOD.decode().replace("UTF-8", "GB18030").replace("MSG-1", "报文一")
    found = read_camt053(text.encode("gb18030"), accounts={ACCOUNT}, payments=PAYS)
    assert "报文一" == found.message_id
    assert 1 == len(found.bookings)
