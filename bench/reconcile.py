"""Measures `settle reconcile` on a million lines a side against what others do with the same files.

Each contender is a whole process, from starting Python over reading both CSV files to its result:
Polars reads and does nothing but the join; pandas merges; datacompy, on Polars, compares column by
column, as a finance analyst would; reladiff compares two tables of one DuckDB file, as a data
engineer would, without its check that keys are unique; ours classifies every line and computes the
digest. The runs take turns, and the median of three counts. Then each says how many lines of six
match where two are filed twice. The files are made with a fixed seed in a temporary folder, in no
order, and nothing in them is real. It measures and reports; it does not fail when a goal is missed.

What limits ours: a digest needs the lines sorted and written out, 280 MB of text that the bare join
does not make, and both files are checked to the last byte. Rows that equal the other side's are
written from the files' own bytes; the engine sees only the others.
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

GOAL_TO_JOIN = 1.0
GOAL_TO_DATACOMPY = 0.5
GOAL_PEAK_BYTES = 1_500_000_000

HEADER = (
    "settlement_no,home,host,beneficiary_ref,institution,subsidy_kind,service_month,"
    "service_days,amount_fen,caregiver_cert_no\n"
)

OURS = """
import sys
from settlement.reconcile import reconcile
result = reconcile(sys.argv[1], sys.argv[2])
print(result.counts["MATCHED"])
"""

BARE_JOIN = """
import sys
import polars
home, host = (polars.read_csv(path) for path in sys.argv[1:3])
joined = home.join(host, on=["home", "host", "settlement_no"], how="full")
print(joined.height - joined["home"].null_count() - joined["home_right"].null_count())
"""

PANDAS = """
import sys
import pandas
home, host = (pandas.read_csv(path) for path in sys.argv[1:3])
keys = ["home", "host", "settlement_no"]
merged = home.merge(host, on=keys, how="outer", suffixes=("", "_host"), indicator=True)
print((merged["_merge"] == "both").sum())
"""

DATACOMPY = """
import sys
import polars
from datacompy import PolarsCompare
home, host = (polars.read_csv(path) for path in sys.argv[1:3])
compared = PolarsCompare(home, host, join_columns=["home", "host", "settlement_no"])
compared.matches()
print(len(compared.intersect_rows))
"""

RELADIFF = """
import os, sys, tempfile
import duckdb, reladiff
columns = ("beneficiary_ref", "institution", "subsidy_kind", "service_month", "service_days",
           "amount_fen", "caregiver_cert_no")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "tables.duckdb")
    connection = duckdb.connect(path)
    count = 0
    for name, file in zip(("home", "host"), sys.argv[1:3]):
        connection.execute(
            f"CREATE TABLE {name}_rows AS SELECT * FROM read_csv('{file}', all_varchar=true)"
        )
        if name == "home":
            (count,) = connection.execute("SELECT count(*) FROM home_rows").fetchone()
    connection.close()
    tables = [
        reladiff.connect_to_table(
            {"driver": "duckdb", "filepath": path},
            f"{name}_rows",
            ("home", "host", "settlement_no"),
            extra_columns=columns,
        )
        for name in ("home", "host")
    ]
    found = list(
        reladiff.diff_tables(
            *tables, algorithm=reladiff.Algorithm.JOINDIFF, validate_unique_key=False
        )
    )
    print(count - sum(sign == "-" for sign, _ in found))
"""

PROGRAMS = {
    "Polars' bare join": BARE_JOIN,
    "pandas merge": PANDAS,
    "datacompy": DATACOMPY,
    "reladiff": RELADIFF,
}
GOALS = {"Polars' bare join": GOAL_TO_JOIN, "datacompy": GOAL_TO_DATACOMPY}

# The first is filed twice by home, the second twice by the host: two match, two are surplus.
FILED_TWICE = (("A", "A", "B"), ("A", "B", "B"))
TRULY_MATCHED = 2


def run() -> dict[str, dict[str, Any]]:
    """Return the figures by name: value, unit, ratio, baseline, goal and whether it is met."""
    for library in ("polars", "datacompy", "reladiff"):
        if importlib.util.find_spec(library) is None:
            raise SystemExit(f"{library} is missing: pip install 'deltacare[bench]'")
    with _files() as (home, host):
        programs = {"ours": OURS, **PROGRAMS}
        seconds: dict[str, list[float]] = {name: [] for name in programs}
        peak_bytes = 0
        for _ in range(ROUNDS):
            for name, program in programs.items():
                elapsed, peak, _ = _measured(program, home, host)
                seconds[name].append(elapsed)
                if name == "ours":
                    peak_bytes = max(peak_bytes, peak)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    counts = _counts_of_copies()
    return {
        **{
            f"reconcile, to {name}": _figure(
                median["ours"], median[name], GOALS.get(name), _says(counts[name])
            )
            for name in PROGRAMS
        },
        "reconcile, copies counted": {
            "value": counts["ours"],
            "unit": "matched",
            "ratio": None,
            "baseline": ", ".join(f"{name} {counts[name]}" for name in PROGRAMS),
            "goal": TRULY_MATCHED,
            "met": counts["ours"] == TRULY_MATCHED,
        },
        "reconcile, peak memory": {
            "value": round(peak_bytes / 10**9, 2),
            "unit": "GB",
            "ratio": None,
            "baseline": None,
            "goal": GOAL_PEAK_BYTES / 10**9,
            "met": peak_bytes < GOAL_PEAK_BYTES,
        },
    }


def _counts_of_copies() -> dict[str, int]:
    """Return how many lines each contender finds on both sides where some are filed twice."""
    with tempfile.TemporaryDirectory(prefix="deltacare-bench-") as folder:
        paths = Path(folder, "home.csv"), Path(folder, "host.csv")
        for path, numbers in zip(paths, FILED_TWICE, strict=True):
            rows = [
                f"{number},320000,310000,{ord(number):032x},310000-1,CARE_BED,2025-01,1,100,C1\n"
                for number in numbers
            ]
            path.write_text(HEADER + "".join(rows), encoding="utf-8")
        return {
            name: _measured(program, *paths)[2]
            for name, program in {"ours": OURS, **PROGRAMS}.items()
        }


def _says(count: int) -> str:
    """Return what a count of copies tells of who counted."""
    if count == TRULY_MATCHED:
        return "counts copies rightly"
    return f"miscounts copies: {count} matched, not {TRULY_MATCHED}"


def main() -> None:
    """Print the figures."""
    for name, figure in run().items():
        print(f"{name}: {figure}")


def _figure(value_s: float, baseline_s: float, goal: float | None, note: str) -> dict[str, Any]:
    """Return a figure that is a ratio of two times."""
    ratio = value_s / baseline_s
    return {
        "value": round(value_s, 2),
        "unit": "s",
        "ratio": round(ratio, 2),
        "baseline": f"{baseline_s:.2f} s; {note}",
        "goal": None if goal is None else f"ratio <= {goal}",
        "met": None if goal is None else ratio <= goal,
    }


def _measured(program: str, home: Path, host: Path) -> tuple[float, int, int]:
    """Return wall seconds and peak bytes of a whole process, and the number that it says."""
    with tempfile.TemporaryFile() as said:
        start_s = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(home), str(host)], stdout=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        elapsed_s = time.perf_counter() - start_s
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"a contender failed with {process.returncode}")
        said.seek(0)
        return elapsed_s, usage.ru_maxrss * 1024, int(said.read().split()[-1])


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
