"""Databases with every table in place, for tests of what is in them rather than of migrations.

Migrating takes long, so it is done once a process for each kind; every database that is lent is a
copy of its own. What migrations do is tested in ``tests/server/store/test_migrations.py``.

Import the fixture in a ``conftest.py``: ``from tests.support.databases import database``.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from server.store.database import Database
from server.store.migrations import upgrade
from tests.support.postgres import postgres_database

__all__ = ["database", "lent_database", "put_migrated"]


@cache
def _migrated() -> bytes:
    """Return the bytes of a SQLite file with every table in place."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "migrated.db"
        opened = Database(f"sqlite:///{path}")
        opened.write_now(upgrade)
        opened.close()
        return path.read_bytes()


def put_migrated(path: Path) -> None:
    """Make a SQLite file with every table in place."""
    path.write_bytes(_migrated())


@contextmanager
def lent_database(kind: str, directory: Path) -> Iterator[Database]:
    """Lend a migrated database.

    Args:
        kind: ``sqlite`` or ``postgresql``.
        directory: Where a file of SQLite lies.
    """
    with ExitStack() as stack:
        if kind == "sqlite":
            put_migrated(directory / "node.db")
            url = f"sqlite:///{directory}/node.db"
        else:
            url = stack.enter_context(postgres_database(is_migrated=True))
        opened = Database(url, readers=1)
        stack.callback(opened.close)
        yield opened


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of each kind."""
    with lent_database(request.param, tmp_path) as opened:
        yield opened
