"""Mirroring with verification and projection: 100,000 entries of a partner.

The partner was stopped while the records were filed; the clock runs from its first answer until it
holds, verified and projected, all that the author has.
"""

import asyncio
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from deltacare.v1.log_service_pb2 import ListLogsRequest

from bench.append import batches, file
from bench.nodes import UNLIMITED, BenchNode, nodes

__all__ = ["run"]

ENTRIES = 100_000
GOAL_S = 5.0
ROUNDS = 3
POLL_INTERVAL_S = 0.02
WAIT_S = 60


async def _size(node: BenchNode, log: str) -> int:
    async with node.client() as client:
        answer = await client.log.ListLogs(ListLogsRequest())
    return next((int(item.verified_size) for item in answer.logs if item.log == log), 0)


async def _catch_up(node: BenchNode, log: str, size: int) -> float:
    """Return the seconds from the first answer until the log is held."""
    async with node.client() as client:
        start = time.perf_counter()
        while time.perf_counter() - start < WAIT_S:
            answer = await client.log.ListLogs(ListLogsRequest())
            if any(item.log == log and item.verified_size >= size for item in answer.logs):
                return time.perf_counter() - start
            await asyncio.sleep(POLL_INTERVAL_S)
    raise TimeoutError(f"{log} did not reach {size} entries in {WAIT_S} s")


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""
    opening = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    settings = {"write_unconfirmed": "true", **UNLIMITED}
    log = "deltacare/310000/settlement/320000"
    took = []
    with nodes("310000", "320000", opening_date=opening, settings=settings) as running:
        author, partner = running["310000"], running["320000"]
        for number in range(ROUNDS):
            partner.stop()
            asyncio.run(file(author, batches("320000", ENTRIES // 1_000, tag=f"m{number}")))
            size = asyncio.run(_size(author, log))
            partner.start()
            took.append(asyncio.run(_catch_up(partner, log, size)))
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
