"""Trial balances, and the bytes by which journals and balances are compared and stated.

A line's text: its fields and postings joined by U+001F and ended by U+000A; a month's journal is
the RFC 6962 root over these texts. A balance's text: the day, then each account with debits and
credits in whole fen, likewise; it is stated by its SHA-256.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deltacare.tlog.tree import root_of
from settlement.books.journal import JournalLine

__all__ = [
    "AccountBalance",
    "MonthBooks",
    "TrialBalance",
    "balance_text",
    "line_text",
    "month_books",
    "trial_balance",
]

_SEPARATOR = "\x1f"
_TERMINATOR = "\n"
_MONTH_CHARS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountBalance:
    """What was booked on an account, in fen, neither below zero."""

    account: str
    debit_fen: int
    credit_fen: int

    @property
    def net_fen(self) -> int:
        """Debits less credits."""
        return self.debit_fen - self.credit_fen


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """The balances at the end of a day, sorted by account; debits equal credits."""

    on_date: str
    balances: tuple[AccountBalance, ...]

    def __post_init__(self) -> None:
        debit = sum(each.debit_fen for each in self.balances)
        assert debit == sum(each.credit_fen for each in self.balances), "debits equal credits"

    @property
    def digest(self) -> bytes:
        """SHA-256 of its text, 32 bytes."""
        return hashlib.sha256(balance_text(self)).digest()

    @property
    def net(self) -> Mapping[str, int]:
        """Debits less credits by account."""
        return {each.account: each.net_fen for each in self.balances}


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthBooks:
    """The books of one month, as they are stated when it closes.

    Attributes:
        month: `YYYY-MM`.
        journal_hash: RFC 6962 root over its lines.
        line_count: How many lines.
        trial_balance_hash: Of the balance at its end.
    """

    month: str
    journal_hash: bytes
    line_count: int
    trial_balance_hash: bytes


def line_text(line: JournalLine) -> bytes:
    """Return the bytes of a line that are hashed."""
    parts = [
        line.book_date,
        line.event_date,
        line.event,
        line.subject,
        line.partner,
        line.source.log,
        str(line.source.index),
        line.source.entry_hash.hex(),
        "1" if line.late else "0",
    ]
    for each in line.postings:
        parts += (each.account, str(each.fen))
    return (_SEPARATOR.join(parts) + _TERMINATOR).encode()


def balance_text(balance: TrialBalance) -> bytes:
    """Return the bytes of a trial balance that are hashed."""
    rows = [balance.on_date]
    rows += [
        _SEPARATOR.join((each.account, str(each.debit_fen), str(each.credit_fen)))
        for each in balance.balances
    ]
    return "".join(row + _TERMINATOR for row in rows).encode()


def trial_balance(lines: Iterable[JournalLine], on_date: str) -> TrialBalance:
    """Return the balances of what is booked up to the end of a day.

    Args:
        lines: In any order.
        on_date: The day.
    """
    sums: dict[str, list[int]] = {}
    for line in lines:
        if line.book_date > on_date:
            continue
        for each in line.postings:
            cell = sums.setdefault(each.account, [0, 0])
            cell[each.fen < 0] += abs(each.fen)
    return TrialBalance(
        on_date=on_date,
        balances=tuple(
            AccountBalance(account=account, debit_fen=debit, credit_fen=credit)
            for account, (debit, credit) in sorted(sums.items())
        ),
    )


def month_books(lines: Sequence[JournalLine], month: str, last_date: str) -> MonthBooks:
    """Return what a month's books come to.

    Args:
        lines: The whole journal, sorted.
        month: `YYYY-MM`.
        last_date: Its last day.
    """
    texts = [line_text(line) for line in lines if line.book_date[:_MONTH_CHARS] == month]
    return MonthBooks(
        month=month,
        journal_hash=root_of(texts),
        line_count=len(texts),
        trial_balance_hash=trial_balance(lines, last_date).digest,
    )
