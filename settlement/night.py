"""Runs one night of one pair: tables of a node's logs in, lines, digest and sums out.

The caller reads its logs and registers and hands over Arrow tables in the schemas below, with
province codes as texts; the definition of the lines is `settlement.core.night`. Nothing here opens
a database or a file, and nothing is stored: what passes from night to night is the caller's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from settlement.core.classes import TRANSIT_DAYS, LineClass
from settlement.core.columns import (
    CODE_FACTOR,
    COLUMNS,
    FACTS,
    HISTORY,
    PAIR_FACTOR,
    PLAIN_HISTORY,
    ROWS,
    codes_of,
)
from settlement.core.digest import DigestBuilder
from settlement.core.summary import Summary, summarise
from settlement.engine import DuckEngine, compiled
from settlement.texts import row_texts

__all__ = [
    "FACT_SCHEMAS",
    "INPUT_SCHEMAS",
    "Facts",
    "NightInputs",
    "NightResult",
    "asked_table",
    "empty_input",
    "run_night",
    "run_proposals",
    "summarise_totals",
    "table_of",
]

# Below this, threads wait for each other longer than they work.
_SMALL_NIGHT_ROWS = 50_000

_TYPES: Final = {
    "int16": pa.int16(),
    "int64": pa.int64(),
    "string": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}


def _outer_schema(schema: Mapping[str, str], *, sided: bool = False) -> pa.Schema:
    """Return a schema as callers see it: `pair` is home and host, province codes are texts."""
    columns: list[tuple[str, Any]] = [("side", pa.string())] if sided else []
    for name, kind in schema.items():
        if name == "text":
            continue
        if name == "pair":
            columns += [("home", pa.string()), ("host", pa.string())]
        elif name in ("home", "host"):
            columns.append((name, pa.string()))
        else:
            columns.append((name, _TYPES[kind]))
    return pa.schema(columns)


# What `NightInputs` holds, by field.
INPUT_SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "rows": _outer_schema(ROWS, sided=True),
    **{name: _outer_schema(schema) for name, schema in HISTORY.items()},
}

# What `Facts` holds, by field.
FACT_SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    name: _outer_schema(schema) for name, schema in FACTS.items()
}


def table_of(schema: pa.Schema, rows: Iterable[Mapping[str, Any]] = ()) -> pa.Table:
    """Return a table of a schema from dictionaries; dates may be `date` values."""
    return pa.Table.from_pylist(list(rows), schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the registers say, as pinned for one night; tables in `FACT_SCHEMAS`.

    Attributes:
        agreements: Days on which an agreement covers a home division, institution, kind and month;
            with an empty division, the days on which any division of home has one.
        listings: Days on which an institution is listed by its host, is not closed, and no measure
            of supervision closes it to home's elders.
        caregivers: Days on which a certificate is good where the institution stands.
        enrolments: Intervals with both ends, one row a kind; an empty end is none.
        policies: What home pays for a kind in a month; no row, nothing.
    """

    agreements: pa.Table
    listings: pa.Table
    caregivers: pa.Table
    enrolments: pa.Table
    policies: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class NightInputs:
    """What one night of one pair is computed from; tables in `INPUT_SCHEMAS`.

    Attributes:
        rows: Live rows of both sides and directions: not replaced by a later revision, not closed
            on an earlier date. `side` is `home` or `host`, the side of the row's own direction that
            filed it; `position` its index in the log of its author.
        reversed_numbers: Numbers that a side reversed, on any date, before clearing or after.
        cleared: Everything cleared on earlier dates; `cancelled` once its reversal was cleared.
        cleared_reversals: Reversals of cleared settlements, filed and not cleared.
        holds: Holds in force for this date.
        facts: What the registers say; ``None`` leaves the classes that need them out.
        business_date: The date being closed; ``None`` if nothing is ever in transit.
    """

    rows: pa.Table
    reversed_numbers: pa.Table
    cleared: pa.Table
    cleared_reversals: pa.Table
    holds: pa.Table
    facts: Facts | None = None
    business_date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightResult:
    """What one night of one pair comes to.

    Attributes:
        digest: Root over the leaves, 32 bytes.
        leaf_hashes: Hash of each leaf of 256 lines.
        leaves: The leaves themselves, if they were asked for.
        line_count: Lines.
        summary: Counts, sums, flows and positions.
        lines: Every line: home, host, settlement_no, line_kind, class, home_rows, home_fen,
            host_rows, host_fen, `home_*` and `host_*` columns (null where that side has no row),
            filed_date; sorted by home, host and number.
        closed: Rows that are done with: side, home, host, settlement_no, position, class.
        newly_cleared: Settlements that this night clears: the ten columns, home_position,
            host_position.
        newly_cancelled: Cleared settlements whose reversal this night clears: home, host,
            settlement_no.
    """

    digest: bytes
    leaf_hashes: tuple[bytes, ...]
    leaves: tuple[bytes, ...]
    line_count: int
    summary: Summary
    lines: pa.Table
    closed: pa.Table
    newly_cleared: pa.Table
    newly_cancelled: pa.Table


def run_night(
    inputs: NightInputs, *, threads: int | None = None, keep_leaves: bool = False
) -> NightResult:
    """Return the result of a night; the same on every node, engine, order and number of threads.

    Args:
        inputs: The tables.
        threads: Threads of the engine, 1 to 16; by default one for a small night, else two.
        keep_leaves: Whether the bytes of the leaves are wanted, to serve a partner that differs.
    """
    plan = compiled("night" if inputs.facts is not None else "night_without_facts")
    with DuckEngine(plan, threads=threads or _threads_for(inputs.rows)) as engine:
        # 1. Inputs: each side's rows, history, facts, and what is asked.
        for side in ("home", "host"):
            rows = inputs.rows.filter(pc.equal(inputs.rows["side"], side))
            engine.load(f"{side}_rows", _inner(rows, INPUT_SCHEMAS["rows"]))
        for name in HISTORY:
            engine.load(name, _inner(getattr(inputs, name), INPUT_SCHEMAS[name]))
        if inputs.facts is not None:
            for name in FACTS:
                engine.load(name, _inner(getattr(inputs.facts, name), FACT_SCHEMAS[name]))
        engine.load("asked", asked_table(inputs.business_date))
        # 2. Sums, then bytes.
        summary = summarise_totals(engine.table("totals"))
        builder = DigestBuilder(keep_leaves=keep_leaves)
        for block in engine.blocks("line_bytes"):
            builder.add(block)
        assert builder.line_count == sum(summary.counts.values()), "each line has one class"
        _assert_sides(inputs, summary, engine)
        # 3. What the caller stores.
        return NightResult(
            digest=builder.digest(),
            leaf_hashes=builder.leaf_hashes(),
            leaves=builder.leaves(),
            line_count=builder.line_count,
            summary=summary,
            lines=engine.table("line_table"),
            closed=_outer(engine.table("closed")),
            newly_cleared=_outer(engine.table("newly_cleared")),
            newly_cancelled=_outer(engine.table("newly_cancelled")),
        )


def run_proposals(cleared: pa.Table, facts: Facts) -> pa.Table:
    """Return the cleared lines that the facts now pinned would have refused.

    Args:
        cleared: What was cleared, in ``INPUT_SCHEMAS["cleared"]``.
        facts: What the registers say.

    Returns:
        home, host, settlement_no, class; sorted.
    """
    with DuckEngine(compiled("proposals"), threads=_threads_for(cleared)) as engine:
        engine.load("cleared", _inner(cleared, INPUT_SCHEMAS["cleared"]))
        for name in FACTS:
            engine.load(name, _inner(getattr(facts, name), FACT_SCHEMAS[name]))
        found = _outer(engine.table("proposals"))
    return found.sort_by([(name, "ascending") for name in ("home", "host", "settlement_no")])


def _threads_for(table: pa.Table) -> int:
    """Return with how many threads a table of this size is done soonest."""
    return 1 if table.num_rows < _SMALL_NIGHT_ROWS else 2


def asked_table(business_date: date | None) -> pa.Table:
    """Return the one row that tells from which filing date on a one-sided line is in transit."""
    after = None if business_date is None else business_date - timedelta(days=TRANSIT_DAYS)
    return pa.table({"transit_after_date": pa.array([after], pa.date32())})


def empty_input(name: str) -> pa.Table:
    """Return a table without rows for one of the history inputs of a plan without facts."""
    schema = PLAIN_HISTORY[name]
    return pa.table({column: pa.array([], _TYPES[kind]) for column, kind in schema.items()})


def summarise_totals(totals: pa.Table) -> Summary:
    """Return the summary of the totals of a plan."""
    names = ("pair", "rank", "line_count", "home_fen", "host_fen")
    return summarise(zip(*(totals[name].to_pylist() for name in names), strict=True))


def _assert_sides(inputs: NightInputs, summary: Summary, engine: DuckEngine) -> None:
    """Assert that class totals equal side totals: rows filed, and what lines add to them.

    Lines hold, beyond the rows, the cleared row of a number filed again with other content, and the
    reversals of cleared settlements.
    """
    extra = engine.table("beyond_rows").to_pylist()[0]
    for side, total in zip(("home", "host"), summary.side_fen, strict=True):
        rows = inputs.rows.filter(pc.equal(inputs.rows["side"], side))
        filed = sum(rows["amount_fen"].to_pylist())
        assert total == filed + extra[f"{side}_fen"], "class totals equal side totals"


def _inner(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a caller's table with codes as numbers, and home and host as one where they are a key.

    A table that has both is of a direction; one that has one of them is of a province.
    """
    table = table.select(schema.names).cast(schema)
    codes = {
        name: pc.divide(pc.cast(table[name], pa.int32()), CODE_FACTOR)
        for name in ("home", "host")
        if name in schema.names
    }
    if len(codes) == 1:
        ((name, values),) = codes.items()
        return table.set_column(schema.names.index(name), name, values.cast(pa.int16()))
    pair = pc.add(pc.multiply(codes["home"], PAIR_FACTOR), codes["host"])
    if set(COLUMNS).issubset(schema.names):
        table = table.append_column("text", row_texts(table))
    return table.drop_columns(["home", "host"]).append_column("pair", pair.cast(pa.int16()))


def _outer(table: pa.Table) -> pa.Table:
    """Return a plan's table with codes as texts and the class by name."""
    columns: dict[str, Any] = {}
    for name in table.column_names:
        if name == "pair":
            codes = [codes_of(pair) for pair in table["pair"].to_pylist()]
            columns["home"] = pa.array([home for home, _ in codes], pa.string())
            columns["host"] = pa.array([host for _, host in codes], pa.string())
        elif name == "rank":
            ranks = table["rank"].to_pylist()
            columns["class"] = pa.array(
                [LineClass.of_rank(rank).name for rank in ranks], pa.string()
            )
        else:
            columns[name] = table[name]
    return pa.table(columns)


assert {field.name for field in fields(Facts)} == set(FACTS), "one field for each fact"
