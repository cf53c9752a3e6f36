"""Whole logs as files: exported as tiles, read back, verified, and refused when anything is off."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients.logs.source import TilesDirectory
from clients.logs.tiles import export_tiles
from clients.logs.verify import verify_log
from deltacare.errors import PeerFault, Reason, Refusal
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import cosign
from deltacare.tlog.policy import Policy, Tainted
from deltacare.tlog.tile import ENTRY_BYTES_MAX, TILE_WIDTH, tile_path, tiles_of
from deltacare.tlog.tree import root_of

NAME = "deltacare/310000/registry"
LOG = LogSigner(name=NAME, seed=b"\x01" * 32)
WITNESSES = [
    WitnessSigner(name=f"deltacare/{province}/witness", seed=bytes([number]) * 32)
    for number, province in enumerate(("320000", "330000", "340000"), start=2)
]
POLICY = Policy.of(
    logs=[LOG.verifier], witnesses=[witness.verifier for witness in WITNESSES], quorum=2
)
TIME = datetime(2026, 11, 22, 8, tzinfo=UTC)


class Held:
    """A log in memory, with so many cosignatures."""

    def __init__(self, entries: Sequence[bytes], *, cosigners: int = 2) -> None:
        self._entries = list(entries)
        head = Checkpoint(origin=NAME, size=len(entries), root=root_of(entries))
        signed = SignedCheckpoint.sign(head, LOG)
        self.note = signed.with_signatures(
            cosign(head, witness, time=TIME) for witness in WITNESSES[:cosigners]
        ).to_bytes()

    def checkpoint(self) -> bytes:
        """Return the note."""
        return self.note

    def entries(self, size: int) -> Iterator[Sequence[bytes]]:
        """Yield the entries in runs of 100."""
        for first in range(0, size, 100):
            yield self._entries[first : first + 100]


def made(count: int) -> list[bytes]:
    """Return so many entries."""
    return [b"entry %d" % index for index in range(count)]


def test_log_whose_key_was_replaced() -> None:
    """A policy that names the keys of both times verifies what either of them signed."""
    earlier = LogSigner(name=NAME, seed=b"\x09" * 32)
    witnesses = [witness.verifier for witness in WITNESSES]
    logs = [earlier.verifier, LOG.verifier]
    for order in (logs, logs[::-1]):
        policy = Policy.of(logs=order, witnesses=witnesses, quorum=2)
        assert 5 == verify_log(Held(made(5)), policy).size
    with pytest.raises(PeerFault) as caught:
        verify_log(Held(made(5)), Policy.of(logs=logs[:1], witnesses=witnesses, quorum=2))
    assert Reason.BAD_SIGNATURE is caught.value.reason


def test_log_whose_only_key_was_called_bad() -> None:
    """It survives if a quorum had cosigned before that instant, and a bad witness counts not."""
    successor = LogSigner(name=NAME, seed=b"\x09" * 32).verifier
    witnesses = [witness.verifier for witness in WITNESSES]
    now = Policy.of(logs=[successor], witnesses=witnesses, quorum=2)
    after = Tainted(key=LOG.verifier, since=TIME + timedelta(seconds=1))
    assert 5 == verify_log(Held(made(5)), replace(now, tainted_logs=(after,))).size
    at = Tainted(key=LOG.verifier, since=TIME)
    with pytest.raises(PeerFault, match="declared bad since 2026-11-22T08:00:00Z") as caught:
        verify_log(Held(made(5)), replace(now, tainted_logs=(at,)))
    assert Reason.KEY_NOT_IN_FORCE is caught.value.reason
    fewer = Policy.of(logs=[successor], witnesses=witnesses[1:], quorum=2)
    bad = (Tainted(key=witnesses[0], since=TIME + timedelta(days=1)),)
    policy = replace(fewer, tainted_logs=(after,), tainted_witnesses=bad)
    with pytest.raises(PeerFault):
        verify_log(Held(made(5)), policy)
    found = verify_log(Held(made(5), cosigners=3), policy)
    assert [key.name for key in witnesses[1:]] == [name for name, _ in found.cosignatures]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1_000, 66_000])
def test_exported_log_verifies_from_its_files(tmp_path: Path, size: int) -> None:
    """What is written as tiles is read back, and has the root and the cosignatures."""
    exported = export_tiles(Held(made(size)), tmp_path)
    verified = verify_log(TilesDirectory(tmp_path), POLICY)
    assert (NAME, size, root_of(made(size))) == (verified.origin, verified.size, verified.root)
    assert (exported.size, exported.root) == (verified.size, verified.root)
    assert [
        ("deltacare/320000/witness", "2026-11-22T08:00:00Z"),
        ("deltacare/330000/witness", "2026-11-22T08:00:00Z"),
    ] == list(verified.cosignatures)


def test_every_tile_is_there(tmp_path: Path) -> None:
    """All tiles of the tree, partial ones by their width, where tlog-tiles looks for them."""
    export_tiles(Held(made(66_000)), tmp_path)
    expected = {tile_path(tile.level, tile.index, tile.width) for tile in tiles_of(66_000)}
    found = {
        str(path.relative_to(tmp_path))
        for path in (tmp_path / "tile").rglob("*")
        if path.is_file() and "entries" not in path.parts
    }
    assert expected == found


def _reason(path: Path, policy: Policy = POLICY) -> Reason:
    with pytest.raises((PeerFault, Refusal)) as caught:
        verify_log(TilesDirectory(path), policy)
    return caught.value.reason


def test_changed_entry(tmp_path: Path) -> None:
    """One changed byte of one entry is found."""
    export_tiles(Held(made(300)), tmp_path)
    bundle = tmp_path / "tile/entries/000"
    data = bytearray(bundle.read_bytes())
    data[10] ^= 1
    bundle.write_bytes(bytes(data))
    assert Reason.BAD_PROOF is _reason(tmp_path)


def test_too_few_witnesses(tmp_path: Path) -> None:
    """One cosignature is no quorum of two."""
    export_tiles(Held(made(3), cosigners=1), tmp_path)
    assert Reason.NO_QUORUM is _reason(tmp_path)


def test_log_that_the_policy_does_not_trust(tmp_path: Path) -> None:
    """A policy of another log's key does not verify this one."""
    export_tiles(Held(made(3)), tmp_path)
    other = LogSigner(name="deltacare/320000/registry", seed=b"\x09" * 32)
    policy = Policy.of(logs=[other.verifier], witnesses=[], quorum=0)
    assert Reason.BAD_SIGNATURE is _reason(tmp_path, policy)


def test_missing_bundle_is_named(tmp_path: Path) -> None:
    """A directory that lacks a bundle says which."""
    export_tiles(Held(made(300)), tmp_path)
    (tmp_path / "tile/entries/000").unlink()
    assert Reason.NOT_FOUND is _reason(tmp_path)


def test_export_refuses_entries_that_are_not_the_signed_ones(tmp_path: Path) -> None:
    """A node that hands out other entries than it signed leaves no checkpoint behind."""
    held = Held(made(10))
    held._entries[3] = b"another"
    with pytest.raises(PeerFault) as caught:
        export_tiles(held, tmp_path)
    assert Reason.BAD_PROOF is caught.value.reason
    assert not (tmp_path / "checkpoint").exists()


HUGE = 100 * 1024**3
"""More than there is memory; on disk it is a hole."""


def replaced(path: Path, kind: str) -> None:
    """Put something else in a file's place."""
    path.unlink()
    match kind:
        case "huge":
            path.touch()
            os.truncate(path, HUGE)
        case "device":
            path.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(path)
        case "directory":
            path.mkdir()


@pytest.mark.parametrize("name", ["checkpoint", "tile/entries/000", "tile/entries/001.p/44"])
@pytest.mark.parametrize(
    "kind, reason",
    [
        ("huge", Reason.BAD_PROOF),
        ("device", Reason.INVALID_FIELD),
        ("pipe", Reason.INVALID_FIELD),
        ("directory", Reason.INVALID_FIELD),
    ],
)
def test_hostile_directory(tmp_path: Path, name: str, kind: str, reason: Reason) -> None:
    """A directory from others fills no memory and is not waited for; what is wrong is named."""
    export_tiles(Held(made(300)), tmp_path)
    replaced(tmp_path / name, kind)
    with pytest.raises((PeerFault, Refusal), match=name) as caught:
        verify_log(TilesDirectory(tmp_path), POLICY)
    assert reason is caught.value.reason
    assert name in caught.value.details["text_zh"]


def test_largest_bundle(tmp_path: Path) -> None:
    """Entries as long as they may be are read."""
    entries = [bytes(ENTRY_BYTES_MAX) for _ in range(TILE_WIDTH + 1)]
    export_tiles(Held(entries), tmp_path)
    assert TILE_WIDTH + 1 == verify_log(TilesDirectory(tmp_path), POLICY).size
