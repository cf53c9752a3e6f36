"""Tests of the examination of a running node: each thing is broken, and its line is seen."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from clients.cli.main import main
from server.doctor.findings import Check, Finding, Level, Side
from server.doctor.run import Report
from server.renewal import add_ca
from tests.server.doctor.conftest import Examined, serving
from tests.support.federated import make_directories

pytestmark = pytest.mark.long

OURS, THEIRS = "310000", "320000"


class Usage(NamedTuple):
    """A file system."""

    total: int
    free: int


def wrong(report: Report, check: Check) -> list[Finding]:
    """Return the lines of a check that want somebody to act."""
    return [each for each in report.findings if each.check is check and each.level]


@contextmanager
def renamed(path: Path) -> Iterator[None]:
    """Take a file away while the block runs."""
    away = path.rename(path.with_suffix(".away"))
    try:
        yield
    finally:
        away.rename(path)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run a command line; return exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as caught:
        main.main([str(argument) for argument in arguments])
    shown = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, shown.out, shown.err


def test_all_well(examined: Examined) -> None:
    """Every check has a line, and every line is well."""
    report = examined.until_well()
    assert (OURS, True) == (report.province, report.is_running)
    assert list(Check) == list(dict.fromkeys(each.check for each in report.findings))
    said = {each.en for each in report.findings}
    assert f"The 4 logs shared with {THEIRS} are one history each." in said


def test_command(examined: Examined, capsys: pytest.CaptureFixture[str]) -> None:
    """Text in both languages and JSON, exit 0; bad input is 2."""
    examined.until_well()
    code, out, err = run(capsys, "node", "doctor", examined.ours, "--lang", "en")
    assert (0, "All well.") == (code, err.strip())
    assert {line.split()[0] for line in out.splitlines()} == {"OK"}
    code, out, err = run(capsys, "node", "doctor", examined.ours, "--lang", "zh")
    assert (0, "一切正常。", "时钟" in out) == (code, err.strip(), True)
    code, out, _ = run(capsys, "node", "doctor", examined.ours, "--json")
    report = json.loads(out)
    assert (0, OURS, True, "OK") == (
        code,
        report["province"],
        report["is_running"],
        report["worst"],
    )
    assert {"check", "code", "en", "level", "province", "remedy", "side", "subject", "zh"} == set(
        report["findings"][0]
    )
    assert 2 == run(capsys, "node", "doctor", examined.ours / "nothing")[0]


@pytest.mark.parametrize(
    "off, code", [(timedelta(hours=-3), "CLOCK_BEHIND"), (timedelta(hours=3), "CLOCK_AHEAD")]
)
def test_clock_off(examined: Examined, off: timedelta, code: str) -> None:
    """A clock that is wrong either way is compared with the partner's answer."""
    report = examined.report(clock=lambda: datetime.now(UTC) + off)
    (found,) = wrong(report, Check.CLOCK)
    assert (code, Level.BAD, Side.OURS) == (found.code, found.level, found.side)
    assert any(f"{hours} h" in found.en for hours in (2, 3))


def test_certificates_expire(examined: Examined) -> None:
    """In three years every certificate but the CA's is over, ours and the partner's."""
    report = examined.report(clock=lambda: datetime.now(UTC) + timedelta(days=1_000))
    found = {(each.subject.split(" ")[0], each.side) for each in wrong(report, Check.CERTIFICATES)}
    assert {("node.crt", Side.OURS), (THEIRS, Side.PARTNER)} <= found
    assert ("ca.crt", Side.OURS) not in found
    codes = {each.code for each in wrong(report, Check.CERTIFICATES)}
    assert {"CERTIFICATE_EXPIRED"} == codes
    # What is really wrong is the clock, and it is told.
    assert ["CLOCK_AHEAD"] == [each.code for each in wrong(report, Check.CLOCK)]


def test_file_modes(examined: Examined) -> None:
    """A key that the group may read is named with the command that closes it."""
    (path,) = (examined.ours / "keys").glob("witness.*.key")
    path.chmod(0o640)
    try:
        (found,) = wrong(examined.report(), Check.KEYS)
    finally:
        path.chmod(0o600)
    assert ("KEY_FILE_OPEN", f"chmod 600 {path}") == (found.code, found.remedy)


def test_key_in_clear(examined: Examined) -> None:
    """A private key that anybody could use who copies the directory is bad."""
    path = examined.ours / "clients" / "clear.key"
    path.write_text("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", "ascii")
    path.chmod(0o600)
    try:
        (found,) = wrong(examined.report(), Check.KEYS)
    finally:
        path.unlink()
    assert ("KEY_FILE_CLEAR", "clients/clear.key") == (found.code, found.subject)


def test_key_away(examined: Examined) -> None:
    """The key in force that is not in the directory is missed by name."""
    (path,) = (examined.ours / "keys").glob("verdicts.*.key")
    with renamed(path):
        (found,) = wrong(examined.report(), Check.KEYS)
    assert ("KEY_NOT_HELD", "deltacare/310000/verdicts") == (found.code, found.subject)


def test_disk_small(examined: Examined) -> None:
    """A file system that is nearly full is told before the node stops."""
    report = examined.report(usage=lambda _: Usage(total=10**11, free=10**9))
    (found,) = wrong(report, Check.DISK)
    assert ("DISK_SMALL", Level.WARN) == (found.code, found.level)
    report = examined.report(usage=lambda _: Usage(total=10**11, free=10**6))
    (found,) = wrong(report, Check.DISK)
    assert ("DISK_FULL", Level.BAD) == (found.code, found.level)


def test_trust_altered(examined: Examined) -> None:
    """Metadata that somebody changed on disk is not used, and partners are not asked by it."""
    path = examined.ours / "trust" / "targets" / "1.targets.json"
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"expires":"20', b'"expires":"21'))
    try:
        report = examined.report()
    finally:
        path.write_bytes(data)
    (found,) = wrong(report, Check.TRUST)
    assert ("TRUST_UNREADABLE", Side.OURS) == (found.code, found.side)
    assert Check.LOGS not in {each.check for each in report.findings}


def test_passphrase_missing(examined: Examined) -> None:
    """Without the passphrase neither node nor partners are called; what lies there is examined."""
    with renamed(examined.ours.parent / "passphrase"):
        report = examined.report()
    assert ["NODE_NOT_ASKED"] == [each.code for each in wrong(report, Check.NODE)]
    (found,) = wrong(report, Check.REACHABILITY)
    assert "PARTNERS_NOT_CALLED" == found.code
    assert "DELTACARE_KEY_PASSPHRASE_FILE" in found.remedy
    assert [] == wrong(report, Check.CERTIFICATES)
    assert not report.is_running


def test_passphrase_wrong(
    examined: Examined, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is wrong with it is said in both languages, with what mends it."""
    secret = tmp_path / "passphrase"
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE_FILE", str(secret))
    (found,) = wrong(examined.report(), Check.NODE)
    assert "无法读取该文件" in found.zh
    assert "The file cannot be read" in found.en
    secret.write_text("another passphrase entirely", "ascii")
    secret.chmod(0o600)
    report = examined.report()
    (found,) = wrong(report, Check.NODE)
    assert "NODE_NOT_ASKED" == found.code
    assert "口令不对，打不开" in found.zh
    assert "请用 DELTACARE_KEY_PASSPHRASE_FILE 或" in found.zh
    assert "It does not open the keys in" in found.en
    assert "export DELTACARE_KEY_PASSPHRASE_FILE=FILE" == found.remedy
    (found,) = wrong(report, Check.REACHABILITY)
    assert "口令不对，打不开" in found.zh
    assert "It does not open the keys in" in found.en


def test_ca_not_stated(examined: Examined) -> None:
    """A new CA is of no use before the offices state it, and nobody else reminds of it."""
    files = [examined.ours / name for name in ("ca.crt", "clients/ca.crt", "member.json")]
    before = [path.read_bytes() for path in files]
    keys = set((examined.ours / "keys").iterdir())
    try:
        made = add_ca(examined.ours, now=datetime.now(UTC), environ={}, entropy=os.urandom)
        (found,) = wrong(examined.report(), Check.CERTIFICATES)
    finally:
        for path, data in zip(files, before, strict=True):
            path.write_bytes(data)
        for path in set((examined.ours / "keys").iterdir()) - keys:
            path.unlink()
    assert ("CA_NOT_STATED", Level.WARN, "ca.crt #2") == (found.code, found.level, found.subject)
    assert f"{made.serial_number:x}" in found.en
    assert f"{made.serial_number:x}" in found.zh
    assert (
        f"deltacare federation propose --from {examined.ours} --member {examined.ours} "
        "--out proposal.json"
    ) == found.remedy


def test_lines_of_a_node(examined: Examined) -> None:
    """Whatever a running node writes is JSON, line by line, and says whose it is."""
    text = (examined.ours / "node.log").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    names = {line["logger"] for line in lines}
    assert {"deltacare.edge", "deltacare.log"} <= names
    assert {"logger", "level", "time", "event"} <= set.intersection(*map(set, lines))


def test_node_refuses_client(examined: Examined) -> None:
    """A role that may not see the partners' health is no administrator's certificate."""
    report = examined.report(client="payer")
    (found,) = wrong(report, Check.NODE)
    assert "NODE_NOT_ASKED" == found.code
    assert "may not call" in found.en


def test_node_silent(examined: Examined, capsys: pytest.CaptureFixture[str]) -> None:
    """A process that holds the directory and does not answer is told from none; exit is 3."""
    report = examined.report(endpoint="127.0.0.1:1")
    assert (False, ["NODE_SILENT"]) == (
        report.is_running,
        [each.code for each in wrong(report, Check.NODE)],
    )
    code, out, _ = run(capsys, "node", "doctor", examined.ours, "--node", "127.0.0.1:1", "--json")
    assert (3, False) == (code, json.loads(out)["is_running"])


def test_nothing_runs(examined: Examined, capsys: pytest.CaptureFixture[str]) -> None:
    """With everything stopped the directory is examined all the same, and exit is 3."""
    root = examined.ours.parent / "stopped"
    directories = make_directories(root, seed="stopped")
    (root / "passphrase").chmod(0o600)
    code, out, err = run(capsys, "node", "doctor", directories[OURS], "--lang", "en")
    assert 3 == code
    assert "The node does not run." in out
    assert f"ours: deltacare node serve {directories[OURS]}" in out
    assert "partner 320000: deltacare node serve DIR" in out
    assert "There is no database file" in out
    assert "want attention" in err
    (root / "passphrase").chmod(0o644)
    with serving(directories[OURS]):
        # A process of its own: this one remembers for a second that nobody answered there.
        done = subprocess.run(
            [sys.executable, "-m", "clients.cli", "node", "doctor", directories[OURS], "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
    codes = {each["code"]: each for each in json.loads(done.stdout)["findings"]}
    assert 1 == done.returncode, codes
    assert ("partner", THEIRS) == (
        codes["TRUST_NEVER_CONFIRMED"]["side"],
        codes["TRUST_NEVER_CONFIRMED"]["province"],
    )
    assert {"PARTNER_NOT_SERVING", "LOG_NOT_CONFIRMED"} <= set(codes)
    text = (directories[OURS] / "node.log").read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    alarms = {line["event"]: line for line in lines if line["logger"] == "deltacare.alarm"}
    assert f"chmod 600 {root}/passphrase" == alarms["key_file_open"]["remedy"]
