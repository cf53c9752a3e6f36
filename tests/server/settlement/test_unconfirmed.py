"""Tests of nights at a node whose trust is stale: records are filed, and nights wait."""

from datetime import timedelta
from pathlib import Path

from deltacare.v1 import clearing_service_pb2 as cpb
from tests.server.settlement.world import HOME, HOST, World
from tests.support.unconfirmed import Unconfirmed


async def test_nights_wait_for_trust(tmp_path: Path) -> None:
    """While one side's trust is stale nothing is agreed; when it is not, what was filed clears."""
    async with World.open(tmp_path) as world:
        await world.facts()
        now = world.nodes.clock.now()
        trust = Unconfirmed(world.nodes.trust)
        trust.since = now - timedelta(hours=26)
        world[HOME].nights._trust = trust  # type: ignore[assignment]  # it has everything
        await world.both(*(world.record(f"S{number}", number) for number in range(3)))
        await world.close(1)
        await world.run()
        _, waiting = await world[HOME].nights.waiting_for(HOST)
        assert ("TRUST_STALE", True) == (waiting.code, waiting.detail.endswith("Z"))
        night = await world.pair_night(HOST, 1)
        assert cpb.PAIR_NIGHT_STATE_AGREED != night.state
        trust.since = None
        await world.run()
        assert cpb.PAIR_NIGHT_STATE_AGREED == (await world.pair_night(HOST, 1)).state
        assert {"MATCHED": ["S0", "S1", "S2"]} == await world.classes(1)
