"""Tests of the salts: sealed, bound to their place, kept beside the log and not in it."""

from collections.abc import Mapping

import pytest
from sqlalchemy import select, update

from deltacare.ids import LogName
from server.certification import tables
from server.certification.salts import SaltStore
from server.store.database import Database
from tests.support.ports import START_TIME, SeededEntropy

LOG = LogName.registry("320000")
SALT = bytes(range(16))


class Tx:
    """A transaction with a connection and nothing else."""

    def __init__(self, connection: object) -> None:
        self.connection = connection
        self.now = START_TIME


def write(
    database: Database, store: SaltStore, salts: dict[int, bytes], log: LogName = LOG
) -> None:
    """Keep salts."""
    database.write_now(lambda connection: store.write(Tx(connection), log, salts))


def read(
    database: Database, store: SaltStore, first: int, end: int, log: LogName = LOG
) -> Mapping[int, bytes]:
    """Return salts."""
    return database.read_now(lambda connection: store.read(connection, log, first, end))


@pytest.fixture
def store() -> SaltStore:
    """A store under a key of zeros."""
    return SaltStore(bytes(32), SeededEntropy())


def test_kept_and_read(database: Database, store: SaltStore) -> None:
    """What is written is read back by range; a later salt replaces the first."""
    write(database, store, {1: SALT, 2: SALT[::-1], 5: SALT})
    write(database, store, {2: SALT})
    assert {1: SALT, 2: SALT} == read(database, store, 1, 5)
    assert {} == read(database, store, 1, 5, LogName.registry("330000"))


def test_sealed_at_rest(database: Database, store: SaltStore) -> None:
    """The row holds neither the salt nor twice the same bytes."""
    write(database, store, {1: SALT, 2: SALT})
    rows = database.read_now(lambda c: list(c.execute(select(tables.salts.c.sealed)).scalars()))
    assert 2 == len(set(rows))
    assert not any(SALT in row for row in rows)
    assert {44} == {len(row) for row in rows}


def test_opens_at_its_place_and_under_its_key_only(
    database: Database, store: SaltStore, quiet: list[dict[str, object]]
) -> None:
    """A salt moved to another entry, or under another key, is missing, and an alarm says so."""
    write(database, store, {1: SALT})
    other = SaltStore(b"k" * 32, SeededEntropy())
    assert {} == read(database, other, 0, 9)
    database.write_now(lambda c: c.execute(update(tables.salts).values(log_index=2)))
    assert {} == read(database, store, 0, 9)
    assert [1, 2] == [line["index"] for line in quiet if line["event"] == "salt_unreadable"]


def test_what_is_no_salt_is_dropped(database: Database, store: SaltStore) -> None:
    """A salt of another length, or of a log that has none, is not kept."""
    write(database, store, {1: SALT[:15], 2: SALT + b"x"})
    write(database, store, {3: SALT}, LogName.settlement("320000", "310000"))
    assert {} == read(database, store, 0, 9)
    assert {} == read(database, store, 0, 9, LogName.settlement("320000", "310000"))
