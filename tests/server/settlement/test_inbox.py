"""The inbox: what a host filed is held against enrolment, policy, budget and what is known."""

from pathlib import Path
from typing import Any

import pytest

from deltacare.entitlement import COMPUTATION_VERSION
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from tests.server.settlement.world import DUTY, HOME, HOST, KIND, World, entries, ref

EVERY = {number: name.removeprefix("INBOX_VERDICT_") for name, number in spb.InboxVerdict.items()}


async def judge(world: World, page_size: int = 0) -> list[spb.JudgedRecord]:
    """Return everything that waits at home."""
    found: list[spb.JudgedRecord] = []
    token = ""
    while True:
        answer = await world[HOME].settlement.judge_inbox(
            spb.JudgeInboxRequest(partner=HOST, page_size=page_size, page_token=token),
            world.call(HOME, "JudgeInbox"),
        )
        found += answer.records
        token = answer.next_page_token
        if not token:
            return found


async def verdicts(world: World, page_size: int = 0) -> dict[str, str]:
    """Return the verdict on each number."""
    return {
        each.filed.record.settlement_no: EVERY[each.verdict]
        for each in await judge(world, page_size)
    }


async def filed(world: World, *records: epb.SettlementRecord) -> None:
    """File records as host, and wait until home has them."""
    answer = await world.file(HOST, records)
    assert not answer.refusal_reason, answer
    size = answer.appended.first_index + len(records)
    await world[HOME].node.holds(LogName.settlement(HOST, HOME), size)


async def test_each_verdict(tmp_path: Path) -> None:
    """The first thing that stands against a record is named; what fits says its policy."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=6)
        await filed(
            world,
            world.record("FITS", 0),
            world.record("LESS", 1, amount_fen=250_000),
            world.record("MORE", 2, amount_fen=300_001),
            world.record("STRANGER", 77),
            world.record("OTHER-KIND", 3, subsidy_kind="CARE_MEAL"),
            world.record("TWIN-1", 4),
            world.record("TWIN-2", 4),
        )
        assert {
            "FITS": "FITS",
            "LESS": "FITS",  # the policy says the highest amount
            "MORE": "AMOUNT",
            "STRANGER": "NOT_ENROLLED",
            "OTHER-KIND": "NOT_ENROLLED",
            "TWIN-1": "DUPLICATE",
            "TWIN-2": "DUPLICATE",
        } == await verdicts(world)
        first = (await judge(world))[0]
        assert (300_000, True, COMPUTATION_VERSION) == (
            first.entitled_fen,
            first.HasField("policy_index"),
            first.computation_version,
        )


async def test_no_policy(tmp_path: Path) -> None:
    """Who is enrolled for a kind that nothing is said of is owed nothing."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=1)
        await world[HOME].node.append(
            LogName.settlement(HOME, HOST),
            entries(
                "enrolment",
                epb.Enrolment(
                    enrolment_id="E-MEAL",
                    beneficiary_ref=ref(0),
                    home_division="320106",
                    subsidy_kinds=["CARE_MEAL"],
                    from_date="2026-01-01",
                ),
            ),
        )
        await filed(world, world.record("S1", 0, subsidy_kind="CARE_MEAL"))
        assert {"S1": "NO_POLICY"} == await verdicts(world)


async def test_a_page_goes_on_where_it_ended(tmp_path: Path) -> None:
    """Pages are in the order of the host's log, and what is answered leaves."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=8)
        await filed(world, *(world.record(f"S{number}", number) for number in range(8)))
        names = [f"S{number}" for number in range(8)]
        assert names == list(await verdicts(world, page_size=3))
        # What home filed, and what it refused, is answered.
        await world.file(HOME, [world.record("S1", 1)])
        await world[HOME].settlement.refuse_records(
            spb.RefuseRecordsRequest(
                request_id=world.request_id(),
                duty=DUTY,
                partner=HOST,
                refusals=[
                    epb.RecordRefusal(settlement_no="S2", home=HOME, host=HOST, reason="UNKNOWN")
                ],
            ),
            world.call(HOME, "RefuseRecords"),
        )
        assert [name for name in names if name not in {"S1", "S2"}] == list(await verdicts(world))


async def test_a_service_that_home_filed_under_another_number(tmp_path: Path) -> None:
    """The same service under a second number is suspect; another amount of days is not."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=2)
        await world.file(HOME, [world.record("OWN", 0)])
        await filed(
            world,
            world.record("AGAIN", 0),
            world.record("SHORTER", 0, service_days=1, amount_fen=10_000),
        )
        assert {"AGAIN": "DUPLICATE", "SHORTER": "FITS"} == await verdicts(world)


async def test_a_budget_is_drawn_in_order(tmp_path: Path) -> None:
    """Of two records for the last of the money one fits; where no budget is, none does."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=4)
        policy = epb.SubsidyPolicy(
            subsidy_kind=KIND,
            unit=epb.SUBSIDY_UNIT_DAY,
            rate_fen=10_000,
            cap_fen=310_000,
            from_date="2026-02-01",
            budgeted=True,
        )
        await world.registry(HOME, *entries("subsidy_policy", policy))
        await filed(world, *(world.record(f"S{number}", number) for number in range(3)))
        assert {"OVER_BUDGET"} == set((await verdicts(world)).values())
        budget = epb.Budget(home_division=HOME, year=2026, subsidy_kind=KIND, amount_fen=700_000)
        await world.registry(HOME, *entries("budget", budget))
        assert {"S0": "FITS", "S1": "FITS", "S2": "OVER_BUDGET"} == await verdicts(world)
        # What was filed has reserved its part.
        await world.file(HOME, [world.record("S1", 1)])
        assert {"S0": "FITS", "S2": "OVER_BUDGET"} == await verdicts(world)


@pytest.mark.parametrize(
    "changes",
    [
        {"partner": HOME},
        {"partner": "110000"},
        {"page_size": 1_001},
        {"page_size": -1},
        {"page_token": "zzzz"},
    ],
)
async def test_hostile_questions(tmp_path: Path, changes: dict[str, Any]) -> None:
    """What is no question is refused by name."""
    async with World.open(tmp_path) as world:
        with pytest.raises(Refusal) as caught:
            await world[HOME].settlement.judge_inbox(
                spb.JudgeInboxRequest(**{"partner": HOST, **changes}), world.call(HOME)
            )
        assert Reason.INVALID_FIELD is caught.value.reason
        assert [next(iter(changes))] == [each.field for each in caught.value.violations]
