"""Tests of FederationService over a real connection: members, callers, partners' health."""

from dataclasses import dataclass
from datetime import UTC, datetime

from deltacare.ids import LogName
from deltacare.v1.federation_service_pb2 import (
    ListMembersRequest,
    ListPartnerHealthRequest,
    PingRequest,
    PingResponse,
    WhoAmIRequest,
)
from server.edge.rights import Rights
from server.federation.service import FederationServicer
from tests.support.tls import Federation, running_edge

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
    evidence_count: int = 2


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


def servicer(federation: Federation, told: Health | None = None) -> FederationServicer:
    """Return the service of 310000."""
    return FederationServicer(
        province="310000",
        trust=federation.trust,
        rights=Rights("310000"),
        logs=Logs(told=told or Health()),
    )


async def test_members() -> None:
    """Members are told as the bundle has them, to anybody who gets in."""
    federation = Federation.make(endpoints={"310000": "node.example:7310"})
    services = {"deltacare.v1.FederationService": servicer(federation)}
    async with running_edge(services, federation=federation) as edge:
        client = edge.client("payer")
        answer = await client.federation.ListMembers(ListMembersRequest())
    assert answer.province == "310000"
    assert answer.bundle_version == federation.trust.version
    assert [m.province for m in answer.members] == ["310000", "320000", "330000", "340000"]
    member = answer.members[0]
    stated = federation.trust.member("310000")
    assert member.endpoint == "node.example:7310"
    assert list(member.log_keys) == [stated.log_keys[name] for name in sorted(stated.log_keys)]
    assert member.witness_key == stated.witness_key


async def test_who_am_i() -> None:
    """A caller is told what its certificate says and exactly what it may call."""
    federation = Federation.make()
    services = {"deltacare.v1.FederationService": servicer(federation)}
    async with running_edge(services, federation=federation) as edge:
        answer = await edge.client("operator").federation.WhoAmI(WhoAmIRequest())
        ping = await edge.client("operator").federation.Ping(PingRequest())
    assert (answer.province, answer.role, answer.principal) == ("310000", "operator", "id-1")
    assert "/deltacare.v1.CertificationService/CheckCertification" in answer.methods
    assert "/deltacare.v1.CertificationService/RevokeCertificate" not in answer.methods
    assert ping == PingResponse()


async def test_partner_health() -> None:
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
    services = {"deltacare.v1.FederationService": servicer(federation, told)}
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
