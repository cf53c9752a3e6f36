"""The budgets that a home province has stated, and what of them is left to whoever asks.

Values only: what was reserved and consumed is summed in `server.settlement.budgets`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from deltacare.entitlement import Version, deciding_version
from deltacare.times import ServiceMonth
from server.policy.bodies import versions_by_kind
from server.policy.store import BudgetCell, load_budgets, load_policies
from server.settlement.covering import Covering, Group

__all__ = ["Room", "StatedBudgets", "added"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedBudgets:
    """What a home province has stated of budgets.

    Attributes:
        home: The province.
        covering: Finds the budget of a record.
        amounts: All of the year, by budget.
        versions: Its policies, by kind.
    """

    home: str
    covering: Covering
    amounts: Mapping[BudgetCell, int]
    versions: Mapping[str, Sequence[Version]]

    @classmethod
    def load(cls, connection: Connection, home: str) -> "StatedBudgets":
        """Read the last word on each."""
        budgets = load_budgets(connection, home)
        cells = sorted(budgets, key=lambda cell: budgets[cell].index)
        return cls(
            home=home,
            covering=Covering(home, cells),
            amounts={cell: budgets[cell].amount_fen for cell in cells},
            versions=versions_by_kind(load_policies(connection, home)),
        )

    @property
    def asks_for_budgets(self) -> bool:
        """Whether anything can be held at all."""
        of_kinds = self.versions.values()
        return bool(self.amounts) or any(each.is_budgeted for kind in of_kinds for each in kind)

    def needs_budget(self, group: Group) -> bool:
        """Whether the policy that decides for a group asks for a budget."""
        division, kind, month = group
        version = deciding_version(
            self.versions.get(kind, ()),
            home_division=division or self.home,
            month=ServiceMonth.parse(month),
        )
        return version is not None and version.is_budgeted

    def room_fen(self, group: Group, granted: Mapping[BudgetCell | None, int]) -> int | None:
        """Return what is left for a group, ``None`` if no budget limits it.

        Args:
            group: The group.
            granted: What is reserved and consumed, by budget.
        """
        cell = self.covering.cell(group)
        if cell is None:
            return 0 if self.needs_budget(group) else None
        return self.amounts[cell] - granted.get(cell, 0)


def added(one: Mapping[Group, int], other: Mapping[Group, int]) -> Mapping[Group, int]:
    """Return the sums of two mappings."""
    return {group: one.get(group, 0) + other.get(group, 0) for group in {*one, *other}}


class Room:
    """What own budgets still cover; drawn on by one caller, then thrown away.

    Args:
        stated: Budgets and policies.
        granted: What is reserved and consumed, by budget.
    """

    def __init__(self, stated: StatedBudgets, granted: Mapping[BudgetCell | None, int]) -> None:
        self._stated = stated
        self._granted = dict(granted)

    def covers(self, group: Group, amount_fen: int) -> bool:
        """Whether the budget of a group covers an amount, or none limits it."""
        room_fen = self._stated.room_fen(group, self._granted)
        return room_fen is None or amount_fen <= room_fen

    def draw(self, group: Group, amount_fen: int) -> bool:
        """Take an amount from the budget of a group, if it is covered."""
        if not self.covers(group, amount_fen):
            return False
        cell = self._stated.covering.cell(group)
        self._granted[cell] = self._granted.get(cell, 0) + amount_fen
        return True
