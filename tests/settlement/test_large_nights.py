"""A night whose rows are far beyond the memory that it is given, in a process of its own."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from deltacare.errors import Refusal
from settlement.core.digest import DigestBuilder
from settlement.duck import DuckEngine
from settlement.engine import MEMORY_MB_MIN, EngineSettings, TextBlock
from settlement.night import FACT_SCHEMAS, INPUT_SCHEMAS, Facts, Night, NightInputs, open_night
from tests.settlement import nights

PAIRS = 400_000
MEMORY_MB = MEMORY_MB_MIN
PER_PART = 20_000
ODD_EVERY = 1_000
_LOOK_INTERVAL_S = 0.02
_RUN_TIMEOUT_S = 570


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
                "home": [nights.A] * count,
                "host": [nights.B] * count,
                "beneficiary_ref": [elder(number) for number in numbers],
                "institution": [f"{nights.B}-1"] * count,
                "subsidy_kind": ["BED"] * count,
                "service_month": ["2025-03"] * count,
                "service_days": [10] * count,
                "amount_fen": [1_000 + (differs if n % ODD_EVERY == 0 else 0) for n in numbers],
                "caregiver_cert_no": ["C1"] * count,
                "filed_date": [nights.CLOSING] * count,
                "position": list(numbers),
            }
            yield pa.table({name: columns[name] for name in schema.names}, schema=schema)


def registers(pairs: int) -> Facts:
    """Return registers in which every elder of the night is enrolled."""
    schema = FACT_SCHEMAS["enrolments"]
    one = nights.enrolment()
    columns = {
        name: pa.repeat(pa.scalar(one[name], schema.field(name).type), pairs) for name in one
    }
    columns["beneficiary_ref"] = pa.array(elder(number) for number in range(pairs))
    enrolments = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    return replace(nights.to_facts(nights.facts()), enrolments=enrolments)


def inputs_of(rows: Iterator[pa.Table], known: Facts) -> NightInputs:
    """Return the inputs of a night in which nothing was cleared, reversed or held before."""
    nothing = nights.to_inputs(nights.plain())
    return replace(nothing, rows=rows, facts=known)


def digest_of(night: Night) -> bytes:
    """Return the digest of a night's lines, none of which is kept."""
    builder = DigestBuilder(keep_leaves=False)
    for batch in night.line_batches():
        builder.add(TextBlock.of(batch.column("line")))
    return builder.digest()


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


def peak_kb() -> int:
    """Return the most memory that this program held; `ru_maxrss` begins with its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


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
    known = registers(pairs)
    loaded = [known.enrolments.nbytes]

    def rows() -> Iterator[pa.Table]:
        for part in parts(pairs):
            loaded[0] += part.nbytes
            yield part

    inputs = inputs_of(rows(), known)
    begun_kb = peak_kb()
    settings = EngineSettings(threads=2, memory_mb=memory_mb, directory=Path(directory))
    with open_night(inputs, settings) as night:
        counts = {key.name: count for key, count in night.summary().counts.items()}
        digest = digest_of(night)
        closed = sum(batch.num_rows for batch in night.closed_batches())
    ended.set()
    watching.join()
    taken = {
        "digest": digest.hex(),
        "counts": counts,
        "closed": closed,
        "grown_mb": (peak_kb() - begun_kb) // 1_024,
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


@pytest.mark.long
def test_a_night_far_beyond_memory(tmp_path: Path) -> None:
    """800,000 rows in less than their own size: files are written, and the digest is the same."""
    free = run(tmp_path / "free", memory_mb=None)
    held = run(tmp_path / "held", memory_mb=MEMORY_MB)
    assert {"AMOUNT": PAIRS // ODD_EVERY, "MATCHED": PAIRS - PAIRS // ODD_EVERY} == free["counts"]
    for name in ("digest", "counts", "closed"):
        assert free[name] == held[name], name
    assert 2 * (PAIRS - PAIRS // ODD_EVERY) == held["closed"]
    # What goes in alone is beyond the limit, and what is made of it is several times as much.
    assert held["loaded_mb"] > MEMORY_MB
    assert free["grown_mb"] > 4 * MEMORY_MB
    assert (0, 0) == (free["tables_mb"], free["spilled_mb"])
    assert held["tables_mb"] > 0
    assert held["spilled_mb"] > 0
    assert held["grown_mb"] < free["grown_mb"] // 2, (held, free)


class ShortOfMemory:
    """A connection to DuckDB on which no step can be kept while there are several threads."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.refused = 0

    def execute(self, text: str) -> Any:
        """Run a statement, or fail as DuckDB does."""
        threads = self._connection.execute("SELECT current_setting('threads')").fetchall()
        if text.startswith("CREATE TABLE") and threads != [(1,)]:
            import duckdb

            self.refused += 1
            message = "failed to pin block of size 256.0 KiB"
            raise duckdb.OutOfMemoryException(message)
        return self._connection.execute(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def test_memory_that_does_not_do_for_several_threads(tmp_path: Path) -> None:
    """What several threads cannot do with so little memory one does, with the same digest."""
    digests = []
    for memory_mb in (None, MEMORY_MB_MIN):
        inputs = nights.to_inputs(nights.plain(rows=nights.both(), facts=nights.facts()))
        settings = EngineSettings(threads=4, memory_mb=memory_mb, directory=tmp_path)
        with open_night(inputs, settings) as night:
            assert isinstance(night.engine, DuckEngine)
            if memory_mb is not None:
                short = ShortOfMemory(night.engine._connection)
                night.engine._connection = short
            assert 1 == sum(night.summary().counts.values())
            digests.append(digest_of(night))
    assert digests[0] == digests[1]
    assert 1 == short.refused, "once it is one thread it stays one"


def test_memory_that_does_not_do_is_refused(tmp_path: Path) -> None:
    """Where even files do not help, the setting is named, and no file is left."""
    inputs = nights.to_inputs(nights.plain(rows=nights.both()))
    settings = EngineSettings(threads=2, memory_mb=MEMORY_MB_MIN, directory=tmp_path)
    with open_night(inputs, settings) as night:
        assert isinstance(night.engine, DuckEngine)
        night.engine._connection.execute("SET memory_limit = '1MiB'")
        with pytest.raises(Refusal, match="memory_mb") as caught:
            night.summary()
    assert "Give it more" in str(caught.value)
    assert [] == list(tmp_path.iterdir())
