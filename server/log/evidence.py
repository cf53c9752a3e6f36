"""Evidence: signed checkpoints that cannot both be true, or what did not verify, kept for good.

A partner's history that contradicts what is held is refused by whoever sees it; what is kept here
is what the other members are shown. Synchronous and inside the caller's transaction.

What is kept has a limit for each log and kind, and what anybody can send never takes the place of
what only the log's author can have signed: a fork is kept however much nonsense came before it.
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
    "has_fork",
    "list_evidence",
    "list_forks",
    "put_fork",
]

# Anybody can send what does not verify. By log and by who showed it, so that one that invents
# nonsense takes nothing from the others.
REFUSED_MAX = 100
# An author that forks can fork without end, and no later proof says more than the first.
FORKS_PER_LOG_MAX = 8
# Of what did not verify: enough for a checkpoint and the lines of every member.
REFUSED_NOTE_BYTES_MAX = 4_096

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

    Only a proven fork marks the log: anybody can send what does not verify. The alarm is raised
    once a log for forks, and once for each member that shows what does not verify.

    Args:
        connection: inside its transaction.
        head: of the log, locked.
        wrong: what is wrong.
        shown: what was shown; if it is a fork, with the lines of known keys only.
        shown_by: who showed it.
        now: when.
        held: the signed checkpoint that contradicts it; the newest one held if not given.
        contradiction: why they cannot both be true, if that was worked out.
    """
    kept = _kept(connection, head.log, wrong, shown_by)
    is_fork = wrong is Wrong.FORK
    is_first = not head.is_forked if is_fork else not kept.count
    if is_first:
        _raise_alarm(head.log, wrong, shown_by=shown_by, held_size=head.size)
    head = replace(head, is_forked=head.is_forked or is_fork)
    # One that can be shown on is kept even if others fill the place.
    is_first_proof = contradiction is not None and not kept.proof_count
    if kept.count >= (FORKS_PER_LOG_MAX if is_fork else REFUSED_MAX) and not is_first_proof:
        return head
    is_new = _insert(
        connection,
        head.log,
        wrong,
        held=held if held is not None else head.seen_note or b"",
        shown=shown if is_fork else shown[:REFUSED_NOTE_BYTES_MAX],
        shown_by=shown_by,
        now=now,
        contradiction=contradiction,
    )
    if not is_new:
        return head
    return replace(
        head,
        evidence_count=head.evidence_count + 1,
        fork_count=head.fork_count + is_fork,
    )


def put_fork(
    connection: Connection,
    log: LogName,
    *,
    held: bytes,
    shown: bytes,
    shown_by: str,
    now: datetime,
    contradiction: Contradiction,
) -> None:
    """Keep the first proof that a log which is not held here is forked, and raise the alarm.

    One is enough to show to others, and nothing here rests on the log.
    """
    if has_fork(connection, log):
        return
    _raise_alarm(log, Wrong.FORK, shown_by=shown_by)
    _insert(
        connection,
        log,
        Wrong.FORK,
        held=held,
        shown=shown,
        shown_by=shown_by,
        now=now,
        contradiction=contradiction,
    )


def has_fork(connection: Connection, log: LogName) -> bool:
    """Whether a proof that a log is forked is kept."""
    return _kept(connection, log, Wrong.FORK, "").count > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """How much is kept of one budget.

    Attributes:
        count: rows.
        proof_count: those of them that prove themselves to who does not hold the log.
    """

    count: int
    proof_count: int


def _kept(connection: Connection, log: LogName, wrong: Wrong, shown_by: str) -> _Kept:
    """Return how much is kept: of forks by log, of the rest also by who showed it."""
    rows = tables.evidence.c
    query = select(func.count(), func.count(rows.root)).where(rows.log == str(log))
    if wrong is Wrong.FORK:
        query = query.where(rows.reason == wrong.value)
    else:
        query = query.where(rows.reason != Wrong.FORK.value, rows.shown_by == shown_by)
    count, proof_count = connection.execute(query).one()
    return _Kept(count=count, proof_count=proof_count)


def _raise_alarm(log: LogName, wrong: Wrong, **fields: object) -> None:
    _alarm.error("log_contradicted", log=str(log), reason=wrong.value, **fields)


def _insert(
    connection: Connection,
    log: LogName,
    wrong: Wrong,
    *,
    held: bytes,
    shown: bytes,
    shown_by: str,
    now: datetime,
    contradiction: Contradiction | None,
) -> bool:
    """Keep a piece of evidence unless it is known.

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
    connection: Connection,
    logs: Iterable[LogName],
    *,
    after_id: int,
    limit: int,
    wrong: Wrong | None = None,
) -> list[EvidenceRow]:
    """Return evidence about some logs, of one kind or of all, oldest first, behind an id."""
    rows = tables.evidence
    query = (
        select(rows)
        .where(rows.c.log.in_([str(log) for log in logs]), rows.c.evidence_id > after_id)
        .order_by(rows.c.evidence_id)
        .limit(limit)
    )
    if wrong is not None:
        query = query.where(rows.c.reason == wrong.value)
    return [_row(row) for row in connection.execute(query)]


def list_forks(connection: Connection, logs: Iterable[LogName]) -> list[EvidenceRow]:
    """Return for each of some logs what proves best that it is forked.

    The first that whoever does not hold the log can check; else the first with both sides.
    """
    rows = tables.evidence
    query = select(rows).where(
        rows.c.log.in_([str(log) for log in logs]), rows.c.reason == Wrong.FORK.value
    )
    best: dict[LogName, EvidenceRow] = {}
    found = [_row(row) for row in connection.execute(query)]
    for row in sorted(found, key=_weakness):
        best.setdefault(row.log, row)
    return sorted(best.values(), key=lambda row: row.evidence_id)


def _weakness(row: EvidenceRow) -> tuple[bool, bool, int]:
    return row.contradiction is None, not row.held_note, row.evidence_id


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
