"""Statements: proposed over agreed nights, recomputed by every party, answered once for good."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deltacare.errors import Refusal
from deltacare.ids import LogName
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from server.settlement import rules
from server.settlement.netting import build_statement, contradicts_itself
from tests.server.settlement.world import (
    DUTY,
    HOME,
    HOST,
    OPENING,
    World,
    answer_body,
    day,
    entries,
)
from tests.support.signing import APPROVERS, key_entries, person

THIRD = "330000"


async def propose(
    world: World, province: str, number: int, until: int
) -> cpb.ProposeStatementResponse:
    """Propose a statement from the opening date on."""
    answer = await world[province].clearing.propose_statement(
        cpb.ProposeStatementRequest(
            request_id=world.request_id(),
            duty=DUTY,
            statement_id=f"{province}-S{number}",
            from_date=day(1),
            until_date=day(until),
            netting=epb.NETTING_MULTILATERAL,
        ),
        world.call(province, "ProposeStatement"),
    )
    await world.settled()
    return answer


def answered(*bodies: epb.StatementAnswer) -> list[epb.Entry]:
    """Return the entries of answers that two people answer for."""
    duty = APPROVERS
    return [
        epb.Entry(maker=duty.maker, reviewer=duty.reviewer, statement_answer=body)
        for body in bodies
    ]


async def standing(world: World, province: str, name: str) -> cpb.StandingStatement:
    """Return a statement as a node has it."""
    return await world[province].clearing.get_statement(
        cpb.GetStatementRequest(name=f"statements/{name}"), world.call(province)
    )


async def names(world: World, province: str) -> list[str]:
    """Return the names of all statements, a page for each."""
    found, token = [], ""
    while True:
        page = await world[province].clearing.list_statements(
            cpb.ListStatementsRequest(page_size=1, page_token=token), world.call(province)
        )
        found += [each.name for each in page.statements]
        token = page.next_page_token
        if not token:
            return found


async def test_lifecycle(tmp_path: Path) -> None:
    """Refused by one it is void and its nights are free; approved by all it is binding."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(*(world.record(f"S{number}", number) for number in range(3)))
        # 1. Nothing to state before the nights are agreed.
        with pytest.raises(Refusal, match="No registry log shows a night"):
            await propose(world, HOST, 1, 1)
        await world.all_nights(1)
        with pytest.raises(Refusal, match="3 nights of the window are not agreed") as caught:
            await propose(world, HOST, 1, 2)
        assert f"{day(2)} {HOST}-{HOME}" in caught.value.details["missing"]
        # 2. Proposed: every ordered pair is shown, and every node computes the same.
        proposed = await propose(world, HOST, 1, 1)
        statement = proposed.statement
        assert 6 == len(statement.bilateral), "zero flows are shown"
        assert 6 == len(statement.pair_result_hashes)
        assert [(HOME, HOST, 900_000)] == [
            (each.payer, each.payee, each.amount_fen) for each in statement.payments
        ]
        assert {HOST: 900_000, HOME: -900_000, THIRD: 0} == {
            each.province: each.net_fen for each in statement.positions
        }
        for province in world.provinces:
            found = await standing(world, province, f"{HOST}-S1")
            assert (cpb.STATEMENT_STATE_PROPOSED, True) == (found.state, found.recomputed)
            assert proposed.statement_hash == found.statement_hash
            assert statement == found.statement
        # 3. Its nights are taken; a number is taken.
        with pytest.raises(Refusal, match=f"in another statement: {HOST}-S1"):
            await propose(world, HOME, 1, 1)
        with pytest.raises(Refusal, match="S18"):
            await propose(world, HOST, 1, 1)
        # 4. An answer is given once, and a refusal makes it void.
        await world.answer(HOST, proposed.statement_hash)
        with pytest.raises(Refusal, match="S21"):
            await world.answer(HOST, proposed.statement_hash, refused=True)
        await world.answer(THIRD, proposed.statement_hash, refused=True)
        for province in world.provinces:
            found = await standing(world, province, f"{HOST}-S1")
            assert cpb.STATEMENT_STATE_VOID == found.state
            words = {each.province: each.word for each in found.answers}
            assert {
                HOST: epb.STATEMENT_WORD_APPROVED,
                HOME: epb.STATEMENT_WORD_UNSPECIFIED,
                THIRD: epb.STATEMENT_WORD_REFUSED,
            } == words
        with pytest.raises(Refusal, match="was refused by a party"):
            await world.answer(HOME, proposed.statement_hash)
        # 5. Free again: the next one is approved by all and binding, on every node.
        second = await propose(world, HOME, 2, 1)
        night = await world.pair_night(THIRD, 1)
        assert second.statement_hash == night.statement_hash
        for province in world.provinces:
            await world.answer(province, second.statement_hash)
        for province in world.provinces:
            found = await standing(world, province, f"{HOME}-S2")
            assert cpb.STATEMENT_STATE_BINDING == found.state
            assert ["pay-1"] * 3 == [each.maker for each in found.answers]
        with pytest.raises(Refusal, match="in another statement"):
            await propose(world, HOST, 3, 1)
        # 6. Page by page; both were proposed at the same instant.
        expected = [f"statements/{HOST}-S1", f"statements/{HOME}-S2"]
        assert expected == await names(world, THIRD)


async def test_a_statement_that_says_something_else_is_not_approved(tmp_path: Path) -> None:
    """Figures that do not follow from the results are shown as such and cannot be approved."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1"))
        night = await world.night(1)
        results = [night.lower_result_hash, night.higher_result_hash]
        lie = build_statement(f"{HOST}-S1", day(1), day(1), epb.NETTING_BILATERAL, [])
        lie.pair_result_hashes.extend(sorted(results))
        lie.bilateral.add(payer=HOST, payee=HOME, amount_fen=0)
        lie.bilateral.add(payer=HOME, payee=HOST, amount_fen=999_999)
        lie.positions.add(province=HOST, net_fen=999_999)
        lie.positions.add(province=HOME, net_fen=-999_999)
        lie.payments.add(payer=HOME, payee=HOST, amount_fen=999_999)
        assert not contradicts_itself(lie)
        index = await world.registry(HOST, *entries("statement", lie))
        await world.settled()
        found = await standing(world, HOME, f"{HOST}-S1")
        assert (index, False) == (found.entry.index, found.recomputed)
        with pytest.raises(Refusal, match="does not compute what"):
            await world.answer(HOME, found.statement_hash)
        await world.answer(HOME, found.statement_hash, refused=True)
        assert cpb.STATEMENT_STATE_VOID == (await standing(world, HOST, f"{HOST}-S1")).state


async def test_void_words_of_registry_logs(tmp_path: Path) -> None:
    """Results by strangers or twice, and statements against the rules, count nowhere."""
    async with World.open(tmp_path) as world:

        def result(lower: str, higher: str, **changes: int) -> epb.PairResult:
            return epb.PairResult(
                lower=lower,
                higher=higher,
                business_date=day(1),
                attempt=changes.get("attempt", 1),
                lower_checkpoint=f"deltacare/{lower}/settlement/{higher}\n".encode(),
                higher_checkpoint=f"deltacare/{higher}/settlement/{lower}\n".encode(),
                digest=bytes(32),
                rules_version=1,
            )

        def statement(number: int, until: int) -> epb.Statement:
            made = build_statement(
                f"{HOST}-S{number}", day(until), day(until), epb.NETTING_BILATERAL, []
            )
            made.pair_result_hashes.append(bytes(32))
            made.bilateral.add(payer=HOST, payee=HOME)
            made.bilateral.add(payer=HOME, payee=HOST)
            made.positions.add(province=HOST)
            made.positions.add(province=HOME)
            return made

        wrong = statement(2, 1)
        wrong.positions[0].net_fen = 1
        # The last date whose statement is somebody's turn still: half a day has gone by.
        turns = [rules.statement_turn(OPENING.replace(day=each), (HOST, HOME)) for each in (20, 21)]
        assert {HOST, HOME} == set(turns)
        refused = answer_body(HOST, bytes(32), refused=True)
        unsigned = epb.StatementAnswer(
            statement_hash=bytes(32), word=epb.STATEMENT_WORD_REFUSED, reason="E"
        )
        signers = [person(APPROVERS.maker), person(APPROVERS.reviewer)]
        week = statement(4, 2)
        week.window = epb.STATEMENT_WINDOW_WEEK
        await world.registry(
            HOST,
            *entries("pair_result", result(HOST, HOME), result(HOST, HOME)),
            *entries("pair_result", result(HOME, THIRD), result(HOME, HOST)),
            *entries("pair_result", result(HOST, HOME, attempt=0)),
            *entries("statement", statement(1, 1), statement(1, 1), wrong, statement(3, 21)),
            *answered(unsigned),
            *key_entries(*signers),
            *answered(refused, refused),
            *entries("settlement_record", world.record("S1")),
            *entries("statement", week),
        )
        await world.settled()
        is_own_turn = turns[1] == HOST
        expected = [
            (1, "S17-RESULT-EXISTS"),
            (2, "S16-RESULT-BY-STRANGER"),
            (3, "S16-RESULT-BY-STRANGER"),
            (4, "S04-UNREADABLE"),
            (6, "S18-STATEMENT-EXISTS"),
            (7, "S20-STATEMENT-CONTRADICTS-ITSELF"),
            *([] if is_own_turn else [(8, "S19-STATEMENT-TURN")]),
            (9, "A05-TWO-SIGNATURES"),
            (13, "S21-STATEMENT-ANSWERED"),
            (14, "S01-WRONG-LOG"),
            (15, "S29-STATEMENT-WINDOW"),
        ]
        for province in world.provinces:
            assert expected == await world.voids(province, LogName.registry(HOST))


def test_turns() -> None:
    """Parties take turns by the last date; a day after its published hour anyone may propose."""
    parties = ("310000", "320000", "330000", "340000")
    dates = [OPENING.replace(day=each) for each in range(1, 5)]
    assert set(parties) == {rules.statement_turn(each, parties) for each in dates}
    turn = rules.statement_turn(OPENING, parties)
    other = next(each for each in parties if each != turn)
    early = datetime(2026, 11, 2, 15, 59, tzinfo=UTC)
    late = datetime(2026, 11, 2, 16, 0, tzinfo=UTC)
    assert rules.turn_rule(OPENING, turn, parties, early) is None
    assert rules.STATEMENT_TURN is rules.turn_rule(OPENING, other, parties, early)
    assert rules.turn_rule(OPENING, other, parties, late) is None
    assert rules.STATEMENT_TURN is rules.turn_rule(OPENING, "350000", parties, late)
