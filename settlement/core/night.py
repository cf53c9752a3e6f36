"""One night of one pair, or two files: the steps from rows to lines, sums and line bytes.

The plan is pure: an ordered list of named expressions, each over the inputs and the steps before
it. A shell runs them on an engine; one definition serves a node's night and `settle reconcile`.
With no registers given, the classes that need registers do not appear.

Steps that are small or read more than once are *kept*; the others are computed where they are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
from ibis.expr.operations import UnboundTable

from settlement.core import classify, eligibility, outputs
from settlement.core.classes import LineClass
from settlement.core.columns import (
    ASKED,
    CELLS,
    CLEARED,
    FACTS,
    HISTORY,
    MONTHS,
    PLAIN_HISTORY,
    PLAIN_ROWS,
    ROWS,
)
from settlement.core.terms import KEY, Table, rank_of, union_of

__all__ = ["Plan", "Step", "night_plan", "proposals_plan"]


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
    `asked`, and with facts the tables of `FACTS` and `months`. A pair's two directions are in one
    night and one digest. What a caller reads:

    - with facts, `cells`: the distinct combinations that registers are asked about, to be read
      before the tables of `FACTS` are loaded;
    - `totals`: pair, rank, kind, line_count, home_fen, host_fen;
    - `beyond_rows`: home_fen, host_fen, what the lines hold beyond the rows of each side;
    - `line_bytes`: line, rank, filed_date, in the order of the digest;
    - `line_table`: every line with its class and the columns of both sides;
    - `closed`: side, pair, settlement_no, position, rank of rows that are done with;
    - `closed_places`: the same without the number;
    - `newly_cleared`: the columns of a row, and the positions on both sides;
    - `newly_cancelled`: pair, settlement_no of cleared settlements whose reversal is now cleared.

    Args:
        facts: Whether registers are given.
        keep_lines: Whether lines are kept once computed: right where many things are read of few
            lines, wrong for millions of which only sums and bytes are read.
    """
    inputs: dict[str, Mapping[str, str]] = {"asked": ASKED}
    if facts:
        inputs |= {"home_rows": ROWS, "host_rows": ROWS, **HISTORY, **FACTS, "months": MONTHS}
    else:
        inputs |= {"home_rows": PLAIN_ROWS, "host_rows": PLAIN_ROWS, **PLAIN_HISTORY}
    planner = _Planner(inputs)
    given = planner.tables
    home_rows, host_rows = given["home_rows"], given["host_rows"]
    cleared = given["cleared"]
    # Before clearing a reversal cancels the number whole; after it, what its side files under it.
    reversed_numbers = planner.keep(
        "reversed_before", given["reversed_numbers"].anti_join(cleared, KEY)
    )
    reversed_after = planner.keep(
        "reversed_after", given["reversed_numbers"].semi_join(cleared, KEY)
    )
    if facts:
        # What registers are asked about.
        named = [*CELLS]
        every = union_of(home_rows.select(named), host_rows.select(named), cleared.select(named))
        planner.show("cells", every.distinct())
    # 1. Numbers that have to be looked at as a whole.
    crowded = planner.keep("crowded", classify.crowded_hashes(home_rows, host_rows))
    all_rows = union_of(_sided(home_rows, "home"), _sided(host_rows, "host"))
    hashes = planner.keep("odd_hashes", classify.odd_hashes(crowded, reversed_numbers, cleared))
    every_odd = planner.keep("odd_rows", classify.odd_rows(all_rows, hashes))
    of_side = ["side", *KEY]
    odd = planner.keep("judged_rows", every_odd.anti_join(reversed_after, of_side))
    withdrawn = planner.keep("withdrawn_rows", every_odd.semi_join(reversed_after, of_side))
    numbers = planner.keep("odd_numbers", classify.odd_numbers(odd, reversed_numbers, cleared))
    # 2. The two sides of everything else.
    home_firsts = classify.firsts(home_rows, "home", hashes, odd, numbers)
    host_firsts = classify.firsts(host_rows, "host", hashes, odd, numbers)
    settlements = planner.keep("settlements", classify.joined_sides(home_firsts, host_firsts))
    # 3. What stands against a number on its own: the first class that does.
    close = planner.keep(
        "close_claims", classify.close_claims(settlements, odd, reversed_numbers, cleared)
    )
    twins = planner.keep("twins", classify.twins(close))
    flagged = [
        _ranked(twins, LineClass.DUP_SEMANTIC),
        *(_held(given["holds"], held) for held in (LineClass.OVERLAP, LineClass.OVER_BUDGET)),
    ]
    if facts:
        registers = {name: given[name] for name in FACTS}
        # Where the host's row equals home's, registers say the same of both: one is asked about.
        differing = settlements.filter(settlements.host_text.notnull())
        others = host_firsts.semi_join(differing, KEY)
        rows = planner.keep("first_rows", _asked(union_of(home_firsts, others)))
        counted = cleared.filter(~cleared.cancelled)
        flagged += _judged(
            planner,
            rows,
            counted=counted,
            registers=registers,
            months=given["months"],
            before=[flagged[0]],
            overlap_holds=flagged[1],
        )
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
            withdrawn=classify.withdrawn_numbers(withdrawn),
            cleared=cleared,
            cleared_reversals=given["cleared_reversals"],
            asked=given["asked"],
        ),
        kept=keep_lines,
    )
    planner.keep("totals", outputs.totals(lines))
    planner.show("beyond_rows", outputs.beyond_rows(lines, numbers))
    planner.show("line_bytes", outputs.line_bytes(lines))
    planner.show("line_table", outputs.line_table(lines))
    closed = planner.show("closed", outputs.closed(lines, odd, numbers, withdrawn))
    planner.show("closed_places", closed.select("side", "pair", "position", "rank"))
    planner.show("newly_cleared", outputs.newly_cleared(lines))
    cancelled = outputs.of_class(lines, LineClass.MATCHED, classify.REVERSAL)
    planner.show("newly_cancelled", cancelled.select(KEY))
    return planner.plan()


def proposals_plan() -> Plan:
    """Return the plan that finds cleared lines which the facts now pinned would have refused.

    A later fact changes no closed date; it is answered by a reversal that both sides file. Inputs
    are `cleared`, `months` and the tables of `FACTS`; the caller reads `proposals`: pair,
    settlement_no and the rank of the class that the line would have had.
    """
    planner = _Planner({"cleared": CLEARED, **FACTS, "months": MONTHS})
    cleared = planner.tables["cleared"]
    rows = planner.show("standing", cleared.filter(~cleared.cancelled))
    registers = {name: planner.tables[name] for name in FACTS}
    flags = union_of(
        *_judged(
            planner,
            rows,
            counted=None,
            registers=registers,
            months=planner.tables["months"],
            before=[],
            overlap_holds=None,
        )
    )
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
    *,
    counted: Table | None,
    registers: Mapping[str, Table],
    months: Table,
    before: list[Table],
    overlap_holds: Table | None,
) -> list[Table]:
    """Return the numbers that registers stand against, a table for each step in order.

    Sums run over the rows that no earlier class holds back, so each step reads what is left.
    """
    rows = _asked(rows)
    none = rows.filter(ibis.literal(False))
    counted = none if counted is None else _asked(counted)
    agreed = planner.keep("agreed_days", eligibility.agreed_days(rows, registers, months))
    known = planner.keep(
        "enrolled", eligibility.enrolled(union_of(rows, counted), registers["enrolments"], months)
    )
    rows = planner.keep("priced_rows", eligibility.priced(rows, known, registers["policies"]))
    counted = planner.show(
        "priced_counted", eligibility.priced(counted, known, registers["policies"])
    )
    barred = planner.keep("barred", eligibility.barred(rows, registers, agreed))
    reaching = _without(rows, [*before, barred])
    overlapping = planner.keep("overlapping", eligibility.overlapping(reaching, counted, months))
    overlapping = overlapping.semi_join(rows, KEY)
    overlap = _ranked(overlapping, LineClass.OVERLAP)
    reaching = _without(reaching, [overlap] if overlap_holds is None else [overlap, overlap_holds])
    above = planner.keep("above_cap", eligibility.over_cap(reaching, counted))
    return [barred, overlap, _ranked(above, LineClass.OVER_CAP)]


def _asked(rows: Table) -> Table:
    """Return rows in the columns that registers are asked about."""
    return rows.select([name for name in CLEARED if name not in ("cancelled", "text")])


def _without(rows: Table, flagged: list[Table]) -> Table:
    """Return the rows of numbers that are in none of some tables."""
    for table in flagged:
        rows = rows.anti_join(table, KEY)
    return rows
