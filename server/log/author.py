"""What an author owes its own logs: asking for cosignatures, taking them, and staying fresh.

Issuing never waits for any of this. Which checkpoint is out for cosigning is decided by
``server.log.pacing``; this module keeps the time, the rows and the board.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from deltacare.errors import PeerFault, Reason, Refusal, Unavailable
from deltacare.ids import LogName
from deltacare.tlog.checkpoint import Checkpoint, SignedCheckpoint
from deltacare.tlog.cosignature import Cosignature, cosign, verify_cosignature, verify_cosignatures
from deltacare.trust import Trust
from server.log.board import Board, Slot
from server.log.checkpoints import CheckpointStore, KnownCheckpoint
from server.log.duties import attempt
from server.log.evidence import Wrong, add_evidence
from server.log.pacing import Asked, Pace, next_asked
from server.log.ports import Clock
from server.log.settings import LogSettings, Signers
from server.log.store import Head, LogStore
from server.store.database import Database

__all__ = ["Author"]


class Author:
    """Own logs, seen from outside.

    Args:
        database: this node's.
        store: entries and heads.
        checkpoints: what is signed about them.
        board: what is shown to watchers.
        trust: whose cosignatures count.
        signers: own keys.
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
        signers: Signers,
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
        self._signers = signers
        self._clock = clock
        self._settings = settings
        self._is_confirmed = is_confirmed
        self._on_regression = on_regression
        self._asked: dict[LogName, Asked] = {}

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
        """Cosign the newest checkpoint of each confirmed own log; it counts for no quorum."""
        shown = await self._database.write(self._freshen)
        self._board.put_heads(head for head, _ in shown)
        for head, known in shown:
            self._board.show(head.log, Slot.COSIGNED, known.size, known.note)

    async def add_cosignature(self, log: LogName, note: bytes, province: str) -> bool:
        """Take a witness's cosignature of an own checkpoint.

        Args:
            log: an own log.
            note: the checkpoint with the log's signature and the witness's.
            province: whose witness; the caller.

        Returns:
            Whether the checkpoint has its quorum now.

        Raises:
            Refusal: ``BAD_SIGNATURE``, if it is not that; ``LOG_NOT_ENTITLED``, if that
                province's cosignatures do not count for this log.
            Unavailable: ``LOG_NOT_CONFIRMED``, if it shows that this node lost what it signed.
        """
        if province not in self._trust.witnesses(log):
            raise Refusal(
                Reason.LOG_NOT_ENTITLED,
                f"{province} is no witness of {log}.",
                details={"log": str(log)},
            )
        try:
            signed = SignedCheckpoint.from_bytes(note, self._trust.log_key(log))
            found = verify_cosignatures(signed, [self._trust.witness_key(province)])
        except PeerFault as fault:
            raise Refusal(Reason.BAD_SIGNATURE, fault.message) from None
        if not found:
            raise Refusal(Reason.BAD_SIGNATURE, f"The note is not cosigned by {province}.")
        head, known, wrong = await self._database.write(
            lambda c: self._add(c, log, signed, found, province)
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
        log: LogName,
        signed: SignedCheckpoint,
        cosignatures: Iterable[Cosignature],
        province: str,
    ) -> tuple[Head, KnownCheckpoint | None, Wrong | None]:
        """Store cosignatures of an own checkpoint, or evidence that it is not this history's."""
        now = self._clock.now()
        head = self._store.lock(connection, [log])[log]
        checkpoint = signed.checkpoint
        if checkpoint.size > head.size:
            return head, None, None
        if self._store.root(connection, log, checkpoint.size) != checkpoint.root:
            head = add_evidence(
                connection, head, Wrong.FORK, shown=signed.to_bytes(), shown_by=province, now=now
            )
            return self._store.save(connection, head, now), None, Wrong.FORK
        self._checkpoints.put(connection, head, signed, now)
        changed = self._checkpoints.add_cosignatures(
            connection, head, checkpoint.size, cosignatures, now
        )
        if changed != head:
            head = self._store.save(connection, changed, now)
        return head, self._checkpoints.get(connection, log, checkpoint.size), None

    def _freshen(self, connection: Connection) -> list[tuple[Head, KnownCheckpoint]]:
        shown: list[tuple[Head, KnownCheckpoint]] = []
        for log, locked in self._store.lock(connection, self._store.own).items():
            if not self._is_confirmed(log) or locked.is_forked:
                continue
            now = max(self._clock.now(), locked.changed_time)
            head, signed = self._newest(connection, locked)
            checkpoint = signed.checkpoint
            line = cosign(checkpoint, self._signers.witness, time=now)
            own = verify_cosignature(checkpoint, line, self._signers.witness.verifier)
            head = replace(head, cosigned_size=checkpoint.size, cosigned_root=checkpoint.root)
            head = self._checkpoints.add_cosignatures(connection, head, checkpoint.size, [own], now)
            head = self._store.save(connection, head, now)
            known = self._checkpoints.get(connection, log, checkpoint.size)
            assert known is not None, "it was stored just now"
            shown.append((head, known))
        return shown

    def _newest(self, connection: Connection, head: Head) -> tuple[Head, SignedCheckpoint]:
        """Return the newest checkpoint of an own log; an empty log gets its first."""
        if head.head_note is not None:
            key = self._trust.log_key(head.log)
            return head, SignedCheckpoint.from_bytes(head.head_note, key)
        assert head.size == 0, "a log that grew was signed"
        checkpoint = Checkpoint(origin=str(head.log), size=0, root=head.frontier.root)
        signed = SignedCheckpoint.sign(checkpoint, self._signers.logs[head.log])
        self._checkpoints.put(connection, head, signed, head.changed_time)
        note = signed.to_bytes()
        return replace(head, head_note=note, seen_note=note), signed

    def _is_behind(self, log: LogName) -> bool:
        """Whether something newer waits behind what is out."""
        head = self._board.heads.get(log)
        return head is not None and head.head_size > self._asked[log].size

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
        if before is not None and before.size == asked.size:
            return
        if due:
            self._board.show(log, Slot.ASKED, due[0].size, due[0].note)
        elif head.head_note is not None:
            self._board.show(log, Slot.ASKED, head.head_size, head.head_note)
