"""What a clerk does with single settlements: see what waits, refuse, reverse, hold back."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.output import answer, pages, print_table, require_folder, say, yuan
from clients.language import both, tr
from clients.plain import plain

__all__ = ["hold", "inbox", "refuse", "release", "reverse"]

_group = Group(name="filing", help="")

_HOLDS = {"overlap": 1, "over-budget": 2}

_partner = option(
    "--partner", required=True, metavar="CODE", help=both("对方省份。", "The other province.")
)
_reason = option(
    "--reason", required=True, metavar="CODE", help=both("事由代码。", "Code of the reason.")
)
_numbers = click.argument("numbers", nargs=-1, required=True)


@command(
    _group,
    "inbox",
    help=both(
        "服务地已报而本方（户籍地）既未报也未拒绝的记录。",
        "What the host filed and the own province, as home, has neither filed nor refused.",
    ),
)
@_partner
@option(
    "--csv",
    "csv_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help=both(
        "写成结算文件，核对后可直接报送。", "Write them as a settlement file, to check and file."
    ),
)
@connected
def inbox(*, connection: Connection, partner: str, csv_path: Path | None) -> None:
    """List what waits."""
    if csv_path is not None:
        require_folder(csv_path)
    from deltacare.v1.settlement_service_pb2 import RECORD_VIEW_INBOX, ListRecordsRequest

    request = ListRecordsRequest(partner=partner, view=RECORD_VIEW_INBOX)
    with connection.open() as node:
        found = [
            row for page in pages(node.settlement.ListRecords, request) for row in page.records
        ]
    if csv_path is not None:
        _write_csv(csv_path, (row.record for row in found))
        say(tr(f"{len(found)} 条写入 {csv_path}", f"{len(found)} written to {csv_path}"))
    if answer({"records": [plain(row) for row in found]}) and csv_path is None:
        print_table(
            [
                tr("结算编号", "number"),
                tr("机构", "institution"),
                tr("项目", "kind"),
                tr("月份", "month"),
                tr("天数", "days"),
                tr("金额（元）", "yuan"),
                tr("报送日", "filed"),
            ],
            [
                (
                    row.record.settlement_no,
                    row.record.institution,
                    row.record.subsidy_kind,
                    row.record.service_month,
                    row.record.service_days,
                    yuan(row.record.amount_fen),
                    row.filed_date,
                )
                for row in found
            ],
            numbers=(4, 5),
        )


def _write_csv(path: Path, records: Iterable[Any]) -> None:
    import csv

    from settlement.core.columns import COLUMNS

    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([getattr(record, column) for column in COLUMNS] for record in records)


@command(
    _group,
    "refuse",
    help=both(
        "作为户籍地，说明为何不为服务地的记录报送。",
        "As home, say why the host's records are not answered.",
    ),
)
@_numbers
@_partner
@_reason
@signed
@connected
def refuse(
    *,
    connection: Connection,
    signature: Signature,
    numbers: tuple[str, ...],
    partner: str,
    reason: str,
) -> None:
    """Refuse records of the host."""
    from deltacare.v1.entry_pb2 import RecordRefusal
    from deltacare.v1.settlement_service_pb2 import RefuseRecordsRequest

    with connection.open() as node:
        own = _own(node)
        response = node.settlement.RefuseRecords(
            RefuseRecordsRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=partner,
                refusals=[
                    RecordRefusal(settlement_no=number, home=own, host=partner, reason=reason)
                    for number in numbers
                ],
            )
        )
    _told(response, tr(f"已拒绝 {len(numbers)} 条", f"Refused {len(numbers)}"))


@command(
    _group,
    "reverse",
    help=both("冲正本方已报的记录。", "Cancel records that the own province filed."),
)
@_numbers
@_partner
@option(
    "--as-home/--as-host",
    default=None,
    required=True,
    help=both("本方在这些结算中是户籍地还是服务地。", "What the own province is in them."),
)
@_reason
@signed
@connected
def reverse(
    *,
    connection: Connection,
    signature: Signature,
    numbers: tuple[str, ...],
    partner: str,
    as_home: bool,
    reason: str,
) -> None:
    """Reverse own records."""
    from deltacare.v1.entry_pb2 import Reversal
    from deltacare.v1.settlement_service_pb2 import FileReversalsRequest

    with connection.open() as node:
        own = _own(node)
        home, host = (own, partner) if as_home else (partner, own)
        response = node.settlement.FileReversals(
            FileReversalsRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=partner,
                reversals=[
                    Reversal(settlement_no=number, home=home, host=host, reason=reason)
                    for number in numbers
                ],
            )
        )
    _told(response, tr(f"已冲正 {len(numbers)} 条", f"Reversed {len(numbers)}"))


@command(_group, "hold", help=both("作为户籍地，暂缓支付。", "As home, hold settlements back."))
@_numbers
@_partner
@option(
    "--class",
    "hold_class",
    type=click.Choice(list(_HOLDS)),
    required=True,
    help=both("重复享受，或超预算。", "Paid for elsewhere, or the budget is spent."),
)
@_reason
@signed
@connected
def hold(
    *,
    connection: Connection,
    signature: Signature,
    numbers: tuple[str, ...],
    partner: str,
    hold_class: str,
    reason: str,
) -> None:
    """Hold settlements back."""
    from deltacare.v1.entry_pb2 import Hold, HoldClass
    from deltacare.v1.settlement_service_pb2 import PlaceHoldsRequest

    with connection.open() as node:
        own = _own(node)
        response = node.settlement.PlaceHolds(
            PlaceHoldsRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=partner,
                holds=[
                    Hold(
                        settlement_no=number,
                        home=own,
                        host=partner,
                        hold_class=HoldClass.ValueType(_HOLDS[hold_class]),
                        reason=reason,
                    )
                    for number in numbers
                ],
            )
        )
    first = response.appended.first_index
    held = [
        {"settlement_no": number, "hold_index": first + position}
        for position, number in enumerate(numbers)
    ]
    _told(
        response,
        tr(f"已暂缓 {len(numbers)} 条", f"Held back {len(numbers)}"),
        tr("解除时用 settle release --index：", "To end one: settle release --index"),
        *(f"  {each['settlement_no']}  {each['hold_index']}" for each in held),
        holds=held,
    )


@command(
    _group,
    "release",
    help=both(
        "解除本方的暂缓，自下一业务日起；序号是 settle hold 所列的。",
        "End own holds from the next business date on, by the index that settle hold told.",
    ),
)
@option(
    "--index",
    "indexes",
    multiple=True,
    required=True,
    type=click.IntRange(min=0),
    help=both("暂缓条目的序号，可多次。", "Index of the hold; repeat it."),
)
@_partner
@_reason
@signed
@connected
def release(
    *,
    connection: Connection,
    signature: Signature,
    indexes: tuple[int, ...],
    partner: str,
    reason: str,
) -> None:
    """End holds."""
    from deltacare.v1.entry_pb2 import HoldEnd
    from deltacare.v1.settlement_service_pb2 import EndHoldsRequest

    with connection.open() as node:
        response = node.settlement.EndHolds(
            EndHoldsRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=partner,
                ends=[HoldEnd(hold_index=index, reason=reason) for index in indexes],
            )
        )
    _told(response, tr(f"已解除 {len(indexes)} 条", f"Ended {len(indexes)}"))


def _own(node: Any) -> str:  # noqa: ANN401  # a client of a node
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    return str(node.federation.WhoAmI(WhoAmIRequest()).province)


def _told(response: Any, *done: str, **more: Any) -> None:  # noqa: ANN401  # a message, values for JSON
    appended = response.appended
    answer(
        {**plain(response), **more},
        [
            *done,
            tr(
                f"日志 {appended.log}，序号自 {appended.first_index} 起 {appended.entry_count} 条",
                f"log {appended.log}, {appended.entry_count} from index {appended.first_index}",
            ),
        ],
    )
