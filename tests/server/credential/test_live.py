"""Status lists that are kept up, while reads fail and callers go away: they hide nothing."""

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from google.protobuf.message import Message
from sqlalchemy.exc import OperationalError

from deltacare.ids import LogName
from server.certification.projector import CertificationProjector
from server.credential import rules, status
from server.credential.projector import CredentialProjector
from server.credential.status import ListAt, LiveLists, compute_list
from server.log.ports import Position
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.support.certifying import certificate, reinstatement, revocation, suspension
from tests.support.projecting import Book

JS = "320000"
LOG = LogName.registry(JS)
FIRST_DAY = date(2026, 10, 1)
ONE_DAY = timedelta(days=1)
STEPS = ("restricted_numbers", "issued_count", "status_indexes", "read_histories")
WAIT_S = 10.0


class _Held:
    """A reader that holds all that a book says."""

    def __init__(self, book: Book) -> None:
        self._book = book

    async def refresh(self) -> None:
        """Nothing comes but what the book says."""

    def position(self, log: LogName) -> Position:
        """Return how far it is held."""
        size = len(self._book.entries.get(log, ()))
        return Position(
            size=size,
            quorum_size=size,
            quorum_time=None,
            fresh_time=None,
            stalled=False,
            forked=False,
        )


class _Faults:
    """Stands before the reads of the room; fails or holds back one of them where it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._broken = self._held = ""
        self.read_count: Counter[str] = Counter()
        self.is_held = threading.Event()
        self.go_on = threading.Event()
        for name in STEPS:
            monkeypatch.setattr(status, name, self._before(name, getattr(status, name)))

    def _before(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def read(*given: Any) -> Any:  # whatever the read takes and gives
            if name == self._broken:
                self._broken = ""
                raise OperationalError("SELECT", {}, Exception("connection lost"))
            self.read_count[name] += 1
            if name == self._held:
                self._held = ""
                self.is_held.set()
                assert self.go_on.wait(WAIT_S), "the test lets it go on"
            return real(*given)

        return read

    def break_at(self, name: str) -> None:
        """Let the next such read fail, once."""
        self._broken = name

    def hold_at(self, name: str) -> None:
        """Hold the next such read back, once."""
        self._held = name
        self.is_held.clear()
        self.go_on.clear()

    def clear(self) -> None:
        """Let every read pass."""
        self._broken = self._held = ""
        self.go_on.set()


class _Kept:
    """One province's lists, kept up; what is due comes out of a book."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self.database = database
        self.book = Book(
            database, RegistryProjector(), CertificationProjector(), CredentialProjector()
        )
        self.faults = _Faults(monkeypatch)
        self.lists = LiveLists(own=JS, database=database, reader=_Held(self.book))  # type: ignore[arg-type]  # as far as it is asked

    async def fail(self, day: date, step: str) -> None:
        """Ask for the lists while the database fails at a step, if it comes to that."""
        self.faults.break_at(step)
        with contextlib.suppress(OperationalError):
            await self.lists.current(day)
        self.faults.clear()

    async def leave(self, day: date, step: str) -> tuple[ListAt, ...]:
        """Go away while a step is under way; somebody else asks meanwhile, and is answered."""
        self.faults.hold_at(step)
        gone = asyncio.create_task(self.lists.current(day))
        held = asyncio.create_task(asyncio.to_thread(self.faults.is_held.wait, WAIT_S))
        await asyncio.wait((gone, held), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        await asyncio.wait((gone,))
        second = asyncio.create_task(self.lists.current(day))
        # Whoever does not wait for the first is done by now; whoever does goes on with it.
        await asyncio.wait((second,), timeout=0.05)
        self.faults.clear()
        self.faults.is_held.set()
        await held
        return await second

    async def right(self, day: date) -> tuple[ListAt, ...]:
        """Return the lists of a day worked out from nothing."""
        size = len(self.book.entries.get(LOG, ()))
        found: list[ListAt] = []
        while True:
            number = len(found)
            listed = await self.database.read(
                lambda c: compute_list(c, JS, number, size=size, day=day)  # noqa: B023  # awaited here
            )
            if listed is None:
                return tuple(found)
            found.append(listed)


@pytest.fixture
def kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Kept]:
    """Lists of Jiangsu, of whom nothing is known yet; several threads read."""
    with contextlib.closing(Database(database.url)) as opened:
        yield _Kept(opened, monkeypatch)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", ["fail", "leave"])
async def test_turn_of_the_day(kept: _Kept, how: str, step: str) -> None:
    """What was due in the second of the trouble is in the next answer."""
    kept.book.say(JS, certificate(), revocation("2026-10-02"))
    assert b"\0" == (await kept.lists.current(FIRST_DAY))[0].data
    day = FIRST_DAY + ONE_DAY
    await getattr(kept, how)(day, step)
    assert b"\1" == (await kept.lists.current(day))[0].data
    assert await kept.right(day) == await kept.lists.current(day)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", ["fail", "leave"])
async def test_growth_of_the_log(kept: _Kept, how: str, step: str) -> None:
    """Likewise what came into the log just before it."""
    kept.book.say(JS, certificate())
    assert b"\0" == (await kept.lists.current(FIRST_DAY))[0].data
    kept.book.say(JS, suspension("2026-09-01"), certificate(f"{JS}-C2"))
    await getattr(kept, how)(FIRST_DAY, step)
    assert (b"\2", 2) == (
        (await kept.lists.current(FIRST_DAY))[0].data,
        (await kept.lists.current(FIRST_DAY))[0].entry_count,
    )


async def test_work_of_who_went_away(kept: _Kept) -> None:
    """It is finished, for whoever asks next: a long one is not begun anew by each that leaves."""
    kept.book.say(JS, certificate(), suspension("2026-09-01"))
    answered = await kept.leave(FIRST_DAY, "read_histories")
    assert (b"\2", 1) == (answered[0].data, kept.faults.read_count["read_histories"])


def _something(chance: random.Random, issued: int, day: date) -> Message:
    """Return something that may be said of one of so many certificates."""
    number = f"{JS}-C{chance.randrange(issued)}"
    when = day + ONE_DAY * chance.randint(-3, 3)
    until = (when + ONE_DAY * chance.randint(0, 3)).isoformat() if chance.random() < 0.5 else ""
    return chance.choice(
        (
            suspension(when.isoformat(), until, number),
            reinstatement(when.isoformat(), number),
            revocation(when.isoformat(), number),
        )
    )


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_goes_wrong(kept: _Kept, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """After random events, days, failures and departures the lists are those from nothing."""
    for module in (status, rules):
        monkeypatch.setattr(module, "LIST_PLACES", 8)
    chance = random.Random(seed)
    issued, day = 0, FIRST_DAY
    for _ in range(25):
        bodies: list[Message] = []
        for _ in range(chance.randint(0, 3)):
            bodies.append(certificate(f"{JS}-C{issued}"))
            issued += 1
        if issued:
            bodies += (_something(chance, issued, day) for _ in range(chance.randint(0, 3)))
        if bodies:
            kept.book.say(JS, *bodies)
        day += ONE_DAY * chance.randint(0, 2)
        for _ in range(chance.randint(0, 3)):
            way = chance.choice((kept.fail, kept.leave))
            answered = await way(day, chance.choice(STEPS))
            if answered is not None:
                assert await kept.right(day) == answered
        if chance.random() < 0.7:
            assert await kept.right(day) == await kept.lists.current(day)
    assert await kept.right(day) == await kept.lists.current(day)
    assert await kept.right(FIRST_DAY) == await kept.lists.current(FIRST_DAY)  # a clock set back
