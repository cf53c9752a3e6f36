"""Inclusion and consistency proofs of RFC 9162: built from stored nodes, verified from nothing.

A builder asks for complete nodes of the tree, all at once, through a one-method reader, so that a
store answers with one query. A verifier takes what a partner sent and returns only if it proves
the claim; it never answers with a bool that a caller could forget.

Source: RFC 9162 sections 2.1.3 and 2.1.4.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from deltacare.errors import PeerFault, Reason
from deltacare.tlog.tree import EMPTY_ROOT, HASH_BYTES, SIZE_MAX, node_hash

__all__ = [
    "PROOF_HASHES_MAX",
    "Node",
    "NodeReader",
    "consistency_proof",
    "inclusion_proof",
    "root_at",
    "verify_consistency",
    "verify_inclusion",
]

# The longest path in a tree of less than 2^63 leaves, and one more for a consistency proof.
PROOF_HASHES_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A complete subtree: its height above the leaves and its index within that height."""

    level: int
    index: int


class NodeReader(Protocol):
    """Reads hashes of complete subtrees of one tree."""

    def read_nodes(self, nodes: Sequence[Node], /) -> Sequence[bytes]:
        """Return the hash of each node, in the order asked.

        Raises:
            DeltacareError: If one of them is not held.
        """
        ...


_Range = tuple[int, int]  # leaves from and until (exclusive)


def inclusion_proof(reader: NodeReader, *, index: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that the leaf at `index` is in the tree of `size` leaves.

    Args:
        reader: Holds the complete nodes of the tree at `size`.
        index: From zero.
        size: Leaves, more than `index`.

    Returns:
        Hashes from the leaf's sibling to the child of the root; at most 63.
    """
    assert 0 <= index < size <= SIZE_MAX, "the leaf lies in the tree"
    ranges: list[_Range] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    return _hash_ranges(reader, ranges[::-1])


def consistency_proof(reader: NodeReader, *, old_size: int, size: int) -> tuple[bytes, ...]:
    """Return the proof that the tree of `size` leaves extends that of `old_size`.

    Args:
        reader: Holds the complete nodes of the tree at `size`.
        old_size: Leaves of the earlier tree, at most `size`.
        size: Leaves of the later tree.

    Returns:
        Hashes as RFC 9162 orders them; none if `old_size` is zero or `size`.
    """
    assert 0 <= old_size <= size <= SIZE_MAX, "a tree extends a smaller one"
    if old_size in (0, size):
        return ()
    ranges: list[_Range] = []
    start, end = 0, size
    while old_size != end:
        split = start + _split(end - start)
        if old_size <= split:
            ranges.append((split, end))
            end = split
        else:
            ranges.append((start, split))
            start = split
    if start:
        # The old tree ends in this subtree, which the verifier does not hold; at start 0 the
        # subtree is the whole old tree and its root is known.
        ranges.append((start, end))
    return _hash_ranges(reader, ranges[::-1])


def root_at(reader: NodeReader, *, size: int) -> bytes:
    """Return the root of the tree at a size the reader holds."""
    return _hash_ranges(reader, [(0, size)])[0] if size else EMPTY_ROOT


def verify_inclusion(
    proof: Sequence[bytes], *, leaf: bytes, index: int, size: int, root: bytes
) -> None:
    """Check that a leaf is in the tree with a root (RFC 9162 section 2.1.3.2).

    Args:
        proof: Hashes, leaf to root.
        leaf: The leaf hash, computed by the caller from the entry's bytes.
        index: The leaf's index, from zero.
        size: Leaves of the tree.
        root: The root the caller trusts.

    Raises:
        PeerFault: ``BAD_PROOF``, if the proof does not show it.
    """
    # 1. The index lies in the tree.
    if not 0 <= index < size <= SIZE_MAX:
        raise _bad("The index lies outside the tree.", index=index, size=size)
    _check_shape(proof, leaf, root)
    # 2. and 3.
    fn, sn, result = index, size - 1, leaf
    # 4. Each hash of the path.
    for hash_ in proof:
        if sn == 0:
            raise _bad("The inclusion proof is too long.", index=index, size=size)
        if fn & 1 or fn == sn:
            result = node_hash(hash_, result)
            fn, sn = _skip_left_edge(fn, sn)
        else:
            result = node_hash(result, hash_)
        fn, sn = fn >> 1, sn >> 1
    # 5. The path ended at the root, and it is the root.
    if sn != 0:
        raise _bad("The inclusion proof is too short.", index=index, size=size)
    if result != root:
        raise _bad("The inclusion proof leads to another root.", index=index, size=size)


def verify_consistency(
    proof: Sequence[bytes], *, old_size: int, old_root: bytes, size: int, root: bytes
) -> None:
    """Check that one tree extends another (RFC 9162 section 2.1.4.2).

    The RFC speaks of 0 < old_size < size. From the empty tree every tree grows, with an empty
    proof, if the old root is that of the empty tree; equal sizes need equal roots.

    Args:
        proof: Hashes as the RFC orders them.
        old_size: Leaves of the earlier tree.
        old_root: Its root.
        size: Leaves of the later tree.
        root: Its root.

    Raises:
        PeerFault: ``BAD_PROOF``, if the proof does not show it.
    """
    if not 0 <= old_size <= size <= SIZE_MAX:
        raise _bad("The later tree is smaller than the earlier.", old_size=old_size, size=size)
    _check_shape(proof, old_root, root)
    if old_size in (0, size):
        _verify_trivial(proof, old_size=old_size, old_root=old_root, size=size, root=root)
        return
    # 1. and 2. A complete old tree is itself the first hash.
    if not proof:
        raise _bad("The consistency proof is empty.", old_size=old_size, size=size)
    complete = old_size & (old_size - 1) == 0
    path = [old_root, *proof] if complete else list(proof)
    # 3. and 4. The last leaves of both trees, above what they share entirely.
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    # 5.
    old_result = result = path[0]
    # 6. Each further hash.
    for hash_ in path[1:]:
        if sn == 0:
            raise _bad("The consistency proof is too long.", old_size=old_size, size=size)
        if fn & 1 or fn == sn:
            old_result = node_hash(hash_, old_result)
            result = node_hash(hash_, result)
            fn, sn = _skip_left_edge(fn, sn)
        else:
            result = node_hash(result, hash_)
        fn, sn = fn >> 1, sn >> 1
    # 7. Both roots are met, and nothing is left over.
    if sn != 0:
        raise _bad("The consistency proof is too short.", old_size=old_size, size=size)
    if old_result != old_root or result != root:
        raise _bad("The later tree does not extend the earlier.", old_size=old_size, size=size)


def _skip_left_edge(fn: int, sn: int) -> tuple[int, int]:
    """Go up while the node has no sibling on its left (the inner loops of both algorithms)."""
    while fn and not fn & 1:
        fn, sn = fn >> 1, sn >> 1
    return fn, sn


def _verify_trivial(
    proof: Sequence[bytes], *, old_size: int, old_root: bytes, size: int, root: bytes
) -> None:
    """Check two trees of one size, or one that grew from the empty tree."""
    if proof:
        raise _bad("The consistency proof is too long.", old_size=old_size, size=size)
    if old_size == size and old_root != root:
        raise _bad("The same size has two roots.", old_size=old_size, size=size)
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise _bad("The empty tree has another root.", old_size=old_size, size=size)


def _split(leaves: int) -> int:
    """Return the largest power of two smaller than a number of leaves above one."""
    return 1 << ((leaves - 1).bit_length() - 1)


def _complete_nodes(start: int, end: int) -> Iterator[Node]:
    """Yield the complete subtrees that make up a range of leaves, left to right.

    The ranges of proofs start at a multiple of the power of two that holds them.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield Node(level=level, index=start >> level)
        start += 1 << level


def _hash_ranges(reader: NodeReader, ranges: Sequence[_Range]) -> tuple[bytes, ...]:
    """Return the root of each range of leaves, reading every node in one request."""
    parts = [tuple(_complete_nodes(start, end)) for start, end in ranges]
    nodes = [node for part in parts for node in part]
    found = iter(reader.read_nodes(nodes) if nodes else ())
    hashes: list[bytes] = []
    for part in parts:
        row = [next(found) for _ in part]
        root = row.pop()
        while row:
            root = node_hash(row.pop(), root)
        hashes.append(root)
    return tuple(hashes)


def _check_shape(proof: Sequence[bytes], *others: bytes) -> None:
    if len(proof) > PROOF_HASHES_MAX:
        raise _bad("The proof has more hashes than any tree is high.", hashes=len(proof))
    if any(len(hash_) != HASH_BYTES for hash_ in (*proof, *others)):
        raise _bad("A hash of the proof, or one it is about, has not 32 bytes.")


def _bad(message: str, **details: int) -> PeerFault:
    facts = {name: str(value) for name, value in details.items()}
    return PeerFault(Reason.BAD_PROOF, message, details=facts)
