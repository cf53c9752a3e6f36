"""A small federation that tests of refusals share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.settlement.world import World


@pytest.fixture
async def world_of_one(tmp_path: Path) -> AsyncIterator[World]:
    """Open nodes without facts."""
    async with World.open(tmp_path) as world:
        yield world
