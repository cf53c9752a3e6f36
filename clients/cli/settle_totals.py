"""``settle totals``: whether the node has the same records as a file, without sending a line."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit
from clients.cli.output import answer, print_table, yuan
from clients.cli.sending import check_file, compute, refuse_faults
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from deltacare.v1.settlement_service_pb2 import RecordTotal

__all__ = ["totals"]

_group = Group(name="totals", help="")


@command(
    _group,
    "totals",
    help=both(
        "把文件按对方、业务日期、户籍地、项目汇总（笔数、金额、摘要），与节点中本方已报的核对；"
        "不传送任何明细。有差异时退出码为 1；差异的行可用 settle import --only-different 报送。",
        "Total a file by partner, business date, home and kind (count, sum, digest) and compare it "
        "with what the own province has filed; no line is sent. Exit code 1 if anything differs; "
        "settle import --only-different then files the rows that the node lacks.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option(
    "--date",
    "business_date",
    metavar="YYYY-MM-DD",
    help=both(
        "文件没有“报送日”列时，各行的业务日期；默认为节点当前业务日期。",
        "Business date of rows where the file has no column filed_date; that which is open now by "
        "default.",
    ),
)
@connected
def totals(*, connection: Connection, file: Path, business_date: str | None) -> int:
    """Compare totals."""
    from clients.cli.settle_import import open_date
    from clients.filing.differing import compare_totals, totals_of
    from clients.filing.earlier import filed_before
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    with connection.open() as node:
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        checked = check_file(file, own)
        earlier = filed_before(node, checked.good, own=own) if checked.empty else ()
        checked = compute(node, checked, earlier=earlier)
        refuse_faults(file, checked.faults, checked.fault_count)
        groups = totals_of(
            checked.good,
            own=own,
            dates=checked.filed_dates,
            default_date=business_date or open_date(node, file, checked, own),
        )
        found = compare_totals(node, groups)
    words = tr(
        f"{found.equal_count} 项一致，{len(found.differences)} 项有差异",
        f"{found.equal_count} totals are equal, {len(found.differences)} differ",
    )
    if answer(plain(found), [words]) and found.differences:
        _draw(found)
    return Exit.NO if found.differences else Exit.YES


def _draw(found: Any) -> None:  # noqa: ANN401  # a message
    print_table(
        [
            tr("对方", "partner"),
            tr("业务日期", "date"),
            tr("户籍地", "home"),
            tr("项目", "kind"),
            tr("文件笔数", "file, rows"),
            tr("文件金额（元）", "file, yuan"),
            tr("节点笔数", "node, rows"),
            tr("节点金额（元）", "node, yuan"),
        ],
        [
            (
                *_key(each.given if each.HasField("given") else each.held),
                each.given.record_count,
                yuan(each.given.sum_fen),
                each.held.record_count,
                yuan(each.held.sum_fen),
            )
            for each in found.differences
        ],
        numbers=(4, 5, 6, 7),
    )


def _key(total: "RecordTotal") -> tuple[str, str, str, str]:
    return (total.partner, total.business_date, total.home, total.subsidy_kind)
