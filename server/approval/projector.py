"""Turns what registry logs say of people's keys into rows.

Stands before the rooms whose entries carry approvals. One call may bring keys and, behind them,
what they signed, or the withdrawal of a key behind what it signed before: so whoever asks for a key
names the place up to which the log counts.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert

from deltacare.approvals import read_approval_key
from deltacare.ids import LogKind, LogName
from deltacare.v1.entry_pb2 import Entry
from server.approval.rules import judge_key
from server.approval.store import key_at, key_with
from server.approval.tables import approval_duty, approval_keys
from server.log.ports import LogTx, Sequenced
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule
from server.registry.rules import G01_NOT_REGISTRY, G02_UNREADABLE

__all__ = ["ApprovalProjector", "judge_new_key"]


def judge_new_key(
    connection: Connection, author: str, entry: Entry, until_index: int | None = None
) -> Rule | None:
    """Return the rule that the statement of a key breaks, by what its author stated before."""
    body = entry.approval_key
    if not is_readable(read_approval_key, body):
        return G02_UNREADABLE
    return judge_key(
        body,
        maker=entry.maker,
        reviewer=entry.reviewer,
        known=key_at(connection, author, body.key_id, until_index),
        same_public_key=key_with(connection, author, body.public_key, until_index),
    )


class ApprovalProjector:
    """Stores people's keys; implements the log room's ``Projector``."""

    bodies = frozenset({"approval_key"})

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        for item in entries:
            if item.entry.WhichOneof("body") not in self.bodies:
                continue
            rule = (
                G01_NOT_REGISTRY
                if log.kind is not LogKind.REGISTRY
                else judge_new_key(tx.connection, log.author, item.entry, item.index)
            )
            if rule is not None:
                tx.void(log, item.index, rule.code)
                continue
            body = item.entry.approval_key
            tx.connection.execute(
                insert(approval_keys).values(
                    author=log.author,
                    log_index=item.index,
                    key_id=body.key_id,
                    public_key=body.public_key,
                    body=body.SerializeToString(deterministic=True),
                )
            )

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log, the duties that other rooms noted included."""
        partner = log.partner if log.kind is LogKind.SETTLEMENT else ""
        if log.kind is LogKind.AUDIT:
            return
        held = approval_duty.c
        tx.connection.execute(
            delete(approval_duty).where(held.author == log.author, held.partner == partner)
        )
        if log.kind is LogKind.REGISTRY:
            tx.connection.execute(delete(approval_keys).where(approval_keys.c.author == log.author))
