"""Events of budgets, statements, advances and payments, gathered from the projections.

A statement is booked once every party has approved it, on the day of the last approval; what a bank
shows, on the bank's own day. A payment is booked as far as a binding statement or an advance asks
for it; what fits none changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.v1.entry_pb2 import PaymentOutcome, Statement, StatementWord
from server.books.sources import Entries
from server.payment import tables as payments
from server.policy.tables import budgets
from server.settlement import tables
from server.settlement.netting import parties_of
from settlement.books.events import (
    Budgeted,
    Drawn,
    Event,
    Granted,
    Netted,
    Ordered,
    PaymentDue,
    Shown,
    Source,
)
from settlement.core.net import payment_id

__all__ = ["budget_events", "payment_events"]


def _day(instant: datetime) -> str:
    return business_date(instant).isoformat()


def budget_events(connection: Connection, own: str, entries: Entries) -> Iterator[Event]:
    """Yield what the own province said of budgets."""
    log = LogName.registry(own)
    query = select(budgets).where(budgets.c.author == own).order_by(budgets.c.log_index)
    for row in connection.execute(query):
        yield Budgeted(
            event_date=_day(entries.entry_time(connection, log, row.log_index)),
            sources=(entries.source(connection, log, row.log_index),),
            year=f"{row.year:04d}",
            subsidy_kind=row.subsidy_kind,
            division=row.home_division,
            amount_fen=row.amount_fen,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A payment of the own province, and the entries that ask for it."""

    payment: PaymentDue
    sources: tuple[Source, ...]
    is_advance: bool


def payment_events(
    connection: Connection, own: str, ends: Mapping[str, int], entries: Entries
) -> Iterator[Event]:
    """Yield binding statements, drawdowns, advances, orders and bookings of the own province.

    Args:
        connection: A snapshot.
        own: The own province.
        ends: By log, how many entries count.
        entries: Kept from call to call.
    """
    asked: dict[str, _Asked] = {}
    names: dict[bytes, str] = {}
    for row in _counting(connection, payments.advance, ends):
        names[bytes(row.leaf_hash)] = row.advance_id
        if own not in (row.author, row.payee):
            continue
        granted = _granted(row)
        asked[granted.payment.payment_id] = _Asked(
            payment=granted.payment, sources=granted.sources, is_advance=True
        )
        yield granted
    for row in _counting(connection, tables.statement, ends):
        body = Statement.FromString(bytes(row.body))
        if own not in parties_of(body):
            continue
        netted = _netted(connection, own, row, body, ends=ends, entries=entries)
        if netted is None:
            continue
        asked |= {
            each.payment_id: _Asked(payment=each, sources=netted.sources, is_advance=False)
            for each in netted.payments
        }
        yield netted
        yield from _drawn(own, body, netted, names)
    yield from _orders(connection, ends, entries, asked)
    yield from _bookings(connection, ends, entries, asked)


def _counting(connection: Connection, table: Any, ends: Mapping[str, int]) -> list[Row[Any]]:  # noqa: ANN401 - a table
    """Return the rows of a table that count, by author and place."""
    query = select(table).order_by(table.c.author, table.c.idx)
    return [
        row
        for row in connection.execute(query)
        if row.idx < ends.get(str(LogName.registry(row.author)), 0)
    ]


def _granted(row: Row[Any]) -> Granted:
    """Return an advance."""
    leaf_hash = bytes(row.leaf_hash)
    log = str(LogName.registry(row.author))
    return Granted(
        event_date=_day(row.entry_time),
        sources=(Source(log=log, index=row.idx, entry_hash=leaf_hash),),
        advance_id=row.advance_id,
        payment=PaymentDue(
            payment_id=payment_id(leaf_hash, row.author, row.payee),
            payer=row.author,
            payee=row.payee,
            amount_fen=row.amount_fen,
        ),
    )


def _netted(
    connection: Connection,
    own: str,
    row: Row[Any],
    body: Statement,
    *,
    ends: Mapping[str, int],
    entries: Entries,
) -> Netted | None:
    """Return a statement if it binds: every party approved it, as far as logs count."""
    leaf_hash = bytes(row.leaf_hash)
    given = tables.statement_answer.c
    query = (
        select(given.author, given.idx)
        .where(
            given.statement_hash == leaf_hash,
            given.word == StatementWord.STATEMENT_WORD_APPROVED,
        )
        .order_by(given.author)
    )
    parties = parties_of(body)
    approved = [
        (LogName.registry(each.author), each.idx)
        for each in connection.execute(query)
        if each.author in parties and each.idx < ends.get(str(LogName.registry(each.author)), 0)
    ]
    if len(approved) < len(parties):
        return None
    log = LogName.registry(row.author)
    times = [entries.entry_time(connection, *each) for each in approved]
    drawn: dict[tuple[str, str], int] = {}
    for each in body.drawdowns:
        if own in (each.payer, each.payee):
            pair = (each.payer, each.payee)
            drawn[pair] = drawn.get(pair, 0) + each.amount_fen
    return Netted(
        event_date=_day(max(times)),
        sources=(
            Source(log=str(log), index=row.idx, entry_hash=leaf_hash),
            *(entries.source(connection, *each) for each in approved),
        ),
        statement_id=body.statement_id,
        from_date=body.from_date,
        until_date=body.until_date,
        flows={
            (flow.payer, flow.payee): flow.amount_fen
            for flow in body.bilateral
            if own in (flow.payer, flow.payee)
        },
        payments=tuple(
            PaymentDue(
                payment_id=payment_id(leaf_hash, flow.payer, flow.payee),
                payer=flow.payer,
                payee=flow.payee,
                amount_fen=flow.amount_fen,
            )
            for flow in body.payments
            if own in (flow.payer, flow.payee)
        ),
        drawn=drawn,
    )


def _drawn(
    own: str, body: Statement, netted: Netted, names: Mapping[bytes, str]
) -> Iterator[Event]:
    """Yield the advances that a binding statement draws."""
    for each in body.drawdowns:
        if own in (each.payer, each.payee):
            yield Drawn(
                event_date=netted.event_date,
                sources=netted.sources,
                statement_id=body.statement_id,
                advance_id=names.get(each.advance_hash, each.advance_hash.hex()),
                payer=each.payer,
                payee=each.payee,
                amount_fen=each.amount_fen,
            )


def _orders(
    connection: Connection,
    ends: Mapping[str, int],
    entries: Entries,
    asked: Mapping[str, _Asked],
) -> Iterator[Event]:
    """Yield instructions of payers."""
    for row in _counting(connection, payments.order, ends):
        found = asked.get(row.payment_id)
        if found is None or row.author != found.payment.payer:
            continue
        source = entries.source(connection, LogName.registry(row.author), row.idx)
        yield Ordered(
            event_date=_day(row.entry_time),
            sources=(source, *found.sources),
            payment=found.payment,
            attempt=row.attempt,
            amount_fen=row.amount_fen,
            is_advance=found.is_advance,
        )


def _bookings(
    connection: Connection,
    ends: Mapping[str, int],
    entries: Entries,
    asked: Mapping[str, _Asked],
) -> Iterator[Event]:
    """Yield what banks of payers and payees show."""
    for row in _counting(connection, payments.report, ends):
        found = asked.get(row.payment_id)
        if found is None or row.author not in (found.payment.payer, found.payment.payee):
            continue
        source = entries.source(connection, LogName.registry(row.author), row.idx)
        yield Shown(
            event_date=row.booking_date,
            sources=(source, *found.sources),
            payment=found.payment,
            attempt=row.attempt,
            by_payer=row.author == found.payment.payer,
            returned=row.outcome == PaymentOutcome.PAYMENT_OUTCOME_RETURNED,
            amount_fen=row.amount_fen,
            is_advance=found.is_advance,
        )
