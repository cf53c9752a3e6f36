"""Tests of the edge on a real socket with real TLS: who gets in, and how calls end."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from clients.sdk.credentials import Credentials, node_tls_name
from clients.sdk.errors import DETAILS_KEY
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY, RetryPolicy
from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable, ViolationCollector
from deltacare.ids import Principal
from deltacare.v1.federation_service_pb2 import (
    ListMembersRequest,
    ListPartnerHealthRequest,
    PingRequest,
    PingResponse,
    WhoAmIRequest,
    WhoAmIResponse,
)
from deltacare.v1.log_service_pb2 import (
    Checkpoint,
    ReadEntriesRequest,
    ReadEntriesResponse,
    WatchCheckpointsRequest,
)
from deltacare.v1.registry_service_pb2 import (
    AnswerAgreementRequest,
    AnswerAgreementResponse,
    PublishListingRequest,
)
from deltacare.v1.settlement_service_pb2 import FileRecordsRequest, FileRecordsResponse
from deltacare.v1.types_pb2 import Duty
from server import certificates
from server.certificates import KeyPair, issue_client, issue_node, new_ca
from server.edge.call import Call
from server.edge.limits import Limits
from tests.support.tls import (
    Edge,
    Federation,
    LiveTrust,
    Scripted,
    ScriptedFederation,
    running_edge,
    serial_of,
    until,
)

FEDERATION = "deltacare.v1.FederationService"
LOG = "deltacare.v1.LogService"
REGISTRY = "deltacare.v1.RegistryService"
SETTLEMENT = "deltacare.v1.SettlementService"
DEADLINE_S = 10


async def refused(call: Any) -> DeltacareError:
    """Return how a call was refused."""
    with pytest.raises(DeltacareError) as caught:
        async with asyncio.timeout(DEADLINE_S):
            await call
    return caught.value


async def echo(_request: WhoAmIRequest, call: Call) -> WhoAmIResponse:
    """Answer with the caller that the edge saw."""
    caller = call.caller
    return WhoAmIResponse(province=caller.province, role=caller.role, principal=caller.opaque_id)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    """A node with FederationService that echoes callers."""
    async with running_edge({FEDERATION: ScriptedFederation(who_am_i=echo)}) as running:
        yield running


async def test_caller_comes_from_the_certificate(edge: Edge) -> None:
    """A service sees the principal of the certificate."""
    pair = edge.federation.client("clerk", opaque_id="k-7")
    answer = await edge.client(pair=pair).federation.WhoAmI(WhoAmIRequest())
    assert (answer.province, answer.role, answer.principal) == ("310000", "clerk", "k-7")


async def test_partner_calls_as_peer(edge: Edge) -> None:
    """Another province's node gets in as a peer."""
    pair = edge.federation.node("330000")
    answer = await edge.client(pair=pair).federation.WhoAmI(WhoAmIRequest())
    assert (answer.province, answer.role) == ("330000", "peer")


async def test_ca_vouches_only_for_its_province(edge: Edge) -> None:
    """A system of 310000 by the CA of 320000 passes TLS and not the edge."""
    federation = edge.federation
    principal = Principal(province="310000", role="system", opaque_id="id-1")
    forged = issue_client(federation.cas["320000"], principal, now=federation.now)
    error = await refused(edge.client(pair=forged).federation.Ping(PingRequest()))
    assert error.reason is Reason.UNAUTHENTICATED
    assert error.details["cause"] == "WRONG_CA"


async def test_revoked_while_connected() -> None:
    """A caller that its province takes back is refused at its next call, on the same connection."""
    federation = Federation.make()
    live = LiveTrust(federation.trust)
    pair = federation.client(opaque_id="gone")
    services = {FEDERATION: ScriptedFederation()}
    async with running_edge(services, federation=federation, trust=live.as_trust) as edge:
        client = edge.client(pair=pair)
        await client.federation.Ping(PingRequest())
        live.change("310000", revoked_serials=(serial_of(pair.certificate_pem),))
        error = await refused(client.federation.Ping(PingRequest()))
        assert error.reason is Reason.UNAUTHENTICATED
        assert error.details["cause"] == "REVOKED"
        await edge.client().federation.Ping(PingRequest())
        (noted,) = edge.audit.denials
        assert (None, "REVOKED") == (noted.caller, noted.cause)


async def test_other_provinces_system(edge: Edge) -> None:
    """A system of another province has nothing to ask here, though its certificate is good."""
    client = edge.client("system", province="320000")
    error = await refused(client.federation.Ping(PingRequest()))
    assert error.reason is Reason.WRONG_PROVINCE
    assert error.details["province"] == "320000"


async def test_role_without_the_method(edge: Edge) -> None:
    """A role that may not call a method is told both names."""
    client = edge.client("operator")
    error = await refused(client.federation.ListPartnerHealth(ListPartnerHealthRequest()))
    assert error.reason is Reason.ROLE_NOT_ALLOWED
    assert error.details["role"] == "operator"
    assert error.details["method"] == f"/{FEDERATION}/ListPartnerHealth"


async def handshake_fails(edge: Edge, pair: KeyPair | None) -> None:
    """Expect that a connection with some certificate, or none, comes to nothing."""
    key, certificate = (pair.key_pem, pair.certificate_pem) if pair else (None, None)
    ca_pem = edge.federation.cas["310000"].certificate_pem
    credentials = grpc.ssl_channel_credentials(ca_pem, key, certificate)
    options = (("grpc.ssl_target_name_override", node_tls_name("310000")),)
    async with grpc.aio.secure_channel(edge.endpoint, credentials, options=options) as channel:
        ping = channel.unary_unary(f"/{FEDERATION}/Ping")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ping(b"", timeout=DEADLINE_S)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_no_certificate(edge: Edge) -> None:
    """Without a certificate there is no connection."""
    await handshake_fails(edge, None)


async def test_self_signed(edge: Edge) -> None:
    """A CA that no member states is nobody's."""
    stranger = new_ca("310000", now=edge.federation.now)
    principal = Principal(province="310000", role="system", opaque_id="id-1")
    await handshake_fails(edge, issue_client(stranger, principal, now=edge.federation.now))


async def test_expired(edge: Edge) -> None:
    """An expired certificate makes no connection."""
    federation = edge.federation
    long_ago = federation.now - timedelta(days=30)
    principal = Principal(province="310000", role="system", opaque_id="id-1")
    expired = issue_client(federation.cas["310000"], principal, now=long_ago, duration_d=1)
    await handshake_fails(edge, expired)


async def test_no_plaintext(edge: Edge) -> None:
    """Without TLS there is no connection."""
    async with grpc.aio.insecure_channel(edge.endpoint) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/{FEDERATION}/Ping")(b"", timeout=DEADLINE_S)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_client_takes_only_that_provinces_node(edge: Edge) -> None:
    """A client of 320000's node does not talk to 310000's, though it listens at that address."""
    pair = edge.federation.client(province="320000")
    client = NodeClient(
        endpoint=edge.endpoint,
        credentials=edge.federation.credentials(pair, to="320000"),
        timeout_s=DEADLINE_S,
        retry=NO_RETRY,
    )
    error = await refused(client.federation.Ping(PingRequest()))
    await client.close()
    assert error.reason is Reason.PEER_UNREACHABLE


async def test_only_the_node_answers_for_its_province() -> None:
    """No other certificate serves as a province's node, whichever member's CA issued it.

    Another server of the same province and host, a client, and a node's certificate with the
    right names by the CA of another member.
    """
    federation = Federation.make()
    here = Principal(province="310000", role="peer", opaque_id="node")
    names = [x509.IPAddress(ip_address("127.0.0.1")), x509.UniformResourceIdentifier(here.uri)]
    other_server = certificates._issue(
        federation.cas["310000"],
        here,
        names=names,
        usages=[ExtendedKeyUsageOID.SERVER_AUTH],
        now=federation.now,
        duration_d=1,
    )
    forged = issue_node(federation.cas["330000"], "310000", hosts=(), now=federation.now)
    for shown in (other_server, federation.client(), forged):
        services = {FEDERATION: ScriptedFederation()}
        async with running_edge(services, federation=federation, node=shown) as edge:
            error = await refused(edge.client().federation.Ping(PingRequest()))
            assert error.reason is Reason.PEER_UNREACHABLE


async def test_not_a_message(edge: Edge) -> None:
    """Bytes that are no request are the caller's fault."""
    pair = edge.federation.client()
    credentials = edge.federation.credentials(pair).to_grpc()
    async with grpc.aio.secure_channel(edge.endpoint, credentials) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/{FEDERATION}/Ping")(b"\xff\xff", timeout=DEADLINE_S)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_unknown_method(edge: Edge) -> None:
    """A method that the contract does not have is unimplemented."""
    credentials = edge.federation.credentials(edge.federation.client()).to_grpc()
    async with grpc.aio.secure_channel(edge.endpoint, credentials) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/{FEDERATION}/Erase")(b"", timeout=DEADLINE_S)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_all_violations_reach_the_client() -> None:
    """A malformed request of a thousand rows is refused with every violation at once."""

    async def ping(_request: object, _call: Call) -> PingResponse:
        bad = ViolationCollector()
        for row in range(1_000):
            bad.note(f"records[{row}].amount_fen", -row - 1, "It is negative.", "Write fen.")
        bad.raise_if_any()
        return PingResponse()

    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}) as edge:
        error = await refused(edge.client().federation.Ping(PingRequest()))
    assert error.reason is Reason.INVALID_FIELD
    assert len(error.violations) == 1_000
    last = error.violations[-1]
    assert (last.field, last.value) == ("records[999].amount_fen", "-1000")
    assert (last.description, last.remedy) == ("It is negative.", "Write fen.")


async def test_plain_clients_get_what_they_can_take() -> None:
    """A client that is not ours gets a status that fits its limits, with a count of the rest."""

    async def ping(_request: object, _call: Call) -> PingResponse:
        bad = ViolationCollector()
        for row in range(1_000):
            bad.note(f"records[{row}].amount_fen", -row - 1, "It is negative.", "Write fen.")
        bad.raise_if_any()
        return PingResponse()

    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}) as edge:
        credentials = edge.federation.credentials(edge.federation.client()).to_grpc()
        async with grpc.aio.secure_channel(edge.endpoint, credentials) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(f"/{FEDERATION}/Ping")(b"", timeout=DEADLINE_S)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailing = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailing[DETAILS_KEY])
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.metadata["violations"] == "1000"
    assert 10 < int(info.metadata["violations_shown"]) < 1_000


async def test_error_details_round_trip() -> None:
    """Reason, details and class of an error come back as they were raised."""

    async def ping(_request: object, _call: Call) -> PingResponse:
        raise Refusal(Reason.RULE_REFUSED, "The date is closed.", details={"rule": "S12"})

    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}) as edge:
        error = await refused(edge.client().federation.Ping(PingRequest()))
    assert type(error) is Refusal
    assert (error.reason, error.message) == (Reason.RULE_REFUSED, "The date is closed.")
    assert error.details["rule"] == "S12"


async def test_surprise_is_internal() -> None:
    """An unexpected exception leaves no text, and the node goes on serving."""

    async def ping(_request: object, _call: Call) -> PingResponse:
        raise KeyError("name of a holder")

    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}) as edge:
        client = edge.client()
        error = await refused(client.federation.Ping(PingRequest()))
        assert error.reason is Reason.INTERNAL
        assert "holder" not in str(error) + str(dict(error.details))
        await client.federation.ListMembers(ListMembersRequest())


async def test_own_deadline() -> None:
    """A call without a deadline, or a longer one than allowed, ends at the node's."""
    ended = asyncio.Event()

    async def ping(_request: object, _call: Call) -> PingResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return PingResponse()

    limits = Limits(unary_duration_max_s=1, drain_duration_max_s=2)
    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}, limits=limits) as edge:
        error = await refused(edge.client().federation.Ping(PingRequest()))
        assert error.reason is Reason.DEADLINE_EXCEEDED
        assert error.details["unary_duration_max_s"] == "1"
        assert ended.is_set()
        assert not edge.server._gate._unary


async def test_callers_deadline() -> None:
    """A caller's deadline ends the call at the node as well."""
    ended = asyncio.Event()

    async def ping(_request: object, _call: Call) -> PingResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return PingResponse()

    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}) as edge:
        error = await refused(edge.client().federation.Ping(PingRequest(), timeout=0.3))
        assert error.reason is Reason.DEADLINE_EXCEEDED
        async with asyncio.timeout(DEADLINE_S):
            await ended.wait()


async def test_oversized_request() -> None:
    """A request beyond the limit is refused before it is parsed."""
    async with running_edge({REGISTRY: Scripted()}) as edge:
        request = PublishListingRequest(request_id="x" * 5 * 1024 * 1024)
        error = await refused(edge.client().registry.PublishListing(request))
    assert type(error) is Refusal
    assert error.reason is Reason.TOO_LARGE


async def test_oversized_answer() -> None:
    """An answer beyond the limit is refused with the limit, not cut by the transport."""

    async def ping(_request: object, _call: Call) -> Any:
        return ReadEntriesResponse(entries=[bytes(5 * 1024 * 1024)])

    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}) as edge:
        error = await refused(edge.client().federation.Ping(PingRequest()))
    assert error.reason is Reason.TOO_LARGE
    assert error.details["message_bytes_max"] == str(4 * 1024 * 1024)


async def test_rate_limit_says_when_to_come_back() -> None:
    """Beyond the rate a call is refused with the time to wait; a client that waits succeeds."""
    limits = Limits(calls_per_s_max=5, burst_calls_max=2, drain_duration_max_s=2)
    async with running_edge({FEDERATION: ScriptedFederation()}, limits=limits) as edge:
        hasty = edge.client()
        for _ in range(2):
            await hasty.federation.Ping(PingRequest())
        error = await refused(hasty.federation.Ping(PingRequest()))
        assert type(error) is Unavailable
        assert error.reason is Reason.RATE_LIMITED
        assert 0 < int(error.details["retry_after_ms"]) <= 200
        patient = edge.client(retry=RetryPolicy())
        await patient.federation.Ping(PingRequest())


async def test_calls_at_once() -> None:
    """More calls at the same time than allowed are refused; ended ones make room."""
    release = asyncio.Event()
    running = asyncio.Semaphore(0)

    async def ping(_request: object, _call: Call) -> PingResponse:
        running.release()
        await release.wait()
        return PingResponse()

    limits = Limits(calls_at_once_max=2, drain_duration_max_s=2)
    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}, limits=limits) as edge:
        client = edge.client()
        calls = [asyncio.ensure_future(client.federation.Ping(PingRequest())) for _ in range(2)]
        async with asyncio.timeout(DEADLINE_S):
            for _ in calls:
                await running.acquire()
        error = await refused(client.federation.Ping(PingRequest()))
        assert error.reason is Reason.OVERLOADED
        release.set()
        await asyncio.gather(*calls)
        await client.federation.Ping(PingRequest())


async def test_server_stream_and_client_stream() -> None:
    """A stream of answers, and a stream both ways, pass in order and end as they should."""

    async def read_entries(
        request: ReadEntriesRequest, _call: Call
    ) -> AsyncIterator[ReadEntriesResponse]:
        for index in range(request.first_index, request.end_index):
            yield ReadEntriesResponse(first_index=index)
        raise Refusal(Reason.LOG_NOT_HELD, "No more.")

    async def file_records(
        requests: AsyncIterator[FileRecordsRequest], _call: Call
    ) -> AsyncIterator[FileRecordsResponse]:
        async for request in requests:
            yield FileRecordsResponse(request_id=request.request_id)

    async def batches() -> AsyncIterator[FileRecordsRequest]:
        for number in range(5):
            yield FileRecordsRequest(request_id=str(number), duty=Duty(maker="a", reviewer="b"))

    services = {
        LOG: Scripted(read_entries=read_entries),
        SETTLEMENT: Scripted(file_records=file_records),
    }
    async with running_edge(services) as edge:
        client = edge.client()
        stream = aiter(client.log.ReadEntries(ReadEntriesRequest(end_index=3)))
        assert [(await anext(stream)).first_index for _ in range(3)] == [0, 1, 2]
        error = await refused(anext(stream))
        assert error.reason is Reason.LOG_NOT_HELD
        answers = [a.request_id async for a in client.settlement.FileRecords(batches())]
        assert answers == ["0", "1", "2", "3", "4"]


async def test_reviewer_signs_for_itself() -> None:
    """At the edge already a reviewer cannot name another as the one who approved."""

    async def answer(_request: object, _call: Call) -> AnswerAgreementResponse:
        return AnswerAgreementResponse()

    async with running_edge({REGISTRY: Scripted(answer_agreement=answer)}) as edge:
        client = edge.client("reviewer")
        for reviewer, is_refused in [("id-1", False), ("id-2", True)]:
            request = AnswerAgreementRequest(duty=Duty(maker="id-9", reviewer=reviewer))
            if is_refused:
                error = await refused(client.registry.AnswerAgreement(request))
                assert error.reason is Reason.ROLE_NOT_ALLOWED
            else:
                await client.registry.AnswerAgreement(request)
        error = await refused(client.registry.PublishListing(PublishListingRequest()))
        assert error.details["method"] == f"/{REGISTRY}/PublishListing"


async def test_abandoned_stream_ends() -> None:
    """When a client leaves a stream, the service's generator is closed and nothing is counted."""
    closed = asyncio.Event()

    async def watch(_request: object, _call: Call) -> AsyncIterator[Checkpoint]:
        try:
            while True:
                yield Checkpoint(log="a")
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    async with running_edge({LOG: Scripted(watch_checkpoints=watch)}) as edge:
        call = edge.client().log.WatchCheckpoints(WatchCheckpointsRequest())
        async for checkpoint in call:
            assert checkpoint.log == "a"
            break
        call.cancel()
        async with asyncio.timeout(DEADLINE_S):
            await closed.wait()
        await until(lambda: not edge.server._gate._endless)


async def test_connections_are_made_anew() -> None:
    """A stream that never ends does not keep its connection for ever; calls go on."""

    async def watch(_request: object, _call: Call) -> AsyncIterator[Checkpoint]:
        yield Checkpoint(log="a")
        await asyncio.Event().wait()

    services = {FEDERATION: ScriptedFederation(), LOG: Scripted(watch_checkpoints=watch)}
    limits = Limits(connection_duration_max_s=1, drain_duration_max_s=1)
    async with running_edge(services, limits=limits) as edge:
        client = edge.client()
        stream = aiter(client.log.WatchCheckpoints(WatchCheckpointsRequest()))
        assert (await anext(stream)).log == "a"
        error = await refused(anext(stream))
        assert error.reason is Reason.PEER_UNREACHABLE
        assert await client.federation.Ping(PingRequest()) == PingResponse()


async def test_drain() -> None:
    """Draining lets a running call finish, ends endless streams, and takes nothing new."""
    release = asyncio.Event()
    running = asyncio.Event()

    async def ping(_request: object, _call: Call) -> PingResponse:
        running.set()
        await release.wait()
        return PingResponse()

    async def watch(_request: object, _call: Call) -> AsyncIterator[Checkpoint]:
        yield Checkpoint(log="a")
        await asyncio.Event().wait()

    services = {
        FEDERATION: ScriptedFederation(ping=ping),
        LOG: Scripted(watch_checkpoints=watch),
    }
    limits = Limits(drain_duration_max_s=DEADLINE_S)
    async with running_edge(services, limits=limits) as edge:
        client = edge.client()
        stream = client.log.WatchCheckpoints(WatchCheckpointsRequest())
        assert (await anext(aiter(stream))).log == "a"
        call = asyncio.ensure_future(client.federation.Ping(PingRequest()))
        await running.wait()
        stopping = asyncio.create_task(edge.server.stop())
        with pytest.raises(Unavailable) as caught:
            await anext(aiter(stream))
        assert caught.value.reason is Reason.SHUTTING_DOWN
        newcomer = edge.client()
        error = await refused(newcomer.federation.ListMembers(ListMembersRequest()))
        assert error.reason in (Reason.SHUTTING_DOWN, Reason.PEER_UNREACHABLE)
        assert not stopping.done()
        release.set()
        assert await call == PingResponse()
        await stopping


async def test_drain_is_bounded() -> None:
    """A call that does not end keeps a node for no longer than was said."""

    async def ping(_request: object, _call: Call) -> PingResponse:
        await asyncio.Event().wait()
        return PingResponse()

    limits = Limits(drain_duration_max_s=1)
    async with running_edge({FEDERATION: ScriptedFederation(ping=ping)}, limits=limits) as edge:
        call = asyncio.ensure_future(edge.client().federation.Ping(PingRequest()))
        await until(lambda: bool(edge.server._gate._unary))
        begun_s = time.monotonic()
        await edge.server.stop()
        assert time.monotonic() - begun_s < 5
        assert (await refused(call)).reason is Reason.PEER_UNREACHABLE


async def test_health(edge: Edge) -> None:
    """The standard health service tells of the node and each service, to who has a certificate."""
    credentials = edge.federation.credentials(edge.federation.client("administrator")).to_grpc()
    async with grpc.aio.secure_channel(edge.endpoint, credentials) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        serving = health_pb2.HealthCheckResponse.SERVING
        for name in ("", FEDERATION):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == serving
        listed = await health.List(health_pb2.HealthListRequest())
        assert set(listed.statuses) == {"", FEDERATION}
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health.Check(health_pb2.HealthCheckRequest(service="unknown"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        watch = health.Watch(health_pb2.HealthCheckRequest(service=FEDERATION))
        assert (await watch.read()).status == serving
        await edge.server.health.set_serving(False, services=[FEDERATION])
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()


async def test_reflection(edge: Edge) -> None:
    """The standard reflection service names the services and their files."""
    credentials = edge.federation.credentials(edge.federation.client("auditor")).to_grpc()
    async with grpc.aio.secure_channel(edge.endpoint, credentials) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        requests = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=FEDERATION),
        ]
        answers = [answer async for answer in stub.ServerReflectionInfo(iter(requests))]
    names = [service.name for service in answers[0].list_services_response.service]
    assert names == sorted(
        [FEDERATION, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"]
    )
    assert answers[1].file_descriptor_response.file_descriptor_proto


async def test_address_in_use(edge: Edge) -> None:
    """A second node on the same address does not start, and says so."""
    async with running_edge({FEDERATION: ScriptedFederation()}) as other:
        await other.server.stop()
        with pytest.raises(OSError, match=edge.endpoint):
            await other.server.start(edge.endpoint)


async def test_service_without_a_method_does_not_start() -> None:
    """A service that lacks a method of the contract is found out before anything is served."""
    with pytest.raises(AssertionError, match="lacks list_members"):
        async with running_edge({FEDERATION: object()}):
            pass


def test_credentials_hide_keys() -> None:
    """A private key never shows in what is printed of credentials."""
    federation = Federation.make()
    pair = federation.client()
    credentials: Credentials = federation.credentials(pair)
    assert "PRIVATE" not in repr(pair) + repr(credentials)
