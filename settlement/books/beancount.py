"""The journal as a beancount file, for `bean-check` and whoever keeps books with it.

Written for beancount 3. Its own default lets a line be out by half a unit of its last decimal for
each amount, and a balance by twice that, which a fen passes; so the tolerance of CNY is set to zero
and each balance states its own.
"""

from collections.abc import Mapping, Sequence

from settlement.books.accounts import account_words
from settlement.books.exports import (
    COMMODITY,
    accounts_of,
    amount,
    day_after,
    month_ends,
    quoted,
)
from settlement.books.journal import JournalLine

__all__ = ["beancount_text"]


def beancount_text(lines: Sequence[JournalLine], *, title: str, notes: Sequence[str] = ()) -> str:
    """Return a journal as beancount.

    Args:
        lines: The journal, sorted.
        title: Whose books, in words.
        notes: What the head states besides: digests, ends of logs.
    """
    rows = [f"; {note}" for note in (f"{title}; amounts in yuan, exact to the fen", *notes)]
    rows += [
        f"option {quoted('title')} {quoted(title)}",
        f"option {quoted('operating_currency')} {quoted(COMMODITY)}",
        f"option {quoted('inferred_tolerance_default')} {quoted('*:0')}",
        f"option {quoted('tolerance_multiplier')} {quoted('0')}",
        "",
    ]
    if lines:
        first = lines[0].book_date
        rows.append(f"{first} commodity {COMMODITY}")
        for account in accounts_of(lines):
            rows += [
                f"{first} open {account} {COMMODITY}",
                f"  zh: {quoted(account_words(account))}",
                f"  en: {quoted(account_words(account, lang='en'))}",
            ]
    for month, balance in month_ends(lines):
        for line in month:
            rows += _transaction(line)
        rows.append("")
        # A balance is taken at the beginning of its day, and of an account with all below it.
        day = day_after(balance.on_date)
        rows += [
            f"{day} balance {account} {amount(fen)} ~ 0 {COMMODITY}"
            for account, fen in _with_below(balance.net).items()
        ]
    return "\n".join(rows) + "\n"


def _with_below(net: Mapping[str, int]) -> dict[str, int]:
    """Return the balances of accounts, each with those of the accounts below it."""
    found = dict.fromkeys(net, 0)
    for account, fen in net.items():
        parts = account.split(":")
        for size in range(1, len(parts) + 1):
            above = ":".join(parts[:size])
            if above in found:
                found[above] += fen
    return found


def _transaction(line: JournalLine) -> list[str]:
    """Return a line with its entry."""
    rows = [
        "",
        f"{line.book_date} * {quoted(line.event)} {quoted(line.subject)}",
        f"  event-date: {line.event_date}",
        f"  entry-log: {quoted(line.source.log)}",
        f"  entry-index: {line.source.index}",
        f"  entry-hash: {quoted(line.source.entry_hash.hex())}",
    ]
    if line.partner:
        rows.append(f"  partner: {quoted(line.partner)}")
    if line.late:
        rows.append("  late: TRUE")
    rows += [f"  {each.account}  {amount(each.fen)} {COMMODITY}" for each in line.postings]
    return rows
