"""Tests of the open door's check: a real door, and what else may answer where it should be."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from server.doctor.door import Door, DoorAnswer, ask_door, check_door
from server.doctor.findings import Check, Level, Side
from server.http.settings import HttpConfig
from tests.support.http import GENEROUS
from tests.support.strangers import serving, tls_of_today

OWN = "310000"
TIMEOUT_S = 0.5
NOTE = b"deltacare/310000/registry\n7\nhash\n"

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def asked(port: int, *, is_tls: bool, host: str = "127.0.0.1") -> Door | None:
    """Return what comes of asking a port."""
    config = HttpConfig(listen=f"{host}:{port}", is_tls=is_tls)
    answer = await ask_door(config, own=OWN, timeout_s=TIMEOUT_S)
    return None if answer is None else answer.state


@asynccontextmanager
async def answering(data: bytes | None, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve bytes to whoever asks, or hang up on ``None``; yield the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if data is not None:
            await reader.readline()
            writer.write(data)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_door_that_answers(is_tls: bool) -> None:  # noqa: FBT001  # pytest
    """With a checkpoint; on every address it is asked on loopback; without room it is busy."""
    limits = replace(GENEROUS, burst_requests_max=2, requests_per_s_max=1)
    tls = tls_of_today() if is_tls else None
    async with serving(limits, tls=tls) as (room, door):
        room.note = NOTE
        assert Door.ANSWERS is await asked(door.port, is_tls=is_tls)
        assert Door.ANSWERS is await asked(door.port, is_tls=is_tls, host="0.0.0.0")
        assert Door.BUSY is await asked(door.port, is_tls=is_tls)
        assert ["deltacare/310000/registry"] * 2 == room.asked
    assert Door.CLOSED is await asked(door.port, is_tls=is_tls)


async def test_a_door_that_does_not_answer() -> None:
    """Whoever is let in is dropped, or waits; the settings and the process differ; others serve."""
    async with serving() as (room, door):
        assert Door.FOREIGN is await asked(door.port, is_tls=False)  # another text
        assert Door.NO_TLS is await asked(door.port, is_tls=True)
        room.wait.clear()
        assert Door.SILENT is await asked(door.port, is_tls=False)
    head = b"HTTP/1.1 %s\r\nServer: deltacare\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    for data, expected in (
        (None, Door.SILENT),
        (b"", Door.SILENT),
        (b"SSH-2.0-x\r\n", Door.FOREIGN),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", Door.FOREIGN),
        (head % b"404 Not Found", Door.ANSWERS),
        (head % b"301 Moved\r\nLocation: /x", Door.BROKEN),
        (head % b"500 Error", Door.BROKEN),
    ):
        async with answering(data) as port:
            assert expected is await asked(port, is_tls=False), data
    async with answering(None) as port:
        assert Door.SILENT is await asked(port, is_tls=True)
    async with answering(None, tls=tls_of_today().context) as port:
        assert Door.SILENT is await asked(port, is_tls=True)


async def test_no_door() -> None:
    """Where there is none, or nobody knows its port, nothing is asked."""
    assert await ask_door(HttpConfig(), own=OWN, timeout_s=TIMEOUT_S) is None
    assert await asked(0, is_tls=True) is None


@pytest.mark.parametrize("state", list(Door))
def test_lines(state: Door) -> None:
    """Every state has a line, whose turn it is is ours, and the command names what it is about."""
    found = check_door(
        DoorAnswer(address="127.0.0.1:7410", state=state, said="503"), directory="/n"
    )
    assert (Check.NODE, "http") == (found.check, found.subject)
    assert "127.0.0.1:7410" in found.zh
    assert "127.0.0.1:7410" in found.en
    if state is Door.ANSWERS:
        assert Level.OK is found.level
        return
    assert Side.OURS is found.side
    assert (Level.WARN if state is Door.BUSY else Level.BAD) is found.level
    assert found.remedy.endswith(("/n", "'sport = :7410'"))
