"""Why a checkpoint that was shown cannot be of the log that is held, for whoever does not hold it.

Reads only.
"""

from sqlalchemy import Connection

from deltacare.tlog.checkpoint import Checkpoint
from deltacare.tlog.fork import Contradiction
from deltacare.tlog.note import SignedNote
from deltacare.tlog.proof import consistency_proof
from server.log.checkpoints import CheckpointStore
from server.log.store import Head, LogStore

__all__ = ["contradiction_with"]


def contradiction_with(
    connection: Connection,
    head: Head,
    checkpoint: Checkpoint,
    *,
    store: LogStore,
    checkpoints: CheckpointStore,
) -> tuple[bytes | None, Contradiction | None]:
    """Return the signed checkpoint held that contradicts one no larger, and why it does.

    One of the same size, or the newest with a proof from our tree. Neither if the mirror is behind
    with what is signed: then only who holds the log can tell.

    Args:
        connection: A snapshot, or inside a transaction.
        head: Of the log.
        checkpoint: Shown; its root is not that of the tree held at its size.
        store: The tree.
        checkpoints: What is signed about it.
    """
    same = checkpoints.get(connection, head.log, checkpoint.size)
    if same is not None:
        root = Checkpoint.from_text(SignedNote.from_bytes(same.note).text).root
        return same.note, Contradiction(root=root)
    if head.head_note is None or head.head_size < checkpoint.size:
        return None, None
    root = store.root(connection, head.log, checkpoint.size)
    nodes = store.nodes(connection, head.log, head.head_size)
    hashes = consistency_proof(nodes, old_size=checkpoint.size, size=head.head_size)
    return head.head_note, Contradiction(root=root, hashes=tuple(hashes))
