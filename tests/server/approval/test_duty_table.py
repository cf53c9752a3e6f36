"""One person trying two of the three duties, in every order, by every act: refused, with the rule.

The city sets policy and budgets, the street makes and reviews what is filed, the district pays.
Each act is done once by a person who has done nothing; then that person tries every act of another
duty.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path

import pytest

from deltacare.approvals import ApprovalSubject, advance_hash
from deltacare.errors import Reason, Refusal
from deltacare.trust import Trust
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import payment_service_pb2 as paypb
from deltacare.v1 import policy_service_pb2 as ppb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.clearing_service_pb2 import AnswerStatementRequest
from deltacare.v1.types_pb2 import Duty
from server.edge.duties import DutyKind
from server.log.ports import Projector
from server.payment.projector import PaymentProjector
from server.payment.service import PaymentServicer
from tests.server.settlement.test_windows import DAY, agree, propose
from tests.server.settlement.world import HOME, HOST, World, answer_body
from tests.support.signing import approvals

POLICY, MAKING, REVIEW, PAYMENT = (
    DutyKind.POLICY,
    DutyKind.MAKING,
    DutyKind.REVIEW,
    DutyKind.PAYMENT,
)
# Written by hand: what nobody does who has done the other, and by which rule.
REFUSED = {
    (POLICY, REVIEW): "S22",
    (POLICY, PAYMENT): "S22",
    (POLICY, MAKING): "S24",
    (REVIEW, POLICY): "S22",
    (REVIEW, PAYMENT): "S22",
    (PAYMENT, POLICY): "S22",
    (PAYMENT, REVIEW): "S22",
    (PAYMENT, MAKING): "S24",
    (MAKING, POLICY): "S24",
    (MAKING, PAYMENT): "S24",
}
OTHERS = {POLICY: "city-9", MAKING: "desk-9", REVIEW: "street-9", PAYMENT: "district-9"}


class Offices(World):
    """A world whose nodes have the room of payments too, and acts of every duty."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]  # the nodes
        self.numbers = count(1)
        self.statements: dict[str, bytes] = {}
        node = self[HOME].node
        self.payments = PaymentServicer(
            province=HOME,
            trust=self.nodes.trust,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
        )

    @staticmethod
    def projectors(trust: Trust) -> list[Projector]:
        """Return those of the rooms up to payments."""
        return [*World.projectors(trust), PaymentProjector()]

    async def policy(self, duty: Duty) -> None:
        """Set a policy."""
        body = epb.SubsidyPolicy(
            subsidy_kind=f"KIND_{next(self.numbers)}",
            unit=epb.SUBSIDY_UNIT_DAY,
            rate_fen=1,
            from_date="2026-01-01",
        )
        await self[HOME].policy.publish_subsidy_policy(
            ppb.PublishSubsidyPolicyRequest(request_id=self.request_id(), duty=duty, policy=body),
            self.call(HOME, "PublishSubsidyPolicy"),
        )

    async def budget(self, duty: Duty) -> None:
        """Set a budget."""
        body = epb.Budget(
            home_division=HOME, year=2031, subsidy_kind="CARE_BED", amount_fen=next(self.numbers)
        )
        await self[HOME].policy.publish_budget(
            ppb.PublishBudgetRequest(request_id=self.request_id(), duty=duty, budget=body),
            self.call(HOME, "PublishBudget"),
        )

    async def filing(self, duty: Duty) -> None:
        """File a record."""
        number = next(self.numbers)
        (answer,) = await self.stream(
            HOME,
            [
                spb.FileRecordsRequest(
                    request_id=self.request_id(),
                    duty=duty,
                    partner=HOST,
                    records=[self.record_of(number)],
                )
            ],
        )
        if answer.refusal_reason:
            reason = Reason[answer.refusal_reason]
            raise Refusal(reason, answer.faults[0].description)

    @staticmethod
    def record_of(number: int) -> epb.SettlementRecord:
        """Return an ordinary record."""
        return World.record(f"T{number}", number % 40)

    async def reversal(self, duty: Duty) -> None:
        """Cancel the record that stands for this."""
        body = epb.Reversal(settlement_no="BASE", home=HOME, host=HOST, reason="TEST")
        await self[HOME].settlement.file_reversals(
            spb.FileReversalsRequest(
                request_id=self.request_id(), duty=duty, partner=HOST, reversals=[body]
            ),
            self.call(HOME, "FileReversals"),
        )

    async def refusal(self, duty: Duty) -> None:
        """Refuse a record of the host."""
        body = epb.RecordRefusal(settlement_no="HOSTS", home=HOME, host=HOST, reason="TEST")
        await self[HOME].settlement.refuse_records(
            spb.RefuseRecordsRequest(
                request_id=self.request_id(), duty=duty, partner=HOST, refusals=[body]
            ),
            self.call(HOME, "RefuseRecords"),
        )

    async def clawback(self, duty: Duty) -> None:
        """Demand a settlement back; who may not do it is refused before anything is looked at."""
        body = epb.Clawback(
            clawback_id=f"{HOME}-C{next(self.numbers)}",
            settlement_no="BASE",
            home=HOME,
            host=HOST,
            amount_fen=300_000,
            reason="DEATH",
        )
        await self[HOME].settlement.file_clawbacks(
            spb.FileClawbacksRequest(
                request_id=self.request_id(), duty=duty, partner=HOST, clawbacks=[body]
            ),
            self.call(HOME, "FileClawbacks"),
        )

    async def answer_one(self, duty: Duty) -> None:
        """Approve a statement."""
        await self.approvers(HOME, duty.maker, duty.reviewer)
        leaf = self.statements[duty.maker if duty.maker in self.statements else duty.reviewer]
        await self[HOME].clearing.answer_statement(
            AnswerStatementRequest(
                request_id=self.request_id(), duty=duty, answer=answer_body(HOME, leaf, duty=duty)
            ),
            self.call(HOME, "AnswerStatement"),
        )

    async def terms(self, duty: Duty) -> None:
        """Say how much is paid ahead."""
        body = epb.AdvanceTerms(
            payee=HOST, limit_fen=10**9 + next(self.numbers), from_date="2026-01-01"
        )
        await self.payments.set_advance_terms(
            paypb.SetAdvanceTermsRequest(request_id=self.request_id(), duty=duty, terms=body),
            self.call(HOME, "SetAdvanceTerms"),
        )

    async def advance(self, duty: Duty) -> None:
        """Pay ahead."""
        await self.approvers(HOME, duty.maker, duty.reviewer)
        body = epb.Advance(advance_id=f"{HOME}-A{next(self.numbers)}", payee=HOST, amount_fen=100)
        subject_hash = advance_hash(body)
        body.approvals.extend(approvals(duty, ApprovalSubject.ADVANCE, subject_hash, province=HOME))
        await self.payments.grant_advance(
            paypb.GrantAdvanceRequest(request_id=self.request_id(), duty=duty, advance=body),
            self.call(HOME, "GrantAdvance"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What a person does.

    Attributes:
        name: Of the method above.
        kind: Which duty it is.
        is_maker: Whether the person is its maker, else its checker.
        begins: Whether it is also done, not only tried.
    """

    name: str
    kind: DutyKind
    is_maker: bool
    begins: bool = True

    def duty(self, who: str) -> Duty:
        """Return who answers for it; the other is somebody who always does this."""
        other = self.kind
        if self.kind in (MAKING, REVIEW):
            other = REVIEW if self.is_maker else MAKING
        beside = OTHERS[other]
        return (
            Duty(maker=who, reviewer=beside) if self.is_maker else Duty(maker=beside, reviewer=who)
        )


def acts() -> Iterator[Act]:
    """Yield every act, as maker and as checker."""
    for is_maker in (True, False):
        for name in ("policy", "budget"):
            yield Act(name=name, kind=POLICY, is_maker=is_maker)
        filing = MAKING if is_maker else REVIEW
        yield Act(name="filing", kind=filing, is_maker=is_maker)
        for name in ("reversal", "refusal", "clawback"):
            yield Act(name=name, kind=filing, is_maker=is_maker, begins=False)
        for name in ("answer_one", "terms", "advance"):
            yield Act(name=name, kind=PAYMENT, is_maker=is_maker)


ACTS = tuple(acts())


async def test_every_pair_in_every_order(tmp_path: Path) -> None:
    """Whatever was done first, an act of a duty that excludes it is refused, with the rule."""
    async with Offices.open(tmp_path) as world:
        begun = [act for act in ACTS if act.begins]
        answers = [act for act in begun if act.name == "answer_one"]
        days = [date(2026, 11, 1 + number) for number in range(len(answers) + 1)]
        await agree(world, *days)
        await world.file(HOME, [World.record("BASE")])
        await world.terms(Duty(maker=OTHERS[PAYMENT], reviewer="district-8"))
        leaves = [
            (await propose(world, DAY, each, f"S{number}")).statement_hash
            for number, each in enumerate(days)
        ]
        tried = 0
        for number, first in enumerate(begun):
            who = f"person-{number}"
            leaf = leaves[1 + answers.index(first)] if first in answers else leaves[0]
            world.statements[who] = leaf
            do: Callable[[Duty], Awaitable[None]] = getattr(world, first.name)
            await do(first.duty(who))
            for second in ACTS:
                rule = REFUSED.get((first.kind, second.kind))
                if rule is None:
                    continue
                with pytest.raises(Refusal, match=rule) as caught:
                    await getattr(world, second.name)(second.duty(who))
                assert Reason.RULE_REFUSED is caught.value.reason
                assert who in caught.value.message
                tried += 1
        expected = sum((one.kind, two.kind) in REFUSED for one in begun for two in ACTS)
        assert expected == tried > 100


@pytest.mark.parametrize("name", sorted({act.name for act in ACTS}))
async def test_nobody_checks_their_own_work(tmp_path: Path, name: str) -> None:
    """Maker and checker of one act are never one person, whatever it is."""
    async with Offices.open(tmp_path) as world:
        world.statements["one"] = bytes(32)
        with pytest.raises(Refusal, match="The reviewer is the maker"):
            await getattr(world, name)(Duty(maker="one", reviewer="one"))
        # One id has one spelling: in capital letters a person would be a second one.
        for duty in (Duty(maker="one", reviewer="One"), Duty(maker="ONE", reviewer="one")):
            with pytest.raises(Refusal, match="not the opaque id of a principal") as caught:
                await getattr(world, name)(duty)
            assert Reason.INVALID_FIELD is caught.value.reason
