"""Whether appends stall when checkpoints are signed and cosigned: the tail at half of the load.

The highest load is what callers reach who always have a call running. Then calls come at half of
that rate, on time whatever became of those before, and each is timed from when it was due. What the
disk itself does is measured in the same run: writes of a page, each forced to disk. Three rounds of
the three, because machines are noisy; the median round counts. All four nodes run, so that every
second brings checkpoints, cosignatures and mirrors.
"""

import asyncio
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.durable import AUTHOR, append, busy, quorum
from bench.nodes import client, nodes
from clients.demo.scenario import PROVINCES
from clients.sdk.node import NodeClient

__all__ = ["run"]

GOAL_TO_MEDIAN = 3.0
GOAL_TO_FSYNC = 1.5
CALLERS = 32
ROUNDS = 3
LOAD_S = 3.0
STEADY_S = 7.0
FSYNC_S = 1.0
PAGE = b"\0" * 4_096


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of all values lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def fsyncs(directory: Path) -> list[float]:
    """Return the seconds that each of many small durable writes takes on a disk."""
    took = []
    path = directory / "bare"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        end_s = time.perf_counter() + FSYNC_S
        while (begun_s := time.perf_counter()) < end_s:
            os.write(descriptor, PAGE)
            os.fsync(descriptor)
            took.append(time.perf_counter() - begun_s)
    finally:
        os.close(descriptor)
        path.unlink()
    return took


async def steady(node: NodeClient, rate: float) -> tuple[list[float], int]:
    """Return how long each append took from when it was due, at a rate, and the log's size."""
    took: list[float] = []
    sizes: list[int] = []
    running: set[asyncio.Task[None]] = set()

    async def one(due_s: float) -> None:
        sizes.append(await append(node))
        took.append(time.perf_counter() - due_s)

    begun_s = time.perf_counter()
    for number in range(int(rate * STEADY_S)):
        due_s = begun_s + number / rate
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        task = asyncio.create_task(one(due_s))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    return took, max(sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round measured, in seconds and appends a second."""

    rate: float
    p50_s: float
    p99_s: float
    fsync_p99_s: float


async def one_round(node: NodeClient, directory: Path) -> Round:
    """Measure the highest load, the tail at half of it, and the disk."""
    rate, _ = await busy(node, callers=CALLERS, duration_s=LOAD_S)
    took, size = await steady(node, rate / 2)
    await quorum(node, size)
    return Round(
        rate=rate,
        p50_s=statistics.median(took),
        p99_s=percentile(took, 0.99),
        fsync_p99_s=percentile(await asyncio.to_thread(fsyncs, directory), 0.99),
    )


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""

    async def all_of_it(directory: Path) -> list[Round]:
        async with client(running, AUTHOR) as node:
            await busy(node, callers=CALLERS, duration_s=LOAD_S)
            return [await one_round(node, directory) for _ in range(ROUNDS)]

    with (
        tempfile.TemporaryDirectory() as temporary,
        nodes(*PROVINCES, write_unconfirmed=True) as running,
    ):
        rounds = asyncio.run(all_of_it(Path(temporary)))
    one = sorted(rounds, key=lambda each: each.p99_s / each.p50_s)[ROUNDS // 2]
    return {
        "append_p99_at_half_load": {
            "value": round(1_000 * one.p99_s, 2),
            "unit": "ms",
            "ratio": round(one.p99_s / one.p50_s, 2),
            "baseline": f"p50 {1_000 * one.p50_s:.2f} ms at {one.rate / 2:,.0f}/s; "
            f"fsync p99 {1_000 * one.fsync_p99_s:.2f} ms",
            "goal": f"ratio <= {GOAL_TO_MEDIAN}, or p99 <= {GOAL_TO_FSYNC} x fsync p99",
            "met": one.p99_s <= GOAL_TO_MEDIAN * one.p50_s
            or one.p99_s <= GOAL_TO_FSYNC * one.fsync_p99_s,
        }
    }
