"""Files of the federation's metadata as they come in: sorted by what they are, then verified.

A path says no more than the file itself does: everything is judged by content. Nothing here reads
or writes a disk.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from deltacare.errors import DeltacareError, Reason, Refusal, invalid_field
from deltacare.trust import Federation
from deltacare.trust.roles import (
    Fault,
    Role,
    Root,
    Snapshot,
    fault,
    open_root,
    open_snapshot,
    open_timestamp,
    target_hashes,
    verify_root_chain,
    verify_statement,
    verify_timestamp,
)
from deltacare.trust.succession import check_at_node, require_none

__all__ = [
    "FILES_MAX",
    "TARGET",
    "TIMESTAMP_FILE",
    "VERSIONED",
    "Incoming",
    "Statement",
    "not_held",
    "require_in_time",
    "sorted_files",
    "verified",
]

FILES_MAX = 4_096
TIMESTAMP_FILE = "timestamp.json"

_VERSIONED_ROLES = (Role.ROOT, Role.SNAPSHOT, Role.TARGETS)
VERSIONED = re.compile(r"([1-9][0-9]{0,9})\.(root|snapshot|targets)\.json", re.ASCII)
TARGET = re.compile(
    r"targets/(?:[0-9A-Za-z-]+/){0,6}([0-9a-f]{64})\.([0-9A-Za-z-]+(?:\.sm2)?\.(?:json|txt))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One version of what the provinces signed.

    Attributes:
        root: Under which it stands.
        snapshot: What its snapshot says.
        federation: What it states.
    """

    root: Root
    snapshot: Snapshot
    federation: Federation

    @property
    def version(self) -> int:
        """Its number."""
        return self.snapshot.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """Files that came in, by what they are."""

    roots: tuple[tuple[int, bytes], ...]
    snapshots: tuple[tuple[int, bytes], ...]
    targets: Mapping[int, bytes]
    documents: Mapping[str, bytes]


def sorted_files(files: Mapping[str, bytes]) -> Incoming:
    """Return files by what they are; a path says no more than the file itself."""
    if len(files) > FILES_MAX:
        raise invalid_field("files", len(files), f"There are more than {FILES_MAX} files.")
    found: dict[str, dict[int, bytes]] = {role.value: {} for role in _VERSIONED_ROLES}
    documents: dict[str, bytes] = {}
    for path, data in files.items():
        versioned = VERSIONED.fullmatch(path)
        target = TARGET.fullmatch(path)
        if versioned is not None:
            found[versioned[2]][int(versioned[1])] = data
        elif target is not None:
            documents[target[1]] = data
        elif path != TIMESTAMP_FILE:
            raise invalid_field("files", path, "This is no path of the federation's metadata.")
    return Incoming(
        roots=tuple(sorted(found[Role.ROOT.value].items())),
        snapshots=tuple(sorted(found[Role.SNAPSHOT.value].items())),
        targets=found[Role.TARGETS.value],
        documents=documents,
    )


def verified(given: Incoming, version: int, snapshot: bytes, roots: Sequence[bytes]) -> Statement:
    """Return a statement among files that came in, under one of these roots."""
    bound = open_snapshot(snapshot)
    if bound.version != version:
        raise fault(Fault.WRONG_LINK, Role.SNAPSHOT, f"The file says version {bound.version}.")
    index = bound.root_version - open_root(roots[0]).version
    if not 0 <= index < len(roots):
        raise not_held(f"{bound.root_version}.root.json")
    root = verify_root_chain(roots[0], roots[1 : index + 1])
    targets = given.targets.get(version)
    if targets is None:
        raise not_held(f"{version}.targets.json")
    documents: dict[str, bytes] = {}
    for path, digest in target_hashes(targets).items():
        if digest not in given.documents:
            raise not_held(path)
        documents[path] = given.documents[digest]
    federation = verify_statement(root, targets, snapshot, documents)
    return Statement(root=root, snapshot=bound, federation=federation)


def require_in_time(
    added: Sequence[tuple[Federation | None, Statement]], timestamp: bytes | None, now: datetime
) -> None:
    """Refuse statements from the future, and new accounts that come without notice.

    A node that was away sees some of them late. That it missed the notice is no reason to go
    without: two nodes, one of them honest, saw it in time and put the statement in force.

    Args:
        added: Each new statement, and what the one before it states.
        timestamp: What came with them, if any did.
        now: The present instant.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    confirmed = 0
    if timestamp is not None:
        named = open_timestamp(timestamp)
        for _, statement in added:
            if statement.snapshot.signed_sha256 == named.snapshot_sha256:
                verify_timestamp(statement.root, timestamp, now=now)
                confirmed = statement.version
    for before, statement in added:
        found = check_at_node(before, statement.federation, now=now)
        if statement.version <= confirmed:
            found = [finding for finding in found if finding.rule != "T13"]
        require_none(found, before, statement.federation)


def not_held(path: str) -> DeltacareError:
    """Return the refusal of a file that is not there."""
    return Refusal(
        Reason.NOT_FOUND,
        f"There is no {path[:200]} among the federation's metadata.",
        details={"path": path[:200]},
    )
