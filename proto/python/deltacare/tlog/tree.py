"""The Merkle tree of RFC 6962, appended to in memory that grows with the logarithm of its size.

A tree is known by its frontier: the roots of the complete subtrees it is made of, largest first,
one for each bit that is set in its size. That is enough to append and to state the root; proofs
need the stored nodes (`deltacare.tlog.proof`).

Source: RFC 6962 section 2.1, RFC 9162 section 2.1.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from deltacare.errors import PeerFault, Reason

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "SIZE_MAX",
    "Frontier",
    "leaf_hash",
    "leaf_hashes",
    "node_hash",
    "root_of",
]

HASH_BYTES = 32
SIZE_MAX = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()

_LEAF_PREFIX = b"\x00"
_NODE_PREFIX = b"\x01"
_SIZE_BYTES = 8


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and the entry's bytes."""
    return hashlib.sha256(_LEAF_PREFIX + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hash of each entry, in order."""
    sha256 = hashlib.sha256
    return [sha256(_LEAF_PREFIX + entry).digest() for entry in entries]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node: SHA-256 of 0x01 and the hashes of its two children."""
    return hashlib.sha256(_NODE_PREFIX + left + right).digest()


def pair_hashes(nodes: Sequence[bytes]) -> list[bytes]:
    """Return the parents of an even number of neighbouring nodes."""
    sha256 = hashlib.sha256
    pairs = iter(nodes)
    return [
        sha256(_NODE_PREFIX + left + right).digest()
        for left, right in zip(pairs, pairs, strict=True)
    ]


def root_of(entries: Iterable[bytes]) -> bytes:
    """Return the root of the tree over entries."""
    return Frontier.empty().append(leaf_hashes(entries)).root


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """The new complete nodes of one level after an append.

    Attributes:
        level: Height above the leaves, 0 for the leaves themselves.
        first_index: Index within the level of the first new node.
        hashes: The new nodes, in order.
    """

    level: int
    first_index: int
    hashes: Sequence[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The right edge of a tree: its size and the roots of its complete subtrees, largest first."""

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        assert 0 <= self.size <= SIZE_MAX, "a tree has less than 2^63 leaves"
        assert len(self.hashes) == self.size.bit_count(), "one hash for each set bit of the size"

    @classmethod
    def empty(cls) -> Self:
        """Return the frontier of the tree without leaves."""
        return cls(size=0, hashes=())

    @property
    def root(self) -> bytes:
        """The Merkle tree hash at this size."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def append(self, leaves: Sequence[bytes]) -> "Frontier":
        """Return the frontier after appending leaf hashes.

        Args:
            leaves: Leaf hashes of 32 bytes, any number; hash entries with `leaf_hashes`.
        """
        frontier, _ = self.grow(leaves)
        return frontier

    def grow(self, leaves: Sequence[bytes]) -> tuple["Frontier", tuple[Grown, ...]]:
        """Return the frontier after appending, and every complete node that came into being.

        Works level by level: the pending node of a level, if any, is put in front of the new
        nodes, neighbours are hashed in pairs, and an odd last one becomes pending.

        Args:
            leaves: Leaf hashes of 32 bytes.
        """
        pending = dict(zip(_set_bits(self.size), self.hashes[::-1], strict=True))
        grown: list[Grown] = []
        nodes: Sequence[bytes] = leaves
        level = 0
        while nodes:
            grown.append(Grown(level=level, first_index=self.size >> level, hashes=nodes))
            left = pending.pop(level, None)
            row = list(nodes) if left is None else [left, *nodes]
            if len(row) & 1:
                pending[level] = row.pop()
            nodes = pair_hashes(row)
            level += 1
        hashes = tuple(pending[level] for level in sorted(pending, reverse=True))
        return Frontier(size=self.size + len(leaves), hashes=hashes), tuple(grown)

    def to_bytes(self) -> bytes:
        """Return the size in eight bytes, big-endian, and the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the frontier that `to_bytes` wrote.

        Raises:
            PeerFault: ``BAD_PROOF``, if the length does not fit the size.
        """
        size = int.from_bytes(data[:_SIZE_BYTES], "big")
        body = data[_SIZE_BYTES:]
        fits = len(data) >= _SIZE_BYTES and len(body) == size.bit_count() * HASH_BYTES
        if not fits or size > SIZE_MAX:
            raise PeerFault(Reason.BAD_PROOF, "The bytes are not those of a tree's frontier.")
        return cls(size=size, hashes=split_hashes(body))


def split_hashes(data: bytes) -> tuple[bytes, ...]:
    """Return the hashes of a concatenation; its length is a multiple of 32."""
    assert len(data) % HASH_BYTES == 0, "a row of hashes has whole hashes"
    return tuple(data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES))


def _set_bits(value: int) -> Iterator[int]:
    """Yield the positions of the set bits, lowest first."""
    while value:
        low = value & -value
        yield low.bit_length() - 1
        value ^= low
