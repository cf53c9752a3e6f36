"""Rows of drafts, synchronous and inside the caller's transaction; decides nothing.

A draft that no longer waits never waits again: every change asks for the state it starts from, and
tells whether it found it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from deltacare.v1.review_service_pb2 import DraftState
from server.personal.vault import request_scrub
from server.review import tables

__all__ = [
    "count_waiting",
    "end_draft",
    "find",
    "insert_draft",
    "list_drafts",
    "lock_waiting",
    "mark_filed",
    "note_refusal",
]

_WAITING = int(DraftState.DRAFT_STATE_WAITING)

_rows = tables.drafts.c


def find(connection: Connection, request_id: str) -> Row[Any] | None:
    """Return a draft by the UUID of its request."""
    return connection.execute(select(tables.drafts).where(_rows.request_id == request_id)).first()


def lock_waiting(connection: Connection, request_id: str) -> bool:
    """Whether a draft waits; it then does so until this transaction ends."""
    query = select(_rows.state).where(_rows.request_id == request_id).with_for_update()
    return connection.execute(query).scalar_one_or_none() == _WAITING


def count_waiting(connection: Connection, maker: str) -> int:
    """Return how many drafts of one person wait."""
    query = select(func.count()).where(_rows.maker == maker, _rows.state == _WAITING)
    return int(connection.execute(query).scalar_one())


def insert_draft(connection: Connection, **columns: object) -> None:
    """Store a new draft, which waits."""
    connection.execute(
        insert(tables.drafts).values(state=_WAITING, reviewer="", reason="", refusal="", **columns)
    )


def mark_filed(
    connection: Connection,
    request_id: str,
    *,
    reviewer: str,
    response: bytes,
    is_personal: bool,
    now: datetime,
) -> None:
    """Note that a locked draft was filed, in the transaction that appends it."""
    _end(
        connection,
        request_id,
        is_personal=is_personal,
        now=now,
        state=int(DraftState.DRAFT_STATE_FILED),
        reviewer=reviewer,
        response=response,
        refusal="",
    )


def end_draft(
    connection: Connection,
    request_id: str,
    *,
    state: int,
    reviewer: str,
    reason: str,
    is_personal: bool,
    now: datetime,
) -> bool:
    """Note that a draft was rejected or withdrawn; whether it still waited."""
    if not lock_waiting(connection, request_id):
        return False
    _end(
        connection,
        request_id,
        is_personal=is_personal,
        now=now,
        state=state,
        reviewer=reviewer,
        reason=reason,
    )
    return True


def _end(
    connection: Connection, request_id: str, *, is_personal: bool, now: datetime, **columns: object
) -> None:
    if is_personal:
        columns["sealed"] = None
        request_scrub(connection, now)
    connection.execute(
        update(tables.drafts)
        .where(_rows.request_id == request_id)
        .values(ended_time=now, **columns)
    )


def note_refusal(connection: Connection, request_id: str, refusal: str) -> None:
    """Keep why a draft that still waits could not be filed."""
    connection.execute(
        update(tables.drafts)
        .where(_rows.request_id == request_id, _rows.state == _WAITING)
        .values(refusal=refusal)
    )


def list_drafts(
    connection: Connection, states: Sequence[int], after: tuple[datetime, str] | None, limit: int
) -> Sequence[Row[Any]]:
    """Return drafts in some states without their requests, oldest first.

    Args:
        connection: A snapshot.
        states: Which.
        after: Time and id of the last one of the page before.
        limit: How many at most.
    """
    wanted = [column for column in tables.drafts.columns if column.name != "sealed"]
    query = select(*wanted).where(_rows.state.in_(states))
    if after is not None:
        time, request_id = after
        query = query.where(
            or_(
                _rows.submitted_time > time,
                and_(_rows.submitted_time == time, _rows.request_id > request_id),
            )
        )
    order = (_rows.submitted_time, _rows.request_id)
    return connection.execute(query.order_by(*order).limit(limit)).all()
