"""Four nodes' trust in one process: real metadata and keepers over calls that a test can break.

```python
nodes = FourTrusts(tmp_path)
await nodes.rounds()
nodes.publish("310000", nodes.next_statement())
nodes.advance(timedelta(hours=1))
await nodes.rounds()
```

Nothing runs by itself: a test moves the clocks and asks for rounds. Keys follow from labels.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from google.protobuf.message import Message

from clients.federation.store import TrustStore
from deltacare.errors import Reason, Unavailable
from deltacare.ids import Principal
from deltacare.keys import LogSigner
from deltacare.trust import Federation
from deltacare.trust.roles import (
    RootKey,
    new_root,
    new_snapshot,
    new_targets,
    sign,
    target_file,
    timestamp_hour,
)
from deltacare.v1 import federation_service_pb2 as pb
from server.edge.call import Call
from server.federation.keeper import KeeperSettings, TrustKeeper
from server.federation.room import TrustRoom
from server.federation.trust_service import TrustService
from tests.support.federation import PROVINCES, make_trust, seed
from tests.support.ports import START_TIME, ManualClock

__all__ = ["FourTrusts", "TrustNode", "root_file", "root_seed", "statement", "timestamp_seed"]

Change = Callable[[bytes], bytes]


def root_seed(province: str, generation: int = 1) -> bytes:
    """Return the seed of an office's root key."""
    return seed(f"{province} root {generation}")


def timestamp_seed(province: str, generation: int = 1) -> bytes:
    """Return the seed of a node's timestamp key."""
    return seed(f"{province} timestamp {generation}")


def public(secret: bytes) -> bytes:
    """Return the public key of a seed."""
    return LogSigner(name="test", seed=secret).verifier.public_key


def root_file(
    version: int = 1,
    *,
    now: datetime = START_TIME,
    roots: Mapping[str, int] | None = None,
    timestamps: Mapping[str, int] | None = None,
    signers: Sequence[bytes] | None = None,
    provinces: Sequence[str] = PROVINCES,
) -> bytes:
    """Return a root.

    Args:
        version: its number.
        now: when it is made.
        roots: generation of each office's key; 1 unless given.
        timestamps: generation of each node's key; 1 unless given.
        signers: seeds; every office's own unless given.
        provinces: members.
    """
    keys = [
        RootKey.of(
            p,
            root=public(root_seed(p, (roots or {}).get(p, 1))),
            timestamp=public(timestamp_seed(p, (timestamps or {}).get(p, 1))),
        )
        for p in provinces
    ]
    data = new_root(keys, version=version, now=now)
    for secret in signers or [root_seed(p) for p in provinces]:
        data = sign(data, secret)
    return data


def statement(
    federation: Federation,
    *,
    now: datetime = START_TIME,
    root_version: int = 1,
    signers: Sequence[bytes] | None = None,
) -> dict[str, bytes]:
    """Return the files of a statement, by path; signed by every office unless seeds are given."""
    documents = federation.to_documents()
    targets = new_targets(documents, version=federation.version, now=now)
    snapshot = new_snapshot(targets, root_version=root_version, now=now)
    for secret in signers if signers is not None else [root_seed(p) for p in federation.provinces]:
        targets, snapshot = sign(targets, secret), sign(snapshot, secret)
    return {
        f"{federation.version}.snapshot.json": snapshot,
        f"{federation.version}.targets.json": targets,
        **{target_file(path, data): data for path, data in documents.items()},
    }


class TrustNode:
    """One node's trust.

    Attributes:
        province: whose.
        clock: its own.
        room: while it is up.
    """

    def __init__(self, nodes: "FourTrusts", province: str, directory: Path) -> None:
        self.province = province
        self.clock = ManualClock()
        self.directory = directory
        self.seeds = [timestamp_seed(province)]
        self._nodes = nodes
        self.is_up = False

    def install(self, files: Mapping[str, bytes]) -> None:
        """Put files there as a person does, with the first root pinned."""
        store = TrustStore(self.directory)
        store.pin(files["1.root.json"])
        store.add(files)

    def start(self) -> None:
        """Bring it up, as after a restart."""
        self.room = TrustRoom.open(
            TrustStore(self.directory),
            province=self.province,
            seeds=lambda: self.seeds,
            now=self.clock.now(),
        )
        self.keeper = TrustKeeper(
            self.room,
            peers=_Peers(self._nodes, self.province),
            clock=self.clock,
            settings=KeeperSettings(call_s_max=2.0, backoff_s_min=0.01, interval_s=0.05),
        )
        self.service = TrustService(self.room, self.keeper)
        self.is_up = True

    def stop(self) -> None:
        """Take it down."""
        self.is_up = False

    @property
    def version(self) -> int:
        """Of the statement in force."""
        return self.room.trust.version

    @property
    def hour(self) -> int | None:
        """Of the newest timestamp."""
        return self.room.trust.state.hour

    def call(self, caller: str | None = None) -> Call:
        """Return a call of a partner, or of an administrator."""
        role = "administrator" if caller is None else "peer"
        principal = Principal(province=caller or self.province, role=role, opaque_id="node")
        return Call(caller=principal, method="/test", now=self.clock.now())

    async def status(self) -> pb.GetTrustStatusResponse:
        """Return what it says of itself."""
        return await self.service.get_trust_status(pb.GetTrustStatusRequest(), self.call())

    async def publish(self, files: Mapping[str, bytes]) -> pb.PublishTrustResponse:
        """Hand it files as an administrator does."""
        rows = [pb.TrustFile(path=path, content=data) for path, data in files.items()]
        return await self.service.publish_trust(pb.PublishTrustRequest(files=rows), self.call())


class FourTrusts:
    """The trust of four nodes.

    Attributes:
        federation: the statement published last.
        nodes: by province.
        lies: what a node serves instead of a file, by (province, path).
        broken: ways that let nothing pass.
        calls: every call that passed: (caller, callee, method or path).
    """

    def __init__(self, directory: Path, *, provinces: Sequence[str] = PROVINCES) -> None:
        self.federation = make_trust(provinces, registry_quorum=min(2, len(provinces) - 1))
        self.lies: dict[tuple[str, str], Change] = {}
        self.broken: set[frozenset[str]] = set()
        self.calls: list[tuple[str, str, str]] = []
        self.nodes = {p: TrustNode(self, p, directory / p / "trust") for p in provinces}
        files = {"1.root.json": root_file(provinces=provinces), **statement(self.federation)}
        for node in self.nodes.values():
            node.install(files)
            node.start()

    def __getitem__(self, province: str) -> TrustNode:
        return self.nodes[province]

    @property
    def versions(self) -> list[int]:
        """In force at each node."""
        return [node.version for node in self.nodes.values()]

    @property
    def hours(self) -> list[int | None]:
        """Of the newest timestamp at each node."""
        return [node.hour for node in self.nodes.values()]

    @property
    def hour(self) -> int:
        """The present one, by the first node's clock."""
        return timestamp_hour(next(iter(self.nodes.values())).clock.now())

    def advance(self, duration: timedelta) -> None:
        """Move everybody's clock."""
        for node in self.nodes.values():
            node.clock.advance(duration)

    async def rounds(self, *provinces: str, times: int = 2) -> None:
        """Have rounds at some nodes, or at all that are up."""
        for _ in range(times):
            for province in provinces or tuple(self.nodes):
                if self.nodes[province].is_up:
                    await self.nodes[province].keeper.round()

    def next_statement(self, **changes: object) -> dict[str, bytes]:
        """Return the next statement, signed by all: with another age of staleness, or changes."""
        now = next(iter(self.nodes.values())).clock.now()
        self.federation = replace(
            self.federation,
            version=self.federation.version + 1,
            issued_time=now,
            **(changes or {"stale_after_s": self.federation.stale_after_s + 1}),  # type: ignore[arg-type]  # a test's own
        )
        return statement(self.federation, now=now)

    def cut(self, one: Sequence[str], other: Sequence[str]) -> None:
        """Let nothing pass between two groups."""
        self.broken |= {frozenset((a, b)) for a in one for b in other}


class _Peers:
    def __init__(self, nodes: FourTrusts, caller: str) -> None:
        self._nodes = nodes
        self._caller = caller

    def trust_peer(self, province: str) -> "_Peer":
        """Return a partner."""
        return _Peer(self._nodes, self._caller, province)


class _Peer:
    """A partner: messages are serialised and parsed on the way, as on a wire."""

    def __init__(self, nodes: FourTrusts, caller: str, callee: str) -> None:
        self._nodes = nodes
        self._caller = caller
        self._callee = callee

    async def get_trust_status(
        self, request: pb.GetTrustStatusRequest
    ) -> pb.GetTrustStatusResponse:
        """See FederationService.GetTrustStatus."""
        answer = await self._call("get_trust_status", request, "status")
        changed: pb.GetTrustStatusResponse = pb.GetTrustStatusResponse.FromString(
            self._changed("status", answer.SerializeToString())
        )
        return changed

    async def get_trust_file(self, request: pb.GetTrustFileRequest) -> bytes:
        """See FederationService.GetTrustFile."""
        lie = self._nodes.lies.get((self._callee, request.path))
        if lie is not None:
            await asyncio.sleep(0)
            return lie(b"")
        answer = await self._call("get_trust_file", request, request.path)
        content: bytes = answer.content
        return content

    async def get_timestamp_signature(self, request: pb.GetTimestampSignatureRequest) -> bytes:
        """See FederationService.GetTimestampSignature."""
        answer = await self._call("get_timestamp_signature", request, "signature")
        return self._changed("signature", answer.signature)

    def _changed(self, path: str, data: bytes) -> bytes:
        return self._nodes.lies.get((self._callee, path), lambda same: same)(data)

    async def _call(self, method: str, request: Message, what: str) -> pb.GetTrustFileResponse:
        node = self._nodes.nodes[self._callee]
        await asyncio.sleep(0)
        if not node.is_up or frozenset((self._caller, self._callee)) in self._nodes.broken:
            raise Unavailable(Reason.PEER_UNREACHABLE, f"{self._callee} does not answer.")
        self._nodes.calls.append((self._caller, self._callee, what))
        parsed = type(request).FromString(request.SerializeToString())
        answer = await getattr(node.service, method)(parsed, node.call(self._caller))
        return type(answer).FromString(answer.SerializeToString())
