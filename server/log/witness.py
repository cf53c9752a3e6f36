"""When this node's witness cosigns another's checkpoint, and when it must not.

Pure: what is held and what is asked in, a decision out. The caller has verified that the
checkpoint extends what is held, and stores the decision in the transaction that stores the
entries: compare and store, so that no two histories ever carry this witness's name.
"""

from dataclasses import dataclass

from deltacare.tlog.checkpoint import Checkpoint

__all__ = ["Witnessed", "may_cosign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed:
    """What this node knows of a log when it is asked to cosign.

    Attributes:
        is_forked: whether two histories of the log were proven.
        is_settled: whether enough partners said what this witness cosigned before it started.
        cosigned_size: size of what it cosigned last; ``None`` if nothing.
        cosigned_root: root of that.
        held_root: root of the tree held here at ``cosigned_size``.
    """

    is_forked: bool
    is_settled: bool
    cosigned_size: int | None
    cosigned_root: bytes | None
    held_root: bytes | None


def may_cosign(checkpoint: Checkpoint, known: Witnessed) -> bool:
    """Whether a verified checkpoint may be cosigned.

    1. No history of a forked log is vouched for.
    2. A witness that may have forgotten what it signed waits for its partners.
    3. Never smaller than what was cosigned, and never beside it.
    """
    if known.is_forked or not known.is_settled:
        return False
    if known.cosigned_size is None:
        return True
    if checkpoint.size < known.cosigned_size:
        return False
    if checkpoint.size == known.cosigned_size:
        return checkpoint.root == known.cosigned_root
    return known.held_root == known.cosigned_root
