"""Whether a stored checkpoint counts, and as of when: ``deltacare.tlog.opening`` for rows.

Pure. The same judgement when a cosignature arrives and when the members call a key bad: then every
checkpoint is judged anew from what is stored, and what no longer counts permits nothing until an
untainted quorum has covered it again.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deltacare.ids import LogName
from deltacare.tlog.opening import CLOCK_SKEW_S_MAX
from deltacare.trust import KeyTerm, Trust

__all__ = [
    "Line",
    "is_ahead",
    "is_doubted",
    "is_newer",
    "judgement",
    "quorum_time",
    "untainted_time",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A cosignature as it is stored: it verified.

    Attributes:
        name: Of the witness's key.
        key_id: Of the witness's key.
        time: When the witness signed, by its own clock.
    """

    name: str
    key_id: bytes
    time: datetime


def quorum_time(
    lines: Iterable[Line],
    log_key_ids: Collection[bytes],
    *,
    log: LogName,
    trust: Trust,
    now: datetime,
) -> datetime | None:
    """Return the oldest of the newest times that make the quorum, ``None`` if there is none.

    1. A line counts if its key is a witness's of this log, was never called bad, and was in force
       at the time stated. A province counts once, with its newest line.
    2. If a key of the log that signed is in force now, all of them count.
    3. Otherwise those from within the time of such a key, before its taint if it has one.

    Args:
        lines: Of one checkpoint.
        log_key_ids: Of the log's keys that signed it.
        log: The log.
        trust: Keys, windows and quorums.
        now: The present instant; also the answer where no quorum is asked.
    """
    needed = trust.quorum(log)
    if needed == 0:
        return now
    signing = [term for term in trust.log_keys(log) if term.key.key_id in log_key_ids]
    counted = _counted(lines, log, trust)
    is_current = any(term.covers(now) and not term.is_tainted for term in signing)
    choices = [counted] if is_current else [_within(counted, term) for term in signing]
    times = [found for found in (_nth(choice, needed) for choice in choices) if found is not None]
    return max(times, default=None)


def untainted_time(
    lines: Iterable[Line], *, log: LogName, trust: Trust, before: datetime
) -> datetime | None:
    """Return when an untainted quorum had cosigned if that was before an instant, else ``None``.

    Of what is stored: a witness that signed again later is known by its later time only, which
    says less than it could, never more.
    """
    needed = max(1, trust.quorum(log))
    early = [line for line in lines if line.time < before]
    return _nth(_counted(early, log, trust), needed)


def is_ahead(time: datetime, clock_time: datetime) -> bool:
    """Whether a time of signing has not come: the signer's clock was wrong, and nobody takes it.

    Args:
        time: As the signature states it.
        clock_time: What the clock says.
    """
    return time > clock_time + timedelta(seconds=CLOCK_SKEW_S_MAX)


def is_newer(time: datetime, held: datetime | None, clock_time: datetime) -> bool:
    """Whether a time of signing takes the place of the one that is held.

    One that was held before the clock was set right would stay until its time had come.

    Args:
        time: Of a signature that counts.
        held: What is known so far.
        clock_time: What the clock says.
    """
    return held is None or time > held or is_ahead(held, clock_time)


def is_doubted(log_key_ids: Collection[bytes], *, log: LogName, trust: Trust) -> bool:
    """Whether every key of the log that signed a checkpoint was called bad since."""
    signing = [term for term in trust.log_keys(log) if term.key.key_id in log_key_ids]
    return all(term.is_tainted for term in signing)


def judgement(log: LogName, trust: Trust) -> str:
    """Return what decides the judgement of stored checkpoints: if it changes they are judged anew.

    The quorum, and which keys were called bad from when. New keys and ends of windows change
    nothing about what is stored.
    """
    terms = [*trust.log_keys(log)]
    for province in trust.provinces:
        terms += trust.witness_keys(province)
    bad = sorted(
        f"{term.key.name}+{term.key.key_id.hex()}@{term.tainted_time.isoformat()}"
        for term in terms
        if term.tainted_time is not None
    )
    return " ".join([str(trust.quorum(log)), ",".join(trust.witnesses(log)), *bad])


def _counted(lines: Iterable[Line], log: LogName, trust: Trust) -> list[tuple[str, datetime]]:
    """Return the province and time of every line that counts for a log."""
    terms: dict[tuple[str, bytes], tuple[str, KeyTerm]] = {
        (term.key.name, term.key.key_id): (province, term)
        for province in trust.witnesses(log)
        for term in trust.witness_keys(province)
        if not term.is_tainted
    }
    found: list[tuple[str, datetime]] = []
    for line in lines:
        province, term = terms.get((line.name, line.key_id), (None, None))
        if province is not None and term is not None and term.covers(line.time):
            found.append((province, line.time))
    return found


def _within(counted: Iterable[tuple[str, datetime]], term: KeyTerm) -> list[tuple[str, datetime]]:
    return [(province, time) for province, time in counted if term.covers(time)]


def _nth(counted: Iterable[tuple[str, datetime]], needed: int) -> datetime | None:
    """Return the needed-th newest time, a province counting once."""
    newest: dict[str, datetime] = {}
    for province, time in counted:
        newest[province] = max(time, newest.get(province, time))
    times = sorted(newest.values(), reverse=True)
    return times[needed - 1] if len(times) >= needed else None
