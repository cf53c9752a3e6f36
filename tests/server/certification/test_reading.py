"""Tests of reading facts together: many who ask at once cost a few reads, and each gets its own."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from deltacare.ids import LogName
from server.certification.reading import FactsReader
from server.log.ports import LogReader
from server.store.database import Database
from server.store.migrations import upgrade
from tests.support.rooms import Rooms, certificate_body

JS = "320000"
T = TypeVar("T")


class Counting(Database):
    """A database that counts reads, and can fail one."""

    reads = 0
    fails = False

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read, counted."""
        self.reads += 1
        if self.fails:
            raise OperationalError("SELECT", {}, Exception("gone"))
        return await super().read(work)


def facts_of(database: Database, reader: LogReader) -> FactsReader:
    """Return a reader of facts that remembers next to nothing."""
    return FactsReader(
        database=database,
        reader=reader,
        logs={JS: LogName.registry(JS)},
        certificates_max=1,
    )


async def test_who_asks_meanwhile_is_read_together(alone: Rooms, tmp_path: Path) -> None:
    """Fifty who ask at once for fifty certificates take three reads, and each gets its own."""
    numbers = [f"{JS}-C{serial:03d}" for serial in range(50)]
    for number in numbers:
        await alone.issue(JS, certificate_body(certificate_no=number), holder_name="甲")
    counting = Counting(f"sqlite:///{tmp_path}/{JS}.db")
    try:
        reader = alone.nodes[JS].logs.reader
        await reader.refresh()
        facts = facts_of(counting, reader)
        positions = {JS: reader.position(LogName.registry(JS))}
        found = await asyncio.gather(*(facts.at([number], positions) for number in numbers))
    finally:
        counting.close()
    assert 3 >= counting.reads
    for number, (about, _) in zip(numbers, found, strict=True):
        assert [number] == list(about)
        history = about[number].history
        assert history is not None
        assert number == history.certificate_no


async def test_a_read_that_fails_fails_for_all_who_wait(alone: Rooms, tmp_path: Path) -> None:
    """A database that is gone is said to each; the next who ask are answered again."""
    counting = Counting(f"sqlite:///{tmp_path}/other.db")
    try:
        counting.write_now(upgrade)
        reader = alone.nodes[JS].logs.reader
        facts = facts_of(counting, reader)
        positions = {JS: reader.position(LogName.registry(JS))}
        counting.fails = True
        asked = [facts.at([f"{JS}-C{serial}"], positions) for serial in range(3)]
        assert [OperationalError] * 3 == [
            type(each) for each in await asyncio.gather(*asked, return_exceptions=True)
        ]
        counting.fails = False
        about, _ = await facts.at([f"{JS}-C1"], positions)
        assert about[f"{JS}-C1"].history is None
    finally:
        counting.close()


async def test_who_goes_away_leaves_the_others_waiting(alone: Rooms, tmp_path: Path) -> None:
    """A caller whose deadline ends takes nobody else's answer away."""
    counting = Counting(f"sqlite:///{tmp_path}/other.db")
    try:
        counting.write_now(upgrade)
        reader = alone.nodes[JS].logs.reader
        facts = facts_of(counting, reader)
        positions = {JS: reader.position(LogName.registry(JS))}
        # The first two are read at once, one each; those behind them wait for one read.
        one, two, gone, stays = (
            asyncio.create_task(facts.at([f"{JS}-C{serial}"], positions)) for serial in range(4)
        )
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.cancel()
        about, _ = await stays
        assert about[f"{JS}-C3"].history is None
        await asyncio.gather(one, two)
        with pytest.raises(asyncio.CancelledError):
            await gone
    finally:
        counting.close()
