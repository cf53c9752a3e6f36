"""What is kept of a computed night, made while its lines pass by: leaves, sums, and what it closes.

A line's bytes hold all that a person is shown but the date its first row was filed under, which
stands beside the leaf. Leaves are compressed: a matched line repeats its row. What a night closes
is kept as runs of places in the two logs, because most rows close with their neighbours; the rows
themselves are in the log's own table. So a night of millions is kept in some hundred bytes a leaf
more than its lines compress to.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deltacare.tlog.tree import Frontier, leaf_hash
from server.settlement.leaves import LINES_PER_LEAF, packed
from settlement.core.classes import LineClass
from settlement.core.columns import codes_of
from settlement.core.summary import Summary
from settlement.engine import TextBlock
from settlement.night import Night

__all__ = ["KeptNight", "LeafRow", "Outcome", "keep_night", "unpack_outcome"]

LeafRow = tuple[int, bytes, int, bytes, bytes]
"""Index, hash, classes as bits, content, and first dates, as the table has them."""

_LEAVES_AT_ONCE: Final = 64
_RUNS = pa.schema(
    [
        ("author", pa.string()),
        ("cleared", pa.bool_()),
        ("first", pa.int64()),
        ("last", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptNight:
    """What a night came to.

    Attributes:
        digest: Over its lines, 32 bytes.
        line_count: Lines.
        summary: Counts, sums, flows and positions.
        leaf_rows: The leaves, as they are stored.
        outcome: What it closes once it is agreed, as one value.
    """

    digest: bytes
    line_count: int
    summary: Summary
    leaf_rows: tuple[LeafRow, ...]
    outcome: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a night closes once it is agreed.

    Attributes:
        closed: For each author the first and last place of each run of rows that are done with.
        cleared: For each home province those of its rows that are cleared, likewise.
        cancelled: home, host and number of cleared settlements whose reversal is cleared.
    """

    closed: Mapping[str, tuple[tuple[int, int], ...]]
    cleared: Mapping[str, tuple[tuple[int, int], ...]]
    cancelled: tuple[tuple[str, str, str], ...]


def keep_night(night: Night) -> KeptNight:
    """Read a night once through, on a thread of the caller's, and return what is kept of it."""
    summary = night.summary()
    rows = tuple(_leaves(night.line_batches()))
    line_count = sum(summary.counts.values())
    return KeptNight(
        digest=Frontier.empty().append([row[1] for row in rows]).root,
        line_count=line_count,
        summary=summary,
        leaf_rows=rows,
        outcome=_pack_outcome(night),
    )


# --- Leaves ---------------------------------------------------------------------------------------


def _leaves(batches: Iterable[pa.RecordBatch]) -> Iterator[LeafRow]:
    """Yield the leaves of lines in their order; while some are packed, the next are made."""
    with ThreadPoolExecutor(max_workers=1) as packer:
        packing: Future[list[LeafRow]] | None = None
        start = 0
        for lines in _in_whole_leaves(batches):
            following = packer.submit(_leaf_rows, lines, start)
            if packing is not None:
                yield from packing.result()
            packing = following
            start += -(-len(lines) // LINES_PER_LEAF)
        if packing is not None:
            yield from packing.result()


def _in_whole_leaves(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield lines in batches of whole leaves; only the last may end in one that is not full."""
    size = LINES_PER_LEAF * _LEAVES_AT_ONCE
    waiting: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += len(batch)
        if count < size:
            continue
        whole = pa.concat_batches(waiting)
        end = count - count % size
        for start in range(0, end, size):
            yield whole.slice(start, size)
        waiting, count = [whole.slice(end)], count - end
    if count:
        yield pa.concat_batches(waiting)


def _leaf_rows(lines: pa.RecordBatch, first_leaf: int) -> list[LeafRow]:
    """Return the leaves of some lines."""
    block = TextBlock.of(lines.column("line"))
    bits = np.left_shift(np.int64(1), lines.column("rank").to_numpy().astype(np.int64))
    dates = "".join(pc.cast(lines.column("filed_date"), pa.string()).to_pylist()).encode()
    date_chars = len(dates) // len(lines)
    rows: list[LeafRow] = []
    for number, start in enumerate(range(0, len(lines), LINES_PER_LEAF)):
        end = min(start + LINES_PER_LEAF, len(lines))
        content = bytes(block.data[block.offsets[start] : block.offsets[end]])
        rows.append(
            (
                first_leaf + number,
                leaf_hash(content),
                int(np.bitwise_or.reduce(bits[start:end])),
                packed(content),
                packed(dates[start * date_chars : end * date_chars]),
            )
        )
    return rows


# --- What is closed -------------------------------------------------------------------------------


def _pack_outcome(night: Night) -> bytes:
    """Return what a night closes as one value."""
    places: dict[tuple[str, bool], list[Any]] = {}
    for batch in night.closed_batches():
        is_home = pc.equal(batch.column("side"), "home")
        is_matched = pc.equal(batch.column("rank"), LineClass.MATCHED.rank)
        for pair in pc.unique(batch.column("pair")).to_pylist():
            of_pair = pc.equal(batch.column("pair"), pair)
            for author, of_side in zip(codes_of(pair), (is_home, pc.invert(is_home)), strict=True):
                found = pc.filter(batch.column("position"), pc.and_(of_pair, of_side))
                places.setdefault((author, False), []).append(found.to_numpy())
            cleared = pc.and_(pc.and_(of_pair, is_home), is_matched)
            found = pc.filter(batch.column("position"), cleared)
            places.setdefault((codes_of(pair)[0], True), []).append(found.to_numpy())
    parts = []
    for (author, is_cleared), arrays in sorted(places.items()):
        first, last = _runs(np.concatenate(arrays))
        columns = [[author] * len(first), [is_cleared] * len(first), first, last]
        parts.append(pa.table([pa.array(each) for each in columns], schema=_RUNS))
    runs = pa.concat_tables([_RUNS.empty_table(), *parts])
    return b"".join(
        len(data).to_bytes(8, "big") + data
        for data in (_table_bytes(runs), _table_bytes(night.newly_cancelled()))
    )


def _runs(places: Any) -> tuple[Any, Any]:  # noqa: ANN401 - numpy ships few types
    """Return the first and the last of each run of consecutive places."""
    places = np.unique(places)
    if not places.size:
        return places, places
    ends = np.flatnonzero(np.diff(places) != 1)
    return places[np.concatenate(([0], ends + 1))], places[np.concatenate((ends, [-1]))]


def _table_bytes(table: pa.Table) -> bytes:
    """Return a table as a compressed stream."""
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return sink.getvalue()


def unpack_outcome(data: bytes) -> Outcome:
    """Return what `KeptNight.outcome` says."""
    tables = []
    while data:
        end = 8 + int.from_bytes(data[:8], "big")
        with pa.ipc.open_stream(data[8:end]) as reader:
            tables.append(reader.read_all())
        data = data[end:]
    runs, cancelled = tables
    found: dict[bool, dict[str, list[tuple[int, int]]]] = {False: {}, True: {}}
    for author, is_cleared, first, last in zip(
        *(runs[name].to_pylist() for name in _RUNS.names), strict=True
    ):
        found[is_cleared].setdefault(author, []).append((first, last))
    names = ("home", "host", "settlement_no")
    keys = sorted(zip(*(cancelled[name].to_pylist() for name in names), strict=True))
    closed, cleared = (
        {author: tuple(each) for author, each in found[which].items()} for which in (False, True)
    )
    return Outcome(closed=closed, cleared=cleared, cancelled=tuple(keys))
