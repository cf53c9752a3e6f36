"""What keys that were called bad have touched: which entries rest on them, which survive.

Reads only. An entry survives a bad key if a quorum of keys that were never called bad had cosigned
a checkpoint over it before the instant from which the key is bad; because each checkpoint covers
all entries below it, what survives is everything below one index.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from deltacare.ids import LogName
from deltacare.trust import KeyTerm, Trust
from server.log.judging import JudgedCheckpoint, judged_checkpoints
from server.log.quorum import untainted_time
from server.log.store import LogStore

__all__ = ["Touched", "touched_by"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What one bad key touched of one log; see ``deltacare.v1.TouchedEntries``."""

    log: LogName
    term: KeyTerm
    first_index: int
    end_index: int
    survived_index: int
    covered_index: int


def touched_by(
    connection: Connection, log: LogName, *, store: LogStore, trust: Trust
) -> list[Touched]:
    """Return what each bad key touched of a log, in the order of their names.

    Args:
        connection: A snapshot.
        log: A log that is held.
        store: Heads.
        trust: Which keys are bad from when.
    """
    terms = [*trust.log_keys(log)]
    for province in trust.witnesses(log):
        terms += trust.witness_keys(province)
    bad = sorted((t for t in terms if t.is_tainted), key=lambda t: (t.key.name, t.from_time))
    if not bad:
        return []
    rows = judged_checkpoints(connection, log, store.log_id(log))
    covered = store.head(connection, log).quorum_size
    found = (_touched(log, term, rows, covered, trust) for term in bad)
    return [touched for touched in found if touched is not None]


def _touched(
    log: LogName, term: KeyTerm, rows: Sequence[JudgedCheckpoint], covered: int, trust: Trust
) -> Touched | None:
    key_id, tainted_time = term.key.key_id, term.tainted_time
    assert tainted_time is not None, "a bad key is bad from some instant"
    if term.key.name == str(log):
        signed = [row.size for row in rows if key_id in row.log_key_ids]
        earlier = {
            other.key.key_id
            for other in trust.log_keys(log)
            if other.from_time < term.from_time and not other.is_tainted
        }
        before = [row.size for row in rows if earlier.intersection(row.log_key_ids)]
    else:
        signed = [row.size for row in rows if any(line.key_id == key_id for line in row.lines)]
        first = min(signed, default=0)
        before = [row.size for row in rows if row.has_quorum and row.size < first]
    end, start = max(signed, default=0), max(before, default=0)
    if start >= end:
        return None
    seen = [
        row.size
        for row in rows
        if untainted_time(row.lines, log=log, trust=trust, before=tainted_time) is not None
    ]
    survived = min(end, max([start, *seen]))
    return Touched(
        log=log,
        term=term,
        first_index=start,
        end_index=end,
        survived_index=survived,
        covered_index=min(end, max(survived, covered)),
    )
