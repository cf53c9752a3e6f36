"""The witness's open door: checkpoints of partners' registry logs that anybody may bring.

Whoever brings one proves that it extends the newest that this node has verified, and gets this
witness's cosignature. The floor is that of the mirror, in the same row and under the same lock, so
that by whichever way a checkpoint comes no two histories of a log carry this witness's name.

What is brought here may be ahead of the entries held. It vouches for consistency only, as every
C2SP witness does; the mirror is told at once and fetches the entries from the author, and compares
what it finds with what was cosigned. Own logs, settlement logs and audit logs are unknown here:
nobody is his own witness, and nobody else is told that the others exist.

A proof that does not verify is evidence of nothing, because anybody can send one beside an honest
checkpoint: the mirror fetches and judges. Two signed checkpoints that contradict each other are.

Source: https://c2sp.org/tlog-witness@v1.0.0
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from deltacare.errors import (
    DeltacareError,
    PeerFault,
    Reason,
    Refusal,
    Unavailable,
    invalid_field,
)
from deltacare.ids import LogKind, LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, cosign, verify_cosignature
from deltacare.tlog.note import SignedNote, only_signature, verify_note
from deltacare.tlog.opening import open_checkpoint
from deltacare.tlog.submission import Submission, cosignature_lines, origin_hash
from deltacare.trust import Trust
from server.log.board import Board, Slot
from server.log.checkpoints import CheckpointStore, KnownCheckpoint, bare_checkpoint
from server.log.evidence import Wrong, add_evidence
from server.log.floor import Floor, Objection
from server.log.offers import Offer
from server.log.ports import Clock
from server.log.projection import Tx
from server.log.quorum import is_ahead
from server.log.recovery import Confirmations
from server.log.signing import Signing
from server.log.store import Head, LogStore
from server.log.submitted import put_submitted, submitted_note
from server.store.database import Database

__all__ = ["SHOWN_BY", "Submissions"]

SHOWN_BY = "http"
"""Who showed what is kept as evidence here: the door asks nobody for a name."""

# What was just cosigned is given again rather than signed and stored again: whoever repeats a
# request makes this node write no more often than this. Clients take cosignatures of up to 60 s.
_REPEAT_S_MAX = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What looking at a submission came to.

    Attributes:
        head: As it is now; ``None`` if nothing was written.
        line: This witness's cosignature, if there is one.
        known: The checkpoint with its cosignatures, if its entries are held.
        error: Why there is none.
        is_contradiction: Whether a signed checkpoint contradicts another, and this is news.
    """

    head: Head | None = None
    line: Cosignature | None = None
    known: KnownCheckpoint | None = None
    error: DeltacareError | None = None
    is_contradiction: bool = False


class Submissions:
    """Cosigns what anybody brings, if it extends what this node has verified.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        board: what is known in memory.
        trust: members, keys and quorums.
        signing: chooses the key of this node's witness.
        clock: the node's.
        confirmations: which logs are settled.
        offer: tells the mirror of a checkpoint; never blocks.
        announce: called when a fork was proven, to show it to every partner.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: LogStore,
        checkpoints: CheckpointStore,
        board: Board,
        trust: Trust,
        signing: Signing,
        clock: Clock,
        confirmations: Confirmations,
        offer: Callable[[Offer], None],
        announce: Callable[[], None],
    ) -> None:
        self._database = database
        self._store = store
        self._checkpoints = checkpoints
        self._board = board
        self._trust = trust
        self._signing = signing
        self._clock = clock
        self._floor = Floor(store, confirmations)
        self._offer = offer
        self._announce = announce

    async def add_checkpoint(self, submission: Submission) -> bytes:
        """Return the signature line of this witness's cosignature.

        1. The log is one that this witness knows. 2. Its key signed the checkpoint. 3. Nothing
        signed contradicts it. 4. It extends the newest that was verified, by the proof. 5. All
        of that is looked at again under the log's lock, where floor and cosignature are stored.

        Raises:
            Refusal: ``NOT_FOUND``, if the log is none that is witnessed here; ``INVALID_FIELD``,
                if the old size is larger than the checkpoint or its text is no checkpoint;
                ``ALREADY_EXISTS``, with ``cosigned_size``, if the old size is not that of the
                newest checkpoint, or that one has another root.
            PeerFault: ``BAD_SIGNATURE`` or ``KEY_NOT_IN_FORCE``, if no key that counts signed it;
                ``BAD_PROOF``, if the proof does not verify; ``FORK``, if two histories of the log
                are proven.
            Unavailable: ``LOG_NOT_CONFIRMED``, while this witness may have forgotten what it
                signed; ``KEY_NOT_IN_FORCE``, while it holds no key that counts.
        """
        # 1. and 2.
        log = self._log(submission.origin)
        signed = self._open(submission, log)
        checkpoint = signed.checkpoint
        if submission.old_size > checkpoint.size:
            raise invalid_field(
                "old", submission.old_size, f"The checkpoint has only {checkpoint.size} entries."
            )
        # 3. and 4. Most of what is refused is refused without a write.
        outcome = await self._database.read(lambda c: self._look(c, log, submission, signed))
        # 5.
        if outcome.is_contradiction or (outcome.error is None and outcome.line is None):
            outcome = await self._database.write(lambda c: self._settle(c, log, submission, signed))
            self._show(outcome)
            if outcome.is_contradiction:
                self._announce()
        self._tell_mirror(log, signed, outcome)
        if outcome.error is not None:
            raise outcome.error
        assert outcome.line is not None, "what is not refused is cosigned"
        return cosignature_lines([outcome.line.signature])

    async def cosigned(self, name: str) -> bytes:
        """Return the newest checkpoint of a log that this witness cosigned, with its signature.

        Args:
            name: SHA-256 of the log's origin, 64 hex digits in lower case.

        Raises:
            Refusal: ``NOT_FOUND``, if it cosigned none, or does not know the log.
        """
        by_hash = {origin_hash(str(log)): log for log in self._witnessed()}
        log = by_hash.get(name)
        if log is None:
            raise _unknown(name)
        note = await self._database.read(lambda c: self._newest_cosigned(c, log))
        if note is None:
            raise _unknown(str(log))
        return note

    def _witnessed(self) -> list[LogName]:
        own = self._store.province
        return [
            log for log in self._store.held if log.kind is LogKind.REGISTRY and log.author != own
        ]

    def _log(self, origin: str) -> LogName:
        try:
            log = LogName.parse(origin)
        except Refusal:
            raise _unknown(origin) from None
        if log not in self._witnessed():
            raise _unknown(origin)
        return log

    def _open(self, submission: Submission, log: LogName) -> SignedCheckpoint:
        """Return the checkpoint with the signatures of its log only."""
        try:
            opened = open_checkpoint(
                submission.note, log=log, trust=self._trust, now=self._clock.now()
            )
        except PeerFault as fault:
            if fault.reason is Reason.BAD_SIGNATURE:
                self._blame_text(submission, log)
            raise
        return bare_checkpoint(opened)

    def _blame_text(self, submission: Submission, log: LogName) -> None:
        """Raise what is wrong with a text that the log's key did sign, if it did."""
        note = SignedNote.from_bytes(submission.note)
        try:
            verify_note(note, [term.key for term in self._trust.log_keys(log)])
        except PeerFault:
            return
        try:
            Checkpoint.from_text(note.text)
        except PeerFault as fault:
            if note.text.split("\n")[1:2] == ["0"]:
                raise PeerFault(Reason.BAD_PROOF, fault.message) from None
            raise invalid_field("checkpoint", "", fault.message) from None

    def _look(
        self, connection: Connection, log: LogName, submission: Submission, signed: SignedCheckpoint
    ) -> _Outcome:
        """Judge a submission in a snapshot; writes nothing."""
        head = self._store.head(connection, log)
        objection = self._floor.objection(connection, head, submission, signed)
        if objection is not None:
            return _refused(objection)
        line = self._own_line(connection, log, signed.checkpoint)
        oldest = self._clock.now() - timedelta(seconds=_REPEAT_S_MAX)
        return _Outcome(line=line if line is not None and line.time >= oldest else None)

    def _settle(
        self, connection: Connection, log: LogName, submission: Submission, signed: SignedCheckpoint
    ) -> _Outcome:
        """Judge a submission under the log's lock, and store what follows: compare and store."""
        head = self._store.lock(connection, [log])[log]
        tx = Tx(self._store, connection, self._clock.now(), {log: head})
        objection = self._floor.objection(connection, head, submission, signed)
        if objection is not None:
            outcome = _refused(objection)
            if objection.is_contradiction:
                outcome = replace(outcome, head=self._keep_evidence(tx, head, signed))
            return outcome
        return self._cosign(tx, head, signed)

    def _keep_evidence(self, tx: Tx, head: Head, signed: SignedCheckpoint) -> Head:
        """Keep both signed checkpoints; the log is forked from now on."""
        is_ahead = signed.checkpoint.size > head.size
        kept = add_evidence(
            tx.connection,
            head,
            Wrong.FORK,
            shown=signed.to_bytes(),
            shown_by=SHOWN_BY,
            now=tx.now,
            held=submitted_note(tx.connection, head.log_id) if is_ahead else None,
        )
        return head if kept == head else self._store.save(tx.connection, kept, tx.now)

    def _cosign(self, tx: Tx, head: Head, signed: SignedCheckpoint) -> _Outcome:
        """Sign, raise the floor, and store both with the checkpoint."""
        checkpoint, signer = signed.checkpoint, self._signing.witness_if_any(tx.clock_time)
        if signer is None:
            self._signing.require_clock()
            raise Unavailable(
                Reason.KEY_NOT_IN_FORCE, "This witness holds no key that is in force."
            )
        line = cosign(checkpoint, signer, time=tx.clock_time)
        cosignature = verify_cosignature(checkpoint, line, signer.verifier)
        before = head
        head = replace(head, cosigned_size=checkpoint.size, cosigned_root=checkpoint.root)
        known: KnownCheckpoint | None = None
        if checkpoint.size <= head.size:
            is_resigned = self._checkpoints.put(tx.connection, before, signed, tx.now)
            head = self._checkpoints.add_cosignatures(
                tx.connection,
                head,
                checkpoint.size,
                [cosignature],
                tx.now,
                clock_time=tx.clock_time,
                is_resigned=is_resigned,
            )
            known = self._checkpoints.get(tx.connection, head.log, checkpoint.size)
        else:
            note = signed.with_signatures([line]).to_bytes()
            put_submitted(tx.connection, head.log_id, size=checkpoint.size, note=note)
        head = self._store.save(tx.connection, head, tx.now)
        return _Outcome(head=head, line=cosignature, known=known)

    def _own_line(
        self, connection: Connection, log: LogName, checkpoint: Checkpoint
    ) -> Cosignature | None:
        """Return the stored cosignature of a checkpoint by the key this witness signs with now."""
        signer = self._signing.witness_if_any(self._clock.now())
        if signer is None:
            return None
        key = signer.verifier
        known = self._checkpoints.get(connection, log, checkpoint.size)
        submitted = submitted_note(connection, self._store.log_id(log))
        for data in (submitted, known.note if known is not None else None):
            note = SignedNote.from_bytes(data) if data is not None else None
            if note is None or note.text != checkpoint.to_text():
                continue
            line = only_signature(note, key)
            if line is None:
                continue
            found = verify_cosignature(checkpoint, line, key)
            # What was signed while the clock was ahead is signed again: nobody takes it so.
            if not is_ahead(found.time, self._clock.now()):
                return found
        return None

    def _newest_cosigned(self, connection: Connection, log: LogName) -> bytes | None:
        known = self._checkpoints.newest_by(connection, log, self._store.province)
        submitted = submitted_note(connection, self._store.log_id(log))
        if submitted is None:
            return known.note if known is not None else None
        size = Checkpoint.from_text(SignedNote.from_bytes(submitted).text).size
        return known.note if known is not None and known.size >= size else submitted

    def _show(self, outcome: _Outcome) -> None:
        """Tell memory and watchers what was stored."""
        if outcome.head is None:
            return
        self._board.put_heads([outcome.head])
        known = outcome.known
        if known is not None and known.has_quorum and known.size >= outcome.head.quorum_size:
            self._board.show(outcome.head.log, Slot.QUORUM, known.size, known.note)

    def _tell_mirror(self, log: LogName, signed: SignedCheckpoint, outcome: _Outcome) -> None:
        """Let the mirror fetch what this checkpoint covers, and judge what was not proven."""
        head = outcome.head or self._board.heads.get(log)
        is_ahead = head is None or signed.checkpoint.size > head.size
        is_of_use = outcome.error is None or outcome.error.reason is Reason.BAD_PROOF
        if is_ahead and is_of_use:
            self._offer(
                Offer(
                    log=log,
                    size=signed.checkpoint.size,
                    note=signed.to_bytes(),
                    is_asked=False,
                    province=log.author,
                )
            )


def _refused(objection: Objection) -> _Outcome:
    return _Outcome(error=objection.error, is_contradiction=objection.is_contradiction)


def _unknown(name: str) -> Refusal:
    return Refusal(Reason.NOT_FOUND, "This witness knows no such log.", details={"log": name[:80]})
