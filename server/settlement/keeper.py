"""Keeps the nights running: closes dates at their hour, and runs each pair's night when it is due.

One task watches the logs and runs, pair by pair, whatever they have made due; another wakes at the
configured hour. What either does is harmless to repeat, so a crash loses nothing, and replicas may
both try. A pair that fails is tried again at the next change, and the others do not wait for it.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from deltacare.errors import DeltacareError, Unavailable
from deltacare.ids import LogKind, LogName
from deltacare.times import SHANGHAI
from server.log.ports import Clock, LogReader
from server.settlement.closing import DayCloser
from server.settlement.nights import PairNights
from server.settlement.uuids import node_principal

__all__ = ["NightKeeper", "next_wake_time"]

_WAKE_MAX = timedelta(minutes=1)
_RETRY_S = 5.0

_log = structlog.get_logger("deltacare.settlement")
_alarm = structlog.get_logger("deltacare.alarm")


def next_wake_time(now: datetime, close_time: tuple[int, int]) -> datetime:
    """Return the next instant at which an hour and minute come in Asia/Shanghai."""
    hour, minute = close_time
    local = now.astimezone(SHANGHAI)
    wake = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if wake <= local:
        wake += timedelta(days=1)
    return wake.astimezone(now.tzinfo)


class NightKeeper:
    """Runs in the background of one node.

    Args:
        province: The own one.
        nights: The pairs' nights.
        closer: Closes dates.
        reader: Tells what changed.
        clock: The node's.
        close_time: Hour and minute in Asia/Shanghai at which dates that are due are closed;
            ``None`` if only a verb closes them.
    """

    def __init__(
        self,
        *,
        province: str,
        nights: PairNights,
        closer: DayCloser,
        reader: LogReader,
        clock: Clock,
        close_time: tuple[int, int] | None,
    ) -> None:
        self._province = province
        self._nights = nights
        self._closer = closer
        self._reader = reader
        self._clock = clock
        self._close_time = close_time
        self._tasks: list[asyncio.Task[None]] = []
        self._due: dict[str, asyncio.Event] = {}

    async def start(self) -> None:
        """Begin to watch."""
        self._due = {partner: asyncio.Event() for partner in self._nights.partners}
        self._tasks = [asyncio.create_task(self._watch(), name="night-watch")]
        self._tasks += [
            asyncio.create_task(self._run_pair(partner), name=f"night-{partner}")
            for partner in self._due
        ]
        if self._close_time is not None:
            self._tasks.append(asyncio.create_task(self._close_dates(), name="day-close"))

    async def stop(self) -> None:
        """End what runs; a night that is not finished is run again at the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    async def _watch(self) -> None:
        """Wake the pairs that a change concerns."""
        async for logs in self._reader.changes():
            for partner in self._concerned(logs):
                self._due[partner].set()

    def _concerned(self, logs: Iterable[LogName]) -> set[str]:
        """Return the partners whose night may have become due: a registry log concerns all."""
        found: set[str] = set()
        for log in logs:
            if log.kind is LogKind.REGISTRY:
                return set(self._due)
            found.add(log.partner if log.author == self._province else log.author)
        return found & set(self._due)

    async def _run_pair(self, partner: str) -> None:
        due = self._due[partner]
        while True:
            await due.wait()
            due.clear()
            try:
                await self._nights.run_due(partner)
            except Unavailable as error:
                _log.info("night_postponed", partner=partner, reason=error.reason.wire)
                asyncio.get_running_loop().call_later(_RETRY_S, due.set)
            except DeltacareError as error:
                _log.error("night_refused", partner=partner, reason=error.reason.wire)
            except SQLAlchemyError:
                # What was due is due still: nothing else may change for long.
                _alarm.exception("night_failed", partner=partner)
                asyncio.get_running_loop().call_later(_RETRY_S, due.set)
            except Exception:  # noqa: BLE001 - one pair's bug must not end the others' nights
                _log.exception("night_failed", partner=partner)

    async def _close_dates(self) -> None:
        """Close what is due at the configured hour, and once at the start."""
        assert self._close_time is not None, "only started with an hour"
        principal = node_principal(self._province)
        while True:
            now = self._clock.now()
            wake = next_wake_time(now, self._close_time)
            try:
                await self._closer.close_due(principal, now)
            except Unavailable:
                wake = now + timedelta(seconds=_RETRY_S)
            except DeltacareError as error:
                _log.error("close_refused", reason=error.reason.wire)
            except SQLAlchemyError:
                _alarm.exception("close_failed")
                wake = now + timedelta(seconds=_RETRY_S)
            await self._sleep_until(wake)

    async def _sleep_until(self, wake: datetime) -> None:
        """Sleep in short steps: the clock may be set, and a suspended machine loses time."""
        left = wake - self._clock.now()
        while left > timedelta(0):
            await asyncio.sleep(min(left, _WAKE_MAX).total_seconds())
            left = wake - self._clock.now()
