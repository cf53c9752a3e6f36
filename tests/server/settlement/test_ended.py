"""Nights over an agreement that a party ended: what was given before its last day is paid."""

from pathlib import Path

import pytest

from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.tlog.tree import leaf_hash
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from tests.server.settlement.test_supervised import judged, state
from tests.server.settlement.world import HOME, HOST, World, day

NOVEMBER = "2026-11"
ENDED = "2026-11-23"
"""A day to come: 22 of the days of November are before it."""


def november(world: World, number: str, *, days: int) -> epb.SettlementRecord:
    """Return a record of days of November, each number of an elder of its own."""
    return world.record(
        number, days, service_month=NOVEMBER, service_days=days, amount_fen=days * 10_000
    )


async def end(world: World, author: str, effective_date: str = ENDED) -> None:
    """Say that a party ends the agreement, and wait until all hold it."""
    node = world[HOST].node
    log = LogName.registry(HOST)
    size = node.logs.reader.position(log).size
    entries = await node.database.read(lambda c: node.logs.reader.entries(c, log, 0, size))
    (version_hash,) = [
        leaf_hash(data) for data in entries if epb.Entry.FromString(data).HasField("agreement")
    ]
    answer = epb.AgreementAnswer(
        agreement_id=f"{HOST}-A1",
        version_hash=version_hash,
        word=epb.AGREEMENT_WORD_ENDED,
        reason="TERMS",
        effective_date=effective_date,
    )
    await state(world, author, ("agreement_answer", answer))


@pytest.mark.parametrize("author", [HOST, pytest.param(HOME, marks=pytest.mark.long)])
async def test_days_before_an_end_are_payable(tmp_path: Path, author: str) -> None:
    """No night had cleared them when it was said; the first day without is not paid."""
    async with World.open(tmp_path) as world:
        assert business_date(world.nodes.clock.now()).isoformat() < ENDED
        await world.facts()
        await end(world, author)
        await world.both(world.record("OCTOBER", 0))
        await world.both(november(world, "BEFORE", days=22))
        await world.both(november(world, "BEYOND", days=23))
        assert {"MATCHED": ["BEFORE", "OCTOBER"], "OUT_OF_AGREEMENT": ["BEYOND"]} == {
            name: sorted(numbers) for name, numbers in (await judged(world, 1)).items()
        }


async def test_a_late_end_is_proposed_for_reversal(tmp_path: Path) -> None:
    """What was cleared before stays; days that have none of the agreement left are listed."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("OCTOBER", 0))
        await world.both(november(world, "BEFORE", days=22))
        await world.both(november(world, "BEYOND", days=23))
        assert {"MATCHED"} == set(await judged(world, 1))
        await end(world, HOST)
        await world.night(2)
        for province, partner in ((HOME, HOST), (HOST, HOME)):
            answer = await world[province].clearing.list_reversal_proposals(
                cpb.ListReversalProposalsRequest(partner=partner), world.call(province)
            )
            (proposal,) = answer.proposals
            assert "BEYOND" == proposal.record.settlement_no
            assert cpb.LINE_CLASS_OUT_OF_AGREEMENT == proposal.line_class
            assert (day(1), day(2)) == (proposal.cleared_date, proposal.noticed_date)


async def test_an_end_for_the_past_takes_nothing(tmp_path: Path) -> None:
    """A word that its author's node would refuse is void wherever it is read."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await end(world, HOST, "2026-10-02")
        await world.both(world.record("OCTOBER", 0))
        assert {"MATCHED": ["OCTOBER"]} == await judged(world, 1)
