"""``deltacare.v1.SettlementService``: what happens before a night. Each verb has its module."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from deltacare.errors import ViolationCollector
from deltacare.ids import LogName, parse_province
from deltacare.trust import Trust
from deltacare.v1.entry_pb2 import Entry, SubsidyPolicy
from deltacare.v1.settlement_service_pb2 import (
    CloseDayRequest,
    CloseDayResponse,
    CreateEnrolmentsRequest,
    CreateEnrolmentsResponse,
    EndEnrolmentRequest,
    EndEnrolmentResponse,
    EndHoldsRequest,
    EndHoldsResponse,
    FileRecordsRequest,
    FileRecordsResponse,
    FileReversalsRequest,
    FileReversalsResponse,
    ListDayClosesRequest,
    ListDayClosesResponse,
    ListRecordsRequest,
    ListRecordsResponse,
    ListSubsidyPoliciesRequest,
    ListSubsidyPoliciesResponse,
    PlaceHoldsRequest,
    PlaceHoldsResponse,
    PublishSubsidyPolicyRequest,
    PublishSubsidyPolicyResponse,
    RefuseRecordsRequest,
    RefuseRecordsResponse,
    ResolveEnrolmentRequest,
    ResolveEnrolmentResponse,
    StandingPolicy,
)
from deltacare.v1.types_pb2 import EntryRef
from server.edge.call import Call
from server.log.ports import Entropy, LogReader, LogTx, Sequencer, Write
from server.registry.fields import read_page_size
from server.registry.paging import next_token, read_token
from server.settlement import fields, tables
from server.settlement.closing import DayCloser
from server.settlement.codes import CodeBook
from server.settlement.duties import DutyKind, require_apart
from server.settlement.enrolments import EnrolmentPeer, Enrolments
from server.settlement.filing import RecordFiling
from server.settlement.records import PartnerRecords
from server.settlement.requests import appended, read_write
from server.store.database import Database

__all__ = ["SettlementServicer"]


class SettlementServicer:
    """The service of one province's node.

    Args:
        province: The own one.
        trust: Members and the opening date.
        database: This node's.
        sequencer: Appends to own logs.
        reader: The logs held.
        entropy: Pseudonyms.
        code_key: At least 32 secret bytes, under which enrolment codes are made.
        peer: The way to other homes for `ResolveEnrolment`.
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
    ) -> None:
        self._province = province
        self._database = database
        self._sequencer = sequencer
        self._filing = RecordFiling(province=province, trust=trust, sequencer=sequencer)
        self._records = PartnerRecords(
            province=province, trust=trust, database=database, sequencer=sequencer
        )
        self._enrolments = Enrolments(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            entropy=entropy,
            codes=CodeBook(code_key),
            peer=peer,
        )
        self.closer = DayCloser(
            province=province,
            trust=trust,
            database=database,
            sequencer=sequencer,
            reader=reader,
        )

    # --- Policies ---------------------------------------------------------------------------------

    async def publish_subsidy_policy(
        self, request: PublishSubsidyPolicyRequest, call: Call
    ) -> PublishSubsidyPolicyResponse:
        """State what the own province pays for a kind of subsidy."""
        bad = ViolationCollector()
        request_id = read_write(request, call, bad, duty=request.duty)
        for fault in fields.policy_faults(request.policy, "policy"):
            bad.add(fault)
        bad.raise_if_any()

        def decide(tx: LogTx) -> list[tuple[LogName, list[Entry]]]:
            duty = request.duty
            principals = (duty.maker, duty.reviewer)
            require_apart(tx.connection, self._province, principals, DutyKind.POLICY)
            entry = Entry(maker=duty.maker, reviewer=duty.reviewer, subsidy_policy=request.policy)
            return [(LogName.registry(self._province), [entry])]

        data = await self._sequencer.submit(
            Write(
                caller=call.caller,
                method=call.method,
                request_id=request_id,
                content=request.SerializeToString(deterministic=True),
                decide=decide,
                answer=lambda _tx, runs: PublishSubsidyPolicyResponse(appended=appended(runs[0])),
            )
        )
        return PublishSubsidyPolicyResponse.FromString(data)

    async def list_subsidy_policies(
        self, request: ListSubsidyPoliciesRequest, _call: Call
    ) -> ListSubsidyPoliciesResponse:
        """Return a page of the policies of all provinces, sorted by home, kind and place."""
        bad = ViolationCollector()
        if request.home:
            bad.take(parse_province, request.home, field="home")
        size = read_page_size(request.page_size, bad)
        question = f"policies\x1f{request.home}".encode()
        after = read_token(request.page_token, question, bad)
        bad.raise_if_any()

        def read(connection: Connection) -> Sequence[Row[Any]]:
            policies = tables.policy.c
            query = select(tables.policy)
            if request.home:
                query = query.where(policies.author == request.home)
            if after:
                home, kind, index = after.split(" ")
                query = query.where(
                    or_(
                        policies.author > home,
                        and_(policies.author == home, policies.subsidy_kind > kind),
                        and_(
                            policies.author == home,
                            policies.subsidy_kind == kind,
                            policies.idx > int(index),
                        ),
                    )
                )
            order = (policies.author, policies.subsidy_kind, policies.idx)
            return connection.execute(query.order_by(*order).limit(size + 1)).all()

        rows = await self._database.read(read)
        token = ""
        if len(rows) > size:
            last = rows[size - 1]
            token = next_token(question, f"{last.author} {last.subsidy_kind} {last.idx}")
        return ListSubsidyPoliciesResponse(
            policies=[_standing_policy(row) for row in rows[:size]], next_page_token=token
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

    async def list_records(self, request: ListRecordsRequest, call: Call) -> ListRecordsResponse:
        """Return a page of records."""
        return await self._records.list_records(request, call)

    # --- Day closes -------------------------------------------------------------------------------

    async def close_day(self, request: CloseDayRequest, call: Call) -> CloseDayResponse:
        """Close a date, and before it the ones that were missed."""
        return await self.closer.close_day(request, call)

    async def list_day_closes(
        self, _request: ListDayClosesRequest, _call: Call
    ) -> ListDayClosesResponse:
        """Say how far each settlement log is closed."""
        return await self.closer.list_closes()


def _standing_policy(row: Row[Any]) -> StandingPolicy:
    return StandingPolicy(
        home=row.author,
        policy=SubsidyPolicy(
            subsidy_kind=row.subsidy_kind,
            unit=row.unit,
            rate_fen=row.rate_fen,
            cap_fen=row.cap_fen,
            exclusive=bool(row.exclusive),
            needs_caregiver=bool(row.needs_caregiver),
            from_date=row.from_date,
            until_date=row.until_date,
        ),
        entry=EntryRef(log=str(LogName.registry(row.author)), index=row.idx),
    )
