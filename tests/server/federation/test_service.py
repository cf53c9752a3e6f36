"""Tests of FederationService over a real connection: members, callers, partners' health."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deltacare.errors import DeltacareError, Reason
from deltacare.ids import LogName
from deltacare.v1.federation_service_pb2 import (
    GetTimestampSignatureRequest,
    GetTrustFileRequest,
    GetTrustStatusRequest,
    ListMembersRequest,
    ListPartnerHealthRequest,
    PingRequest,
    PingResponse,
    PublishTrustRequest,
    TrustFile,
    WhoAmIRequest,
)
from server.edge.rights import Rights
from server.federation.service import FederationServicer
from tests.support.tls import Federation, running_edge
from tests.support.trusts import FourTrusts, statement

CONTACT_TIME = datetime(2026, 11, 22, 8, 1, 2, tzinfo=UTC)
REGISTRY = LogName.registry("320000")


@dataclass(frozen=True, kw_only=True)
class Held:
    """A log as the log room tells of it."""

    log: LogName = REGISTRY
    size: int = 7
    quorum_size: int = 5
    fresh_time: datetime | None = CONTACT_TIME
    is_stalled: bool = True
    fork_count: int = 2


@dataclass(frozen=True, kw_only=True)
class Partner:
    """A partner as the log room tells of it."""

    province: str
    is_connected: bool = False
    last_contact_time: datetime | None = None
    logs: tuple[Held, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Health:
    """What the log room tells."""

    partners: tuple[Partner, ...] = ()
    unconfirmed: tuple[LogName, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Logs:
    """A log room that tells what a test says."""

    told: Health

    def health(self) -> Health:
        """Tell it."""
        return self.told


@pytest.fixture
def nodes(tmp_path: Path) -> FourTrusts:
    """Four nodes' trust; that of 310000 is behind the service."""
    return FourTrusts(tmp_path)


def servicer(
    federation: Federation, nodes: FourTrusts, told: Health | None = None
) -> FederationServicer:
    """Return the service of 310000."""
    return FederationServicer(
        province="310000",
        trust=federation.trust,
        rights=Rights("310000"),
        logs=Logs(told=told or Health()),
        metadata=nodes["310000"].service,
    )


async def test_members(nodes: FourTrusts) -> None:
    """Members are told as the statement has them, to anybody who gets in."""
    federation = Federation.make(endpoints={"310000": "node.example:7310"})
    services = {"deltacare.v1.FederationService": servicer(federation, nodes)}
    async with running_edge(services, federation=federation) as edge:
        client = edge.client("payer")
        answer = await client.federation.ListMembers(ListMembersRequest())
    assert answer.province == "310000"
    assert answer.trust_version == federation.trust.version
    assert [m.province for m in answer.members] == ["310000", "320000", "330000", "340000"]
    member = answer.members[0]
    stated = federation.trust.member("310000")
    assert member.endpoint == "node.example:7310"
    assert [row.key for row in member.keys] == [term.key.to_text() for term in stated.keys]
    assert member.keys[0].from_time.ToDatetime(UTC) == stated.keys[0].from_time
    assert not member.keys[0].HasField("until_time")
    assert not member.keys[0].HasField("tainted_time")


async def test_who_am_i(nodes: FourTrusts) -> None:
    """A caller is told what its certificate says and exactly what it may call."""
    federation = Federation.make()
    services = {"deltacare.v1.FederationService": servicer(federation, nodes)}
    async with running_edge(services, federation=federation) as edge:
        answer = await edge.client("operator").federation.WhoAmI(WhoAmIRequest())
        ping = await edge.client("operator").federation.Ping(PingRequest())
    assert (answer.province, answer.role, answer.principal) == ("310000", "operator", "id-1")
    assert "/deltacare.v1.CertificationService/CheckCertification" in answer.methods
    assert "/deltacare.v1.CertificationService/RevokeCertificate" not in answer.methods
    assert ping == PingResponse()


async def test_partner_health(nodes: FourTrusts) -> None:
    """Health is told whole, and what was never seen is absent rather than zero."""
    told = Health(
        partners=(
            Partner(
                province="320000",
                is_connected=True,
                last_contact_time=CONTACT_TIME,
                logs=(Held(), Held(fresh_time=None)),
            ),
            Partner(province="330000"),
        ),
        unconfirmed=(LogName.registry("310000"),),
    )
    federation = Federation.make()
    services = {"deltacare.v1.FederationService": servicer(federation, nodes, told)}
    async with running_edge(services, federation=federation) as edge:
        client = edge.client("administrator")
        answer = await client.federation.ListPartnerHealth(ListPartnerHealthRequest())
    assert list(answer.unconfirmed_logs) == ["deltacare/310000/registry"]
    first, second = answer.partners
    assert (first.connected, second.connected) == (True, False)
    assert first.last_contact_time.ToDatetime(UTC) == CONTACT_TIME
    assert not second.HasField("last_contact_time")
    held, unseen = first.logs
    assert (held.log, held.verified_size, held.quorum_size) == (str(REGISTRY), 7, 5)
    assert (held.stalled, held.fork_count) == (True, 2)
    assert held.fresh_time.ToDatetime(UTC) == CONTACT_TIME
    assert not unseen.HasField("fresh_time")


async def test_trust_over_the_wire(nodes: FourTrusts) -> None:
    """Metadata is published by an administrator, fetched by peers, and refused with its reason."""
    federation = Federation.make()
    services = {"deltacare.v1.FederationService": servicer(federation, nodes)}
    files = nodes.next_statement()
    async with running_edge(services, federation=federation) as edge:
        administrator = edge.client("administrator").federation
        peer = edge.client("peer", province="320000").federation
        pinned = await peer.GetTrustFile(GetTrustFileRequest(path="1.root.json"))
        in_force = await peer.GetTrustFile(GetTrustFileRequest(path="targets/federation.json"))
        rows = [TrustFile(path=path, content=data) for path, data in files.items()]
        published = await administrator.PublishTrust(PublishTrustRequest(files=rows))
        snapshot = await peer.GetTrustFile(GetTrustFileRequest(path="2.snapshot.json"))
        status = await peer.GetTrustStatus(GetTrustStatusRequest())
        refused = []
        for call in (
            peer.GetTrustFile(GetTrustFileRequest(path="2.root.json")),
            peer.GetTrustFile(GetTrustFileRequest(path="")),
            peer.GetTimestampSignature(GetTimestampSignatureRequest(snapshot_sha256=bytes(32))),
            administrator.GetTimestampSignature(GetTimestampSignatureRequest()),
            administrator.PublishTrust(
                PublishTrustRequest(
                    files=[
                        TrustFile(path=path, content=data)
                        for path, data in statement(
                            replace(nodes.federation, version=3), signers=[]
                        ).items()
                    ]
                )
            ),
            edge.client("clerk").federation.PublishTrust(PublishTrustRequest(files=rows)),
        ):
            with pytest.raises(DeltacareError) as caught:
                await call
            refused.append(caught.value.reason)
    assert pinned.content == nodes["310000"].room.store.pinned()
    assert (
        in_force.content
        == nodes["310000"].room.ledger.known(1).federation.to_documents()["federation.json"]
    )
    assert (published.snapshot_version, published.trust_version) == (2, 2)
    assert snapshot.content == files["2.snapshot.json"]
    assert (status.trust_version, status.newest_snapshot_version) == (1, 2)
    assert refused == [
        Reason.NOT_FOUND,
        Reason.INVALID_FIELD,
        Reason.RULE_REFUSED,
        Reason.ROLE_NOT_ALLOWED,
        Reason.BAD_METADATA,
        Reason.ROLE_NOT_ALLOWED,
    ]
