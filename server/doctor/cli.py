"""``deltacare node doctor``: draws an examination, and answers the shell with it.

Thin: everything is examined in ``run``. A module of its own, because the help of ``node`` must load
nothing heavy.
"""

import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Command, option, wants_json
from clients.cli.failures import Exit
from clients.cli.output import answer, say
from clients.language import both, tr

if TYPE_CHECKING:
    from server.doctor.findings import Finding
    from server.doctor.run import Report

__all__ = ["doctor"]

_COLUMN = 14
_COLOURS = {"OK": "green", "WARN": "yellow", "BAD": "red"}
_CHECKS_ZH = {
    "node": "节点",
    "clock": "时钟",
    "certificates": "证书",
    "trust": "信任",
    "keys": "密钥",
    "reachability": "连通",
    "logs": "日志",
    "cosignatures": "联签",
    "database": "数据库",
    "disk": "磁盘",
}


@click.command(
    "doctor",
    cls=Command,
    help=both(
        "检查节点：时钟、证书、信任、密钥、双向连通、日志一致、联签、数据库、磁盘。",
        "Examine a node: clock, certificates, trust, keys, reachability both ways, logs, "
        "cosignatures, database, disk.",
    ),
    epilog=both(
        "只读，不改动任何东西。退出码：0 全部正常，1 有问题，2 不是节点目录，3 节点没有应答。",
        "Reads only. Exit 0 all well, 1 something is wrong, 2 no node's directory, 3 the node does "
        "not answer.",
    ),
)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@option("--node", "endpoint", help=both("节点地址。", "The node, host:port."))
@option(
    "--client",
    default="administrator",
    show_default=True,
    help=both("以哪个客户端证书询问。", "Client certificate to ask with."),
)
def doctor(directory: Path, endpoint: str | None, client: str) -> int:
    """Examine a node."""
    import asyncio

    from server.doctor.run import examine

    report = asyncio.run(
        examine(directory, client=client, endpoint=endpoint, clock=lambda: datetime.now(UTC))
    )
    if wants_json():
        answer(_plain(report))
    else:
        for finding in report.findings:
            _draw(finding)
        _sum_up(report)
    if not report.is_running:
        return Exit.UNREACHABLE
    return Exit.NO if report.worst else Exit.YES


def _plain(report: "Report") -> dict[str, Any]:
    """Return a report for JSON."""
    return {
        "province": report.province,
        "is_running": report.is_running,
        "worst": report.worst.name,
        "findings": [finding.plain() for finding in report.findings],
    }


def _draw(finding: "Finding") -> None:
    """Print a line, and below it whose turn it is and the command."""
    level = finding.level.name
    check = _padded(tr(_CHECKS_ZH[finding.check], finding.check.value))
    subject = f"{finding.subject}: " if finding.subject else ""
    click.echo(
        f"{click.style(f'{level:<4}', fg=_COLOURS[level])} {check}{subject}"
        f"{tr(finding.zh, finding.en)}"
    )
    if finding.side is not None:
        click.echo(f"     {_padded('')}→ {_turn(finding)}: {finding.remedy}")


def _padded(text: str) -> str:
    """Return a text as wide as every first column; a Chinese character takes two places."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return text + " " * (_COLUMN - len(text) - wide)


def _turn(finding: "Finding") -> str:
    """Return who has to act."""
    match finding.side:
        case "ours":
            return tr("本方", "ours")
        case "partner":
            return tr(f"请 {finding.province}", f"partner {finding.province}")
        case _:
            return tr(
                f"与 {finding.province} 之间的网络", f"network between us and {finding.province}"
            )


def _sum_up(report: "Report") -> None:
    """Say how many lines want somebody to act."""
    wrong = [finding for finding in report.findings if finding.level]
    if not wrong:
        say(tr("一切正常。", "All well."))
        return
    bad = sum(finding.level.name == "BAD" for finding in wrong)
    say(
        tr(
            f"{len(wrong)} 处需要处理，其中 {bad} 处紧要。",
            f"{len(wrong)} want attention, {bad} of them at once.",
        )
    )
