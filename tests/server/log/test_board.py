"""What is known in memory: news once, the newest of each kind, and the end of every reader."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from deltacare.ids import LogName
from deltacare.tlog.tree import Frontier
from server.log.board import Board, Slot
from server.log.store import Head
from tests.support.ports import START_TIME

LOG, OTHER = LogName.registry("310000"), LogName.registry("320000")


def head(version: int, *, size: int = 0) -> Head:
    """Return a head of a version."""
    return Head(
        log=LOG,
        log_id=1,
        version=version,
        changed_time=START_TIME + timedelta(seconds=version),
        size=size,
        frontier=Frontier.empty(),
        head_size=size,
        head_note=f"note {size}".encode(),
        seen_note=None,
        quorum_size=0,
        quorum_time=None,
        fresh_time=None,
        projected_size=size,
        is_stalled=False,
        is_forked=False,
        evidence_count=0,
        fork_count=0,
        cosigned_size=None,
        cosigned_root=None,
        judgement="",
    )


def test_an_older_head_is_no_news() -> None:
    """Versions never go back on the board."""
    board = Board()
    assert board.put_heads([head(2, size=2)]) == {LOG}
    assert board.put_heads([head(1, size=1)]) == frozenset()
    assert board.put_heads([head(2, size=2)]) == frozenset()
    assert board.heads[LOG].size == 2


def test_what_is_shown_is_the_newest_of_each_kind() -> None:
    """One note a size, asking if any of them asks, smallest first."""
    board = Board()
    board.put_heads([head(1, size=1)])
    board.put_heads([head(2, size=2)])
    board.show(LOG, Slot.ASKED, 2, b"note 2")
    board.show(LOG, Slot.QUORUM, 1, b"note 1, cosigned")
    shown = [(one.size, one.note, one.is_asked) for one in board.shown(LOG)]
    assert shown == [(1, b"note 1, cosigned", False), (2, b"note 2", True)]


def test_a_reader_sees_only_what_was_put_up_since() -> None:
    """Revisions tell what a watcher was shown before."""
    board = Board()
    board.put_heads([head(1, size=1)])
    revision = board.revision
    board.show(LOG, Slot.QUORUM, 1, b"cosigned")
    board.show(LOG, Slot.QUORUM, 1, b"cosigned")
    assert [one.note for one in board.shown(LOG, after=revision)] == [b"cosigned"]
    assert board.revision == revision + 1
    assert board.shown(LOG, after=board.revision) == []


async def test_changes_come_first_at_once_and_then_together() -> None:
    """What happened between two looks comes as one set."""
    board = Board()
    board.put_heads([head(1)])
    changes = board.changes()
    assert await anext(changes) == {LOG}
    board.put_heads([head(2)])
    board.put_heads([head(3)])
    assert await anext(changes) == {LOG}
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    assert not waiting.done()
    board.put_heads([head(4)])
    assert await waiting == {LOG}
    await changes.aclose()  # type: ignore[attr-defined]


async def test_some_changes_wait_for_those_that_follow() -> None:
    """What is gathered comes once, after its time; meanwhile nothing else waits for it."""
    board, gather_s = Board(), 0.1
    board.put_heads([head(1), replace(head(1), log=OTHER)])
    changes = board.changes(gathered=[OTHER], gather_s=gather_s)
    assert await anext(changes) == {LOG, OTHER}
    begin_s = asyncio.get_running_loop().time()
    board.put_heads([replace(head(2), log=OTHER)])
    board.put_heads([head(2)])
    assert await anext(changes) == {LOG}
    waiting = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    board.show(OTHER, Slot.QUORUM, 0, b"cosigned")
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await waiting == {OTHER}
    assert asyncio.get_running_loop().time() - begin_s >= gather_s
    # Nothing is left of it; and the next is gathered for as long again.
    board.put_heads([head(3)])
    assert await anext(changes) == {LOG}
    begin_s = asyncio.get_running_loop().time()
    board.put_heads([replace(head(3), log=OTHER)])
    assert await anext(changes) == {OTHER}
    assert asyncio.get_running_loop().time() - begin_s >= gather_s
    await changes.aclose()  # type: ignore[attr-defined]


async def test_closing_ends_every_reader() -> None:
    """A drain lets nobody wait."""
    board = Board()
    seen = []

    async def follow() -> None:
        seen.extend([logs async for logs in board.changes()])

    task = asyncio.create_task(follow())
    await asyncio.sleep(0)
    board.close()
    await task
    assert set().union(*seen) == set()


async def test_waiting_for_news_ends_in_time() -> None:
    """Nothing new within the time is no news."""
    board = Board()
    with board.subscribe() as subscriber:
        await subscriber.next()
        assert await subscriber.next(within_s=0.001) == frozenset()
