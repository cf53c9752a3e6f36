"""One night of one pair, or two files: the steps from rows to lines, sums and line bytes.

The plan is pure: an ordered list of named expressions, each over the inputs and the steps before
it. A shell runs them on an engine; one definition serves a node's night and `settle reconcile`.
With no registers given, the classes that need registers do not appear.

Steps that are small or read more than once are *kept*; the lines themselves are not, because
reading them twice from the joined sides is cheaper than writing them once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import ibis

from settlement.core import classify, eligibility
from settlement.core.classes import ALPHABETICAL, LineClass
from settlement.core.columns import (
    ASKED,
    CLEARED,
    FACTS,
    HISTORY,
    ROWS,
    SEPARATOR,
    TERMINATOR,
    Schema,
)
from settlement.core.terms import (
    KEY,
    Expression,
    Table,
    home_of,
    host_of,
    rank_of,
    union_of,
)

__all__ = ["INPUTS", "LINE_COLUMNS", "Plan", "Step", "night_plan", "proposals_plan"]

INPUTS: Final = Schema({"home_rows": ROWS, "host_rows": ROWS, **HISTORY, "asked": ASKED})  # type: ignore[arg-type]

_EMPTY_CLAIM = SEPARATOR * 5
_SIDE_COLUMNS = (
    "settlement_no",
    "home",
    "host",
    "beneficiary_ref",
    "institution",
    "subsidy_kind",
    "service_month",
    "service_days",
    "amount_fen",
    "caregiver_cert_no",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One named table of a plan.

    Attributes:
        name: What later steps and the caller call it.
        expression: How it is made.
        kept: Whether it is computed once and kept, or computed where it is read.
        stage: What a person calls this part of the work, for timing.
    """

    name: str
    expression: Table
    kept: bool
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Steps in order, over the inputs.

    Attributes:
        inputs: Schemas of the tables that must be there, by name.
        steps: What is made from them.
    """

    inputs: Mapping[str, Mapping[str, str]]
    steps: tuple[Step, ...]
