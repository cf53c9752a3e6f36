"""Whether a signature by a key that was called bad still counts, by a verifier's own policies.

`deltacare.tlog.opening` decides the same by what the members signed; here are only policy files,
which know no windows but the instant of a taint. Signatures and cosignatures are verified by the
caller; nothing here looks at a quorum of what untainted keys signed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from deltacare.errors import PeerFault, Reason
from deltacare.times import format_time
from deltacare.tlog.policy import PolicyKey, PolicyOf, Tainted

__all__ = ["FETCH_AGAIN", "called_bad", "not_in_force", "resting_on"]

K = TypeVar("K", bound=PolicyKey)

FETCH_AGAIN = "deltacare log receipt, deltacare cert check --save, deltacare settle export --save"
"""What gives a receipt, a verdict file and a statement file anew."""


def called_bad(policies: Iterable[PolicyOf[K]]) -> dict[K, datetime]:
    """Return the keys that any of some policies calls bad, each with the earliest instant."""
    found: dict[K, datetime] = {}
    for policy in policies:
        for each in (*policy.tainted_logs, *policy.tainted_witnesses):
            found[each.key] = min(each.since, found.get(each.key, each.since))
    return found


def resting_on(
    origin: str,
    signing: Sequence[K],
    cosigned: Collection[tuple[K, datetime]],
    policies: Sequence[PolicyOf[K]],
    bad: Mapping[K, datetime],
) -> Tainted[K] | None:
    """Return the bad key that a checkpoint rests on and survives, ``None`` if on an untainted one.

    It survives if a quorum of each policy, by witnesses that were never called bad, had cosigned it
    before the instant from which the log's key is bad.

    Args:
        origin: The log.
        signing: Keys of it that signed; at least one.
        cosigned: Keys of witnesses that cosigned, with the times they state.
        policies: Those that name the log.
        bad: Keys that were called bad, and since when.

    Raises:
        PeerFault: ``KEY_NOT_IN_FORCE``, if only bad keys signed it and it does not survive.
    """
    if any(key not in bad for key in signing):
        return None
    counted = [(key, time) for key, time in cosigned if key not in bad]
    for key in signing:
        if all(policy.survives(counted, before=bad[key]) for policy in policies):
            return Tainted(key=key, since=bad[key])
    early = sum(time < max(bad[key] for key in signing) for _, time in counted)
    raise not_in_force(
        origin,
        {key: bad[key] for key in signing},
        f"{early} witnesses with untainted keys had cosigned it before, which is no quorum",
        f"此前仅有 {early} 个密钥未失信的见证方联签，未达法定数",
    )


def not_in_force(name: str, bad: Mapping[K, datetime], but_en: str, but_zh: str) -> PeerFault:
    """Return the fault of what only bad keys have signed.

    Args:
        name: The log, or whose note it is.
        bad: The keys that signed, and since when they are bad.
        but_en: Why it does not survive, in English.
        but_zh: The same in Chinese.
    """
    ids = ", ".join(key.key_id.hex() for key in bad)
    since = ", ".join(format_time(time) for time in bad.values())
    return PeerFault(
        Reason.KEY_NOT_IN_FORCE,
        f"{name} signed this with a key ({ids}) that its owner declared bad since {since}, and "
        f"{but_en}. Fetch what the successor key signed again from a node ({FETCH_AGAIN}).",
        details={
            "log": name,
            "key_ids": ids,
            "since": since,
            "text_zh": f"{name} 以已声明失信的密钥（{ids}，自 {since} 起失信）签署，{but_zh}；"
            f"请从节点重新取得由后继密钥签署的文件（{FETCH_AGAIN}）",
        },
    )
