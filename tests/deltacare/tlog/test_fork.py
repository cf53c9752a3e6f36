"""Proof of two histories: what convinces somebody who holds neither, and what does not."""

from dataclasses import replace

import pytest

from deltacare.errors import PeerFault, Reason
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.fork import Contradiction, verify_fork
from deltacare.tlog.proof import consistency_proof
from deltacare.tlog.tile import NodesFromTiles, grow
from deltacare.tlog.tree import Frontier, leaf_hashes, root_of

ORIGIN = "deltacare/310000/registry"
TRUE = [b"entry %d" % n for n in range(9)]
OTHER = [b"another", *TRUE[1:]]


class Tiles:
    """The tiles of a small tree."""

    def __init__(self, datas: list[bytes]) -> None:
        growth = grow(Frontier.empty(), {}, leaf_hashes(datas))
        self.tiles = {(tile.level, tile.index): tile.data for tile in growth.tiles}

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return a tile."""
        del width
        return self.tiles[level, index]


def checkpoint(datas: list[bytes], size: int) -> Checkpoint:
    """Return the checkpoint of a history at a size."""
    return Checkpoint(origin=ORIGIN, size=size, root=root_of(datas[:size]))


def proof(datas: list[bytes], old: int, new: int) -> tuple[bytes, ...]:
    """Return a history's consistency proof."""
    nodes = NodesFromTiles(Tiles(datas[:new]), size=new)
    return tuple(consistency_proof(nodes, old_size=old, size=new))


@pytest.mark.parametrize("old", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("is_true_first", [True, False])
def test_two_sizes(old: int, *, is_true_first: bool) -> None:
    """The larger one's root at the smaller size contradicts the smaller one."""
    smaller, larger = (TRUE, OTHER) if is_true_first else (OTHER, TRUE)
    root, hashes = root_of(larger[:old]), proof(larger, old, 9)
    found = verify_fork(checkpoint(smaller, old), checkpoint(larger, 9), root, hashes)
    assert found == Contradiction(root=root, hashes=hashes)


def test_one_size() -> None:
    """Two roots of one size need no proof."""
    first, second = checkpoint(TRUE, 9), checkpoint(OTHER, 9)
    assert verify_fork(first, second, second.root, ()) == Contradiction(root=second.root)


@pytest.mark.parametrize("old", [1, 3, 4, 9])
def test_one_history_is_no_fork(old: int) -> None:
    """No root makes two checkpoints of one history contradict each other."""
    first, second = checkpoint(TRUE, old), checkpoint(TRUE, 9)
    hashes = proof(TRUE, old, 9) if old < 9 else ()
    for root in (first.root, second.root, root_of(OTHER[:old]), b"r" * 32, b""):
        with pytest.raises(PeerFault) as caught:
            verify_fork(first, second, root, hashes)
        assert caught.value.reason is Reason.BAD_PROOF


def test_what_is_malformed_is_refused() -> None:
    """Of two logs, the larger first, the empty tree, with too many or short hashes."""
    first, second = checkpoint(TRUE, 4), checkpoint(OTHER, 9)
    root, hashes = root_of(OTHER[:4]), proof(OTHER, 4, 9)
    verify_fork(first, second, root, hashes)
    empty = Checkpoint(origin=ORIGIN, size=0, root=root_of([]))
    cases = [
        (first, replace(second, origin="deltacare/320000/registry"), root, hashes),
        (second, first, root, hashes),
        (empty, second, root, hashes),
        (first, second, root, hashes * 30),
        (first, second, root, (b"short", *hashes[1:])),
        (first, second, root, hashes[:-1]),
        (first, second, root[:-1], hashes),
        (checkpoint(TRUE, 9), second, second.root, hashes),
    ]
    for case in cases:
        with pytest.raises(PeerFault) as caught:
            verify_fork(*case)
        assert caught.value.reason is Reason.BAD_PROOF
