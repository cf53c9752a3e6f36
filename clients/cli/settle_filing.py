"""What a clerk does with single settlements: refuse, reverse, hold back."""

from pathlib import Path
from typing import Any

import click

from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import InputRefused
from clients.cli.output import answer
from clients.language import both, tr
from clients.plain import plain

__all__ = ["hold", "refuse", "release", "reverse"]

_group = Group(name="filing", help="")

_HOLDS = {"overlap": 1, "over-budget": 2}

_partner = option(
    "--partner", required=True, metavar="CODE", help=both("对方省份。", "The other province.")
)
_reason = option(
    "--reason", required=True, metavar="CODE", help=both("事由代码。", "Code of the reason.")
)
_reason_of_numbers = option(
    "--reason",
    metavar="CODE",
    help=both("事由代码；用 --file 时在文件中。", "Code of the reason; a file says it itself."),
)
_numbers = click.argument("numbers", nargs=-1, required=True)
_some_numbers = click.argument("numbers", nargs=-1)
_file = option(
    "--file",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=both(
        "按文件办理（列：结算编号、事由代码），模板见 settle template。",
        "By a file with the columns settlement_no and reason; see settle template.",
    ),
)


@command(
    _group,
    "refuse",
    help=both(
        "作为户籍地，说明为何不为服务地的记录报送。",
        "As home, say why the host's records are not answered.",
    ),
)
@_some_numbers
@_file
@_partner
@_reason_of_numbers
@signed
@connected
def refuse(
    *,
    connection: Connection,
    signature: Signature,
    numbers: tuple[str, ...],
    partner: str,
    reason: str | None,
    file: Path | None,
) -> None:
    """Refuse records of the host."""
    from deltacare.v1.entry_pb2 import RecordRefusal
    from deltacare.v1.settlement_service_pb2 import RefuseRecordsRequest

    ends = _ends(numbers, reason, file)
    with connection.open() as node:
        own = _own(node)
        response = node.settlement.RefuseRecords(
            RefuseRecordsRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=partner,
                refusals=[
                    RecordRefusal(settlement_no=number, home=own, host=partner, reason=why)
                    for number, why in ends
                ],
            )
        )
    _told(response, tr(f"已拒绝 {len(ends)} 条", f"Refused {len(ends)}"))


@command(
    _group,
    "reverse",
    help=both("冲正本方已报的记录。", "Cancel records that the own province filed."),
)
@_some_numbers
@_file
@_partner
@option(
    "--as-home/--as-host",
    default=None,
    required=True,
    help=both("本方在这些结算中是户籍地还是服务地。", "What the own province is in them."),
)
@_reason_of_numbers
@signed
@connected
def reverse(
    *,
    connection: Connection,
    signature: Signature,
    numbers: tuple[str, ...],
    partner: str,
    as_home: bool,
    reason: str | None,
    file: Path | None,
) -> None:
    """Reverse own records."""
    from deltacare.v1.entry_pb2 import Reversal
    from deltacare.v1.settlement_service_pb2 import FileReversalsRequest

    ends = _ends(numbers, reason, file)
    with connection.open() as node:
        own = _own(node)
        home, host = (own, partner) if as_home else (partner, own)
        response = node.settlement.FileReversals(
            FileReversalsRequest(
                request_id=signature.once(),
                duty=signature.duty,
                partner=partner,
                reversals=[
                    Reversal(settlement_no=number, home=home, host=host, reason=why)
                    for number, why in ends
                ],
            )
        )
    _told(response, tr(f"已冲正 {len(ends)} 条", f"Reversed {len(ends)}"))


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


def _ends(numbers: tuple[str, ...], reason: str | None, file: Path | None) -> list[tuple[str, str]]:
    """Return numbers with the reason of each: given one by one, or in a file.

    Raises:
        InputRefused: If neither or both are given, or numbers without a reason.
    """
    if file is not None and not numbers and reason is None:
        from clients.filing.end_files import read_ends

        return [(row.settlement_no, row.reason) for row in read_ends(file)]
    if file is not None or not numbers or reason is None:
        raise InputRefused(
            tr(
                "请给出结算编号与 --reason，或只用 --file 给出文件。",
                "Give settlement numbers and --reason, or a file with --file and nothing else.",
            )
        )
    return [(number, reason) for number in numbers]


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
