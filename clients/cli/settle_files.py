"""``settle reconcile``: compares two settlement files line by line, with no node."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.cli.commands import Group, command, option
from clients.cli.failures import Exit
from clients.cli.output import answer, print_table, require_folder, yuan
from clients.language import both, tr

if TYPE_CHECKING:
    from settlement.reconcile import Reconciliation

__all__ = ["reconcile"]

_group = Group(name="files", help="")


@command(
    _group,
    "reconcile",
    help=both(
        "两份文件逐条对账，不需要节点。有未结清的差错时退出码为 1。"
        "编号、项目、机构按原文比对；节点是否受理由 settle import --dry-run 检查。",
        "Reconcile two files line by line, with no node. Exit code 1 if anything is open. Numbers, "
        "kinds and institutions are compared as written; whether a node would take them, settle "
        "import --dry-run says.",
    ),
)
@option(
    "--home",
    "home_path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("户籍地一方的文件（CSV 或 XLSX）。", "What the home side filed, CSV or XLSX."),
)
@option(
    "--host",
    "host_path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("服务地一方的文件（CSV 或 XLSX）。", "What the host side filed, CSV or XLSX."),
)
@option(
    "--lines",
    "lines_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both(
        "把每一行及其类别写入该文件（.parquet 或 .csv）。",
        "Write every line with its class to this file, .parquet or .csv.",
    ),
)
@option(
    "--threads",
    type=click.IntRange(1, 16),
    default=2,
    show_default=True,
    help=both("引擎线程数；结果与此无关。", "Threads; the result does not depend on them."),
)
@option(
    "--engine",
    default="duckdb",
    show_default=True,
    help=both(
        "引擎：duckdb，或 Spark 主节点，如 'local[*]'、spark://host:7077（须安装 spark 附加包）。",
        "duckdb, or with the extra spark a Spark master such as 'local[*]' or spark://host:7077.",
    ),
)
@option(
    "--memory-mb",
    type=click.IntRange(min=128),
    help=both(
        "内存上限（MiB），超出部分写入临时文件；不指定则全部在内存中。",
        "Memory in MiB, beyond which temporary files are used; without it, all is in memory.",
    ),
)
def reconcile(
    *,
    home_path: Path,
    host_path: Path,
    lines_path: Path | None,
    threads: int,
    engine: str,
    memory_mb: int | None,
) -> int:
    """Reconcile two files."""
    from settlement.engine import EngineSettings, parse_engine
    from settlement.reconcile import reconcile as run

    if lines_path is not None:
        require_folder(lines_path)
    settings = EngineSettings(name=parse_engine(engine), threads=threads, memory_mb=memory_mb)
    result = run(home_path, host_path, lines_path=lines_path, settings=settings)
    if answer(result.to_dict()):
        _draw(result)
    return Exit.YES if result.matched_only else Exit.NO


def _draw(result: "Reconciliation") -> None:
    from settlement.core.classes import LineClass

    print_table(
        [
            tr("类别", "class"),
            tr("行数", "lines"),
            tr("户籍地金额（元）", "home, yuan"),
            tr("服务地金额（元）", "host, yuan"),
            tr("下一步", "next"),
        ],
        [
            (
                f"{name} {tr(LineClass[name].zh, '')}".rstrip(),
                count,
                yuan(result.fen[name][0]),
                yuan(result.fen[name][1]),
                tr(LineClass[name].action_zh, LineClass[name].action_en),
            )
            for name, count in result.counts.items()
        ],
        numbers=(1, 2, 3),
    )
    print_table(
        [tr("付款方", "payer"), tr("收款方", "payee"), tr("金额（元）", "yuan")],
        [(payer, payee, yuan(fen)) for (payer, payee), fen in result.bilateral.items()],
        numbers=(2,),
    )
    print_table(
        [tr("省份", "province"), tr("净额（收减付，元）", "received less paid, yuan")],
        [(code, yuan(fen)) for code, fen in result.net.items()],
        numbers=(1,),
    )
    click.echo(tr("摘要 ", "digest ") + result.digest.hex())
