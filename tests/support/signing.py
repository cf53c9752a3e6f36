"""People who sign approvals in tests: seeded keys, how a province states them, what they sign.

Nobody here exists. `APPROVERS` are the two who answer for what is paid wherever a test says nothing
else.
"""

from functools import cache

from deltacare.approvals import (
    ApprovalAlgorithm,
    ApprovalPart,
    ApprovalSigner,
    ApprovalSubject,
    ApprovalWord,
)
from deltacare.v1.entry_pb2 import Approval, ApprovalKey, Entry
from deltacare.v1.types_pb2 import Duty
from tests.support.federation import seed

__all__ = ["APPROVERS", "approval", "approvals", "key_body", "key_entries", "person"]

APPROVERS = Duty(maker="pay-1", reviewer="pay-2")
FROM_DATE = "2026-01-01"


@cache
def person(
    principal: str, *, algorithm: ApprovalAlgorithm = ApprovalAlgorithm.ED25519, key: str = ""
) -> ApprovalSigner:
    """Return a person's key, the same in every province: only its statement makes it count."""
    key_id = key or f"key-{principal}"
    return ApprovalSigner(
        principal=principal, key_id=key_id, algorithm=algorithm, seed=seed(f"person {key_id}")
    )


def key_body(who: ApprovalSigner, **changes: str) -> ApprovalKey:
    """Return a key as it is stated."""
    fields = {"from_date": FROM_DATE, **changes}
    return ApprovalKey(
        **{
            "key_id": who.key_id,
            "principal": who.principal,
            "algorithm": str(who.algorithm),
            **fields,
        },
        public_key=who.public_key,
    )


def key_entries(*who: ApprovalSigner, maker: str = "adm-1", reviewer: str = "adm-2") -> list[Entry]:
    """Return the entries that state keys."""
    return [Entry(maker=maker, reviewer=reviewer, approval_key=key_body(each)) for each in who]


def approval(
    who: ApprovalSigner,
    part: ApprovalPart,
    subject: ApprovalSubject,
    subject_hash: bytes,
    *,
    province: str,
    word: ApprovalWord = ApprovalWord.APPROVED,
) -> Approval:
    """Return one person's signature as an entry carries it."""
    signed = who.sign(subject, subject_hash, word=word, province=province, duty=part)
    return Approval(
        principal=signed.principal,
        key_id=signed.key_id,
        duty=signed.duty,  # type: ignore[arg-type]  # the numbers of the contract
        signature=signed.signature,
    )


def approvals(
    duty: Duty,
    subject: ApprovalSubject,
    subject_hash: bytes,
    *,
    province: str,
    word: ApprovalWord = ApprovalWord.APPROVED,
) -> list[Approval]:
    """Return the signatures of the two who answer for something."""
    parts = ((duty.maker, ApprovalPart.MAKER), (duty.reviewer, ApprovalPart.CHECKER))
    return [
        approval(person(name), part, subject, subject_hash, province=province, word=word)
        for name, part in parts
    ]
