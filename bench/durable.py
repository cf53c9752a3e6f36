"""What a durable append costs with three partners that cosign, against one without any.

An append is one call that states one institution in the registry log, over mutual TLS, answered
once it is on disk in a signed tree. The author runs alone, then with its three partners, then alone
again, always under the same callers; with partners every entry must reach its quorum in the end.
All four nodes share this machine, so that the ratio holds the partners' own work as well.
"""

import asyncio
import itertools
import statistics
import time
import uuid
from typing import Any

from bench.nodes import client, configure, nodes, start
from clients.demo.processes import Nodes
from clients.demo.scenario import PROVINCES
from clients.sdk.node import NodeClient
from deltacare.v1.entry_pb2 import (
    INSTITUTION_STATE_OPERATING,
    OPERATION_MODE_PUBLIC_PRIVATE,
    Institution,
)
from deltacare.v1.log_service_pb2 import ListLogsRequest
from deltacare.v1.registry_service_pb2 import BatchUpsertInstitutionsRequest
from deltacare.v1.types_pb2 import Duty

__all__ = ["AUTHOR", "append", "busy", "quorum", "run"]

AUTHOR = "310000"
PARTNERS = tuple(province for province in PROVINCES if province != AUTHOR)
LOG = f"deltacare/{AUTHOR}/registry"
GOAL_RATIO = 3.0
CALLERS = 16
ROUNDS = 3
ROUND_S = 2.0
WAIT_S = 30
DUTY = Duty(maker="maker-1", reviewer="reviewer-1")

_serials = itertools.count(1)


async def append(node: NodeClient) -> int:
    """State an institution that was not stated before; return the size of the log over it."""
    serial = next(_serials)
    institution = Institution(
        institution_id=f"{AUTHOR}-{serial}",
        name=f"示例养老院{serial}",
        division_code="310105",
        approved_beds=100,
        operation_mode=OPERATION_MODE_PUBLIC_PRIVATE,
        state=INSTITUTION_STATE_OPERATING,
    )
    answer = await node.registry.BatchUpsertInstitutions(
        BatchUpsertInstitutionsRequest(
            request_id=str(uuid.uuid4()), duty=DUTY, institutions=[institution]
        )
    )
    return int(answer.appended.first_index + answer.appended.entry_count)


async def quorum(node: NodeClient, size: int) -> float:
    """Wait until so many entries of the author's log are under a quorum; return the seconds."""
    begun_s = time.perf_counter()
    while time.perf_counter() - begun_s < WAIT_S:
        answer = await node.log.ListLogs(ListLogsRequest())
        if any(item.log == LOG and item.quorum_size >= size for item in answer.logs):
            return time.perf_counter() - begun_s
        await asyncio.sleep(0.02)
    raise TimeoutError(f"{LOG} did not get a quorum over {size} entries in {WAIT_S} s")


async def busy(node: NodeClient, *, callers: int, duration_s: float) -> tuple[float, int]:
    """Append from callers who never wait; return appends a second and the size of the log."""
    sizes: list[int] = []
    begun_s = time.perf_counter()

    async def caller() -> None:
        while time.perf_counter() - begun_s < duration_s:
            sizes.append(await append(node))

    await asyncio.gather(*(caller() for _ in range(callers)))
    return len(sizes) / (time.perf_counter() - begun_s), max(sizes)


async def _rounds(running: Nodes, *, is_cosigned: bool) -> tuple[list[float], list[float]]:
    """Return the rates of some rounds, and how long each waited for its quorum in the end."""
    rates: list[float] = []
    waits: list[float] = []
    async with client(running, AUTHOR) as node:
        _, size = await busy(node, callers=CALLERS, duration_s=ROUND_S)
        if is_cosigned:
            await quorum(node, size)
        for _ in range(ROUNDS):
            rate, size = await busy(node, callers=CALLERS, duration_s=ROUND_S)
            rates.append(rate)
            if is_cosigned:
                waits.append(await quorum(node, size))
    return rates, waits


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figures."""
    with nodes(AUTHOR, write_unconfirmed=True) as running:
        alone, _ = asyncio.run(_rounds(running, is_cosigned=False))
        configure(running, PARTNERS, write_unconfirmed=True)
        start(running, PARTNERS)
        cosigned, waits = asyncio.run(_rounds(running, is_cosigned=True))
        for province in PARTNERS:
            running.kill(province)
        again, _ = asyncio.run(_rounds(running, is_cosigned=False))
    rate, bare = statistics.median(cosigned), statistics.median([*alone, *again])
    return {
        "durable_append_cosigned": {
            "value": round(1_000 / rate, 3),
            "unit": "ms each",
            "ratio": round(bare / rate, 2),
            "baseline": f"without partners: {1_000 / bare:.3f} ms each",
            "goal": f"ratio <= {GOAL_RATIO}",
            "met": bare / rate <= GOAL_RATIO,
        },
        "quorum_after_last_append": {
            "value": round(1_000 * statistics.median(waits)),
            "unit": "ms",
            "ratio": None,
            "baseline": None,
            "goal": None,
            "met": None,
        },
    }
