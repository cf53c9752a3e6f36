"""What both exports share: amounts, what accounts are open, and when balances are asserted.

An export is the whole journal, each line with the entry it follows from, and assertions of every
balance at the end of each month and of the last day, without tolerance. So one fen altered in any
line is refused by the tools, because the line no longer sums to zero; two altered against each
other, because a balance differs.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final

from deltacare.money import FEN_PER_YUAN
from settlement.books.balances import TrialBalance, trial_balance
from settlement.books.journal import JournalLine

__all__ = ["COMMODITY", "accounts_of", "amount", "day_after", "month_ends", "quoted"]

COMMODITY: Final = "CNY"
_MONTH_CHARS: Final = 7


def amount(fen: int) -> str:
    """Return fen as yuan with two decimals, exactly, without thousands separators."""
    yuan, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{yuan}.{rest:02d}"


def quoted(text: str) -> str:
    """Return a text between quotation marks; ids and codes hold none, and none gets through."""
    return '"' + text.replace("\\", " ").replace('"', "'").replace("\n", " ") + '"'


def accounts_of(lines: Sequence[JournalLine]) -> list[str]:
    """Return the accounts that a journal uses, sorted."""
    return sorted({each.account for line in lines for each in line.postings})


def day_after(day: str) -> str:
    """Return the day after one."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def month_ends(
    lines: Sequence[JournalLine],
) -> Iterator[tuple[list[JournalLine], TrialBalance]]:
    """Yield each month's lines with the balances after its last one.

    Args:
        lines: A journal, sorted.
    """
    before: list[JournalLine] = []
    for _, group in groupby(lines, key=lambda line: line.book_date[:_MONTH_CHARS]):
        month = list(group)
        before += month
        yield month, trial_balance(before, month[-1].book_date)
