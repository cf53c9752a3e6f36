"""``settle books``: the own province's journal, balances, months that close, and exports."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, pages, print_table, require_folder, say, yuan
from clients.language import both, tr
from clients.plain import plain

if TYPE_CHECKING:
    from settlement.books.journal import JournalLine

__all__ = ["books"]

books = Group(
    name="books",
    help=both(
        "账簿：流水、试算平衡、月结、导出。", "Books: journal, trial balance, months, exports."
    ),
)

_FORMATS = ("beancount", "hledger")
_HASH_CHARS_SHOWN = 16

_dates = (
    option("--from", "from_date", default="", metavar="DATE", help=both("起始日。", "First day.")),
    option("--until", "until_date", default="", metavar="DATE", help=both("截止日。", "Last day.")),
)


def _between(function: Any) -> Any:  # noqa: ANN401  # click's own type
    """Add the options of a span of days."""
    for each in reversed(_dates):
        function = each(function)
    return function


@command(
    books,
    "journal",
    help=both(
        "列出流水：每笔借贷平衡，并注明所依据的日志条目。",
        "List the journal: each line balances and names the entry it follows from.",
    ),
)
@_between
@connected
def journal(*, connection: Connection, from_date: str, until_date: str) -> None:
    """List lines."""
    found, ends = _journal(connection, from_date, until_date)
    if answer({"lines": [plain(each) for each in found], "log_ends": [plain(e) for e in ends]}):
        print_table(
            [
                tr("入账日", "booked"),
                tr("事项", "event"),
                tr("事由", "about"),
                tr("科目", "account"),
                tr("借方（元）", "debit"),
                tr("贷方（元）", "credit"),
                tr("条目", "entry"),
            ],
            [
                (
                    each.book_date if not index else "",
                    _event(each) if not index else "",
                    each.subject if not index else "",
                    posting.account,
                    yuan(posting.amount_fen) if posting.amount_fen > 0 else "",
                    yuan(-posting.amount_fen) if posting.amount_fen < 0 else "",
                    f"{each.entry.log} {each.entry.index}" if not index else "",
                )
                for each in found
                for index, posting in enumerate(each.postings)
            ],
            numbers=(4, 5),
        )


def _event(line: Any) -> str:  # noqa: ANN401  # a message
    """Return what happened, and when, if it was booked later."""
    if not line.late:
        return str(line.event)
    return f"{line.event} " + tr(f"（补记，原 {line.event_date}）", f"(late, of {line.event_date})")


@command(
    books,
    "balance",
    help=both(
        "某日终了的试算平衡表；不给日期则为今天。",
        "The trial balance at the end of a day; today if none is given.",
    ),
)
@option("--on", "on_date", default="", metavar="DATE", help=both("哪一天。", "The day."))
@connected
def balance(*, connection: Connection, on_date: str) -> None:
    """Show balances."""
    from deltacare.v1.books_service_pb2 import GetTrialBalanceRequest
    from settlement.books.accounts import account_words

    with connection.open() as node:
        found = node.books.GetTrialBalance(GetTrialBalanceRequest(on_date=on_date))
    if not answer(plain(found)):
        return
    lang = tr("zh", "en")
    rows = [
        (
            each.account,
            account_words(each.account, lang=lang),
            yuan(each.debit_fen),
            yuan(each.credit_fen),
            yuan(each.debit_fen - each.credit_fen),
        )
        for each in found.balances
    ]
    debit = sum(each.debit_fen for each in found.balances)
    credit = sum(each.credit_fen for each in found.balances)
    rows.append((tr("合计", "total"), "", yuan(debit), yuan(credit), yuan(debit - credit)))
    print_table(
        [
            tr("科目", "account"),
            tr("名称", "name"),
            tr("借方（元）", "debit"),
            tr("贷方（元）", "credit"),
            tr("余额", "balance"),
        ],
        rows,
        title=tr(f"试算平衡表  {found.on_date}", f"Trial balance  {found.on_date}"),
        numbers=(2, 3, 4),
    )
    click.echo(tr("摘要 ", "digest ") + found.digest.hex())


@command(
    books,
    "close-month",
    help=both(
        "月结：按序、一次、不可重开；当月各夜须均已一致。此后所知列入当月之后的开放月份。",
        "Close a month, in order, once and for good; every night of it must be agreed. What "
        "becomes known later is booked in the open month.",
    ),
)
@click.argument("month")
@signed
@connected
def close_month(*, connection: Connection, signature: Signature, month: str) -> None:
    """Close a month."""
    from deltacare.v1.books_service_pb2 import CloseMonthRequest

    with connection.open() as node:
        response = node.books.CloseMonth(
            CloseMonthRequest(request_id=signature.once(), duty=signature.duty, month=month)
        )
    closed = response.month_close
    answer(
        plain(response),
        [
            tr(
                f"{month} 已结账，共 {closed.line_count} 笔",
                f"Closed {month}: {closed.line_count} lines",
            ),
            tr("流水摘要 ", "journal ") + closed.journal_hash.hex(),
            tr("试算平衡摘要 ", "trial balance ") + closed.trial_balance_hash.hex(),
        ],
    )


@command(
    books,
    "months",
    help=both(
        "列出已结账的月份，并重算核对；有不符则以 1 退出。",
        "List closed months, worked out again; ends with 1 if one is not what was stated.",
    ),
)
@connected
def months(*, connection: Connection) -> None:
    """List closed months."""
    from deltacare.v1.books_service_pb2 import ListMonthClosesRequest

    with connection.open() as node:
        found = [
            each
            for page in pages(node.books.ListMonthCloses, ListMonthClosesRequest())
            for each in page.month_closes
        ]
    if answer({"month_closes": [plain(each) for each in found]}):
        print_table(
            [
                tr("月份", "month"),
                tr("笔数", "lines"),
                tr("流水摘要", "journal"),
                tr("试算平衡摘要", "trial balance"),
                tr("重算", "worked out again"),
                tr("条目", "entry"),
            ],
            [
                (
                    each.month_close.month,
                    each.month_close.line_count,
                    each.month_close.journal_hash.hex()[:_HASH_CHARS_SHOWN],
                    each.month_close.trial_balance_hash.hex()[:_HASH_CHARS_SHOWN],
                    tr("相符", "the same") if each.recomputed else tr("不符", "DIFFERS"),
                    f"{each.entry.log} {each.entry.index}",
                )
                for each in found
            ],
            numbers=(1,),
        )
    if not all(each.recomputed for each in found):
        raise SystemExit(1)


@command(
    books,
    "export",
    help=both(
        "把账簿写成 beancount 或 hledger 文件；金额精确到分，每月末列余额断言。",
        "Write the books as a beancount or hledger file: exact to the fen, with the balances "
        "asserted at the end of each month.",
    ),
)
@option(
    "--format",
    "format_",
    type=click.Choice(_FORMATS),
    required=True,
    help=both("文件格式。", "What it is for."),
)
@option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help=both("写到哪里。", "Where to."),
)
@connected
def export(*, connection: Connection, format_: str, out: Path) -> None:
    """Write the books to a file."""
    from settlement.books.beancount import beancount_text
    from settlement.books.hledger import hledger_text

    require_folder(out)
    found, ends = _journal(connection, "", "")
    lines = [journal_line(each) for each in found]
    province = connection.caller().province
    title = f"deltacare {province}"
    notes = [f"{end.log} {end.size}" for end in ends]
    write = beancount_text if format_ == "beancount" else hledger_text
    out.write_text(write(lines, title=title, notes=notes), encoding="utf-8")
    say(tr(f"已写入 {out}", f"Written to {out}"))
    answer({"file": str(out), "lines": len(lines)})


def _journal(
    connection: Connection, from_date: str, until_date: str
) -> tuple[list[Any], Sequence[Any]]:
    """Return the journal of a span of days, and how far logs were taken in."""
    from deltacare.v1.books_service_pb2 import ListJournalRequest

    request = ListJournalRequest(from_date=from_date, until_date=until_date)
    with connection.open() as node:
        while True:
            read = list(
                pages(
                    node.books.ListJournal,
                    ListJournalRequest.FromString(request.SerializeToString()),
                )
            )
            # What grew between two pages may have moved lines: then all are read anew.
            if all(page.log_ends == read[0].log_ends for page in read):
                lines = [line for page in read for line in page.lines]
                return lines, read[0].log_ends


def journal_line(message: Any) -> "JournalLine":  # noqa: ANN401  # a message
    """Return a line as the books have it."""
    from settlement.books.events import Source
    from settlement.books.journal import JournalLine, Posting

    return JournalLine(
        book_date=message.book_date,
        event_date=message.event_date,
        event=message.event,
        subject=message.subject,
        partner=message.partner,
        source=Source(
            log=message.entry.log, index=message.entry.index, entry_hash=message.entry_hash
        ),
        postings=tuple(
            Posting(account=each.account, fen=each.amount_fen) for each in message.postings
        ),
        late=message.late,
    )
