"""A network inside the process: partners call each other's log service directly, with faults.

Messages are serialised and parsed on the way, as on a wire. A fault is a fact about the way from
one node to another and holds until it is taken back.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, TypeVar

from google.protobuf.message import Message

from deltacare.errors import Reason, Unavailable
from deltacare.ids import Principal
from deltacare.purposes import Purpose
from deltacare.v1 import log_service_pb2 as pb
from server.edge.call import Call, Disclosures
from server.log.ports import Clock

__all__ = ["Network", "NetworkPeers"]

M = TypeVar("M", bound=Message)


class Network:
    """Who answers, and which ways are broken.

    Attributes:
        services: by province the log service that answers; a missing one is a node that is down.
        calls: how often each (caller, callee, method) was called.
    """

    def __init__(self, clock: Clock) -> None:
        self.services: dict[str, Any] = {}
        self.calls: Counter[tuple[str, str, str]] = Counter()
        self._clock = clock
        self._cut: set[frozenset[str]] = set()
        self._delays_s: dict[frozenset[str], float] = {}
        self._drops: Counter[tuple[str, str, str]] = Counter()
        self._breaks: dict[frozenset[str], asyncio.Event] = {}

    def peers(self, province: str) -> "NetworkPeers":
        """Return the partners of a node: ``server.log.ports.Peers``."""
        return NetworkPeers(self, province)

    def cut(self, one: str, other: str) -> None:
        """Let nothing pass between two nodes, and break the streams between them."""
        self._cut.add(frozenset((one, other)))
        self.break_streams(one, other)

    def heal(self, one: str, other: str) -> None:
        """Let everything pass again."""
        self._cut.discard(frozenset((one, other)))

    def isolate(self, province: str) -> None:
        """Cut a node off from every other that answers."""
        for other in list(self.services):
            if other != province:
                self.cut(province, other)

    def delay(self, one: str, other: str, seconds: float) -> None:
        """Let every message between two nodes take so long; 0 for none."""
        self._delays_s[frozenset((one, other))] = seconds

    def drop(self, caller: str, callee: str, method: str, times: int = 1) -> None:
        """Lose the next calls of a method, such as ``add_cosignature``."""
        self._drops[caller, callee, method] += times

    def break_streams(self, one: str, other: str) -> None:
        """End every stream between two nodes."""
        pair = frozenset((one, other))
        self._breaks.pop(pair, asyncio.Event()).set()

    def remove(self, province: str) -> None:
        """Take a node down: nobody answers, and its streams end."""
        self.services.pop(province, None)
        for pair in [p for p in self._breaks if province in p]:
            self._breaks.pop(pair).set()

    async def enter(self, caller: str, callee: str, method: str) -> Any:
        """Return the service that answers a call, or raise as a network does."""
        self.calls[caller, callee, method] += 1
        pair = frozenset((caller, callee))
        delay_s = self._delays_s.get(pair, 0.0)
        await asyncio.sleep(delay_s)
        is_dropped = self._drops[caller, callee, method] > 0
        if is_dropped:
            self._drops[caller, callee, method] -= 1
        if is_dropped or pair in self._cut or callee not in self.services:
            raise _unreachable(callee)
        return self.services[callee]

    def call(self, caller: str, method: str) -> Call:
        """Return what the callee's edge would say of a call."""
        peer = Principal(province=caller, role="peer", opaque_id=f"node-{caller}")
        name = "".join(part.capitalize() for part in method.split("_"))
        is_salted = method == "read_entries"
        return Call(
            caller=peer,
            method=f"/deltacare.v1.LogService/{name}",
            now=self._clock.now(),
            purpose=Purpose.HOLDER_CHECK if is_salted else None,
            disclosures=Disclosures() if is_salted else None,
        )

    async def stream(self, caller: str, callee: str, source: AsyncIterator[M]) -> AsyncIterator[M]:
        """Yield a stream's messages until it ends or the way breaks."""
        pair = frozenset((caller, callee))
        broken = asyncio.ensure_future(self._breaks.setdefault(pair, asyncio.Event()).wait())
        coming: asyncio.Task[M | None] | None = None
        try:
            while True:
                coming = asyncio.ensure_future(_next(source))
                await asyncio.wait((coming, broken), return_when=asyncio.FIRST_COMPLETED)
                if broken.done():
                    raise _unreachable(callee)
                message = coming.result()
                if message is None:
                    return
                await asyncio.sleep(self._delays_s.get(pair, 0.0))
                yield _wire(message)
        finally:
            broken.cancel()
            if coming is not None and not coming.done():
                coming.cancel()
                await asyncio.wait((coming,))
            await source.aclose()  # type: ignore[attr-defined]  # services stream by generators


class NetworkPeers:
    """The partners of one node."""

    def __init__(self, network: Network, caller: str) -> None:
        self._network = network
        self._caller = caller

    def peer(self, province: str) -> "_NetworkPeer":
        """Return the way to a partner."""
        return _NetworkPeer(self._network, self._caller, province)


class _NetworkPeer:
    def __init__(self, network: Network, caller: str, callee: str) -> None:
        self._network = network
        self._caller = caller
        self._callee = callee

    async def exchange_checkpoints(
        self, request: pb.ExchangeCheckpointsRequest
    ) -> pb.ExchangeCheckpointsResponse:
        """See LogService.ExchangeCheckpoints."""
        return await self._unary("exchange_checkpoints", request)

    async def add_cosignature(self, request: pb.AddCosignatureRequest) -> pb.AddCosignatureResponse:
        """See LogService.AddCosignature."""
        return await self._unary("add_cosignature", request)

    async def read_entries(
        self, request: pb.ReadEntriesRequest
    ) -> AsyncIterator[pb.ReadEntriesResponse]:
        """See LogService.ReadEntries."""
        async for message in self._stream("read_entries", request):
            yield message

    async def watch_checkpoints(
        self, request: pb.WatchCheckpointsRequest
    ) -> AsyncIterator[pb.Checkpoint]:
        """See LogService.WatchCheckpoints."""
        async for message in self._stream("watch_checkpoints", request):
            yield message

    async def _unary(self, method: str, request: Message) -> Any:
        service = await self._network.enter(self._caller, self._callee, method)
        call = self._network.call(self._caller, method)
        return _wire(await getattr(service, method)(_wire(request), call))

    async def _stream(self, method: str, request: Message) -> AsyncIterator[Any]:
        service = await self._network.enter(self._caller, self._callee, method)
        call = self._network.call(self._caller, method)
        source = getattr(service, method)(_wire(request), call)
        stream = self._network.stream(self._caller, self._callee, source)
        try:
            async for message in stream:
                yield message
        finally:
            await stream.aclose()  # type: ignore[attr-defined]  # it is a generator


async def _next(source: AsyncIterator[M]) -> M | None:
    """Return the next message, ``None`` at the end: a task cannot raise StopAsyncIteration."""
    return await anext(source, None)


def _wire(message: M) -> M:
    return type(message).FromString(message.SerializeToString())


def _unreachable(callee: str) -> Unavailable:
    return Unavailable(Reason.PEER_UNREACHABLE, f"{callee} does not answer.")
