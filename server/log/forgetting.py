"""Forgets what the log room keeps for a while: first answers to writes, and rows of freshness.

Synchronous and inside the caller's transaction; how old is old enough is for who calls. A first
answer that was blinded is never forgotten: it keeps a late repetition from bringing back a person
who was erased. Of freshness the first row of each hour stays, and every row from which an age could
grow: where a time was not known, and where one went back. So a check for a past moment finds an age
that is at most an hour more, and never less.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select

from server.log import tables

__all__ = ["FreshnessKey", "delete_freshness", "forget_requests", "thinnable_freshness"]

FreshnessKey = tuple[int, datetime]
"""Id of a log, and when a row was stored."""

_HOUR_S = 3_600

_REQUESTS = tables.requests.c
_FRESHNESS = tables.freshness.c
_FORGET = delete(tables.requests).where(
    _REQUESTS.scope == bindparam("key_scope"),
    _REQUESTS.method == bindparam("key_method"),
    _REQUESTS.request_id == bindparam("key_request_id"),
)
_THIN = delete(tables.freshness).where(
    _FRESHNESS.log_id == bindparam("key_log_id"),
    _FRESHNESS.stored_time == bindparam("key_stored_time"),
)


def forget_requests(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete the oldest first answers, and return how many.

    Args:
        connection: a writing transaction.
        before: only those from before this moment.
        limit: at most so many.
    """
    query = (
        select(_REQUESTS.scope, _REQUESTS.method, _REQUESTS.request_id)
        .where(_REQUESTS.created_time < before, _REQUESTS.content_mac != b"")
        .limit(limit)
    )
    keys = [
        {"key_scope": scope, "key_method": method, "key_request_id": request_id}
        for scope, method, request_id in connection.execute(query)
    ]
    if keys:
        connection.execute(_FORGET, keys)
    return len(keys)


def thinnable_freshness(
    connection: Connection, *, before: datetime, limit: int
) -> Sequence[FreshnessKey]:
    """Return the oldest rows of freshness that can go.

    Args:
        connection: a snapshot.
        before: only those from before this moment.
        limit: at most so many.
    """
    query = (
        select(
            _FRESHNESS.log_id, _FRESHNESS.stored_time, _FRESHNESS.fresh_time, _FRESHNESS.quorum_time
        )
        .where(_FRESHNESS.stored_time < before)
        .order_by(_FRESHNESS.log_id, _FRESHNESS.stored_time)
    )
    found: list[FreshnessKey] = []
    kept: tuple[int, int, datetime | None, datetime | None] | None = None
    for log_id, stored_time, fresh_time, quorum_time in connection.execute(query):
        hour = int(stored_time.timestamp()) // _HOUR_S
        if (
            kept is not None
            and kept[:2] == (log_id, hour)
            and _follows(kept[2], fresh_time)
            and _follows(kept[3], quorum_time)
        ):
            found.append((log_id, stored_time))
            if len(found) == limit:
                break
        else:
            kept = (log_id, hour, fresh_time, quorum_time)
    return found


def delete_freshness(connection: Connection, keys: Sequence[FreshnessKey]) -> None:
    """Delete rows of freshness."""
    if keys:
        connection.execute(
            _THIN, [{"key_log_id": log_id, "key_stored_time": time} for log_id, time in keys]
        )


def _follows(kept: datetime | None, later: datetime | None) -> bool:
    """Whether a time that is left out was at least as young as the one that is kept."""
    if kept is None or later is None:
        return kept is later
    return kept - later <= timedelta(0)
