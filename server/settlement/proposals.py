"""Late facts: which cleared settlements the registers, as pinned tonight, would have refused.

A later fact changes no closed date. What it would have refused is listed with an owner and a
deadline, as a proposal that both sides file reversals. Nothing of it enters a digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import ColumnElement, Connection, delete, select

from deltacare.ids import LogName
from server.certification import tables as certification_tables
from server.policy import tables as policy_tables
from server.registry import tables as registry_tables
from server.settlement import store as rows_store
from server.settlement import tables
from server.settlement.facts import load_facts
from server.settlement.inputs import Closes, cleared_of_pair
from server.supervision import tables as supervision_tables
from settlement.core.classes import LineClass
from settlement.night import Facts, run_proposals

__all__ = ["Asked", "Seen", "load", "run", "store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was cleared before, and the registers for it.

    Attributes:
        cleared: In the schema of the core.
        facts: As pinned tonight.
    """

    cleared: pa.Table
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an earlier night of the pair was judged by.

    Attributes:
        closes: Where its two logs ended.
        pins: For each registry log the size that counted.
    """

    closes: Closes
    pins: Mapping[LogName, int]


# Where a registry log says something that may stand against what was cleared before. What only
# permits more is left out.
_RESTRICTING = (
    registry_tables.agreement_words.c.log_index,
    registry_tables.institutions.c.log_index,
    registry_tables.listing_withdrawals.c.log_index,
    certification_tables.certificate_events.c.log_index,
    certification_tables.recognitions.c.log_index,
    certification_tables.equivalence_ends.c.log_index,
    supervision_tables.measures.c.log_index,
    policy_tables.policies.c.log_index,
)


def _has_news(
    connection: Connection, seen: Seen, closes: Closes, pins: Mapping[LogName, int]
) -> bool:
    """Whether anything was said since an earlier night that may stand against what was cleared."""
    conditions = []
    for log, size in pins.items():
        before = seen.pins.get(log, 0)
        for index in _RESTRICTING:
            author: ColumnElement[str] = index.table.c.author
            conditions.append(
                select(index).where(author == log.author, index >= before, index < size)
            )
    ends = tables.enrolment_end.c
    for home, host in closes.authors:
        before, end = seen.closes.indexes[home], closes.indexes[home]
        conditions.append(
            select(ends.idx).where(
                ends.author == home, ends.partner == host, ends.idx >= before, ends.idx < end
            )
        )
    return any(connection.execute(each.limit(1)).first() is not None for each in conditions)


def load(
    connection: Connection, closes: Closes, pins: Mapping[LogName, int], seen: Seen | None
) -> Asked | None:
    """Return what is to be looked at, ``None`` if there can be nothing new.

    Args:
        connection: A snapshot.
        closes: Where the two settlement logs end tonight.
        pins: Of tonight.
        seen: The night before; ``None`` if there was none.
    """
    if seen is None or not _has_news(connection, seen, closes, pins):
        return None
    cleared = cleared_of_pair(connection, closes)
    if not cleared.num_rows:
        return None
    return Asked(cleared=cleared, facts=load_facts(connection, closes, pins, (cleared,)))


def run(asked: Asked) -> pa.Table:
    """Return the cleared settlements that tonight's facts would have refused."""
    return run_proposals(asked.cleared, asked.facts)


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
