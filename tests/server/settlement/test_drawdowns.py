"""Advances drawn by statements: named, recomputed by every party, and never drawn twice."""

from pathlib import Path

import pytest

from deltacare.errors import Refusal
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from server.settlement.drawdowns import NoAdvances, ReceivedAdvance
from server.settlement.netting import draw_down
from server.settlement.statement_drafts import drawings
from tests.server.settlement.test_windows import agree
from tests.server.settlement.world import DUTY, HOME, HOST, OPENING, World, day, entries

FIRST, SECOND = b"a" * 32, b"b" * 32


def advance(advance_hash: bytes, fen: int, **changes: str) -> ReceivedAdvance:
    """Return an advance of Jiangsu that Shanghai has received."""
    ends = {"payer": HOME, "payee": HOST, **changes}
    return ReceivedAdvance(
        advance_hash=advance_hash, received_fen=fen, index=7, report_indexes=(8, 9), **ends
    )


async def propose(world: World, province: str, number: int, date: int) -> epb.Statement:
    """Propose a day's statement that draws advances."""
    response = await world[province].clearing.propose_statement(
        cpb.ProposeStatementRequest(
            request_id=world.request_id(),
            duty=DUTY,
            statement_id=f"{province}-S{number}",
            from_date=day(date),
            until_date=day(date),
            netting=epb.NETTING_BILATERAL,
            draw_advances=True,
        ),
        world.call(province, "ProposeStatement"),
    )
    await world.settled()
    return response.statement


async def standing(world: World, province: str, name: str) -> cpb.StandingStatement:
    """Return a statement as a node has it."""
    return await world[province].clearing.get_statement(
        cpb.GetStatementRequest(name=f"statements/{name}"), world.call(province)
    )


def drawn(statement: epb.Statement) -> list[tuple[bytes, int]]:
    """Return what a statement draws."""
    return [(each.advance_hash, each.amount_fen) for each in statement.drawdowns]


async def test_advances_are_drawn_before_anything_is_paid(tmp_path: Path) -> None:
    """The oldest first, to its end; the next statement draws what is left, and then it is paid."""
    async with World.open(tmp_path) as world:
        await agree(world, *(OPENING.replace(day=each) for each in range(1, 5)))
        world.advances.known = [advance(SECOND, 600), advance(FIRST, 900)]
        one = await propose(world, HOST, 1, 1)
        assert [(FIRST, 400), (SECOND, 600)] == drawn(one)
        assert [] == list(one.payments)
        found = await standing(world, HOME, f"{HOST}-S1")
        assert found.recomputed
        assert [(HOME, 7), (HOST, 8), (HOST, 9)] * 2 == [
            (each.log.split("/")[1], each.index) for each in found.advances
        ]
        # 2. What is drawn is drawn, whether anybody has answered yet or not.
        two = await propose(world, HOST, 2, 2)
        assert [(FIRST, 500)] == drawn(two)
        assert [(HOME, HOST, 500)] == [
            (each.payer, each.payee, each.amount_fen) for each in two.payments
        ]
        three = await propose(world, HOST, 3, 3)
        assert ([], 1_000) == (drawn(three), three.payments[0].amount_fen)
        for province in (HOST, HOME):
            for number in (1, 2):
                found = await standing(world, province, f"{HOST}-S{number}")
                await world.answer(province, found.statement_hash)
        found = await standing(world, HOME, f"{HOST}-S2")
        assert cpb.STATEMENT_STATE_BINDING == found.state
        # 3. A statement that is refused gives back what it drew.
        world.advances.known.append(advance(b"c" * 32, 1_000))
        four = await propose(world, HOST, 4, 4)
        assert [(b"c" * 32, 1_000)] == drawn(four)
        refused = await standing(world, HOME, f"{HOST}-S4")
        await world.answer(HOME, refused.statement_hash, refused=True)
        assert drawn(four) == drawn(await propose(world, HOST, 5, 4))
        node = world[HOME].node
        reach = await world[HOME].clearing._desk._reach()
        states = await node.database.read(lambda c: drawings(c, reach, [FIRST, b"c" * 32]))
        assert [f"{HOST}-S1", f"{HOST}-S2", f"{HOST}-S5"] == sorted(
            each.statement_id for each in states
        )


async def test_two_statements_never_bind_over_the_same_money(tmp_path: Path) -> None:
    """Proposed behind each other's back: the payer approves one, and is refused the other."""
    async with World.open(tmp_path) as world:
        await agree(world, *(OPENING.replace(day=each) for each in (1, 2)))
        world.advances.known = [advance(FIRST, 1_500)]
        one = await propose(world, HOST, 1, 1)
        # As another node would have proposed that has not seen the first one.
        two = epb.Statement()
        two.CopyFrom(one)
        two.statement_id = f"{HOST}-S2"
        two.from_date = two.until_date = day(2)
        nights = await world[HOST].clearing.list_pair_nights(
            cpb.ListPairNightsRequest(from_date=day(2), until_date=day(2)), world.call(HOST)
        )
        hashes = [nights.nights[0].lower_result_hash, nights.nights[0].higher_result_hash]
        two.pair_result_hashes[:] = sorted(hashes)
        await world.registry(HOST, *entries("statement", two))
        await world.settled()
        both = [await standing(world, HOME, f"{HOST}-S{number}") for number in (1, 2)]
        assert [True, True] == [each.recomputed for each in both], "each by itself is covered"
        await world.answer(HOME, both[0].statement_hash)
        with pytest.raises(Refusal, match=f"are drawn by {HOST}-S1") as caught:
            await world.answer(HOME, both[1].statement_hash)
        assert "DRAWN_ELSEWHERE" == caught.value.details["code"]
        await world.answer(HOST, both[1].statement_hash)
        assert cpb.STATEMENT_STATE_PROPOSED == (await standing(world, HOME, f"{HOST}-S2")).state, (
            "without the payer it never binds"
        )


@pytest.mark.parametrize(
    "known",
    [
        [],
        [advance(FIRST, 999)],
        [advance(FIRST, 1_000, payee="330000")],
        [advance(FIRST, 1_000, payer="330000")],
        [advance(SECOND, 1_000)],
    ],
)
async def test_what_was_not_received_is_not_approved(
    tmp_path: Path, known: list[ReceivedAdvance]
) -> None:
    """Another advance, another pair, or less than is drawn: this node computes something else."""
    async with World.open(tmp_path) as world:
        await agree(world, OPENING)
        world.advances.known = [advance(FIRST, 1_000)]
        await propose(world, HOST, 1, 1)
        found = await standing(world, HOME, f"{HOST}-S1")
        assert found.recomputed
        world.advances.known = known
        found = await standing(world, HOME, f"{HOST}-S1")
        assert not found.recomputed
        with pytest.raises(Refusal, match="does not compute what"):
            await world.answer(HOME, found.statement_hash)


def test_a_node_without_advances_draws_nothing() -> None:
    """The empty book."""
    assert () == NoAdvances().received(None, len)  # type: ignore[arg-type]  # neither is asked
    assert [] == draw_down([epb.Flow(payer=HOME, payee=HOST, amount_fen=1)], [])
