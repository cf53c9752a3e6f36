"""Lines, balances and closed months as callers see them. Values in, messages out."""

from collections.abc import Mapping

from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1.entry_pb2 import LogEnd
from deltacare.v1.types_pb2 import EntryRef
from settlement.books.balances import TrialBalance
from settlement.books.journal import JournalLine

__all__ = ["balance_message", "line_message", "log_ends"]


def log_ends(ends: Mapping[str, int]) -> list[LogEnd]:
    """Return how far logs were taken in, sorted by name; logs of which nothing was are left out."""
    return [LogEnd(log=log, size=size) for log, size in sorted(ends.items()) if size]


def line_message(line: JournalLine) -> bpb.JournalLine:
    """Return a line."""
    return bpb.JournalLine(
        book_date=line.book_date,
        event_date=line.event_date,
        event=line.event,
        subject=line.subject,
        partner=line.partner,
        entry=EntryRef(log=line.source.log, index=line.source.index),
        entry_hash=line.source.entry_hash,
        postings=[bpb.Posting(account=each.account, amount_fen=each.fen) for each in line.postings],
        late=line.late,
    )


def balance_message(balance: TrialBalance, ends: Mapping[str, int]) -> bpb.TrialBalance:
    """Return a trial balance."""
    return bpb.TrialBalance(
        on_date=balance.on_date,
        balances=[
            bpb.AccountBalance(
                account=each.account, debit_fen=each.debit_fen, credit_fen=each.credit_fen
            )
            for each in balance.balances
        ],
        digest=balance.digest,
        log_ends=log_ends(ends),
    )
