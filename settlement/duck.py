"""Runs a plan on a DuckDB inside the process: in memory, or in files where memory is limited.

In memory a step that a plan keeps becomes an Arrow table, because writing DuckDB's own tables costs
more than the joins that fill them, unless there are so few rows that planning takes longer than
anything else: then it becomes a table, which is planned once. Any other step becomes a view. With a
limit on memory, inputs and kept steps are tables of a database in a temporary folder, and what
sorts and joins cannot hold goes there too, so that a night larger than memory completes. The folder
is gone afterwards.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

from deltacare.errors import invalid_field
from settlement.engine import (
    LINES_PER_BLOCK,
    MEMORY_MB_MIN,
    THREADS_MAX,
    CompiledPlan,
    CompiledStep,
    arrow_schema,
)

__all__ = ["DuckEngine"]

_FEW_ROWS: Final = 50_000


class DuckEngine:
    """One run of one plan on a DuckDB of its own; a context manager.

    Args:
        plan: The plan, compiled for DuckDB.
        threads: Threads, 1 to 16; the result does not depend on it.
        memory_mb: Memory in MiB, beyond which it writes to files; ``None``: all stays in memory.
        directory: Where those files are, made if it is not there; ``None``: where the system keeps
            temporary ones.
    """

    def __init__(
        self,
        plan: CompiledPlan,
        *,
        threads: int = 2,
        memory_mb: int | None = None,
        directory: Path | None = None,
    ) -> None:
        import duckdb

        assert 1 <= threads <= THREADS_MAX, "a night runs on 1 to 16 threads"
        assert memory_mb is None or memory_mb >= MEMORY_MB_MIN, "a night needs some memory"
        self._inputs, self._steps = plan.inputs, plan.steps
        self._made: set[str] = set()
        self._waiting: dict[str, list[pa.Table]] = {}
        self._in_files, self._memory_mb = memory_mb is not None, memory_mb
        self._row_count = 0
        self._open = ExitStack()
        # Order comes from ORDER BY alone.
        config: dict[str, object] = {"threads": threads, "preserve_insertion_order": False}
        database = ":memory:"
        if memory_mb is not None:
            if directory is not None:
                directory.mkdir(parents=True, exist_ok=True)
            folder = self._open.enter_context(TemporaryDirectory("-deltacare-night", dir=directory))
            config |= {
                "memory_limit": f"{memory_mb}MiB",
                "temp_directory": str(Path(folder, "spilled")),
            }
            database = str(Path(folder, "night.duckdb"))
        try:
            self._connection = duckdb.connect(database, config=config)
            self._open.callback(self._connection.close)
            # What a terminal shows is the caller's.
            self._connection.execute("SET enable_progress_bar = false")
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()

    def load(self, name: str, table: pa.Table) -> None:
        """Take an input, or more rows of it; its columns may stand in any order.

        Args:
            name: An input of the plan, which no step has read yet.
            table: Of the types that the plan states; texts may be of any kind that Arrow has.

        Raises:
            Refusal: ``INVALID_FIELD``, here and wherever rows are worked on, if the limit on memory
                is too small for them even with files.
        """
        columns = list(self._inputs[name])
        missing = [column for column in columns if column not in table.column_names]
        assert not missing, f"input {name} lacks {missing}"
        assert name not in self._made, f"input {name} has been read"
        table = table.select(columns)
        self._row_count += table.num_rows
        if not self._in_files:
            self._waiting.setdefault(name, []).append(table)
            return
        self._connection.register("arriving", table)
        if name in self._waiting:
            text = f'INSERT INTO "{name}" SELECT * FROM arriving'  # noqa: S608 - the name of an input
        else:
            text = f'CREATE TABLE "{name}" AS SELECT * FROM arriving'  # noqa: S608 - likewise
            self._waiting[name] = []
        self._execute(text)
        self._connection.unregister("arriving")

    def make(self, name: str) -> None:
        """Compute a step and what it needs, and keep what is to be kept."""
        self._ensure(name)

    def table(self, name: str) -> pa.Table:
        """Return a step as an Arrow table with the types of its expression."""
        self._ensure(name)
        return self._fetch(self._steps[name], f'SELECT * FROM "{name}"')  # noqa: S608 - the name of a step

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Yield a step in its order, some rows at a time."""
        step = self._steps[name]
        for read in step.reads:
            self._ensure(read)
        with self._within_memory():
            result = self._connection.sql(step.sql)
            yield from result.to_arrow_reader(LINES_PER_BLOCK)

    @property
    def _in_tables(self) -> bool:
        """Whether kept steps are tables of the database."""
        return self._in_files or self._row_count < _FEW_ROWS

    def _ensure(self, name: str) -> None:
        """Make a step and all that it reads."""
        if name in self._made:
            return
        if name in self._inputs:
            if not self._in_files:
                self._connection.register(name, pa.concat_tables(self._waiting.pop(name)))
            self._made.add(name)
            return
        step = self._steps[name]
        for read in step.reads:
            self._ensure(read)
        if not step.kept:
            self._connection.execute(f'CREATE TEMP VIEW "{name}" AS {step.sql}')
        elif self._in_tables:
            self._execute(f'CREATE TABLE "{name}" AS {step.sql}')
        else:
            self._connection.register(name, self._fetch(step, step.sql))
        self._made.add(name)

    def _fetch(self, step: CompiledStep, sql: str) -> pa.Table:
        """Return the result of a query in the types of a step: sums come back from wider ones."""
        with self._within_memory():
            table = self._connection.sql(sql).to_arrow_table()
        return table.cast(arrow_schema(step.columns))

    def _execute(self, text: str) -> None:
        """Run a statement on one thread if memory does not do for several: each holds its blocks.

        From then on it stays one, or each step after it would be begun twice.
        """
        import duckdb

        with self._within_memory():
            try:
                self._connection.execute(text)
            except duckdb.OutOfMemoryException:
                self._connection.execute("SET threads = 1")
                self._connection.execute(text)

    @contextmanager
    def _within_memory(self) -> Iterator[None]:
        """Say what to change where even files do not help: some blocks must be held at once.

        Raises:
            Refusal: ``INVALID_FIELD``.
        """
        import duckdb

        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise invalid_field(
                "memory_mb",
                "" if self._memory_mb is None else self._memory_mb,
                "The engine cannot work on so many rows with this memory.",
                "Give it more, or a folder with more room.",
            ) from error
