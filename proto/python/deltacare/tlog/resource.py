"""C2SP tlog-tiles: the paths below a log under which a tile or a bundle of entries is asked for.

The inverse of `deltacare.tlog.tile.tile_path`: a path has one reading or none, so that two
spellings of one tile never reach a store, a cache or a file system.

Source: https://c2sp.org/tlog-tiles
"""

import re
from dataclasses import dataclass

from deltacare.tlog.tile import TILE_WIDTH, entries_path, tile_path
from deltacare.tlog.tree import SIZE_MAX

__all__ = ["TileResource", "parse_resource"]

# No tree of less than 2^63 leaves needs more than seven groups of three digits.
_PATH = re.compile(
    r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)
_LEVEL_END = 64
_INDEX_MAX = SIZE_MAX // TILE_WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class TileResource:
    """What a path asks for.

    Attributes:
        level: Of the tile, 0 for leaf hashes; ``None`` for a bundle of entries.
        index: Within the level.
        width: Hashes or entries, 1 to 256.
    """

    level: int | None
    index: int
    width: int


def parse_resource(path: str) -> TileResource | None:
    """Return what a path such as ``tile/0/x001/234.p/5`` asks for; ``None`` if it is no such path.

    Args:
        path: Below the log's own prefix, without a leading slash.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        return None
    index = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3] or TILE_WIDTH)
    level = None if match[1] == "entries" else int(match[1])
    if index > _INDEX_MAX or width > TILE_WIDTH or (level or 0) >= _LEVEL_END:
        return None
    # Leading zeroes, superfluous groups and a "partial" of full width are other spellings.
    spelled = entries_path(index, width) if level is None else tile_path(level, index, width)
    return TileResource(level=level, index=index, width=width) if spelled == path else None
