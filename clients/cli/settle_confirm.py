"""``settle confirm``: what a bank statement shows of our payments, shown and reported."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Exit
from clients.cli.output import answer, pages, print_table, say, yuan
from clients.language import both, tr

__all__ = ["confirm"]

_group = Group(name="confirm", help="")

_REPORTS_PER_CALL = 1_000


@command(
    _group,
    "confirm",
    help=both(
        "读取银行对账单（camt.053），登记其中本省的付款与收款；同一文件可重复读取。"
        "有任何须处理之处时退出码为 1。",
        "Read a bank statement (camt.053) and report what it shows of the own payments; the same "
        "file may be read again. Exit code 1 if anything has to be looked at.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--dry-run", is_flag=True, help=both("只显示，不登记。", "Show only, report nothing."))
@option(
    "--trust",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help=both(
        "已由人核对过的联盟元数据目录；节点的首个根文件须与之相同。",
        "A directory of the federation's metadata that people compared; the node's first root "
        "must be the same.",
    ),
)
@signed
@connected
def confirm(
    *,
    connection: Connection,
    signature: Signature,
    file: Path,
    dry_run: bool,
    trust: Path | None,
) -> int:
    """Read a bank statement and report it."""
    from clients.cli.payments_shown import finding_lines, finding_plain
    from clients.paying.accounts import signed_federation
    from clients.paying.confirming import known_payments, reports_of
    from clients.regular_files import read_regular
    from deltacare.times import business_date
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest
    from deltacare.v1.payment_service_pb2 import ListPaymentsRequest
    from settlement.bank.camt053 import read_camt053
    from settlement.bank.camt053_xml import CAMT053_BYTES_MAX

    data = read_regular(file, bytes_max=CAMT053_BYTES_MAX)
    with connection.open() as node:
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        stated = signed_federation(node, pinned=trust).federation
        payments = [
            payment
            for page in pages(node.payment.ListPayments, ListPaymentsRequest(province=own))
            for payment in page.payments
        ]
        statement = read_camt053(
            data,
            accounts={account.number for account in stated.member(own).accounts},
            payments=known_payments(payments, own),
            today=business_date(datetime.now(UTC)),
        )
        reports = reports_of(statement)
        known = 0 if dry_run else _report(node, signature, reports)
    is_read = answer(
        {
            "file": file.name,
            "message_id": statement.message_id,
            "message_hash": statement.message_hash.hex(),
            "dry_run": dry_run,
            "bookings": [
                {
                    "payment_id": each.payment_id,
                    "attempt": each.booking.attempt,
                    "returned": each.booking.is_return,
                    "amount_fen": each.booking.amount_fen,
                    "booking_date": each.booking_date.isoformat(),
                    "place": each.place,
                }
                for each in statement.bookings
            ],
            "reported": 0 if dry_run else len(reports) - known,
            "already_reported": known,
            "not_ours": statement.foreign_count,
            "not_booked": statement.unbooked_count,
            "repeated": statement.repeated_count,
            "findings": [finding_plain(each) for each in statement.findings],
        }
    )
    if is_read:
        _draw(statement)
        counts = (
            tr("未登记（--dry-run）", "nothing reported (--dry-run)")
            if dry_run
            else tr(
                f"本次登记 {len(reports) - known} 笔，先前已登记 {known} 笔",
                f"{len(reports) - known} reported, {known} had been reported before",
            )
        )
        others = tr(
            f"；非本系统付款 {statement.foreign_count} 笔，未入账 {statement.unbooked_count} 笔",
            f"; {statement.foreign_count} are not ours, {statement.unbooked_count} not booked yet",
        )
        click.echo(counts + others)
        if statement.findings:
            title = tr("须处理：", "To be looked at:")
            say("\n".join([title, *finding_lines(statement.findings)]))
    return Exit.NO if statement.findings else Exit.YES


def _report(node: Any, signature: Signature, reports: list[Any]) -> int:  # noqa: ANN401  # a client of a node
    """Report bookings, and return how many were known; what an earlier run reported counts once."""
    from deltacare.v1.payment_service_pb2 import ReportPaymentsRequest

    known = 0
    for start in range(0, len(reports), _REPORTS_PER_CALL):
        part = reports[start : start + _REPORTS_PER_CALL]
        # One request id names one request: that of the user is for the first.
        request_id = signature.once() if not start else _fresh_id()
        response = node.payment.ReportPayments(
            ReportPaymentsRequest(request_id=request_id, duty=signature.duty, reports=part)
        )
        known += response.known_count
    return known


def _fresh_id() -> str:
    from clients.sdk.retry import request_id

    return request_id()


def _draw(statement: Any) -> None:  # noqa: ANN401  # loaded where it is used
    print_table(
        [
            tr("分录", "entry"),
            tr("付款", "payment"),
            tr("入账日", "booked"),
            tr("金额（元）", "yuan"),
            tr("结果", "what"),
        ],
        [
            (
                each.place,
                f"{each.payment_id}-{each.booking.attempt:02d}",
                each.booking_date.isoformat(),
                yuan(each.booking.amount_fen),
                tr("退回", "returned") if each.booking.is_return else tr("入账", "booked"),
            )
            for each in statement.bookings
        ],
        title=tr("本省付款与收款", "Own payments"),
        numbers=(3,),
    )
