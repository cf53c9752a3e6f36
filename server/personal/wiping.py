"""Wipes the database's files after something was destroyed, and again until nothing is left there.

A transaction that destroys leaves a row in `personal_scrubs`; it is removed once the files are
clean, so that neither a crash nor a reader who was in the way leaves anything behind. Rows of
PostgreSQL are written anew at most once in a while, because that locks the tables.
"""

import asyncio
import contextlib
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, delete, select
from sqlalchemy.exc import SQLAlchemyError

from server.log.ports import LogReader
from server.personal import tables
from server.store.database import Database

__all__ = ["PAUSE_DURATION", "WIPED_TABLES", "Wiper"]

WIPED_TABLES = (
    "personal_persons",
    "personal_values",
    "personal_holdings",
    "personal_requests",
    "certification_salts",
    "requests",
    "review_drafts",
)
"""Tables that hold, or held, what an erasure destroys."""

PAUSE_DURATION = timedelta(minutes=1)
"""Between two times that the tables of PostgreSQL are written anew."""

_RETRY_S = 1.0

_log = structlog.get_logger("deltacare.personal")
_alarm = structlog.get_logger("deltacare.alarm")


class Wiper:
    """Runs in the background of one node.

    Args:
        database: the node's.
        reader: tells when a log grew, and something may have been destroyed.
        pause: between two rewrites.
    """

    def __init__(
        self,
        *,
        database: Database,
        reader: LogReader,
        pause: timedelta = PAUSE_DURATION,
    ) -> None:
        self._database = database
        self._reader = reader
        self._pause = pause if database.is_postgresql else timedelta(0)
        self._due = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin, with what an earlier run of the node left."""
        self._due.set()
        self._tasks = [
            asyncio.create_task(self._watch(), name="wipe-watch"),
            asyncio.create_task(self._run(), name="wipe"),
        ]

    async def stop(self) -> None:
        """End; what is left is wiped at the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def wake(self) -> None:
        """Say that something was destroyed without a log having grown."""
        self._due.set()

    async def wipe(self) -> bool:
        """Wipe now if something is left.

        Returns:
            Whether nothing is left.
        """
        requested = await self._database.read(_requested)
        if requested is None:
            return True
        horizon = await self._database.horizon()
        if not await self._database.scrub(WIPED_TABLES, horizon=horizon):
            return False
        await self._database.write(lambda connection: _done(connection, requested))
        return await self._database.read(_requested) is None

    async def _watch(self) -> None:
        async for _ in self._reader.changes():
            self._due.set()

    async def _run(self) -> None:
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                if await self._database.read(_requested) is None:
                    continue
                is_clean = await self.wipe()
            except SQLAlchemyError:
                # Wiping is owed, not asked for: whoever runs the node is told, and it goes on.
                _alarm.exception("wipe_failed")
                is_clean = False
            if is_clean:
                _log.info("wiped")
                await asyncio.sleep(self._pause.total_seconds())
            else:
                # Somebody reads what was, or the database is away.
                asyncio.get_running_loop().call_later(_RETRY_S, self._due.set)


def _requested(connection: Connection) -> datetime | None:
    """Return when something was destroyed that was not wiped since."""
    return connection.execute(select(tables.scrubs.c.requested_time)).scalar_one_or_none()


def _done(connection: Connection, requested: datetime) -> None:
    rows = tables.scrubs
    connection.execute(delete(rows).where(rows.c.requested_time == requested))
