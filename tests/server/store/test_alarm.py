"""The alarm for a database that takes no writes: a full one, a broken one, and neither."""

from pathlib import Path

import psycopg.errors
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError
from structlog.testing import capture_logs

from server.store.alarm import WriteAlarm
from server.store.database import Database


def fill(connection: Connection) -> None:
    """Write more than there is room for."""
    connection.execute(text("INSERT INTO rows VALUES (zeroblob(1000000))"))


async def test_a_full_database_is_named_and_so_is_its_recovery(tmp_path: Path) -> None:
    """The writer gets its error, people learn which file is full, once; and when it is over."""
    database = Database(f"sqlite:///{tmp_path}/node.db")
    database.write_now(lambda c: c.execute(text("CREATE TABLE rows (data BLOB)")))
    database.write_now(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 10").all())
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(OperationalError):
                await database.write(fill)
        database.write_now(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 100000").all())
        await database.write(fill)
    database.close()
    assert 0 < logs[0].pop("free_bytes")
    assert [
        {
            "event": "database_takes_no_writes",
            "log_level": "error",
            "database": f"{tmp_path}/node.db",
            "cause": "DISK_FULL",
            "said": "database or disk is full",
        },
        {
            "event": "database_takes_writes_again",
            "log_level": "warning",
            "database": f"{tmp_path}/node.db",
        },
    ] == logs


async def test_what_was_wrongly_written_is_no_alarm(tmp_path: Path) -> None:
    """A row that breaks a rule of its table is the writer's fault."""
    database = Database(f"sqlite:///{tmp_path}/node.db")
    database.write_now(lambda c: c.execute(text("CREATE TABLE rows (number INTEGER NOT NULL)")))
    with capture_logs() as logs, pytest.raises(DBAPIError):
        await database.write(lambda c: c.execute(text("INSERT INTO rows VALUES (NULL)")))
    database.close()
    assert [] == logs


def test_while_it_lasts_it_is_told_once_a_minute() -> None:
    """And without the password; PostgreSQL has a code of its own for a full disk."""
    times = iter([0.0, 59.0, 60.0])
    alarm = WriteAlarm("postgresql://me:secret@db.test/node", monotonic_s=lambda: next(times))
    full = OperationalError("INSERT", {}, psycopg.errors.DiskFull("no space left"))
    gone = OperationalError("INSERT", {}, psycopg.errors.AdminShutdown("terminating"))
    with capture_logs() as logs:
        for error in (full, full, gone):
            alarm.failed(error)
    assert [
        ("db.test:5432/node", "DISK_FULL", "no space left", None),
        ("db.test:5432/node", "DATABASE", "terminating", None),
    ] == [(row["database"], row["cause"], row["said"], row["free_bytes"]) for row in logs]
