"""Duties that run beside the calls: one that breaks is reported and done again, never dropped."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

__all__ = ["attempt", "repeat"]

_alarm = structlog.get_logger("deltacare.alarm")


async def attempt(step: Callable[[], Awaitable[object]], *, what: str) -> None:
    """Do one step; whatever breaks it is logged, because nobody waits for its result."""
    try:
        await step()
    except Exception:  # noqa: BLE001 - the database, most likely; the duty must outlive it
        _alarm.exception("duty_failed", what=what)


async def repeat(step: Callable[[], Awaitable[object]], *, every_s: float, what: str) -> None:
    """Do a step again and again, until cancelled."""
    while True:
        await asyncio.sleep(every_s)
        await attempt(step, what=what)
