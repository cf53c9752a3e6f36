"""Tests of the gate on a real socket: unknown fields, and idle streams when a node stops."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from deltacare.errors import DeltacareError, Reason, Unavailable
from deltacare.v1.federation_service_pb2 import PingRequest, PingResponse
from deltacare.v1.registry_service_pb2 import AnswerAgreementRequest, AnswerAgreementResponse
from deltacare.v1.settlement_service_pb2 import FileRecordsRequest, FileRecordsResponse
from deltacare.v1.types_pb2 import Duty
from server.edge.call import Call
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
