"""The part of FederationService by which nodes share the federation's metadata.

It reads what the trust room holds and hands on what comes in; what counts is decided there.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.times import require_utc
from deltacare.v1.federation_service_pb2 import (
    BilingualText,
    GetTimestampSignatureRequest,
    GetTimestampSignatureResponse,
    GetTrustFileRequest,
    GetTrustFileResponse,
    GetTrustStatusRequest,
    GetTrustStatusResponse,
    PublishTrustRequest,
    PublishTrustResponse,
    TrustPartner,
    TrustProblem,
)
from server.edge.call import Call
from server.federation.keeper import TrustKeeper
from server.federation.notes import PartnerAnswer
from server.federation.room import TrustRoom
from server.federation.trust import next_hour

__all__ = ["TrustService"]

PATH_CHARS_MAX = 200
FILES_MAX = 256
_SHA256_BYTES = 32
_TARGETS = "targets/"


class TrustService:
    """Answers for the trust of one node.

    Args:
        room: Its trust.
        keeper: Keeps it confirmed.
    """

    def __init__(self, room: TrustRoom, keeper: TrustKeeper) -> None:
        self._room = room
        self._keeper = keeper
        self._documents: tuple[int, Mapping[str, bytes]] = (0, {})

    async def get_trust_file(
        self, request: GetTrustFileRequest, _call: Call
    ) -> GetTrustFileResponse:
        """See FederationService.GetTrustFile."""
        path = request.path
        if not 0 < len(path) <= PATH_CHARS_MAX:
            raise invalid_field("path", path, f"A path has 1 to {PATH_CHARS_MAX} characters.")
        if path.startswith(_TARGETS):
            document = self._in_force().get(path.removeprefix(_TARGETS))
            if document is not None:
                return GetTrustFileResponse(content=document)
        return GetTrustFileResponse(content=self._room.store.read(path))

    async def get_trust_status(
        self, _request: GetTrustStatusRequest, call: Call
    ) -> GetTrustStatusResponse:
        """See FederationService.GetTrustStatus."""
        self._hear(call)
        state, ledger, now = self._room.trust.state, self._room.ledger, call.now
        statement = state.known.statement
        is_pending = ledger.newest.version != state.known.version
        return GetTrustStatusResponse(
            province=self._room.province,
            now_time=_time(now),
            trust_version=state.known.federation.version,
            root_version=statement.root.version,
            snapshot_version=state.known.version,
            timestamp_hour=state.hour or 0,
            expire_time=_time(state.expire_time),
            refreshed_time=_time(state.refreshed_time),
            stale_time=_time(state.stale_since(now)),
            problems=[
                TrustProblem(code=each.name, text=BilingualText(zh=each.zh, en=each.en))
                for each in state.problems(now)
            ],
            newest_root_version=ledger.newest_root.version,
            newest_snapshot_version=ledger.newest.version,
            newest_snapshot_sha256=bytes.fromhex(ledger.newest.sha256),
            pending_time=_time(next_hour(now) if is_pending else None),
            partners=[_partner(p, answer) for p, answer in self._keeper.partners.items()],
            root_expire_time=_time(statement.root.expires),
            statement_expire_time=_time(min(statement.snapshot.expires, state.known.until_time)),
        )

    async def get_timestamp_signature(
        self, request: GetTimestampSignatureRequest, call: Call
    ) -> GetTimestampSignatureResponse:
        """See FederationService.GetTimestampSignature."""
        sha256 = request.snapshot_sha256
        if len(sha256) != _SHA256_BYTES:
            raise invalid_field("snapshot_sha256", sha256.hex(), "It is not 32 bytes.")
        if request.snapshot_version > self._room.ledger.newest.version:
            await self._keeper.learn(call.caller.province)
        self._hear(call)
        signature = await asyncio.to_thread(
            self._room.signer.sign, hour=request.hour, sha256=sha256.hex(), now=call.now
        )
        return GetTimestampSignatureResponse(signature=signature)

    async def publish_trust(self, request: PublishTrustRequest, call: Call) -> PublishTrustResponse:
        """See FederationService.PublishTrust."""
        if not 0 < len(request.files) <= FILES_MAX:
            raise invalid_field("files", len(request.files), f"There are not 1 to {FILES_MAX}.")
        files: dict[str, bytes] = {}
        for index, file in enumerate(request.files):
            if not 0 < len(file.path) <= PATH_CHARS_MAX or file.path in files:
                raise invalid_field(
                    f"files[{index}].path", file.path, "It is no path, or stands there twice."
                )
            files[file.path] = file.content
        newest = await self._keeper.offer(files)
        if f"{newest.version}.snapshot.json" not in files:
            raise Refusal(
                Reason.RULE_REFUSED,
                f"Version {newest.version}, which is known here, is newer than these files.",
                details={"snapshot_version": str(newest.version)},
            )
        is_pending = newest.version != self._room.trust.state.known.version
        return PublishTrustResponse(
            root_version=self._room.ledger.newest_root.version,
            snapshot_version=newest.version,
            trust_version=newest.federation.version,
            effective_time=_time(next_hour(call.now) if is_pending else None),
        )

    def _hear(self, call: Call) -> None:
        if call.caller.province != self._room.province:
            self._keeper.heard(call.now)

    def _in_force(self) -> Mapping[str, bytes]:
        """Return the documents in force, by target path."""
        federation = self._room.trust.state.known.federation
        if self._documents[0] != federation.version:
            self._documents = (federation.version, federation.to_documents())
        return self._documents[1]


def _partner(province: str, answer: PartnerAnswer) -> TrustPartner:
    """Return how a partner answered, as the contract has it."""
    return TrustPartner(
        province=province,
        answered_time=_time(answer.answered_time),
        clock_ahead_s=answer.clock_ahead_s,
        newest_snapshot_version=answer.newest_version,
        timestamp_hour=answer.hour,
        reason=answer.reason,
    )


def _time(instant: datetime | None) -> Timestamp | None:
    """Return an instant as the contract has it."""
    if instant is None:
        return None
    found = Timestamp()
    found.FromDatetime(require_utc(instant))
    return found
