"""Runs the plans of the core on DuckDB, inside the process: the thin shell around the money.

The plans are Ibis expressions; `settlement.compile` turns them into the SQL in `compiled/`, which
is committed like other generated code and proved current by a test. So a process that runs a night
needs no compiler, which would take longer than a small night, and what runs on the money can be
read. A step that a plan keeps becomes an Arrow table, because writing DuckDB's own tables costs
more than the joins that fill them; any other step becomes a view. Another engine needs the same:
take Arrow tables by name, give the tables of a plan back (`Engine`).

It decides nothing: what a class is stands in `settlement.core`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType, TracebackType
from typing import Any, Final, Protocol, Self

import pyarrow as pa

__all__ = [
    "COLUMNS_MARK",
    "INPUT_MARK",
    "KEPT_MARK",
    "READS_MARK",
    "STEP_MARK",
    "THREADS_MAX",
    "CompiledPlan",
    "CompiledStep",
    "DuckEngine",
    "Engine",
    "TextBlock",
    "compiled",
]

# More threads than this have never helped a night, and each takes memory.
THREADS_MAX: Final = 16

# One buffer of lines at a time: few enough to stay near the processor.
_LINES_PER_BLOCK = 64 * 256

# How a compiled plan is written.
INPUT_MARK: Final = "-- input: "
STEP_MARK: Final = "-- step: "
KEPT_MARK: Final = "-- kept: "
READS_MARK: Final = "-- reads: "
COLUMNS_MARK: Final = "-- columns: "

_ARROW_TYPES: Final = {
    "int8": pa.int8(),
    "int16": pa.int16(),
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledStep:
    """One step of a plan as the engine runs it.

    Attributes:
        name: What later steps and the caller call it.
        kept: Whether it is computed once and kept, or computed wherever it is read.
        reads: Names of the inputs and steps that it reads.
        columns: Names and types of its columns.
        sql: How it is made.
    """

    name: str
    kept: bool
    reads: tuple[str, ...]
    columns: Mapping[str, str]
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledPlan:
    """A plan as the engine runs it.

    Attributes:
        inputs: Columns of each input, by name.
        steps: The steps, by name.
    """

    inputs: Mapping[str, tuple[str, ...]]
    steps: Mapping[str, CompiledStep]


@cache
def compiled(name: str) -> CompiledPlan:
    """Return a plan, read once per process.

    Args:
        name: `night`, `night_without_facts`, `files` or `proposals`.
    """
    text = resources.files("settlement").joinpath("compiled", f"{name}.sql").read_text("utf-8")
    head, *parts = text.split(STEP_MARK)
    lines = (line.removeprefix(INPUT_MARK).split() for line in head.splitlines())
    inputs = {words[0]: tuple(words[1:]) for words in lines if words and words[0] != "--"}
    steps = [_step(part) for part in parts]
    return CompiledPlan(
        inputs=MappingProxyType(inputs),
        steps=MappingProxyType({step.name: step for step in steps}),
    )


def _step(part: str) -> CompiledStep:
    """Return a step from its part of a compiled plan."""
    name, kept, reads, columns, sql = part.split("\n", 4)
    return CompiledStep(
        name=name.strip(),
        kept=kept.removeprefix(KEPT_MARK).strip() == "yes",
        reads=tuple(reads.removeprefix(READS_MARK).split()),
        columns=MappingProxyType(
            dict(column.split(":", 1) for column in columns.removeprefix(COLUMNS_MARK).split())
        ),
        sql=sql.rstrip().removesuffix(";"),
    )


class DuckEngine:
    """One run of one plan on a DuckDB of its own, in memory; a context manager.

    Args:
        plan: The plan.
        threads: Threads, 1 to 16; the result does not depend on it.
    """

    def __init__(self, plan: CompiledPlan, *, threads: int = 2) -> None:
        import duckdb

        assert 1 <= threads <= THREADS_MAX, "a night runs on 1 to 16 threads"
        self._inputs, self._steps = plan.inputs, plan.steps
        self._made: set[str] = set()
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": threads,
                # Order comes from ORDER BY alone.
                "preserve_insertion_order": False,
            },
        )
        # What a terminal shows is the caller's.
        self._connection.execute("SET enable_progress_bar = false")

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
            table: Of the types that the plan states; texts may be of any kind that Arrow has.
        """
        columns = self._inputs[name]
        missing = [column for column in columns if column not in table.column_names]
        assert not missing, f"input {name} lacks {missing}"
        self._connection.register(name, table.select(columns))
        self._made.add(name)

    def make(self, name: str) -> None:
        """Compute a step and what it needs, and keep what is to be kept."""
        self._ensure(name)

    def table(self, name: str) -> pa.Table:
        """Return a step as an Arrow table with the types of its expression."""
        self._ensure(name)
        step = self._steps[name]
        return self._fetch(step, f'SELECT * FROM "{name}"')  # noqa: S608 - the name of a step

    def blocks(self, name: str) -> Iterator[TextBlock]:
        """Yield the only column of a step, a text, in its order."""
        step = self._steps[name]
        for read in step.reads:
            self._ensure(read)
        result = self._connection.sql(step.sql)
        for batch in result.to_arrow_reader(_LINES_PER_BLOCK):
            yield TextBlock.of(batch.column(0))

    def _ensure(self, name: str) -> None:
        """Make a step and all that it reads."""
        if name in self._made:
            return
        step = self._steps[name]
        for read in step.reads:
            self._ensure(read)
        if step.kept:
            self._connection.register(name, self._fetch(step, step.sql))
        else:
            self._connection.execute(f'CREATE TEMP VIEW "{name}" AS {step.sql}')
        self._made.add(name)

    def _fetch(self, step: CompiledStep, sql: str) -> pa.Table:
        """Return the result of a query in the types of a step: sums come back from wider ones."""
        table = self._connection.sql(sql).to_arrow_table()
        types = [(column, _ARROW_TYPES[kind]) for column, kind in step.columns.items()]
        return table.cast(pa.schema(types))
