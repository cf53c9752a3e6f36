"""Reads the plainest settlement CSV without taking it apart: for a million rows and more.

The plainest file has the ten columns in their order, visible ASCII and nothing quoted; so programs
write it. Then its bytes form a grid, in which every tenth separator ends a row, and a row is the
text that a line's bytes hold, but for the commas. So nothing is copied: columns are views into the
file's own bytes. At the first thing that is otherwise it gives up without saying why, and a more
patient reader takes the file. It works in pieces that stay near the processor.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from deltacare.money import MAX_FEN
from settlement.columnar import plan_rows
from settlement.core.columns import COLUMNS, PAIR_FACTOR, SEPARATOR
from settlement.records import FIELD_CHARS_MAX, PROVINCES, SERVICE_DAYS_MAX, parse_cell

__all__ = ["read_grid"]

# Offsets into the file are 32 bits wide.
_FILE_BYTES_MAX = 2**31 - 1
_PIECE_BYTES = 1024**2
_ROW_BYTES_MAX = 1024
# So many bytes may be read behind any field.
_SLACK_BYTES = 16

_COMMA, _US, _CR, _LF = (np.uint8(ord(char)) for char in ",\x1f\r\n")
_FIRST_VISIBLE, _LAST_VISIBLE = ord("!"), ord("~")
_QUOTE, _PLUS, _ZERO, _NINE = (ord(char) for char in '"+09')

_INLINE_CHARS = 12
_CODE_CHARS, _MONTH_CHARS, _DAYS_CHARS_MAX = 6, 7, 2
_FEN_CHARS_MAX = len(str(MAX_FEN))

_PLACE: Final = {name: index for index, name in enumerate(COLUMNS)}
# Columns of which a plan reads the text; their lengths are limited, and only the last may be empty.
_IDENTIFIERS: Final = (
    "settlement_no",
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "caregiver_cert_no",
)


# The codes of the federation as little-endian integers, by their two leading digits.
_CODE_WORDS: Final = np.zeros(100, np.uint64)
for _code in PROVINCES:
    _CODE_WORDS[int(_code[:2])] = int.from_bytes(_code.encode(), "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Some whole rows of the file, as arrays with one item a row."""

    text: Any
    settlement_no: Any
    beneficiary_ref: Any
    months: Any
    fen: Any
    pairs: Any


class _NotPlain(Exception):  # noqa: N818 - no error: another reader takes the file
    """The file is not of the plainest form."""


def read_grid(path: Path) -> pa.Table | None:
    """Return the rows of the plainest CSV in the columns that a plan reads, ``None`` if it is not.

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
    try:
        pieces = [_piece(data, *span, line_end) for span in _spans(data, len(header), end)]
        return _table(data, pieces)
    except _NotPlain:
        return None


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


def _piece(data: Any, start: int, stop: int, line_end: bytes) -> _Piece:  # noqa: ANN401 - numpy
    """Return the rows of a span; its commas become the separator of lines.

    Raises:
        _NotPlain: If anything in it is not plain.
    """
    # 1. The grid: ten separators a row, nothing else that is not visible ASCII.
    span = data[start:stop]
    _require(span.max() <= _LAST_VISIBLE)
    _require(not (span == _QUOTE).any() and not (span == _PLUS).any() and not (span == _US).any())
    np.subtract(span, (span == _COMMA).view(np.uint8) * (_COMMA - _US), out=span)
    marks = np.flatnonzero(span < _FIRST_VISIBLE).astype(np.int32)
    pattern = np.frombuffer(SEPARATOR.encode() * (len(COLUMNS) - 1) + line_end, np.uint8)
    _require(marks.size % pattern.size == 0)
    grid = marks.reshape(-1, pattern.size)
    _require((span[grid] == pattern).all())
    # 2. Where each field begins, and how long it is.
    ends = np.ascontiguousarray(grid[:, : len(COLUMNS)].T) + np.int32(start)
    starts = np.empty_like(ends)
    starts[1:] = ends[:-1] + 1
    starts[0, 0] = start
    starts[0, 1:] = grid[:-1, -1] + np.int32(start + 1)
    lengths = ends - starts
    for name in _IDENTIFIERS:
        least = 0 if name == "caregiver_cert_no" else 1
        _require(lengths[_PLACE[name]].min() >= least)
        _require(lengths[_PLACE[name]].max() <= FIELD_CHARS_MAX)
    # 3. Numbers.
    home, host = (_provinces(data, starts, lengths, name) for name in ("home", "host"))
    _require((home != host).all())
    days = _numbers(data, starts, lengths, "service_days", _DAYS_CHARS_MAX)
    _require(days.min() >= 1 and days.max() <= SERVICE_DAYS_MAX)
    fen = _numbers(data, starts, lengths, "amount_fen", _FEN_CHARS_MAX)
    _require(fen.max() <= MAX_FEN)
    # 4. Texts.
    month = _PLACE["service_month"]
    _require((lengths[month] == _MONTH_CHARS).all())
    first, last = starts[0], ends[-1]
    return _Piece(
        text=_views(data, first, last - first),
        settlement_no=_views(data, first, lengths[0]),
        beneficiary_ref=_views(
            data, starts[_PLACE["beneficiary_ref"]], lengths[_PLACE["beneficiary_ref"]]
        ),
        months=_words(data, starts[month], 8) & np.uint64(2 ** (8 * _MONTH_CHARS) - 1),
        fen=fen,
        pairs=home * np.int16(PAIR_FACTOR) + host,
    )


def _table(data: Any, pieces: list[_Piece]) -> pa.Table:  # noqa: ANN401 - numpy ships few types
    """Return the pieces in the columns that a plan reads.

    Raises:
        _NotPlain: If a month is not one.
    """

    def whole(name: str) -> Any:  # noqa: ANN401 - as above
        return np.concatenate([getattr(piece, name) for piece in pieces])

    months = pc.dictionary_encode(pa.array(whole("months")))
    names = [
        word.to_bytes(8, "little")[:_MONTH_CHARS].decode() for word in months.dictionary.to_pylist()
    ]
    _require(all(parse_cell("service_month", name) == name for name in names))
    content = pa.py_buffer(data)
    columns = {
        name: pa.Array.from_buffers(
            pa.string_view(), len(months), [None, pa.py_buffer(whole(name)), content]
        )
        for name in ("text", "settlement_no", "beneficiary_ref")
    }
    columns["service_month"] = pa.DictionaryArray.from_arrays(months.indices, names)
    columns["amount_fen"] = pa.array(whole("fen"))
    table = plan_rows(pa.table(columns), pa.array(whole("pairs")))
    # In batches, so that threads can share them.
    return pa.Table.from_batches(table.to_batches(max_chunksize=122_880))


def _words(data: Any, starts: Any, size: int) -> Any:  # noqa: ANN401 - numpy ships few types
    """Return the bytes at some places as little-endian integers of 4 or 8 bytes."""
    kind = "<u8" if size == 8 else "<u4"  # noqa: PLR2004 - the two widths there are
    return np.ndarray((data.size - size + 1,), kind, data, strides=(1,))[starts]


def _provinces(data: Any, starts: Any, lengths: Any, name: str) -> Any:  # noqa: ANN401 - as above
    """Return the two leading digits of six-digit codes of the federation.

    Raises:
        _NotPlain: If one is not of the federation, or is written otherwise.
    """
    place = _PLACE[name]
    _require((lengths[place] == _CODE_CHARS).all())
    words = _words(data, starts[place], 8) & np.uint64(2 ** (8 * _CODE_CHARS) - 1)
    tens, units = words & np.uint64(0xFF), words >> np.uint64(8) & np.uint64(0xFF)
    numbers = (tens * np.uint64(10) + units - np.uint64(11 * _ZERO)).astype(np.int16)
    # A number tells what the code would be; only if it is that, the number stands.
    _require((_CODE_WORDS[np.clip(numbers, 0, _CODE_WORDS.size - 1)] == words).all())
    return numbers


def _numbers(data: Any, starts: Any, lengths: Any, name: str, chars_max: int) -> Any:  # noqa: ANN401 - as above
    """Return a column of whole numbers written in digits without needless zeros.

    Raises:
        _NotPlain: If one is written otherwise.
    """
    place = _PLACE[name]
    start, length = starts[place], lengths[place]
    longest = int(length.max())
    _require(length.min() >= 1 and longest <= chars_max)
    _require(not ((data[start] == _ZERO) & (length > 1)).any())
    numbers = np.zeros(length.size, np.int64)
    for index in range(longest):
        there = length > index
        digits = data[start + np.int32(index)] - np.uint8(_ZERO)
        # What lies before the first digit wraps around to beyond the last.
        _require(not ((digits > _NINE - _ZERO) & there).any())
        np.copyto(numbers, numbers * 10 + digits, where=there)
    return numbers


def _views(data: Any, starts: Any, lengths: Any) -> Any:  # noqa: ANN401 - as above
    """Return fields as Arrow's string views: sixteen bytes each.

    A text of up to twelve bytes stands in the view itself, zeros behind it; of a longer one, its
    first four, the number of its buffer and its place there.
    """
    views = np.zeros((starts.size, 4), np.int32)
    views[:, 0] = lengths
    views[:, 1] = _words(data, starts, 4).view(np.int32)
    views[:, 3] = starts
    short = np.flatnonzero(lengths <= _INLINE_CHARS)
    if short.size:
        for index in range(3):
            kept = np.clip(lengths[short] - 4 * index, 0, 4).astype(np.uint64)
            mask = ((np.uint64(1) << (np.uint64(8) * kept)) - np.uint64(1)).astype(np.uint32)
            words = _words(data, starts[short] + np.int32(4 * index), 4) & mask
            views[short, 1 + index] = words.view(np.int32)
    return views


def _require(plain: Any) -> None:  # noqa: ANN401 - a truth value of Python's or numpy's
    """Give up where something is not plain."""
    if not plain:
        raise _NotPlain
