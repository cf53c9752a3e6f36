"""What this room asks of the rooms above it: who is enrolled, and what was granted and spent.

The settlement room implements both; they are handed in where a node is put together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from deltacare.v1.policy_service_pb2 import ComputedAmount, Service
from server.policy.store import BudgetCell

__all__ = ["BudgetUse", "Grants", "Spending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUse:
    """What became of a budget.

    Attributes:
        reserved_fen: Own open records under it that are not held for want of budget.
        consumed_fen: Cleared less cleared back.
        held_fen: Open records that are held because it is spent.
    """

    reserved_fen: int = 0
    consumed_fen: int = 0
    held_fen: int = 0


class Grants(Protocol):
    """Computes what services come to."""

    def amounts(
        self, connection: Connection, services: Sequence[Service]
    ) -> Sequence[ComputedAmount]:
        """Return the amount of each service, in the order given."""
        ...


class Spending(Protocol):
    """Knows what was granted under budgets."""

    def uses(
        self, connection: Connection, cells: Sequence[BudgetCell]
    ) -> Mapping[BudgetCell, BudgetUse]:
        """Return what became of each of some budgets, as if these were all that there are."""
        ...
