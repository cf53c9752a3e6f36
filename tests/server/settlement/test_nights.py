"""Nights of two nodes, end to end: both file, close and compute, and the lines are closed."""

from pathlib import Path

from deltacare.v1 import clearing_service_pb2 as cpb

from tests.server.settlement.world import HOME, HOST, World

AGREED = cpb.PAIR_NIGHT_STATE_AGREED


async def test_matched_records_are_cleared(tmp_path: Path) -> None:
    """What both sides file alike is agreed, netted, and seen alike by both nodes."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(*(world.record(f"S{number}", number) for number in range(10)))
        night = await world.night(1)
        assert AGREED == night.state, night
        assert night.lower_result.digest == night.higher_result.digest
        assert {"MATCHED": [f"S{number}" for number in range(10)]} == await world.classes(1)
        assert await world.classes(1, HOST) == await world.classes(1, HOME)
        assert 3_000_000 == night.lower_result.higher_pays_fen
        assert 0 == night.lower_result.lower_pays_fen
