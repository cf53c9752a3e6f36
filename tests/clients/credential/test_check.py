"""``deltacare cert check --offline``: in a process that fails if it asks for a network."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.credential.qr import draw_qr
from tests.clients.credential.conftest import Gate

# Fails the process the moment anything asks for a socket, by whatever module; at a moment we set.
OFFLINE = """
import sys
from datetime import datetime
def watch(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"the network was touched: {event}")
sys.addaudithook(watch)
import clients.cli.cert_shown as shown
class At(datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.fromisoformat(sys.argv[1]).astimezone(tz)
shown.datetime = At
from clients.cli.main import main
main(sys.argv[2:])
"""


def run(gate: Gate, bundle: Path, *arguments: str, now: datetime | None = None) -> tuple[int, Any]:
    """Return exit code and answer of a check."""
    at = now or gate.phones.now
    done = subprocess.run(
        [
            *(sys.executable, "-c", OFFLINE, at.isoformat(), "cert", "check", "--json"),
            *("--offline", str(bundle), "--policy", str(gate.policy), *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"DELTACARE_LANG": "en", "PATH": ""},
    )
    assert "the network was touched" not in done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else done.stderr


@pytest.fixture
def shown(gate: Gate, tmp_path: Path) -> dict[str, str]:
    """Write the phone form, with and without the name, as pictures and as text."""
    files = {}
    for name, text in (("whole", gate.whole), ("bare", gate.bare)):
        draw_qr(text).write(tmp_path / f"{name}.png", "png")
        (tmp_path / f"{name}.txt").write_text(text)
        files[name] = str(tmp_path / f"{name}.png")
    return files


async def test_verdicts_and_exit_codes(gate: Gate, shown: dict[str, str], tmp_path: Path) -> None:
    """Exit code 0 only for VALID; revoked, stale by age, another holder and a forgery are 1."""
    now = gate.phones.now
    code, valid = run(gate, gate.bundle, "--qr", shown["whole"], "--holder", "示例甲")
    assert (0, "VALID", "320000-C1", "中级", 120) == (
        code,
        valid["verdict"],
        valid["certificate_no"],
        valid["mapped_grade"],
        valid["list_age_s"],
    ), valid
    forged = tmp_path / "forged.txt"
    head, _, rest = gate.bare.partition(".")
    forged.write_text(f"{head}.{rest.replace('M', 'N', 1)}")
    for arguments, bundle, later, verdict in (
        (("--qr", shown["whole"]), gate.revoked, 0, "REVOKED"),
        (("--qr", shown["whole"]), gate.bundle, 25, "STALE"),
        (("--qr", shown["whole"], "--holder", "示例乙"), gate.bundle, 0, "HOLDER_MISMATCH"),
        (("--qr", shown["bare"], "--holder", "示例甲"), gate.bundle, 0, "HOLDER_MISMATCH"),
        (("--credential", str(forged)), gate.bundle, 0, "BAD_SIGNATURE"),
    ):
        code, found = run(gate, bundle, *arguments, now=now + timedelta(hours=later))
        assert (1, verdict) == (code, found["verdict"]), found


async def test_a_blank_is_nobodys_name(gate: Gate, shown: dict[str, str]) -> None:
    """It is refused as at a node; and whoever asks for one finds no card whose holder it is."""
    for blank in (" ", "\u3000", "\u2003", "\t", " \u00a0 "):
        if blank in (" ", "\u3000"):
            code, said = run(gate, gate.bundle, "--qr", shown["bare"], "--holder", blank)
            assert (2, True) == (code, "1 to 64 printable" in str(said)), said
        bundle = gate.bundle.read_bytes()
        now = gate.phones.trusted(bundle).content.made_time - gate.phones.now
        for text in (gate.bare, gate.whole):
            found = gate.phones.check(text, bundle, later=now, holder_name=blank)
            assert ("HOLDER_MISMATCH", "R06-HOLDER") == (found.verdict, found.rule)
    assert 2 == run(gate, gate.bundle, "--qr", shown["whole"], "--holder", "示" * 65)[0]


async def test_at_another_time(gate: Gate, shown: dict[str, str]) -> None:
    """What counts is the time that was asked for; it must be one, and goes with a bundle only."""
    later = gate.phones.now + timedelta(hours=25)
    for at, verdict in ((later, "STALE"), (gate.phones.now, "VALID")):
        arguments = ("--qr", shown["whole"], "--at", at.isoformat())
        code, found = run(gate, gate.bundle, *arguments, now=gate.phones.now + timedelta(days=9))
        assert (0 if verdict == "VALID" else 1, verdict) == (code, found["verdict"]), found
    assert 2 == run(gate, gate.bundle, "--qr", shown["whole"], "--at", "soon")[0]
    alone = ["cert", "check", "--qr", shown["whole"], "--at", later.isoformat(), "--lang", "en"]
    refused = CliRunner().invoke(main, alone)
    assert (2, True) == (refused.exit_code, "--at goes with --offline only" in refused.stderr)


async def test_what_only_a_node_can_say(gate: Gate, shown: dict[str, str], tmp_path: Path) -> None:
    """No verdict file without a node, nor another day; and of the past no phone is asked."""
    kept = tmp_path / "kept.verdict"
    for option, value in (
        ("--save", str(kept)),
        ("--on", "2026-12-01"),
        ("--host", "330000"),
        ("--purpose", "SUPERVISION"),
    ):
        code, said = run(gate, gate.bundle, "--qr", shown["whole"], option, value)
        assert (2, True) == (code, "node" in said["error"]["message"]), said
    assert not kept.exists()
    known = ["cert", "check", "--qr", shown["whole"], "--known", "2026-11-22T08:00:00Z"]
    refused = CliRunner().invoke(main, [*known, "--lang", "en"])
    assert (2, True) == (refused.exit_code, "--known goes with" in refused.stderr)


async def test_only_the_own_policy_is_trusted(gate: Gate, shown: dict[str, str]) -> None:
    """Without the issuer's policy its key is not trusted; without the node's, nothing is."""
    (gate.policy / "320000.txt").unlink()
    code, found = run(gate, gate.bundle, "--qr", shown["whole"])
    assert (1, "BAD_SIGNATURE") == (code, found["verdict"])
    (gate.policy / "verdicts.txt").unlink()
    code, found = run(gate, gate.bundle, "--qr", shown["whole"])
    assert 1 == code
    assert "BAD_SIGNATURE" in str(found)


async def test_altered_bundle(gate: Gate, shown: dict[str, str], tmp_path: Path) -> None:
    """A word changed in what the node said, or a list exchanged for an older one, is refused."""
    data = gate.bundle.read_bytes()
    for old, new in (
        (b"R22-RECOGNISED", b"R22-RECOGNISEE"),
        (b'"stale_after_s":86400', b'"stale_after_s":96400'),
    ):
        assert old in data
        altered = tmp_path / "altered.bundle"
        altered.write_bytes(data.replace(old, new, 1))
        code, found = run(gate, altered, "--qr", shown["whole"])
        assert (1, True) == (code, "BAD_SIGNATURE" in str(found)), found
