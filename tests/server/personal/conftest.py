"""What the tests of this room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from server.store.database import Database
from server.store.migrations import upgrade
from tests.support.postgres import postgres_url

__all__ = ["database", "postgres_url", "quiet"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/node.db"
    else:
        url = str(request.getfixturevalue("postgres_url"))
    opened = Database(url, readers=1)
    try:
        opened.write_now(upgrade)
        yield opened
    finally:
        opened.close()


@pytest.fixture
def quiet() -> Iterator[list[dict[str, object]]]:
    """Collect what is logged instead of printing it."""
    with structlog.testing.capture_logs() as logs:
        yield logs  # type: ignore[misc]  # structlog's mapping is a dict
