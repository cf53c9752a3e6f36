"""Nobody sets policy, reviews records and approves payment at once."""

from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.v1 import clearing_service_pb2 as cpb
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.policy_service_pb2 import PublishSubsidyPolicyRequest
from deltacare.v1.types_pb2 import Duty
from server.approval.duties import DutyKind, note_duties
from tests.server.settlement.world import DUTY, HOME, HOST, World, day

POLICY = epb.SubsidyPolicy(
    subsidy_kind="CARE_MEAL", unit=epb.SUBSIDY_UNIT_DAY, rate_fen=1, from_date="2026-01-01"
)


async def test_duties_are_kept_apart(tmp_path: Path) -> None:
    """Who set policy reviews nothing, who reviewed approves nothing, and the other way round."""
    async with World.open(tmp_path) as world:
        await world.facts()

        def policy(maker: str, reviewer: str) -> PublishSubsidyPolicyRequest:
            return PublishSubsidyPolicyRequest(
                request_id=world.request_id(),
                duty=Duty(maker=maker, reviewer=reviewer),
                policy=POLICY,
            )

        async def publish(maker: str, reviewer: str) -> None:
            await world[HOME].policy.publish_subsidy_policy(
                policy(maker, reviewer), world.call(HOME, "PublishSubsidyPolicy")
            )

        await publish("city-1", "city-2")
        await publish("city-2", "city-1")
        # 1. Who set policy does not review.
        for reviewer in ("city-1", "city-2"):
            (refused,) = await world.stream(
                HOME,
                [
                    spb.FileRecordsRequest(
                        request_id=world.request_id(),
                        duty=Duty(maker="mk-1", reviewer=reviewer),
                        partner=HOST,
                        records=[world.record("S1")],
                    )
                ],
            )
            assert "RULE_REFUSED" == refused.refusal_reason
        await world.both(world.record("S1"))
        # 2. Who reviewed sets no policy; who only made records may.
        with pytest.raises(Refusal, match="S22") as caught:
            await publish("city-3", DUTY.reviewer)
        assert Reason.RULE_REFUSED is caught.value.reason
        assert "POLICY: rv-1 REVIEW" == caught.value.details["subject"]
        # Nor does who set policy make records, or who made them set policy.
        # Neither if it is only asked.
        for refused in await world.stream(
            HOME,
            [
                spb.FileRecordsRequest(
                    request_id=world.request_id(),
                    duty=Duty(maker="city-1", reviewer="rv-9"),
                    partner=HOST,
                    records=[world.record("S2")],
                    validate_only=validate_only,
                )
                for validate_only in (False, True)
            ],
        ):
            assert "RULE_REFUSED" == refused.refusal_reason
            assert "S24" in refused.faults[0].description
        with pytest.raises(Refusal, match="S24") as caught:
            await publish(DUTY.maker, "city-3")
        assert "POLICY: mk-1 MAKING" == caught.value.details["subject"]
        reverse = spb.FileReversalsRequest(
            request_id=world.request_id(),
            duty=Duty(maker="city-2", reviewer="rv-9"),
            partner=HOST,
            reversals=[epb.Reversal(settlement_no="S1", home=HOME, host=HOST, reason="TEST")],
        )
        with pytest.raises(Refusal, match="S24"):
            await world[HOME].settlement.file_reversals(reverse, world.call(HOME, "FileReversals"))
        # 3. Neither approves what is to be paid, nor does who made the records.
        await world.night(1)
        proposed = await world[HOME].clearing.propose_statement(
            cpb.ProposeStatementRequest(
                request_id=world.request_id(),
                duty=DUTY,
                statement_id=f"{HOME}-S1",
                from_date=day(1),
                until_date=day(1),
                netting=epb.NETTING_BILATERAL,
            ),
            world.call(HOME, "ProposeStatement"),
        )
        await world.settled()

        async def approve(maker: str, reviewer: str) -> None:
            duty = Duty(maker=maker, reviewer=reviewer)
            await world.answer(HOME, proposed.statement_hash, duty=duty)

        for maker, reviewer in (("pay-1", "rv-1"), ("city-1", "pay-2")):
            with pytest.raises(Refusal, match="S22"):
                await approve(maker, reviewer)
        for maker, reviewer in (("pay-1", "mk-1"), ("mk-1", "pay-2")):
            with pytest.raises(Refusal, match="S24"):
                await approve(maker, reviewer)
        with pytest.raises(Refusal, match="S22") as caught:
            await approve("rv-1", "mk-1")
        assert "PAYMENT: mk-1 MAKING, rv-1 REVIEW" == caught.value.details["subject"]
        await approve("pay-1", "pay-2")
        # 4. And who approved payment reviews nothing from then on.
        with pytest.raises(Refusal, match="S22"):
            await publish("pay-1", "city-1")
        (refused,) = await world.stream(
            HOME,
            [
                spb.FileRecordsRequest(
                    request_id=world.request_id(),
                    duty=Duty(maker="pay-2", reviewer="rv-9"),
                    partner=HOST,
                    records=[world.record("S2")],
                )
            ],
        )
        assert "S24" in refused.faults[0].description
        # Another province's staff are other people, whatever their ids.
        assert not (await world.file(HOST, [world.record("S9", 3)])).refusal_reason


async def test_duties_are_noted_once(tmp_path: Path) -> None:
    """Noting again changes nothing, and nobody is nobody."""
    async with World.open(tmp_path) as world:
        database = world[HOME].node.database
        for _ in range(2):
            await database.write(
                lambda c: note_duties(c, HOME, HOST, ["a", "b", ""], DutyKind.REVIEW)
            )
        from sqlalchemy import select

        from server.approval.tables import approval_duty

        rows = await database.read(
            lambda c: c.execute(select(approval_duty.c.principal)).scalars().all()
        )
        assert ["a", "b"] == sorted(rows)
