"""What every test has in common: the log of a process goes back to its defaults after each."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """Undo what a test set: its stream is closed when it ends, and later tests log as well."""
    yield
    structlog.reset_defaults()
