"""``settle status``: one page that says what the own province has to do next, and who of it.

Put together from the listing calls of the contract; what the caller's role may not ask, and what
the node does not serve, is left out and said.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.due import Answer, Asker, Point, answers
from clients.cli.due_money import MONEY_TOPICS
from clients.cli.due_records import RECORD_TOPICS
from clients.cli.failures import Exit
from clients.cli.lines import owner_words
from clients.cli.output import answer, print_table, progress
from clients.language import both, tr

__all__ = ["status"]

_group = Group(name="status", help="")

TOPICS = (*RECORD_TOPICS, *MONEY_TOPICS)
_ROLE_WORDS = {
    "system": ("系统", "system"),
    "clerk": ("经办", "clerk"),
    "reviewer": ("复核", "reviewer"),
    "payer": ("付款", "payer"),
    "auditor": ("稽核", "auditor"),
    "operator": ("机构", "operator"),
    "administrator": ("管理员", "administrator"),
}


@command(
    _group,
    "status",
    help=both(
        "下一步做什么：本省待办的事、自何时起、归谁、期限与命令。有待本省办理的，"
        "或一项也无权查询的，退出码为 1。",
        "What to do next: all that waits for the own province, since when, until when, for whom, "
        "and the command. Exit code 1 if anything is due by us, or if your role may ask nothing.",
    ),
)
@option(
    "--topic",
    "names",
    multiple=True,
    type=click.Choice([topic.name.lower() for topic in TOPICS], case_sensitive=False),
    help=both("只看该项，可多次。", "Only this topic; repeat it."),
)
@option("--due", "due_only", is_flag=True, help=both("只列本省待办的。", "Only what is due by us."))
@connected
def status(*, connection: Connection, names: tuple[str, ...], due_only: bool) -> int:
    """Show what is next."""
    wanted = [topic for topic in TOPICS if not names or topic.name.lower() in names]
    found: list[Answer] = []
    with connection.open() as node, progress("查询", "asking", total=len(wanted)) as bar:
        asker = Asker(node)
        for each in answers(asker, wanted):
            found.append(each)
            bar.advance()
    due = [point for each in found for point in each.points if point.is_due]
    data = {
        "province": asker.own,
        "role": asker.role,
        "principal": asker.principal,
        "date": asker.today.isoformat(),
        "due_count": len(due),
        "topics": [_plain(each, due_only=due_only) for each in found],
    }
    if answer(data):
        _draw(asker, found, due_only=due_only)
    # Who may ask nothing has not heard that nothing is due.
    return Exit.NO if due or all(each.unknown for each in found) else Exit.YES


def _plain(found: Answer, *, due_only: bool) -> dict[str, Any]:
    """Return what came of a topic, for JSON."""
    if found.unknown:
        return {"topic": found.topic.name, "unknown": found.unknown}
    return {
        "topic": found.topic.name,
        "points": [
            {
                "text": point.text,
                "count": point.count,
                "since": point.since,
                "due_date": point.due_date,
                "owner": point.owner,
                "is_due": point.is_due,
                "roles": sorted(point.roles) if point.is_due else [],
                "command": point.command,
            }
            for point in found.points
            if point.is_due or not due_only
        ],
    }


def _draw(asker: Asker, found: Sequence[Answer], *, due_only: bool) -> None:
    click.echo(
        tr(
            f"{asker.own} · {_role(asker.role)} {asker.principal} · {asker.today}",
            f"{asker.own} · {asker.role} {asker.principal} · {asker.today}",
        )
    )
    shown = [
        (each, point) for each in found for point in each.points if point.is_due or not due_only
    ]
    if shown:
        print_table(
            [
                tr("序", "no."),
                tr("事项", "topic"),
                tr("内容", "what"),
                tr("自", "since"),
                tr("期限", "due"),
                tr("谁办", "who"),
            ],
            [
                [number, *_row(asker, each, point)]
                for number, (each, point) in enumerate(shown, start=1)
            ],
            numbers=(0,),
        )
        # Commands stand by themselves: a cell would break them where they are copied.
        click.echo(tr("下一步：", "Next:"))
        for number, (_, point) in enumerate(shown, start=1):
            click.echo(f"  {number:>2}  {point.command}")
    _tell(tr("无待办", "Nothing waits"), [e for e in found if not e.points and not e.unknown])
    for unknown in sorted({each.unknown for each in found if each.unknown}):
        some = [each for each in found if each.unknown == unknown]
        _tell(some[0].why, some)
    due = sum(point.is_due for each in found for point in each.points)
    mine = sum(
        point.is_due and asker.role in point.roles for each in found for point in each.points
    )
    click.echo(
        tr(
            f"本省待办 {due} 项，其中可由您办理 {mine} 项。",
            f"{due} things are due by us, {mine} of them can be done by you.",
        )
    )


def _tell(what: str, some: Sequence[Answer]) -> None:
    """Say one thing of some topics."""
    if some:
        names = tr("、", ", ").join(tr(each.topic.zh, each.topic.en) for each in some)
        click.echo(tr(f"{what}：{names}", f"{what}: {names}"))


def _row(asker: Asker, found: Answer, point: Point) -> list[object]:
    late = bool(point.due_date) and date.fromisoformat(point.due_date) < asker.today
    overdue = tr("（逾期）", " (late)") if late else ""
    return [
        tr(found.topic.zh, found.topic.en),
        point.text,
        point.since,
        f"{point.due_date}{overdue}",
        _who(asker, point),
    ]


def _who(asker: Asker, point: Point) -> str:
    """Return who does it: the caller, others of the own province, or another province."""
    if not point.is_due:
        return owner_words(point.owner) if point.owner != asker.own else tr("等待", "waits")
    if asker.role in point.roles:
        return tr("您", "you")
    return tr("、", ", ").join(_role(role) for role in sorted(point.roles - {"system"})) or tr(
        "系统", "system"
    )


def _role(role: str) -> str:
    return tr(*_ROLE_WORDS.get(role, (role, role)))
