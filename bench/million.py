"""What a node with a million certificates takes: memory, and time from its start to serving.

Its memory is the most that the process ever held (VmHWM of Linux), from its start through checks of
certificates all over the four logs, more of them than it keeps in memory.
"""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

from bench.loaded import CERTIFICATES, HOST, number, serving
from bench.nodes import client
from clients.demo.processes import Nodes
from deltacare.v1 import certification_service_pb2 as certification

__all__ = ["run"]

GOAL_GB = 1.5
GOAL_START_S = 10.0
CHECKS = 50_000
CALLERS = 32
SEED = 20261122


def _memory_gb(running: Nodes) -> float:
    """Return the most memory that the host's node ever held."""
    pid = running._running[HOST].process.pid  # noqa: SLF001  # nobody else needs it
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1_024 / 1e9


async def _check(running: Nodes) -> None:
    """Ask about certificates all over."""
    chooser = random.Random(SEED)  # a workload, not a secret
    left = iter(chooser.choices(range(CERTIFICATES), k=min(CHECKS, CERTIFICATES)))
    async with client(running, HOST) as node:

        async def caller() -> None:
            for serial in left:
                await node.certification.CheckCertification(
                    certification.CheckCertificationRequest(certificate_no=number(serial))
                )

        await asyncio.gather(*(caller() for _ in range(CALLERS)))


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figures."""
    with serving() as running:
        # The others stay: a node that starts asks its partners first.
        running.kill(HOST)
        begun = time.perf_counter()
        asyncio.run(running.start(HOST))
        start_s = time.perf_counter() - begun
        asyncio.run(_check(running))
        memory_gb = _memory_gb(running)
    return {
        f"node with {CERTIFICATES:,} certificates, memory": {
            "value": round(memory_gb, 3),
            "unit": "GB",
            "ratio": None,
            "baseline": None,
            "goal": f"< {GOAL_GB} GB",
            "met": memory_gb < GOAL_GB,
        },
        f"node with {CERTIFICATES:,} certificates, start": {
            "value": round(start_s, 2),
            "unit": "s",
            "ratio": None,
            "baseline": None,
            "goal": f"< {GOAL_START_S} s",
            "met": start_s < GOAL_START_S,
        },
    }
