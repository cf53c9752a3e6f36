"""``deltacare.v1.SettlementService``: what happens before a night. Each verb has its module."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType

from deltacare.ids import Principal
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import HoldClass
from deltacare.v1.settlement_service_pb2 import (
    CloseDayRequest,
    CloseDayResponse,
    CompareTotalsRequest,
    CompareTotalsResponse,
    CreateEnrolmentsRequest,
    CreateEnrolmentsResponse,
    EndEnrolmentRequest,
    EndEnrolmentResponse,
    EndHoldsRequest,
    EndHoldsResponse,
    FileClawbacksRequest,
    FileClawbacksResponse,
    FileRecordsRequest,
    FileRecordsResponse,
    FileReversalsRequest,
    FileReversalsResponse,
    JudgeInboxRequest,
    JudgeInboxResponse,
    ListClawbacksRequest,
    ListClawbacksResponse,
    ListDayClosesRequest,
    ListDayClosesResponse,
    ListHoldsRequest,
    ListHoldsResponse,
    ListOverlapsRequest,
    ListOverlapsResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    PlaceHoldsRequest,
    PlaceHoldsResponse,
    PublishOverlapKeyRequest,
    PublishOverlapKeyResponse,
    RefuseRecordsRequest,
    RefuseRecordsResponse,
    ResolveEnrolmentRequest,
    ResolveEnrolmentResponse,
)
from server.edge.call import Call
from server.log.ports import Entropy, LogReader, Sequencer
from server.personal.vault import Vault
from server.settlement.budgets import BudgetBook
from server.settlement.clawbacks import Clawbacks, Disputed
from server.settlement.closing import DayCloser, Stating
from server.settlement.codes import CodeBook
from server.settlement.elders import Elders
from server.settlement.enrolments import EnrolmentPeer, Enrolments
from server.settlement.filing import RecordFiling
from server.settlement.holding import Holding, StillNeeded
from server.settlement.inbox import Inbox
from server.settlement.overlap_keys import OverlapKeys
from server.settlement.overlap_look import OverlapLook
from server.settlement.overlaps import OverlapStating
from server.settlement.records import PartnerRecords
from server.settlement.totals import TotalsReader
from server.store.database import Database

__all__ = ["SettlementServicer"]


class SettlementServicer:
    """The service of one province's node.

    Attributes:
        budgets: What was granted and spent under own budgets.
        closer: Closes dates.

    Args:
        province: The own one.
        trust: Members and the opening date.
        database: This node's.
        sequencer: Appends to own logs.
        reader: The logs held.
        entropy: Pseudonyms.
        code_key: At least 32 secret bytes, under which enrolment codes are made.
        peer: The way to other homes for `ResolveEnrolment`.
        vault: Keeps the identity numbers of elders.
        overlap_keys: The own keys for overlaps.
        disputed: Tells which settlements are disputed.
        needed: For other classes of holds, what tells whether its cause stands.
        stating: What else is stated before each close, after overlaps and budgets.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        database: Database,
        sequencer: Sequencer,
        reader: LogReader,
        entropy: Entropy,
        code_key: bytes,
        peer: EnrolmentPeer,
        vault: Vault,
        overlap_keys: OverlapKeys,
        disputed: Disputed,
        needed: Mapping[HoldClass.ValueType, StillNeeded] = MappingProxyType({}),
        stating: Sequence[Stating] = (),
    ) -> None:
        self.budgets = BudgetBook(province=province, trust=trust)
        elders = Elders(vault=vault)
        partners = tuple(each for each in trust.provinces if each != province)
        look = OverlapLook(own=province, partners=partners, reader=reader)
        self._holding = Holding(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            look=look,
            keys=overlap_keys,
            needed={HoldClass.HOLD_CLASS_OVER_BUDGET: self.budgets.still_over, **needed},
        )
        self._clawbacks = Clawbacks(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            disputed=disputed,
        )
        self._filing = RecordFiling(
            province=province, trust=trust, database=database, sequencer=sequencer
        )
        self._records = PartnerRecords(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            overlapping=self._holding.still_overlapping,
            budgets=self.budgets,
        )
        self._totals = TotalsReader(province=province, trust=trust, database=database)
        self._inbox = Inbox(province=province, trust=trust, database=database, budgets=self.budgets)
        self._enrolments = Enrolments(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            entropy=entropy,
            codes=CodeBook(code_key),
            elders=elders,
            peer=peer,
        )
        self.closer = DayCloser(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            reader=reader,
            stating=(
                OverlapStating(
                    own=province, partners=partners, look=look, elders=elders, keys=overlap_keys
                ),
                self.budgets,
                *stating,
            ),
        )

    # --- Enrolments -------------------------------------------------------------------------------

    async def create_enrolments(
        self, request: CreateEnrolmentsRequest, call: Call
    ) -> CreateEnrolmentsResponse:
        """Enrol elders with one host."""
        return await self._enrolments.create(request, call)

    async def end_enrolment(self, request: EndEnrolmentRequest, call: Call) -> EndEnrolmentResponse:
        """End an enrolment."""
        return await self._enrolments.end(request, call)

    async def resolve_enrolment(
        self, request: ResolveEnrolmentRequest, call: Call
    ) -> ResolveEnrolmentResponse:
        """Return the enrolment behind a code."""
        return await self._enrolments.resolve(request, call)

    # --- Records ----------------------------------------------------------------------------------

    async def file_records(
        self, requests: AsyncIterator[FileRecordsRequest], call: Call
    ) -> AsyncIterator[FileRecordsResponse]:
        """Answer each batch of records once it is durable."""
        async for response in self._filing.stream(requests, call):
            yield response

    async def file_batch(self, request: FileRecordsRequest, call: Call) -> FileRecordsResponse:
        """File one batch of records outside a stream; what stands against it is raised."""
        return await self._filing.file_or_refuse(request, call)

    def add_codes(
        self, response: CreateEnrolmentsResponse, told: Principal, request_id: str
    ) -> None:
        """Add to a kept answer the codes that were told with it."""
        self._enrolments.add_codes(response, told, request_id)

    async def file_reversals(
        self, request: FileReversalsRequest, call: Call
    ) -> FileReversalsResponse:
        """Cancel own records."""
        return await self._records.file_reversals(request, call)

    async def refuse_records(
        self, request: RefuseRecordsRequest, call: Call
    ) -> RefuseRecordsResponse:
        """Say why records of the host are not answered."""
        return await self._records.refuse_records(request, call)

    async def place_holds(self, request: PlaceHoldsRequest, call: Call) -> PlaceHoldsResponse:
        """Hold settlements back."""
        return await self._records.place_holds(request, call)

    async def end_holds(self, request: EndHoldsRequest, call: Call) -> EndHoldsResponse:
        """End holds from the next business date on."""
        return await self._records.end_holds(request, call)

    async def list_holds(self, request: ListHoldsRequest, call: Call) -> ListHoldsResponse:
        """Return a page of holds."""
        return await self._holding.list_holds(request, call)

    async def list_overlaps(self, request: ListOverlapsRequest, call: Call) -> ListOverlapsResponse:
        """Return a page of overlaps with another home, or between hosts."""
        return await self._holding.list_overlaps(request, call)

    async def publish_overlap_key(
        self, request: PublishOverlapKeyRequest, call: Call
    ) -> PublishOverlapKeyResponse:
        """Make a key for overlaps and state it."""
        return await self._holding.publish_overlap_key(request, call)

    async def file_clawbacks(
        self, request: FileClawbacksRequest, call: Call
    ) -> FileClawbacksResponse:
        """Demand cleared settlements back."""
        return await self._clawbacks.file_clawbacks(request, call)

    async def list_clawbacks(
        self, request: ListClawbacksRequest, call: Call
    ) -> ListClawbacksResponse:
        """Return a page of demands."""
        return await self._clawbacks.list_clawbacks(request, call)

    async def list_records(self, request: ListRecordsRequest, call: Call) -> ListRecordsResponse:
        """Return a page of records."""
        return await self._records.list_records(request, call)

    async def judge_inbox(self, request: JudgeInboxRequest, call: Call) -> JudgeInboxResponse:
        """Return a page of what waits for home's answer, judged."""
        return await self._inbox.judge(request, call)

    async def compare_totals(
        self, request: CompareTotalsRequest, call: Call
    ) -> CompareTotalsResponse:
        """Return which totals of own records differ from the caller's."""
        return await self._totals.compare(request, call)

    # --- Day closes -------------------------------------------------------------------------------

    async def close_day(self, request: CloseDayRequest, call: Call) -> CloseDayResponse:
        """Close a date, and before it the ones that were missed."""
        return await self.closer.close_day(request, call)

    async def list_day_closes(
        self, _request: ListDayClosesRequest, _call: Call
    ) -> ListDayClosesResponse:
        """Say how far each settlement log is closed."""
        return await self.closer.list_closes()
