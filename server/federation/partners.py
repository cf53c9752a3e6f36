"""The way to the partners: one connection each, as any client has it, with this node as ``peer``.

A connection trusts the CA of that very province and asks for its node's name. Calls are tried
once: who calls partners decides when to come back. Nothing is connected before it is needed.

What a connection rests on is compared at every call: a partner that moved or changed its CA, or a
renewed certificate of this node, gets a new connection, and what runs on the old one may finish.
gRPC gives Python no say in a handshake, so the serial number of a partner's certificate cannot be
refused here; a node whose certificate was revoked is shut out by the CA that replaces its own.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.sdk.credentials import Credentials
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY
from deltacare.purposes import PURPOSE_FIELD, Purpose
from deltacare.trust import Trust
from deltacare.v1.clearing_service_pb2 import ListNightLeavesRequest, ListNightLeavesResponse
from deltacare.v1.credential_service_pb2 import GetStatusListRequest
from deltacare.v1.federation_service_pb2 import (
    GetTimestampSignatureRequest,
    GetTrustFileRequest,
    GetTrustStatusRequest,
    GetTrustStatusResponse,
)
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
from deltacare.v1.personal_service_pb2 import CompareIdentityRequest, CompareIdentityResponse
from deltacare.v1.settlement_service_pb2 import (
    ResolveEnrolmentRequest,
    ResolveEnrolmentResponse,
)
from server.edge.tls import CertificateSource, TlsFiles

if TYPE_CHECKING:
    from deltacare.v1.federation_service_pb2_grpc import FederationServiceAsyncStub
    from deltacare.v1.log_service_pb2_grpc import LogServiceAsyncStub

__all__ = ["PARTNER_TIMEOUT_S", "PartnerLog", "PartnerTrust", "Partners"]

PARTNER_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 300.0
RETIRING_DURATION_S = 20.0
"""Seconds that calls on a connection that was replaced get to finish: more than any unary takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """What a connection to a partner rests on."""

    endpoint: str
    ca_pem: str
    shown: TlsFiles


class PartnerLog:
    """A partner's log service; implements ``server.log.ports.Peer``.

    Args:
        partners: The way there, asked anew for each call.
        province: Whose.
    """

    def __init__(self, partners: "Partners", province: str) -> None:
        self._partners = partners
        self._province = province

    async def exchange_checkpoints(
        self, request: ExchangeCheckpointsRequest
    ) -> ExchangeCheckpointsResponse:
        """See LogService.ExchangeCheckpoints."""
        return await self._stub.ExchangeCheckpoints(request)

    async def add_cosignature(self, request: AddCosignatureRequest) -> AddCosignatureResponse:
        """See LogService.AddCosignature."""
        return await self._stub.AddCosignature(request)

    async def read_entries(self, request: ReadEntriesRequest) -> AsyncIterator[ReadEntriesResponse]:
        """See LogService.ReadEntries; the call ends with the generator.

        With the purpose for which salts of holders' names come beside entries.
        """
        call = self._stub.ReadEntries(
            request,
            timeout=READ_TIMEOUT_S,
            metadata=((PURPOSE_FIELD, Purpose.HOLDER_CHECK),),
        )
        try:
            async for response in call:
                yield response
        finally:
            call.cancel()

    async def watch_checkpoints(
        self, request: WatchCheckpointsRequest
    ) -> AsyncIterator[Checkpoint]:
        """See LogService.WatchCheckpoints; the call ends with the generator."""
        call = self._stub.WatchCheckpoints(request)
        try:
            async for checkpoint in call:
                yield checkpoint
        finally:
            call.cancel()

    @property
    def _stub(self) -> "LogServiceAsyncStub":
        """The partner's log service over the present connection."""
        return self._partners.client(self._province).log


class PartnerTrust:
    """A partner's metadata of the federation; implements ``learning.TrustPeer``.

    Args:
        partners: The way there, asked anew for each call.
        province: Whose.
    """

    def __init__(self, partners: "Partners", province: str) -> None:
        self._partners = partners
        self._province = province

    async def get_trust_status(self, request: GetTrustStatusRequest) -> GetTrustStatusResponse:
        """See FederationService.GetTrustStatus."""
        return await self._stub.GetTrustStatus(request)

    async def get_trust_file(self, request: GetTrustFileRequest) -> bytes:
        """See FederationService.GetTrustFile."""
        return (await self._stub.GetTrustFile(request)).content

    async def get_timestamp_signature(self, request: GetTimestampSignatureRequest) -> bytes:
        """See FederationService.GetTimestampSignature."""
        return (await self._stub.GetTimestampSignature(request)).signature

    @property
    def _stub(self) -> "FederationServiceAsyncStub":
        return self._partners.client(self._province).federation


class Partners:
    """Every partner of this node; implements ``server.log.ports.Peers``.

    Args:
        province: Whose node this is.
        trust: Endpoints and CAs of the members.
        certificate: This node's certificate, renewed while it runs.
    """

    def __init__(self, *, province: str, trust: Trust, certificate: CertificateSource) -> None:
        self._province = province
        self._trust = trust
        self._certificate = certificate
        self._clients: dict[str, tuple[_Way, NodeClient]] = {}
        self._retiring: set[asyncio.Task[None]] = set()

    def client(self, province: str) -> NodeClient:
        """Return the client of a partner's node; connecting happens when it is called.

        Nobody keeps it for longer than a call.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such member.
        """
        assert province != self._province, "a node does not call itself"
        member = self._trust.member(province)
        shown = self._certificate.current()
        way = _Way(endpoint=member.endpoint, ca_pem=member.ca_pem, shown=shown)
        known = self._clients.get(province)
        if known is not None and known[0] == way:
            return known[1]
        client = NodeClient(
            endpoint=way.endpoint,
            credentials=Credentials(
                province=province,
                ca_pem=way.ca_pem.encode(),
                certificate_pem=shown.certificate_pem,
                key_pem=shown.key_pem,
            ),
            timeout_s=PARTNER_TIMEOUT_S,
            retry=NO_RETRY,
        )
        self._clients[province] = (way, client)
        if known is not None:
            task = asyncio.create_task(known[1].close(RETIRING_DURATION_S))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        return client

    def peer(self, province: str) -> PartnerLog:
        """Return the log service of a partner's node.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such member.
        """
        self._trust.member(province)
        return PartnerLog(self, province)

    def trust_peer(self, province: str) -> PartnerTrust:
        """Return the metadata of the federation at a partner's node.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such member.
        """
        self._trust.member(province)
        return PartnerTrust(self, province)

    async def resolve_enrolment(
        self, home: str, request: ResolveEnrolmentRequest, purpose: Purpose
    ) -> ResolveEnrolmentResponse:
        """See SettlementService.ResolveEnrolment; the caller's purpose goes on with it."""
        return await self.client(home).settlement.ResolveEnrolment(
            request, metadata=((PURPOSE_FIELD, purpose),)
        )

    async def compare_identity(
        self, issuer: str, request: CompareIdentityRequest
    ) -> CompareIdentityResponse:
        """See PersonalService.CompareIdentity; always to compare a holder."""
        return await self.client(issuer).personal.CompareIdentity(
            request, metadata=((PURPOSE_FIELD, Purpose.HOLDER_CHECK),)
        )

    async def list_night_leaves(
        self, partner: str, request: ListNightLeavesRequest
    ) -> ListNightLeavesResponse:
        """See ClearingService.ListNightLeaves."""
        return await self.client(partner).clearing.ListNightLeaves(request)

    async def get_status_list(self, province: str, list_number: int) -> str:
        """See CredentialService.GetStatusList; the newest token."""
        request = GetStatusListRequest(list_number=list_number)
        return (await self.client(province).credential.GetStatusList(request)).token

    async def close(self) -> None:
        """End every call and every connection."""
        clients, self._clients = self._clients, {}
        for task in self._retiring:
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        for _, client in clients.values():
            await client.close()
