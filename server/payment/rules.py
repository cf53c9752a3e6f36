"""The numbered rules of payments: what makes an entry void, and what is refused where written.

Z01 to Z12 look at the author's own registry log up to the entry and at nothing else, so what one
node calls void is void everywhere. Z20 and those after it ask what other logs say: they refuse at
the author's own node. Elsewhere an order of what is not due changes nothing, because only what a
binding statement or an advance makes due is a payment at all. Pure: values in, a rule out.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from deltacare.errors import Reason, ViolationCollector
from deltacare.ids import parse_province
from deltacare.times import parse_date
from deltacare.v1.entry_pb2 import (
    Advance,
    AdvanceTerms,
    PaymentOrder,
    PaymentOutcome,
    PaymentReport,
)
from server.registry.fields import numbered_id_province, parse_numbered_id, read_enum
from server.registry.rulebook import Rule
from settlement.bank.payments import ATTEMPTS_MAX
from settlement.core.net import PAYMENT_ID_CHARS, payment_id

__all__ = [
    "AMOUNT_FEN_MAX",
    "RULES",
    "Z01_NOT_REGISTRY",
    "Z02_UNREADABLE",
    "Z20_BASIS_UNKNOWN",
    "Z21_NOT_PAYER",
    "Z22_NOT_DUE",
    "Z23_WRONG_AMOUNT",
    "Z24_MESSAGE_DIFFERS",
    "Z25_ORDERED_OTHERWISE",
    "Z26_ABOVE_LIMIT",
    "Z27_PAYMENT_UNKNOWN",
    "Z28_ONE_MESSAGE",
    "Z29_BOOKED_OTHERWISE",
    "Z30_BOOKED_EARLY",
    "TermsKnown",
    "judge_advance",
    "judge_order",
    "judge_report",
    "judge_terms",
    "read_advance",
    "read_order",
    "read_report",
    "read_terms",
]

AMOUNT_FEN_MAX = 10**14
_HASH_BYTES = 32
_PAYMENT_ID = re.compile(rf"[A-Z2-7]{{{PAYMENT_ID_CHARS}}}", re.ASCII)
_DESIGN = "design, Settlement and the night, 4"
_ENTRY = "deltacare/v1/entry.proto"


def _rule(
    code: str, zh: str, en: str, source: str = _DESIGN, reason: Reason = Reason.RULE_REFUSED
) -> Rule:
    return Rule(code=code, zh=zh, en=en, source=source, reason=reason)


Z01_NOT_REGISTRY = _rule(
    "Z01-NOT-REGISTRY",
    "付款事项只写入本省名录日志。",
    "What is said of payments stands in the author's registry log.",
    _ENTRY,
)
Z02_UNREADABLE = _rule(
    "Z02-UNREADABLE", "内容不可读。", "It cannot be read.", _ENTRY, Reason.INVALID_FIELD
)
_Z03_OWN_PAYEE = _rule(
    "Z03-OWN-PAYEE", "不得付款给本省。", "Nobody pays or holds money ready with itself."
)
_Z04_ADVANCE_FOREIGN = _rule(
    "Z04-ADVANCE-FOREIGN",
    "预付款编号须以本省代码开头。",
    "The number of an advance begins with its author's code.",
    _ENTRY,
)
_Z05_ADVANCE_TAKEN = _rule(
    "Z05-ADVANCE-TAKEN",
    "预付款编号已被使用。",
    "The number of the advance is taken.",
    _ENTRY,
    Reason.ALREADY_EXISTS,
)
_Z06_NO_TERMS = _rule(
    "Z06-NO-TERMS",
    "本省此前未声明当日有效的预付条款。",
    "No terms with that payee, stated before by the author, hold on the day of the entry.",
)
_Z07_ABOVE_TERMS = _rule(
    "Z07-ABOVE-TERMS",
    "单笔预付款超过条款限额。",
    "The advance alone is above the limit of the terms.",
)
_Z08_PAYMENT_ID = _rule(
    "Z08-PAYMENT-ID",
    "付款编号须由依据、付款方与收款方推算。",
    "The payment's id follows from its basis, its payer, who is the author, and its payee.",
)
_Z09_ATTEMPT_TAKEN = _rule(
    "Z09-ATTEMPT-TAKEN",
    "该次付款已下达过指令。",
    "The attempt was ordered before: an attempt is ordered once.",
    _DESIGN,
    Reason.ALREADY_EXISTS,
)
_Z10_ATTEMPT_EARLY = _rule(
    "Z10-ATTEMPT-EARLY",
    "上一次付款的结果银行尚未显示，不得再付。",
    "The bank has not shown what became of the attempt before, so none follows.",
)
_Z11_DATE_PAST = _rule(
    "Z11-DATE-PAST",
    "付款日早于指令日。",
    "The day of execution lies before the day of the entry.",
)
_Z12_BOOKING_KNOWN = _rule(
    "Z12-BOOKING-KNOWN",
    "该笔银行流水此前已登记，只计一次。",
    "The booking was reported before: it counts once.",
    _ENTRY,
    Reason.ALREADY_EXISTS,
)
Z20_BASIS_UNKNOWN = _rule(
    "Z20-BASIS-UNKNOWN",
    "没有以此为摘要的生效清算单或本省预付款。",
    "No binding statement and no advance of the own province has this hash.",
)
Z21_NOT_PAYER = _rule(
    "Z21-NOT-PAYER",
    "依据中没有本省向该收款方的付款。",
    "Its basis has no payment by the own province to that payee.",
)
Z22_NOT_DUE = _rule(
    "Z22-NOT-DUE",
    "该笔付款现在不应付，或上一次尚未了结。",
    "The payment is not to be ordered now: see where it stands and what to do next.",
)
Z23_WRONG_AMOUNT = _rule(
    "Z23-WRONG-AMOUNT",
    "指令金额须等于尚欠金额。",
    "What is ordered is what is still due, to the fen.",
)
Z24_MESSAGE_DIFFERS = _rule(
    "Z24-MESSAGE-DIFFERS",
    "报文与指令或联盟签署的账户不符。",
    "The message does not follow from the orders and the accounts that members signed.",
)
Z25_ORDERED_OTHERWISE = _rule(
    "Z25-ORDERED-OTHERWISE",
    "该次付款已以其他内容下达指令。",
    "The attempt was ordered before with other content.",
    _DESIGN,
    Reason.ALREADY_EXISTS,
)
Z26_ABOVE_LIMIT = _rule(
    "Z26-ABOVE-LIMIT",
    "预付余额将超过限额。",
    "With this advance the balance held by the payee would exceed the limit.",
)
Z27_PAYMENT_UNKNOWN = _rule(
    "Z27-PAYMENT-UNKNOWN",
    "本省不是该笔付款的任何一方，或尚无生效依据。",
    "No payment of this id is known of which the own province is a party.",
)
Z28_ONE_MESSAGE = _rule(
    "Z28-ONE-MESSAGE",
    "一次指令须同属一个报文、同一付款日、同一批准，且每笔付款一次。",
    "Orders given together share one message, one day and one approval, each payment once.",
)
Z29_BOOKED_OTHERWISE = _rule(
    "Z29-BOOKED-OTHERWISE",
    "该笔银行流水此前已以其他内容登记；银行更正须另记一笔。",
    "The booking was reported before with other content: what a bank corrects it books anew.",
    _DESIGN,
    Reason.ALREADY_EXISTS,
)
Z30_BOOKED_EARLY = _rule(
    "Z30-BOOKED-EARLY",
    "入账日早于下达指令之日，或早于款项应付之日。",
    "The booking is dated before the payment was ordered, or before anything was due.",
)

RULES: tuple[Rule, ...] = (
    Z01_NOT_REGISTRY,
    Z02_UNREADABLE,
    _Z03_OWN_PAYEE,
    _Z04_ADVANCE_FOREIGN,
    _Z05_ADVANCE_TAKEN,
    _Z06_NO_TERMS,
    _Z07_ABOVE_TERMS,
    _Z08_PAYMENT_ID,
    _Z09_ATTEMPT_TAKEN,
    _Z10_ATTEMPT_EARLY,
    _Z11_DATE_PAST,
    _Z12_BOOKING_KNOWN,
    Z20_BASIS_UNKNOWN,
    Z21_NOT_PAYER,
    Z22_NOT_DUE,
    Z23_WRONG_AMOUNT,
    Z24_MESSAGE_DIFFERS,
    Z25_ORDERED_OTHERWISE,
    Z26_ABOVE_LIMIT,
    Z27_PAYMENT_UNKNOWN,
    Z28_ONE_MESSAGE,
    Z29_BOOKED_OTHERWISE,
    Z30_BOOKED_EARLY,
)
"""Every rule, in the order of the numbers."""


# --- Form -----------------------------------------------------------------------------------------


def _read_amount(
    value: int, field: str, bad: ViolationCollector, *, least: int = 1, most: int = AMOUNT_FEN_MAX
) -> None:
    if not least <= value <= most:
        bad.note(field, value, f"It is not {least} to {most:,} fen.")


def _read_hash(value: bytes, field: str, bad: ViolationCollector) -> None:
    if len(value) != _HASH_BYTES:
        bad.note(field, value.hex(), "It has not 32 bytes.")


def _read_payment(payment: str, attempt: int, at: str, bad: ViolationCollector) -> None:
    if not _PAYMENT_ID.fullmatch(payment):
        bad.note(f"{at}payment_id", payment, "It is not 32 characters of base32.")
    if not 1 <= attempt <= ATTEMPTS_MAX:
        bad.note(f"{at}attempt", attempt, f"It is not 1 to {ATTEMPTS_MAX}.")


def read_terms(body: AdvanceTerms, at: str, bad: ViolationCollector) -> None:
    """Check terms.

    Args:
        body: As stated.
        at: Its path, with a dot at the end.
        bad: Takes what is not acceptable.
    """
    bad.take(parse_province, body.payee, field=f"{at}payee")
    _read_amount(body.limit_fen, f"{at}limit_fen", bad, least=0)
    _read_amount(body.floor_fen, f"{at}floor_fen", bad, least=0, most=max(body.limit_fen, 0))
    bad.take(parse_date, body.from_date, field=f"{at}from_date")


def read_advance(body: Advance, at: str, bad: ViolationCollector) -> None:
    """Check an advance; for the arguments see ``read_terms``."""
    bad.take(parse_numbered_id, body.advance_id, field=f"{at}advance_id")
    bad.take(parse_province, body.payee, field=f"{at}payee")
    _read_amount(body.amount_fen, f"{at}amount_fen", bad)


def read_order(body: PaymentOrder, at: str, bad: ViolationCollector) -> None:
    """Check an order; for the arguments see ``read_terms``."""
    _read_payment(body.payment_id, body.attempt, at, bad)
    _read_hash(body.basis_hash, f"{at}basis_hash", bad)
    bad.take(parse_province, body.payee, field=f"{at}payee")
    _read_amount(body.amount_fen, f"{at}amount_fen", bad)
    bad.take(parse_date, body.execution_date, field=f"{at}execution_date")
    _read_hash(body.message_hash, f"{at}message_hash", bad)


def read_report(body: PaymentReport, at: str, bad: ViolationCollector) -> None:
    """Check a report; for the arguments see ``read_terms``."""
    _read_payment(body.payment_id, body.attempt, at, bad)
    read_enum(body.outcome, f"{at}outcome", bad, kind=PaymentOutcome, optional=False)
    _read_amount(body.amount_fen, f"{at}amount_fen", bad)
    bad.take(parse_date, body.booking_date, field=f"{at}booking_date")
    _read_hash(body.booking_ref, f"{at}booking_ref", bad)
    _read_hash(body.message_hash, f"{at}message_hash", bad)


# --- What makes an entry void ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsKnown:
    """The last word of an author on how much it holds ready with a payee.

    Attributes:
        limit_fen: Highest balance.
        from_date: First day they hold, as text.
    """

    limit_fen: int
    from_date: str


def judge_terms(author: str, body: AdvanceTerms) -> Rule | None:
    """Return the rule that readable terms break."""
    return _Z03_OWN_PAYEE if body.payee == author else None


def judge_advance(
    author: str, body: Advance, *, taken: bool, terms: TermsKnown | None, day: date
) -> Rule | None:
    """Return the rule that a readable advance breaks.

    Args:
        author: Whose log.
        body: The advance.
        taken: Whether the author stated one of this number before.
        terms: The author's last word on the payee; ``None`` if there is none.
        day: Of the entry, in Asia/Shanghai.
    """
    if body.payee == author:
        return _Z03_OWN_PAYEE
    if numbered_id_province(body.advance_id) != author:
        return _Z04_ADVANCE_FOREIGN
    if taken:
        return _Z05_ADVANCE_TAKEN
    if terms is None or terms.from_date > day.isoformat():
        return _Z06_NO_TERMS
    return _Z07_ABOVE_TERMS if body.amount_fen > terms.limit_fen else None


def judge_order(
    author: str,
    body: PaymentOrder,
    *,
    ordered: Collection[int],
    debited: Collection[int],
    day: date,
) -> Rule | None:
    """Return the rule that a readable order breaks.

    Args:
        author: Whose log: the payer.
        body: The order.
        ordered: Attempts of the payment that the author ordered before.
        debited: Attempts of it of which the author reported before that its bank booked them.
        day: Of the entry, in Asia/Shanghai.
    """
    if body.payee == author:
        return _Z03_OWN_PAYEE
    if body.payment_id != payment_id(body.basis_hash, author, body.payee):
        return _Z08_PAYMENT_ID
    if body.attempt in ordered:
        return _Z09_ATTEMPT_TAKEN
    before = max([*ordered, *debited], default=0)
    if body.attempt != before + 1 or set(ordered) - set(debited):
        return _Z10_ATTEMPT_EARLY
    return _Z11_DATE_PAST if body.execution_date < day.isoformat() else None


def judge_report(*, known: bool) -> Rule | None:
    """Return the rule that a readable report breaks.

    Args:
        known: Whether the author reported the booking before.
    """
    return _Z12_BOOKING_KNOWN if known else None
