"""Real certificates and a real server: an edge on loopback, and clients that reach it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from clients.sdk.credentials import Credentials
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY, RetryPolicy
from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.trust import TrustBundle
from deltacare.v1.federation_service_pb2 import (
    ListMembersResponse,
    ListPartnerHealthResponse,
    PingResponse,
    WhoAmIResponse,
)
from server.certificates import KeyPair, issue_client, issue_node, new_ca
from server.edge.limits import Limits
from server.edge.server import EdgeServer, TlsFiles
from tests.support.federation import PROVINCES, make_trust, seed

__all__ = ["Edge", "Federation", "Scripted", "ScriptedFederation", "running_edge", "until"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """The four provinces' test CAs, and the bundle that states them."""

    now: datetime
    cas: Mapping[str, KeyPair]
    trust: TrustBundle

    @classmethod
    def make(cls, endpoints: Mapping[str, str] | None = None) -> "Federation":
        """Return a federation whose CAs are valid now."""
        now = datetime.now(UTC)
        cas = {province: new_ca(province, now=now) for province in PROVINCES}
        pems = {province: ca.certificate_pem.decode() for province, ca in cas.items()}
        return cls(now=now, cas=cas, trust=make_trust(ca_pem=pems, endpoints=endpoints))

    def client(
        self, role: str = "system", *, province: str = "310000", opaque_id: str = "id-1"
    ) -> KeyPair:
        """Return the certificate of a principal, issued by its own province."""
        caller = Principal(province=province, role=role, opaque_id=opaque_id)
        return issue_client(self.cas[province], caller, now=self.now)

    def node(self, province: str = "310000") -> KeyPair:
        """Return a node's certificate."""
        return issue_node(self.cas[province], province, hosts=("127.0.0.1",), now=self.now)

    def credentials(self, pair: KeyPair, *, to: str = "310000") -> Credentials:
        """Return what a client with a certificate needs to reach a province's node."""
        return Credentials.to_member(
            self.trust, province=to, certificate_pem=pair.certificate_pem, key_pem=pair.key_pem
        )


class Scripted:
    """A service behind the edge that does what a test says; what it does not say is refused."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        self.methods = methods

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name in self.methods:
            return self.methods[name]

        async def unexpected(_request: object, _call: object) -> None:
            raise Refusal(Reason.NOT_FOUND, f"The test expects no call of {name}.")

        return unexpected


class ScriptedFederation(Scripted):
    """FederationService that answers with empty messages unless a test says otherwise."""

    def __init__(self, **methods: Callable[..., Any]) -> None:
        async def list_members(_request: object, _call: object) -> ListMembersResponse:
            return ListMembersResponse()

        async def who_am_i(_request: object, _call: object) -> WhoAmIResponse:
            return WhoAmIResponse()

        async def list_partner_health(_request: object, _call: object) -> ListPartnerHealthResponse:
            return ListPartnerHealthResponse()

        async def ping(_request: object, _call: object) -> PingResponse:
            return PingResponse()

        super().__init__(
            **{
                "list_members": list_members,
                "who_am_i": who_am_i,
                "list_partner_health": list_partner_health,
                "ping": ping,
                **methods,
            }
        )


@dataclass(slots=True, kw_only=True)
class Edge:
    """A running edge server and the clients that a test opened."""

    federation: Federation
    server: EdgeServer
    port: int
    clients: list[NodeClient] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """Where it serves."""
        return f"127.0.0.1:{self.port}"

    def client(
        self,
        role: str = "system",
        *,
        province: str = "310000",
        pair: KeyPair | None = None,
        retry: RetryPolicy = NO_RETRY,
    ) -> NodeClient:
        """Return a client of a role, or with a certificate; closed with the edge."""
        pair = pair or self.federation.client(role, province=province)
        client = NodeClient(
            endpoint=self.endpoint,
            credentials=self.federation.credentials(pair),
            timeout_s=10,
            retry=retry,
        )
        self.clients.append(client)
        return client


@asynccontextmanager
async def running_edge(
    services: Mapping[str, object],
    *,
    limits: Limits | None = None,
    federation: Federation | None = None,
    port: int = 0,
    node: KeyPair | None = None,
) -> AsyncIterator[Edge]:
    """Serve some services as the node of 310000, and stop in the end.

    Args:
        services: by full name.
        limits: of the edge.
        federation: a new one unless given.
        port: any unless given.
        node: the certificate that the server shows; the node's own unless given.
    """
    federation = federation or Federation.make()
    node = node or federation.node()
    server = EdgeServer(
        province="310000",
        trust=federation.trust,
        tls=TlsFiles(certificate_pem=node.certificate_pem, key_pem=node.key_pem),
        limits=limits or Limits(drain_duration_max_s=2),
        now=lambda: datetime.now(UTC),
        token=lambda size: seed("edge")[:size],
        services=services,
    )
    edge = Edge(federation=federation, server=server, port=await server.start(f"127.0.0.1:{port}"))
    try:
        yield edge
    finally:
        for client in edge.clients:
            await client.close()
        await server.stop()


async def until(condition: Callable[[], bool], *, timeout_s: float = 10) -> None:
    """Wait for a condition that no event tells of."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # see above
            await asyncio.sleep(0.005)
