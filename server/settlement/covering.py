"""Which budget a record is set against, and which records a budget covers: values in, verdict out.

A budget covers records in the order in which home filed them. What a night may still clear, because
no hold stood against it on a date that is not yet judged, comes first: to hold it now would free
nothing. One that does not fit is held, and the next may fit. Nothing is ever covered beyond the
amount, whatever the order of entries.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deltacare.entitlement import narrowest_divisions
from deltacare.times import ServiceMonth
from server.policy.store import BudgetCell

__all__ = ["Claim", "Covering", "Group", "uncovered"]

Group = tuple[str, str, str]
"""Home division of the elder (empty: not enrolled), kind and month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A settlement that takes from a budget unless it is held.

    Attributes:
        host: Host province.
        settlement_no: Its number.
        group: What tells its budget.
        amount_fen: The most that a night may clear of it.
        is_firm: An earlier date, not judged yet, may clear it.
        has_hold: A hold stands against it already, too late for such a date.
        filed_date: Business date under which home filed it.
        index: Place in the log.
    """

    host: str
    settlement_no: str
    group: Group
    amount_fen: int
    is_firm: bool
    has_hold: bool
    filed_date: str
    index: int

    @property
    def turn(self) -> tuple[bool, str, str, int]:
        """Its turn: what cannot be stopped any more, then by date, host and place."""
        return not self.is_firm, self.filed_date, self.host, self.index


class Covering:
    """Finds the budget of a record; of several the narrowest division's counts.

    Args:
        home: The home province, in whose budget stands who is not enrolled.
        cells: The budgets that there are, those stated later after those stated before.
    """

    def __init__(self, home: str, cells: Iterable[BudgetCell]) -> None:
        self._home = home
        self._divisions: dict[tuple[int, str], list[str]] = {}
        for division, year, kind in cells:
            self._divisions.setdefault((year, kind), []).append(division)
        self._known: dict[Group, BudgetCell | None] = {}

    def cell(self, group: Group) -> BudgetCell | None:
        """Return the budget of a group, ``None`` if there is none."""
        if group not in self._known:
            division, kind, text = group
            month = ServiceMonth.parse(text)
            stated = self._divisions.get((month.year, kind), [])
            narrowest = narrowest_divisions(stated, division or self._home, month.first_date)
            # One division may have two codes; the budget that was stated last counts for it.
            last = max(narrowest, key=stated.index, default=None)
            self._known[group] = None if last is None else (last, month.year, kind)
        return self._known[group]

    def sums(self, amounts: Mapping[Group, int]) -> Mapping[BudgetCell | None, int]:
        """Return amounts by budget; those without one under ``None``."""
        found: dict[BudgetCell | None, int] = {}
        for group, fen in amounts.items():
            cell = self.cell(group)
            found[cell] = found.get(cell, 0) + fen
        return found


def uncovered(claims: Iterable[Claim], room_fen: int) -> Sequence[Claim]:
    """Return the claims on one budget that what is left of it does not cover, in their turn.

    Args:
        claims: All that take from it.
        room_fen: Its amount, less what was consumed and what cannot be held any more.
    """
    found: list[Claim] = []
    for claim in sorted(claims, key=lambda each: each.turn):
        if claim.amount_fen > room_fen:
            found.append(claim)
        if claim.is_firm or claim.amount_fen <= room_fen:
            room_fen -= claim.amount_fen
    return found
