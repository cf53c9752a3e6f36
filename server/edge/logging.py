"""The node's structured log: one JSON object a line, one line a call.

A line says who called what, how it ended and how long it took, under the id that the caller is
told when the node fails. It holds no payload and no text of a surprise: a database's message can
quote a row, so of an unexpected exception its type and its places in the code are logged.
"""

import sys
import traceback
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

__all__ = ["LEVELS", "REQUEST_ID", "configure_logging", "error_facts", "get_log"]

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""Levels of the configuration, by name."""

_FRAMES_MAX = 20

REQUEST_ID: ContextVar[str] = ContextVar("deltacare_request_id", default="")
"""Id of the call that is being served, given by the edge."""


def configure_logging(*, level: str = "info", file: TextIO | None = None) -> None:
    """Send the log of this process somewhere.

    Args:
        level: A name in `LEVELS`; what is below is dropped.
        file: Where to; the standard error stream if ``None``.
    """
    structlog.configure(
        processors=[
            _add_request_id,
            _without_error_text,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=file or sys.stderr),
        cache_logger_on_first_use=False,  # rooms hold loggers that were made before this call
    )


def get_log(room: str) -> FilteringBoundLogger:
    """Return the log of a room, such as ``edge``."""
    return cast("FilteringBoundLogger", structlog.get_logger(room=room))


def error_facts(error: BaseException) -> dict[str, Any]:
    """Return of what kind a surprise is and where it passed, without what it says."""
    return {"error": type(error).__qualname__, "places": _places(error)}


def _places(error: BaseException) -> list[str]:
    """Return the places of an exception, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _add_request_id(
    _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put the id of the call that is being served into a line."""
    request_id = REQUEST_ID.get()
    if request_id:
        event.setdefault("request_id", request_id)
    return event


def _without_error_text(
    _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put the facts of an exception in place of its text."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()[1]
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.update(error_facts(error))
    return event
