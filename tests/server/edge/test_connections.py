"""Strangers who open connections and say nothing: each is closed in time, and people are told."""

import asyncio
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from deltacare.v1.federation_service_pb2 import PingRequest
from server.edge.descriptors import (
    DescriptorAlarm,
    connections_max,
    count_descriptors,
    raise_descriptor_limit,
)
from server.edge.limits import Limits
from tests.support.tls import ScriptedFederation, running_edge, until

FEDERATION = "deltacare.v1.FederationService"
STRANGERS = 100
CLIENT_HELLO_BEGUN = b"\x16\x03\x01"
"""The first bytes of a TLS handshake that nobody goes on with."""


@pytest.fixture
def open_files() -> Iterator[None]:
    """Put back what a process may open."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("said", [b"", CLIENT_HELLO_BEGUN], ids=["silent", "half a greeting"])
async def test_idle_handshakes_are_closed(said: bytes) -> None:
    """Whoever connects and does not say who calls is cut off, while members come and go."""
    limits = Limits(handshake_duration_max_s=1, drain_duration_max_s=1)
    async with running_edge({FEDERATION: ScriptedFederation()}, limits=limits) as edge:
        opened = [await asyncio.open_connection("127.0.0.1", edge.port) for _ in range(STRANGERS)]
        begun_s = time.monotonic()
        for _, writer in opened:
            writer.write(said)
        await edge.client().federation.Ping(PingRequest())
        async with asyncio.timeout(8):
            ends = await asyncio.gather(*(reader.read() for reader, _ in opened))
        assert [b""] * STRANGERS == ends
        assert time.monotonic() - begun_s >= 0.5, "a handshake has its time"
        await edge.client().federation.Ping(PingRequest())
        for _, writer in opened:
            writer.close()


async def test_a_member_stays_when_the_time_for_handshakes_is_over() -> None:
    """The limit is of the handshake: a connection that has one goes on."""
    limits = Limits(handshake_duration_max_s=1, drain_duration_max_s=1)
    async with running_edge({FEDERATION: ScriptedFederation()}, limits=limits) as edge:
        client = edge.client()
        end_s = time.monotonic() + 2
        while time.monotonic() < end_s:
            await client.federation.Ping(PingRequest())
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("open_files")
async def test_strangers_leave_the_node_descriptors_of_its_own() -> None:
    """Connections from outside take seven eighths; one more is closed at once, until one ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = count_descriptors() + 40
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    most = limit * 7 // 8
    async with running_edge({FEDERATION: ScriptedFederation()}) as edge:
        # The strangers are of the same process here, and their ends take descriptors as well.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        before = count_descriptors()
        opened = [await asyncio.open_connection("127.0.0.1", edge.port) for _ in range(most + 20)]
        ended = [asyncio.create_task(reader.read()) for reader, _ in opened]
        begun_s = time.monotonic()
        await until(lambda: sum(task.done() for task in ended) >= 20)
        assert time.monotonic() - begun_s < 5, "before the time for handshakes is over"
        assert most == count_descriptors() - before - len(opened)
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*ended)
        await until(lambda: count_descriptors() <= before)
        await edge.client().federation.Ping(PingRequest())


@pytest.mark.usefixtures("open_files")
async def test_a_node_alarms_before_it_can_open_nothing_more() -> None:
    """A running server looks by itself, and still serves when it tells of it."""
    async with running_edge({FEDERATION: ScriptedFederation()}) as edge:
        client = edge.client()
        await client.federation.Ping(PingRequest())
        with structlog.testing.capture_logs() as rows:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (count_descriptors() * 6 // 5, hard))
            await until(lambda: any(row["event"] == "descriptors_run_out" for row in rows))
            await client.federation.Ping(PingRequest())


def test_the_alarm_comes_at_four_fifths_once_a_minute_and_ends() -> None:
    """People hear of it when it begins, again while it lasts, and when it is over."""
    now_s = 1_000.0
    alarm = DescriptorAlarm(monotonic_s=lambda: now_s)

    def told(count: int) -> list[str]:
        with structlog.testing.capture_logs() as rows:
            alarm.look(count, limit=100)
        return [str(row["event"]) for row in rows]

    assert [] == told(80)
    assert ["descriptors_run_out"] == told(81)
    now_s += 59
    assert [] == told(100)
    now_s += 1
    assert ["descriptors_run_out"] == told(100)
    now_s += 30
    assert [] == told(80)
    assert [] == told(90), "who comes and goes is one alarm"
    now_s += 30
    assert ["descriptors_suffice_again"] == told(80)
    assert [] == told(80)
    assert ["descriptors_run_out"] == told(90)


def test_the_alarm_says_what_to_do() -> None:
    """It names both numbers and the remedy, in both languages."""
    with structlog.testing.capture_logs() as rows:
        DescriptorAlarm().look(95, limit=100)
    (row,) = rows
    assert ("error", 95, 100) == (row["log_level"], row["open"], row["limit"])
    assert "firewall" in row["remedy"]
    assert "防火墙" in row["text_zh"]


def test_open_descriptors_are_counted(tmp_path: Path) -> None:
    """One more file is one more."""
    before = count_descriptors()
    with (tmp_path / "file").open("w"):
        assert before + 1 == count_descriptors()
    assert before == count_descriptors()


@pytest.mark.usefixtures("open_files")
def test_a_node_takes_the_descriptors_that_it_may() -> None:
    """The soft limit goes up to the hard one, at most to the ceiling, and never down."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    assert 600 == raise_descriptor_limit(ceiling=600)
    assert (600, hard) == resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 600 == raise_descriptor_limit(ceiling=300)
    assert hard == raise_descriptor_limit(ceiling=hard + 1)


@pytest.mark.parametrize(
    "allowed, expected", [(1_024, 896), (16_384, 7_168), (resource.RLIM_INFINITY, 7_168)]
)
def test_connections_take_seven_eighths_and_no_more_memory_than_there_is(
    monkeypatch: pytest.MonkeyPatch, allowed: int, expected: int
) -> None:
    """Where a machine allows any number, connections are still bounded."""
    # Not set for this process: not every machine that tests allows as many.
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, resource.RLIM_INFINITY))
    assert expected == connections_max()
