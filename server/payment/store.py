"""Reads what is due, what was ordered and what banks show, and says where each payment stands.

What makes a payment is a binding statement or an advance; orders and reports of any other id are
rows and no payments. Advances count at partners under a quorum, statements by their answers; orders
and reports as soon as they are verified, because all they do here is to keep money from going
twice.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, or_, select

from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.v1.clearing_service_pb2 import StatementState
from deltacare.v1.entry_pb2 import (
    Advance,
    Flow,
    PaymentOrder,
    PaymentOutcome,
    PaymentReport,
    Statement,
)
from deltacare.v1.payment_service_pb2 import PaymentState, StandingAdvance, StandingPayment
from deltacare.v1.types_pb2 import EntryRef
from server.payment import tables
from server.payment.terms import terms_with
from server.settlement.statement_drafts import drawings
from server.settlement.statements import Reach, state_of
from server.settlement.tables import statement
from settlement.bank.payments import Booking, Ordered, Party, PaymentStanding, standing
from settlement.core.net import payment_id

__all__ = [
    "Basis",
    "Payment",
    "advances_page",
    "balance_held",
    "bases",
    "find_basis",
    "kept_advance",
    "known_order",
    "load_payment",
    "payments_of",
    "payments_with",
]

_ROWS_PER_QUERY = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What makes payments due: a binding statement or an advance.

    Attributes:
        author: In whose registry log it stands.
        index: Where.
        leaf_hash: Its leaf hash.
        basis_id: Its number.
        stated_time: When it was stated.
        flows: What is to be paid, sorted by payer and payee.
    """

    author: str
    index: int
    leaf_hash: bytes
    basis_id: str
    stated_time: datetime
    flows: tuple[Flow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment that is or was due, and what is known of it.

    Attributes:
        payment_id: The id under which it is ever made.
        basis: What makes it due.
        flow: Who pays whom how much.
        orders: By attempt.
        order_times: When each of them was stated.
        payer_reports: In the order of the payer's log.
        payee_reports: In the order of the payee's log.
    """

    payment_id: str
    basis: Basis
    flow: Flow
    orders: tuple[PaymentOrder, ...]
    order_times: tuple[datetime, ...]
    payer_reports: tuple[PaymentReport, ...]
    payee_reports: tuple[PaymentReport, ...]

    def standing(self, today: date) -> PaymentStanding:
        """Return where it stands on a day."""
        return standing(
            self.flow.amount_fen,
            orders=[
                Ordered(
                    attempt=each.attempt,
                    amount_fen=each.amount_fen,
                    execution_date=date.fromisoformat(each.execution_date),
                )
                for each in self.orders
            ],
            payer=[_booking(each) for each in self.payer_reports],
            payee=[_booking(each) for each in self.payee_reports],
            today=today,
        )

    def message(self, today: date) -> StandingPayment:
        """Return it as callers see it."""
        found = self.standing(today)
        owners = {Party.PAYER: self.flow.payer, Party.PAYEE: self.flow.payee, Party.NOBODY: ""}
        result = StandingPayment(
            payment_id=self.payment_id,
            basis_hash=self.basis.leaf_hash,
            basis_id=self.basis.basis_id,
            payer=self.flow.payer,
            payee=self.flow.payee,
            amount_fen=self.flow.amount_fen,
            state=PaymentState.ValueType(found.state),
            attempt=found.attempt,
            debited_fen=found.debited_fen,
            credited_fen=found.credited_fen,
            owner=owners[found.owner],
            next_action=found.action,
            orders=self.orders,
            payer_reports=self.payer_reports,
            payee_reports=self.payee_reports,
            next_attempt=found.next_attempt,
            next_fen=found.next_fen,
        )
        result.basis_time.FromDatetime(self.basis.stated_time)
        for each in self.order_times:
            result.order_times.add().FromDatetime(each)
        return result

    def earliest_booking(self, attempt: int) -> date:
        """Return the first day on which a bank can have booked an attempt.

        The day of its order; of one that was never ordered, the day on which the payment was stated
        to be due, because its id did not exist before.
        """
        times = zip(self.orders, self.order_times, strict=True)
        ordered = next((time for order, time in times if order.attempt == attempt), None)
        return business_date(ordered or self.basis.stated_time)


def _booking(report: PaymentReport) -> Booking:
    return Booking(
        attempt=report.attempt,
        is_return=report.outcome == PaymentOutcome.PAYMENT_OUTCOME_RETURNED,
        amount_fen=report.amount_fen,
        booking_ref=report.booking_ref,
    )


# --- What is due ----------------------------------------------------------------------------------


def _of_advance(row: Row[Any]) -> Basis:
    flow = Flow(payer=row.author, payee=row.payee, amount_fen=row.amount_fen)
    return Basis(
        author=row.author,
        index=row.idx,
        leaf_hash=bytes(row.leaf_hash),
        basis_id=row.advance_id,
        stated_time=row.entry_time,
        flows=(flow,),
    )


def _of_statement(row: Row[Any]) -> Basis:
    body = Statement.FromString(bytes(row.body))
    return Basis(
        author=row.author,
        index=row.idx,
        leaf_hash=bytes(row.leaf_hash),
        basis_id=row.statement_id,
        stated_time=row.entry_time,
        flows=tuple(body.payments),
    )


def _rows(
    connection: Connection, table: Table, query: Select[Any], after: tuple[str, int] | None
) -> Iterator[Row[Any]]:
    """Yield rows of a table in the order of the logs, a few at a time."""
    place = after
    while True:
        page = query
        if place is not None:
            author, index = place
            page = query.where(
                or_(
                    table.c.author > author,
                    and_(table.c.author == author, table.c.idx > index),
                )
            )
        rows = connection.execute(
            page.order_by(table.c.author, table.c.idx).limit(_ROWS_PER_QUERY)
        ).all()
        yield from rows
        if len(rows) < _ROWS_PER_QUERY:
            return
        place = (rows[-1].author, rows[-1].idx)


def bases(
    connection: Connection,
    reach: Reach,
    *,
    basis_id: str = "",
    leaf_hash: bytes = b"",
    after: tuple[str, int] | None = None,
    only: Callable[[Basis], bool] = lambda _: True,
) -> Iterator[Basis]:
    """Yield what makes payments due, in the order of the logs.

    Args:
        connection: A snapshot, or the transaction that appends.
        reach: How far logs count.
        basis_id: Only that number; empty for all.
        leaf_hash: Only that one; empty for all.
        after: Only what stands behind this place.
        only: Asked before it is looked up whether a statement binds.
    """
    advance_query, statement_query = select(tables.advance), select(statement)
    if basis_id:
        advance_query = advance_query.where(tables.advance.c.advance_id == basis_id)
        statement_query = statement_query.where(statement.c.statement_id == basis_id)
    if leaf_hash:
        advance_query = advance_query.where(tables.advance.c.leaf_hash == leaf_hash)
        statement_query = statement_query.where(statement.c.leaf_hash == leaf_hash)
    paid_ahead = (
        _of_advance(row)
        for row in _rows(connection, tables.advance, advance_query, after)
        if row.idx < reach.permits(row.author)
    )
    binding = (
        basis
        for row in _rows(connection, statement, statement_query, after)
        if only(basis := _of_statement(row))
        and state_of(connection, reach, row) == StatementState.STATEMENT_STATE_BINDING
    )
    yield from heapq.merge(paid_ahead, binding, key=lambda each: (each.author, each.index))


def find_basis(connection: Connection, reach: Reach, leaf_hash: bytes) -> Basis | None:
    """Return what makes payments due under a leaf hash, ``None`` if nothing does."""
    return next(bases(connection, reach, leaf_hash=leaf_hash), None)


# --- Payments -------------------------------------------------------------------------------------


def load_payment(connection: Connection, basis: Basis, flow: Flow) -> Payment:
    """Return a payment with every order and report of it."""
    identity = payment_id(basis.leaf_hash, flow.payer, flow.payee)
    orders, reports = tables.order.c, tables.report.c
    ordered = (
        select(orders.body, orders.entry_time)
        .where(orders.author == flow.payer, orders.payment_id == identity)
        .order_by(orders.attempt)
    )
    reported = (
        select(tables.report)
        .where(reports.payment_id == identity, reports.author.in_((flow.payer, flow.payee)))
        .order_by(reports.author, reports.idx)
    )
    said: dict[str, list[PaymentReport]] = {flow.payer: [], flow.payee: []}
    for row in connection.execute(reported):
        said[row.author].append(
            PaymentReport(
                payment_id=row.payment_id,
                attempt=row.attempt,
                outcome=row.outcome,
                amount_fen=row.amount_fen,
                booking_date=row.booking_date,
                booking_ref=bytes(row.booking_ref),
                message_hash=bytes(row.message_hash),
            )
        )
    rows = connection.execute(ordered).all()
    return Payment(
        payment_id=identity,
        basis=basis,
        flow=flow,
        orders=tuple(PaymentOrder.FromString(bytes(row.body)) for row in rows),
        order_times=tuple(row.entry_time for row in rows),
        payer_reports=tuple(said[flow.payer]),
        payee_reports=tuple(said[flow.payee]),
    )


def payments_of(
    connection: Connection,
    reach: Reach,
    *,
    province: str = "",
    basis_id: str = "",
    after: tuple[str, int, str, str] | None = None,
) -> Iterator[Payment]:
    """Yield payments by the place of what makes them due, payer and payee.

    Args:
        connection: A snapshot, or the transaction that appends.
        reach: How far logs count.
        province: Only paid or received by this one; empty for all.
        basis_id: Only of that statement or advance; empty for all.
        after: Only what follows this payment: author and index of its basis, payer and payee.
    """
    # What stands at the place itself may have more payments: begin one entry before.
    place = None if after is None else (after[0], after[1] - 1)

    def concerns(basis: Basis) -> bool:
        return not province or any(province in (flow.payer, flow.payee) for flow in basis.flows)

    for basis in bases(connection, reach, basis_id=basis_id, after=place, only=concerns):
        for flow in basis.flows:
            if after is not None and ((basis.author, basis.index, flow.payer, flow.payee) <= after):
                continue
            if not province or province in (flow.payer, flow.payee):
                yield load_payment(connection, basis, flow)


def payments_with(
    connection: Connection, reach: Reach, ids: Collection[str], *, province: str
) -> dict[str, Payment]:
    """Return payments by id, of those of which a province is a party; the others are missing.

    Nothing tells the basis of an id but the ids that each basis brings forth, so all are looked at.
    """
    wanted = frozenset(ids)

    def named(basis: Basis) -> list[tuple[str, Flow]]:
        rows = (
            (payment_id(basis.leaf_hash, flow.payer, flow.payee), flow)
            for flow in basis.flows
            if province in (flow.payer, flow.payee)
        )
        return [(identity, flow) for identity, flow in rows if identity in wanted]

    return {
        identity: load_payment(connection, basis, flow)
        for basis in bases(connection, reach, only=lambda basis: bool(named(basis)))
        for identity, flow in named(basis)
    }


def known_order(payment: Payment, attempt: int) -> PaymentOrder | None:
    """Return the order of an attempt, ``None`` if there is none."""
    return next((each for each in payment.orders if each.attempt == attempt), None)


# --- Advances -------------------------------------------------------------------------------------


def kept_advance(connection: Connection, author: str, body: Advance) -> tuple[int, bytes] | None:
    """Return place and leaf hash of an advance of the same content; ``None`` if there is none.

    Who signed may differ: the same two may sign again what was kept.
    """
    advance = tables.advance.c
    query = select(tables.advance).where(
        advance.author == author, advance.advance_id == body.advance_id
    )
    row = connection.execute(query).first()
    if row is None or (row.payee, row.amount_fen) != (body.payee, body.amount_fen):
        return None
    return row.idx, bytes(row.leaf_hash)


def balance_held(connection: Connection, reach: Reach, author: str, payee: str) -> int:
    """Return what a payee holds or will hold of an author's advances, in fen.

    Granted less drawn; what a statement draws counts once it binds, because one that is refused
    gives it back.
    """
    advance = tables.advance.c
    query = select(advance.leaf_hash, advance.amount_fen).where(
        advance.author == author, advance.payee == payee
    )
    granted = {bytes(row.leaf_hash): row.amount_fen for row in connection.execute(query)}
    drawn = (
        each.fen
        for each in drawings(connection, reach, granted)
        if each.state == StatementState.STATEMENT_STATE_BINDING
    )
    held: int = sum(granted.values()) - sum(drawn)
    return held


def advances_page(
    connection: Connection,
    reach: Reach,
    *,
    province: str,
    after: tuple[str, str, int] | None,
    limit: int,
) -> Sequence[StandingAdvance]:
    """Return advances that count, sorted by payer, payee and place.

    Args:
        connection: A snapshot.
        reach: How far logs count.
        province: Only paid or held by this one; empty for all.
        after: Payer, payee and index of the last one seen.
        limit: Most rows.
    """
    advance = tables.advance.c
    query = select(tables.advance)
    if province:
        query = query.where(or_(advance.author == province, advance.payee == province))
    if after is not None:
        payer, payee, index = after
        query = query.where(
            or_(
                advance.author > payer,
                and_(advance.author == payer, advance.payee > payee),
                and_(advance.author == payer, advance.payee == payee, advance.idx > index),
            )
        )
    query = query.where(
        or_(
            *(
                and_(advance.author == log.author, advance.idx < reach.permits(log.author))
                for log in reach.positions
            )
        )
    )
    ordered = query.order_by(advance.author, advance.payee, advance.idx).limit(limit)
    rows = connection.execute(ordered).all()
    drawn: dict[bytes, int] = {}
    for each in drawings(connection, reach, {bytes(row.leaf_hash) for row in rows}):
        drawn[each.advance_hash] = drawn.get(each.advance_hash, 0) + each.fen
    return [_standing_advance(connection, reach, row, drawn) for row in rows]


def _standing_advance(
    connection: Connection, reach: Reach, row: Row[Any], drawn: dict[bytes, int]
) -> StandingAdvance:
    basis = _of_advance(row)
    payment = load_payment(connection, basis, basis.flows[0])
    received = _net(payment.payee_reports)
    return StandingAdvance(
        payer=row.author,
        advance=Advance.FromString(bytes(row.body)),
        entry=EntryRef(log=str(LogName.registry(row.author)), index=row.idx),
        advance_hash=basis.leaf_hash,
        received_fen=received,
        drawn_fen=drawn.get(basis.leaf_hash, 0),
        terms=terms_with(connection, row.author, row.payee, reach.permits(row.author)),
    )


def _net(reports: Iterable[PaymentReport]) -> int:
    """Return what a bank shows as booked less returned."""
    return sum(
        -each.amount_fen
        if each.outcome == PaymentOutcome.PAYMENT_OUTCOME_RETURNED
        else each.amount_fen
        for each in reports
    )
