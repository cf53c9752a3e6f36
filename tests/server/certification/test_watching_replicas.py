"""A stream is resumed at another replica of the node, behind the same PostgreSQL database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deltacare.ids import LogName, Principal
from tests.support.certifying import reinstatement, suspension
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
