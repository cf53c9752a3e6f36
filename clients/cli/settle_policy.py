"""``settle policy``: what each home province pays for a kind of subsidy, stated and listed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, pages, print_table, yuan
from clients.cli.policy_documents import document_option, fen_of, hash_of, number_option
from clients.language import both, tr
from clients.plain import enum_name, plain

if TYPE_CHECKING:
    from deltacare.v1.entry_pb2 import Rate, SubsidyPolicy
    from deltacare.v1.policy_service_pb2 import StandingPolicy

__all__ = ["policy", "successors"]

policy = Group(
    name="policy", help=both("补贴政策：公布、列出。", "Subsidy policies: publish, list.")
)

_UNITS = {"day": 1, "month": 2, "use": 3}
_UNIT_NAMES = {"DAY": ("天", "day"), "MONTH": ("月", "month"), "USE": ("次", "use")}
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@command(
    policy,
    "publish",
    help=both(
        "公布本省对一个补贴项目的标准；起始日较晚的一版取代较早的，同日起的以后公布者为准，"
        "区县的标准优先于市、省。要撤回，以同一 --from 再公布一版，--rate 0 --cap 0；"
        "要停止，再公布一版并写 --until。",
        "State what the own province pays for a kind; the version that begins later replaces the "
        "earlier one, of those that begin on one day the last that was stated counts, and a "
        "district's counts before the city's and the province's. To withdraw one, publish it again "
        "with the same --from, --rate 0 and --cap 0; to end one, with --until.",
    ),
)
@click.argument("kind")
@option("--unit", type=click.Choice(list(_UNITS)), required=True, help=both("计量单位。", "Unit."))
@option(
    "--rate",
    "rate",
    default="0",
    metavar="YUAN",
    help=both(
        "每单位最高金额（元），不分等级；与 --rates 二选一。",
        "Highest amount for one unit, in yuan, whatever the grade; or give --rates.",
    ),
)
@option(
    "--rates",
    "rates_path",
    type=_FILE,
    help=both(
        "分等级标准的文件（CSV、XLSX 或 TOML）：grade、amount_yuan，或 tariff_yuan 与 "
        "share_percent。",
        "File of rates by grade (CSV, XLSX or TOML): grade, amount_yuan, or tariff_yuan with "
        "share_percent.",
    ),
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
    "--division",
    default="",
    metavar="CODE",
    help=both("只适用于该市、区县户籍的老人。", "Only for elders of this city or district."),
)
@option(
    "--scheme",
    default="",
    metavar="CODE",
    help=both("等级所属的评估体系。", "Scheme of the assessment that the rates name grades of."),
)
@option(
    "--prorated",
    is_flag=True,
    help=both("按月计的，未满月按天折算。", "A month that was not served whole is paid by days."),
)
@option(
    "--budgeted",
    is_flag=True,
    help=both("须有预算，无预算的暂缓支付。", "It needs a budget; what none covers is held."),
)
@option(
    "--exclusivity-group",
    default="",
    metavar="GROUP",
    help=both(
        "互斥组：同组项目的天数合计不得超过当月天数。",
        "Days under kinds of one group may not exceed the month together.",
    ),
)
@option(
    "--needs-caregiver",
    is_flag=True,
    help=both("须注明持证护理员。", "A record must name a certified caregiver."),
)
@number_option
@document_option
@signed
@connected
def publish(
    *,
    connection: Connection,
    signature: Signature,
    kind: str,
    unit: str,
    rate: str,
    rates_path: Path | None,
    cap: str,
    from_date: str,
    until_date: str,
    division: str,
    scheme: str,
    prorated: bool,
    budgeted: bool,
    exclusivity_group: str,
    needs_caregiver: bool,
    document_no: str,
    document: Path | None,
) -> None:
    """State a policy."""
    from clients.filing.rates import read_rates
    from deltacare.v1.entry_pb2 import SubsidyPolicy, SubsidyUnit
    from deltacare.v1.policy_service_pb2 import PublishSubsidyPolicyRequest

    stated = SubsidyPolicy(
        subsidy_kind=kind,
        unit=SubsidyUnit.ValueType(_UNITS[unit]),
        rate_fen=fen_of(rate, "--rate"),
        cap_fen=fen_of(cap, "--cap"),
        exclusivity_group=exclusivity_group,
        needs_caregiver=needs_caregiver,
        from_date=from_date,
        until_date=until_date,
        home_division=division,
        assessment_scheme=scheme,
        rates=[] if rates_path is None else read_rates(rates_path),
        prorated=prorated,
        budgeted=budgeted,
        document_no=document_no,
        document_hash=hash_of(document),
    )
    with connection.open() as node:
        before = _stated(node, connection.caller().province)
        response = node.policy.PublishSubsidyPolicy(
            PublishSubsidyPolicyRequest(
                request_id=signature.once(), duty=signature.duty, policy=stated
            )
        )
    appended = response.appended
    home = connection.caller().province
    replaced = [
        each.entry.index
        for each in before
        if each.entry.index < appended.first_index
        and _place(each.home, each.policy) == _place(home, stated)
    ]
    lines = [
        tr(f"已公布 {kind}", f"Published {kind}"),
        tr(
            f"日志 {appended.log}，序号 {appended.first_index}",
            f"log {appended.log}, index {appended.first_index}",
        ),
    ]
    if replaced:
        lines.append(
            tr(
                f"取代同日起的序号 {replaced[-1]}",
                f"It takes the place of index {replaced[-1]}, which began on the same day.",
            )
        )
    answer({**plain(response), "replaces": replaced[-1:]}, lines)


@command(policy, "list", help=both("列出各省公布的标准。", "List what provinces have stated."))
@option("--home", default="", metavar="CODE", help=both("只列该省的。", "Only of this province."))
@connected
def list_(*, connection: Connection, home: str) -> None:
    """List policies."""
    with connection.open() as node:
        found = _stated(node, home)
    after = successors(found)
    listed = [
        {**plain(each), "replaced_by": after.get((each.home, each.entry.index))} for each in found
    ]
    if answer({"policies": listed}):
        print_table(
            [
                tr("省份", "home"),
                tr("序号", "index"),
                tr("适用", "division"),
                tr("项目", "kind"),
                tr("单位", "unit"),
                tr("标准（元）", "rate, yuan"),
                tr("月上限（元）", "cap, yuan"),
                tr("起止", "from, until"),
                tr("互斥组", "group"),
                tr("条件", "terms"),
                tr("文号", "document"),
            ],
            [
                (
                    each.home,
                    each.entry.index,
                    each.policy.home_division or each.home,
                    each.policy.subsidy_kind,
                    tr(*_UNIT_NAMES.get(enum_name(each.policy, "unit"), ("", ""))),
                    _rates_text(each.policy),
                    yuan(each.policy.cap_fen),
                    _days_text(each.policy, after.get((each.home, each.entry.index))),
                    each.policy.exclusivity_group,
                    _terms_text(each.policy),
                    each.policy.document_no,
                )
                for each in found
            ],
            numbers=(1, 6),
        )


def _stated(node: Any, home: str) -> "list[StandingPolicy]":  # noqa: ANN401  # a client of a node
    """Return the policies that a province has stated, or all of them, in the order of its log."""
    from deltacare.v1.policy_service_pb2 import ListSubsidyPoliciesRequest

    request = ListSubsidyPoliciesRequest(home=home)
    return [
        each for page in pages(node.policy.ListSubsidyPolicies, request) for each in page.policies
    ]


def successors(policies: "Sequence[StandingPolicy]") -> Mapping[tuple[str, int], int]:
    """Return by home and index of a policy the one that was stated later and begins the same day.

    Args:
        policies: Of each home and kind in the order of its log.
    """
    last: dict[tuple[str, ...], int] = {}
    found: dict[tuple[str, int], int] = {}
    for each in policies:
        place = _place(each.home, each.policy)
        if place in last:
            found[each.home, last[place]] = each.entry.index
        last[place] = each.entry.index
    return found


def _place(home: str, policy: "SubsidyPolicy") -> tuple[str, ...]:
    """Return what versions have in common of which only the last counts."""
    division = policy.home_division or home
    return (home, policy.subsidy_kind, division, policy.from_date)


def _days_text(policy: "SubsidyPolicy", after: int | None) -> str:
    """Return on which days it holds, and which one took its place."""
    days = f"{policy.from_date} – {policy.until_date}".rstrip("– ")
    if after is None:
        return days
    return f"{days}\n" + tr(f"已由序号 {after} 取代", f"replaced by index {after}")


def _rates_text(policy: "SubsidyPolicy") -> str:
    """Return what one unit comes to, by grade where it differs."""
    if not policy.rates:
        return tr(f"最高 {yuan(policy.rate_fen)}", f"up to {yuan(policy.rate_fen)}")
    scheme = [policy.assessment_scheme] if policy.assessment_scheme else []
    return "\n".join([*scheme, *map(_rate_text, policy.rates)])


def _rate_text(rate: "Rate") -> str:
    grade = rate.assessment_grade or tr("其他", "other")
    if not rate.tariff_fen:
        return f"{grade} {yuan(rate.amount_fen)}"
    share = f"{rate.share_basis_points / 100:g}%"
    return f"{grade} {yuan(rate.tariff_fen)} × {share}"


def _terms_text(policy: "SubsidyPolicy") -> str:
    """Return what else must hold."""
    terms = (
        (policy.needs_caregiver, tr("护理员", "caregiver")),
        (policy.prorated, tr("折算", "prorated")),
        (policy.budgeted, tr("预算", "budget")),
    )
    return tr("、", ", ").join(text for is_set, text in terms if is_set)
