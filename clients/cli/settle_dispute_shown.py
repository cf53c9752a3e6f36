"""``settle dispute show`` and ``list``: where disputes stand, whose move it is, until when."""

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.disputes import (
    bare_id,
    list_disputes,
    next_command,
    own_province,
    tell_dispute,
    tell_disputes,
)
from clients.cli.failures import Exit
from clients.cli.output import answer, say
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["list_", "show"]

_group = Group(name="dispute", help="")

_STATES = ("raised", "contested", "agreed", "escalated", "closed")


@command(
    _group,
    "show",
    help=both(
        "一张差错单的全部过程、归谁、期限与下一步。", "A dispute: every word on it, whose move."
    ),
)
@click.argument("dispute_id", metavar="ID")
@option(
    "--known-time",
    default="",
    metavar="TIME",
    help=both(
        "按该时刻所知（RFC 3339，如 2026-11-22T08:00:00Z）。",
        "As it was known at this moment (RFC 3339: 2026-11-22T08:00:00Z).",
    ),
)
@connected
def show(*, connection: Connection, dispute_id: str, known_time: str) -> int:
    """Show a dispute."""
    from deltacare.times import parse_time
    from deltacare.v1.dispute_service_pb2 import GetDisputeRequest

    request = GetDisputeRequest(name=f"disputes/{bare_id(dispute_id)}")
    if known_time:
        request.known_time.FromDatetime(parse_time(known_time, field="known_time"))
    with connection.open() as node:
        found = node.dispute.GetDispute(request)
        own = own_province(node)
    following = next_command(found, own)
    if answer({**plain(found), "next_command": following}):
        tell_dispute(found, following)
    return Exit.YES if enum_name(found, "state") == "CLOSED" else Exit.NO


@command(
    _group,
    "list",
    help=both(
        "差错单清单，默认不含已办结的；有待本方处理的，退出码为 1。",
        "Disputes, closed ones left out by default; exit code 1 if one waits for us.",
    ),
)
@option("--partner", default="", metavar="CODE", help=both("只与该省。", "Only with this one."))
@option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES, case_sensitive=False),
    help=both("只列该状态，可多次。", "Only in this state; repeat it."),
)
@option(
    "--number",
    "settlement_no",
    default="",
    metavar="NUMBER",
    help=both("只列该结算编号的。", "Only on this settlement."),
)
@option("--overdue", is_flag=True, help=both("只列逾期的。", "Only those that are late."))
@option("--mine", is_flag=True, help=both("只列待本方处理的。", "Only those that wait for us."))
@connected
def list_(
    *,
    connection: Connection,
    partner: str,
    states: tuple[str, ...],
    settlement_no: str,
    overdue: bool,
    mine: bool,
) -> int:
    """List disputes."""
    from deltacare.v1.dispute_service_pb2 import DisputeState, ListDisputesRequest

    request = ListDisputesRequest(
        partner=partner,
        states=[DisputeState.Value(f"DISPUTE_STATE_{each.upper()}") for each in states],
        settlement_no=settlement_no,
    )
    with connection.open() as node:
        own = own_province(node)
        found = list_disputes(node, request)
    waits = [each for each in found if each.owner in {own, "BOTH"}]
    shown = [
        each
        for each in found
        if (not overdue or each.overdue_days) and (not mine or each.owner in {own, "BOTH"})
    ]
    data = [{**plain(each), "next_command": next_command(each, own)} for each in shown]
    if answer({"disputes": data}):
        tell_disputes(shown, own)
        say(
            tr(
                f"共 {len(shown)} 张，待本方处理 {len(waits)} 张。",
                f"{len(shown)} disputes; {len(waits)} wait for us.",
            )
        )
    return Exit.NO if waits else Exit.YES
