"""Lets the node compute what a file left empty: amounts from home's policies, before filing.

The node computes; nothing here knows a rate. A row that nothing is paid for is told with the reason
and the remedy, and no record is made of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from deltacare.v1.entry_pb2 import SettlementRecord
from deltacare.v1.policy_service_pb2 import ComputeAmountsRequest, ComputedAmount, Service

if TYPE_CHECKING:
    from clients.sdk.node import SyncNodeClient

__all__ = ["BATCH_MAX", "REASONS", "Unpaid", "compute_amounts", "fill_amounts"]

BATCH_MAX: Final = 1_000

REASONS: Final = MappingProxyType(
    {
        "TOO_MANY_DAYS": (
            "服务天数超过该月的天数：请核对月份与天数。",
            "These are more days than the month has: check month and days.",
        ),
        "NOT_ENROLLED": (
            "老人在该月未按所报天数登记该项目：请核对登记，或由户籍地补登记。",
            "The elder is not enrolled for the kind on so many days: mend it with home.",
        ),
        "NO_POLICY": (
            "户籍地对该项目当月没有适用的政策：请核对项目与月份。",
            "No policy of home is in force for the kind in that month: check kind and month.",
        ),
        "NO_RATE": (
            "户籍地的政策没有该评估等级的标准：请由户籍地补充标准或更正评估。",
            "Home's policy has no rate for the elder's grade: have home add it.",
        ),
    }
)
"""Why nothing is paid and what to do, in Chinese and English, by code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaid:
    """A record for which nothing is paid.

    Attributes:
        position: In the records that were asked about.
        reason: Code, of `REASONS`.
    """

    position: int
    reason: str


def compute_amounts(
    node: "SyncNodeClient", records: Sequence[SettlementRecord]
) -> list[ComputedAmount]:
    """Return what the node computes for records, in their order; their amounts are not read.

    Args:
        node: The own node.
        records: Each between the own province and another.

    Raises:
        DeltacareError: If the node cannot be asked, or refuses a field.
    """
    found: list[ComputedAmount] = []
    for first in range(0, len(records), BATCH_MAX):
        services = [
            Service(
                home=record.home,
                host=record.host,
                beneficiary_ref=record.beneficiary_ref,
                subsidy_kind=record.subsidy_kind,
                service_month=record.service_month,
                service_days=record.service_days,
            )
            for record in records[first : first + BATCH_MAX]
        ]
        found += node.policy.ComputeAmounts(ComputeAmountsRequest(services=services)).amounts
    return found


def fill_amounts(
    node: "SyncNodeClient", records: Sequence[SettlementRecord]
) -> tuple[list[SettlementRecord], list[Unpaid]]:
    """Return records with amounts, policies and versions set where no amount was given.

    Args:
        node: The own node.
        records: An amount of 0 asks for one; any other stays as it is, without a policy.

    Returns:
        The records in their order, those for which nothing is paid unchanged, and why.

    Raises:
        DeltacareError: If the node cannot be asked, or refuses a field.
    """
    asked = [position for position, record in enumerate(records) if not record.amount_fen]
    amounts = compute_amounts(node, [records[position] for position in asked])
    filled, unpaid = list(records), []
    for position, amount in zip(asked, amounts, strict=True):
        if not amount.amount_fen:
            unpaid.append(Unpaid(position=position, reason=amount.reason or "NO_RATE"))
            continue
        record = SettlementRecord()
        record.CopyFrom(records[position])
        record.amount_fen = amount.amount_fen
        record.policy_index = amount.policy_index
        record.computation_version = amount.computation_version
        filled[position] = record
    return filled, unpaid
