"""The node's structured log: one JSON object a line, one line a call.

A line says who called what, how it ended and how long it took, under the id that the caller is
told when the node fails. It holds no payload and no text of a surprise: a database's message can
quote a row, so of an unexpected exception its type and its places in the code are logged.
"""

import json
import sys
import traceback
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

__all__ = ["LEVELS", "REQUEST_ID", "CallLog", "configure_logging", "error_facts", "get_log"]

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""Levels of the configuration, by name."""

REQUEST_ID: ContextVar[str] = ContextVar("deltacare_request_id", default="")
"""Id of the call that is being served, given by the edge."""

_FRAMES_MAX = 20

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def configure_logging(*, level: str = "info", file: TextIO | None = None) -> None:
    """Send the log of this process somewhere.

    Args:
        level: A name in `LEVELS`; what is below is dropped.
        file: Where to; the standard error stream if ``None``.
    """
    sink = structlog.WriteLogger(file or sys.stderr)
    structlog.configure(
        processors=[
            _add_request_id,
            _without_error_text,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,  # rooms hold loggers that were made before this call
    )


def get_log(room: str) -> FilteringBoundLogger:
    """Return the log of a room, such as ``edge``."""
    return cast("FilteringBoundLogger", structlog.get_logger(room=room))


class CallLog:
    """Writes one line a call; made after the log was configured.

    The line of a call that succeeded is put together by hand: through every processor it would
    cost as much as an empty call itself. What stands in it needs no escaping: names of methods,
    URIs that were parsed, numbers.
    """

    def __init__(self) -> None:
        self._log = get_log("edge").bind()
        self._write = self._log.bind()._logger.msg  # type: ignore[attr-defined]  # noqa: SLF001  # the sink
        self._is_on = self._log.is_enabled_for(LEVELS["info"])

    def ok(
        self, *, method: str, caller: str, request_id: str, duration_ms: float, end_time: datetime
    ) -> None:
        """Write the line of a call that succeeded."""
        if self._is_on:
            self._write(
                f'{{"room": "edge", "method": "{method}", "caller": "{caller}", "code": "OK", '
                f'"duration_ms": {duration_ms:.3f}, "event": "call", '
                f'"request_id": "{request_id}", "level": "info", '
                f'"time": "{end_time.replace(tzinfo=None).isoformat()}Z"}}'
            )

    def failed(self, **facts: object) -> None:
        """Write the line of a call that was refused, or ended in another way."""
        self._log.info("call", **facts)

    def broke(self, **facts: object) -> None:
        """Write the line of a call in which the node failed."""
        self._log.error("call", **facts)


def error_facts(error: BaseException) -> dict[str, Any]:
    """Return of what kind a surprise is and where it passed, without what it says."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return {"error": type(error).__qualname__, "places": places}


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
        info = sys.exc_info()
    error = info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.update(error_facts(error))
    return event


def _render(_logger: object, _name: str, event: MutableMapping[str, Any]) -> str:
    """Return a line."""
    return _encode(event)
