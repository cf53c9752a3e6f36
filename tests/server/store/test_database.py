"""One node's database: durable settings, one writer, snapshots that only read."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from deltacare.errors import Refusal
from server.store.database import Database
from tests.support.postgres import postgres_url as postgres_url  # noqa: PLC0414 - a fixture


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind with one table."""
    url = (
        f"sqlite:///{tmp_path}/node.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    found = Database(url)
    found.write_now(lambda c: c.execute(text("CREATE TABLE rows (number INTEGER)")))
    yield found
    found.close()


def insert(connection: Connection, number: int) -> None:
    """Write a row."""
    connection.execute(text("INSERT INTO rows VALUES (:number)"), {"number": number})


def numbers(connection: Connection) -> list[int]:
    """Read the rows."""
    return list(connection.execute(text("SELECT number FROM rows ORDER BY number")).scalars())


async def test_a_write_commits_or_leaves_nothing(database: Database) -> None:
    """What raises is rolled back, and the error reaches the caller."""

    def broken(connection: Connection) -> None:
        insert(connection, 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(broken)
    await database.write(lambda c: insert(c, 2))
    assert await database.read(numbers) == [2]


async def test_reading_cannot_write(database: Database) -> None:
    """A snapshot for reading refuses changes."""
    with pytest.raises(DBAPIError):
        await database.read(lambda c: insert(c, 1))
    assert await database.read(numbers) == []


async def test_writes_run_one_at_a_time(database: Database) -> None:
    """Concurrent writers of a process are sequenced: no update is lost."""

    def add_next(connection: Connection) -> None:
        insert(connection, max(numbers(connection), default=0) + 1)

    await asyncio.gather(*(database.write(add_next) for _ in range(20)))
    assert await database.read(numbers) == list(range(1, 21))


async def test_a_snapshot_does_not_move(database: Database) -> None:
    """A read that lasts sees what was committed when it began."""

    def twice(connection: Connection) -> tuple[list[int], list[int]]:
        before = numbers(connection)
        database.write_now(lambda c: insert(c, 1))
        return before, numbers(connection)

    assert await database.read(twice) == ([], [])
    assert await database.read(numbers) == [1]


def test_sqlite_is_durable(tmp_path: Path) -> None:
    """WAL with synchronous=FULL (2), and foreign keys on."""
    database = Database(f"sqlite:///{tmp_path}/node.db")
    names = ("journal_mode", "synchronous", "foreign_keys")
    found = database.write_now(
        lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    )
    database.ping()
    database.close()
    assert found == ["wal", 2, 1]
    assert not database.is_postgresql


@pytest.mark.postgres
def test_postgresql_commits_to_disk_whatever_the_default(postgres_url: str) -> None:
    """synchronous_commit is on in every writing transaction."""
    database = Database(postgres_url)
    database.write_now(
        lambda c: c.execute(text("ALTER ROLE CURRENT_USER SET synchronous_commit = off"))
    )
    database.close()
    database = Database(postgres_url)
    found = database.write_now(lambda c: c.execute(text("SHOW synchronous_commit")).scalar())
    database.write_now(
        lambda c: c.execute(text("ALTER ROLE CURRENT_USER RESET synchronous_commit"))
    )
    database.close()
    assert found == "on"
    assert database.is_postgresql


@pytest.mark.parametrize("damage", ["garbage", "schema"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    """A file that is no database, or no longer, is refused by its name, with what to do."""
    path = tmp_path / "node.sqlite"
    database = Database(f"sqlite:///{path}")
    database.write_now(lambda c: c.execute(text("CREATE TABLE rows (number INTEGER)")))
    database.ping()
    database.close()
    data = path.read_bytes()
    path.write_bytes(b"garbage" * 999 if damage == "garbage" else data[:100] + b"\x99" * 4_000)
    database = Database(f"sqlite:///{path}")
    with pytest.raises(Refusal) as caught:
        database.ping()
    database.close()
    (violation,) = caught.value.violations
    assert ("database", str(path)) == (violation.field, violation.value[: len(str(path))])
    assert "restore it from the backup" in violation.remedy
