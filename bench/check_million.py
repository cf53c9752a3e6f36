"""Checks with a million certificates of four provinces loaded, against an empty method.

Two workloads. In the first the certificates asked about are those of one province's homes: as many
as the node keeps in memory, drawn from the whole million; this is what a node answers all day, and
what the goal is for. In the second every certificate of the million is as likely, so that nearly
all are read from the database. Rates and the slowest hundredth are taken in the same rounds as
those of the empty method, which passes the same TLS, rights, limits and logging.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bench.check import _until
from bench.loaded import CERTIFICATES, HOST, number, serving
from bench.nodes import client
from clients.sdk.node import NodeClient
from deltacare.v1 import certification_service_pb2 as certification
from deltacare.v1.federation_service_pb2 import PingRequest

__all__ = ["run"]

GOAL_RATIO = 0.6
GOAL_P99_RATIO = 3.0
CALLERS = 32
CALLS = 20_000
ROUNDS = 5
WORKING_SET = 10_000
SEED = 20261122


async def _round(
    call: Callable[[int], Awaitable[Any]], serials: Sequence[int]
) -> tuple[float, float]:
    """Return calls a second over all callers, and the p99 in seconds."""
    left = iter(serials)
    durations: list[float] = []

    async def caller() -> None:
        for serial in left:
            begun = time.perf_counter()
            await call(serial)
            durations.append(time.perf_counter() - begun)

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    rate = len(durations) / (time.perf_counter() - start)
    return rate, statistics.quantiles(durations, n=100)[98]


async def _measure(node: NodeClient) -> dict[str, list[tuple[float, float]]]:
    chooser = random.Random(SEED)  # a workload, not a secret
    ping_request = PingRequest()

    async def check(serial: int) -> None:
        answer = await node.certification.CheckCertification(
            certification.CheckCertificationRequest(certificate_no=number(serial))
        )
        assert answer.verdict == certification.VERDICT_VALID, answer

    async def ping(_serial: int) -> None:
        await node.federation.Ping(ping_request)

    await _until(
        lambda: node.certification.CheckCertification(
            certification.CheckCertificationRequest(certificate_no=number(1))
        ),
        lambda answer: answer.verdict == certification.VERDICT_VALID,
    )
    homes = chooser.sample(range(CERTIFICATES), min(WORKING_SET, CERTIFICATES))
    calls = min(CALLS, 20 * CERTIFICATES)
    await _round(check, homes)
    await _round(ping, range(calls // 4))
    found: dict[str, list[tuple[float, float]]] = {"homes": [], "any": [], "ping": []}
    for _ in range(ROUNDS):
        found["homes"].append(await _round(check, chooser.choices(homes, k=calls)))
        found["ping"].append(await _round(ping, range(calls)))
        anybody = [chooser.randrange(CERTIFICATES) for _ in range(calls // 4)]
        found["any"].append(await _round(check, anybody))
    return found


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figures."""
    with serving() as running:

        async def all_of_it() -> dict[str, list[tuple[float, float]]]:
            async with client(running, HOST) as node:
                return await _measure(node)

        found = asyncio.run(all_of_it())
    rates = {name: statistics.median(rate for rate, _ in of) for name, of in found.items()}
    p99s = {name: statistics.median(p99 for _, p99 in of) for name, of in found.items()}

    def ratio(name: str, place: int) -> float:
        """Return the median over the rounds of a figure to that of the empty method."""
        pairs = zip(found[name], found["ping"], strict=True)
        return statistics.median(of[place] / empty[place] for of, empty in pairs)

    rate_ratio, p99_ratio = ratio("homes", 0), ratio("homes", 1)
    empty = f"empty method: {rates['ping']:,.0f}/s, p99 {p99s['ping'] * 1_000:.1f} ms"
    of = f"of {CERTIFICATES:,}"
    return {
        f"check {of}": {
            "value": round(rates["homes"]),
            "unit": "calls/s",
            "ratio": round(rate_ratio, 3),
            "baseline": empty,
            "goal": f"ratio >= {GOAL_RATIO}",
            "met": rate_ratio >= GOAL_RATIO,
        },
        f"check {of}, p99": {
            "value": round(p99s["homes"] * 1_000, 2),
            "unit": "ms",
            "ratio": round(p99_ratio, 2),
            "baseline": empty,
            "goal": f"ratio <= {GOAL_P99_RATIO}",
            "met": p99_ratio <= GOAL_P99_RATIO,
        },
        f"check {of}, any of them": {
            "value": round(rates["any"]),
            "unit": "calls/s",
            "ratio": round(ratio("any", 0), 3),
            "baseline": f"{empty}; p99 {p99s['any'] * 1_000:.1f} ms",
            "goal": None,
            "met": None,
        },
    }
