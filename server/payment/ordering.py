"""What an order must be, beyond what its author's own log can tell: asked where it is written.

It must be of a payment that a binding statement or an own advance makes due, the next attempt for
what is still due, and of the one message that follows from the orders and the accounts that the
members signed. Nothing is written here.
"""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select

from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import PaymentOrder, PaymentReport
from deltacare.v1.payment_service_pb2 import PaymentState
from server.payment import rules, store, tables
from server.settlement.statements import Reach
from settlement.bank.pain001 import Instruction, account_at, build_pain001, message_hash

__all__ = [
    "attempt_name",
    "kept_index",
    "payments_of",
    "require_due",
    "require_message",
    "require_one_message",
]


def attempt_name(named: PaymentOrder | PaymentReport) -> str:
    """Return what a refusal names."""
    return f"{named.payment_id}-{named.attempt:02d}"


def require_one_message(orders: Sequence[PaymentOrder]) -> None:
    """Refuse orders that do not belong together.

    Raises:
        Refusal: By rule Z28.
    """
    first = orders[0]
    shared = (first.message_hash, first.execution_date, list(first.approvals))
    seen: set[str] = set()
    for each in orders:
        said = (each.message_hash, each.execution_date, list(each.approvals))
        if said != shared or each.payment_id in seen:
            raise rules.Z28_ONE_MESSAGE.refusal(attempt_name(each))
        seen.add(each.payment_id)


def payments_of(
    connection: Connection, reach: Reach, orders: Sequence[PaymentOrder]
) -> list[store.Payment]:
    """Return the payment that each order is of.

    Raises:
        Refusal: By rule Z20 or Z21.
    """
    found = []
    for order in orders:
        basis = store.find_basis(connection, reach, order.basis_hash)
        if basis is None:
            raise rules.Z20_BASIS_UNKNOWN.refusal(order.basis_hash.hex())
        pair = (reach.own, order.payee)
        flows = [flow for flow in basis.flows if (flow.payer, flow.payee) == pair]
        if not flows:
            raise rules.Z21_NOT_PAYER.refusal(f"{basis.basis_id}: {reach.own} → {order.payee}")
        found.append(store.load_payment(connection, basis, flows[0]))
    return found


def kept_index(
    connection: Connection, payments: Sequence[store.Payment], orders: Sequence[PaymentOrder]
) -> int | None:
    """Return where orders stand that were kept before; ``None`` if none of them was.

    Whoever repeats them repeats all of one request and nothing else; who signed may differ, because
    SM2 never signs the same twice.

    Raises:
        Refusal: By rule Z25, if an attempt was ordered with other content.
    """
    known = [
        store.known_order(payment, order.attempt)
        for payment, order in zip(payments, orders, strict=True)
    ]
    if not any(known):
        return None
    for order, before in zip(orders, known, strict=True):
        if before is None or _content(before) != _content(order):
            raise rules.Z25_ORDERED_OTHERWISE.refusal(attempt_name(order))
    row = tables.order.c
    place = select(row.idx).where(
        row.author == payments[0].flow.payer,
        row.payment_id == orders[0].payment_id,
        row.attempt == orders[0].attempt,
    )
    index: int = connection.execute(place).scalars().one()
    return index


def _content(order: PaymentOrder) -> bytes:
    """Return what an order says, without who signed it."""
    body = PaymentOrder()
    body.CopyFrom(order)
    body.ClearField("approvals")
    return body.SerializeToString(deterministic=True)


def require_due(
    payments: Sequence[store.Payment], orders: Sequence[PaymentOrder], today: date
) -> None:
    """Refuse what is not the next attempt, for what is still due.

    Raises:
        Refusal: By rule Z22 or Z23.
    """
    for payment, order in zip(payments, orders, strict=True):
        if order.payment_id != payment.payment_id:
            continue  # the rule that makes it void names that
        found = payment.standing(today)
        if found.next_attempt != order.attempt:
            state = PaymentState.Name(PaymentState.ValueType(found.state))
            where = state.removeprefix("PAYMENT_STATE_")
            raise rules.Z22_NOT_DUE.refusal(f"{attempt_name(order)}: {where} {found.action}")
        if found.next_fen != order.amount_fen:
            facts = f"{order.amount_fen} ≠ {found.next_fen}"
            raise rules.Z23_WRONG_AMOUNT.refusal(f"{attempt_name(order)}: {facts}")


def require_message(
    trust: Trust, payments: Sequence[store.Payment], orders: Sequence[PaymentOrder]
) -> None:
    """Refuse orders whose message is not the one that this node makes of them.

    Raises:
        Refusal: By rule Z24; or because a party has no account.
    """
    day = date.fromisoformat(orders[0].execution_date)
    payer = payments[0].flow.payer
    parties = {payer, *(each.payee for each in orders)}
    message = build_pain001(
        payer,
        [
            Instruction(
                payment_id=payment.payment_id,
                attempt=order.attempt,
                payee=order.payee,
                amount_fen=order.amount_fen,
                basis_id=payment.basis.basis_id,
                basis_hash=payment.basis.leaf_hash,
                basis_time=payment.basis.stated_time,
            )
            for payment, order in zip(payments, orders, strict=True)
        ],
        execution_date=day,
        accounts={each: trust.member(each).account(account_at(day)) for each in parties},
    )
    if message_hash(message) != orders[0].message_hash:
        raise rules.Z24_MESSAGE_DIFFERS.refusal(orders[0].message_hash.hex())
