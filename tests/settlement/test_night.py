"""A night: the engine against the oracle, every class and edge, and what must not change a result."""

import hashlib
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from settlement.core.classes import LineClass
from settlement.night import NightResult, run_night, run_proposals, table_of
from tests.settlement import oracle
from tests.settlement.nights import (
    A,
    B,
    both,
    enrolment,
    facts,
    filed,
    nights,
    of_side,
    plain,
    policy,
    row,
    to_facts,
    to_inputs,
    was_cleared,
)

COMMON = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)


def classes_of(night: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (number, class) of every line, sorted."""
    result = run_night(to_inputs(night))
    found = result.lines.select(["settlement_no", "class"]).to_pylist()
    return sorted((line["settlement_no"], line["class"]) for line in found)


def compare(night: dict[str, Any]) -> NightResult:
    """Assert that engine and oracle agree in every particular; return the engine's result."""
    lines = oracle.night(**night)
    result = run_night(to_inputs(night), keep_leaves=True)
    texts = sorted(line.text() for line in lines)
    assert b"".join(texts) == b"".join(result.leaves)
    assert oracle.digest(texts) == result.digest
    expected = Counter(line.line_class for line in lines)
    assert expected == {key.name: count for key, count in result.summary.counts.items()}
    closed = sorted(
        (side, line.line_class, one["position"])
        for line in lines
        if line.line_class in oracle.CLOSED and line.kind != "REVERSAL"
        for side, rows in (("home", line.home), ("host", line.host))
        for one in rows
    )
    found = result.closed.select(["side", "class", "position"]).to_pylist()
    assert closed == sorted((one["side"], one["class"], one["position"]) for one in found)
    cleared = sorted(
        line.key for line in lines if line.line_class == "MATCHED" and line.kind == "SETTLEMENT"
    )
    keys = ("home", "host", "settlement_no")
    assert cleared == sorted(
        tuple(one[name] for name in keys) for one in result.newly_cleared.to_pylist()
    )
    cancelled = sorted(
        line.key for line in lines if line.line_class == "MATCHED" and line.kind == "REVERSAL"
    )
    assert cancelled == sorted(
        tuple(one[name] for name in keys) for one in result.newly_cancelled.to_pylist()
    )
    return result


@COMMON
@given(nights())
def test_engine_equals_oracle(night: dict[str, Any]) -> None:
    """Lines, bytes, digest, counts, closed rows and cleared numbers are those of the oracle."""
    result = compare(night)
    assert sum(result.summary.positions.values()) == 0


@settings(COMMON, max_examples=10)
@given(nights())
def test_order_and_threads_do_not_matter(night: dict[str, Any]) -> None:
    """Shuffled inputs on another number of threads give the same digest."""
    first = run_night(to_inputs(night), threads=1)
    seed = 20251122
    shuffled = dict(night)
    for name in ("rows", "reversed_numbers", "cleared", "cleared_reversals", "holds"):
        shuffled[name] = random.Random(seed).sample(night[name], len(night[name]))
    second = run_night(to_inputs(shuffled), threads=3)
    assert (first.digest, first.summary) == (second.digest, second.summary)
    assert first.lines == second.lines
