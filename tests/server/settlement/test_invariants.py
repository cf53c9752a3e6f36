"""Whatever both sides do, in any order: cleared at most once, no closed date changes, holds hold.

A script of acts is drawn from a seed and played night by night. Nothing here says what a class
ought to be: only what may never happen.
"""

import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from deltacare.errors import Refusal
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from server.settlement import tables
from tests.server.settlement.test_reversals import run_night
from tests.server.settlement.world import HOME, HOST, World

pytestmark = pytest.mark.long

NUMBERS = ("S1", "S2", "S3", "S4")
AMOUNTS = (300_000, 290_000)
NIGHTS = 6
ACTS_A_NIGHT = 7


class Play:
    """One script: what was filed, what is held, and what each night said.

    Args:
        world: The nodes.
        seed: Of the script.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = random.Random(seed)  # a script, not a secret
        self.filed: dict[tuple[str, str], list[int]] = {}
        self.holds: dict[str, int] = {}

    async def act(self) -> None:
        """Do something that a side may do; what a rule refuses stays undone."""
        number = self.random.choice(NUMBERS)
        side = self.random.choice((HOME, HOST))
        kind = self.random.choice(("file", "file", "both", "revise", "reverse", "hold", "release"))
        record = self.world.record(
            number, NUMBERS.index(number), amount_fen=self.random.choice(AMOUNTS)
        )
        places = self.filed.setdefault((side, number), [])
        if kind == "both":
            for each in (HOME, HOST):
                await self._file(each, number, record)
        elif kind == "revise" and places:
            record.replaces_index = self.random.choice(places)
            await self._file(side, number, record)
        elif kind == "reverse" and places:
            with suppress(Refusal):  # reversed before, and nothing filed since
                await self.world.reverse(side, number)
        elif kind == "hold" and number not in self.holds:
            self.holds[number] = await self.world.hold(number, epb.HOLD_CLASS_OVERLAP)
        elif kind == "release" and self.holds.get(number, -1) >= 0:
            # In force for the last time in the night of this date.
            await self.world.end_hold(self.holds[number])
            self.holds[number] = -1
        elif kind == "file":
            await self._file(side, number, record)

    async def _file(self, side: str, number: str, record: epb.SettlementRecord) -> None:
        answer = await self.world.file(side, [record])
        if not answer.refusal_reason:
            places = self.filed.setdefault((side, number), [])
            places.append(answer.appended.first_index)

    async def night(self, date: int) -> tuple[int, cpb.PairNight, Sequence[dict[str, list[str]]]]:
        """Close a date; return what the host gets, the night, and its lines on both nodes."""
        held = set(self.holds)
        before = await cleared_rows(self.world, HOME)
        fen = await run_night(self.world, date)
        lines = [await self.world.classes(date, province) for province in (HOME, HOST)]
        assert lines[0] == lines[1]
        newly = set(await cleared_rows(self.world, HOME)) - set(before)
        assert not newly & held, "what is held is not cleared"
        self.holds = {number: index for number, index in self.holds.items() if index >= 0}
        return fen, await self.world.pair_night(HOME, date), lines


async def cleared_rows(world: World, province: str) -> dict[str, tuple[int, str, str | None]]:
    """Return what a node has cleared: amount, date, and the date it was cleared back."""
    rows = await world[province].node.database.read(
        lambda c: c.execute(tables.cleared.select()).all()
    )
    numbers = [row.settlement_no for row in rows]
    assert len(set(numbers)) == len(numbers), "cleared at most once"
    return {
        row.settlement_no: (row.amount_fen, row.cleared_date, row.reversed_date) for row in rows
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_whatever_both_sides_do(tmp_path: Path, seed: int) -> None:
    """Money follows from what was cleared and cleared back, once each, and past nights stay."""
    async with World.open(tmp_path) as world:
        await world.facts()
        play = Play(world, seed)
        paid = 0
        said: list[tuple[cpb.PairNight, Sequence[dict[str, list[str]]]]] = []
        known: dict[str, tuple[int, str, str | None]] = {}
        for date in range(1, NIGHTS + 1):
            for _ in range(ACTS_A_NIGHT):
                await play.act()
            fen, night, lines = await play.night(date)
            paid += fen
            said.append((night, lines))
            # 1. What was cleared stays so, with its amount and date; it comes back at most once.
            now = await cleared_rows(world, HOME)
            assert now == await cleared_rows(world, HOST)
            for number, (amount, cleared_date, reversed_date) in known.items():
                assert (amount, cleared_date) == now[number][:2]
                assert reversed_date in (None, now[number][2])
            known = now
            # 2. The money is what stands cleared and nothing else.
            assert paid == sum(amount for amount, _, back in now.values() if back is None)
        # 3. No closed date has changed.
        for date, (night, lines) in enumerate(said, start=1):
            after = await world.pair_night(HOME, date)
            assert (night.lower_result, night.higher_result) == (
                after.lower_result,
                after.higher_result,
            )
            assert list(lines) == [await world.classes(date, each) for each in (HOME, HOST)]
        assert known, "the script cleared something"
