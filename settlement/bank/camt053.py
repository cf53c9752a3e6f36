"""Reads a bank's statement: ISO 20022 camt.053.001.02 and .08, from bytes to bookings and findings.

Whose payment a booking is says the ``EndToEndId``; whether the money went or came back says the
direction of the booking in our own account, and nothing else: what calls itself a return and goes
the other way is a finding. Only booked entries count. No file is opened here, and nothing is
decided about what follows: see `settlement.bank.payments`.

XML that declares a document type or an entity is refused before anything is built from it.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from deltacare.times import business_date
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

_BOOKED = "BOOK"
_DEBIT = "DBIT"
_OPENING, _CLOSING = ("OPBD", "PRCD"), "CLBD"
_RETURN_CODES = frozenset({"RRTN", "RPCR", "RRCT"})  # sub-families: return, cancellation, reversal
_FINDINGS_VALUE_CHARS_MAX = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPayment:
    """A payment of which the own province is the payer or the payee.

    Attributes:
        party: Which of the two.
        ordered: What was ordered, in fen, by attempt.
        execution_dates: On which day, by attempt.
        booked: What the own bank has shown before: its bookings.
    """

    party: Party
    ordered: Mapping[int, int] = field(default_factory=dict)
    execution_dates: Mapping[int, date] = field(default_factory=dict)
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
    data: bytes, *, accounts: Collection[str], payments: Mapping[str, KnownPayment]
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

    Raises:
        Refusal: ``INVALID_FIELD``, if it is no such message.
    """
    # 1 and 2.
    message = open_camt053(data)
    reading = _Reading(payments=payments)
    covered: list[tuple[date, date]] = []
    for number, statement in enumerate(message.stmt, start=1):
        # 3.
        account = _account_number(statement.acct)
        if account not in accounts:
            reading.note(BankProblem.ACCOUNT_NOT_OURS, str(number), value=_masked(account))
            continue
        # 4.
        reading.statement(number, account, statement)
        if (period := _period(statement)) is not None:
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


def _account_number(account: Any) -> str:  # noqa: ANN401  # of either version
    if account.id.othr is not None:
        return str(account.id.othr.id).replace(" ", "")
    return str(account.id.iban or "")


def _masked(number: str) -> str:
    """Return the end of a number: enough to see which, too little to pay to."""
    return f"*{number[-4:]}"


def _code(value: Any) -> str:  # noqa: ANN401  # an enumerated value, a choice or a text
    """Return a code that one version spells as an enumeration, the other as a text or a choice."""
    if value is None:
        return ""
    if hasattr(value, "cd"):
        return _code(value.cd or value.prtry)
    return str(getattr(value, "value", value))


def _day(value: Any) -> date | None:  # noqa: ANN401  # a choice of date and instant
    if value is None:
        return None
    if value.dt is not None:
        return date(value.dt.year, value.dt.month, value.dt.day)
    if value.dt_tm is None:
        return None
    return _business_day(value.dt_tm)


def _business_day(instant: Any) -> date:  # noqa: ANN401  # xsdata's instant
    moment = instant.to_datetime()
    return business_date(moment) if moment.tzinfo is not None else moment.date()


def _period(statement: Any) -> tuple[date, date] | None:  # noqa: ANN401  # of either version
    """Return the first and last day that a statement covers, if it says so."""
    if statement.fr_to_dt is None:
        return None
    return _business_day(statement.fr_to_dt.fr_dt_tm), _business_day(statement.fr_to_dt.to_dt_tm)


def _fen(amount: Any) -> int | None:  # noqa: ANN401  # of either version
    """Return an amount of CNY in fen; ``None`` if it is no whole number of fen above zero."""
    fen = Decimal(amount.value).scaleb(2)
    return int(fen) if fen == fen.to_integral_value() and fen > 0 else None


def _sub_family(code: Any) -> str:  # noqa: ANN401  # of either version
    domain = code.domn if code is not None else None
    return "" if domain is None else str(domain.fmly.sub_fmly_cd)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transaction:
    """A transaction of an entry, without what the versions spell differently."""

    end_to_end_id: str
    reference: str
    amount: Any
    direction: str
    is_called_return: bool


def _transactions(entry: Any) -> list[_Transaction]:  # noqa: ANN401  # of either version
    """Return the transactions of an entry, each with its own amount if the bank gives one."""
    found = []
    reversal = bool(entry.rvsl_ind)
    for details in entry.ntry_dtls:
        for each in details.tx_dtls:
            amount = getattr(each, "amt", None)
            if amount is None and each.amt_dtls is not None and each.amt_dtls.tx_amt is not None:
                amount = each.amt_dtls.tx_amt.amt
            codes = {_sub_family(each.bk_tx_cd), _sub_family(entry.bk_tx_cd)}
            named = each.rtr_inf is not None or bool(codes & _RETURN_CODES)
            direction = getattr(each, "cdt_dbt_ind", None) or entry.cdt_dbt_ind
            found.append(
                _Transaction(
                    end_to_end_id=((each.refs.end_to_end_id if each.refs else "") or "").strip(),
                    reference=(each.refs.acct_svcr_ref if each.refs else "") or "",
                    amount=amount,
                    direction=_code(direction),
                    is_called_return=named and not reversal,
                )
            )
    return found


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What was found so far; used for one message and thrown away."""

    payments: Mapping[str, KnownPayment]
    bookings: dict[bytes, SeenBooking] = field(default_factory=dict)
    findings: list[BankFinding] = field(default_factory=list)
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
            if _code(entry.sts) == _BOOKED:
                self._entry(f"{number}/{index}", account, statement.id, entry)
            else:
                self.unbooked_count += 1
        difference = _balance_difference(statement)
        if difference:
            self.note(BankProblem.BALANCE_DIFFERS, str(number), value=difference)

    def _entry(self, place: str, account: str, statement_id: str, entry: Any) -> None:  # noqa: ANN401  # of either version
        transactions = _transactions(entry)
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
        transactions: Sequence[_Transaction],
    ) -> list[int] | None:
        """Return the amount of each transaction in fen; of a single one that of its entry."""
        first = transactions[0].end_to_end_id
        single = len(transactions) == 1
        given = [entry.amt] if single else [each.amount for each in transactions]
        if any(each is None for each in given):
            self.note(BankProblem.BATCH_SUM, place, of=first, value=entry.amt.value)
            return None
        for amount in (entry.amt, *given):
            if amount.ccy != CURRENCY:
                self.note(BankProblem.FOREIGN_CURRENCY, place, of=first, value=amount.ccy)
                return None
        fens = [_fen(amount) for amount in given]
        if any(fen is None for fen in fens):
            self.note(BankProblem.NOT_WHOLE_FEN, place, of=first, value=entry.amt.value)
            return None
        known = [fen for fen in fens if fen is not None]
        way = _code(entry.cdt_dbt_ind)
        signs = [1 if each.direction == way else -1 for each in transactions]
        total = sum(sign * fen for sign, fen in zip(signs, known, strict=True))
        if total != _fen(entry.amt):
            self.note(BankProblem.BATCH_SUM, place, of=first, value=entry.amt.value)
            return None
        return known

    def _booking(
        self,
        place: str,
        entry: Any,  # noqa: ANN401  # of either version
        transaction: _Transaction,
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
        is_debit = transaction.direction == _DEBIT
        is_return = is_debit is (payment.party is Party.PAYEE)
        if transaction.is_called_return and not is_return:
            self.note(BankProblem.RETURN_CONTRADICTS, place, of=transaction.end_to_end_id)
            return
        day = _day(entry.bookg_dt) or _day(entry.val_dt)
        if day is None:
            self.note(BankProblem.NO_DATE, place, of=transaction.end_to_end_id)
            return
        if reference in self.bookings:
            self.repeated_count += 1
            return
        self.bookings[reference] = SeenBooking(
            payment_id=payment_id,
            booking=Booking(
                attempt=attempt, is_return=is_return, amount_fen=fen, booking_ref=reference
            ),
            booking_date=day,
            place=place,
        )

    # --- 5: what was ordered ----------------------------------------------------------------------

    def compare(self, covered: Sequence[tuple[date, date]]) -> None:
        """Hold what was booked against what was ordered."""
        seen: dict[tuple[str, int], list[SeenBooking]] = {}
        for each in self.bookings.values():
            seen.setdefault((each.payment_id, each.booking.attempt), []).append(each)
        for (payment_id, attempt), bookings in seen.items():
            self._compare_attempt(payment_id, attempt, bookings)
        for payment_id, payment in sorted(self.payments.items()):
            if payment.party is not Party.PAYER:
                continue
            before = {each.attempt for each in payment.booked}
            for attempt, day in sorted(payment.execution_dates.items()):
                is_covered = any(first <= day <= last for first, last in covered)
                if is_covered and attempt not in before and (payment_id, attempt) not in seen:
                    name = f"{payment_id}-{attempt:02d}"
                    self.note(BankProblem.MISSING, "", of=name, value=day.isoformat())

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
        went = [each for each in fresh if not each.booking.is_return]
        for each in fresh:
            if each.booking.is_return:
                value = each.booking.amount_fen
                self.note(BankProblem.RETURNED, each.place, of=name, value=value)
        for each in went:
            if ordered is not None and each.booking.amount_fen != ordered:
                value = each.booking.amount_fen
                self.note(BankProblem.WRONG_AMOUNT, each.place, of=name, value=value)
        if went and len(before) + len(went) > 1:
            total = sum(each.booking.amount_fen for each in went) + _total(before)
            if ordered is None or total > ordered:
                self.note(BankProblem.DOUBLED, went[-1].place, of=name, value=total)


def _total(bookings: Iterable[Booking]) -> int:
    return sum(each.amount_fen for each in bookings)


def _signed(each: Any) -> Decimal:  # noqa: ANN401  # an entry or a balance of either version
    amount = Decimal(each.amt.value)
    return -amount if _code(each.cdt_dbt_ind) == _DEBIT else amount


def _balances(statement: Any) -> Iterator[tuple[str, Decimal]]:  # noqa: ANN401  # of either version
    for each in statement.bal:
        yield _code(each.tp.cd_or_prtry), _signed(each)


def _balance_difference(statement: Any) -> Decimal:  # noqa: ANN401  # of either version
    """Return by how much a statement does not add up; zero if it does, or does not say."""
    balances = dict(_balances(statement))
    opening = next((balances[each] for each in _OPENING if each in balances), None)
    closing = balances.get(_CLOSING)
    if opening is None or closing is None:
        return Decimal(0)
    booked = (each for each in statement.ntry if _code(each.sts) == _BOOKED)
    return closing - opening - sum((_signed(each) for each in booked), Decimal(0))
