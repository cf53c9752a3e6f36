"""The review queue of one province's node in a world of several, and who stands in it.

```python
async with Queue.open(tmp_path) as queue:
    draft = await queue.submit(queue.records("S1"))
    await queue.approve(draft)
```

Everything is generated; nobody here exists.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from deltacare.ids import LogName, Principal
from deltacare.purposes import Purpose
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import policy_service_pb2 as ppb
from deltacare.v1 import review_service_pb2 as rpb
from deltacare.v1 import settlement_service_pb2 as spb
from server.edge.call import Call, Disclosures
from server.review.methods import reviewed_methods
from server.review.sealing import Sealer
from server.review.service import ReviewServicer
from tests.server.settlement.world import HOME, HOST, World
from tests.support.federation import seed
from tests.support.ports import SeededEntropy

__all__ = ["CLERK", "LOG", "OTHER_REVIEWER", "REVIEWER", "Queue"]

CLERK, REVIEWER, OTHER_REVIEWER = "clerk-1", "reviewer-1", "reviewer-2"
LOG = LogName.settlement(HOME, HOST)

_METHODS: dict[type[Message], str] = {
    spb.FileRecordsRequest: "SettlementService/FileRecords",
    spb.FileReversalsRequest: "SettlementService/FileReversals",
    spb.RefuseRecordsRequest: "SettlementService/RefuseRecords",
    spb.CreateEnrolmentsRequest: "SettlementService/CreateEnrolments",
    ppb.PublishSubsidyPolicyRequest: "PolicyService/PublishSubsidyPolicy",
}


class Queue:
    """The queue of the home province.

    Attributes:
        world: All nodes.
        service: Of home's node.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        own = world[HOME]
        entropy = SeededEntropy(f"{HOME}/review")
        prefix = "/deltacare.v1.SettlementService/"
        self.service = ReviewServicer(
            province=HOME,
            database=own.node.database,
            sealer=Sealer(HOME, seed(f"{HOME}/vault"), entropy),
            methods=reviewed_methods(
                {
                    "deltacare.v1.SettlementService": own.settlement,
                    "deltacare.v1.PolicyService": own.policy,
                    "deltacare.v1.ClearingService": own.clearing,
                },
                handlers={f"{prefix}FileRecords": own.settlement.file_batch},
                completions={f"{prefix}CreateEnrolments": own.settlement.add_codes},
            ),
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, **options: Any) -> AsyncIterator["Queue"]:
        """Bring two nodes up with what a settlement needs, and down again."""
        async with World.open(directory, **options) as world:
            await world.facts(elders=5)
            yield cls(world)

    # --- Calls ------------------------------------------------------------------------------------

    def call(self, opaque_id: str, role: str, method: str, purpose: Purpose | None = None) -> Call:
        """Return a person's call of this service."""
        return Call(
            caller=Principal(province=HOME, role=role, opaque_id=opaque_id),
            method=f"/deltacare.v1.ReviewService/{method}",
            now=self.world.nodes.clock.now(),
            purpose=purpose,
            disclosures=None if purpose is None else Disclosures(),
        )

    def submission(self, request: Message, /, **changes: Any) -> rpb.SubmitDraftRequest:
        """Return the submission of a request."""
        given = {
            "request_id": request.request_id,  # type: ignore[attr-defined]  # every write has it
            "method": f"/deltacare.v1.{_METHODS[type(request)]}",
            "request": request.SerializeToString(deterministic=True),
        }
        return rpb.SubmitDraftRequest(**{**given, **changes})

    async def submit(
        self, request: Message, /, *, maker: str = CLERK, role: str = "clerk", **changes: Any
    ) -> rpb.Draft:
        """Submit a request."""
        call = self.call(maker, role, "SubmitDraft")
        return await self.service.submit_draft(self.submission(request, **changes), call)

    async def get(
        self, draft: rpb.Draft, *, who: str = REVIEWER, purpose: Purpose | None = None
    ) -> rpb.Draft:
        """Get a draft with its request."""
        call = self.call(who, "reviewer", "GetDraft", purpose)
        return await self.service.get_draft(rpb.GetDraftRequest(name=draft.name), call)

    async def approve(
        self,
        draft: rpb.Draft,
        *,
        reviewer: str = REVIEWER,
        role: str = "reviewer",
        digest: bytes | None = None,
        purpose: Purpose | None = None,
    ) -> rpb.Draft:
        """Approve a draft."""
        call = self.call(reviewer, role, "ApproveDraft", purpose)
        seen = draft.digest if digest is None else digest
        return await self.service.approve_draft(
            rpb.ApproveDraftRequest(name=draft.name, digest=seen), call
        )

    async def reject(
        self, draft: rpb.Draft, *, reviewer: str = REVIEWER, reason: str = "WRONG_MONTH"
    ) -> rpb.Draft:
        """Send a draft back."""
        call = self.call(reviewer, "reviewer", "RejectDraft")
        return await self.service.reject_draft(
            rpb.RejectDraftRequest(name=draft.name, reason=reason), call
        )

    async def withdraw(self, draft: rpb.Draft, *, maker: str = CLERK) -> rpb.Draft:
        """Take a draft back."""
        call = self.call(maker, "clerk", "WithdrawDraft")
        return await self.service.withdraw_draft(rpb.WithdrawDraftRequest(name=draft.name), call)

    async def waiting(self, *states: "rpb.DraftState.ValueType") -> list[rpb.Draft]:
        """Return every draft in some states."""
        found: list[rpb.Draft] = []
        token = ""
        while True:
            page = await self.service.list_drafts(
                rpb.ListDraftsRequest(states=states, page_size=2, page_token=token),
                self.call("auditor-1", "auditor", "ListDrafts"),
            )
            found += page.drafts
            token = page.next_page_token
            if not token:
                return found

    def log_size(self) -> int:
        """Return how many entries home's settlement log has."""
        return self.world[HOME].node.logs.reader.position(LOG).size

    async def entries(self, first_index: int) -> list[epb.Entry]:
        """Return the entries of home's settlement log from a place on."""
        node = self.world[HOME].node
        size = self.log_size()
        data = await node.database.read(
            lambda c: node.logs.reader.entries(c, LOG, first_index, size)
        )
        return [epb.Entry.FromString(each) for each in data]

    # --- What is filed ----------------------------------------------------------------------------

    def records(self, *numbers: str, **changes: Any) -> spb.FileRecordsRequest:
        """Return a request that files ordinary records."""
        return spb.FileRecordsRequest(
            request_id=self.world.request_id(),
            partner=HOST,
            records=[self.world.record(number, **changes) for number in numbers],
        )

    def reversals(self, *numbers: str) -> spb.FileReversalsRequest:
        """Return a request that reverses own records."""
        return spb.FileReversalsRequest(
            request_id=self.world.request_id(),
            partner=HOST,
            reversals=[
                epb.Reversal(settlement_no=each, home=HOME, host=HOST, reason="ERROR")
                for each in numbers
            ],
        )

    def policy(self, kind: str = "CARE_MEAL") -> ppb.PublishSubsidyPolicyRequest:
        """Return a request that states a policy."""
        return ppb.PublishSubsidyPolicyRequest(
            request_id=self.world.request_id(),
            policy=epb.SubsidyPolicy(
                subsidy_kind=kind,
                unit=epb.SUBSIDY_UNIT_DAY,
                rate_fen=1,
                cap_fen=31,
                from_date="2026-01-01",
            ),
        )

    def enrolments(self, numbers: Iterable[str]) -> spb.CreateEnrolmentsRequest:
        """Return a request that enrols elders with identity numbers."""
        return spb.CreateEnrolmentsRequest(
            request_id=self.world.request_id(),
            host=HOST,
            enrolments=[
                spb.NewEnrolment(
                    enrolment=epb.Enrolment(
                        enrolment_id=f"Q{position}",
                        home_division="320106",
                        subsidy_kinds=["CARE_BED"],
                        from_date="2026-01-01",
                    ),
                    elder_handle=f"handle-of-{position}",
                    identity_number=number,
                )
                for position, number in enumerate(numbers)
            ],
        )
