"""The log against PyPI aics-tlog: notes, checkpoints, cosignatures, tiles and proofs, both ways."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from deltacare.errors import PeerFault
from deltacare.keys import VerifierKey
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.tlog.policy import Policy
from deltacare.tlog.proof import (
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from deltacare.tlog.tree import leaf_hash
from tests.deltacare.builders import EntriesReader, seed
from tests.interop.tlog_support import ROOT, Output, output

pytestmark = pytest.mark.interop

INSTALLED = ROOT / ".venv" / "aics-tlog"


@pytest.fixture(scope="module")
def aics() -> ModuleType:
    """Import aics-tlog from where setup.sh put it."""
    assert INSTALLED.exists(), "run make test-interop, which installs aics-tlog"
    sys.path.append(str(INSTALLED))
    try:
        return import_module("aics_tlog")
    finally:
        sys.path.remove(str(INSTALLED))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """Return the demonstration's output, or one of our own."""
    return output(tmp_path_factory.mktemp("out"))


def test_aics_verifies_every_log(aics: ModuleType, out: Output) -> None:
    """Checkpoint, cosignatures to the quorum, every tile and every entry of each log."""
    audit = import_module("aics_tlog.verified").audit_tiles
    for name in out.logs():
        policy = Policy.from_bytes(out.policy(name).read_bytes())
        (log_key,) = policy.logs
        witnesses = [aics.parse_vkey(key.to_text()) for key in policy.witnesses.values()]
        note = aics.parse_note((out.log(name) / "checkpoint").read_bytes())
        result = aics.verify_checkpoint(
            note,
            aics.parse_vkey(log_key.to_text()),
            witnesses,
            1 if "settlement" in name else 2,
            expected_origin=name,
        )
        assert result.ok, result.error
        reader = aics.FileSystemTileReader(out.log(name))
        audit(reader, result.size, result.root)


def test_aics_refuses_what_was_changed(aics: ModuleType, out: Output) -> None:
    """Another log's key, and a quorum beyond those who signed: the check can fail."""
    name, other = out.logs()[:2]
    key = Policy.from_bytes(out.policy(other).read_bytes()).logs[0]
    note = aics.parse_note((out.log(name) / "checkpoint").read_bytes())
    assert not aics.verify_checkpoint(note, aics.parse_vkey(key.to_text())).ok


def test_proofs_agree_both_ways(aics: ModuleType) -> None:
    """Proofs of one verify with the other, for every leaf and earlier size of some trees."""
    entries = [f"entry {i}".encode() for i in range(70)]
    reader = EntriesReader(entries)
    for size in (1, 2, 7, 8, 64, 69, 70):
        tree = aics.MerkleTree(entries[:size])
        for index in range(size):
            ours = inclusion_proof(reader, index=index, size=size)
            assert list(ours) == tree.inclusion_proof(index)
            assert aics.verify_leaf_inclusion(entries[index], index, size, ours, tree.root())
            verify_inclusion(
                tree.inclusion_proof(index),
                leaf=leaf_hash(entries[index]),
                index=index,
                size=size,
                root=tree.root(),
            )
        for old in range(size + 1):
            ours = consistency_proof(reader, old_size=old, size=size)
            old_root = tree.root(old)
            assert list(ours) == tree.consistency_proof(old)
            assert aics.verify_consistency(old, size, old_root, tree.root(), ours)
            verify_consistency(ours, old_size=old, old_root=old_root, size=size, root=tree.root())


def test_we_verify_what_aics_signs(aics: ModuleType, tmp_path: Path) -> None:
    """A checkpoint and a cosignature by aics-tlog verify here, with the keys it prints."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    log = Ed25519PrivateKey.from_private_bytes(seed("aics log"))
    witness = Ed25519PrivateKey.from_private_bytes(seed("aics witness"))
    tree = aics.MerkleTree([b"a", b"b", b"c"])
    checkpoint = aics.Checkpoint(origin="aics.example/log", size=3, root=tree.root())
    note = aics.sign_checkpoint(checkpoint, log, "aics.example/log")
    _, line = aics.sign_cosignature(
        witness, "aics.example/w", 1_795_334_400, checkpoint.origin, 3, tree.root()
    )
    path = tmp_path / "checkpoint"
    path.write_bytes(aics.Note(note.text, (*note.signatures, line)).to_bytes())
    log_key = VerifierKey.from_text(
        aics.format_vkey(aics.vkey_from_ed25519("aics.example/log", log.public_key()))
    )
    witness_key = VerifierKey.from_text(
        aics.format_vkey(aics.cosignature_vkey("aics.example/w", witness.public_key()))
    )
    signed = SignedCheckpoint.from_bytes(path.read_bytes(), log_key)
    (found,) = verify_cosignatures(signed, [witness_key])
    assert (3, tree.root()) == (signed.checkpoint.size, signed.checkpoint.root)
    assert 1_795_334_400 == int(found.time.timestamp())
    with pytest.raises(PeerFault):
        SignedCheckpoint.from_bytes(path.read_bytes().replace(b"\n3\n", b"\n4\n"), log_key)
