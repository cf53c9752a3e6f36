"""``settle import``: a file of records, checked whole, compared with its totals, then filed.

Nothing is sent before every row was read, the totals agree and the node has computed what the file
leaves empty. A dry run asks the node what it can be asked without filing, and shows what the file
comes to.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.asked_rows import ask_about_rows
from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Fault, InputRefused
from clients.cli.output import print_table, yuan
from clients.cli.sending import (
    CheckedFile,
    Sent,
    check_file,
    compute,
    refuse_faults,
    row_fault,
    send,
    tell,
    validate,
)
from clients.language import both, tr

if TYPE_CHECKING:
    from deltacare.v1.entry_pb2 import SettlementRecord
    from settlement.records import SettlementRow
    from settlement.stated import Mismatch

__all__ = ["import_", "open_date"]

_group = Group(name="import", help="")

_NAMED_MAX = 10


@command(
    _group,
    "import",
    help=both(
        "报送一份结算文件：先检查全部行，全部合格（或加 --only-good）才报送；"
        "金额留空的由节点按政策计算。"
        "文件中的合计行和 --control-count、--control-yuan 先与明细核对，不符则不报送。"
        "以经办人身份连接时提交待复核。重跑不会重复报送。",
        "File a settlement file: every row is checked first, and nothing is filed unless all are "
        "good, or --only-good is given; the node computes amounts that are left empty. A row of "
        "totals and --control-count, --control-yuan are compared with the rows first. What a "
        "clerk files waits for a reviewer. Running it again files nothing twice.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--only-good", is_flag=True, help=both("只报送合格的行。", "File the good rows only."))
@option(
    "--dry-run",
    is_flag=True,
    help=both(
        "只检查并按双方、月份、项目汇总，不报送。",
        "Check only, and sum up by provinces, month and kind; nothing is filed.",
    ),
)
@option(
    "--control-count",
    type=click.IntRange(min=1),
    metavar="N",
    help=both("总分核对：应有的笔数。", "How many rows there have to be."),
)
@option(
    "--control-yuan",
    metavar="YUAN",
    help=both("总分核对：应有的金额合计（元）。", "What they have to come to, in yuan."),
)
@option(
    "--only-different",
    is_flag=True,
    help=both(
        "先按对方、日期、项目比对总数，只报送节点没有的行。",
        "Compare totals by partner, date and kind first; file only rows that the node lacks.",
    ),
)
@option(
    "--date",
    "business_date",
    metavar="YYYY-MM-DD",
    help=both(
        "文件没有“报送日”列时，各行的业务日期（与 --only-different 同用）。",
        "Business date of rows where the file has no column filed_date (with --only-different).",
    ),
)
@signed
@connected
def import_(
    *,
    connection: Connection,
    signature: Signature,
    file: Path,
    only_good: bool,
    dry_run: bool,
    control_count: int | None,
    control_yuan: str | None,
    only_different: bool,
    business_date: str | None,
) -> int:
    """File the records of a file."""
    from clients.filing.batches import batches_of
    from clients.filing.control import row_sums
    from clients.filing.earlier import filed_before, known_rows
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    control_fen = None if control_yuan is None else _fen(control_yuan)
    with connection.open() as node:
        # 1. Every row, before anything is sent.
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        checked = ask_about_rows(node, check_file(file, own), own)
        earlier = filed_before(node, checked.good, own=own)
        checked = compute(node, checked, earlier=[*earlier, *_waiting(node, checked, signature)])
        if not only_good:
            refuse_faults(file, checked.faults, checked.fault_count)
        # 2. What the file says that it holds.
        _check_totals(file, checked, control_count, control_fen)
        # 3. What the node has already.
        equal = 0
        if only_different:
            checked, equal = _only_different(
                node, checked, own, earlier=earlier, business_date=business_date, file=file
            )
        known = known_rows(checked.good, earlier)
        # 4. Batches to each partner.
        sent = Sent()
        batches = batches_of(
            checked.good,
            own=own,
            maker=signature.maker,
            reviewer=signature.reviewer,
            once=signature.request_id,
            computed=checked.computed,
        )
        if not dry_run:
            sent = send(node, batches, signature)
        elif not signature.is_draft:
            sent = validate(node, batches, signature)
    # What this very file had filed before is told as that.
    known = [row for row in known if row.row not in sent.repeated_rows]
    sums = row_sums(checked.good)
    code = tell(
        file=file,
        good=len(checked.good),
        faults=checked.faults,
        fault_count=checked.fault_count,
        sent=sent,
        is_dry_run=dry_run,
        more=_counts(checked, known, equal),
        facts={
            "known_rows": [row.row for row in known],
            "sums": [
                {
                    "home": each.home,
                    "host": each.host,
                    "service_month": each.service_month,
                    "subsidy_kind": each.subsidy_kind,
                    "record_count": each.record_count,
                    "sum_fen": each.sum_fen,
                }
                for each in sums
            ],
        },
    )
    if dry_run:
        _draw(sums)
    return code


def _fen(text: str) -> int:
    """Return the fen of a sum in yuan."""
    from deltacare.money import parse_yuan

    return parse_yuan(text, field="control-yuan")


def _check_totals(file: Path, checked: CheckedFile, count: int | None, fen: int | None) -> None:
    """Compare what the file and the caller say with the rows (总分核对).

    Raises:
        InputRefused: If a figure differs; both are told.
    """
    from settlement.stated import StatedTotals, mismatches

    stated = [*checked.totals, StatedTotals(record_count=count, sum_fen=fen)]
    found = list(mismatches(stated, checked.good))
    if found:
        raise InputRefused(
            tr(
                f"{file.name} 总分核对不符，未报送任何行。",
                f"{file.name}: the totals are not those of the rows; nothing was filed.",
            ),
            faults=tuple(map(_mismatch_fault, found)),
        )


def _mismatch_fault(found: "Mismatch") -> Fault:
    """Return a figure that differs, with both values."""
    names = {
        "record_count": tr("笔数", "rows"),
        "sum_fen": tr("金额合计（元）", "sum, yuan"),
        "service_days": tr("天数合计", "sum of days"),
    }
    is_fen = found.name == "sum_fen"
    stated, held = (
        (yuan(found.stated), yuan(found.held))
        if is_fen and found.stated >= 0
        else (str(found.stated), str(found.held))
    )
    if is_fen and found.stated < 0:
        stated, held = tr("无法读取", "unreadable"), yuan(found.held)
    where = (
        tr(f"第 {found.row} 行", f"row {found.row}")
        if found.row
        else "--control-yuan"
        if is_fen
        else "--control-count"
    )
    return Fault(
        field=where,
        value=stated,
        description=tr(
            f"{names[found.name]}：应为 {stated}，明细为 {held}。",
            f"{names[found.name]}: stated {stated}, the rows come to {held}.",
        ),
        remedy=tr("核对文件与来源后重来", "Compare the file with its source and try again."),
    )


def _only_different(
    node: Any,  # noqa: ANN401  # a client of a node
    checked: CheckedFile,
    own: str,
    *,
    earlier: "Sequence[SettlementRecord]",
    business_date: str | None,
    file: Path,
) -> tuple[CheckedFile, int]:
    """Return the file with the rows that the node lacks, and how many it has."""
    from clients.filing.differing import find_differing, totals_of
    from clients.filing.earlier import known_rows

    if not checked.good:
        return checked, 0
    groups = totals_of(
        checked.good,
        own=own,
        dates=checked.filed_dates,
        default_date=business_date or open_date(node, file, checked, own),
    )
    found = find_differing(node, groups)
    elsewhere = known_rows(found.new, earlier)
    faults = [
        row_fault(
            row.row,
            "settlement_no",
            row.settlement_no,
            tr("该编号已在其他日期报送", "The number was filed under another date."),
            tr("在“报送日”列写明日期", "Say that date in a column filed_date."),
        )
        for row in elsewhere
    ]
    faults += [
        row_fault(
            row.row,
            "settlement_no",
            row.settlement_no,
            tr("节点已有该编号，内容不同", "The node has this number with other content."),
            tr("用 settle revise 更正", "Replace it with settle revise."),
        )
        for row in found.changed
    ]
    return (
        replace(
            checked,
            good=[row for row in found.new if row not in elsewhere],
            faults=[*checked.faults, *faults],
            fault_count=checked.fault_count + len(faults),
        ),
        found.known_count,
    )


def open_date(
    node: Any,  # noqa: ANN401  # a client of a node
    file: Path,
    checked: CheckedFile,
    own: str,
) -> str:
    """Return the business date under which records are filed now, if every row needs one.

    Raises:
        InputRefused: If own logs stand at different dates: then it has to be said.
    """
    from datetime import date, timedelta

    from deltacare.v1.settlement_service_pb2 import ListDayClosesRequest

    if all(row.row in checked.filed_dates for row in checked.good):
        return ""
    answer = node.settlement.ListDayCloses(ListDayClosesRequest())
    partners = {row.host if row.home == own else row.home for row in checked.good}
    logs = {f"deltacare/{own}/settlement/{partner}" for partner in partners}
    dates = {each.last_closed_date for each in answer.closes if each.log in logs}
    if len(dates) > 1:
        raise InputRefused(
            tr(
                f"{file.name} 未写明报送日：请加“报送日”列或 --date。",
                f"{file.name} does not say when it was filed: add a column filed_date, or --date.",
            )
        )
    last = dates.pop() if dates else ""
    if not last:
        return str(answer.opening_date)
    return (date.fromisoformat(last) + timedelta(days=1)).isoformat()


def _waiting(
    node: Any,  # noqa: ANN401  # a client of a node
    checked: CheckedFile,
    signature: Signature,
) -> "list[SettlementRecord]":
    """Return what waits in drafts, where a clerk leaves amounts empty: it is computed once too."""
    from clients.filing.earlier import drafted_records

    return drafted_records(node) if signature.is_draft and checked.empty else []


def _counts(
    checked: CheckedFile, known: Sequence["SettlementRow"], equal: int
) -> list[tuple[str, int, str]]:
    """Return what else is counted, with words."""
    computed = len(checked.computed)
    some = ", ".join(str(row.row) for row in known[:_NAMED_MAX])
    if len(known) > _NAMED_MAX:
        some += ", …"
    return [
        (
            "computed",
            computed,
            tr(f"节点计算金额 {computed} 行", f"the node computed {computed} amounts"),
        ),
        (
            "known_numbers",
            len(known),
            tr(
                f"{len(known)} 行的编号先前已报（第 {some} 行；更正用 settle revise）",
                f"{len(known)} rows have numbers that were filed before (row {some}; what changes "
                "a record: settle revise)",
            ),
        ),
        ("equal", equal, tr(f"{equal} 行节点已有", f"the node has {equal} rows already")),
    ]


def _draw(sums: Sequence[Any]) -> None:
    from clients.cli.commands import wants_json

    if wants_json() or not sums:
        return
    print_table(
        [
            tr("户籍地", "home"),
            tr("服务地", "host"),
            tr("月份", "month"),
            tr("项目", "kind"),
            tr("笔数", "rows"),
            tr("金额（元）", "yuan"),
        ],
        [
            (
                each.home,
                each.host,
                each.service_month,
                each.subsidy_kind,
                each.record_count,
                yuan(each.sum_fen),
            )
            for each in sums
        ],
        numbers=(4, 5),
    )
