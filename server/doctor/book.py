"""A node's database, opened to read beside the node that runs: its state, and the logs in it.

Nothing is written, not even a lock that the node would wait for: SQLite is opened read-only, a
PostgreSQL transaction is declared so. What the rows mean for the node is judged elsewhere.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from deltacare.ids import LogName
from deltacare.tlog.opening import CLOCK_SKEW_S_MAX
from deltacare.tlog.proof import root_at
from deltacare.tlog.tile import NodesFromTiles
from deltacare.tlog.tree import Frontier
from deltacare.trust.federation import Trust
from deltacare.trust.members import witness_key_name
from server.doctor.logs import HeldLog
from server.doctor.store import Access, DatabaseSeen
from server.log import tables
from server.log.store import TileRows

__all__ = ["Book"]

_WAIT_S = 5
_FAULTS_MAX = 5


class Book:
    """One node's database.

    Args:
        url: SQLAlchemy URL; the path of a SQLite file is absolute.
    """

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._engine = _engine(url)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; ``None`` if it is a server's."""
        if self._url.get_backend_name() != "sqlite":
            return None
        return Path(self._url.database or "")

    @property
    def place(self) -> str:
        """Where it is, without its password."""
        if self.path is not None:
            return str(self.path)
        host = self._url.host or "localhost"
        return f"{host}:{self._url.port or 5432}/{self._url.database or ''}"

    def look(self) -> DatabaseSeen:
        """Return how the database is."""
        if self.path is not None and not self.path.exists():
            return DatabaseSeen(place=self.place, access=Access.ABSENT)
        newest, known = _revisions()
        try:
            with self._reading() as connection:
                damage, size = self._state(connection)
                revision = _revision(connection)
        except DBAPIError as error:
            said = str(error.orig).strip().splitlines()[-1:]
            if isinstance(error, OperationalError):
                access, damage = Access.UNREACHABLE, None
            else:
                # SQLite's word for a file that is no database, or no longer.
                access, damage = Access.READ, tuple(said)
            return DatabaseSeen(
                place=self.place,
                access=access,
                said=" ".join(said),
                damage=damage,
                revision=newest,
                newest=newest,
            )
        return DatabaseSeen(
            place=self.place,
            access=Access.READ,
            damage=damage,
            revision=revision,
            newest=newest,
            is_known=revision is None or revision in known,
            size_bytes=size,
        )

    def logs(self, trust: Trust, *, now: datetime) -> list[HeldLog]:
        """Return the logs of members that the database holds, by name.

        Args:
            trust: Whose witnesses' keys count.
            now: The present instant.

        Raises:
            DBAPIError: If they cannot be read.
        """
        rows = tables.logs.c
        with self._reading() as connection:
            heads = connection.execute(
                select(
                    rows.log_id,
                    rows.name,
                    rows.frontier,
                    rows.quorum_size,
                    rows.fresh_time,
                    rows.is_stalled,
                    rows.is_forked,
                ).order_by(rows.name)
            ).all()
            signed = _cosigned(connection, trust, now)
            waiting = _waiting(connection)
        found = []
        for head in heads:
            log = LogName.parse(head.name)
            if log.author not in trust.provinces:
                continue
            frontier = Frontier.from_bytes(bytes(head.frontier))
            by = signed.get(head.log_id, {})
            found.append(
                HeldLog(
                    log=log,
                    size=frontier.size,
                    root=frontier.root,
                    fresh_time=head.fresh_time,
                    is_stalled=head.is_stalled,
                    is_forked=head.is_forked,
                    cosigned={p: each.time for p, each in by.items() if each.time is not None},
                    ahead={
                        p: each.ahead_time
                        for p, each in by.items()
                        if each.ahead_time is not None and each.ahead_size > each.size
                    },
                    waiting_time=waiting.get(head.log_id),
                    lacking=tuple(
                        province
                        for province in sorted(trust.witnesses(log))
                        if province not in by or by[province].size <= head.quorum_size
                    ),
                )
            )
        return found

    def root(self, log: LogName, size: int) -> bytes:
        """Return the root of a log's tree as it was at a size that is held.

        Raises:
            DBAPIError: If it cannot be read.
            PeerFault: ``BAD_PROOF``, if tiles are missing.
        """
        rows = tables.logs.c
        with self._reading() as connection:
            log_id = connection.execute(select(rows.log_id).where(rows.name == str(log))).scalar()
            assert log_id is not None, "the log was found before"
            return root_at(NodesFromTiles(TileRows(connection, log_id), size=size), size=size)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _state(self, connection: Connection) -> tuple[tuple[str, ...] | None, int]:
        """Return what the integrity check found, if there is one, and the size in bytes."""
        if self.path is None:
            size = connection.execute(text("SELECT pg_database_size(current_database())"))
            return None, int(size.scalar_one())
        rows = connection.execute(text(f"PRAGMA quick_check({_FAULTS_MAX})")).scalars().all()
        files = [self.path, self.path.with_name(f"{self.path.name}-wal")]
        bytes_ = sum(file.stat().st_size for file in files if file.exists())
        return tuple(str(row) for row in rows if row != "ok"), bytes_

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.begin() as connection:
            yield connection


def _engine(url: str) -> Engine:
    """Return an engine that cannot write."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        address = f"file:{quote(parsed.database or '')}?mode=ro"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(address, uri=True, timeout=_WAIT_S, isolation_level=None)

        return create_engine("sqlite://", creator=connect, poolclass=NullPool)
    engine = create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": _WAIT_S},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")

    return engine


def _revisions() -> tuple[str, frozenset[str]]:
    """Return the newest revision of the tables that this program knows, and every one."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "server.store:migrations")
    scripts = ScriptDirectory.from_config(config)
    known = frozenset(script.revision for script in scripts.walk_revisions())
    return scripts.get_current_head() or "", known


def _revision(connection: Connection) -> str | None:
    """Return the revision of a database's tables."""
    from alembic.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


@dataclass(slots=True, kw_only=True)
class _Signed:
    """What a province cosigned of a log, newest first.

    Attributes:
        time: Of its newest cosignature that is not from the future.
        size: Of its largest checkpoint with such a one.
        ahead_time: Of its newest cosignature from the future.
        ahead_size: Of its largest checkpoint with such a one.
    """

    time: datetime | None = None
    size: int = -1
    ahead_time: datetime | None = None
    ahead_size: int = -1


def _cosigned(connection: Connection, trust: Trust, now: datetime) -> dict[int, dict[str, _Signed]]:
    """Return by log and province what it cosigned, by keys that were not declared bad."""
    rows = tables.cosignatures.c
    last = func.max(rows.cosigned_time, type_=rows.cosigned_time.type)
    is_ahead = rows.cosigned_time > now + timedelta(seconds=CLOCK_SKEW_S_MAX)
    keys = {
        (witness_key_name(province), term.key.key_id): province
        for province in trust.provinces
        for term in trust.witness_keys(province)
        if not term.is_tainted
    }
    found: dict[int, dict[str, _Signed]] = {}
    for which in (False, True):
        query = (
            select(
                rows.log_id,
                rows.witness,
                rows.key_id,
                last.label("last"),
                func.max(rows.size).label("size"),
            )
            .where(is_ahead if which else ~is_ahead)
            .group_by(rows.log_id, rows.witness, rows.key_id)
        )
        for row in connection.execute(query):
            province = keys.get((row.witness, bytes(row.key_id)))
            if province is None:
                continue
            each = found.setdefault(row.log_id, {}).setdefault(province, _Signed())
            if which:
                each.ahead_time = max(row.last, each.ahead_time or row.last)
                each.ahead_size = max(row.size, each.ahead_size)
            else:
                each.time = max(row.last, each.time or row.last)
                each.size = max(row.size, each.size)
    return found


def _waiting(connection: Connection) -> dict[int, datetime]:
    """Return by log when the oldest checkpoint beyond its quorum was stored."""
    rows, logs = tables.checkpoints.c, tables.logs.c
    first = func.min(rows.stored_time, type_=rows.stored_time.type)
    query = (
        select(rows.log_id, first.label("first"))
        .join(tables.logs, logs.log_id == rows.log_id)
        .where(rows.size > logs.quorum_size, rows.quorum_time.is_(None))
        .group_by(rows.log_id)
    )
    return {row.log_id: row.first for row in connection.execute(query)}
