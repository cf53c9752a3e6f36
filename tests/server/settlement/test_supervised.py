"""Nights under supervision: a measure closes a listing, at the pins, alike at both nodes."""

from pathlib import Path

import pytest

from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from tests.server.settlement.world import HOME, HOST, INSTITUTION, World, day, entries

AGREED = cpb.PAIR_NIGHT_STATE_AGREED
THIRD = "330000"


def measure(author: str, **changes: object) -> epb.SupervisionMeasure:
    """Return a suspension of admission from 2 October on: 30 of 31 days are left to claim."""
    fields: dict[str, object] = {
        "measure_id": f"{author}-M1",
        "kind": epb.MEASURE_KIND_ADMISSION_SUSPENSION,
        "institution_id": INSTITUTION,
        "from_date": "2026-10-02",
        "reason": "UNSAFE",
    }
    return epb.SupervisionMeasure(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


async def state(world: World, author: str, *bodies: tuple[str, object]) -> None:
    """Append entries of supervision to a registry log, and wait until all hold them."""
    for name, body in bodies:
        await world.registry(author, *entries(name, body))
    await world.settled()


async def judged(world: World, number: int) -> dict[str, list[str]]:
    """Run a night and return its classes, which both nodes agree on."""
    night = await world.night(number)
    assert AGREED == night.state, night
    assert night.lower_result.digest == night.higher_result.digest
    found = await world.classes(number)
    assert found == await world.classes(number, HOST)
    return found


@pytest.mark.parametrize(
    "author, changes, expected",
    [
        # By the institution's own province, for everybody; by the home province, for its elders.
        (HOST, {}, "INSTITUTION_UNLISTED"),
        (HOME, {}, "INSTITUTION_UNLISTED"),
        # By a third province: it closes nothing between these two.
        pytest.param(THIRD, {}, "MATCHED", marks=pytest.mark.long),
        pytest.param(HOST, {"kind": epb.MEASURE_KIND_WARNING}, "MATCHED", marks=pytest.mark.long),
        # Thirty days are claimed, and 31 October alone is closed; then two days are.
        pytest.param(HOST, {"from_date": "2026-10-31"}, "MATCHED", marks=pytest.mark.long),
        (HOST, {"from_date": "2026-10-30"}, "INSTITUTION_UNLISTED"),
    ],
)
async def test_measure_closes_a_listing(
    tmp_path: Path, author: str, changes: dict[str, object], expected: str
) -> None:
    """On which days of the month, and for whose elders, an institution is not listed."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await state(world, author, ("supervision_measure", measure(author, **changes)))
        await world.both(world.record("S1", 1))
        assert {expected: ["S1"]} == await judged(world, 1)


@pytest.mark.parametrize(
    "reported, is_accepted, expected",
    [
        ("2026-10-12", True, "MATCHED"),
        ("2026-10-13", True, "INSTITUTION_UNLISTED"),
        pytest.param("2026-10-12", False, "INSTITUTION_UNLISTED", marks=pytest.mark.long),
    ],
)
async def test_overdue_closes_a_listing(
    tmp_path: Path,
    reported: str,
    is_accepted: bool,  # noqa: FBT001  # a parameter of the test
    expected: str,
) -> None:
    """Due on the 10th: closed from the 11th until the day of an accepted report."""
    async with World.open(tmp_path) as world:
        await world.facts()
        order = measure(HOST, kind=epb.MEASURE_KIND_RECTIFICATION, due_date="2026-10-10")
        report = epb.RectificationReport(
            measure_id=order.measure_id, report_date=reported, accepted=is_accepted, reason="SEEN"
        )
        await state(world, HOST, ("supervision_measure", order), ("rectification_report", report))
        await world.both(world.record("S1", 1))
        assert {expected: ["S1"]} == await judged(world, 1)


async def test_lift_opens_again(tmp_path: Path) -> None:
    """What a night held back for a measure is matched once the measure is lifted."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await state(world, HOST, ("supervision_measure", measure(HOST)))
        await world.both(world.record("S1", 1))
        assert {"INSTITUTION_UNLISTED": ["S1"]} == await judged(world, 1)
        lift = epb.MeasureLift(
            measure_id=f"{HOST}-M1", effective_date="2026-10-02", reason="APPEAL"
        )
        await state(world, HOST, ("measure_lift", lift))
        assert {"MATCHED": ["S1"]} == await judged(world, 2)


@pytest.mark.parametrize("author", [HOST, pytest.param(HOME, marks=pytest.mark.long)])
async def test_late_measure_is_proposed_for_reversal(tmp_path: Path, author: str) -> None:
    """A measure into the past changes no closed date; the cleared line is listed at both."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await world.both(world.record("S1", 1))
        assert {"MATCHED": ["S1"]} == await judged(world, 1)
        await state(world, author, ("supervision_measure", measure(author)))
        await world.night(2)
        for province, partner in ((HOME, HOST), (HOST, HOME)):
            answer = await world[province].clearing.list_reversal_proposals(
                cpb.ListReversalProposalsRequest(partner=partner), world.call(province)
            )
            (proposal,) = answer.proposals
            assert "S1" == proposal.record.settlement_no
            assert cpb.LINE_CLASS_INSTITUTION_UNLISTED == proposal.line_class
            assert (day(1), day(2)) == (proposal.cleared_date, proposal.noticed_date)
