"""Settlement files: ``import`` files one with a node, ``reconcile`` compares two without any.

A file is read whole before anything is sent, so that a clerk hears of every bad row at once.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import (
    Exit,
    Fault,
    InputRefused,
    fault_lines,
    fault_plain,
    finding_fault,
)
from clients.cli.output import answer, print_table, progress, say, yuan
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
    from clients.filing.batches import batches_of, file_batches
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest
    from settlement.records import read_settlements

    with connection.open() as node:
        # 1. Every row, before anything is sent.
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        with progress("检查文件", "checking the file") as bar:
            read = read_settlements(file)
            bar.advance(len(read.rows))
        faults = [finding_fault(finding) for finding in read.findings]
        fault_count = read.findings_total
        good = [row for row in read.rows if own in (row.home, row.host)]
        for row in read.rows:
            if own not in (row.home, row.host):
                fault_count += 1
                faults.append(_foreign(row.row, f"{row.home}, {row.host}", own))
        if fault_count and not only_good:
            raise InputRefused(
                tr(
                    f"{file.name} 有 {fault_count} 处问题，未报送任何行；改好后重来，"
                    "或用 --only-good 只报送合格的行。",
                    f"{file.name}: {fault_count} problems, nothing was filed. Mend them, or use "
                    "--only-good to file the good rows.",
                ),
                faults=tuple(faults),
                fault_count=fault_count,
            )
        # 2. Batches to each partner.
        batches = batches_of(good, own=own, maker=signature.maker, reviewer=signature.reviewer)
        filed, refused = 0, []
        if not dry_run:
            with progress("报送", "filing", total=len(good)) as bar:
                for outcome in file_batches(node, batches, signature.duty):
                    bar.advance(len(outcome.batch.rows))
                    filed += outcome.filed_count
                    refused += [
                        Fault(
                            field=tr(f"第 {row} 行 {name}", f"row {row} {name}"),
                            value=fault.value,
                            description=fault.description,
                            remedy=fault.remedy,
                        )
                        for row, name, fault in outcome.faults()
                    ]
    _tell_import(
        file=file,
        good=len(good),
        filed=filed,
        faults=faults,
        fault_count=fault_count,
        refused=refused,
        dry_run=dry_run,
    )
    return Exit.BAD_INPUT if fault_count or refused else Exit.YES


def _foreign(row: int, value: str, own: str) -> Fault:
    return Fault(
        field=tr(f"第 {row} 行", f"row {row}"),
        value=value,
        description=tr(f"不涉及本省 {own}", f"It is not between {own} and another province."),
        remedy=tr("交由有关省份报送", "Have one of its two provinces file it."),
    )


def _tell_import(
    *,
    file: Path,
    good: int,
    filed: int,
    faults: list[Fault],
    fault_count: int,
    refused: list[Fault],
    dry_run: bool,
) -> None:
    data = {
        "file": file.name,
        "dry_run": dry_run,
        "good_rows": good,
        "filed": filed,
        "fault_count": fault_count,
        "faults": [fault_plain(fault) for fault in faults],
        "refused": [fault_plain(fault) for fault in refused],
    }
    lines = [
        tr(f"合格 {good} 行，", f"{good} good rows, ")
        + (
            tr("未报送（--dry-run）", "nothing filed (--dry-run)")
            if dry_run
            else tr(f"已报送 {filed} 行", f"{filed} filed")
        )
    ]
    answer(data, lines)
    for title, listed, count in (
        (tr("文件问题：", "In the file:"), faults, fault_count),
        (tr("节点拒绝：", "Refused by the node:"), refused, len(refused)),
    ):
        if listed:
            say("\n".join([title, *fault_lines(listed, count)]))


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
