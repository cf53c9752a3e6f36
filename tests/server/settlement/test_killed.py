"""A night killed with SIGKILL at each numbered step and run again: the same digests and money."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from server.settlement import cache, kept, night_close, nights
from server.settlement.nights import PairNights
from tests.server.settlement.world import HOME, HOST, World, day
from tests.support.dying import Dying

# Each step by what it ends with: where a function stands, and its name.
STEPS: dict[str, tuple[Any, str]] = {
    "1 looked what is due": (PairNights, "_look"),
    "2 counted": (nights, "live_count"),
    "3 inputs at hand": (nights, "load_inputs"),
    "4 registers read": (nights, "load_facts"),
    "5 leaves and outcome made": (nights, "keep_night"),
    "6 night stored, result not yet appended": (cache, "store_night"),
    "7 result asked for": (nights, "has_stated"),
    "8 outcome read": (night_close, "unpack_outcome"),
    "9 rows closed": (night_close, "_close_rows"),
    "10 what they replaced closed": (night_close, "_close_replaced"),
    "11 cleared": (night_close, "_clear"),
    "12 budgets consumed": (night_close, "_spent"),
    "13 reversals used up": (night_close, "_close_reversals"),
    "14 late revisions void": (night_close, "_void_late_revisions"),
    "15 all closed, not committed": (nights, "close_night"),
}
_RUN_TIMEOUT_S = 120
_LEFT = (
    "SELECT home, host, settlement_no, cleared_date, reversed_date FROM settlement_cleared",
    "SELECT partner, business_date, attempt, digest, agreed FROM settlement_night",
    "SELECT author, partner, idx, closed_date, void_rule FROM settlement_record",
    "SELECT partner, business_date, home_division, amount_fen FROM settlement_consumed",
    "SELECT author, business_date, attempt, digest FROM settlement_pair_result",
    "SELECT author, settlement_no, closed_date FROM settlement_reversal",
    "SELECT name, entry_index, rule FROM void_entries JOIN logs USING (log_id)",
)
_MONEY = (
    "SELECT coalesce(sum(amount_fen), 0) FROM settlement_cleared",
    "SELECT coalesce(sum(amount_fen), 0) FROM settlement_cleared WHERE reversed_date IS NOT NULL",
    "SELECT sum(higher_pays_fen - lower_pays_fen) FROM settlement_night WHERE agreed = 1",
    "SELECT count(*) FROM settlement_pair_result",
)
_FEN = 300_000


async def _prepared(directory: Path) -> None:
    """File two days' records and what every step works on; leave the second night to run.

    A reversal of what the first cleared, a row that replaces another, and one that comes too late.
    """
    async with World.open(directory) as world:
        await world.facts()
        await world.both(*(world.record(f"S{number:03d}", number) for number in range(20)))
        await world.file(HOST, [world.record("LATE", 30)])
        await world.night(1)
        for province in (HOME, HOST):
            await world.reverse(province, "S003")
        await world.both(*(world.record(f"T{number:03d}", number + 20) for number in range(9)))
        await world.file(HOST, [world.record("REVISED", 40)])
        wrong = await world.file(HOME, [world.record("REVISED", 40, amount_fen=1)])
        place = wrong.appended.first_index
        await world.file(HOME, [world.record("REVISED", 40, replaces_index=place)])
        await world.close(2)
        late = world.record("REVISED", 40, amount_fen=2, replaces_index=place + 1)
        assert not (await world.file(HOME, [late])).refusal_reason
        await world.settled()


async def _is_closed(world: World, province: str) -> bool:
    """Whether a node has closed the second night."""
    query = text("SELECT count(*) FROM settlement_night WHERE business_date = :day AND agreed = 1")
    found = await world[province].node.database.read(
        lambda connection: connection.execute(query, {"day": day(2)}).scalar_one()
    )
    return bool(found)


async def _rows(world: World, province: str, query: str) -> list[tuple[Any, ...]]:
    """Return what a query finds at a node."""

    def read(connection: Connection) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connection.execute(text(query))]

    return await world[province].node.database.read(read)


async def _run(directory: Path, *, until: str = "") -> dict[str, Any]:
    """Open the nodes again and run what is due, to the end or until a step has been taken."""
    async with World.open(directory) as world:
        if until:
            where, name = STEPS[until]
            real: Callable[..., Any] = getattr(where, name)

            def then_die(*given: Any, **named: Any) -> Any:
                real(*given, **named)
                os.kill(os.getpid(), signal.SIGKILL)

            setattr(where, name, then_die)
        async with asyncio.timeout(_RUN_TIMEOUT_S):
            while not all([await _is_closed(world, province) for province in (HOME, HOST)]):
                await world.settled()
                await world.run()
        found: dict[str, Any] = {}
        for province in (HOME, HOST):
            for query in _LEFT:
                rows = await _rows(world, province, query)
                found[f"{province} {query}"] = sorted(repr(row) for row in rows)
            sums = [await _rows(world, province, query) for query in _MONEY]
            found[f"{province} money"] = [int(rows[0][0]) for rows in sums]
        return found


def child(directory: str, until: str = "") -> dict[str, Any]:
    """Run in a process of its own and return what is left."""
    return asyncio.run(_run(Path(directory), until=until))


@pytest.mark.slow
async def test_a_night_killed_at_every_step(tmp_path: Path) -> None:
    """After each of the steps the process is gone; run again, every table is what it would be."""
    made = tmp_path / "made"
    made.mkdir()
    await _prepared(made)
    with Dying(child, tmp_path, "duckdb", "settlement.duck") as dying:
        _kill_and_repeat(dying, made, tmp_path)


def _kill_and_repeat(dying: Dying, made: Path, tmp_path: Path) -> None:
    """Run what is due to the end, and again until each step and then to the end."""
    whole = shutil.copytree(made, tmp_path / "whole")
    code, expected = dying.run(str(whole))
    assert 0 == code
    # Each step had something to do: a reversal netted, a revision that came too late.
    rows = [str(each) for found in expected.values() for each in found]
    assert any("S003" in each and day(2) in each for each in rows)
    assert any("S10-REPLACES-CLOSED" in each for each in rows)
    # Thirty settlements were cleared, each once, one of them cancelled; two nights, two authors.
    for province in (HOME, HOST):
        assert [30 * _FEN, _FEN, 29 * _FEN, 4] == expected[f"{province} money"]
    for number, step in enumerate(STEPS, start=1):
        again = shutil.copytree(made, tmp_path / str(number))
        code, _ = dying.run(str(again), step)
        assert -signal.SIGKILL == code, f"{step}: {code}"
        code, found = dying.run(str(again))
        assert (0, expected) == (code, found), step  # nothing twice, nothing missing
        shutil.rmtree(again)


def test_every_step_is_there() -> None:
    """No step names a function that is gone."""
    assert all(callable(getattr(where, name)) for where, name in STEPS.values())
    assert kept.keep_night is vars(nights)["keep_night"]
