"""TUF metadata of a federation of four, signed by keys that follow from labels."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from deltacare.keys import LogSigner
from deltacare.trust import Federation, timestamp_key_name
from deltacare.trust.roles import (
    RootKey,
    new_root,
    new_snapshot,
    new_targets,
    root_key_name,
    sign,
    target_file,
    timestamp_bytes,
    timestamp_hour,
)
from tests.support.federation import PROVINCES, make_trust, seed
from tests.support.ports import START_TIME

__all__ = ["Signed", "altered", "make_root", "make_signed", "root_key", "sign_all", "stamp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A statement with everything it needs.

    Attributes:
        roots: From the first.
        targets: Metadata.
        snapshot: Metadata.
        documents: By target path.
        federation: What it states.
    """

    roots: tuple[bytes, ...]
    targets: bytes
    snapshot: bytes
    documents: Mapping[str, bytes]
    federation: Federation

    def files(self) -> dict[str, bytes]:
        """Return everything by the paths of a TUF client."""
        version = self.federation.version
        return {
            **{f"{index}.root.json": data for index, data in enumerate(self.roots, start=1)},
            f"{version}.targets.json": self.targets,
            f"{version}.snapshot.json": self.snapshot,
            **{target_file(path, data): data for path, data in self.documents.items()},
        }


def office_seed(province: str, generation: int = 1) -> bytes:
    """Return the private key of a province's office."""
    return seed(f"{root_key_name(province)}/{generation}")


def node_seed(province: str) -> bytes:
    """Return the private key with which a province's node signs timestamps."""
    return seed(timestamp_key_name(province))


def root_key(province: str, generation: int = 1) -> RootKey:
    """Return a province's row in root."""
    office, node = root_key_name(province), timestamp_key_name(province)
    return RootKey(
        province=province,
        root=LogSigner(name=office, seed=office_seed(province, generation)).verifier,
        timestamp=LogSigner(name=node, seed=node_seed(province)).verifier,
    )


def sign_all(data: bytes, signing: Sequence[str] = PROVINCES[:3], generation: int = 1) -> bytes:
    """Return metadata signed by some offices."""
    for province in signing:
        data = sign(data, office_seed(province, generation))
    return data


def make_root(
    *,
    version: int = 1,
    signing: Sequence[str] = PROVINCES[:3],
    replaced: Sequence[str] = (),
    now: datetime = START_TIME,
) -> bytes:
    """Return a root, signed by some; replaced offices have their second key."""
    keys = [root_key(province, 1 + (province in replaced)) for province in PROVINCES]
    return sign_all(new_root(keys, version=version, now=now), signing)


def make_signed(
    federation: Federation | None = None,
    *,
    roots: Sequence[bytes] = (),
    signing: Sequence[str] = PROVINCES[:3],
    now: datetime = START_TIME,
) -> Signed:
    """Return a statement, signed by some."""
    federation = federation or make_trust()
    chain = tuple(roots) or (make_root(),)
    documents = federation.to_documents()
    targets = new_targets(documents, version=federation.version, now=now)
    snapshot = new_snapshot(targets, root_version=len(chain), now=now)
    return Signed(
        roots=chain,
        targets=sign_all(targets, signing),
        snapshot=sign_all(snapshot, signing),
        documents=documents,
        federation=federation,
    )


def next_federation(old: Federation, **changes: Any) -> Federation:
    """Return the federation that follows another."""
    return replace(old, version=old.version + 1, **changes)


def stamp(
    snapshot: bytes, now: datetime, *, signing: Sequence[str] = PROVINCES[:2], hours: int = 0
) -> bytes:
    """Return the timestamp of the present hour, or of some hours later, signed by some nodes."""
    data = timestamp_bytes(timestamp_hour(now) + hours, snapshot)
    for province in signing:
        data = sign(data, node_seed(province))
    return data


def altered(data: bytes, **changes: Any) -> bytes:
    """Return metadata whose signed part was changed after it was signed."""
    value = json.loads(data)
    value["signed"].update(changes)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
