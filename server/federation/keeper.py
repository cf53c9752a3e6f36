"""Keeps the node's trust confirmed: learns statements, and makes each hour's timestamp.

A round takes in what people installed into the directory meanwhile, asks every partner, takes newer
statements from whoever has them, and sees to it that the present hour's timestamp is here: made
together with a partner, or taken from one. Rounds come every few seconds and at each full hour, and
quickly while they do not succeed. Nothing is believed that ``server.federation.ledger`` and the TUF
client did not verify.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from clients.federation.store import TIMESTAMP_FILE
from deltacare.errors import DeltacareError, PeerFault, Reason, Unavailable
from deltacare.trust.roles import (
    Role,
    timestamp_bytes,
    timestamp_hour,
    verify_timestamp,
    with_signature,
)
from deltacare.v1.federation_service_pb2 import (
    GetTimestampSignatureRequest,
    GetTrustFileRequest,
    GetTrustStatusRequest,
    GetTrustStatusResponse,
)
from server.federation.fetching import Read, accept_timestamp
from server.federation.learning import (
    TrustPeer,
    contradicts,
    fetch_file,
    fetch_news,
    is_news,
    names_another,
)
from server.federation.ledger import NOTICE_RULE, Known
from server.federation.notes import PartnerAnswer, TrustNotes
from server.federation.room import TrustRoom
from server.federation.trust import next_hour

__all__ = ["Clock", "KeeperSettings", "TrustKeeper", "TrustPeers"]

_log = structlog.get_logger("deltacare.federation")
_alarm = structlog.get_logger("deltacare.alarm")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the present instant, in UTC."""
        ...


class TrustPeers(Protocol):
    """The way to the partners."""

    def trust_peer(self, province: str) -> TrustPeer:
        """Return a partner."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeeperSettings:
    """How often and how long.

    Attributes:
        interval_s: Between rounds that succeed.
        backoff_s_min: First pause after one that did not; doubles up to `interval_s`.
        call_s_max: For each call to a partner.
        learn_s_max: For everything that one partner has to tell.
        alarm_s: Between alarms about the same thing.
        avoid_s: For which no statement is fetched from a partner whose last was refused.
    """

    interval_s: float = 20.0
    backoff_s_min: float = 0.2
    call_s_max: float = 5.0
    learn_s_max: float = 30.0
    alarm_s: float = 600.0
    avoid_s: float = 60.0


class TrustKeeper:
    """Keeps one node's trust confirmed.

    Args:
        room: Its trust.
        peers: The way to the partners.
        clock: The node's.
        settings: How often.
    """

    def __init__(
        self,
        room: TrustRoom,
        *,
        peers: TrustPeers,
        clock: Clock,
        settings: KeeperSettings | None = None,
    ) -> None:
        self._province = room.province
        self._store = room.store
        self._ledger = room.ledger
        self._trust = room.trust
        self._signer = room.signer
        self._peers = peers
        self._clock = clock
        self._settings = settings or KeeperSettings()
        self._notes = TrustNotes(alarm_s=self._settings.alarm_s, avoid_s=self._settings.avoid_s)
        self._learning = asyncio.Lock()
        self._accepting = asyncio.Lock()
        self._offering = asyncio.Lock()
        self._heard = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def partners(self) -> Mapping[str, PartnerAnswer]:
        """How each partner answered last, by province, ascending."""
        return self._notes.partners(self._partner_codes)

    @property
    def _partner_codes(self) -> tuple[str, ...]:
        return tuple(p for p in self._trust.provinces if p != self._province)

    def is_clock_off(self) -> bool:
        """Whether partners show that this node's clock is wrong; see `TrustNotes.is_clock_off`."""
        return self._notes.is_clock_off(self._clock.now())

    async def start(self) -> None:
        """Begin to keep it."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def heard(self, now: datetime) -> None:
        """Take note that a partner called: if the hour's timestamp is wanting, ask it at once."""
        if self._trust.state.hour_at(now) < timestamp_hour(now):
            self._heard.set()

    async def _run(self) -> None:
        """Run rounds until cancelled."""
        pause_s = self._settings.backoff_s_min
        while True:
            self._heard.clear()
            try:
                is_good = await self.round()
            except Exception as error:  # noqa: BLE001  # trust goes on being kept, whatever happened
                _alarm.error(
                    "trust_round_failed", error=type(error).__name__, text=str(error)[:300]
                )
                is_good = False
            now = self._clock.now()
            if is_good:
                pause_s = self._settings.backoff_s_min
                left_s = (next_hour(now) - now).total_seconds() + self._settings.backoff_s_min / 4
                wait_s = min(self._settings.interval_s, left_s)
            else:
                wait_s = pause_s
                pause_s = min(self._settings.interval_s, pause_s * 2)
            # Never without a pause, whoever calls.
            await asyncio.sleep(self._settings.backoff_s_min)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s - self._settings.backoff_s_min):
                    await self._heard.wait()
                    # The way back may take a moment longer.
                    pause_s = self._settings.backoff_s_min

    async def round(self) -> bool:
        """Ask every partner, learn what is new, and have the present hour's timestamp.

        Returns:
            Whether a partner answered and the present hour's timestamp is here.
        """
        now = self._clock.now()
        codes = self._partner_codes
        # 1. What people installed, and everybody's state.
        async with self._offering:
            await self._take_installed()
        asked = await asyncio.gather(*(self._ask(code, now) for code in codes))
        answers = {c: a for c, a in zip(codes, asked, strict=True) if a is not None}
        # 2. Statements that are not known here.
        for code, answer in answers.items():
            if is_news(answer, self._ledger):
                await self.learn(code)
        # 3. The present hour's timestamp.
        hour = timestamp_hour(now)
        if self._trust.state.hour_at(now) < hour:
            await self._confirm(hour, answers)
        # 4. How it went. A partner may be a little ahead, and so may what it helped to make.
        known = self._trust.state.hour or 0
        is_good = bool(answers) and hour <= known <= hour + 1
        shown = [answer.timestamp_hour for answer in answers.values()]
        self._trust.note_future(is_from_future=max(shown, default=0) > hour + 1)
        if len(answers) == len(codes) and not any(
            contradicts(answer, self._ledger) for answer in answers.values()
        ):
            self._ledger.settle()
        self._trust.note_signed_twice(is_signed_twice=self._ledger.is_signed_twice)
        if is_good:
            self._trust.note_refresh(now)
        self._notes.watch(self._trust.state, self._clock.now())
        if self.is_clock_off():
            self._notes.alarm("clock_off", self._clock.now())
        return is_good

    async def learn(self, province: str) -> None:
        """Take the statements of a partner that are not known here, if they verify."""
        async with self._learning:
            if self._notes.is_avoided(province, self._clock.now()):
                return
            try:
                async with asyncio.timeout(self._settings.learn_s_max):
                    files = await fetch_news(
                        self._peers.trust_peer(province),
                        self._ledger,
                        self._store,
                        call_s_max=self._settings.call_s_max,
                    )
                if files:
                    await self._offer_of(province, files)
            except TimeoutError:
                self._note(province, _silent())
                self._notes.avoid(province, self._clock.now())
            except DeltacareError as error:
                self._note(province, error)
                self._notes.avoid(province, self._clock.now())

    async def _offer_of(self, province: str, files: dict[str, bytes]) -> None:
        """Offer a partner's files, with its timestamp if they come too late to be seen in time."""
        try:
            await self.offer(files)
        except PeerFault as error:
            if error.details.get("rules") != NOTICE_RULE:
                raise
            data = await fetch_file(
                self._peers.trust_peer(province),
                TIMESTAMP_FILE,
                Role.TIMESTAMP,
                call_s_max=self._settings.call_s_max,
            )
            if data is None:
                raise
            await self.offer({**files, TIMESTAMP_FILE: data})

    async def offer(self, files: Mapping[str, bytes]) -> Known:
        """Verify and keep files that somebody brought; see `TrustLedger.offer`."""
        async with self._offering:
            await self._take_installed()
            before = self._ledger.newest.version
            newest = await asyncio.to_thread(self._ledger.offer, files, now=self._clock.now())
        if newest.version != before:
            _log.info("trust_learned", version=newest.version, root=newest.statement.root.version)
        return newest

    async def _take_installed(self) -> None:
        """Take in what people installed into the directory; nobody offers anything meanwhile."""
        ledger, now = self._ledger, self._clock.now()
        try:
            if await asyncio.to_thread(ledger.take_installed, now=now):
                newest = ledger.newest
                root = newest.statement.root.version
                _log.info("trust_installed", version=newest.version, root=root)
        except DeltacareError as error:
            self._notes.alarm(
                "trust_installed_refused",
                now,
                version=self._store.newest(),
                reason=error.reason.name,
                text=error.message,
            )

    # The hour's timestamp. -----------------------------------------------------------------------

    async def _confirm(self, hour: int, answers: Mapping[str, GetTrustStatusResponse]) -> None:
        """Make the hour's timestamp with a partner, or take the newest that one has."""
        if answers:
            made = await self._make(hour, tuple(answers))
            if made is not None and await self._accept(made, None):
                return
        for code, answer in sorted(answers.items(), key=lambda item: -item[1].timestamp_hour):
            if answer.timestamp_hour <= self._trust.state.hour_at(self._clock.now()):
                continue
            try:
                data = await fetch_file(
                    self._peers.trust_peer(code),
                    TIMESTAMP_FILE,
                    Role.TIMESTAMP,
                    call_s_max=self._settings.call_s_max,
                )
                if data is None:
                    continue
                await self._check(code, data)
            except DeltacareError as error:
                self._note(code, error)
                continue
            if await self._accept(data, code):
                break

    async def _check(self, province: str, data: bytes) -> None:
        """Check a partner's timestamp; what only waits here makes room for what it names."""
        try:
            self._ledger.check_timestamp(data, now=self._clock.now())
        except DeltacareError as error:
            ledger = self._ledger
            if self._trust.state.hour is None or not names_another(error, ledger):
                raise
            try:
                async with self._learning, asyncio.timeout(self._settings.learn_s_max):
                    files = await fetch_news(
                        self._peers.trust_peer(province),
                        ledger,
                        self._store,
                        call_s_max=self._settings.call_s_max,
                        instead=True,
                    )
            except TimeoutError:
                raise _silent() from None
            async with self._offering:
                await asyncio.to_thread(ledger.replace, files, data, now=self._clock.now())
            ledger.check_timestamp(data, now=self._clock.now())

    async def _make(self, hour: int, partners: tuple[str, ...]) -> bytes | None:
        """Return the hour's timestamp once enough nodes signed it, ``None`` if too few do."""
        now = self._clock.now()
        try:
            known = self._signer.choice(hour)
            own = await asyncio.to_thread(
                self._signer.sign, hour=hour, sha256=known.sha256, now=now
            )
        except DeltacareError as error:
            if error.reason is Reason.KEY_NOT_IN_FORCE:
                self._notes.alarm("trust_not_signed", now, reason=error.reason.name)
            return None
        root = self._ledger.newest_root
        data = timestamp_bytes(hour, known.snapshot)
        key = root.key(self._province)
        assert key is not None, "a key of ours signed"
        data = with_signature(data, key=key.timestamp, signature=own)
        request = GetTimestampSignatureRequest(
            hour=hour, snapshot_version=known.version, snapshot_sha256=bytes.fromhex(known.sha256)
        )
        tasks = [asyncio.create_task(self._signature(p, request)) for p in partners]
        try:
            for coming in asyncio.as_completed(tasks):
                province, signature = await coming
                stated = root.key(province)
                if signature is None or stated is None:
                    continue
                try:
                    data = with_signature(data, key=stated.timestamp, signature=signature)
                    verify_timestamp(root, data, now=now)
                except DeltacareError as error:
                    if error.reason is Reason.BAD_SIGNATURE:
                        self._note(province, error)
                    continue
                return data
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return None

    async def _signature(
        self, province: str, request: GetTimestampSignatureRequest
    ) -> tuple[str, bytes | None]:
        try:
            async with asyncio.timeout(self._settings.call_s_max):
                peer = self._peers.trust_peer(province)
                return province, await peer.get_timestamp_signature(request)
        except TimeoutError:
            self._note(province, _silent())
            return province, None
        except DeltacareError as error:
            self._note(province, error)
            return province, None

    async def _accept(self, data: bytes, province: str | None) -> bool:
        """Accept a timestamp by way of the TUF client, and go by what it puts in force."""
        async with self._accepting:
            now = self._clock.now()
            try:
                timestamp, known = self._ledger.check_timestamp(data, now=now)
                if timestamp.hour <= self._trust.state.hour_at(now):
                    return False
                sources: tuple[Read, ...] = (self._store.read,)
                if province is not None:
                    sources = (*sources, self._reading_from(province))
                await asyncio.to_thread(self._accept_now, data, sources, now)
            except DeltacareError as error:
                self._note(province or self._province, error)
                return False
            self._trust.confirm(known, hour=timestamp.hour)
            return True

    def _accept_now(self, data: bytes, sources: tuple[Read, ...], now: datetime) -> None:
        """Let the TUF client accept a timestamp, and keep it; blocks."""
        accept_timestamp(
            data,
            pinned=self._store.pinned(),
            directory=self._store.client_directory,
            sources=sources,
            now=now,
        )
        self._ledger.put_in_force(data, now=now)

    def _reading_from(self, province: str) -> Read:
        """Return how a thread reads a partner's files over this loop's connection."""
        loop = asyncio.get_running_loop()

        async def fetch(path: str) -> bytes:
            return await self._peers.trust_peer(province).get_trust_file(
                GetTrustFileRequest(path=path)
            )

        def read(path: str) -> bytes:
            future = asyncio.run_coroutine_threadsafe(fetch(path), loop)
            return future.result(self._settings.call_s_max)

        return read

    # Partners. -----------------------------------------------------------------------------------

    async def _ask(self, province: str, now: datetime) -> GetTrustStatusResponse | None:
        """Return a partner's state, ``None`` if it does not answer."""
        try:
            async with asyncio.timeout(self._settings.call_s_max):
                answer = await self._peers.trust_peer(province).get_trust_status(
                    GetTrustStatusRequest()
                )
        except TimeoutError:
            self._note(province, _silent())
            return None
        except DeltacareError as error:
            self._note(province, error)
            return None
        self._notes.answered(province, answer, now)
        return answer

    def _note(self, province: str, error: DeltacareError) -> None:
        """Note why a partner, or what it said, was refused."""
        self._notes.refused(province, error, self._clock.now())


def _silent() -> Unavailable:
    return Unavailable(Reason.DEADLINE_EXCEEDED, "The partner does not answer in time.")
