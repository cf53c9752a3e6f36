"""The keys with which the demonstration's people approve, and their signatures.

Two invented persons a province answer for statements; each has a key of their own, derived from the
demonstration's seed so that a second run gives the same. Real people's keys are made by
``deltacare settle key new`` and never leave their file.
"""

import hashlib

from clients.approving import Thing, signed_by
from clients.demo.federation import Federation
from clients.demo.foundations import Calendar
from deltacare.approvals import (
    ApprovalAlgorithm,
    ApprovalPart,
    ApprovalSigner,
    ApprovalSubject,
    ApprovalWord,
)
from deltacare.v1.approval_service_pb2 import PublishApprovalKeyRequest
from deltacare.v1.entry_pb2 import Approval, ApprovalKey
from deltacare.v1.types_pb2 import Duty

__all__ = ["publish_approval_keys", "statement_approvals"]


def _signer(federation: Federation, principal: str) -> ApprovalSigner:
    """Return the key of an invented person."""
    seed = hashlib.sha256(f"deltacare demo {federation.seed} {principal}".encode()).digest()
    return ApprovalSigner(
        principal=principal,
        key_id=f"{principal}-1",
        algorithm=ApprovalAlgorithm.ED25519,
        seed=seed,
    )


async def publish_approval_keys(federation: Federation, calendar: Calendar) -> None:
    """Have each province state the keys of the two who answer for its statements."""

    async def publish(province: str) -> None:
        duty = federation.duty(province, "statement")
        for principal in (duty.maker, duty.reviewer):
            signer = _signer(federation, principal)
            request = PublishApprovalKeyRequest(
                request_id=federation.request_id("approval-key", principal),
                duty=federation.duty(province, "keys"),
                key=ApprovalKey(
                    key_id=signer.key_id,
                    principal=principal,
                    algorithm=str(signer.algorithm),
                    public_key=signer.public_key,
                    from_date=calendar.facts_from.isoformat(),
                ),
            )
            published = await federation.write(
                federation.nodes[province].approval.PublishApprovalKey, request
            )
            federation.note(published.appended)

    await federation.each(publish)


def statement_approvals(
    federation: Federation, province: str, duty: Duty, statement_hash: bytes
) -> list[Approval]:
    """Return the signatures of a province's maker and checker over a statement."""
    thing = Thing(subject=ApprovalSubject.STATEMENT, subject_hash=statement_hash)
    parts = ((duty.maker, ApprovalPart.MAKER), (duty.reviewer, ApprovalPart.CHECKER))
    return [
        approval
        for principal, part in parts
        for approval in signed_by(
            _signer(federation, principal),
            [thing],
            word=ApprovalWord.APPROVED,
            province=province,
            part=part,
        )
    ]
