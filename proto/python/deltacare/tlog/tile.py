"""C2SP tlog-tiles: the tree as files of 256 hashes and the entries in bundles of 256.

A store keeps tiles and reads them back through one method; every proof can be computed from them,
by us and by tools that are not ours. Appending needs the frontier and the partial tiles of the
right edge, and yields what to write: a tile that was partial is replaced by its longer self.

Source: https://c2sp.org/tlog-tiles
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from deltacare.errors import PeerFault, Reason
from deltacare.tlog.proof import Node
from deltacare.tlog.tree import HASH_BYTES, SIZE_MAX, Frontier, pair_hashes, split_hashes

__all__ = [
    "ENTRY_BYTES_MAX",
    "TILE_WIDTH",
    "Growth",
    "NodesFromTiles",
    "Tile",
    "TileId",
    "TileReader",
    "decode_entries",
    "encode_entries",
    "entries_path",
    "grow",
    "partial_tiles",
    "tile_path",
    "tile_width",
    "tiles_of",
]

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
ENTRY_BYTES_MAX = 65_535
LEVEL_MAX = 63

_LENGTH_BYTES = 2
_INDEX_GROUP = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TileId:
    """Which tile, and how many hashes of it."""

    level: int
    index: int
    width: int


class TileReader(Protocol):
    """Reads the tiles of one tree."""

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return the first `width` hashes of a tile, concatenated; more of them do no harm.

        Args:
            level: 0 to 63, 0 for leaf hashes.
            index: Index of the tile within its level.
            width: 1 to 256.

        Raises:
            DeltacareError: If they are not held.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A tile to be written in place of any shorter one.

    Attributes:
        level: 0 for leaf hashes; above it the roots of full tiles of the level below.
        index: Index within the level.
        width: Hashes, 1 to 256.
        data: The hashes, concatenated.
    """

    level: int
    index: int
    width: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """What appending changes.

    Attributes:
        frontier: The frontier afterwards.
        tiles: The tiles to write, by level and index.
    """

    frontier: Frontier
    tiles: tuple[Tile, ...]


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile below the log's directory, such as ``tile/0/x001/234.p/5``."""
    assert 0 <= level <= LEVEL_MAX, "a tile's level is 0 to 63"
    return f"tile/{level}/{_index_path(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of an entry bundle below the log's directory."""
    return f"tile/entries/{_index_path(index, width)}"


def tile_width(level: int, index: int, size: int) -> int:
    """Return how many hashes a tile has in a tree of `size` leaves; 0 if it has none."""
    return max(0, min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - index * TILE_WIDTH))


def partial_tiles(size: int) -> tuple[TileId, ...]:
    """Return the partial tiles of a tree of `size` leaves: what `grow` needs to go on."""
    found: list[TileId] = []
    level, count = 0, size
    while count:
        if count % TILE_WIDTH:
            index, width = divmod(count, TILE_WIDTH)
            found.append(TileId(level=level, index=index, width=width))
        level, count = level + 1, count >> TILE_HEIGHT
    return tuple(found)


def tiles_of(size: int) -> Iterator[TileId]:
    """Yield every tile of a tree of `size` leaves, level by level."""
    level, count = 0, size
    while count:
        for index in range(-(-count // TILE_WIDTH)):
            yield TileId(level=level, index=index, width=tile_width(level, index, size))
        level, count = level + 1, count >> TILE_HEIGHT


def grow(frontier: Frontier, partials: Mapping[int, bytes], leaves: Sequence[bytes]) -> Growth:
    """Return what appending leaf hashes to a tree changes, hashing each node once.

    Args:
        frontier: The tree as it is.
        partials: By level the bytes of each partial tile that `partial_tiles` names.
        leaves: Leaf hashes of 32 bytes.
    """
    for edge in partial_tiles(frontier.size):
        held = len(partials[edge.level])
        assert held == edge.width * HASH_BYTES, "the right edge is complete"
    after, grown = frontier.grow(leaves)
    tiles: list[Tile] = []
    for row in grown:
        level, within = divmod(row.level, TILE_HEIGHT)
        if within:
            continue
        index, offset = divmod(row.first_index, TILE_WIDTH)
        data = (partials[level] if offset else b"") + b"".join(row.hashes)
        step = TILE_WIDTH * HASH_BYTES
        for start in range(0, len(data), step):
            part = data[start : start + step]
            width = len(part) // HASH_BYTES
            tiles.append(Tile(level=level, index=index, width=width, data=part))
            index += 1
    return Growth(frontier=after, tiles=tuple(tiles))


class NodesFromTiles:
    """Reads nodes of a tree from its tiles: the `NodeReader` over any `TileReader`.

    Made for one proof or a few: it keeps the tiles it has read.

    Args:
        tiles: Where the tiles are.
        size: Leaves of the tree they are read for.
    """

    def __init__(self, tiles: TileReader, *, size: int) -> None:
        assert 0 <= size <= SIZE_MAX, "a tree has less than 2^63 leaves"
        self._tiles = tiles
        self._size = size
        self._read: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def read_nodes(self, nodes: Sequence[Node], /) -> list[bytes]:
        """Return the hash of each node.

        Raises:
            PeerFault: ``BAD_PROOF``, if a tile is shorter than its tree says.
        """
        return [self._node(node) for node in nodes]

    def _node(self, node: Node) -> bytes:
        assert (node.index + 1) << node.level <= self._size, "the node is complete in the tree"
        level, height = divmod(node.level, TILE_HEIGHT)
        index, first = divmod(node.index << height, TILE_WIDTH)
        row = list(self._tile(level, index)[first : first + (1 << height)])
        while len(row) > 1:
            row = pair_hashes(row)
        return row[0]

    def _tile(self, level: int, index: int) -> tuple[bytes, ...]:
        known = self._read.get((level, index))
        if known is not None:
            return known
        width = tile_width(level, index, self._size)
        data = self._tiles.read_tile(level, index, width)
        if len(data) < width * HASH_BYTES:
            raise PeerFault(
                Reason.BAD_PROOF,
                f"Tile {tile_path(level, index, width)} is too short.",
                details={"bytes": str(len(data)), "expected": str(width * HASH_BYTES)},
            )
        hashes = split_hashes(data[: width * HASH_BYTES])
        self._read[level, index] = hashes
        return hashes


def encode_entries(entries: Sequence[bytes]) -> bytes:
    """Return an entry bundle: each entry after its length in two bytes, big-endian.

    Args:
        entries: At most 256, each at most 65,535 bytes.
    """
    assert len(entries) <= TILE_WIDTH, "a bundle has at most 256 entries"
    assert all(len(entry) <= ENTRY_BYTES_MAX for entry in entries), "an entry fits its length"
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def decode_entries(data: bytes, *, width: int) -> tuple[bytes, ...]:
    """Return the entries of a bundle.

    Args:
        data: The bundle.
        width: How many entries it must have, 1 to 256.

    Raises:
        PeerFault: ``BAD_PROOF``, if it is cut off or has another number of entries.
    """
    entries: list[bytes] = []
    position = 0
    while position < len(data) and len(entries) < width:
        start = position + _LENGTH_BYTES
        position = start + int.from_bytes(data[position:start], "big")
        if start > len(data) or position > len(data):
            raise PeerFault(Reason.BAD_PROOF, "The entry bundle is cut off.")
        entries.append(data[start:position])
    if position != len(data) or len(entries) != width:
        raise PeerFault(Reason.BAD_PROOF, f"The entry bundle has not exactly {width} entries.")
    return tuple(entries)


def _index_path(index: int, width: int) -> str:
    assert index >= 0, "a tile's index is not negative"
    assert 1 <= width <= TILE_WIDTH, "a tile has 1 to 256 hashes"
    path = f"{index % _INDEX_GROUP:03d}"
    while index >= _INDEX_GROUP:
        index //= _INDEX_GROUP
        path = f"x{index % _INDEX_GROUP:03d}/{path}"
    return path if width == TILE_WIDTH else f"{path}.p/{width}"
