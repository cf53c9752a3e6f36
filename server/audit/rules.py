"""The numbered rules of the audit room, by which an anchor counts: values in, verdict out.

An anchor states in a registry log, which every member mirrors and cosigns, how far its author's
audit log goes. It may only grow: an author that cuts its audit log or writes it anew must
contradict what it anchored. Nobody else holds the audit log, so nothing here asks what stands in
it.
"""

from dataclasses import dataclass

from deltacare.errors import PeerFault
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint
from deltacare.tlog.note import SignedNote

__all__ = [
    "ANCHOR_CONTRADICTS",
    "ANCHOR_SHRINKS",
    "ANCHOR_UNREADABLE",
    "RULES",
    "WRONG_LOG",
    "AuditRule",
    "anchor_rule",
    "anchored",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRule:
    """One numbered rule.

    Attributes:
        code: Number and name; never changes its meaning.
        zh: The rule in Chinese.
        en: The rule in English.
    """

    code: str
    zh: str
    en: str


WRONG_LOG = AuditRule(
    code="A01-WRONG-LOG",
    zh="该条目不属于此类日志",
    en="The body does not belong in a log of this kind.",
)
ANCHOR_UNREADABLE = AuditRule(
    code="A02-ANCHOR-UNREADABLE",
    zh="锚定内容不是作者审计日志的已签检查点",
    en="An anchor holds a signed checkpoint of its author's audit log.",
)
ANCHOR_SHRINKS = AuditRule(
    code="A03-ANCHOR-SHRINKS",
    zh="审计日志的锚定不得变小",
    en="An anchor is never smaller than the one before.",
)
ANCHOR_CONTRADICTS = AuditRule(
    code="A04-ANCHOR-CONTRADICTS",
    zh="同一大小的审计日志不得有两个根",
    en="Two anchors of one size have the same root.",
)

RULES = (WRONG_LOG, ANCHOR_UNREADABLE, ANCHOR_SHRINKS, ANCHOR_CONTRADICTS)


def anchored(note: bytes, author: str) -> Checkpoint | None:
    """Return the checkpoint that an anchor holds, ``None`` if it is none of its author's audit log.

    Its signature is not verified: the entry around it is its author's word, under the key of its
    time, and who compares the audit log with it verifies it there.
    """
    try:
        parsed = SignedNote.from_bytes(note, bytes_max=CHECKPOINT_BYTES_MAX)
        checkpoint = Checkpoint.from_text(parsed.text)
    except PeerFault:
        return None
    name = str(LogName.audit(author))
    is_signed = any(signature.name == name for signature in parsed.signatures)
    return checkpoint if checkpoint.origin == name and is_signed else None


def anchor_rule(checkpoint: Checkpoint | None, before: Checkpoint | None) -> AuditRule | None:
    """Return the rule against an anchor, if one stands against it.

    Args:
        checkpoint: What it holds; ``None`` if that is nothing.
        before: What the last anchor of the author holds that counts; ``None`` if there is none.
    """
    if checkpoint is None:
        return ANCHOR_UNREADABLE
    if before is None:
        return None
    if checkpoint.size < before.size:
        return ANCHOR_SHRINKS
    if checkpoint.size == before.size and checkpoint.root != before.root:
        return ANCHOR_CONTRADICTS
    return None
