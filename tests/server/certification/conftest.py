"""What the tests of this room share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.certifying import NAME
from tests.support.databases import database
from tests.support.postgres import postgres_url
from tests.support.rooms import Rooms, agreement_body, certificate_body, equivalence_body

__all__ = ["alone", "database", "four", "postgres_url", "quiet"]


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


async def recognised(rooms: Rooms) -> None:
    """Let Shanghai recognise Jiangsu's caregivers, of whom there is one."""
    await rooms.agree(agreement_body())
    await rooms.declare("310000", equivalence_body())
    await rooms.issue("320000", certificate_body(), holder_name=NAME)


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes; Shanghai recognises Jiangsu's caregivers, of whom there is one."""
    async with Rooms.laid(tmp_path, recognised) as opened:
        yield opened
