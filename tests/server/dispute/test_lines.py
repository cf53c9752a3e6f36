"""Which lines a host disputes at present, and since when: what demands ask of this room."""

from datetime import datetime, timedelta
from pathlib import Path

from deltacare.v1 import entry_pb2 as epb
from server.dispute.lines import DisputedLines
from tests.server.dispute.world import DisputeWorld, dispute
from tests.server.settlement.world import HOME, HOST


async def disputed(world: DisputeWorld, *numbers: str) -> dict[str, datetime]:
    """Return what home's node knows to be disputed by the host."""
    node = world[HOME].node
    lines = DisputedLines(node.logs.reader)
    return dict(await node.database.read(lambda c: lines(c, HOME, HOST, numbers)))


async def test_the_last_open_dispute_of_the_host_counts(tmp_path: Path) -> None:
    """Not home's own, and none that is closed; of two that are open the later."""
    async with DisputeWorld.open(tmp_path) as world:
        await world.both(
            *(world.record(number, place) for place, number in enumerate(("S1", "S2")))
        )
        for province in (HOME, HOST):
            await world.known(province)
        await world.raised(dispute(number="S2", by=HOME), by=HOME)
        assert {} == await disputed(world, "S1", "S2")
        await world.raised(dispute())
        await world.known(HOST)
        first = await disputed(world, "S1", "S2")
        assert ["S1"] == list(first)
        world.nodes.clock.advance(timedelta(hours=1))
        await world.raised(dispute("D2", claim=epb.DISPUTE_CLAIM_ELDER))
        await world.known(HOST)
        second = await disputed(world, "S1", "S2")
        assert second["S1"] >= first["S1"] + timedelta(hours=1)
        await world.close_dispute(epb.DISPUTE_REMEDY_NONE, f"{HOST}-D2")
        await world.known(HOST)
        assert first == await disputed(world, "S1", "S2")
