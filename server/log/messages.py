"""Messages of LogService from what is stored; pure."""

from collections.abc import Sequence

from deltacare.ids import LogName
from deltacare.times import format_time
from deltacare.v1 import log_service_pb2 as pb
from server.log.checkpoints import KnownCheckpoint
from server.log.evidence import EvidenceRow
from server.log.touched import Touched

__all__ = [
    "checkpoint_message",
    "evidence_message",
    "fitting",
    "fitting_evidence",
    "touched_message",
]

_MESSAGE_BYTES_MAX = 2 * 1024 * 1024


def evidence_message(row: EvidenceRow) -> pb.Evidence:
    """Return a piece of evidence as callers see it."""
    contradiction = row.contradiction
    return pb.Evidence(
        log=str(row.log),
        reason=row.wrong.value,
        held_note=row.held_note,
        shown_note=row.shown_note,
        shown_by=row.shown_by,
        seen_time=format_time(row.seen_time),
        root=contradiction.root if contradiction is not None else b"",
        hashes=contradiction.hashes if contradiction is not None else (),
    )


def fitting_evidence(rows: Sequence[EvidenceRow]) -> list[pb.Evidence]:
    """Return as much evidence as a message may carry, at least one piece if there is any."""
    messages = [evidence_message(row) for row in rows]
    count = len(fitting([message.SerializeToString() for message in messages]))
    return messages[:count]


def checkpoint_message(
    log: LogName, known: KnownCheckpoint, *, is_asked: bool = False
) -> pb.Checkpoint:
    """Return a checkpoint as callers see it."""
    return pb.Checkpoint(log=str(log), size=known.size, note=known.note, cosign_requested=is_asked)


def touched_message(row: Touched) -> pb.TouchedEntries:
    """Return what a bad key touched as callers see it."""
    assert row.term.tainted_time is not None, "the key was called bad"
    return pb.TouchedEntries(
        log=str(row.log),
        key_name=row.term.key.name,
        key_id=row.term.key.key_id.hex(),
        tainted_time=format_time(row.term.tainted_time),
        first_index=row.first_index,
        end_index=row.end_index,
        survived_index=row.survived_index,
        covered_index=row.covered_index,
    )


def fitting(entries: list[bytes]) -> list[bytes]:
    """Return as many entries as a message may carry, at least one."""
    total = 0
    for count, entry in enumerate(entries):
        total += len(entry)
        if total > _MESSAGE_BYTES_MAX and count:
            return entries[:count]
    return entries
