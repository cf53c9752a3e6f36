"""The journal as an hledger file, for `hledger check --strict`.

Accounts and the commodity are declared, so that a slip in a name is refused; balances are asserted
by transactions that move nothing.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from settlement.books.accounts import account_words
from settlement.books.exports import COMMODITY, accounts_of, amount, month_ends
from settlement.books.journal import JournalLine

__all__ = ["hledger_text"]

_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {"Assets": "A", "Liabilities": "L", "Equity": "E", "Income": "R", "Expenses": "X"}
)


def hledger_text(lines: Sequence[JournalLine], *, title: str, notes: Sequence[str] = ()) -> str:
    """Return a journal for hledger.

    Args:
        lines: The journal, sorted.
        title: Whose books, in words.
        notes: What the head states besides: digests, ends of logs.
    """
    rows = [f"; {note}" for note in (f"{title}; amounts in yuan, exact to the fen", *notes)]
    rows += ["", f"commodity 1000.00 {COMMODITY}", ""]
    for account in accounts_of(lines):
        kind = _TYPES[account.split(":", 1)[0]]
        rows += [
            f"account {account}  ; type:{kind}",
            f"  ; {account_words(account)}",
            f"  ; {account_words(account, lang='en')}",
        ]
    for month, balance in month_ends(lines):
        for line in month:
            rows += _transaction(line)
        rows += ["", f"{balance.on_date} * balances at the end of {balance.on_date}"]
        rows += [
            f"    {each.account}  0.00 {COMMODITY} = {amount(each.net_fen)} {COMMODITY}"
            for each in balance.balances
        ]
    return "\n".join(rows) + "\n"


def _transaction(line: JournalLine) -> list[str]:
    """Return a line with its entry."""
    rows = [
        "",
        f"{line.book_date} * {line.event} | {line.subject}",
        f"    ; event-date:{line.event_date}",
        f"    ; entry-log:{line.source.log}",
        f"    ; entry-index:{line.source.index}",
        f"    ; entry-hash:{line.source.entry_hash.hex()}",
    ]
    if line.partner:
        rows.append(f"    ; partner:{line.partner}")
    if line.late:
        rows.append("    ; late:yes")
    rows += [f"    {each.account}  {amount(each.fen)} {COMMODITY}" for each in line.postings]
    return rows
