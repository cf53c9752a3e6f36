"""Reads people's keys from rows. What they may sign for is judged in ``rules`` and ``judging``."""

from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, or_, select

from deltacare.ids import LogName
from deltacare.v1.approval_service_pb2 import StandingApprovalKey
from deltacare.v1.entry_pb2 import ApprovalKey
from deltacare.v1.types_pb2 import EntryRef
from server.approval.tables import approval_keys

__all__ = ["key_at", "key_index", "key_with", "keys_page"]

_keys = approval_keys.c


def key_at(
    connection: Connection, author: str, key_id: str, until_index: int | None
) -> ApprovalKey | None:
    """Return the last word on a key.

    Args:
        connection: Of a transaction.
        author: Whose log.
        key_id: Name of the key.
        until_index: Only what stands before this place of the log; ``None``: all of it.
    """
    query = select(_keys.body).where(_keys.author == author, _keys.key_id == key_id)
    if until_index is not None:
        query = query.where(_keys.log_index < until_index)
    found = connection.execute(query.order_by(_keys.log_index.desc()).limit(1)).scalar()
    return None if found is None else ApprovalKey.FromString(found)


def key_index(connection: Connection, author: str, key_id: str, until_index: int) -> int | None:
    """Return the place of the last word on a key before a place of the same log."""
    query = select(func.max(_keys.log_index)).where(
        _keys.author == author, _keys.key_id == key_id, _keys.log_index < until_index
    )
    return connection.execute(query).scalar()


def key_with(
    connection: Connection, author: str, public_key: bytes, until_index: int | None
) -> ApprovalKey | None:
    """Return what was first stated of a public key; arguments as of `key_at`."""
    query = select(_keys.body).where(_keys.author == author, _keys.public_key == public_key)
    if until_index is not None:
        query = query.where(_keys.log_index < until_index)
    found = connection.execute(query.order_by(_keys.log_index).limit(1)).scalar()
    return None if found is None else ApprovalKey.FromString(found)


def keys_page(
    connection: Connection, province: str, after: tuple[str, str], limit: int
) -> Sequence[StandingApprovalKey]:
    """Return the last word on each key, sorted by province and name.

    Args:
        connection: Of a snapshot.
        province: Only of this one; empty for all.
        after: Province and name of the last one seen.
        limit: Most rows.
    """
    newest = (
        select(_keys.author, _keys.key_id, func.max(_keys.log_index).label("log_index"))
        .group_by(_keys.author, _keys.key_id)
        .subquery()
    )
    query = (
        select(approval_keys)
        .join(
            newest,
            and_(_keys.author == newest.c.author, _keys.log_index == newest.c.log_index),
        )
        .where(
            or_(_keys.author > after[0], and_(_keys.author == after[0], _keys.key_id > after[1]))
        )
        .order_by(_keys.author, _keys.key_id)
        .limit(limit)
    )
    if province:
        query = query.where(_keys.author == province)
    return [
        StandingApprovalKey(
            province=row.author,
            key=ApprovalKey.FromString(row.body),
            entry=EntryRef(log=str(LogName.registry(row.author)), index=row.log_index),
        )
        for row in connection.execute(query)
    ]
