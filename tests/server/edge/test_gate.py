"""Tests of the gate on a real socket: unknown fields, what is audited, and idle streams."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable

import pytest

from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.ids import LogName, Principal
from deltacare.purposes import PURPOSE_FIELD, Purpose
from deltacare.v1.federation_service_pb2 import (
    ListPartnerHealthRequest,
    PingRequest,
    PingResponse,
)
from deltacare.v1.log_service_pb2 import ReadEntriesRequest, ReadEntriesResponse
from deltacare.v1.registry_service_pb2 import AnswerAgreementRequest, AnswerAgreementResponse
from deltacare.v1.settlement_service_pb2 import (
    FileRecordsRequest,
    FileRecordsResponse,
    ListRecordsRequest,
    ResolveEnrolmentRequest,
    ResolveEnrolmentResponse,
)
from deltacare.v1.types_pb2 import Duty
from server.certificates import issue_client
from server.edge.call import Call, Disclosed
from server.edge.limits import Limits
from tests.support.tls import Scripted, ScriptedFederation, running_edge

FEDERATION = "deltacare.v1.FederationService"
REGISTRY = "deltacare.v1.RegistryService"
SETTLEMENT = "deltacare.v1.SettlementService"

# Field 99, five bytes of text: what a client might smuggle a name in.
UNKNOWN = b"\x9a\x06\x05name!"


async def test_a_write_with_unknown_fields_is_refused() -> None:
    """At any depth, by its path; nothing reaches the service. A read may know more than we do."""
    seen: list[bytes] = []

    async def answer(request: AnswerAgreementRequest, _call: Call) -> AnswerAgreementResponse:
        seen.append(request.SerializeToString())
        return AnswerAgreementResponse()

    services = {REGISTRY: Scripted(answer_agreement=answer), FEDERATION: ScriptedFederation()}
    good = AnswerAgreementRequest(request_id="r", duty=Duty(maker="id-1", reviewer="id-2"))
    deep = AnswerAgreementRequest()
    deep.CopyFrom(good)
    deep.duty.MergeFromString(UNKNOWN)
    wide = AnswerAgreementRequest.FromString(good.SerializeToString() + UNKNOWN)
    async with running_edge(services) as edge:
        client = edge.client("system")
        for request, field in ((wide, "99"), (deep, "duty.99")):
            with pytest.raises(DeltacareError) as caught:
                await client.registry.AnswerAgreement(request)
            assert caught.value.reason is Reason.INVALID_FIELD
            assert [each.field for each in caught.value.violations] == [field]
        await client.registry.AnswerAgreement(good)
        ping = PingRequest.FromString(UNKNOWN)
        assert await client.federation.Ping(ping) == PingResponse()
    assert seen == [good.SerializeToString()]


async def test_records_with_unknown_fields_are_refused() -> None:
    """The path names the record of the batch."""

    async def file_records(
        requests: AsyncIterator[FileRecordsRequest], _call: Call
    ) -> AsyncIterator[FileRecordsResponse]:
        async for request in requests:
            yield FileRecordsResponse(request_id=request.request_id)

    async def batches() -> AsyncIterator[FileRecordsRequest]:
        request = FileRecordsRequest(request_id="r", duty=Duty(maker="a", reviewer="b"))
        request.records.add(settlement_no="S0")
        request.records.add(settlement_no="S1").MergeFromString(UNKNOWN)
        yield request

    async with running_edge({SETTLEMENT: Scripted(file_records=file_records)}) as edge:
        with pytest.raises(DeltacareError) as caught:
            _ = [each async for each in edge.client().settlement.FileRecords(batches())]
        assert [each.field for each in caught.value.violations] == ["records[1].99"]


async def test_an_idle_stream_of_a_client_ends_at_once_when_the_node_drains() -> None:
    """What is in hand is answered first; then the client is told to come back."""
    taken, release, stay = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def file_records(
        requests: AsyncIterator[FileRecordsRequest], _call: Call
    ) -> AsyncIterator[FileRecordsResponse]:
        async for request in requests:
            if request.request_id == "2":
                taken.set()
                await release.wait()
            yield FileRecordsResponse(request_id=request.request_id)

    async def batches() -> AsyncIterator[FileRecordsRequest]:
        for number in ("1", "2"):
            yield FileRecordsRequest(request_id=number, duty=Duty(maker="a", reviewer="b"))
        await stay.wait()

    limits = Limits(drain_duration_max_s=30)
    services = {SETTLEMENT: Scripted(file_records=file_records)}
    async with running_edge(services, limits=limits) as edge:
        stream = aiter(edge.client().settlement.FileRecords(batches()))
        assert (await anext(stream)).request_id == "1"
        await taken.wait()
        begun_s = time.monotonic()
        stopping = asyncio.create_task(edge.server.stop())
        release.set()
        assert (await anext(stream)).request_id == "2"
        with pytest.raises(Unavailable) as caught:
            await anext(stream)
        assert caught.value.reason is Reason.SHUTTING_DOWN
        await stopping
        assert time.monotonic() - begun_s < 10, "it did not wait for the stream to end by itself"


RESOLVE = f"/{SETTLEMENT}/ResolveEnrolment"
REQUEST = ResolveEnrolmentRequest(home="320000", enrolment_code="c")
FOR_PLACEMENT = ((PURPOSE_FIELD, Purpose.CARE_PLACEMENT),)
LOG = LogName.settlement("320000", "310000")


async def denied(call: Awaitable[object]) -> DeltacareError:
    """Return how a call was refused."""
    with pytest.raises(DeltacareError) as caught:
        await call
    return caught.value


def resolving(answered: list[Call]) -> Scripted:
    """Return a service that discloses one entry to whoever is let in."""

    async def resolve(_request: ResolveEnrolmentRequest, call: Call) -> ResolveEnrolmentResponse:
        answered.append(call)
        call.disclose(LOG, 7, 1)
        return ResolveEnrolmentResponse(ended_date="2026-12-01")

    return Scripted(resolve_enrolment=resolve)


async def test_a_disclosure_is_kept_before_the_answer_leaves() -> None:
    """Who, what for, by which rule, which entry; and without it there is no answer."""
    answered: list[Call] = []
    async with running_edge({SETTLEMENT: resolving(answered)}) as edge:
        client = edge.client("operator")
        found = await client.settlement.ResolveEnrolment(REQUEST, metadata=FOR_PLACEMENT)
        assert "2026-12-01" == found.ended_date
        ((call, spans),) = edge.audit.disclosed
        assert ("operator", "id-1") == (call.caller.role, call.caller.opaque_id)
        assert (RESOLVE, "CARE_PLACEMENT", "E22") == (call.method, call.purpose, call.rule)
        assert (Disclosed(log=LOG, first_index=7, entry_count=1),) == spans
        edge.audit.failure = Unavailable(Reason.LOG_NOT_CONFIRMED, "not now")
        error = await denied(client.settlement.ResolveEnrolment(REQUEST, metadata=FOR_PLACEMENT))
        assert Reason.LOG_NOT_CONFIRMED is error.reason
        assert 2 == len(answered), "the service answered, and nobody got it"
        edge.audit.failure = RuntimeError("a bug")
        error = await denied(client.settlement.ResolveEnrolment(REQUEST, metadata=FOR_PLACEMENT))
        assert Reason.INTERNAL is error.reason
        assert 1 == len(edge.audit.disclosed)


async def test_without_its_purpose_nothing_is_asked() -> None:
    """Missing, unknown or another role's: refused before the service, and noted."""
    answered: list[Call] = []
    async with running_edge({SETTLEMENT: resolving(answered)}) as edge:
        operator = edge.client("operator").settlement
        error = await denied(operator.ResolveEnrolment(REQUEST))
        assert Reason.INVALID_FIELD is error.reason
        assert [PURPOSE_FIELD] == [each.field for each in error.violations]
        unknown = ((PURPOSE_FIELD, "CURIOSITY"),)
        error = await denied(operator.ResolveEnrolment(REQUEST, metadata=unknown))
        assert Reason.INVALID_FIELD is error.reason
        another = ((PURPOSE_FIELD, Purpose.SETTLEMENT),)
        error = await denied(operator.ResolveEnrolment(REQUEST, metadata=another))
        assert Reason.ROLE_NOT_ALLOWED is error.reason
        assert [] == answered
        assert [] == edge.audit.disclosed
        noted = [(each.method, each.rule, each.reason, each.purpose) for each in edge.audit.denials]
        assert [
            (RESOLVE, "E00", "INVALID_FIELD", None),
            (RESOLVE, "E00", "INVALID_FIELD", None),
            (RESOLVE, "E00", "ROLE_NOT_ALLOWED", Purpose.SETTLEMENT),
        ] == noted


async def test_denials_are_noted() -> None:
    """By right, by a room's refusal, by a search in vain and by certificate; others are not."""
    reasons = iter([Reason.LOG_NOT_ENTITLED, Reason.NOT_FOUND, Reason.INVALID_FIELD])

    async def refuse(_request: object, _call: Call) -> PingResponse:
        raise Refusal(next(reasons), "no", details={"rule": "G01", "cause": "none"})

    services = {
        FEDERATION: ScriptedFederation(ping=refuse),
        SETTLEMENT: Scripted(),
    }
    async with running_edge(services) as edge:
        clerk = edge.client("clerk")
        for _ in range(3):
            await denied(clerk.federation.Ping(PingRequest()))
        await denied(edge.client("payer").settlement.ListRecords(ListRecordsRequest()))
        await denied(
            edge.client("operator").settlement.ResolveEnrolment(REQUEST, metadata=FOR_PLACEMENT)
        )
        principal = Principal(province="310000", role="system", opaque_id="id-1")
        forged = issue_client(edge.federation.cas["320000"], principal, now=edge.federation.now)
        await denied(edge.client(pair=forged).federation.Ping(PingRequest()))
        noted = [
            (each.caller.role if each.caller else None, each.rule, each.reason, each.cause)
            for each in edge.audit.denials
        ]
        assert [
            ("clerk", "", "LOG_NOT_ENTITLED", ""),
            ("payer", "E00", "ROLE_NOT_ALLOWED", ""),
            ("operator", "", "NOT_FOUND", ""),
            (None, "", "UNAUTHENTICATED", "WRONG_CA"),
        ] == noted


async def test_who_is_refused_again_and_again_is_not_heard() -> None:
    """What it may call is refused too for a while, and it says when to come back."""
    limits = Limits(refused_calls_per_min_max=3, drain_duration_max_s=2)
    services = {FEDERATION: ScriptedFederation()}
    async with running_edge(services, limits=limits) as edge:
        client = edge.client("operator")
        await client.federation.Ping(PingRequest())
        for _ in range(3):
            error = await denied(client.federation.ListPartnerHealth(ListPartnerHealthRequest()))
            assert Reason.ROLE_NOT_ALLOWED is error.reason
        error = await denied(client.federation.Ping(PingRequest()))
        assert Reason.RATE_LIMITED is error.reason
        assert "3" == error.details["refused_calls_per_min_max"]
        assert 0 < int(error.details["retry_after_ms"]) <= 20_000
        await edge.client("clerk", pair=edge.federation.client(opaque_id="id-2")).federation.Ping(
            PingRequest()
        )
        assert 3 == len(edge.audit.denials), "what is not heard is not noted"


async def test_a_stream_is_audited_message_by_message() -> None:
    """Each message that discloses waits for its entry; one that discloses nothing does not."""

    async def read(_request: ReadEntriesRequest, call: Call) -> AsyncIterator[ReadEntriesResponse]:
        for index in range(3):
            if index != 1 and call.purpose is not None:
                call.disclose(LogName.registry("310000"), index, 1)
            yield ReadEntriesResponse(first_index=index)

    request = ReadEntriesRequest(log="deltacare/310000/registry")
    async with running_edge({"deltacare.v1.LogService": Scripted(read_entries=read)}) as edge:
        peer = edge.client(pair=edge.federation.node("320000")).log
        plain = [each.first_index async for each in peer.ReadEntries(request)]
        assert ([0, 1, 2], []) == (plain, edge.audit.disclosed)
        with_salts = peer.ReadEntries(request, metadata=((PURPOSE_FIELD, Purpose.HOLDER_CHECK),))
        assert [0, 1, 2] == [each.first_index async for each in with_salts]
        assert [0, 2] == [spans[0].first_index for _, spans in edge.audit.disclosed]
        assert {"E07"} == {call.rule for call, _ in edge.audit.disclosed}
