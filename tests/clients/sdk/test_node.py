"""Tests of the clients against a real server: retry, deadline, streams, both styles."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from clients.sdk.node import NodeClient, SyncNodeClient
from clients.sdk.retry import NO_RETRY, RetryPolicy, request_id
from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.v1.federation_service_pb2 import PingRequest, PingResponse
from deltacare.v1.log_service_pb2 import ReadEntriesRequest, ReadEntriesResponse
from deltacare.v1.registry_service_pb2 import PublishListingRequest, PublishListingResponse
from deltacare.v1.settlement_service_pb2 import FileRecordsRequest, FileRecordsResponse
from server.edge.call import Call
from tests.support.federated import free_ports
from tests.support.tls import Edge, Federation, Scripted, ScriptedFederation, running_edge

FEDERATION = "deltacare.v1.FederationService"
QUICK = RetryPolicy(attempts_max=3, delay_first_s=0.01, delay_max_s=0.01)


class Flaky:
    """Fails some times with an error, then answers; keeps what it was sent."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.seen: list[str] = []

    async def publish_listing(
        self, request: PublishListingRequest, _call: Call
    ) -> PublishListingResponse:
        """Fail or answer."""
        self.seen.append(request.request_id)
        if self.errors:
            raise self.errors.pop(0)
        return PublishListingResponse()


def registry(flaky: Flaky) -> dict[str, object]:
    """Return services with a flaky method."""
    return {"deltacare.v1.RegistryService": Scripted(publish_listing=flaky.publish_listing)}


async def test_retry_keeps_the_request_id() -> None:
    """What can pass is tried again with the same request id, until it succeeds."""
    overloaded = Unavailable(Reason.OVERLOADED, "Later.")
    flaky = Flaky(overloaded, overloaded)
    async with running_edge(registry(flaky)) as edge:
        request = PublishListingRequest(request_id=request_id())
        await edge.client(retry=QUICK).registry.PublishListing(request)
    assert flaky.seen == [request.request_id] * 3


async def test_retry_gives_up() -> None:
    """After the last attempt its error is raised."""
    flaky = Flaky(*[Unavailable(Reason.OVERLOADED, str(n)) for n in range(9)])
    async with running_edge(registry(flaky)) as edge:
        with pytest.raises(Unavailable) as caught:
            await edge.client(retry=QUICK).registry.PublishListing(PublishListingRequest())
    assert (len(flaky.seen), caught.value.message) == (3, "2")


async def test_refusals_are_not_tried_again() -> None:
    """What a rule refused stays refused."""
    flaky = Flaky(Refusal(Reason.RULE_REFUSED, "No."))
    async with running_edge(registry(flaky)) as edge:
        with pytest.raises(Refusal):
            await edge.client(retry=QUICK).registry.PublishListing(PublishListingRequest())
    assert len(flaky.seen) == 1


async def test_deadline_covers_all_attempts() -> None:
    """The time for a call is for all its attempts together."""
    flaky = Flaky(*[Unavailable(Reason.OVERLOADED, "") for _ in range(100)])
    patient = RetryPolicy(attempts_max=100, delay_first_s=0.1, delay_max_s=0.1)
    async with running_edge(registry(flaky)) as edge:
        with pytest.raises(Unavailable):
            await edge.client(retry=patient).registry.PublishListing(
                PublishListingRequest(), timeout=0.35
            )
    assert 2 <= len(flaky.seen) <= 8


async def test_nobody_there() -> None:
    """A node that does not listen is unreachable."""
    federation = Federation.make()
    async with NodeClient(
        endpoint=f"127.0.0.1:{free_ports(1)[0]}",
        credentials=federation.credentials(federation.client()),
        timeout_s=5,
        retry=NO_RETRY,
    ) as client:
        with pytest.raises(Unavailable) as caught:
            await client.federation.Ping(PingRequest())
    assert caught.value.reason is Reason.PEER_UNREACHABLE


async def test_comes_back_when_the_node_does() -> None:
    """A client outlives a restart of its node."""
    federation = Federation.make()
    services = {FEDERATION: ScriptedFederation()}
    async with running_edge(services, federation=federation) as edge:
        client = NodeClient(
            endpoint=edge.endpoint,
            credentials=federation.credentials(federation.client()),
            timeout_s=10,
            retry=RetryPolicy(attempts_max=50, delay_first_s=0.05, delay_max_s=0.05),
        )
        await client.federation.Ping(PingRequest())
    call = asyncio.ensure_future(client.federation.Ping(PingRequest()))
    async with running_edge(services, federation=federation, port=edge.port):
        assert await call == PingResponse()
        await client.close()


def sync_client(edge: Edge) -> SyncNodeClient:
    """Return a blocking client."""
    federation = edge.federation
    return SyncNodeClient(
        endpoint=edge.endpoint,
        credentials=federation.credentials(federation.client()),
        timeout_s=10,
        retry=QUICK,
    )


async def test_blocking_client() -> None:
    """The blocking client calls, retries, streams and fails as the asynchronous one does."""

    async def read(request: ReadEntriesRequest, _call: Call) -> AsyncIterator[ReadEntriesResponse]:
        for index in range(request.end_index):
            yield ReadEntriesResponse(first_index=index)
        raise Refusal(Reason.LOG_NOT_HELD, "No more.")

    async def file_records(
        requests: AsyncIterator[FileRecordsRequest], _call: Call
    ) -> AsyncIterator[FileRecordsResponse]:
        async for request in requests:
            yield FileRecordsResponse(request_id=request.request_id)

    flaky = Flaky(Unavailable(Reason.OVERLOADED, "Later."))
    services = {
        FEDERATION: ScriptedFederation(),
        "deltacare.v1.LogService": Scripted(read_entries=read),
        "deltacare.v1.SettlementService": Scripted(file_records=file_records),
        **registry(flaky),
    }

    def use(edge: Edge) -> None:
        with sync_client(edge) as client:
            assert client.federation.Ping(PingRequest()) == PingResponse()
            client.registry.PublishListing(PublishListingRequest(request_id="a"))
            assert flaky.seen == ["a", "a"]
            stream: Iterator[ReadEntriesResponse] = iter(
                client.log.ReadEntries(ReadEntriesRequest(end_index=2))
            )
            assert [next(stream).first_index for _ in range(2)] == [0, 1]
            with pytest.raises(Refusal) as caught:
                next(stream)
            assert caught.value.reason is Reason.LOG_NOT_HELD
            batches = iter([FileRecordsRequest(request_id=str(n)) for n in range(3)])
            answers = client.settlement.FileRecords(batches)
            assert [answer.request_id for answer in answers] == ["0", "1", "2"]

    async with running_edge(services) as edge:
        await asyncio.to_thread(use, edge)
