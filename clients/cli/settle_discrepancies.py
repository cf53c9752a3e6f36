"""``settle discrepancies``: what a night left open, line by line, with what to do about each.

Lines come from the node's night; disputes on them, where the caller may ask, from the pair's logs.
Totals by class are added up from the lines and compared with what the node counts.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.disputes import due_words
from clients.cli.due import Asker
from clients.cli.failures import Exit
from clients.cli.lines import line_class, owner_words
from clients.cli.open_lines import (
    LineFilter,
    OpenLine,
    Totals,
    add_totals,
    add_up,
    count_open,
    institutions_in,
    last_night,
    open_lines,
    require_equal,
    with_disputes,
)
from clients.cli.output import answer, print_table, progress, require_folder, say, yuan
from clients.language import both, tr
from clients.plain import plain

__all__ = ["discrepancies"]

_group = Group(name="discrepancies", help="")

_NAMED_MAX = 5
"""Lines that are named behind one command; the table and the workbook have all."""


@command(
    _group,
    "discrepancies",
    help=both(
        "一夜之后未结清的行：类别、金额、归谁、期限、历时、差错单与下一步命令。"
        "有差错时退出码为 1。",
        "What a night left open: class, amounts, whose move, until when, age, dispute, and the "
        "next command. Exit code 1 if there is any.",
    ),
)
@option(
    "--partner",
    default="",
    metavar="CODE",
    help=both("对方省份，默认全部。", "The other province; all of them by default."),
)
@option(
    "--date",
    "business_date",
    default="",
    metavar="DATE",
    help=both("业务日，默认最近一夜。", "Night; the last one run by default."),
)
@option(
    "--class",
    "classes",
    multiple=True,
    metavar="CLASS",
    help=both("只列该类别，可多次。", "Only this class; repeat it."),
)
@option(
    "--owner",
    default="",
    metavar="mine|other|both|CODE",
    help=both(
        "只列归其处理的：本方（mine）、对方（other）、双方（both）或省份代码。",
        "Only lines whose move is ours, the other's, both's, or that province's.",
    ),
)
@option("--overdue", is_flag=True, help=both("只列逾期的。", "Only lines that are overdue."))
@option(
    "--institution",
    default="",
    metavar="ID",
    help=both("只列该机构的。", "Only of this institution."),
)
@option(
    "--district",
    default="",
    metavar="CODE",
    help=both("只列机构在该地区的。", "Only of institutions in this division."),
)
@option(
    "--xlsx",
    "xlsx_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both("写成工作簿。", "Write them as a workbook."),
)
@connected
def discrepancies(
    *,
    connection: Connection,
    partner: str,
    business_date: str,
    classes: tuple[str, ...],
    owner: str,
    overdue: bool,
    institution: str,
    district: str,
    xlsx_path: Path | None,
) -> int:
    """List open lines."""
    numbers = _class_numbers(classes)
    if xlsx_path is not None:
        require_folder(xlsx_path)
    with connection.open() as node, progress("查询", "asking") as bar:
        asker = Asker(node)
        wanted = LineFilter(
            owner=owner,
            overdue=overdue,
            institution=institution,
            institutions=institutions_in(node, district) if district else None,
        )
        found: list[OpenLine] = []
        counted: Totals = {}
        for each in [partner] if partner else asker.partners:
            night = business_date or last_night(asker, each)
            if not night:
                say(tr(f"与 {each} 尚无对账结果。", f"No night with {each} was run yet."))
                continue
            found += open_lines(asker, each, night, numbers)
            add_totals(counted, count_open(asker, each, night, numbers))
            bar.advance()
        found = with_disputes(asker, found, partner)
    if wanted.is_whole:
        require_equal(add_up(found), counted)
    found = [each for each in found if wanted.takes(each, asker.own)]
    totals = add_up(found)
    if xlsx_path is not None:
        _write(xlsx_path, found, totals)
        say(tr(f"{len(found)} 行写入 {xlsx_path}", f"{len(found)} lines written to {xlsx_path}"))
    if answer(_plain(found, totals)) and xlsx_path is None:
        _draw(found, totals)
    return Exit.NO if found else Exit.YES


def _class_numbers(classes: Iterable[str]) -> list[int]:
    """Return the numbers of classes by name.

    Raises:
        BadParameter: If there is no such class.
    """
    from deltacare.v1.clearing_service_pb2 import LineClass

    known = [name.removeprefix("LINE_CLASS_") for name in LineClass.keys()[1:]]
    for name in classes:
        if name.upper() not in known:
            raise click.BadParameter(
                tr(f"没有类别 {name}；可用：", f"There is no class {name}. There are: ")
                + ", ".join(known),
                param_hint="--class",
            )
    return [LineClass.Value(f"LINE_CLASS_{name.upper()}") for name in classes]


# --- Shown ----------------------------------------------------------------------------------------


def _plain(found: Sequence[OpenLine], totals: Totals) -> dict[str, Any]:
    from settlement.core.classes import LineClass

    return {
        "lines": [
            {
                **plain(each.line),
                "business_date": each.business_date,
                "age_days": each.age_days,
                "overdue": each.is_overdue,
                "overdue_working_days": each.overdue_days,
                "disputes": [dispute.dispute.dispute_id for dispute in each.disputes],
                "action": tr(line_class(each.line).action_zh, line_class(each.line).action_en),
                "command": each.command,
            }
            for each in found
        ],
        "totals": [
            {"class": name, "lines": lines, "home_fen": home, "host_fen": host}
            for name, (lines, home, host) in sorted(
                totals.items(), key=lambda item: LineClass[item[0]].rank
            )
        ],
    }


_HEADINGS = (
    ("结算编号", "number"),
    ("户籍地→服务地", "home→host"),
    ("类别", "class"),
    ("户籍地（元）", "home, yuan"),
    ("服务地（元）", "host, yuan"),
    ("归谁", "whose"),
    ("期限", "due"),
    ("历时（天）", "age, days"),
    ("差错单", "dispute"),
    ("下一步", "next"),
)
_TOTAL_HEADINGS = (
    ("类别", "class"),
    ("行数", "lines"),
    ("户籍地（元）", "home, yuan"),
    ("服务地（元）", "host, yuan"),
    ("处理办法", "what to do"),
)


def _due(each: OpenLine) -> str:
    """Return the last day of a line, and how late it is in working days."""
    if not each.is_overdue:
        return str(each.line.due_date)
    return tr(
        f"{each.line.due_date}（逾期 {each.overdue_days} 个工作日）",
        f"{each.line.due_date} ({each.overdue_days} working days late)",
    )


def _disputed(each: OpenLine) -> str:
    return "; ".join(
        f"{dispute.dispute.dispute_id} {owner_words(dispute.owner)} {due_words(dispute)}".strip()
        for dispute in each.disputes
    )


def _class_words(name: str) -> str:
    from settlement.core.classes import LineClass

    found = LineClass[name]
    return tr(f"{found.zh}（{found.name}）", found.name)


def _cells(each: OpenLine) -> tuple[str | int, ...]:
    line = each.line
    return (
        line.settlement_no,
        f"{line.home}→{line.host}",
        _class_words(line_class(line).name),
        yuan(line.home_side.sum_fen),
        yuan(line.host_side.sum_fen),
        owner_words(line.owner),
        _due(each),
        each.age_days,
        _disputed(each),
        each.command,
    )


def _total_rows(totals: Totals) -> list[tuple[str, int, str, str, str]]:
    from settlement.core.classes import LineClass

    return [
        (
            _class_words(name),
            lines,
            yuan(home),
            yuan(host),
            tr(LineClass[name].action_zh, LineClass[name].action_en),
        )
        for name, (lines, home, host) in sorted(
            totals.items(), key=lambda item: LineClass[item[0]].rank
        )
    ]


def _draw(found: Sequence[OpenLine], totals: Totals) -> None:
    shown = [tr(*pair) for pair in _HEADINGS[:-1]]
    print_table(shown, (_cells(each)[:-1] for each in found), numbers=(3, 4, 7))
    print_table([tr(*pair) for pair in _TOTAL_HEADINGS], _total_rows(totals), numbers=(1, 2, 3))
    # Commands stand by themselves: a cell would break them where they are copied.
    if found:
        click.echo(tr("下一步：", "Next:"))
    by_command: dict[str, list[str]] = {}
    for each in found:
        by_command.setdefault(each.command, []).append(each.line.settlement_no)
    for command_, numbers in by_command.items():
        more = tr(f" 等 {len(numbers)} 行", f" and {len(numbers) - _NAMED_MAX} more")
        named = ", ".join(numbers[:_NAMED_MAX]) + (more if len(numbers) > _NAMED_MAX else "")
        click.echo(f"  {command_}\n      {named}")
    late = sum(each.is_overdue for each in found)
    say(tr(f"共 {len(found)} 行，逾期 {late} 行。", f"{len(found)} lines, {late} overdue."))


def _write(path: Path, found: Sequence[OpenLine], totals: Totals) -> None:
    """Write the workbook."""
    from clients.cli.line_sheet import line_workbook

    lines = [tr(*pair) for pair in _HEADINGS]
    sums = [tr(*pair) for pair in _TOTAL_HEADINGS]
    data = line_workbook(
        [
            (tr("差错", "discrepancies"), lines, map(_cells, found)),
            (tr("合计", "totals"), sums, _total_rows(totals)),
        ]
    )
    path.write_bytes(data)
