"""What the tests of this room share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from server.store.database import Database
from server.store.migrations import upgrade
from tests.support.certifying import NAME
from tests.support.postgres import postgres_url
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body

__all__ = ["alone", "database", "four", "postgres_url", "quiet"]


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


@pytest.fixture(autouse=True)
def quiet() -> Iterator[list[dict[str, object]]]:
    """Collect what is logged instead of printing it."""
    with structlog.testing.capture_logs() as logs:
        yield logs  # type: ignore[misc]  # structlog's mapping is a dict


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Jiangsu's node alone."""
    async with Rooms.alone(tmp_path, "320000") as opened:
        yield opened


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes; Shanghai recognises Jiangsu's caregivers, of whom there is one."""
    async with Rooms.open(tmp_path) as opened:
        await opened.agree(agreement_body())
        await opened.declare("310000", equivalence_body())
        await opened.issue("320000", certificate_body(), holder_name=NAME)
        await opened.spread("310000")
        await opened.spread("320000")
        yield opened
