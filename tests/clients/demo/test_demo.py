"""The demonstration, whole: processes, logs, nights and statement, and nothing left running."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from clients.demo.scenario import PAIRS, PROVINCES
from clients.logs.source import TilesDirectory
from clients.logs.verify import verify_log
from deltacare.ids import all_logs
from deltacare.tlog.policy import Policy
from deltacare.tlog.receipt import verify_receipt_by_policy
from settlement.core.classes import LineClass

pytestmark = pytest.mark.long

VERDICTS = {
    "VALID",
    "SUSPENDED",
    "REVOKED",
    "EXPIRED",
    "NOT_YET_VALID",
    "NOT_RECOGNISED_HERE",
    "HOLDER_MISMATCH",
    "UNKNOWN",
}
RECORDS = 400


def command(*arguments: str) -> list[str]:
    """Return the command line of a small demonstration."""
    return [
        sys.executable, "-m", "clients.cli", "demo", "--records", str(RECORDS), "--json",
        *arguments,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """Run the demonstration once, with a node killed while it files."""
    out = tmp_path_factory.mktemp("demo") / "out"
    done = subprocess.run(
        command("--out", str(out), "--stop-node", "330000"),
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout), out


def test_every_class_and_verdict_is_there(shown: tuple[dict[str, Any], Path]) -> None:
    """All classes and all verdicts of a healthy federation; the counts are the planted ones."""
    report, _ = shown
    assert {line_class.name for line_class in LineClass} == set(report["counts"])
    assert VERDICTS == {judged["verdict"] for judged in report["verdicts"]}
    assert all(judged["rule"] for judged in report["verdicts"])


def test_six_pairs_agree_and_the_net_is_zero(shown: tuple[dict[str, Any], Path]) -> None:
    """Both nodes of each pair have the same digest, and what is paid is received."""
    report, _ = shown
    assert {f"{low}-{high}" for low, high in PAIRS} == set(report["digests"])
    assert all(low == high for low, high in report["digests"].values())
    assert 0 == sum(report["net"].values())
    flows = {(flow["payer"], flow["payee"]): flow["fen"] for flow in report["bilateral"]}
    for province, net in report["net"].items():
        received = sum(fen for (_, payee), fen in flows.items() if payee == province)
        paid = sum(fen for (payer, _), fen in flows.items() if payer == province)
        assert net == received - paid
    assert len(report["payments"]) <= len(PROVINCES) - 1
    assert "BINDING" == report["statement"]["state"]


def test_sample_registers_and_the_revocation(shown: tuple[dict[str, Any], Path]) -> None:
    """57 institutions with 25,698 beds in all; every partner saw the revocation."""
    report, _ = shown
    assert (57, 25_698) == (sum(report["institutions"].values()), sum(report["beds"].values()))
    assert set(PROVINCES[1:]) == set(report["revocation_visible_s"])


def test_logs_verify_by_their_policies(shown: tuple[dict[str, Any], Path]) -> None:
    """Each of the 16 logs stands there whole, cosigned as its own policy asks."""
    _, out = shown
    logs = all_logs(PROVINCES)
    assert 16 == len(logs)
    everything = Policy.from_bytes((out / "policy.txt").read_bytes())
    for log in logs:
        policy = Policy.from_bytes((out / "policies" / f"{log}.txt").read_bytes())
        verified = verify_log(TilesDirectory(out / "logs" / str(log)), policy)
        assert str(log) == verified.origin
        assert verified.size > 0
        assert verified.root == verify_log(TilesDirectory(out / "logs" / str(log)), everything).root


def test_receipts_and_statement(shown: tuple[dict[str, Any], Path]) -> None:
    """Receipts prove the entries beside them; the statement's is of the hash that was approved."""
    report, out = shown
    policy = Policy.from_bytes((out / "policy.txt").read_bytes())
    proofs = sorted((out / "receipts").glob("*.tlog-proof"))
    assert {"agreement", "day-close", "record", "revocation", "statement"} == {
        path.stem for path in proofs
    }
    leaves = {
        path.stem: verify_receipt_by_policy(
            path.read_bytes(), path.with_suffix(".entry").read_bytes(), policy
        ).leaf.hex()
        for path in proofs
    }
    assert report["statement"]["hash"] == leaves["statement"]
    name = report["statement"]["id"]
    assert {f"{name}.json", f"{name}.xlsx", f"{name}.evidence.json"} == {
        path.name for path in (out / "statements").iterdir()
    }
    stored = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report == stored


def test_everything_left_verifies_offline(shown: tuple[dict[str, Any], Path]) -> None:
    """``deltacare verify`` takes each receipt, verdict and statement, by the policies beside it."""
    report, out = shown
    verdicts = {path.stem.partition("-")[0] for path in (out / "verdicts").iterdir()}
    assert VERDICTS == verdicts
    files = [
        *(out / "receipts").glob("*.tlog-proof"),
        *(out / "verdicts").glob("*.json"),
        *(out / "statements").glob("*.evidence.json"),
    ]
    for path in files:
        result = CliRunner().invoke(
            main,
            [
                *("verify", str(path), "--json"),
                *("--policy", str(out / "policies"), "--logs", str(out / "logs")),
            ],
        )
        assert 0 == result.exit_code, result.stdout
        found = json.loads(result.stdout)
        if found["kind"] == "verdict":
            assert path.stem == f"{found['verdict']}-{found['certificate_no']}"
        if found["kind"] == "statement":
            assert report["statement"]["hash"] == found["statement_hash"]


@pytest.mark.long
def test_the_same_seed_gives_the_same_books(shown: tuple[dict[str, Any], Path]) -> None:
    """Without the kill and again from nothing: the same counts and the same money."""
    report, _ = shown
    done = subprocess.run(command(), check=False, capture_output=True, text=True, timeout=300)
    assert 0 == done.returncode, done.stderr
    again = json.loads(done.stdout)
    for name in ("counts", "bilateral", "net", "payments"):
        assert report[name] == again[name]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nodes_end_with_the_demonstration(tmp_path: Path, number: signal.Signals) -> None:
    """However it is ended, killed outright included, no node is left."""
    work = tmp_path / "work"
    # Started in the background of a shell we would hand on that interrupts are ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        demo = subprocess.Popen(
            command("--work", str(work)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        nodes: list[int] = []
        end_s = time.monotonic() + 60
        while len(nodes) < len(PROVINCES):
            assert time.monotonic() < end_s, "the nodes come up"
            assert not _ended(demo), "the demonstration runs"
            nodes = _nodes(work)
        watched = [os.pidfd_open(pid) for pid in nodes]
        demo.send_signal(number)
        demo.wait(timeout=60)
        for pidfd in watched:
            gone, _, _ = select.select([pidfd], [], [], 30)
            os.close(pidfd)
            assert gone, "the node goes"
        assert [] == _nodes(work)
    finally:
        demo.kill()
        demo.wait()
    assert 0 != demo.returncode


def _ended(process: "subprocess.Popen[bytes]") -> bool:
    """Return whether a process ends within a moment."""
    try:
        process.wait(timeout=0.1)
    except subprocess.TimeoutExpired:
        return False
    return True


def _nodes(work: Path) -> list[int]:
    """Return the process ids of nodes that serve from a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(bytes(work)) for word in words) and b"serve" in words:
            found.append(int(path.parent.name))
    return found
