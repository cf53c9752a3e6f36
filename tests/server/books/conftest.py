"""What the tests of the books room share."""

from collections.abc import Iterator

import pytest
import structlog

from tests.support.postgres import postgres_url

__all__ = ["postgres_url", "quiet"]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[list[dict[str, object]]]:
    """Collect what is logged instead of printing it."""
    with structlog.testing.capture_logs() as logs:
        yield logs  # type: ignore[misc]  # structlog's mapping is a dict
