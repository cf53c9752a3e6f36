"""``deltacare verify --require sm2``: demanded it must be there, and where it stands be right."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from deltacare.keys import NoteSignature
from deltacare.times import format_time
from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.note import SignedNote
from deltacare.tlog.policy import Sm2Policy, Tainted
from deltacare.tlog.receipt import Receipt
from deltacare.tlog.suite import cosign_sm2, sign_checkpoint_sm2
from tests.support.evidence import JS, NOW, SH, ZJ, Logs
from tests.support.suite import sm2_signer, sm2_witness

NAME = f"deltacare/{JS}/registry"
PLAIN = Logs().recognised().receipt(JS, 0)
NOTE = SignedNote.from_bytes(Receipt.from_bytes(PLAIN.proof).checkpoint)
HEAD = Checkpoint.from_text(NOTE.text)
LOG_LINE = sign_checkpoint_sm2(HEAD, sm2_signer(NAME))
LINES = (LOG_LINE, *(cosign_sm2(HEAD, sm2_witness(p), time=NOW) for p in (SH, ZJ)))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    """Write the verifier's policies, those of the second suite among them."""
    directory = Logs().write_policies(tmp_path / "policies")
    demand = Sm2Policy.of(
        logs=[sm2_signer(NAME).verifier],
        witnesses=[sm2_witness(province).verifier for province in (SH, ZJ)],
        quorum=2,
    )
    (directory / "registry.sm2.txt").write_text(demand.to_text(), encoding="utf-8")
    return directory


def file(tmp_path: Path, lines: Sequence[NoteSignature] = LINES) -> str:
    """Write a receipt whose checkpoint carries some SM2 lines."""
    proof = Receipt.from_bytes(PLAIN.proof)
    note = SignedNote(text=NOTE.text, signatures=(*NOTE.signatures, *lines))
    path = tmp_path / "receipt.tlog-proof"
    path.write_bytes(replace(proof, checkpoint=note.to_bytes()).to_bytes())
    path.with_suffix(".entry").write_bytes(PLAIN.entry)
    return str(path)


def run(*arguments: object) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    environ = {"DELTACARE_LANG": "en", "DELTACARE_POLICY": "", "DELTACARE_AS": ""}
    result = CliRunner().invoke(main, ["verify", *map(str, arguments)], env=environ)
    return result.exit_code, result.stdout, result.stderr


def altered(line: NoteSignature) -> NoteSignature:
    """Return a line with its last byte changed."""
    return replace(line, signature=line.signature[:-1] + bytes([line.signature[-1] ^ 1]))


def test_a_demand_that_is_met(tmp_path: Path, policies: Path) -> None:
    """Exit code 0; who signed is told, for people and for programs."""
    arguments = (file(tmp_path), "--policy", policies, "--require", "sm2")
    code, out, err = run(*arguments)
    assert (0, "") == (code, err)
    for name in (NAME, f"deltacare/{SH}/witness", f"deltacare/{ZJ}/witness"):
        assert 1 == out.count(f"SM2 {name} (")
    found = json.loads(run(*arguments, "--json")[1])
    lines = [row for step in found["steps"] for row in step.get("sm2", ())]
    assert [NAME, f"deltacare/{SH}/witness", f"deltacare/{ZJ}/witness"] == [
        row["name"] for row in lines
    ]
    assert any(name.endswith("registry.sm2.txt") for name in found["policies"])


@pytest.mark.parametrize("late", [False, True])
def test_a_bad_key_of_the_suite(tmp_path: Path, policies: Path, late: bool) -> None:  # noqa: FBT001 - a case
    """Demanded, it counts for what a quorum had signed before; undemanded nothing rests on it."""
    since = NOW + timedelta(seconds=0 if late else 1)
    demand = Sm2Policy.of(
        logs=[sm2_signer(NAME, number=2).verifier],
        witnesses=[sm2_witness(province).verifier for province in (SH, ZJ)],
        quorum=2,
    )
    bad = Tainted(key=sm2_signer(NAME).verifier, since=since)
    text = replace(demand, tainted_logs=(bad,)).to_text()
    (policies / "registry.sm2.txt").write_text(text, encoding="utf-8")
    code, out, err = run(file(tmp_path), "--policy", policies)
    assert (0, "") == (code, err)
    assert 1 == out.count(f"not relied on: the signature by key {NAME} (")
    code, _, err = run(file(tmp_path), "--policy", policies, "--require", "sm2")
    assert (1 if late else 0) == code
    assert late is (f"declared bad since {format_time(since)}" in err)


@pytest.mark.parametrize(
    "lines, reason",
    [
        ((), "BAD_SIGNATURE"),
        (LINES[1:], "BAD_SIGNATURE"),
        (LINES[:2], "NO_QUORUM"),
        ((altered(LINES[0]), *LINES[1:]), "BAD_SIGNATURE"),
        ((*LINES[:2], altered(LINES[2])), "BAD_SIGNATURE"),
        ((*LINES, LINES[0]), "BAD_SIGNATURE"),
    ],
)
def test_a_demand_that_is_not_met(
    tmp_path: Path, policies: Path, lines: Sequence[NoteSignature], reason: str
) -> None:
    """Missing, too few, altered, twice there: exit code 1 with the reason."""
    code, _, err = run(file(tmp_path, lines), "--policy", policies, "--require", "sm2")
    assert (1, True) == (code, reason in err), err


def test_without_a_demand(tmp_path: Path, policies: Path) -> None:
    """Nobody needs the lines; one that stands there by a known key must be right all the same."""
    assert 0 == run(file(tmp_path), "--policy", policies)[0]
    assert 0 == run(file(tmp_path, LINES[:1]), "--policy", policies)[0]
    assert 0 == run(file(tmp_path, ()), "--policy", policies)[0]
    code, _, err = run(file(tmp_path, (altered(LOG_LINE),)), "--policy", policies)
    assert (1, True) == (code, "BAD_SIGNATURE" in err)
    # Who has no policy of the suite sees unknown keys, and may ignore them.
    (policies / "registry.sm2.txt").unlink()
    assert 1 == run(file(tmp_path), "--policy", policies)[0]
    assert 0 == run(file(tmp_path), "--policy", policies, "--allow-unknown")[0]


def test_a_file_of_its_own(tmp_path: Path, policies: Path) -> None:
    """Named by ``--suite-policy``; a demand without any says what is lacking."""
    demand = policies / "registry.sm2.txt"
    elsewhere = tmp_path / "demand.txt"
    elsewhere.write_bytes(demand.read_bytes())
    demand.unlink()
    given = (file(tmp_path), "--policy", policies, "--require", "sm2")
    assert 0 == run(*given, "--suite-policy", elsewhere)[0]
    code, _, err = run(*given)
    assert (2, True) == (code, "--suite-policy" in err)
    other = Sm2Policy.of(logs=[sm2_signer("deltacare/x").verifier], witnesses=[], quorum=0)
    elsewhere.write_text(other.to_text(), encoding="utf-8")
    code, _, err = run(*given, "--suite-policy", elsewhere)
    assert (1, True) == (code, "BAD_SIGNATURE" in err)
    elsewhere.write_text("log x+00000000+AAAA\nquorum none\n", encoding="utf-8")
    code, _, err = run(*given, "--suite-policy", elsewhere)
    assert (2, True, False) == (code, "policy line 1" in err, "Traceback" in err)


def test_without_the_extra(tmp_path: Path, policies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demand cannot be answered and says so; without one, unknown keys may be ignored."""
    path = file(tmp_path)
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    for arguments in (("--require", "sm2"), ("--require", "sm2", "--allow-unknown"), ()):
        code, _, err = run(path, "--policy", policies, *arguments)
        assert (1, True) == (code, "SUITE_NOT_AVAILABLE" in err)
        assert "pip install 'deltacare[sm]'" in err
    assert 0 == run(path, "--policy", policies, "--allow-unknown")[0]


def test_an_evidence_file(tmp_path: Path, policies: Path) -> None:
    """Every checkpoint of a verdict is asked for the suite, not only the first."""
    evidence = Logs().recognised().verdict_evidence()
    path = tmp_path / "verdict.json"
    path.write_bytes(evidence.to_bytes())
    assert 0 == run(path, "--policy", policies)[0]
    code, _, err = run(path, "--policy", policies, "--require", "sm2")
    assert (1, True) == (code, "SM2" in err or "sm2" in err)
