"""Evidence: signed checkpoints that cannot both be true, or what did not verify, kept for good.

A partner's history that contradicts what is held is refused by whoever sees it; what is kept here
is what the other members are shown. Synchronous and inside the caller's transaction.
"""

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy import Connection, func, insert, select

from deltacare.ids import LogName
from server.log import tables
from server.log.store import Head, LogStore

__all__ = ["EvidenceRow", "Wrong", "add_evidence", "list_evidence"]

# A peer that invents nonsense could fill the disk: beyond this only the alarm is raised.
ROWS_PER_LOG_MAX = 1_000

_alarm = structlog.get_logger("deltacare.alarm")


class Wrong(enum.Enum):
    """What is wrong with what was shown."""

    FORK = "FORK"
    BAD_PROOF = "BAD_PROOF"
    BAD_SIGNATURE = "BAD_SIGNATURE"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One piece of evidence.

    Attributes:
        evidence_id: grows with time.
        log: the log.
        wrong: what is wrong.
        held_note: newest checkpoint that was held then, signed; empty if there was none.
        shown_note: what was shown, as received.
        shown_by: province that showed it.
        seen_time: when.
    """

    evidence_id: int
    log: LogName
    wrong: Wrong
    held_note: bytes
    shown_note: bytes
    shown_by: str
    seen_time: datetime


def add_evidence(
    connection: Connection, head: Head, wrong: Wrong, *, shown: bytes, shown_by: str, now: datetime
) -> Head:
    """Keep a piece of evidence once, raise the alarm, and return the head as it is then.

    Only a proven fork marks the log: anybody can send what does not verify.
    """
    _alarm.error(
        "log_contradicted",
        log=str(head.log),
        reason=wrong.value,
        shown_by=shown_by,
        held_size=head.size,
    )
    held = head.seen_note or b""
    parts = (str(head.log).encode(), wrong.value.encode(), shown, shown_by.encode())
    digest = hashlib.sha256(b"\x00".join(parts)).digest()
    rows = tables.evidence.c
    is_known = connection.execute(select(rows.evidence_id).where(rows.digest == digest)).first()
    head = replace(head, is_forked=head.is_forked or wrong is Wrong.FORK)
    if is_known or head.evidence_count >= ROWS_PER_LOG_MAX:
        return head
    connection.execute(
        insert(tables.evidence).values(
            evidence_id=select(func.coalesce(func.max(rows.evidence_id), 0) + 1).scalar_subquery(),
            log_id=head.log_id,
            reason=wrong.value,
            held_note=held,
            shown_note=shown,
            shown_by=shown_by,
            seen_time=now,
            digest=digest,
        )
    )
    return replace(head, evidence_count=head.evidence_count + 1)


def list_evidence(
    connection: Connection, store: LogStore, logs: Sequence[LogName], *, after_id: int, limit: int
) -> list[EvidenceRow]:
    """Return evidence about some logs, oldest first, behind an id."""
    rows = tables.evidence
    query = (
        select(rows)
        .where(
            rows.c.log_id.in_([store.log_id(log) for log in logs]),
            rows.c.evidence_id > after_id,
        )
        .order_by(rows.c.evidence_id)
        .limit(limit)
    )
    return [
        EvidenceRow(
            evidence_id=row.evidence_id,
            log=store.name(row.log_id),
            wrong=Wrong(row.reason),
            held_note=bytes(row.held_note),
            shown_note=bytes(row.shown_note),
            shown_by=row.shown_by,
            seen_time=row.seen_time,
        )
        for row in connection.execute(query)
    ]
