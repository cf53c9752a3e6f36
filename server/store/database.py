"""One node's database: a single writing thread, a few reading ones, durable commits.

SQLAlchemy is used in its synchronous form on threads, because point reads cost a tenth of what
they do through an asynchronous driver. SQLite runs in WAL with ``synchronous=FULL`` and every
write begins with ``BEGIN IMMEDIATE``; PostgreSQL commits with ``synchronous_commit=on``. There is
no knowledge of tables here, and no retry: a write either committed or raised, and whoever runs
the node is told if it was the database that failed.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from deltacare.errors import invalid_field
from server.store.alarm import WriteAlarm
from server.store.columns import ColumnReader, column_reader

__all__ = ["READERS_DEFAULT", "Database"]

T = TypeVar("T")

READERS_DEFAULT = 4
_BUSY_TIMEOUT_MS = 10_000
_CACHE_KIB = 64 * 1024
_SCRUB_TIMEOUT_MS = 200  # writes wait as long
# Ids of transactions are compared without their epoch, as the server's own views give them.
_OLD_SNAPSHOTS = text(
    "SELECT count(*) FROM (SELECT backend_xmin AS seen FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
    " UNION ALL SELECT xmin FROM pg_replication_slots"
    " UNION ALL SELECT transaction FROM pg_prepared_xacts) AS snapshots"
    " WHERE age(seen) > age((:horizon % 4294967296)::text::xid)"
)
_SQLITE_DAMAGED = frozenset({11, 26})  # SQLITE_CORRUPT and SQLITE_NOTADB


def _prepare_sqlite(engine: Engine, *, writes: bool) -> None:
    """Set what makes SQLite durable and its transactions explicit."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own type
        connection.isolation_level = None  # we begin transactions ourselves, below
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={_BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size=-{_CACHE_KIB}",
            "temp_store=MEMORY",
            # What is deleted is overwritten with zeros, in pages that stay in use as well.
            "secure_delete=ON",
            *(() if writes else ("query_only=ON",)),
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_postgresql(engine: Engine, *, writes: bool) -> None:
    """Make commits durable whatever the server's default, and reads one snapshot."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if writes:
            connection.exec_driver_sql("SET LOCAL synchronous_commit = on")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _engine(url: str, *, size: int, writes: bool) -> Engine:
    """Create an engine for one of the two purposes."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql" and parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    is_sqlite = parsed.get_backend_name() == "sqlite"
    arguments = {"check_same_thread": False} if is_sqlite else {}
    engine = create_engine(
        parsed, poolclass=QueuePool, pool_size=size, max_overflow=0, connect_args=arguments
    )
    (_prepare_sqlite if is_sqlite else _prepare_postgresql)(engine, writes=writes)
    return engine


class Database:
    """Transactions for asynchronous callers.

    Args:
        url: SQLAlchemy URL of a SQLite file or of a PostgreSQL database.
        readers: threads, and connections, that read at the same time.
    """

    def __init__(self, url: str, *, readers: int = READERS_DEFAULT) -> None:
        self.url = url
        self._alarm = WriteAlarm(url)
        self._write_engine = _engine(url, size=1, writes=True)
        self._read_engine = _engine(url, size=readers, writes=False)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(readers, thread_name_prefix="store-read")

    @property
    def is_postgresql(self) -> bool:
        """Whether rows can be locked: SQLite locks the whole database instead."""
        return self._write_engine.dialect.name == "postgresql"

    def write_now(self, work: Callable[[Connection], T]) -> T:
        """Run work in one durable transaction on the calling thread (start-up and tools)."""
        try:
            with self._write_engine.begin() as connection:
                answer = work(connection)
        except DBAPIError as error:
            self._alarm.failed(error)
            raise
        self._alarm.worked()
        return answer

    def read_now(self, work: Callable[[Connection], T]) -> T:
        """Run work in one snapshot on the calling thread (start-up and tools)."""
        with self._read_engine.begin() as connection:
            return work(connection)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run work in one durable transaction on the writing thread.

        Work runs alone: nothing else of this process writes meanwhile. It commits when work
        returns and rolls back when it raises, and the answer comes only after that.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self.write_now, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run work in one snapshot on a reading thread; writing raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_now, work)

    async def read_columns(self, work: Callable[[Connection, ColumnReader], T]) -> T:
        """Run work in one snapshot on a reading thread, with a reader of columns in it."""

        def run() -> T:
            with column_reader(self._read_engine, self.url) as (connection, reader):
                return work(connection, reader)

        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, run)

    def ping(self) -> None:
        """Raise unless the database answers.

        Raises:
            Refusal: ``INVALID_FIELD``, if the file is no database, or no longer.
            DBAPIError: If it cannot be reached.
        """
        # On SQLite a look at the list of tables is the first to read the file itself.
        query = "SELECT 1" if self.is_postgresql else "SELECT count(*) FROM sqlite_master"
        try:
            self.read_now(lambda connection: connection.execute(text(query)).one())
        except DBAPIError as error:
            code = getattr(error.orig, "sqlite_errorcode", 0)
            if code & 0xFF not in _SQLITE_DAMAGED:
                raise
            raise invalid_field(
                "database",
                make_url(self.url).database,
                "The file is no SQLite database, or it is damaged.",
                "Remove it with its -wal and -shm, and restore it from the backup; partners give "
                "back what that lacks.",
            ) from error

    async def horizon(self) -> int:
        """Return what `scrub` needs to know of when something was deleted; ask right after it."""
        return await self.read(self._horizon)

    def _horizon(self, connection: Connection) -> int:
        if not self.is_postgresql:
            return 0
        query = text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return int(connection.execute(query).scalar_one())

    async def scrub(self, tables: Sequence[str], *, horizon: int) -> bool:
        """Wipe from the database's own files what was deleted from tables before.

        SQLite overwrites what it deletes; the write-ahead log, which still holds it, is emptied.
        PostgreSQL writes the tables anew, in files without what was deleted; its own write-ahead
        log is the server's, and keeps it until it is recycled and archived copies are deleted.

        Args:
            tables: Where something was deleted.
            horizon: From after the deletion.

        Returns:
            Whether all was wiped; if not, somebody still reads what was, and it is to be tried
            again.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._writer,
            lambda: self._rewrite(tables, horizon) if self.is_postgresql else self._truncate_wal(),
        )

    def _truncate_wal(self) -> bool:
        """Empty SQLite's write-ahead log; not inside a transaction, and not while others read."""
        connection = self._write_engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={_SCRUB_TIMEOUT_MS}")
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
            cursor.close()
        finally:
            connection.close()
        return not busy

    def _rewrite(self, tables: Sequence[str], horizon: int) -> bool:
        """Write PostgreSQL's tables anew, unless a snapshot from before the horizon is in use.

        What such a snapshot sees would be carried over into the new files.
        """
        quote = self._write_engine.dialect.identifier_preparer.quote
        with self._write_engine.connect() as raw:
            connection = raw.execution_options(isolation_level="AUTOCOMMIT")
            if connection.execute(_OLD_SNAPSHOTS, {"horizon": horizon}).scalar_one():
                return False
            for table in tables:
                connection.exec_driver_sql(f"VACUUM (FULL) {quote(table)}")
        return True

    def close(self) -> None:
        """Finish what is running and close every connection."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._write_engine.dispose()
        self._read_engine.dispose()
