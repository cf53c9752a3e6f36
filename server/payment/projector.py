"""Turns what registry logs say of advances, orders and bookings into rows.

Each entry is judged by what the same log said before it, and by nothing else; what breaks a rule is
recorded as void and leaves no row. Such entries are few: each is judged and written by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from deltacare.approvals import ApprovalSubject, ApprovalWord, advance_hash
from deltacare.errors import ViolationCollector
from deltacare.ids import LogKind, LogName
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import Entry, PaymentOutcome
from server.approval.duties import DutyKind, note_duties
from server.approval.judging import approvals_rule
from server.log.ports import LogTx, Sequenced
from server.payment import rules, tables
from server.registry.bodies import is_readable
from server.registry.rulebook import Rule

__all__ = ["PaymentProjector", "judge", "store_entry"]

_READERS: Mapping[str, Callable[[Any, str, ViolationCollector], None]] = MappingProxyType(
    {
        "advance_terms": rules.read_terms,
        "advance": rules.read_advance,
        "payment_order": rules.read_order,
        "payment_report": rules.read_report,
    }
)


def judge(
    connection: Connection,
    author: str,
    entry: Entry,
    *,
    entry_time: datetime,
    until_index: int | None = None,
) -> Rule | None:
    """Return the first rule that an entry breaks by what its author's log said before.

    Args:
        connection: Of the transaction that appends or projects; what precedes is in its rows.
        author: Whose registry log.
        entry: With maker and reviewer.
        entry_time: Of the entry; where it is written, the transaction's.
        until_index: Place of the entry; ``None`` where it is about to be appended.
    """
    kind = entry.WhichOneof("body") or ""
    body = getattr(entry, kind)
    if not is_readable(_READERS[kind], body):
        return rules.Z02_UNREADABLE
    day = business_date(entry_time)
    match kind:
        case "advance_terms":
            return rules.judge_terms(author, body)
        case "advance":
            rule = rules.judge_advance(
                author,
                body,
                taken=_has_advance(connection, body.advance_id),
                terms=_terms(connection, author, body.payee),
                day=day,
            )
            subject, subject_hash = ApprovalSubject.ADVANCE, advance_hash(body)
        case "payment_order":
            ordered, debited = _attempts(connection, author, body.payment_id)
            rule = rules.judge_order(author, body, ordered=ordered, debited=debited, day=day)
            subject, subject_hash = ApprovalSubject.PAYMENT, body.message_hash
        case _:
            known = _has_booking(connection, author, body.booking_ref)
            return rules.judge_report(known=known)
    return rule or approvals_rule(
        connection,
        author,
        subject=subject,
        subject_hash=subject_hash,
        word=ApprovalWord.APPROVED,
        approvals=body.approvals,
        maker=entry.maker,
        reviewer=entry.reviewer,
        entry_time=entry_time,
        until_index=until_index,
    )


def _terms(connection: Connection, author: str, payee: str) -> rules.TermsKnown | None:
    terms = tables.terms.c
    query = (
        select(terms.limit_fen, terms.from_date)
        .where(terms.author == author, terms.payee == payee)
        .order_by(terms.idx.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else rules.TermsKnown(limit_fen=row[0], from_date=row[1])


def _has_advance(connection: Connection, advance_id: str) -> bool:
    # Of others' numbers nothing is asked: the rule before says that it bears the own code.
    query = select(tables.advance.c.idx).where(tables.advance.c.advance_id == advance_id)
    return connection.execute(query).first() is not None


def _attempts(connection: Connection, author: str, payment: str) -> tuple[set[int], set[int]]:
    """Return the attempts that were ordered, and those that the author's bank debited."""
    orders, reports = tables.order.c, tables.report.c
    ordered = select(orders.attempt).where(orders.author == author, orders.payment_id == payment)
    debited = select(reports.attempt).where(
        reports.author == author,
        reports.payment_id == payment,
        reports.outcome == PaymentOutcome.PAYMENT_OUTCOME_BOOKED,
    )
    return (
        set(connection.execute(ordered).scalars()),
        set(connection.execute(debited).scalars()),
    )


def _has_booking(connection: Connection, author: str, reference: bytes) -> bool:
    reports = tables.report.c
    query = select(reports.idx).where(reports.author == author, reports.booking_ref == reference)
    return connection.execute(query).first() is not None


def store_entry(connection: Connection, author: str, item: Sequenced, entry_time: datetime) -> None:
    """Write what an entry says that breaks no rule."""
    entry = item.entry
    kind = entry.WhichOneof("body") or ""
    body = getattr(entry, kind)
    row: dict[str, Any] = {"author": author, "idx": item.index}
    whole = body.SerializeToString(deterministic=True)
    table: Table
    names: tuple[str, ...]
    match kind:
        case "advance_terms":
            table = tables.terms
            names = ("payee", "limit_fen", "floor_fen", "from_date")
        case "advance":
            table = tables.advance
            names = ("advance_id", "payee", "amount_fen")
            row |= {"leaf_hash": item.leaf_hash, "entry_time": entry_time, "body": whole}
        case "payment_order":
            table = tables.order
            names = (
                "payment_id",
                "attempt",
                "basis_hash",
                "payee",
                "amount_fen",
                "execution_date",
                "message_hash",
            )
            row |= {"entry_time": entry_time, "body": whole}
        case _:
            table = tables.report
            names = (
                "payment_id",
                "attempt",
                "outcome",
                "amount_fen",
                "booking_date",
                "booking_ref",
                "message_hash",
            )
            row |= {"entry_time": entry_time}
    row |= {name: getattr(body, name) for name in names}
    connection.execute(insert(table), row)


class PaymentProjector:
    """Stores what is said of payments; implements the log room's ``Projector``."""

    bodies = frozenset(_READERS)

    def project(self, tx: LogTx, log: LogName, entries: Sequence[Sequenced]) -> None:
        """Judge and store consecutive entries of one log."""
        for item in entries:
            if log.kind is not LogKind.REGISTRY:
                tx.void(log, item.index, rules.Z01_NOT_REGISTRY.code)
                continue
            entry_time = item.entry.entry_time.ToDatetime(tzinfo=UTC)
            rule = judge(
                tx.connection,
                log.author,
                item.entry,
                entry_time=entry_time,
                until_index=item.index,
            )
            if rule is not None:
                tx.void(log, item.index, rule.code)
                continue
            store_entry(tx.connection, log.author, item, entry_time)
            principals = (item.entry.maker, item.entry.reviewer)
            note_duties(tx.connection, log.author, "", principals, DutyKind.PAYMENT)

    def forget(self, tx: LogTx, log: LogName) -> None:
        """Delete every row that came from a log."""
        if log.kind is LogKind.REGISTRY:
            for table in (tables.terms, tables.advance, tables.order, tables.report):
                tx.connection.execute(delete(table).where(table.c.author == log.author))
