"""A call that was about to leave when its connection ended reaches the server on the next one.

A node ends each connection after an hour, and a partner's at every renewal. What it has not looked
at by then it names in its goodbye; here a server says that of the first call that it gets.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from clients.sdk.credentials import Credentials
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY
from deltacare.v1.federation_service_pb2 import PingRequest, PingResponse
from server.certificates import issue_node, new_ca

SH = "310000"
PREFACE_BYTES = 24
DATA, HEADERS, SETTINGS, PING, GOAWAY = 0, 1, 4, 6, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame of HTTP/2."""
    return (
        len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
    )


def field(name: bytes, value: bytes) -> bytes:
    """Return a header as it stands, in no table."""
    return b"\x00" + bytes((len(name),)) + name + bytes((len(value),)) + value


async def frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, int, int, bytes]]:
    """Yield kind, flags, stream and content of what a client sends, until it goes."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        await reader.readexactly(PREFACE_BYTES)
        while True:
            head = await reader.readexactly(9)
            content = await reader.readexactly(int.from_bytes(head[:3], "big"))
            yield head[3], head[4], int.from_bytes(head[5:], "big"), content


class Server:
    """Says goodbye to the first connection once a call stands on it; answers on the others."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self._connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self._connections += 1
        number = self._connections
        writer.write(frame(SETTINGS, 0, 0))
        async for kind, flags, stream, content in frames(reader):
            if kind in (SETTINGS, PING) and not flags & ACK:
                writer.write(frame(kind, ACK, 0, content if kind == PING else b""))
            if kind == HEADERS:
                self.calls.append(number)
                if number == 1:
                    writer.write(frame(GOAWAY, 0, 0, bytes(8)))  # no call was looked at; no error
            if kind == DATA and flags & END_STREAM and number > 1:
                said = b"\x88" + field(b"content-type", b"application/grpc")
                writer.write(frame(HEADERS, END_HEADERS, stream, said))
                writer.write(frame(DATA, 0, stream, bytes(5)))
                ended = field(b"grpc-status", b"0")
                writer.write(frame(HEADERS, END_HEADERS | END_STREAM, stream, ended))
        writer.close()


async def test_what_no_server_has_seen_is_sent_again(tmp_path: Path) -> None:
    """The call is answered on the second connection, without any retry of ours."""
    now = datetime.now(UTC)
    ca = new_ca(SH, now=now)
    pair = issue_node(ca, SH, hosts=("127.0.0.1",), now=now)
    (tmp_path / "crt").write_bytes(pair.certificate_pem)
    (tmp_path / "key").write_bytes(pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    context.set_alpn_protocols(["h2"])
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    port = listening.sockets[0].getsockname()[1]
    credentials = Credentials(
        province=SH,
        ca_pem=ca.certificate_pem,
        certificate_pem=pair.certificate_pem,
        key_pem=pair.key_pem,
    )
    async with (
        listening,
        NodeClient(
            endpoint=f"127.0.0.1:{port}", credentials=credentials, timeout_s=20, retry=NO_RETRY
        ) as client,
    ):
        assert PingResponse() == await client.federation.Ping(PingRequest())
    assert [1, 2] == server.calls
