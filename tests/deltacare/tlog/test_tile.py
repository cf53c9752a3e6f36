"""Tiles: paths of the specification, growth, proofs from tiles, entry bundles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltacare.errors import PeerFault
from deltacare.tlog.proof import consistency_proof, inclusion_proof, root_at
from deltacare.tlog.tile import (
    ENTRY_BYTES_MAX,
    NodesFromTiles,
    TileId,
    decode_entries,
    encode_entries,
    entries_path,
    grow,
    partial_tiles,
    tile_path,
    tile_width,
    tiles_of,
)
from deltacare.tlog.tree import Frontier, leaf_hashes
from tests.deltacare.builders import EntriesReader, TileStore, naive_root

ENTRIES = [str(i).encode() for i in range(1_400)]
HASHES = leaf_hashes(ENTRIES)


def _store(sizes: list[int], hashes: list[bytes] = HASHES) -> tuple[Frontier, TileStore]:
    """Return the tree and tiles after appending up to each size in turn."""
    frontier, store = Frontier.empty(), TileStore()
    for size in sizes:
        partials = {
            edge.level: store.tiles[edge.level, edge.index] for edge in partial_tiles(frontier.size)
        }
        growth = grow(frontier, partials, hashes[frontier.size : size])
        store.write(growth.tiles)
        frontier = growth.frontier
    return frontier, store


@pytest.mark.parametrize(
    "level, index, width, path",
    [
        (0, 0, 256, "tile/0/000"),
        (1, 1_234_067, 256, "tile/1/x001/x234/067"),  # the example of tlog-tiles
        (0, 1_000, 5, "tile/0/x001/000.p/5"),
        (63, 999, 255, "tile/63/999.p/255"),
    ],
)
def test_paths_of_tiles(level: int, index: int, width: int, path: str) -> None:
    """Paths are those of https://c2sp.org/tlog-tiles."""
    assert path == tile_path(level, index, width)


def test_paths_of_entries() -> None:
    """Entry bundles lie beside the tiles."""
    assert "tile/entries/x273/001.p/112" == entries_path(273_001, 112)
    assert "tile/entries/000" == entries_path(0)


def test_the_example_of_seventy_thousand() -> None:
    """https://c2sp.org/tlog-tiles, "Partial Tiles": a tree of size 70,000."""
    tiles = list(tiles_of(70_000))
    full = [(t.level, t.index) for t in tiles if t.width == 256]
    assert 273 == sum(level == 0 for level, _ in full)
    assert [(1, 0)] == [each for each in full if each[0] == 1]
    assert (
        TileId(level=0, index=273, width=112),
        TileId(level=1, index=1, width=17),
        TileId(level=2, index=0, width=1),
    ) == partial_tiles(70_000)


def test_the_example_of_two_hundred_fifty_six() -> None:
    """The same place: a full tile at level 0 and a partial one of width 1 at level 1."""
    assert [
        TileId(level=0, index=0, width=256),
        TileId(level=1, index=0, width=1),
    ] == list(tiles_of(256))


@given(st.lists(st.integers(0, len(ENTRIES)), max_size=8))
@settings(deadline=None)
def test_growing_in_steps_makes_the_same_tiles(steps: list[int]) -> None:
    """However it grew, a tree of one size has the same tiles, and each is as wide as it says."""
    size = max(steps, default=0)
    frontier, store = _store(sorted(steps))
    _, at_once = _store([size])
    assert at_once.tiles == store.tiles
    expected = {(t.level, t.index): t.width * 32 for t in tiles_of(size)}
    assert expected == {place: len(data) for place, data in store.tiles.items()}
    assert naive_root(ENTRIES[:size]) == frontier.root


@given(st.data(), st.integers(1, len(ENTRIES)))
@settings(deadline=None)
def test_proofs_come_from_tiles(data: st.DataObject, size: int) -> None:
    """Proofs and roots from tiles equal those from the entries, also at an earlier size."""
    _, store = _store([len(ENTRIES)])
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))
    tiles, plain = NodesFromTiles(store, size=size), EntriesReader(ENTRIES)
    assert inclusion_proof(plain, index=index, size=size) == inclusion_proof(
        tiles, index=index, size=size
    )
    assert consistency_proof(plain, old_size=old, size=size) == consistency_proof(
        tiles, old_size=old, size=size
    )
    assert naive_root(ENTRIES[:size]) == root_at(tiles, size=size)


def test_a_tree_of_three_levels_of_tiles() -> None:
    """Above 65,536 leaves a third level begins; roots and proofs still agree."""
    hashes = [i.to_bytes(32, "big") for i in range(65_800)]
    frontier, store = _store([65_000, 65_536, 65_800], hashes)
    assert TileId(level=2, index=0, width=1) == partial_tiles(65_800)[-1]
    assert Frontier.empty().append(hashes).root == frontier.root
    reader = NodesFromTiles(store, size=65_800)
    assert frontier.root == root_at(reader, size=65_800)
    assert Frontier.empty().append(hashes[:65_001]).root == root_at(reader, size=65_001)


def test_a_short_tile_is_refused() -> None:
    """A store or partner that gives half a tile is found out."""
    _, store = _store([300])
    store.tiles[0, 1] = store.tiles[0, 1][:-1]
    with pytest.raises(PeerFault, match=r"tile/0/001.p/44"):
        inclusion_proof(NodesFromTiles(store, size=300), index=299, size=300)


def test_an_incomplete_edge_is_our_mistake() -> None:
    """Growing without the partial tiles would write wrong ones; it does not start."""
    frontier, store = _store([300])
    with pytest.raises(AssertionError):
        grow(frontier, {0: store.tiles[0, 1][:-32], 1: store.tiles[1, 0]}, HASHES[300:301])


@pytest.mark.parametrize(
    "level, index, size, width",
    [(0, 0, 0, 0), (0, 0, 5, 5), (0, 1, 256, 0), (0, 1, 700, 256), (1, 0, 700, 2), (2, 0, 700, 0)],
)
def test_widths(level: int, index: int, size: int, width: int) -> None:
    """A tile has as many hashes as its tree has nodes there."""
    assert width == tile_width(level, index, size)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_entry_bundles_read_back(entries: list[bytes]) -> None:
    """Entries survive their bundle."""
    assert tuple(entries) == decode_entries(encode_entries(entries), width=len(entries))


def test_the_largest_entry_fits() -> None:
    """65,535 bytes, with the length big-endian in front."""
    bundle = encode_entries([bytes(ENTRY_BYTES_MAX), b"\x01"])
    assert b"\xff\xff" == bundle[:2]
    assert b"\x00\x01\x01" == bundle[-3:]
    with pytest.raises(AssertionError):
        encode_entries([bytes(ENTRY_BYTES_MAX + 1)])


@pytest.mark.parametrize(
    "data, width",
    [
        (b"", 1),
        (b"\x00", 1),
        (b"\x00\x02a", 1),
        (b"\x00\x01a\x00", 1),
        (b"\x00\x01a\x00\x01b", 1),
        (b"\x00\x01a", 2),
        (b"\x00\x01a\x00", 2),
    ],
)
def test_other_bundles_are_refused(data: bytes, width: int) -> None:
    """Cut off, too long or of another number of entries."""
    with pytest.raises(PeerFault):
        decode_entries(data, width=width)
