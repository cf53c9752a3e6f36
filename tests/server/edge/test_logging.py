"""Tests of the lines that a configured process writes: each is JSON and says whose it is."""

import asyncio
import io
import json
import logging
import re
import threading
import warnings
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvloop

import server
from server.edge.logging import REQUEST_ID, CallLog, configure_logging, get_log

SECRET = "Sample Person Nobody"  # what a library might quote

LOGGER = re.compile(r'(?:get_logger\("deltacare\.|get_log\(")([a-z.]+)"\)')

_made_before = structlog.get_logger("deltacare.alarm")


class Lines(io.StringIO):
    """What was written."""

    def read_all(self) -> list[dict[str, Any]]:
        """Return every line."""
        assert SECRET not in self.getvalue()
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def one(self) -> dict[str, Any]:
        """Return the only line."""
        (found,) = self.read_all()
        return found


@pytest.fixture
def lines() -> Lines:
    """Configure the log of this process."""
    found = Lines()
    configure_logging(file=found)
    return found


def fail(*_: object) -> None:
    """Fail with words that quote what is nobody's business."""
    raise ValueError(SECRET)


async def broken() -> None:
    """Fail as a task that nobody waits for."""
    fail()


def test_an_alarm_says_so(lines: Lines) -> None:
    """The name of the logger stands in the line, also of one made before the configuration."""
    _made_before.warning("trust_stale", text="It is old.")
    found = lines.one()
    time = datetime.fromisoformat(found.pop("time"))
    assert abs(datetime.now(UTC) - time).total_seconds() < 60
    assert {
        "logger": "deltacare.alarm",
        "level": "warning",
        "event": "trust_stale",
        "text": "It is old.",
    } == found


def test_every_room_says_who_it_is(lines: Lines) -> None:
    """A room's log, one bound further, and the three kinds of lines of calls."""
    get_log("http").info("serving")
    structlog.get_logger("deltacare.log").bind(log="a").info("mirrored")
    calls = CallLog()
    calls.ok(method="A", caller="b", request_id="c", duration_ms=1.0, end_time=datetime.now(UTC))
    calls.failed(code="NOT_FOUND")
    calls.broke(code="INTERNAL")
    assert [
        ("deltacare.http", "serving"),
        ("deltacare.log", "mirrored"),
        ("deltacare.edge", "call"),
        ("deltacare.edge", "call"),
        ("deltacare.edge", "call"),
    ] == [(line["logger"], line["event"]) for line in lines.read_all()]


def test_loggers_bear_the_name_of_their_room() -> None:
    """Or they alarm: nobody who filters by room misses a line."""
    root = Path(server.__file__).parent
    found = {
        (path.relative_to(root).parts[0].removesuffix(".py"), name)
        for path in root.rglob("*.py")
        for name in LOGGER.findall(path.read_text("utf-8"))
        if path.name != "logging.py"
    }
    assert ("store", "alarm") in found
    assert ("log", "log") in found
    assert set() == {(room, name) for room, name in found if name not in {room, "alarm"}}


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_failed_callback_is_one_line(lines: Lines, run: Any) -> None:  # either
    """Of the event loop's traceback remain type and places; words and arguments do not."""

    async def main() -> None:
        asyncio.get_running_loop().call_soon(fail, SECRET)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    run(main())
    found = lines.one()
    assert ("asyncio", "error", "ValueError") == (
        found["logger"],
        found["level"],
        found["error"],
    )
    assert found["event"].startswith("Exception in callback")
    assert __file__ in found["places"][-1]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_task_that_nobody_awaited_is_one_line(lines: Lines, run: Any) -> None:
    """Its representation quotes the exception, and is left out."""

    async def main() -> None:
        task: Coroutine[Any, Any, None] | asyncio.Task[None] = asyncio.create_task(broken())
        await asyncio.sleep(0)
        del task
        await asyncio.sleep(0)

    run(main())
    found = lines.one()
    assert "Task exception was never retrieved" == found["event"]
    assert ("asyncio", "ValueError") == (found["logger"], found["error"])


def test_a_library_is_one_line(lines: Lines) -> None:
    """What it fills in is left out; request and place are told; what is not wrong is dropped."""
    library = logging.getLogger("library.part")
    token = REQUEST_ID.set("r-1")
    try:
        library.warning("connection to %s\nlost", SECRET)
    finally:
        REQUEST_ID.reset(token)
    library.info("connected")
    found = lines.one()
    assert ("library.part", "warning", "connection to %s", "r-1") == (
        found["logger"],
        found["level"],
        found["event"],
        found["request_id"],
    )
    assert __file__ in found["place"]


def test_a_level_holds_for_libraries_too() -> None:
    """Who wants errors only gets no warning of a library; any higher level is an error."""
    lines = Lines()
    configure_logging(level="error", file=lines)
    logging.getLogger("library").warning("slow")
    logging.getLogger("library").critical("gone")
    assert ("gone", "error") == (lines.one()["event"], lines.one()["level"])


def test_a_warning_is_one_line(lines: Lines) -> None:
    """Python's warnings come as any other line."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging(file=lines)
        warnings.warn("old\nway", DeprecationWarning, stacklevel=1)
    found = lines.one()
    assert ("py.warnings", "warning", "DeprecationWarning", "old\nway") == (
        found["logger"],
        found["level"],
        found["event"],
        found["text"],
    )


def test_a_thread_that_fails_is_one_line(lines: Lines) -> None:
    """So does what fails where nobody can catch it."""
    configure_logging(file=lines)
    thread = threading.Thread(target=fail, name="worker")
    thread.start()
    thread.join()
    found = lines.one()
    assert ("python", "thread_failed", "ValueError") == (
        found["logger"],
        found["event"],
        found["error"],
    )


class Undying:
    """Fails where nothing can be raised."""

    def __del__(self) -> None:
        fail()


def test_what_cannot_be_raised_is_one_line(lines: Lines) -> None:
    """An exception in a finaliser has no caller."""
    configure_logging(file=lines)
    Undying()
    found = lines.one()
    assert ("python", "unraisable", "ValueError") == (
        found["logger"],
        found["event"],
        found["error"],
    )


def test_configured_twice_is_one_line(lines: Lines) -> None:
    """A second configuration takes the place of the first."""
    again = Lines()
    configure_logging(file=again)
    logging.getLogger("library").error("gone")
    assert ([], "gone") == (lines.read_all(), again.one()["event"])
