"""Settlement files: ``import`` files one with a node, ``reconcile`` compares two without any.

A file is read whole before anything is sent, so that a clerk hears of every bad row at once.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Exit
from clients.cli.output import answer, print_table, require_folder, yuan
from clients.cli.sending import Sent, check_file, refuse_faults, send, tell
from clients.language import both, tr

if TYPE_CHECKING:
    from settlement.reconcile import Reconciliation

__all__ = ["import_", "reconcile"]

_group = Group(name="files", help="")


@command(
    _group,
    "import",
    help=both(
        "报送一份结算文件：先检查全部行，全部合格（或加 --only-good）才报送。重跑不会重复报送。",
        "File a settlement file: every row is checked first, and nothing is filed unless all are "
        "good, or --only-good is given. Running it again files nothing twice.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option(
    "--only-good",
    is_flag=True,
    help=both("只报送合格的行。", "File the good rows only."),
)
@option("--dry-run", is_flag=True, help=both("只检查，不报送。", "Check only; nothing is filed."))
@signed
@connected
def import_(
    *, connection: Connection, signature: Signature, file: Path, only_good: bool, dry_run: bool
) -> int:
    """File the records of a file."""
    from clients.filing.batches import batches_of
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    with connection.open() as node:
        # 1. Every row, before anything is sent.
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        checked = check_file(file, own)
        if not only_good:
            refuse_faults(file, checked.faults, checked.fault_count)
        # 2. Batches to each partner.
        sent = Sent()
        if not dry_run:
            batches = batches_of(
                checked.good,
                own=own,
                maker=signature.maker,
                reviewer=signature.reviewer,
                once=signature.request_id,
            )
            sent = send(node, batches, signature)
    return tell(
        file=file,
        good=len(checked.good),
        faults=checked.faults,
        fault_count=checked.fault_count,
        sent=sent,
        is_dry_run=dry_run,
    )


@command(
    _group,
    "reconcile",
    help=both(
        "两份文件逐条对账，不需要节点。有未结清的差错时退出码为 1。",
        "Reconcile two files line by line, with no node. Exit code 1 if anything is open.",
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
def reconcile(*, home_path: Path, host_path: Path, lines_path: Path | None, threads: int) -> int:
    """Reconcile two files."""
    from settlement.reconcile import reconcile as run

    if lines_path is not None:
        require_folder(lines_path)
    result = run(home_path, host_path, lines_path=lines_path, threads=threads)
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
