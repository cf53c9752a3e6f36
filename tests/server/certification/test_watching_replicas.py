"""A stream is resumed at another replica of the node, behind the same PostgreSQL database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.ids import LogName, Principal
from deltacare.v1 import certification_service_pb2 as pb
from server.certification import watch_days, watch_desk
from tests.support.certifying import reinstatement, revocation, suspension
from tests.support.nodes import FourNodes
from tests.support.projecting import entry_of
from tests.support.rooms import Rooms, certificate_body
from tests.support.watching import Follower, put

SH = "310000"
LOG = LogName.registry(SH)
NUMBER = "310000-C1"

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def replicas(directory: Path, url: str) -> AsyncIterator[tuple[Rooms, Rooms]]:
    """Bring two replicas of Shanghai's node up, with their services."""
    both: list[Rooms] = []
    try:
        for _ in range(2):
            async with Rooms.alone(directory, SH) as template:
                projectors, salts = template.nodes[SH].projectors, template.salts
            nodes = FourNodes(
                directory,
                urls={SH: url},
                projectors=lambda _, made=projectors: made,  # type: ignore[misc]
                attachments=salts.__getitem__,
            )
            await nodes[SH].start(write_unconfirmed=True)
            both.append(Rooms(nodes, salts, (SH,)))
        yield both[0], both[1]
    finally:
        for rooms in both:
            await rooms.nodes[SH].stop()


async def test_a_stream_goes_on_at_the_other_replica(tmp_path: Path, postgres_url: str) -> None:
    """Now here and now there, each entry is told once, whichever replica took it."""
    async with replicas(tmp_path, postgres_url) as (one, two):
        caller = Principal(province=SH, role="operator", opaque_id="operator-1")
        call = replace(one.call(SH), caller=caller)
        await one.issue(SH, certificate_body(NUMBER))
        await put(one.certification[SH], call, "310000-137", [NUMBER])
        await two.nodes[SH].holds(LOG, 1)
        follower = Follower(one.certification[SH], call)
        expected = []
        for turn in range(8):
            follower.service = (one, two)[turn % 2].certification[SH]
            await follower.connect()
            day = f"2026-0{turn % 8 + 1}-01"
            body = reinstatement(day, NUMBER) if turn % 2 else suspension(day, number=NUMBER)
            writer = (one, two)[turn // 2 % 2].nodes[SH]
            writer._requests += 100 * (turn + 1)
            expected.append(await writer.append(LOG, [entry_of(body)]))
            if turn % 3:
                await follower.heard(len(expected))
            await follower.disconnect()
        await follower.connect()
        await follower.heard(len(expected))
        await follower.disconnect()
        assert [(str(LOG), index, NUMBER) for index in expected] == follower.told()


async def test_a_day_goes_on_at_a_replica_whose_clock_is_behind(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun where the day has come, it goes on elsewhere as soon as it comes there: each once."""
    monkeypatch.setattr(watch_days, "CERTIFICATES_MAX", 1)
    monkeypatch.setattr(watch_desk, "_CLOCK_LOOK_S", 0.02)
    numbers = [f"310000-C{serial}" for serial in range(1, 5)]
    async with replicas(tmp_path, postgres_url) as (one, two):
        caller = Principal(province=SH, role="operator", opaque_id="operator-1")
        call = replace(one.call(SH), caller=caller)
        await one.issue(SH, *map(certificate_body, numbers))
        bodies = [revocation("2026-11-23", number=number) for number in numbers]
        await one.nodes[SH].append(LOG, [entry_of(body) for body in bodies])
        await put(one.certification[SH], call, "310000-137", numbers)
        await two.nodes[SH].holds(LOG, len(numbers) * 2)
        follower = Follower(one.certification[SH], call)
        await follower.connect()
        await follower.disconnect()
        one.nodes.clock.advance(timedelta(hours=8))
        stream = one.certification[SH].watch_certificates(
            pb.WatchCertificatesRequest(cursors=follower.cursors.values(), day_cursor=follower.day),
            call,
        )
        for _ in range(3):
            alert = await anext(stream)
            follower.day = alert.day_cursor
            follower.days += [alert] if alert.day else []
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        follower.service = two.certification[SH]
        await follower.connect()
        await asyncio.sleep(0.1)
        assert 2 == len(follower.days)
        two.nodes.clock.advance(timedelta(hours=8))
        assert [("2026-11-23", number, "REVOKED") for number in numbers] == await follower.heard_of(
            "2026-11-23"
        )
        await follower.disconnect()
