"""Shows measures in ``deltacare supervision``: where each stands, its effect, what to do next.

The node says where a measure stands and what follows from it; here that is put into words and days
are counted. Nothing is decided.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, pages, print_table
from clients.cli.supervision import today
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["inspections", "list_measures", "measure_words", "show"]

_KINDS = {
    "WARNING": ("约谈、警告", "warning"),
    "RECTIFICATION": ("责令限期整改", "rectification"),
    "ADMISSION_SUSPENSION": ("暂停收住", "admission suspended"),
    "PENALTY": ("行政处罚", "penalty"),
    "BAN": ("禁入", "ban"),
    "DISHONESTY_LIST": ("严重失信名单", "dishonesty list"),
}
_STATES = {
    "PENDING": ("未生效", "pending"),
    "IN_FORCE": ("有效", "in force"),
    "OVERDUE": ("逾期未整改", "overdue"),
    "MENDED": ("已整改", "mended"),
    "ENDED": ("已期满", "ended"),
    "LIFTED": ("已解除", "lifted"),
}
_EFFECTS = {
    "RECORDED": ("记录在案", "on record"),
    "UNLISTED": ("不对异地老年人开放", "not open to elders from outside"),
    "NOT_RECOGNISED": ("证书不予认可", "certificates not recognised"),
}
_RESULTS = {"PASSED": ("未发现问题", "passed"), "FINDINGS": ("有问题", "findings")}


def _said(names: dict[str, tuple[str, str]], name: str) -> str:
    """Return a name of the contract in words; one of a newer node as it came."""
    return tr(*names[name]) if name in names else name


def _day(text: str) -> str:
    """Return the day to judge by.

    Raises:
        InputRefused: If it is no date.
    """
    if not text:
        return today()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputRefused(
            tr(
                f"--on“{text}”不是日期，请写成 2026-11-22。",
                f"--on {text!r} is no date: write 2026-11-22.",
            )
        ) from None


def _days_until(text: str, day: str) -> int:
    return (date.fromisoformat(text) - date.fromisoformat(day)).days


def next_step(row: Any, day: str) -> tuple[str, int | None]:  # noqa: ANN401  # a StandingMeasure
    """Return what is next to come or to do of a measure, and in how many days.

    Args:
        row: As the node shows it.
        day: The day it was asked for.

    Returns:
        ``BEGINS``, ``REPORT_DUE``, ``OVERDUE`` (days since), ``ENDS``, ``UNTIL_LIFTED`` or
        ``NOTHING``; days where there is a day to count to.
    """
    measure, state = row.measure, enum_name(row, "state")
    if state == "PENDING":
        return "BEGINS", _days_until(measure.from_date, day)
    if state == "OVERDUE":
        return "OVERDUE", -_days_until(measure.due_date, day)
    if state != "IN_FORCE":
        return "NOTHING", None
    if measure.due_date:
        return "REPORT_DUE", _days_until(measure.due_date, day)
    if measure.until_date:
        return "ENDS", _days_until(measure.until_date, day)
    return "UNTIL_LIFTED", None


def next_words(step: str, days: int | None) -> str:
    """Return what is next in words."""
    words = {
        "BEGINS": (f"{days} 天后生效", f"begins in {days} d"),
        "OVERDUE": (
            f"已逾期 {days} 天：整改合格后报告（report --mended）",
            f"overdue for {days} d: report --mended once it is mended",
        ),
        "REPORT_DUE": (f"{days} 天内报告整改（report）", f"report within {days} d"),
        "ENDS": (f"{days} 天后期满", f"ends in {days} d"),
        "UNTIL_LIFTED": ("至解除（lift）为止", "until it is lifted (lift)"),
        "NOTHING": ("", ""),
    }
    if days == 0:
        words["REPORT_DUE"] = ("今天到期：报告整改（report）", "due today: report")
        words["ENDS"] = ("今天是最后一日", "today is the last day")
    return tr(*words[step])


def _where(row: Any) -> str:  # noqa: ANN401  # a StandingMeasure
    return (
        tr("各省", "everywhere")
        if row.everywhere
        else tr(f"仅 {row.author}", f"only in {row.author}")
    )


def _effects(row: Any) -> str:  # noqa: ANN401  # a StandingMeasure
    names = plain(row)["effects"]
    return tr("，", ", ").join(_said(_EFFECTS, str(name)) for name in names)


def measure_words(row: Any) -> str:  # noqa: ANN401  # a StandingMeasure
    """Return a measure in a line: number, kind, effect, where that counts, days."""
    measure = row.measure
    said = (
        f"{measure.measure_id} {_said(_KINDS, enum_name(measure, 'kind'))}",
        _effects(row),
        _where(row),
        f"{measure.from_date} – {measure.until_date}",
    )
    return tr("，", ", ").join(said)


def _as_json(row: Any, day: str) -> dict[str, Any]:  # noqa: ANN401  # a StandingMeasure
    step, days = next_step(row, day)
    return {**plain(row), "next": {"step": step, "days": days}}


@click.command(
    "list",
    cls=Command,
    help=both(
        "列出各省的措施：现状、效力、在何处有效、下一步。",
        "List measures of all provinces: state, effect, where it counts, what is next.",
    ),
)
@option("--author", default="", metavar="CODE", help=both("只看该省作出的。", "Only of this one."))
@option(
    "--institution",
    "institution_id",
    default="",
    metavar="ID",
    help=both("只看对该机构的。", "Only against this institution."),
)
@option(
    "--certificate",
    "certificate_no",
    default="",
    metavar="NO",
    help=both("只看对该证书持证人的。", "Only against the holder of this certificate."),
)
@option("--in-force", "in_force_only", is_flag=True, help=both("只看有效的。", "Only what holds."))
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@connected
def list_measures(
    *,
    connection: Connection,
    author: str,
    institution_id: str,
    certificate_no: str,
    in_force_only: bool,
    on_date: str,
) -> None:
    """List measures."""
    from deltacare.v1.supervision_service_pb2 import ListMeasuresRequest

    day = _day(on_date)
    request = ListMeasuresRequest(
        author=author,
        institution_id=institution_id,
        certificate_no=certificate_no,
        in_force_only=in_force_only,
        on_date=day,
    )
    with connection.open() as node:
        found = [
            row for page in pages(node.supervision.ListMeasures, request) for row in page.measures
        ]
    if not answer({"on_date": day, "measures": [_as_json(row, day) for row in found]}):
        return
    print_table(
        [
            tr("编号", "id"),
            tr("对象", "against"),
            tr("种类", "kind"),
            tr("状态", "state"),
            tr("效力", "effect"),
            tr("有效范围", "counts"),
            tr("下一步", "next"),
        ],
        [
            (
                row.measure.measure_id,
                row.measure.institution_id or row.measure.certificate_no,
                _said(_KINDS, enum_name(row.measure, "kind")),
                _said(_STATES, enum_name(row, "state")),
                _effects(row),
                _where(row),
                next_words(*next_step(row, day)),
            )
            for row in found
        ],
    )


def _events(row: Any) -> Sequence[tuple[str, str, str]]:  # noqa: ANN401  # a StandingMeasure
    """Return what was said of a measure: day, what, reason."""
    measure = row.measure
    events = [(measure.from_date, tr("起始", "first day"), measure.reason)]
    if measure.due_date:
        events.append((measure.due_date, tr("整改期限", "last day for mending"), ""))
    events += [
        (
            report.report_date,
            tr("整改合格", "mended") if report.accepted else tr("整改不合格", "not mended"),
            report.reason,
        )
        for report in row.reports
    ]
    if measure.until_date:
        events.append((measure.until_date, tr("截止", "last day"), ""))
    if row.HasField("lift"):
        events.append((row.lift.effective_date, tr("解除", "lifted"), row.lift.reason))
    return events


@click.command(
    "show",
    cls=Command,
    help=both("查看一项措施的全部经过。", "Show all that was said of one measure."),
)
@click.argument("measure_id")
@option("--on", "on_date", default="", metavar="DATE", help=both("日期，默认今天。", "Day; today."))
@connected
def show(*, connection: Connection, measure_id: str, on_date: str) -> int:
    """Show a measure."""
    from deltacare.v1.supervision_service_pb2 import ListMeasuresRequest

    day = _day(on_date)
    with connection.open() as node:
        found = node.supervision.ListMeasures(
            ListMeasuresRequest(measure_id=measure_id, on_date=day)
        ).measures
    if not found:
        answer(
            {"on_date": day, "measure": None},
            [
                tr(
                    f"任何日志中都没有措施 {measure_id}；用 supervision list 查看编号。",
                    f"No log has a measure {measure_id}; supervision list shows the ids.",
                )
            ],
        )
        return Exit.NO
    (row,) = found
    measure = row.measure
    kind = _said(_KINDS, enum_name(measure, "kind"))
    lines = [
        "  ".join((measure_id, kind, measure.institution_id or measure.certificate_no)),
        tr("状态 ", "state ") + _said(_STATES, enum_name(row, "state")),
        tr("效力 ", "effect ") + f"{_effects(row)} ({row.rule})",
        tr("有效范围 ", "counts ") + _where(row),
    ]
    step = next_words(*next_step(row, day))
    if step:
        lines.append(tr("下一步 ", "next ") + step)
    if measure.inspection_id:
        lines.append(tr("依据检查 ", "inspection ") + measure.inspection_id)
    if measure.document_hash:
        lines.append(tr("决定书摘要 ", "document ") + measure.document_hash.hex())
    lines.append(
        tr(
            f"日志 {row.entry.log}，序号 {row.entry.index}",
            f"log {row.entry.log}, index {row.entry.index}",
        )
    )
    if answer({"on_date": day, "measure": _as_json(row, day)}, lines):
        print_table([tr("日期", "day"), tr("事项", "what"), tr("事由", "reason")], _events(row))
    return Exit.YES


@click.command("inspections", cls=Command, help=both("列出检查。", "List inspections."))
@option("--author", default="", metavar="CODE", help=both("只看该省作出的。", "Only of this one."))
@option(
    "--institution",
    "institution_id",
    default="",
    metavar="ID",
    help=both("只看对该机构的。", "Only of this institution."),
)
@connected
def inspections(*, connection: Connection, author: str, institution_id: str) -> None:
    """List inspections."""
    from deltacare.v1.supervision_service_pb2 import ListInspectionsRequest

    request = ListInspectionsRequest(author=author, institution_id=institution_id)
    with connection.open() as node:
        found = [
            row
            for page in pages(node.supervision.ListInspections, request)
            for row in page.inspections
        ]
    if not answer({"inspections": [plain(row) for row in found]}):
        return
    print_table(
        [
            tr("编号", "id"),
            tr("对象", "of"),
            tr("日期", "day"),
            tr("结果", "result"),
            tr("问题", "findings"),
            tr("共同检查", "joined by"),
        ],
        [
            (
                row.inspection.inspection_id,
                row.inspection.institution_id or row.inspection.certificate_no,
                row.inspection.inspection_date,
                _said(_RESULTS, enum_name(row.inspection, "result")),
                " ".join(row.inspection.finding_codes),
                " ".join(row.inspection.joined_by),
            )
            for row in found
        ],
    )
