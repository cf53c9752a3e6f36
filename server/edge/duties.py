"""Which duties exclude each other, and that who signs is who sends: pure, from a table.

The city sets policy, the street reviews, the district pays (Accounting Law, article 25): no
principal holds two of these for one record, nor makes a record under a policy that it set, nor pays
what it made. A principal is the person, whatever role stands in a certificate. Who has done what is
kept and asked where writes decide (``server.approval.duties``); a record's maker and checker are
never one.

The table is held against everything that a principal has done for its province, so that it need not
be asked record by record: stricter than the law, and a look into one small index.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from google.protobuf.message import Message

from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from server.edge.access_rules import Role

__all__ = ["CONFLICTS", "Conflict", "DutyKind", "check_duty", "conflicts", "excluded_by"]


class DutyKind(enum.StrEnum):
    """What a principal has done for a province."""

    POLICY = "POLICY"
    """Made or reviewed a subsidy policy."""
    MAKING = "MAKING"
    """Made records, reversals or refusals."""
    REVIEW = "REVIEW"
    """Reviewed records, reversals or refusals."""
    PAYMENT = "PAYMENT"
    """Made or reviewed the approval of a statement: what is to be paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two duties that one principal never holds.

    Attributes:
        duties: The two.
        zh: Why, in Chinese.
        en: Why, in English.
    """

    duties: frozenset[DutyKind]
    zh: str
    en: str


def _conflict(one: DutyKind, other: DutyKind, zh: str, en: str) -> Conflict:
    return Conflict(duties=frozenset((one, other)), zh=zh, en=en)


CONFLICTS: tuple[Conflict, ...] = (
    _conflict(
        DutyKind.POLICY,
        DutyKind.REVIEW,
        "制定政策者不得审核依该政策报送的记录。",
        "Who sets a policy reviews no record under it.",
    ),
    _conflict(
        DutyKind.POLICY,
        DutyKind.PAYMENT,
        "制定政策者不得批准依该政策付款。",
        "Who sets a policy approves no payment under it.",
    ),
    _conflict(
        DutyKind.REVIEW,
        DutyKind.PAYMENT,
        "审核记录者不得批准据此付款。",
        "Who reviews a record approves no payment for it.",
    ),
    _conflict(
        DutyKind.POLICY,
        DutyKind.MAKING,
        "制定政策者不得经办依该政策报送的记录。",
        "Who sets a policy makes no record under it.",
    ),
    _conflict(
        DutyKind.MAKING,
        DutyKind.PAYMENT,
        "经办记录者不得批准据此付款。",
        "Who makes a record approves no payment for it.",
    ),
)
"""Every pair that is excluded. Making and reviewing exclude each other within one record only."""

_EXCLUDED: Mapping[DutyKind, frozenset[DutyKind]] = MappingProxyType(
    {
        kind: frozenset(
            other
            for conflict in CONFLICTS
            if kind in conflict.duties
            for other in conflict.duties - {kind}
        )
        for kind in DutyKind
    }
)


def excluded_by(kind: DutyKind) -> frozenset[DutyKind]:
    """Return the duties that nobody may hold who takes on one."""
    return _EXCLUDED[kind]


def conflicts(held: Iterable[DutyKind], taken: DutyKind) -> tuple[Conflict, ...]:
    """Return what stands against a principal that holds some duties and takes on another.

    Args:
        held: What it has done.
        taken: What it is about to do.
    """
    known = frozenset(held)
    return tuple(
        conflict
        for conflict in CONFLICTS
        if taken in conflict.duties and (conflict.duties - {taken}) & known
    )


def check_duty(caller: Principal, request: Message) -> None:
    """Hold a person to what they sign for: who is no system answers only for their own review.

    A system is trusted by its province to name its own staff. Anybody else must be the reviewer
    that the request names.

    Args:
        caller: From the certificate.
        request: A message with a field ``duty``.

    Raises:
        Refusal: ``ROLE_NOT_ALLOWED``, if the request names another as its reviewer.
    """
    if caller.role == Role.SYSTEM:
        return
    reviewer = request.duty.reviewer  # type: ignore[attr-defined]  # the caller saw the field
    if reviewer != caller.opaque_id:
        raise Refusal(
            Reason.ROLE_NOT_ALLOWED,
            "The reviewer of a request is who sends it.",
            details={"role": caller.role, "field": "duty.reviewer"},
        )
