"""Links to partners: one task each, which watches, exchanges, and comes back after a break.

While a partner's stream of checkpoints is up, what it shows is dealt with as it arrives; when it
is down the partner is polled. On every contact both sides show the newest checkpoint they hold of
every log that both may hold, whoever wrote it, and what proves that a log is forked. Pauses double
up to a minute, with jitter, so that partners that went down together do not come back together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial

import structlog

from deltacare.errors import DeltacareError, Refusal
from deltacare.ids import LogName
from deltacare.v1.log_service_pb2 import (
    Checkpoint,
    ExchangeCheckpointsRequest,
    WatchCheckpointsRequest,
)
from server.log.duties import attempt
from server.log.forks import Forks
from server.log.mirror import Mirror, Outcome
from server.log.offers import Offer
from server.log.ports import Clock, Entropy, Peer
from server.log.recovery import Confirmations
from server.log.settings import LogSettings

__all__ = ["Inbox", "Link", "offer_of"]

_INBOX_MAX = 64

_Key = tuple[int, str, bytes]
"""Size, who showed it, and the text that is signed."""

_log = structlog.get_logger("deltacare.log")


def offer_of(checkpoint: Checkpoint, province: str, held: Sequence[LogName]) -> Offer | None:
    """Return what a partner shows, ``None`` if it is of no log that both may hold.

    Only a log's author can ask for cosignatures.
    """
    try:
        log = LogName.parse(checkpoint.log)
    except Refusal:
        return None
    if log not in held or not log.may_hold(province):
        return None
    return Offer(
        log=log,
        size=checkpoint.size,
        note=checkpoint.note,
        is_asked=checkpoint.cosign_requested and log.author == province,
        province=province,
    )


class Inbox:
    """What was shown of each log and waits to be dealt with, smallest first.

    A plain head is overtaken by any larger one; what asks, or carries cosignatures, is kept, and so
    are two texts of one size: one of them is a lie, which must not hide behind the other. One task
    a log, so that a slow log holds up no other.
    """

    def __init__(self, mirror: Mirror, held: Iterable[LogName]) -> None:
        self._mirror = mirror
        self._waiting: dict[LogName, dict[_Key, Offer]] = {log: {} for log in held}
        self._is_news = {log: asyncio.Event() for log in self._waiting}

    def put(self, offer: Offer) -> None:
        """Take note of an offer; never blocks."""
        waiting = self._waiting[offer.log]
        key = (offer.size, offer.province, offer.note.partition(b"\n\n")[0])
        held = waiting.get(key)
        if held is not None and held.is_asked and not offer.is_asked:
            # It still asks; what was signed beside it since must not be lost for that.
            if _line_count(offer) <= _line_count(held):
                return
            offer = replace(offer, is_asked=True)
        waiting[key] = offer
        # Whoever shows too much pushes out what it showed itself, nobody else's word.
        same = [k for k in sorted(waiting) if waiting[k].province == offer.province]
        if len(same) > _INBOX_MAX:
            del waiting[next((k for k in same if not waiting[k].is_asked), same[0])]
        self._is_news[offer.log].set()

    async def run(self, log: LogName) -> None:
        """Deal with what is shown of one log, until cancelled."""
        waiting, is_news = self._waiting[log], self._is_news[log]
        while True:
            await is_news.wait()
            is_news.clear()
            while waiting:
                # If it fails the partner shows it again at the next contact.
                await attempt(partial(self._mirror.take, self._next(waiting)), what="mirroring")

    def _next(self, waiting: dict[_Key, Offer]) -> Offer:
        largest = max(waiting)[0]
        for key in sorted(waiting):
            offer = waiting.pop(key)
            is_plain = not offer.is_asked and _line_count(offer) <= 1
            if offer.size == largest or not is_plain:
                return offer
        raise AssertionError("the largest is always taken")


def _line_count(offer: Offer) -> int:
    """Return how many lines sign what is offered, before any is read."""
    return offer.note.count(b"\n\xe2\x80\x94 ")


class Link:
    """The way to one partner.

    Args:
        province: the partner.
        peer: calls it.
        inbox: takes what it shows.
        mirror: deals with what must be known before going on.
        confirmations: told what the partner confirmed.
        held: logs held here.
        newest: makes what this node shows the partner.
        forks: proof that logs are forked, shown and taken.
        clock: the node's.
        entropy: for jitter.
        settings: intervals.
    """

    def __init__(
        self,
        *,
        province: str,
        peer: Peer,
        inbox: Inbox,
        mirror: Mirror,
        confirmations: Confirmations,
        held: Sequence[LogName],
        newest: Callable[[str], Awaitable[list[Checkpoint]]],
        forks: Forks,
        on_settled: Callable[[], None],
        clock: Clock,
        entropy: Entropy,
        settings: LogSettings,
    ) -> None:
        self.province = province
        self.is_connected = False
        self.last_contact_time: datetime | None = None
        self._peer = peer
        self._inbox = inbox
        self._mirror = mirror
        self._confirmations = confirmations
        self._held = held
        self._newest = newest
        self._forks = forks
        self._on_settled = on_settled
        self._clock = clock
        self._entropy = entropy
        self._settings = settings
        self._is_answering = False
        self._kick = asyncio.Event()
        self._pause_s = settings.backoff_s_min

    def kick(self) -> None:
        """Exchange now rather than when it is time."""
        self._kick.set()

    async def run(self) -> None:
        """Keep the link up, until cancelled."""
        while True:
            self._is_answering = False
            await attempt(self._contact, what="link")
            self.is_connected = False
            longest_s = (
                self._settings.poll_s if self._is_answering else self._settings.backoff_s_max
            )
            await self._rest(min(self._pause_s, longest_s))
            self._pause_s = min(self._pause_s * 2, self._settings.backoff_s_max)

    async def _contact(self) -> None:
        """Exchange, then watch until the link breaks."""
        try:
            await self.exchange()
            self._is_answering = True
            await self._watch()
        except DeltacareError as error:
            _log.info("link_down", partner=self.province, error=str(error))

    async def exchange(self) -> None:
        """Show what is held here, and deal with what the partner holds.

        Raises:
            DeltacareError: the partner did not answer.
        """
        request = ExchangeCheckpointsRequest(
            checkpoints=await self._newest(self.province), forks=await self._forks.proofs()
        )
        response = await self._peer.exchange_checkpoints(request)
        self._touch()
        await self._forks.take(response.forks, self.province)
        offers = [offer_of(c, self.province, self._held) for c in response.checkpoints]
        shown = [offer for offer in offers if offer is not None]
        for log in self._held:
            if not log.may_hold(self.province):
                continue
            if self._confirmations.is_settled(log):
                for offer in (o for o in shown if o.log == log):
                    self._inbox.put(offer)
            else:
                await self._confirm(log, [o for o in shown if o.log == log])

    async def _confirm(self, log: LogName, shown: Sequence[Offer]) -> None:
        """Take all that a partner holds of a log, then count its word."""
        for offer in sorted(shown, key=lambda o: o.size):
            if await self._mirror.take(offer) is not Outcome.HELD:
                return
        if self._confirmations.confirm(log, self.province):
            self._on_settled()

    async def _watch(self) -> None:
        """Read the partner's stream while exchanging now and then, until either breaks."""
        exchanging = asyncio.create_task(self._exchange_often())
        watching = asyncio.create_task(self._read_stream())
        try:
            done, _ = await asyncio.wait(
                (exchanging, watching), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            exchanging.cancel()
            watching.cancel()
            # Not one by one with their errors suppressed: that would swallow our own ending.
            await asyncio.gather(exchanging, watching, return_exceptions=True)

    async def _read_stream(self) -> None:
        async for checkpoint in self._peer.watch_checkpoints(WatchCheckpointsRequest()):
            self.is_connected = True
            self._pause_s = self._settings.backoff_s_min
            self._touch()
            offer = offer_of(checkpoint, self.province, self._held)
            if offer is not None:
                self._inbox.put(offer)

    async def _exchange_often(self) -> None:
        while True:
            await self._rest(self._settings.exchange_s)
            await self.exchange()

    async def _rest(self, longest_s: float) -> None:
        """Wait between half the time and all of it, or until kicked."""
        share = int.from_bytes(self._entropy.token(4), "big") / 2**32
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s * (0.5 + share / 2)):
                await self._kick.wait()
        self._kick.clear()

    def _touch(self) -> None:
        self.last_contact_time = self._clock.now()
