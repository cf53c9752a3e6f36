"""Projects entries straight into a database, without logs: for tests of one room's rows."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from google.protobuf.message import Message
from sqlalchemy import Connection

from deltacare.ids import LogName
from deltacare.tlog.tree import leaf_hash
from deltacare.v1.entry_pb2 import Entry
from server.log.ports import Projector, Sequenced
from server.store.database import Database
from tests.support.ports import START_TIME

__all__ = ["Book", "entry_of"]


class _Tx:
    """A ``server.log.ports.LogTx`` that only keeps what was void."""

    def __init__(self, connection: Connection, voids: dict[tuple[LogName, int], str]) -> None:
        self.connection = connection
        self.now: datetime = START_TIME
        self._voids = voids

    def void(self, log: LogName, index: int, rule: str) -> None:
        """Keep the first rule."""
        self._voids.setdefault((log, index), rule)

    def size(self, log: LogName) -> int:
        """Never asked."""
        raise NotImplementedError(log)

    def blind(self, request_ids: Iterable[str]) -> None:
        """Nothing is kept under request ids here."""


def entry_of(body: Message) -> Entry:
    """Return the entry that states a body, whatever it is."""
    fields = Entry.DESCRIPTOR.oneofs_by_name["body"].fields
    name = next(field.name for field in fields if field.message_type is body.DESCRIPTOR)
    return Entry(maker="sys-1", reviewer="rev-1", **{name: body})  # type: ignore[arg-type]  # by name


class Book:
    """The logs of several authors as one node's projector sees them.

    Attributes:
        voids: rule by log and index.
        entries: what was said, by log.
    """

    def __init__(self, database: Database, *projectors: Projector) -> None:
        self._database = database
        self._projectors = projectors
        self.voids: dict[tuple[LogName, int], str] = {}
        self.entries: dict[LogName, list[Sequenced]] = {}

    def say(self, log: LogName | str, *bodies: Message, at_once: bool = True) -> list[bytes]:
        """Append bodies to a log, in one run or one by one, and return their leaf hashes."""
        name = LogName.registry(log) if isinstance(log, str) else log
        known = self.entries.setdefault(name, [])
        fresh: list[Sequenced] = []
        for body in bodies:
            entry = entry_of(body)
            data = entry.SerializeToString(deterministic=True)
            index = len(known) + len(fresh)
            fresh.append(Sequenced(index=index, leaf_hash=leaf_hash(data), entry=entry))
        for run in [fresh] if at_once else [[each] for each in fresh]:
            self._project(name, run)
        known.extend(fresh)
        return [each.leaf_hash for each in fresh]

    def _project(self, log: LogName, run: Sequence[Sequenced]) -> None:
        def work(connection: Connection) -> None:
            tx = _Tx(connection, self.voids)
            for projector in self._projectors:
                mine = [e for e in run if e.entry.WhichOneof("body") in projector.bodies]
                if mine:
                    projector.project(tx, log, mine)

        self._database.write_now(work)

    def rebuild(self, log: LogName | str) -> None:
        """Forget a log and project it anew, entry by entry."""
        name = LogName.registry(log) if isinstance(log, str) else log

        def forget(connection: Connection) -> None:
            for projector in reversed(self._projectors):
                projector.forget(_Tx(connection, self.voids), name)

        self._database.write_now(forget)
        for each in self.entries[name]:
            self._project(name, [each])

    def rules(self, author: str) -> dict[int, str]:
        """Return what is void in a registry log, by index."""
        return {index: rule for (log, index), rule in self.voids.items() if log.author == author}
