"""Rows by the million as columns, in the snapshot of a reading transaction.

A driver of ADBC hands over Arrow batches and makes no object for a row, which costs a fifth of what
SQLAlchemy does; so nights of millions read in seconds. It has connections of its own. They see
what the transaction sees: PostgreSQL lends its snapshot, and with SQLite nobody writes while all of
them begin.
"""

import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from sqlalchemy import Connection, Engine, Select, make_url

__all__ = ["ColumnReader", "column_reader"]

_READERS: Final = 2
_ROWS_PER_BATCH: Final = 65_536
_WAITING_MAX: Final = 4
_BUSY_TIMEOUT_S: Final = 10


_Item = tuple[int, pa.Table] | BaseException | None
"""Rows of a query by its place, what went wrong, or the end of what one connection reads."""


class ColumnReader:
    """Reads as columns what a transaction sees; used within it, by one thread."""

    def __init__(
        self, connections: Sequence[Any], compile_text: Callable[[Select[Any]], str]
    ) -> None:
        self._connections = connections
        self._compile_text = compile_text

    def read(self, queries: Sequence[Select[Any]]) -> Iterator[tuple[int, pa.Table]]:
        """Yield the rows of some queries, some at a time and several queries at once.

        Args:
            queries: Their values are written into them: for codes, dates and numbers of ours.

        Yields:
            The place of the query among them, and rows of it.
        """
        reading = _Reading([self._compile_text(query) for query in queries])
        threads = [
            threading.Thread(target=reading.work, args=(each,), daemon=True)
            for each in self._connections
        ]
        for thread in threads:
            thread.start()
        try:
            working = len(threads)
            while working:
                item = reading.ready.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    working -= 1
                else:
                    yield item
        finally:
            reading.stopped.set()
            for thread in threads:
                thread.join()


class _Reading:
    """What several connections read at once, on a thread each.

    Args:
        texts: The queries.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.ready: queue.Queue[_Item] = queue.Queue(_WAITING_MAX)
        self.stopped = threading.Event()
        self._turn = threading.Lock()
        self._texts = iter(enumerate(texts))

    def work(self, connection: Any) -> None:  # noqa: ANN401 - the drivers share no type
        """Read one query after the other, as long as there are any."""
        try:
            while (found := self._next()) is not None and not self.stopped.is_set():
                self._query(connection, *found)
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised by whoever reads
            self._put(error)

    def _next(self) -> tuple[int, str] | None:
        with self._turn:
            return next(self._texts, None)

    def _query(self, connection: Any, place: int, text: str) -> None:  # noqa: ANN401 - as above
        with closing(connection.cursor()) as cursor:
            if isinstance(connection, _sqlite_connection()):
                rows = {"adbc.sqlite.query.batch_rows": str(_ROWS_PER_BATCH)}
                cursor.adbc_statement.set_options(**rows)
            cursor.execute(text)
            for batch in cursor.fetch_record_batch():
                if not self._put((place, pa.Table.from_batches([batch]))):
                    return

    def _put(self, item: _Item) -> bool:
        """Hand something over; whether it is still wanted."""
        while not self.stopped.is_set():
            try:
                self.ready.put(item, timeout=1)
            except queue.Full:
                continue
            return True
        return False


def _sqlite_connection() -> type[Any]:
    from adbc_driver_sqlite.dbapi import AdbcSqliteConnection

    return AdbcSqliteConnection


@contextmanager
def column_reader(engine: Engine, url: str) -> Iterator[tuple[Connection, ColumnReader]]:
    """Begin a reading transaction and yield it with a reader of the same snapshot.

    Args:
        engine: Begins reading transactions.
        url: Of the database.
    """
    with ExitStack() as opened:
        if engine.dialect.name == "postgresql":
            connection = opened.enter_context(engine.begin())
            readers = _postgresql(opened, connection, url)
        else:
            path = Path(str(make_url(url).database)).resolve()
            gate = opened.enter_context(
                closing(sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_S))
            )
            gate.execute("BEGIN IMMEDIATE")
            connection = opened.enter_context(engine.begin())
            # The first reading is what a snapshot begins with.
            connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")
            readers = _sqlite(opened, path)
            gate.execute("ROLLBACK")

        def compile_text(query: Select[Any]) -> str:
            text = query.compile(dialect=engine.dialect, compile_kwargs={"literal_binds": True})
            return str(text)

        yield connection, ColumnReader(readers, compile_text)


def _sqlite(opened: ExitStack, path: Path) -> list[Any]:
    from adbc_driver_sqlite import dbapi

    readers = []
    for _ in range(_READERS):
        reader = opened.enter_context(closing(dbapi.connect(f"{path.as_uri()}?mode=ro")))
        with closing(reader.cursor()) as cursor:
            cursor.execute("SELECT count(*) FROM sqlite_master")
            cursor.fetchall()
        readers.append(reader)
    return readers


def _postgresql(opened: ExitStack, connection: Connection, url: str) -> list[Any]:
    from adbc_driver_postgresql import dbapi  # type: ignore[import-untyped]

    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    readers = []
    for _ in range(_READERS):
        reader = opened.enter_context(closing(dbapi.connect(plain, autocommit=True)))
        with closing(reader.cursor()) as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        readers.append(reader)
    return readers
