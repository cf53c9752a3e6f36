"""Every checkpoint of a log, judged: read, and judged anew when the members call a key bad.

Synchronous and inside the caller's transaction; by the rules of ``server.log.quorum``. What lost
its quorum permits nothing until an untainted quorum has covered it again. Reads all that is signed
about a log, so it is done when what the members stated changed, and not otherwise.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from deltacare.ids import LogName
from deltacare.tlog.note import SignedNote
from deltacare.trust import Trust, witness_key_name
from server.log import tables
from server.log.checkpoints import bad_keys, log_key_ids
from server.log.history import keep_history
from server.log.quorum import Line, is_doubted, judgement, quorum_time
from server.log.store import Head

__all__ = ["JudgedCheckpoint", "judge_anew", "judged_checkpoints"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCheckpoint:
    """A checkpoint as it is judged, without its notes.

    Attributes:
        size: entries it covers.
        log_key_ids: of the log's keys that signed it.
        lines: its cosignatures, keys called bad included.
        quorum_time: when its quorum was known here; ``None`` if it has none now.
        is_doubted: whether every key of its log that signed it was called bad.
    """

    size: int
    log_key_ids: tuple[bytes, ...]
    lines: tuple[Line, ...]
    quorum_time: datetime | None
    is_doubted: bool

    @property
    def has_quorum(self) -> bool:
        """Whether it counts now."""
        return self.quorum_time is not None


def judge_anew(connection: Connection, head: Head, *, trust: Trust, now: datetime) -> Head:
    """Judge every checkpoint of a log by what the members state now; return the head then.

    What gained a quorum counts from now.

    Args:
        connection: inside its transaction.
        head: of the log, locked.
        trust: keys, taints and quorums.
        now: the transaction's.
    """
    log = head.log
    rows = judged_checkpoints(connection, log, head.log_id)
    size, at = 0, None
    changes: list[dict[str, Any]] = []
    for row in rows:
        found = quorum_time(row.lines, row.log_key_ids, log=log, trust=trust, now=now)
        if found is not None:
            size, at = row.size, found
        values = {
            "quorum_time": None if found is None else row.quorum_time or now,
            "is_doubted": is_doubted(row.log_key_ids, log=log, trust=trust),
        }
        if (row.quorum_time, row.is_doubted) != tuple(values.values()):
            changes.append({"key": row.size, **values})
    if changes:
        columns = tables.checkpoints.c
        connection.execute(
            update(tables.checkpoints).where(
                columns.log_id == head.log_id, columns.size == bindparam("key")
            ),
            changes,
        )
    judged = replace(
        head,
        quorum_size=size,
        quorum_time=at,
        fresh_time=_fresh_time(log, rows, trust),
        judgement=judgement(log, trust),
    )
    keep_history(connection, head, judged, now)
    return judged


def judged_checkpoints(
    connection: Connection, log: LogName, log_id: int
) -> Sequence[JudgedCheckpoint]:
    """Return every checkpoint of a log as it was judged last, ascending by size."""
    lines = dict(_lines_by_size(connection, log_id))
    rows = tables.checkpoints.c
    query = (
        select(rows.size, rows.note, rows.quorum_time, rows.is_doubted)
        .where(rows.log_id == log_id)
        .order_by(rows.size)
    )
    return [
        JudgedCheckpoint(
            size=row.size,
            log_key_ids=log_key_ids(SignedNote.from_bytes(bytes(row.note)), log),
            lines=lines.get(row.size, ()),
            quorum_time=row.quorum_time,
            is_doubted=bool(row.is_doubted),
        )
        for row in connection.execute(query)
    ]


def _lines_by_size(connection: Connection, log_id: int) -> Iterator[tuple[int, tuple[Line, ...]]]:
    rows = tables.cosignatures.c
    query = (
        select(rows.size, rows.witness, rows.key_id, rows.cosigned_time)
        .where(rows.log_id == log_id)
        .order_by(rows.size)
    )
    for size, group in groupby(connection.execute(query), key=lambda row: row.size):
        lines = (
            Line(name=row.witness, key_id=bytes(row.key_id), time=row.cosigned_time)
            for row in group
        )
        yield size, tuple(lines)


def _fresh_time(
    log: LogName, checkpoints: Iterable[JudgedCheckpoint], trust: Trust
) -> datetime | None:
    """Return the author's newest cosignature by a key that was not called bad."""
    author = witness_key_name(log.author)
    bad = bad_keys(log, trust)
    times = [
        line.time
        for checkpoint in checkpoints
        for line in checkpoint.lines
        if line.name == author and (line.name, line.key_id) not in bad
    ]
    return max(times, default=None)
