"""Whether signatures approve something: the one question that other rooms ask of this one.

They ask it where they write, to refuse, and where they project, to call an entry void; both times
by what stood in the author's registry log before the entry.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection

from deltacare.approvals import ApprovalSubject, ApprovalWord, approval_fault
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import Approval
from server.approval.rules import FAULTS
from server.approval.store import key_at
from server.registry.rulebook import Rule

__all__ = ["approvals_rule"]


def approvals_rule(
    connection: Connection,
    author: str,
    *,
    subject: ApprovalSubject,
    subject_hash: bytes,
    word: ApprovalWord,
    approvals: Collection[Approval],
    maker: str,
    reviewer: str,
    entry_time: datetime,
    until_index: int | None = None,
) -> Rule | None:
    """Return the rule that stands against the approval of a thing, ``None`` if it counts.

    Args:
        connection: Of the transaction that appends or projects.
        author: Province that says it.
        subject: Kind of thing.
        subject_hash: 32 bytes, computed by the caller.
        word: What is said of it.
        approvals: The signatures.
        maker: Of the entry.
        reviewer: Of the entry.
        entry_time: Of the entry; where it is written, the transaction's.
        until_index: Place of the entry in the author's registry log: keys count that stand before
            it. ``None`` where it is about to be appended there, or stands in another log.
    """
    fault = approval_fault(
        approvals,
        subject=subject,
        subject_hash=subject_hash,
        word=word,
        province=author,
        maker=maker,
        reviewer=reviewer,
        day=business_date(entry_time),
        key_of=lambda key_id: key_at(connection, author, key_id, until_index),
    )
    return None if fault is None else FAULTS[fault]
