"""Mirrors of partners' logs: every checkpoint that is shown is compared with the tree held here.

Life of a checkpoint that somebody shows:
1. Its note is signed by a key of the log that counts, and members' cosignatures are verified.
2. No larger than what is held: the root must be that of the tree held at that size.
3. Larger: the entries are pulled from whoever showed it, in messages of many; each message is
   proven to lead from what is held to the checkpoint before anything of it is stored or parsed.
4. Entries, tree, rows, checkpoint and cosignature are stored in one transaction.
5. This witness cosigns if the author itself asked, and hands the cosignature over.
A history that does not extend what is held is refused, both signed checkpoints are kept, and the
node goes on. Own logs go the same way: what partners hold of them and we lack is taken back.
"""

import asyncio
import enum
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from deltacare.errors import DeltacareError, PeerFault, Reason, Refusal
from deltacare.ids import LogName
from deltacare.keys import SALT_BYTES
from deltacare.tlog.checkpoint import SignedCheckpoint
from deltacare.tlog.cosignature import cosign, verify_cosignature
from deltacare.tlog.fork import Contradiction
from deltacare.tlog.note import SignedNote
from deltacare.tlog.opening import OpenedCheckpoint
from deltacare.trust import Trust
from deltacare.v1.log_service_pb2 import AddCosignatureRequest
from server.log.board import Board, Slot
from server.log.checkpoints import (
    CheckpointStore,
    KnownCheckpoint,
    bare_note,
)
from server.log.contradiction import contradiction_with
from server.log.evidence import Wrong, add_evidence
from server.log.floor import with_floor
from server.log.known_lines import known_lines
from server.log.offers import Offer, VerifiedOffer, open_offer
from server.log.ports import AttachmentStore, Clock, Peers
from server.log.projection import Projection, Tx
from server.log.pull import Pulled, judge, pull
from server.log.recovery import Confirmations
from server.log.renewal import is_worth_renewing
from server.log.settings import LogSettings
from server.log.signing import Signing
from server.log.store import Head, LogStore
from server.log.submitted import compare_floor
from server.log.suite import cosigned_line, tell_left_out
from server.log.witness import Witnessed, may_cosign
from server.store.database import Database

__all__ = ["Mirror", "Outcome"]

_SEEN_MAX = 4_096

_log = structlog.get_logger("deltacare.log")


class Outcome(enum.Enum):
    """What became of a checkpoint that was shown."""

    HELD = "held"
    """All it covers is held here."""
    REFUSED = "refused"
    """It does not verify, or contradicts what is held; evidence is kept."""
    FAILED = "failed"
    """What it covers could not be had now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """What a transaction left.

    Attributes:
        head: as stored.
        known: the checkpoint with all cosignatures known.
        is_forked: whether the checkpoint contradicts the tree that is held.
        is_fresher: whether the author's own cosignature is news.
    """

    head: Head
    known: KnownCheckpoint | None
    is_forked: bool = False
    is_fresher: bool = False


class _MovedError(Exception):
    """Another replica stored entries meanwhile: look again."""


class Mirror:
    """The logs of one node, followed.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        projection: turns entries into rows.
        attachments: keeps what travels beside entries.
        board: what is known in memory.
        trust: keys and quorums.
        signing: chooses the key of this node's witness.
        peers: ways to partners.
        clock: the node's.
        settings: limits.
        confirmations: which logs are settled.
        announce: called when a fork was proven, to show it to every partner.
    """

    def __init__(
        self,
        *,
        database: Database,
        store: LogStore,
        checkpoints: CheckpointStore,
        projection: Projection,
        attachments: AttachmentStore,
        board: Board,
        trust: Trust,
        signing: Signing,
        peers: Peers,
        clock: Clock,
        settings: LogSettings,
        confirmations: Confirmations,
        announce: Callable[[], None],
    ) -> None:
        self._database = database
        self._store = store
        self._checkpoints = checkpoints
        self._projection = projection
        self._attachments = attachments
        self._board = board
        self._trust = trust
        self._signing = signing
        self._peers = peers
        self._clock = clock
        self._settings = settings
        self._confirmations = confirmations
        self._announce = announce
        self._locks = {log: asyncio.Lock() for log in store.held}
        # Notes that were dealt with and bring nothing again: most arrive by several ways.
        self._seen: OrderedDict[bytes, Outcome] = OrderedDict()
        # Why authors last did not take this witness's word: what stays so is told once.
        self._undelivered: dict[LogName, Reason] = {}

    async def take(self, offer: Offer) -> Outcome:
        """Deal with a checkpoint that was shown; see the module."""
        async with self._locks[offer.log]:
            fingerprint = _fingerprint(offer, self._trust.version)
            seen = self._seen.get(fingerprint)
            if seen is not None and not offer.is_asked:
                return seen
            try:
                outcome = await self._take(offer)
            except _MovedError:
                outcome = await self._take(offer)
            if outcome is not Outcome.FAILED:
                self._seen[fingerprint] = outcome
                if len(self._seen) > _SEEN_MAX:
                    self._seen.popitem(last=False)
            return outcome

    async def _take(self, offer: Offer) -> Outcome:
        # 1. Signatures.
        shown = await self._open(offer)
        if isinstance(shown, Outcome):
            return shown
        head, is_known = await self._database.read(lambda c: self._look(c, offer.log, shown))
        if is_known and not shown.is_asked:
            return Outcome.HELD
        stored = await self._get(shown, head)
        if isinstance(stored, Outcome):
            return stored
        self._show(stored)
        if stored.is_forked:
            self._on_fork(offer.log)
            return Outcome.REFUSED
        # 5. Hand over.
        if shown.is_asked and stored.known is not None:
            await self._hand_over(offer, stored.known)
        return Outcome.HELD

    async def _open(self, offer: Offer) -> VerifiedOffer | Outcome:
        """Return an offer whose signatures count, or what became of it."""
        now = self._clock.now()
        try:
            shown = open_offer(offer, trust=self._trust, now=now)
        except PeerFault as fault:
            if fault.reason is not Reason.KEY_NOT_IN_FORCE:
                await self._keep_evidence(offer, Wrong.BAD_SIGNATURE)
                return Outcome.REFUSED
            # A key whose time is to come, or that was called bad: nothing that its log says.
            _log.warning("checkpoint_not_counted", log=str(offer.log), shown_by=offer.province)
            return Outcome.FAILED
        if shown.opened.left_out:
            names = ", ".join(shown.opened.left_out)
            _log.warning("cosignature_not_counted", log=str(offer.log), witnesses=names)
        tell_left_out(shown.suite, offer.log, shown_by=offer.province)
        is_asked = shown.is_asked and await self._is_lacking(shown.opened, offer.log, now)
        return replace(shown, is_asked=is_asked)

    async def _get(self, shown: VerifiedOffer, head: Head) -> _Stored | Outcome:
        """Store what an offer brings, and what is lacking for it; or return what became of it."""
        offer, signed = shown.offer, shown.signed
        is_own = offer.log.author == self._store.province
        is_longer = signed.checkpoint.size > head.size
        if is_longer and shown.is_past and not is_own:
            _log.warning("checkpoint_not_counted", log=str(offer.log), shown_by=offer.province)
            return Outcome.FAILED
        try:
            if not is_longer:
                # 2. Compare with what is held.
                return await self._database.write(lambda c: self._compare(c, shown))
            if is_own and self._confirmations.is_writable(offer.log):
                self._confirmations.lose([offer.log])
            # 3. and 4. Pull what is lacking.
            return await self._catch_up(shown, head)
        except PeerFault as fault:
            _log.warning("pull_not_proven", log=str(offer.log), shown_by=offer.province)
            wrong = await self._judge(offer, signed, fault)
            return Outcome.FAILED if wrong is None else Outcome.REFUSED
        except DeltacareError as error:
            _log.info("pull_failed", log=str(offer.log), partner=offer.province, error=str(error))
            return Outcome.FAILED

    async def _is_lacking(self, opened: OpenedCheckpoint, log: LogName, now: datetime) -> bool:
        """Whether this witness's cosignature, by the key it signs with now, is absent or old.

        Its line of the second suite is made once: an author that cannot check it never shows it.
        """
        signer = self._signing.witness_if_any(now)
        if signer is None:
            with suppress(Refusal):
                self._signing.require_clock()
                _log.error("key_not_in_force", key="witness")
            return False
        own = [c.time for c in opened.cosignatures if c.key == signer.verifier]
        if not own or is_worth_renewing(own[0], opened.keys, trust=self._trust, now=now):
            return True
        sm2 = self._signing.witness_suite_signer(now)
        if sm2 is None or any(sm2.verifier.matches(s) for s in opened.signed.note.signatures):
            return False
        key, size, suite = sm2.verifier, opened.checkpoint.size, self._checkpoints.suite
        return not await self._database.read(lambda c: suite.has(c, log, size, key))

    def _look(
        self, connection: Connection, log: LogName, shown: VerifiedOffer
    ) -> tuple[Head, bool]:
        """Return the head, and whether the checkpoint is true and brings nothing to store."""
        head = self._store.head(connection, log)
        checkpoint = shown.signed.checkpoint
        if checkpoint.size > head.head_size:
            return head, False
        known = self._checkpoints.get(connection, log, checkpoint.size)
        if known is not None:
            note = SignedNote.from_bytes(known.note)
            lines = {*shown.signed.note.signatures, *(c.signature for c in shown.cosignatures)}
            suite = self._checkpoints.suite.news(
                connection,
                log,
                checkpoint.size,
                shown.suite.lines,
                clock_time=self._clock.now(),
            )
            is_same = note.text == shown.signed.note.text
            return head, is_same and lines <= {*note.signatures} and not suite
        # A head between two that were stored: true or not, but not worth a row.
        root = self._store.root(connection, log, checkpoint.size)
        return head, not shown.cosignatures and root == checkpoint.root

    async def _catch_up(self, shown: VerifiedOffer, head: Head) -> _Stored:
        """Pull and store, part by part, until the checkpoint is reached."""
        offer = shown.offer
        tree = await self._database.read(lambda c: self._store.tree(c, head))
        parts = pull(
            self._peers.peer(offer.province),
            offer.log,
            shown.signed.checkpoint,
            tree,
            entries_max=self._settings.pull_entries_max,
            bytes_max=self._settings.pull_bytes_max,
        )
        stored: _Stored | None = None
        async for part in parts:
            stored = await self._database.write(partial(self._store_part, shown=shown, part=part))
            if stored.known is None:
                self._show(stored)
        assert stored is not None, "a pull brings entries or raises"
        return stored

    def _store_part(self, connection: Connection, *, shown: VerifiedOffer, part: Pulled) -> _Stored:
        """Store proven entries with everything that follows from them."""
        log, signed = shown.offer.log, shown.signed
        head = self._store.lock(connection, [log])[log]
        if head.size != part.first_index:
            raise _MovedError
        tx = Tx(self._store, connection, self._clock.now(), {log: head})
        self._store.append_entries(connection, head, part.datas, tx.now)
        self._store.write_tiles(connection, head.log_id, part.tiles)
        frontier = part.tree.frontier
        head = replace(head, size=frontier.size, frontier=frontier, seen_note=bare_note(signed))
        head = compare_floor(
            tx,
            self._store,
            head,
            first_index=part.first_index,
            shown=bare_note(signed),
            shown_by=shown.offer.province,
        )
        tx.heads[log] = head
        salts = {i: s for i, s in part.salts.items() if len(s) == SALT_BYTES}
        if salts:
            self._attachments.write(tx, log, salts)
        head = self._projection.run_bytes(tx, head, part.datas)
        if frontier.size < signed.checkpoint.size:
            return _Stored(head=self._store.save(connection, head, tx.now), known=None)
        return self._keep(tx, head, shown, is_changed=True)

    def _compare(self, connection: Connection, shown: VerifiedOffer) -> _Stored:
        """Keep a checkpoint over entries that are held, or the proof that it lies."""
        offer, checkpoint = shown.offer, shown.signed.checkpoint
        head = self._store.lock(connection, [offer.log])[offer.log]
        tx = Tx(self._store, connection, self._clock.now(), {offer.log: head})
        if self._store.root(connection, offer.log, checkpoint.size) == checkpoint.root:
            if shown.is_past:
                return _Stored(head=head, known=None)
            return self._keep(tx, head, shown, is_changed=False)
        held, contradiction = contradiction_with(
            connection, head, checkpoint, store=self._store, checkpoints=self._checkpoints
        )
        forked = add_evidence(
            connection,
            head,
            Wrong.FORK,
            shown=known_lines(offer.note, log=offer.log, trust=self._trust),
            shown_by=offer.province,
            now=tx.now,
            held=held,
            contradiction=contradiction,
        )
        head = self._store.save(connection, forked, tx.now)
        return _Stored(head=head, known=None, is_forked=True)

    def _keep(self, tx: Tx, before: Head, shown: VerifiedOffer, *, is_changed: bool) -> _Stored:
        """Keep a checkpoint that is true of the tree held, its cosignatures, and perhaps ours.

        Args:
            tx: has locked the log.
            before: its head; differs from the database's if ``is_changed``.
            shown: the checkpoint.
            is_changed: whether the head must be saved in any case.
        """
        signed, checkpoint = shown.signed, shown.signed.checkpoint
        head = before
        if head.head_note is None or checkpoint.size > head.head_size:
            note = bare_note(signed)
            head = replace(head, head_size=checkpoint.size, head_note=note)
            if head.size == checkpoint.size:
                head = replace(head, seen_note=note)
        is_resigned = self._checkpoints.put(tx.connection, before, signed, tx.now)
        found, suite = list(shown.cosignatures), list(shown.suite.lines)
        signer = self._signing.witness_if_any(tx.clock_time)
        if any(self._signing.is_own_witness(c.key) for c in found):
            head = with_floor(head, signed)
        if shown.is_asked and signer is not None and self._may_cosign(tx, head, signed):
            line = cosign(checkpoint, signer, time=tx.clock_time)
            found.append(verify_cosignature(checkpoint, line, signer.verifier))
            head = with_floor(head, signed)
            sm2 = self._signing.witness_suite_signer(tx.clock_time)
            if sm2 is not None:
                suite.append(cosigned_line(checkpoint, sm2, time=tx.clock_time))
        fresh_time = head.fresh_time
        head = self._checkpoints.add_cosignatures(
            tx.connection,
            head,
            checkpoint.size,
            found,
            tx.now,
            clock_time=tx.clock_time,
            is_resigned=is_resigned,
        )
        self._checkpoints.suite.add(
            tx.connection, head.log, checkpoint.size, suite, tx.now, clock_time=tx.clock_time
        )
        is_fresher = head.fresh_time != fresh_time
        if is_changed or head != before:
            head = self._store.save(tx.connection, head, tx.now)
        known = self._checkpoints.get(tx.connection, head.log, checkpoint.size)
        return _Stored(head=head, known=known, is_fresher=is_fresher)

    def _may_cosign(self, tx: Tx, head: Head, signed: SignedCheckpoint) -> bool:
        cosigned_size = head.cosigned_size
        held_root = None
        if cosigned_size is not None and cosigned_size <= head.size:
            held_root = self._store.root(tx.connection, head.log, cosigned_size)
        known = Witnessed(
            is_forked=head.is_forked,
            is_settled=self._confirmations.is_settled(head.log),
            cosigned_size=cosigned_size,
            cosigned_root=head.cosigned_root,
            held_root=held_root,
        )
        return may_cosign(signed.checkpoint, known)

    def _show(self, stored: _Stored) -> None:
        """Tell memory and watchers what was stored."""
        self._board.put_heads([stored.head])
        if stored.known is None:
            return
        if stored.known.has_quorum and stored.known.size >= stored.head.quorum_size:
            self._board.show(stored.head.log, Slot.QUORUM, stored.known.size, stored.known.note)
        elif stored.is_fresher:
            self._board.show(stored.head.log, Slot.COSIGNED, stored.known.size, stored.known.note)

    async def _hand_over(self, offer: Offer, known: KnownCheckpoint) -> None:
        """Send this witness's cosignature to the author; it asks again until it has it."""
        now = self._clock.now()
        signer, sm2 = self._signing.witness_if_any(now), self._signing.witness_suite_signer(now)
        note = SignedNote.from_bytes(known.note)
        own = [s for s in note.signatures if signer is not None and signer.verifier.matches(s)]
        if not own:
            return
        own += [s for s in note.signatures if sm2 is not None and sm2.verifier.matches(s)]
        lines = (*(s for s in note.signatures if s.name == str(offer.log)), *own)
        note = SignedNote(text=note.text, signatures=lines)
        request = AddCosignatureRequest(log=str(offer.log), note=note.to_bytes())
        try:
            await self._peers.peer(offer.log.author).add_cosignature(request)
        except DeltacareError as error:
            is_told = self._undelivered.get(offer.log) == error.reason
            self._undelivered[offer.log] = error.reason
            tell = _log.info if is_told or error.retryable else _log.error
            tell("cosignature_not_delivered", log=str(offer.log), error=str(error))
        else:
            self._undelivered.pop(offer.log, None)

    async def _judge(
        self, offer: Offer, signed: SignedCheckpoint, fault: PeerFault
    ) -> Wrong | None:
        """Find out whether a history that did not verify is a fork or a bad copy; keep proof."""
        if fault.reason is not Reason.BAD_PROOF:
            return None
        head = await self._database.read(lambda c: self._store.head(c, offer.log))
        try:
            found = await judge(
                self._peers.peer(offer.province), offer.log, signed.checkpoint, head.frontier
            )
        except PeerFault:
            found = None
        except DeltacareError:
            return None
        if found is None:
            await self._keep_evidence(offer, Wrong.BAD_PROOF)
            return Wrong.BAD_PROOF
        # What was signed here reaches as far as what was compared, unless the mirror was behind.
        is_shown = head.head_size == head.size
        await self._keep_evidence(
            offer,
            Wrong.FORK,
            held=head.head_note if is_shown else None,
            contradiction=found if is_shown else None,
        )
        self._on_fork(offer.log)
        return Wrong.FORK

    def _on_fork(self, log: LogName) -> None:
        """Stop writing an own log that is forked, and let every partner know of any."""
        if log.author == self._store.province:
            self._confirmations.contradict(log)
        self._announce()

    async def _keep_evidence(
        self,
        offer: Offer,
        wrong: Wrong,
        *,
        held: bytes | None = None,
        contradiction: Contradiction | None = None,
    ) -> None:
        shown = offer.note
        if wrong is not Wrong.BAD_SIGNATURE:
            shown = known_lines(offer.note, log=offer.log, trust=self._trust)

        def keep(connection: Connection) -> Head:
            head = self._store.lock(connection, [offer.log])[offer.log]
            now = max(self._clock.now(), head.changed_time)
            kept = add_evidence(
                connection,
                head,
                wrong,
                shown=shown,
                shown_by=offer.province,
                now=now,
                held=held,
                contradiction=contradiction,
            )
            return head if kept == head else self._store.save(connection, kept, now)

        self._board.put_heads([await self._database.write(keep)])


def _fingerprint(offer: Offer, version: int) -> bytes:
    head = f"{version}\n{offer.province}\n"
    return hashlib.sha256(head.encode() + offer.note).digest()
