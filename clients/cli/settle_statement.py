"""Statements at the terminal: propose, approve or refuse once and for good, list and write out."""

from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option, wants_json
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer, pages, print_table, require_folder, say, yuan
from clients.cli.signing import Pen, approving
from clients.language import both, tr
from clients.plain import enum_name, plain

__all__ = ["approve", "export", "propose", "statements"]

_group = Group(name="statement", help="")

_NETTINGS = {"bilateral": 1, "multilateral": 2}
_WINDOWS = {"day": 1, "week": 2, "month": 3}
_APPROVED, _REFUSED = 1, 2

_STATES = {
    "PROPOSED": ("待各方答复", "waits for answers"),
    "BINDING": ("四方批准，生效", "approved by all, binding"),
    "VOID": ("已被拒绝，无效", "refused, void"),
}


@command(
    _group,
    "propose",
    help=both(
        "就一段业务日提出清算单；所含各夜须均已一致。",
        "Propose a statement over a window of dates on which every pair agrees.",
    ),
)
@click.argument("statement_id")
@option(
    "--from",
    "from_date",
    required=True,
    metavar="DATE",
    help=both(
        "起始日；与 --window 同用时为其中任一日。", "First date; with --window any date of it."
    ),
)
@option("--until", "until_date", metavar="DATE", help=both("截止日。", "Last date."))
@option(
    "--window",
    type=click.Choice(list(_WINDOWS)),
    help=both("整日、整周（周一至周日）或整月。", "The whole day, week (from Monday) or month."),
)
@option(
    "--draw-advances",
    is_flag=True,
    help=both("先以预付金抵付。", "Draw advances down before anything is paid."),
)
@option(
    "--netting",
    type=click.Choice(list(_NETTINGS)),
    default="bilateral",
    show_default=True,
    help=both("双边或多边轧差。", "How flows become payments."),
)
@signed
@connected
def propose(
    *,
    connection: Connection,
    signature: Signature,
    statement_id: str,
    from_date: str,
    until_date: str | None,
    window: str | None,
    draw_advances: bool,
    netting: str,
) -> None:
    """Propose a statement."""
    from deltacare.v1.clearing_service_pb2 import ProposeStatementRequest
    from deltacare.v1.entry_pb2 import Netting, StatementWindow

    first, last = _dates(from_date, until_date, window)
    with connection.open() as node:
        response = node.clearing.ProposeStatement(
            ProposeStatementRequest(
                request_id=signature.once(),
                duty=signature.duty,
                statement_id=statement_id,
                from_date=first,
                until_date=last,
                netting=Netting.ValueType(_NETTINGS[netting]),
                window=StatementWindow.ValueType(_WINDOWS.get(window or "", 0)),
                draw_advances=draw_advances,
            )
        )
    if answer(plain(response)):
        _draw(response.statement)
        click.echo(tr("摘要 ", "hash ") + response.statement_hash.hex())


def _dates(from_date: str, until_date: str | None, window: str | None) -> tuple[str, str]:
    """Return the first and last date of the window that is meant."""
    from deltacare.times import parse_date
    from settlement.windows import WindowKind, window_of

    if (window is None) == (until_date is None):
        raise InputRefused(
            tr(
                "请以 --until 给出截止日，或以 --window 给出整日、整周或整月，二者取一。",
                "Give the last date with --until, or a whole day, week or month with --window.",
            )
        )
    if window is None:
        assert until_date is not None, "one of the two was given"
        return from_date, until_date
    kind = WindowKind(_WINDOWS[window])
    first, last = window_of(kind, parse_date(from_date, field="from_date"))
    return first.isoformat(), last.isoformat()


@command(
    _group,
    "approve",
    help=both(
        "批准一份清算单，或用 --refuse 拒绝；只能答复一次。先核算并显示所签内容。经办人以 "
        "--key、--out 签名；复核人以 --key、--with 补签并提交。",
        "Approve a statement, or refuse it with --refuse; once and for good. What is signed is "
        "computed anew and shown. The maker signs with --key and --out, the checker signs and "
        "sends with --key and --with.",
    ),
)
@click.argument("statement_id")
@option("--hash", "expected", metavar="HASH", help=both("所批准的摘要。", "Leaf hash meant."))
@option("--refuse", "reason", metavar="CODE", help=both("拒绝的事由代码。", "Refuse, with a code."))
@approving
@connected
def approve(
    *,
    connection: Connection,
    pen: Pen,
    statement_id: str,
    expected: str | None,
    reason: str | None,
) -> None:
    """Answer a statement."""
    from clients.approving import Thing
    from clients.recomputing import require_recomputed
    from deltacare.approvals import ApprovalSubject, ApprovalWord
    from deltacare.v1.clearing_service_pb2 import AnswerStatementRequest
    from deltacare.v1.entry_pb2 import StatementAnswer, StatementWord

    province = connection.caller().province
    with connection.open() as node:
        standing = _get(node, statement_id)
        found = standing.statement_hash.hex()
        if expected is not None and expected.lower() != found:
            raise InputRefused(
                tr(
                    f"{statement_id} 的摘要是 {found}，与所给不符，未答复。",
                    f"The hash of {statement_id} is {found}, not the one given; nothing was said.",
                )
            )
        if not reason:
            require_recomputed(standing, _nights(node, standing))

        def show() -> None:
            if not wants_json():
                _draw(standing.statement)
                click.echo(tr("摘要 ", "hash ") + found)

        thing = Thing(subject=ApprovalSubject.STATEMENT, subject_hash=standing.statement_hash)
        gathered = pen.sign(
            [thing],
            word=ApprovalWord.REFUSED if reason else ApprovalWord.APPROVED,
            province=province,
            show=show,
        )
        if gathered is None:
            return
        response = node.clearing.AnswerStatement(
            AnswerStatementRequest(
                request_id=gathered.request_id,
                duty=gathered.duty,
                answer=StatementAnswer(
                    statement_hash=standing.statement_hash,
                    word=StatementWord.ValueType(_REFUSED if reason else _APPROVED),
                    reason=reason or "",
                    approvals=gathered.approvals[0],
                ),
            )
        )
    done = (
        tr(f"已拒绝 {statement_id}", f"Refused {statement_id}")
        if reason
        else tr(f"已批准 {statement_id}", f"Approved {statement_id}")
    )
    answer(
        {**plain(response), "statement_hash": found},
        [
            done,
            tr(
                f"经办 {gathered.duty.maker}，复核 {gathered.duty.reviewer}，均已签名",
                f"signed by maker {gathered.duty.maker} and checker {gathered.duty.reviewer}",
            ),
        ],
    )


@command(
    _group,
    "export",
    help=both(
        "导出清算单：按文件名写成 .xlsx 或 .json；不给文件则显示。",
        "Write a statement to a file that ends in .xlsx or .json; show it if no file is given.",
    ),
)
@click.argument("statement_id")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "另存清算单证据文件，日后可用 deltacare verify 离线核验。",
        "Also save the statement file, for deltacare verify to check offline years later.",
    ),
)
@connected
def export(
    *, connection: Connection, statement_id: str, file: Path | None, save: Path | None
) -> None:
    """Write or show a statement."""
    import json

    from clients.proofs import statement_evidence
    from clients.statements import workbook

    if file is not None and file.suffix.lower() not in (".xlsx", ".json"):
        raise InputRefused(
            tr(
                f"{file.name}：文件名请以 .xlsx 或 .json 结尾。",
                f"{file.name}: name a file that ends in .xlsx or .json.",
            )
        )
    for path in (file, save):
        if path is not None:
            require_folder(path)
    with connection.open() as node:
        standing = _get(node, statement_id)
        if save is not None:
            save.write_bytes(statement_evidence(node, standing).to_bytes())
            say(tr(f"清算单证据文件已写入 {save}", f"Statement file written to {save}"))
        nights = _nights(node, standing)
    if file is not None:
        if file.suffix.lower() == ".json":
            text = json.dumps(plain(standing), ensure_ascii=False, indent=2) + "\n"
            file.write_text(text, encoding="utf-8")
        else:
            file.write_bytes(workbook(standing, nights))
        say(tr(f"已写入 {file}", f"Written to {file}"))
    if answer(plain(standing)) and file is None and save is None:
        _draw(standing.statement)
        _draw_answers(standing)
        click.echo(_state(standing))
        click.echo(tr("摘要 ", "hash ") + standing.statement_hash.hex())


@command(
    _group,
    "statements",
    help=both(
        "列出清算单，新的在前：编号、窗口、状态、各方答复。",
        "List statements, newest first: id, window, state, who has answered.",
    ),
)
@connected
def statements(*, connection: Connection) -> None:
    """List statements."""
    from deltacare.v1.clearing_service_pb2 import ListStatementsRequest

    with connection.open() as node:
        found = [
            each
            for page in pages(node.clearing.ListStatements, ListStatementsRequest())
            for each in page.statements
        ]
    if answer({"statements": [plain(each) for each in found]}):
        print_table(
            [
                tr("编号", "id"),
                tr("起始日", "from"),
                tr("截止日", "until"),
                tr("状态", "state"),
                tr("已批准", "approved"),
                tr("已拒绝", "refused"),
                tr("待答复", "waits for"),
            ],
            [
                (
                    each.statement.statement_id,
                    each.statement.from_date,
                    each.statement.until_date,
                    _state(each),
                    *(_said(each, word) for word in ("APPROVED", "REFUSED")),
                    # One refusal ends it: nobody is asked any more.
                    _said(each, "UNSPECIFIED") if enum_name(each, "state") == "PROPOSED" else "",
                )
                for each in found
            ],
        )


def _state(standing: Any) -> str:  # noqa: ANN401  # a message
    state = enum_name(standing, "state")
    return tr(*_STATES.get(state, (state, state)))


def _said(standing: Any, word: str) -> str:  # noqa: ANN401  # a message
    """Return the parties that have given an answer."""
    return " ".join(each.province for each in standing.answers if enum_name(each, "word") == word)


def _draw_answers(standing: Any) -> None:  # noqa: ANN401  # a message
    from clients.statements import answer_words

    print_table(
        [
            tr("省份", "province"),
            tr("答复", "answer"),
            tr("经办", "maker"),
            tr("复核", "reviewer"),
            tr("事由", "reason"),
        ],
        [
            (each.province, answer_words(each), each.maker, each.reviewer, each.reason)
            for each in standing.answers
        ],
        title=tr("各方答复", "Answers"),
    )


def _get(node: Any, statement_id: str) -> Any:  # noqa: ANN401  # a client of a node, a message
    from deltacare.v1.clearing_service_pb2 import GetStatementRequest

    return node.clearing.GetStatement(GetStatementRequest(name=f"statements/{statement_id}"))


def _nights(node: Any, standing: Any) -> list[Any]:  # noqa: ANN401  # a client, messages
    """Return the pairs' nights of a statement's window."""
    from deltacare.v1.clearing_service_pb2 import ListPairNightsRequest

    window = ListPairNightsRequest(
        from_date=standing.statement.from_date, until_date=standing.statement.until_date
    )
    return [night for page in pages(node.clearing.ListPairNights, window) for night in page.nights]


def _draw(statement: Any) -> None:  # noqa: ANN401  # a message
    print_table(
        [tr("省份", "province"), tr("净额（收减付，元）", "received less paid, yuan")],
        [(row.province, yuan(row.net_fen)) for row in statement.positions],
        title=f"{statement.statement_id}  {statement.from_date} – {statement.until_date}",
        numbers=(1,),
    )
    print_table(
        [tr("付款方", "payer"), tr("收款方", "payee"), tr("金额（元）", "yuan")],
        [(row.payer, row.payee, yuan(row.amount_fen)) for row in statement.payments],
        title=tr("付款", "Payments"),
        numbers=(2,),
    )
    if statement.drawdowns:
        print_table(
            [
                tr("付款方", "payer"),
                tr("收款方", "payee"),
                tr("抵付（元）", "yuan"),
                tr("预付金摘要", "advance"),
            ],
            [
                (row.payer, row.payee, yuan(row.amount_fen), row.advance_hash.hex())
                for row in statement.drawdowns
            ],
            title=tr("预付金抵付", "Advances drawn"),
            numbers=(2,),
        )
