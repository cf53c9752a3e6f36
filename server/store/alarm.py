"""The alarm for a database that takes no writes: which one, and whether its disk is full.

Whoever wrote gets the error as ever; what failed for want of room must not look like a fault of
the duty that wrote. It is raised when it begins, then once a minute while it lasts, and its end is
logged. Nothing is mended here.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

__all__ = ["WriteAlarm"]

_alarm = structlog.get_logger("deltacare.alarm")

_EVERY_S = 60.0
_SQLITE_FULL = 13
_POSTGRESQL_DISK_FULL = "53100"
_POSTGRESQL_PORT = 5432


class WriteAlarm:
    """Tells people when writes fail because of the database, and when they work again.

    Args:
        url: The database.
        monotonic_s: A clock that never runs back.
    """

    def __init__(self, url: str, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._url = make_url(url)
        self._monotonic_s = monotonic_s
        self._told_s: float | None = None

    def failed(self, error: DBAPIError) -> None:
        """Raise the alarm if a write failed because of the database, not of what was written."""
        if not isinstance(error, OperationalError):
            return
        now_s = self._monotonic_s()
        if self._told_s is not None and now_s - self._told_s < _EVERY_S:
            return
        self._told_s = now_s
        said = str(error.orig).strip().splitlines()[:1]
        _alarm.error(
            "database_takes_no_writes",
            database=self._place(),
            cause="DISK_FULL" if _is_disk_full(error) else "DATABASE",
            said=" ".join(said),
            free_bytes=self._free_bytes(),
        )

    def worked(self) -> None:
        """Note that a write was committed."""
        if self._told_s is not None:
            self._told_s = None
            _alarm.warning("database_takes_writes_again", database=self._place())

    def _place(self) -> str:
        """Return where the database is, without its password."""
        url = self._url
        if url.get_backend_name() == "sqlite":
            return url.database or ""
        return f"{url.host or 'localhost'}:{url.port or _POSTGRESQL_PORT}/{url.database or ''}"

    def _free_bytes(self) -> int | None:
        """Return the room on the disk of a file; another machine's is not known."""
        if self._url.get_backend_name() != "sqlite":
            return None
        try:
            return shutil.disk_usage(Path(self._url.database or "").absolute().parent).free
        except OSError:
            return None


def _is_disk_full(error: DBAPIError) -> bool:
    """Whether the database says that it has no room: SQLite's code, or PostgreSQL's."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return bool(code & 0xFF == _SQLITE_FULL)
    return getattr(error.orig, "sqlstate", None) == _POSTGRESQL_DISK_FULL
