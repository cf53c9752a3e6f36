"""One night of 4.4 million records a side: from both closes to the signed pair result.

The fund platform of one province published some 4.4 million payments in all its years; here they
are one night of one pair. Agreements, listings, certificates, policies, enrolments of the first
elders and both closes are real entries, appended, mirrored and cosigned; the rest are rows written
into the projection of both nodes as their entries would have left them, below the real ones, with
what was cleared before and holds. Then each node's half runs alone, through the code that runs
every night: it reads its database, asks every register, keeps the lines, and appends its signed
result. The slower half counts; its cost a record is in seconds of the processors, which others at
work on the machine disturb least. One settlement in a hundred is discrepant, of every kind. All are
generated.

``DELTACARE_BENCH_NIGHT`` names other numbers of records a side, separated by commas; the cost for
each record of the last is shown against that of the first (20,000,000 take some 25 GB of disk).
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deltacare.v1.clearing_service_pb2 import PAIR_NIGHT_STATE_AGREED, PairNight
from server.settlement.nights import PairNights
from tests.server.settlement.world import CERTIFICATE, HOME, HOST, INSTITUTION, World, day

__all__ = ["run"]

SIZES = tuple(int(each) for each in os.environ.get("DELTACARE_BENCH_NIGHT", "4400000").split(","))
GOAL_S = 60.0
GOAL_GB = 4.0
GOAL_GROWTH = 1.15
_PER_ELDER = 20  # ten months of two kinds
_FIRST_ELDER = 1_000_000
_EVERY_CLEARED = 50

# Numbers below zero are free: what is appended is counted from nought.
_ROWS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO settlement_record
  (author, partner, idx, filed_date, settlement_no, home, host, beneficiary_ref, institution,
   subsidy_kind, service_month, service_days, amount_fen, caregiver_cert_no, computation_version,
   home_division)
SELECT :author, :partner, i - :count, :filed_date, printf('S%012d', i), :home, :host,
  printf('%032x', i / 20 + :elder), :institution,
  CASE i % 2 WHEN 0 THEN 'CARE_BED' ELSE 'CARE_VISIT' END,
  printf('2026-%02d', i / 2 % 10 + 1), 14,
  14000 + CASE WHEN :author = :host AND i % 500 = 7 THEN 1 ELSE 0 END,
  CASE WHEN i % 2 = 1 OR (:author = :host AND i % 1000 = 12) THEN :certificate ELSE '' END,
  0, CASE WHEN :author = :home THEN '320106' END
FROM n
WHERE NOT (:author = :home AND i % 1000 = 33) AND NOT (:author = :host AND i % 1000 = 44)
"""
_ENROLMENTS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)
INSERT INTO settlement_enrolment
  (author, partner, idx, filed_date, enrolment_id, beneficiary_ref, home_division, subsidy_kinds,
   assessment_scheme, assessment_grade, from_date, until_date, assessment_until_date)
SELECT :home, :host, i - :count, :filed_date, printf('L%d', i), printf('%032x', i + :elder),
  '320106', 'CARE_BED CARE_VISIT', '', '', '2026-01-01', '', ''
FROM n WHERE i % 700 <> 5
"""
_CLEARED = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count / :every)
INSERT INTO settlement_cleared
  (home, host, settlement_no, beneficiary_ref, institution, subsidy_kind, service_month,
   service_days, amount_fen, caregiver_cert_no, cleared_date)
SELECT :home, :host, printf('E%012d', i), printf('%032x', i + :elder), :institution, 'CARE_BED',
  '2026-01', 14, 14000, '', '2026-10-31'
FROM n
"""
_HOLDS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count / 2000)
INSERT INTO settlement_hold
  (author, partner, idx, filed_date, settlement_no, hold_class, reason)
SELECT :home, :host, -1 - i, :filed_date, printf('S%012d', i * 2000 + 3), 1, 'CHECK' FROM n
"""


def _load(path: Path, count: int) -> None:
    """Write the rows of one night into a node's database."""
    values = {
        "count": count,
        "elder": _FIRST_ELDER,
        "every": _EVERY_CLEARED,
        "filed_date": day(1),
        "home": HOME,
        "host": HOST,
        "institution": INSTITUTION,
        "certificate": CERTIFICATE,
    }
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    connection.execute("BEGIN IMMEDIATE")
    for author, partner in ((HOME, HOST), (HOST, HOME)):
        connection.execute(_ROWS, {**values, "author": author, "partner": partner})
    connection.execute(_ENROLMENTS, {**values, "count": -(-count // _PER_ELDER)})
    connection.execute(_CLEARED, values)
    connection.execute(_HOLDS, values)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _forget_peak() -> None:
    """Let the kernel begin anew to note the most memory that this process held."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak_gb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    line = next(each for each in lines if each.startswith("VmHWM:"))
    return int(line.split()[1]) * 1_024 / 1e9


async def _half(nights: PairNights, partner: str) -> tuple[float, float, float]:
    """Return wall seconds, processor seconds and memory of a half: looking, computing, stating."""
    _forget_peak()
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    positions = nights.positions()
    due = await nights._database.read(lambda c: nights._look(c, partner, positions))  # noqa: SLF001 - one step of `run_due`
    stated = await nights._step(partner, due, retry_diverged=False)  # type: ignore[arg-type]  # noqa: SLF001 - as above
    took_s, took_cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    assert isinstance(stated, PairNight), f"nothing was stated: {due}"
    return took_s, took_cpu_s, _peak_gb()


async def _night(count: int) -> tuple[tuple[float, float, float], float]:
    """Return what the slower half took, and the seconds of the other."""
    with tempfile.TemporaryDirectory(prefix="deltacare-bench-") as folder:
        async with World.open(Path(folder)) as world:
            await world.facts(elders=100)
            await world.both(*(world.record(f"R{number}", number) for number in range(100)))
            begun_s = time.perf_counter()
            for province in (HOME, HOST):
                await asyncio.to_thread(_load, Path(folder, f"{province}.db"), count)
            print(f"… loaded in {time.perf_counter() - begun_s:,.0f} s", file=sys.stderr)
            await world.close(1)
            halves = [
                await _half(world[province].nights, partner)
                for province, partner in ((HOME, HOST), (HOST, HOME))
            ]
            await world.settled()
            night = await world.pair_night(HOME, 1)
            assert night.state == PAIR_NIGHT_STATE_AGREED, "both come to the same"
    slower, other = sorted(halves, reverse=True)
    return (slower[0], slower[1], max(slower[2], other[2])), other[0]


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figures."""
    figures: dict[str, dict[str, Any]] = {}
    costs_us: list[float] = []
    for count in SIZES:
        (slower_s, cpu_s, peak_gb), other_s = asyncio.run(_night(count))
        costs_us.append(cpu_s / count * 1e6)
        is_goal = count >= 4_400_000
        figures[f"night of {count:,} records a side"] = {
            "value": round(slower_s, 1),
            "unit": "s",
            "ratio": None,
            "baseline": (
                f"the other half: {other_s:.1f} s; processor: {cpu_s:.1f} s, "
                f"{costs_us[-1]:.1f} us a record"
            ),
            "goal": f"< {GOAL_S:.0f} s" if is_goal else None,
            "met": slower_s < GOAL_S * count / 4_400_000 if is_goal else None,
        }
        figures[f"night of {count:,} records a side, memory"] = {
            "value": round(peak_gb, 2),
            "unit": "GB",
            "ratio": None,
            "baseline": None,
            "goal": f"< {GOAL_GB:.0f} GB",
            "met": peak_gb < GOAL_GB,
        }
    if len(SIZES) > 1:
        growth = costs_us[-1] / costs_us[0]
        figures[f"night, cost a record of {SIZES[-1]:,} to {SIZES[0]:,}"] = {
            "value": round(costs_us[-1], 2),
            "unit": "us",
            "ratio": round(growth, 3),
            "baseline": f"{costs_us[0]:.2f} us",
            "goal": f"ratio <= {GOAL_GROWTH}",
            "met": growth <= GOAL_GROWTH,
        }
    return figures
