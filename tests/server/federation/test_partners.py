"""Tests of the way to partners: real connections that trust one CA each."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.purposes import Purpose
from deltacare.v1.clearing_service_pb2 import ListNightLeavesRequest, ListNightLeavesResponse
from deltacare.v1.log_service_pb2 import (
    AddCosignatureRequest,
    AddCosignatureResponse,
    Checkpoint,
    ExchangeCheckpointsRequest,
    ExchangeCheckpointsResponse,
    ReadEntriesRequest,
    ReadEntriesResponse,
    WatchCheckpointsRequest,
)
from deltacare.v1.settlement_service_pb2 import ResolveEnrolmentRequest, ResolveEnrolmentResponse
from server.edge.call import Call
from server.edge.tls import TlsFiles
from server.federation.partners import Partners
from tests.support.federation import make_trust
from tests.support.tls import Edge, Scripted, running_edge, until

LOG = "deltacare.v1.LogService"


def partners_of(edge: Edge, *, ca_of: str = "310000") -> Partners:
    """Return the partners of 320000, with 310000 where an edge serves."""
    pems = {code: ca.certificate_pem.decode() for code, ca in edge.federation.cas.items()}
    node = edge.federation.node("320000")
    return Partners(
        province="320000",
        trust=make_trust(
            ca_pem={**pems, "310000": pems[ca_of]}, endpoints={"310000": edge.endpoint}
        ),
        certificate=TlsFiles(certificate_pem=node.certificate_pem, key_pem=node.key_pem),
    )


async def test_every_call_reaches_the_partner() -> None:
    """Each call of the ports arrives at the partner, made as this node's peer, and is answered."""
    callers: list[str] = []

    async def exchange(
        request: ExchangeCheckpointsRequest, call: Call
    ) -> ExchangeCheckpointsResponse:
        callers.append(call.caller.uri)
        return ExchangeCheckpointsResponse(checkpoints=request.checkpoints)

    async def cosign(_request: AddCosignatureRequest, call: Call) -> AddCosignatureResponse:
        callers.append(call.caller.uri)
        return AddCosignatureResponse(quorum=True)

    async def read(request: ReadEntriesRequest, call: Call) -> AsyncIterator[ReadEntriesResponse]:
        callers.append(call.caller.uri)
        assert Purpose.HOLDER_CHECK is call.purpose, "for the salts"
        for index in range(request.end_index):
            yield ReadEntriesResponse(first_index=index)

    async def watch(_request: WatchCheckpointsRequest, call: Call) -> AsyncIterator[Checkpoint]:
        callers.append(call.caller.uri)
        yield Checkpoint(log="a")

    async def resolve(_request: ResolveEnrolmentRequest, call: Call) -> ResolveEnrolmentResponse:
        callers.append(call.caller.uri)
        assert Purpose.DISPUTE is call.purpose, "its caller's, passed on"
        return ResolveEnrolmentResponse(ended_date="2026-12-01")

    async def leaves(_request: ListNightLeavesRequest, call: Call) -> ListNightLeavesResponse:
        callers.append(call.caller.uri)
        return ListNightLeavesResponse(leaf=b"x")

    services = {
        LOG: Scripted(
            exchange_checkpoints=exchange,
            add_cosignature=cosign,
            read_entries=read,
            watch_checkpoints=watch,
        ),
        "deltacare.v1.SettlementService": Scripted(resolve_enrolment=resolve),
        "deltacare.v1.ClearingService": Scripted(list_night_leaves=leaves),
    }
    async with running_edge(services) as edge:
        partners = partners_of(edge)
        peer = partners.peer("310000")
        assert partners.client("310000") is partners.client("310000")
        exchanged = ExchangeCheckpointsRequest(checkpoints=[Checkpoint(log="a", size=3)])
        answer = await peer.exchange_checkpoints(exchanged)
        assert answer.checkpoints == exchanged.checkpoints
        assert (await peer.add_cosignature(AddCosignatureRequest())).quorum
        runs = [run.first_index async for run in peer.read_entries(ReadEntriesRequest(end_index=3))]
        assert runs == [0, 1, 2]
        seen = [c.log async for c in peer.watch_checkpoints(WatchCheckpointsRequest())]
        assert seen == ["a"]
        resolved = await partners.resolve_enrolment(
            "310000", ResolveEnrolmentRequest(), Purpose.DISPUTE
        )
        assert resolved.ended_date == "2026-12-01"
        found = await partners.list_night_leaves("310000", ListNightLeavesRequest())
        assert found.leaf == b"x"
        await partners.close()
    assert callers == ["spiffe://deltacare/320000/peer/node"] * 6


async def test_only_the_partners_own_ca() -> None:
    """A node with a certificate of another member's CA is not the partner."""
    async with running_edge({LOG: Scripted()}) as edge:
        partners = partners_of(edge, ca_of="330000")
        with pytest.raises(Unavailable) as caught:
            await partners.peer("310000").exchange_checkpoints(ExchangeCheckpointsRequest())
        await partners.close()
    assert caught.value.reason is Reason.PEER_UNREACHABLE


async def test_refusals_are_errors_of_ours() -> None:
    """A partner's refusal arrives as it was raised, in calls and in streams."""

    async def read(_request: ReadEntriesRequest, _call: Call) -> AsyncIterator[ReadEntriesResponse]:
        yield ReadEntriesResponse(first_index=1)
        raise Refusal(Reason.LOG_NOT_ENTITLED, "Not yours.", details={"log": "a"})

    async with running_edge({LOG: Scripted(read_entries=read)}) as edge:
        partners = partners_of(edge)
        stream = partners.peer("310000").read_entries(ReadEntriesRequest())
        assert (await anext(stream)).first_index == 1
        with pytest.raises(Refusal) as caught:
            await anext(stream)
        await partners.close()
    assert caught.value.reason is Reason.LOG_NOT_ENTITLED
    assert caught.value.details["log"] == "a"


async def test_leaving_a_stream_ends_the_call() -> None:
    """When this node stops reading, the partner's work ends too."""
    closed = asyncio.Event()

    async def watch(_request: WatchCheckpointsRequest, _call: Call) -> AsyncIterator[Checkpoint]:
        try:
            yield Checkpoint(log="a")
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with running_edge({LOG: Scripted(watch_checkpoints=watch)}) as edge:
        partners = partners_of(edge)
        stream = partners.peer("310000").watch_checkpoints(WatchCheckpointsRequest())
        assert (await anext(stream)).log == "a"
        await stream.aclose()
        await until(closed.is_set)
        await partners.close()


async def test_unknown_partner() -> None:
    """There is no way to who is no member."""
    async with running_edge({LOG: Scripted()}) as edge:
        partners = partners_of(edge)
        with pytest.raises(Refusal) as caught:
            partners.peer("350000")
    assert caught.value.reason is Reason.NOT_FOUND
