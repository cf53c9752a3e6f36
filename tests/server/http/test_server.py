"""The server against those who mean harm, or do not know what they do: bytes, seconds, paths."""

import asyncio
from dataclasses import replace

from server.http.limits import AddressMeter, HttpLimits
from tests.support.http import GENEROUS
from tests.support.strangers import LOG_PATH, serving


def status_of(data: bytes) -> int:
    """Return the status of the first answer in what came."""
    return int(data.split(b" ", 2)[1])


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
