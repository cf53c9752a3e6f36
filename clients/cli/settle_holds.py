"""``settle holds`` and ``settle overlaps``: what is held back and why, and days paid for twice.

Both are stated by home's node when a date closes; here they are read. Holds are ended with
``settle release``; what was cleared before an overlap came to light is demanded back with
``settle clawback``.
"""

from typing import Any

import click

from clients.cli.appended import tell_appended
from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, pages, print_table, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["holds", "overlap_key", "overlaps"]

_group = Group(name="holds", help="")

_CLASSES = {1: ("重复享受", "overlap"), 2: ("超预算", "over budget")}
_REASONS = {
    "OVERLAP_BETWEEN_HOSTS": ("同一人多处合计超过当月", "days of one person exceed the month"),
    "OVERLAP_WITH_OTHER_HOME": ("与其他户籍地重复", "another home pays for the same days"),
}


@command(
    _group,
    "holds",
    help=both(
        "列出与一省之间的暂缓：事由、自何日起、可否解除（解除用 settle release --index）。"
        "有可解除的退出码为 1。",
        "List the holds of a pair: why, since when, and whether one can be ended (with settle "
        "release --index). Exits with 1 if one can.",
    ),
)
@option("--partner", required=True, metavar="CODE", help=both("对方省份。", "The other province."))
@option("--all", "with_ended", is_flag=True, help=both("含已解除的。", "Ended ones as well."))
@connected
def holds(*, connection: Connection, partner: str, with_ended: bool) -> int:
    """List holds."""
    from deltacare.v1.settlement_service_pb2 import ListHoldsRequest

    with connection.open() as node:
        request = ListHoldsRequest(partner=partner, with_ended=with_ended)
        found = [each for page in pages(node.settlement.ListHolds, request) for each in page.holds]
    endable = sum(each.can_end for each in found)
    if answer({"holds": [plain(each) for each in found]}):
        print_table(
            [
                tr("结算编号", "number"),
                tr("暂缓方", "by"),
                tr("类别", "class"),
                tr("事由", "reason"),
                tr("序号", "index"),
                tr("起", "since"),
                tr("状态", "state"),
            ],
            [
                (
                    each.hold.settlement_no,
                    each.hold.home,
                    tr(*_CLASSES.get(each.hold.hold_class, ("其他", "other"))),
                    _reason(each.hold.reason),
                    each.entry.index,
                    each.from_date,
                    _state(each),
                )
                for each in found
            ],
        )
        if endable:
            say(
                tr(
                    f"{endable} 条的事由已消除：用 settle release 解除",
                    f"The cause of {endable} has gone: end them with settle release",
                )
            )
    return 1 if endable else 0


def _reason(code: str) -> str:
    said = _REASONS.get(code)
    return code if said is None else tr(*said)


def _state(hold: Any) -> str:  # noqa: ANN401  # a message
    if hold.ended_date:
        return tr(f"{hold.ended_date} 起解除", f"ended from {hold.ended_date}")
    return tr("可解除", "can be ended") if hold.can_end else tr("暂缓中", "held")


@command(
    _group,
    "overlaps",
    help=both(
        "列出与另一户籍地（给出本省代码则为同一人在本省的多处、多号之间）天数合计超过当月的老人，"
        "以及本方相关结算。有已清分的退出码为 1：用 settle clawback 追回或核实。",
        "List elders whose days here and with another home exceed the month (own code: days with "
        "several hosts or handles), and the own settlements that count. Exits with 1 if one of "
        "them is cleared: examine it, and demand it back with settle clawback.",
    ),
)
@option(
    "--with",
    "other_home",
    required=True,
    metavar="CODE",
    help=both("另一户籍地；本省代码为各服务地之间。", "The other home; the own code: own hosts."),
)
@connected
def overlaps(*, connection: Connection, other_home: str) -> int:
    """List overlaps."""
    from deltacare.v1.settlement_service_pb2 import ListOverlapsRequest

    with connection.open() as node:
        request = ListOverlapsRequest(other_home=other_home)
        found = [
            each for page in pages(node.settlement.ListOverlaps, request) for each in page.overlaps
        ]
    if answer({"overlaps": [plain(each) for each in found]}):
        print_table(
            [
                tr("月份", "month"),
                tr("组", "group"),
                tr("本方天数", "own days"),
                tr("对方天数", "other's days"),
                tr("发现日", "noticed"),
                tr("服务地", "host"),
                tr("结算编号", "number"),
                tr("天数", "days"),
                tr("状态", "state"),
            ],
            [
                (
                    each.service_month,
                    each.exclusivity_group,
                    each.own_days,
                    each.other_days or "",
                    each.noticed_date,
                    one.host,
                    one.settlement_no,
                    one.service_days,
                    _settlement_state(one),
                )
                for each in found
                for one in each.settlements
            ],
            numbers=(2, 3, 7),
        )
    return 1 if any(one.closed_date for each in found for one in each.settlements) else 0


def _settlement_state(settlement: Any) -> str:  # noqa: ANN401  # a message
    if settlement.closed_date:
        return tr(f"{settlement.closed_date} 已清分", f"cleared on {settlement.closed_date}")
    return tr("暂缓中", "held") if settlement.held else tr("未暂缓", "not held")


@command(
    _group,
    "overlap-key",
    help=both(
        "生成并声明与其他户籍地比对重复享受的密钥。私钥只存于本节点；"
        "某年已有密钥的，下次日切起以新密钥重新比对。",
        "Make and state the key by which overlaps with other homes are found. Its private part "
        "stays in this node. A year that has one already is compared anew under it from the next "
        "day close on.",
    ),
)
@option(
    "--from-year",
    required=True,
    type=click.IntRange(2000, 2999),
    metavar="YEAR",
    help=both("首个服务年度。", "First year of service."),
)
@signed
@connected
def overlap_key(*, connection: Connection, signature: Signature, from_year: int) -> None:
    """Make and state a key."""
    from deltacare.v1.settlement_service_pb2 import PublishOverlapKeyRequest

    with connection.open() as node:
        response = node.settlement.PublishOverlapKey(
            PublishOverlapKeyRequest(
                request_id=signature.once(), duty=signature.duty, from_year=from_year
            )
        )
    tell_appended(
        response.appended,
        tr(
            f"已声明密钥 {response.key.key_id}，自 {from_year} 服务年度起使用",
            f"Stated key {response.key.key_id}, used from the service year {from_year} on",
        ),
        key=plain(response.key),
    )
