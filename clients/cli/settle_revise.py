"""``settle revise``: replaces open records of the own province by those of a file.

A revision names the record that it replaces by its index, which the node knows and a clerk need
not. What a night has closed is not revised: it is reversed and filed anew.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clients.cli.asked_rows import ask_about_rows
from clients.cli.commands import Group, command, option
from clients.cli.connection import Connection, Signature, connected, signed
from clients.cli.failures import Fault
from clients.cli.output import pages
from clients.cli.sending import Sent, check_file, compute, refuse_faults, row_fault, send, tell
from clients.language import both, tr

if TYPE_CHECKING:
    from settlement.records import SettlementRow

__all__ = ["revise"]

_group = Group(name="revise", help="")


@command(
    _group,
    "revise",
    help=both(
        "更正本方已报而未结清的记录：文件列与 import 相同，按结算编号各替换最新的一条。"
        "先检查全部行，全部合格（或加 --only-good）才报送；内容未变的行不再报送。",
        "Replace open records of the own province: a file like that of import, each row replaces "
        "the newest record of its number. Every row is checked first, and nothing is filed unless "
        "all are good, or --only-good is given. Rows that change nothing are left out.",
    ),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option("--only-good", is_flag=True, help=both("只报送合格的行。", "File the good rows only."))
@option("--dry-run", is_flag=True, help=both("只检查，不报送。", "Check only; nothing is filed."))
@signed
@connected
def revise(
    *, connection: Connection, signature: Signature, file: Path, only_good: bool, dry_run: bool
) -> int:
    """Revise the records of a file."""
    from clients.filing.batches import batches_of
    from deltacare.v1.federation_service_pb2 import WhoAmIRequest

    with connection.open() as node:
        own = node.federation.WhoAmI(WhoAmIRequest()).province
        # 1. Every row for itself, and then against what the own logs have.
        checked = compute(node, ask_about_rows(node, check_file(file, own), own))
        replaces, unchanged, faults = _replaced(node, checked.good, own)
        faults = [*checked.faults, *faults]
        fault_count = checked.fault_count + len(faults) - len(checked.faults)
        if not only_good:
            refuse_faults(file, faults, fault_count)
        # 2. Batches to each partner.
        good = [row for row in checked.good if row.row in replaces]
        sent = Sent()
        if not dry_run:
            batches = batches_of(
                good,
                own=own,
                maker=signature.maker,
                reviewer=signature.reviewer,
                once=signature.request_id,
                replaces=replaces,
                computed=checked.computed,
            )
            sent = send(node, batches, signature)
    words = tr(f"{unchanged} 行与已报一致", f"{unchanged} stand so already")
    return tell(
        file=file,
        good=len(good) + unchanged,
        faults=faults,
        fault_count=fault_count,
        sent=sent,
        is_dry_run=dry_run,
        more=[("unchanged", unchanged, words)],
    )


def _replaced(
    node: Any,  # noqa: ANN401  # a client of a node
    rows: Iterable["SettlementRow"],
    own: str,
) -> tuple[dict[int, int], int, list[Fault]]:
    """Return by row the index that it replaces, how many change nothing, and what cannot be."""
    replaces: dict[int, int] = {}
    unchanged = 0
    faults: list[Fault] = []
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        key = (row.home, row.host, row.settlement_no)
        found = _own_records(node, row, own)
        still_open = [
            each
            for each in found
            if not each.closed_date and not each.HasField("replaced_by_index")
        ]
        if key in seen:
            faults.append(_fault(row, tr("文件中重复出现", "It stands twice in the file.")))
        elif not found:
            faults.append(
                _fault(
                    row,
                    tr("本方从未报送该编号", "The own province has filed no such record."),
                    tr("用 settle import 报送", "File it with settle import."),
                )
            )
        elif not still_open:
            faults.append(
                _fault(
                    row,
                    tr("已结清，不能更正", "It is closed and cannot be revised."),
                    tr(
                        "用 settle reverse 冲正后以新编号报送",
                        "Reverse it with settle reverse and file it under a new number.",
                    ),
                )
            )
        elif _same(newest := max(still_open, key=lambda each: each.entry.index), row):
            unchanged += 1
        else:
            replaces[row.row] = newest.entry.index
        seen.add(key)
    return replaces, unchanged, faults


def _own_records(node: Any, row: "SettlementRow", own: str) -> list[Any]:  # noqa: ANN401  # a client, messages
    """Return what the own province filed under the number of a row, in the same direction."""
    from deltacare.v1.settlement_service_pb2 import RECORD_VIEW_OWN, ListRecordsRequest

    request = ListRecordsRequest(
        partner=row.host if row.home == own else row.home,
        view=RECORD_VIEW_OWN,
        settlement_no=row.settlement_no,
    )
    return [
        each
        for page in pages(node.settlement.ListRecords, request)
        for each in page.records
        if each.record.home == row.home
    ]


def _same(filed: Any, row: "SettlementRow") -> bool:  # noqa: ANN401  # a message
    """Whether a row says what was filed."""
    from settlement.core.columns import COLUMNS

    return all(getattr(filed.record, name) == getattr(row, name) for name in COLUMNS)


def _fault(row: "SettlementRow", description: str, remedy: str = "") -> Fault:
    return row_fault(row.row, "settlement_no", row.settlement_no, description, remedy)
