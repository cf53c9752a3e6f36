"""The inbox: what a host filed is held against enrolment, policy, budget and what is known."""

from datetime import timedelta
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


async def test_equal_copies_are_one(tmp_path: Path) -> None:
    """Of copies under one number the first is judged as if alone, and the budget is drawn on once.

    Under a number that says two things, both are suspect.
    """
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
        budget = epb.Budget(home_division=HOME, year=2026, subsidy_kind=KIND, amount_fen=600_000)
        await world.registry(HOME, *entries("subsidy_policy", policy))
        await world.registry(HOME, *entries("budget", budget))
        await filed(world, world.record("S0"), world.record("S0"))
        await filed(world, world.record("S0"), world.record("S1", 1))
        await filed(
            world, world.record("S2", 2), world.record("S2", 2, caregiver_cert_no="310000-C1")
        )
        expected = [
            ("S0", "FITS"),
            ("S0", "DUPLICATE"),
            ("S0", "DUPLICATE"),
            ("S1", "FITS"),
            ("S2", "DUPLICATE"),
            ("S2", "DUPLICATE"),
        ]
        # Where a page ends makes no difference.
        for page_size in (0, 1, 2, 5):
            assert expected == [
                (each.filed.record.settlement_no, EVERY[each.verdict])
                for each in await judge(world, page_size)
            ], page_size


async def test_a_month_that_had_not_begun(tmp_path: Path) -> None:
    """A service that was filed before its month began does not fit, though its month comes."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=2)
        log = LogName.settlement(HOST, HOME)
        early = world.record("EARLY", 0, service_month="2026-12")
        # Its own node refuses it; another program may not.
        await world[HOST].node.append(
            log, entries("settlement_record", early, world.record("S1", 1, service_month="2026-11"))
        )
        await world[HOME].node.holds(log, 2)
        assert {"EARLY": "NOT_BEGUN", "S1": "FITS"} == await verdicts(world)
        world.nodes.clock.advance(timedelta(days=40))
        await world.close(31)
        assert {"EARLY": "NOT_BEGUN", "S1": "FITS"} == await verdicts(world)


async def test_sums_of_an_elder(tmp_path: Path) -> None:
    """What does not fit with what is filed, cleared, or fits before it, is told as a night would.

    The cap is 3,100.00 a kind and month, and both kinds are of one exclusivity group.
    """
    async with World.open(tmp_path) as world:
        await world.facts(elders=6)
        await world.both(world.record("CLEARED-1", 3))
        await world.night(1)
        assert {"MATCHED": ["CLEARED-1"]} == await world.classes(1)
        await world.file(HOME, [world.record("FILED-1", 2), world.record("BACK-1", 4)])
        await world.reverse(HOME, "BACK-1")
        care = {"service_days": 15, "amount_fen": 150_000}
        visit = {**care, "subsidy_kind": "CARE_VISIT"}
        await filed(
            world,
            # One kind, days within the month: the cap is what is exceeded.
            world.record("CAP-1", 0, service_days=15, amount_fen=150_000, subsidy_kind="CARE_MEAL"),
            world.record("CAP-2", 0, service_days=16, amount_fen=160_000, subsidy_kind="CARE_MEAL"),
            world.record("CAP-3", 0, service_days=1, amount_fen=10_000, subsidy_kind="CARE_MEAL"),
            # Two kinds of one group: 15 and 15 days fit, two more do not.
            world.record("DAYS-1", 1, **care),
            world.record("DAYS-2", 1, **visit),
            world.record("DAYS-3", 1, service_days=2, amount_fen=20_000),
            world.record("DAYS-4", 1, service_days=1, amount_fen=10_000),
            world.record("OTHER-MONTH", 1, service_month="2026-09", **care),
            # What home filed or a night cleared stands first.
            world.record("FILED-2", 2, service_days=2, amount_fen=20_000),
            world.record("CLEARED-2", 3, service_days=2, amount_fen=20_000),
            world.record("BACK-2", 4, service_days=2, amount_fen=20_000),
        )
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
        meal = epb.SubsidyPolicy(
            subsidy_kind="CARE_MEAL",
            unit=epb.SUBSIDY_UNIT_USE,
            rate_fen=10_000,
            cap_fen=310_000,
            from_date="2026-01-01",
        )
        await world.registry(HOME, *entries("subsidy_policy", meal))
        expected = {
            "CAP-1": "FITS",
            "CAP-2": "FITS",
            "CAP-3": "OVER_CAP",
            "DAYS-1": "FITS",
            "DAYS-2": "FITS",
            "DAYS-3": "OVERLAP",
            "DAYS-4": "FITS",
            "OTHER-MONTH": "FITS",
            "FILED-2": "OVERLAP",
            "CLEARED-2": "OVERLAP",
            "BACK-2": "FITS",
        }
        for page_size in (0, 1, 4):
            assert expected == await verdicts(world, page_size), page_size


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
