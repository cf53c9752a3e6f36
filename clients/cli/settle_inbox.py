"""``settle inbox`` and ``settle answer``: what hosts filed, whether it fits, and home's answer."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.drafting import submit, submitted_lines
from clients.cli.failures import Exit, Fault, InputRefused, fault_lines, fault_plain
from clients.cli.output import answer, pages, print_table, progress, require_folder, say, yuan
from clients.cli.sending import Sent, send
from clients.language import both, language, tr
from clients.plain import plain

if TYPE_CHECKING:
    from clients.filing.answering import Line
    from deltacare.v1.settlement_service_pb2 import InboxVerdict, JudgedRecord

__all__ = ["answer_", "inbox"]

_group = Group(name="inbox", help="")

_NAMED_MAX = 10
_WORDS = {
    "FITS": ("相符", "fits"),
    "NOT_ENROLLED": ("未按所报天数登记", "not enrolled on so many days"),
    "NO_POLICY": ("无适用政策或标准", "no policy or rate"),
    "AMOUNT": ("金额与政策不符", "not what the policy comes to"),
    "OVER_BUDGET": ("超出预算", "beyond the budget"),
    "DUPLICATE": ("已报、已结清或疑似重复", "filed, cleared, or looks like another"),
    "NOT_BEGUN": ("服务月份在报送日之后", "the month begins after it was filed"),
    "OVERLAP": ("与已报或前列的天数合计超过当月", "days beyond the month, with others"),
    "OVER_CAP": ("与已报或前列的合计超过月限额", "above the month's cap, with others"),
}

_partner = option(
    "--partner", required=True, metavar="CODE", help=both("对方省份。", "The other province.")
)


@command(
    _group,
    "inbox",
    help=both(
        "服务地已报而本方（户籍地）既未报也未拒绝的记录，并依序逐条核对登记、政策、重复、"
        "月限额与预算。",
        "What the host filed and the own province, as home, has neither filed nor refused; each "
        "in turn is held against enrolment, policy, duplicates, the month's cap and budget.",
    ),
)
@_partner
@option(
    "--out",
    "out_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both(
        "写成 .xlsx 或 .csv，填“决定”列后用 settle answer --decisions 办理。",
        "Write them as .xlsx or .csv, to decide in and give to settle answer --decisions.",
    ),
)
@option(
    "--csv",
    "csv_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both(
        "写成结算文件，核对后可直接报送。", "Write them as a settlement file, to check and file."
    ),
)
@connected
def inbox(
    *, connection: Connection, partner: str, out_path: Path | None, csv_path: Path | None
) -> None:
    """List what waits."""
    for path in (out_path, csv_path):
        if path is not None:
            require_folder(path)
    if out_path is not None and out_path.suffix.lower() not in {".csv", ".xlsx"}:
        name = out_path.name
        raise InputRefused(tr(f"{name}：只能写成 .csv 或 .xlsx。", f"{name}: .csv or .xlsx only."))
    with connection.open() as node:
        found = _judged(node, partner)
    if csv_path is not None:
        _write_csv(csv_path, found)
        say(tr(f"{len(found)} 条写入 {csv_path}", f"{len(found)} written to {csv_path}"))
    if out_path is not None:
        from clients.filing.answering import write_inbox

        write_inbox(out_path, found, is_chinese=language() == "zh")
        say(tr(f"{len(found)} 条写入 {out_path}", f"{len(found)} written to {out_path}"))
    told = {"records": [plain(row) for row in found]}
    if answer(told) and csv_path is None and out_path is None:
        _draw(found)
    if found:
        fitting = sum(1 for row in found if _name(row.verdict) == "FITS")
        say(
            tr(
                f"{len(found)} 条待答复，{fitting} 条相符；"
                f"批量确认：settle answer --partner {partner}",
                f"{len(found)} wait, {fitting} fit; to confirm those: settle answer "
                f"--partner {partner}",
            )
        )


def _judged(node: Any, partner: str) -> "list[JudgedRecord]":  # noqa: ANN401  # a client of a node
    """Return everything that waits, judged."""
    from deltacare.v1.settlement_service_pb2 import JudgeInboxRequest

    request = JudgeInboxRequest(partner=partner)
    return [row for page in pages(node.settlement.JudgeInbox, request) for row in page.records]


def _name(verdict: "InboxVerdict.ValueType") -> str:
    from deltacare.v1.settlement_service_pb2 import InboxVerdict

    return InboxVerdict.Name(verdict).removeprefix("INBOX_VERDICT_")


def _draw(found: Sequence["JudgedRecord"]) -> None:
    print_table(
        [
            tr("结算编号", "number"),
            tr("机构", "institution"),
            tr("项目", "kind"),
            tr("月份", "month"),
            tr("天数", "days"),
            tr("金额（元）", "yuan"),
            tr("应付（元）", "entitled, yuan"),
            tr("核对结果", "verdict"),
            tr("报送日", "filed"),
        ],
        [
            (
                row.filed.record.settlement_no,
                row.filed.record.institution,
                row.filed.record.subsidy_kind,
                row.filed.record.service_month,
                row.filed.record.service_days,
                yuan(row.filed.record.amount_fen),
                yuan(row.entitled_fen) if row.entitled_fen else "",
                f"{_name(row.verdict)} {tr(*_WORDS[_name(row.verdict)])}",
                row.filed.filed_date,
            )
            for row in found
        ],
        numbers=(4, 5, 6),
    )


def _write_csv(path: Path, found: Sequence["JudgedRecord"]) -> None:
    import csv

    from settlement.core.columns import COLUMNS

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([getattr(row.filed.record, column) for column in COLUMNS] for row in found)


@command(
    _group,
    "answer",
    help=both(
        "答复服务地所报：相符的批量确认（报送相同记录）；"
        "不相符的按核对结果拒绝（--refuse AMOUNT=CODE），或按文件逐条决定（--decisions）。"
        "不相符的从不自动确认，须逐条写明编号与事由（--confirm）。可中断后重跑。",
        "Answer what the host filed: what fits is confirmed in bulk, by filing the same; what does "
        "not is refused by verdict (--refuse AMOUNT=CODE) or decided line by line in a file "
        "(--decisions). What does not fit is confirmed only by number and with a reason "
        "(--confirm). It can be broken off and run again.",
    ),
)
@_partner
@option(
    "--decisions",
    "decisions_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both(
        "settle inbox --out 写出并填好“决定”列的文件；只办理填了决定的行。",
        "The file of settle inbox --out with its column decision filled in; other rows are left.",
    ),
)
@option(
    "--refuse",
    "refused",
    multiple=True,
    metavar="VERDICT=CODE",
    help=both("按核对结果拒绝，可多次。", "Refuse what has this verdict; repeat it."),
)
@option(
    "--confirm",
    "confirmed",
    multiple=True,
    metavar="NUMBER=CODE",
    help=both(
        "虽不相符仍确认该编号，并写明事由，可多次。",
        "Confirm this number although it does not fit, with the reason; repeat it.",
    ),
)
@option("--dry-run", is_flag=True, help=both("只显示将如何答复。", "Only say what would be."))
@signed
@connected
def answer_(
    *,
    connection: Connection,
    signature: Signature,
    partner: str,
    decisions_path: Path | None,
    refused: tuple[str, ...],
    confirmed: tuple[str, ...],
    dry_run: bool,
) -> int:
    """Answer what waits."""
    from clients.filing.answering import (
        VERDICTS,
        Decision,
        Decisions,
        Word,
        confirmations,
        decide,
        read_decisions,
        refusals,
        waiting_numbers,
    )
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    named: dict[str, list[Decision]] = {}
    if decisions_path is not None:
        named |= read_decisions(decisions_path)
    for number, reason in _pairs("--confirm", confirmed):
        named[number] = [Decision(row=0, word=Word.CONFIRM, reason=reason)]
    by_verdict = _verdicts(refused)
    decisions = Decisions(
        lines=named,
        refused={VERDICTS[name]: reason for name, reason in by_verdict.items()},
        confirms_fitting=decisions_path is None,
    )
    with connection.open() as node:
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        lines = decide(_judged(node, partner), decisions)
        # What is in a draft already is not answered twice.
        drafted = waiting_numbers(node, partner) if signature.is_draft else frozenset()
        lines = [replace(line, word=None) if line.number in drafted else line for line in lines]
        _require_possible(lines)
        here = {line.number for line in lines}
        gone = sorted(set(named) - here)
        batches = confirmations(
            lines, partner=partner, duty=signature.duty, once=signature.request_id
        )
        requests = refusals(
            lines, own=own, partner=partner, duty=signature.duty, once=signature.request_id
        )
        sent, refused_count = Sent(), 0
        if not dry_run:
            sent = send(node, batches, signature)
            sent, refused_count = _refuse(node, requests, signature, sent)
    if gone:
        some = ", ".join(gone[:_NAMED_MAX])
        say(
            tr(
                f"{len(gone)} 条决定所指的编号已不在待办中：{some}",
                f"{len(gone)} decisions are about numbers that do not wait any more: {some}",
            )
        )
    return _tell(lines, sent, refused_count=refused_count, drafted=len(drafted), is_dry_run=dry_run)


def _pairs(name: str, given: Sequence[str]) -> list[tuple[str, str]]:
    """Return the two sides of ``LEFT=RIGHT`` options.

    Raises:
        InputRefused: If one is no pair.
    """
    found = []
    for text in given:
        left, separator, right = text.partition("=")
        if not (left and separator and right):
            raise InputRefused(
                tr(
                    f"{name} {text}：应写作 {name} 左=事由代码。",
                    f"{name} {text}: write it as LEFT=CODE.",
                )
            )
        found.append((left, right))
    return found


def _verdicts(refused: Sequence[str]) -> dict[str, str]:
    """Return the reasons of ``--refuse`` by verdict.

    Raises:
        InputRefused: If there is no such verdict, or it is that of what fits.
    """
    found: dict[str, str] = {}
    for name, reason in _pairs("--refuse", refused):
        verdict = name.upper().replace("-", "_")
        if verdict not in _WORDS or verdict == "FITS":
            known = ", ".join(each for each in _WORDS if each != "FITS")
            raise InputRefused(
                tr(
                    f"--refuse {name}：没有这种核对结果；可用 {known}。",
                    f"--refuse {name}: there is no such verdict; use one of {known}.",
                )
            )
        found[verdict] = reason
    return found


def _require_possible(lines: "Sequence[Line]") -> None:
    """Refuse decisions that cannot be carried out, all of them named; nothing is sent then.

    Raises:
        InputRefused: If there is one.
    """
    faults = []
    for line in lines:
        if not line.problem:
            continue
        words = {
            "CHANGED": tr(
                "对方此后修订了该记录，请重新导出后再决定",
                "The host has revised it since: write the inbox again and decide anew.",
            ),
            "NEEDS_REASON": tr(
                f"核对结果为 {_name(line.judged.verdict)}，须写明事由代码",
                f"Its verdict is {_name(line.judged.verdict)}: a reason is needed.",
            ),
            "CONTRADICTS": tr(
                "同一编号的另一条记录答复不同；一个编号只有一个答复，"
                "请在 settle inbox --out 的文件中只决定一条",
                "Another record of the number is answered otherwise. A number has one answer: "
                "decide one of its rows in the file of settle inbox --out.",
            ),
        }
        where = tr(f"第 {line.row} 行", f"row {line.row}") if line.row else line.number
        faults.append(Fault(field=where, value=line.number, description=words[line.problem]))
    if faults:
        count = len(faults)
        raise InputRefused(
            tr(
                f"{count} 条决定不能办理，未报送任何行。",
                f"{count} decisions cannot be carried out; nothing was sent.",
            ),
            faults=tuple(faults),
        )


def _refuse(
    node: Any,  # noqa: ANN401  # a client of a node
    requests: Sequence[Any],
    signature: Signature,
    sent: Sent,
) -> tuple[Sent, int]:
    """Refuse records, or submit that for review, and return how many were."""
    count = 0
    with progress("拒绝", "refusing", total=len(requests)) as bar:
        for request in requests:
            if signature.is_draft:
                sent.drafts.append(submit(node, request))
            else:
                node.settlement.RefuseRecords(request)
            count += len(request.refusals)
            bar.advance()
    return sent, count


def _tell(
    lines: "Sequence[Line]", sent: Sent, *, refused_count: int, drafted: int, is_dry_run: bool
) -> int:
    """Say what was answered and what is left, and return the exit code."""
    from clients.filing.answering import Word

    words = Counter(line.word for line in lines)
    left = Counter(
        _name(line.judged.verdict) for line in lines if line.word is None and not line.is_answered
    )
    copies = sum(1 for line in lines if line.is_answered)
    fen = sum(line.judged.filed.record.amount_fen for line in lines if line.word is Word.CONFIRM)
    confirm, refuse = words[Word.CONFIRM], words[Word.REFUSE]
    head = tr("将确认", "Would confirm") if is_dry_run else tr("确认", "Confirmed")
    tail = tr("将拒绝", "would refuse") if is_dry_run else tr("拒绝", "refused")
    told = [
        tr(
            f"{head} {confirm} 条，{yuan(fen)} 元；{tail} {refuse} 条；待办 {left.total()} 条",
            f"{head} {confirm}, {yuan(fen)} yuan; {tail} {refuse}; {left.total()} are left",
        )
    ]
    told += [f"  {name} {tr(*_WORDS[name])}: {count}" for name, count in sorted(left.items())]
    if copies:
        told.append(
            tr(f"{copies} 条同号记录随之答复", f"{copies} under the same numbers go with them")
        )
    if drafted:
        told.append(tr(f"{drafted} 条已在待复核事项中", f"{drafted} wait in drafts already"))
    answer(
        {
            "dry_run": is_dry_run,
            "confirmed": confirm,
            "confirmed_fen": fen,
            "refused": refuse,
            "refused_sent": refused_count,
            "answered_with_others": copies,
            "left": dict(sorted(left.items())),
            "in_drafts": drafted,
            "filed": sent.filed,
            "already_filed": sent.repeated,
            "drafts": [plain(draft) for draft in sent.drafts],
            "refused_by_node": [fault_plain(fault) for fault in sent.refused],
        },
        [*told, *submitted_lines(sent.drafts)],
    )
    if sent.refused:
        say("\n".join(fault_lines(sent.refused, len(sent.refused))))
        return Exit.BAD_INPUT
    return Exit.YES
