"""A real PostgreSQL for tests: the one named by ``DELTACARE_TEST_POSTGRES_URL``, or our own.

Import the fixture in a ``conftest.py``: ``from tests.support.postgres import postgres_url``.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

__all__ = ["postgres_url"]

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
    return str(server.get_uri())


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The SQLAlchemy URL of an empty database, dropped afterwards."""
    url = make_url(_server_url()).set(drivername="postgresql")
    name = f"deltacare_{uuid4().hex}"
    admin = url.render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
