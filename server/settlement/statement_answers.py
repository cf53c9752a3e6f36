"""Whether the answer to a statement carries the signatures of two persons over that statement.

One function for the node where it is given, which refuses, and for every node that projects it.
"""

from datetime import UTC, datetime

from sqlalchemy import Connection

from deltacare.approvals import ApprovalSubject, ApprovalWord
from deltacare.v1.entry_pb2 import Entry, StatementWord
from server.approval.judging import approvals_rule
from server.registry.rulebook import Rule

__all__ = ["statement_approvals_rule"]

_WORDS = {
    StatementWord.STATEMENT_WORD_APPROVED: ApprovalWord.APPROVED,
    StatementWord.STATEMENT_WORD_REFUSED: ApprovalWord.REFUSED,
}


def statement_approvals_rule(
    connection: Connection,
    author: str,
    entry: Entry,
    *,
    entry_time: datetime | None = None,
    until_index: int | None = None,
) -> Rule | None:
    """Return the rule that stands against the signatures of a readable answer.

    Args:
        connection: Of the transaction that appends or projects.
        author: Province that answers.
        entry: The answer, with maker and reviewer.
        entry_time: Of the transaction, where the entry has no time yet.
        until_index: Place of the entry; ``None`` where it is about to be appended.
    """
    body = entry.statement_answer
    return approvals_rule(
        connection,
        author,
        subject=ApprovalSubject.STATEMENT,
        subject_hash=body.statement_hash,
        word=_WORDS[body.word],
        approvals=body.approvals,
        maker=entry.maker,
        reviewer=entry.reviewer,
        entry_time=entry_time or entry.entry_time.ToDatetime(tzinfo=UTC),
        until_index=until_index,
    )
