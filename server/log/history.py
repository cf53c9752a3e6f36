"""How young the author's and the quorum's word about a log was at past moments.

Rows that are only added to; synchronous and inside the caller's transaction. A log that grows all
the time writes one a minute, not one for every cosignature.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, select, text

from server.log import tables
from server.log.store import Head
from server.store.schema import UtcTime

__all__ = ["keep_history", "times_at"]

_STEP = timedelta(seconds=60)

_UPSERT = text(
    "INSERT INTO freshness (log_id, stored_time, fresh_time, quorum_time)"
    " VALUES (:log_id, :stored_time, :fresh_time, :quorum_time)"
    " ON CONFLICT (log_id, stored_time) DO UPDATE SET fresh_time = excluded.fresh_time,"
    " quorum_time = excluded.quorum_time"
).bindparams(
    *(bindparam(name, type_=UtcTime()) for name in ("stored_time", "fresh_time", "quorum_time"))
)


def keep_history(connection: Connection, before: Head, after: Head, now: datetime) -> None:
    """Write down the times of a head if they changed by enough."""
    if after.fresh_time == before.fresh_time and not _is_step(before, after):
        return
    values = {
        "log_id": after.log_id,
        "stored_time": now,
        "fresh_time": after.fresh_time,
        "quorum_time": after.quorum_time,
    }
    connection.execute(_UPSERT, values)


def times_at(
    connection: Connection, log_id: int, known_time: datetime
) -> tuple[datetime | None, datetime | None]:
    """Return the author's newest cosignature and the quorum's, as known at a past moment."""
    rows = tables.freshness.c
    query = (
        select(rows.fresh_time, rows.quorum_time)
        .where(rows.log_id == log_id, rows.stored_time <= known_time)
        .order_by(rows.stored_time.desc())
        .limit(1)
    )
    found = connection.execute(query).first()
    return (None, None) if found is None else (found.fresh_time, found.quorum_time)


def _is_step(before: Head, after: Head) -> bool:
    """Whether the quorum's time changed by enough, or for another reason than growth."""
    if before.quorum_time == after.quorum_time:
        return False
    if before.quorum_time is None or after.quorum_time is None:
        return True
    if before.quorum_size == after.quorum_size:
        return True
    return abs(after.quorum_time - before.quorum_time) >= _STEP
