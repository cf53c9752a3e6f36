"""What runs the plans of the core: the thin shell around the money, whatever is underneath.

The plans are Ibis expressions; `settlement.compile` turns them into the SQL in `compiled/`, which
is committed like other generated code and proved current by a test. So a process that runs a night
needs no compiler, which would take longer than a small night, and what runs on the money can be
read. An engine takes Arrow tables by name and gives the tables of a plan back: DuckDB inside the
process (`settlement.duck`), or Apache Spark (`settlement.spark`) where a province outgrows one
machine. Both run the same expressions, compiled for each.

It decides nothing: what a class is stands in `settlement.core`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, Self

import pyarrow as pa

from deltacare.errors import invalid_field

__all__ = [
    "COLUMNS_MARK",
    "DUCKDB",
    "INPUT_MARK",
    "KEPT_MARK",
    "LINES_PER_BLOCK",
    "MEMORY_MB_MIN",
    "READS_MARK",
    "STEP_MARK",
    "THREADS_MAX",
    "CompiledPlan",
    "CompiledStep",
    "Engine",
    "EngineSettings",
    "TextBlock",
    "arrow_schema",
    "compiled",
    "open_engine",
    "parse_engine",
]

DUCKDB: Final = "duckdb"
"""The engine inside the process; any other name is that of a Spark master."""

THREADS_MAX: Final = 16
"""More threads than this have never helped a night, and each takes memory."""

MEMORY_MB_MIN: Final = 128
"""With less, DuckDB cannot hold what its operators need beside each other."""

LINES_PER_BLOCK: Final = 64 * 256
"""One buffer of lines at a time: few enough to stay near the processor."""

# How a compiled plan is written.
INPUT_MARK: Final = "-- input: "
STEP_MARK: Final = "-- step: "
KEPT_MARK: Final = "-- kept: "
READS_MARK: Final = "-- reads: "
COLUMNS_MARK: Final = "-- columns: "

_SPARK_MASTER = re.compile(
    r"local(?:\[(?:\*|[1-9][0-9]{0,2})\])?|(?:spark|k8s)://[!-~]{1,256}|yarn"
)
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
    """What runs a plan; used by one thread at a time."""

    def load(self, name: str, table: pa.Table) -> None:
        """Take an input, or more rows of it; all of them before a step that reads it."""
        ...

    def make(self, name: str) -> None:
        """Compute a step and what it needs now, where the engine does not wait until it is read."""
        ...

    def table(self, name: str) -> pa.Table:
        """Return a step, computing what it needs, in the types of its expression."""
        ...

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield a step in its order, some rows at a time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """On what a night runs; its result depends on none of it.

    Attributes:
        name: `duckdb`, or a Spark master such as `local[*]` or `spark://host:7077`.
        threads: Of DuckDB, 1 to 16; ``None``: as many as a night of its size is done soonest with.
        memory_mb: What DuckDB may take before it writes to files, in MiB; ``None``: its tables stay
            in memory.
        directory: Where it writes them; ``None``: where the system keeps temporary files.
    """

    name: str = DUCKDB
    threads: int | None = None
    memory_mb: int | None = None
    directory: Path | None = None

    @property
    def dialect(self) -> str:
        """The dialect that plans are compiled in."""
        return DUCKDB if self.name == DUCKDB else "spark"


def parse_engine(text: str, *, field: str = "engine") -> str:
    """Return the name of an engine.

    Args:
        text: `duckdb` or the URL of a Spark master.
        field: What it was given as.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is neither.
    """
    if text != DUCKDB and not _SPARK_MASTER.fullmatch(text):
        raise invalid_field(
            field,
            text,
            "This is no engine.",
            "Name duckdb, or a Spark master such as local[*] or spark://host:7077.",
        )
    return text


def open_engine(
    plan: str, settings: EngineSettings, *, threads: int = 2
) -> AbstractContextManager[Engine]:
    """Return an engine for one run of a plan.

    Args:
        plan: Its name.
        settings: On what it runs.
        threads: Threads of DuckDB where the settings leave it open.

    Raises:
        Refusal: ``INVALID_FIELD``, if Spark is asked for and not installed.
    """
    if settings.name == DUCKDB:
        from settlement.duck import DuckEngine

        return DuckEngine(
            compiled(plan),
            threads=settings.threads or threads,
            memory_mb=settings.memory_mb,
            directory=settings.directory,
        )
    from settlement.spark import SparkEngine

    return SparkEngine(compiled(plan, settings.dialect), master=settings.name)


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
        inputs: Columns of each input with their types, by name.
        steps: The steps, by name.
    """

    inputs: Mapping[str, Mapping[str, str]]
    steps: Mapping[str, CompiledStep]


def arrow_schema(columns: Mapping[str, str]) -> pa.Schema:
    """Return the schema of columns given with their types."""
    return pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in columns.items()])


@cache
def compiled(name: str, dialect: str = DUCKDB) -> CompiledPlan:
    """Return a plan, read once per process.

    Args:
        name: `night`, `night_without_facts`, `files` or `proposals`.
        dialect: `duckdb` or `spark`.
    """
    folder = resources.files("settlement").joinpath("compiled", dialect)
    text = folder.joinpath(f"{name}.sql").read_text("utf-8")
    head, *parts = text.split(STEP_MARK)
    lines = (line.removeprefix(INPUT_MARK).split() for line in head.splitlines())
    inputs = {words[0]: _columns(words[1:]) for words in lines if words and words[0] != "--"}
    steps = [_step(part) for part in parts]
    return CompiledPlan(
        inputs=MappingProxyType(inputs),
        steps=MappingProxyType({step.name: step for step in steps}),
    )


def _columns(words: list[str]) -> Mapping[str, str]:
    """Return columns with their types, written `name:type`."""
    return MappingProxyType(dict(word.split(":", 1) for word in words))


def _step(part: str) -> CompiledStep:
    """Return a step from its part of a compiled plan."""
    name, kept, reads, columns, sql = part.split("\n", 4)
    return CompiledStep(
        name=name.strip(),
        kept=kept.removeprefix(KEPT_MARK).strip() == "yes",
        reads=tuple(reads.removeprefix(READS_MARK).split()),
        columns=_columns(columns.removeprefix(COLUMNS_MARK).split()),
        sql=sql.rstrip().removesuffix(";"),
    )
