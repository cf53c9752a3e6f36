"""Policies, budgets and amounts over whole nodes: stated, listed, refused, held and ended."""

from pathlib import Path
from typing import Any

import pytest

from deltacare.entitlement import COMPUTATION_VERSION
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import policy_service_pb2 as ppb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.types_pb2 import Duty
from tests.server.settlement.world import DUTY, HOME, HOST, KIND, MONTH, World, day, entries, ref

POLICY_DUTY = Duty(maker="city-1", reviewer="city-2")


def policy(**changes: Any) -> epb.SubsidyPolicy:
    """Return a policy with every field, with changes."""
    values: dict[str, Any] = {
        "subsidy_kind": KIND,
        "unit": epb.SUBSIDY_UNIT_MONTH,
        "cap_fen": 500_000,
        "exclusivity_group": "CARE",
        "from_date": "2026-03-01",
        "home_division": "320100",
        "assessment_scheme": "GB_T_42195",
        "rates": [
            epb.Rate(amount_fen=100_000),
            epb.Rate(assessment_grade="三级", tariff_fen=300_001, share_basis_points=5_000),
        ],
        "prorated": True,
        "budgeted": True,
        "document_no": "示例〔2026〕1号",
        "document_hash": bytes(32),
    }
    return epb.SubsidyPolicy(**{**values, **changes})


async def publish(world: World, stated: epb.SubsidyPolicy) -> None:
    """State a policy of the home province."""
    await world[HOME].policy.publish_subsidy_policy(
        ppb.PublishSubsidyPolicyRequest(
            request_id=world.request_id(), duty=POLICY_DUTY, policy=stated
        ),
        world.call(HOME, "PublishSubsidyPolicy"),
    )


async def publish_budget(world: World, fen: int, **changes: Any) -> None:
    """State a budget of the home province."""
    values: dict[str, Any] = {
        "home_division": HOME,
        "year": 2026,
        "subsidy_kind": KIND,
        "amount_fen": fen,
    }
    await world[HOME].policy.publish_budget(
        ppb.PublishBudgetRequest(
            request_id=world.request_id(),
            duty=POLICY_DUTY,
            budget=epb.Budget(**{**values, **changes}),
        ),
        world.call(HOME, "PublishBudget"),
    )


async def budgets(world: World, *, year: int = 0) -> ppb.ListBudgetsResponse:
    """List budgets of the home province."""
    return await world[HOME].policy.list_budgets(
        ppb.ListBudgetsRequest(year=year), world.call(HOME, "ListBudgets")
    )


async def test_policies_are_stated_and_listed(tmp_path: Path) -> None:
    """A policy is listed with all it says and its entry, by pages, at home and at partners."""
    async with World.open(tmp_path) as world:
        stated = [policy(), policy(home_division="", rates=[], rate_fen=1)]
        for each in stated:
            await publish(world, each)
        await world.settled()
        for province in (HOME, HOST):
            found: list[ppb.StandingPolicy] = []
            request = ppb.ListSubsidyPoliciesRequest(home=HOME, page_size=1)
            while True:
                page = await world[province].policy.list_subsidy_policies(
                    request, world.call(province)
                )
                found += page.policies
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
            assert [(HOME, each, index) for index, each in enumerate(stated)] == [
                (each.home, each.policy, each.entry.index) for each in found
            ]


@pytest.mark.parametrize(
    "changes,fields",
    [
        ({"subsidy_kind": "bed"}, ["policy.subsidy_kind"]),
        ({"unit": 0, "prorated": False}, ["policy.unit"]),
        ({"unit": epb.SUBSIDY_UNIT_DAY}, ["policy.prorated"]),
        ({"cap_fen": -1}, ["policy.cap_fen"]),
        ({"cap_fen": 10**12 + 1}, ["policy.cap_fen"]),
        ({"exclusivity_group": "care"}, ["policy.exclusivity_group"]),
        ({"home_division": "310101"}, ["policy.home_division"]),
        ({"home_division": "3201"}, ["policy.home_division"]),
        ({"home_division": "320012"}, ["policy.home_division"]),
        ({"assessment_scheme": ""}, ["policy.assessment_scheme"]),
        ({"rate_fen": 5}, ["policy.rate_fen"]),
        ({"rates": [epb.Rate()]}, ["policy.rates[0]"]),
        ({"rates": [epb.Rate(amount_fen=1, tariff_fen=1)]}, ["policy.rates[0]"]),
        ({"rates": [epb.Rate(tariff_fen=1)]}, ["policy.rates[0]"]),
        ({"rates": [epb.Rate(tariff_fen=1, share_basis_points=10_001)]}, ["policy.rates[0]"]),
        ({"rates": [epb.Rate(amount_fen=1), epb.Rate(amount_fen=2)]}, ["policy.rates"]),
        (
            {"rates": [epb.Rate(amount_fen=1, assessment_grade=each) for each in "ba"]},
            ["policy.rates"],
        ),
        (
            {"rates": [epb.Rate(amount_fen=1, assessment_grade=f"{n:02}") for n in range(33)]},
            ["policy.rates"],
        ),
        ({"document_no": "x" * 101}, ["policy.document_no"]),
        ({"document_hash": b"1"}, ["policy.document_hash"]),
        ({"from_date": "2026-02-30"}, ["policy.from_date"]),
        ({"until_date": "2026-02-28"}, ["policy.until_date"]),
    ],
)
async def test_policies_that_cannot_be_read(
    world_of_one: World, changes: dict[str, Any], fields: list[str]
) -> None:
    """Every field is named that is not acceptable; where it is projected, such a policy is void."""
    world = world_of_one
    with pytest.raises(Refusal) as caught:
        await publish(world, policy(**changes))
    assert fields == [each.field for each in caught.value.violations]
    index = await world.registry(HOME, *entries("subsidy_policy", policy(**changes)))
    voids = dict(await world.voids(HOME, LogName.registry(HOME)))
    assert "Y02-UNREADABLE" == voids[index]


@pytest.mark.parametrize(
    "changes,fields",
    [
        ({"home_division": ""}, ["budget.home_division"]),
        ({"home_division": "310000"}, ["budget.home_division"]),
        ({"year": 1999}, ["budget.year"]),
        ({"subsidy_kind": ""}, ["budget.subsidy_kind"]),
        ({"amount_fen": -1}, ["budget.amount_fen"]),
        ({"amount_fen": 10**14 + 1}, ["budget.amount_fen"]),
        ({"document_hash": bytes(31)}, ["budget.document_hash"]),
    ],
)
async def test_budgets_that_cannot_be_read(
    world_of_one: World, changes: dict[str, Any], fields: list[str]
) -> None:
    """Every field is named, and nothing is appended."""
    with pytest.raises(Refusal) as caught:
        await publish_budget(world_of_one, 1, **changes)
    assert fields == [each.field for each in caught.value.violations]


async def test_budgets_from_filing_to_the_end_of_a_hold(tmp_path: Path) -> None:
    """What a budget does not cover is held at the close, stays so, and is ended once it covers."""
    async with World.open(tmp_path) as world:
        await world.facts()
        await publish_budget(world, 500_000)
        records = [world.record(f"S{n}", n) for n in (1, 2)]
        for province in (HOME, HOST):
            await world.file(province, records)
        # 1. Both are reserved until the close says which is too much.
        (found,) = (await budgets(world)).budgets
        assert (600_000, 0, 0) == (found.reserved_fen, found.consumed_fen, found.held_fen)
        with pytest.raises(Refusal) as caught:
            await publish_budget(world, 599_999)
        assert "Y03-BUDGET-GRANTED" == caught.value.details["rule"]
        await world.night(1)
        (found,) = (await budgets(world)).budgets
        assert (0, 300_000, 300_000) == (found.reserved_fen, found.consumed_fen, found.held_fen)
        # 2. The hold ends when there is money, not before.
        holds = await world[HOME].settlement.list_holds(
            spb.ListHoldsRequest(partner=HOST), world.call(HOME)
        )
        (held,) = holds.holds
        assert ("S2", epb.HOLD_CLASS_OVER_BUDGET, False) == (
            held.hold.settlement_no,
            held.hold.hold_class,
            held.can_end,
        )

        async def end() -> None:
            request = spb.EndHoldsRequest(
                request_id=world.request_id(),
                duty=DUTY,
                partner=HOST,
                ends=[epb.HoldEnd(hold_index=held.entry.index, reason="BUDGET_RAISED")],
            )
            await world[HOME].settlement.end_holds(request, world.call(HOME, "EndHolds"))

        with pytest.raises(Refusal) as caught:
            await end()
        assert "S30-HOLD-OVER-BUDGET" in str(caught.value)
        await publish_budget(world, 600_000)
        await end()
        await world.night(2)
        await world.night(3)
        (found,) = (await budgets(world, year=2026)).budgets
        assert (0, 600_000, 0) == (found.reserved_fen, found.consumed_fen, found.held_fen)
        assert [] == list((await budgets(world, year=2027)).budgets)
        assert day(1) < day(2)


async def test_amounts_are_computed(tmp_path: Path) -> None:
    """By the narrowest policy, grade and days, on both sides; with the reason where none is."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=3)
        await publish(world, policy(home_division="320106"))
        graded = epb.Enrolment(
            enrolment_id="G1",
            beneficiary_ref=ref(100),
            home_division="320106",
            subsidy_kinds=[KIND],
            assessment_scheme="GB_T_42195",
            assessment_grade="三级",
            from_date="2026-01-01",
            assessment_until_date="2026-10-20",
        )
        elsewhere = epb.Enrolment(
            enrolment_id="G2",
            beneficiary_ref=ref(101),
            home_division="320205",
            subsidy_kinds=[KIND, "MEAL_AID"],
            from_date="2026-01-01",
        )
        log = LogName.settlement(HOME, HOST)
        await world[HOME].node.append(log, entries("enrolment", graded, elsewhere))
        await world.settled()
        asked = [
            (ref(1), KIND, 31),  # ungraded: 1,000.00 a month
            (ref(1), KIND, 10),  # of 31 days
            (ref(100), KIND, 20),  # 3,000.01 at half, 20 of 31 days: 96,774.516…
            (ref(100), KIND, 21),  # assessed for 20 days only
            (ref(101), KIND, 30),  # another city: the province's 100.00 a day
            (ref(101), "MEAL_AID", 1),
            (ref(102), KIND, 1),
            (ref(101), KIND, 32),  # October has 31 days
            (ref(102), KIND, 32),
        ]
        request = ppb.ComputeAmountsRequest(
            services=[
                ppb.Service(
                    home=HOME,
                    host=HOST,
                    beneficiary_ref=elder,
                    subsidy_kind=kind,
                    service_month=MONTH,
                    service_days=days,
                )
                for elder, kind, days in asked
            ]
        )
        expected = [
            (100_000, ""),
            (32_258, ""),
            (96_775, ""),
            (0, "NOT_ENROLLED"),
            (300_000, ""),
            (0, "NO_POLICY"),
            (0, "NOT_ENROLLED"),
            (0, "TOO_MANY_DAYS"),
            (0, "TOO_MANY_DAYS"),
        ]
        for province in (HOME, HOST):
            answer = await world[province].policy.compute_amounts(request, world.call(province))
            assert expected == [(each.amount_fen, each.reason) for each in answer.amounts]
            paid = answer.amounts[0]
            assert (2, COMPUTATION_VERSION) == (
                paid.policy_index - answer.amounts[4].policy_index,
                paid.computation_version,
            )
        del request.services[1:]
        request.services[0].home = "330000"
        request.services[0].service_days = 0
        with pytest.raises(Refusal) as caught:
            await world[HOST].policy.compute_amounts(request, world.call(HOST))
        assert (Reason.INVALID_FIELD, ["services[0].service_days"]) == (
            caught.value.reason,
            [each.field for each in caught.value.violations],
        )


async def test_a_record_keeps_what_it_was_computed_by(tmp_path: Path) -> None:
    """Policy and version are listed with the record; one without the other is refused and void."""
    async with World.open(tmp_path) as world:
        await world.facts()
        good = world.record("S1", 1, policy_index=3, computation_version=1)
        bad = world.record("S2", 2, computation_version=1)
        await world.file(HOST, [good])
        answer = await world.file(HOST, [bad])
        assert "records[0].computation_version" == answer.faults[0].field
        log = LogName.settlement(HOST, HOME)
        await world[HOST].node.append(log, entries("settlement_record", bad))
        await world[HOME].node.holds(log, 2)
        assert [(1, "S04-UNREADABLE")] == await world.voids(HOME, log)
        listed = await world[HOME].settlement.list_records(
            spb.ListRecordsRequest(partner=HOST), world.call(HOME)
        )
        assert [(3, 1)] == [
            (each.record.policy_index, each.record.computation_version) for each in listed.records
        ]


async def test_an_enrolment_ends_for_a_known_reason(tmp_path: Path) -> None:
    """An unknown reason is refused with those that there are."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=1)

        async def end(reason: str) -> None:
            body = epb.EnrolmentEnd(enrolment_id="E0", effective_date="2026-10-11", reason=reason)
            await world[HOME].settlement.end_enrolment(
                spb.EndEnrolmentRequest(
                    request_id=world.request_id(), duty=DUTY, host=HOST, end=body
                ),
                world.call(HOME, "EndEnrolment"),
            )

        for reason in ("DEATH", "EXPIRED"):
            await end(reason)
        with pytest.raises(Refusal) as caught:
            await end("GONE")
        (violation,) = caught.value.violations
        assert ("end.reason", True) == (violation.field, "MOVED" in violation.remedy)
