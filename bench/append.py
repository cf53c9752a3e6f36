"""Records accepted, durable, in a signed tree: into one SQLite node, through streamed batches.

The client is this process and the node another, over mutual TLS. Three streams, one to each
partner's log, send batches of 1,000; a record counts once its batch is answered. The baseline puts
the same number of records into a bare SQLite table, one durable transaction for each 1,000.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bench.nodes import client, nodes
from clients.demo.processes import Nodes
from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.settlement_service_pb2 import FileRecordsRequest
from deltacare.v1.types_pb2 import Duty

__all__ = ["batches", "file", "run"]

GOAL_PER_S = 20_000
ROUNDS = 3
BATCH = 1_000
BATCHES_PER_PARTNER = 40
AUTHOR = "310000"
PARTNERS = ("320000", "330000", "340000")
UNANSWERED_MAX = 6


def batches(
    partner: str, count: int, *, tag: str, host: str = "310000"
) -> list[FileRecordsRequest]:
    """Make batches of records that ``host`` files with a partner, all of them plausible."""
    made = []
    for number in range(count):
        request = FileRecordsRequest(
            request_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{tag}/{partner}/{number}")),
            duty=Duty(maker="maker-1", reviewer="reviewer-1"),
            partner=partner,
        )
        for position in range(BATCH):
            serial = number * BATCH + position
            request.records.append(
                SettlementRecord(
                    settlement_no=f"{tag}-{partner}-{serial:08d}",
                    home=partner,
                    host=host,
                    beneficiary_ref=f"{serial % 50_000:032x}",
                    institution=f"{host}-{serial % 600 + 1}",
                    subsidy_kind="CARE_BED",
                    service_month="2026-10",
                    service_days=serial % 28 + 1,
                    amount_fen=4_500 * (serial % 28 + 1),
                    caregiver_cert_no=f"{host}-C{serial % 2_000:06d}",
                )
            )
        made.append(request)
    return made


async def file(running: Nodes, province: str, requests: list[FileRecordsRequest]) -> None:
    """Send batches on one stream, a few ahead of their answers, and wait for all answers."""
    window = asyncio.Semaphore(UNANSWERED_MAX)

    async def ahead() -> AsyncIterator[FileRecordsRequest]:
        for request in requests:
            await window.acquire()
            yield request

    async with client(running, province) as author:
        answered = 0
        async for answer in author.settlement.FileRecords(ahead(), timeout=120):
            assert not answer.refusal_reason, answer
            answered += 1
            window.release()
        assert len(requests) == answered


def _bare(count: int) -> float:
    """Return how long SQLite takes for as many bare rows, durable in the same steps."""
    with tempfile.TemporaryDirectory() as temporary:
        connection = sqlite3.connect(Path(temporary) / "bare.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE record (no TEXT PRIMARY KEY, a, b, c, d, e, f, g, h, i)")
        rows = [(f"n-{n:09d}", "h", "h", "b" * 32, "i", "k", "m", 1, n, "c") for n in range(count)]
        start = time.perf_counter()
        for first in range(0, count, BATCH):
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(
                "INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?)", rows[first : first + BATCH]
            )
            connection.execute("COMMIT")
        took = time.perf_counter() - start
        connection.close()
    return took


async def _round(running: Nodes, number: int) -> float:
    made = [batches(partner, BATCHES_PER_PARTNER, tag=f"r{number}") for partner in PARTNERS]
    start = time.perf_counter()
    await asyncio.gather(*(file(running, AUTHOR, requests) for requests in made))
    return time.perf_counter() - start


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""
    count = BATCHES_PER_PARTNER * BATCH * len(PARTNERS)
    with nodes(AUTHOR, write_unconfirmed=True) as running:
        took = [asyncio.run(_round(running, number)) for number in range(ROUNDS)]
    rate = count / statistics.median(took)
    bare = count / statistics.median(_bare(count) for _ in range(ROUNDS))
    return {
        "append_records": {
            "value": round(rate),
            "unit": "records/s",
            "ratio": round(rate / bare, 3),
            "baseline": f"bare SQLite rows, durable by 1,000: {bare:,.0f}/s",
            "goal": f">= {GOAL_PER_S:,}/s",
            "met": rate >= GOAL_PER_S,
        }
    }
