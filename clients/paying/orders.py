"""What to order of the payments that stand open, and the message for it; values only.

The same payments, day and accounts give the same message, so one that was lost is made again from
the orders that the log keeps, and compared by their hash.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date

from deltacare.errors import Reason, Refusal
from deltacare.trust import Account, Federation
from deltacare.v1.entry_pb2 import Approval, PaymentOrder
from deltacare.v1.payment_service_pb2 import StandingPayment
from settlement.bank.pain001 import Instruction, account_at, build_pain001, message_hash

__all__ = [
    "ORDERS_MAX",
    "AccountSeen",
    "Drafted",
    "account_of",
    "draft",
    "kept_messages",
    "made_again",
    "orderable",
]

ORDERS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeen:
    """An account that a message pays into.

    Attributes:
        province: Whose.
        account: The one that counts on the day.
        before: The one that counted when something was last ordered to it, if it was another.
    """

    province: str
    account: Account
    before: Account | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A message and the orders that it carries out.

    Attributes:
        message: The bytes.
        digest: Their SHA-256.
        orders: Without approvals, in the order of the payments.
    """

    message: bytes
    digest: bytes
    orders: tuple[PaymentOrder, ...]

    def signed(self, approvals: Iterable[Approval]) -> list[PaymentOrder]:
        """Return the orders with the signatures of the two who answer for them."""
        given = list(approvals)
        found = []
        for each in self.orders:
            order = PaymentOrder()
            order.CopyFrom(each)
            order.approvals.extend(given)
            found.append(order)
        return found


def orderable(payments: Iterable[StandingPayment], own: str) -> list[StandingPayment]:
    """Return what the own province may order now, at most what one message holds."""
    found = [each for each in payments if each.payer == own and each.next_attempt]
    return found[:ORDERS_MAX]


def _accounts(stated: Federation, provinces: Iterable[str], day: date) -> dict[str, Account | None]:
    moment = account_at(day)
    return {each: stated.member(each).account(moment) for each in provinces}


def _drafted(
    payer: str,
    rows: Sequence[tuple[StandingPayment, int, int]],
    day: date,
    stated: Federation,
) -> Drafted:
    """Return the message of payments, each with its attempt and amount."""
    message = build_pain001(
        payer,
        [
            Instruction(
                payment_id=payment.payment_id,
                attempt=attempt,
                payee=payment.payee,
                amount_fen=fen,
                basis_id=payment.basis_id,
                basis_hash=payment.basis_hash,
                basis_time=payment.basis_time.ToDatetime(tzinfo=UTC),
            )
            for payment, attempt, fen in rows
        ],
        execution_date=day,
        accounts=_accounts(stated, {payer, *(each.payee for each, _, _ in rows)}, day),
    )
    digest = message_hash(message)
    orders = tuple(
        PaymentOrder(
            payment_id=payment.payment_id,
            attempt=attempt,
            basis_hash=payment.basis_hash,
            payee=payment.payee,
            amount_fen=fen,
            execution_date=day.isoformat(),
            message_hash=digest,
        )
        for payment, attempt, fen in rows
    )
    return Drafted(message=message, digest=digest, orders=orders)


def draft(payments: Sequence[StandingPayment], day: date, stated: Federation) -> Drafted:
    """Return the message of what is to be ordered of payments of one payer.

    Args:
        payments: Each with an attempt that may be ordered.
        day: Of execution.
        stated: What the members signed.

    Raises:
        Refusal: ``RULE_REFUSED``, if somebody has no account.
    """
    rows = [(each, each.next_attempt, each.next_fen) for each in payments]
    return _drafted(payments[0].payer, rows, day, stated)


def kept_messages(
    payments: Iterable[StandingPayment], own: str, day: date
) -> Mapping[bytes, list[tuple[StandingPayment, PaymentOrder]]]:
    """Return what was ordered for a day, by the hash of the message."""
    found: dict[bytes, list[tuple[StandingPayment, PaymentOrder]]] = {}
    for payment in payments:
        if payment.payer != own:
            continue
        for order in payment.orders:
            if order.execution_date == day.isoformat():
                found.setdefault(order.message_hash, []).append((payment, order))
    return found


def made_again(
    rows: Sequence[tuple[StandingPayment, PaymentOrder]], day: date, stated: Federation
) -> Drafted:
    """Return the message of orders that the log keeps.

    Raises:
        Refusal: ``RULE_REFUSED``, if it cannot be made again: the accounts have changed since.
    """
    (payer,) = {payment.payer for payment, _ in rows}
    again = _drafted(
        payer, [(payment, order.attempt, order.amount_fen) for payment, order in rows], day, stated
    )
    expected = rows[0][1].message_hash
    if again.digest != expected:
        raise Refusal(
            Reason.RULE_REFUSED,
            "The signed accounts have changed since it was ordered: the message cannot be made "
            "again. Look for the file that was written then, and ask the bank.",
            details={"code": "MESSAGE_DIFFERS", "message_hash": expected.hex()},
        )
    return again


def account_of(
    province: str, payments: Iterable[StandingPayment], day: date, stated: Federation
) -> AccountSeen | None:
    """Return the account of a payee, and the one to which it was paid before if it has changed.

    Args:
        province: The payee.
        payments: Every payment, with its orders.
        day: Of execution.
        stated: What the members signed.
    """
    member = stated.member(province)
    account = member.account(account_at(day))
    if account is None:
        return None
    ordered = [
        date.fromisoformat(order.execution_date)
        for payment in payments
        if payment.payee == province
        for order in payment.orders
    ]
    last = max(ordered, default=None)
    before = None if last is None else member.account(account_at(last))
    return AccountSeen(
        province=province, account=account, before=before if before != account else None
    )
