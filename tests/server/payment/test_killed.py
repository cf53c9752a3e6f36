"""A payer's node killed with SIGKILL around an order's append, and the order again: one order."""

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from server.log.sequencer import GroupSequencer
from server.payment import ordering, service
from tests.server.payment.world import PAYEE, PAYER, World
from tests.support.dying import Dying

STEPS: dict[str, tuple[Any, str]] = {
    "1 known orders looked for": (ordering, "kept_index"),
    "2 found due": (ordering, "require_due"),
    "3 message checked": (ordering, "require_message"),
    "4 appended and signed, not committed": (service, "appended"),
    "5 committed, not answered": (GroupSequencer, "submit"),
}
_REQUEST_ID = "00000000-0000-4000-8000-00000000a001"
_OTHER_ID = "00000000-0000-4000-8000-00000000a002"
_FEN = 300_000


async def _prepared(directory: Path) -> None:
    """Make a payment due."""
    async with World.open(directory) as world:
        await world.bind(f"{PAYEE}-S1", _FEN)
        assert _FEN == (await world.payment()).next_fen


def _die_after(where: Any, name: str) -> None:
    """Let the process die the next time that a function has done its work."""
    real: Callable[..., Any] = getattr(where, name)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def then_die(*given: Any, **named: Any) -> Any:
        real(*given, **named)
        die()

    async def finish(*given: Any, **named: Any) -> None:
        doing: Awaitable[object] = real(*given, **named)
        await doing
        die()

    setattr(where, name, finish if asyncio.iscoroutinefunction(real) else then_die)


async def _run(directory: Path, *, until: str) -> dict[str, Any]:
    """Order what is due: to the end, and once more by another request; or until a step is taken."""
    async with World.open(directory) as world:
        orders = world.orders([await world.payment()])
        if until:
            _die_after(*STEPS[until])
        first = await world.order(orders, request_id=_REQUEST_ID)
        same = await world.order(orders, request_id=_REQUEST_ID)
        other = await world.order(orders, request_id=_OTHER_ID)
        await world.settled()

        def read(connection: Connection) -> list[list[Any]]:
            query = "SELECT payment_id, attempt, amount_fen FROM payment_order ORDER BY 1, 2"
            return [list(row) for row in connection.execute(text(query))]

        return {
            "places": [
                [each.appended.first_index, each.appended.entry_count]
                for each in (first, same, other)
            ],
            "orders": {
                province: await world.nodes[province].database.read(read)
                for province in (PAYER, PAYEE)
            },
            "state": await world.state(PAYEE),
            "voids": await world.voids(PAYEE),
        }


def child(directory: str, until: str = "") -> dict[str, Any]:
    """Run in a process of its own and return what is left."""
    return asyncio.run(_run(Path(directory), until=until))


@pytest.mark.slow
async def test_an_order_whose_node_is_killed_is_ordered_once(tmp_path: Path) -> None:
    """After each step the node is gone; ordered again, by the same request and by another: once."""
    made = tmp_path / "made"
    made.mkdir()
    await _prepared(made)
    with Dying(child, tmp_path) as dying:
        _kill_and_repeat(dying, made, tmp_path)


def _kill_and_repeat(dying: Dying, made: Path, tmp_path: Path) -> None:
    """Order to the end, and again until each step and then to the end."""
    code, expected = dying.run(str(shutil.copytree(made, tmp_path / "whole")))
    assert 0 == code
    for province in (PAYER, PAYEE):
        assert [[1, _FEN]] == [each[1:] for each in expected["orders"][province]]
    assert 1 == len({tuple(place) for place in expected["places"]})
    assert (f"ORDERED {PAYER} READ_BANK_STATEMENT", []) == (expected["state"], expected["voids"])
    for number, step in enumerate(STEPS, start=1):
        again = shutil.copytree(made, tmp_path / str(number))
        code, _ = dying.run(str(again), step)
        assert -signal.SIGKILL == code, f"{step}: {code}"
        code, found = dying.run(str(again))
        assert (0, expected) == (code, found), step
        shutil.rmtree(again)


def test_every_step_is_there() -> None:
    """No step names a function that is gone."""
    assert all(callable(getattr(where, name)) for where, name in STEPS.values())
