"""The node's structured log: one JSON object a line, one line a call, and whose line it is.

``logger`` names a room (``deltacare.settlement``), or ``deltacare.alarm`` where a person has to
act. What libraries and Python itself have to say comes in the same form, under their own names.

A line says who called what, how it ended and how long it took, under the id that the caller is
told when the node fails. It holds no payload and no text of a surprise: a database's message can
quote a row, so of an unexpected exception its type and its places in the code are logged, and of
a library's message only what stands in the library's source.
"""

import json
import logging
import re
import sys
import threading
import traceback
import warnings
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

_FILLED_IN = re.compile(r"[\n(:]")
"""Behind this a message that was put together quotes values: arguments, a task, an exception."""

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def configure_logging(*, level: str = "info", file: TextIO | None = None) -> None:
    """Send the log of this process somewhere, and all that libraries and Python log with it.

    Args:
        level: A name in `LEVELS`; what is below is dropped. Of libraries it is at least
            ``warning``.
        file: Where to; the standard error stream if ``None``.
    """
    sink = file or sys.stderr
    structlog.configure(
        processors=[
            _add_logger,
            _add_request_id,
            _without_error_text,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda name="": _NamedLogger(sink, name),
        cache_logger_on_first_use=False,  # rooms hold loggers that were made before this call
    )
    root = logging.getLogger()
    root.handlers[:] = [each for each in root.handlers if not isinstance(each, _LibraryHandler)]
    root.addHandler(_LibraryHandler(logging.WARNING))
    warnings.showwarning = _python_warned
    threading.excepthook = _thread_failed
    sys.unraisablehook = _nobody_could_catch


def get_log(room: str) -> FilteringBoundLogger:
    """Return the log of a room, such as ``edge``."""
    return cast("FilteringBoundLogger", structlog.get_logger(f"deltacare.{room}"))


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
                f'{{"logger": "deltacare.edge", "method": "{method}", '
                f'"caller": "{caller}", "code": "OK", "duration_ms": {duration_ms:.3f}, '
                f'"event": "call", "request_id": "{request_id}", "level": "info", '
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


class _NamedLogger(structlog.WriteLogger):
    """Writes lines, and knows whose they are."""

    def __init__(self, file: TextIO, name: str) -> None:
        super().__init__(file)
        self.name = name


class _LibraryHandler(logging.Handler):
    """Takes what libraries log into the log of the node, one line each."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        # Arguments and what was filled in may be anybody's data: the place tells the rest.
        event = _FILLED_IN.split(str(record.msg), maxsplit=1)[0].strip()
        log = structlog.get_logger(record.name)
        write = log.warning if record.levelno < logging.ERROR else log.error
        try:
            write(
                event,
                place=f"{record.pathname}:{record.lineno} {record.funcName}",
                exc_info=record.exc_info,
            )
        except Exception:  # noqa: BLE001  # who logs must not fail of it
            self.handleError(record)


def _python_warned(  # noqa: PLR0917  # the hook's signature
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001  # the hook's signature
    line: str | None = None,  # noqa: ARG001  # the hook's signature
) -> None:
    """Write the line of a warning, whose text speaks of code."""
    structlog.get_logger("py.warnings").warning(
        category.__qualname__, text=str(message), place=f"{filename}:{lineno}"
    )


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    """Write the line of a thread that ended with an exception."""
    if not isinstance(failed.exc_value, SystemExit):  # the way to end a thread early
        structlog.get_logger("python").error("thread_failed", exc_info=failed.exc_value)


def _nobody_could_catch(failed: "sys.UnraisableHookArgs") -> None:
    """Write the line of an exception in a place where none can be raised."""
    structlog.get_logger("python").error("unraisable", exc_info=failed.exc_value)


def _add_logger(
    logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put whose line it is into the line."""
    assert isinstance(logger, _NamedLogger), "configured here"
    event.setdefault("logger", logger.name)
    return event


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
