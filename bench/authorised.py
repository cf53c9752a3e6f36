"""A call over mutual TLS with authorisation against a bare call over the same mutual TLS.

The call is the empty ``Ping``, so that what it costs is the way in: the caller from its
certificate, the rights table, limits, deadlines and the log. The bare one is answered by a gRPC
server that knows no more than the method (``bench.bare``). Both are processes of their own, called
by the same client through the same number of callers, in turn, several rounds.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.nodes import client, nodes
from clients.sdk.credentials import Credentials
from clients.sdk.node import NodeClient
from deltacare.ids import Principal
from deltacare.v1.federation_service_pb2 import PingRequest
from server.certificates import issue_client, issue_node, new_ca

__all__ = ["run"]

HOST = "310000"
GOAL_RATIO = 2.0
CALLERS = 32
CALLS = 5_000
ROUNDS = 5
START_S = 20


@contextmanager
def bare() -> Iterator[NodeClient]:
    """Run the bare server on certificates of its own, and yield a client of it."""
    now = datetime.now(UTC)
    ca = new_ca(HOST, now=now)
    node = issue_node(ca, HOST, hosts=("127.0.0.1",), now=now)
    caller = issue_client(ca, Principal(province=HOST, role="system", opaque_id="bench"), now=now)
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        for name, data in (
            ("node.crt", node.certificate_pem),
            ("node.key", node.key_pem),
            ("ca.crt", ca.certificate_pem),
        ):
            (directory / name).write_bytes(data)
        with subprocess.Popen(
            [sys.executable, "-m", "bench.bare", temporary], stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                port = int(process.stdout.readline())
                yield NodeClient(
                    endpoint=f"127.0.0.1:{port}",
                    credentials=Credentials(
                        province=HOST,
                        ca_pem=ca.certificate_pem,
                        certificate_pem=caller.certificate_pem,
                        key_pem=caller.key_pem,
                    ),
                )
            finally:
                process.terminate()


async def _rate(node: NodeClient) -> float:
    """Return calls a second over all callers."""
    turns = iter(range(CALLS))
    request = PingRequest()

    async def caller() -> None:
        for _ in turns:
            await node.federation.Ping(request)

    start = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    return CALLS / (time.perf_counter() - start)


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""

    async def all_of_it() -> list[tuple[float, float]]:
        with bare() as unguarded:
            async with unguarded, client(running, HOST) as guarded:
                await _rate(guarded)
                await _rate(unguarded)
                return [(await _rate(guarded), await _rate(unguarded)) for _ in range(ROUNDS)]

    with nodes(HOST, write_unconfirmed=True) as running:
        rounds = asyncio.run(all_of_it())
    guarded = statistics.median(rate for rate, _ in rounds)
    unguarded = statistics.median(rate for _, rate in rounds)
    ratio = statistics.median(without / with_ for with_, without in rounds)
    return {
        "call_authorised": {
            "value": round(1_000_000 / guarded),
            "unit": "us each",
            "ratio": round(ratio, 2),
            "baseline": f"bare call: {1_000_000 / unguarded:,.0f} us each",
            "goal": f"ratio <= {GOAL_RATIO}",
            "met": ratio <= GOAL_RATIO,
        }
    }
