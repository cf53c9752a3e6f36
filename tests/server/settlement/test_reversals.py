"""What a reversal does before clearing and after it, night after night, and on both nodes alike."""

from datetime import date
from pathlib import Path

import pytest

from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from tests.server.settlement.recompute import RecomputedNight, recompute_nights
from tests.server.settlement.world import HOME, HOST, World, day

pytestmark = pytest.mark.long

AGREED = cpb.PAIR_NIGHT_STATE_AGREED


async def run_night(world: World, number: int) -> int:
    """Run a night, assert that both nodes and the logs alone agree, and return what host gets."""
    night = await world.night(number)
    assert AGREED == night.state, night
    assert night.lower_result.digest == night.higher_result.digest
    for province in (HOME, HOST):
        last = await recomputed(world, province, number)
        assert (day(number), night.lower_result.digest) == (
            last.business_date.isoformat(),
            last.digest,
        )
    return night.lower_result.higher_pays_fen


async def recomputed(world: World, province: str, number: int) -> RecomputedNight:
    """Return a night as the logs alone bring it forth on one node."""
    node = world[province].node
    nights = await node.database.read(
        lambda c: recompute_nights(
            c,
            reader=node.logs.reader,
            trust=world.nodes.trust,
            pair=(HOME, HOST),
            projectors=node.projectors,
            until_date=date.fromisoformat(day(number)),
        )
    )
    return nights[-1]


async def owners(world: World) -> list[tuple[str, str]]:
    """Return (class, owner) of the lines that are open in the newest night, as both nodes do."""
    found = []
    for province, partner in ((HOME, HOST), (HOST, HOME)):
        answer = await world[province].clearing.list_lines(
            cpb.ListLinesRequest(partner=partner, page_size=100), world.call(province)
        )
        found.append(
            [
                (cpb.LineClass.Name(line.line_class).removeprefix("LINE_CLASS_"), line.owner)
                for line in answer.lines
            ]
        )
    assert found[0] == found[1]
    return found[0]


async def test_reversed_number_never_comes_alive_again(tmp_path: Path) -> None:
    """Reversed, closed and filed again by both, a number waits for the other side and is closed."""
    async with World.open(tmp_path) as world:
        await world.facts()
        record = world.record("S1")
        await world.file(HOME, [record])
        assert 0 == await run_night(world, 1)
        await world.reverse(HOME, "S1")
        assert 0 == await run_night(world, 2)
        assert {"REVERSED": ["S1"]} == await world.classes(2)
        await world.both(record)
        assert 0 == await run_night(world, 3)
        assert {"REVERSED_ONE_SIDE": ["S1"]} == await world.classes(3)
        assert [("REVERSED_ONE_SIDE", HOST)] == await owners(world)
        await world.reverse(HOST, "S1")
        assert 0 == await run_night(world, 4)
        assert {"REVERSED": ["S1"]} == await world.classes(4)
        await world.both(record)
        assert 0 == await run_night(world, 5)
        assert {"REVERSED": ["S1"]} == await world.classes(5)


async def test_when_a_night_runs_does_not_matter(tmp_path: Path) -> None:
    """Filed again before the night that closes its reversal is run, a number fares no better."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.file(HOME, [world.record("S1")])
        await world.reverse(HOME, "S1")
        await world.close(1)
        await world.both(world.record("S1"))
        await world.close(2)
        await world.run()
        assert {"REVERSED": ["S1"]} == await world.classes(1)
        assert {"REVERSED_ONE_SIDE": ["S1"]} == await world.classes(2)


async def test_reversal_of_a_cleared_number_in_conflict(tmp_path: Path) -> None:
    """It withdraws its side's differing row, waits for the other side, and is netted once."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        assert 300_000 == await run_night(world, 1)
        await world.file(HOME, [world.record("S1", amount_fen=299_999)])
        assert 0 == await run_night(world, 2)
        assert {"DUP_CONFLICT": ["S1"]} == await world.classes(2)
        await world.reverse(HOME, "S1")
        assert 0 == await run_night(world, 3)
        expected = {"REVERSED": ["S1"], "REVERSED_ONE_SIDE": ["S1"]}
        assert expected == await world.classes(3)
        assert [("REVERSED_ONE_SIDE", HOST)] == await owners(world)
        await world.reverse(HOST, "S1")
        assert -300_000 == await run_night(world, 4)
        assert {"MATCHED": ["S1"]} == await world.classes(4)
        # What is filed under the number afterwards is withdrawn, and nothing is paid again.
        await world.both(world.record("S1", amount_fen=1))
        await world.reverse(HOME, "S1")
        assert 0 == await run_night(world, 5)
        assert {"REVERSED": ["S1"]} == await world.classes(5)
        assert 0 == await run_night(world, 6)
        assert {} == await world.classes(6)


async def test_one_side_withdraws_and_the_other_is_still_judged(tmp_path: Path) -> None:
    """A differing row of the side that has not reversed stays a conflict until that side acts."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        await run_night(world, 1)
        first = {
            province: (
                await world.file(province, [world.record("S1", amount_fen=1)])
            ).appended.first_index
            for province in (HOME, HOST)
        }
        await world.reverse(HOST, "S1")
        await run_night(world, 2)
        expected = {
            "REVERSED": ["S1"],
            "REVERSED_ONE_SIDE": ["S1"],
            "DUP_CONFLICT": ["S1"],
        }
        assert expected == await world.classes(2)
        assert [("DUP_CONFLICT", "BOTH"), ("REVERSED_ONE_SIDE", HOME)] == await owners(world)
        # Revised to equal the cleared row it is a surplus copy, and the money stays as it was.
        answer = await world.file(HOME, [world.record("S1", replaces_index=first[HOME])])
        assert not answer.refusal_reason, answer
        assert 0 == await run_night(world, 3)
        assert {"DUP_EXACT": ["S1"], "REVERSED_ONE_SIDE": ["S1"]} == await world.classes(3)


async def test_reversal_filed_before_the_clearing_night_is_run(tmp_path: Path) -> None:
    """Filed under the next date it is of the cleared settlement, however late the night runs."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        await world.close(1)
        await world.reverse(HOME, "S1")
        await world.reverse(HOST, "S1")
        await world.close(2)
        await world.run()
        assert {"MATCHED": ["S1"]} == await world.classes(1)
        assert {"MATCHED": ["S1"]} == await world.classes(2)
        assert -300_000 == (await world.pair_night(HOME, 2)).lower_result.higher_pays_fen
        # A rebuild of both logs leads to the same.
        node = world[HOST].node
        for log in (LogName.settlement(HOME, HOST), LogName.settlement(HOST, HOME)):
            await node.logs.rebuild(log)
        await world.run(HOST)
        assert await world.classes(2, HOST) == await world.classes(2)
