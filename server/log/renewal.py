"""When cosignatures grow old: asking for them again, and giving them again.

Pure. A quorum's word about a log ages even if the log does not grow: partners take what permits
only while it is young. So an author asks again at a quarter of the age that the members agreed on,
and a witness signs again, when asked, at an eighth, so that clocks that differ a little do not
matter; a replaced key makes every cosignature old that was made before it.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from deltacare.ids import LogName
from deltacare.trust import KeyTerm, Trust, in_force
from server.log.quorum import Line

__all__ = ["is_worth_renewing", "renewal_due"]

_ASK_SHARE, _SIGN_SHARE = 4, 8


def renewal_due(lines: Iterable[Line], *, log: LogName, trust: Trust, now: datetime) -> bool:
    """Whether an author asks again for cosignatures of its newest checkpoint.

    Args:
        lines: Its cosignatures.
        log: The own log.
        trust: Keys, quorum and age.
        now: The present instant.
    """
    needed = trust.quorum(log)
    if needed == 0:
        return False
    limit = now - timedelta(seconds=trust.cosignature_age_max_s) / _ASK_SHARE
    begun = _newest_begun(trust.log_keys(log), now)
    current = {
        (term.key.name, term.key.key_id)
        for province in trust.witnesses(log)
        for term in in_force(trust.witness_keys(province), now)[:1]
    }
    young = {
        line.name
        for line in lines
        if (line.name, line.key_id) in current
        and line.time >= limit
        and (begun is None or line.time >= begun)
    }
    return len(young) < needed


def is_worth_renewing(
    signed_time: datetime, log_keys: Iterable[KeyTerm], *, trust: Trust, now: datetime
) -> bool:
    """Whether a witness that is asked signs again what it signed before with the same key.

    Args:
        signed_time: When it did.
        log_keys: The log's keys that signed the checkpoint it is asked for.
        trust: The age.
        now: The present instant.
    """
    limit = now - timedelta(seconds=trust.cosignature_age_max_s) / _SIGN_SHARE
    begun = _newest_begun(log_keys, now)
    return signed_time < limit or (begun is not None and signed_time < begun)


def _newest_begun(terms: Iterable[KeyTerm], now: datetime) -> datetime | None:
    """Return when the newest key in force came into force, to the second that lines state."""
    newest = in_force(terms, now)[:1]
    return newest[0].from_time.replace(microsecond=0) if newest else None
