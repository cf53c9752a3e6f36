"""What the tests of the log room share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.postgres import postgres_url

__all__ = ["database_url", "postgres_url", "quiet"]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/node.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[list[dict[str, object]]]:
    """Collect what is logged instead of printing it."""
    with structlog.testing.capture_logs() as logs:
        yield logs  # type: ignore[misc]  # structlog's mapping is a dict
