"""``settle advance``: how much is held ready with others, granting it, and what is left."""

from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, pages, print_table, say, yuan
from clients.cli.signing import Pen, approving
from clients.language import both, tr
from clients.plain import plain

__all__ = ["advance"]

advance = Group(
    name="advance",
    help=both("预付金：条款、拨付、余额。", "Advances: terms, granting, what is left."),
)


@command(
    advance,
    "terms",
    help=both(
        "声明对一省的预付限额与补足线；以最后一次为准。",
        "State the limit of the balance held by another member, and when another advance is due; "
        "the last word counts.",
    ),
)
@click.argument("payee")
@option("--limit", required=True, metavar="YUAN", help=both("余额上限（元）。", "Highest balance."))
@option(
    "--floor",
    default="0",
    metavar="YUAN",
    help=both("余额低于此数时应再拨付（元）。", "Balance below which another advance is due."),
)
@option("--from", "from_date", required=True, metavar="DATE", help=both("起始日。", "First day."))
@signed
@connected
def terms(
    *,
    connection: Connection,
    signature: Signature,
    payee: str,
    limit: str,
    floor: str,
    from_date: str,
) -> None:
    """State terms."""
    from deltacare.v1.entry_pb2 import AdvanceTerms
    from deltacare.v1.payment_service_pb2 import SetAdvanceTermsRequest

    body = AdvanceTerms(
        payee=payee,
        limit_fen=_fen(limit, "limit"),
        floor_fen=_fen(floor, "floor"),
        from_date=from_date,
    )
    with connection.open() as node:
        response = node.payment.SetAdvanceTerms(
            SetAdvanceTermsRequest(request_id=signature.once(), duty=signature.duty, terms=body)
        )
    answer(
        plain(response),
        [
            tr(
                f"已声明：{payee} 自 {from_date} 起最多持有预付金 {yuan(body.limit_fen)} 元",
                f"Stated: from {from_date} on {payee} holds at most {yuan(body.limit_fen)} yuan",
            )
        ],
    )


@command(
    advance,
    "grant",
    help=both(
        "拨付一笔预付款：经办人用 --out 签名，复核人用 --with 补签并提交；"
        "随后如清算单一样用 settle pay order 付款。",
        "Grant an advance: the maker signs with --out, the checker with --with and sends; then "
        "settle pay order pays it like a statement.",
    ),
)
@click.argument("advance_id")
@option("--payee", required=True, metavar="CODE", help=both("收款省份。", "Who is paid."))
@option("--amount", required=True, metavar="YUAN", help=both("金额（元）。", "How much, in yuan."))
@approving
@connected
def grant(*, connection: Connection, pen: Pen, advance_id: str, payee: str, amount: str) -> None:
    """Grant an advance."""
    from clients.approving import Thing
    from deltacare.approvals import ApprovalSubject, ApprovalWord, advance_hash
    from deltacare.v1.entry_pb2 import Advance
    from deltacare.v1.payment_service_pb2 import GrantAdvanceRequest

    body = Advance(advance_id=advance_id, payee=payee, amount_fen=_fen(amount, "amount"))
    digest = advance_hash(body)
    say(f"{advance_id}  → {payee}  {yuan(body.amount_fen)}  {digest.hex()}")
    own = connection.caller().province
    thing = Thing(subject=ApprovalSubject.ADVANCE, subject_hash=digest)
    gathered = pen.sign([thing], word=ApprovalWord.APPROVED, province=own)
    if gathered is None:
        return
    body.approvals.extend(gathered.approvals[0])
    with connection.open() as node:
        response = node.payment.GrantAdvance(
            GrantAdvanceRequest(request_id=gathered.request_id, duty=gathered.duty, advance=body)
        )
    answer(
        plain(response),
        [
            tr(
                f"已拨付 {advance_id}：{yuan(body.amount_fen)} 元，下一步 settle pay order",
                f"Granted {advance_id}: {yuan(body.amount_fen)} yuan; next: settle pay order",
            ),
            tr("摘要 ", "hash ") + response.advance_hash.hex(),
        ],
    )


@command(
    advance,
    "list",
    help=both(
        "列出预付款：已收、已抵、余额、限额；尚未拨付的条款也列出。",
        "List advances: received, drawn, left, and the limit; terms of which none was granted too.",
    ),
)
@option("--province", default="", metavar="CODE", help=both("只看该省。", "Only of this one."))
@connected
def list_(*, connection: Connection, province: str) -> None:
    """List advances."""
    from deltacare.v1.payment_service_pb2 import ListAdvancesRequest

    with connection.open() as node:
        request = ListAdvancesRequest(province=province)
        found, stated = [], []
        for page in pages(node.payment.ListAdvances, request):
            found += page.advances
            stated += page.terms
    granted = {(each.payer, each.advance.payee) for each in found}
    bare = [each for each in stated if (each.payer, each.terms.payee) not in granted]
    listed = {
        "advances": [plain(each) for each in found],
        "terms": [plain(each) for each in stated],
    }
    if not answer(listed):
        return
    print_table(
        [
            tr("编号", "id"),
            tr("付款方", "payer"),
            tr("收款方", "payee"),
            tr("金额（元）", "yuan"),
            tr("已收", "received"),
            tr("已抵", "drawn"),
            tr("余额", "left"),
            tr("限额", "limit"),
        ],
        [
            (
                each.advance.advance_id,
                each.payer,
                each.advance.payee,
                yuan(each.advance.amount_fen),
                yuan(each.received_fen),
                yuan(each.drawn_fen),
                yuan(each.received_fen - each.drawn_fen),
                yuan(each.terms.limit_fen),
            )
            for each in found
        ]
        + [
            (
                tr("（未拨付）", "(none granted)"),
                each.payer,
                each.terms.payee,
                *(yuan(0) for _ in range(4)),
                yuan(each.terms.limit_fen),
            )
            for each in bare
        ],
        numbers=(3, 4, 5, 6, 7),
    )
    for line in _below_floor(found, bare):
        click.echo(line)


def _below_floor(advances: list[Any], bare: list[Any]) -> list[str]:
    """Return which balances have fallen below the line at which another advance is due.

    Args:
        advances: What was granted.
        bare: Terms between pairs of whom nothing was granted.
    """
    floors = {(each.payer, each.terms.payee): each.terms.floor_fen for each in bare}
    left = dict.fromkeys(floors, 0)
    for each in advances:
        pair = (each.payer, each.advance.payee)
        # What is granted and not yet paid is on its way.
        left[pair] = left.get(pair, 0) + each.advance.amount_fen - each.drawn_fen
        floors[pair] = each.terms.floor_fen
    return [
        tr(
            f"{payer} 在 {payee} 的预付余额 {yuan(fen)} 元，低于 {yuan(floors[payer, payee])} 元："
            "应再拨付（settle advance grant）",
            f"{payer} holds {yuan(fen)} yuan ready with {payee}, below "
            f"{yuan(floors[payer, payee])}: grant another (settle advance grant)",
        )
        for (payer, payee), fen in sorted(left.items())
        if fen < floors[payer, payee]
    ]


def _fen(text: str, field: str) -> int:
    from deltacare.money import parse_yuan

    return parse_yuan(text, field=field)
