"""FederationService: members, who the caller is, how the partners are, and nothing at all.

It reads what the bundle says and what the log room knows; it keeps no state and writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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

__all__ = ["FederationServicer", "HeldStatus", "LogsStatus", "PartnerStatus"]

_PONG = PingResponse()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStatus:
    """How a partner's log is held.

    Attributes:
        log: Its name.
        size: Entries verified and stored.
        quorum_size: Entries under a quorum.
        fresh_time: Time in the author's own newest cosignature, if any was seen.
        stalled: Whether projection stopped.
        fork_count: Pairs of evidence kept.
    """

    log: LogName
    size: int
    quorum_size: int
    fresh_time: datetime | None
    stalled: bool
    fork_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerStatus:
    """How a partner is.

    Attributes:
        province: The partner.
        connected: Whether its stream of checkpoints is up.
        contact_time: When it last answered anything, if it did.
        logs: Its logs as held here.
    """

    province: str
    connected: bool
    contact_time: datetime | None
    logs: Sequence[HeldStatus]


class LogsStatus(Protocol):
    """What is asked of the log room."""

    async def partners(self) -> Sequence[PartnerStatus]:
        """Return every partner, sorted by province."""
        ...

    def unconfirmed_logs(self) -> Sequence[LogName]:
        """Return the own logs that may not be written yet, sorted."""
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
        self, *, province: str, trust: TrustBundle, rights: Rights, logs: LogsStatus
    ) -> None:
        self._rights = rights
        self._logs = logs
        # The bundle does not change while a node runs, and neither does this answer.
        self._members = ListMembersResponse(
            members=[_member(trust, code) for code in trust.provinces],
            bundle_version=trust.version,
            province=province,
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
        return ListPartnerHealthResponse(
            partners=[_health(partner) for partner in await self._logs.partners()],
            unconfirmed_logs=[str(log) for log in self._logs.unconfirmed_logs()],
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


def _health(partner: PartnerStatus) -> PartnerHealth:
    """Return a partner's health as the contract has it."""
    health = PartnerHealth(province=partner.province, connected=partner.connected)
    if partner.contact_time is not None:
        health.last_contact_time.FromDatetime(partner.contact_time)
    for held in partner.logs:
        log = HeldLog(
            log=str(held.log),
            verified_size=held.size,
            quorum_size=held.quorum_size,
            stalled=held.stalled,
            fork_count=held.fork_count,
        )
        if held.fresh_time is not None:
            log.fresh_time.FromDatetime(held.fresh_time)
        health.logs.append(log)
    return health
