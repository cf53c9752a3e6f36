"""Rows of what was cosigned ahead of the entries held, and their comparison with what comes later.

Synchronous and inside the caller's transaction. A checkpoint that was brought to the witness's open
door is believed by its proof alone; when the mirror has fetched the entries, the tree must have had
that root at that size, or the log has shown two histories.
"""

from sqlalchemy import Connection, select, text

from server.log import tables
from server.log.evidence import Wrong, add_evidence
from server.log.projection import Tx
from server.log.store import Head, LogStore

__all__ = ["compare_floor", "put_submitted", "submitted_note"]

_UPSERT = text(
    "INSERT INTO submissions (log_id, size, note) VALUES (:log_id, :size, :note)"
    " ON CONFLICT (log_id) DO UPDATE SET size = excluded.size, note = excluded.note"
)


def submitted_note(connection: Connection, log_id: int) -> bytes | None:
    """Return the newest checkpoint that was cosigned ahead of the entries held."""
    rows = tables.submissions.c
    found = connection.execute(select(rows.note).where(rows.log_id == log_id)).scalar()
    return None if found is None else bytes(found)


def put_submitted(connection: Connection, log_id: int, *, size: int, note: bytes) -> None:
    """Keep a checkpoint with this witness's signature in place of the one before."""
    connection.execute(_UPSERT, {"log_id": log_id, "size": size, "note": note})


def compare_floor(
    tx: Tx, store: LogStore, head: Head, *, first_index: int, shown: bytes, shown_by: str
) -> Head:
    """Return the head, marked as forked if new entries passed by what was cosigned before.

    Args:
        tx: has locked the log and stored the entries.
        store: the logs.
        head: with the new entries.
        first_index: of the new entries.
        shown: the checkpoint that led to them.
        shown_by: who showed it.
    """
    size = head.cosigned_size or 0
    if not first_index < size <= head.size:
        return head
    if store.root(tx.connection, head.log, size) == head.cosigned_root:
        return head
    return add_evidence(
        tx.connection,
        head,
        Wrong.FORK,
        shown=shown,
        shown_by=shown_by,
        now=tx.now,
        held=submitted_note(tx.connection, head.log_id),
    )
