"""The witness policy of a log as C2SP tlog-policy, written from what the members signed.

A province that changed its witness key has several; they form a group of which any one suffices,
so that a province counts once. Tainted keys are named apart, with the instant of their taint: a
verifier counts what a quorum had cosigned before it, and nothing else that rests on them.

The second suite has a policy of its own, and only of logs for which enough members have keys of it.

Source: https://c2sp.org/tlog-policy
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from deltacare.ids import LogName
from deltacare.keys import VerifierKey
from deltacare.sm2 import Sm2VerifierKey
from deltacare.tlog.policy import Group, Policy, PolicyKey, Sm2Policy, Tainted
from deltacare.trust.members import witness_key_name

if TYPE_CHECKING:
    from deltacare.trust.federation import Trust

__all__ = ["log_policy", "note_policy", "sm2_policy"]

_QUORUM = "quorum-group"


K = TypeVar("K", bound=PolicyKey)
K_co = TypeVar("K_co", bound=PolicyKey, covariant=True)


class _Term(Protocol[K_co]):
    @property
    def key(self) -> K_co: ...
    @property
    def tainted_time(self) -> datetime | None: ...


def log_policy(trust: "Trust", log: LogName) -> Policy:
    """Return what a verifier of one log trusts: its keys, its partners', its quorum.

    Args:
        trust: The federation.
        log: A log of a member.
    """

    def keys_of(province: str) -> tuple[VerifierKey, ...]:
        return _untainted(trust.witness_keys(province))

    needed, provinces = trust.quorum(log), trust.witnesses(log)
    witnesses, groups = _witnesses(provinces, keys_of, needed)
    return Policy(
        logs=_untainted(trust.log_keys(log)),
        witnesses=witnesses,
        groups=groups,
        quorum=_QUORUM if needed else "none",
        tainted_logs=_tainted(trust.log_keys(log)),
        tainted_witnesses=_tainted(t for p in provinces for t in trust.witness_keys(p)),
    )


def note_policy(terms: Iterable[_Term[VerifierKey]]) -> Policy:
    """Return what a verifier of notes that nobody cosigns trusts, such as verdicts.

    Args:
        terms: Keys of the name that signs them.
    """
    terms = tuple(terms)
    return Policy(logs=_untainted(terms), tainted_logs=_tainted(terms))


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
        return _untainted(trust.suite_keys(name))

    logs = keys_of(str(log))
    provinces = [p for p in trust.witnesses(log) if keys_of(witness_key_name(p))]
    needed = trust.quorum(log)
    if not logs or len(provinces) < needed:
        return None
    witnesses, groups = _witnesses(provinces, lambda p: keys_of(witness_key_name(p)), needed)
    cosigning = [witness_key_name(p) for p in trust.witnesses(log)]
    return Sm2Policy(
        logs=logs,
        witnesses=witnesses,
        groups=groups,
        quorum=_QUORUM if needed else "none",
        tainted_logs=_tainted(trust.suite_keys(str(log))),
        tainted_witnesses=_tainted(t for name in cosigning for t in trust.suite_keys(name)),
    )


def _untainted(terms: Iterable[_Term[K]]) -> tuple[K, ...]:
    return tuple(term.key for term in terms if term.tainted_time is None)


def _tainted(terms: Iterable[_Term[K]]) -> tuple[Tainted[K], ...]:
    return tuple(
        Tainted(key=term.key, since=term.tainted_time)
        for term in terms
        if term.tainted_time is not None
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
