"""Lines of nights at the terminal: class, whose move, how late, and the exact next command.

What has to be done is the table of classes in ``settlement.core.classes``; here it becomes a
command for whoever asks, with the line's own number and provinces in it.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from clients.cli.due import BOTH, Asker, Rows
from clients.language import tr
from clients.plain import enum_name
from deltacare.errors import DeltacareError, Reason

if TYPE_CHECKING:
    from datetime import date

    from settlement.core.classes import LineClass

__all__ = [
    "age_days",
    "is_overdue",
    "line_class",
    "list_lines",
    "next_command",
    "owner_words",
    "partner_of",
]

# By what a line of a class is disputed, if one side thinks that the other is wrong.
_CLAIMS: Mapping[str, str] = MappingProxyType(
    {
        "AMOUNT": "amount",
        "OVER_CAP": "amount",
        "ELDER_INELIGIBLE": "elder",
        "OVERLAP": "elder",
        "INSTITUTION_UNLISTED": "institution",
        "CAREGIVER_UNCERTIFIED": "caregiver",
        "DUP_CONFLICT": "duplicate",
        "DUP_SEMANTIC": "duplicate",
    }
)

# What mends a line of a class, for whose move it is; a line that both may mend has it for both.
_COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "REVERSED_ONE_SIDE": "settle reverse {number} --partner {partner} {side} --reason CODE",
        "DUP_CONFLICT": "settle revise FILE",
        "DUP_SEMANTIC": "settle reverse {number} --partner {partner} {side} --reason DUPLICATE",
        "OUT_OF_AGREEMENT": "agreement list",
        "INSTITUTION_UNLISTED": "listing publish",
        "ELDER_INELIGIBLE": "settle enrol FILE --partner {partner}",
        "CAREGIVER_UNCERTIFIED": "settle revise FILE",
        "OVERLAP": "settle holds --partner {partner}",
        "OVER_CAP": "settle revise FILE",
        "OVER_BUDGET": "settle budget list",
        "HOME_ONLY": "settle import FILE",
        "HOST_ONLY": "settle answer --partner {partner}",
        "AMOUNT": "settle revise FILE",
        "FIELD": "settle revise FILE",
    }
)


def line_class(line: Any) -> "LineClass":  # noqa: ANN401  # a message
    """Return the class of a line."""
    from settlement.core.classes import LineClass

    return LineClass[enum_name(line, "line_class")]


def owner_words(owner: str) -> str:
    """Return whose move it is."""
    return tr("双方", "both") if owner == BOTH else owner


def partner_of(line: Any, own: str) -> str:  # noqa: ANN401  # a message
    """Return the other province of a line."""
    return str(line.host if line.home == own else line.home)


def list_lines(
    asker: Asker,
    partner: str,
    *,
    business_date: str = "",
    classes: Sequence[int] = (),
) -> Rows:
    """Return the lines of a night of one pair; none if no night of it was run yet.

    Args:
        asker: Who asks.
        partner: The other province.
        business_date: Night; the last one by default.
        classes: Only these; every class that is carried by default.
    """
    from deltacare.v1.clearing_service_pb2 import LineClass, ListLinesRequest

    request = ListLinesRequest(
        partner=partner,
        business_date=business_date,
        classes=[LineClass.ValueType(each) for each in classes],
    )
    try:
        return asker.rows(asker.node.clearing.ListLines, request, "lines")
    except DeltacareError as error:
        if error.reason is not Reason.NOT_FOUND or business_date:
            raise
        return Rows(rows=[], has_more=False)


def is_overdue(line: Any, today: "date") -> bool:  # noqa: ANN401  # a message
    """Whether the last day to act on a line has passed."""
    return bool(line.due_date) and line.due_date < today.isoformat()


def age_days(line: Any, today: "date") -> int:  # noqa: ANN401  # a message
    """Return the calendar days since a line was first filed."""
    from datetime import date

    return max((today - date.fromisoformat(line.filed_date)).days, 0)


def next_command(line: Any, own: str) -> str:  # noqa: ANN401  # a message
    """Return the command by which the own province goes on with a line.

    Args:
        line: An open line.
        own: The own province.

    Returns:
        What mends it, where that is our move; what disputes it, where it is the other's.
    """
    found = line_class(line)
    partner = partner_of(line, own)
    side = "--as-home" if line.home == own else "--as-host"
    if found.name == "IN_TRANSIT":
        has_filed = line.home_side if line.home == own else line.host_side
        if has_filed.row_count:
            return f"deltacare settle discrepancies --partner {partner}"
        command = "settle answer --partner {partner}" if line.home == own else "settle import FILE"
    elif line.owner in {own, BOTH}:
        command = _COMMANDS[found.name]
    else:
        claim = _CLAIMS.get(found.name, "clearing")
        command = "settle dispute raise {number} --partner {partner} {side} --claim "
        command += f"{claim} --reason CODE"
    filled = command.format(number=line.settlement_no, partner=partner, side=side)
    return f"deltacare {filled}"
