"""Runs the plans of the core on DuckDB, inside the process: the thin shell around the money.

Expressions are compiled to SQL once per process and kept, because a node runs many nights. A step
that a plan keeps becomes an Arrow table, because writing DuckDB's own tables costs more than the
joins that fill them; any other step becomes a view. What nobody reads is not even compiled. Another
engine needs the same: take Arrow tables by name, give the tables of a plan back (`Engine`).

It decides nothing: what a class is stands in `settlement.core`.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Final, Protocol, Self

import pyarrow as pa

from settlement.core.night import Plan, Step, night_plan, proposals_plan

__all__ = [
    "THREADS_MAX",
    "Compiled",
    "DuckEngine",
    "Engine",
    "TextBlock",
    "compiled_night",
    "compiled_proposals",
]

# More threads than this have never helped a night, and each takes memory.
THREADS_MAX: Final = 16

# One buffer of lines at a time: few enough to stay near the processor.
_LINES_PER_BLOCK = 128 * 256

# Given back to the system between steps, memory would have to be faulted in again at each.
_KEEP_MEMORY = "4GB"

_ARROW_TYPES: Final = {
    "int8": pa.int8(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "uint64": pa.uint64(),
    "string": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


class Engine(Protocol):
    """What runs a plan."""

    def load(self, name: str, table: pa.Table) -> None:
        """Take an input."""
        ...

    def table(self, name: str) -> pa.Table:
        """Return a step, computing what it needs."""
        ...

    def blocks(self, name: str) -> Iterator["TextBlock"]:
        """Yield the only column of a step, a text, in its order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TextBlock:
    """Consecutive texts in the buffer in which the engine delivered them.

    Attributes:
        data: The bytes of all texts.
        offsets: Where each begins, and where the last ends.
    """

    data: memoryview
    offsets: memoryview

    @classmethod
    def of(cls, column: Any) -> Self:  # noqa: ANN401 - pyarrow ships no types
        """Return the block of an Arrow column of texts without nulls, without copying it."""
        assert column.null_count == 0, "a line's bytes are never null"
        large = pa.types.is_large_string(column.type)
        assert large or pa.types.is_string(column.type), "lines are texts"
        _, offsets, data = column.buffers()
        view = memoryview(offsets).cast("B").cast("q" if large else "i")
        return cls(
            data=memoryview(data if data is not None else b""),
            offsets=view[column.offset : column.offset + len(column) + 1],
        )


class Compiled:
    """A plan and the SQL of those of its steps that somebody has read; shared by threads."""

    def __init__(self, plan: Plan) -> None:
        self.inputs = plan.inputs
        self.steps: Mapping[str, Step] = {step.name: step for step in plan.steps}
        self._sql: dict[str, str] = {}
        self._lock = threading.Lock()

    def sql(self, name: str) -> str:
        """Return the SQL of a step, compiled at the first call."""
        with self._lock:
            text = self._sql.get(name)
            if text is None:
                # The compiler alone: the backend around it would load a good deal more.
                from ibis.backends.sql.compilers.duckdb import compiler

                text = str(compiler.to_sqlglot(self.steps[name].expression).sql("duckdb"))
                self._sql[name] = text
            return text

    def prepare(self, *names: str) -> Self:
        """Compile steps and all that they need, while something else is being read."""
        for name in names:
            if name in self.steps:
                self.prepare(*self.steps[name].reads)
                self.sql(name)
        return self


@cache
def compiled_night(*, facts: bool, keep_lines: bool) -> Compiled:
    """Return the plan of a night, built once per process."""
    return Compiled(night_plan(facts=facts, keep_lines=keep_lines))


@cache
def compiled_proposals() -> Compiled:
    """Return the plan of proposals, built once per process."""
    return Compiled(proposals_plan())


class DuckEngine:
    """One run of one plan on a DuckDB of its own, in memory; a context manager.

    Args:
        compiled: The plan.
        threads: Threads, 1 to 16; the result does not depend on it.
    """

    def __init__(self, compiled: Compiled, *, threads: int = 2) -> None:
        import duckdb

        assert 1 <= threads <= THREADS_MAX, "a night runs on 1 to 16 threads"
        self._compiled = compiled
        self._made: set[str] = set()
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                # Order comes from ORDER BY alone.
                "preserve_insertion_order": False,
                "allocator_flush_threshold": _KEEP_MEMORY,
                "allocator_bulk_deallocation_flush_threshold": _KEEP_MEMORY,
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()

    def load(self, name: str, table: pa.Table) -> None:
        """Take an input; its columns may stand in any order, but all must be there.

        Args:
            name: An input of the plan.
            table: Of the types that the plan states; texts may be dictionaries.
        """
        schema = self._compiled.inputs[name]
        missing = [column for column in schema if column not in table.column_names]
        assert not missing, f"input {name} lacks {missing}"
        self._connection.register(name, table.select(list(schema)))
        self._made.add(name)

    def make(self, name: str) -> None:
        """Compute a step and what it needs, and keep what is to be kept."""
        self._ensure(name)

    def table(self, name: str) -> pa.Table:
        """Return a step as an Arrow table with the types of its expression."""
        self._ensure(name)
        step = self._compiled.steps[name]
        return self._fetch(step, f'SELECT * FROM "{name}"')

    def blocks(self, name: str) -> Iterator[TextBlock]:
        """Yield the only column of a step, a text, in its order."""
        for read in self._compiled.steps[name].reads:
            self._ensure(read)
        result = self._connection.sql(self._compiled.sql(name))
        for batch in result.to_arrow_reader(_LINES_PER_BLOCK):
            yield TextBlock.of(batch.column(0))

    def _ensure(self, name: str) -> None:
        """Make a step and all that it reads."""
        if name in self._made:
            return
        step = self._compiled.steps[name]
        for read in step.reads:
            self._ensure(read)
        sql = self._compiled.sql(name)
        if step.kept:
            self._connection.register(name, self._fetch(step, sql))
        else:
            self._connection.execute(f'CREATE TEMP VIEW "{name}" AS {sql}')
        self._made.add(name)

    def _fetch(self, step: Step, sql: str) -> pa.Table:
        """Return the result of a query in the types of a step: sums come back from wider ones."""
        table = self._connection.sql(sql).to_arrow_table()
        schema = step.expression.schema()
        types = [(column, _ARROW_TYPES[str(kind)]) for column, kind in schema.items()]
        return table.cast(pa.schema(types))
