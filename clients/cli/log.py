"""``deltacare log``: the logs a node holds: show them, verify them whole, export them as files."""

from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit
from clients.cli.output import answer, print_table, progress
from clients.language import both, tr
from clients.plain import plain

__all__ = ["log"]

log = Group(name="log", help=both("日志：查看、校验、导出。", "Logs: show, verify, export."))


@command(
    log,
    "show",
    help=both("列出所持日志，或显示一个条目。", "List the logs held, or show one entry."),
)
@click.argument("name", required=False)
@option("--index", type=click.IntRange(min=0), help=both("条目序号，从 0 起。", "Entry, from 0."))
@connected
def show(*, connection: Connection, name: str | None, index: int | None) -> None:
    """Show logs, a checkpoint or an entry."""
    from deltacare.v1.log_service_pb2 import GetCheckpointRequest, ListLogsRequest

    with connection.open() as node:
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
    from deltacare.tlog.policy import Policy

    trusted = Policy.from_bytes(policy.read_bytes())

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
    answer(
        {"log": name, "size": exported.size, "root": exported.root.hex(), "path": str(directory)},
        [
            tr(
                f"已导出 {name}，{exported.size} 条，至 {directory}",
                f"Exported {name}, {exported.size} entries, to {directory}",
            )
        ],
    )
