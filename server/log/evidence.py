"""Evidence: signed checkpoints that cannot both be true, or what did not verify, kept for good.

A partner's history that contradicts what is held is refused by whoever sees it; what is kept here
is what the other members are shown. Synchronous and inside the caller's transaction.
"""

import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, func, insert, select

from deltacare.ids import LogName
from deltacare.tlog.fork import Contradiction
from deltacare.tlog.tree import HASH_BYTES
from server.log import tables
from server.log.store import Head

__all__ = [
    "EvidenceRow",
    "Wrong",
    "add_evidence",
    "list_evidence",
    "list_forks",
    "put_evidence",
]

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
        contradiction: why the two cannot both be true, if that can be shown to whoever does not
            hold the log.
    """

    evidence_id: int
    log: LogName
    wrong: Wrong
    held_note: bytes
    shown_note: bytes
    shown_by: str
    seen_time: datetime
    contradiction: Contradiction | None


def add_evidence(
    connection: Connection,
    head: Head,
    wrong: Wrong,
    *,
    shown: bytes,
    shown_by: str,
    now: datetime,
    held: bytes | None = None,
    contradiction: Contradiction | None = None,
) -> Head:
    """Keep a piece of evidence once, raise the alarm, and return the head as it is then.

    Only a proven fork marks the log: anybody can send what does not verify.

    Args:
        connection: inside its transaction.
        head: of the log, locked.
        wrong: what is wrong.
        shown: what was shown, as received.
        shown_by: who showed it.
        now: when.
        held: the signed checkpoint that contradicts it; the newest one held if not given.
        contradiction: why they cannot both be true, if that was worked out.
    """
    _alarm.error(
        "log_contradicted",
        log=str(head.log),
        reason=wrong.value,
        shown_by=shown_by,
        held_size=head.size,
    )
    head = replace(head, is_forked=head.is_forked or wrong is Wrong.FORK)
    if head.evidence_count >= ROWS_PER_LOG_MAX:
        return head
    is_new = put_evidence(
        connection,
        head.log,
        wrong,
        held=held if held is not None else head.seen_note or b"",
        shown=shown,
        shown_by=shown_by,
        now=now,
        contradiction=contradiction,
    )
    return replace(head, evidence_count=head.evidence_count + 1) if is_new else head


def put_evidence(
    connection: Connection,
    log: LogName,
    wrong: Wrong,
    *,
    held: bytes,
    shown: bytes,
    shown_by: str,
    now: datetime,
    contradiction: Contradiction | None = None,
) -> bool:
    """Keep a piece of evidence unless it is known; of a log that is held, use `add_evidence`.

    The same fork shown again under newer cosignatures is the same.

    Returns:
        Whether it is new.
    """
    text = shown.partition(b"\n\n")[0] if wrong is Wrong.FORK else shown
    parts = (str(log).encode(), wrong.value.encode(), text, shown_by.encode())
    digest = hashlib.sha256(b"\x00".join(parts)).digest()
    rows = tables.evidence.c
    if connection.execute(select(rows.evidence_id).where(rows.digest == digest)).first():
        return False
    connection.execute(
        insert(tables.evidence).values(
            evidence_id=select(func.coalesce(func.max(rows.evidence_id), 0) + 1).scalar_subquery(),
            log=str(log),
            reason=wrong.value,
            held_note=held,
            shown_note=shown,
            shown_by=shown_by,
            seen_time=now,
            digest=digest,
            root=contradiction.root if contradiction is not None else None,
            hashes=b"".join(contradiction.hashes) if contradiction is not None else b"",
        )
    )
    return True


def list_evidence(
    connection: Connection, logs: Iterable[LogName], *, after_id: int, limit: int
) -> list[EvidenceRow]:
    """Return evidence about some logs, oldest first, behind an id."""
    rows = tables.evidence
    query = (
        select(rows)
        .where(rows.c.log.in_([str(log) for log in logs]), rows.c.evidence_id > after_id)
        .order_by(rows.c.evidence_id)
        .limit(limit)
    )
    return [_row(row) for row in connection.execute(query)]


def list_forks(connection: Connection, logs: Iterable[LogName]) -> list[EvidenceRow]:
    """Return for each of some logs the first proof that it is forked."""
    rows = tables.evidence
    first = (
        select(func.min(rows.c.evidence_id))
        .where(rows.c.log.in_([str(log) for log in logs]), rows.c.reason == Wrong.FORK.value)
        .group_by(rows.c.log)
    )
    query = select(rows).where(rows.c.evidence_id.in_(first)).order_by(rows.c.evidence_id)
    return [_row(row) for row in connection.execute(query)]


def _row(row: Row[Any]) -> EvidenceRow:
    return EvidenceRow(
        evidence_id=row.evidence_id,
        log=LogName.parse(row.log),
        wrong=Wrong(row.reason),
        held_note=bytes(row.held_note),
        shown_note=bytes(row.shown_note),
        shown_by=row.shown_by,
        seen_time=row.seen_time,
        contradiction=None
        if row.root is None
        else Contradiction(root=bytes(row.root), hashes=_split(bytes(row.hashes))),
    )


def _split(hashes: bytes) -> tuple[bytes, ...]:
    return tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))
