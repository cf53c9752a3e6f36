"""The accounts that the members signed: fetched from the own node, believed by their signatures.

Every file of the federation's metadata comes from the node and is verified here, from the first
root on; whoever holds a copy that people compared gives it, and the node's first root must be the
same. Accounts come from here and from nowhere else.
"""

from pathlib import Path
from typing import Any

from clients.federation.ceremony import Base, open_base
from clients.federation.repository import read_published
from deltacare.errors import PeerFault, Reason
from deltacare.trust.roles import open_snapshot, signed_sha256, target_hashes
from deltacare.v1.federation_service_pb2 import GetTrustFileRequest, GetTrustStatusRequest

__all__ = ["signed_federation"]


def signed_federation(node: Any, *, pinned: Path | None = None) -> Base:  # noqa: ANN401  # a client of a node
    """Return what the members signed and is in force at a node, verified.

    Args:
        node: The own node.
        pinned: A repository or a node's directory whose first root people compared; ``None``
            believes the first root that the own node has.

    Raises:
        PeerFault: ``BAD_METADATA``, if a signature does not verify, or the roots differ.
        Refusal: If a file is missing, or the path is no repository.
    """

    def get(path: str) -> bytes:
        content: bytes = node.federation.GetTrustFile(GetTrustFileRequest(path=path)).content
        return content

    status = node.federation.GetTrustStatus(GetTrustStatusRequest())
    version = status.snapshot_version
    files = {f"{version}.{name}.json": b"" for name in ("snapshot", "targets")}
    files = {name: get(name) for name in files}
    snapshot = open_snapshot(files[f"{version}.snapshot.json"])
    for number in range(1, snapshot.root_version + 1):
        files[f"{number}.root.json"] = get(f"{number}.root.json")
    for path, digest in target_hashes(files[f"{version}.targets.json"]).items():
        folder, slash, name = path.rpartition("/")
        hashed = f"targets/{folder}{slash}{digest}.{name}"
        files[hashed] = get(hashed)
    base = open_base(files)
    if pinned is not None:
        _require_same_root(base, open_base(read_published(pinned)))
    return base


def _require_same_root(found: Base, known: Base) -> None:
    """Refuse metadata that begins with another root than the one that people compared.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    if signed_sha256(found.roots[0]) != signed_sha256(known.roots[0]):
        raise PeerFault(
            Reason.BAD_METADATA, "The node's first root is not the one that was given to compare."
        )
    if found.federation.version < known.federation.version:
        raise PeerFault(
            Reason.BAD_METADATA,
            f"The node goes by statement {found.federation.version}; the one given is "
            f"{known.federation.version}.",
        )
