"""The Merkle tree as RFC 6962 writes it, recursion by recursion: slow, plain, and not the kernel's.

Everything here follows the definitions of sections 2.1 to 2.1.2 from the root down; the kernel
works from the leaves up, bit by bit. What one of them accepts and the other refuses is a finding.
"""

import hashlib
from collections.abc import Sequence

__all__ = ["fold_consistency", "fold_inclusion", "leaf", "node", "path", "root", "subproof"]

EMPTY = hashlib.sha256(b"").digest()


def leaf(entry: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Return k, the largest power of two smaller than n."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def root(leaves: Sequence[bytes]) -> bytes:
    """Return MTH(D[n]) of leaf hashes."""
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(root(leaves[:k]), root(leaves[k:]))


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), root(leaves[k:])]
    return [*path(index - k, leaves[k:]), root(leaves[:k])]


def subproof(old: int, leaves: Sequence[bytes], *, is_known: bool = True) -> list[bytes]:
    """Return SUBPROOF(m, D[n], b)."""
    if old == len(leaves):
        return [] if is_known else [root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], is_known=is_known), root(leaves[k:])]
    return [*subproof(old - k, leaves[k:], is_known=False), root(leaves[:k])]


def fold_inclusion(index: int, size: int, hash_: bytes, proof: Sequence[bytes]) -> bytes | None:
    """Return the root to which PATH(m, D[n]) leads, ``None`` if its shape is another.

    Args:
        index: m, less than `size`.
        size: n; may be far larger than any tree one could build.
        hash_: The leaf's hash.
        proof: The path.
    """
    if size == 1:
        return None if proof else hash_
    if not proof:
        return None
    k = split(size)
    if index < k:
        left = fold_inclusion(index, k, hash_, proof[:-1])
        return left and node(left, proof[-1])
    right = fold_inclusion(index - k, size - k, hash_, proof[:-1])
    return right and node(proof[-1], right)


def fold_consistency(
    old: int, size: int, old_root: bytes, proof: Sequence[bytes], *, is_known: bool = True
) -> tuple[bytes, bytes] | None:
    """Return the two roots to which SUBPROOF(m, D[n], b) leads, ``None`` if its shape is another.

    Args:
        old: m, 1 to `size`.
        size: n; may be far larger than any tree one could build.
        old_root: The root of the old tree, which the proof leaves out where it is a node.
        proof: The proof.
        is_known: b.
    """
    if old == size:
        if is_known:
            return None if proof else (old_root, old_root)
        return (proof[0], proof[0]) if len(proof) == 1 else None
    if not proof:
        return None
    k = split(size)
    if old <= k:
        both = fold_consistency(old, k, old_root, proof[:-1], is_known=is_known)
        return both and (both[0], node(both[1], proof[-1]))
    both = fold_consistency(old - k, size - k, old_root, proof[:-1], is_known=False)
    return both and (node(proof[-1], both[0]), node(proof[-1], both[1]))
