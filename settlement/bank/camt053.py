"""Reads a bank's statement: ISO 20022 camt.053.001.02 and .08, from bytes to bookings and findings.

Whose payment a booking is says the ``EndToEndId``; whether the money went or came back says the
direction of the booking in our own account, and nothing else: what calls itself a return and goes
the other way is a finding. Only booked entries count. No file is opened here, and nothing is
decided about what follows: see `settlement.bank.payments`.

XML that declares a document type or an entity is refused before anything is built from it.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from deltacare.money import format_yuan
from settlement.bank.camt053_values import (
    BOOKED,
    DEBIT,
    Transaction,
    account_number,
    amount_text,
    balance_difference,
    masked,
    read_code,
    read_day,
    read_fen,
    read_period,
    read_transactions,
)
from settlement.bank.camt053_xml import open_camt053
from settlement.bank.findings import BankFinding, BankProblem
from settlement.bank.pain001 import CURRENCY
from settlement.bank.payments import Booking, Party, split_end_to_end_id

__all__ = [
    "BankStatement",
    "KnownPayment",
    "SeenBooking",
    "read_camt053",
]

_PENDING = "PDNG"
_FINDINGS_VALUE_CHARS_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPayment:
    """A payment of which the own province is the payer or the payee.

    Attributes:
        party: Which of the two.
        due_fen: How much is due in all.
        due_date: On which day that was stated: the id did not exist before.
        ordered: What was ordered, in fen, by attempt.
        execution_dates: On which day, by attempt.
        order_dates: On which day it was ordered, by attempt.
        booked: What the own bank has shown before: its bookings.
    """

    party: Party
    due_fen: int
    due_date: date
    ordered: Mapping[int, int] = field(default_factory=dict)
    execution_dates: Mapping[int, date] = field(default_factory=dict)
    order_dates: Mapping[int, date] = field(default_factory=dict)
    booked: tuple[Booking, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenBooking:
    """A booking of one of our payments.

    Attributes:
        payment_id: The payment.
        booking: What was booked.
        booking_date: On which day.
        place: Statement and entry, counted from 1.
    """

    payment_id: str
    booking: Booking
    booking_date: date
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BankStatement:
    """What a message shows.

    Attributes:
        message_hash: SHA-256 of its bytes.
        message_id: The bank's id of the message.
        bookings: Of our payments, each reference once, in the order of the message.
        findings: What is wrong or worth a look, in the order of the message.
        foreign_count: Booked transactions without an ``EndToEndId`` of our form: not ours.
        unbooked_count: Entries that are not booked yet, which say nothing.
        repeated_count: Bookings that stand more than once under one reference.
    """

    message_hash: bytes
    message_id: str
    bookings: tuple[SeenBooking, ...]
    findings: tuple[BankFinding, ...]
    foreign_count: int
    unbooked_count: int
    repeated_count: int


def read_camt053(
    data: bytes,
    *,
    accounts: Collection[str],
    payments: Mapping[str, KnownPayment],
    today: date,
) -> BankStatement:
    """Return what a message shows of our payments.

    1. The bytes are held to a size, to no document type and no entity, and to a known version. 2.
    The message is built from the classes of that version; what these do not know is refused. 3.
    Each statement must be of an account of ours. 4. Each booked transaction is matched. 5. What was
    found is compared with what was ordered.

    Args:
        data: The message.
        accounts: Numbers of every account that the members' metadata states as ours.
        payments: By id, those of which we are a party.
        today: The business date: nothing is booked after it.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such message.
    """
    # 1 and 2.
    message = open_camt053(data)
    reading = _Reading(payments=payments, today=today)
    covered: list[tuple[date, date]] = []
    for number, statement in enumerate(message.stmt, start=1):
        # 3.
        account = account_number(statement.acct)
        if account not in accounts:
            reading.note(BankProblem.ACCOUNT_NOT_OURS, str(number), value=masked(account))
            continue
        # 4.
        reading.statement(number, account, statement)
        if (period := read_period(statement)) is not None:
            covered.append(period)
    # 5.
    reading.compare(covered)
    return BankStatement(
        message_hash=hashlib.sha256(data).digest(),
        message_id=message.grp_hdr.msg_id,
        bookings=tuple(reading.bookings.values()),
        findings=tuple(reading.findings),
        foreign_count=reading.foreign_count,
        unbooked_count=reading.unbooked_count,
        repeated_count=reading.repeated_count,
    )


# --- 3 and 4: what a message says -----------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What was found so far; used for one message and thrown away."""

    payments: Mapping[str, KnownPayment]
    today: date
    bookings: dict[bytes, SeenBooking] = field(default_factory=dict)
    findings: list[BankFinding] = field(default_factory=list)
    pending: set[tuple[str, int]] = field(default_factory=set)
    contradicted: set[bytes] = field(default_factory=set)
    doubtful: set[tuple[str, int]] = field(default_factory=set)
    foreign_count: int = 0
    unbooked_count: int = 0
    repeated_count: int = 0

    def note(self, problem: BankProblem, place: str, *, of: str = "", value: object = "") -> None:
        """Keep a finding."""
        text = str(value)[:_FINDINGS_VALUE_CHARS_MAX]
        self.findings.append(
            BankFinding(problem=problem, place=place, end_to_end_id=of, value=text)
        )

    def statement(self, number: int, account: str, statement: Any) -> None:  # noqa: ANN401  # of either version
        """Read one statement."""
        for index, entry in enumerate(statement.ntry, start=1):
            if read_code(entry.sts) == BOOKED:
                self._entry(f"{number}/{index}", account, statement.id, entry)
            else:
                self.unbooked_count += 1
                self._unbooked(entry)
        difference = balance_difference(statement)
        if difference:
            self.note(BankProblem.BALANCE_DIFFERS, str(number), value=f"{CURRENCY} {difference:,}")

    def _unbooked(self, entry: Any) -> None:  # noqa: ANN401  # of either version
        """Note debits that the bank has and has not booked: they are not missing."""
        if read_code(entry.sts) != _PENDING:
            return
        for each in read_transactions(entry):
            named = split_end_to_end_id(each.end_to_end_id)
            if named is not None and each.direction == DEBIT:
                self.pending.add(named)

    def _entry(self, place: str, account: str, statement_id: str, entry: Any) -> None:  # noqa: ANN401  # of either version
        transactions = read_transactions(entry)
        if not transactions:
            self.foreign_count += 1
            return
        ours = [each for each in transactions if split_end_to_end_id(each.end_to_end_id)]
        self.foreign_count += len(transactions) - len(ours)
        if not ours:
            return
        amounts = self._amounts(place, entry, transactions)
        if amounts is None:
            return
        own_ref = entry.acct_svcr_ref or ""
        if not own_ref and entry.ntry_ref:
            # Often no more than its number in the statement: it tells entries of that one apart.
            own_ref = f"{statement_id}\n{entry.ntry_ref}"
        occurrences: Counter[tuple[str, str]] = Counter()
        for each, fen in zip(transactions, amounts, strict=True):
            if split_end_to_end_id(each.end_to_end_id) is None:
                continue
            key = (each.reference, each.end_to_end_id)
            occurrences[key] += 1
            if not own_ref and not each.reference:
                self.note(BankProblem.NO_REFERENCE, place, of=each.end_to_end_id)
                continue
            parts = (account, each.direction, own_ref, *key, str(occurrences[key]))
            reference = hashlib.sha256("".join(f"{part}\n" for part in parts).encode()).digest()
            self._booking(place, entry, each, fen, reference)

    def _amounts(
        self,
        place: str,
        entry: Any,  # noqa: ANN401  # of either version
        transactions: Sequence[Transaction],
    ) -> list[int] | None:
        """Return the amount of each transaction in fen; of a single one that of its entry."""
        first = transactions[0].end_to_end_id
        single = len(transactions) == 1
        given = [entry.amt] if single else [each.amount for each in transactions]
        if any(each is None for each in given):
            self.note(BankProblem.BATCH_SUM, place, of=first, value=amount_text(entry.amt))
            return None
        for amount in (entry.amt, *given):
            if amount.ccy != CURRENCY:
                self.note(BankProblem.FOREIGN_CURRENCY, place, of=first, value=amount.ccy)
                return None
        fens = [read_fen(amount) for amount in given]
        if any(fen is None for fen in fens):
            self.note(BankProblem.NOT_WHOLE_FEN, place, of=first, value=amount_text(entry.amt))
            return None
        known = [fen for fen in fens if fen is not None]
        way = read_code(entry.cdt_dbt_ind)
        signs = [1 if each.direction == way else -1 for each in transactions]
        total = sum(sign * fen for sign, fen in zip(signs, known, strict=True))
        if total != read_fen(entry.amt):
            self.note(BankProblem.BATCH_SUM, place, of=first, value=amount_text(entry.amt))
            return None
        return known

    def _booking(
        self,
        place: str,
        entry: Any,  # noqa: ANN401  # of either version
        transaction: Transaction,
        fen: int,
        reference: bytes,
    ) -> None:
        """Take in one booked transaction that names an attempt."""
        named = split_end_to_end_id(transaction.end_to_end_id)
        assert named is not None, "others were counted"
        payment_id, attempt = named
        payment = self.payments.get(payment_id)
        if payment is None:
            self.note(BankProblem.UNKNOWN_PAYMENT, place, of=transaction.end_to_end_id)
            return
        is_debit = transaction.direction == DEBIT
        is_return = is_debit is (payment.party is Party.PAYEE)
        if transaction.is_called_return and not is_return:
            self.note(BankProblem.RETURN_CONTRADICTS, place, of=transaction.end_to_end_id)
            return
        day = read_day(entry.bookg_dt) or read_day(entry.val_dt)
        if day is None:
            self.note(BankProblem.NO_DATE, place, of=transaction.end_to_end_id)
            return
        is_in_time = payment.order_dates.get(attempt, payment.due_date) <= day <= self.today
        # What was reported before its attempt was ordered stays reported.
        if not is_in_time and all(each.booking_ref != reference for each in payment.booked):
            late = day > self.today
            problem = BankProblem.AFTER_TODAY if late else BankProblem.BEFORE_ORDER
            self.note(problem, place, of=transaction.end_to_end_id, value=day.isoformat())
            self.doubtful.add((payment_id, attempt))
            return
        booking = Booking(
            attempt=attempt, is_return=is_return, amount_fen=fen, booking_ref=reference
        )
        if self._is_contradicted(place, transaction.end_to_end_id, booking, payment):
            return
        if reference in self.bookings:
            self.repeated_count += 1
            return
        self.bookings[reference] = SeenBooking(
            payment_id=payment_id, booking=booking, booking_date=day, place=place
        )

    def _is_contradicted(
        self, place: str, name: str, booking: Booking, payment: KnownPayment
    ) -> bool:
        """Whether a booking stands elsewhere under its reference with another amount.

        What was reported stands, for a booking is stated once; of two amounts in one message
        neither is believed.
        """
        reference, fen = booking.booking_ref, booking.amount_fen
        before = next((each for each in payment.booked if each.booking_ref == reference), None)
        if before is not None and before.amount_fen != fen:
            value = f"{_yuan(fen)}, before {_yuan(before.amount_fen)}"
            self.note(BankProblem.BOOKED_OTHERWISE, place, of=name, value=value)
            return True
        if reference in self.contradicted:
            return True
        seen = self.bookings.get(reference)
        if seen is None or seen.booking.amount_fen == fen:
            return False
        value = f"{_yuan(seen.booking.amount_fen)}, {_yuan(fen)}"
        self.note(BankProblem.TWO_AMOUNTS, place, of=name, value=value)
        self.contradicted.add(reference)
        self.doubtful.add((seen.payment_id, booking.attempt))
        del self.bookings[reference]
        return True

    # --- 5: what was ordered ----------------------------------------------------------------------

    def compare(self, covered: Sequence[tuple[date, date]]) -> None:
        """Hold what was booked against what was ordered."""
        seen: dict[tuple[str, int], list[SeenBooking]] = {}
        for each in self.bookings.values():
            seen.setdefault((each.payment_id, each.booking.attempt), []).append(each)
        for (payment_id, attempt), bookings in seen.items():
            self._compare_attempt(payment_id, attempt, bookings)
        for payment_id in dict.fromkeys(payment_id for payment_id, _ in seen):
            self._compare_returns(payment_id)
        for payment_id, payment in sorted(self.payments.items()):
            if payment.party is not Party.PAYER:
                continue
            before = {each.attempt for each in payment.booked}
            for attempt, day in sorted(payment.execution_dates.items()):
                is_covered = any(first <= day <= last for first, last in covered)
                shown = attempt in before or (payment_id, attempt) in {*seen, *self.doubtful}
                if is_covered and not shown:
                    is_pending = (payment_id, attempt) in self.pending
                    problem = BankProblem.PENDING if is_pending else BankProblem.MISSING
                    name = f"{payment_id}-{attempt:02d}"
                    self.note(problem, "", of=name, value=day.isoformat())

    def _compare_attempt(
        self, payment_id: str, attempt: int, bookings: Sequence[SeenBooking]
    ) -> None:
        payment = self.payments[payment_id]
        name = f"{payment_id}-{attempt:02d}"
        place = bookings[0].place
        ordered = payment.ordered.get(attempt)
        if ordered is None and payment.party is Party.PAYER:
            self.note(BankProblem.NOT_ORDERED, place, of=name)
        known = {each.booking_ref for each in payment.booked}
        before = [each for each in payment.booked if each.attempt == attempt and not each.is_return]
        fresh = [each for each in bookings if each.booking.booking_ref not in known]
        if ordered is None and payment.party is Party.PAYEE:
            had = [each for each in payment.booked if each.attempt == attempt]
            held = _net((*had, *(each.booking for each in fresh)))
            if held > 0:
                self.note(BankProblem.NOT_SENT_BY_PAYER, place, of=name, value=_yuan(held))
        went = [each for each in fresh if not each.booking.is_return]
        for each in went:
            if ordered is not None and each.booking.amount_fen != ordered:
                value = _yuan(each.booking.amount_fen)
                self.note(BankProblem.WRONG_AMOUNT, each.place, of=name, value=value)
        if went and len(before) + len(went) > 1:
            total = sum(each.booking.amount_fen for each in went) + _net(before)
            if ordered is None or total > ordered:
                self.note(BankProblem.DOUBLED, went[-1].place, of=name, value=_yuan(total))

    def _compare_returns(self, payment_id: str) -> None:
        """Say what returns leave to do: nothing, where they leave just what is due."""
        payment = self.payments[payment_id]
        known = {each.booking_ref for each in payment.booked}
        fresh = [
            each
            for each in self.bookings.values()
            if each.payment_id == payment_id and each.booking.booking_ref not in known
        ]
        # What nobody ordered and the payee sent back was not what is due.
        back = [
            each
            for each in fresh
            if each.booking.is_return
            and (payment.party is Party.PAYER or each.booking.attempt in payment.ordered)
        ]
        surplus = _net((*payment.booked, *(each.booking for each in fresh))) - payment.due_fen
        if not back or not surplus:
            return
        if surplus > 0:
            last = back[-1]
            name = f"{payment_id}-{last.booking.attempt:02d}"
            self.note(BankProblem.SURPLUS_LEFT, last.place, of=name, value=_yuan(surplus))
            return
        is_payer = payment.party is Party.PAYER
        for each in back:
            problem = BankProblem.RETURNED if is_payer else BankProblem.SENT_BACK
            name = f"{payment_id}-{each.booking.attempt:02d}"
            self.note(problem, each.place, of=name, value=_yuan(each.booking.amount_fen))


def _net(bookings: Iterable[Booking]) -> int:
    """Return what moved the way of the payment, less what came back."""
    return sum(-each.amount_fen if each.is_return else each.amount_fen for each in bookings)


def _yuan(fen: int) -> str:
    return f"{CURRENCY} {format_yuan(fen)}"
