"""``deltacare verify``: exit codes, both languages, JSON, and nothing that reaches a network."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from clients.cli.main import main
from deltacare.ids import LogName
from tests.support.evidence import JS, Asked, Logs

# Fails the process the moment anything asks for a socket, by whatever module.
OFFLINE = """
import sys
def watch(event, arguments):
    if event.startswith("socket."):
        raise SystemExit(f"the network was touched: {event}")
sys.addaudithook(watch)
from clients.cli.main import main
main(sys.argv[1:])
"""

RUN = "import sys; from clients.cli.main import main; main(sys.argv[1:])"


@pytest.fixture
def policies(tmp_path: Path) -> str:
    """Write the verifier's own policies and return their directory."""
    return str(Logs().write_policies(tmp_path / "policies"))


def write(tmp_path: Path, data: bytes, name: str = "evidence.json") -> str:
    """Write a file and return its path."""
    path = tmp_path / name
    path.write_bytes(data)
    return str(path)


def run(*arguments: str, language: str = "en") -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    environ = {"DELTACARE_LANG": language, "DELTACARE_POLICY": "", "DELTACARE_AS": ""}
    result = CliRunner().invoke(main, ["verify", *arguments], env=environ)
    return result.exit_code, result.stdout, result.stderr


def test_a_receipt_a_verdict_and_a_statement(tmp_path: Path, policies: str) -> None:
    """Each kind verifies, exit code 0, with numbered steps and what each relied on."""
    for data, kind, steps in (
        (Logs().recognised().receipt_evidence(JS, 0), "receipt", 4),
        (Logs().recognised().verdict_evidence(), "verdict", 5),
        (Logs().settled().statement_evidence(), "statement", 8),
    ):
        file = write(tmp_path, data.to_bytes())
        code, out, err = run(file, "--policy", policies)
        assert (0, "") == (code, err)
        numbers = [int(line[:2]) for line in out.splitlines() if line[:2].strip().isdecimal()]
        assert list(range(1, steps + 1)) == numbers
        assert out.endswith(f"Verified: {kind} evidence.json\n")


def test_it_speaks_chinese(tmp_path: Path, policies: str) -> None:
    """The same in Chinese, the verdict included."""
    file = write(tmp_path, Logs().recognised().verdict_evidence().to_bytes())
    code, out, _ = run(file, "--policy", policies, language="zh")
    assert 0 == code
    assert "由这些条目重新推得同一结论：有效 VALID" in out
    assert out.endswith("通过：核验结论 evidence.json\n")
    data = Logs().recognised().verdict_evidence().to_bytes()
    broken = write(tmp_path, data.replace(b'":', b'": ', 1), "broken.json")
    code, _, err = run(broken, "--policy", policies, language="zh")
    assert (1, True) == (code, err.startswith("不通过：broken.json\n"))


def test_json_for_programs(tmp_path: Path, policies: str) -> None:
    """One document: what was found, each step's facts, the policies; a failure has its reason."""
    file = write(tmp_path, Logs().recognised().verdict_evidence().to_bytes())
    code, out, err = run(file, "--policy", policies, "--json")
    found = json.loads(out)
    assert (0, "", True, "VALID") == (code, err, found["verified"], found["verdict"])
    assert [1, 2, 3, 4, 5] == [step["step"] for step in found["steps"]]
    assert all(name.endswith(".txt") for name in found["policies"])
    changed = Logs().recognised().receipt_evidence(JS, 0).to_bytes().replace(b"index 0", b"index 1")
    code, out, _ = run(write(tmp_path, changed, "x.json"), "--policy", policies, "--json")
    assert (1, "BAD_PROOF") == (code, json.loads(out)["error"]["reason"])


def test_what_fails_is_said_with_its_reason(tmp_path: Path, policies: str) -> None:
    """Exit code 1, whatever kind of reason; the steps that succeeded still stand."""
    logs = Logs().recognised()
    strict = str(Logs().write_policies(tmp_path / "strict", quorum=3))
    file = write(tmp_path, logs.receipt_evidence(JS, 0).to_bytes())
    code, _, err = run(file, "--policy", strict)
    assert (1, True) == (code, "NO_QUORUM" in err)
    waits = Logs().settled(answers=(JS,)).statement_evidence().to_bytes()
    code, out, err = run(write(tmp_path, waits), "--policy", policies)
    assert 1 == code
    assert "6. Flows, positions and payments" in out
    assert "RULE_REFUSED" in err
    assert "The approval of 310000 is missing" in err


def test_what_cannot_be_read_is_bad_input(tmp_path: Path, policies: str) -> None:
    """Exit code 2: no such file, a directory, a receipt without its entry, no proper policy."""
    file = write(tmp_path, Logs().recognised().receipt_evidence(JS, 0).to_bytes())
    receipt = Logs().recognised().receipt(JS, 0)
    alone = write(tmp_path, receipt.proof, "alone.tlog-proof")
    noise = write(tmp_path, b"log nothing\nquorum none\n", "noise.txt")
    empty = tmp_path / "empty"
    empty.mkdir()
    for arguments in (
        (str(tmp_path / "missing.json"), "--policy", policies),
        (str(tmp_path), "--policy", policies),
        (alone, "--policy", policies),
        (file, "--policy", noise),
        (file, "--policy", str(empty)),
        (file, "--policy", str(tmp_path / "none.txt")),
        (file,),
    ):
        code, out, err = run(*arguments)
        assert (2, "") == (code, out)
        assert err
        assert "Traceback" not in err


@pytest.mark.parametrize("name", ["310000-S2026-1.json", "report.json", "empty.json", "a.xlsx"])
def test_what_is_no_evidence_is_bad_input(tmp_path: Path, policies: str, name: str) -> None:
    """Exit code 2 and what to give instead: nothing was altered, another file was meant."""
    data = b"" if name.startswith("empty") else b'{"format":"deltacare/statement/v1"}\n'
    file = write(tmp_path, data, name)
    code, out, err = run(file, "--policy", policies)
    assert (2, "") == (code, out)
    assert f"{name} is no evidence file. Statements are verified by X.evidence.json" in err
    beside = write(tmp_path, b"", f"{Path(name).stem}.evidence.json")
    code, _, err = run(file, "--policy", policies, language="zh")
    assert (2, True) == (code, f"{name} 不是证据文件。请核验其旁的 {beside}。" in err)


def test_an_entry_leads_to_its_receipt(tmp_path: Path, policies: str) -> None:
    """Exit code 2, naming the receipt beside it."""
    receipt = Logs().recognised().receipt(JS, 0)
    proof = write(tmp_path, receipt.proof, "one.tlog-proof")
    code, _, err = run(write(tmp_path, receipt.entry, "one.entry"), "--policy", policies)
    assert (2, True) == (code, f"Verify {proof} beside it." in err)


def test_evidence_in_another_spelling_is_refused(tmp_path: Path, policies: str) -> None:
    """What claims to be evidence is judged as such: exit code 1, with its reason."""
    data = Logs().recognised().receipt_evidence(JS, 0).to_bytes()
    for changed in (
        json.dumps(json.loads(data), indent=1).encode(),
        data[:-9],
        data.replace(b"deltacare/evidence", b"deltacare/evidencf"),
        data.replace(b'"receipts"', b'"receiptt"'),
    ):
        code, _, err = run(write(tmp_path, changed), "--policy", policies)
        assert (1, True) == (code, "BAD_PROOF" in err)


def test_logs_that_are_not_there_are_bad_input(tmp_path: Path, policies: str) -> None:
    """Exit code 2, with the layout that is wanted and the command that makes it."""
    file = write(tmp_path, Logs().recognised().verdict_evidence().to_bytes())
    logs = tmp_path / "logs"
    logs.mkdir()
    name = "deltacare/310000/registry"
    for language, wanted in (
        ("en", f"{logs}/{name}/checkpoint"),
        ("zh", f"deltacare log export {name} {logs}/{name}"),
    ):
        code, out, err = run(file, "--policy", policies, "--logs", str(logs), language=language)
        assert (2, "") == (code, out)
        assert wanted in err


def test_a_policy_that_lacks_the_log_is_named(tmp_path: Path) -> None:
    """It is the policy that is short; a quorum that nobody demands is not said to be met."""
    logs = Logs().recognised()
    one = str(logs.write_policies(tmp_path / "p") / "deltacare/310000/registry.txt")
    file = write(tmp_path, logs.receipt_evidence(JS, 0).to_bytes())
    code, _, err = run(file, "--policy", one)
    assert 1 == code
    assert "The policy names no key of deltacare/320000/registry" in err
    code, _, err = run(file, "--policy", one, language="zh")
    assert (1, True) == (code, "策略文件未列 deltacare/320000/registry 的密钥" in err)
    lax = str(logs.write_policies(tmp_path / "lax", quorum=0))
    verdict = write(tmp_path, logs.verdict_evidence().to_bytes(), "verdict.json")
    for data in (file, verdict):
        code, out, _ = run(data, "--policy", lax)
        assert 0 == code
        assert "the policy demands no cosignature" in out
        assert "as the policy demands" not in out


def test_the_policy_is_never_taken_from_beside_the_file(tmp_path: Path) -> None:
    """Whoever made the file may have put a policy there; without the verifier's own: refused."""
    logs = Logs().recognised()
    logs.write_policies(tmp_path)
    file = write(tmp_path, logs.receipt_evidence(JS, 0).to_bytes())
    code, _, err = run(file)
    assert (2, True) == (code, "--policy" in err)


def test_a_policy_may_come_from_the_environment(tmp_path: Path, policies: str) -> None:
    """An auditor sets it once."""
    file = write(tmp_path, Logs().recognised().receipt_evidence(JS, 0).to_bytes())
    environ = {"DELTACARE_POLICY": policies}
    assert 0 == CliRunner().invoke(main, ["verify", file], env=environ).exit_code


def test_no_socket_is_opened(tmp_path: Path, policies: str) -> None:
    """Of every kind of file, in a process of its own: nothing asks for the network."""
    for name, data in (
        ("receipt", Logs().recognised().receipt_evidence(JS, 0)),
        ("verdict", Logs().recognised().verdict_evidence(Asked(host="330000"))),
        ("statement", Logs().settled().statement_evidence()),
    ):
        file = write(tmp_path, data.to_bytes(), f"{name}.json")
        for language in ("zh", "en"):
            arguments = ("verify", file, "--policy", policies, "--lang", language)
            done = subprocess.run(
                [sys.executable, "-c", OFFLINE, *arguments],
                check=False,
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert (0, "") == (done.returncode, done.stderr)
    probe = OFFLINE.replace("main(sys.argv[1:])", "import socket; socket.socket()")
    done = subprocess.run(
        [sys.executable, "-c", probe], check=False, capture_output=True, text=True, timeout=60
    )
    assert (1, "the network was touched: socket.__new__\n") == (done.returncode, done.stderr)


def test_what_is_heavy_is_not_loaded(tmp_path: Path, policies: str) -> None:
    """Neither gRPC nor the engines of a night are needed to verify."""
    file = write(tmp_path, Logs().settled().statement_evidence().to_bytes())
    code = (
        "import sys\nfrom clients.cli.main import main\n"
        f"try:\n    main(['verify', {file!r}, '--policy', {policies!r}])\n"
        "except SystemExit as end:\n    assert end.code == 0, end.code\n"
        "print(sorted({'grpc', 'duckdb', 'ibis', 'pyarrow', 'rich', 'aiohttp'} & set(sys.modules)),"
        "file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (0, "[]\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("language, wanted", [("en", "no regular file"), ("zh", "不是普通文件")])
def test_pipes_and_devices_are_not_waited_for(
    tmp_path: Path, policies: str, language: str, wanted: str
) -> None:
    """Exit code 2 at once, with the name: evidence, entry, policy or log, whatever was given."""
    logs = Logs().recognised()
    pipe, endless = tmp_path / "pipe.txt", tmp_path / "endless.sm2.txt"
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    file = write(tmp_path, logs.receipt_evidence(JS, 0).to_bytes())
    alone = write(tmp_path, logs.receipt(JS, 0).proof, "alone.tlog-proof")
    os.mkfifo(tmp_path / "alone.entry")
    verdict = write(tmp_path, logs.verdict_evidence().to_bytes(), "verdict.json")
    held = tmp_path / "logs" / str(LogName.registry(JS))
    held.mkdir(parents=True)
    os.mkfifo(held / "checkpoint")
    given = (*(sys.executable, "-c", RUN, "verify"), "--lang", language)
    for arguments, named in (
        ((str(pipe), "--policy", policies), pipe),
        ((str(endless), "--policy", policies), endless),
        ((alone, "--policy", policies), tmp_path / "alone.entry"),
        ((file, "--policy", str(pipe)), pipe),
        ((file, "--policy", policies, "--suite-policy", str(endless)), endless),
        ((verdict, "--policy", policies, "--logs", str(tmp_path / "logs")), held / "checkpoint"),
    ):
        done = subprocess.run(
            [*given, *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        assert (2, "") == (done.returncode, done.stdout), done.stderr
        assert str(named) in done.stderr
        assert wanted in done.stderr
