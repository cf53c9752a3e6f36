"""Nights and closed institutions: a register's word closes a listing, as a measure does."""

from pathlib import Path

import pytest

from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from tests.server.settlement.test_supervised import judged, state
from tests.server.settlement.world import HOME, HOST, INSTITUTION, World, day

OPERATING, CLOSED = epb.INSTITUTION_STATE_OPERATING, epb.INSTITUTION_STATE_CLOSED


def home(day: str, state: int = CLOSED) -> tuple[str, epb.Institution]:
    """Return a statement of the institution, closed from a day on unless another is named."""
    body = epb.Institution(
        institution_id=INSTITUTION,
        name="示例养老院1",
        division_code="310101",
        approved_beds=100,
        state=epb.InstitutionState.ValueType(state),
        state_date=day,
        state_reason="MERGED" if state == CLOSED else "MISTAKEN",
    )
    return "institution", body


@pytest.mark.parametrize(
    "said, expected",
    [
        # Thirty of October's 31 days are claimed: from the 2nd on all are closed, but for one.
        ([home("2026-10-02")], "INSTITUTION_UNLISTED"),
        pytest.param([home("2026-10-30")], "INSTITUTION_UNLISTED", marks=pytest.mark.long),
        ([home("2026-10-31")], "MATCHED"),
        pytest.param(
            [home("2026-10-02", epb.INSTITUTION_STATE_SUSPENDED)], "MATCHED", marks=pytest.mark.long
        ),
        ([home("2026-10-02"), home("2026-10-03", OPERATING)], "MATCHED"),
        pytest.param(
            [home("2026-10-02"), home("2026-10-04", OPERATING)],
            "INSTITUTION_UNLISTED",
            marks=pytest.mark.long,
        ),
        # The register has no day: closed from the day on which it says so, in November.
        pytest.param([home("")], "MATCHED", marks=pytest.mark.long),
    ],
)
async def test_closed_days_are_not_listed(
    tmp_path: Path, said: list[tuple[str, epb.Institution]], expected: str
) -> None:
    """By day, and for every home province; suspended is not closed."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await state(world, HOST, *said)
        await world.both(world.record("S1", 1))
        assert {expected: ["S1"]} == await judged(world, 1)


async def test_coming_back_opens_again(tmp_path: Path) -> None:
    """What a night held back for a closing is matched once the register takes it back."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await state(world, HOST, home("2026-10-02"))
        await world.both(world.record("S1", 1))
        assert {"INSTITUTION_UNLISTED": ["S1"]} == await judged(world, 1)
        await state(world, HOST, home("2026-10-02", OPERATING))
        assert {"MATCHED": ["S1"]} == await judged(world, 2)


async def test_late_closing_is_proposed_for_reversal(tmp_path: Path) -> None:
    """A closing into the past changes no closed date; the cleared line is listed at both."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1", 1))
        assert {"MATCHED": ["S1"]} == await judged(world, 1)
        await state(world, HOST, home("2026-10-02"))
        await world.night(2)
        for province, partner in ((HOME, HOST), (HOST, HOME)):
            answer = await world[province].clearing.list_reversal_proposals(
                cpb.ListReversalProposalsRequest(partner=partner), world.call(province)
            )
            (proposal,) = answer.proposals
            assert "S1" == proposal.record.settlement_no
            assert cpb.LINE_CLASS_INSTITUTION_UNLISTED == proposal.line_class
            assert (day(1), day(2)) == (proposal.cleared_date, proposal.noticed_date)
