"""What an author owes its own logs: asking for cosignatures, taking them, and staying fresh.

Issuing never waits for any of this. Which checkpoint is out for cosigning is decided by
``server.log.pacing``; this module keeps the time, the rows and the board. When a key is replaced,
the newest checkpoint of each log is signed by its successor too and cosigned again, so that nothing
rests on the old key alone.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import Connection

from deltacare.errors import PeerFault, Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.sm2 import Sm2Signer
from deltacare.times import format_time
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, cosign, verify_cosignature
from deltacare.tlog.note import SignedNote, sign_note
from deltacare.tlog.opening import open_checkpoint
from deltacare.tlog.suite_lines import SuiteLine, open_suite_lines
from deltacare.trust import Trust
from server.log.board import Board, Slot
from server.log.checkpoints import CheckpointStore, KnownCheckpoint, bare_checkpoint
from server.log.duties import attempt
from server.log.evidence import Wrong, add_evidence
from server.log.known_lines import known_lines
from server.log.pacing import Asked, Pace, next_asked
from server.log.ports import Clock
from server.log.renewal import renewal_due
from server.log.settings import LogSettings
from server.log.signing import Signing
from server.log.store import Head, LogStore
from server.log.suite import signed_line, tell_left_out
from server.store.database import Database

__all__ = ["Author"]

_alarm = structlog.get_logger("deltacare.alarm")


class Author:
    """Own logs, seen from outside.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        board: what is shown to watchers.
        trust: whose cosignatures count.
        signing: chooses own keys.
        clock: the node's.
        settings: intervals.
        is_confirmed: whether a log may be written.
        on_regression: called with a log of which a partner proves that there is more.
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
        settings: LogSettings,
        is_confirmed: Callable[[LogName], bool],
        on_regression: Callable[[Iterable[LogName]], None],
    ) -> None:
        self._database = database
        self._store = store
        self._checkpoints = checkpoints
        self._board = board
        self._trust = trust
        self._signing = signing
        self._clock = clock
        self._settings = settings
        self._is_confirmed = is_confirmed
        self._on_regression = on_regression
        self._asked: dict[LogName, Asked] = {}
        # Whose word on which log was refused last: told once until it is taken again.
        self._refused: set[tuple[LogName, str]] = set()

    async def pace(self) -> None:
        """Keep the right checkpoint out for cosigning, until cancelled."""
        own = frozenset(self._store.own)
        with self._board.subscribe() as subscriber:
            while not self._board.is_closed:
                is_waiting = any(self._is_behind(log) for log in self._asked)
                within_s = self._settings.pace_s if is_waiting else None
                changed = await subscriber.next(within_s=within_s)
                for log in sorted(own.intersection(changed or self._asked)):
                    await attempt(partial(self._ask, log), what="asking for cosignatures")

    async def freshen(self) -> None:
        """Cosign the newest checkpoint of each confirmed own log; it counts for no quorum.

        It is signed by the key that is in force now if it was not. Then cosignatures that grow old
        are asked for again.
        """
        shown = await self._database.write(self._freshen)
        self._board.put_heads(head for head, _ in shown)
        for head, known in shown:
            self._board.show(head.log, Slot.COSIGNED, known.size, known.note)
        await self._renew()

    async def add_cosignature(self, log: LogName, note: bytes, province: str) -> bool:
        """Take a witness's cosignature of an own checkpoint.

        Args:
            log: an own log.
            note: the checkpoint with the log's signature and the witness's.
            province: whose witness; the caller.

        Returns:
            Whether the checkpoint has its quorum now.

        Raises:
            Refusal: ``BAD_SIGNATURE`` or ``KEY_NOT_IN_FORCE``, if it is not that, or not by keys
                that count; ``LOG_NOT_ENTITLED``, if that province's do not count for this log.
            Unavailable: ``LOG_NOT_CONFIRMED``, if it shows that this node lost what it signed.
        """
        if province not in self._trust.witnesses(log):
            raise Refusal(
                Reason.LOG_NOT_ENTITLED,
                f"{province} is no witness of {log}.",
                details={"log": str(log)},
            )
        try:
            opened = open_checkpoint(note, log=log, trust=self._trust, now=self._clock.now())
        except PeerFault as fault:
            raise Refusal(fault.reason, fault.message, details=fault.details) from None
        now = self._clock.now()
        suite = open_suite_lines(opened.signed, log=log, trust=self._trust, now=now)
        tell_left_out(suite, log, shown_by=province)
        keys = {term.key for term in self._trust.witness_keys(province)}
        found = [each for each in opened.cosignatures if each.key in keys]
        if not found:
            if (log, province) not in self._refused:
                self._refused.add((log, province))
                _alarm.error("cosignature_refused", log=str(log), witness=province)
            raise Refusal(
                Reason.BAD_SIGNATURE,
                f"The note is not cosigned by {province} with a key that was in force then, or at "
                "a time that has not come here.",
                details={"log": str(log), "now": format_time(now)},
            )
        self._refused.discard((log, province))
        signed = bare_checkpoint(opened)
        head, known, wrong = await self._database.write(
            lambda c: self._add(c, signed, found, suite.lines, shown=note, province=province)
        )
        self._board.put_heads([head])
        if known is None:
            self._on_regression([log])
            if wrong is Wrong.FORK:
                raise Refusal(Reason.FORK, f"The note is of another history of {log}.")
            raise Unavailable(
                Reason.LOG_NOT_CONFIRMED, f"The note covers more of {log} than is held here."
            )
        slot = Slot.QUORUM if known.has_quorum else Slot.COSIGNED
        self._board.show(log, slot, known.size, known.note)
        return known.has_quorum

    def _add(
        self,
        connection: Connection,
        signed: SignedCheckpoint,
        cosignatures: Iterable[Cosignature],
        suite: Iterable[SuiteLine],
        *,
        shown: bytes,
        province: str,
    ) -> tuple[Head, KnownCheckpoint | None, Wrong | None]:
        """Store cosignatures of an own checkpoint, or evidence that it is not this history's."""
        now = self._clock.now()
        log = LogName.parse(signed.checkpoint.origin)
        head = self._store.lock(connection, [log])[log]
        checkpoint = signed.checkpoint
        if checkpoint.size > head.size:
            return head, None, None
        if self._store.root(connection, log, checkpoint.size) != checkpoint.root:
            head = add_evidence(
                connection,
                head,
                Wrong.FORK,
                shown=known_lines(shown, log=log, trust=self._trust),
                shown_by=province,
                now=now,
            )
            return self._store.save(connection, head, now), None, Wrong.FORK
        is_resigned = self._checkpoints.put(connection, head, signed, now)
        changed = self._checkpoints.add_cosignatures(
            connection,
            head,
            checkpoint.size,
            cosignatures,
            now,
            clock_time=now,
            is_resigned=is_resigned,
        )
        self._checkpoints.suite.add(connection, log, checkpoint.size, suite, now, clock_time=now)
        if changed != head:
            head = self._store.save(connection, changed, now)
        return head, self._checkpoints.get(connection, log, checkpoint.size), None

    def _freshen(self, connection: Connection) -> list[tuple[Head, KnownCheckpoint]]:
        shown: list[tuple[Head, KnownCheckpoint]] = []
        for log, locked in self._store.lock(connection, self._store.own).items():
            if not self._is_confirmed(log) or locked.is_forked:
                continue
            try:
                shown.append(self._freshen_one(connection, locked))
            except Refusal as refusal:
                if refusal.reason is Reason.KEY_NOT_IN_FORCE:
                    _alarm.error("key_not_in_force", log=str(log), **refusal.details)
                elif refusal.reason is not Reason.STALE:
                    raise
        return shown

    def _freshen_one(self, connection: Connection, locked: Head) -> tuple[Head, KnownCheckpoint]:
        clock_time = self._clock.now()
        now = max(clock_time, locked.changed_time)
        witness = self._signing.witness(clock_time)
        head, signed, is_resigned = self._newest(connection, locked, now)
        checkpoint = signed.checkpoint
        line = cosign(checkpoint, witness, time=clock_time)
        own = verify_cosignature(checkpoint, line, witness.verifier)
        head = replace(head, cosigned_size=checkpoint.size, cosigned_root=checkpoint.root)
        head = self._checkpoints.add_cosignatures(
            connection,
            head,
            checkpoint.size,
            [own],
            now,
            clock_time=clock_time,
            is_resigned=is_resigned,
        )
        head = self._store.save(connection, head, now)
        known = self._checkpoints.get(connection, head.log, checkpoint.size)
        assert known is not None, "it was stored just now"
        return head, known

    def _newest(
        self, connection: Connection, head: Head, now: datetime
    ) -> tuple[Head, SignedCheckpoint, bool]:
        """Return the newest checkpoint of an own log, signed by the key that is in force.

        An empty log gets its first. The last value says whether one was signed again.
        """
        signer = self._signing.log_signer(head.log, now)
        if head.head_note is None:
            assert head.size == 0, "a log that grew was signed"
            checkpoint = Checkpoint(origin=str(head.log), size=0, root=head.frontier.root)
            signed = SignedCheckpoint.sign(checkpoint, signer)
        else:
            keys = [term.key for term in self._trust.log_keys(head.log)]
            signed = SignedCheckpoint.from_bytes(head.head_note, *keys)
            if any(signer.verifier.matches(line) for line in signed.note.signatures):
                return head, signed, False
            signed = signed.with_signatures([sign_note(signed.note.text, signer)])
        is_resigned = self._checkpoints.put(connection, head, signed, now)
        note = signed.to_bytes()
        is_end = signed.checkpoint.size == head.size
        head = replace(head, head_note=note, seen_note=note if is_end else head.seen_note)
        return head, signed, is_resigned

    async def _renew(self) -> None:
        """Ask again for cosignatures of newest checkpoints whose quorum grows old."""
        for log, known in await self._database.read(self._aged):
            note = await self._signed_twice(log, known.size, known.note)
            # The log may have grown meanwhile: what is asked for by now must stay up.
            if (self._board.size_up(log, Slot.ASKED) or 0) <= known.size:
                self._board.show(log, Slot.ASKED, known.size, note, again=True)

    def _aged(self, connection: Connection) -> list[tuple[LogName, KnownCheckpoint]]:
        found: list[tuple[LogName, KnownCheckpoint]] = []
        now = self._clock.now()
        for log in self._store.own:
            head = self._store.head(connection, log)
            # What has no quorum yet is out for cosigning anyway.
            if not self._is_confirmed(log) or head.is_forked or head.quorum_size < head.head_size:
                continue
            lines = self._checkpoints.lines(connection, log, head.head_size)
            known = self._checkpoints.get(connection, log, head.head_size)
            if known is not None and (
                renewal_due(lines, log=log, trust=self._trust, now=now)
                or self._suite_signer(connection, log, known.size) is not None
            ):
                found.append((log, known))
        return found

    def _is_behind(self, log: LogName) -> bool:
        """Whether something newer waits behind what is out, or what should be out is not up."""
        head, size = self._board.heads.get(log), self._asked[log].size
        return head is not None and (head.head_size > size or not self._is_up(log, size))

    def _is_up(self, log: LogName, size: int) -> bool:
        """Whether a checkpoint is asked for where partners see it."""
        return self._board.size_up(log, Slot.ASKED) == size

    async def _ask(self, log: LogName) -> None:
        """Put up what is to be out for cosigning now."""
        head = self._board.heads.get(log)
        if head is None or head.is_forked:
            return
        # Read after the head: whatever is due up to it is seen.
        due = await self._database.read(lambda c: self._checkpoints.due(c, log))
        pace = Pace(
            head_size=head.head_size,
            quorum_size=head.quorum_size,
            due_sizes=[known.size for known in due],
            pace_s=self._settings.pace_s,
        )
        before = self._asked.get(log)
        asked = next_asked(pace, before, asyncio.get_running_loop().time())
        if asked is None:
            # What was asked for last stays up, for the witnesses that were away.
            self._asked.pop(log, None)
            return
        self._asked[log] = asked
        # By the board and not by memory: it may have been taken down, or never have got there.
        if self._is_up(log, asked.size):
            return
        if due:
            note = await self._signed_twice(log, due[0].size, due[0].note)
            self._board.show(log, Slot.ASKED, due[0].size, note)
        elif head.head_note is not None:
            note = await self._signed_twice(log, head.head_size, head.head_note)
            self._board.show(log, Slot.ASKED, head.head_size, note)

    async def _signed_twice(self, log: LogName, size: int, note: bytes) -> bytes:
        """Return a checkpoint that goes out for cosigning with the second suite's line as well.

        Only here: such a signature takes longer than a commit may.
        """
        if self._signing.log_suite_signer(log, self._clock.now()) is None:
            return note

        def sign(connection: Connection) -> bytes:
            now = max(self._clock.now(), self._store.lock(connection, [log])[log].changed_time)
            signer = self._suite_signer(connection, log, size)
            if signer is not None:
                checkpoint = Checkpoint.from_text(SignedNote.from_bytes(note).text)
                line = signed_line(checkpoint, signer)
                self._checkpoints.suite.add(
                    connection, log, size, [line], now, clock_time=self._clock.now()
                )
            known = self._checkpoints.get(connection, log, size)
            assert known is not None, "what goes out is stored"
            return known.note

        return await self._database.write(sign)

    def _suite_signer(self, connection: Connection, log: LogName, size: int) -> Sm2Signer | None:
        """Return the key of the second suite that has yet to sign a checkpoint of an own log."""
        signer = self._signing.log_suite_signer(log, self._clock.now())
        if signer is None:
            return None
        is_signed = self._checkpoints.suite.has(connection, log, size, signer.verifier)
        return None if is_signed else signer
