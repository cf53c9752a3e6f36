"""FederationService: members, who the caller is, how the partners are, and the shared metadata.

It reads what the members signed and what the log room knows, and keeps no state; what concerns the
metadata itself is in ``server.federation.trust_service``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from deltacare.ids import LogName
from deltacare.trust import KeyTerm, SuiteTerm, Trust
from deltacare.v1.federation_service_pb2 import (
    ExplainAccessRequest,
    ExplainAccessResponse,
    GetTimestampSignatureRequest,
    GetTimestampSignatureResponse,
    GetTrustFileRequest,
    GetTrustFileResponse,
    GetTrustStatusRequest,
    GetTrustStatusResponse,
    HeldLog,
    ListMembersRequest,
    ListMembersResponse,
    ListPartnerHealthRequest,
    ListPartnerHealthResponse,
    Member,
    MemberKey,
    PartnerHealth,
    PingRequest,
    PingResponse,
    PublishTrustRequest,
    PublishTrustResponse,
    WhoAmIRequest,
    WhoAmIResponse,
)
from server.edge.call import Call
from server.edge.explain import explain
from server.edge.rights import Rights
from server.federation.trust_service import TrustService

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
    def fork_count(self) -> int:
        """Forks that are proven."""
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
        trust: What the members signed.
        rights: What roles may call.
        logs: How the partners' logs are held.
        metadata: Answers for the metadata itself.
    """

    def __init__(
        self,
        *,
        province: str,
        trust: Trust,
        rights: Rights,
        logs: HealthSource,
        metadata: TrustService,
    ) -> None:
        self._province = province
        self._trust = trust
        self._rights = rights
        self._logs = logs
        self._metadata = metadata

    async def list_members(self, _request: ListMembersRequest, _call: Call) -> ListMembersResponse:
        """See FederationService.ListMembers."""
        trust = self._trust
        return ListMembersResponse(
            members=[_member(trust, code) for code in trust.provinces],
            trust_version=trust.version,
            province=self._province,
            registry_quorum=trust.quorum(LogName.registry(self._province)),
        )

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

    async def explain_access(
        self, request: ExplainAccessRequest, call: Call
    ) -> ExplainAccessResponse:
        """See FederationService.ExplainAccess."""
        return explain(self._rights, request, caller=call.caller, node=self._province)

    async def ping(self, _request: PingRequest, _call: Call) -> PingResponse:
        """See FederationService.Ping."""
        return _PONG

    async def get_trust_file(
        self, request: GetTrustFileRequest, call: Call
    ) -> GetTrustFileResponse:
        """See FederationService.GetTrustFile."""
        return await self._metadata.get_trust_file(request, call)

    async def get_trust_status(
        self, request: GetTrustStatusRequest, call: Call
    ) -> GetTrustStatusResponse:
        """See FederationService.GetTrustStatus."""
        return await self._metadata.get_trust_status(request, call)

    async def get_timestamp_signature(
        self, request: GetTimestampSignatureRequest, call: Call
    ) -> GetTimestampSignatureResponse:
        """See FederationService.GetTimestampSignature."""
        return await self._metadata.get_timestamp_signature(request, call)

    async def publish_trust(self, request: PublishTrustRequest, call: Call) -> PublishTrustResponse:
        """See FederationService.PublishTrust."""
        return await self._metadata.publish_trust(request, call)


def _member(trust: Trust, province: str) -> Member:
    """Return a member as the contract has it."""
    member = trust.member(province)
    return Member(
        province=member.province,
        name_zh=member.name_zh,
        name_en=member.name_en,
        endpoint=member.endpoint,
        keys=[_key(term) for term in member.keys],
        suite_keys=[_key(term) for term in member.suite_keys],
    )


def _key(term: KeyTerm | SuiteTerm) -> MemberKey:
    """Return a key with its window as the contract has it."""
    key = MemberKey(key=term.key.to_text())
    key.from_time.FromDatetime(term.from_time)
    if term.until_time is not None:
        key.until_time.FromDatetime(term.until_time)
    if term.tainted_time is not None:
        key.tainted_time.FromDatetime(term.tainted_time)
    return key


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
            fork_count=held.fork_count,
        )
        if held.fresh_time is not None:
            log.fresh_time.FromDatetime(held.fresh_time)
        health.logs.append(log)
    return health
