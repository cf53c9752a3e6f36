"""How the four TUF roles of this federation are made and signed, and when they count.

Root names the provinces' keys: those of their offices, which sign root, targets and snapshot, and
those of their nodes, which sign the timestamp. Targets list the documents of `Federation`, snapshot
binds them to a root, the timestamp says hour by hour that a snapshot is the present one. All bytes
in, values or bytes out; succession is judged in `deltacare.trust.succession`, expiry by whoever has
a clock.

Files are bound to each other by what is signed of them, not by their bytes: one statement is one
statement, whichever three of four offices signed the copy at hand.

Source: The Update Framework specification 1.0.31, sections 4.3 to 4.6 and 5.3.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from deltacare.times import format_time, posix_s, require_utc
from deltacare.trust.federation import Federation
from deltacare.trust.forms import (
    BOUND_FIELD,
    PROVINCE_FIELD,
    ROOT_FILE,
    SPEC_VERSION,
    TARGETS_FILE,
    TIMESTAMP_DURATION_S,
    Root,
    RootKey,
    Snapshot,
    Timestamp,
    open_file,
    open_root,
    open_snapshot,
    open_targets,
    open_timestamp,
    root_key_name,
    timestamp_expiry,
)
from deltacare.trust.metadata import (
    Fault,
    Role,
    check_not_older,
    expires_time,
    fault,
    kept,
    key_id,
    merge,
    read_metadata,
    sign,
    signature_of,
    signed_sha256,
    signing_key_ids,
    version_of,
    with_signature,
)

__all__ = [
    "HOUR_S",
    "TIMESTAMP_DURATION_S",
    "Fault",
    "Role",
    "Root",
    "RootKey",
    "Snapshot",
    "Timestamp",
    "check_not_older",
    "expires_time",
    "fault",
    "key_id",
    "merge",
    "new_root",
    "new_snapshot",
    "new_targets",
    "open_root",
    "open_snapshot",
    "open_statement",
    "open_timestamp",
    "root_key_name",
    "sign",
    "signature_of",
    "signed_sha256",
    "signers",
    "signing_key_ids",
    "statement_threshold",
    "target_file",
    "target_hashes",
    "timestamp_bytes",
    "timestamp_hour",
    "timestamp_threshold",
    "verify_root_chain",
    "verify_statement",
    "verify_timestamp",
    "version_of",
    "with_signature",
]

HOUR_S = 3_600

_ROOT_DURATION = timedelta(days=3_650)
_STATEMENT_DURATION = timedelta(days=365)
_ROOTS_MAX = 1_024


def statement_threshold(count: int) -> int:
    """Return how many of so many provinces sign a statement: more than two thirds, 3 of 4."""
    return count - (count - 1) // 3


def timestamp_threshold(count: int) -> int:
    """Return how many of so many nodes sign the timestamp: more than a third, 2 of 4, never one."""
    return max(2, (count - 1) // 3 + 1)


def new_root(
    keys: Iterable[RootKey],
    *,
    version: int,
    now: datetime,
    statement: int | None = None,
    timestamp: int | None = None,
) -> bytes:
    """Return unsigned root metadata.

    Args:
        keys: Of every province.
        version: From 1.
        now: When it is made; it counts for ten years.
        statement: Threshold of root keys; that of `statement_threshold` by default.
        timestamp: Threshold of timestamp keys; that of `timestamp_threshold` by default.

    Raises:
        PeerFault: ``BAD_METADATA``, if the keys do not fit together.
    """
    rows = sorted(keys, key=lambda row: row.province)
    count = len(rows)
    offices = {
        "keyids": sorted(key_id(row.root) for row in rows),
        "threshold": statement_threshold(count) if statement is None else statement,
    }
    nodes = {
        "keyids": sorted(key_id(row.timestamp) for row in rows),
        "threshold": timestamp_threshold(count) if timestamp is None else timestamp,
    }
    data = _file(
        Role.ROOT,
        version,
        _after(now, _ROOT_DURATION),
        consistent_snapshot=True,
        keys={
            key_id(key): {
                "keytype": "ed25519",
                "scheme": "ed25519",
                "keyval": {"public": key.public_key.hex()},
                PROVINCE_FIELD: row.province,
            }
            for row in rows
            for key in (row.root, row.timestamp)
        },
        roles={
            Role.ROOT: offices,
            Role.TARGETS: offices,
            Role.SNAPSHOT: offices,
            Role.TIMESTAMP: nodes,
        },
    )
    open_root(data)
    return data


def new_targets(documents: Mapping[str, bytes], *, version: int, now: datetime) -> bytes:
    """Return unsigned targets metadata of the federation's documents.

    Args:
        documents: By target path, as `Federation.to_documents` gives them.
        version: The federation's.
        now: When it is made; it counts for a year.
    """
    return _file(
        Role.TARGETS,
        version,
        _after(now, _STATEMENT_DURATION),
        targets={
            path: {"length": len(data), "hashes": {"sha256": hashlib.sha256(data).hexdigest()}}
            for path, data in documents.items()
        },
    )


def new_snapshot(targets: bytes, *, root_version: int, now: datetime) -> bytes:
    """Return unsigned snapshot metadata over targets; its version is theirs.

    Args:
        targets: The targets file, signed or not.
        root_version: Of the root under which it is signed.
        now: When it is made; it counts for a year.

    Raises:
        PeerFault: ``BAD_METADATA``, if the targets are none.
    """
    version = version_of(targets)
    return _file(
        Role.SNAPSHOT,
        version,
        _after(now, _STATEMENT_DURATION),
        meta={ROOT_FILE: {"version": root_version}, TARGETS_FILE: {"version": version}},
        **{BOUND_FIELD: signed_sha256(targets)},
    )


def timestamp_hour(now: datetime) -> int:
    """Return the number of whole hours since 1970."""
    return posix_s(now) // HOUR_S


def timestamp_bytes(hour: int, snapshot: bytes) -> bytes:
    """Return the unsigned timestamp of an hour over a snapshot: the same wherever it is made.

    Args:
        hour: Whole hours since 1970.
        snapshot: The snapshot file, whoever signed it.

    Raises:
        PeerFault: ``BAD_METADATA``, if the snapshot is none.
    """
    found = open_snapshot(snapshot)
    return _file(
        Role.TIMESTAMP,
        hour,
        timestamp_expiry(hour),
        meta={"snapshot.json": {"version": found.version}},
        **{BOUND_FIELD: found.signed_sha256},
    )


def verify_root_chain(pinned: bytes, chain: Sequence[bytes] = ()) -> Root:
    """Return the last root of a chain, each signed by enough keys of itself and of the one before.

    Args:
        pinned: The root that the caller trusts already; it must be signed by its own keys.
        chain: The roots that follow it, without a gap.

    Raises:
        PeerFault: ``BAD_METADATA``, naming the version that fails.
    """
    if len(chain) > _ROOTS_MAX:
        raise fault(Fault.OVERSIZED, Role.ROOT, f"The chain has more than {_ROOTS_MAX} roots.")
    root = open_root(pinned)
    _require(root, Role.ROOT, pinned)
    for data in chain:
        following = open_root(data)
        if following.version != root.version + 1:
            what = Fault.ROLLED_BACK if following.version <= root.version else Fault.WRONG_LINK
            raise fault(
                what,
                Role.ROOT,
                f"Version {following.version} does not follow version {root.version}.",
                version=following.version,
                known=root.version,
            )
        _require(root, Role.ROOT, data)
        _require(following, Role.ROOT, data)
        root = following
    return root


def verify_statement(
    root: Root, targets: bytes, snapshot: bytes, documents: Mapping[str, bytes]
) -> Federation:
    """Return the federation that enough provinces signed.

    Snapshot and targets are signed by enough root keys, and are a statement (`open_statement`).
    Whether it is expired, or may follow what was known, is asked elsewhere.

    Args:
        root: As verified.
        targets: The file.
        snapshot: The file.
        documents: By target path.

    Raises:
        PeerFault: ``BAD_METADATA``, if signatures or links fail.
        Refusal: ``INVALID_FIELD``, if what was signed is no federation.
    """
    _require(root, Role.SNAPSHOT, snapshot)
    _require(root, Role.TARGETS, targets)
    return open_statement(root, targets, snapshot, documents)


def open_statement(
    root: Root, targets: bytes, snapshot: bytes, documents: Mapping[str, bytes]
) -> Federation:
    """Return the federation of a statement, whoever signed it: for those who shall sign it.

    1. Targets and snapshot belong to this root and to each other. 2. The documents are those of
    the targets, all of them and no other. 3. They say one federation, of that version, of the
    provinces in root.

    Args:
        root: Under which it stands.
        targets: The file.
        snapshot: The file.
        documents: By target path.

    Raises:
        PeerFault: ``BAD_METADATA``, if the links fail.
        Refusal: ``INVALID_FIELD``, if the documents are no federation.
    """
    # 1. Links.
    bound = open_snapshot(snapshot)
    if bound.root_version != root.version:
        raise fault(
            Fault.WRONG_LINK,
            Role.SNAPSHOT,
            f"It belongs to root {bound.root_version}, not to {root.version}.",
        )
    stated = open_targets(targets).signed
    if (bound.version, bound.targets_sha256) != (stated.version, signed_sha256(targets)):
        raise fault(Fault.WRONG_LINK, Role.TARGETS, "The snapshot belongs to other targets.")
    # 2. Documents.
    if stated.targets.keys() != documents.keys():
        path = min(stated.targets.keys() ^ documents.keys())
        raise fault(Fault.WRONG_LINK, Role.TARGETS, f"{path} is missing or strange.", path=path)
    for path, row in stated.targets.items():
        data = documents[path]
        if (row.length, row.hashes["sha256"]) != (len(data), hashlib.sha256(data).hexdigest()):
            text = f"{path} is not what the targets name."
            raise fault(Fault.WRONG_LINK, Role.TARGETS, text, path=path)
    # 3. One federation.
    federation = Federation.from_documents(documents)
    if federation.version != bound.version or federation.provinces != root.provinces:
        raise fault(
            Fault.WRONG_LINK,
            Role.TARGETS,
            "The federation's version or members are not those of the metadata.",
        )
    return federation


def target_file(path: str, data: bytes) -> str:
    """Return where a document is served: its hash before its name (consistent snapshots)."""
    folder, slash, name = path.rpartition("/")
    return f"targets/{folder}{slash}{hashlib.sha256(data).hexdigest()}.{name}"


def target_hashes(targets: bytes) -> Mapping[str, str]:
    """Return the SHA-256 in hex of each document that a targets file names, by target path.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    stated = open_targets(targets).signed
    return {path: row.hashes["sha256"] for path, row in sorted(stated.targets.items())}


def verify_timestamp(root: Root, data: bytes, *, now: datetime | None = None) -> Timestamp:
    """Return what a timestamp says that enough nodes signed.

    Args:
        root: As verified.
        data: The file.
        now: The present instant; ``None`` does not ask whether its hour has come or is over.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    found = open_timestamp(data)
    if now is not None and found.hour > timestamp_hour(now) + 1:
        raise fault(
            Fault.FROM_THE_FUTURE,
            Role.TIMESTAMP,
            f"It is of hour {found.hour}; here it is hour {timestamp_hour(now)}.",
            hour=found.hour,
        )
    if now is not None and require_utc(now) >= found.expires:
        raise fault(
            Fault.EXPIRED,
            Role.TIMESTAMP,
            f"It expired with hour {found.hour + 25}.",
            hour=found.hour,
        )
    _require(root, Role.TIMESTAMP, data)
    return found


def signers(root: Root, role: Role, data: bytes) -> tuple[str, ...]:
    """Return the provinces whose signature of a file verifies by a root's keys, ascending.

    Args:
        root: Whose keys.
        role: Of the file.
        data: The file.

    Raises:
        PeerFault: ``BAD_METADATA``, if it is no file of that role.
    """
    signed = _signing_key_ids(data, root.data, role)
    return tuple(
        key.province
        for key in root.keys
        if key_id(key.timestamp if role is Role.TIMESTAMP else key.root) in signed
    )


@kept
def _signing_key_ids(data: bytes, root: bytes, role: Role) -> frozenset[str]:
    """Return the ids of a root's keys whose signature of a file verifies."""
    found = open_file(data, role)
    result = read_metadata(root, Role.ROOT).signed.get_verification_result(
        role.value, found.signed_bytes, found.signatures
    )
    return frozenset(result.signed)


def _require(root: Root, role: Role, data: bytes) -> None:
    """Refuse a file that too few signed."""
    found = signers(root, role, data)
    needed = root.timestamp_threshold if role is Role.TIMESTAMP else root.statement_threshold
    if len(found) < needed:
        raise fault(
            Fault.TOO_FEW_SIGNATURES,
            role,
            f"It is signed by {len(found)} of the {needed} that root {root.version} demands.",
            signed=", ".join(found),
            needed=needed,
        )


def _file(role: Role, version: int, expires: datetime, **fields: object) -> bytes:
    """Return unsigned metadata in its one spelling."""
    signed = {
        "_type": role,
        "expires": format_time(expires),
        "spec_version": SPEC_VERSION,
        "version": version,
        **fields,
    }
    value = {"signatures": [], "signed": signed}
    data = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    read_metadata(data, role)
    return data


def _after(now: datetime, duration: timedelta) -> datetime:
    return require_utc(now).replace(microsecond=0) + duration
