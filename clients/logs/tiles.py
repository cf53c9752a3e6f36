"""Writes a log as a C2SP tlog-tiles directory, which stock tools read without us.

``checkpoint``, ``tile/<level>/…`` and ``tile/entries/…``, partial tiles included. The checkpoint is
written last, so that a directory with one is complete. The root of what was written must be the
one that is signed; who signed is for the verifier to judge.

Source: https://c2sp.org/tlog-tiles
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clients.logs.source import LogSource, claimed_size
from deltacare.errors import PeerFault, Reason
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.note import SignedNote
from deltacare.tlog.tile import TILE_WIDTH, encode_entries, entries_path, grow, tile_path
from deltacare.tlog.tree import Frontier, leaf_hashes

__all__ = ["Exported", "export_tiles"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        size: Entries.
        root: Root of the tree.
    """

    size: int
    root: bytes


def export_tiles(
    source: LogSource, directory: Path, advance: Callable[[int], None] = lambda _: None
) -> Exported:
    """Write a log's tiles, entries and newest cosigned checkpoint into a directory.

    Args:
        source: Where to read it.
        directory: Is made; files in it are replaced.
        advance: Is told how many more entries were written.

    Raises:
        PeerFault: ``BAD_PROOF``, if the entries do not have the root of the checkpoint.
    """
    note = source.checkpoint()
    directory.mkdir(parents=True, exist_ok=True)
    # 1. Entry bundles as they come; leaf hashes are kept, 32 bytes an entry.
    hashes: list[bytes] = []
    pending: list[bytes] = []
    bundle = 0
    for run in source.entries(claimed_size(note)):
        hashes += leaf_hashes(run)
        pending += run
        advance(len(run))
        while len(pending) >= TILE_WIDTH:
            _write(directory / entries_path(bundle), encode_entries(pending[:TILE_WIDTH]))
            del pending[:TILE_WIDTH]
            bundle += 1
    if pending:
        _write(directory / entries_path(bundle, len(pending)), encode_entries(pending))
    # 2. The tree.
    growth = grow(Frontier.empty(), {}, hashes)
    for tile in growth.tiles:
        _write(directory / tile_path(tile.level, tile.index, tile.width), tile.data)
    # 3. What was signed is what was written.
    signed = Checkpoint.from_text(SignedNote.from_bytes(note).text)
    root = growth.frontier.root
    if (growth.frontier.size, root) != (signed.size, signed.root):
        raise PeerFault(
            Reason.BAD_PROOF,
            f"The entries of {signed.origin} do not have the root of its checkpoint.",
            details={"log": signed.origin},
        )
    _write(directory / "checkpoint", note)
    return Exported(size=signed.size, root=root)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
