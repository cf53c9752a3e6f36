"""Whose turn it is to propose a statement: one rule for the node that asks and the clerk who plans.

Pure. When anyone may propose, because a turn was let pass, is the node's to judge by its clock.
"""

from collections.abc import Sequence
from datetime import date

__all__ = ["statement_turn"]


def statement_turn(until_date: date, parties: Sequence[str]) -> str:
    """Return whose turn it is to propose the statement of a window: parties take turns by date."""
    members = sorted(parties)
    return members[until_date.toordinal() % len(members)]
