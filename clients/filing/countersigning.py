"""Signs, as checker, what a draft has its maker's signature on: one for each thing, in its order.

What is signed is worked out from the request that the reviewer was shown, never copied from the
maker. Whose key counts is for the node to judge.
"""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message

from clients.approving import Thing, signed_by
from deltacare.approvals import (
    ApprovalPart,
    ApprovalSigner,
    ApprovalSubject,
    ApprovalWord,
    advance_hash,
    clawback_hash,
)
from deltacare.v1.entry_pb2 import (
    STATEMENT_WORD_REFUSED,
    Advance,
    Approval,
    Clawback,
    PaymentOrder,
    StatementAnswer,
)

__all__ = ["carriers_of", "sign_as_checker"]


def carriers_of(request: Message) -> list[Message]:
    """Return the parts of a request that carry approvals, in its order."""
    found: list[Message] = []
    for field, value in request.ListFields():
        if field.message_type is None:
            continue
        every: Sequence[Any] = [value] if isinstance(value, Message) else list(value)
        found += [each for each in every if "approvals" in each.DESCRIPTOR.fields_by_name]
    return found


def sign_as_checker(request: Message, signer: ApprovalSigner, *, province: str) -> list[Approval]:
    """Return the checker's signatures over everything that a request has signed.

    Args:
        request: As it was shown.
        signer: The checker's key.
        province: For which.
    """
    signed: list[Approval] = []
    for carrier in carriers_of(request):
        thing, word = _thing(carrier)
        signed += signed_by(
            signer, [thing], word=word, province=province, part=ApprovalPart.CHECKER
        )
    return signed


def _thing(carrier: Message) -> tuple[Thing, ApprovalWord]:
    """Return what is signed of a part of a request, and what is said of it."""
    word = ApprovalWord.APPROVED
    match carrier:
        case StatementAnswer():
            subject, digest = ApprovalSubject.STATEMENT, carrier.statement_hash
            if carrier.word == STATEMENT_WORD_REFUSED:
                word = ApprovalWord.REFUSED
        case PaymentOrder():
            subject, digest = ApprovalSubject.PAYMENT, carrier.message_hash
        case Advance():
            subject, digest = ApprovalSubject.ADVANCE, advance_hash(carrier)
        case Clawback():
            subject, digest = ApprovalSubject.CLAWBACK, clawback_hash(carrier)
        case _:
            raise AssertionError(f"{carrier.DESCRIPTOR.name} carries approvals")
    return Thing(subject=subject, subject_hash=digest), word
