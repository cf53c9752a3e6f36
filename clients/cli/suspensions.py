"""``deltacare recognition``: suspended recognition of one certificate, and the issuer's answer.

A host that doubts one certificate of another province stops recognising it, publicly and with a
reason; the issuer then has ten working days to say what it found. What is overdue is listed first.
"""

from collections.abc import Sequence
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Exit
from clients.cli.output import answer, pages, print_table
from clients.language import both, tr
from clients.plain import plain

__all__ = ["recognition"]

recognition = Group(
    name="recognition",
    help=both(
        "暂停互认一张证书、恢复，以及发证省的答复。",
        "Suspend recognition of one certificate, resume it, and the issuer's answers.",
    ),
)

_WORDS = {
    "confirmed": (1, "查实", "confirmed"),
    "contested": (2, "未见问题", "contested"),
    "investigating": (3, "正在核查", "investigating"),
}

_from = option(
    "--from",
    "effective_date",
    required=True,
    metavar="DATE",
    help=both("生效的第一日。", "First day it holds."),
)
_reason = option(
    "--reason",
    required=True,
    metavar="CODE",
    help=both("事由代码，如 COMPLAINT；不得含姓名。", "Reason code, such as COMPLAINT; no names."),
)


@command(
    recognition,
    "suspend",
    help=both(
        "本省暂停互认他省的一张证书；各省可见，发证省须在十个工作日内答复。",
        "Stop recognising one certificate of another province here; every province sees it, and "
        "its issuer answers within ten working days.",
    ),
)
@click.argument("certificate_no")
@_from
@_reason
@signed
@connected
def suspend(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    reason: str,
) -> None:
    """Suspend recognition."""
    from deltacare.v1.certification_service_pb2 import SuspendRecognitionRequest
    from deltacare.v1.entry_pb2 import RecognitionSuspension

    with connection.open() as node:
        response = node.certification.SuspendRecognition(
            SuspendRecognitionRequest(
                request_id=signature.once(),
                duty=signature.duty,
                suspension=RecognitionSuspension(
                    certificate_no=certificate_no, effective_date=effective_date, reason=reason
                ),
            )
        )
    answer(
        {"certificate_no": certificate_no, "appended": plain(response.appended)},
        [
            tr(
                f"自 {effective_date} 起暂停互认 {certificate_no}；"
                f"发证省 {certificate_no[:6]} 可见",
                f"{certificate_no} is not recognised here from {effective_date}; its issuer "
                f"{certificate_no[:6]} sees it",
            )
        ],
    )


@command(recognition, "resume", help=both("恢复互认。", "Recognise it again."))
@click.argument("certificate_no")
@_from
@_reason
@signed
@connected
def resume(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    effective_date: str,
    reason: str,
) -> None:
    """Resume recognition."""
    from deltacare.v1.certification_service_pb2 import ResumeRecognitionRequest
    from deltacare.v1.entry_pb2 import RecognitionResumption

    with connection.open() as node:
        response = node.certification.ResumeRecognition(
            ResumeRecognitionRequest(
                request_id=signature.once(),
                duty=signature.duty,
                resumption=RecognitionResumption(
                    certificate_no=certificate_no, effective_date=effective_date, reason=reason
                ),
            )
        )
    answer(
        {"certificate_no": certificate_no, "appended": plain(response.appended)},
        [
            tr(
                f"自 {effective_date} 起恢复互认 {certificate_no}",
                f"{certificate_no} is recognised here again from {effective_date}",
            )
        ],
    )


@command(
    recognition,
    "answer",
    help=both(
        "作为发证省答复某省的暂停；investigating 尚不算答复，期限照计。",
        "Answer a host's suspension, as issuer; investigating is no answer yet.",
    ),
)
@click.argument("certificate_no")
@option("--host", required=True, metavar="CODE", help=both("暂停互认的省。", "Who suspended it."))
@option(
    "--word",
    required=True,
    type=click.Choice(tuple(_WORDS)),
    help=both(
        "confirmed 查实，contested 未见问题，investigating 正在核查。",
        "What was found: the same, nothing wrong, or not yet known.",
    ),
)
@option(
    "--suspension",
    "suspension_hash",
    default="",
    metavar="HEX",
    help=both(
        "该暂停条目的叶哈希；不给则为该省最近一次暂停。",
        "Leaf hash of the suspension; the host's newest if none is given.",
    ),
)
@_reason
@signed
@connected
def answer_suspension(
    *,
    connection: Connection,
    signature: Signature,
    certificate_no: str,
    host: str,
    word: str,
    suspension_hash: str,
    reason: str,
) -> None:
    """Answer a suspension."""
    from clients.cli.failures import InputRefused
    from deltacare.v1.certification_service_pb2 import AnswerRecognitionSuspensionRequest
    from deltacare.v1.entry_pb2 import RecognitionAnswer

    try:
        named = bytes.fromhex(suspension_hash)
    except ValueError:
        raise InputRefused(
            tr(
                f"“{suspension_hash}”不是叶哈希：须为 64 个十六进制数字，见 recognition list。",
                f"{suspension_hash!r} is no leaf hash: 64 hexadecimal digits, as recognition list "
                "shows them.",
            )
        ) from None
    number, zh, en = _WORDS[word]
    said = RecognitionAnswer(
        certificate_no=certificate_no,
        host=host,
        suspension_hash=named,
        reason=reason,
    )
    said.word = number  # type: ignore[assignment]  # one of the enum's numbers
    with connection.open() as node:
        response = node.certification.AnswerRecognitionSuspension(
            AnswerRecognitionSuspensionRequest(
                request_id=signature.once(), duty=signature.duty, answer=said
            )
        )
    answer(
        {"certificate_no": certificate_no, "appended": plain(response.appended)},
        [
            tr(
                f"已就 {certificate_no} 答复 {host}：{zh}",
                f"Answered {host} about {certificate_no}: {en}",
            )
        ],
    )


@command(
    recognition,
    "list",
    help=both(
        "列出暂停互认及发证省的答复，逾期未答复的在前；有逾期时退出码为 1。",
        "List suspensions with the issuers' answers, overdue ones first; exits with 1 if one is.",
    ),
)
@option("--issuer", default="", metavar="CODE", help=both("只看该发证省。", "Of this issuer."))
@option("--host", default="", metavar="CODE", help=both("只看该使用地。", "By this host."))
@option(
    "--open",
    "open_only",
    is_flag=True,
    help=both("只看当日有效且未答复的。", "Only those that hold today without an answer."),
)
@connected
def list_suspensions(*, connection: Connection, issuer: str, host: str, open_only: bool) -> int:
    """List suspensions."""
    from deltacare.v1.certification_service_pb2 import ListRecognitionSuspensionsRequest

    with connection.open() as node:
        request = ListRecognitionSuspensionsRequest(issuer=issuer, host=host, open_only=open_only)
        found = [
            row
            for page in pages(node.certification.ListRecognitionSuspensions, request)
            for row in page.suspensions
        ]
    found.sort(key=lambda row: (not row.overdue, row.answer_due_date or "9999"))
    overdue = sum(row.overdue for row in found)
    if answer(
        {"suspensions": [plain(row) for row in found], "overdue": overdue},
        [
            tr(
                f"{len(found)} 项暂停互认，其中逾期未答复 {overdue} 项",
                f"{len(found)} suspensions, {overdue} of them overdue",
            )
        ],
    ):
        _print(found)
    return Exit.NO if overdue else Exit.YES


def _print(found: Sequence[Any]) -> None:
    """Draw the suspensions."""
    words = {number: tr(zh, en) for number, zh, en in _WORDS.values()}
    print_table(
        [
            tr("证书", "certificate"),
            tr("使用地", "host"),
            tr("自", "from"),
            tr("事由", "reason"),
            tr("恢复", "resumed"),
            tr("答复", "answer"),
            tr("答复期限", "due"),
        ],
        [
            (
                row.suspension.certificate_no,
                row.host,
                row.suspension.effective_date,
                row.suspension.reason,
                row.resumed_date,
                words.get(row.answer.word, "") if row.HasField("answer") else "",
                _due(row.answer_due_date, is_overdue=row.overdue),
            )
            for row in found
        ],
    )


def _due(day: str, *, is_overdue: bool) -> str:
    """Return the last day for an answer, and whether it was missed."""
    if not day:
        return tr("该年工作日历尚未公布", "that year's calendar is not published")
    return f"{day} {tr('逾期', 'overdue')}" if is_overdue else day
