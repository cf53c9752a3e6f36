"""Orders to the bank: of what is due, once, for what is still due, into the signed accounts."""

from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1.types_pb2 import Duty
from settlement.bank.pain001 import message_hash
from tests.server.payment.world import PAYEE, PAYER, THIRD, World, account
from tests.support.signing import APPROVERS


async def refused(world: World, orders: list[epb.PaymentOrder], **options: object) -> str:
    """Return by which rule orders are refused."""
    with pytest.raises(Refusal) as caught:
        await world.order(orders, **options)  # type: ignore[arg-type]  # a test's own
    assert Reason.INVALID_FIELD is not caught.value.reason
    return caught.value.details.get("rule", caught.value.details.get("code", ""))


async def test_a_payment_from_due_to_paid(tmp_path: Path) -> None:
    """Due once the statement binds, ordered, debited, paid; both sides see the same."""
    async with World.open(tmp_path) as world:
        statement = await world.state_statement(f"{PAYEE}-S1", 300_000)
        await world.answer(PAYER, statement)
        await world.settled()
        assert [] == await world.payments(), "not binding yet"
        await world.answer(PAYEE, statement)
        await world.settled()
        assert f"DUE {PAYER} ORDER" == await world.state(PAYEE)
        due = await world.payment()
        assert (statement, f"{PAYEE}-S1", 300_000) == (due.basis_hash, due.basis_id, due.next_fen)
        answer = await world.order(world.orders([due]))
        assert 1 == answer.appended.entry_count
        await world.settled()
        for province in (PAYER, PAYEE, THIRD):
            assert f"ORDERED {PAYER} READ_BANK_STATEMENT" == await world.state(province)
        world.tomorrow()
        assert f"UNKNOWN {PAYER} ASK_BANK" == await world.state()
        await world.report(PAYER, ("B", 300_000, "a"))
        assert f"DEBITED {PAYEE} PAYEE_READ_BANK_STATEMENT" == await world.state()
        await world.report(PAYEE, ("B", 300_000, "a"))
        for province in (PAYER, PAYEE, THIRD):
            assert "PAID  " == await world.state(province)
        paid = world.orders([await world.payment()], attempt=2)
        assert "Z22-NOT-DUE" == await refused(world, paid)
        assert [] == await world.voids(PAYER)


async def test_what_is_not_due_is_not_ordered(tmp_path: Path) -> None:
    """Every way of ordering money that is not due is refused, and leaves nothing."""
    async with World.open(tmp_path) as world:
        proposed = await world.state_statement(f"{PAYEE}-S1", 100)
        await world.bind(f"{PAYEE}-S2", 300_000)
        due = await world.payment()
        cases: dict[str, list[epb.PaymentOrder]] = {
            # Not binding; of nothing.
            "Z20-BASIS-UNKNOWN": world.orders([due], basis_hash=proposed),
            # Another province's payment, and one to whom nothing is due.
            "Z21-NOT-PAYER": world.orders([due], payee=THIRD),
            "Z22-NOT-DUE": world.orders([due], attempt=2),
            "Z23-WRONG-AMOUNT": world.orders([due], amount_fen=299_999),
            "Z24-MESSAGE-DIFFERS": world.orders([due], message_hash=bytes(32)),
            "Z08-PAYMENT-ID": world.orders([due], payment_id="A" * 32),
            "Z28-ONE-MESSAGE": [*world.orders([due]), *world.orders([due])],
        }
        for rule, orders in cases.items():
            assert rule == await refused(world, orders)
        past = world.orders([due], day=world.today - timedelta(days=1))
        assert "Z11-DATE-PAST" == await refused(world, past)
        with pytest.raises(Refusal, match="Z21"):
            await world.order(world.orders([due]), province=PAYEE)
        assert f"DUE {PAYER} ORDER" == await world.state()


async def test_money_goes_into_signed_accounts_only(tmp_path: Path) -> None:
    """A message that pays into another account has another hash, whoever signed it."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        due = await world.payment()
        other = {PAYER: account(PAYER), PAYEE: account(PAYEE, 7)}
        assert "Z24-MESSAGE-DIFFERS" == await refused(world, world.orders([due], accounts=other))


async def test_a_member_without_an_account_is_not_paid(tmp_path: Path) -> None:
    """Nobody pays where the members signed no account; what to do is said."""
    async with World.open(tmp_path, without=[PAYEE]) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        due = await world.payment()
        held = {PAYER: account(PAYER), PAYEE: account(PAYEE)}
        with pytest.raises(Refusal, match="no account") as caught:
            await world.order(world.orders([due], accounts=held))
        assert PAYEE == caught.value.details["province"]
        assert "federation propose --account" in caught.value.message


async def test_an_attempt_is_ordered_once(tmp_path: Path) -> None:
    """The same order again is answered with its place; any other content is refused."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        due = await world.payment()
        orders = world.orders([due])
        first = await world.order(orders)
        again = await world.order(orders)
        assert (first.appended.first_index, 1) == (
            again.appended.first_index,
            again.appended.entry_count,
        )
        assert 1 == len((await world.payment()).orders)
        later = world.orders([due], day=world.today + timedelta(days=1))
        assert "Z25-ORDERED-OTHERWISE" == await refused(world, later)


async def test_the_next_attempt_waits_for_the_bank(tmp_path: Path) -> None:
    """After a return the whole is ordered again, after less the rest; never before, never more."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        await world.order(world.orders([await world.payment()]))
        blind = world.orders([await world.payment()], attempt=2)
        assert "Z22-NOT-DUE" == await refused(world, blind)
        await world.report(PAYER, ("B", 300_000, "a"), ("R", 300_000, "b"))
        assert f"RETURNED {PAYER} ORDER_AGAIN" == await world.state(PAYEE)
        await world.order(world.orders([await world.payment()]))
        await world.report(PAYER, ("B", 100_000, "c"), attempt=2)
        found = await world.payment()
        assert (3, 200_000) == (found.next_attempt, found.next_fen)
        await world.order(world.orders([found]))
        await world.report(PAYER, ("B", 200_000, "d"), attempt=3)
        await world.report(PAYEE, ("B", 100_000, "c"), attempt=2)
        await world.report(PAYEE, ("B", 200_000, "d"), attempt=3)
        assert "PAID  " == await world.state(THIRD)


async def test_several_payments_of_one_message(tmp_path: Path) -> None:
    """Payments of several statements share a message, all kept or none."""
    async with World.open(tmp_path) as world:
        for number in range(3):
            await world.bind(f"{PAYEE}-S{number}", 1_000 + number)
        due = await world.payments()
        assert [1_000, 1_001, 1_002] == [each.amount_fen for each in due]
        orders = world.orders(due)
        orders[2].amount_fen += 1
        assert "Z23-WRONG-AMOUNT" == await refused(world, orders)
        answer = await world.order(world.orders(due))
        assert 3 == answer.appended.entry_count
        found = await world.payments()
        assert 1 == len({each.orders[0].message_hash for each in found})
        # A part of a message is another message.
        assert "Z25-ORDERED-OTHERWISE" == await refused(world, world.orders(found[:1]))


async def test_orders_are_approved_and_duties_apart(tmp_path: Path) -> None:
    """Two signatures over this message, by two who answer for it and filed nothing."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        due = await world.payment()
        unsigned = world.orders([due])
        for order in unsigned:
            del order.approvals[:]
        assert "A05-TWO-SIGNATURES" == await refused(world, unsigned)
        swapped = Duty(maker=APPROVERS.reviewer, reviewer=APPROVERS.maker)
        assert "A07-OTHER-PERSON" == await refused(world, world.orders([due]), duty=swapped)
        other = world.orders([due])
        more = world.orders([due], day=world.today + timedelta(days=1))
        for order, signed in zip(other, more, strict=True):
            del order.approvals[:]
            order.approvals.extend(signed.approvals)
        assert "A12-BAD-SIGNATURE" == await refused(world, other)
        from server.approval.duties import DutyKind, note_duties

        await world.nodes[PAYER].database.write(
            lambda c: note_duties(c, PAYER, PAYEE, [APPROVERS.maker], DutyKind.MAKING)
        )
        assert "S24-MAKER-COMBINED" == await refused(world, world.orders([due]))


async def test_what_a_liar_writes_is_void_everywhere(tmp_path: Path) -> None:
    """Orders and reports that its node would refuse are void by the author's own log, for all."""
    async with World.open(tmp_path) as world:
        await world.bind(f"{PAYEE}-S1", 300_000)
        due = await world.payment()
        (order,) = world.orders([due])
        second = epb.PaymentOrder()
        second.CopyFrom(order)
        second.attempt = 2
        wrong_id = epb.PaymentOrder()
        wrong_id.CopyFrom(order)
        wrong_id.payment_id = "A" * 32
        unsigned = epb.PaymentOrder()
        unsigned.CopyFrom(order)
        del unsigned.approvals[:]
        unreadable = epb.PaymentOrder()
        unreadable.CopyFrom(order)
        unreadable.message_hash = b""
        report = epb.PaymentReport(
            payment_id=due.payment_id,
            attempt=1,
            outcome=epb.PAYMENT_OUTCOME_BOOKED,
            amount_fen=1,
            booking_date="2026-11-22",
            booking_ref=bytes(32),
            message_hash=bytes(32),
        )
        who = {"maker": APPROVERS.maker, "reviewer": APPROVERS.reviewer}
        bodies = [unsigned, second, wrong_id, unreadable, order, order]
        entries = [epb.Entry(**who, payment_order=each) for each in bodies]
        entries += [epb.Entry(**who, payment_report=report) for _ in range(2)]
        await world.append(PAYER, *entries)
        await world.settled()
        for province in (PAYER, PAYEE, THIRD):
            assert [
                "A05-TWO-SIGNATURES",
                "Z10-ATTEMPT-EARLY",
                "Z08-PAYMENT-ID",
                "Z02-UNREADABLE",
                "Z09-ATTEMPT-TAKEN",
                "Z12-BOOKING-KNOWN",
            ] == await world.voids(province)
        found = await world.payment(THIRD)
        assert (1, 1) == (len(found.orders), len(found.payer_reports))


async def test_an_order_of_nothing_changes_nothing_elsewhere(tmp_path: Path) -> None:
    """A liar's order under a statement that binds nobody is a row and no payment."""
    async with World.open(tmp_path) as world:
        statement = await world.state_statement(f"{PAYEE}-S1", 300_000)
        await world.bind(f"{PAYEE}-S2", 5)
        (order,) = world.orders([await world.payment()])
        from settlement.core.net import payment_id

        order.basis_hash = statement
        order.payment_id = payment_id(statement, PAYER, PAYEE)
        who = {"maker": APPROVERS.maker, "reviewer": APPROVERS.reviewer}
        await world.append(PAYER, epb.Entry(**who, payment_order=order))
        await world.settled()
        assert [] == await world.voids(PAYEE)
        assert f"DUE {PAYER} ORDER" == await world.state(PAYEE)


def test_the_hash_is_of_the_bytes() -> None:
    """What people approve is the SHA-256 of the message."""
    assert "e3b0c44298fc1c149afbf4c8996fb924" == message_hash(b"").hex()[:32]
