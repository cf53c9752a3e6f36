"""One night of one pair, or two files: the steps from rows to lines, sums and line bytes.

The plan is pure: an ordered list of named expressions, each over the inputs and the steps before
it. A shell runs them on an engine; one definition serves a node's night and `settle reconcile`.
With no registers given, the classes that need registers do not appear.

Steps that are small or read more than once are *kept*; the others are computed where they are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import ibis
from ibis.expr.operations import UnboundTable

from settlement.core import classify, eligibility
from settlement.core.classes import ALPHABETICAL, LineClass
from settlement.core.columns import ASKED, CLEARED, FACTS, HISTORY, ROWS
from settlement.core.terms import (
    KEY,
    Expression,
    Table,
    home_code,
    host_code,
    joined,
    rank_of,
    separator,
    terminator,
    union_of,
)

__all__ = ["LINE_KINDS", "Plan", "Step", "night_plan", "proposals_plan"]

LINE_KINDS: Final = MappingProxyType(
    {
        classify.SETTLEMENT: "SETTLEMENT",
        classify.COPY: "COPY",
        classify.REVERSAL: "REVERSAL",
    }
)

# The parts of a claim, with the types they have in the table of lines.
_CLAIM_PARTS = (
    ("beneficiary_ref", "string"),
    ("institution", "string"),
    ("subsidy_kind", "string"),
    ("service_month", "string"),
    ("service_days", "int64"),
    ("amount_fen", "int64"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One named table of a plan.

    Attributes:
        name: What later steps and the caller call it.
        expression: How it is made.
        kept: Whether it is computed once and kept, or computed wherever it is read.
        reads: Names of the inputs and steps that it reads.
    """

    name: str
    expression: Table
    kept: bool
    reads: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in order, over inputs.

    Attributes:
        inputs: Schemas of the tables that must be there, by name.
        steps: What is made from them.
    """

    inputs: Mapping[str, Mapping[str, str]]
    steps: tuple[Step, ...]


class _Planner:
    """Collects steps; used to write one plan and thrown away."""

    def __init__(self, inputs: Mapping[str, Mapping[str, str]]) -> None:
        self._inputs = inputs
        self._steps: list[Step] = []
        self.tables = {name: ibis.table(dict(schema), name=name) for name, schema in inputs.items()}

    def step(self, name: str, expression: Table, *, kept: bool) -> Table:
        """Note a step and return it as a table that later steps read by name."""
        reads = {table.name for table in expression.op().find(UnboundTable)}
        self._steps.append(
            Step(name=name, expression=expression, kept=kept, reads=tuple(sorted(reads)))
        )
        return ibis.table(expression.schema(), name=name)

    def keep(self, name: str, expression: Table) -> Table:
        """Note a step that is computed once."""
        return self.step(name, expression, kept=True)

    def show(self, name: str, expression: Table) -> Table:
        """Note a step that is computed where it is read."""
        return self.step(name, expression, kept=False)

    def plan(self) -> Plan:
        """Return what was collected."""
        return Plan(inputs=self._inputs, steps=tuple(self._steps))


def night_plan(*, facts: bool, keep_lines: bool) -> Plan:
    """Return the plan of a night.

    Its inputs are `home_rows`, `host_rows` (the live rows of each side: not replaced by a later
    revision, not closed before), `reversed_numbers`, `cleared`, `cleared_reversals`, `holds` and
    `asked`, and with facts the tables of `FACTS`. A pair's two directions are in one night and one
    digest. What a caller reads:

    - `totals`: pair, rank, kind, line_count, home_fen, host_fen;
    - `beyond_rows`: home_fen, host_fen, what the lines hold beyond the rows of each side;
    - `line_bytes`: line, in the order of the digest;
    - `line_table`: every line with its class and the columns of both sides;
    - `closed`: side, pair, settlement_no, position, rank of rows that are done with;
    - `newly_cleared`: the columns of a row, and the positions on both sides;
    - `newly_cancelled`: pair, settlement_no of cleared settlements whose reversal is now cleared.

    Args:
        facts: Whether registers are given.
        keep_lines: Whether lines are kept once computed: right where many things are read of few
            lines, wrong for millions of which only sums and bytes are read.
    """
    inputs = {"home_rows": ROWS, "host_rows": ROWS, **HISTORY, "asked": ASKED}
    planner = _Planner(inputs | FACTS if facts else inputs)
    given = planner.tables
    home_rows, host_rows = given["home_rows"], given["host_rows"]
    cleared, reversed_numbers = given["cleared"], given["reversed_numbers"]
    # 1. Numbers that have to be looked at as a whole.
    crowded = planner.keep("crowded", classify.crowded_hashes(home_rows, host_rows))
    all_rows = union_of(_sided(home_rows, "home"), _sided(host_rows, "host"))
    keys = planner.keep("odd_keys", classify.odd_keys(all_rows, crowded, reversed_numbers, cleared))
    odd = planner.keep("odd_rows", classify.odd_rows(all_rows, keys))
    numbers = planner.keep("odd_numbers", classify.odd_numbers(odd, reversed_numbers, cleared))
    # 2. The two sides of everything else.
    home_firsts = classify.firsts(home_rows, "home", odd, numbers)
    host_firsts = classify.firsts(host_rows, "host", odd, numbers)
    settlements = planner.keep("settlements", classify.joined_sides(home_firsts, host_firsts))
    # 3. What stands against a number on its own: the first class that does.
    twins = planner.keep("twins", classify.twins(settlements, odd, reversed_numbers, cleared))
    flagged = [
        _ranked(twins, LineClass.DUP_SEMANTIC),
        *(_held(given["holds"], held) for held in (LineClass.OVERLAP, LineClass.OVER_BUDGET)),
    ]
    if facts:
        registers = {name: given[name] for name in FACTS}
        rows = planner.keep("first_rows", union_of(home_firsts, host_firsts))
        counted = cleared.filter(~cleared.cancelled)
        flagged += _judged(planner, rows, counted, registers, [flagged[0]], flagged[1])
    every_flag = union_of(*flagged)
    flags = planner.keep("flags", every_flag.group_by(KEY).agg(rank=every_flag["rank"].min()))
    # 4. Lines, and what is made of them.
    lines = planner.step(
        "lines",
        classify.lines(
            settlements=settlements,
            flags=flags,
            odd=odd,
            numbers=numbers,
            cleared=cleared,
            cleared_reversals=given["cleared_reversals"],
            asked=given["asked"],
        ),
        kept=keep_lines,
    )
    planner.keep("totals", _totals(lines))
    planner.show("beyond_rows", _beyond_rows(lines, numbers))
    planner.show("line_bytes", _line_bytes(lines))
    planner.show("line_table", _line_table(lines))
    planner.show("closed", _closed(lines, odd, numbers))
    planner.show("newly_cleared", _newly_cleared(lines))
    cancelled = _of_class(lines, LineClass.MATCHED, classify.REVERSAL)
    planner.show("newly_cancelled", cancelled.select(KEY))
    return planner.plan()


def proposals_plan() -> Plan:
    """Return the plan that finds cleared lines which the facts now pinned would have refused.

    A later fact changes no closed date; it is answered by a reversal that both sides file. Inputs
    are `cleared` and the tables of `FACTS`; the caller reads `proposals`: pair, settlement_no and
    the rank of the class that the line would have had.
    """
    planner = _Planner({"cleared": CLEARED, **FACTS})
    cleared = planner.tables["cleared"]
    rows = planner.show("standing", cleared.filter(~cleared.cancelled))
    registers = {name: planner.tables[name] for name in FACTS}
    flags = union_of(*_judged(planner, rows, None, registers, [], None))
    planner.show("proposals", flags.group_by(KEY).agg(rank=flags["rank"].min()))
    return planner.plan()


def _sided(rows: Table, side: str) -> Table:
    """Return rows with the side that filed them."""
    return rows.mutate(side=ibis.literal(side))


def _ranked(keys: Table, line_class: LineClass) -> Table:
    """Return numbers with the rank of one class."""
    return keys.select(*KEY, rank=rank_of(line_class.rank))


def _held(holds: Table, line_class: LineClass) -> Table:
    """Return the numbers that are held under one class."""
    return _ranked(holds.filter(holds.hold_class == line_class.name), line_class)


def _judged(
    planner: _Planner,
    rows: Table,
    counted: Table | None,
    registers: Mapping[str, Table],
    before: list[Table],
    overlap_holds: Table | None,
) -> list[Table]:
    """Return the numbers that registers stand against, a table for each step in order.

    Sums run over the rows that no earlier class holds back, so each step reads what is left.
    """
    columns = [name for name in ROWS if name not in ("filed_date", "position")]
    rows = rows.select(columns)
    none = rows.filter(ibis.literal(False))
    counted = none if counted is None else counted.select(columns)
    agreed = planner.keep("agreed_days", eligibility.agreed_days(rows, registers))
    enrolled = planner.keep("enrolled_days", eligibility.enrolled_days(rows, registers))
    barred = planner.keep("barred", eligibility.barred(rows, registers, agreed, enrolled))
    reaching = _without(rows, [*before, barred])
    overlapping = planner.keep(
        "overlapping",
        eligibility.overlapping(reaching, counted, registers["policies"]),
    )
    overlapping = overlapping.semi_join(rows, KEY)
    overlap = _ranked(overlapping, LineClass.OVERLAP)
    reaching = _without(reaching, [overlap] if overlap_holds is None else [overlap, overlap_holds])
    above = planner.keep(
        "above_cap", eligibility.over_cap(reaching, counted, registers["policies"])
    )
    return [barred, overlap, _ranked(above, LineClass.OVER_CAP)]


def _without(rows: Table, flagged: list[Table]) -> Table:
    """Return the rows of numbers that are in none of some tables."""
    for table in flagged:
        rows = rows.anti_join(table, KEY)
    return rows


def _class_name(rank: Expression) -> Expression:
    """Return the name of a class; the commonest is asked for first."""
    ordered = sorted(LineClass, key=lambda member: -member.rank)
    return ibis.cases(*((rank == member.rank, member.name) for member in ordered), else_="")


def _totals(lines: Table) -> Table:
    """Return sums by direction, class and kind of line."""
    return lines.group_by(["pair", "rank", "kind"]).agg(
        line_count=lines.count(), home_fen=lines.home_fen.sum(), host_fen=lines.host_fen.sum()
    )


def _beyond_rows(lines: Table, numbers: Table) -> Table:
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


def _side_text(
    lines: Table, *, rows: Expression, claim: Expression, caregiver: Expression
) -> Table:
    """Return the ten columns of one side's row as parts to join; empty where there is no row."""
    there = rows > 0
    return [
        ibis.ifelse(there, lines.settlement_no, ""),
        ibis.ifelse(there, home_code(lines), ""),
        ibis.ifelse(there, host_code(lines), ""),
        ibis.ifelse(there, claim, separator().repeat(len(_CLAIM_PARTS) - 1)),
        ibis.ifelse(there, caregiver, ""),
    ]


def _line_bytes(lines: Table) -> Table:
    """Return the bytes of each line, in the order of the bytes.

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
    host_claim = ibis.coalesce(ordered_lines.host_claim, ordered_lines.home_claim)
    parts = [
        home_code(ordered_lines),
        host_code(ordered_lines),
        ordered_lines.settlement_no,
        _class_name(ordered_lines["rank"]),
        ordered_lines.home_rows.cast("string"),
        ordered_lines.home_fen.cast("string"),
        *_side_text(
            ordered_lines,
            rows=ordered_lines.home_rows,
            claim=ordered_lines.home_claim,
            caregiver=ordered_lines.home_caregiver,
        ),
        ordered_lines.host_rows.cast("string"),
        ordered_lines.host_fen.cast("string"),
        *_side_text(
            ordered_lines,
            rows=ordered_lines.host_rows,
            claim=host_claim,
            caregiver=ordered_lines.host_caregiver,
        ),
    ]
    parts[-1] = parts[-1] + terminator()
    return ordered_lines.select(line=joined(*parts))


def _line_table(lines: Table) -> Table:
    """Return every line in full: its class and the columns of both sides, null where none filed."""
    host_claim = ibis.ifelse(
        lines.host_rows > 0, ibis.coalesce(lines.host_claim, lines.home_claim), ibis.null("string")
    )
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
    sides = (
        ("home", lines.home_claim, lines.home_caregiver),
        ("host", host_claim, lines.host_caregiver),
    )
    for side, claim, caregiver in sides:
        parts = claim.split(separator())
        for index, (name, kind) in enumerate(_CLAIM_PARTS):
            part = parts[index]
            columns[f"{side}_{name}"] = part if kind == "string" else part.cast(kind)
        columns[f"{side}_caregiver_cert_no"] = caregiver
    columns["filed_date"] = lines.filed_date
    table = lines.select(**columns)
    return table.order_by(["home", "host", "settlement_no", "class", "home_rows"])


def _of_class(lines: Table, line_class: LineClass, kind: int) -> Table:
    """Return the lines of one class and kind."""
    return lines.filter((lines["rank"] == line_class.rank) & (lines.kind == kind))


def _closed(lines: Table, odd: Table, numbers: Table) -> Table:
    """Return the rows that are done with: matched, surplus copies, reversed by every side."""
    rank = LineClass.REVERSED.rank
    cancelled = odd.semi_join(numbers.filter(numbers.fate == rank), KEY)
    cancelled = cancelled.select("side", *KEY, "position", rank=rank_of(rank))
    matched = _of_class(lines, LineClass.MATCHED, classify.SETTLEMENT)
    copies = _of_class(lines, LineClass.DUP_EXACT, classify.COPY)
    done = union_of(matched, copies)

    def of_side(side: str) -> Table:
        position = done[f"{side}_position"]
        filed = done.filter(done[f"{side}_rows"] > 0)
        return filed.select(*KEY, "rank", side=ibis.literal(side), position=position).select(
            "side", *KEY, "position", "rank"
        )

    return union_of(of_side("home"), of_side("host"), cancelled)


def _newly_cleared(lines: Table) -> Table:
    """Return the settlements that this night clears; both sides' rows are equal."""
    matched = _of_class(lines, LineClass.MATCHED, classify.SETTLEMENT)
    parts = matched.home_claim.split(separator())
    columns = {
        name: parts[index] if kind == "string" else parts[index].cast(kind)
        for index, (name, kind) in enumerate(_CLAIM_PARTS)
    }
    return matched.select(
        *KEY,
        **columns,
        caregiver_cert_no=matched.home_caregiver,
        home_position=matched.home_position,
        host_position=matched.host_position,
    )
