"""Phone certificates in tests: the credential service at nodes of `Rooms`, and a verifier.

All names in it are made up.
"""

import itertools
from datetime import datetime, timedelta

from sqlalchemy import Connection

from clients.credential.offline import trusted_bundle
from clients.verify.trusting import Trusting
from deltacare.credential.bundle import OfflineBundle
from deltacare.credential.offline import OfflineVerdict, TrustedBundle, check_offline
from deltacare.errors import Reason, Unavailable
from deltacare.ids import LogName
from deltacare.trust.policies import log_policy, note_policy
from deltacare.v1 import credential_service_pb2 as pb
from server.credential.keys import CredentialKeys
from server.credential.service import CredentialServicer
from tests.support.federation import PROVINCES, make_keys
from tests.support.ports import SeededEntropy
from tests.support.rooms import DUTY, Rooms, VerdictKeys, request_id

__all__ = ["HOLDER", "Names", "Phones", "reread"]

HOLDER = "示例甲"


class Names:
    """A vault that knows one name for every certificate, or none; implements ``HolderNames``."""

    def __init__(self, name: str | None = HOLDER) -> None:
        self.name = name

    def name_of(self, connection: Connection, certificate_no: str) -> str | None:  # noqa: ARG002  # the port's
        """Return the name."""
        return self.name

    def holder_of(self, connection: Connection, certificate_no: str) -> str | None:  # noqa: ARG002  # the port's
        """Return the person."""
        return None if self.name is None else "person-1"


class _Peers:
    """The way from one node to the others, in one process; cut where a test says so."""

    def __init__(self, phones: "Phones") -> None:
        self.phones = phones

    async def get_status_list(self, province: str, list_number: int) -> str:
        """Return a partner's newest token."""
        if province in self.phones.cut:
            raise Unavailable(Reason.PEER_UNREACHABLE, "The partner is gone.")
        if province in self.phones.lying:
            return self.phones.lying[province]
        service = self.phones.services[province]
        request = pb.GetStatusListRequest(list_number=list_number)
        answer = await service.get_status_list(request, self.phones.rooms.call(province, "List"))
        return answer.token


class Phones:
    """The credential service at every node that is up.

    Attributes:
        rooms: the nodes below.
        services: by province.
        keys: by province; live on when a node comes up again.
        names: the vaults, by province.
        cut: partners that answer nobody.
        lying: what partners answer instead.
    """

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.cut: set[str] = set()
        self.lying: dict[str, str] = {}
        self.names = {p: Names() for p in PROVINCES}
        self.keys = {
            p: CredentialKeys(None, entropy=SeededEntropy(f"keys {p}").token) for p in PROVINCES
        }
        self._turns = itertools.count()
        self.services: dict[str, CredentialServicer] = {}
        for province in rooms.certification:
            self.open(province)

    def open(self, province: str) -> None:
        """Give a node its service, also when it came up again."""
        node = self.rooms.nodes[province]
        self.services[province] = CredentialServicer(
            own=province,
            trust=self.rooms.nodes.trust,
            database=node.database,
            sequencer=node.logs.sequencer,
            reader=node.logs.reader,
            clock=self.rooms.nodes.clock,
            entropy=SeededEntropy(f"phones {province} {next(self._turns)}"),
            keys=self.keys[province],
            signers=VerdictKeys(verdict_signers=(make_keys(province).verdicts,)),
            checker=self.rooms.certification[province].checker,
            vault=self.names[province],
            book=self.rooms.salts[province],
            peer=_Peers(self),
        )

    async def publish_key(self, province: str, **fields: str) -> pb.PublishCredentialKeyResponse:
        """State the next key of a province."""
        return await self.services[province].publish_credential_key(
            pb.PublishCredentialKeyRequest(request_id=request_id(), duty=DUTY, **fields),
            self.rooms.call(province, "PublishKey"),
        )

    async def hold_keys(self, *provinces: str) -> None:
        """Hold the first key of provinces, which an earlier run of the same nodes stated."""
        for province in provinces:
            await self.keys[province].next(())

    async def issue(self, certificate_no: str, **fields: str) -> str:
        """Return the phone form of a certificate."""
        province = certificate_no[:6]
        answer = await self.services[province].issue_credential(
            pb.IssueCredentialRequest(certificate_no=certificate_no, **fields),
            self.rooms.call(province, "IssueCredential"),
        )
        return answer.sd_jwt

    async def list_of(self, province: str, **fields: object) -> pb.GetStatusListResponse:
        """Return what a node answers of a status list."""
        return await self.services[province].get_status_list(
            pb.GetStatusListRequest(**fields),  # type: ignore[arg-type]  # a test's own
            self.rooms.call(province, "GetStatusList"),
        )

    async def bundle(self, province: str, *issuers: str) -> bytes:
        """Return the bundle of a node."""
        answer = await self.services[province].get_offline_bundle(
            pb.GetOfflineBundleRequest(issuers=issuers), self.rooms.call(province, "Bundle")
        )
        return answer.bundle

    async def state(self, province: str) -> int:
        """Let a node state its lists if that is due."""
        return await self.services[province].keeper.state()

    def trusting(self, host: str, *issuers: str, now: datetime | None = None) -> Trusting:
        """Return a verifier that trusts a host's verdicts and the logs of issuers."""
        trust = self.rooms.nodes.trust
        policies = [("verdicts", note_policy(trust.verdict_keys(host)))]
        policies += [(each, log_policy(trust, LogName.registry(each))) for each in issuers]
        return Trusting(policies=tuple(policies), now=now or self.now)

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.rooms.nodes.clock.now()

    def trusted(self, data: bytes, host: str = "310000", *issuers: str) -> TrustedBundle:
        """Open a bundle with the policies of every member, or of some."""
        return trusted_bundle(data, self.trusting(host, *(issuers or PROVINCES)))

    def check(
        self, text: str, data: bytes, *, later: timedelta = timedelta(0), **asked: object
    ) -> OfflineVerdict:
        """Judge a phone form by a bundle, perhaps some time later."""
        return check_offline(text, self.trusted(data), now=self.now + later, **asked)  # type: ignore[arg-type]  # a test's own


def reread(data: bytes, **changes: object) -> bytes:
    """Return a bundle with parts exchanged, under the same signature."""
    from dataclasses import replace

    return replace(OfflineBundle.from_bytes(data), **changes).to_bytes()  # type: ignore[arg-type]  # a test's own
