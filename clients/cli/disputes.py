"""What commands say of disputes: words, whose move it is, until when, and the next command."""

from collections.abc import Iterable, Sequence
from typing import Any

from clients.cli.output import pages, print_table
from clients.language import tr
from clients.plain import enum_name

__all__ = [
    "bare_id",
    "due_words",
    "level_words",
    "list_disputes",
    "next_command",
    "own_province",
    "owner_words",
    "state_words",
    "tell_dispute",
    "tell_disputes",
]

_STATE_WORDS = {
    "RAISED": ("待答复", "raised"),
    "CONTESTED": ("有争议", "contested"),
    "AGREED": ("已同意", "agreed"),
    "ESCALATED": ("已提级", "escalated"),
    "CLOSED": ("已办结", "closed"),
}
_CLAIM_WORDS = {
    "AMOUNT": ("金额", "amount"),
    "DAYS": ("天数", "days"),
    "ELDER": ("老人", "elder"),
    "INSTITUTION": ("机构", "institution"),
    "CAREGIVER": ("护理员", "caregiver"),
    "DUPLICATE": ("重复报送", "duplicate"),
    "NOT_SERVED": ("未提供服务", "not served"),
    "CLEARING": ("对账结果", "clearing"),
}
_REMEDY_WORDS = {
    "NONE": ("不作更正", "nothing"),
    "REVISE": ("双方修订", "both revise"),
    "REVERSE": ("冲正", "reverse"),
    "FILE": ("缺方补报", "the missing side files"),
}
_STEP_WORDS = {
    "RAISED": ("提出", "raised"),
    "AGREED": ("同意", "agreed"),
    "CONTESTED": ("否认", "contested"),
    "ESCALATED": ("提级", "escalated"),
    "CLOSED": ("办结", "closed"),
    "CLOSURE_SAID": ("声明办结，待对方作同样声明", "closure said; the other's word is missing"),
}
_ACTION_WORDS = {
    "ANSWER": ("答复", "answer"),
    "ESCALATE_OR_AGREE": ("同意、撤回或提级", "agree, withdraw or escalate"),
    "DO_REMEDY": ("按约定更正", "put it right as agreed"),
    "CLOSE": ("办结", "close"),
    "DECIDE_TOGETHER": ("共同作出同样的办结声明", "decide together, and both say so"),
}


def own_province(node: Any) -> str:  # noqa: ANN401  # a client of a node
    """Return the province of the node's caller."""
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    return str(node.federation.WhoAmI(WhoAmIRequest()).province)


def bare_id(text: str) -> str:
    """Return the number of a dispute, given as such or as a resource name."""
    return text.removeprefix("disputes/")


def level_words(level: int) -> str:
    """Return before whom a dispute is; empty if before nobody above the two."""
    return {
        1: tr("两省民政部门", "the two departments"),
        2: tr("联盟理事会", "the federation's board"),
    }.get(level, "")


def due_words(found: Any) -> str:  # noqa: ANN401  # a message
    """Return the last day to act, how late it is, or whose calendar is missing."""
    if not found.due_date:
        year = found.calendar_missing_year
        return tr(f"{year} 年放假安排未公布", f"calendar of {year} not published") if year else ""
    if not found.overdue_days:
        return str(found.due_date)
    least = found.calendar_missing_year
    return tr(
        f"{found.due_date}（逾期{'至少' if least else ''} {found.overdue_days} 个工作日）",
        f"{found.due_date} ({'at least ' if least else ''}{found.overdue_days} working days late)",
    )


def owner_words(owner: str) -> str:
    """Return whose move it is."""
    return tr("双方", "both") if owner == "BOTH" else owner


def next_command(found: Any, own: str) -> str:  # noqa: ANN401  # a message
    """Return the command by which the own province does what is next; empty if there is none.

    Args:
        found: The dispute.
        own: The own province.
    """
    name = found.dispute.dispute_id
    closing = f"deltacare settle dispute close {name} --outcome"
    if found.owner not in {own, "BOTH"}:
        late = found.overdue_days and enum_name(found, "state") in {"RAISED", "AGREED"}
        return _escalation(found) if late else ""
    commands = {
        "ANSWER": f"deltacare settle dispute answer {name} --agree|--contest",
        "CLOSE": f"{closing} {_outcome(found, own)} --reason CODE",
        "DO_REMEDY": _remedy_command(found, own),
        "ESCALATE_OR_AGREE": _escalation(found)
        if own == found.raised_by
        else f"deltacare settle dispute answer {name} --agree",
    }
    return commands.get(found.next_action, f"{closing} OUTCOME --reason CODE")


def _escalation(found: Any) -> str:  # noqa: ANN401  # a message
    return f"deltacare settle dispute escalate {found.dispute.dispute_id} --reason CODE"


def _outcome(found: Any, own: str) -> str:  # noqa: ANN401  # a message
    """Return the outcome that is to be said: what was agreed, or what the other said."""
    if enum_name(found, "remedy") != "UNSPECIFIED":
        return enum_name(found, "remedy").lower()
    said = [
        enum_name(step, "remedy").lower()
        for step in found.steps
        if step.step == "CLOSURE_SAID" and step.province != own and not step.no_effect_rule
    ]
    return said[-1] if said else "OUTCOME"


def _remedy_command(found: Any, own: str) -> str:  # noqa: ANN401  # a message
    line = found.dispute
    partner = line.host if line.home == own else line.home
    side = "--as-home" if line.home == own else "--as-host"
    return {
        "REVISE": "deltacare settle revise FILE",
        "REVERSE": (
            f"deltacare settle reverse {line.settlement_no} --partner {partner} {side} "
            "--reason CODE"
        ),
        "FILE": "deltacare settle import FILE",
    }.get(enum_name(found, "remedy"), "")


def tell_dispute(found: Any, following: str) -> None:  # noqa: ANN401  # a message
    """Draw a dispute and every word on it.

    Args:
        found: The dispute.
        following: The next command, or empty.
    """
    line = found.dispute
    state = state_words(found)
    level = f"（{level_words(found.level)}）" if found.level else ""
    remedy = enum_name(found, "remedy")
    rows = [
        (tr("差错单", "dispute"), line.dispute_id),
        (tr("结算编号", "number"), line.settlement_no),
        (tr("户籍地→服务地", "home→host"), f"{line.home}→{line.host}"),
        (tr("差错类型", "claim"), tr(*_CLAIM_WORDS[enum_name(line, "claim")])),
        (tr("提出", "raised"), f"{found.raised_by}  {found.raised_date}  {line.reason}"),
        (
            tr("状态", "state"),
            tr(f"{state}{level}", f"{state} {level_words(found.level)}".strip()),
        ),
        (tr("更正方式", "remedy"), tr(*_REMEDY_WORDS.get(remedy, ("", "")))),
        (tr("尚未更正", "not put right by"), ", ".join(found.remedy_missing)),
        (tr("归谁", "whose"), owner_words(found.owner)),
        (tr("期限", "due"), due_words(found)),
        (tr("历时（天）", "age, days"), found.age_days),
        (tr("下一步", "next"), tr(*_ACTION_WORDS.get(found.next_action, ("", "")))),
        (tr("命令", "command"), following),
    ]
    print_table(
        [tr("项目", "field"), tr("内容", "value")],
        [row for row in rows if row[1] != ""],
    )
    print_table(
        [
            tr("时间", "time"),
            tr("省份", "province"),
            tr("声明", "word"),
            tr("更正方式", "remedy"),
            tr("事由", "reason"),
            tr("条目", "entry"),
            tr("无效依据", "no effect by"),
        ],
        [
            (
                step.entry_time,
                step.province,
                " ".join(filter(None, (tr(*_STEP_WORDS[step.step]), level_words(step.level)))),
                tr(*_REMEDY_WORDS.get(enum_name(step, "remedy"), ("", ""))),
                step.reason,
                f"{step.entry.log} #{step.entry.index}",
                step.no_effect_rule,
            )
            for step in found.steps
        ],
    )


def tell_disputes(found: Iterable[Any], own: str) -> None:
    """Draw a table of disputes.

    Args:
        found: Disputes.
        own: The own province.
    """
    print_table(
        [
            tr("差错单", "dispute"),
            tr("结算编号", "number"),
            tr("户籍地→服务地", "home→host"),
            tr("差错类型", "claim"),
            tr("状态", "state"),
            tr("归谁", "whose"),
            tr("期限", "due"),
            tr("历时（天）", "age, days"),
            tr("下一步", "next"),
        ],
        [
            (
                each.dispute.dispute_id,
                each.dispute.settlement_no,
                f"{each.dispute.home}→{each.dispute.host}",
                tr(*_CLAIM_WORDS[enum_name(each.dispute, "claim")]),
                state_words(each),
                owner_words(each.owner),
                due_words(each),
                each.age_days,
                next_command(each, own) or tr(*_ACTION_WORDS.get(each.next_action, ("", ""))),
            )
            for each in found
        ],
        numbers=(7,),
    )


def list_disputes(node: Any, request: Any) -> Sequence[Any]:  # noqa: ANN401  # a client of a node, messages
    """Return every dispute that a request asks for."""
    return [each for page in pages(node.dispute.ListDisputes, request) for each in page.disputes]


def state_words(found: Any) -> str:  # noqa: ANN401  # a message
    """Return where a dispute stands."""
    return tr(*_STATE_WORDS[enum_name(found, "state")])
