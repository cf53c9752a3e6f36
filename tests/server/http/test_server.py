"""The server against those who mean harm, or do not know what they do: bytes, seconds, paths."""

import asyncio
import gc
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from deltacare.errors import Reason, Refusal
from deltacare.tlog.resource import TileResource
from deltacare.tlog.submission import Submission
from server.certificates import issue_node, new_ca
from server.http.limits import AddressMeter, HttpLimits
from server.http.server import HttpServer
from server.http.site import Site
from server.http.tls import ServerTls
from tests.support.http import GENEROUS, Door

LOG_PATH = "/logs/deltacare/310000/registry"


class Room:
    """Logs and witness that do what a test says."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.wait = asyncio.Event()
        self.wait.set()

    async def checkpoint(self, name: str) -> bytes:
        """Return a text once the test lets it."""
        self.asked.append(name)
        await self.wait.wait()
        return b"checkpoint\n"

    async def resource(self, name: str, resource: TileResource) -> bytes:
        """Break, as a bug would."""
        self.asked.append((name, resource))
        raise RuntimeError("a row with a name in it")

    async def add_checkpoint(self, submission: Submission) -> bytes:
        """Refuse."""
        self.asked.append(submission)
        raise Refusal(Reason.NOT_FOUND, "No.")

    async def cosigned(self, name: str) -> bytes:
        """Return a text."""
        self.asked.append(name)
        return b"cosigned\n"


@asynccontextmanager
async def serving(
    limits: HttpLimits = GENEROUS, *, tls: ServerTls | None = None
) -> AsyncIterator[tuple[Room, Door]]:
    """Serve such a room."""
    room = Room()
    server = HttpServer(Site(logs=room, witness=room), limits=limits, tls=tls)
    port = await server.start("127.0.0.1:0")
    connector = aiohttp.TCPConnector(limit=0, ssl=False)
    try:
        async with aiohttp.ClientSession(connector=connector) as session:
            yield room, Door(port=port, session=session, scheme="https" if tls else "http")
    finally:
        room.wait.set()
        await server.stop()


def status_of(data: bytes) -> int:
    """Return the status of the first answer in what came."""
    return int(data.split(b" ", 2)[1])


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection, whatever has become of it."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has closed a connection."""
    with suppress(OSError):
        while await reader.read(4_096):
            pass


def tls_of_today() -> ServerTls:
    """Return a node's certificate."""
    now = datetime.now(UTC)
    made = issue_node(new_ca("310000", now=now), "310000", hosts=("127.0.0.1",), now=now)
    return ServerTls(certificate_pem=made.certificate_pem, key_pem=made.key_pem)


STRANGE_PATHS = [
    "/",
    "",
    "/logs",
    "/logs/",
    "/logs/deltacare/310000/registry",
    "/logs/deltacare/310000/registry/",
    "/logs/deltacare/310000/registry/../registry/checkpoint",
    "/logs/deltacare/310000/registry/./checkpoint",
    "/logs//deltacare/310000/registry/checkpoint",
    "/logs/deltacare/310000/registry/checkpoint/",
    "/logs/deltacare/310000/registry/checkpoint?x",
    "/logs/deltacare/310000/registry/checkpoint%20",
    "/logs/deltacare/310000/registry/%63heckpoint",
    "/logs/deltacare/310000/settlement/320000/checkpoint",
    "/logs/deltacare/310000/audit/checkpoint",
    "/logs/deltacare/31000x/registry/checkpoint",
    "/LOGS/deltacare/310000/registry/checkpoint",
    "/../../../../etc/passwd",
    "/logs/deltacare/310000/registry/tile/0/../../../../../etc/passwd",
    "/logs/deltacare/310000/registry/tile/0/..%2f..%2fetc",
    "/logs/deltacare/310000/registry/tile/0/0",
    "/logs/deltacare/310000/registry/tile/0/0001",
    "/logs/deltacare/310000/registry/tile/0/x000/001",
    "/logs/deltacare/310000/registry/tile/00/001",
    "/logs/deltacare/310000/registry/tile/64/001",
    "/logs/deltacare/310000/registry/tile/-1/001",
    "/logs/deltacare/310000/registry/tile/0/001.p/0",
    "/logs/deltacare/310000/registry/tile/0/001.p/05",
    "/logs/deltacare/310000/registry/tile/0/001.p/256",
    "/logs/deltacare/310000/registry/tile/0/001.p/",
    "/logs/deltacare/310000/registry/tile/0/" + "x999/" * 6 + "999",
    "/logs/deltacare/310000/registry/tile/0/" + "x999/" * 40 + "999",
    "/logs/deltacare/310000/registry/tile/entries/001.p/999",
    "/logs/deltacare/310000/registry/tile/data/001",
    "/witness",
    "/witness/add-checkpoint/",
    "/witness/" + "A" * 64 + "/checkpoint",
    "/witness/" + "a" * 63 + "/checkpoint",
    "/" + "x" * 1_500,
]


async def test_strange_paths() -> None:
    """A path that has no meaning is not found, and no room is asked for it."""
    async with serving() as (room, door):
        for path in STRANGE_PATHS:
            target = path or "x"
            head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            data = await door.raw(head.encode())
            assert status_of(data) in {400, 404}, path
        assert [] == room.asked


async def test_what_is_no_http() -> None:
    """Noise, endless lines and too many headers end in one line that quotes nothing of it."""
    noise = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 secret\r\n\r\n",
        b"secret\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 1_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"b" * 20_000 + b"\r\n\r\n",
        b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        (
            b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
    ]
    async with serving() as (room, door):
        for data in noise:
            answer = await door.raw(data)
            assert 400 == status_of(answer), data[:40]
            assert b"secret" not in answer
            assert b"aiohttp" not in answer.lower()
            assert len(answer) < 400
        assert [] == room.asked


async def test_bodies_that_are_too_large() -> None:
    """413 at once for a length that is stated, and after so many bytes for one that is not."""
    limits = replace(GENEROUS, request_bytes_max=8_192)
    head = b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: x\r\n"
    async with serving(limits) as (room, door):
        assert 413 == status_of(await door.raw(head + b"Content-Length: 8193\r\n\r\n"))
        chunk = b"1000\r\n" + b"x" * 4_096 + b"\r\n"
        chunked = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3
        assert 413 == status_of(await door.raw(chunked))
        url = door.url("/witness/add-checkpoint")
        packed = {"Content-Encoding": "gzip"}
        async with door.session.post(url, data=b"x", headers=packed) as reply:
            assert 415 == reply.status
        assert [] == room.asked
        assert 400 == (await door.post(b"x" * 8_192)).status


async def test_slow_senders_are_not_waited_for() -> None:
    """A body that does not come gets 408; a head that does not come gets nothing, in time."""
    limits = replace(GENEROUS, request_duration_max_s=1, idle_duration_max_s=1)
    async with serving(limits) as (_, door):
        head = b"POST /witness/add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nold"
        late, nothing, silent = await asyncio.gather(
            door.raw(head), door.raw(b"GET / HT"), door.raw(b"")
        )
    assert 408 == status_of(late)
    assert (b"", b"") == (nothing, silent)


async def test_slow_answers_are_not_waited_for() -> None:
    """503 when the node does not come to it."""
    async with serving(replace(GENEROUS, request_duration_max_s=1)) as (room, door):
        room.wait.clear()
        reply = await door.get(f"{LOG_PATH}/checkpoint")
        assert (503, "5") == (reply.status, reply.headers["Retry-After"])


async def test_a_surprise_tells_nothing(quiet: list[dict[str, object]]) -> None:
    """500 in three words; the log has the place, and not the text."""
    async with serving() as (_, door):
        reply = await door.get(f"{LOG_PATH}/tile/0/000")
        assert (500, b"Internal Server Error\n") == (reply.status, reply.body)
        assert "deltacare" == reply.headers["Server"]
        assert 200 == (await door.get(f"{LOG_PATH}/checkpoint")).status
    (row,) = [line for line in quiet if line["event"] == "http_failed"]
    assert "RuntimeError" == row["error"]
    assert "name in it" not in str(row)


async def test_an_address_has_its_share() -> None:
    """429 with Retry-After when the bucket is empty."""
    limits = replace(GENEROUS, burst_requests_max=3, requests_per_s_max=1)
    async with serving(limits) as (_, door):
        replies = [await door.get(f"{LOG_PATH}/checkpoint") for _ in range(4)]
    assert [200, 200, 200, 429] == [reply.status for reply in replies]
    assert "1" == replies[-1].headers["Retry-After"]


async def test_requests_at_once() -> None:
    """503 for the one too many, and room again when one has ended."""
    async with serving(replace(GENEROUS, requests_at_once_max=2)) as (room, door):
        room.wait.clear()
        path = f"{LOG_PATH}/checkpoint"
        running = [asyncio.create_task(door.get(path)) for _ in range(2)]
        async with asyncio.timeout(10):
            while len(room.asked) < 2:  # noqa: ASYNC110  # no event tells of it
                await asyncio.sleep(0.005)
        assert 503 == (await door.get(path)).status
        room.wait.set()
        assert [200, 200] == [(await task).status for task in running]
        assert 200 == (await door.get(path)).status


async def test_connections_at_once() -> None:
    """One connection too many is closed without a word; later there is room again."""
    async with serving(replace(GENEROUS, connections_max=2)) as (_, door):
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(2)]
        head = f"GET {LOG_PATH}/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        for reader, writer in held:
            writer.write(head)
            assert b"HTTP/1.1 200 OK\r\n" == await reader.readline()
        with suppress(ConnectionError):  # if it is closed before the request is out
            assert b"" == await door.raw(head)
        for _, writer in held:
            await hang_up(writer)
        async with asyncio.timeout(10):
            while True:
                try:
                    assert 200 == (await door.get(f"{LOG_PATH}/checkpoint")).status
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)


async def test_an_address_does_not_shut_others_out(caplog: pytest.LogCaptureFixture) -> None:
    """Connections of one address beyond its share end at once, in silence; others come in."""
    limits = replace(GENEROUS, connections_max=5, address_connections_max=3)
    async with serving(limits) as (_, door), AsyncExitStack() as stack:
        head = f"GET {LOG_PATH}/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        ends = []
        for _ in range(9):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            stack.push_async_callback(hang_up, writer)
            writer.write(b"GET / HT")
            ends.append(asyncio.create_task(ended(reader)))
        async with asyncio.timeout(5):
            while sum(end.done() for end in ends) < 6:  # noqa: ASYNC110  # no event tells of it
                await asyncio.sleep(0.005)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", door.port, local_addr=("127.0.0.2", 0)
        )
        stack.push_async_callback(hang_up, writer)
        writer.write(head)
        assert b"HTTP/1.1 200 OK\r\n" == await reader.readline()
        assert 6 == sum(end.done() for end in ends)
    await asyncio.gather(*ends)
    gc.collect()
    assert [] == caplog.records


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_half_sent_request_ends_in_time(is_tls: bool) -> None:  # noqa: FBT001  # pytest
    """The first and the next, however its bytes drip; and a handshake counts as a connection."""
    limits = replace(
        GENEROUS,
        request_duration_max_s=1,
        idle_duration_max_s=60,
        connection_duration_max_s=60,
        address_connections_max=2,
    )
    tls = tls_of_today() if is_tls else None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_tls else None
    if context is not None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    whole = f"GET {LOG_PATH}/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    async with serving(limits, tls=tls) as (_, door):
        for before in (b"", whole):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
            if before:
                writer.write(before)
                await reader.readuntil(b"checkpoint\n")
            started_s = time.monotonic()

            async def drip(writer: asyncio.StreamWriter = writer) -> None:
                for byte in whole[:-1]:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.2)

            dripping = asyncio.create_task(drip())
            async with asyncio.timeout(8):
                await ended(reader)
            assert 0.5 < time.monotonic() - started_s < 5
            dripping.cancel()
            await asyncio.gather(dripping, return_exceptions=True)
            await hang_up(writer)


async def test_handshakes_that_do_not_end_take_no_more_than_a_share(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are counted before they begin, and the place is free again when they break off."""
    limits = replace(GENEROUS, address_connections_max=2)
    async with serving(limits, tls=tls_of_today()) as (_, door), AsyncExitStack() as stack:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        stack.push_async_callback(hang_up, writer)
        async with asyncio.timeout(5):
            await ended(reader)
        held[0][1].write(b"no handshake at all\r\n")
        for _, each in held:
            await each.drain()
            await hang_up(each)
        async with asyncio.timeout(10):
            while True:
                try:
                    assert 200 == (await door.get(f"{LOG_PATH}/checkpoint")).status
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)
        # Each gave back one place only. Who is shaking hands does not keep a server from stopping.
        ends = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
            stack.push_async_callback(hang_up, writer)
            ends.append(asyncio.create_task(ended(reader)))
        done, _ = await asyncio.wait(ends, timeout=5, return_when=asyncio.FIRST_COMPLETED)
        assert done
    await asyncio.gather(*ends)
    gc.collect()
    assert [] == caplog.records


async def test_a_connection_ends_in_time() -> None:
    """However busy it is kept."""
    async with serving(replace(GENEROUS, connection_duration_max_s=1)) as (_, door):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        head = f"GET {LOG_PATH}/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n".encode()

        async def ask_on() -> None:
            while True:
                writer.write(head)
                await writer.drain()
                await reader.readuntil(b"checkpoint\n")

        async with asyncio.timeout(10):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await ask_on()
        await hang_up(writer)


async def test_tls_and_a_new_certificate() -> None:
    """The node's certificate, TLS 1.2 or later; a renewed one from the next connection on."""
    now = datetime.now(UTC)
    ca = new_ca("310000", now=now)
    first, second = (issue_node(ca, "310000", hosts=("127.0.0.1",), now=now) for _ in range(2))
    tls = ServerTls(certificate_pem=first.certificate_pem, key_pem=first.key_pem)
    context = ssl.create_default_context(cadata=ca.certificate_pem.decode())
    assert ssl.TLSVersion.TLSv1_2 == tls.context.minimum_version
    async with serving(tls=tls) as (_, door):

        async def shown() -> bytes:
            _, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
            found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            await hang_up(writer)
            return ssl.DER_cert_to_PEM_cert(found).encode()

        assert first.certificate_pem == await shown()
        # What does not fit together changes nothing.
        with pytest.raises(ssl.SSLError):
            tls.renew(certificate_pem=second.certificate_pem, key_pem=first.key_pem)
        assert first.certificate_pem == await shown()
        tls.renew(certificate_pem=second.certificate_pem, key_pem=second.key_pem)
        assert second.certificate_pem == await shown()
        assert 200 == (await door.get(f"{LOG_PATH}/checkpoint")).status
        assert b"200 OK" not in await door.raw(b"GET / HTTP/1.1\r\n\r\n")


def test_addresses_are_counted_by_network() -> None:
    """A /64 is one sender, an IPv4 address is one however it is written; the oldest goes."""
    limits = HttpLimits(burst_requests_max=1, requests_per_s_max=1)
    meter = AddressMeter(limits, addresses_max=3)
    assert [0, 1, 0, 1] == [
        meter.wait_s(address, monotonic_s=0.0)
        for address in ("2001:db8::1", "2001:db8::2%eth0", "192.0.2.1", "::ffff:192.0.2.1")
    ]
    assert 0 == meter.wait_s("192.0.2.2", monotonic_s=0.0)
    assert 0 == meter.wait_s("192.0.2.3", monotonic_s=0.0)  # 2001:db8:: is forgotten
    assert [0, 1] == [meter.wait_s("2001:db8::1", monotonic_s=0.0) for _ in range(2)]
    assert 0 == meter.wait_s("2001:db8::1", monotonic_s=1.0)
