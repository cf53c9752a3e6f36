"""From events to lines of the journal, in stages that return what they made and what they found.

A line is immutable, its postings sum to zero, and it names the entry from which it follows. Nothing
is read here: the same events, months closed and province give the same lines on every node, after a
rebuild, and years later.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from settlement.books import accounts
from settlement.books.events import (
    RANKS,
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
from settlement.books.months import ClosedMonth, book_date
from settlement.books.payments import PaymentBooks

__all__ = ["Finding", "JournalLine", "Posting", "book", "claims"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Posting:
    """One side of a line.

    Attributes:
        account: As in the chart.
        fen: Above zero is debit, below is credit; never zero.
    """

    account: str
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """A transaction.

    Attributes:
        book_date: Day it is booked on.
        event_date: Day on which it happened.
        event: What happened, as a code.
        subject: What it is about.
        partner: The other province; empty if none.
        source: The entry from which it follows.
        postings: Sorted by account, each account once.
        late: The month of the event was closed when it became known.
    """

    book_date: str
    event_date: str
    event: str
    subject: str
    partner: str
    source: Source
    postings: tuple[Posting, ...]
    late: bool

    def __post_init__(self) -> None:
        assert sum(each.fen for each in self.postings) == 0, "a line sums to zero"
        names = [each.account for each in self.postings]
        assert names == sorted(set(names)), "postings are sorted, each account once"

    @property
    def place(self) -> tuple[str, str, str, int, str, str, str]:
        """By what lines are sorted; no two lines have the same."""
        return (
            self.book_date,
            self.event_date,
            self.source.log,
            self.source.index,
            self.event,
            self.subject,
            self.partner,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that does not agree; the books stand, and a person has to look.

    Attributes:
        code: `GROSS_DIFFERS`: a night's lines are not what its result states;
            `NETTED_NOT_CLEARED`: a statement nets other flows than the nights of its window
            cleared.
        subject: What it is about.
        detail: The two figures, in fen.
    """

    code: str
    subject: str
    detail: str


class _Book:
    """One pass over events; used once and thrown away."""

    def __init__(self, own: str) -> None:
        self.own = own
        self.findings: list[Finding] = []
        self._budgets: dict[tuple[str, str, str], int] = {}
        self._payments: dict[str, PaymentBooks] = {}
        self._balances: dict[str, int] = {}

    def line(self, event: Event, day: str, *, late: bool) -> JournalLine | None:
        """Return the line of an event; ``None`` if it moves nothing."""
        code, subject, partner, moved = _WRITERS[type(event)](self, event)
        postings = tuple(
            Posting(account=account, fen=fen) for account, fen in sorted(moved.items()) if fen
        )
        for each in postings:
            self._balances[each.account] = self._balances.get(each.account, 0) + each.fen
        if not postings:
            return None
        return JournalLine(
            book_date=day,
            event_date=event.event_date,
            event=code,
            subject=subject,
            partner=partner,
            source=event.sources[0],
            postings=postings,
            late=late,
        )

    # --- Budgets ----------------------------------------------------------------------------------

    def budgeted(self, event: Budgeted) -> "_Written":
        """Book what a budget grew or shrank by."""
        key = (event.year, event.subsidy_kind, event.division)
        fen = event.amount_fen - self._budgets.get(key, 0)
        self._budgets[key] = event.amount_fen
        moved = {
            accounts.budget(accounts.BUDGET_AVAILABLE, *key): fen,
            accounts.budget(accounts.BUDGET_APPROPRIATED, *key): -fen,
        }
        return "BUDGET", f"{event.division} {event.year} {event.subsidy_kind}", "", moved

    def reservation(self, event: Reservation) -> "_Written":
        """Book what records of a day reserve, or release."""
        sign = -1 if event.released else 1
        moved = _budget_moves(
            event.subsidy_kind,
            event.amounts,
            to=accounts.BUDGET_RESERVED,
            since=accounts.BUDGET_AVAILABLE,
            sign=sign,
        )
        code = "RELEASED" if event.released else "RESERVED"
        return code, f"{event.event_date} {event.subsidy_kind}", event.partner, moved

    # --- Nights -----------------------------------------------------------------------------------

    def cleared(self, event: Cleared) -> "_Written":
        """Book what a night cleared of one direction and kind."""
        sign = -1 if event.back else 1
        kind = accounts.of_kind(event.subsidy_kind)
        fen = sign * event.amount_fen
        if self.own == event.home:
            partner = event.host
            moved = {
                accounts.with_partner(accounts.EXPENSE, partner, kind): fen,
                accounts.with_partner(accounts.PAYABLE, partner, accounts.CLEARED): -fen,
            }
            assert sum(event.amounts.values()) == event.amount_fen, "divisions make up the sum"
            moved |= _budget_moves(
                event.subsidy_kind,
                event.amounts,
                to=accounts.BUDGET_CONSUMED,
                since=accounts.BUDGET_AVAILABLE,
                sign=sign,
            )
        else:
            partner = event.home
            moved = {
                accounts.with_partner(accounts.RECEIVABLE, partner, accounts.CLEARED): fen,
                accounts.with_partner(accounts.INCOME, partner, kind): -fen,
            }
        subject = f"{event.event_date} {event.home}-{event.host} {event.subsidy_kind}"
        return "CLEARED_BACK" if event.back else "CLEARED", subject, partner, moved

    # --- Statements -------------------------------------------------------------------------------

    def netted(self, event: Netted) -> "_Written":
        """Book how a binding statement turns what was cleared into what is to be paid."""
        moved: dict[str, int] = {}
        for (payer, payee), fen in event.flows.items():
            if payer == self.own:
                account = accounts.with_partner(accounts.PAYABLE, payee, accounts.CLEARED)
                moved[account] = fen
            else:
                account = accounts.with_partner(accounts.RECEIVABLE, payer, accounts.CLEARED)
                moved[account] = -fen
        for (payer, payee), fen in event.drawn.items():
            _add(moved, {self._due_account(payer, payee): fen if payee == self.own else -fen})
        for payment in event.payments:
            _add(moved, self._ask(payment, is_advance=False))
        assert sum(moved.values()) == 0, "what is netted is what is paid"
        return "NETTED", event.statement_id, "", moved

    def _due_account(self, payer: str, payee: str) -> str:
        if payer == self.own:
            return accounts.with_partner(accounts.PAYABLE, payee, accounts.DUE)
        return accounts.with_partner(accounts.RECEIVABLE, payer, accounts.DUE)

    def drawn(self, event: Drawn) -> "_Written":
        """Book what an advance pays of a statement."""
        if event.payer == self.own:
            partner, heading, sign = event.payee, accounts.ADVANCES_PAID, -1
        else:
            partner, heading, sign = event.payer, accounts.ADVANCES_HELD, 1
        moved = {
            self._due_account(event.payer, event.payee): -sign * event.amount_fen,
            accounts.with_partner(heading, partner, accounts.PAID): sign * event.amount_fen,
        }
        return "DRAWN", f"{event.statement_id} {event.advance_id}", partner, moved

    # --- Money ------------------------------------------------------------------------------------

    def granted(self, event: Granted) -> "_Written":
        """Book what an advance promises."""
        partner = self._other(event.payment)
        moved = self._ask(event.payment, is_advance=True)
        return "ADVANCE_GRANTED", event.advance_id, partner, moved

    def ordered(self, event: Ordered) -> "_Written":
        """Book that the bank was asked to pay."""
        return self._paid(event, "ORDERED")

    def shown(self, event: Shown) -> "_Written":
        """Book what a bank shows."""
        if event.returned:
            return self._paid(event, "RETURNED")
        return self._paid(event, "DEBITED" if event.by_payer else "CREDITED")

    def _paid(self, event: Ordered | Shown, code: str) -> "_Written":
        before = self._payment(event.payment, is_advance=event.is_advance)
        after = before.after(event)
        self._payments[event.payment.payment_id] = after
        subject = f"{event.payment.payment_id}-{event.attempt:02d}"
        code = f"ADVANCE_{code}" if event.is_advance else code
        return code, subject, self._other(event.payment), self._between(before, after)

    def _ask(self, payment: PaymentDue, *, is_advance: bool) -> dict[str, int]:
        """Book that a payment is asked for."""
        before = self._payment(payment, is_advance=is_advance)
        after = before.asked(payment.amount_fen)
        self._payments[payment.payment_id] = after
        return self._between(before, after)

    def _payment(self, payment: PaymentDue, *, is_advance: bool) -> PaymentBooks:
        known = self._payments.get(payment.payment_id)
        if known is not None:
            return known
        return PaymentBooks(payment=payment, is_advance=is_advance).asked(0)

    def _between(self, before: PaymentBooks, after: PaymentBooks) -> dict[str, int]:
        moved = after.balances(self.own)
        _add(moved, {account: -fen for account, fen in before.balances(self.own).items()})
        return moved

    def _other(self, payment: PaymentDue) -> str:
        return payment.payee if payment.payer == self.own else payment.payer


_Written = tuple[str, str, str, dict[str, int]]
"""Code, subject, partner, and what moves on each account."""

_WRITERS: Final[Mapping[type[Event], Callable[[_Book, Any], _Written]]] = MappingProxyType(
    {
        Budgeted: _Book.budgeted,
        Reservation: _Book.reservation,
        Cleared: _Book.cleared,
        Netted: _Book.netted,
        Drawn: _Book.drawn,
        Granted: _Book.granted,
        Ordered: _Book.ordered,
        Shown: _Book.shown,
    }
)


def _add(moved: dict[str, int], more: Mapping[str, int]) -> None:
    """Add amounts to amounts by account."""
    for account, fen in more.items():
        moved[account] = moved.get(account, 0) + fen


def _budget_moves(
    subsidy_kind: str,
    amounts: Mapping[tuple[str, str], int],
    *,
    to: str,
    since: str,
    sign: int,
) -> dict[str, int]:
    """Return what moves between two headings of budgets."""
    moved: dict[str, int] = {}
    for (year, division), fen in amounts.items():
        moved[accounts.budget(to, year, subsidy_kind, division)] = sign * fen
        moved[accounts.budget(since, year, subsidy_kind, division)] = -sign * fen
    return moved


def book(
    events: Iterable[Event],
    own: str,
    *,
    first_month: str,
    closed: Sequence[ClosedMonth] = (),
    gross: Mapping[tuple[str, str, str], int] | None = None,
) -> tuple[list[JournalLine], list[Finding]]:
    """Return the journal of one province, and what in it does not agree.

    1. Each event gets the day it is booked on. 2. They are sorted by it, then by the day they
    happened and the place of their entry. 3. Each becomes a line, by one table from type to
    postings. 4. What is cleared is held to what pair results state, and what statements net to what
    is cleared.

    Args:
        events: In any order.
        own: Six digits.
        first_month: `YYYY-MM` in which the books begin.
        closed: Months closed, in order.
        gross: By date, payer and payee, what agreed pair results state.
    """
    # 1.
    dated = [(*book_date(event, first_month=first_month, closed=closed), event) for event in events]
    # 2.
    dated.sort(
        key=lambda each: (each[0], each[2].event_date, each[2].sources[0], RANKS[type(each[2])])
    )
    # 3.
    ledger = _Book(own)
    lines: list[JournalLine] = []
    for day, late, event in dated:
        line = ledger.line(event, day, late=late)
        if line is not None:
            lines.append(line)
    lines.sort(key=lambda line: line.place)
    # 4.
    return lines, _findings([event for _, _, event in dated], own, gross or {})


def _findings(
    events: Sequence[Event], own: str, gross: Mapping[tuple[str, str, str], int]
) -> list[Finding]:
    """Return where nights, what they cleared and what statements net do not agree."""
    cleared: dict[tuple[str, str, str], int] = {}
    for event in events:
        if isinstance(event, Cleared):
            assert own in (event.home, event.host), "books hold flows of their own province"
            key = (event.event_date, event.home, event.host)
            fen = -event.amount_fen if event.back else event.amount_fen
            cleared[key] = cleared.get(key, 0) + fen
    found = [
        Finding(
            code="GROSS_DIFFERS",
            subject=" ".join(key),
            detail=f"{cleared.get(key, 0)} {gross.get(key, 0)}",
        )
        for key in sorted(cleared.keys() | gross.keys())
        if cleared.get(key, 0) != gross.get(key, 0)
    ]
    for event in events:
        if not isinstance(event, Netted):
            continue
        for (payer, payee), fen in sorted(event.flows.items()):
            in_window = sum(
                amount
                for (day, home, host), amount in cleared.items()
                if (home, host) == (payer, payee) and event.from_date <= day <= event.until_date
            )
            if in_window != fen:
                found.append(
                    Finding(
                        code="NETTED_NOT_CLEARED",
                        subject=f"{event.statement_id} {payer} {payee}",
                        detail=f"{fen} {in_window}",
                    )
                )
    return found


def claims(balances: Mapping[str, int], partner: str) -> tuple[int, int]:
    """Return what a partner owes the own province, and what the own province owes it, in fen.

    After both nodes have the same entries, one's first figure is the other's second.
    """

    def total(heading: str) -> int:
        prefix = accounts.with_partner(heading, partner) + ":"
        return sum(fen for account, fen in balances.items() if account.startswith(prefix))

    return total(accounts.RECEIVABLE), -total(accounts.PAYABLE)
