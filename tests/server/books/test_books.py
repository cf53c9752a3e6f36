"""Books of two nodes: from filing to money, each side's from its own logs, and both alike."""

from pathlib import Path

import pytest

from deltacare.approvals import ApprovalSubject
from deltacare.errors import Refusal
from deltacare.v1 import books_service_pb2 as bpb
from deltacare.v1 import entry_pb2 as epb
from settlement.books.journal import claims
from tests.server.books.support import FIRST, HOME, HOST, Ledger
from tests.server.settlement.world import KIND
from tests.support.signing import APPROVERS, approvals

RESERVED = f"Equity:Budget:Reserved:Y2026:K-{KIND.replace('_', '-')}:D320000:D320100:D320106"
CONSUMED = RESERVED.replace("Reserved", "Consumed")
AVAILABLE = RESERVED.replace("Reserved", "Available")


async def order(ledger: Ledger, payment: str, fen: int, basis: bytes) -> None:
    """Have home order a payment, signed."""
    message_hash = bytes(31) + b"\1"
    body = epb.PaymentOrder(
        payment_id=payment,
        attempt=1,
        basis_hash=basis,
        payee=HOST,
        amount_fen=fen,
        execution_date="2026-12-07",
        message_hash=message_hash,
        approvals=approvals(APPROVERS, ApprovalSubject.PAYMENT, message_hash, province=HOME),
    )
    entry = epb.Entry(maker=APPROVERS.maker, reviewer=APPROVERS.reviewer, payment_order=body)
    await ledger.registry(HOME, entry)
    await ledger.settled()


async def test_from_filing_to_money(tmp_path: Path) -> None:
    """Reserved, cleared, netted, ordered, debited, credited: the right balances after each."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"), ledger.record("S2", 1, amount_fen=123_457))
        await ledger.file(HOME, [ledger.record("S3", 2)])
        # 1. What waits for the close of its day is not booked.
        assert {} == await ledger.balances(HOME)
        # 2. Two match and one waits; the open one still reserves.
        await ledger.all_nights(FIRST)
        home = await ledger.balances(HOME)
        assert {
            "Expenses:Subsidy:P310000:K-CARE-BED": 423_457,
            "Liabilities:Payable:P310000:Cleared": -423_457,
            CONSUMED: 423_457,
            RESERVED: 300_000,
            AVAILABLE: -723_457,
        } == home
        host = await ledger.balances(HOST)
        assert {
            "Assets:Receivable:P320000:Cleared": 423_457,
            "Income:PassThrough:P320000:K-CARE-BED": -423_457,
        } == host
        # 3. What is cleared equals the gross of the night's result.
        night = await ledger.pair_night(HOME, FIRST)
        assert 423_457 == night.higher_result.higher_pays_fen
        # 4. A binding statement turns it into what is due.
        await ledger.month_of_nights()
        statement = await ledger.statement()
        due = {"Liabilities:Payable:P310000:Due": -423_457}
        assert due == await self_of(ledger, HOME, "Liabilities:Payable")
        payment = ledger.payment(statement)
        # 5. Ordered, debited, credited.
        await order(ledger, payment, 423_457, statement)
        ordered = {"Liabilities:Payable:P310000:Ordered": -423_457}
        assert ordered == await self_of(ledger, HOME, "Liabilities:Payable")
        await ledger.report(HOME, payment, 423_457, day="2026-12-07", ref=1)
        assert {"Assets:Bank": -423_457, "Assets:InTransit:P310000": 423_457} == await self_of(
            ledger, HOME, "Assets"
        )
        for left, right in ((HOME, HOST), (HOST, HOME)):
            expected = claims(await ledger.balances(left), right)
            assert expected == claims(await ledger.balances(right), left)[::-1]
        await ledger.report(HOST, payment, 423_457, day="2026-12-08", ref=2)
        assert {"Assets:Bank": -423_457} == await self_of(ledger, HOME, "Assets")
        assert {} == await self_of(ledger, HOME, "Liabilities")
        assert {"Assets:Bank": 423_457} == await self_of(ledger, HOST, "Assets")
        # 6. Each line names its entry, and the trial balance says how far logs were read.
        codes = [line.event for line in await ledger.lines(HOME)]
        assert [
            *("CLEARED", "RELEASED", "RESERVED", "NETTED"),
            *("ORDERED", "DEBITED", "CREDITED"),
        ] == codes
        assert {} == {each: rows for each, rows in (await ledger.voids_of()).items() if rows}


async def self_of(ledger: Ledger, province: str, heading: str) -> dict[str, int]:
    """Return the balances under a heading."""
    found = await ledger.balances(province)
    return {account: fen for account, fen in found.items() if account.startswith(heading)}


async def test_reversal_after_clearing(tmp_path: Path) -> None:
    """What is reversed by both is netted back the other way, and the budget gets it back."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"), ledger.record("S2", 1))
        await ledger.all_nights(FIRST)
        for province in (HOME, HOST):
            await ledger.reverse(province, "S1")
        await ledger.all_nights(FIRST + 1)
        home, host = await ledger.balances(HOME), await ledger.balances(HOST)
        assert -300_000 == home["Liabilities:Payable:P310000:Cleared"]
        assert 300_000 == host["Assets:Receivable:P320000:Cleared"] == home[CONSUMED]
        assert RESERVED not in home
        back = next(line for line in await ledger.lines(HOST) if line.event == "CLEARED_BACK")
        assert ("2026-11-29", f"2026-11-29 {HOME}-{HOST} {KIND}") == (back.book_date, back.subject)


@pytest.mark.long
async def test_what_ends_a_reservation(tmp_path: Path) -> None:
    """A revision reserves its own amount, a reversal none, and a held record none while it is."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        filed = await ledger.file(HOME, [ledger.record(f"S{each}", each) for each in range(4)])
        first = filed.appended.first_index
        await ledger.all_nights(FIRST)
        assert 1_200_000 == (await ledger.balances(HOME))[RESERVED]
        await ledger.file(HOME, [ledger.record("S0", 0, amount_fen=100_000, replaces_index=first)])
        await ledger.reverse(HOME, "S1")
        index = await ledger.hold("S2", epb.HOLD_CLASS_OVER_BUDGET)
        await ledger.all_nights(FIRST + 1)
        assert 400_000 == (await ledger.balances(HOME))[RESERVED]
        await ledger.end_hold(index)
        await ledger.all_nights(FIRST + 2)
        assert 700_000 == (await ledger.balances(HOME))[RESERVED]


async def test_held_until_the_end(tmp_path: Path) -> None:
    """A record that is reversed while it is held releases nothing twice."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.file(HOME, [ledger.record("S1"), ledger.record("S2", 1)])
        await ledger.hold("S1", epb.HOLD_CLASS_OVER_BUDGET)
        await ledger.all_nights(FIRST)
        await ledger.reverse(HOME, "S1")
        await ledger.all_nights(FIRST + 1)
        assert 300_000 == (await ledger.balances(HOME))[RESERVED]


async def test_budget(tmp_path: Path) -> None:
    """A budget is booked by its division, and set anew by the difference."""
    async with Ledger.open(tmp_path) as ledger:
        for fen in (1_000_000, 600_000):
            budget = epb.Budget(
                home_division="320100", year=2026, subsidy_kind=KIND, amount_fen=fen
            )
            await ledger.say(HOME, budget=budget)
        account = "Equity:Budget:Available:Y2026:K-CARE-BED:D320000:D320100"
        assert 600_000 == (await ledger.balances(HOME))[account]
        assert ["BUDGET", "BUDGET"] == [line.event for line in await ledger.lines(HOME)]
        assert [] == await ledger.lines(HOST)


async def test_pages(tmp_path: Path) -> None:
    """Pages of one line are the journal whole, and a span of days is part of it."""
    async with Ledger.open(tmp_path) as ledger:
        await ledger.facts(10)
        await ledger.both(ledger.record("S1"))
        await ledger.all_nights(FIRST)
        await ledger.file(HOME, [ledger.record("S3", 2)])
        await ledger.all_nights(FIRST + 1)
        whole = await ledger.lines(HOME)
        assert 4 == len(whole)
        assert whole == await ledger.lines(HOME, page_size=1)
        assert whole[:3] == await ledger.lines(HOME, until_date="2026-11-28")
        assert whole[3:] == await ledger.lines(HOME, from_date="2026-11-29")
        with pytest.raises(Refusal, match="from_date"):
            await ledger.lines(HOME, from_date="28.11.2026")
        balance = await ledger.books[HOME].get_trial_balance(
            bpb.GetTrialBalanceRequest(on_date="2026-11-28"), ledger.call(HOME)
        )
        assert sum(each.debit_fen for each in balance.balances) == sum(
            each.credit_fen for each in balance.balances
        )


@pytest.mark.long
@pytest.mark.postgres
async def test_postgresql(tmp_path: Path, postgres_url: str) -> None:
    """On PostgreSQL the books are the same, but for hashes of entries with cosigners' times."""
    found = []
    for urls in ({}, {HOME: postgres_url}):
        directory = tmp_path / str(len(urls))
        directory.mkdir()
        async with Ledger.open(directory, urls=urls) as ledger:
            await ledger.facts(10)
            await ledger.both(ledger.record("S1"), ledger.record("S2", 1))
            await ledger.file(HOME, [ledger.record("S3", 2), ledger.record("S4", 3)])
            await ledger.hold("S4", epb.HOLD_CLASS_OVER_BUDGET)
            await ledger.all_nights(FIRST)
            for province in (HOME, HOST):
                await ledger.reverse(province, "S1")
            await ledger.month_of_nights()
            await ledger.statement()
            lines = await ledger.lines(HOME)
            for line in lines:
                line.ClearField("entry_hash")
            found.append((lines, await ledger.balances(HOME)))
    assert found[0] == found[1]
