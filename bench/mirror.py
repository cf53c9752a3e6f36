"""Mirroring with verification and projection: 100,000 entries of a partner.

The partner was killed while the records were filed; the clock runs from its first answer until it
holds, verified and projected, all that the author has.
"""

import asyncio
import statistics
import time
from typing import Any

from bench.append import batches, file
from bench.nodes import client, nodes, start
from clients.demo.processes import Nodes
from deltacare.v1.log_service_pb2 import ListLogsRequest

__all__ = ["run"]

AUTHOR, PARTNER = "310000", "320000"
ENTRIES = 100_000
GOAL_S = 5.0
ROUNDS = 3
POLL_INTERVAL_S = 0.02
WAIT_S = 60


async def _size(running: Nodes, province: str, log: str) -> int:
    async with client(running, province) as node:
        answer = await node.log.ListLogs(ListLogsRequest())
    return next((int(item.verified_size) for item in answer.logs if item.log == log), 0)


async def _catch_up(running: Nodes, province: str, log: str, size: int) -> float:
    """Return the seconds from the first answer until the log is held."""
    async with client(running, province) as node:
        begun_s = time.perf_counter()
        while time.perf_counter() - begun_s < WAIT_S:
            answer = await node.log.ListLogs(ListLogsRequest())
            if any(item.log == log and item.verified_size >= size for item in answer.logs):
                return time.perf_counter() - begun_s
            await asyncio.sleep(POLL_INTERVAL_S)
    raise TimeoutError(f"{log} did not reach {size} entries in {WAIT_S} s")


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""
    log = f"deltacare/{AUTHOR}/settlement/{PARTNER}"
    took = []
    with nodes(AUTHOR, PARTNER, write_unconfirmed=True) as running:
        for number in range(ROUNDS):
            running.kill(PARTNER)
            requests = batches(PARTNER, ENTRIES // 1_000, tag=f"m{number}")
            asyncio.run(file(running, AUTHOR, requests))
            size = asyncio.run(_size(running, AUTHOR, log))
            start(running, [PARTNER])
            took.append(asyncio.run(_catch_up(running, PARTNER, log, size)))
    seconds = statistics.median(took)
    return {
        "mirror_100k_entries": {
            "value": round(seconds, 2),
            "unit": "s",
            "ratio": None,
            "baseline": f"{ENTRIES / seconds:,.0f} entries/s",
            "goal": f"<= {GOAL_S} s",
            "met": seconds <= GOAL_S,
        }
    }
