"""``deltacare institution``: registers in, institutions out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, LazyCommand, command, option
from clients.cli.connection import Connection, Signature, connected
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, pages, print_table, progress, say
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.registers.reader import Register

__all__ = ["institution"]

institution = Group(
    name="institution",
    help=both("养老机构名录。", "Registers of eldercare institutions."),
    lazy={
        "publish-listing": LazyCommand(
            target="clients.cli.listings:publish_listing",
            help=both("公布异地养老机构名单。", "Publish a listing open to elders from outside."),
        ),
        "withdraw-listing": LazyCommand(
            target="clients.cli.listings:withdraw_listing",
            help=both("撤回名单。", "Withdraw a listing."),
        ),
        "listings": LazyCommand(
            target="clients.cli.listings:listings", help=both("列出名单。", "List the listings.")
        ),
    },
)

BATCH_MAX = 1_000
_FINDINGS_SHOWN = 40
_LISTED_DEFAULT = 50


@command(
    institution,
    "import",
    help=both(
        "导入名录：好的行入库，每个问题按行、列、处理办法报告；再次导入只更新有变化的。",
        "Import a register: good rows go in, every defect is reported by row, column and remedy; "
        "importing again changes only what differs.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--dry-run", is_flag=True, help=both("只检查，不入库。", "Check only; nothing goes in."))
@option(
    "--province",
    default=None,
    metavar="CODE",
    help=both(
        "只接受该省的行；入库时默认为节点所属省。",
        "Take only rows of this province; the node's own when importing.",
    ),
)
@option(
    "--maker",
    envvar="DELTACARE_MAKER",
    metavar="ID",
    help=both("经办人编号；入库时必填。", "Maker; required unless --dry-run."),
)
@option(
    "--reviewer",
    envvar="DELTACARE_REVIEWER",
    metavar="ID",
    help=both("复核人编号；入库时必填。", "Checker; required unless --dry-run."),
)
@option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both(
        "把全部问题写入 .csv 或 .xlsx 文件。", "Write every defect into a .csv or .xlsx file."
    ),
)
@connected
def import_(
    *,
    connection: Connection,
    file: Path,
    dry_run: bool,
    province: str | None,
    maker: str | None,
    reviewer: str | None,
    report: Path | None,
) -> int:
    """Import a register."""
    from datetime import UTC, datetime

    from clients.registers.files import load_register
    from clients.registers.report import SUFFIXES
    from deltacare.times import business_date

    if report is not None and report.suffix.lower() not in SUFFIXES:
        raise InputRefused(
            tr(f"{report} 应以 .csv 或 .xlsx 结尾。", f"{report} must end in .csv or .xlsx.")
        )
    today = business_date(datetime.now(UTC))
    if dry_run:
        register = load_register(file, today=today, province=province)
        _report(register, None, dry_run=True, kept={}, path=report)
        return Exit.YES if register.institutions else Exit.BAD_INPUT
    if not maker or not reviewer:
        raise InputRefused(
            tr(
                "入库需要 --maker（经办）与 --reviewer（复核）；只检查请用 --dry-run。",
                "Importing needs --maker and --reviewer; --dry-run only checks.",
            )
        )
    signature = Signature(maker=maker, reviewer=reviewer, request_id=None)
    with connection.open() as node:
        from deltacare.v1.federation_service_pb2 import WhoAmIRequest

        province = province or node.federation.WhoAmI(WhoAmIRequest()).province
        register = load_register(file, today=today, province=province)
        register, kept = _with_stored(node, register)
        counts = _upload(node, signature, register)
    _report(register, counts, dry_run=False, kept=kept, path=report)
    return Exit.YES if register.institutions else Exit.BAD_INPUT


def _with_stored(
    node: Any,  # noqa: ANN401  # a client of a node
    register: "Register",
) -> tuple["Register", Mapping[str, frozenset[str]]]:
    """Let what is stored stand where a cell cannot be read."""
    from clients.registers.reader import keep_stored
    from deltacare.v1.registry_service_pb2 import BatchGetInstitutionsRequest

    names = [f"institutions/{institution_id}" for institution_id in register.unread]
    stored = [
        row.institution
        for first in range(0, len(names), BATCH_MAX)
        for row in node.registry.BatchGetInstitutions(
            BatchGetInstitutionsRequest(names=names[first : first + BATCH_MAX])
        ).institutions
    ]
    return keep_stored(register, stored)


def _upload(node: Any, signature: Signature, register: "Register") -> dict[str, int]:  # noqa: ANN401  # a client of a node
    """State the institutions in batches and return what became of them."""
    from deltacare.v1.registry_service_pb2 import BatchUpsertInstitutionsRequest

    counts = {"created": 0, "updated": 0, "unchanged": 0}
    rows = register.institutions
    with progress("导入机构", "importing institutions", total=len(rows)) as bar:
        for first in range(0, len(rows), BATCH_MAX):
            batch = rows[first : first + BATCH_MAX]
            # A fresh id each time: what the register says now may be what it said once before.
            response = node.registry.BatchUpsertInstitutions(
                BatchUpsertInstitutionsRequest(
                    request_id=signature.once(), duty=signature.duty, institutions=batch
                )
            )
            counts["created"] += response.created_count
            counts["updated"] += response.updated_count
            counts["unchanged"] += response.unchanged_count
            bar.advance(len(batch))
    return counts


def _report(
    register: "Register",
    counts: dict[str, int] | None,
    *,
    dry_run: bool,
    kept: Mapping[str, frozenset[str]],
    path: Path | None,
) -> None:
    from clients.registers.reader import by_rarity, defect_counts
    from clients.registers.report import report_bytes

    if path is not None:
        path.write_bytes(report_bytes(path, register.findings))
    data = {
        "dry_run": dry_run,
        "rows": register.row_count,
        "institutions": len(register.institutions),
        "beds": register.beds,
        "left_out": register.left_out_count,
        **(counts or {}),
        "defects": {defect.value: count for defect, count in defect_counts(register.findings)},
        "findings": [found.to_plain() for found in register.findings],
        "kept": {institution_id: sorted(names) for institution_id, names in kept.items()},
        "report": str(path) if path else None,
    }
    taken = len(register.institutions)
    lines = [
        tr(
            f"{register.row_count} 行：可用 {taken} 家机构，{register.beds} 张床位；"
            f"未采用 {register.left_out_count} 行",
            f"{register.row_count} rows: {taken} institutions with {register.beds} beds; "
            f"{register.left_out_count} rows left out",
        )
    ]
    if counts is not None:
        lines.append(
            tr(
                f"新增 {counts['created']}，更新 {counts['updated']}，未变 {counts['unchanged']}",
                f"{counts['created']} new, {counts['updated']} changed, "
                f"{counts['unchanged']} unchanged",
            )
        )
    if kept:
        lines.append(
            tr(
                f"{len(kept)} 家机构有无法识别的单元格，相应字段保留原有内容",
                f"{len(kept)} institutions have cells that cannot be read; what was stored there "
                "stays",
            )
        )
    if path is not None:
        lines.append(tr(f"全部问题：{path}", f"Every defect: {path}"))
    if not answer(data, lines) or not register.findings:
        return
    print_table(
        [tr("问题", "defect"), tr("数量", "count"), tr("处理办法", "remedy")],
        [
            (
                defect.what
                + (tr("（该行未采用）", " (row left out)") if defect.leaves_out else ""),
                count,
                defect.remedy,
            )
            for defect, count in defect_counts(register.findings)
        ],
        numbers=(1,),
    )
    print_table(
        [
            tr("行", "row"),
            tr("列", "column"),
            tr("内容", "value"),
            tr("问题", "defect"),
            tr("处理办法", "remedy"),
        ],
        [
            (found.row or "", found.column, found.value, found.defect.what, found.defect.remedy)
            for found in by_rarity(register.findings)[:_FINDINGS_SHOWN]
        ],
        numbers=(0,),
    )
    if len(register.findings) > _FINDINGS_SHOWN:
        more = len(register.findings) - _FINDINGS_SHOWN
        say(tr(f"另有 {more} 处；--report 写出全部。", f"{more} more; --report writes all."))


_MODES = {
    "": 0,
    "公建公营": 1,
    "公建民营": 2,
    "民建民营": 3,
}


def _filters(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add the options that restrict a list."""
    for decorate in (
        option("--division", default="", metavar="CODE", help=both("地区代码。", "Division.")),
        option(
            "--mode",
            type=click.Choice([name for name in _MODES if name]),
            default=None,
            help=both("运营方式。", "Operation mode."),
        ),
        option("--beds-min", type=click.IntRange(0), default=0, help=both("床位下限。", "Beds.")),
        option("--beds-max", type=click.IntRange(0), default=0, help=both("床位上限。", "Beds.")),
        option(
            "--limit",
            type=click.IntRange(min=1),
            default=_LISTED_DEFAULT,
            show_default=True,
            help=both("最多列出多少家。", "List at most so many."),
        ),
    ):
        function = decorate(function)
    return function


@command(institution, "list", help=both("列出机构。", "List institutions."))
@_filters
@connected
def list_(*, connection: Connection, **filters: Any) -> None:  # noqa: ANN401  # options
    """List institutions."""
    _list(connection, name_part="", **filters)


@command(institution, "search", help=both("按名称查找机构。", "Find institutions by name."))
@click.argument("text")
@_filters
@connected
def search(*, connection: Connection, text: str, **filters: Any) -> None:  # noqa: ANN401  # options
    """Find institutions by a part of the name."""
    _list(connection, name_part=text, **filters)


def _list(
    connection: Connection,
    *,
    name_part: str,
    division: str,
    mode: str | None,
    beds_min: int,
    beds_max: int,
    limit: int,
) -> None:
    from deltacare.v1.entry_pb2 import OperationMode
    from deltacare.v1.registry_service_pb2 import (
        CountInstitutionsRequest,
        InstitutionFilter,
        ListInstitutionsRequest,
    )

    wanted = InstitutionFilter(
        division=division,
        name_part=name_part,
        operation_mode=OperationMode.ValueType(_MODES[mode or ""]),
        beds_min=beds_min,
        beds_max=beds_max,
    )
    found: list[Any] = []
    with connection.open() as node:
        counts = node.registry.CountInstitutions(CountInstitutionsRequest(filter=wanted)).counts
        for page in pages(node.registry.ListInstitutions, ListInstitutionsRequest(filter=wanted)):
            found += page.institutions
            if len(found) >= limit:
                break
    found = found[:limit]
    data = {
        "counts": [plain(count) for count in counts],
        "institutions": [plain(row) for row in found],
    }
    if not answer(data):
        return
    print_table(
        [
            tr("编号", "id"),
            tr("名称", "name"),
            tr("地区", "division"),
            tr("床位", "beds"),
            tr("地址", "address"),
        ],
        [_row(row.institution) for row in found],
        numbers=(3,),
    )
    homes = sum(count.institution_count for count in counts)
    beds = sum(count.approved_beds for count in counts)
    say(
        tr(
            f"共 {homes} 家，{beds} 张床位；列出 {len(found)} 家。",
            f"{homes} institutions with {beds} beds; {len(found)} listed.",
        )
    )


def _row(found: Any) -> Sequence[object]:  # noqa: ANN401  # a message
    return (
        found.institution_id,
        found.name,
        found.division_code,
        found.approved_beds,
        found.address,
    )


@command(institution, "show", help=both("显示一家机构。", "Show an institution."))
@click.argument("institution_id")
@connected
def show(*, connection: Connection, institution_id: str) -> None:
    """Show an institution."""
    from deltacare.v1.registry_service_pb2 import GetInstitutionRequest

    with connection.open() as node:
        found = node.registry.GetInstitution(
            GetInstitutionRequest(name=f"institutions/{institution_id}")
        )
    data = plain(found)
    rows = [(name, value) for name, value in data["institution"].items() if value not in ("", 0)]
    if answer(data):
        print_table([tr("项目", "field"), tr("内容", "value")], rows)
        say(f"{found.entry.log} #{found.entry.index}")
