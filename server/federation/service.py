"""FederationService: members, who the caller is, how the partners are, and nothing at all.

It reads what the bundle says and what the log room knows; it keeps no state and writes nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from deltacare.ids import LogName
from deltacare.trust import TrustBundle
from deltacare.v1.federation_service_pb2 import (
    HeldLog,
    ListMembersRequest,
    ListMembersResponse,
    ListPartnerHealthRequest,
    ListPartnerHealthResponse,
    Member,
    PartnerHealth,
    PingRequest,
    PingResponse,
    WhoAmIRequest,
    WhoAmIResponse,
)
from server.edge.call import Call
from server.edge.rights import Rights

__all__ = ["FederationServicer", "HealthSource", "HeldLogHealth", "LogsHealth", "PartnerState"]

_PONG = PingResponse()


class HeldLogHealth(Protocol):
    """How a log is held here."""

    @property
    def log(self) -> LogName:
        """Its name."""
        ...

    @property
    def size(self) -> int:
        """Entries verified and stored."""
        ...

    @property
    def quorum_size(self) -> int:
        """Entries under a quorum."""
        ...

    @property
    def fresh_time(self) -> datetime | None:
        """Time in the author's own newest cosignature, if any was seen."""
        ...

    @property
    def is_stalled(self) -> bool:
        """Whether projection stopped."""
        ...

    @property
    def evidence_count(self) -> int:
        """Pairs of evidence kept."""
        ...


class PartnerState(Protocol):
    """How a partner is."""

    @property
    def province(self) -> str:
        """The partner."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether its stream of checkpoints is up."""
        ...

    @property
    def last_contact_time(self) -> datetime | None:
        """When it last answered anything, if it did."""
        ...

    @property
    def logs(self) -> Sequence[HeldLogHealth]:
        """Its logs as held here."""
        ...


class LogsHealth(Protocol):
    """How the logs and partners of a node are."""

    @property
    def partners(self) -> Sequence[PartnerState]:
        """Every partner, by province, ascending."""
        ...

    @property
    def unconfirmed(self) -> Sequence[LogName]:
        """Own logs that may not be written yet, ascending."""
        ...


class HealthSource(Protocol):
    """What is asked of the log room."""

    def health(self) -> LogsHealth:
        """Return how the logs and partners are, from memory."""
        ...


class FederationServicer:
    """Answers FederationService.

    Args:
        province: Whose node this is.
        trust: The bundle.
        rights: What roles may call.
        logs: How the partners' logs are held.
    """

    def __init__(
        self, *, province: str, trust: TrustBundle, rights: Rights, logs: HealthSource
    ) -> None:
        self._rights = rights
        self._logs = logs
        # The bundle does not change while a node runs, and neither does this answer.
        self._members = ListMembersResponse(
            members=[_member(trust, code) for code in trust.provinces],
            bundle_version=trust.version,
            province=province,
            registry_quorum=trust.registry_quorum,
        )

    async def list_members(self, _request: ListMembersRequest, _call: Call) -> ListMembersResponse:
        """See FederationService.ListMembers."""
        return self._members

    async def who_am_i(self, _request: WhoAmIRequest, call: Call) -> WhoAmIResponse:
        """See FederationService.WhoAmI."""
        caller = call.caller
        return WhoAmIResponse(
            province=caller.province,
            role=caller.role,
            principal=caller.opaque_id,
            methods=self._rights.methods(caller),
        )

    async def list_partner_health(
        self, _request: ListPartnerHealthRequest, _call: Call
    ) -> ListPartnerHealthResponse:
        """See FederationService.ListPartnerHealth."""
        health = self._logs.health()
        return ListPartnerHealthResponse(
            partners=[_health(partner) for partner in health.partners],
            unconfirmed_logs=[str(log) for log in health.unconfirmed],
        )

    async def ping(self, _request: PingRequest, _call: Call) -> PingResponse:
        """See FederationService.Ping."""
        return _PONG


def _member(trust: TrustBundle, province: str) -> Member:
    """Return a member as the contract has it."""
    member = trust.member(province)
    return Member(
        province=member.province,
        name_zh=member.name_zh,
        name_en=member.name_en,
        endpoint=member.endpoint,
        log_keys=[member.log_keys[name] for name in sorted(member.log_keys)],
        witness_key=member.witness_key,
    )


def _health(partner: PartnerState) -> PartnerHealth:
    """Return a partner's health as the contract has it."""
    health = PartnerHealth(province=partner.province, connected=partner.is_connected)
    if partner.last_contact_time is not None:
        health.last_contact_time.FromDatetime(partner.last_contact_time)
    for held in partner.logs:
        log = HeldLog(
            log=str(held.log),
            verified_size=held.size,
            quorum_size=held.quorum_size,
            stalled=held.is_stalled,
            fork_count=held.evidence_count,
        )
        if held.fresh_time is not None:
            log.fresh_time.FromDatetime(held.fresh_time)
        health.logs.append(log)
    return health
