"""A night whose rows are far beyond the memory that it is given, in a process of its own."""

import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from settlement.core.digest import DigestBuilder
from settlement.engine import EngineSettings, TextBlock
from settlement.night import FACT_SCHEMAS, INPUT_SCHEMAS, Facts, NightInputs, open_night
from tests.settlement.nights import CLOSING, A, B, enrolment, facts, plain, to_facts, to_inputs

pytestmark = pytest.mark.slow

PAIRS = 400_000
MEMORY_MB = 64
PER_PART = 20_000
ODD_EVERY = 1_000
_LOOK_INTERVAL_S = 0.02
_RUN_TIMEOUT_S = 280


def parts(pairs: int) -> Iterator[pa.Table]:
    """Yield rows of both sides, some thousands at a time; every thousandth pair differs."""
    schema = INPUT_SCHEMAS["rows"]
    for start in range(0, pairs, PER_PART):
        numbers = range(start, min(start + PER_PART, pairs))
        count = len(numbers)
        for side in ("home", "host"):
            differs = 1 if side == "host" else 0
            columns: dict[str, list[Any]] = {
                "side": [side] * count,
                # Scattered, so that neither side arrives in the order of the lines.
                "settlement_no": [f"S{number * 7_919 % 1_000_003:07d}" for number in numbers],
                "home": [A] * count,
                "host": [B] * count,
                "beneficiary_ref": [elder(number) for number in numbers],
                "institution": [f"{B}-1"] * count,
                "subsidy_kind": ["BED"] * count,
                "service_month": ["2025-03"] * count,
                "service_days": [10] * count,
                "amount_fen": [1_000 + (differs if n % ODD_EVERY == 0 else 0) for n in numbers],
                "caregiver_cert_no": ["C1"] * count,
                "filed_date": [CLOSING] * count,
                "position": list(numbers),
            }
            yield pa.table({name: columns[name] for name in schema.names}, schema=schema)


def registers(pairs: int) -> Facts:
    """Return registers in which every elder of the night is enrolled."""
    schema = FACT_SCHEMAS["enrolments"]
    one = enrolment()
    columns = {
        name: pa.repeat(pa.scalar(one[name], schema.field(name).type), pairs) for name in one
    }
    columns["beneficiary_ref"] = pa.array(elder(number) for number in range(pairs))
    enrolments = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    return replace(to_facts(facts()), enrolments=enrolments)


def elder(number: int) -> str:
    """Return a generated pseudonym; they lie scattered."""
    return f"{number * 104_729:032x}"


def bytes_under(directory: Path, name: str) -> int:
    """Return the bytes of files under a directory, some of which may just be going."""
    found = 0
    for path in directory.rglob(name):
        try:
            found += path.stat().st_size
        except FileNotFoundError:
            continue
    return found


def child(directory: str, pairs: int, memory_mb: int | None) -> None:
    """Run one night, and print what it came to and what it took."""
    ended = threading.Event()
    most = {"night.duckdb": 0, "spilled/*": 0}

    def watch() -> None:
        while not ended.wait(_LOOK_INTERVAL_S):
            for name, so_far in list(most.items()):
                most[name] = max(so_far, bytes_under(Path(directory), name))

    watching = threading.Thread(target=watch)
    watching.start()
    known, nothing = registers(pairs), to_inputs(plain())
    loaded = [known.enrolments.nbytes]

    def rows() -> Iterator[pa.Table]:
        for part in parts(pairs):
            loaded[0] += part.nbytes
            yield part

    inputs = NightInputs(
        rows=rows(),
        reversed_numbers=nothing.reversed_numbers,
        cleared=nothing.cleared,
        cleared_reversals=nothing.cleared_reversals,
        holds=nothing.holds,
        facts=known,
        business_date=CLOSING,
    )
    begun_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    settings = EngineSettings(threads=2, memory_mb=memory_mb, directory=Path(directory))
    with open_night(inputs, settings) as night:
        counts = {key.name: count for key, count in night.summary().counts.items()}
        builder = DigestBuilder(keep_leaves=False)
        for batch in night.line_batches():
            builder.add(TextBlock.of(batch.column("line")))
        closed = sum(batch.num_rows for batch in night.closed_batches())
    ended.set()
    watching.join()
    taken = {
        "digest": builder.digest().hex(),
        "counts": counts,
        "closed": closed,
        "grown_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun_kb) // 1_024,
        "loaded_mb": loaded[0] >> 20,
        "tables_mb": most["night.duckdb"] >> 20,
        "spilled_mb": most["spilled/*"] >> 20,
    }
    sys.stdout.write(json.dumps(taken))


def run(directory: Path, *, memory_mb: int | None) -> dict[str, Any]:
    """Run the night in a process of its own and return what it printed."""
    directory.mkdir()
    program = f"from {__spec__.name} import child; child({str(directory)!r}, {PAIRS}, {memory_mb})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=_RUN_TIMEOUT_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-2_000:]
    assert [] == list(directory.iterdir()), "its files are gone"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_night_far_beyond_memory(tmp_path: Path) -> None:
    """800,000 rows in less than their own size: files are written, and the digest is the same."""
    free = run(tmp_path / "free", memory_mb=None)
    held = run(tmp_path / "held", memory_mb=MEMORY_MB)
    assert {"AMOUNT": PAIRS // ODD_EVERY, "MATCHED": PAIRS - PAIRS // ODD_EVERY} == free["counts"]
    for name in ("digest", "counts", "closed"):
        assert free[name] == held[name], name
    assert 2 * (PAIRS - PAIRS // ODD_EVERY) == held["closed"]
    # What goes in alone is beyond the limit, and what is made of it is several times as much.
    assert held["loaded_mb"] > 2 * MEMORY_MB
    assert (0, 0) == (free["tables_mb"], free["spilled_mb"])
    assert held["tables_mb"] > 0
    assert held["spilled_mb"] > 0
    assert held["grown_mb"] < free["grown_mb"] // 2, (held, free)
