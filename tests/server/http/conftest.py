"""What the tests of the open door share: they run as a node does, on uvloop."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest
import structlog
import uvloop

from tests.support.postgres import postgres_url

__all__ = ["BOTH_LOOPS", "postgres_url", "pytest_asyncio_loop_factories", "quiet"]

BOTH_LOOPS = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
"""For what an event loop has a part in: connections, TLS and the end of both."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the event loops that a test runs on: that of a node, and the library's if marked."""
    del config
    marked = item.get_closest_marker("asyncio")
    if marked is None or "loop_factories" not in marked.kwargs:
        return {"uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[list[dict[str, object]]]:
    """Collect what is logged instead of printing it."""
    with structlog.testing.capture_logs() as logs:
        yield logs  # type: ignore[misc]  # structlog's mapping is a dict
