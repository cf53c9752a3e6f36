"""``settle budget``: what divisions of the own province may spend in a year, and what is left."""

from pathlib import Path

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, pages, print_table, yuan
from clients.cli.policy_documents import document_option, fen_of, hash_of, number_option
from clients.language import both, tr
from clients.plain import plain

__all__ = ["budget"]

budget = Group(
    name="budget",
    help=both("预算：公布、占用与余额。", "Budgets: publish, and what is left of them."),
)


@command(
    budget,
    "publish",
    help=both(
        "公布本省或其市、区县某年某项目的预算，取代此前同一预算；不得少于已占用与已支用之和。",
        "State what the province, a city or a district may spend on a kind in a year, in place of "
        "what was said before; never less than what is reserved and consumed.",
    ),
)
@click.argument("division")
@click.argument("year", type=click.IntRange(2000, 2999))
@click.argument("kind")
@option(
    "--amount",
    required=True,
    metavar="YUAN",
    help=both("全年金额（元）。", "All of the year, in yuan."),
)
@number_option
@document_option
@signed
@connected
def publish(
    *,
    connection: Connection,
    signature: Signature,
    division: str,
    year: int,
    kind: str,
    amount: str,
    document_no: str,
    document: Path | None,
) -> None:
    """State a budget."""
    from deltacare.v1.entry_pb2 import Budget
    from deltacare.v1.policy_service_pb2 import PublishBudgetRequest

    stated = Budget(
        home_division=division,
        year=year,
        subsidy_kind=kind,
        amount_fen=fen_of(amount, "--amount"),
        document_no=document_no,
        document_hash=hash_of(document),
    )
    with connection.open() as node:
        response = node.policy.PublishBudget(
            PublishBudgetRequest(request_id=signature.once(), duty=signature.duty, budget=stated)
        )
    appended = response.appended
    answer(
        plain(response),
        [
            tr(
                f"已公布 {division} {year} 年 {kind} 预算 {yuan(stated.amount_fen)} 元",
                f"Published {yuan(stated.amount_fen)} yuan for {kind} of {division} in {year}",
            ),
            tr(
                f"日志 {appended.log}，序号 {appended.first_index}",
                f"log {appended.log}, index {appended.first_index}",
            ),
        ],
    )


@command(
    budget,
    "list",
    help=both(
        "列出本省预算：已占用、已支用、余额，以及因预算不足暂缓的金额。",
        "List own budgets: reserved, consumed, left, and what is held for want of them.",
    ),
)
@option("--year", type=click.IntRange(2000, 2999), help=both("只列该年的。", "Only of this year."))
@connected
def list_(*, connection: Connection, year: int | None) -> None:
    """List budgets."""
    from deltacare.v1.policy_service_pb2 import ListBudgetsRequest

    with connection.open() as node:
        request = ListBudgetsRequest(year=year or 0)
        found = [each for page in pages(node.policy.ListBudgets, request) for each in page.budgets]
    if answer({"budgets": [plain(each) for each in found]}):
        print_table(
            [
                tr("区划", "division"),
                tr("年度", "year"),
                tr("项目", "kind"),
                tr("预算（元）", "budget, yuan"),
                tr("已占用", "reserved"),
                tr("已支用", "consumed"),
                tr("余额", "left"),
                tr("暂缓", "held"),
                tr("文号", "document"),
            ],
            [
                (
                    each.budget.home_division,
                    each.budget.year,
                    each.budget.subsidy_kind,
                    yuan(each.budget.amount_fen),
                    yuan(each.reserved_fen),
                    yuan(each.consumed_fen),
                    yuan(each.budget.amount_fen - each.reserved_fen - each.consumed_fen),
                    yuan(each.held_fen),
                    each.budget.document_no,
                )
                for each in found
            ],
            numbers=(3, 4, 5, 6, 7),
        )
