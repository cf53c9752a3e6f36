"""Months close in order and for good; later facts never change what was stated."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from server.books import rules
from server.books.sources import ends_of
from settlement.books.balances import month_books
from tests.server.books.support import FIRST, HOME, HOST, LAST, MONTH, Ledger


async def closed(ledger: Ledger) -> epb.MonthClose:
    """Bring about a month with something in it, and close it at home."""
    await ledger.facts(10)
    await ledger.both(ledger.record("S1"), ledger.record("S2", 1))
    await ledger.month_of_nights()
    return (await ledger.close_month(HOME)).month_close


async def refusal(ledger: Ledger, month: str = MONTH) -> Refusal:
    """Return how closing a month is refused."""
    with pytest.raises(Refusal) as caught:
        await ledger.close_month(HOME, month)
    return caught.value


def put_back(copy: Path, path: Path) -> None:
    """Put a copy of a database in the place of one whose node is stopped."""
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, path)


async def test_refused(tmp_path: Path) -> None:
    """Not the next month, not ended, a night not agreed, closed before: each by its rule."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"))
        await ledger.all_nights(FIRST)
        # A night is not agreed: it is named.
        found = await refusal(ledger)
        assert rules.B05_NIGHT_NOT_AGREED.code == found.details["rule"]
        assert f"2026-11: 2026-11-29 {HOST}-{HOME} (1/2)" == found.details["subject"]
        assert found.details["subject"] in found.message
        assert "missing" not in found.details, "the first and the number say enough"
        await ledger.month_of_nights()
        # Not the next one.
        for month in ("2026-10", "2026-12"):
            assert rules.B02_OUT_OF_ORDER.code == (await refusal(ledger, month)).details["rule"]
        await ledger.close_month(HOME)
        # A second close, and one of a month that has not ended.
        assert rules.B02_OUT_OF_ORDER.code == (await refusal(ledger)).details["rule"]
        found = await refusal(ledger, "2026-12")
        assert rules.B03_NOT_ENDED.code == found.details["rule"]
        assert Reason.INVALID_FIELD == (await refusal(ledger, "2026-13")).reason
        assert [MONTH] == [each.month_close.month for each in await ledger.months(HOME)]
        assert [] == await ledger.months(HOST)


async def test_repeated(tmp_path: Path) -> None:
    """The same request gets its first answer."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.month_of_nights()
        request_id = ledger.request_id()
        first = await ledger.close_month(HOME, request_id=request_id)
        assert first == await ledger.close_month(HOME, request_id=request_id)


@pytest.mark.long
async def test_later_facts(tmp_path: Path) -> None:
    """Reversals, a late report of the bank and a statement leave the closed month as it was."""
    async with Ledger.open(tmp_path) as ledger:
        stated = await closed(ledger)
        before = await ledger.lines(HOME, until_date="2026-11-30")
        assert stated.line_count == len(before) == 3
        # 1. A statement binds, and the bank's word of November comes in December.
        statement = await ledger.statement()
        payment = ledger.payment(statement)
        await ledger.report(HOME, payment, 600_000, day="2026-11-30", ref=1)
        # 2. Both reverse what was cleared in November.
        for province in (HOME, HOST):
            await ledger.reverse(province, "S1")
        for number in (LAST + 1, LAST + 2):
            await ledger.all_nights(number)
        after = await ledger.lines(HOME)
        assert before == after[: len(before)]
        late = [line for line in after if line.late]
        assert [("2026-12-01", "2026-11-30", "DEBITED")] == [
            (line.book_date, line.event_date, line.event) for line in late
        ]
        assert "CLEARED_BACK" in [line.event for line in after[len(before) :]]
        (month,) = await ledger.months(HOME)
        assert (True, stated) == (month.recomputed, month.month_close)


@pytest.mark.long
async def test_from_the_entries_of_the_month(tmp_path: Path) -> None:
    """Worked out from nothing but the entries that a month took in, its books are the same."""
    async with Ledger.open(tmp_path) as ledger:
        stated = await closed(ledger)
        await ledger.statement()
        await ledger.all_nights(LAST + 1)
        keeper = ledger.books[HOME].keeper
        ends = {each.log: each.size for each in stated.log_ends}
        books = await ledger[HOME].node.database.read(
            lambda connection: keeper._work(connection, ends, ())
        )
        found = month_books(books.lines, MONTH, "2026-11-30")
        assert (stated.journal_hash, stated.line_count, stated.trial_balance_hash) == (
            found.journal_hash,
            found.line_count,
            found.trial_balance_hash,
        )


@pytest.mark.long
async def test_rebuild(tmp_path: Path) -> None:
    """After a rebuild of every log the books wait for the nights, and are then what they were."""
    async with Ledger.open(tmp_path) as ledger:
        await closed(ledger)
        before = await ledger.lines(HOME)
        node = ledger[HOME].node
        for log in (
            LogName.registry(HOME),
            LogName.registry(HOST),
            LogName.settlement(HOME, HOST),
            LogName.settlement(HOST, HOME),
        ):
            await node.logs.rebuild(log)
        ledger.attach(HOME)
        with pytest.raises(Refusal) as caught:
            await ledger.months(HOME)
        assert Reason.STALE == caught.value.reason
        await ledger.run(HOME)
        assert before == await ledger.lines(HOME)
        assert [True] == [each.recomputed for each in await ledger.months(HOME)]


@pytest.mark.long
async def test_restored(tmp_path: Path) -> None:
    """A node that lost its close takes it back, and closes no month again."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"))
        await ledger.month_of_nights()
        node = ledger[HOME].node
        path = Path(node.url.removeprefix("sqlite:///"))
        copy = tmp_path / "old.db"
        await node.stop()
        shutil.copy(path, copy)
        await node.start()
        await node.confirmed()
        ledger.attach(HOME)
        stated = (await ledger.close_month(HOME)).month_close
        await node.stop()
        put_back(copy, path)
        await node.start()
        await node.confirmed()
        ledger.attach(HOME)
        await ledger.settled()
        assert rules.B02_OUT_OF_ORDER.code == (await refusal(ledger)).details["rule"]
        (month,) = await ledger.months(HOME)
        assert (True, stated) == (month.recomputed, month.month_close)


@pytest.mark.long
async def test_next_month(tmp_path: Path) -> None:
    """December closes after November, with what November's close did not know in it."""
    async with Ledger.open(tmp_path) as ledger:
        await closed(ledger)
        statement = await ledger.statement()
        payment = ledger.payment(statement)
        await ledger.report(HOME, payment, 600_000, day="2026-11-30", ref=1)
        ledger.set_day(date(2027, 1, 2))
        for number in range(LAST + 1, LAST + 32):
            await ledger.all_nights(number)
        december = (await ledger.close_month(HOME, "2026-12")).month_close
        await ledger.report(HOME, payment, 1, day="2026-11-30", ref=2)
        lines = await ledger.lines(HOME)
        assert [("2026-12-01", True), ("2027-01-01", True)] == [
            (line.book_date, line.late) for line in lines if line.event == "DEBITED"
        ]
        assert [True, True] == [each.recomputed for each in await ledger.months(HOME)]
        assert december.line_count == len(
            [line for line in lines if line.book_date.startswith("2026-12")]
        )


@pytest.mark.long
async def test_void(tmp_path: Path) -> None:
    """What its author had no right to say is void at every node, by the log alone."""
    async with Ledger.open(tmp_path) as ledger:
        stated = await closed(ledger)
        await ledger.all_nights(LAST + 1)
        shrunk = epb.MonthClose()
        shrunk.CopyFrom(stated)
        shrunk.month = "2026-12"
        unreadable = epb.MonthClose()
        unreadable.CopyFrom(shrunk)
        unreadable.journal_hash = b""
        again = epb.MonthClose()
        again.CopyFrom(stated)
        early = epb.MonthClose()
        early.CopyFrom(shrunk)
        shrunk.log_ends[0].size = 1
        log = LogName.registry(HOME)
        size = ledger[HOME].node.logs.reader.position(log).size
        for body in (unreadable, again, early):
            await ledger.say(HOME, month_close=body)
        ledger.set_day(date(2027, 1, 2))
        await ledger.say(HOME, month_close=shrunk)
        codes = (
            rules.B01_UNREADABLE.code,
            rules.B02_OUT_OF_ORDER.code,
            rules.B03_NOT_ENDED.code,
            rules.B04_ENDS_SHRINK.code,
        )
        expected = [(size + place, code) for place, code in enumerate(codes)]
        for province in (HOME, HOST):
            assert expected == await ledger.voids(province, log)


@pytest.mark.long
async def test_books_that_disagree(tmp_path: Path) -> None:
    """Rows that are not what the night's result states keep a month from closing, by an alarm."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"))
        await ledger.month_of_nights()
        node = ledger[HOME].node
        await node.database.write(
            lambda c: c.exec_driver_sql("UPDATE settlement_cleared SET amount_fen = amount_fen + 1")
        )
        found = await refusal(ledger)
        assert rules.B06_BOOKS_DISAGREE.code == found.details["rule"]
        assert f"GROSS_DIFFERS 2026-11-28 {HOME} {HOST}" == found.details["subject"]


@pytest.mark.long
async def test_ends(tmp_path: Path) -> None:
    """A month takes in settlement logs up to its own last close, whatever follows."""
    async with Ledger.open(tmp_path) as ledger:
        stated = await closed(ledger)
        log = LogName.settlement(HOME, HOST)
        size = ledger[HOME].node.logs.reader.position(log).size
        ends = {each.log: each.size for each in stated.log_ends}
        assert size == ends[str(log)]
        await ledger.all_nights(LAST + 1)
        found = await ledger[HOME].node.database.read(lambda c: ends_of(c, HOME, {}, "2026-11-30"))
        assert size == found[str(log)]
