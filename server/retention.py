"""Deletes daily what may be deleted without anybody's word; see ``server.store.retention``.

A little at a time, so that nobody waits for it: what is left over goes the next day. Nothing of a
log, of evidence or of a person is deleted here.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from server.log.forgetting import (
    FreshnessKey,
    delete_freshness,
    forget_requests,
    thinnable_freshness,
)
from server.log.ports import Clock
from server.store.database import Database
from server.store.retention import FRESHNESS_WHOLE_DAYS, REQUESTS_DAYS

__all__ = ["ROWS_PER_RUN_MAX", "RetentionKeeper"]

ROWS_PER_RUN_MAX = 50_000
"""Rows of one table that one day's run deletes at most; a node writes half as many a day."""

_ROWS_PER_WRITE = 500
_DAY_S = 86_400.0

_log = structlog.get_logger("deltacare.retention")
_alarm = structlog.get_logger("deltacare.alarm")


class RetentionKeeper:
    """Runs in the background of one node.

    Args:
        database: the node's.
        clock: the node's.
        rows_per_run_max: of one table.
        every_s: seconds between runs; the first is at the start.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        rows_per_run_max: int = ROWS_PER_RUN_MAX,
        every_s: float = _DAY_S,
    ) -> None:
        self._database = database
        self._clock = clock
        self._rows_per_run_max = rows_per_run_max
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="retention")

    async def stop(self) -> None:
        """End; what is left over goes another day."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def run_once(self) -> tuple[int, int]:
        """Delete what is due, and return how many rows of requests and of freshness went."""
        return await self._forget_requests(), await self._thin_freshness()

    async def _run(self) -> None:
        while True:
            try:
                requests, freshness = await self.run_once()
                _log.info("retention_ran", requests=requests, freshness=freshness)
            except SQLAlchemyError:
                _alarm.exception("retention_failed")
            await asyncio.sleep(self._every_s)

    async def _forget_requests(self) -> int:
        before = self._clock.now() - timedelta(days=REQUESTS_DAYS)
        deleted = 0
        while deleted < self._rows_per_run_max:
            limit = min(_ROWS_PER_WRITE, self._rows_per_run_max - deleted)

            def work(connection: Connection, limit: int = limit) -> int:
                return forget_requests(connection, before=before, limit=limit)

            count = await self._database.write(work)
            deleted += count
            if count < limit:
                break
        return deleted

    async def _thin_freshness(self) -> int:
        before = self._clock.now() - timedelta(days=FRESHNESS_WHOLE_DAYS)

        def read(connection: Connection) -> Sequence[FreshnessKey]:
            return thinnable_freshness(connection, before=before, limit=self._rows_per_run_max)

        keys = await self._database.read(read)
        for start in range(0, len(keys), _ROWS_PER_WRITE):
            some = keys[start : start + _ROWS_PER_WRITE]

            def work(connection: Connection, some: Sequence[FreshnessKey] = some) -> None:
                delete_freshness(connection, some)

            await self._database.write(work)
        return len(keys)
