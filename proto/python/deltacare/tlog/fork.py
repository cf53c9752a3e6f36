"""Proof that a log has two histories, for whoever does not hold it.

Two signed checkpoints of one size with other roots contradict each other as they stand. Of two
sizes, the smaller one is contradicted by the root that the larger one's tree has at its size, and a
consistency proof shows that this is its root. Whether the signatures are the log's is checked by
whoever opens the checkpoints.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from deltacare.errors import PeerFault, Reason
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.proof import PROOF_HASHES_MAX, verify_consistency
from deltacare.tlog.tree import HASH_BYTES

__all__ = ["Contradiction", "verify_fork"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Why two checkpoints cannot both be true.

    Attributes:
        root: The root of the larger one's tree at the size of the smaller.
        hashes: Consistency proof from there to the larger; empty if they are of one size.
    """

    root: bytes
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        assert len(self.root) == HASH_BYTES, "a root has 32 bytes"


def verify_fork(
    first: Checkpoint, second: Checkpoint, root: bytes, hashes: Sequence[bytes]
) -> Contradiction:
    """Return the contradiction between two checkpoints that one log signed.

    Args:
        first: The smaller, or either.
        second: The larger, or the other.
        root: What is said to be the root of the second one's tree at the size of the first.
        hashes: What is said to be the proof of that.

    Raises:
        PeerFault: ``BAD_PROOF``, if they may both be true for all that is shown.
    """
    if first.origin != second.origin or first.size > second.size:
        raise _bad("These are not two checkpoints of one log, the smaller first.")
    if len(root) != HASH_BYTES or len(hashes) > PROOF_HASHES_MAX:
        raise _bad("The root or the proof is not of the right length.")
    if root == first.root:
        raise _bad("The first checkpoint is one of the second one's history.")
    if first.size == second.size:
        if hashes or root != second.root:
            raise _bad("Checkpoints of one size need no proof.")
        return Contradiction(root=root)
    if first.size == 0:
        raise _bad("Every history begins with the empty one.")
    verify_consistency(
        tuple(hashes), old_size=first.size, old_root=root, size=second.size, root=second.root
    )
    return Contradiction(root=root, hashes=tuple(hashes))


def _bad(message: str) -> PeerFault:
    return PeerFault(Reason.BAD_PROOF, message)
