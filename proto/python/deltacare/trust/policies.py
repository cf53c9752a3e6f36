"""The witness policy of a log as C2SP tlog-policy, written from what the members signed.

A province that changed its witness key has several; they form a group of which any one suffices,
so that a province counts once. Tainted keys are left out: what rests on one does not verify.

The second suite has a policy of its own, and only of logs for which enough members have keys of it.

Source: https://c2sp.org/tlog-policy
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from deltacare.ids import LogName
from deltacare.keys import VerifierKey
from deltacare.sm2 import Sm2VerifierKey
from deltacare.tlog.policy import Group, Policy, Sm2Policy
from deltacare.trust.members import witness_key_name

if TYPE_CHECKING:
    from deltacare.trust.federation import Trust

__all__ = ["log_policy", "sm2_policy"]

_QUORUM = "quorum-group"


class _Key(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def key_id(self) -> bytes: ...


K = TypeVar("K", bound=_Key)


def log_policy(trust: "Trust", log: LogName) -> Policy:
    """Return what a verifier of one log trusts: its keys, its partners', its quorum.

    Args:
        trust: The federation.
        log: A log of a member.
    """

    def keys_of(province: str) -> tuple[VerifierKey, ...]:
        return tuple(term.key for term in trust.witness_keys(province) if not term.is_tainted)

    needed = trust.quorum(log)
    witnesses, groups = _witnesses(trust.witnesses(log), keys_of, needed)
    return Policy(
        logs=tuple(term.key for term in trust.log_keys(log) if not term.is_tainted),
        witnesses=witnesses,
        groups=groups,
        quorum=_QUORUM if needed else "none",
    )


def sm2_policy(trust: "Trust", log: LogName) -> Sm2Policy | None:
    """Return what a verifier of one log can demand of the second suite.

    Args:
        trust: The federation.
        log: A log of a member.

    Returns:
        The policy; ``None`` if its author has no key of the suite, or fewer of its witnesses have
        one than the quorum: what nobody could meet is not asked for.
    """

    def keys_of(name: str) -> tuple[Sm2VerifierKey, ...]:
        return tuple(term.key for term in trust.suite_keys(name) if not term.is_tainted)

    logs = keys_of(str(log))
    provinces = [p for p in trust.witnesses(log) if keys_of(witness_key_name(p))]
    needed = trust.quorum(log)
    if not logs or len(provinces) < needed:
        return None
    witnesses, groups = _witnesses(provinces, lambda p: keys_of(witness_key_name(p)), needed)
    return Sm2Policy(
        logs=logs, witnesses=witnesses, groups=groups, quorum=_QUORUM if needed else "none"
    )


def _witnesses(
    provinces: Iterable[str], keys_of: Callable[[str], tuple[K, ...]], needed: int
) -> tuple[dict[str, K], dict[str, Group]]:
    """Return the witnesses by name, and the groups that make them a quorum."""
    witnesses: dict[str, K] = {}
    groups: dict[str, Group] = {}
    names: list[str] = []
    for province in provinces:
        keys = keys_of(province)
        rows = {
            key.name if len(keys) == 1 else f"{key.name}/{key.key_id.hex()}": key for key in keys
        }
        witnesses.update(rows)
        if len(rows) > 1:
            groups[province] = Group(threshold=1, members=tuple(rows))
            names.append(province)
        else:
            names.extend(rows)
    if needed:
        groups[_QUORUM] = Group(threshold=needed, members=tuple(names))
    return witnesses, groups
