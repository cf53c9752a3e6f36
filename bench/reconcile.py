"""Measures `settle reconcile` on a million lines a side against Polars and datacompy.

Each contender is a whole process, from starting Python over reading both CSV files to its result:
Polars reads and does nothing but the join; datacompy, on Polars, compares column by column, as a
finance analyst would; ours classifies every line and computes the digest. The runs take turns, and
the median of three counts. The files are made with a fixed seed in a temporary folder, in no order,
and nothing in them is real. It measures and reports; it does not fail when a goal is missed.

What limits ours: a digest needs the lines sorted and written out, 280 MB of text that the bare join
does not make (sorting and writing take as long as the join), and the memory for it is faulted in
page by page. Files that are already in the order of their numbers take a quarter less.
"""

import importlib.util
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["main", "run"]

LINES = 1_000_000
ROUNDS = 3
SEED = 20251122
PROVINCES = ("31", "32", "33", "34")

GOAL_TO_JOIN = 1.5
GOAL_TO_DATACOMPY = 0.7
GOAL_PEAK_BYTES = 1_500_000_000

HEADER = (
    "settlement_no,home,host,beneficiary_ref,institution,subsidy_kind,service_month,"
    "service_days,amount_fen,caregiver_cert_no\n"
)

OURS = """
import sys
from settlement.reconcile import reconcile
result = reconcile(sys.argv[1], sys.argv[2])
assert sum(result.counts.values()) > 1_000_000
"""

BARE_JOIN = """
import sys
import polars
home, host = (polars.read_csv(path) for path in sys.argv[1:3])
joined = home.join(host, on=["home", "host", "settlement_no"], how="full")
assert joined.height > 1_000_000
"""

DATACOMPY = """
import sys
import polars
from datacompy import PolarsCompare
home, host = (polars.read_csv(path) for path in sys.argv[1:3])
compared = PolarsCompare(home, host, join_columns=["home", "host", "settlement_no"])
assert not compared.matches()
"""


def run() -> dict[str, dict[str, Any]]:
    """Return the figures by name: value, unit, ratio, baseline, goal and whether it is met."""
    for library in ("polars", "datacompy"):
        if importlib.util.find_spec(library) is None:
            raise SystemExit(f"{library} is missing: pip install 'deltacare[bench]'")
    with _files() as (home, host):
        programs = {"ours": OURS, "join": BARE_JOIN, "datacompy": DATACOMPY}
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        peak_bytes = 0
        for _ in range(ROUNDS):
            for name, program in programs.items():
                elapsed, peak = _measured(program, home, host)
                seconds[name].append(elapsed)
                if name == "ours":
                    peak_bytes = max(peak_bytes, peak)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "reconcile, to Polars' bare join": _figure(median["ours"], median["join"], GOAL_TO_JOIN),
        "reconcile, to datacompy": _figure(median["ours"], median["datacompy"], GOAL_TO_DATACOMPY),
        "reconcile, peak memory": {
            "value": round(peak_bytes / 10**9, 2),
            "unit": "GB",
            "ratio": None,
            "baseline": None,
            "goal": GOAL_PEAK_BYTES / 10**9,
            "met": peak_bytes < GOAL_PEAK_BYTES,
        },
    }


def main() -> None:
    """Print the figures."""
    for name, figure in run().items():
        ratio = "" if figure["ratio"] is None else f"ratio {figure['ratio']:.2f}, "
        baseline = "" if figure["baseline"] is None else f"baseline {figure['baseline']:.2f}, "
        print(
            f"{name}: {figure['value']} {figure['unit']} "
            f"({baseline}{ratio}goal {figure['goal']}, {'met' if figure['met'] else 'missed'})"
        )


def _figure(value_s: float, baseline_s: float, goal: float) -> dict[str, Any]:
    """Return a figure that is a ratio of two times."""
    ratio = value_s / baseline_s
    return {
        "value": round(value_s, 2),
        "unit": "s",
        "ratio": round(ratio, 2),
        "baseline": round(baseline_s, 2),
        "goal": goal,
        "met": ratio < goal,
    }


def _measured(program: str, home: Path, host: Path) -> tuple[float, int]:
    """Return wall seconds and peak bytes of a whole process."""
    start_s = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program, str(home), str(host)])
    _, status, usage = os.wait4(process.pid, 0)
    elapsed_s = time.perf_counter() - start_s
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a contender failed with {process.returncode}")
    return elapsed_s, usage.ru_maxrss * 1024


@contextmanager
def _files() -> Iterator[tuple[Path, Path]]:
    """Yield the paths of both files, which are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="deltacare-bench-") as folder:
        paths = Path(folder, "home.csv"), Path(folder, "host.csv")
        for path, rows in zip(paths, _books(), strict=True):
            with path.open("w", encoding="utf-8") as file:
                file.write(HEADER)
                file.writelines(rows)
        yield paths


def _books() -> tuple[list[str], list[str]]:
    """Return the rows of both sides: equal but for about one in a hundred, in no order."""
    rng = random.Random(SEED)
    home: list[str] = []
    host: list[str] = []
    for number in range(LINES):
        payer, payee = rng.sample(PROVINCES, 2)
        key = f"S{payee}{number:012d}"
        place = f"{payer}0000,{payee}0000,{rng.getrandbits(128):032x},{payee}0000-{number % 600}"
        claim = f"CARE_BED,2025-{number % 12 + 1:02d},{number % 28 + 1}"
        fen, caregiver = rng.randint(100, 500_000), f"{payee}0000-C{number % 90_000:08d}"
        row = f"{key},{place},{claim},{fen},{caregiver}\n"
        other = row
        match rng.randrange(1_000):
            case 0:
                other = f"{key},{place},{claim},{fen + 1},{caregiver}\n"
            case 1:
                other = f"{key},{place},{claim},{fen},\n"
            case 2:
                home.append(row)
            case 3:
                twin = f"{key}-B,{place},{claim},{fen},{caregiver}\n"
                home.append(twin)
                host.append(twin)
            case 4:
                host.append(f"{number},{place},{claim},{fen - 1},{caregiver}\n")
            case 5:
                home.append(f"{number},{place},{claim},{fen + 1},{caregiver}\n")
        home.append(row)
        host.append(other)
    rng.shuffle(home)
    rng.shuffle(host)
    return home, host


if __name__ == "__main__":
    main()
