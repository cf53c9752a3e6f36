"""A roster of ten thousand people from the command line: file in, file out, one run of the program.

The certificates are Jiangsu's and are checked at Shanghai's node, by number and name. The time is
that of the whole process, the start of the interpreter included; the median of several runs.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import openpyxl

from bench.check import DUTY, HOST, ISSUER, _id, _prepare, _until
from bench.nodes import client, nodes
from clients.demo.processes import CLIENTS, Nodes
from clients.demo.scenario import PROVINCES
from deltacare.v1 import certification_service_pb2 as certification
from deltacare.v1 import entry_pb2 as entry

__all__ = ["run"]

GOAL_S = 5.0
ROWS = int(os.environ.get("DELTACARE_BENCH_ROSTER_ROWS", "10000"))
RUNS = 3
_BATCH = 1_000


def _number(serial: int) -> str:
    return f"320000-D{serial:06d}"


async def _issue(running: Nodes) -> None:
    """Issue what the roster names, and wait until it counts at the host."""
    await _prepare(running)
    async with client(running, ISSUER) as there, client(running, HOST) as here:
        for start in range(0, ROWS, _BATCH):
            await there.certification.IssueCertificates(
                certification.IssueCertificatesRequest(
                    request_id=_id(),
                    duty=DUTY,
                    certificates=[
                        certification.NewCertificate(
                            certificate=entry.Certificate(
                                certificate_no=_number(serial),
                                subject=entry.CERTIFICATE_SUBJECT_CAREGIVER,
                                scheme="CAREGIVER_LEVEL",
                                grade="三级",
                                valid_from_date="2024-01-01",
                                valid_until_date="2027-12-31",
                            ),
                            holder_name=f"样本{serial}",
                        )
                        for serial in range(start, min(ROWS, start + _BATCH))
                    ],
                )
            )
        await _until(
            lambda: here.certification.CheckCertification(
                certification.CheckCertificationRequest(certificate_no=_number(ROWS - 1))
            ),
            lambda answer: answer.verdict == certification.VERDICT_VALID,
        )


def _write(path: Path) -> None:
    """Write the roster as a clerk's workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("花名册")
    sheet.append(["序号", "姓名", "证书编号", "班次", "入职日期"])
    for serial in range(ROWS):
        sheet.append([serial + 1, f"样本{serial}", _number(serial), "夜班", "2025-03-01"])
    book.save(path)


def _run(running: Nodes, roster: Path, out: Path) -> float:
    """Return the seconds of one run of the program."""
    begun = time.perf_counter()
    done = subprocess.run(  # our own interpreter and module
        [
            *(sys.executable, "-m", "clients.cli", "cert", "check"),
            *("--roster", str(roster), "--out", str(out), "--json"),
            *("--as", str(running.node_directory(HOST) / CLIENTS)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    taken_s = time.perf_counter() - begun
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2_000:]
    return taken_s


def run() -> dict[str, dict[str, Any]]:
    """Measure and return the figure."""
    with nodes(*PROVINCES) as running, tempfile.TemporaryDirectory() as temporary:
        asyncio.run(_issue(running))
        roster = Path(temporary) / "roster.xlsx"
        _write(roster)
        times = [
            _run(running, roster, Path(temporary) / f"verdicts-{turn}.xlsx") for turn in range(RUNS)
        ]
    taken_s = statistics.median(times)
    return {
        f"roster of {ROWS:,} rows": {
            "value": round(taken_s, 2),
            "unit": "s",
            "ratio": None,
            "baseline": f"{ROWS / taken_s:,.0f} rows/s; first run {times[0]:.2f} s",
            "goal": f"< {GOAL_S} s",
            "met": taken_s < GOAL_S,
        }
    }
