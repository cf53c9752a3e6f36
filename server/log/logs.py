"""The log room of one node, put together: what ``server.app`` makes and the rooms above use."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from deltacare.ids import LogName
from deltacare.trust import Trust
from server.log.author import Author
from server.log.board import Board, Slot
from server.log.checkpoints import CheckpointStore
from server.log.duties import attempt, repeat
from server.log.forks import Forks
from server.log.judging import judge_anew
from server.log.links import Inbox, Link
from server.log.mirror import Mirror
from server.log.ports import (
    AttachmentStore,
    Clock,
    Entropy,
    LogReader,
    Peers,
    Projector,
    Rehearser,
    Sequencer,
)
from server.log.projection import Projection, Tx
from server.log.public import PublicLogs
from server.log.quorum import judgement
from server.log.reader import Reader
from server.log.recovery import Confirmations
from server.log.sequencer import GroupSequencer
from server.log.service import LogServicer
from server.log.settings import LogSettings, Signers
from server.log.signing import Signing
from server.log.store import Head, LogStore
from server.log.submissions import Submissions
from server.store.database import Database

__all__ = ["Health", "HeldLogHealth", "Logs", "PartnerState"]

_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLogHealth:
    """How one log is held here; see ``deltacare.v1.HeldLog``."""

    log: LogName
    size: int
    quorum_size: int
    fresh_time: datetime | None
    is_stalled: bool
    evidence_count: int
    fork_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerState:
    """How a partner is; see ``deltacare.v1.PartnerHealth``."""

    province: str
    is_connected: bool
    last_contact_time: datetime | None
    logs: tuple[HeldLogHealth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the logs and partners of this node are.

    Attributes:
        partners: by province, ascending.
        unconfirmed: own logs that may not be written yet, ascending.
        own: own logs, ascending.
    """

    partners: tuple[PartnerState, ...]
    unconfirmed: tuple[LogName, ...]
    own: tuple[HeldLogHealth, ...]


class Logs:
    """Own logs and mirrors of one node.

    Args:
        database: this node's, with its tables in place.
        trust: members, keys and quorums.
        province: this node's.
        signers: keys of own logs and of the witness.
        clock: the node's.
        entropy: for jitter.
        peers: ways to partners.
        projectors: in the order of their rooms, from the ground up.
        attachments: keeps what travels beside entries.
        settings: limits and intervals.
        is_clock_off: whether this node's clock is known to be wrong now.
    """

    def __init__(
        self,
        *,
        database: Database,
        trust: Trust,
        province: str,
        signers: Signers,
        clock: Clock,
        entropy: Entropy,
        peers: Peers,
        projectors: Sequence[Projector],
        attachments: AttachmentStore,
        settings: LogSettings | None = None,
        is_clock_off: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings or LogSettings()
        self._database = database
        self._clock = clock
        self._trust = trust
        self._signing = Signing(signers, trust, province, is_clock_off=is_clock_off)
        self._store = LogStore(trust, province)
        self._checkpoints = CheckpointStore(self._store, trust)
        self._projection = Projection(projectors, self._store)
        self._board = Board()
        self._confirmations = Confirmations(
            trust,
            province,
            write_unconfirmed=self._settings.write_unconfirmed,
            on_lost=self._ask_again,
        )
        self._reader = Reader(
            database=database,
            store=self._store,
            checkpoints=self._checkpoints,
            board=self._board,
            clock=clock,
            refresh_s=self._settings.refresh_s,
            on_regression=self._lose,
        )
        self._sequencer = GroupSequencer(
            database=database,
            store=self._store,
            checkpoints=self._checkpoints,
            projection=self._projection,
            signing=self._signing,
            request_mac_key=signers.request_mac_key,
            clock=clock,
            settings=self._settings,
            is_confirmed=self._confirmations.is_writable,
            board=self._board,
            on_commit=self._board.put_heads,
            on_regression=self._lose,
        )
        self._author = Author(
            database=database,
            store=self._store,
            checkpoints=self._checkpoints,
            board=self._board,
            trust=trust,
            signing=self._signing,
            clock=clock,
            settings=self._settings,
            is_confirmed=self._confirmations.is_writable,
            on_regression=self._lose,
        )
        self._mirror = Mirror(
            database=database,
            store=self._store,
            checkpoints=self._checkpoints,
            projection=self._projection,
            attachments=attachments,
            board=self._board,
            trust=trust,
            signing=self._signing,
            peers=peers,
            clock=clock,
            settings=self._settings,
            confirmations=self._confirmations,
            announce=self._ask_again,
        )
        self._inbox = Inbox(self._mirror, self._store.held)
        self._forks = Forks(
            database=database,
            store=self._store,
            checkpoints=self._checkpoints,
            board=self._board,
            trust=trust,
            clock=clock,
            confirmations=self._confirmations,
            offer=self._inbox.put,
            announce=self._ask_again,
        )
        self._submissions = Submissions(
            database=database,
            store=self._store,
            checkpoints=self._checkpoints,
            board=self._board,
            trust=trust,
            signing=self._signing,
            clock=clock,
            confirmations=self._confirmations,
            offer=self._inbox.put,
            announce=self._ask_again,
        )
        self._public = PublicLogs(
            database=database, store=self._store, checkpoints=self._checkpoints
        )
        self._service = LogServicer(
            database=database,
            store=self._store,
            checkpoints=self._checkpoints,
            attachments=attachments,
            board=self._board,
            reader=self._reader,
            author=self._author,
            trust=trust,
            forks=self._forks,
            offer=self._inbox.put,
            relay_s=self._settings.relay_s,
        )
        self._followed: tuple[int, tuple[bytes, ...]] | None = None
        self._is_settled = asyncio.Event()
        self._links = [
            Link(
                province=partner,
                peer=peers.peer(partner),
                inbox=self._inbox,
                mirror=self._mirror,
                confirmations=self._confirmations,
                held=self._store.held,
                newest=self._service.newest_for,
                forks=self._forks,
                on_settled=self._is_settled.set,
                clock=clock,
                entropy=entropy,
                settings=self._settings,
            )
            for partner in trust.provinces
            if partner != province
        ]
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def sequencer(self) -> Sequencer:
        """Appends to own logs."""
        return self._sequencer

    @property
    def rehearser(self) -> Rehearser:
        """Does so and undoes it."""
        return self._sequencer

    @property
    def reader(self) -> LogReader:
        """Reads of the logs held."""
        return self._reader

    @property
    def service(self) -> LogServicer:
        """The gRPC service, as a plain class."""
        return self._service

    @property
    def submissions(self) -> Submissions:
        """The witness's open door."""
        return self._submissions

    @property
    def public(self) -> PublicLogs:
        """What anybody may read."""
        return self._public

    async def start(self) -> None:
        """Learn what is held, project what is not projected yet, and begin to follow partners.

        Returns before partners have answered: until then own logs are only read.
        """
        await self._database.write(lambda c: self._store.open(c, self._clock.now()))
        self._board.put_heads(await self._resume())
        await self._judge_anew()
        await self._sequencer.start()
        settings = self._settings
        if settings.write_unconfirmed:
            await self._author.freshen()
        duties = [
            self._author.pace(),
            repeat(self._author.freshen, every_s=settings.freshness_s, what="freshness"),
            repeat(self._watch_age, every_s=settings.freshness_s, what="age of logs"),
            repeat(self._reader.refresh, every_s=settings.refresh_s, what="refreshing"),
            repeat(self._follow_trust, every_s=settings.refresh_s, what="following trust"),
            self._freshen_settled(),
            *(self._inbox.run(log) for log in self._store.held),
            *(link.run() for link in self._links),
        ]
        self._tasks = [asyncio.create_task(duty, name="log-duty") for duty in duties]

    def drain(self) -> None:
        """End every stream of checkpoints and of changes; the edge waits for them."""
        self._board.close()

    async def stop(self) -> None:
        """Finish the writes that wait, end every stream, and leave the partners."""
        self.drain()
        await self._sequencer.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def health(self) -> Health:
        """Return how the logs and partners are, from memory."""
        partners = tuple(
            PartnerState(
                province=link.province,
                is_connected=link.is_connected,
                last_contact_time=link.last_contact_time,
                logs=self._held_by(link.province),
            )
            for link in self._links
        )
        unconfirmed = tuple(
            log for log in self._store.own if not self._confirmations.is_writable(log)
        )
        own = self._held_by(self._store.province)
        return Health(partners=partners, unconfirmed=unconfirmed, own=own)

    async def rebuild(self, log: LogName) -> None:
        """Forget what a log brought to the tables and project it anew from its entries.

        In one transaction: nobody sees it half done. Nothing else is written meanwhile.
        """

        def work(connection: Connection) -> Head:
            head = self._store.lock(connection, [log])[log]
            tx = Tx(self._store, connection, self._clock.now(), {log: head})
            return self._store.save(connection, self._projection.rebuild(tx, head), tx.now)

        self._board.put_heads([await self._database.write(work)])

    def _held_by(self, author: str) -> tuple[HeldLogHealth, ...]:
        heads = self._board.heads
        return tuple(
            HeldLogHealth(
                log=log,
                size=head.size,
                quorum_size=head.quorum_size,
                fresh_time=head.fresh_time,
                is_stalled=head.is_stalled,
                evidence_count=head.evidence_count,
                # What marks the log is counted even if no row could be kept of it.
                fork_count=max(head.fork_count, int(head.is_forked)),
            )
            for log in self._store.held
            if log.author == author and (head := heads.get(log)) is not None
        )

    async def _resume(self) -> list[Head]:
        """Project what an older version stored without knowing what it says."""

        def work(connection: Connection) -> list[Head]:
            heads = self._store.lock(connection, self._store.held)
            result: list[Head] = []
            for log, head in heads.items():
                if head.projected_size == head.size:
                    result.append(head)
                    continue
                tx = Tx(self._store, connection, self._clock.now(), {log: head})
                resumed = self._projection.resume(tx, head)
                result.append(self._store.save(connection, resumed, tx.now))
            return result

        return await self._database.write(work)

    async def _follow_trust(self) -> None:
        """Act on what the members stated since: keys that came into force, and keys called bad."""
        version = self._trust.version
        chosen = self._signing.chosen(self._store.own, self._clock.now())
        if (version, chosen) == self._followed:
            return
        await self._judge_anew()
        await self._author.freshen()
        self._followed = (version, chosen)

    async def _judge_anew(self) -> None:
        """Judge stored checkpoints by quorums and taints that changed since they were stored."""

        def work(connection: Connection) -> list[Head]:
            found: list[Head] = []
            for log, known in self._store.heads(connection).items():
                if known.judgement == judgement(log, self._trust):
                    continue
                head = self._store.lock(connection, [log])[log]
                now = max(self._clock.now(), head.changed_time)
                judged = judge_anew(connection, head, trust=self._trust, now=now)
                found.append(self._store.save(connection, judged, now))
                if judged.quorum_size < known.quorum_size:
                    _alarm.error(
                        "quorum_lost",
                        log=str(log),
                        quorum_size=judged.quorum_size,
                        was=known.quorum_size,
                    )
            return found

        for head in await self._database.write(work):
            self._board.put_heads([head])
            self._board.withdraw(head.log, Slot.QUORUM)

    def _lose(self, logs: Iterable[LogName]) -> None:
        """There is more of some own logs than the database holds: ask partners again."""
        lost = list(logs)
        for log in lost:
            self._board.drop(log)
        self._confirmations.lose(log for log in lost if log in self._store.own)

    def _ask_again(self) -> None:
        for link in self._links:
            link.kick()

    async def _freshen_settled(self) -> None:
        """Sign and cosign own logs as soon as partners have confirmed them."""
        while True:
            await self._is_settled.wait()
            self._is_settled.clear()
            await attempt(self._author.freshen, what="freshness")

    async def _watch_age(self) -> None:
        """Raise the alarm when a partner's log has not been known to be current for long."""
        limit = timedelta(seconds=self._settings.stale_alarm_s)
        now = self._clock.now()
        for log, head in self._board.heads.items():
            is_own = log.author == self._store.province
            if is_own or head.fresh_time is None or now - head.fresh_time <= limit:
                continue
            _alarm.error("log_not_fresh", log=str(log), fresh_time=head.fresh_time.isoformat())
