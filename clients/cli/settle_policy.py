"""``settle policy``: what each home province pays for a kind of subsidy, stated and listed."""

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, pages, print_table, yuan
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["policy"]

policy = Group(
    name="policy", help=both("补贴政策：公布、列出。", "Subsidy policies: publish, list.")
)

_UNITS = {"day": 1, "month": 2, "use": 3}
_UNIT_NAMES = {"DAY": ("天", "day"), "MONTH": ("月", "month"), "USE": ("次", "use")}


@command(
    policy,
    "publish",
    help=both(
        "公布本省对一个补贴项目的标准；起始日较晚的一版取代较早的。",
        "State what the own province pays for a kind; the version that begins later replaces the "
        "earlier one.",
    ),
)
@click.argument("kind")
@option("--unit", type=click.Choice(list(_UNITS)), required=True, help=both("计量单位。", "Unit."))
@option(
    "--rate",
    "rate",
    required=True,
    metavar="YUAN",
    help=both("每单位最高金额（元）。", "Highest amount for one unit, in yuan."),
)
@option(
    "--cap",
    "cap",
    required=True,
    metavar="YUAN",
    help=both("每人每月最高金额（元）。", "Highest sum for one person and month, in yuan."),
)
@option("--from", "from_date", required=True, metavar="DATE", help=both("起始日。", "First day."))
@option("--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day."))
@option(
    "--exclusive",
    is_flag=True,
    help=both(
        "与其他同类项目的天数合计不得超过当月天数。",
        "Days under kinds so marked may not exceed the month together.",
    ),
)
@option(
    "--needs-caregiver",
    is_flag=True,
    help=both("须注明持证护理员。", "A record must name a certified caregiver."),
)
@signed
@connected
def publish(
    *,
    connection: Connection,
    signature: Signature,
    kind: str,
    unit: str,
    rate: str,
    cap: str,
    from_date: str,
    until_date: str,
    exclusive: bool,
    needs_caregiver: bool,
) -> None:
    """State a policy."""
    from deltacare.v1.entry_pb2 import SubsidyPolicy, SubsidyUnit
    from deltacare.v1.settlement_service_pb2 import PublishSubsidyPolicyRequest

    with connection.open() as node:
        response = node.settlement.PublishSubsidyPolicy(
            PublishSubsidyPolicyRequest(
                request_id=signature.once(),
                duty=signature.duty,
                policy=SubsidyPolicy(
                    subsidy_kind=kind,
                    unit=SubsidyUnit.ValueType(_UNITS[unit]),
                    rate_fen=_fen(rate, "--rate"),
                    cap_fen=_fen(cap, "--cap"),
                    exclusive=exclusive,
                    needs_caregiver=needs_caregiver,
                    from_date=from_date,
                    until_date=until_date,
                ),
            )
        )
    appended = response.appended
    answer(
        plain(response),
        [
            tr(f"已公布 {kind}", f"Published {kind}"),
            tr(
                f"日志 {appended.log}，序号 {appended.first_index}",
                f"log {appended.log}, index {appended.first_index}",
            ),
        ],
    )


def _fen(text: str, name: str) -> int:
    """Return yuan as written, in fen."""
    from deltacare.errors import Refusal
    from deltacare.money import parse_yuan

    try:
        return parse_yuan(text)
    except Refusal:
        raise click.BadParameter(
            tr(f"“{text}”不是金额，请写作 45.00。", f"{text!r} is no amount; write 45.00."),
            param_hint=name,
        ) from None


@command(policy, "list", help=both("列出各省公布的标准。", "List what provinces have stated."))
@option("--home", default="", metavar="CODE", help=both("只列该省的。", "Only of this province."))
@connected
def list_(*, connection: Connection, home: str) -> None:
    """List policies."""
    from deltacare.v1.settlement_service_pb2 import ListSubsidyPoliciesRequest

    with connection.open() as node:
        request = ListSubsidyPoliciesRequest(home=home)
        found = [
            each
            for page in pages(node.settlement.ListSubsidyPolicies, request)
            for each in page.policies
        ]
    if answer({"policies": [plain(each) for each in found]}):
        yes = tr("是", "yes")
        print_table(
            [
                tr("省份", "home"),
                tr("项目", "kind"),
                tr("单位", "unit"),
                tr("标准（元）", "rate, yuan"),
                tr("月上限（元）", "cap, yuan"),
                tr("起始日", "from"),
                tr("截止日", "until"),
                tr("互斥", "exclusive"),
                tr("须护理员", "caregiver"),
            ],
            [
                (
                    each.home,
                    each.policy.subsidy_kind,
                    tr(*_UNIT_NAMES.get(enum_name(each.policy, "unit"), ("", ""))),
                    yuan(each.policy.rate_fen),
                    yuan(each.policy.cap_fen),
                    each.policy.from_date,
                    each.policy.until_date,
                    yes if each.policy.exclusive else "",
                    yes if each.policy.needs_caregiver else "",
                )
                for each in found
            ],
            numbers=(3, 4),
        )
