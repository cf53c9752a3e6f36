"""Writes logs, receipts and policies as the demonstration does, and finds what it left.

The layout: ``logs/<log name>/`` with ``checkpoint`` and ``tile/``, ``policy.txt`` with every key
and no quorum, ``policies/<log name>.txt``, ``receipts/*.tlog-proof`` with ``*.entry`` beside each.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from deltacare.ids import LogKind, LogName, all_logs
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.policy import Policy
from deltacare.tlog.proof import inclusion_proof
from deltacare.tlog.receipt import Receipt
from deltacare.tlog.tile import (
    TILE_WIDTH,
    NodesFromTiles,
    encode_entries,
    entries_path,
    grow,
    tile_path,
    tile_width,
)
from deltacare.tlog.tree import Frontier, leaf_hashes
from deltacare.trust import verdict_key_name
from tests.deltacare.builders import PROVINCES, TileStore, log_signer, witness_signer

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

# Sizes at which tiles begin, fill and overflow; the first two logs get the large ones.
SIZES = (66_000, 65_536, 0, 1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 600, 1_000, 1_024)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A directory as the demonstration leaves it."""

    path: Path

    def logs(self) -> list[str]:
        """Return the names of the logs in it."""
        base = self.path / "logs"
        return sorted(str(p.parent.relative_to(base)) for p in base.rglob("checkpoint"))

    def log(self, name: str) -> Path:
        """Return the directory of a log."""
        return self.path / "logs" / name

    def policy(self, name: str) -> Path:
        """Return what one verifies a log by."""
        return self.path / "policies" / f"{name}.txt"

    def receipts(self) -> list[tuple[Path, Path, str]]:
        """Return each receipt, its entry and the log it names."""
        found = []
        for path in sorted((self.path / "receipts").glob("*.tlog-proof")):
            origin = path.read_bytes().partition(b"\n\n")[2].partition(b"\n")[0].decode()
            found.append((path, path.with_suffix(".entry"), origin))
        return found


def output(scratch: Path) -> Output:
    """Return the demonstration's output if it is named, else one of our own in `scratch`."""
    named = os.environ.get("DELTACARE_DEMO_OUT")
    if named:
        return Output(path=Path(named))
    for log, size in zip(all_logs(PROVINCES), SIZES, strict=True):
        entries = [f"entry {i} of {log}".encode() * (1 + i % 3) for i in range(size)]
        write_log(scratch, log, entries)
    names = [*map(str, all_logs(PROVINCES)), *map(verdict_key_name, PROVINCES)]
    every = Policy.of(
        logs=[log_signer(name).verifier for name in names],
        witnesses=[witness_signer(province).verifier for province in PROVINCES],
        quorum=0,
    )
    _write(scratch / "policy.txt", every.to_text().encode())
    return Output(path=scratch)


def write_log(base: Path, log: LogName, entries: Sequence[bytes]) -> None:
    """Write a log with its tiles, cosigned checkpoint, policy and a few receipts."""
    name, size = str(log), len(entries)
    directory = base / "logs" / name
    # 1. Tiles and entries.
    store = TileStore()
    growth = grow(Frontier.empty(), {}, leaf_hashes(entries))
    store.write(growth.tiles)
    for tile in growth.tiles:
        _write(directory / tile_path(tile.level, tile.index, tile.width), tile.data)
    for index in range(-(-size // TILE_WIDTH)):
        part = entries[index * TILE_WIDTH : (index + 1) * TILE_WIDTH]
        path = entries_path(index, tile_width(0, index, size))
        _write(directory / path, encode_entries(part))
    # 2. The checkpoint with its partners' cosignatures.
    partners = [p for p in PROVINCES if p != log.author and log.may_hold(p)]
    checkpoint = Checkpoint(origin=name, size=size, root=growth.frontier.root)
    signed = SignedCheckpoint.sign(checkpoint, log_signer(name)).with_signatures(
        cosign(checkpoint, witness_signer(partner), time=NOW + timedelta(seconds=i))
        for i, partner in enumerate(partners)
    )
    _write(directory / "checkpoint", signed.to_bytes())
    # 3. What one verifies by.
    policy = Policy.of(
        logs=[log_signer(name).verifier],
        witnesses=[witness_signer(partner).verifier for partner in partners],
        quorum=2 if log.kind is LogKind.REGISTRY else 1,
    )
    _write(base / "policies" / f"{name}.txt", policy.to_text().encode())
    # 4. Receipts.
    reader = NodesFromTiles(store, size=size)
    for index in sorted({0, size // 2, size - 1} if size else set()):
        receipt = Receipt(
            index=index,
            proof=inclusion_proof(reader, index=index, size=size),
            checkpoint=signed.to_bytes(),
        )
        stem = f"{name.replace('/', '-')}-{index}"
        _write(base / "receipts" / f"{stem}.tlog-proof", receipt.to_bytes())
        _write(base / "receipts" / f"{stem}.entry", entries[index])


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
