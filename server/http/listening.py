"""Listens for strangers: takes each connection from the system as a bare socket, and hands it on.

An event loop's own server would begin TLS before anybody could look at who is there, and what it
hands on afterwards differs from loop to loop. A socket and an address are the same everywhere. Who
is let in, and what is spoken then, is decided in ``server.http.connections``.
"""

import asyncio
import socket
from collections.abc import Callable

from server.edge.logging import get_log

__all__ = ["Listening"]

_BACKLOG = 128
_REST_S = 1.0
"""Of a listener that the system gives nothing, mostly because it has no descriptor left."""

_log = get_log("http")

_OnAccepted = Callable[[socket.socket, str], None]


class Listening:
    """The sockets that are listened on.

    Args:
        on_accepted: Given each connection and the address of its other side; the socket is its own
            from then on.
    """

    def __init__(self, on_accepted: _OnAccepted) -> None:
        self._on_accepted = on_accepted
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._resting: dict[socket.socket, asyncio.TimerHandle] = {}

    async def start(self, host: str, port: int) -> int:
        """Begin to listen on every address of a host.

        Args:
            host: Its name or address.
            port: 0 lets the system choose.

        Returns:
            The port.

        Raises:
            OSError: If an address cannot be had.
        """
        found = await self._loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        try:
            for family, address in dict.fromkeys((row[0], row[4]) for row in found):
                listener = socket.create_server(address, family=family, backlog=_BACKLOG)
                self._sockets.append(listener)
                listener.setblocking(False)
        except OSError:
            self.stop()
            raise
        for listener in self._sockets:
            self._watch(listener)
        return int(self._sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Listen no more; who was not taken yet is turned away by the system."""
        for timer in self._resting.values():
            timer.cancel()
        self._resting.clear()
        while self._sockets:
            listener = self._sockets.pop()
            self._loop.remove_reader(listener)
            listener.close()

    def _watch(self, listener: socket.socket) -> None:
        self._resting.pop(listener, None)
        self._loop.add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        """Take who waits, as many as can wait; those who come meanwhile are next time's."""
        for _ in range(_BACKLOG):
            try:
                accepted, peer = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Asking again at once would be all that this process does.
                _log.warning("not_accepted", error=type(error).__name__, errno=error.errno)
                self._loop.remove_reader(listener)
                self._resting[listener] = self._loop.call_later(_REST_S, self._watch, listener)
                return
            accepted.setblocking(False)
            self._on_accepted(accepted, str(peer[0]))
