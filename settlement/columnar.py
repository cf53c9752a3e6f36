"""Reads a plain settlement CSV a column at a time: the way for a million rows.

Plain is what a program writes: commas, identifiers of visible ASCII, numbers in digits. Such a file
is checked over whole buffers, and columns of few values value by value with the parser that reads a
single cell. At the first thing that is not plain it gives up without saying why: the row-by-row
reader then takes or refuses the file, so that a clerk hears the same words either way.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from settlement.core.columns import COLUMNS, PAIR_FACTOR, ROWS
from settlement.files import FILE_BYTES_MAX, column_positions, decode
from settlement.findings import BadFile
from settlement.records import ALIASES, FIELD_CHARS_MAX, parse_cell

if TYPE_CHECKING:
    from settlement.records import SettlementRow

__all__ = ["read_plain", "table_of_rows"]

_HEADER_BYTES_MAX = 4_096
_BLOCK_BYTES = 4 * 1024**2
# As many as the largest amount has; no sign, no leading spaces.
_AMOUNT_DIGITS_MAX = 12

_CODES: Final = ("home", "host")
_FEW_VALUES: Final = (*_CODES, "institution", "subsidy_kind", "service_month", "service_days")

_FIRST_VISIBLE, _LAST_VISIBLE = ord("!"), ord("~")
_PLUS, _FIRST_DIGIT, _LAST_DIGIT = ord("+"), ord("0"), ord("9")


def read_plain(path: Path) -> pa.Table | None:
    """Return the rows of a plain CSV in the columns that a plan reads, or ``None`` if it is not."""
    try:
        if not 0 < path.stat().st_size <= FILE_BYTES_MAX:
            return None
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES_MAX)
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


def table_of_rows(rows: Iterable["SettlementRow"]) -> pa.Table:
    """Return checked rows in the columns that a plan reads."""
    names = [name for name in COLUMNS if name not in _CODES]
    columns: dict[str, list[Any]] = {name: [] for name in ("pair", *names)}
    for row in rows:
        columns["pair"].append(int(row.home) * PAIR_FACTOR + int(row.host))
        for name in names:
            columns[name].append(getattr(row, name))
    numbers = ("pair", "service_days", "amount_fen")
    table = pa.table(
        {
            name: pa.array(values, pa.int64() if name in numbers else pa.string())
            for name, values in columns.items()
        }
    )
    return _with_absent(table)


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
    few = pa.dictionary(pa.int32(), pa.string())
    try:
        return pacsv.read_csv(
            source,
            read_options=pacsv.ReadOptions(
                column_names=names, skip_rows=1, block_size=_BLOCK_BYTES
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={
                    name: few if name in _FEW_VALUES else pa.string() for name in COLUMNS
                },
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
    # 1. Columns of many values, over their buffers.
    plain = (
        _is_visible(table["settlement_no"], least_chars=1)
        and _is_visible(table["beneficiary_ref"], least_chars=1)
        and _is_visible(table["caregiver_cert_no"], least_chars=0)
        and _is_digits(table["amount_fen"])
    )
    if not plain:
        return None
    # 2. Columns of few values, value by value.
    table = table.unify_dictionaries()
    values: dict[str, list[str | int]] = {}
    for name in _FEW_VALUES:
        texts = table[name].chunk(0).dictionary.to_pylist()
        values[name] = [parse_cell(name, text) for text in texts]  # type: ignore[misc]
        if [str(value) for value in values[name]] != texts:
            return None
    # 3. What a parser of one cell says of amounts, and two provinces in a row.
    fen = pc.cast(table["amount_fen"], pa.int64())
    largest = pc.max(fen).as_py()
    if parse_cell("amount_fen", str(largest)) != largest:
        return None
    home, host = (_numbers(table[name], values[name]) for name in _CODES)
    if pc.any(pc.equal(home, host)).as_py():
        return None
    columns = {
        "pair": pc.add(pc.multiply(home, PAIR_FACTOR), host),
        **{name: table[name] for name in COLUMNS if name not in _CODES},
        "service_days": _numbers(table["service_days"], values["service_days"]),
        "amount_fen": fen,
    }
    return _with_absent(pa.table(columns))


def _with_absent(table: pa.Table) -> pa.Table:
    """Return rows of a file in all columns of a plan's rows: a file has no dates and positions."""
    count = table.num_rows
    table = table.append_column("filed_date", pa.nulls(count, pa.date32()))
    return table.append_column("position", pa.nulls(count, pa.int64())).select(list(ROWS))


def _numbers(column: Any, values: list[str | int]) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return a dictionary column of numbers as numbers."""
    numbers = pa.array([int(value) for value in values], pa.int64())
    return pa.chunked_array([numbers.take(chunk.indices) for chunk in column.chunks], pa.int64())


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


def _is_digits(column: Any) -> bool:  # noqa: ANN401 - pyarrow ships no types
    """Return whether every value is a whole number of an allowed length."""
    for offsets, content in _buffers(column):
        lengths = np.diff(offsets)
        if lengths.min() < 1 or lengths.max() > _AMOUNT_DIGITS_MAX:
            return False
        if (content - _FIRST_DIGIT).max() > _LAST_DIGIT - _FIRST_DIGIT:
            return False
    return True
