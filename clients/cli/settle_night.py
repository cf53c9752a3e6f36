"""The night at the terminal: close a date, run what is due, see what is open and whose move."""

from collections.abc import Sequence
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit
from clients.cli.nights import (
    agreed_turn,
    draw_nights,
    list_nights,
    own_partners,
    verdict,
    waiting_lines,
)
from clients.cli.output import answer, pages, print_table, say, yuan
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["close_day", "compare", "nights", "proposals", "run"]

_group = Group(name="night", help="")

_NIGHT_TIMEOUT_S = 600.0

_partner = option(
    "--partner", required=True, metavar="CODE", help=both("对方省份。", "The other province.")
)
_date = option(
    "--date",
    "business_date",
    default="",
    metavar="DATE",
    help=both("业务日，默认最近一夜。", "Night; the last one run by default."),
)


@command(
    _group,
    "close-day",
    help=both(
        "日切：关闭一个业务日，先补上漏掉的。",
        "Close a business date, first those that were missed.",
    ),
)
@click.argument("business_date", metavar="DATE")
@connected
def close_day(*, connection: Connection, business_date: str) -> None:
    """Close a date."""
    from clients.sdk.retry import request_id
    from deltacare.v1.settlement_service_pb2 import CloseDayRequest

    with connection.open() as node:
        response = node.settlement.CloseDay(
            CloseDayRequest(request_id=request_id(), business_date=business_date),
            timeout=_NIGHT_TIMEOUT_S,
        )
    closed = ", ".join(response.business_dates)
    answer(
        plain(response),
        [
            tr(f"已日切：{closed}", f"Closed: {closed}"),
            *(f"  {appended.log} #{appended.first_index}" for appended in response.appended),
        ],
    )


@command(
    _group,
    "run",
    help=both(
        "运行到期的对账并等待结果；重复运行不改变任何事。",
        "Run the nights that are due and wait; running again changes nothing.",
    ),
)
@option("--partner", default="", metavar="CODE", help=both("只与该省。", "Only with this one."))
@option(
    "--retry",
    is_flag=True,
    help=both("对不一致的一夜再试一次。", "Attempt again a night whose digests differ."),
)
@connected
def run(*, connection: Connection, partner: str, retry: bool) -> int:
    """Run nights."""
    from clients.sdk.retry import request_id
    from deltacare.v1.clearing_service_pb2 import ListPairNightsRequest, RunNightRequest
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    with connection.open() as node:
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        response = node.clearing.RunNight(
            RunNightRequest(request_id=request_id(), partner=partner, retry_diverged=retry),
            timeout=_NIGHT_TIMEOUT_S,
        )
        waiting = [
            night
            for night in list_nights(node, ListPairNightsRequest(province=partner))
            if night.waiting_for and own in (night.lower, night.higher)
        ]
    if answer({**plain(response), "waiting": [plain(night) for night in waiting]}):
        if response.nights:
            draw_nights(response.nights)
        else:
            click.echo(tr("没有到期的对账。", "Nothing is due."))
        _tell_waiting(waiting)
    return verdict(response.nights)


def _tell_waiting(nights: Sequence[Any]) -> None:
    lines = waiting_lines(nights)
    if lines:
        click.echo("\n".join([tr("等待：", "Waiting:"), *(f"  {line}" for line in lines)]))


@command(_group, "nights", help=both("各对、各日的对账进度。", "Where each pair's nights stand."))
@option("--province", default="", metavar="CODE", help=both("只列该省的。", "Only its pairs."))
@option("--from", "from_date", default="", metavar="DATE", help=both("起始日。", "First date."))
@option("--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last date."))
@connected
def nights(*, connection: Connection, province: str, from_date: str, until_date: str) -> int:
    """Show nights and closes."""
    from deltacare.v1.clearing_service_pb2 import ListPairNightsRequest
    from deltacare.v1.settlement_service_pb2 import ListDayClosesRequest

    request = ListPairNightsRequest(province=province, from_date=from_date, until_date=until_date)
    with connection.open() as node:
        closes = node.settlement.ListDayCloses(ListDayClosesRequest())
        found = list_nights(node, request)
    # Whose turn it is depends on every party.
    turn = None if province else agreed_turn(found)
    data: dict[str, Any] = {"nights": [plain(night) for night in found], **plain(closes)}
    if turn is not None:
        data["turn"] = {"until_date": turn[0], "province": turn[1]}
    if answer(data):
        print_table(
            [tr("日志", "log"), tr("已日切至", "closed until"), tr("已联签", "cosigned")],
            [
                (close.log, close.last_closed_date, tr("是", "yes") if close.cosigned else "")
                for close in closes.closes
            ],
        )
        draw_nights(found)
        _tell_waiting(found)
        if turn is not None:
            click.echo(
                tr(
                    f"截至 {turn[0]} 各对均一致；截止该日的清算单轮到 {turn[1]} 提出。",
                    f"Every pair agrees on {turn[0]}; a statement until then is {turn[1]}'s to "
                    "propose.",
                )
            )
    return verdict(found)


@command(
    _group,
    "proposals",
    help=both(
        "已结清、但按后来的事实本应拒绝，或其天数另处也已支付的记录：建议双方冲正。"
        "有则退出码为 1。",
        "Cleared settlements that facts known later would have refused, or whose days are paid for "
        "elsewhere as well: both sides should reverse them. Exit code 1 if there is any.",
    ),
)
@option(
    "--partner",
    default="",
    metavar="CODE",
    help=both("对方省份，默认全部。", "The other province; all of them by default."),
)
@connected
def proposals(*, connection: Connection, partner: str) -> int:
    """List what should be reversed."""
    from deltacare.v1.clearing_service_pb2 import ListReversalProposalsRequest
    from settlement.core.classes import LineClass

    found: list[Any] = []
    with connection.open() as node:
        for each in [partner] if partner else own_partners(node):
            request = ListReversalProposalsRequest(partner=each)
            for page in pages(node.clearing.ListReversalProposals, request):
                found += page.proposals
    if answer({"proposals": [plain(each) for each in found]}):
        names = [LineClass[enum_name(each, "line_class")] for each in found]
        print_table(
            [
                tr("结算编号", "number"),
                tr("户籍地→服务地", "home→host"),
                tr("金额（元）", "yuan"),
                tr("结清日", "cleared"),
                tr("发现日", "noticed"),
                tr("应属类别", "class"),
                tr("归谁", "whose"),
                tr("期限", "due"),
            ],
            [
                (
                    each.record.settlement_no,
                    f"{each.record.home}→{each.record.host}",
                    yuan(each.record.amount_fen),
                    each.cleared_date,
                    each.noticed_date,
                    tr(f"{name.zh}（{name.name}）", name.name),
                    tr("双方", "both") if each.owner == "BOTH" else each.owner,
                    each.due_date,
                )
                for each, name in zip(found, names, strict=True)
            ],
            numbers=(2,),
        )
        if found:
            say(
                tr(
                    "下一步：户籍地 settle clawback demand；服务地 settle reverse",
                    "Next: home, settle clawback demand; the host, settle reverse",
                )
            )
        if any(name is LineClass.OVERLAP for name in names):
            say(
                tr(
                    "重复享受：先与另一户籍地商定算哪一方（settle overlaps），由退出的一方追回",
                    "OVERLAP: first agree with the other home whose days count (settle overlaps); "
                    "who gives way demands back",
                )
            )
    return Exit.NO if found else Exit.YES


@command(
    _group,
    "compare",
    help=both(
        "两方结果不一致时，显示首个不同的行。",
        "Show the first line in which the two nights of a pair differ.",
    ),
)
@_partner
@option("--date", "business_date", required=True, metavar="DATE", help=both("业务日。", "Night."))
@connected
def compare(*, connection: Connection, partner: str, business_date: str) -> int:
    """Show the first difference."""
    from deltacare.v1.clearing_service_pb2 import CompareNightsRequest

    with connection.open() as node:
        response = node.clearing.CompareNights(
            CompareNightsRequest(partner=partner, business_date=business_date)
        )
    answer(
        plain(response),
        [
            tr(
                f"第 {response.attempt} 次，第 {response.leaf_index} 叶",
                f"attempt {response.attempt}, leaf {response.leaf_index}",
            ),
            tr("本方：", "own:     ") + _shown(response.own_line),
            tr("对方：", "partner: ") + _shown(response.partner_line),
        ],
    )
    return Exit.NO


def _shown(line: str) -> str:
    return line.rstrip("\n").replace("\x1f", " | ") or tr("（无此行）", "(no such line)")
