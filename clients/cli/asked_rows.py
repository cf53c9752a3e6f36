"""Holds the rows of a file to what the node can tell without filing: months and their days.

The node refuses the same when it is filed; a dry run shows it, and a file of many batches is not
filed in part.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from clients.cli.sending import CheckedFile, row_fault
from clients.language import tr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clients.cli.failures import Fault
    from settlement.records import SettlementRow

__all__ = ["ask_about_rows"]

_TOO_MANY_DAYS = "TOO_MANY_DAYS"


def ask_about_rows(
    node: Any,  # noqa: ANN401  # a client of a node
    checked: CheckedFile,
    own: str,
) -> CheckedFile:
    """Return a file without the rows of months to come, or with more days than their month.

    Args:
        node: The own node.
        checked: The file.
        own: The node's province.
    """
    if not checked.good:
        return checked
    faults = _ahead(checked.good, _open_dates(node, own), own) | _long(node, checked)
    return replace(
        checked,
        good=[row for row in checked.good if row.row not in faults],
        faults=[*checked.faults, *(faults[row] for row in sorted(faults))],
        fault_count=checked.fault_count + len(faults),
    )


def _open_dates(node: Any, own: str) -> dict[str, str]:  # noqa: ANN401  # a client of a node
    """Return by partner the business date under which the own province files now."""
    from datetime import date, timedelta

    from deltacare.ids import LogName
    from deltacare.v1.settlement_service_pb2 import ListDayClosesRequest

    answer = node.settlement.ListDayCloses(ListDayClosesRequest())
    found = {}
    for each in answer.closes:
        log = LogName.parse(each.log)
        if log.author == own:
            last = each.last_closed_date
            found[log.partner] = (
                str(date.fromisoformat(last) + timedelta(days=1)) if last else answer.opening_date
            )
    return found


def _ahead(
    rows: "Sequence[SettlementRow]", open_dates: "Mapping[str, str]", own: str
) -> "dict[int, Fault]":
    """Return what is wrong with rows whose month begins after the date they would be filed under.

    Args:
        rows: Each between the own province and another.
        open_dates: By partner; of one that the node does not know nothing is said here.
        own: The own province.
    """
    faults = {}
    for row in rows:
        open_date = open_dates.get(row.host if row.home == own else row.home)
        if open_date is not None and row.service_month > open_date[:7]:
            faults[row.row] = row_fault(
                row.row,
                "service_month",
                row.service_month,
                tr(
                    f"服务月份在本次报送的业务日期（{open_date}）之后",
                    f"The month begins after {open_date}, the business date it would be filed "
                    "under.",
                ),
                tr(
                    "更正月份，或待该月开始后报送",
                    "Correct the month, or file it once the month has begun.",
                ),
            )
    return faults


def _long(node: Any, checked: CheckedFile) -> "dict[int, Fault]":  # noqa: ANN401  # a client
    """Return what is wrong with rows with more days than their month, where home pays by days."""
    from clients.filing.amounts import REASONS, compute_amounts
    from clients.filing.batches import record_of
    from deltacare.times import ServiceMonth

    # Of those without an amount the node says so as it computes them.
    asked = [
        row
        for row in checked.good
        if row.row not in checked.empty
        and row.service_days > ServiceMonth.parse(row.service_month).days
    ]
    amounts = compute_amounts(node, [record_of(row) for row in asked]) if asked else []
    return {
        row.row: row_fault(
            row.row, "service_days", str(row.service_days), tr(*REASONS[_TOO_MANY_DAYS])
        )
        for row, amount in zip(asked, amounts, strict=True)
        if amount.reason == _TOO_MANY_DAYS
    }
