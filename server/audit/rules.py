"""The numbered rules of the audit room, by which an anchor counts: values in, verdict out.

An anchor states in a registry log, which every member mirrors and cosigns, how far its author's
audit log goes. It may only grow: an author that cuts its audit log or writes it anew must
contradict what it anchored, or state before everybody that it lost entries and from where. Nobody
else holds the audit log, so nothing here asks what stands in it.
"""

from dataclasses import dataclass

from deltacare.errors import PeerFault
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint
from deltacare.tlog.note import SignedNote
from deltacare.tlog.tree import EMPTY_ROOT
from deltacare.v1.entry_pb2 import AuditAnchor

__all__ = [
    "ANCHOR_CONTRADICTS",
    "ANCHOR_SHRINKS",
    "ANCHOR_UNREADABLE",
    "LOSS_UNFOUNDED",
    "RULES",
    "WRONG_LOG",
    "AuditRule",
    "Before",
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
    zh="审计日志的锚定不得变小，除非声明丢失",
    en="An anchor is never smaller than the one before, unless it states a loss.",
)
ANCHOR_CONTRADICTS = AuditRule(
    code="A04-ANCHOR-CONTRADICTS",
    zh="同一大小的审计日志不得有两个根",
    en="Two anchors of one size have the same root.",
)
LOSS_UNFOUNDED = AuditRule(
    code="A05-LOSS-UNFOUNDED",
    zh="声明的丢失须与检查点的大小一致，且小于上一次锚定",
    en="A loss is stated at the size of the checkpoint, below the one anchored before.",
)

RULES = (WRONG_LOG, ANCHOR_UNREADABLE, ANCHOR_SHRINKS, ANCHOR_CONTRADICTS, LOSS_UNFOUNDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an author anchored before.

    Attributes:
        last: The newest anchor that counts.
        same_size: The newest of the same size as the one that is judged, unless a loss that was
            stated since took its last entries away.
    """

    last: Checkpoint
    same_size: Checkpoint | None = None


def anchored(body: AuditAnchor, author: str) -> Checkpoint | None:
    """Return the checkpoint that an anchor holds, ``None`` if it is none of its author's audit log.

    Of a log of which nothing is left there is none that could be signed, so its anchor is empty and
    states the loss. A signature is not verified: the entry around it is its author's word, under
    the key of its time, and who compares the audit log with it verifies it there.
    """
    name = str(LogName.audit(author))
    if not body.checkpoint and body.HasField("lost_from_size") and not body.lost_from_size:
        return Checkpoint(origin=name, size=0, root=EMPTY_ROOT)
    try:
        parsed = SignedNote.from_bytes(body.checkpoint, bytes_max=CHECKPOINT_BYTES_MAX)
        checkpoint = Checkpoint.from_text(parsed.text)
    except PeerFault:
        return None
    is_signed = any(signature.name == name for signature in parsed.signatures)
    return checkpoint if checkpoint.origin == name and is_signed else None


def anchor_rule(
    checkpoint: Checkpoint | None, before: Before | None, *, lost_from_size: int | None = None
) -> AuditRule | None:
    """Return the rule against an anchor, if one stands against it.

    Args:
        checkpoint: What it holds; ``None`` if that is nothing.
        before: What the author anchored before; ``None`` if there is nothing that counts.
        lost_from_size: The size from which entries are stated to be lost; ``None`` if none are.
    """
    if checkpoint is None:
        return ANCHOR_UNREADABLE
    if lost_from_size is not None:
        is_founded = before is not None and lost_from_size == checkpoint.size < before.last.size
        if not is_founded:
            return LOSS_UNFOUNDED
    elif before is not None and checkpoint.size < before.last.size:
        return ANCHOR_SHRINKS
    same = before.same_size if before is not None else None
    return ANCHOR_CONTRADICTS if same is not None and same.root != checkpoint.root else None
