"""Connections of strangers: counted before a byte of theirs is read, and ended when they dawdle.

A connection is counted from the moment it is accepted, so one that never ends its TLS handshake
takes a place too. Over the limits it is dropped without a word. What comes over a connection is for
aiohttp to read and for ``server.http.server`` to answer.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from server.edge.logging import get_log
from server.http.limits import HttpLimits, Places

__all__ = ["Connections"]

_HANDSHAKE_DURATION_MAX_S = 10.0
_GOODBYE_DURATION_MAX_S = 5.0

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
        self._beginning: dict[asyncio.Task[None], socket.socket] = {}

    def let_in(self, accepted: socket.socket, address: str) -> None:
        """Speak HTTP on a connection, over TLS if there is any; drop it if there is no place.

        Args:
            accepted: The connection, of which no byte was read.
            address: Of its other side.
        """
        network = self.places.take(address)
        if network is None:
            accepted.close()
            return
        loop = asyncio.get_running_loop()
        connection = _Connection(self, network, loop=loop, **self._options)
        task = loop.create_task(self._begin(connection, accepted))
        self._beginning[task] = accepted
        task.add_done_callback(self._beginning.pop)

    async def _begin(self, connection: "_Connection", accepted: socket.socket) -> None:
        """Shake hands, if that is to be; whoever breaks it off gives the place back."""
        handshake: dict[str, float] = {}
        if self.tls is not None:
            handshake = {
                "ssl_handshake_timeout": _HANDSHAKE_DURATION_MAX_S,
                "ssl_shutdown_timeout": _GOODBYE_DURATION_MAX_S,
            }
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection, accepted, ssl=self.tls, **handshake
            )
        except OSError as error:
            _log.debug("no_handshake", error=type(error).__name__)
        finally:
            # Of every other connection its loop tells when it is lost.
            if not connection.is_made:
                connection.leave()

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  # aiohttp's
        """End every connection; what runs gets some seconds to finish."""
        beginning = dict(self._beginning)
        for accepted in beginning.values():
            # Cancelled before it ran, a task would leave its socket open: a socket's end ends both.
            with suppress(OSError):
                accepted.shutdown(socket.SHUT_RDWR)
        await asyncio.gather(*beginning, return_exceptions=True)
        await super().shutdown(timeout)


class _Connection(RequestHandler):
    """One connection; what is no HTTP is answered in one line and ends it."""

    def __init__(self, connections: Connections, network: str, **options: object) -> None:
        super().__init__(connections, **options)  # type: ignore[arg-type]  # aiohttp's own
        self.is_made = False
        self._network: str | None = network
        self._connections = connections
        self._end: asyncio.TimerHandle | None = None
        self._due: asyncio.TimerHandle | None = None
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set how long the connection may last, and when its first request must be there."""
        self.is_made = True
        super().connection_made(transport)
        seconds = self._connections.limits.connection_duration_max_s
        self._end = asyncio.get_running_loop().call_later(seconds, self._abort)
        self._expect()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count the connection out."""
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
