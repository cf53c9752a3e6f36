"""Reconciles two files of the plainest form where nearly every row is matched, without an engine.

What a line is stands in `settlement.core` and nowhere else. Of its definition this module uses one
consequence: a number that stands once in each file, in rows that are equal to the byte, and whose
claim no row of another number may share, is one `MATCHED` line. Such lines are written from the
files' own bytes. All other rows go to the engine together, and its lines are put between them. A
row is never left here because two hashes differ by chance, nor matched because two agree: hashes
only send rows to the engine. The tests hold both ways against each other.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deltacare.tlog.tree import Frontier
from settlement.core.classes import LineClass
from settlement.core.columns import COLUMNS, PAIR_FACTOR, SEPARATOR, TERMINATOR, codes_of
from settlement.core.digest import LINES_PER_LEAF, DigestBuilder
from settlement.engine import TextBlock
from settlement.grid import WORD_BYTES, Grid, pieces_of, words_at
from settlement.records import FIELD_CHARS_MAX

__all__ = ["Matched", "joined_digest", "match"]

# Few enough to stay near the processor; whole leaves, so that blocks can be hashed side by side.
_BLOCK_LINES: Final = 32 * LINES_PER_LEAF
_STRIDE: Final = 32_768
_HALF_BITS: Final = 16
_CODE_END: Final = 2**63
_HASH_FACTOR: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_CODE_CHARS: Final = 6

Total = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The matched numbers of two files, and what is left.

    Attributes:
        grid: Home's file.
        rows: Home's matched rows in the order of their lines.
        codes: Their keys as numbers that sort as they do.
        keys: Gives such numbers for keys of other lines of these files.
        number_chars: Length of the longest settlement number.
        home_rest: All other rows of home, ascending.
        host_rest: All other rows of the host, ascending.
    """

    grid: Grid
    rows: Any
    codes: Any
    keys: "_KeyCodes"
    number_chars: int
    home_rest: Any
    host_rest: Any

    def totals(self) -> list[Total]:
        """Return (pair, rank, line_count, home_fen, host_fen) of the matched lines."""
        fen, pairs = self.grid.fen[self.rows], self.grid.pairs[self.rows]
        rank = LineClass.MATCHED.rank
        found: list[Total] = []
        for pair in np.unique(pairs).tolist():
            of_pair = fen[pairs == pair]
            total = int(of_pair.sum())
            found.append((pair, rank, int(of_pair.size), total, total))
        return found


def match(home_grid: Grid, host_grid: Grid, *, threads: int) -> Matched:
    """Return which numbers of two files are matched, whatever else they hold.

    Args:
        home_grid: Home's file.
        host_grid: The host's.
        threads: Threads, at least 1.
    """
    number_chars = max(
        int((grid.ends("settlement_no") - grid.starts("settlement_no")).max())
        for grid in (home_grid, host_grid)
    )
    with ThreadPoolExecutor(max_workers=threads) as workers:
        # 1. Keys as numbers, and what home's rows claim.
        home, host = workers.map(lambda grid: _Rows.of(grid, number_chars), (home_grid, host_grid))
        claiming = workers.submit(_claims, home_grid)
        keys = _KeyCodes((home, host), workers)
        (order, codes, single), (host_order, host_codes, host_single) = workers.map(
            _sorted_codes, keys.codes
        )
        # 2. Numbers that stand once in each file.
        claims_sorting = workers.submit(_sorted_codes, claiming.result())
        at = np.searchsorted(host_codes, codes)
        at[at == host_codes.size] = 0
        both = single & host_single[at] & (host_codes[at] == codes)
        rows, host_rows, codes = order[both], host_order[at[both]], codes[both]
        # 3. Of these, equal rows; in the order of home's file, because that is read soonest.
        partners = np.full(home_grid.row_count, -1)
        partners[rows] = host_rows

        def compare(start: int) -> None:
            own = np.flatnonzero(partners[start : start + _BLOCK_LINES] >= 0) + start
            equal[own] = _equal(home, own, host, partners[own])

        equal = np.zeros(home_grid.row_count, np.bool_)
        list(workers.map(compare, range(0, home_grid.row_count, _BLOCK_LINES)))
        same = equal[rows]
        rows, host_rows, codes = rows[same], host_rows[same], codes[same]
        # 4. Of these, rows whose claim nobody else may make.
        others = _claims(host_grid, _others(host_rows, host_grid.row_count))
        alone = ~_shared_claims(*claims_sorting.result()[:2], others)[rows]
    rows, host_rows, codes = rows[alone], host_rows[alone], codes[alone]
    return Matched(
        grid=home_grid,
        rows=rows,
        codes=codes,
        keys=keys,
        number_chars=number_chars,
        home_rest=_others(rows, home_grid.row_count),
        host_rest=_others(host_rows, host_grid.row_count),
    )


def joined_digest(matched: Matched, rest: Sequence[Any], *, threads: int) -> tuple[bytes, int]:
    """Return digest and number of all lines.

    Args:
        matched: The matched numbers.
        rest: The bytes of all other lines in their order, some at a time.
        threads: Threads, at least 1.
    """
    writer = _LineWriter(matched.grid)
    lines = pa.chunked_array(rest, pa.string()).cast(pa.large_string()).combine_chunks()
    # Where each of them stands among all; a number is either matched or among the others.
    codes = [np.empty(0, np.int64), *(_line_codes(matched, part) for part in rest)]
    places = np.searchsorted(matched.codes, np.concatenate(codes)) + np.arange(len(lines))
    total = matched.rows.size + len(lines)

    def leaf_hashes(start: int) -> tuple[bytes, ...]:
        stop = min(start + _BLOCK_LINES, total)
        first, last = np.searchsorted(places, (start, stop)).tolist()
        block = writer.lines(matched.rows[start - first : stop - last])
        if last > first:
            # The others stand behind the matched ones first, and are then put where they belong.
            own = np.ones(stop - start, np.bool_)
            own[places[first:last] - start] = False
            order = np.where(own, np.cumsum(own) - 1, len(block) + np.cumsum(~own) - 1)
            others = lines.slice(first, last - first).cast(pa.string())
            block = pa.concat_arrays([block, others]).take(pa.array(order))
        builder = DigestBuilder()
        builder.add(TextBlock.of(block))
        return builder.leaf_hashes()

    with ThreadPoolExecutor(max_workers=threads) as workers:
        parts = list(workers.map(leaf_hashes, range(0, total, _BLOCK_LINES)))
    root = Frontier.empty().append([each for part in parts for each in part]).root
    return root, total


class _LineWriter:
    """Writes matched lines of a file's rows."""

    def __init__(self, grid: Grid) -> None:
        self._pairs = grid.pairs
        self._texts, self._numbers, self._amounts = (
            pieces_of(grid.data, grid.starts(first), grid.ends(last))
            for first, last in (
                (COLUMNS[0], COLUMNS[-1]),
                ("settlement_no", "settlement_no"),
                ("amount_fen", "amount_fen"),
            )
        )

    def lines(self, rows: Any) -> Any:  # noqa: ANN401 - numpy ships few types
        """Return the bytes of the lines of some rows, in the order given."""
        pairs, places = np.unique(self._pairs[rows], return_inverse=True)
        heads = [SEPARATOR.join((*codes_of(pair), "")).encode() for pair in pairs.tolist()]
        amounts = _gathered(self._amounts, rows)
        texts = _gathered(self._texts, rows)
        one = f"{SEPARATOR}1{SEPARATOR}"
        parts = (
            pa.array(heads, pa.binary()).take(pa.array(places)),
            _gathered(self._numbers, rows),
            f"{SEPARATOR}{LineClass.MATCHED.name}{one}".encode(),
            amounts,
            SEPARATOR.encode(),
            texts,
            one.encode(),
            amounts,
            SEPARATOR.encode(),
            texts,
            TERMINATOR.encode(),
        )
        return pc.binary_join_element_wise(
            *(pa.scalar(part, pa.binary()) if isinstance(part, bytes) else part for part in parts),
            pa.scalar(b"", pa.binary()),
        ).view(pa.string())


def _line_codes(matched: Matched, lines: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the keys of lines as numbers; a line begins with home, host and number."""
    content, offsets = _content(lines)
    marks = np.flatnonzero(content == ord(SEPARATOR))
    ends = marks[np.searchsorted(marks, offsets[:-1]) + 2]
    homes, hosts = offsets[:-1], offsets[:-1] + _CODE_CHARS + 1
    starts = hosts + _CODE_CHARS + 1
    home, host = (
        (content[place].astype(np.int16) - ord("0")) * 10 + content[place + 1] - ord("0")
        for place in (homes, hosts)
    )
    # Room, so that a number can be read eight bytes at a time.
    roomy = np.concatenate([content, np.zeros(FIELD_CHARS_MAX + WORD_BYTES, np.uint8)])
    pairs = (home * PAIR_FACTOR + host).astype(np.int16)
    return matched.keys.of(_halves(roomy, starts, ends, pairs, matched.number_chars))


def _gathered(pieces: Any, rows: Any) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the parts of a buffer that belong to some rows, in the order given."""
    return pieces.take(pa.array(2 * rows))


def _content(texts: Any) -> tuple[Any, Any]:  # noqa: ANN401 - pyarrow ships no types
    """Return the bytes and the offsets of an array of texts."""
    block = TextBlock.of(texts.view(pa.string()))
    offsets = np.asarray(block.offsets)
    return np.frombuffer(block.data, np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0]


def _equal(left: Any, left_rows: Any, right: Any, right_rows: Any) -> Any:  # noqa: ANN401 - numpy
    """Return of each pair of rows whether their texts are equal to the byte."""
    equal = left.lengths[left_rows] == right.lengths[right_rows]
    there = np.flatnonzero(equal)
    if there.size:
        own, offsets = _content(_gathered(left.texts, left_rows[there]))
        other, _ = _content(_gathered(right.texts, right_rows[there]))
        apart = np.flatnonzero(own != other)
        equal[there[np.searchsorted(offsets, apart, "right") - 1]] = False
    return equal


def _others(rows: Any, count: int) -> Any:  # noqa: ANN401 - numpy ships few types
    """Return the places below a count that are not among some."""
    left = np.ones(count, np.bool_)
    left[rows] = False
    return np.flatnonzero(left)


def _sorted_codes(codes: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 - as above
    """Return the order of codes, the codes in it, and which of them are there once."""
    order = np.argsort(codes)
    ordered = codes[order]
    single = np.ones(ordered.size, np.bool_)
    alike = ordered[1:] == ordered[:-1]
    single[1:] &= ~alike
    single[:-1] &= ~alike
    return order, ordered, single


def _claims(grid: Grid, rows: Any = None) -> Any:  # noqa: ANN401 - as above
    """Return a hash of what rows claim: equal claims have equal ones."""
    chosen = np.arange(grid.row_count) if rows is None else rows
    bounds = [grid.starts("beneficiary_ref"), grid.ends("beneficiary_ref"), grid.ends("amount_fen")]
    hashes = np.zeros(chosen.size, np.uint64)
    for first in range(0, chosen.size, _STRIDE):
        block = slice(first, first + _STRIDE)
        start, stop, end = (bound[chosen[block]] for bound in bounds)
        # From the host's code to the amount all is claimed: no place is outside of that.
        for place in (
            start,
            start + WORD_BYTES,
            stop - WORD_BYTES,
            end - 2 * WORD_BYTES,
            end - WORD_BYTES,
        ):
            part = hashes[block]
            part ^= words_at(grid.data, place)
            part *= _HASH_FACTOR
            part ^= part >> np.uint64(32)
    return hashes


def _shared_claims(order: Any, ordered: Any, others: Any) -> Any:  # noqa: ANN401 - as above
    """Return of each row whether its hash is also that of another one, or among some others."""
    shared = np.zeros(ordered.size, np.bool_)
    alike = np.flatnonzero(ordered[1:] == ordered[:-1])
    shared[order[alike]] = True
    shared[order[alike + 1]] = True
    at = np.searchsorted(ordered, others)
    at[at == ordered.size] = 0
    shared[order[at[ordered[at] == others]]] = True
    return shared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """What is read of a file's rows again and again.

    Attributes:
        grid: The file.
        texts: The parts that are whole rows.
        lengths: Length of each.
        halves: Two bytes of the key of each row, by place: the direction, then the number.
        seen: Which values occur in each place.
    """

    grid: Grid
    texts: Any
    lengths: Any
    halves: list[Any]
    seen: list[Any]

    @classmethod
    def of(cls, grid: Grid, number_chars: int) -> Self:
        """Return the rows of a file."""
        places = grid.starts("settlement_no"), grid.ends("settlement_no")
        halves = _halves(grid.data, *places, grid.pairs, number_chars)
        seen = []
        for half in halves:
            found = np.zeros(1 << _HALF_BITS, np.bool_)
            found[half] = True
            seen.append(found)
        return cls(
            grid=grid,
            texts=pieces_of(grid.data, grid.starts(COLUMNS[0]), grid.ends(COLUMNS[-1])),
            lengths=grid.ends(COLUMNS[-1]) - grid.starts(COLUMNS[0]),
            halves=halves,
            seen=seen,
        )


def _halves(data: Any, starts: Any, ends: Any, pairs: Any, number_chars: int) -> list[Any]:  # noqa: ANN401 - as above
    """Return direction and number of lines, two bytes and two bytes, as numbers that sort as they.

    Behind a number there are zeros, which sort before whatever a number holds.
    """
    lengths = ends - starts
    halves = [pairs.view(np.uint16)]
    for first in range(0, number_chars, WORD_BYTES):
        # Of a word that begins here, what numbers of each length leave.
        kept = np.array(
            [
                (1 << 8 * min(max(length - first, 0), WORD_BYTES)) - 1
                for length in range(FIELD_CHARS_MAX + 1)
            ],
            np.uint64,
        )
        words = np.empty(lengths.size, np.uint64)
        for start in range(0, lengths.size, _STRIDE):
            block = slice(start, start + _STRIDE)
            word = words_at(data, starts[block] + np.int32(first))
            word &= kept[lengths[block]]
            words[block] = word.byteswap(inplace=True)
        parts = words.view("<u2").reshape(-1, WORD_BYTES // 2)
        halves += [parts[:, index] for index in reversed(range(WORD_BYTES // 2))]
    return halves


class _KeyCodes:
    """Keys of lines as numbers below 2^63 that sort as they do, and differ where they differ.

    Places of a key that hold one value are left out, and each other place counts as many values as
    occur there. Where that is too much for one number, what came before is numbered through.

    Args:
        sides: The rows of both files; keys of other lines must be among theirs.
    """

    def __init__(self, sides: Sequence[_Rows], workers: ThreadPoolExecutor) -> None:
        row_count = sum(side.grid.row_count for side in sides)
        self._groups: list[list[tuple[int, Any, int]]] = [[]]
        self._ranks: list[Any] = []
        reach = 1
        for place, seen in enumerate(zip(*(side.seen for side in sides), strict=True)):
            values = np.flatnonzero(np.logical_or.reduce(seen))
            if values.size == 1:
                continue
            if reach * values.size > _CODE_END:
                self._groups.append([])
                reach = row_count
            reach *= int(values.size)
            table = np.zeros(1 << _HALF_BITS, np.int64)
            table[values] = np.arange(values.size)
            self._groups[-1].append((place, table, int(values.size)))
        self.codes = [np.zeros(side.grid.row_count, np.int64) for side in sides]
        for group in self._groups:
            if group is not self._groups[0]:
                self._ranks.append(np.unique(np.concatenate(self.codes)))
                self.codes = [np.searchsorted(self._ranks[-1], codes) for codes in self.codes]
            for done in [
                workers.submit(_append, codes, side.halves, group)
                for codes, side in zip(self.codes, sides, strict=True)
            ]:
                done.result()

    def of(self, halves: list[Any]) -> Any:  # noqa: ANN401 - numpy ships few types
        """Return the codes of keys that occur in the files."""
        codes = np.zeros(halves[0].size, np.int64)
        for index, group in enumerate(self._groups):
            if index:
                codes = np.searchsorted(self._ranks[index - 1], codes)
            _append(codes, halves, group)
        return codes


def _append(codes: Any, halves: list[Any], group: list[tuple[int, Any, int]]) -> None:  # noqa: ANN401 - as above
    """Put what some places hold behind codes, which are changed."""
    for start in range(0, codes.size, _STRIDE):
        block = slice(start, start + _STRIDE)
        part = codes[block]
        for place, table, radix in group:
            part *= radix
            part += table[halves[place][block]]
