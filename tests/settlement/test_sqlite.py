"""One night on SQLite, against DuckDB and the dictionary oracle, with good hashes and with bad."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from settlement.night import NightResult, run_night
from tests.settlement import oracle
from tests.settlement.nights import both, nights, plain, to_inputs
from tests.settlement.sqlite_engine import run_on_sqlite
from tests.settlement.test_engines import assert_equal, every_edge
from tests.settlement.test_night import EDGES, REGISTERS

COMMON = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
# From one hash for everything to hashes as they are.
HASHES = (1, 2, 5, 1 << 62)


def assert_three(night: dict[str, Any], *, hashes: int = HASHES[-1]) -> NightResult:
    """Assert that SQLite, DuckDB and the dictionary agree in every byte; return SQLite's result."""
    result = run_on_sqlite(to_inputs(night), hashes=hashes)
    lines = oracle.night(**night)
    texts = sorted(line.text() for line in lines)
    assert b"".join(texts) == b"".join(result.leaves)
    assert oracle.digest(texts) == result.digest
    classes = sorted((line.key, line.line_class) for line in lines)
    assert classes == sorted(
        ((one["home"], one["host"], one["settlement_no"]), one["class"])
        for one in result.lines.to_pylist()
    )
    assert_equal(run_night(to_inputs(night), keep_leaves=True), result)
    return result


@pytest.mark.parametrize(
    "examples", [15, pytest.param(COMMON.max_examples, marks=pytest.mark.long)]
)
def test_sqlite_equals_duckdb_and_the_dictionary(examples: int) -> None:
    """Drawn nights, with registers and without: lines, classes, sums and digest are the same."""

    @settings(COMMON, max_examples=examples)
    @given(nights(), st.sampled_from(HASHES))
    def agree(night: dict[str, Any], hashes: int) -> None:
        assert_three(night, hashes=hashes)

    agree()


@pytest.mark.parametrize("hashes", HASHES)
def test_every_edge_on_sqlite(hashes: int) -> None:
    """All edges of precedence as one night, even where every hash collides."""
    assert len(assert_three(every_edge(), hashes=hashes).summary.counts) >= 8


@pytest.mark.long
@pytest.mark.parametrize("name", EDGES)
def test_edge_on_sqlite(name: str) -> None:
    """Each edge has the class that the rules give."""
    given_, expected = EDGES[name]
    found = assert_three(plain(**given_)).lines.select(["settlement_no", "class"]).to_pylist()
    assert sorted(expected) == sorted((one["settlement_no"], one["class"]) for one in found)


@pytest.mark.long
@pytest.mark.parametrize("name", REGISTERS)
def test_registers_on_sqlite(name: str) -> None:
    """Each case of the registers has its class."""
    known, changes, expected = REGISTERS[name]
    night = plain(rows=both(**changes), facts=known)
    assert [expected] == assert_three(night).lines["class"].to_pylist()


def test_texts_sort_by_their_bytes_on_sqlite() -> None:
    """Numbers beyond the first plane of Unicode sort as UTF-8."""
    numbers = ["\U00010400", "\uffee", "é", "z", "Z", "10", "9", "中"]
    rows = [one for n, no in enumerate(numbers) for one in both(no, beneficiary_ref=f"b{n}")]
    assert_three(plain(rows=rows))
