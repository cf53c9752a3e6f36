"""Checkpoints of both suites before tools that know only one: Go's note and tlog packages."""

from dataclasses import replace
from pathlib import Path

import pytest

from deltacare.errors import PeerFault
from deltacare.tlog.note import SignedNote
from deltacare.tlog.receipt import Receipt
from deltacare.tlog.suite import require_sm2
from tests.deltacare.sm2_support import shown
from tests.interop.test_tlog_go import Go, go

pytestmark = pytest.mark.interop

__all__ = ["go"]  # a fixture is found by its name

SHOWN = shown()


def _write(folder: Path, receipt: bytes) -> tuple[Path, Path, Path]:
    """Write policy, receipt and entry, and return their paths."""
    paths = (folder / "policy.txt", folder / "a.tlog-proof", folder / "a.entry")
    for path, data in zip(
        paths, (SHOWN.policy.to_text().encode(), receipt, SHOWN.entry), strict=True
    ):
        path.write_bytes(data)
    return paths


def test_go_passes_over_the_lines_it_does_not_know(go: Go, tmp_path: Path) -> None:
    """A receipt whose checkpoint has SM2 lines verifies by its Ed25519 lines."""
    run = go("check-receipt", *_write(tmp_path, SHOWN.receipt))
    assert run.returncode == 0, run.stderr


def test_go_does_not_care_whether_they_verify(go: Go, tmp_path: Path) -> None:
    """An SM2 line that was tampered with is refused by who demands it, and by nobody else."""
    note = SHOWN.checkpoint.note
    (log_key,) = SHOWN.sm2.logs
    broken = [replace(s, signature=bytes(64)) for s in note.signatures if log_key.matches(s)]
    assert len(broken) == 1
    changed = note.with_signatures(broken)
    receipt = replace(Receipt.from_bytes(SHOWN.receipt), checkpoint=changed.to_bytes())
    run = go("check-receipt", *_write(tmp_path, receipt.to_bytes()))
    assert run.returncode == 0, run.stderr
    with pytest.raises(PeerFault):
        require_sm2(SignedNote.from_bytes(changed.to_bytes()), SHOWN.sm2)


def test_go_still_needs_its_own_lines(go: Go, tmp_path: Path) -> None:
    """SM2 lines alone are no signature to Go: the check can fail."""
    keys = (*SHOWN.sm2.logs, *SHOWN.sm2.witnesses.values())
    note = SHOWN.checkpoint.note
    lines = tuple(s for s in note.signatures if any(key.matches(s) for key in keys))
    alone = SignedNote(text=note.text, signatures=lines)
    receipt = replace(Receipt.from_bytes(SHOWN.receipt), checkpoint=alone.to_bytes())
    assert go("check-receipt", *_write(tmp_path, receipt.to_bytes())).returncode == 1


def test_go_refuses_a_policy_of_the_other_suite(go: Go, tmp_path: Path) -> None:
    """Why the demand is a file of its own: stock tools do not take a key of type 0xff."""
    policy, receipt, entry = _write(tmp_path, SHOWN.receipt)
    policy.write_text(SHOWN.policy.to_text() + f"log {SHOWN.sm2.logs[0].to_text()}\n")
    run = go("check-receipt", policy, receipt, entry)
    assert run.returncode == 1
    assert "algorithm" in run.stderr or "vkey" in run.stderr or "malformed" in run.stderr, (
        run.stderr
    )
