"""Real certificates and a real server: an edge on loopback, and clients that reach it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from cryptography import x509

from clients.sdk.credentials import Credentials
from clients.sdk.node import NodeClient
from clients.sdk.retry import NO_RETRY, RetryPolicy
from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.trust import Federation as Statement
from deltacare.trust import Trust
from deltacare.v1.federation_service_pb2 import (
    ListMembersResponse,
    ListPartnerHealthResponse,
    PingResponse,
    WhoAmIResponse,
)
from server.certificates import KeyPair, issue_client, issue_node, new_ca
from server.edge.audit import AuditSink, Denial
from server.edge.call import Call, Disclosed
from server.edge.limits import Limits
from server.edge.server import EdgeServer
from server.edge.tls import TlsFiles
from tests.support.federation import PROVINCES, make_trust, seed

__all__ = [
    "Edge",
    "Federation",
    "LiveTrust",
    "NotedAudit",
    "Scripted",
    "ScriptedFederation",
    "running_edge",
    "serial_of",
    "until",
]


class NotedAudit:
    """An audit that keeps in memory what the edge told it: ``server.edge.audit.AuditSink``.

    Attributes:
        denials: In order.
        disclosed: Calls whose answers were let out, with the spans of each.
        failure: What `disclose` raises, if anything.
    """

    def __init__(self) -> None:
        self.denials: list[Denial] = []
        self.disclosed: list[tuple[Call, tuple[Disclosed, ...]]] = []
        self.failure: Exception | None = None

    def deny(self, denial: Denial, now: datetime) -> None:
        """Keep a denial."""
        assert now.tzinfo is not None
        self.denials.append(denial)

    async def disclose(self, call: Call) -> None:
        """Keep a disclosure, or fail."""
        if self.failure is not None:
            raise self.failure
        assert call.disclosures is not None
        self.disclosed.append((call, tuple(call.disclosures.spans)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Federation:
    """The four provinces' test CAs, and the bundle that states them."""

    now: datetime
    cas: Mapping[str, KeyPair]
    trust: Statement

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


class LiveTrust:
    """A trust whose answers change, as a node's do while it runs.

    Attributes:
        now: What it answers from.
    """

    def __init__(self, now: Statement) -> None:
        self.now = now

    def __getattr__(self, name: str) -> object:
        return getattr(self.now, name)

    @property
    def as_trust(self) -> Trust:
        """It, as what it answers like."""
        return cast("Trust", self)

    def change(self, province: str, **changes: object) -> None:
        """State a member anew, as the next version."""
        members = tuple(
            replace(member, **changes) if member.province == province else member  # type: ignore[arg-type]  # a test's own
            for member in self.now.members
        )
        self.now = replace(self.now, members=members, version=self.now.version + 1)


def serial_of(pem: bytes) -> str:
    """Return a certificate's serial number as a member publishes it."""
    return f"{x509.load_pem_x509_certificate(pem).serial_number:x}"


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
    audit: NotedAudit
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
    trust: Trust | None = None,
    audit: AuditSink | None = None,
) -> AsyncIterator[Edge]:
    """Serve some services as the node of 310000, and stop in the end.

    Args:
        services: by full name.
        limits: of the edge.
        federation: a new one unless given.
        port: any unless given.
        node: the certificate that the server shows; the node's own unless given.
        trust: what the server goes by; the federation's unless given.
        audit: where denials and disclosures go; kept in ``Edge.audit`` unless given.
    """
    federation = federation or Federation.make()
    node = node or federation.node()
    noted = NotedAudit()
    server = EdgeServer(
        province="310000",
        trust=trust or federation.trust,
        tls=TlsFiles(certificate_pem=node.certificate_pem, key_pem=node.key_pem),
        limits=limits or Limits(drain_duration_max_s=2),
        audit=audit or noted,
        now=lambda: datetime.now(UTC),
        token=lambda size: seed("edge")[:size],
        services=services,
    )
    port = await server.start(f"127.0.0.1:{port}")
    edge = Edge(federation=federation, server=server, port=port, audit=noted)
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
