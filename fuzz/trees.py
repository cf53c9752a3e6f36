"""Targets that need no key: proofs, tiles, entry bundles and frontiers."""

from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from deltacare.tlog.proof import (
    consistency_proof,
    inclusion_proof,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from deltacare.tlog.tile import (
    TILE_WIDTH,
    NodesFromTiles,
    decode_entries,
    encode_entries,
    grow,
    tile_width,
)
from deltacare.tlog.tree import Frontier, leaf_hashes
from fuzz import oracle
from fuzz.inputs import Finding, Input, attempt, edits, expect

__all__ = ["bundle", "bundle_seeds", "consistency", "frontier", "inclusion", "proof_seeds", "tiles"]

_SIZE_MAX = 70
_HASHES_MAX = 80
# Two histories that part after 21 leaves.
_PARTED = 21
_HISTORIES = tuple(
    tuple(
        oracle.leaf(b"entry %d" % i if i < _PARTED else b"%s %d" % (name, i))
        for i in range(_SIZE_MAX)
    )
    for name in (b"a", b"b")
)


@cache
def _root(history: int, size: int) -> bytes:
    return oracle.root(_HISTORIES[history][:size])


@cache
def _path(history: int, index: int, size: int) -> tuple[bytes, ...]:
    return tuple(oracle.path(index, _HISTORIES[history][:size]))


@cache
def _subproof(history: int, old: int, size: int) -> tuple[bytes, ...]:
    if old in (0, size):
        return ()
    return tuple(oracle.subproof(old, _HISTORIES[history][:size]))


def _some_hash(source: Input) -> bytes:
    """Return a hash from either history, or one of no tree, or none at all."""
    history = source.below(2)
    kind = source.below(6)
    if kind == 0:
        return source.take(32)
    if kind == 1:
        return source.take(source.below(70))
    if kind == 2:  # noqa: PLR2004 - kinds are numbered
        return oracle.EMPTY
    if kind == 3:  # noqa: PLR2004
        return _HISTORIES[history][source.below(_SIZE_MAX)]
    if kind == 4:  # noqa: PLR2004
        return _root(history, source.below(_SIZE_MAX + 1))
    size = source.below(_SIZE_MAX) + 1
    path = _path(history, source.below(size), size)
    return path[source.below(len(path))] if path else _root(history, size)


def _edited_proof(proof: Sequence[bytes], source: Input) -> list[bytes]:
    """Return a proof after at most eight edits."""
    rows = list(proof)
    for _ in range(source.below(8)):
        at, kind = source.below(len(rows) + 1), source.below(5)
        if kind == 0:
            rows.insert(at, _some_hash(source))
        elif kind == 1 and at < len(rows):
            rows[at] = _some_hash(source)
        elif kind == 2:  # noqa: PLR2004
            del rows[at : at + 1]
        elif kind == 3:  # noqa: PLR2004
            rows[at:at] = rows[:at]
        elif at < len(rows):
            rows.append(rows.pop(at))
    return rows[:_HASHES_MAX]


def _far_size(source: Input) -> int:
    """Return a size of any magnitude."""
    return source.number(8) >> source.below(64)


def inclusion(data: bytes) -> bool:
    """Compare verify_inclusion with the definition, for trees that exist and sizes beyond them."""
    source = Input(data)
    history = source.below(4)
    if history > 1:
        return _inclusion_by_shape(source)
    size = source.below(_SIZE_MAX) + 1
    index = source.below(size + 2)
    leaves = _HISTORIES[history][:size]
    proof = _edited_proof(_path(history, min(index, size - 1), size), source)
    is_true_leaf = source.below(3) < 2  # noqa: PLR2004 - two of three times
    hash_ = leaves[min(index, size - 1)] if is_true_leaf else _some_hash(source)
    accepted = _accepts_inclusion(proof, hash_, index, size, _root(history, size))
    is_true = (
        index < size and hash_ == leaves[index] and tuple(proof) == _path(history, index, size)
    )
    expect(accepted == is_true, "inclusion is accepted if and only if it is true")
    return accepted


def _inclusion_by_shape(source: Input) -> bool:
    """Do so for sizes that no tree can have here: a path that leads to the root is accepted."""
    size = _far_size(source) % 2**63 + 1
    index = _far_size(source) % (size + 1)
    proof = [source.take(32) for _ in range(source.below(70))]
    hash_ = source.take(32)
    led = oracle.fold_inclusion(index, size, hash_, proof) if index < size else None
    # 2^63 leaves are one too many for the kernel.
    is_true = led is not None and size < 2**63 and len(proof) < 64  # noqa: PLR2004
    accepted = _accepts_inclusion(proof, hash_, index, size, led or hash_)
    expect(accepted == is_true, "a path is accepted if and only if it leads to the root")
    other = oracle.leaf(led or hash_)
    expect(not _accepts_inclusion(proof, hash_, index, size, other), "another root is refused")
    return accepted


def _accepts_inclusion(
    proof: Sequence[bytes], hash_: bytes, index: int, size: int, root: bytes
) -> bool:
    def run() -> bool:
        verify_inclusion(proof, leaf=hash_, index=index, size=size, root=root)
        return True

    return bool(attempt(run))


def consistency(data: bytes) -> bool:
    """Compare verify_consistency with the definition, likewise; a fork is never consistent."""
    source = Input(data)
    history = source.below(4)
    if history > 1:
        return _consistency_by_shape(source)
    size = source.below(_SIZE_MAX + 1)
    old = source.below(size + 3)
    old_history = source.below(2)
    true_old = _root(history, min(old, size))
    proof = _edited_proof(_subproof(history, min(old, size), size), source)
    kind = source.below(4)
    if kind == 1:
        old_root = _root(old_history, min(old, _SIZE_MAX))
    elif kind == 2:  # noqa: PLR2004
        old_root = _some_hash(source)
    else:
        old_root = true_old
    accepted = _accepts_consistency(proof, old, old_root, size, _root(history, size))
    is_true = old <= size and old_root == true_old and tuple(proof) == _subproof(history, old, size)
    expect(accepted == is_true, "consistency is accepted if and only if it is true")
    if accepted and old_history != history and kind == 1:
        expect(old <= _PARTED, "two histories agree up to where they part and no further")
    return accepted


def _consistency_by_shape(source: Input) -> bool:
    size = _far_size(source) % 2**63 + 1
    old = _far_size(source) % size + 1
    proof = [source.take(32) for _ in range(source.below(70))]
    led = oracle.fold_consistency(old, size, source.take(32), proof)
    old_root, root = led or (oracle.EMPTY, oracle.EMPTY)
    is_true = led is not None and size < 2**63
    accepted = _accepts_consistency(proof, old, old_root, size, root)
    expect(accepted == is_true, "a proof is accepted if and only if it leads to both roots")
    other = oracle.leaf(root)
    expect(not _accepts_consistency(proof, old, old_root, size, other), "another root is refused")
    if old != size:
        expect(
            not _accepts_consistency(proof, old, other, size, root), "another old root is refused"
        )
    return accepted


def _accepts_consistency(
    proof: Sequence[bytes], old: int, old_root: bytes, size: int, root: bytes
) -> bool:
    def run() -> bool:
        verify_consistency(proof, old_size=old, old_root=old_root, size=size, root=root)
        return True

    return bool(attempt(run))


def proof_seeds() -> Iterator[bytes]:
    """Yield inputs that reach both histories, both kinds and sizes around powers of two."""
    for history in (0, 1):
        for size in (1, 2, 3, 7, 8, 9, 21, 22, 63, 64, 65, 69):
            for other in (0, 1, size // 2, size - 1, size):
                yield bytes((history, size, other)) + bytes(12)
    for shift in (0, 1, 20, 60, 63):
        yield bytes((2,)) + b"\xff" * 8 + bytes((shift,)) + b"\x7f" * 8 + bytes((shift, 3))
        yield bytes((2,)) + bytes(7) + b"\x01" + bytes((shift,)) + bytes(9) + bytes(40)


class _Tiles:
    """Tiles of a history, one of them perhaps tampered with."""

    def __init__(self, tiles: dict[tuple[int, int], bytes]) -> None:
        self.tiles = tiles

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return a tile, however long it is."""
        del width
        return self.tiles[level, index]


@lru_cache(maxsize=8)
def _grown(size: int) -> tuple[tuple[bytes, ...], bytes, dict[tuple[int, int], bytes]]:
    """Return leaves, root by definition, and tiles of a tree that the kernel grew at once."""
    leaves = tuple(leaf_hashes(b"%d" % i for i in range(size)))
    growth = grow(Frontier.empty(), {}, leaves)
    kept = {(tile.level, tile.index): tile.data for tile in growth.tiles}
    return leaves, oracle.root(leaves), kept


@lru_cache(maxsize=2_048)
def _cached(index: int, size: int) -> list[bytes]:
    return oracle.path(index, _grown(size)[0])


@lru_cache(maxsize=2_048)
def _extended(old: int, size: int) -> tuple[bytes, list[bytes]]:
    leaves = _grown(size)[0]
    return oracle.root(leaves[:old]), oracle.subproof(old, leaves)


def tiles(data: bytes) -> bool:
    """Read proofs from tiles of a stranger: what is whole proves, what is not is refused or fails.

    A proof that was built from tampered tiles must not verify against the true root unless it is
    the true proof.
    """
    source = Input(data)
    size = source.choose((1, 2, 255, 256, 257, 300, 513))
    leaves, root, whole = _grown(size)
    index, old = source.below(size), source.below(size) + 1
    kept = dict(whole)
    place = source.choose(sorted(kept))
    kept[place] = edits(kept[place], source)
    reader = NodesFromTiles(_Tiles(kept), size=size)
    read_root = attempt(lambda: root_at(reader, size=size))
    inclusion_path = attempt(lambda: inclusion_proof(reader, index=index, size=size))
    grown_from = attempt(lambda: consistency_proof(reader, old_size=old, size=size))
    width = tile_width(*place, size)
    if kept[place][: width * 32] == whole[place]:
        expect(read_root == root, "whole tiles give the root")
    if inclusion_path is not None:
        accepted = _accepts_inclusion(inclusion_path, leaves[index], index, size, root)
        is_true = list(inclusion_path) == _cached(index, size)
        expect(accepted == is_true, "a path from tiles is accepted if and only if it is true")
    if grown_from is not None and old != size:
        old_root, subproof = _extended(old, size)
        accepted = _accepts_consistency(grown_from, old, old_root, size, root)
        is_true = list(grown_from) == subproof
        expect(accepted == is_true, "a proof from tiles is accepted if and only if it is true")
    return read_root == root


def bundle(data: bytes) -> bool:
    """Read an entry bundle: what is taken is exactly what is written again."""
    source = Input(data)
    width = source.below(TILE_WIDTH) + 1
    raw = source.rest()
    entries = attempt(lambda: decode_entries(raw, width=width))
    if entries is None:
        return False
    expect(len(entries) == width, "a bundle has as many entries as asked for")
    expect(encode_entries(entries) == raw, "a bundle has one spelling")
    return True


def bundle_seeds() -> Iterator[bytes]:
    """Yield bundles of several widths."""
    for width in (1, 2, 5, 256):
        entries = [b"x" * (i % 7) for i in range(width)]
        yield bytes((width - 1,)) + encode_entries(entries)
    yield b"\x00" + encode_entries([b"y" * 300])


def frontier(data: bytes) -> bool:
    """Append in any portions: the root is that of the definition; and read what was written."""
    source = Input(data)
    raw = source.take(source.below(200))
    read = attempt(lambda: Frontier.from_bytes(raw))
    if read is not None:
        expect(read.to_bytes() == raw, "a frontier has one spelling")
    edge, leaves = Frontier.empty(), _HISTORIES[0]
    while edge.size < _SIZE_MAX and source.left:
        edge = edge.append(leaves[edge.size : edge.size + source.below(9)])
        expect(edge.root == _root(0, edge.size), "a root does not depend on how leaves came")
    again = Frontier.from_bytes(edge.to_bytes())
    if again != edge:
        raise Finding("a frontier that was written reads back")
    return True
