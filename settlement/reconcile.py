"""Reconciles two files with no node: the clearing core by itself.

Two files carry no dates of filing, no history and no registers, so nothing is in transit and the
classes that need registers do not appear. Everything else, the digest included, is the same
definition that a node's night runs. Nothing is processed unless every row of both files is good.
One of them may have no rows: then every line stands on the other side alone.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settlement.findings import BadFile, Finding, Findings, Problem

if TYPE_CHECKING:
    from settlement.core.summary import Summary
    from settlement.engine import Engine, EngineSettings
    from settlement.grid import Grid

__all__ = ["Reconciliation", "reconcile"]

_STAGE_DECIMALS = 3
_THREADS = 2
_TOTALS = ("pair", "rank", "line_count", "home_fen", "host_fen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What two files come to.

    Attributes:
        counts: Lines by class, in order of precedence; classes without lines are left out.
        fen: (home, host) sums by class.
        bilateral: Gross flow by (payer, payee).
        net: Received less paid by province; sums to zero.
        digest: Root over the leaves of lines, 32 bytes.
        seconds: Wall time by stage.
    """

    counts: dict[str, int]
    fen: dict[str, tuple[int, int]]
    bilateral: dict[tuple[str, str], int]
    net: dict[str, int]
    digest: bytes
    seconds: dict[str, float]

    @property
    def matched_only(self) -> bool:
        """Whether every line is matched or otherwise closed: nothing is left for anyone to do."""
        from settlement.core.classes import LineClass

        return all(LineClass[name].closed for name in self.counts)

    def to_dict(self) -> dict[str, Any]:
        """Return the plain values of the JSON form."""
        return {
            "counts": dict(self.counts),
            "fen": {name: {"home": home, "host": host} for name, (home, host) in self.fen.items()},
            "bilateral": [
                {"payer": payer, "payee": payee, "fen": fen}
                for (payer, payee), fen in self.bilateral.items()
            ],
            "net": dict(self.net),
            "digest": self.digest.hex(),
            "seconds": {
                stage: round(value, _STAGE_DECIMALS) for stage, value in self.seconds.items()
            },
        }

    def to_json(self) -> str:
        """Return the JSON form on one line."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


def reconcile(
    home_path: Path | str,
    host_path: Path | str,
    *,
    lines_path: Path | str | None = None,
    settings: "EngineSettings | None" = None,
) -> Reconciliation:
    """Return what two settlement files come to.

    Args:
        home_path: Rows that the home provinces filed, CSV or XLSX.
        host_path: Rows that the host provinces filed, CSV or XLSX.
        lines_path: Where to write every line with its class; `.parquet` or `.csv`.
        settings: On what it runs, by default DuckDB in memory on two threads; the result does not
            depend on it.

    Raises:
        BadFile: If anything in either file is bad, or both are without rows; `findings` names each
            row and its file.
        Refusal: If `lines_path` ends in neither `.parquet` nor `.csv`, or is no place to write.
    """
    watch = _Stopwatch()
    inputs = (Path(home_path), Path(host_path))
    lines = None if lines_path is None else _lines_path(Path(lines_path), inputs)
    # 1. The files, both at once, while the engine is loaded.
    with watch.stage("read"), ThreadPoolExecutor(max_workers=2) as readers:
        from settlement.records import read_settlement_rows

        reading = [readers.submit(read_settlement_rows, path) for path in inputs]
        from settlement.engine import DUCKDB, EngineSettings
        from settlement.grid import Grid

        settings = settings or EngineSettings()
        home, host = _both(reading)
        _require_rows(inputs, (home, host))
    # 2. Lines, sums and bytes.
    in_memory = settings.name == DUCKDB and settings.memory_mb is None and lines is None
    if in_memory and isinstance(home, Grid) and isinstance(host, Grid):
        found = _by_bytes(home, host, settings, watch)
    else:
        home, host = (rows.table() if isinstance(rows, Grid) else rows for rows in (home, host))
        found = _by_engine(home, host, settings, watch, lines)
    # 3. Nothing was lost and nothing made up.
    summary = found.summary
    assert found.filed_fen == summary.side_fen, "class totals equal side totals"
    assert found.line_count == sum(summary.counts.values()), "each line has one class"
    return Reconciliation(
        counts={line_class.name: count for line_class, count in summary.counts.items()},
        fen={line_class.name: fen for line_class, fen in summary.fen.items()},
        bilateral=dict(summary.bilateral),
        net=dict(summary.positions),
        digest=found.digest,
        seconds=watch.seconds(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What either way comes to.

    Attributes:
        summary: Counts, sums, flows and positions.
        digest: Root over the leaves of lines.
        line_count: Lines.
        filed_fen: What the rows of each file sum up to.
    """

    summary: "Summary"
    digest: bytes
    line_count: int
    filed_fen: tuple[int, int]


def _by_engine(
    home: Any,  # noqa: ANN401 - pyarrow ships no types
    host: Any,  # noqa: ANN401 - as above
    settings: "EngineSettings",
    watch: "_Stopwatch",
    lines: Path | None,
) -> _Found:
    """Return what two tables of rows come to; the engine does all of it."""
    from settlement.night import summarise_totals

    with _loaded(home, host, settings) as engine:
        with watch.stage("match"):
            engine.make("settlements")
        with watch.stage("classify"):
            summary = summarise_totals(engine.table("totals"))
        with watch.stage("digest"):
            digest, line_count = _digest(engine)
        if lines is not None:
            with watch.stage("lines"):
                _write_lines(engine.table("line_table"), lines)
    return _Found(
        summary=summary,
        digest=digest,
        line_count=line_count,
        filed_fen=(_sum(home), _sum(host)),
    )


def _by_bytes(
    home: "Grid", host: "Grid", settings: "EngineSettings", watch: "_Stopwatch"
) -> _Found:
    """Return what two files of the plainest form come to; the engine sees what is not matched."""
    from settlement.core.summary import summarise
    from settlement.plain import joined_digest, match

    threads = settings.threads or _THREADS
    with watch.stage("match"):
        matched = match(home, host, threads=threads)
    with watch.stage("classify"):
        totals, rest = matched.totals(), []
        if matched.home_rest.size or matched.host_rest.size:
            tables = home.table(matched.home_rest), host.table(matched.host_rest)
            with _loaded(*tables, settings) as engine:
                found = engine.table("totals")
                totals += zip(*(found[name].to_pylist() for name in _TOTALS), strict=True)
                rest = [batch.column("line") for batch in engine.batches("line_bytes")]
        summary = summarise(totals)
    with watch.stage("digest"):
        digest, line_count = joined_digest(matched, rest, threads=threads)
    return _Found(
        summary=summary,
        digest=digest,
        line_count=line_count,
        filed_fen=(int(home.fen.sum()), int(host.fen.sum())),
    )


@contextmanager
def _loaded(home: Any, host: Any, settings: "EngineSettings") -> "Iterator[Engine]":  # noqa: ANN401 - as above
    """Yield an engine that has two tables of rows, and nothing that files do not tell."""
    from settlement.core.columns import HISTORY
    from settlement.engine import open_engine
    from settlement.night import asked_table, empty_input

    with open_engine("files", settings) as engine:
        for name, table in (("home_rows", home), ("host_rows", host), ("asked", asked_table(None))):
            engine.load(name, table)
        for name in HISTORY:
            engine.load(name, empty_input(name))
        yield engine


class _Stopwatch:
    """Measures stages by wall time; says nothing about what time it is."""

    def __init__(self) -> None:
        self._start_s = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what is done inside."""
        start_s = time.perf_counter()
        yield
        self._seconds[name] = time.perf_counter() - start_s

    def seconds(self) -> dict[str, float]:
        """Return each stage and the total."""
        return {**self._seconds, "total": time.perf_counter() - self._start_s}


def _both(reading: "list[Future[Any]]") -> list[Any]:
    """Return what two readers read; if both files are bad, both are told of."""
    tables: list[Any] = []
    bad: list[BadFile] = []
    for reader in reading:
        try:
            tables.append(reader.result())
        except BadFile as error:
            bad.append(error)
    if bad:
        raise bad[0] if len(bad) == 1 else BadFile.of_both(*bad)
    return tables


def _require_rows(paths: tuple[Path, ...], sides: tuple[Any, ...]) -> None:
    """Refuse two files that both hold nothing: there is nothing to compare."""
    if any(_row_count(side) for side in sides):
        return
    raise BadFile.of_both(
        *(BadFile(path.name, Findings([Finding.of(Problem.NO_ROWS)])) for path in paths)
    )


def _row_count(side: Any) -> int:  # noqa: ANN401 - pyarrow ships no types
    """Return how many rows a reader read."""
    return int(side.row_count if hasattr(side, "row_count") else side.num_rows)


def _digest(engine: "Engine") -> tuple[bytes, int]:
    """Return digest and number of the lines, hashing each block while the next one is made."""
    from settlement.core.digest import DigestBuilder
    from settlement.engine import TextBlock

    builder = DigestBuilder()
    with ThreadPoolExecutor(max_workers=1) as hasher:
        hashing: Future[None] | None = None
        for batch in engine.batches("line_bytes"):
            if hashing is not None:
                hashing.result()
            hashing = hasher.submit(builder.add, TextBlock.of(batch.column("line")))
        if hashing is not None:
            hashing.result()
    return builder.digest(), builder.line_count


def _sum(rows: Any) -> int:  # noqa: ANN401 - pyarrow ships no types
    """Return the sum of all amounts; a file's rows times the largest amount fits 64 bits."""
    import pyarrow.compute as pc

    return int(pc.sum(rows["amount_fen"]).as_py() or 0)


def _lines_path(path: Path, inputs: tuple[Path, ...]) -> Path:
    """Return where to write lines, known to be of a kind and at a place that can be written."""
    from deltacare.errors import invalid_field

    if path.suffix.lower() not in (".parquet", ".csv"):
        raise invalid_field(
            "lines",
            path.name,
            "Lines are written as Parquet or CSV.",
            "Name a file that ends in .parquet or .csv.",
        )
    if not path.parent.is_dir():
        raise invalid_field(
            "lines", str(path), "There is no such folder.", "Make the folder, or name another."
        )
    if path.exists() and any(each.exists() and path.samefile(each) for each in inputs):
        raise invalid_field(
            "lines", str(path), "This is one of the files to compare.", "Name another file."
        )
    return path


def _write_lines(table: Any, path: Path) -> None:  # noqa: ANN401 - pyarrow ships no types
    """Write the lines."""
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, path)
    else:
        import pyarrow.csv as pacsv

        pacsv.write_csv(table, path)
