"""Rows of what is signed about a log: checkpoints, cosignatures and freshness.

Synchronous and inside the caller's transaction. What it is given has been verified; it only keeps
it, counts cosignatures towards the quorum, and puts notes together again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, TextClause, bindparam, func, select, text, update

from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature
from deltacare.tlog.note import SignedNote
from deltacare.trust import Trust, witness_key_name
from server.log import tables
from server.log.store import Head, LogStore
from server.store.schema import UtcTime

__all__ = ["CheckpointStore", "KnownCheckpoint"]


def _timed(sql: str, *times: str) -> TextClause:
    """Return a statement whose named parameters are instants."""
    return text(sql).bindparams(*(bindparam(name, type_=UtcTime()) for name in times))


_INSERT_CHECKPOINT = _timed(
    "INSERT INTO checkpoints (log_id, size, note, stored_time, is_due)"
    " VALUES (:log_id, :size, :note, :stored_time, :is_due)"
    " ON CONFLICT (log_id, size)"
    " DO UPDATE SET is_due = checkpoints.is_due OR excluded.is_due",
    "stored_time",
)
_UPSERT_COSIGNATURE = _timed(
    "INSERT INTO cosignatures"
    " (log_id, size, witness, key_id, signature, cosigned_time, stored_time)"
    " VALUES (:log_id, :size, :witness, :key_id, :signature, :cosigned_time, :stored_time)"
    " ON CONFLICT (log_id, size, witness) DO UPDATE SET key_id = excluded.key_id,"
    " signature = excluded.signature, cosigned_time = excluded.cosigned_time",
    "cosigned_time",
    "stored_time",
)
_UPSERT_FRESHNESS = _timed(
    "INSERT INTO freshness (log_id, stored_time, fresh_time)"
    " VALUES (:log_id, :stored_time, :fresh_time)"
    " ON CONFLICT (log_id, stored_time) DO UPDATE SET fresh_time = excluded.fresh_time",
    "stored_time",
    "fresh_time",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCheckpoint:
    """A checkpoint that is held, with what is known of its cosignatures.

    Attributes:
        size: entries it covers.
        note: signed by the log's key and by every witness known here.
        has_quorum: whether enough of them signed.
        is_due: whether its author must have it cosigned before any later one.
    """

    size: int
    note: bytes
    has_quorum: bool
    is_due: bool


class CheckpointStore:
    """What is signed about the logs of one node's database."""

    def __init__(self, store: LogStore, trust: Trust) -> None:
        self._store = store
        self._trust = trust

    def put(
        self,
        connection: Connection,
        head: Head,
        signed: SignedCheckpoint,
        now: datetime,
        *,
        is_due: bool = False,
    ) -> None:
        """Keep a checkpoint over entries that are stored; a repeated one can become due."""
        connection.execute(
            _INSERT_CHECKPOINT,
            {
                "log_id": head.log_id,
                "size": signed.checkpoint.size,
                "note": bare_note(signed),
                "stored_time": now,
                "is_due": is_due,
            },
        )

    def add_cosignatures(
        self,
        connection: Connection,
        head: Head,
        size: int,
        cosignatures: Iterable[Cosignature],
        now: datetime,
    ) -> Head:
        """Keep cosignatures of a stored checkpoint and return the head as it is then.

        The author's own count for freshness and for no quorum.
        """
        known = self._cosigned(connection, head.log_id, size)
        author = witness_key_name(head.log.author)
        new = [c for c in cosignatures if _is_news(c, known)]
        if not new:
            return head
        connection.execute(
            _UPSERT_COSIGNATURE,
            [
                {
                    "log_id": head.log_id,
                    "size": size,
                    "witness": c.key.name,
                    "key_id": c.signature.key_id,
                    "signature": c.signature.signature,
                    "cosigned_time": c.time,
                    "stored_time": now,
                }
                for c in new
            ],
        )
        head = self._count(connection, head, size, {*known, *(c.key.name for c in new)}, now)
        fresh = max((c.time for c in new if c.key.name == author), default=None)
        if fresh is None or (head.fresh_time is not None and fresh <= head.fresh_time):
            return head
        values = {"log_id": head.log_id, "stored_time": now, "fresh_time": fresh}
        connection.execute(_UPSERT_FRESHNESS, values)
        return replace(head, fresh_time=fresh)

    def get(self, connection: Connection, log: LogName, size: int) -> KnownCheckpoint | None:
        """Return the checkpoint of a size with every cosignature known here."""
        rows = tables.checkpoints.c
        query = _rows().where(rows.log_id == self._store.log_id(log), rows.size == size)
        return self._one(connection, query)

    def newest(self, connection: Connection, log: LogName) -> KnownCheckpoint | None:
        """Return the newest checkpoint held, cosigned or not."""
        return self._one(connection, self._last(log))

    def newest_quorum(self, connection: Connection, log: LogName) -> KnownCheckpoint | None:
        """Return the newest checkpoint with a quorum."""
        query = self._last(log).where(tables.checkpoints.c.quorum_time.is_not(None))
        return self._one(connection, query)

    def first_quorum_over(
        self, connection: Connection, log: LogName, index: int
    ) -> KnownCheckpoint | None:
        """Return the smallest checkpoint with a quorum that covers an entry."""
        rows = tables.checkpoints.c
        query = (
            _rows()
            .where(
                rows.log_id == self._store.log_id(log),
                rows.size > index,
                rows.quorum_time.is_not(None),
            )
            .order_by(rows.size)
            .limit(1)
        )
        return self._one(connection, query)

    def newest_by(
        self, connection: Connection, log: LogName, province: str
    ) -> KnownCheckpoint | None:
        """Return the newest checkpoint that a province's witness cosigned."""
        rows = tables.cosignatures.c
        query = select(func.max(rows.size)).where(
            rows.log_id == self._store.log_id(log), rows.witness == witness_key_name(province)
        )
        size = connection.execute(query).scalar()
        return None if size is None else self.get(connection, log, size)

    def due(self, connection: Connection, log: LogName) -> tuple[KnownCheckpoint, ...]:
        """Return the checkpoints that must still be cosigned, in order; at most 64."""
        rows = tables.checkpoints.c
        query = (
            _rows()
            .where(
                rows.log_id == self._store.log_id(log),
                rows.is_due,
                rows.quorum_time.is_(None),
            )
            .order_by(rows.size)
            .limit(64)
        )
        return tuple(self._known(connection, row) for row in connection.execute(query).all())

    def quorum_size_at(self, connection: Connection, log: LogName, known_time: datetime) -> int:
        """Return the largest size that had its quorum at a past moment."""
        rows = tables.checkpoints.c
        query = select(func.max(rows.size)).where(
            rows.log_id == self._store.log_id(log), rows.quorum_time <= known_time
        )
        return int(connection.execute(query).scalar() or 0)

    def fresh_time_at(
        self, connection: Connection, log: LogName, known_time: datetime
    ) -> datetime | None:
        """Return the author's newest cosignature that was known at a past moment."""
        rows = tables.freshness.c
        query = (
            select(rows.fresh_time)
            .where(rows.log_id == self._store.log_id(log), rows.stored_time <= known_time)
            .order_by(rows.stored_time.desc())
            .limit(1)
        )
        return connection.execute(query).scalar()

    def _last(self, log: LogName) -> Select[Any]:
        rows = tables.checkpoints.c
        query = _rows().where(rows.log_id == self._store.log_id(log))
        return query.order_by(rows.size.desc()).limit(1)

    def _one(self, connection: Connection, query: Select[Any]) -> KnownCheckpoint | None:
        row = connection.execute(query).first()
        return None if row is None else self._known(connection, row)

    def _known(self, connection: Connection, row: Any) -> KnownCheckpoint:  # noqa: ANN401 - a row
        note = SignedNote.from_bytes(bytes(row.note))
        signatures = self._cosigned(connection, row.log_id, row.size)
        return KnownCheckpoint(
            size=row.size,
            note=note.with_signatures(signatures.values()).to_bytes(),
            has_quorum=row.quorum_time is not None,
            is_due=bool(row.is_due),
        )

    def _cosigned(
        self, connection: Connection, log_id: int, size: int
    ) -> Mapping[str, NoteSignature]:
        """Return the cosignatures of a checkpoint by the name of their key."""
        rows = tables.cosignatures.c
        query = (
            select(rows.witness, rows.key_id, rows.signature)
            .where(rows.log_id == log_id, rows.size == size)
            .order_by(rows.witness)
        )
        return {
            row.witness: NoteSignature(
                name=row.witness, key_id=bytes(row.key_id), signature=bytes(row.signature)
            )
            for row in connection.execute(query)
        }

    def _count(
        self,
        connection: Connection,
        head: Head,
        size: int,
        names: Iterable[str],
        now: datetime,
    ) -> Head:
        """Mark the quorum of a checkpoint when the names that cosigned it reach it."""
        witnesses = {witness_key_name(p) for p in self._trust.witnesses(head.log)}
        if len(witnesses.intersection(names)) < self._trust.quorum(head.log):
            return head
        rows = tables.checkpoints.c
        connection.execute(
            update(tables.checkpoints)
            .where(rows.log_id == head.log_id, rows.size == size, rows.quorum_time.is_(None))
            .values(quorum_time=now)
        )
        return replace(head, quorum_size=max(head.quorum_size, size))


def bare_note(signed: SignedCheckpoint) -> bytes:
    """Return a checkpoint's note with the signature of its log's key only."""
    note = signed.note
    own = tuple(s for s in note.signatures if s.name == signed.checkpoint.origin)
    return SignedNote(text=note.text, signatures=own).to_bytes()


def _rows() -> Select[Any]:
    rows = tables.checkpoints.c
    return select(rows.log_id, rows.size, rows.note, rows.is_due, rows.quorum_time)


def _is_news(cosignature: Cosignature, known: Mapping[str, NoteSignature]) -> bool:
    """Whether a cosignature is the first of its key on a checkpoint, or a later one."""
    held = known.get(cosignature.key.name)
    if held is None:
        return True
    return cosignature.signature.signature[:8] > held.signature[:8]
