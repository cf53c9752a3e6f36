"""Reads a plain settlement CSV a column at a time: the way for a million rows.

Plain is what a program writes: commas, identifiers of visible ASCII, numbers in digits. Such a file
is checked over whole buffers, and columns of few values value by value with the parser that reads a
single cell. At the first thing that is not plain it gives up without saying why: the row-by-row
reader then takes or refuses the file, so that a clerk hears the same words either way.
"""

import csv
import mmap
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from deltacare.money import MAX_FEN
from settlement.core.columns import COLUMNS, PAIR_FACTOR, PLAIN_ROWS, pair_of
from settlement.files import FILE_BYTES_MAX, column_positions, decode
from settlement.findings import BadFile
from settlement.records import ALIASES, FIELD_CHARS_MAX, PROVINCES, parse_cell
from settlement.texts import row_texts

if TYPE_CHECKING:
    from settlement.records import SettlementRow

__all__ = ["plan_rows", "read_plain", "table_of_rows"]

_HEADER_BYTES_MAX = 4_096
_UTF8_BOM = b"\xef\xbb\xbf"
# The columnar parser mends a quotation mark inside a field in silence; escaped ones are rare.
_BADLY_QUOTED: Final = re.compile(rb'[^,\r\n]"[^,\r\n"]')
_BLOCK_BYTES = 1024**2
# No sign and no space, so that what the parser takes is what is written.
_AMOUNT_DIGITS_MAX = len(str(MAX_FEN))
_DAYS_DIGITS_MAX = 2

_CODES: Final = ("home", "host")
_CODE_CHARS, _CODE_DIGITS = 6, 2
# Columns that repeat few values, which may be in Chinese.
_FEW_VALUES: Final = ("institution", "subsidy_kind", "service_month")

_FIRST_VISIBLE, _LAST_VISIBLE = ord("!"), ord("~")
_PLUS, _FIRST_DIGIT, _LAST_DIGIT = ord("+"), ord("0"), ord("9")


def read_plain(path: Path) -> pa.Table | None:
    """Return the rows of a plain CSV in the columns that a plan reads, or ``None`` if it is not."""
    try:
        if not 0 < path.stat().st_size <= FILE_BYTES_MAX:
            return None
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES_MAX)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                if mapped.find(b'"') >= 0 and _BADLY_QUOTED.search(mapped, len(_UTF8_BOM)):
                    return None
        table = _parsed(head, str(path))
        if table is None:
            # Perhaps the same in GB18030, which the columnar parser does not know.
            text, encoding = decode(path.read_bytes(), path.name)
            if encoding != "gb18030":
                return None
            data = text.encode()
            table = _parsed(data[:_HEADER_BYTES_MAX], pa.BufferReader(data))
    except (OSError, BadFile):
        return None
    return None if table is None else _checked(table)


def table_of_rows(rows: Sequence["SettlementRow"]) -> pa.Table:
    """Return checked rows in the columns that a plan reads."""
    numbers = ("service_days", "amount_fen")
    table = pa.table(
        {
            name: pa.array(
                [getattr(row, name) for row in rows],
                pa.int64() if name in numbers else pa.string(),
            )
            for name in COLUMNS
        }
    )
    pairs = pa.array([pair_of(row.home, row.host) for row in rows], pa.int16())
    return plan_rows(table, pairs)


def plan_rows(table: pa.Table, pairs: Any) -> pa.Table:  # noqa: ANN401 - pyarrow ships no types
    """Return rows of a file in the columns of a plan's rows: a file has no dates and positions.

    Args:
        table: The ten columns, checked; or `text` and those that a plan reads beside it.
        pairs: The direction of each row.
    """
    count = table.num_rows
    if "text" not in table.column_names:
        table = table.append_column("text", row_texts(table))
    table = table.append_column("pair", pairs)
    table = table.append_column("filed_date", pa.nulls(count, pa.date32()))
    return table.append_column("position", pa.nulls(count, pa.int64())).select(list(PLAIN_ROWS))


def _parsed(head: bytes, source: Any) -> pa.Table | None:  # noqa: ANN401 - path or buffer
    """Return the ten columns of a CSV as texts, or ``None`` if it cannot be parsed as such."""
    first, end, _ = head.partition(b"\n")
    try:
        header = next(csv.reader([first.decode("utf-8-sig").rstrip("\r")], strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return None
    positions, findings = column_positions(header, ALIASES)
    if not end or findings:
        return None
    names = [f"other column {index}" for index in range(len(header))]
    for name, index in positions.items():
        names[index] = name
    try:
        return pacsv.read_csv(
            source,
            read_options=pacsv.ReadOptions(
                column_names=names, skip_rows=1, block_size=_BLOCK_BYTES
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(COLUMNS, pa.string()),
                include_columns=list(COLUMNS),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None


def _checked(table: pa.Table) -> pa.Table | None:
    """Return the typed columns, or ``None`` if some value is not plain."""
    if not table.num_rows:
        return None
    plain = (
        _is_visible(table["settlement_no"], least_chars=1)
        and _is_visible(table["beneficiary_ref"], least_chars=1)
        and _is_visible(table["caregiver_cert_no"], least_chars=0)
        and all(_are_parsed(name, table[name]) for name in _FEW_VALUES)
        and _is_digits(table["service_days"], most_chars=_DAYS_DIGITS_MAX)
        and _is_digits(table["amount_fen"], most_chars=_AMOUNT_DIGITS_MAX)
    )
    if not plain:
        return None
    # What the parser of one cell says of the extremes of a number, it says of all between.
    numbers = {name: pc.cast(table[name], pa.int64()) for name in ("service_days", "amount_fen")}
    for name, values in numbers.items():
        for extreme in pc.min_max(values).as_py().values():
            if parse_cell(name, str(extreme)) != extreme:
                return None
    home, host = (_provinces(table[name]) for name in _CODES)
    if home is None or host is None or (home == host).any():
        return None
    for name, values in numbers.items():
        # As numbers they have one spelling, whatever zeros the file put in front.
        table = table.set_column(table.column_names.index(name), name, values)
    return plan_rows(table, pa.array(home * PAIR_FACTOR + host, pa.int16()))


def _are_parsed(name: str, column: Any) -> bool:  # noqa: ANN401 - pyarrow ships no types
    """Return whether the parser of one cell leaves every value of a column as it is."""
    return all(parse_cell(name, text) == text for text in pc.unique(column).to_pylist())


def _provinces(column: Any) -> Any | None:  # noqa: ANN401 - pyarrow ships no types
    """Return the leading digits of six-digit codes as numbers, or ``None`` if one is not known."""
    parts = []
    for offsets, content in _buffers(column):
        if (np.diff(offsets) != _CODE_CHARS).any():
            return None
        digits = content.reshape(-1, _CODE_CHARS)
        if (digits[:, _CODE_DIGITS:] != _FIRST_DIGIT).any():
            return None
        tens, units = (digits[:, index].astype(np.int16) - _FIRST_DIGIT for index in (0, 1))
        parts.append(tens * 10 + units)
    numbers = np.concatenate(parts)
    known = np.array([int(code[:_CODE_DIGITS]) for code in PROVINCES], np.int16)
    return numbers if np.isin(numbers, known).all() else None


def _buffers(column: Any) -> Iterable[tuple[Any, Any]]:  # noqa: ANN401 - pyarrow ships no types
    """Yield the offsets and the bytes of each chunk of a text column."""
    for chunk in column.chunks:
        if not len(chunk):
            continue
        _, offset_buffer, data = chunk.buffers()
        offsets = np.frombuffer(offset_buffer, np.int32)[
            chunk.offset : chunk.offset + len(chunk) + 1
        ]
        content = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
        yield offsets, content[offsets[0] : offsets[-1]]


def _is_visible(column: Any, *, least_chars: int) -> bool:  # noqa: ANN401 - pyarrow ships no types
    """Return whether every value is visible ASCII of an allowed length, not a damaged number."""
    for offsets, content in _buffers(column):
        lengths = np.diff(offsets)
        if lengths.min() < least_chars or lengths.max() > FIELD_CHARS_MAX:
            return False
        # Unsigned, what lies before the first visible character wraps around to beyond the last.
        if content.size and (content - _FIRST_VISIBLE).max() > _LAST_VISIBLE - _FIRST_VISIBLE:
            return False
        # Scientific notation has a plus sign; whatever else has one is looked at row by row.
        if (content == _PLUS).any():
            return False
    return True


def _is_digits(column: Any, *, most_chars: int) -> bool:  # noqa: ANN401 - as above
    """Return whether every value is a whole number of an allowed length."""
    for offsets, content in _buffers(column):
        lengths = np.diff(offsets)
        if lengths.min() < 1 or lengths.max() > most_chars:
            return False
        if (content - _FIRST_DIGIT).max() > _LAST_DIGIT - _FIRST_DIGIT:
            return False
    return True
