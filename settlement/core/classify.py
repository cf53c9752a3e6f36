"""The lines of a night and their classes, as expressions over the rows of both sides.

Most numbers have one row on each side and no history; they are joined once. A number is *odd* when
that is not so (copies, a reversal, a row cleared before): all its rows are looked at together, and
what is left of it as an ordinary settlement joins the others. The odd ones are found by a hash, so
they may include ordinary numbers; their treatment gives those the same line.

- A number that any side reversed before clearing is one line with all its rows, because a reversal
  cancels the number whole.
- Of a number cleared before, the rows of the sides that reversed it are withdrawn: one line, apart
  from what the other side filed, which is judged as if they were not there.
- Rows that differ within one side, or from the row cleared before, make one line of all rows of the
  number, the cleared one counted on both sides.
- Otherwise the first copy of each side is the settlement, and every further copy a line of its own;
  of a number cleared before, every copy is.
- The reversal of a cleared settlement is a line with the cleared row and its amount below zero.

What only registers can tell is in `settlement.core.eligibility`. Nothing here is executed.
"""

from typing import Final

import ibis

from settlement.core.classes import LineClass
from settlement.core.terms import (
    KEY,
    Expression,
    Table,
    claim_hash,
    claim_of,
    left_joined,
    negated,
    number_hash,
    rank_of,
    union_of,
)

__all__ = [
    "COPY",
    "REVERSAL",
    "SETTLEMENT",
    "close_claims",
    "crowded_hashes",
    "firsts",
    "joined_sides",
    "lines",
    "odd_hashes",
    "odd_numbers",
    "odd_rows",
    "twins",
    "withdrawn_numbers",
]

# What a line is made from.
SETTLEMENT: Final = 0
COPY: Final = 1
REVERSAL: Final = 2

# What becomes of an odd number: a rank of a class for the whole of it, or one of these.
_COPIES = 0
_COPIES_OF_CLEARED = -1


def crowded_hashes(home_rows: Table, host_rows: Table) -> Table:
    """Return the hashes under which one side has more than one row."""

    def crowded(rows: Table) -> Table:
        hashes = rows.select(number_hash=number_hash(rows))
        counted = hashes.group_by("number_hash").agg(row_count=hashes.count())
        return counted.filter(counted.row_count > 1).select("number_hash")

    return union_of(crowded(home_rows), crowded(host_rows))


def odd_hashes(crowded: Table, reversed_numbers: Table, cleared: Table) -> Table:
    """Return the hashes of the numbers to be looked at as a whole, perhaps of some others too."""
    return union_of(
        crowded,
        reversed_numbers.select(number_hash=number_hash(reversed_numbers)),
        cleared.select(number_hash=number_hash(cleared)),
    ).distinct()


def odd_rows(all_rows: Table, hashes: Table) -> Table:
    """Return every row of the odd numbers, numbered within its side by position."""
    rows = all_rows.semi_join(hashes, number_hash(all_rows) == hashes.number_hash)
    rows = rows.mutate(claim_hash=claim_hash(rows))
    window = ibis.window(group_by=["side", *KEY], order_by=["position"])
    return rows.mutate(copy_index=ibis.row_number().over(window))


def odd_numbers(rows: Table, reversed_numbers: Table, cleared: Table) -> Table:
    """Return one row for each odd number: its sums, its smallest rows, and what becomes of it."""
    # 1. What the sides filed.
    home, host = rows.side == "home", rows.side == "host"
    filed = rows.group_by(KEY).agg(
        home_rows=home.sum(),
        home_fen=rows.amount_fen.sum(where=home),
        home_least=rows.text.min(where=home),
        home_most=rows.text.max(where=home),
        host_rows=host.sum(),
        host_fen=rows.amount_fen.sum(where=host),
        host_least=rows.text.min(where=host),
        host_most=rows.text.max(where=host),
        filed_date=rows.filed_date.min(),
    )
    # 2. Who reversed the number, and what was cleared under it.
    reversals = reversed_numbers.group_by(KEY).agg(
        by_home=(reversed_numbers.side == "home").any(),
        by_host=(reversed_numbers.side == "host").any(),
    )
    known = cleared.semi_join(filed, KEY)
    known = known.select(*KEY, cleared_text=known.text, cleared_fen=known.amount_fen)
    whole = left_joined(filed, reversals, KEY)
    whole = left_joined(whole, known, KEY)
    # 3. What becomes of it: the first that applies.
    reversed_by_all = ((whole.home_rows == 0) | whole.by_home) & (
        (whole.host_rows == 0) | whole.by_host
    )
    conflict = (
        _differs(whole.home_least, whole.home_most)
        | _differs(whole.host_least, whole.host_most)
        | _differs(whole.home_least, whole.cleared_text)
        | _differs(whole.host_least, whole.cleared_text)
    )
    fate = ibis.cases(
        (whole.by_home.notnull() & reversed_by_all, rank_of(LineClass.REVERSED.rank)),
        (whole.by_home.notnull(), rank_of(LineClass.REVERSED_ONE_SIDE.rank)),
        (conflict, rank_of(LineClass.DUP_CONFLICT.rank)),
        (whole.cleared_text.notnull(), rank_of(_COPIES_OF_CLEARED)),
        else_=rank_of(_COPIES),
    )
    return whole.mutate(fate=fate)


def withdrawn_numbers(rows: Table) -> Table:
    """Return one row for each cleared number with withdrawn rows: its sums and smallest rows."""
    home, host = rows.side == "home", rows.side == "host"
    return rows.group_by(KEY).agg(
        home_rows=home.sum(),
        home_fen=rows.amount_fen.sum(where=home),
        home_text=rows.text.min(where=home),
        host_rows=host.sum(),
        host_fen=rows.amount_fen.sum(where=host),
        host_text=rows.text.min(where=host),
        filed_date=rows.filed_date.min(),
    )


def firsts(side_rows: Table, side: str, hashes: Table, odd: Table, numbers: Table) -> Table:
    """Return the rows of one side that are a settlement: one for each number.

    Args:
        side_rows: Rows of that side.
        side: `home` or `host`.
        hashes: Hashes of the odd numbers.
        odd: All rows of the odd numbers.
        numbers: What becomes of the odd numbers.
    """
    columns = [*side_rows.columns, "claim_hash"]
    plain = side_rows.anti_join(hashes, number_hash(side_rows) == hashes.number_hash)
    plain = plain.mutate(claim_hash=claim_hash(plain)).select(columns)
    ordinary = numbers.filter(numbers.fate == _COPIES)
    kept = odd.filter((odd.side == side) & (odd.copy_index == 0)).semi_join(ordinary, KEY)
    return union_of(plain, kept.select(columns))


def joined_sides(home_firsts: Table, host_firsts: Table) -> Table:
    """Return one row for each settlement with what each side filed.

    Where the host's row equals home's, `host_text` is null and `host_fen` tells that there is one:
    nearly every line is so, and it halves what is kept.
    """
    joined = home_firsts.outer_join(host_firsts, KEY)
    dates = ibis.least(joined.filed_date, joined.filed_date_right)
    return joined.select(
        pair=ibis.coalesce(joined.pair, joined.pair_right),
        settlement_no=ibis.coalesce(joined.settlement_no, joined.settlement_no_right),
        home_text=joined.text,
        home_fen=joined.amount_fen,
        home_position=joined.position,
        home_hash=joined.claim_hash,
        host_text=joined.text_right.nullif(joined.text),
        host_fen=joined.amount_fen_right,
        host_position=joined.position_right,
        host_hash=joined.claim_hash_right,
        filed_date=ibis.coalesce(dates, joined.filed_date, joined.filed_date_right),
    )


def close_claims(settlements: Table, odd: Table, reversed_numbers: Table, cleared: Table) -> Table:
    """Return the claims that may be the same as another's: those whose hash another shares.

    Rows that their filer reversed do not count, nor do cleared ones that were cancelled.

    Args:
        settlements: Both sides joined.
        odd: All rows of the odd numbers but the withdrawn ones; those that are also settlements
            count once, as numbers.
        reversed_numbers: What was reversed before clearing.
        cleared: What was cleared before.
    """
    columns = [*KEY, "text", "claim_hash"]
    by_home = settlements.filter(settlements.home_text.notnull())
    by_host = settlements.filter(settlements.host_text.notnull())
    standing = odd.anti_join(reversed_numbers, ["side", *KEY])
    counted = cleared.filter(~cleared.cancelled)
    rows = union_of(
        by_home.select(*KEY, text=by_home.home_text, claim_hash=by_home.home_hash),
        by_host.select(*KEY, text=by_host.host_text, claim_hash=by_host.host_hash),
        standing.select(columns),
        counted.mutate(claim_hash=claim_hash(counted)).select(columns),
    )
    seen = rows.group_by("claim_hash").agg(row_count=rows.count())
    close = rows.semi_join(seen.filter(seen.row_count > 1), "claim_hash")
    return close.select(*KEY, claim=claim_of(close.text))


def twins(close: Table) -> Table:
    """Return the numbers of which some row claims what a row under another number claims."""
    groups = close.group_by(["pair", "claim"]).agg(
        least=close.settlement_no.min(), most=close.settlement_no.max()
    )
    alike = groups.filter(groups.least != groups.most)
    return close.semi_join(alike, ["pair", "claim"]).select(KEY).distinct()


def lines(
    *,
    settlements: Table,
    flags: Table,
    odd: Table,
    numbers: Table,
    withdrawn: Table,
    cleared: Table,
    cleared_reversals: Table,
    asked: Table,
) -> Table:
    """Return every line of the night with its class.

    Args:
        settlements: Both sides joined.
        flags: For a number, the rank of the first class that stands against it on its own.
        odd: All rows of the odd numbers but the withdrawn ones.
        numbers: What becomes of the odd numbers.
        withdrawn: Cleared numbers with withdrawn rows.
        cleared: What was cleared before.
        cleared_reversals: Reversals of cleared settlements, filed and not yet cleared.
        asked: What the caller asked.
    """
    return union_of(
        _settlement_lines(settlements, flags, asked),
        _whole_lines(numbers),
        _copy_lines(odd, numbers),
        _withdrawn_lines(withdrawn),
        _reversal_lines(cleared, cleared_reversals),
    )


def _settlement_lines(settlements: Table, flags: Table, asked: Table) -> Table:
    """Return the ordinary lines."""
    table = left_joined(settlements, flags, KEY)
    one_sided = table.home_fen.isnull() | table.host_fen.isnull()
    fresh = table.filed_date > asked.transit_after_date.as_scalar()
    rank = ibis.cases(
        (table.rank.notnull(), table.rank),
        (one_sided & fresh.fill_null(False), rank_of(LineClass.IN_TRANSIT.rank)),
        (table.host_fen.isnull(), rank_of(LineClass.HOME_ONLY.rank)),
        (table.home_fen.isnull(), rank_of(LineClass.HOST_ONLY.rank)),
        (table.home_fen != table.host_fen, rank_of(LineClass.AMOUNT.rank)),
        (table.host_text.notnull(), rank_of(LineClass.FIELD.rank)),
        else_=rank_of(LineClass.MATCHED.rank),
    )
    return _line(
        table,
        kind=SETTLEMENT,
        rank=rank,
        home_rows=table.home_fen.notnull(),
        host_rows=table.host_fen.notnull(),
    )


def _whole_lines(numbers: Table) -> Table:
    """Return the lines that hold all rows of a number, with the smallest row of each side."""
    whole = numbers.filter(numbers.fate > _COPIES)
    conflict = whole.fate == LineClass.DUP_CONFLICT.rank
    again = conflict & whole.cleared_text.notnull()
    extra = again.cast("int64")
    extra_fen = extra * whole.cleared_fen.fill_null(0)
    nothing = ibis.null("int64")
    sides = {
        f"{side}_text": ibis.ifelse(again, _smaller(least, whole.cleared_text), least)
        for side, least in (("home", whole.home_least), ("host", whole.host_least))
    }
    return _line(
        whole.mutate(
            **sides,
            home_fen=whole.home_fen.fill_null(0) + extra_fen,
            host_fen=whole.host_fen.fill_null(0) + extra_fen,
            home_position=nothing,
            host_position=nothing,
        ),
        kind=SETTLEMENT,
        rank=whole.fate,
        home_rows=whole.home_rows + extra,
        host_rows=whole.host_rows + extra,
    )


def _copy_lines(odd: Table, numbers: Table) -> Table:
    """Return a line for each surplus copy: one row on one side."""
    copies = numbers.filter(numbers.fate <= _COPIES).select(*KEY, "fate")
    rows = odd.join(copies, KEY)
    rows = rows.filter((rows.copy_index > 0) | (rows.fate == _COPIES_OF_CLEARED))

    def one_sided(side: str, other: str) -> Table:
        table = rows.filter(rows.side == side)
        table = table.mutate(
            **{
                f"{side}_text": table.text,
                f"{side}_fen": table.amount_fen,
                f"{side}_position": table.position,
                f"{other}_text": ibis.null("string"),
                f"{other}_fen": ibis.null("int64"),
                f"{other}_position": ibis.null("int64"),
            }
        )
        return _line(
            table,
            kind=COPY,
            rank=rank_of(LineClass.DUP_EXACT.rank),
            home_rows=ibis.literal(int(side == "home")),
            host_rows=ibis.literal(int(side == "host")),
        )

    return union_of(one_sided("home", "host"), one_sided("host", "home"))


def _withdrawn_lines(withdrawn: Table) -> Table:
    """Return the lines that hold what sides withdrew of cleared numbers."""
    nothing = ibis.null("int64")
    return _line(
        withdrawn.mutate(home_position=nothing, host_position=nothing),
        kind=SETTLEMENT,
        rank=rank_of(LineClass.REVERSED.rank),
        home_rows=withdrawn.home_rows,
        host_rows=withdrawn.host_rows,
    )


def _reversal_lines(cleared: Table, cleared_reversals: Table) -> Table:
    """Return a line for each cleared settlement that a side wants reversed."""
    home, host = cleared_reversals.side == "home", cleared_reversals.side == "host"
    filed = cleared_reversals.group_by(KEY).agg(
        by_home=home.any(), by_host=host.any(), filed_date=cleared_reversals.filed_date.min()
    )
    standing = cleared.filter(~cleared.cancelled)
    table = standing.join(filed, KEY)
    fen = -table.amount_fen
    text = negated(table.text, table.amount_fen)
    nothing = ibis.null("int64")
    sides = {
        f"{side}_{name}": ibis.ifelse(filed_by, value, ibis.null(kind))
        for side, filed_by in (("home", table.by_home), ("host", table.by_host))
        for name, value, kind in (
            ("text", text, "string"),
            ("fen", fen, "int64"),
        )
    }
    rank = ibis.ifelse(
        table.by_home & table.by_host,
        rank_of(LineClass.MATCHED.rank),
        rank_of(LineClass.REVERSED_ONE_SIDE.rank),
    )
    return _line(
        table.mutate(**sides, home_position=nothing, host_position=nothing),
        kind=REVERSAL,
        rank=rank,
        home_rows=table.by_home,
        host_rows=table.by_host,
    )


def _line(
    table: Table, *, kind: int, rank: Expression, home_rows: Expression, host_rows: Expression
) -> Table:
    """Return a table in the columns of a line; `host_text` may be null where it equals home's."""
    return table.select(
        *KEY,
        kind=ibis.literal(kind, "int8"),
        rank=rank.cast("int8"),
        home_rows=home_rows.cast("int32"),
        home_fen=table.home_fen.fill_null(0).cast("int64"),
        home_text=table.home_text,
        host_rows=host_rows.cast("int32"),
        host_fen=table.host_fen.fill_null(0).cast("int64"),
        host_text=table.host_text,
        filed_date=table.filed_date,
        home_position=table.home_position,
        host_position=table.host_position,
    )


def _smaller(left: Expression, right: Expression) -> Expression:
    """Return the smaller of two texts, the left of which may be missing."""
    return ibis.ifelse((left < right).fill_null(False), left, right)


def _differs(left: Expression, right: Expression) -> Expression:
    """Return whether both are there and differ."""
    return (left != right).fill_null(False)
