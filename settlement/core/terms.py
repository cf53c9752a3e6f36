"""Terms that several expressions share: keys, texts, days as bits, and the built-ins they rest on.

Only what every engine of Ibis can say: DuckDB and Spark both know `hash`, `bit_count` and `bit_or`.
A hash here never decides anything: it narrows what an exact comparison then looks at, so that
engines with different hashes agree to the byte.
"""

from typing import Any, Final

import ibis

from settlement.core.columns import CODE_TAIL, COLUMNS, PAIR_FACTOR, SEPARATOR, TERMINATOR

__all__ = [
    "KEY",
    "Expression",
    "Table",
    "bit_count",
    "bit_or",
    "claim_hash",
    "claim_of",
    "home_code",
    "home_of",
    "host_code",
    "host_of",
    "joined",
    "left_joined",
    "month_mask",
    "negated",
    "number_hash",
    "part_of",
    "rank_of",
    "separator",
    "terminator",
    "union_of",
]

# Ibis ships no types.
Table = Any
Expression = Any

KEY: Final = ["pair", "settlement_no"]
_DAYS_MAX: Final = 31


def _number_hash(settlement_no: str, pair: int) -> ibis.dtype("uint64"):  # type: ignore[valid-type]  # the form Ibis reads
    """Return the engine's own hash of a line key."""


def _bit_count(value: int) -> int:  # type: ignore[empty-body]  # a built-in has no body
    """Return the number of bits that are set."""


def _bit_or(value: int) -> int:  # type: ignore[empty-body]  # a built-in has no body
    """Return the bits that are set in any of a group's numbers."""


def _claim_hash(
    beneficiary_ref: str,
    service_month: str,
    amount_fen: int,
    pair: int,
) -> ibis.dtype("uint64"):  # type: ignore[valid-type]  # the form Ibis reads
    """Return the engine's own hash of what tells claims apart most often."""


def _chr(code: int) -> str:  # type: ignore[empty-body]  # a built-in has no body
    """Return the character of a code point."""


_builtin_number_hash = ibis.udf.scalar.builtin(_number_hash, name="hash")
_builtin_claim_hash = ibis.udf.scalar.builtin(_claim_hash, name="hash")
_builtin_chr = ibis.udf.scalar.builtin(_chr, name="chr")
bit_count = ibis.udf.scalar.builtin(_bit_count, name="bit_count")
bit_or = ibis.udf.agg.builtin(_bit_or, name="bit_or")


def number_hash(rows: Table) -> Expression:
    """Return a hash of the line key."""
    return _builtin_number_hash(rows.settlement_no, rows.pair)


def claim_hash(rows: Table) -> Expression:
    """Return a hash of what tells claims apart most often."""
    return _builtin_claim_hash(rows.beneficiary_ref, rows.service_month, rows.amount_fen, rows.pair)


def separator() -> Expression:
    """Return the separator by its number, so that compiled text shows it."""
    return _builtin_chr(ord(SEPARATOR))


def terminator() -> Expression:
    """Return the terminator by its number."""
    return _builtin_chr(ord(TERMINATOR))


def joined(*parts: Expression) -> Expression:
    """Return texts joined by the separator; none of them may be null."""
    return separator().join(list(parts))


def negated(text: Expression, fen: Expression) -> Expression:
    """Return a row's text with the amount below zero."""
    parts, amount = text.split(separator()), COLUMNS.index("amount_fen")
    return joined(parts[:amount].join(separator()), (-fen).cast("string"), parts[amount + 1])


def part_of(text: Expression, column: str) -> Expression:
    """Return one of the ten columns of a row's text."""
    return text.split(separator())[COLUMNS.index(column)]


def claim_of(text: Expression) -> Expression:
    """Return what a row's text claims: its columns behind the key and before the caregiver."""
    first, last = COLUMNS.index("beneficiary_ref"), COLUMNS.index("amount_fen")
    return text.split(separator())[first : last + 1].join(separator())


def home_of(rows: Table) -> Expression:
    """Return home's number."""
    return (rows.pair // PAIR_FACTOR).cast("int16")


def host_of(rows: Table) -> Expression:
    """Return the host's number."""
    return (rows.pair % PAIR_FACTOR).cast("int16")


def home_code(rows: Table) -> Expression:
    """Return home's six digits."""
    return rows.pair.cast("string").left(2) + CODE_TAIL


def host_code(rows: Table) -> Expression:
    """Return the host's six digits."""
    return rows.pair.cast("string").right(2) + CODE_TAIL


def rank_of(rank: int) -> Expression:
    """Return a class's rank as a small integer."""
    return ibis.literal(rank, "int8")


def left_joined(left: Table, right: Table, keys: list[str]) -> Table:
    """Return all rows of `left` with the other columns of `right`, null where none fits."""
    others = [name for name in right.columns if name not in keys]
    return left.left_join(right, keys).select([*left.columns, *others])


def union_of(*tables: Table) -> Table:
    """Return all rows of tables with the same columns."""
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def _days_until(day: Expression) -> Expression:
    """Return the days of a month up to one of them, from 0 to 31, as bits; 0 gives none.

    Shifted down from all of them, because an engine may take a small literal for 32 bits.
    """
    return ibis.literal((1 << _DAYS_MAX) - 1, "int64") >> (_DAYS_MAX - day)


def month_mask(spans: Table) -> Expression:
    """Return the days of a month that lie in an interval with both ends, as bits.

    Args:
        spans: from_day and until_day of the interval, first_day and days of the month; of `MONTHS`.
    """
    before = (spans.from_day - spans.first_day).clip(0, spans.days)
    last = (spans.until_day - spans.first_day + 1).clip(before, spans.days)
    return _days_until(last) - _days_until(before)
