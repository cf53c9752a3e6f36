"""The digest of a night: one hash by which two nodes learn that they computed the same lines.

Lines arrive as bytes, sorted. A leaf is 256 consecutive lines, the digest is the RFC 6962 root over
the leaves, and of no lines it is the hash of nothing. Leaves instead of lines make hashing ten
times cheaper and still let two nodes that differ find the first difference in one leaf. The lines
are never copied one by one: a leaf is a slice of the buffer they came in.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from deltacare.tlog.tree import Frontier, leaf_hash

__all__ = ["LINES_PER_LEAF", "DigestBuilder", "LineBlock", "first_difference"]

LINES_PER_LEAF: Final = 256


class LineBlock(Protocol):
    """Some consecutive lines in one buffer."""

    @property
    def data(self) -> memoryview | bytes:
        """The bytes of the lines, each ended by its terminator."""
        ...

    @property
    def offsets(self) -> Sequence[int]:
        """Where each line begins in `data`, and at last where the last one ends."""
        ...


class DigestBuilder:
    """Takes sorted lines block by block and keeps the leaf hashes.

    A block may end anywhere: what does not fill a leaf waits for the next block. Used for one
    night and thrown away.

    Args:
        keep_leaves: Whether to keep the bytes of the leaves as well.
    """

    def __init__(self, *, keep_leaves: bool = False) -> None:
        self._keep_leaves = keep_leaves
        self._leaves: list[bytes] = []
        self._hashes: list[bytes] = []
        self._pending: list[bytes] = []
        self._pending_count = 0
        self.line_count = 0

    def add(self, block: LineBlock) -> None:
        """Take the next lines."""
        data, offsets = memoryview(block.data), block.offsets
        count = len(offsets) - 1
        self.line_count += count
        start = 0
        while start < count:
            end = min(count, start + LINES_PER_LEAF - self._pending_count)
            piece = data[offsets[start] : offsets[end]]
            if self._pending_count + end - start == LINES_PER_LEAF:
                self._close(b"".join((*self._pending, piece)))
                self._pending, self._pending_count = [], 0
            else:
                self._pending.append(bytes(piece))
                self._pending_count += end - start
            start = end

    def _close(self, leaf: bytes) -> None:
        self._hashes.append(leaf_hash(leaf))
        if self._keep_leaves:
            self._leaves.append(leaf)

    def leaf_hashes(self) -> tuple[bytes, ...]:
        """Return the hash of each leaf so far, the last perhaps not full."""
        if not self._pending:
            return tuple(self._hashes)
        return (*self._hashes, leaf_hash(b"".join(self._pending)))

    def leaves(self) -> tuple[bytes, ...]:
        """Return the leaves so far, if they were to be kept; otherwise none."""
        if not self._pending or not self._keep_leaves:
            return tuple(self._leaves)
        return (*self._leaves, b"".join(self._pending))

    def digest(self) -> bytes:
        """Return the root over all lines so far, 32 bytes."""
        return Frontier.empty().append(self.leaf_hashes()).root


def first_difference(own: Sequence[bytes], partner: Sequence[bytes]) -> int | None:
    """Return the index of the first item in which two sequences differ.

    Serves for leaf hashes, to learn which leaf to ask for, and then for the lines of that leaf.

    Returns:
        The index, perhaps just behind the shorter one; ``None`` if they are equal.
    """
    for index, (left, right) in enumerate(zip(own, partner, strict=False)):
        if left != right:
            return index
    return None if len(own) == len(partner) else min(len(own), len(partner))
