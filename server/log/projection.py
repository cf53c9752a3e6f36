"""Entries become rows: which projector gets which entries, in what order, and where it stops.

The same path for own entries as they are appended, for partners' as they are mirrored, and for
all of them on a rebuild. Entries reach projectors in the order of the log, whatever their bodies
and however they were cut into runs, so that what is void is void everywhere. A projector that
breaks on an entry stops the rows of that log there, as an unknown body does: never its mirror.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby

import structlog
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet
from sqlalchemy import Connection, bindparam, delete, text
from sqlalchemy.exc import OperationalError

from deltacare.ids import LogName
from deltacare.tlog.tree import leaf_hash
from deltacare.v1.entry_pb2 import Entry
from server.log import tables
from server.log.ports import Projector, Sequenced
from server.log.requests import blind_requests
from server.log.store import Head, LogStore

__all__ = ["RULE_EMPTY", "RULE_ENVELOPE", "RULE_UNREADABLE", "Projection", "Tx", "parse"]

# LOG-1: the bytes of an entry are an Entry. LOG-2: an entry states something. LOG-3: its time lies
# in the years 1970 to 2999, and who made and reviewed it is text without NUL.
RULE_UNREADABLE = "LOG-1"
RULE_EMPTY = "LOG-2"
RULE_ENVELOPE = "LOG-3"

_TIME_END_S = 32_503_680_000  # 3000-01-01, which every calendar involved can still shift
_NANOS_END = 1_000_000_000

# Numbers of Entry.body, of today and of versions to come.
_BODY_FIRST, _BODY_LAST = 16, 127
_REBUILD_ENTRIES = 1_000

_VOID = text(
    "INSERT INTO void_entries (log_id, entry_index, rule) VALUES (:log_id, :entry_index, :rule)"
    " ON CONFLICT (log_id, entry_index) DO NOTHING"
).bindparams(bindparam("rule"))

_log = structlog.get_logger("deltacare.log")
_alarm = structlog.get_logger("deltacare.alarm")


class Tx:
    """One writing transaction that touches logs: a ``server.log.ports.LogTx``.

    Args:
        store: the logs.
        connection: inside its transaction.
        now: when the transaction began; never before what was stored last.
        heads: of the logs that this transaction has locked.

    Attributes:
        now: the time of what it stores, which never goes back.
        clock_time: what the clock said. Others hold what is signed against their own clocks, so
            a signature states this, whatever was stored while the clock was ahead.
    """

    def __init__(
        self, store: LogStore, connection: Connection, now: datetime, heads: dict[LogName, Head]
    ) -> None:
        self.connection = connection
        self.clock_time = now
        self.now = max([now, *(head.changed_time for head in heads.values())])
        self.heads = heads
        self._store = store

    def void(self, log: LogName, index: int, rule: str) -> None:
        """Record that an entry says what its author had no right to say; the first rule counts."""
        log_id = self._store.log_id(log)
        self.connection.execute(_VOID, {"log_id": log_id, "entry_index": index, "rule": rule})

    def size(self, log: LogName) -> int:
        """Return the entries of a held log as of this transaction, its own appends included."""
        head = self.heads.get(log)
        return head.size if head else self._store.head(self.connection, log).size

    def blind(self, request_ids: Iterable[str]) -> None:
        """Make what is kept under request ids comparable with nothing; see the port."""
        blind_requests(self.connection, request_ids)


def parse(index: int, data: bytes) -> Sequenced | None:
    """Return a verified entry with its meaning, ``None`` if the bytes are no ``Entry``."""
    try:
        entry = Entry.FromString(data)
    except DecodeError:
        return None
    return Sequenced(index=index, leaf_hash=leaf_hash(data), entry=entry)


class Projection:
    """The projectors of a node, in the order of its rooms from the ground up."""

    def __init__(self, projectors: Sequence[Projector], store: LogStore) -> None:
        self._store = store
        self._all = tuple(projectors)
        self._by_body: dict[str, tuple[Projector, ...]] = {
            body: tuple(p for p in projectors if body in p.bodies)
            for projector in projectors
            for body in projector.bodies
        }

    def understands(self, entry: Entry) -> bool:
        """Whether a projector of this version knows the entry's body."""
        return entry.WhichOneof("body") in self._by_body

    def run(self, tx: Tx, head: Head, entries: Sequence[Sequenced]) -> None:
        """Project entries that every projector involved understands, in order."""
        bodies = [e.entry.WhichOneof("body") for e in entries]
        start = 0
        for projectors, group in groupby(bodies, key=lambda body: self._by_body[body or ""]):
            end = start + sum(1 for _ in group)
            part = entries if end - start == len(entries) else entries[start:end]
            for projector in projectors:
                projector.project(tx, head.log, part)
            start = end

    def run_bytes(self, tx: Tx, head: Head, datas: Sequence[bytes]) -> Head:
        """Project verified bytes that follow what was projected; stop where they are unknown.

        What breaks a projector is undone, and the entries go in one by one up to the one that did.

        Returns:
            The head with what is projected now; the rest of its fields are as given.
        """
        if head.is_stalled:
            return head
        try:
            return self._try(tx, head, datas)
        except (OperationalError, MemoryError):
            raise  # of the database or the machine, not of the entries: the transaction fails
        except Exception as error:  # noqa: BLE001 - a partner's entries must not stop its mirror
            if len(datas) == 1:
                _alarm.error(
                    "projection_broke",
                    log=str(head.log),
                    index=head.projected_size,
                    error=type(error).__name__,
                )
                return replace(head, is_stalled=True)
        for data in datas:
            head = self.run_bytes(tx, head, [data])
        return head

    def _try(self, tx: Tx, head: Head, datas: Sequence[bytes]) -> Head:
        """Project verified bytes, or leave no trace of them and raise."""
        savepoint = tx.connection.begin_nested()
        try:
            done = self._run_bytes(tx, head, datas)
        except BaseException:
            if savepoint.is_active:
                savepoint.rollback()
            raise
        savepoint.commit()
        return done

    def _run_bytes(self, tx: Tx, head: Head, datas: Sequence[bytes]) -> Head:
        index = head.projected_size
        ready: list[Sequenced] = []
        for data in datas:
            sequenced = parse(index, data)
            if sequenced is None:
                tx.void(head.log, index, RULE_UNREADABLE)
            elif not _has_form(sequenced.entry):
                tx.void(head.log, index, RULE_ENVELOPE)
            elif self.understands(sequenced.entry):
                ready.append(sequenced)
            elif _is_unknown(sequenced.entry):
                _log.error("log_stalled", log=str(head.log), index=index)
                self.run(tx, head, ready)
                return replace(head, projected_size=index, is_stalled=True)
            else:
                tx.void(head.log, index, RULE_EMPTY)
            index += 1
        self.run(tx, head, ready)
        return replace(head, projected_size=index)

    def resume(self, tx: Tx, head: Head) -> Head:
        """Project what is stored and not yet projected: after a stall, or on a rebuild."""
        head = replace(head, is_stalled=False)
        for datas in self._stored(tx.connection, head):
            head = self.run_bytes(tx, head, datas)
        return head

    def rebuild(self, tx: Tx, head: Head) -> Head:
        """Forget what a log brought and project it anew from its entries."""
        for projector in reversed(self._all):
            projector.forget(tx, head.log)
        rows = tables.void_entries
        tx.connection.execute(delete(rows).where(rows.c.log_id == head.log_id))
        return self.resume(tx, replace(head, projected_size=0))

    def _stored(self, connection: Connection, head: Head) -> Iterator[Sequence[bytes]]:
        for first in range(head.projected_size, head.size, _REBUILD_ENTRIES):
            end = min(first + _REBUILD_ENTRIES, head.size)
            yield self._store.entries(connection, head.log, first, end)


def _has_form(entry: Entry) -> bool:
    """Whether what an entry says of itself can be kept, whatever it states."""
    time = entry.entry_time
    return (
        0 <= time.seconds < _TIME_END_S
        and 0 <= time.nanos < _NANOS_END
        and "\0" not in entry.maker
        and "\0" not in entry.reviewer
    )


def _is_unknown(entry: Entry) -> bool:
    """Whether an entry has a body, but one that this version does not know."""
    if entry.WhichOneof("body"):
        return True
    fields = UnknownFieldSet(entry)
    return any(
        _BODY_FIRST <= field.field_number <= _BODY_LAST
        for field in fields  # type: ignore[attr-defined]  # its stubs lack the iterator
    )
