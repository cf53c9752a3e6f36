"""The digest of a night: one hash by which two nodes learn that they computed the same lines.

Lines arrive as bytes, sorted. A leaf is 256 consecutive lines, the digest is the RFC 6962 root over
the leaves, and of no lines it is the hash of nothing. Leaves instead of lines make hashing ten
times cheaper and still let two nodes that differ find the first difference in one leaf. The lines
are never copied one by one: a leaf is a slice of the buffer they came in.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from deltacare.tlog.tree import Frontier, leaf_hash, leaf_hashes

__all__ = ["LINES_PER_LEAF", "DigestBuilder", "LineBlock", "digest_of_lines", "split_leaves"]

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
    """

    def __init__(self) -> None:
        self._hashes: list[bytes] = []
        self._pending: list[bytes] = []
        self._pending_lines = 0
        self.line_count = 0

    def add(self, block: LineBlock) -> None:
        """Take the next lines."""
        data, offsets = memoryview(block.data), block.offsets
        count = len(offsets) - 1
        self.line_count += count
        start = 0
        while start < count:
            end = min(count, start + LINES_PER_LEAF - self._pending_lines)
            piece = data[offsets[start] : offsets[end]]
            if self._pending_lines + end - start == LINES_PER_LEAF:
                self._hashes.append(leaf_hash(b"".join((*self._pending, piece))))
                self._pending, self._pending_lines = [], 0
            else:
                self._pending.append(bytes(piece))
                self._pending_lines += end - start
            start = end

    def leaves(self) -> tuple[bytes, ...]:
        """Return the leaf hashes of all lines so far, the last leaf perhaps not full."""
        if not self._pending:
            return tuple(self._hashes)
        return (*self._hashes, leaf_hash(b"".join(self._pending)))

    def digest(self) -> bytes:
        """Return the root over all lines so far, 32 bytes."""
        return Frontier.empty().append(self.leaves()).root


def split_leaves(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the leaves of sorted lines, as a partner that asks for one receives them."""
    for start in range(0, len(lines), LINES_PER_LEAF):
        yield b"".join(lines[start : start + LINES_PER_LEAF])


def digest_of_lines(lines: Sequence[bytes]) -> bytes:
    """Return the digest of sorted lines that are already apart, such as those of a partner."""
    return Frontier.empty().append(leaf_hashes(split_leaves(lines))).root
