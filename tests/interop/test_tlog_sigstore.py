"""Receipts against npm @sigstore/verify: checkpoint signature and inclusion proof."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop.tlog_support import Output, output

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent


def _verify(*cases: tuple[Path, Path, Path]) -> list[dict[str, Any]]:
    """Return sigstore's answer to each policy, receipt and entry."""
    node = shutil.which("node")
    assert node, "the interop tests need Node.js"
    assert (HERE / "node_modules" / "@sigstore").exists(), "run make test-interop"
    lines = [
        json.dumps({"policy": str(policy), "receipt": str(receipt), "entry": str(entry)})
        for policy, receipt, entry in cases
    ]
    run = subprocess.run(
        [node, HERE / "sigstore" / "verify.js"],
        input="\n".join(lines) + "\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """Return the demonstration's output, or one of our own."""
    return output(tmp_path_factory.mktemp("out"))


def test_sigstore_verifies_every_receipt(out: Output) -> None:
    """Each receipt's checkpoint and proof, by the key in its log's policy."""
    receipts = out.receipts()
    answers = _verify(*((out.policy(o), receipt, entry) for receipt, entry, o in receipts))
    assert [(True, origin) for _, _, origin in receipts] == [
        (answer["ok"], answer.get("origin")) for answer in answers
    ]


def test_sigstore_refuses_what_was_changed(out: Output, tmp_path: Path) -> None:
    """Another entry, another key or another size: the check can fail."""
    receipt, entry, origin = next(r for r in out.receipts() if r[0].read_bytes().count(b"\n") > 6)
    other = next(name for name in out.logs() if name != origin)
    forged = tmp_path / "forged.entry"
    forged.write_bytes(entry.read_bytes() + b"\x00")
    resized = tmp_path / "resized.tlog-proof"
    head, _, checkpoint = receipt.read_bytes().partition(b"\n\n")
    name, size, rest = checkpoint.split(b"\n", 2)
    resized.write_bytes(head + b"\n\n" + b"\n".join((name, size + b"0", rest)))
    policy = out.policy(origin)
    answers = _verify(
        (policy, receipt, forged), (out.policy(other), receipt, entry), (policy, resized, entry)
    )
    assert [False, False, False] == [answer["ok"] for answer in answers]
