"""Reads the plainest settlement CSV without taking it apart: for a million rows and more.

The plainest file has the ten columns in their order, visible ASCII and nothing quoted; so programs
write it. Then its bytes form a grid, in which every tenth separator ends a row, and a row is the
text that a line's bytes hold, but for the commas. So nothing is copied but what is asked for. At
the first thing that is otherwise it gives up without saying why, and a more patient reader takes
the file. It works in pieces that stay near the processor.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from deltacare.money import MAX_FEN
from settlement.columnar import plan_rows
from settlement.core.columns import COLUMNS, PAIR_FACTOR
from settlement.records import FIELD_CHARS_MAX, PROVINCES, SERVICE_DAYS_MAX, parse_cell

__all__ = ["PLACE", "WORD_BYTES", "Grid", "pieces_of", "read_grid", "words_at"]

# Offsets into the file are 32 bits wide.
_FILE_BYTES_MAX = 2**31 - 1
_PIECE_BYTES = 1024**2
_ROW_BYTES_MIN, _ROW_BYTES_MAX = 34, 1024
_BATCH_ROWS = 122_880

WORD_BYTES: Final = 8
# So many bytes may be read in front of any field, and behind it.
_SLACK_BYTES = FIELD_CHARS_MAX + WORD_BYTES

_COMMA, _US, _CR, _LF = (np.uint8(ord(char)) for char in ",\x1f\r\n")
_FIRST_VISIBLE, _LAST_VISIBLE = ord("!"), ord("~")
_QUOTE, _PLUS, _ZERO = (ord(char) for char in '"+0')

_CODE_CHARS, _MONTH_CHARS, _DAYS_CHARS_MAX = 6, 7, 2
_FEN_CHARS_MAX = len(str(MAX_FEN))

PLACE: Final = {name: index for index, name in enumerate(COLUMNS)}
# Columns of which a plan reads the text; their lengths are limited, and only the last may be empty.
_IDENTIFIERS: Final = (
    "settlement_no",
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "caregiver_cert_no",
)
# Columns that a plan reads as texts beside the whole row.
_READ: Final = ("settlement_no", "beneficiary_ref", "service_month")

# The codes of the federation as little-endian integers, by their two leading digits.
_CODE_WORDS: Final = np.zeros(100, np.uint64)
for _code in PROVINCES:
    _CODE_WORDS[int(_code[:2])] = int.from_bytes(_code.encode(), "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The rows of a file of the plainest form, checked, where they stand.

    Attributes:
        data: The file's bytes with the separator of lines for the comma, and room behind them.
        bounds: Where each row begins less one, and where each of its fields ends: an array each.
        fen: Amount of each row.
        pairs: Direction of each row.
    """

    data: Any
    bounds: Any
    fen: Any
    pairs: Any

    @property
    def row_count(self) -> int:
        """How many rows there are, at least one."""
        return int(self.fen.size)

    def starts(self, name: str) -> Any:  # noqa: ANN401 - numpy ships few types
        """Return where a column of each row begins."""
        return self.bounds[PLACE[name]] + np.int32(1)

    def ends(self, name: str) -> Any:  # noqa: ANN401 - as above
        """Return where a column of each row ends."""
        return self.bounds[PLACE[name] + 1]

    def table(self, rows: Any = None) -> pa.Table:  # noqa: ANN401 - numpy ships few types
        """Return rows in the columns that a plan reads.

        Args:
            rows: Their places, ascending; ``None``: all of them.
        """
        chosen = slice(None) if rows is None else rows
        bounds = self.bounds[:, chosen]
        every_second = pa.array(np.arange(0, 2 * bounds.shape[1], 2))
        spans = {name: (PLACE[name], PLACE[name] + 1) for name in _READ}
        columns = {
            name: pieces_of(self.data, bounds[before] + np.int32(1), bounds[end])
            .take(every_second)
            .view(pa.string())
            for name, (before, end) in {**spans, "text": (0, -1)}.items()
        }
        columns["amount_fen"] = pa.array(self.fen[chosen])
        table = plan_rows(pa.table(columns), pa.array(self.pairs[chosen]))
        # In batches, so that threads can share them.
        return pa.Table.from_batches(table.to_batches(max_chunksize=_BATCH_ROWS), table.schema)


class _NotPlain(Exception):  # noqa: N818 - no error: another reader takes the file
    """The file is not of the plainest form."""


def read_grid(path: Path) -> Grid | None:
    """Return the rows of the plainest CSV, ``None`` if it is not.

    Args:
        path: A file that can be opened, of any size.
    """
    size = path.stat().st_size
    if not 0 < size < _FILE_BYTES_MAX - _SLACK_BYTES:
        return None
    data = np.empty(size + _SLACK_BYTES, np.uint8)
    with path.open("rb") as file:
        if file.readinto(data.data[:size]) != size:
            return None
    data[size:] = _LF
    for line_end in (b"\n", b"\r\n"):
        header = ",".join(COLUMNS).encode() + line_end
        if data[: len(header)].tobytes() == header:
            break
    else:
        return None
    end = size
    if data[size - 1] != _LF:
        # The last row may lack its end; there is room for one.
        end += len(line_end)
        data[size:end] = np.frombuffer(line_end, np.uint8)
    if len(header) >= end:
        return None
    # Room for as many rows as there could be; what is not used costs nothing.
    rows_max = (end - len(header)) // _ROW_BYTES_MIN + 1
    grid = Grid(
        data=data,
        bounds=np.empty((len(COLUMNS) + 1, rows_max), np.int32),
        fen=np.empty(rows_max, np.int64),
        pairs=np.empty(rows_max, np.int16),
    )
    count = 0
    months: set[int] = set()
    try:
        for start, stop in _spans(data, len(header), end):
            count += _piece(grid, count, (start, stop), line_end, months)
        names = [month.to_bytes(WORD_BYTES, "little")[:_MONTH_CHARS].decode() for month in months]
        _require(all(parse_cell("service_month", name) == name for name in names))
    except _NotPlain:
        return None
    return Grid(
        data=data,
        bounds=grid.bounds[:, :count],
        fen=grid.fen[:count],
        pairs=grid.pairs[:count],
    )


def pieces_of(data: Any, starts: Any, ends: Any) -> Any:  # noqa: ANN401 - numpy ships few types
    """Return parts of a buffer as an Arrow array of bytes, without a copy: every second item.

    What lies between two parts is an item as well, and so the buffer serves as it is.

    Args:
        data: The bytes.
        starts: Where each part begins, ascending.
        ends: Where it ends, not behind the beginning of the next.
    """
    offsets = np.empty(2 * starts.size + 1, np.int32)
    offsets[:-1:2], offsets[1::2] = starts, ends
    offsets[-1] = offsets[-2] if starts.size else 0
    return pa.Array.from_buffers(
        pa.binary(), 2 * starts.size, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def words_at(data: Any, places: Any) -> Any:  # noqa: ANN401 - numpy ships few types
    """Return the eight bytes at some places of a buffer as little-endian integers."""
    return np.ndarray((data.size - WORD_BYTES + 1,), "<u8", data, strides=(1,))[places]


def _spans(data: Any, start: int, end: int) -> Iterator[tuple[int, int]]:  # noqa: ANN401 - numpy
    """Yield where pieces of whole rows begin and end."""
    while start < end:
        stop = min(start + _PIECE_BYTES, end)
        if stop < end:
            ends = np.flatnonzero(data[stop - _ROW_BYTES_MAX : stop] == _LF)
            _require(ends.size > 0)
            stop += int(ends[-1]) + 1 - _ROW_BYTES_MAX
        yield start, stop
        start = stop


def _piece(
    grid: Grid, done: int, span_of: tuple[int, int], line_end: bytes, months: set[int]
) -> int:
    """Put the rows of a span into a grid and return how many; commas become the separator of lines.

    Args:
        grid: Has room for them.
        done: How many rows it has.
        span_of: Where the span begins and ends.
        line_end: The end of each line.
        months: Takes the service months.

    Raises:
        _NotPlain: If anything in it is not plain.
    """
    data, (start, stop) = grid.data, span_of
    # 1. The grid: nine commas and a line end a row, nothing else that is not visible ASCII.
    span = data[start:stop]
    flags = np.empty(span.size, np.bool_)
    _require(span.max() <= _LAST_VISIBLE)
    for unwanted in (_QUOTE, _PLUS):
        _require(not np.equal(span, unwanted, out=flags).any())
    row_ends = np.flatnonzero(np.equal(span, _LF, out=flags)).astype(np.int32)
    count = row_ends.size
    unseen = np.count_nonzero(np.less(span, _FIRST_VISIBLE, out=flags))
    _require(unseen == count * len(line_end))
    if len(line_end) > 1:
        _require((span[row_ends - 1] == _CR).all())
    marks = np.flatnonzero(np.equal(span, _COMMA, out=flags)).astype(np.int32)
    _require(marks.size == count * (len(COLUMNS) - 1))
    lowering = flags.view(np.uint8)
    lowering *= _COMMA - _US
    span -= lowering
    # 2. Where each field begins and ends, and how long it is.
    bounds = grid.bounds[:, done : done + count]
    for column in range(len(COLUMNS) - 1):
        bounds[column + 1] = marks[column :: len(COLUMNS) - 1]
    bounds[-1] = row_ends - np.int32(len(line_end) - 1)
    bounds[0, 0] = -1
    bounds[0, 1:] = row_ends[:-1]
    lengths = np.diff(bounds, axis=0)
    lengths -= 1
    bounds += np.int32(start)
    longest, least = lengths.max(axis=1), lengths.min(axis=1)
    # Where one row has too few commas and another too many, the length of their first or last
    # column is below zero.
    for name in _IDENTIFIERS:
        _require(least[PLACE[name]] >= (name != "caregiver_cert_no"))
        _require(longest[PLACE[name]] <= FIELD_CHARS_MAX)
    # 3. Numbers and months.
    home, host = (_provinces(data, bounds, lengths, name) for name in ("home", "host"))
    _require((home != host).all())
    days = _numbers(data, bounds, lengths, "service_days", _DAYS_CHARS_MAX)
    _require(days.min() >= 1 and days.max() <= SERVICE_DAYS_MAX)
    fen = _numbers(data, bounds, lengths, "amount_fen", _FEN_CHARS_MAX)
    _require(fen.max() <= MAX_FEN)
    month = PLACE["service_month"]
    _require(least[month] == longest[month] == _MONTH_CHARS)
    words = words_at(data, bounds[month] + np.int32(1))
    months.update(np.unique(words & np.uint64(2 ** (8 * _MONTH_CHARS) - 1)).tolist())
    grid.fen[done : done + count] = fen
    grid.pairs[done : done + count] = home * np.int16(PAIR_FACTOR) + host
    return count


def _provinces(data: Any, bounds: Any, lengths: Any, name: str) -> Any:  # noqa: ANN401 - as above
    """Return the two leading digits of six-digit codes of the federation.

    Raises:
        _NotPlain: If one is not of the federation, or is written otherwise.
    """
    place = PLACE[name]
    _require((lengths[place] == _CODE_CHARS).all())
    words = words_at(data, bounds[place] + np.int32(1)) & np.uint64(2 ** (8 * _CODE_CHARS) - 1)
    tens, units = words & np.uint64(0xFF), words >> np.uint64(8) & np.uint64(0xFF)
    numbers = (tens * np.uint64(10) + units - np.uint64(11 * _ZERO)).astype(np.int16)
    # A number tells what the code would be; only if it is that, the number stands.
    _require((_CODE_WORDS[np.clip(numbers, 0, _CODE_WORDS.size - 1)] == words).all())
    return numbers


def _numbers(data: Any, bounds: Any, lengths: Any, name: str, chars_max: int) -> Any:  # noqa: ANN401 - as above
    """Return a column of whole numbers written in digits without needless zeros.

    Raises:
        _NotPlain: If one is written otherwise.
    """
    place = PLACE[name]
    end, length = bounds[place + 1], lengths[place]
    longest = int(length.max())
    _require(length.min() >= 1 and longest <= chars_max)
    _require(not ((data[end - length] == _ZERO) & (length > 1)).any())
    numbers = _eight_digits(data, end, np.minimum(length, WORD_BYTES))
    if longest > WORD_BYTES:
        more = np.maximum(length - WORD_BYTES, 0)
        numbers += _eight_digits(data, end - WORD_BYTES, more) * np.uint64(10**WORD_BYTES)
    return numbers.astype(np.int64)


def _eight_digits(data: Any, end: Any, length: Any) -> Any:  # noqa: ANN401 - as above
    """Return the numbers that up to eight digits in front of some places stand for.

    All eight at once: neighbours are joined to numbers of two digits, these to four, to eight.

    Raises:
        _NotPlain: If there is anything but digits.
    """
    each = np.uint64(0x0101_0101_0101_0101)
    words = words_at(data, end - WORD_BYTES) ^ (each * np.uint64(_ZERO))
    # What is in front of a number counts as zeros; of no digits at all, everything does.
    spare = ((WORD_BYTES - length) * 8).astype(np.uint64)
    words = np.where(spare < 64, words >> spare << spare, np.uint64(0))  # noqa: PLR2004 - bits
    _require(not ((words | (words + each * np.uint64(6))) & (each * np.uint64(0xF0))).any())
    words = (words * np.uint64(10) + (words >> np.uint64(8))) & np.uint64(0x00FF_00FF_00FF_00FF)
    words = (words * np.uint64(100) + (words >> np.uint64(16))) & np.uint64(0x0000_FFFF_0000_FFFF)
    return (words * np.uint64(10_000) + (words >> np.uint64(32))) & np.uint64(0xFFFF_FFFF)


def _require(plain: Any) -> None:  # noqa: ANN401 - a truth value of Python's or numpy's
    """Give up where something is not plain."""
    if not plain:
        raise _NotPlain
