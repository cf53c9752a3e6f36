"""What a witness verified last of a log, and whether a checkpoint that is brought extends it.

Synchronous and inside the caller's transaction; writes nothing. The floor is that of the mirror, in
the same row. What follows from the answer (a cosignature, evidence) is for
``server.log.submissions``.
"""

from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from deltacare.errors import DeltacareError, PeerFault, Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.proof import verify_consistency
from deltacare.tlog.submission import Submission
from deltacare.tlog.tree import EMPTY_ROOT
from server.log import tables
from server.log.evidence import Wrong
from server.log.recovery import Confirmations
from server.log.store import Head, LogStore
from server.log.witness import Witnessed, may_cosign

__all__ = ["Floor", "Objection", "with_floor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """What stands against cosigning a checkpoint.

    Attributes:
        error: Why it is not cosigned.
        is_contradiction: Whether it contradicts another signed checkpoint, and this is news.
    """

    error: DeltacareError
    is_contradiction: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """The newest checkpoint of a log that this node has verified, cosigned or held."""

    size: int
    root: bytes


class Floor:
    """Says what stands against cosigning.

    Args:
        store: entries and heads.
        confirmations: which logs are settled.
    """

    def __init__(self, store: LogStore, confirmations: Confirmations) -> None:
        self._store = store
        self._confirmations = confirmations

    def objection(
        self, connection: Connection, head: Head, submission: Submission, signed: SignedCheckpoint
    ) -> Objection | None:
        """Return what stands against cosigning, if anything does.

        Args:
            connection: inside a transaction; what is cosigned is judged under the log's lock.
            head: of the log, as it is in this transaction.
            submission: what was brought.
            signed: its checkpoint, signed by the log.
        """
        checkpoint = signed.checkpoint
        is_contradiction = self._contradicts(connection, head, checkpoint)
        base = self._base(connection, head)
        try:
            self._check(connection, head, base, submission, checkpoint)
        except DeltacareError as error:
            is_news = is_contradiction and not _is_kept(connection, head, signed)
            return Objection(error=error, is_contradiction=is_news)
        assert not is_contradiction, "what contradicts does not pass"
        return None

    def _check(
        self,
        connection: Connection,
        head: Head,
        base: _Base,
        submission: Submission,
        checkpoint: Checkpoint,
    ) -> None:
        # 1. A witness that may have forgotten what it signed waits for its partners.
        if not self._confirmations.is_settled(head.log):
            raise Unavailable(
                Reason.LOG_NOT_CONFIRMED,
                "This witness is finding out what it cosigned before it started.",
                details={"log": str(head.log)},
            )
        # 2. No history of a forked log is vouched for.
        if head.is_forked:
            raise _forked(head.log)
        # 3. The sender knows what was verified last, and it is not another of the same size.
        is_other = checkpoint.size == base.size and checkpoint.root != base.root
        if submission.old_size != base.size or is_other:
            raise Refusal(
                Reason.ALREADY_EXISTS,
                f"The newest checkpoint of {head.log} here has {base.size} entries"
                + (" and another root." if is_other else "."),
                details={"log": str(head.log), "cosigned_size": str(base.size)},
            )
        # 4. The checkpoint extends it.
        verify_consistency(
            submission.proof,
            old_size=base.size,
            old_root=base.root,
            size=checkpoint.size,
            root=checkpoint.root,
        )
        # 5. So does the tree that is held, as far as it goes, and neither passes the floor by.
        if self._contradicts(connection, head, checkpoint) or not may_cosign(
            checkpoint, self._witnessed_before(connection, head)
        ):
            raise _forked(head.log)

    def _base(self, connection: Connection, head: Head) -> _Base:
        """Return what a checkpoint must extend: the floor, or what is held if that is more."""
        floor_size = head.cosigned_size or 0
        if head.head_size > floor_size:
            root = self._store.root(connection, head.log, head.head_size)
            return _Base(size=head.head_size, root=root)
        return _Base(size=floor_size, root=head.cosigned_root or EMPTY_ROOT)

    def _contradicts(self, connection: Connection, head: Head, checkpoint: Checkpoint) -> bool:
        """Whether a signed checkpoint cannot be of one log with what is held or was cosigned."""
        if checkpoint.size <= head.size:
            root = self._store.root(connection, head.log, checkpoint.size)
            return root != checkpoint.root
        return checkpoint.size == head.cosigned_size and checkpoint.root != head.cosigned_root

    def _witnessed_before(self, connection: Connection, head: Head) -> Witnessed:
        size = head.cosigned_size
        # Ahead of the entries, the proof has just led from the floor to the checkpoint.
        held_root = head.cosigned_root
        if size is not None and size <= head.size:
            held_root = self._store.root(connection, head.log, size)
        return Witnessed(
            is_forked=head.is_forked,
            is_settled=self._confirmations.is_settled(head.log),
            cosigned_size=size,
            cosigned_root=head.cosigned_root,
            held_root=held_root,
        )


def _is_kept(connection: Connection, head: Head, signed: SignedCheckpoint) -> bool:
    """Whether a checkpoint that contradicts is evidence already."""
    rows = tables.evidence.c
    query = select(rows.evidence_id).where(
        rows.log == str(head.log),
        rows.reason == Wrong.FORK.value,
        rows.shown_note == signed.to_bytes(),
    )
    return head.is_forked and connection.execute(query).first() is not None


def with_floor(head: Head, signed: SignedCheckpoint) -> Head:
    """Return the head with what this witness cosigned, as it now knows."""
    checkpoint = signed.checkpoint
    if head.cosigned_size is not None and head.cosigned_size >= checkpoint.size:
        return head
    return replace(head, cosigned_size=checkpoint.size, cosigned_root=checkpoint.root)


def _forked(log: LogName) -> PeerFault:
    return PeerFault(Reason.FORK, f"{log} has shown two histories.", details={"log": str(log)})
