"""``deltacare explain METHOD``: which rule of a node's rights table lets a call in or denies it.

The node decides, with the very table that it asks for every call; nothing is worked out here. Exit
0 if the call would be let in, 1 if not, 2 if there is no such method, role or purpose.
"""

from collections.abc import Iterable
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, print_table
from clients.language import both, tr
from clients.plain import plain

__all__ = ["explain"]

_group = Group(name="explain", help="")

_ORGANISATIONS = {"OWN": ("本省", "the node's own province"), "PARTNER": ("他省", "another member")}


@command(
    _group,
    "explain",
    help=both(
        "说明某方法对某角色是允许还是拒绝、依哪条规则、尚缺什么；默认就本人而言。",
        "Say which rule allows or denies a method to a role, and what would be needed; for the "
        "caller itself by default.",
    ),
    epilog=both(
        "示例：deltacare explain FileRecords --role clerk\n"
        "退出码：0 允许；1 拒绝；2 无此方法、角色或目的。",
        "Example: deltacare explain FileRecords --role clerk\nExit codes: 0 allowed; 1 denied; "
        "2 no such method, role or purpose.",
    ),
)
@click.argument("method", required=False)
@option("--role", help=both("角色；默认为本人的角色。", "Role; the caller's by default."))
@option(
    "--of",
    "province",
    metavar="CODE",
    help=both("角色所属省份；默认为本人所属。", "Province of that role; the caller's by default."),
)
@option(
    "--purpose",
    metavar="CODE",
    help=both(
        "目的，如 CARE_PLACEMENT；涉及个人信息的方法须说明。",
        "Purpose, such as CARE_PLACEMENT; methods that disclose personal data ask for one.",
    ),
)
@option(
    "--list",
    "is_list",
    is_flag=True,
    help=both("列出该角色可用的全部规则。", "List every rule that lets the role in."),
)
@connected
def explain(
    *,
    connection: Connection,
    method: str | None,
    role: str | None,
    province: str | None,
    purpose: str | None,
    is_list: bool,
) -> int:
    """Explain a right."""
    from deltacare.v1.federation_service_pb2 import ExplainAccessRequest

    if bool(method) is is_list:
        raise InputRefused(
            tr(
                "请给出一个方法，如 FileRecords；或用 --list 列出全部规则。",
                "Name one method, such as FileRecords, or list every rule with --list.",
            )
        )
    request = ExplainAccessRequest(
        method=method or "", role=role or "", province=province or "", purpose=purpose or ""
    )
    with connection.open() as node:
        found = node.federation.ExplainAccess(request)
    if is_list:
        if answer(plain(found)):
            _draw(found.others, title=f"{found.role} · {found.province} → {found.node}")
        return Exit.YES
    if answer(plain(found), _lines(found)) and found.others:
        _draw(found.others, title=tr("需符合下列之一", "What would be needed: one of these"))
    return Exit.YES if found.allowed else Exit.NO


def _lines(found: Any) -> list[str]:  # noqa: ANN401  # a message of the contract
    """Return a decision as a person reads it."""
    rule = found.rule
    word = tr("允许", "allowed") if found.allowed else tr("拒绝", "denied")
    lines = [
        f"{word}  {found.method}",
        tr(
            f"  角色 {found.role}（{found.province}），在 {found.node} 的节点",
            f"  role {found.role} of {found.province}, at the node of {found.node}",
        ),
        tr(f"  规则 {rule.rule}：", f"  rule {rule.rule}: ") + _text(rule.text),
    ]
    if rule.record_class:
        lines.append(
            tr("  记录类别 ", "  record class ")
            + f"{rule.record_class}"
            + tr("（", " (")
            + _text(rule.record_class_text)
            + tr("）", ")")
        )
    if rule.purposes:
        lines.append(tr("  目的 ", "  purpose ") + found.purpose)
    if not found.allowed:
        lines.append(tr("  原因：", "  why: ") + _text(found.why))
    return lines


def _draw(rules: Iterable[Any], *, title: str) -> None:
    """Draw rules as a table."""
    print_table(
        [
            tr("规则", "rule"),
            tr("调用方", "whose"),
            tr("角色", "roles"),
            tr("类别", "class"),
            tr("目的", "purposes"),
            tr("内容", "says"),
            tr("方法", "methods"),
        ],
        [
            (
                rule.rule,
                tr(*_ORGANISATIONS.get(rule.organisation, ("", ""))),
                " ".join(rule.roles),
                rule.record_class,
                " ".join(rule.purposes),
                _text(rule.text),
                " ".join(name.rpartition("/")[2] for name in rule.methods),
            )
            for rule in rules
        ],
        title=title,
    )


def _text(text: Any) -> str:  # noqa: ANN401  # a message of the contract
    return tr(text.zh, text.en)
