"""A real PostgreSQL for tests: the one named by ``DELTACARE_TEST_POSTGRES_URL``, or our own.

Import the fixture in a ``conftest.py``: ``from tests.support.postgres import postgres_url``.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import URL, make_url

from server.store.database import Database
from server.store.migrations import upgrade

__all__ = ["postgres_database", "postgres_url"]

_VARIABLE = "DELTACARE_TEST_POSTGRES_URL"


@cache
def _server_url() -> str:
    """Return the URL of a server in which databases may be created; it ends with the process."""
    given = os.environ.get(_VARIABLE)
    if given:
        return given
    directory = Path(tempfile.mkdtemp(prefix="deltacare-pg-"))
    # Registered before the library's own, so that it runs after the server has ended.
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    # The library puts a lock file there, and warns where it is missing or open to others.
    os.environ["XDG_RUNTIME_DIR"] = str(directory)
    import pgserver

    server = pgserver.get_server(directory / "data", cleanup_mode="delete")
    url = str(server.get_uri())
    with psycopg.connect(url, autocommit=True) as connection:
        # No test outlives its machine: what is committed need not be on the disk by then.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return url


def _url(name: str = "") -> URL:
    """Return the URL of a database of the server, of its own if none is named."""
    url = make_url(_server_url()).set(drivername="postgresql")
    return url.set(database=name) if name else url


def _administer(statement: str) -> None:
    """Run a statement outside the databases that are lent."""
    admin = _url().render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(statement.encode())


def _create(template: str = "template1") -> str:
    """Create a database and return its name."""
    name = f"deltacare_{uuid4().hex}"
    _administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return name


def _drop(name: str) -> None:
    """Drop a database, whoever still uses it."""
    _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


@cache
def _migrated() -> str:
    """Return the name of a database with every table in place, which others are copied from."""
    name = _create()
    atexit.register(_drop, name)
    opened = Database(_url(name).render_as_string(hide_password=False))
    opened.write_now(upgrade)
    opened.close()
    return name


@contextmanager
def postgres_database(*, is_migrated: bool = False) -> Iterator[str]:
    """Lend a database of its own, empty or with every table in place: its SQLAlchemy URL."""
    name = _create(_migrated()) if is_migrated else _create()
    try:
        yield _url(name).render_as_string(hide_password=False)
    finally:
        _drop(name)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty database, dropped afterwards."""
    with postgres_database() as url:
        yield url
