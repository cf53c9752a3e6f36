"""Connections on either event loop: how many, how long, over TLS, and in what order they end."""

import asyncio
import errno
import gc
import resource
import socket
import ssl
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest

from server.certificates import issue_node, new_ca
from server.http.server import HttpServer
from server.http.site import Site
from server.http.tls import ServerTls
from tests.server.http.conftest import BOTH_LOOPS
from tests.support.http import GENEROUS, Door
from tests.support.strangers import LOG_PATH, Room, ended, hang_up, serving, tls_of_today

HEAD = f"GET {LOG_PATH}/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n".encode()
IN_TURN = 60
AT_ONCE = 30


async def serves(door: Door) -> None:
    """Wait until the door has a place again, and answers."""
    async with asyncio.timeout(10):
        while True:
            try:
                assert 200 == (await door.get(f"{LOG_PATH}/checkpoint")).status
                break
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)


def trusting() -> ssl.SSLContext:
    """Return how to call whatever answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@BOTH_LOOPS
@pytest.mark.parametrize("is_tls", [False, True])
async def test_every_connection_is_answered(
    is_tls: bool,  # noqa: FBT001  # pytest
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One after the other and many at once, whenever their first bytes come."""
    context = trusting() if is_tls else None

    async def answered() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
        writer.write(HEAD)
        line = await reader.readline()
        await hang_up(writer)
        return line

    async with (
        serving(tls=tls_of_today() if is_tls else None) as (room, door),
        asyncio.timeout(30),
    ):
        lines = [await answered() for _ in range(IN_TURN)]
        lines += await asyncio.gather(*(answered() for _ in range(AT_ONCE)))
    assert [b"HTTP/1.1 200 OK\r\n"] * (IN_TURN + AT_ONCE) == lines
    assert IN_TURN + AT_ONCE == len(room.asked)
    gc.collect()
    assert [] == caplog.records


@BOTH_LOOPS
async def test_stopping_ends_every_connection(caplog: pytest.LogCaptureFixture) -> None:
    """Idle ones, one amid its handshake and one that is answered; nobody is let in any more."""
    room = Room()
    limits = replace(GENEROUS, drain_duration_max_s=0)
    server = HttpServer(Site(logs=room, witness=room), limits=limits, tls=tls_of_today())
    port = await server.start("127.0.0.1:0")
    async with AsyncExitStack() as stack:

        async def connected(tls: ssl.SSLContext | None) -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            stack.push_async_callback(hang_up, writer)
            if tls is not None:
                writer.write(HEAD)
            return reader

        readers = [await connected(tls) for tls in (trusting(), None, None)]
        assert b"HTTP/1.1 200 OK\r\n" == await readers[0].readline()
        room.wait.clear()
        readers.append(await connected(trusting()))
        async with asyncio.timeout(10):
            while len(room.asked) < 2:  # noqa: ASYNC110  # no event tells of it
                await asyncio.sleep(0.005)
            await server.stop()
            await asyncio.gather(*map(ended, readers))
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    await server.stop()  # again: nothing is left to stop
    gc.collect()
    assert [] == caplog.records


async def test_an_address_that_cannot_be_had() -> None:
    """It is named as the settings name it, and a server that did not start is stopped in peace."""
    room = Room()
    async with serving() as (_, door):
        for address, numbers in (
            (f"127.0.0.1:{door.port}", {errno.EADDRINUSE}),
            ("192.0.2.1:0", {errno.EADDRNOTAVAIL}),
            ("nowhere.invalid:0", {socket.EAI_NONAME, socket.EAI_AGAIN}),
        ):
            server = HttpServer(Site(logs=room, witness=room), limits=GENEROUS, tls=None)
            with pytest.raises(OSError, match=address) as caught:
                await server.start(address)
            assert address == caught.value.filename
            assert caught.value.errno in numbers
            await server.stop()
        assert 200 == (await door.get(f"{LOG_PATH}/checkpoint")).status


async def test_out_of_descriptors(quiet: list[dict[str, object]]) -> None:
    """Who comes when the process may open no more files waits, and is answered when it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with serving() as (_, door):
        assert 200 == (await door.get(f"{LOG_PATH}/checkpoint")).status
        with socket.socket() as caller, socket.socket() as probe:
            caller.setblocking(False)
            lowest = probe.detach()
            socket.close(lowest)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            try:
                loop = asyncio.get_running_loop()
                await loop.sock_connect(caller, ("127.0.0.1", door.port))
                await loop.sock_sendall(caller, HEAD)
                async with asyncio.timeout(10):
                    while not any(line["event"] == "not_accepted" for line in quiet):  # noqa: ASYNC110
                        await asyncio.sleep(0.005)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            async with asyncio.timeout(10):
                assert (await loop.sock_recv(caller, 64)).startswith(b"HTTP/1.1 200 OK\r\n")
    (row,) = [line for line in quiet if line["event"] == "not_accepted"]
    assert "warning" == row["log_level"]


@BOTH_LOOPS
async def test_connections_at_once() -> None:
    """One connection too many is closed without a word; later there is room again."""
    async with serving(replace(GENEROUS, connections_max=2)) as (_, door):
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(2)]
        for reader, writer in held:
            writer.write(HEAD)
            assert b"HTTP/1.1 200 OK\r\n" == await reader.readline()
        with suppress(ConnectionError):  # if it is closed before the request is out
            assert b"" == await door.raw(HEAD)
        for _, writer in held:
            await hang_up(writer)
        await serves(door)


@BOTH_LOOPS
async def test_an_address_does_not_shut_others_out(caplog: pytest.LogCaptureFixture) -> None:
    """Connections of one address beyond its share end at once, in silence; others come in."""
    limits = replace(GENEROUS, connections_max=5, address_connections_max=3)
    async with serving(limits) as (_, door), AsyncExitStack() as stack:
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
        writer.write(HEAD)
        assert b"HTTP/1.1 200 OK\r\n" == await reader.readline()
        assert 6 == sum(end.done() for end in ends)
    await asyncio.gather(*ends)
    gc.collect()
    assert [] == caplog.records


@BOTH_LOOPS
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
    context = trusting() if is_tls else None
    async with serving(limits, tls=tls) as (_, door):
        for before in (b"", HEAD):
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port, ssl=context)
            if before:
                writer.write(before)
                await reader.readuntil(b"checkpoint\n")
            started_s = time.monotonic()

            async def drip(writer: asyncio.StreamWriter = writer) -> None:
                for byte in HEAD[:-1]:
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.2)

            dripping = asyncio.create_task(drip())
            async with asyncio.timeout(8):
                await ended(reader)
            assert 0.5 < time.monotonic() - started_s < 5
            dripping.cancel()
            await asyncio.gather(dripping, return_exceptions=True)
            await hang_up(writer)


@BOTH_LOOPS
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
        await serves(door)
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


@BOTH_LOOPS
async def test_a_connection_ends_in_time() -> None:
    """However busy it is kept."""
    async with serving(replace(GENEROUS, connection_duration_max_s=1)) as (_, door):
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)

        async def ask_on() -> None:
            while True:
                writer.write(HEAD)
                await writer.drain()
                await reader.readuntil(b"checkpoint\n")

        async with asyncio.timeout(10):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await ask_on()
        await hang_up(writer)


@BOTH_LOOPS
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
