"""``settle pay``: where payments stand, ordering them, and the message for the bank.

What is ordered is in the log before the file of its message gets its name, so that nobody can send
the bank what was not ordered; a run that was stopped anywhere is run again, and ends with the same
bytes and one order.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import Exit, InputRefused
from clients.cli.output import answer, pages, require_folder, say, yuan
from clients.cli.signing import Pen, approving
from clients.language import both, tr
from clients.plain import enum_name, plain

if TYPE_CHECKING:
    from clients.cli.message_files import PreparedFile
    from clients.paying.orders import Drafted
    from deltacare.trust import Federation
    from deltacare.v1.entry_pb2 import PaymentOrder

__all__ = ["pay"]

pay = Group(
    name="pay",
    help=both(
        "付款：进度、指令、报文。", "Payments: where they stand, ordering, the bank's message."
    ),
)

_OPEN_DISCREPANCIES = frozenset({"UNKNOWN", "RETURNED", "PARTIAL", "OVERPAID"})

_trust = option(
    "--trust",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help=both(
        "已由人核对过的联盟元数据目录；节点的首个根文件须与之相同。",
        "A directory of the federation's metadata that people compared; the node's first root "
        "must be the same.",
    ),
)
_basis = option(
    "--basis",
    default="",
    metavar="ID",
    help=both("仅此清算单或预付款。", "Only of this statement or advance."),
)
_day = option(
    "--execution-date",
    "day",
    required=True,
    metavar="DATE",
    help=both("请银行付款之日。", "Day on which the bank is asked to pay."),
)


@command(
    pay,
    "list",
    help=both(
        "列出付款：应付、已扣、已收、状态、责任方、下一步。本省有付款结果未知、退回、不足或多付时"
        "退出码为 1。",
        "List payments: due, debited, credited, state, whose move, what next. Exit code 1 if one "
        "of the own province is unknown, returned, short or doubled.",
    ),
)
@_basis
@option("--all", "everyone", is_flag=True, help=both("包括他省之间的。", "Others' payments too."))
@connected
def list_(*, connection: Connection, basis: str, everyone: bool) -> int:
    """List payments."""
    from clients.cli.payments_shown import draw_payments

    with connection.open() as node:
        own = _own(node)
        found = _payments(node, "" if everyone else own, basis)
    if answer({"payments": [plain(each) for each in found]}):
        draw_payments(found)
    is_open = any(
        enum_name(each, "state") in _OPEN_DISCREPANCIES and own in (each.payer, each.payee)
        for each in found
    )
    return Exit.NO if is_open else Exit.YES


@command(
    pay,
    "order",
    help=both(
        "对应付款项下达指令：经办人用 --out 签名；复核人用 --with 补签，写入日志，"
        "并把 pain.001 报文写入 --message。中断后以同样参数重来，不会重复付款。",
        "Order what is due: the maker signs with --out; the checker signs with --with, keeps the "
        "order in the log and gets the pain.001 message in --message. A run that was stopped is "
        "run again with the same options; nothing is paid twice.",
    ),
)
@_day
@_basis
@option(
    "--message",
    "message_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=both(
        "复核人：报文写入此文件（仅本人可读，不覆盖）。",
        "Checker: the message goes here, for the owner's eyes, never over another file.",
    ),
)
@_trust
@approving
@connected
def order(
    *,
    connection: Connection,
    pen: Pen,
    day: str,
    basis: str,
    message_file: Path | None,
    trust: Path | None,
) -> int:
    """Order what is due."""
    from clients.cli.message_files import PreparedFile
    from clients.paying.accounts import signed_federation
    from clients.paying.orders import draft, kept_messages, orderable

    execution = _date(day)
    if pen.maker_file is not None:
        if message_file is None:
            raise InputRefused(
                tr(
                    "复核人须用 --message 指明报文写入何处。",
                    "The checker names with --message where the message goes.",
                )
            )
        require_folder(message_file)
    with connection.open() as node:
        own = _own(node)
        stated = signed_federation(node, pinned=trust).federation
        payments = _payments(node, own)
        kept = kept_messages(payments, own, execution)
        if message_file is not None:
            # 1. An earlier run was stopped between the order and the file: end it, do no more.
            file, left = PreparedFile.left_over(message_file, kept)
            if left is not None:
                return _finish(file, left, [each for _, each in kept[left]])
        # 2. What may be ordered now.
        due = orderable([each for each in payments if basis in ("", each.basis_id)], own)
        if not due:
            return _nothing_due(kept, execution, message_file)
        drafted = draft(due, execution, stated)
        _show(due, drafted, execution, payments, stated)
        if message_file is None:
            _sign(pen, drafted, own)
            return Exit.YES
        # 3. The bytes are on the disk, the order is in the log, the file gets its name.
        file = PreparedFile(message_file, drafted.message)
        file.is_there()
        _order(node, pen, drafted, own, file)
    return _finish(file, drafted.digest, drafted.orders)


@command(
    pay,
    "message",
    help=both(
        "重新写出已下指令的报文：同样的指令得到同样的字节，并与日志所记摘要核对。",
        "Write the message of orders again: the same orders give the same bytes, held against the "
        "hash in the log.",
    ),
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_day
@option("--hash", "wanted", default="", metavar="HASH", help=both("报文摘要。", "Its hash."))
@_trust
@connected
def message(
    *, connection: Connection, file: Path, day: str, wanted: str, trust: Path | None
) -> int:
    """Write a message again."""
    from clients.cli.message_files import PreparedFile
    from clients.paying.accounts import signed_federation
    from clients.paying.orders import kept_messages, made_again

    execution = _date(day)
    require_folder(file)
    with connection.open() as node:
        own = _own(node)
        stated = signed_federation(node, pinned=trust).federation
        kept = kept_messages(_payments(node, own), own, execution)
    found = [digest for digest in kept if digest.hex().startswith(wanted.lower())]
    if len(found) != 1:
        shown = ", ".join(sorted(digest.hex() for digest in kept)) or "-"
        raise InputRefused(
            tr(
                f"{day} 的报文共有 {len(kept)} 个，请用 --hash 指明其一：{shown}",
                f"There are {len(kept)} messages of {day}; name one with --hash: {shown}",
            )
        )
    drafted = made_again(kept[found[0]], execution, stated)
    prepared = PreparedFile(file, drafted.message)
    if not prepared.is_there():
        prepared.prepare()
    return _finish(prepared, drafted.digest, drafted.orders)


def _date(text: str) -> date:
    from deltacare.times import parse_date

    return parse_date(text, field="execution-date")


def _own(node: Any) -> str:  # noqa: ANN401  # a client of a node
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    return str(node.federation.WhoAmI(WhoAmIRequest()).province)


def _payments(node: Any, province: str, basis: str = "") -> list[Any]:  # noqa: ANN401  # a client of a node
    """Return every payment of a province."""
    from deltacare.v1.payment_service_pb2 import ListPaymentsRequest

    request = ListPaymentsRequest(province=province, basis_id=basis)
    return [each for page in pages(node.payment.ListPayments, request) for each in page.payments]


def _nothing_due(kept: Iterable[bytes], day: date, file: Path | None) -> int:
    """Say that nothing may be ordered now, and how each message of the day is written again."""
    from clients.cli.payments_shown import kept_lines

    hashes = sorted(digest.hex() for digest in kept)
    words = tr("现在没有可下达指令的付款。", "Nothing is to be ordered now.")
    answer(
        {"ordered": 0, "messages_of_the_day": len(hashes), "message_hashes": hashes},
        [words, *kept_lines(hashes, day, file)],
    )
    return Exit.NO


def _show(
    due: Sequence[Any],
    drafted: "Drafted",
    day: date,
    payments: Sequence[Any],
    stated: "Federation",
) -> None:
    """Tell a person what is signed: each payment, each account, the sum and the hash."""
    from clients.cli.payments_shown import say_accounts
    from clients.paying.orders import account_of

    for each in due:
        attempt = f"{each.payment_id}-{each.next_attempt:02d}"
        say(f"{attempt}  {each.basis_id}  → {each.payee}  {yuan(each.next_fen)}")
    seen = [
        found
        for payee in sorted({each.payee for each in due})
        if (found := account_of(payee, payments, day, stated)) is not None
    ]
    say_accounts(seen)
    total = yuan(sum(each.next_fen for each in due))
    say(
        tr(
            f"共 {len(due)} 笔，{total} 元，付款日 {day}，报文摘要 {drafted.digest.hex()}",
            f"{len(due)} payments, {total} yuan, on {day}, message hash {drafted.digest.hex()}",
        )
    )


def _sign(pen: Pen, drafted: "Drafted", own: str) -> Any:  # noqa: ANN401  # what was gathered
    from clients.approving import Thing
    from deltacare.approvals import ApprovalSubject, ApprovalWord

    thing = Thing(subject=ApprovalSubject.PAYMENT, subject_hash=drafted.digest)
    return pen.sign([thing], word=ApprovalWord.APPROVED, province=own)


def _order(
    node: Any,  # noqa: ANN401  # a client of a node
    pen: Pen,
    drafted: "Drafted",
    own: str,
    file: "PreparedFile",
) -> None:
    from deltacare.v1.payment_service_pb2 import OrderPaymentsRequest

    gathered = _sign(pen, drafted, own)
    assert gathered is not None, "a checker sends"
    file.prepare()
    node.payment.OrderPayments(
        OrderPaymentsRequest(
            request_id=gathered.request_id,
            duty=gathered.duty,
            orders=drafted.signed(gathered.approvals[0]),
        )
    )


def _finish(file: "PreparedFile", digest: bytes, orders: "Sequence[PaymentOrder]") -> int:
    """Give the file its name, and say what it holds."""
    file.finish()
    total = sum(each.amount_fen for each in orders)
    answer(
        {
            "file": str(file.path),
            "message_hash": digest.hex(),
            "ordered": len(orders),
            "amount_fen": total,
            "orders": [plain(each) for each in orders],
        },
        [
            tr(
                f"{len(orders)} 笔付款指令在日志中，共 {yuan(total)} 元",
                f"{len(orders)} payments are ordered in the log, {yuan(total)} yuan",
            ),
            tr(
                f"报文在 {file.path}，请交银行",
                f"The message is in {file.path}: give it to the bank",
            ),
            tr("报文摘要 ", "message hash ") + digest.hex(),
        ],
    )
    return Exit.YES
