"""The settlement world with the dispute room above it.

Shanghai (310000), the host, raises; Jiangsu (320000), home, answers, where nothing else is said.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from deltacare.ids import LogName
from deltacare.trust import Trust
from deltacare.v1 import dispute_service_pb2 as dpb
from deltacare.v1 import entry_pb2 as epb
from server.dispute.projector import DisputeProjector
from server.dispute.service import DisputeServicer
from server.log.ports import Projector
from tests.server.settlement.world import DUTY, HOME, HOST, World

__all__ = ["DisputeWorld", "dispute", "other", "stamp"]


def other(province: str) -> str:
    """Return the other province of the pair."""
    return HOME if province == HOST else HOST


def stamp(time: datetime) -> Timestamp:
    """Return an instant as requests hold it."""
    found = Timestamp()
    found.FromDatetime(time.astimezone(UTC))
    return found


def dispute(
    short: str = "D1", number: str = "S1", *, by: str = HOST, **changes: Any
) -> epb.Dispute:
    """Return an ordinary dispute, with changes."""
    body = epb.Dispute(
        dispute_id=f"{by}-{short}",
        settlement_no=number,
        home=HOME,
        host=HOST,
        claim=epb.DISPUTE_CLAIM_AMOUNT,
        reason="WRONG_AMOUNT",
    )
    for name, value in changes.items():
        setattr(body, name, value)
    return body


class DisputeWorld(World):
    """A world whose nodes have the dispute room."""

    disputes: dict[str, DisputeServicer]

    @staticmethod
    def projectors(trust: Trust) -> list[Projector]:
        """Return the projectors of a node."""
        return [*World.projectors(trust), DisputeProjector()]

    def attach(self, province: str) -> None:
        """Make the services of a node that has started."""
        super().attach(province)
        if not hasattr(self, "disputes"):
            self.disputes = {}
        node = self.nodes[province]
        self.disputes[province] = DisputeServicer(
            province=province,
            trust=self.nodes.trust,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
        )

    # --- Words ------------------------------------------------------------------------------------

    async def say(self, province: str, request: Any, **options: Any) -> Message:
        """Send a write to a node, and wait until both nodes hold it under its quorum.

        Args:
            province: Whose node.
            request: Without its id, duty and partner where these are the usual ones.
            options: Of the call.
        """
        request.request_id = request.request_id or self.request_id()
        request.partner = request.partner or other(province)
        if not request.HasField("duty"):
            request.duty.CopyFrom(DUTY)
        name = type(request).__name__.removesuffix("Request")
        method = {
            "RaiseDisputes": "raise_disputes",
            "AnswerDisputes": "answer_disputes",
            "EscalateDispute": "escalate_dispute",
            "CloseDispute": "close_dispute",
        }[name]
        self.nodes.clock.advance(timedelta(seconds=1))  # two words are never said at one instant
        call = self.call(province, name, **options)
        answer: Any = await getattr(self.disputes[province], method)(request, call)
        if other(province) in self.nodes.network.services:
            await self.known(province)
        return answer  # type: ignore[no-any-return]  # a message

    async def known(self, province: str) -> None:
        """Wait until both nodes hold what a province said to the other, under its quorum."""
        log = LogName.settlement(province, other(province))
        size = self[province].node.logs.reader.position(log).size
        for each in (province, other(province)):
            await self[each].node.has_quorum(log, size)

    async def raised(self, *disputes: epb.Dispute, by: str = HOST) -> Message:
        """Raise disputes."""
        return await self.say(by, dpb.RaiseDisputesRequest(disputes=disputes))

    async def agree(
        self,
        remedy: epb.DisputeRemedy.ValueType,
        dispute_id: str = f"{HOST}-D1",
        *,
        by: str = HOME,
    ) -> Message:
        """Agree to a remedy."""
        answer = epb.DisputeAnswer(
            dispute_id=dispute_id, word=epb.DISPUTE_WORD_AGREED, remedy=remedy
        )
        return await self.say(by, dpb.AnswerDisputesRequest(answers=[answer]))

    async def contest(self, dispute_id: str = f"{HOST}-D1", *, by: str = HOME) -> Message:
        """Contest a dispute."""
        answer = epb.DisputeAnswer(
            dispute_id=dispute_id, word=epb.DISPUTE_WORD_CONTESTED, reason="AS_FILED"
        )
        return await self.say(by, dpb.AnswerDisputesRequest(answers=[answer]))

    async def escalate(
        self, level: int, dispute_id: str = f"{HOST}-D1", *, by: str = HOST
    ) -> Message:
        """Take a dispute to a level."""
        body = epb.DisputeEscalation(dispute_id=dispute_id, level=level, reason="NO_AGREEMENT")
        return await self.say(by, dpb.EscalateDisputeRequest(escalation=body))

    async def close_dispute(
        self,
        outcome: epb.DisputeRemedy.ValueType,
        dispute_id: str = f"{HOST}-D1",
        *,
        by: str = HOST,
    ) -> Message:
        """Say that a dispute is closed."""
        body = epb.DisputeClosure(dispute_id=dispute_id, outcome=outcome, reason="DONE")
        return await self.say(by, dpb.CloseDisputeRequest(closure=body))

    # --- Reads ------------------------------------------------------------------------------------

    async def shown(
        self, province: str, dispute_id: str = f"{HOST}-D1", known_time: datetime | None = None
    ) -> dpb.StandingDispute:
        """Return a dispute as a node shows it."""
        request = dpb.GetDisputeRequest(
            name=f"disputes/{dispute_id}",
            known_time=None if known_time is None else stamp(known_time),
        )
        return await self.disputes[province].get_dispute(request, self.call(province, "GetDispute"))

    async def both_show(self, dispute_id: str = f"{HOST}-D1") -> dpb.StandingDispute:
        """Return a dispute, which both nodes show alike."""
        mine = await self.shown(HOST, dispute_id)
        assert mine == await self.shown(HOME, dispute_id)
        return mine

    async def listed(self, province: str, **fields: Any) -> list[dpb.StandingDispute]:
        """Return every page of a list."""
        found: list[dpb.StandingDispute] = []
        request = dpb.ListDisputesRequest(**fields)
        while True:
            answer = await self.disputes[province].list_disputes(
                request, self.call(province, "ListDisputes")
            )
            found += answer.disputes
            if not answer.next_page_token:
                return found
            request.page_token = answer.next_page_token
