"""``settle clawback``: demanding cleared settlements back (追回), and what becomes of it.

Home's maker and checker each sign the demands; the demand stands in the log together with home's
own reversal. The host finds it with ``list`` and answers with ``settle reverse``, or disputes it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table, say, yuan
from clients.cli.signing import Pen, approving
from clients.language import both, tr
from clients.plain import plain

__all__ = ["clawback"]

clawback = Group(
    name="clawback",
    help=both("追回已清分的结算：提出、查看。", "Demand cleared settlements back: demand, list."),
)

_STATES = {
    1: ("待对方冲正", "demanded: the host has to reverse"),
    2: ("双方已冲正，待对账", "answered: a night has to clear it"),
    3: ("已追回", "recovered"),
    4: ("对方有异议", "disputed"),
}
_OPEN = frozenset({1, 4})


@command(
    clawback,
    "demand",
    help=both(
        "追回已清分的结算：经办人用 --out 签名，复核人用 --with 补签并提交；"
        "本方冲正随之写入。编号默认为 <本省>-C-<结算编号>。",
        "Demand cleared settlements back: the maker signs with --out, the checker with --with and "
        "sends; the own reversal goes with it. A demand's number is <own code>-C-<settlement>, "
        "unless --id says another.",
    ),
)
@click.argument("numbers", nargs=-1, required=True, metavar="NUMBER...")
@option("--partner", required=True, metavar="CODE", help=both("服务地省份。", "The host province."))
@option(
    "--reason",
    required=True,
    metavar="CODE",
    help=both(
        "事由代码：DEATH、MOVED、DUPLICATE、NOT_SERVED、FRAUD 等。",
        "Code of the reason: DEATH, MOVED, DUPLICATE, NOT_SERVED, FRAUD or another.",
    ),
)
@option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both("决定文书；只记其摘要。", "The decision; only its digest is stated."),
)
@option("--id", "clawback_id", metavar="ID", help=both("追回编号。", "Number of the demand."))
@approving
@connected
def demand(
    *,
    connection: Connection,
    pen: Pen,
    numbers: tuple[str, ...],
    partner: str,
    reason: str,
    document: Path | None,
    clawback_id: str | None,
) -> None:
    """Demand settlements back."""
    import hashlib

    from clients.approving import Thing
    from deltacare.approvals import ApprovalSubject, ApprovalWord, clawback_hash
    from deltacare.v1.entry_pb2 import Clawback
    from deltacare.v1.settlement_service_pb2 import FileClawbacksRequest

    if clawback_id is not None and len(numbers) > 1:
        raise InputRefused(
            tr("--id 只用于一笔。", "--id is for one settlement; demand the others apart.")
        )
    own = connection.caller().province
    digest = b"" if document is None else hashlib.sha256(document.read_bytes()).digest()
    with connection.open() as node:
        amounts = {number: _cleared_fen(node, own, partner, number) for number in numbers}
    bodies = [
        Clawback(
            clawback_id=clawback_id or f"{own}-C-{number}",
            settlement_no=number,
            home=own,
            host=partner,
            amount_fen=amounts[number],
            reason=reason,
            document_hash=digest,
        )
        for number in numbers
    ]
    for body in bodies:
        say(
            f"{body.clawback_id}  {body.settlement_no}  {yuan(body.amount_fen)}  "
            f"{clawback_hash(body).hex()}"
        )
    things = [
        Thing(subject=ApprovalSubject.CLAWBACK, subject_hash=clawback_hash(body)) for body in bodies
    ]
    gathered = pen.sign(things, word=ApprovalWord.APPROVED, province=own)
    if gathered is None:
        return
    for body, signed in zip(bodies, gathered.approvals, strict=True):
        body.approvals.extend(signed)
    with connection.open() as node:
        response = node.settlement.FileClawbacks(
            FileClawbacksRequest(
                request_id=gathered.request_id,
                duty=gathered.duty,
                partner=partner,
                clawbacks=bodies,
            )
        )
    total = yuan(sum(body.amount_fen for body in bodies))
    answer(
        plain(response),
        [
            tr(
                f"已追回 {len(bodies)} 笔，共 {total} 元；待 {partner} 冲正",
                f"Demanded {len(bodies)} back, {total} yuan; {partner} has to reverse",
            )
        ],
    )


def _cleared_fen(node: Any, own: str, partner: str, number: str) -> int:  # noqa: ANN401  # a client
    """Return what a settlement was cleared with.

    Raises:
        InputRefused: If the own province, as home, has no cleared record of it.
    """
    from deltacare.v1.settlement_service_pb2 import RECORD_VIEW_OWN, ListRecordsRequest

    request = ListRecordsRequest(partner=partner, view=RECORD_VIEW_OWN, settlement_no=number)
    for page in pages(node.settlement.ListRecords, request):
        for each in page.records:
            if each.closed_date and each.record.home == own:
                amount: int = each.record.amount_fen
                return amount
    raise InputRefused(
        tr(
            f"本方没有编号为 {number} 的已清分记录；请用 settle proposals 查看可追回的。",
            f"There is no cleared record {number} of this province; see settle proposals.",
        )
    )


@command(
    clawback,
    "list",
    help=both(
        "列出与一省之间的追回及其进度。有待对方处理的退出码为 1。",
        "List the demands of a pair and where they stand. Exits with 1 if one waits for its host.",
    ),
)
@option("--partner", required=True, metavar="CODE", help=both("对方省份。", "The other province."))
@connected
def list_(*, connection: Connection, partner: str) -> int:
    """List demands."""
    from deltacare.v1.settlement_service_pb2 import ListClawbacksRequest

    with connection.open() as node:
        request = ListClawbacksRequest(partner=partner)
        found = [
            each
            for page in pages(node.settlement.ListClawbacks, request)
            for each in page.clawbacks
        ]
    if answer({"clawbacks": [plain(each) for each in found]}):
        _draw(found)
    return 1 if any(each.state in _OPEN for each in found) else 0


def _draw(found: Sequence[Any]) -> None:
    """Draw demands as a table."""
    print_table(
        [
            tr("编号", "id"),
            tr("结算编号", "number"),
            tr("户籍地", "home"),
            tr("服务地", "host"),
            tr("金额（元）", "yuan"),
            tr("事由", "reason"),
            tr("状态", "state"),
            tr("期限", "due"),
        ],
        [
            (
                each.clawback.clawback_id,
                each.clawback.settlement_no,
                each.clawback.home,
                each.clawback.host,
                yuan(each.clawback.amount_fen),
                each.clawback.reason,
                tr(*_STATES[each.state]),
                _due(each),
            )
            for each in found
        ],
        numbers=(4,),
    )
    for each in found:
        if each.approvals_rule:
            say(
                tr(
                    f"{each.clawback.clawback_id} 的签名不成立：{each.approvals_rule}",
                    f"The approvals of {each.clawback.clawback_id} do not count: "
                    f"{each.approvals_rule}",
                )
            )


def _due(demand_: Any) -> str:  # noqa: ANN401  # a message
    if demand_.due_date:
        return str(demand_.due_date)
    if demand_.state in _OPEN:
        return tr("该年工作日历尚未公布", "that year's calendar is not published")
    return ""
