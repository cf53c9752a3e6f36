"""Turns anchors and disclosures of persons into rows, and keeps audit bodies out of other logs.

Runs in the transaction that stores the entries, for own ones, mirrored ones and on a rebuild, and
depends on nothing but them. Denials bring no rows, and a disclosure only its place by the person:
what they say is read from the log.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Row, delete, func, insert, select

from deltacare.ids import LogKind, LogName
from deltacare.tlog.checkpoint import Checkpoint
from server.audit import rules, tables
from server.log.ports import LogTx, Sequenced

__all__ = ["Anchor", "AuditProjector", "disclosures_of", "last_anchor"]

_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The newest anchor of an author that counts.

    Attributes:
        checkpoint: How far the audit log went.
        entry_time: When it was anchored.
    """

    checkpoint: Checkpoint
    entry_time: datetime


def last_anchor(connection: Connection, author: str) -> Anchor | None:
    """Return the newest anchor of an author that counts, ``None`` if there is none."""
    columns = tables.anchors.c
    row = connection.execute(
        select(tables.anchors).where(columns.author == author).order_by(columns.idx.desc()).limit(1)
    ).first()
    if row is None:
        return None
    return Anchor(checkpoint=_checkpoint(author, row), entry_time=row.entry_time)


def disclosures_of(
    connection: Connection, author: str, subject_ref: str, *, after_index: int, limit: int
) -> Sequence[int]:
    """Return where in an author's audit log a person's values were disclosed, in order.

    Args:
        connection: A snapshot.
        author: Whose audit log.
        subject_ref: The person.
        after_index: Only what stands behind; -1 for all.
        limit: At most so many.
    """
    columns = tables.subjects.c
    query = (
        select(columns.idx)
        .where(
            columns.author == author,
            columns.subject_ref == subject_ref,
            columns.idx > after_index,
        )
        .order_by(columns.idx)
        .limit(limit)
    )
    return connection.execute(query).scalars().all()


class AuditProjector:
    """Projects the entries of this room; see `server.log.ports.Projector`."""

    bodies = frozenset({"access_denied", "disclosure", "audit_anchor"})

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Store what consecutive entries of one log say."""
        for item in entries:
            body = item.entry.WhichOneof("body")
            if body not in self.bodies:
                continue
            is_anchor = body == "audit_anchor"
            if log.kind is not (LogKind.REGISTRY if is_anchor else LogKind.AUDIT):
                tx.void(log, item.index, rules.WRONG_LOG.code)
            elif is_anchor:
                self._anchor(tx, log, item)
            elif body == "disclosure" and item.entry.disclosure.subject_ref:
                tx.connection.execute(
                    insert(tables.subjects).values(
                        author=log.author,
                        subject_ref=item.entry.disclosure.subject_ref,
                        idx=item.index,
                    )
                )

    @staticmethod
    def _anchor(tx: LogTx, log: LogName, item: Sequenced) -> None:
        """Keep an anchor, unless a rule stands against it."""
        body = item.entry.audit_anchor
        lost_from_size = body.lost_from_size if body.HasField("lost_from_size") else None
        found = rules.anchored(body, log.author)
        before = _before(tx.connection, log.author, found)
        rule = rules.anchor_rule(found, before, lost_from_size=lost_from_size)
        if rule is not None or found is None:
            assert rule is not None, "what is no checkpoint breaks a rule"
            _alarm.error("audit_anchor_void", log=str(log), index=item.index, rule=rule.code)
            tx.void(log, item.index, rule.code)
            return
        if before is not None and lost_from_size is not None:
            _alarm.error(
                "audit_loss_stated",
                log=str(log),
                index=item.index,
                lost_from_size=lost_from_size,
                anchored=before.last.size,
            )
        tx.connection.execute(
            insert(tables.anchors).values(
                author=log.author,
                idx=item.index,
                size=found.size,
                root=found.root,
                entry_time=item.entry.entry_time.ToDatetime(tzinfo=UTC),
            )
        )

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log."""
        if log.kind is LogKind.REGISTRY:
            tx.connection.execute(
                delete(tables.anchors).where(tables.anchors.c.author == log.author)
            )
        elif log.kind is LogKind.AUDIT:
            tx.connection.execute(
                delete(tables.subjects).where(tables.subjects.c.author == log.author)
            )


def _before(connection: Connection, author: str, found: Checkpoint | None) -> rules.Before | None:
    """Return what an author anchored before a checkpoint."""
    last = last_anchor(connection, author)
    if last is None:
        return None
    columns = tables.anchors.c
    size = last.checkpoint.size if found is None else found.size
    rows = select(tables.anchors).where(columns.author == author)
    cut = (
        select(func.max(columns.idx))
        .where(columns.author == author, columns.size < size)
        .scalar_subquery()
    )
    # What is smaller and came later is a loss: an anchor before it says nothing of what grew since.
    rows = rows.where(columns.size == size, columns.idx > func.coalesce(cut, -1))
    same = connection.execute(rows.order_by(columns.idx.desc()).limit(1)).first()
    return rules.Before(
        last=last.checkpoint, same_size=None if same is None else _checkpoint(author, same)
    )


def _checkpoint(author: str, row: Row[Any]) -> Checkpoint:
    """Return the checkpoint of a row."""
    return Checkpoint(origin=str(LogName.audit(author)), size=row.size, root=bytes(row.root))
