"""``settle report``: what finance staff read and file, as XLSX or PDF: a statement, a month."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import InputRefused
from clients.cli.output import answer, progress, require_folder, say
from clients.language import both, tr

if TYPE_CHECKING:
    from clients.reports.document import Document

__all__ = ["report"]

report = Group(
    name="report",
    help=both("报表：清算单、月报（XLSX 或 PDF）。", "Reports: a statement, a month (XLSX, PDF)."),
)

_SUFFIXES = (".xlsx", ".pdf")

_options = (
    option(
        "--out",
        type=click.Path(dir_okay=False, path_type=Path),
        required=True,
        metavar="FILE",
        help=both("写到哪里：.xlsx 或 .pdf。", "Where to: .xlsx or .pdf."),
    ),
    option(
        "--report-lang",
        type=click.Choice(["zh", "en"]),
        default="zh",
        show_default=True,
        help=both("报表所用语言。", "Language of the report."),
    ),
)


def _drawing(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add the options of every report."""
    for each in reversed(_options):
        function = each(function)
    return function


@command(
    report,
    "statement",
    help=both(
        "清算单：净额、付款、各方意见、双边矩阵、分类汇总、对账依据。",
        "A statement: positions, payments, answers, bilateral matrix, classes, what it rests on.",
    ),
)
@click.argument("statement_id")
@_drawing
@connected
def statement(*, connection: Connection, statement_id: str, out: Path, report_lang: str) -> None:
    """Write a statement."""
    from datetime import UTC, datetime

    from clients.reports.gathering import agreed_nights, count_classes, statement_money
    from clients.reports.statement import statement_document
    from deltacare.times import business_date
    from deltacare.v1.clearing_service_pb2 import GetStatementRequest

    draw = _drawer(out)
    own = connection.caller().province
    with connection.open() as node:
        standing = node.clearing.GetStatement(
            GetStatementRequest(name=f"statements/{statement_id}")
        )
        stated = standing.statement
        nights = agreed_nights(node, stated.from_date, stated.until_date)
        counts = count_classes(node, own, nights)
        payments, advances = statement_money(node, statement_id)
    document = statement_document(
        standing,
        nights,
        counts=counts,
        payments=payments,
        advances=advances,
        today=business_date(datetime.now(UTC)).isoformat(),
        lang=report_lang,
    )
    _write(document, draw, out)


@command(
    report,
    "month",
    help=both(
        "月报：双边矩阵、分类汇总、未结账龄、分机构与区县、付款与预付金、差错单、账簿。",
        "A month: bilateral matrix, classes, ageing, institutions and districts, payments and "
        "advances, disputes, books.",
    ),
)
@click.argument("month")
@_drawing
@connected
def month_(*, connection: Connection, month: str, out: Path, report_lang: str) -> None:
    """Write a month."""
    from clients.reports.gathering import month_facts
    from clients.reports.month import month_document
    from deltacare.errors import Refusal
    from deltacare.times import ServiceMonth

    draw = _drawer(out)
    try:
        asked = ServiceMonth.parse(month, field="month")
    except Refusal:
        raise click.BadParameter(
            tr(f"“{month}”不是月份，请写作 2026-11。", f"{month!r} is no month; write 2026-11."),
            param_hint="MONTH",
        ) from None
    own = connection.caller().province
    with connection.open() as node, progress("读取明细", "Reading lines") as bar:
        facts = month_facts(node, own, asked, said=bar.advance)
    _write(month_document(facts, lang=report_lang), draw, out)


def _drawer(out: Path) -> Callable[["Document"], bytes]:
    """Return what draws a file, by the end of its name; before anything is asked of the node.

    Raises:
        InputRefused: If it ends in neither, or there is no such directory.
    """
    suffix = out.suffix.lower()
    if suffix not in _SUFFIXES:
        raise InputRefused(
            tr(
                f"{out.name}：文件名请以 .xlsx 或 .pdf 结尾。",
                f"{out.name}: name a file that ends in .xlsx or .pdf.",
            )
        )
    require_folder(out)
    if suffix == ".pdf":
        from clients.reports.pdf import pdf

        return pdf
    from clients.reports.xlsx import workbook

    return workbook


def _write(document: "Document", draw: Callable[["Document"], bytes], out: Path) -> None:
    """Write a report, and say what it is a rendering of."""
    out.write_bytes(draw(document))
    say(tr(f"已写入 {out}", f"Written to {out}"))
    answer(
        {"file": str(out), "digest": document.digest},
        [f"{document.digest_name} {document.digest}"],
    )
