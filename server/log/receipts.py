"""Receipts of entries: which lines of a checkpoint go into one, and its proof.

An author's own witness signs for freshness and for no quorum, so no verifier's policy of that log
names it; a line that the verifier cannot check is one in which an altered byte is not found. So a
receipt carries the log's signature and its partners' cosignatures and nothing else.
"""

from sqlalchemy import Connection

from deltacare.ids import LogName
from deltacare.tlog.note import SignedNote
from deltacare.tlog.proof import inclusion_proof
from deltacare.tlog.receipt import Receipt
from deltacare.trust import witness_key_name
from server.log.store import LogStore

__all__ = ["receipt_bytes", "witnessed_note"]


def witnessed_note(log: LogName, note: bytes) -> bytes:
    """Return a checkpoint without the line of its author's own witness."""
    parsed = SignedNote.from_bytes(note)
    own = witness_key_name(log.author)
    kept = tuple(line for line in parsed.signatures if line.name != own)
    return SignedNote(text=parsed.text, signatures=kept).to_bytes()


def receipt_bytes(
    store: LogStore, connection: Connection, log: LogName, *, index: int, size: int, note: bytes
) -> bytes:
    """Return the C2SP tlog-proof of an entry.

    Args:
        store: Of the log room.
        connection: A snapshot.
        log: The log.
        index: The entry.
        size: Of the checkpoint; above the index.
        note: The checkpoint with its cosignatures.
    """
    proof = inclusion_proof(store.nodes(connection, log, size), index=index, size=size)
    receipt = Receipt(index=index, proof=proof, checkpoint=witnessed_note(log, note))
    return receipt.to_bytes()
