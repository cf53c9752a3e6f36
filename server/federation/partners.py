"""The way to the partners: one connection each, as any client has it, with this node as ``peer``.

A connection trusts the CA of that very province and asks for its node's name. Calls are tried
once: who calls partners decides when to come back. Nothing is connected before it is needed.
"""

from collections.abc import AsyncIterator

from clients.sdk.credentials import Credentials
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY
from deltacare.trust import Trust
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
from deltacare.v1.settlement_service_pb2 import (
    ResolveEnrolmentRequest,
    ResolveEnrolmentResponse,
)

__all__ = ["PARTNER_TIMEOUT_S", "PartnerLog", "Partners"]

PARTNER_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 300.0


class PartnerLog:
    """A partner's log service; implements ``server.log.ports.Peer``.

    Args:
        client: The partner's node.
    """

    def __init__(self, client: NodeClient) -> None:
        self._log = client.log

    async def exchange_checkpoints(
        self, request: ExchangeCheckpointsRequest
    ) -> ExchangeCheckpointsResponse:
        """See LogService.ExchangeCheckpoints."""
        return await self._log.ExchangeCheckpoints(request)

    async def add_cosignature(self, request: AddCosignatureRequest) -> AddCosignatureResponse:
        """See LogService.AddCosignature."""
        return await self._log.AddCosignature(request)

    async def read_entries(self, request: ReadEntriesRequest) -> AsyncIterator[ReadEntriesResponse]:
        """See LogService.ReadEntries; the call ends with the generator."""
        call = self._log.ReadEntries(request, timeout=READ_TIMEOUT_S)
        try:
            async for response in call:
                yield response
        finally:
            call.cancel()

    async def watch_checkpoints(
        self, request: WatchCheckpointsRequest
    ) -> AsyncIterator[Checkpoint]:
        """See LogService.WatchCheckpoints; the call ends with the generator."""
        call = self._log.WatchCheckpoints(request)
        try:
            async for checkpoint in call:
                yield checkpoint
        finally:
            call.cancel()


class Partners:
    """Every partner of this node; implements ``server.log.ports.Peers``.

    Args:
        province: Whose node this is.
        trust: Endpoints and CAs of the members.
        certificate_pem: This node's certificate.
        key_pem: Its private key.
    """

    def __init__(
        self, *, province: str, trust: Trust, certificate_pem: bytes, key_pem: bytes
    ) -> None:
        self._province = province
        self._trust = trust
        self._certificate_pem = certificate_pem
        self._key_pem = key_pem
        self._clients: dict[str, NodeClient] = {}
        self._logs: dict[str, PartnerLog] = {}

    def client(self, province: str) -> NodeClient:
        """Return the client of a partner's node; connecting happens when it is called.

        Raises:
            Refusal: ``NOT_FOUND``, if there is no such member.
        """
        assert province != self._province, "a node does not call itself"
        client = self._clients.get(province)
        if client is None:
            client = NodeClient(
                endpoint=self._trust.member(province).endpoint,
                credentials=Credentials.to_member(
                    self._trust,
                    province=province,
                    certificate_pem=self._certificate_pem,
                    key_pem=self._key_pem,
                ),
                timeout_s=PARTNER_TIMEOUT_S,
                retry=NO_RETRY,
            )
            self._clients[province] = client
        return client

    def peer(self, province: str) -> PartnerLog:
        """Return the log service of a partner's node."""
        log = self._logs.get(province)
        if log is None:
            log = self._logs[province] = PartnerLog(self.client(province))
        return log

    async def resolve_enrolment(
        self, home: str, request: ResolveEnrolmentRequest
    ) -> ResolveEnrolmentResponse:
        """See SettlementService.ResolveEnrolment."""
        return await self.client(home).settlement.ResolveEnrolment(request)

    async def list_night_leaves(
        self, partner: str, request: ListNightLeavesRequest
    ) -> ListNightLeavesResponse:
        """See ClearingService.ListNightLeaves."""
        return await self.client(partner).clearing.ListNightLeaves(request)

    async def close(self) -> None:
        """End every call and every connection."""
        clients, self._clients = self._clients, {}
        self._logs = {}
        for client in clients.values():
            await client.close()
