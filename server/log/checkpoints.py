"""Rows of what is signed about a log: checkpoints and cosignatures.

Synchronous and inside the caller's transaction. What it is given has been verified; it only keeps
it, counts by ``server.log.quorum``, and puts notes together again. A key that was
called bad is in no note that leaves here, unless a checkpoint has no other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    TextClause,
    bindparam,
    func,
    select,
    text,
    update,
)

from deltacare.ids import LogName
from deltacare.keys import NoteSignature
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature
from deltacare.tlog.note import SignedNote
from deltacare.tlog.opening import OpenedCheckpoint
from deltacare.trust import Trust, witness_key_name
from server.log import tables
from server.log.history import keep_history
from server.log.quorum import Line, is_doubted, is_newer, quorum_time
from server.log.store import Head, LogStore
from server.log.suite import SuiteStore
from server.store.schema import UtcTime

__all__ = [
    "CheckpointStore",
    "KnownCheckpoint",
    "bad_keys",
    "bare_checkpoint",
    "bare_note",
    "log_key_ids",
]


def _timed(sql: str, *times: str) -> TextClause:
    """Return a statement whose named parameters are instants."""
    return text(sql).bindparams(*(bindparam(name, type_=UtcTime()) for name in times))


_INSERT_CHECKPOINT = _timed(
    "INSERT INTO checkpoints (log_id, size, note, stored_time, is_due, is_doubted)"
    " VALUES (:log_id, :size, :note, :stored_time, :is_due, :is_doubted)"
    " ON CONFLICT (log_id, size)"
    " DO UPDATE SET is_due = checkpoints.is_due OR excluded.is_due",
    "stored_time",
)
_UPSERT_COSIGNATURE = _timed(
    "INSERT INTO cosignatures"
    " (log_id, size, witness, key_id, signature, cosigned_time, stored_time)"
    " VALUES (:log_id, :size, :witness, :key_id, :signature, :cosigned_time, :stored_time)"
    " ON CONFLICT (log_id, size, witness, key_id) DO UPDATE SET"
    " signature = excluded.signature, cosigned_time = excluded.cosigned_time",
    "cosigned_time",
    "stored_time",
)

# Built once: putting a statement together costs more than running it.
_CHECKPOINTS, _SIGNED = tables.checkpoints.c, tables.cosignatures.c
_OF_LOG = select(
    _CHECKPOINTS.log_id,
    _CHECKPOINTS.size,
    _CHECKPOINTS.note,
    _CHECKPOINTS.is_due,
    _CHECKPOINTS.quorum_time,
    _CHECKPOINTS.is_doubted,
).where(_CHECKPOINTS.log_id == bindparam("log_id"))
_BY_SIZE = _OF_LOG.where(_CHECKPOINTS.size == bindparam("size"))
_NEWEST = _OF_LOG.order_by(_CHECKPOINTS.size.desc()).limit(1)
_NEWEST_QUORUM = _NEWEST.where(_CHECKPOINTS.quorum_time.is_not(None))
_QUORUM_OVER = (
    _OF_LOG.where(_CHECKPOINTS.size > bindparam("index"), _CHECKPOINTS.quorum_time.is_not(None))
    .order_by(_CHECKPOINTS.size)
    .limit(1)
)
_UNDOUBTED_QUORUM_OVER = _QUORUM_OVER.where(_CHECKPOINTS.is_doubted.is_(False))
_DUE = (
    _OF_LOG.where(_CHECKPOINTS.is_due, _CHECKPOINTS.quorum_time.is_(None))
    .order_by(_CHECKPOINTS.size)
    .limit(64)
)
_NOTE = select(_CHECKPOINTS.note).where(
    _CHECKPOINTS.log_id == bindparam("log_id"), _CHECKPOINTS.size == bindparam("size")
)
_MARK_QUORUM = (
    update(tables.checkpoints)
    .where(
        _CHECKPOINTS.log_id == bindparam("of"),
        _CHECKPOINTS.size == bindparam("at"),
        _CHECKPOINTS.quorum_time.is_(None),
    )
    .values(quorum_time=bindparam("marked_time"))
)
_COSIGNATURES = (
    select(_SIGNED.witness, _SIGNED.key_id, _SIGNED.signature, _SIGNED.cosigned_time)
    .where(_SIGNED.log_id == bindparam("log_id"), _SIGNED.size == bindparam("size"))
    .order_by(_SIGNED.witness, _SIGNED.cosigned_time)
)
_NEWEST_SIZE_BY = select(func.max(_SIGNED.size)).where(
    _SIGNED.log_id == bindparam("log_id"), _SIGNED.witness == bindparam("witness")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCheckpoint:
    """A checkpoint that is held, with what is known of its cosignatures.

    Attributes:
        size: entries it covers.
        note: signed by the log's keys and by every witness known here, without keys called bad.
        has_quorum: whether enough of them signed.
        is_due: whether its author must have it cosigned before any later one.
    """

    size: int
    note: bytes
    has_quorum: bool
    is_due: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """A cosignature's row."""

    line: Line
    signature: NoteSignature


class CheckpointStore:
    """What is signed about the logs of one node's database."""

    def __init__(self, store: LogStore, trust: Trust) -> None:
        self._store = store
        self._trust = trust
        self.suite = SuiteStore(store, trust)
        """Lines of the second suite, which every note that leaves here carries."""

    def put(
        self,
        connection: Connection,
        head: Head,
        signed: SignedCheckpoint,
        now: datetime,
        *,
        is_due: bool = False,
    ) -> bool:
        """Keep a checkpoint over entries that are stored; a repeated one can become due.

        Args:
            connection: inside its transaction.
            head: of the log, locked, as it was before this checkpoint.
            signed: its lines in the log's name have been verified.
            now: the transaction's.
            is_due: whether it must be cosigned before any later one.

        Returns:
            Whether a stored checkpoint was signed by a further key of its log.
        """
        size = signed.checkpoint.size
        note = bare_note(signed)
        # A larger one than the head is new; the others may have been signed by another key.
        known = self._note(connection, head, size) if size <= head.head_size else None
        key_ids = log_key_ids(signed.note, head.log)
        merged = known
        if known is not None:
            merged = known.with_signatures(SignedNote.from_bytes(note).signatures)
            key_ids = log_key_ids(merged, head.log)
        connection.execute(
            _INSERT_CHECKPOINT,
            {
                "log_id": head.log_id,
                "size": size,
                "note": note,
                "stored_time": now,
                "is_due": is_due,
                "is_doubted": self._is_doubted(head.log, key_ids),
            },
        )
        if merged is None or merged == known:
            return False
        rows = tables.checkpoints.c
        connection.execute(
            update(tables.checkpoints)
            .where(rows.log_id == head.log_id, rows.size == size)
            .values(note=merged.to_bytes(), is_doubted=self._is_doubted(head.log, key_ids))
        )
        return True

    def add_cosignatures(
        self,
        connection: Connection,
        head: Head,
        size: int,
        cosignatures: Iterable[Cosignature],
        now: datetime,
        *,
        clock_time: datetime,
        is_resigned: bool = False,
    ) -> Head:
        """Keep cosignatures of a stored checkpoint and return the head as it is then.

        The author's own count for freshness and for no quorum. A later one of the same key takes
        the place of an earlier; one that a wrong clock dated ahead makes way for any other.

        Args:
            connection: inside its transaction.
            head: of the log, locked.
            size: of the checkpoint.
            cosignatures: verified, their keys in force at their times.
            now: the transaction's.
            clock_time: what the clock says.
            is_resigned: whether a further key of the log signed it, which may make it count.
        """
        known = {
            (row.line.name, row.line.key_id): row.line.time
            for row in self._cosigned(connection, head.log_id, size)
        }
        new = [c for c in cosignatures if _is_news(c, known, clock_time)]
        if new:
            rows = [
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
            ]
            connection.execute(_UPSERT_COSIGNATURE, rows)
        elif not is_resigned:
            return head
        author = witness_key_name(head.log.author)
        fresh = max((c.time for c in new if c.key.name == author), default=None)
        counted = self._count(connection, head, size, now, clock_time)
        if fresh is not None and is_newer(fresh, head.fresh_time, clock_time):
            counted = replace(counted, fresh_time=fresh)
        keep_history(connection, head, counted, now)
        return counted

    def get(self, connection: Connection, log: LogName, size: int) -> KnownCheckpoint | None:
        """Return the checkpoint of a size with every cosignature known here."""
        return self._one(connection, log, _BY_SIZE, size=size)

    def newest(self, connection: Connection, log: LogName) -> KnownCheckpoint | None:
        """Return the newest checkpoint held, cosigned or not."""
        return self._one(connection, log, _NEWEST)

    def newest_quorum(self, connection: Connection, log: LogName) -> KnownCheckpoint | None:
        """Return the newest checkpoint with a quorum."""
        return self._one(connection, log, _NEWEST_QUORUM)

    def first_quorum_over(
        self, connection: Connection, log: LogName, index: int
    ) -> KnownCheckpoint | None:
        """Return the smallest checkpoint with a quorum that covers an entry.

        One that only keys called bad have signed is the last resort: it counts here if a quorum
        saw it before, but no policy written today names its key.
        """
        undoubted = self._one(connection, log, _UNDOUBTED_QUORUM_OVER, index=index)
        return undoubted or self._one(connection, log, _QUORUM_OVER, index=index)

    def newest_by(
        self,
        connection: Connection,
        log: LogName,
        province: str,
        *,
        newest: KnownCheckpoint | None = None,
    ) -> KnownCheckpoint | None:
        """Return the newest checkpoint that a province's witness cosigned.

        Args:
            connection: inside a transaction.
            log: whose checkpoints.
            province: whose witness.
            newest: the newest of all, if it was read in this transaction; mostly it is the one.
        """
        size = connection.execute(
            _NEWEST_SIZE_BY,
            {"log_id": self._store.log_id(log), "witness": witness_key_name(province)},
        ).scalar()
        if newest is not None and newest.size == size:
            return newest
        return None if size is None else self.get(connection, log, size)

    def due(self, connection: Connection, log: LogName) -> tuple[KnownCheckpoint, ...]:
        """Return the checkpoints that must still be cosigned, in order; at most 64."""
        rows = connection.execute(_DUE, {"log_id": self._store.log_id(log)}).all()
        return tuple(self._known(connection, log, row) for row in rows)

    def lines(self, connection: Connection, log: LogName, size: int) -> tuple[Line, ...]:
        """Return what is stored of who cosigned a checkpoint, keys called bad included."""
        rows = self._cosigned(connection, self._store.log_id(log), size)
        return tuple(row.line for row in rows)

    def quorum_size_at(self, connection: Connection, log: LogName, known_time: datetime) -> int:
        """Return the largest size that had its quorum at a past moment."""
        rows = tables.checkpoints.c
        query = select(func.max(rows.size)).where(
            rows.log_id == self._store.log_id(log), rows.quorum_time <= known_time
        )
        return int(connection.execute(query).scalar() or 0)

    def _one(
        self, connection: Connection, log: LogName, query: Select[Any], **values: int
    ) -> KnownCheckpoint | None:
        row = connection.execute(query, {"log_id": self._store.log_id(log), **values}).first()
        return None if row is None else self._known(connection, log, row)

    def _known(
        self, connection: Connection, log: LogName, row: Row[*tuple[Any, ...]]
    ) -> KnownCheckpoint:
        note = SignedNote.from_bytes(bytes(row.note))
        bad = bad_keys(log, self._trust)
        lines = [*note.signatures]
        lines += [stored.signature for stored in self._cosigned(connection, row.log_id, row.size)]
        good = tuple(line for line in lines if (line.name, line.key_id) not in bad)
        if not any(line.name == str(log) for line in good):
            good = (*note.signatures, *good)
        good = (*good, *self.suite.signatures(connection, log, row.size))
        return KnownCheckpoint(
            size=row.size,
            note=SignedNote(text=note.text, signatures=good).to_bytes(),
            has_quorum=row.quorum_time is not None,
            is_due=bool(row.is_due),
        )

    def _note(self, connection: Connection, head: Head, size: int) -> SignedNote | None:
        """Return the log's lines of a stored checkpoint."""
        found = connection.execute(_NOTE, {"log_id": head.log_id, "size": size}).scalar()
        return None if found is None else SignedNote.from_bytes(bytes(found))

    def _cosigned(self, connection: Connection, log_id: int, size: int) -> Sequence[_Stored]:
        """Return the cosignatures of a checkpoint, ascending by the name of their key."""
        rows = connection.execute(_COSIGNATURES, {"log_id": log_id, "size": size})
        return [
            _Stored(
                line=Line(name=row.witness, key_id=bytes(row.key_id), time=row.cosigned_time),
                signature=NoteSignature(
                    name=row.witness, key_id=bytes(row.key_id), signature=bytes(row.signature)
                ),
            )
            for row in rows
        ]

    def _count(
        self,
        connection: Connection,
        head: Head,
        size: int,
        now: datetime,
        clock_time: datetime,
    ) -> Head:
        """Mark the quorum of a checkpoint when what cosigned it reaches it."""
        note = self._note(connection, head, size)
        assert note is not None, "a checkpoint is stored before it is counted"
        lines = self.lines(connection, head.log, size)
        at = self._quorum_time(head.log, lines, log_key_ids(note, head.log), now)
        if at is None:
            return head
        connection.execute(_MARK_QUORUM, {"of": head.log_id, "at": size, "marked_time": now})
        if size < head.quorum_size:
            return head
        if size == head.quorum_size and not is_newer(at, head.quorum_time, clock_time):
            at = head.quorum_time
        return replace(head, quorum_size=size, quorum_time=at)

    def _quorum_time(
        self, log: LogName, lines: Iterable[Line], key_ids: Iterable[bytes], now: datetime
    ) -> datetime | None:
        return quorum_time(lines, frozenset(key_ids), log=log, trust=self._trust, now=now)

    def _is_doubted(self, log: LogName, key_ids: Iterable[bytes]) -> bool:
        return is_doubted(frozenset(key_ids), log=log, trust=self._trust)


def bare_note(signed: SignedCheckpoint) -> bytes:
    """Return a checkpoint's note with the lines in its log's name only."""
    note = signed.note
    own = tuple(s for s in note.signatures if s.name == signed.checkpoint.origin)
    return SignedNote(text=note.text, signatures=own).to_bytes()


def bare_checkpoint(opened: OpenedCheckpoint) -> SignedCheckpoint:
    """Return a checkpoint with the verified lines of its log's keys only.

    Whoever relays a note can put lines of unknown keys in the log's name into it.
    """
    note = opened.signed.note
    own = tuple(
        line for line in note.signatures if any(term.key.matches(line) for term in opened.keys)
    )
    return SignedCheckpoint(
        checkpoint=opened.checkpoint, note=SignedNote(text=note.text, signatures=own)
    )


def bad_keys(log: LogName, trust: Trust) -> frozenset[tuple[str, bytes]]:
    """Return the names and ids of keys called bad, of a log and of every witness."""
    terms = [*trust.log_keys(log)]
    for province in trust.provinces:
        terms += trust.witness_keys(province)
    return frozenset((t.key.name, t.key.key_id) for t in terms if t.is_tainted)


def log_key_ids(note: SignedNote, log: LogName) -> tuple[bytes, ...]:
    """Return the ids of the keys that signed a stored note in its log's name."""
    return tuple(line.key_id for line in note.signatures if line.name == str(log))


def _is_news(
    cosignature: Cosignature, known: dict[tuple[str, bytes], datetime], clock_time: datetime
) -> bool:
    """Whether a cosignature is the first of its key on a checkpoint, or a later one."""
    held = known.get((cosignature.key.name, cosignature.key.key_id))
    return is_newer(cosignature.time, held, clock_time)
