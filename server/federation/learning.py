"""Fetches from a partner the statements that are not known here, as files still unverified.

Sizes are limited before anything is kept in memory, and a list of documents is followed only if
enough offices signed it. Whether the files count is for ``server.federation.ledger``.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol

from clients.federation.store import TrustStore
from deltacare.errors import DeltacareError, Reason, Refusal, Unavailable
from deltacare.trust.metadata import BYTES_MAX
from deltacare.trust.roles import (
    Fault,
    Role,
    Root,
    fault,
    open_snapshot,
    signers,
    target_hashes,
    verify_root_chain,
)
from deltacare.v1.federation_service_pb2 import (
    GetTimestampSignatureRequest,
    GetTrustFileRequest,
    GetTrustStatusRequest,
    GetTrustStatusResponse,
)
from server.federation.ledger import TrustLedger

__all__ = ["TrustPeer", "contradicts", "fetch_file", "fetch_news", "is_news", "names_another"]

ROOTS_AT_ONCE_MAX = 256
STATEMENTS_AT_ONCE_MAX = 64
DOCUMENTS_MAX = 4_096


class TrustPeer(Protocol):
    """What is asked of a partner's FederationService."""

    async def get_trust_status(self, request: GetTrustStatusRequest) -> GetTrustStatusResponse:
        """See FederationService.GetTrustStatus."""
        ...

    async def get_trust_file(self, request: GetTrustFileRequest) -> bytes:
        """See FederationService.GetTrustFile; returns the content."""
        ...

    async def get_timestamp_signature(self, request: GetTimestampSignatureRequest) -> bytes:
        """See FederationService.GetTimestampSignature; returns the signature."""
        ...


def is_news(answer: GetTrustStatusResponse, ledger: TrustLedger) -> bool:
    """Whether a partner says that it has what is not known here, or something else instead."""
    newest = ledger.newest
    return (
        answer.newest_snapshot_version > newest.version
        or answer.newest_root_version > ledger.newest_root.version
        or contradicts(answer, ledger)
    )


def contradicts(answer: GetTrustStatusResponse, ledger: TrustLedger) -> bool:
    """Whether a partner says that it has another statement of the newest version known here."""
    newest = ledger.newest
    return (
        answer.newest_snapshot_version == newest.version
        and answer.newest_snapshot_sha256.hex() != newest.sha256
    )


def names_another(error: DeltacareError, ledger: TrustLedger) -> bool:
    """Whether a timestamp may have been refused for naming another statement than one that waits.

    Args:
        error: Why it was refused.
        ledger: What is known.
    """
    faults = {Fault.OTHER_CONTENT.name, Fault.TOO_FEW_SIGNATURES.name}
    is_waiting = ledger.newest.version > ledger.in_force.version
    may_be = error.reason is Reason.NOT_FOUND or error.details.get("fault") in faults
    return is_waiting and may_be


async def fetch_news(
    peer: TrustPeer,
    ledger: TrustLedger,
    store: TrustStore,
    *,
    call_s_max: float,
    instead: bool = False,
) -> dict[str, bytes]:
    """Fetch what follows what is known, or what contradicts it.

    Args:
        peer: The partner.
        ledger: What is known.
        store: Where documents that did not change are read.
        call_s_max: Seconds for each call.
        instead: Whether to fetch everything after what is in force, instead of what waits here.

    Raises:
        PeerFault: ``BAD_METADATA``, if a file is too large or signed by nobody.
        Unavailable: If the partner stops answering.

    Returns:
        Files by path in a repository; empty if there is nothing new.
    """
    collected = _Collected(peer, call_s_max=call_s_max)
    # 1. The newest that is known should be the same there.
    contradiction: dict[str, bytes] = {}
    newest = ledger.in_force if instead else ledger.newest
    newest_root = newest.statement.root if instead else ledger.newest_root
    path = f"{newest.version}.snapshot.json"
    same = await collected.take(path, Role.SNAPSHOT)
    if same is not None and open_snapshot(same).signed_sha256 != newest.sha256:
        contradiction = {path: same}
    collected.files.clear()
    # 2. Roots, each verified before the next is fetched.
    roots = {newest_root.version: newest_root}
    last = newest_root
    for _ in range(ROOTS_AT_ONCE_MAX):
        data = await collected.take(f"{last.version + 1}.root.json", Role.ROOT)
        if data is None:
            break
        last = verify_root_chain(last.data, [data])
        roots[last.version] = last
    # 3. Statements.
    for version in range(newest.version + 1, newest.version + 1 + STATEMENTS_AT_ONCE_MAX):
        snapshot = await collected.take(f"{version}.snapshot.json", Role.SNAPSHOT)
        targets = await collected.take(f"{version}.targets.json", Role.TARGETS)
        if snapshot is None or targets is None:
            break
        _require_signatures(roots, snapshot, targets)
        # 4. Documents.
        await collected.take_documents(targets, store)
    return {**contradiction, **collected.files}


class _Collected:
    """Files of a partner, as they come in."""

    def __init__(self, peer: TrustPeer, *, call_s_max: float) -> None:
        self.files: dict[str, bytes] = {}
        self._peer = peer
        self._call_s_max = call_s_max

    async def take(self, path: str, role: Role) -> bytes | None:
        """Fetch a file, if the partner has it."""
        data = await fetch_file(self._peer, path, role, call_s_max=self._call_s_max)
        if data is not None:
            self.files[path] = data
        return data

    async def take_documents(self, targets: bytes, store: TrustStore) -> None:
        """Fetch the documents that targets name, unless they are here."""
        hashes = target_hashes(targets)
        if len(hashes) > DOCUMENTS_MAX:
            raise fault(Fault.OVERSIZED, Role.TARGETS, f"They name {len(hashes)} documents.")
        for path, digest in hashes.items():
            hashed = _hashed_path(path, digest)
            try:
                self.files[hashed] = store.read(hashed)
            except Refusal:
                await self.take(hashed, Role.TARGETS)


async def fetch_file(peer: TrustPeer, path: str, role: Role, *, call_s_max: float) -> bytes | None:
    """Return a partner's file, ``None`` if it has none.

    Args:
        peer: The partner.
        path: In a repository.
        role: Whose limit of size counts.
        call_s_max: Seconds.

    Raises:
        PeerFault: ``BAD_METADATA``, if it is too large.
        Unavailable: If the partner does not answer.
    """
    try:
        async with asyncio.timeout(call_s_max):
            data = await peer.get_trust_file(GetTrustFileRequest(path=path))
    except TimeoutError:
        raise Unavailable(Reason.DEADLINE_EXCEEDED, "The partner does not answer.") from None
    except Refusal as error:
        if error.reason is Reason.NOT_FOUND:
            return None
        raise
    if len(data) > BYTES_MAX[role]:
        raise fault(
            Fault.OVERSIZED, role, f"{path} has {len(data)} bytes, more than {BYTES_MAX[role]}."
        )
    return data


def _require_signatures(roots: Mapping[int, Root], snapshot: bytes, targets: bytes) -> None:
    """Refuse a list of documents that too few signed, before any of them is fetched."""
    number = open_snapshot(snapshot).root_version
    root = roots.get(number)
    if root is None:
        raise fault(Fault.WRONG_LINK, Role.SNAPSHOT, f"It belongs to root {number}, not known.")
    for role, data in ((Role.SNAPSHOT, snapshot), (Role.TARGETS, targets)):
        found = signers(root, role, data)
        if len(found) < root.statement_threshold:
            raise fault(
                Fault.TOO_FEW_SIGNATURES,
                role,
                f"It is signed by {len(found)} of {root.statement_threshold}.",
                signed=", ".join(found),
            )


def _hashed_path(path: str, digest: str) -> str:
    """Return where a document of a hash is served."""
    folder, slash, name = path.rpartition("/")
    return f"targets/{folder}{slash}{digest}.{name}"
