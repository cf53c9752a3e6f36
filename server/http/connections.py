"""Connections of strangers: counted before a byte of theirs is read, and ended when they dawdle.

A connection is counted from the moment it is accepted, so one that never ends its TLS handshake
takes a place too. Over the limits it is dropped without a word. What comes over a connection is for
aiohttp to read and for ``server.http.server`` to answer.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from server.edge.logging import get_log
from server.http.limits import HttpLimits, Places

__all__ = ["Connections"]

_HANDSHAKE_DURATION_MAX_S = 10.0

_Answering = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_Refusing = Callable[[web.BaseRequest, int], web.StreamResponse]

_log = get_log("http")


class Connections(web.Server):
    """Makes a protocol for each connection, within the limits.

    Args:
        answer: Answers a request.
        refuse: Answers what is no HTTP; given the status.
        limits: How much strangers may take.
        tls: What connections are shown; ``None`` for plain HTTP.
        options: aiohttp's own.
    """

    def __init__(
        self,
        answer: _Answering,
        refuse: _Refusing,
        *,
        limits: HttpLimits,
        tls: ssl.SSLContext | None,
        **options: object,
    ) -> None:
        super().__init__(_one_by_one(answer), **options)  # type: ignore[arg-type]  # aiohttp's own
        self.limits = limits
        self.tls = tls
        self.refuse = refuse
        self.places = Places(limits)
        self._options = options
        self._shaking: dict[asyncio.Task[None], asyncio.Transport] = {}

    def accept(self) -> asyncio.Protocol:
        """Return the protocol of a connection that was accepted."""
        return _Doorman(self)

    def let_in(self, transport: asyncio.Transport, network: str) -> None:
        """Speak HTTP on a connection that was counted in, over TLS if there is any.

        Args:
            transport: The connection.
            network: As whom it was counted.
        """
        loop = asyncio.get_running_loop()
        connection = _Connection(
            self,
            network,
            loop=loop,
            **self._options,
        )
        if self.tls is None:
            transport.set_protocol(connection)
            connection.connection_made(transport)
        else:
            task = loop.create_task(self._shake_hands(connection, transport, self.tls))
            self._shaking[task] = transport
            task.add_done_callback(self._shaking.pop)

    async def _shake_hands(
        self, connection: "_Connection", transport: asyncio.Transport, tls: ssl.SSLContext
    ) -> None:
        """Begin TLS; whoever breaks it off gives the place back."""
        secured: asyncio.Transport | None = None
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                connection,
                tls,
                server_side=True,
                ssl_handshake_timeout=_HANDSHAKE_DURATION_MAX_S,
            )
        except OSError as error:
            _log.debug("no_handshake", error=type(error).__name__)
        finally:
            if secured is None or connection.is_lost:
                transport.abort()
                connection.leave()
        if secured is not None and not connection.is_lost:
            connection.connection_made(secured)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # aiohttp's
        """End every connection; what runs gets some seconds to finish."""
        shaking = tuple(self._shaking)
        for task in shaking:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*shaking, return_exceptions=True)
        await super().shutdown(timeout)


class _Doorman(asyncio.Protocol):
    """Lets a connection in or drops it; sees none of its bytes."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection in."""
        assert isinstance(transport, asyncio.Transport), "a stream was accepted"
        peer = transport.get_extra_info("peername")
        network = self._connections.places.take(str(peer[0]) if peer else "")
        if network is None:
            transport.abort()
        else:
            self._connections.let_in(transport, network)


class _Connection(RequestHandler):
    """One connection; what is no HTTP is answered in one line and ends it."""

    def __init__(self, connections: Connections, network: str, **options: object) -> None:
        super().__init__(connections, **options)  # type: ignore[arg-type]  # aiohttp's own
        self.is_lost = False
        self._network: str | None = network
        self._connections = connections
        self._end: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = None
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set how long the connection may last, and when its first request must be there."""
        super().connection_made(transport)
        seconds = self._connections.limits.connection_duration_max_s
        self._end = asyncio.get_running_loop().call_later(seconds, self._abort)
        self._expect()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count the connection out; asyncio also tells of some that broke off their handshake."""
        self.is_lost = True
        for timer in (self._end, self._due):
            if timer is not None:
                timer.cancel()
        self.leave()
        super().connection_lost(exc)

    def leave(self) -> None:
        """Give the place back, once."""
        network, self._network = self._network, None
        if network is not None:
            self._connections.places.leave(network)

    def data_received(self, data: bytes) -> None:
        """Read on; a request that has begun must be there in time, however its bytes drip."""
        if not self._is_answering:
            self._expect()
        super().data_received(data)

    def begin(self) -> None:
        """Note that a request is there; the time for its body is its reader's to keep."""
        self._is_answering = True
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def end(self) -> None:
        """Note that a request has its answer."""
        self._is_answering = False

    def _expect(self) -> None:
        """End the connection unless a request is there in time."""
        if self._due is None:
            seconds = self._connections.limits.request_duration_max_s
            self._due = asyncio.get_running_loop().call_later(seconds, self._abort)

    def _abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what could not be read, without quoting any of it."""
        del message
        _log.debug("not_http", status=status, error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("The answer has begun.")
        return self._connections.refuse(request, status)


def _one_by_one(answer: _Answering) -> _Answering:
    """Return what tells a connection when one of its requests is being answered."""

    async def answer_one(request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection), "requests come over our own connections"
        connection.begin()
        try:
            return await answer(request)
        finally:
            connection.end()

    return answer_one
