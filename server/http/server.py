"""A small HTTP/1.1 server for strangers: every byte, second and connection of theirs is counted.

aiohttp parses and writes; what is served is in ``server.http.site``, who is let in at all in
``server.http.connections``. Nothing is redirected, nothing is guessed from a header, and of a
surprise the sender learns only that there was one.
"""

import asyncio
import gzip
import os
import time
from collections.abc import Callable
from http import HTTPStatus

from aiohttp import hdrs, web

from server.edge.logging import error_facts, get_log
from server.http.connections import Connections
from server.http.limits import AddressMeter, HttpLimits
from server.http.listening import Listening
from server.http.site import Answer, Site
from server.http.tls import ServerTls

__all__ = ["HttpServer"]

_NAME = "deltacare"
_HEADER_BYTES_MAX = 4_096
_HEADERS_MAX = 64
_TARGET_BYTES_MAX = 2_048
_LINGERING_S = 1.0
_DRAIN_S_MIN = 0.01
_COMPRESS_BYTES_MIN = 512
_GZIP_LEVEL = 6

_log = get_log("http")


class HttpServer:
    """Serves a site.

    Args:
        site: What is served.
        limits: How much strangers may take.
        tls: What connections are shown; ``None`` for plain HTTP.
        monotonic_s: A clock that never runs back.
    """

    def __init__(
        self,
        site: Site,
        *,
        limits: HttpLimits,
        tls: ServerTls | None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._site = site
        self._limits = limits
        self._tls = tls
        self._monotonic_s = monotonic_s
        self._meter = AddressMeter(limits)
        self._running = 0
        self._connections: Connections | None = None
        self._listening: Listening | None = None

    async def start(self, address: str) -> int:
        """Begin to serve.

        Args:
            address: ``host:port``; port 0 lets the system choose.

        Returns:
            The port.

        Raises:
            OSError: If the address cannot be had.
        """
        host, _, port_text = address.rpartition(":")
        limits = self._limits
        self._connections = Connections(
            self._handle,
            _refuse,
            limits=limits,
            tls=self._tls.context if self._tls is not None else None,
            keepalive_timeout=float(limits.idle_duration_max_s),
            lingering_time=_LINGERING_S,
            max_line_size=_TARGET_BYTES_MAX,
            max_field_size=_HEADER_BYTES_MAX,
            max_headers=_HEADERS_MAX,
            # A body that unfolds would be larger than what was counted.
            auto_decompress=False,
            access_log=None,
        )
        self._listening = Listening(self._connections.let_in)
        try:
            port = await self._listening.start(host.strip("[]"), int(port_text))
        except OSError as error:
            # Under the name that stands in the settings; a name that leads nowhere has no errno.
            number = max(error.errno or 0, 0)
            said = os.strerror(number) if number else error.strerror
            raise OSError(error.errno, said, address) from error
        _log.info("serving", address=address, port=port, tls=self._tls is not None)
        return port

    async def stop(self) -> None:
        """Take nothing new and let what is running finish in bounded time."""
        if self._listening is None or self._connections is None:
            return
        listening, self._listening = self._listening, None
        listening.stop()
        self._connections.pre_shutdown()
        # To aiohttp, nothing would mean without end.
        await self._connections.shutdown(self._limits.drain_duration_max_s or _DRAIN_S_MIN)
        _log.info("stopped")

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, whatever it is."""
        started_s = self._monotonic_s()
        try:
            answer = await self._admitted(request)
        except Exception as error:  # noqa: BLE001  # of a surprise only its type and place is told
            _log.error("http_failed", **error_facts(error))
            answer = Answer.refusal(HTTPStatus.INTERNAL_SERVER_ERROR)
        response = await _response(request, answer)
        _log.debug(
            "http",
            method=request.method[:16],
            path=request.raw_path[:200],
            status=answer.status.value,
            duration_ms=round((self._monotonic_s() - started_s) * 1_000, 3),
        )
        return response

    async def _admitted(self, request: web.BaseRequest) -> Answer:
        """Count a request in and out."""
        wait_s = self._meter.wait_s(request.remote or "", monotonic_s=self._monotonic_s())
        if wait_s:
            retry = (("Retry-After", str(wait_s)),)
            return Answer.refusal(HTTPStatus.TOO_MANY_REQUESTS, headers=retry)
        if self._running >= self._limits.requests_at_once_max:
            retry = (("Retry-After", "1"),)
            return Answer.refusal(HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests.", retry)
        self._running += 1
        try:
            return await self._answer(request)
        finally:
            self._running -= 1

    async def _answer(self, request: web.BaseRequest) -> Answer:
        # 1. The path, as it was sent: nothing is decoded or put right.
        path = request.raw_path
        allowed = self._site.allowed(path)
        if not allowed:
            return Answer.refusal(HTTPStatus.NOT_FOUND)
        if request.method not in allowed:
            headers = (("Allow", ", ".join(allowed)),)
            return Answer.refusal(HTTPStatus.METHOD_NOT_ALLOWED, headers=headers)
        # 2. The body, within its bytes and seconds.
        body = await self._body(request)
        if isinstance(body, Answer):
            return body
        # 3. The answer.
        try:
            async with asyncio.timeout(self._limits.request_duration_max_s):
                return await self._site.answer(path, body)
        except TimeoutError:
            retry = (("Retry-After", "5"),)
            return Answer.refusal(HTTPStatus.SERVICE_UNAVAILABLE, "It took too long.", retry)

    async def _body(self, request: web.BaseRequest) -> bytes | Answer:
        """Return a request's body, or why it is not taken."""
        if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
            return Answer.refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is.")
        most = self._limits.request_bytes_max
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.request_duration_max_s):
                while (request.content_length or 0) <= most and len(body) <= most:
                    chunk = await request.content.readany()
                    if not chunk:
                        return bytes(body)
                    body += chunk
        except TimeoutError:
            return Answer.refusal(HTTPStatus.REQUEST_TIMEOUT)
        return Answer.refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is over {most} bytes."
        )


def _refuse(request: web.BaseRequest, status: int) -> web.StreamResponse:
    """Return the answer to what is no HTTP; it ends the connection."""
    del request
    answer = Answer.refusal(HTTPStatus(status))
    response = web.Response(
        status=status, body=answer.body, headers=_headers(answer), reason=answer.status.phrase
    )
    response.force_close()
    return response


def _headers(answer: Answer) -> dict[str, str]:
    return {
        "Server": _NAME,
        "Content-Type": answer.content_type,
        "Cache-Control": answer.cache_control,
        "X-Content-Type-Options": "nosniff",
        **dict(answer.headers),
    }


async def _response(request: web.BaseRequest, answer: Answer) -> web.Response:
    headers, body = _headers(answer), answer.body
    if answer.is_compressible:
        headers["Vary"] = "Accept-Encoding"
        if len(body) >= _COMPRESS_BYTES_MIN and _takes_gzip(request):
            body = await asyncio.to_thread(gzip.compress, body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
    response = web.Response(status=answer.status.value, body=body, headers=headers)
    if not request.content.is_eof():
        # What is left of a body that was refused is not read.
        response.force_close()
    return response


def _takes_gzip(request: web.BaseRequest) -> bool:
    for item in ",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, [])).split(","):
        name, _, parameters = item.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            weight = parameters.strip().lower().removeprefix("q=")
            return weight not in {"0", "0.0", "0.00", "0.000"}
    return False
