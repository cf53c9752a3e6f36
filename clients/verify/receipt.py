"""Verifies a receipt: who signed the log, who saw it, that the entry is in it, and what it says."""

from dataclasses import dataclass

from clients.plain import plain
from clients.verify.seen import ProvedEntry
from clients.verify.steps import Steps
from clients.verify.trusting import Trusting
from clients.verify.words import body_of, entry_words, read_entry
from deltacare.evidence import EvidenceReceipt
from deltacare.v1.entry_pb2 import Entry

__all__ = ["VerifiedEntry", "prove", "verify_receipt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEntry:
    """An entry that stands in a log, and what it says.

    Attributes:
        proved: Where, and who says so.
        entry: What.
    """

    proved: ProvedEntry
    entry: Entry


def prove(receipt: EvidenceReceipt, trusting: Trusting) -> VerifiedEntry:
    """Return the entry of a receipt that is in order.

    Raises:
        PeerFault: If it is not.
    """
    proved = trusting.receipt(receipt.proof, receipt.entry)
    return VerifiedEntry(proved=proved, entry=read_entry(proved.entry))


def verify_receipt(receipt: EvidenceReceipt, trusting: Trusting, steps: Steps) -> VerifiedEntry:
    """Verify a receipt.

    1. The log's key signed the checkpoint. 2. Witnesses cosigned it as the policy demands. 3. The
    entry is in its tree. 4. The entry can be read.

    Args:
        receipt: As received.
        trusting: The verifier's policies.
        steps: Takes what was done.

    Raises:
        PeerFault: ``BAD_PROOF``, ``BAD_SIGNATURE`` or ``NO_QUORUM``.
    """
    proved = trusting.receipt(receipt.proof, receipt.entry)
    steps.add_receipt(proved)
    entry = read_entry(proved.entry)
    words = entry_words(entry)
    steps.add(
        f"条目内容（{body_of(entry)[0]}）",
        f"What the entry says ({body_of(entry)[0]})",
        *words,
        entry=plain(entry),
        words=list(words),
    )
    return VerifiedEntry(proved=proved, entry=entry)
