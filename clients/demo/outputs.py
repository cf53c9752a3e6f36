"""What the demonstration leaves for anyone to check: logs, policies, evidence, statements, report.

Everything here can be verified without us: tlog-tiles directories, tlog-policy and tlog-proof files
of C2SP, and the exact bytes of the entries. Verdict and statement files hold the same receipts.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clients.demo.nights import Approved
from clients.demo.processes import Nodes
from clients.logs.source import NodeLog
from clients.logs.tiles import export_tiles
from clients.plain import plain
from clients.proofs import statement_evidence
from clients.sdk.node import SyncNodeClient
from clients.statements import workbook
from deltacare.ids import LogName, all_logs
from deltacare.tlog.policy import Policy
from deltacare.trust import Trust, verdict_key_name
from deltacare.trust.policies import log_policy, sm2_policy
from deltacare.v1.clearing_service_pb2 import PairNight
from deltacare.v1.log_service_pb2 import GetReceiptRequest

__all__ = [
    "MARK",
    "MARK_VALUE",
    "evidence_draft",
    "foreign_content",
    "write_evidence",
    "write_report",
]

REPORT_FILE = "report.json"
MARK = "made_by"
MARK_VALUE = "deltacare demo"

_DRAFT = ".deltacare-demo-"
_WRITTEN = frozenset(
    {"logs", "policies", "policy.txt", "receipts", REPORT_FILE, "statements", "verdicts"}
)


def foreign_content(out: Path) -> tuple[str, ...]:
    """Return what a directory holds that no demonstration left; empty if it may be replaced.

    Names alone prove nothing: unless the report says that it is a demonstration's, everything is
    somebody's own.
    """
    if not out.exists():
        return ()
    found = {path.name for path in out.iterdir() if not path.name.startswith(_DRAFT)}
    ours = _WRITTEN if _is_own_report(out / REPORT_FILE) else frozenset[str]()
    return tuple(sorted(found - ours))


def _is_own_report(path: Path) -> bool:
    """Return whether a file is the report of a demonstration."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(value, dict) and value.get(MARK) == MARK_VALUE


@contextmanager
def evidence_draft(out: Path | None) -> Iterator[Path | None]:
    """Give a place to write evidence to, and put it into a directory once it is whole.

    What an earlier demonstration left there goes only then; if the block raises, nothing changes.

    Args:
        out: Directory; made if need be. ``None`` gives ``None``.
    """
    if out is None:
        yield None
        return
    out.mkdir(parents=True, exist_ok=True)
    for left in out.glob(f"{_DRAFT}*"):  # of one that was killed
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=_DRAFT, dir=out) as draft:
        yield Path(draft)
        for name in sorted(_WRITTEN):
            _remove(out / name)
        for path in sorted(Path(draft).iterdir()):
            path.rename(out / path.name)


def _remove(path: Path) -> None:
    """Remove a file or a directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_evidence(
    out: Path,
    nodes: Nodes,
    *,
    trust: Trust,
    approved: Approved,
    nights: Iterable[PairNight],
    marks: Mapping[str, tuple[str, int]],
    verdicts: Mapping[str, bytes],
    advance: Callable[[int], None],
) -> None:
    """Write logs, policies, receipts, verdict files and the statement.

    Args:
        out: Directory; made if need be.
        nodes: The running nodes.
        trust: What the members signed.
        approved: The statement.
        nights: Those it rests on.
        marks: Entries whose receipts are written, by name of the file.
        verdicts: Verdict files, by name.
        advance: Is told how many more entries were exported.
    """
    logs = all_logs(trust.provinces)
    clients = {province: SyncNodeClient.of(nodes.profile(province)) for province in trust.provinces}
    try:
        # 1. Each log as its author has it, with the checkpoint that its partners cosigned.
        for log in logs:
            source = NodeLog(clients[log.author], str(log))
            export_tiles(source, out / "logs" / str(log), advance)
        # 2. Receipts.
        for name, (log_name, index) in marks.items():
            author = LogName.parse(log_name).author
            receipt = clients[author].log.GetReceipt(GetReceiptRequest(log=log_name, index=index))
            _write(out / "receipts" / f"{name}.tlog-proof", receipt.proof)
            _write(out / "receipts" / f"{name}.entry", receipt.entry)
        # 3. The statement: as people read it, and as it outlives us.
        name = approved.standing.statement.statement_id
        author = LogName.parse(approved.entry_log).author
        evidence = statement_evidence(clients[author], approved.standing)
    finally:
        for client in clients.values():
            client.close()
    text = json.dumps(plain(approved.standing), ensure_ascii=False, indent=2) + "\n"
    _write(out / "statements" / f"{name}.json", text.encode())
    _write(out / "statements" / f"{name}.xlsx", workbook(approved.standing, nights))
    _write(out / "statements" / f"{name}.evidence.json", evidence.to_bytes())
    # 4. Verdicts, as the nodes gave them.
    for label, data in verdicts.items():
        _write(out / "verdicts" / f"{label}.json", data)
    # 5. Policies: one for everything, and for each log and for verdicts what one verifies them by.
    _write(out / "policy.txt", _policy_of_all(trust, logs).to_text().encode())
    for log in logs:
        _write(out / "policies" / f"{log}.txt", log_policy(trust, log).to_text().encode())
        sm2 = sm2_policy(trust, log)
        if sm2 is not None:
            _write(out / "policies" / f"{log}.sm2.txt", sm2.to_text().encode())
    for province in trust.provinces:
        keys = tuple(term.key for term in trust.verdict_keys(province) if not term.is_tainted)
        path = out / "policies" / f"{verdict_key_name(province)}.txt"
        _write(path, Policy(logs=keys).to_text().encode())


def _policy_of_all(trust: Trust, logs: Iterable[LogName]) -> Policy:
    """Return every key without a quorum: a policy has one, and the logs have two."""
    terms = [
        *(term for log in logs for term in trust.log_keys(log)),
        *(term for province in trust.provinces for term in trust.verdict_keys(province)),
    ]
    witnesses = {}
    for province in trust.provinces:
        keys = [term.key for term in trust.witness_keys(province) if not term.is_tainted]
        for key in keys:
            name = key.name if len(keys) == 1 else f"{key.name}/{key.key_id.hex()}"
            witnesses[name] = key
    return Policy(
        logs=tuple(term.key for term in terms if not term.is_tainted), witnesses=witnesses
    )


def write_report(out: Path, report: Mapping[str, Any]) -> None:
    """Write ``report.json``."""
    text = json.dumps(report, ensure_ascii=False, indent=2) + "\n"
    _write(out / REPORT_FILE, text.encode())


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
