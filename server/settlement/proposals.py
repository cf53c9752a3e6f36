"""Late facts: which cleared settlements the registers, as pinned tonight, would have refused.

A later fact changes no closed date. What it would have refused is listed with an owner and a
deadline, as a proposal that both sides file reversals. Nothing of it enters a digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from deltacare.ids import LogName
from sqlalchemy import Connection, delete, select

from server.settlement import store as rows_store
from server.settlement import tables
from server.settlement.facts import load_facts
from server.settlement.inputs import Closes, cleared_of_pair
from settlement.core.classes import LineClass
from settlement.night import Facts, run_proposals

__all__ = ["Asked", "load", "run", "store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was cleared before, and the registers for it.

    Attributes:
        cleared: In the schema of the core.
        facts: As pinned tonight.
    """

    cleared: pa.Table
    facts: Facts


def load(connection: Connection, closes: Closes, pins: Mapping[LogName, int]) -> Asked | None:
    """Return what is to be looked at, ``None`` if nothing was cleared before."""
    cleared = cleared_of_pair(connection, closes)
    if not cleared.num_rows:
        return None
    return Asked(cleared=cleared, facts=load_facts(connection, closes, pins, (cleared,)))


def run(asked: Asked, *, threads: int) -> pa.Table:
    """Return the cleared settlements that tonight's facts would have refused."""
    return run_proposals(asked.cleared, asked.facts, threads=threads)


def store(connection: Connection, closes: Closes, proposed: pa.Table) -> None:
    """Keep the proposals of a pair in place of the last night's; the first notice stays."""
    table = tables.reversal_proposal
    pair = (closes.lower, closes.higher)
    ours = (table.c.home.in_(pair), table.c.host.in_(pair))
    noticed = {
        (row.home, row.host, row.settlement_no): row.noticed_date
        for row in connection.execute(select(table).where(*ours))
    }
    connection.execute(delete(table).where(*ours))
    names = ("home", "host", "settlement_no", "class")
    tonight = closes.business_date.isoformat()
    rows_store.insert_rows(
        connection,
        table,
        [
            (*key, LineClass[name].rank, noticed.get(tuple(key), tonight))
            for *key, name in zip(*(proposed[each].to_pylist() for each in names), strict=True)
        ],
    )
