"""``settle dispute``: lines that the two sides do not agree on (差错单), from raised to closed.

A dispute is raised on a line by one side, answered by the other, agreed or taken to the next level,
and closed by a word; never by silence. Single ones are named on the command line, many come as a
file. What a clerk or payer sends waits for a reviewer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, LazyCommand, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.disputes import bare_id, level_words, own_province
from clients.cli.failures import InputRefused
from clients.cli.output import answer
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["dispute"]

dispute = Group(
    name="dispute",
    help=both(
        "差错单：提出、答复、提级、办结、查看。",
        "Disputes on lines: raise, answer, escalate, close, show.",
    ),
    lazy={
        "show": LazyCommand(
            target="clients.cli.settle_dispute_shown:show",
            help=both(
                "一张差错单的全部过程与下一步。", "A dispute: every word on it, what is next."
            ),
        ),
        "list": LazyCommand(
            target="clients.cli.settle_dispute_shown:list_",
            help=both("差错单清单。", "Disputes, and whose move each is."),
        ),
    },
)

_CLAIMS = (
    "amount",
    "days",
    "elder",
    "institution",
    "caregiver",
    "duplicate",
    "not-served",
    "clearing",
)
_REMEDIES = ("none", "revise", "reverse", "file")

_reason = option(
    "--reason", default="", metavar="CODE", help=both("事由代码。", "Code of the reason.")
)
_file = option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both("成批：CSV 或 XLSX 文件。", "Many at once: a CSV or XLSX file."),
)


# --- Words ----------------------------------------------------------------------------------------


@command(
    dispute,
    "raise",
    help=both(
        "对结算行提出差错单。给出结算编号、对方省份与差错类型；或用 --file 成批提出，"
        "列：settlement_no、home、host、claim、reason，可加 dispute_id。先检查全部行。",
        "Dispute lines. Name their numbers, the other province and the claim; or give many in a "
        "--file with the columns settlement_no, home, host, claim, reason, and dispute_id if you "
        "number them. Every row is checked first.",
    ),
)
@click.argument("numbers", nargs=-1)
@option("--partner", default="", metavar="CODE", help=both("对方省份。", "The other province."))
@option(
    "--as-home/--as-host",
    default=None,
    help=both("本方在这些结算中是户籍地还是服务地。", "What the own province is in them."),
)
@option(
    "--claim",
    type=click.Choice(_CLAIMS, case_sensitive=False),
    help=both("差错类型。", "What is disputed."),
)
@_reason
@option(
    "--id",
    "dispute_id",
    default="",
    metavar="ID",
    help=both("差错单编号，默认自动编号。", "Number of the dispute; made up by default."),
)
@_file
@signed
@connected
def raise_(
    *,
    connection: Connection,
    signature: Signature,
    numbers: tuple[str, ...],
    partner: str,
    as_home: bool | None,
    claim: str | None,
    reason: str,
    dispute_id: str,
    file: Path | None,
) -> None:
    """Raise disputes."""
    from datetime import UTC, datetime

    from clients.filing.disputing import (
        CLAIMS,
        dispute_number,
        raise_requests,
        read_disputes,
    )
    from deltacare.times import business_date
    from deltacare.v1.entry_pb2 import Dispute, DisputeClaim

    if (file is None) is (not numbers):
        raise _one_of(tr("结算编号", "numbers"))
    if file is None and not (partner and claim and reason and as_home is not None):
        raise InputRefused(
            tr(
                "请一并给出 --partner、--as-home 或 --as-host、--claim 与 --reason。",
                "Give --partner, --as-home or --as-host, --claim and --reason as well.",
            )
        )
    if dispute_id and len(numbers) != 1:
        raise InputRefused(tr("--id 只能用于一条结算。", "--id is for one settlement."))
    today = business_date(datetime.now(UTC))
    with connection.open() as node:
        own = own_province(node)
        if file is not None:
            found = read_disputes(file, own=own, today=today)
        else:
            home, host = (own, partner) if as_home else (partner, own)
            found = []
            for number in numbers:
                body = Dispute(
                    settlement_no=number,
                    home=home,
                    host=host,
                    claim=DisputeClaim.ValueType(CLAIMS[(claim or "").upper().replace("-", "_")]),
                    reason=reason,
                )
                body.dispute_id = dispute_id or dispute_number(own, today, body)
                found.append(body)
        requests = raise_requests(found, own=own, duty=signature.duty, once=signature.request_id)
        responses = _send(node, requests, signature, "RaiseDisputes")
    if responses is None:
        return
    ids = [{"settlement_no": each.settlement_no, "dispute_id": each.dispute_id} for each in found]
    answer(
        {"disputes": ids, "appended": [plain(each.appended) for each in responses]},
        [
            tr(f"已提出 {len(found)} 张差错单：", f"{len(found)} disputes raised:"),
            *(f"  {each['settlement_no']}  {each['dispute_id']}" for each in ids),
            *_places(responses),
        ],
    )


@command(
    dispute,
    "answer",
    help=both(
        "答复对方的差错单：--agree 同意并说明更正方式，或 --contest 否认并说明事由；"
        "或用 --file 成批答复，列：dispute_id、word（AGREED 或 CONTESTED）、remedy、reason。",
        "Answer disputes of the other side: --agree to a remedy, or --contest with a reason; or "
        "many in a --file with the columns dispute_id, word (AGREED or CONTESTED), remedy, reason.",
    ),
)
@click.argument("ids", nargs=-1)
@option(
    "--agree",
    "remedy",
    type=click.Choice(_REMEDIES, case_sensitive=False),
    help=both("同意，更正方式如此。", "Agree, to be put right so."),
)
@option("--contest", is_flag=True, help=both("否认。", "Contest."))
@_reason
@_file
@signed
@connected
def answer_(
    *,
    connection: Connection,
    signature: Signature,
    ids: tuple[str, ...],
    remedy: str | None,
    contest: bool,
    reason: str,
    file: Path | None,
) -> None:
    """Answer disputes."""
    from clients.filing.disputing import REMEDIES, answer_requests, read_answers
    from deltacare.v1.entry_pb2 import (
        DISPUTE_WORD_AGREED,
        DISPUTE_WORD_CONTESTED,
        DisputeAnswer,
        DisputeRemedy,
    )

    if (file is None) is (not ids):
        raise _one_of(tr("差错单编号", "ids"))
    if file is None and (contest is (remedy is not None) or (contest and not reason)):
        raise InputRefused(
            tr(
                "请给出 --agree 及更正方式，或 --contest 及 --reason，二者择一。",
                "Give --agree with a remedy, or --contest with a --reason: one of the two.",
            )
        )
    if file is not None:
        found = read_answers(file)
    else:
        agreed = DisputeRemedy.ValueType(REMEDIES[remedy.upper()] if remedy else 0)
        word = DISPUTE_WORD_AGREED if remedy else DISPUTE_WORD_CONTESTED
        found = [
            DisputeAnswer(dispute_id=bare_id(each), word=word, remedy=agreed, reason=reason)
            for each in ids
        ]
    requests = answer_requests(found, duty=signature.duty, once=signature.request_id)
    with connection.open() as node:
        responses = _send(node, requests, signature, "AnswerDisputes")
    if responses is None:
        return
    answer(
        {
            "answers": [plain(each) for each in found],
            "appended": [plain(each.appended) for each in responses],
        },
        [
            tr(f"已答复 {len(found)} 张差错单。", f"{len(found)} disputes answered."),
            *_places(responses),
        ],
    )


@command(
    dispute,
    "escalate",
    help=both(
        "提级：先两省民政部门（1），再联盟理事会（2）；须对方否认，或期限已过。",
        "Take a dispute to the two departments (1), then to the federation's board (2): when it is "
        "contested, or the last day to act has passed.",
    ),
)
@click.argument("dispute_id", metavar="ID")
@option(
    "--level",
    type=click.IntRange(1, 2),
    default=None,
    help=both("级别，默认下一级。", "Level; the next one by default."),
)
@_reason
@signed
@connected
def escalate(
    *,
    connection: Connection,
    signature: Signature,
    dispute_id: str,
    level: int | None,
    reason: str,
) -> None:
    """Escalate a dispute."""
    from deltacare.v1.dispute_service_pb2 import EscalateDisputeRequest
    from deltacare.v1.entry_pb2 import DisputeEscalation

    _require_reason(reason)
    with connection.open() as node:
        found = _get(node, dispute_id)
        body = DisputeEscalation(
            dispute_id=bare_id(dispute_id), level=level or found.level + 1, reason=reason
        )
        response = node.dispute.EscalateDispute(
            EscalateDisputeRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=_partner(node, found),
                escalation=body,
            )
        )
    above = level_words(body.level)
    answer(
        {**plain(body), "appended": plain(response.appended)},
        [
            tr(f"差错单 {body.dispute_id} 已提至{above}。", f"{body.dispute_id} is with {above}."),
            *_places([response]),
        ],
    )


@command(
    dispute,
    "close",
    help=both(
        "声明差错单已办结及如何办结。提出方可撤回（--outcome none）；已同意的由提出方办结；"
        "其余须双方作同样声明。日志尚未显示更正的，节点拒绝并说明缺什么。",
        "Say that a dispute is closed, and how. Who raised it may withdraw it (--outcome none); "
        "one that was agreed is closed by who raised it; any other by the same word of both. The "
        "node refuses while the logs do not show that it was put right, and names what is missing.",
    ),
)
@click.argument("dispute_id", metavar="ID")
@option(
    "--outcome",
    type=click.Choice(_REMEDIES, case_sensitive=False),
    required=True,
    help=both("如何更正的。", "How it was put right."),
)
@_reason
@signed
@connected
def close(
    *,
    connection: Connection,
    signature: Signature,
    dispute_id: str,
    outcome: str,
    reason: str,
) -> None:
    """Close a dispute."""
    from clients.filing.disputing import REMEDIES
    from deltacare.v1.dispute_service_pb2 import CloseDisputeRequest
    from deltacare.v1.entry_pb2 import DisputeClosure, DisputeRemedy

    _require_reason(reason)
    body = DisputeClosure(
        dispute_id=bare_id(dispute_id),
        outcome=DisputeRemedy.ValueType(REMEDIES[outcome.upper()]),
        reason=reason,
    )
    with connection.open() as node:
        response = node.dispute.CloseDispute(
            CloseDisputeRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=_partner(node, _get(node, dispute_id)),
                closure=body,
            )
        )
        found = _get(node, dispute_id)
    closed = enum_name(found, "state") == "CLOSED"
    answer(
        {**plain(body), "state": enum_name(found, "state"), "appended": plain(response.appended)},
        [
            tr(f"差错单 {body.dispute_id} 已办结。", f"{body.dispute_id} is closed.")
            if closed
            else tr(
                f"已声明办结；差错单 {body.dispute_id} 待对方作同样声明。",
                f"Said; {body.dispute_id} is closed once the other side says the same.",
            ),
            *_places([response]),
        ],
    )


def _send(
    node: Any,  # noqa: ANN401  # a client of a node
    requests: Sequence[Any],
    signature: Signature,
    method: str,
) -> list[Any] | None:
    """Send requests and return the answers; ``None`` if they wait for a reviewer, and that is told.

    A batch that is refused ends it; what was said before stands, and a second run repeats nothing.
    """
    if signature.is_draft:
        from clients.cli.drafting import submit, submitted_lines

        drafts = [submit(node, each) for each in requests]
        answer({"drafts": [plain(each) for each in drafts]}, submitted_lines(drafts))
        return None
    call = getattr(node.dispute, method)
    return [call(each) for each in requests]


def _places(responses: Sequence[Any]) -> list[str]:
    return [
        tr(
            f"日志 {each.appended.log}，序号自 {each.appended.first_index} 起 "
            f"{each.appended.entry_count} 条",
            f"log {each.appended.log}, {each.appended.entry_count} from index "
            f"{each.appended.first_index}",
        )
        for each in responses
    ]


def _one_of(what: str) -> InputRefused:
    return InputRefused(
        tr(
            f"请给出{what}，或用 --file 给出文件，二者择一。",
            f"Give {what}, or a --file: one of the two.",
        )
    )


def _require_reason(reason: str) -> None:
    """Refuse a word without a reason.

    Raises:
        InputRefused: If none is given.
    """
    if not reason:
        raise InputRefused(
            tr("请用 --reason 说明事由代码。", "Give the code of the reason: --reason.")
        )


def _get(node: Any, text: str) -> Any:  # noqa: ANN401  # a client of a node, a message
    from deltacare.v1.dispute_service_pb2 import GetDisputeRequest

    return node.dispute.GetDispute(GetDisputeRequest(name=f"disputes/{bare_id(text)}"))


def _partner(node: Any, found: Any) -> str:  # noqa: ANN401  # a client of a node, a message
    from clients.filing.disputing import partner_of

    return partner_of(found.dispute, own_province(node))
