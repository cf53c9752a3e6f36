"""What a night gives: sums, line bytes, the table of lines, and what becomes closed or cleared.

Expressions over the lines of `settlement.core.classify`; each is read by name from a plan.
"""

from types import MappingProxyType
from typing import Final

import ibis

from settlement.core import classify
from settlement.core.classes import ALPHABETICAL, LineClass
from settlement.core.columns import COLUMNS, LINE_KEY
from settlement.core.terms import (
    KEY,
    Expression,
    Table,
    home_code,
    host_code,
    joined,
    part_of,
    rank_of,
    separator,
    terminator,
    union_of,
)

__all__ = [
    "LINE_KINDS",
    "beyond_rows",
    "closed",
    "line_bytes",
    "line_table",
    "newly_cleared",
    "of_class",
    "totals",
]

LINE_KINDS: Final = MappingProxyType(
    {
        classify.SETTLEMENT: "SETTLEMENT",
        classify.COPY: "COPY",
        classify.REVERSAL: "REVERSAL",
    }
)

_NUMBERS = ("service_days", "amount_fen")


def _class_name(rank: Expression) -> Expression:
    """Return the name of a class; the commonest is asked for first."""
    ordered = sorted(LineClass, key=lambda member: -member.rank)
    return ibis.cases(*((rank == member.rank, member.name) for member in ordered), else_="")


def totals(lines: Table) -> Table:
    """Return sums by direction, class and kind of line."""
    return lines.group_by(["pair", "rank", "kind"]).agg(
        line_count=lines.count(), home_fen=lines.home_fen.sum(), host_fen=lines.host_fen.sum()
    )


def beyond_rows(lines: Table, numbers: Table) -> Table:
    """Return what lines hold beyond the rows of each side, in one row.

    These are reversals of cleared settlements, and the cleared row of a number in conflict, which
    counts on both sides.
    """
    undone = lines.filter(lines.kind == classify.REVERSAL)
    again = numbers.filter(
        (numbers.fate == LineClass.DUP_CONFLICT.rank) & numbers.cleared_text.notnull()
    )
    fen = union_of(
        undone.select("home_fen", "host_fen"),
        again.select(home_fen=again.cleared_fen, host_fen=again.cleared_fen),
    )
    return fen.agg(
        home_fen=fen.home_fen.sum().fill_null(0), host_fen=fen.host_fen.sum().fill_null(0)
    )


def line_bytes(lines: Table) -> Table:
    """Return the bytes of each line, in the order of the bytes, its class and its first date.

    Sorting by the key and, within a number, by class name and by whether home has a row is the same
    order at a third of the cost: the separator sorts before whatever may follow it, codes have
    equal length, and lines that share number and class are copies of one row on one side.
    """
    alphabetical = {member: index for index, member in enumerate(ALPHABETICAL)}
    ordered = sorted(LineClass, key=lambda member: -member.rank)
    place = ibis.cases(
        *(
            (lines["rank"] == member.rank, ibis.literal(2 * alphabetical[member], "uint8"))
            for member in ordered
        ),
        else_=ibis.literal(0, "uint8"),
    )
    tie = place + (lines.home_rows > 0).cast("uint8")
    ordered_lines = lines.order_by(["pair", "settlement_no", tie])
    nothing = separator().repeat(len(COLUMNS) - 1)
    parts = [
        home_code(ordered_lines),
        host_code(ordered_lines),
        ordered_lines.settlement_no,
        _class_name(ordered_lines["rank"]),
        ordered_lines.home_rows.cast("string"),
        ordered_lines.home_fen.cast("string"),
        ibis.ifelse(ordered_lines.home_rows > 0, ordered_lines.home_text, nothing),
        ordered_lines.host_rows.cast("string"),
        ordered_lines.host_fen.cast("string"),
        ibis.ifelse(ordered_lines.host_rows > 0, _host_text(ordered_lines), nothing) + terminator(),
    ]
    return ordered_lines.select(
        line=joined(*parts), rank=ordered_lines["rank"], filed_date=ordered_lines.filed_date
    )


def _host_text(lines: Table) -> Expression:
    """Return the host's row of lines that have one; it is left out where it equals home's."""
    return ibis.coalesce(lines.host_text, lines.home_text)


def line_table(lines: Table) -> Table:
    """Return every line in full: its class and the columns of both sides, null where none filed."""
    columns: dict[str, Expression] = {
        "home": home_code(lines),
        "host": host_code(lines),
        "settlement_no": lines.settlement_no,
        "line_kind": ibis.cases(
            *((lines.kind == kind, name) for kind, name in LINE_KINDS.items()), else_=""
        ),
        "class": _class_name(lines["rank"]),
        "home_rows": lines.home_rows,
        "home_fen": lines.home_fen,
        "host_rows": lines.host_rows,
        "host_fen": lines.host_fen,
    }
    host_text = ibis.ifelse(lines.host_rows > 0, _host_text(lines), ibis.null("string"))
    for side, text in (("home", lines.home_text), ("host", host_text)):
        columns |= {f"{side}_{name}": value for name, value in _columns_of(text).items()}
    columns["filed_date"] = lines.filed_date
    table = lines.select(**columns)
    return table.order_by(["home", "host", "settlement_no", "class", "home_rows", "filed_date"])


def of_class(lines: Table, line_class: LineClass, kind: int) -> Table:
    """Return the lines of one class and kind."""
    return lines.filter((lines["rank"] == line_class.rank) & (lines.kind == kind))


def closed(lines: Table, odd: Table, numbers: Table, withdrawn: Table) -> Table:
    """Return the rows that are done with: matched, surplus copies, reversed by whom they are of."""
    rank = LineClass.REVERSED.rank
    reversed_by_all = odd.semi_join(numbers.filter(numbers.fate == rank), KEY)
    cancelled = union_of(reversed_by_all, withdrawn)
    cancelled = cancelled.select("side", *KEY, "position", rank=rank_of(rank))
    matched = of_class(lines, LineClass.MATCHED, classify.SETTLEMENT)
    copies = of_class(lines, LineClass.DUP_EXACT, classify.COPY)
    done = union_of(matched, copies)

    def of_side(side: str) -> Table:
        position = done[f"{side}_position"]
        filed = done.filter(done[f"{side}_rows"] > 0)
        return filed.select(*KEY, "rank", side=ibis.literal(side), position=position).select(
            "side", *KEY, "position", "rank"
        )

    return union_of(of_side("home"), of_side("host"), cancelled)


def newly_cleared(lines: Table) -> Table:
    """Return the settlements that this night clears; both sides' rows are equal."""
    matched = of_class(lines, LineClass.MATCHED, classify.SETTLEMENT)
    return matched.select(
        *KEY,
        **_columns_of(matched.home_text),
        home_position=matched.home_position,
        host_position=matched.host_position,
    )


def _columns_of(text: Expression) -> dict[str, Expression]:
    """Return the columns behind the key of a row's text, by name."""
    parts = {name: part_of(text, name) for name in COLUMNS[len(LINE_KEY) :]}
    return {name: part.cast("int64") if name in _NUMBERS else part for name, part in parts.items()}
