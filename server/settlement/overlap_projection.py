"""Turns overlap keys, claims and demands into rows: the part of the room's projector about them.

As everywhere, what makes an entry void stands in its own log before it. Whether a demand is of a
settlement that was cleared, and whether its signatures hold, other logs tell: that is refused where
it is written, and said beside the demand where it is read.
"""

from collections.abc import Sequence
from datetime import UTC

from sqlalchemy import Connection, delete, select

from deltacare.ids import LogName
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Clawback
from server.log.ports import LogTx, Sequenced
from server.registry.rulebook import Rule
from server.settlement import overlap_tables as tables
from server.settlement import rules, store
from server.settlement.overlap_fields import claims_faults, clawback_faults, overlap_key_faults

__all__ = [
    "forget_overlap_keys",
    "forget_overlaps",
    "project_claims",
    "project_clawbacks",
    "project_overlap_keys",
]

Run = Sequence[Sequenced]


def project_overlap_keys(tx: LogTx, log: LogName, run: Run, _trust: Trust) -> None:
    """Keep the keys of a registry log."""
    for item in run:
        body = item.entry.overlap_key
        if any(True for _ in overlap_key_faults(body)):
            tx.void(log, item.index, rules.UNREADABLE.code)
            continue
        row = (log.author, item.index, body.key_id, body.public_key, body.from_year)
        store.insert_rows(tx.connection, tables.key, [row])


def project_claims(tx: LogTx, log: LogName, run: Run) -> None:
    """Keep the claims of a settlement log."""
    rows: list[tuple[object, ...]] = []
    for item in run:
        body = item.entry.overlap_claims
        if any(True for _ in claims_faults(body)):
            tx.void(log, item.index, rules.UNREADABLE.code)
            continue
        place = (log.author, log.partner, body.service_year)
        rows += [
            (*place, each.tag, each.month, each.exclusivity_group, item.index, each.days)
            for each in body.claims
        ]
    store.insert_rows(tx.connection, tables.claim, rows)


def project_clawbacks(tx: LogTx, log: LogName, run: Run, filed_date: str) -> None:
    """Keep the demands of a settlement log.

    Args:
        tx: The transaction.
        log: The log.
        run: Consecutive entries with demands.
        filed_date: The date that is open in the log.
    """
    numbers = [item.entry.clawback.settlement_no for item in run]
    filed = store.numbers_filed(tx.connection, log.author, log.partner, numbers)
    for item in run:
        body = item.entry.clawback
        rule = _clawback_rule(tx.connection, log, body)
        if rule is None and (body.settlement_no, body.home) not in filed:
            rule = rules.REVERSES_UNKNOWN
        if rule is not None:
            tx.void(log, item.index, rule.code)
            continue
        tx.connection.execute(
            tables.clawback.insert().values(
                author=log.author,
                partner=log.partner,
                idx=item.index,
                filed_date=filed_date,
                clawback_id=body.clawback_id,
                settlement_no=body.settlement_no,
                maker=item.entry.maker,
                reviewer=item.entry.reviewer,
                entry_time=item.entry.entry_time.ToDatetime(tzinfo=UTC),
                body=body.SerializeToString(deterministic=True),
            )
        )


def _clawback_rule(connection: Connection, log: LogName, body: Clawback) -> Rule | None:
    """Return the rule against a demand by its form and by earlier demands of the same log."""
    if {body.home, body.host} != {log.author, log.partner}:
        return rules.WRONG_PAIR
    if body.home != log.author:
        return rules.NOT_HOME
    if any(True for _ in clawback_faults(body, log.author, "")):
        return rules.UNREADABLE
    demands = tables.clawback.c
    of_log = select(demands.idx).where(demands.author == log.author, demands.partner == log.partner)
    for condition, rule in (
        (demands.clawback_id == body.clawback_id, rules.CLAWBACK_EXISTS),
        (demands.settlement_no == body.settlement_no, rules.CLAWBACK_DEMANDED),
    ):
        if connection.execute(of_log.where(condition)).first() is not None:
            return rule
    return None


def forget_overlap_keys(connection: Connection, author: str) -> None:
    """Delete the keys of a registry log."""
    connection.execute(delete(tables.key).where(tables.key.c.author == author))


def forget_overlaps(connection: Connection, author: str, partner: str) -> None:
    """Delete the claims and demands of a settlement log."""
    for table in (tables.claim, tables.clawback):
        connection.execute(
            delete(table).where(table.c.author == author, table.c.partner == partner)
        )
