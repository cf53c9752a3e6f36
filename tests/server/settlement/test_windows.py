"""Windows: every agreed night ends in exactly one binding statement, and nothing is left over."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from deltacare.errors import Refusal
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from server.settlement import rules, tables
from settlement.windows import WindowKind, window_of
from tests.server.settlement.world import DUTY, HOME, HOST, OPENING, World, entries

PAIR = (HOST, HOME)
DAY, WEEK, MONTH = WindowKind


def night(author: str, day: date, *, attempt: int = 1, digest: bytes = bytes(32)) -> epb.Entry:
    """Return one side's result of a night, every one of which moves the same sum."""
    lower, higher = PAIR
    result = epb.PairResult(
        lower=lower,
        higher=higher,
        business_date=day.isoformat(),
        attempt=attempt,
        lower_checkpoint=f"deltacare/{lower}/settlement/{higher}\n".encode(),
        higher_checkpoint=f"deltacare/{higher}/settlement/{lower}\n".encode(),
        digest=digest,
        higher_pays_fen=1_000,
        rules_version=1,
    )
    assert author in PAIR
    return entries("pair_result", result)[0]


def days(first: date, last: date) -> list[date]:
    """Return the dates of a span."""
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]


async def agree(world: World, *dates: date, attempt: int = 1) -> None:
    """State the same results of some dates on both sides, as nights would that were worked out."""
    for author in PAIR:
        partner = HOME if author == HOST else HOST
        rows = [worked(partner, each, attempt) for each in dates]
        await world[author].node.database.write(
            lambda connection, rows=rows: connection.execute(insert(tables.night), rows)
        )
        await world.registry(author, *(night(author, each, attempt=attempt) for each in dates))
    await world.settled()


def worked(partner: str, day: date, attempt: int) -> dict[str, object]:
    """Return the row that an agreed night of one side leaves."""
    return {
        "partner": partner,
        "business_date": day.isoformat(),
        "attempt": attempt,
        "digest": bytes(32),
        "line_count": 0,
        "lower_pays_fen": 0,
        "higher_pays_fen": 1_000,
        "rules_version": 1,
        "agreed": tables.NIGHT_AGREED,
    }


async def propose(
    world: World, kind: WindowKind, day: date, number: str, **changes: str
) -> cpb.ProposeStatementResponse:
    """Have whose turn it is propose the window that a date lies in."""
    first, last = window_of(kind, day)
    author = rules.statement_turn(last, PAIR)
    request = cpb.ProposeStatementRequest(
        request_id=world.request_id(),
        duty=DUTY,
        statement_id=f"{author}-{number}",
        from_date=first.isoformat(),
        until_date=last.isoformat(),
        netting=epb.NETTING_BILATERAL,
        window=kind.value,  # type: ignore[arg-type]  # the numbers of the contract
    )
    for name, value in changes.items():
        setattr(request, name, value)
    answer = await world[author].clearing.propose_statement(
        request, world.call(author, "ProposeStatement")
    )
    await world.settled()
    return answer


async def bind(world: World, kind: WindowKind, day: date, number: str) -> epb.Statement:
    """Propose a window and have both approve it."""
    proposed = await propose(world, kind, day, number)
    for province in PAIR:
        await world.answer(province, proposed.statement_hash)
    return proposed.statement


async def nights_bound(world: World) -> Counter[bytes]:
    """Return how many binding statements name each result."""
    page = await world[HOST].clearing.list_statements(
        cpb.ListStatementsRequest(page_size=1_000), world.call(HOST)
    )
    return Counter(
        named
        for each in page.statements
        if each.state == cpb.STATEMENT_STATE_BINDING
        for named in each.statement.pair_result_hashes
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", [WEEK, MONTH])
async def test_nothing_is_left_over(tmp_path: Path, kind: WindowKind) -> None:
    """Window after window, from an opening date in the middle of one: each night in exactly one."""
    async with World.open(tmp_path) as world:
        end = window_of(kind, date(2026, 11, 30))[1]
        dates = days(OPENING, end)
        await agree(world, *dates)
        day, moved, number = OPENING, 0, 0
        while day <= end:
            number += 1
            statement = await bind(world, kind, day, f"S{number}")
            (payment,) = statement.payments
            moved += payment.amount_fen
            day = window_of(kind, day)[1] + timedelta(days=1)
        assert {WEEK: 6, MONTH: 1}[kind] == number
        assert 1_000 * len(dates) == moved, "to the fen"
        bound = await nights_bound(world)
        assert (2 * len(dates), {1}) == (len(bound), set(bound.values()))
        # 2. Once bound, by no window of any length again.
        for again in WindowKind:
            with pytest.raises(Refusal, match="in another statement"):
                await propose(world, again, date(2026, 11, 5), "S99")


async def test_a_window_waits_for_its_last_night(tmp_path: Path) -> None:
    """It names the night on which the two do not agree, and takes it once they do."""
    async with World.open(tmp_path) as world:
        first, last = window_of(WEEK, date(2026, 11, 2))
        dates = days(OPENING, last)
        odd = dates[3]
        await agree(world, *(each for each in dates if each != odd))
        for author, digest in zip(PAIR, (bytes(32), b"\1" * 32), strict=True):
            await world.registry(author, night(author, odd, digest=digest))
        await world.settled()
        for kind in WindowKind:
            with pytest.raises(Refusal, match="nights of the window are not agreed") as caught:
                await propose(world, kind, odd, "S1")
            assert f"{odd.isoformat()} {HOST}-{HOME}" in caught.value.details["missing"]
        # Another day of the same week can be stated by itself.
        statement = await bind(world, DAY, dates[4], "S2")
        assert 1_000 == statement.payments[0].amount_fen
        await agree(world, odd, attempt=2)
        with pytest.raises(Refusal, match="in another statement"):
            await propose(world, WEEK, first, "S3")
        for number, day in enumerate(days(first, last)):
            if day != dates[4]:
                await bind(world, DAY, day, f"S{number + 4}")
        bound = await nights_bound(world)
        assert (14, {1}) == (len(bound), set(bound.values()))


async def test_dates_that_are_no_window(tmp_path: Path) -> None:
    """A week that does not begin on Monday is refused before anything is looked at."""
    async with World.open(tmp_path) as world:
        await agree(world, *days(OPENING, date(2026, 11, 8)))
        with pytest.raises(Refusal, match="The two dates are not that window") as caught:
            await propose(world, WEEK, date(2026, 11, 2), "S1", from_date="2026-11-03")
        assert "Write 2026-11-02 and 2026-11-08." == caught.value.violations[0].remedy
        author = rules.statement_turn(date(2026, 11, 8), PAIR)
        request = cpb.ProposeStatementRequest(
            request_id=world.request_id(),
            duty=DUTY,
            statement_id=f"{author}-S1",
            from_date="2026-11-08",
            until_date="2026-11-08",
            netting=epb.NETTING_BILATERAL,
            window=9,  # type: ignore[arg-type]  # of a version to come
        )
        with pytest.raises(Refusal, match=r"window .*It is not known"):
            await world[author].clearing.propose_statement(request, world.call(author))
