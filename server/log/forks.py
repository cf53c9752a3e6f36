"""Forks, announced: what proves that a log has two histories travels to every member.

A node that catches an author shows both signed checkpoints to all its partners on every contact,
of whatever log; each checks the signatures and the proof for itself and compares with its own tree,
keeps both, marks the log, raises its alarm, and announces it in turn. A partner's word alone marks
nothing.

A key binds its log here also when its time is over, or an author could escape what it signed by
replacing its key; one that was called bad binds nobody, or a thief could end a log.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from sqlalchemy import Connection

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.ids import LogName, all_logs
from deltacare.tlog.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, SignedCheckpoint
from deltacare.tlog.fork import Contradiction, verify_fork
from deltacare.tlog.note import SignedNote
from deltacare.trust import Trust
from deltacare.v1.log_service_pb2 import ForkProof
from server.log.board import Board
from server.log.checkpoints import CheckpointStore
from server.log.evidence import (
    EvidenceRow,
    Wrong,
    add_evidence,
    has_fork,
    list_forks,
    put_fork,
)
from server.log.known_lines import known_lines
from server.log.offers import Offer
from server.log.ports import Clock
from server.log.recovery import Confirmations
from server.log.store import Head, LogStore
from server.store.database import Database

__all__ = ["FORKS_MAX", "Forks"]

FORKS_MAX = 64

_SEEN_MAX = 1_024
_TELL_EVERY = timedelta(minutes=1)

_log = structlog.get_logger("deltacare.log")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A proof as it was shown, its signatures verified.

    Attributes:
        log: the log.
        notes: both, with the lines of known keys only.
        checkpoints: of both.
        contradiction: why they cannot both be true; ``None`` if that was not shown.
    """

    log: LogName
    notes: tuple[bytes, bytes]
    checkpoints: tuple[Checkpoint, Checkpoint]
    contradiction: Contradiction | None


@dataclass(slots=True, kw_only=True)
class _Unproven:
    """What a partner showed and did not prove.

    Attributes:
        count: proofs of which the log does not tell yet.
        told_time: when it last told.
    """

    count: int = 0
    told_time: datetime | None = None


class Forks:
    """What proves that logs are forked, at one node.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        board: what is known in memory.
        trust: members and keys.
        clock: the node's.
        confirmations: which own logs may be written.
        offer: lets the mirror look at a checkpoint; never blocks.
        announce: called when something was proven, to show it to every partner.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: LogStore,
        checkpoints: CheckpointStore,
        board: Board,
        trust: Trust,
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
        self._clock = clock
        self._confirmations = confirmations
        self._offer = offer
        self._announce = announce
        # What was proven, or cannot be: it is shown again on every contact.
        self._seen: OrderedDict[bytes, None] = OrderedDict()
        self._unproven: dict[str, _Unproven] = {}

    async def proofs(self) -> list[ForkProof]:
        """Return what every partner is shown: the first proof about each log that is forked."""
        logs = all_logs(self._trust.provinces)
        rows = await self._database.read(lambda c: list_forks(c, logs))
        found = (self._proof(row) for row in rows if row.held_note)
        return [proof for proof in found if proof is not None][:FORKS_MAX]

    async def take(self, proofs: Iterable[ForkProof], province: str) -> None:
        """Check what a partner shows, and keep what is proven; the rest says nothing."""
        refused: list[DeltacareError] = []
        for proof in list(proofs)[:FORKS_MAX]:
            # A digest, for a partner chooses how long a proof is.
            key = sha256(proof.SerializeToString(deterministic=True)).digest()
            if key in self._seen:
                continue
            try:
                is_done = await self._take(proof, province)
            except DeltacareError as error:
                refused.append(error)
                is_done = True
            if is_done:
                self._seen[key] = None
            if len(self._seen) > _SEEN_MAX:
                self._seen.popitem(last=False)
        if refused:
            self._tell(refused, province)

    def _tell(self, refused: Sequence[DeltacareError], province: str) -> None:
        """Log what a partner did not prove; in one line a minute, or it could fill the disk."""
        told = self._unproven.setdefault(province, _Unproven())
        told.count += len(refused)
        now = self._clock.now()
        if told.told_time is not None and abs(now - told.told_time) < _TELL_EVERY:
            return
        _log.warning("fork_not_proven", shown_by=province, count=told.count, error=str(refused[-1]))
        told.told_time, told.count = now, 0

    async def _take(self, proof: ForkProof, province: str) -> bool:
        """Return whether there is nothing more to learn from a proof."""
        log = LogName.parse(proof.log)
        is_held = log in self._store.held
        # Of a log that is not held one proof says all that can be said here.
        if not is_held and await self._database.read(lambda c: has_fork(c, log)):
            return True
        shown = self._verify(proof)
        if not is_held:
            await self._database.write(lambda c: self._note(c, shown, province))
            return True
        known = await self._database.read(lambda c: self._store.head(c, shown.log))
        head = await self._database.write(lambda c: self._keep(c, shown, province))
        if head is not None:
            self._board.put_heads([head])
            if shown.log.author == self._store.province:
                self._confirmations.contradict(shown.log)
            if head.version != known.version:
                self._announce()
            return True
        # Nothing held contradicts either of them: the mirror looks at what it lacks.
        if shown.log.may_hold(province):
            for note, checkpoint in zip(shown.notes, shown.checkpoints, strict=True):
                self._offer(
                    Offer(
                        log=shown.log,
                        size=checkpoint.size,
                        note=note,
                        is_asked=False,
                        province=province,
                    )
                )
        return False

    def _verify(self, proof: ForkProof) -> _Shown:
        log = LogName.parse(proof.log)
        keys = [term.key for term in self._trust.log_keys(log) if not term.is_tainted]
        if max(len(proof.first_note), len(proof.second_note)) > CHECKPOINT_BYTES_MAX:
            raise PeerFault(Reason.BAD_SIGNATURE, "A note is too long.")
        first = SignedCheckpoint.from_bytes(proof.first_note, *keys).checkpoint
        second = SignedCheckpoint.from_bytes(proof.second_note, *keys).checkpoint
        contradiction = None
        if proof.root:
            contradiction = verify_fork(first, second, proof.root, proof.hashes)
        return _Shown(
            log=log,
            notes=(
                known_lines(proof.first_note, log=log, trust=self._trust),
                known_lines(proof.second_note, log=log, trust=self._trust),
            ),
            checkpoints=(first, second),
            contradiction=contradiction,
        )

    def _note(self, connection: Connection, shown: _Shown, province: str) -> None:
        """Keep what proves a fork of a log that this node does not hold."""
        if shown.contradiction is None:
            return
        put_fork(
            connection,
            shown.log,
            held=shown.notes[0],
            shown=shown.notes[1],
            shown_by=province,
            now=self._clock.now(),
            contradiction=shown.contradiction,
        )

    def _keep(self, connection: Connection, shown: _Shown, province: str) -> Head | None:
        """Keep what proves a fork of a log that is held; ``None`` if nothing does."""
        head = self._store.lock(connection, [shown.log])[shown.log]
        held, other = shown.notes
        contradiction = shown.contradiction
        if contradiction is None:
            false = self._false_note(connection, head, shown)
            if false is None:
                return None
            held, other = head.seen_note or b"", false
        now = max(self._clock.now(), head.changed_time)
        kept = add_evidence(
            connection,
            head,
            Wrong.FORK,
            shown=other,
            shown_by=province,
            now=now,
            held=held,
            contradiction=contradiction,
        )
        return head if kept == head else self._store.save(connection, kept, now)

    def _false_note(self, connection: Connection, head: Head, shown: _Shown) -> bytes | None:
        """Return the one of two notes that is not of the tree held here."""
        for note, checkpoint in zip(shown.notes, shown.checkpoints, strict=True):
            if checkpoint.size > head.size:
                continue
            if self._store.root(connection, head.log, checkpoint.size) != checkpoint.root:
                return note
        return None

    def _proof(self, row: EvidenceRow) -> ForkProof | None:
        """Return evidence as partners are shown it."""
        notes = [SignedNote.from_bytes(note) for note in (row.held_note, row.shown_note)]
        sized = sorted((Checkpoint.from_text(note.text).size, i) for i, note in enumerate(notes))
        first, second = (notes[index] for _, index in sized)
        root = row.contradiction.root if row.contradiction is not None else b""
        hashes: Sequence[bytes] = row.contradiction.hashes if row.contradiction is not None else ()
        if sized[0][0] == sized[1][0]:
            root, hashes = Checkpoint.from_text(second.text).root, ()
        return ForkProof(
            log=str(row.log),
            first_note=first.to_bytes(),
            second_note=second.to_bytes(),
            root=root,
            hashes=hashes,
        )
