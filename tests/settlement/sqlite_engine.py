"""The plans of the core on SQLite: a third engine, for tests alone.

The expressions are compiled with Ibis' compiler for SQLite, and what SQLite lacks is a function in
Python: cutting texts, counting bits, and the hash. Nothing of DuckDB or Spark is between them, and
the hash may be as bad as a test wants it to be, because it must decide nothing.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any, Final

import pyarrow as pa
import pytest
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.sqlite import SQLiteCompiler

import settlement.night
from settlement.core.night import Plan, night_plan
from settlement.engine import EngineSettings, arrow_schema
from settlement.night import NightInputs, NightResult, run_night

__all__ = ["SqliteEngine", "run_on_sqlite"]

_ROWS_PER_BATCH = 7
_ANY_HASH: Final = 1 << 62


class _Compiler(SQLiteCompiler):  # type: ignore[misc]  # Ibis ships no types
    """SQLite with texts cut into arrays, which are JSON."""

    __slots__ = ()

    UNSUPPORTED_OPS = ()

    def visit_StringSplit(self, op: Any, *, arg: Any, delimiter: Any) -> Any:  # noqa: N802 - Ibis finds it by name
        """Return the parts of a text."""
        del op
        return self.f.anon.text_parts(arg, delimiter)

    def visit_ArrayIndex(self, op: Any, *, arg: Any, index: Any) -> Any:  # noqa: N802 - likewise
        """Return one part."""
        del op
        return self.f.anon.part_at(arg, index)

    def visit_ArraySlice(self, op: Any, *, arg: Any, start: Any, stop: Any) -> Any:  # noqa: N802 - likewise
        """Return the parts between two places."""
        del op
        null = sge.Null()
        return self.f.anon.parts_between(arg, start or null, stop or null)

    def visit_ArrayStringJoin(self, op: Any, *, arg: Any, sep: Any) -> Any:  # noqa: N802 - likewise
        """Return parts as one text."""
        del op
        return self.f.anon.parts_joined(arg, sep)


class _BitOr:
    """The bits that are set in any of a group's numbers."""

    def __init__(self) -> None:
        self._bits: int | None = None

    def step(self, value: int | None) -> None:
        """Take one number."""
        if value is not None:
            self._bits = value | (self._bits or 0)

    def finalize(self) -> int | None:
        """Return the bits, null of nothing."""
        return self._bits


@cache
def _plan(name: str) -> Plan:
    """Return a plan as expressions."""
    return night_plan(facts=name == "night", keep_lines=True)


@cache
def _texts(name: str) -> dict[str, str]:
    """Return the text of every step for SQLite."""
    compiler = _Compiler()
    return {
        step.name: compiler.to_sqlglot(step.expression).sql("sqlite") for step in _plan(name).steps
    }


class SqliteEngine:
    """One run of one plan in a SQLite in memory.

    Args:
        name: Of the plan.
        hashes: How many different hashes there are at most.
    """

    def __init__(self, name: str, *, hashes: int = _ANY_HASH) -> None:
        plan = _plan(name)
        self._inputs = plan.inputs
        self._texts = _texts(name)
        self._steps = {step.name: step for step in plan.steps}
        self._made: set[str] = set()
        self._connection = sqlite3.connect(":memory:")
        functions: dict[str, tuple[int, Any]] = {
            "hash": (-1, lambda *of: zlib.crc32(repr(of).encode()) % hashes),
            "chr": (1, chr),
            "bit_count": (1, lambda bits: None if bits is None else bits.bit_count()),
            "_ibis_repeat": (2, lambda text, times: text * times),
            "floor": (1, lambda number: None if number is None else int(number // 1)),
            "text_parts": (
                2,
                lambda text, by: None if text is None else json.dumps(text.split(by)),
            ),
            "part_at": (
                2,
                lambda parts, place: None if parts is None else json.loads(parts)[place],
            ),
            "parts_between": (3, _between),
            "parts_joined": (
                2,
                lambda parts, by: None if parts is None else by.join(json.loads(parts)),
            ),
        }
        for function, (count, does) in functions.items():
            self._connection.create_function(function, count, does, deterministic=True)
        self._connection.create_aggregate("bit_or", 1, _BitOr)  # type: ignore[arg-type]  # its end may be null
        for input_name, schema in self._inputs.items():
            self._connection.execute(f'CREATE TABLE "{input_name}" ({_columns(schema)})')

    def close(self) -> None:
        """Give the memory back."""
        self._connection.close()

    def load(self, name: str, table: pa.Table) -> None:
        """Take an input, or more rows of it."""
        columns = list(self._inputs[name])
        marks = ", ".join("?" * len(columns))
        rows = [
            tuple(each.isoformat() if isinstance(each, date) else each for each in row.values())
            for row in table.select(columns).to_pylist()
        ]
        self._connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)

    def make(self, name: str) -> None:
        """Compute a step and what it needs."""
        if name in self._inputs or name in self._made:
            return
        step = self._steps[name]
        for read in step.reads:
            self.make(read)
        kind = "TABLE" if step.kept else "VIEW"
        self._connection.execute(f'CREATE {kind} "{name}" AS {self._texts[name]}')
        self._made.add(name)

    def table(self, name: str) -> pa.Table:
        """Return a step in the types of its expression."""
        self.make(name)
        return self._fetched(name, self._connection.execute(f'SELECT * FROM "{name}"').fetchall())

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield a step in its order, a few rows at a time."""
        for read in self._steps[name].reads:
            self.make(read)
        cursor = self._connection.execute(self._texts[name])
        while rows := cursor.fetchmany(_ROWS_PER_BATCH):
            yield from self._fetched(name, rows).combine_chunks().to_batches()

    def _fetched(self, name: str, rows: list[tuple[Any, ...]]) -> pa.Table:
        """Return rows of a step as a table."""
        columns = {
            column: str(kind) for column, kind in self._steps[name].expression.schema().items()
        }
        schema = arrow_schema(columns)
        values = [
            pa.array([_value(row[place], kind) for row in rows], schema.field(column).type)
            for place, (column, kind) in enumerate(columns.items())
        ]
        return pa.Table.from_arrays(values, schema=schema)


def run_on_sqlite(inputs: NightInputs, *, hashes: int = _ANY_HASH) -> NightResult:
    """Return the result of a night on SQLite."""

    @contextmanager
    def opened(plan: str, _settings: EngineSettings, **_others: Any) -> Iterator[SqliteEngine]:
        engine = SqliteEngine(plan, hashes=hashes)
        try:
            yield engine
        finally:
            engine.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settlement.night, "open_engine", opened)
        return run_night(inputs, keep_leaves=True)


def _columns(schema: Mapping[str, Any]) -> str:
    """Return columns as SQLite declares them."""
    kinds = {"string": "TEXT", "date": "TEXT"}
    return ", ".join(f'"{name}" {kinds.get(str(kind), "INTEGER")}' for name, kind in schema.items())


def _between(parts: str | None, start: int | None, stop: int | None) -> str | None:
    """Return the parts between two places."""
    return None if parts is None else json.dumps(json.loads(parts)[start:stop])


def _value(value: Any, kind: str) -> Any:
    """Return a value of SQLite, which has neither days nor truth, in the type of its column."""
    if value is None:
        return None
    if kind == "date":
        return date.fromisoformat(value)
    return bool(value) if kind == "boolean" else value
