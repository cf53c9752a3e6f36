"""``deltacare log``: the logs a node holds: show, verify and export them, with policy and receipts.

A policy written here says what the own node's trust bundle says; whoever does not trust that node
compares its keys with the members, or takes the policy from somebody else.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit
from clients.cli.output import answer, print_table, progress
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from deltacare.tlog.policy import Policy, Sm2Policy

__all__ = ["log"]

log = Group(name="log", help=both("日志：查看、校验、导出。", "Logs: show, verify, export."))

POLICY_FILE = "policy.txt"


@command(
    log,
    "show",
    help=both("列出所持日志，或显示一个条目。", "List the logs held, or show one entry."),
)
@click.argument("name", required=False)
@option("--index", type=click.IntRange(min=0), help=both("条目序号，从 0 起。", "Entry, from 0."))
@option(
    "--forks",
    is_flag=True,
    help=both(
        "列出已证实的分叉：两份检查点、何人何时出示。",
        "List proven forks: both checkpoints, who showed them and when.",
    ),
)
@connected
def show(*, connection: Connection, name: str | None, index: int | None, forks: bool) -> None:
    """Show logs, a checkpoint, an entry, or what forked."""
    from deltacare.v1.log_service_pb2 import GetCheckpointRequest, ListLogsRequest

    if forks and index is not None:
        raise click.UsageError(
            tr("--forks 与 --index 不能同时使用。", "Use --forks or --index, not both.")
        )
    with connection.open() as node:
        if forks:
            _show_forks(node, name)
            return
        if name is None:
            listed = node.log.ListLogs(ListLogsRequest())
            if answer(plain(listed)):
                print_table(
                    [tr("日志", "log"), tr("已校验", "verified"), tr("已联签", "under quorum")],
                    [(row.log, row.verified_size, row.quorum_size) for row in listed.logs],
                    numbers=(1, 2),
                )
            return
        if index is None:
            found = node.log.GetCheckpoint(GetCheckpointRequest(log=name))
            answer(plain(found), [found.note.decode(errors="backslashreplace").rstrip("\n")])
            return
        _show_entry(node, name, index)


def _show_forks(node: Any, name: str | None) -> None:  # noqa: ANN401  # a client of a node
    from clients.logs.forks import fork_lines
    from deltacare.ids import LogName
    from deltacare.v1.log_service_pb2 import ListEvidenceRequest, ListEvidenceResponse

    wanted = str(LogName.parse(name)) if name is not None else None
    found = ListEvidenceResponse()
    token = ""
    while True:
        page = node.log.ListEvidence(ListEvidenceRequest(page_token=token, reason="FORK"))
        found.evidence.extend(row for row in page.evidence if wanted in (None, row.log))
        token = page.next_page_token
        if not token:
            break
    lines = [line for row in found.evidence for line in fork_lines(row)]
    answer(plain(found), lines or [tr("没有已证实的分叉。", "No fork was proven.")])


@command(
    log,
    "touched",
    help=both(
        "列出失信密钥涉及的条目：哪些仍然有效，哪些待重新联签。",
        "List what keys called bad have touched: what survives, and what waits to be covered.",
    ),
)
@option("--log", "name", help=both("只看此日志。", "Only this log."))
@connected
def touched(*, connection: Connection, name: str | None) -> int:
    """List what bad keys touched; exit 1 if some of it permits nothing now."""
    from clients.logs.forks import touched_lines
    from deltacare.v1.log_service_pb2 import ListTouchedRequest

    with connection.open() as node:
        found = node.log.ListTouched(ListTouchedRequest(log=name or ""))
    lines = [line for row in found.touched for line in touched_lines(row)]
    answer(plain(found), lines or [tr("没有失信密钥涉及的条目。", "No bad key touched anything.")])
    is_open = any(row.covered_index < row.end_index for row in found.touched)
    return Exit.NO if is_open else Exit.YES


def _show_entry(node: Any, name: str, index: int) -> None:  # noqa: ANN401  # a client of a node
    import json

    from deltacare.tlog.tree import leaf_hash
    from deltacare.v1.entry_pb2 import Entry
    from deltacare.v1.log_service_pb2 import ReadEntriesRequest

    request = ReadEntriesRequest(
        log=name, first_index=index, end_index=index + 1, checkpoint_size=index + 1
    )
    data = b"".join(entry for part in node.log.ReadEntries(request) for entry in part.entries)
    body = plain(Entry.FromString(data))
    found = {"log": name, "index": index, "leaf_hash": leaf_hash(data).hex(), "entry": body}
    answer(found, [json.dumps(found, ensure_ascii=False, indent=2)])


@command(
    log,
    "verify",
    help=both(
        "按策略文件校验整本日志：签名、联签、全部条目的根。",
        "Verify a whole log by a policy file: signature, cosignatures, the root of all entries.",
    ),
)
@click.argument("source")
@option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help=both(
        "C2SP tlog-policy 文件：信任的日志与见证方。", "C2SP tlog-policy: the logs and witnesses."
    ),
)
@connected
def verify(*, connection: Connection, source: str, policy: Path) -> int:
    """Verify an exported directory, or a log that a node holds."""
    from clients.logs.source import LogSource, NodeLog, TilesDirectory
    from clients.logs.verify import verify_log
    from clients.regular_files import read_regular
    from deltacare.tlog.policy import POLICY_BYTES_MAX, Policy

    trusted = Policy.from_bytes(read_regular(policy, bytes_max=POLICY_BYTES_MAX))

    def run(held: LogSource) -> Any:  # noqa: ANN401  # a result
        with progress("校验条目", "verifying entries") as bar:
            return verify_log(held, trusted, bar.advance)

    if Path(source).is_dir():
        result = run(TilesDirectory(Path(source)))
    else:
        with connection.open() as node:
            result = run(NodeLog(node, source))
    answer(
        {
            "log": result.origin,
            "size": result.size,
            "root": result.root.hex(),
            "cosignatures": [
                {"witness": witness, "time": time} for witness, time in result.cosignatures
            ],
            "verified": True,
        },
        [
            tr("通过：", "Verified: ")
            + tr(f"{result.origin}，{result.size} 条", f"{result.origin}, {result.size} entries"),
            tr("根 ", "root ") + result.root.hex(),
            *(
                tr(f"联签 {witness}，{time}", f"cosigned by {witness} at {time}")
                for witness, time in result.cosignatures
            ),
        ],
    )
    return Exit.YES


@command(
    log,
    "export",
    help=both(
        "把所持日志导出为 C2SP tlog-tiles 目录，可用其他工具审计。",
        "Export a held log as a C2SP tlog-tiles directory that other tools audit.",
    ),
)
@click.argument("name")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@connected
def export(*, connection: Connection, name: str, directory: Path) -> None:
    """Export a log."""
    from clients.logs.source import NodeLog
    from clients.logs.tiles import export_tiles

    with connection.open() as node, progress("导出条目", "exporting entries") as bar:
        exported = export_tiles(NodeLog(node, name), directory, bar.advance)
        policy = _policy(node, name)
    path = directory / POLICY_FILE
    path.write_text(policy.to_text(), encoding="utf-8")
    answer(
        {
            "log": name,
            "size": exported.size,
            "root": exported.root.hex(),
            "path": str(directory),
            "policy": str(path),
        },
        [
            tr(
                f"已导出 {name}，{exported.size} 条，至 {directory}；信任策略在 {path}",
                f"Exported {name}, {exported.size} entries, to {directory}; its policy is {path}",
            )
        ],
    )


@command(
    log,
    "policy",
    help=both(
        "写出日志或结论密钥（deltacare/省/verdicts）的 C2SP tlog-policy，按本节点所列。"
        "有密钥失信后须重新生成：失信密钥及其时刻以注释列出。",
        "Write a C2SP tlog-policy of a log, or of the keys deltacare/P/verdicts, as the own node "
        "lists them. Make it anew after a taint: a comment in it names the bad key and since when.",
    ),
)
@click.argument("name")
@option(
    "--suite",
    type=click.Choice(["sm2"]),
    help=both(
        "改写国密 SM2 密钥的策略，供 verify --require sm2；文件名宜以 .sm2.txt 结尾。",
        "The policy of SM2 keys instead, for verify --require sm2; name the file *.sm2.txt.",
    ),
)
@option("--out", type=click.Path(dir_okay=False, path_type=Path), help=both("写入文件。", "File."))
@connected
def policy_(*, connection: Connection, name: str, suite: str | None, out: Path | None) -> None:
    """Write a log's policy."""
    with connection.open() as node:
        text = (_policy(node, name) if suite is None else _sm2_policy(node, name)).to_text()
    if out is not None:
        out.write_text(text, encoding="utf-8")
        lines = [tr(f"{name} 的信任策略：{out}", f"The policy of {name}: {out}")]
    else:
        lines = [text.rstrip("\n")]
    answer({"log": name, "policy": text, "path": str(out) if out else None}, lines)


def _policy(node: Any, name: str) -> "Policy":  # noqa: ANN401  # a client of a node
    """Return what a node lists of a log."""
    from clients.logs.policies import listed_policy, listed_verdict_policy
    from deltacare.ids import LogName
    from deltacare.v1.federation_service_pb2 import ListMembersRequest

    listed = node.federation.ListMembers(ListMembersRequest())
    match name.split("/"):
        case ["deltacare", province, "verdicts"]:
            return listed_verdict_policy(listed, province)
    return listed_policy(listed, LogName.parse(name))


def _sm2_policy(node: Any, name: str) -> "Sm2Policy":  # noqa: ANN401  # a client of a node
    """Return what a node lists of a log's keys of the second suite."""
    from clients.logs.policies import listed_sm2_policy
    from deltacare.ids import LogName
    from deltacare.v1.federation_service_pb2 import ListMembersRequest

    return listed_sm2_policy(node.federation.ListMembers(ListMembersRequest()), LogName.parse(name))


@command(
    log,
    "receipt",
    help=both(
        "取一个条目的回执：PREFIX.tlog-proof 与 PREFIX.entry，可离线核验。",
        "Get an entry's receipt, to check offline: PREFIX.tlog-proof and PREFIX.entry.",
    ),
)
@click.argument("name")
@click.argument("index", type=click.IntRange(min=0))
@option(
    "--out",
    "prefix",
    metavar="PREFIX",
    required=True,
    help=both("两个文件的路径前缀。", "Path of the two files without their endings."),
)
@connected
def receipt(*, connection: Connection, name: str, index: int, prefix: str) -> None:
    """Write an entry's receipt."""
    from deltacare.v1.log_service_pb2 import GetReceiptRequest

    with connection.open() as node:
        found = node.log.GetReceipt(GetReceiptRequest(log=name, index=index))
    proof, entry = Path(f"{prefix}.tlog-proof"), Path(f"{prefix}.entry")
    proof.parent.mkdir(parents=True, exist_ok=True)
    proof.write_bytes(found.proof)
    entry.write_bytes(found.entry)
    answer(
        {"log": name, "index": index, "proof": str(proof), "entry": str(entry)},
        [
            tr(
                f"{name} 第 {index} 条的回执：{proof}、{entry}",
                f"Receipt of entry {index} of {name}: {proof}, {entry}",
            )
        ],
    )
