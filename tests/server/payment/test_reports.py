"""Reports of what banks show: counted once, from both sides, never lost."""

from datetime import UTC
from pathlib import Path

import pytest

from deltacare.errors import Refusal
from deltacare.times import business_date
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as ppb
from tests.server.payment.world import PAYEE, PAYER, THIRD, World
from tests.support.signing import APPROVERS


async def ordered(world: World, fen: int = 300_000) -> ppb.StandingPayment:
    """Return a payment that was ordered."""
    await world.bind(f"{PAYEE}-S1", fen)
    await world.order(world.orders([await world.payment()]))
    await world.settled()
    return await world.payment()


async def test_a_file_read_twice_counts_once(tmp_path: Path) -> None:
    """What is known is passed over and counted as known."""
    async with World.open(tmp_path) as world:
        await ordered(world)
        first = await world.report(PAYER, ("B", 300_000, "a"))
        assert (1, 0) == (first.appended.entry_count, first.known_count)
        again = await world.report(PAYER, ("B", 300_000, "a"))
        assert (False, 1) == (again.HasField("appended"), again.known_count)
        more = await world.report(PAYER, ("B", 300_000, "a"), ("B", 1, "b"), ("B", 1, "b"))
        assert (1, 2) == (more.appended.entry_count, more.known_count)
        found = await world.payment()
        assert (300_001, 2) == (found.debited_fen, len(found.payer_reports))


async def test_a_booking_reported_otherwise_is_refused(tmp_path: Path) -> None:
    """One reference with two amounts is not passed over: nothing of the request is kept."""
    async with World.open(tmp_path) as world:
        await ordered(world)
        await world.report(PAYER, ("B", 100_000, "a"))
        for bookings in (
            [("B", 300_000, "a"), ("B", 200_000, "b")],
            [("R", 100_000, "a")],
            [("B", 200_000, "b"), ("B", 200_001, "b")],
        ):
            with pytest.raises(Refusal, match="Z29"):
                await world.report(PAYER, *bookings)
        with pytest.raises(Refusal, match="Z29"):
            await world.report(PAYER, ("B", 100_000, "a"), attempt=2)
        assert [100_000] == [each.amount_fen for each in (await world.payment()).payer_reports]


async def test_doubled_and_brought_back(tmp_path: Path) -> None:
    """Two debits are overpaid until the payee has sent the surplus back and the payer has it."""
    async with World.open(tmp_path) as world:
        await ordered(world)
        await world.report(PAYER, ("B", 300_000, "a"), ("B", 300_000, "b"))
        assert f"OVERPAID {PAYEE} PAYEE_READ_BANK_STATEMENT" == await world.state()
        await world.report(PAYEE, ("B", 300_000, "a"), ("B", 300_000, "b"))
        assert f"OVERPAID {PAYEE} RETURN_SURPLUS" == await world.state(PAYEE)
        assert 0 == (await world.payment()).next_attempt
        await world.report(PAYEE, ("R", 300_000, "c"))
        assert f"OVERPAID {PAYER} READ_BANK_STATEMENT" == await world.state()
        await world.report(PAYER, ("R", 300_000, "c"))
        assert "PAID  " == await world.state(THIRD)


async def test_the_payee_may_read_first(tmp_path: Path) -> None:
    """The order of the two sides' reports does not matter."""
    async with World.open(tmp_path) as world:
        await ordered(world)
        await world.report(PAYEE, ("B", 300_000, "x"))
        assert f"PAID {PAYER} READ_BANK_STATEMENT" == await world.state()
        await world.report(PAYER, ("B", 300_000, "y"))
        assert "PAID  " == await world.state()


async def test_bookings_without_an_order_count(tmp_path: Path) -> None:
    """Money that moved is money, whoever told the bank; the attempt is not ordered over it."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        await world.report(PAYER, ("B", 100_000, "a"))
        found = await world.payment()
        assert (2, 200_000) == (found.next_attempt, found.next_fen)
        await world.order(world.orders([found]))
        assert f"ORDERED {PAYER} READ_BANK_STATEMENT" == await world.state()


async def test_a_booking_is_not_older_than_its_order(tmp_path: Path) -> None:
    """The day of the order is the first on which either bank can have booked it."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        stated = world.today
        world.tomorrow()
        await world.order(world.orders([await world.payment()]))
        await world.settled()
        for province in (PAYER, PAYEE):
            with pytest.raises(Refusal, match="Z30"):
                await world.report(province, ("B", 300_000, "a"), day=stated)
        (time,) = (await world.payment(PAYEE)).order_times
        assert world.today == business_date(time.ToDatetime(tzinfo=UTC))
        # What was never ordered may have come on any day on which the payment was due.
        await world.report(PAYEE, ("B", 100, "stray"), attempt=2, day=stated)
        await world.report(PAYER, ("B", 300_000, "a"))
        found = await world.payment()
        assert (300_000, 100) == (found.debited_fen, found.credited_fen)


async def test_a_stray_credit_keeps_nobody_from_paying(tmp_path: Path) -> None:
    """Money under an attempt that nobody ordered goes back; then the payer's next attempt goes."""
    async with World.open(tmp_path) as world:
        await ordered(world)
        await world.report(PAYER, ("B", 300_000, "a"), ("R", 300_000, "b"))
        await world.report(PAYEE, ("B", 100, "stray"), attempt=3)
        assert f"PARTIAL {PAYER} READ_BANK_STATEMENT" == await world.state()
        assert 0 == (await world.payment()).next_attempt
        await world.report(PAYEE, ("R", 100, "stray back"), attempt=3)
        assert f"RETURNED {PAYER} ORDER_AGAIN" == await world.state()
        found = await world.payment()
        assert (1, 2, 300_000) == (found.attempt, found.next_attempt, found.next_fen)
        await world.order(world.orders([found]))
        await world.report(PAYER, ("B", 300_000, "c"), attempt=2)
        await world.report(PAYEE, ("B", 300_000, "c"), attempt=2)
        assert "PAID  " == await world.state(THIRD)
        assert [] == await world.voids(THIRD)


async def test_what_is_not_ours_is_refused(tmp_path: Path) -> None:
    """Who is no party of a payment reports nothing of it; nor is anything booked tomorrow."""
    async with World.open(tmp_path) as world:
        payment = await ordered(world)
        good = epb.PaymentReport(
            payment_id=payment.payment_id,
            attempt=1,
            outcome=epb.PAYMENT_OUTCOME_BOOKED,
            amount_fen=300_000,
            booking_date=world.today.isoformat(),
            booking_ref=bytes(32),
            message_hash=bytes(32),
        )

        async def report(province: str, **changes: object) -> None:
            body = epb.PaymentReport()
            body.CopyFrom(good)
            for name, value in changes.items():
                setattr(body, name, value)
            await world.services[province].report_payments(
                ppb.ReportPaymentsRequest(
                    request_id=world.request_id(), duty=APPROVERS, reports=[body]
                ),
                world.call(province),
            )

        with pytest.raises(Refusal, match="Z27"):
            await report(THIRD)
        with pytest.raises(Refusal, match="Z27"):
            await report(PAYER, payment_id="A" * 32)
        with pytest.raises(Refusal, match="Z30"):
            await report(PAYER, booking_date="2020-01-01")
        # Of an attempt that was never ordered: no day before the statement.
        with pytest.raises(Refusal, match="Z30"):
            await report(PAYER, attempt=2, booking_date="2020-01-01")
        for field, value in (
            ("booking_date", "2026-11-23"),
            ("booking_date", "soon"),
            ("amount_fen", 0),
            ("attempt", 100),
            ("outcome", 0),
            ("booking_ref", b"1"),
            ("message_hash", b""),
            ("payment_id", "a" * 32),
        ):
            with pytest.raises(Refusal) as caught:
                await report(PAYER, **{field: value})
            assert [f"reports[0].{field}"] == [each.field for each in caught.value.violations]
        assert () == tuple((await world.payment()).payer_reports)


async def test_a_statement_of_several_payments(tmp_path: Path) -> None:
    """Each is a payment of its own, found again on the next page; one message may pay them all."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 10, third_fen=20)
        found = await world.payments()
        assert [(PAYEE, 10), (THIRD, 20)] == [(each.payee, each.amount_fen) for each in found]
        answer = await world.order(world.orders(found))
        assert 2 == answer.appended.entry_count
        await world.settled()
        assert [20] == [each.amount_fen for each in await world.payments(PAYEE, of=THIRD)]


async def test_pages_and_filters(tmp_path: Path) -> None:
    """Payments come by place, by state, by party and by basis; pages lose none."""
    async with World.open(tmp_path) as world:
        for number in range(5):
            await world.bind(f"{PAYEE}-S{number}", 10 + number)
        await world.order(world.orders(await world.payments(basis_id=f"{PAYEE}-S2")))
        await world.settled()
        assert [10, 11, 12, 13, 14] == [each.amount_fen for each in await world.payments()]
        assert [] == await world.payments(of=THIRD)
        assert 5 == len(await world.payments(THIRD, of=PAYEE))
        waiting = await world.payments(states=[ppb.PAYMENT_STATE_ORDERED])
        assert [f"{PAYEE}-S2"] == [each.basis_id for each in waiting]
        due = await world.payments(states=[ppb.PAYMENT_STATE_DUE])
        assert [10, 11, 13, 14] == [each.amount_fen for each in due]
        with pytest.raises(Refusal, match="token"):
            await world.services[PAYER].list_payments(
                ppb.ListPaymentsRequest(page_token="AAAA"), world.call(PAYER)
            )
