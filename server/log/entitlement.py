"""Who may read which log. Pure: names in, a decision out.

1. A caller of this province with any role reads registry logs.
2. A caller of this province reads settlement logs held here as ``system`` or ``auditor``, and the
   own audit log as ``auditor``.
3. A partner's node reads registry logs, and the settlement logs that it writes or that are
   written for it.
4. Any other caller of a member province reads registry logs.
5. Everybody else reads nothing.
Which role may call which method at all is decided at the edge.
"""

from collections.abc import Iterable

from deltacare.ids import LogKind, LogName, Principal

__all__ = ["PEER_ROLE", "is_partner", "may_read", "may_read_salts"]

PEER_ROLE = "peer"

_AUDITOR = "auditor"
_SETTLEMENT_ROLES = frozenset({"system", _AUDITOR})


def is_partner(caller: Principal, *, province: str, members: Iterable[str]) -> bool:
    """Whether the caller is the node of another member."""
    return caller.role == PEER_ROLE and caller.province != province and caller.province in members


def may_read(caller: Principal, log: LogName, *, province: str, members: Iterable[str]) -> bool:
    """Whether a caller may read a log at the node of a province."""
    if caller.province not in members:
        return False
    if log.kind is LogKind.REGISTRY:
        return True
    if log.kind is LogKind.AUDIT:
        return caller.province == province == log.author and caller.role == _AUDITOR
    if caller.province == province:
        return caller.role in _SETTLEMENT_ROLES and log.may_hold(province)
    return caller.role == PEER_ROLE and log.may_hold(caller.province)


def may_read_salts(
    caller: Principal, log: LogName, *, province: str, members: Iterable[str]
) -> bool:
    """Whether a caller may be given the salts beside a log: partners' nodes, of registry logs.

    For which purpose they are given is decided at the edge.
    """
    return log.kind is LogKind.REGISTRY and is_partner(caller, province=province, members=members)
