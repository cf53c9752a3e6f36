"""What a file of each TUF role says in this federation, and every form that it may not have.

Bytes in, frozen values out. Nothing here looks at a signature: that is `deltacare.trust.roles`.

Source: The Update Framework specification 1.0.31, sections 4.3 to 4.6.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from deltacare.errors import Refusal
from deltacare.ids import parse_province
from deltacare.keys import Algorithm, VerifierKey
from deltacare.trust.federation import MEMBERS_MAX
from deltacare.trust.members import timestamp_key_name
from deltacare.trust.metadata import Fault, Role, fault, kept, key_id, read_metadata, signed_sha256

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = [
    "BOUND_FIELD",
    "PROVINCE_FIELD",
    "ROOT_FILE",
    "SPEC_VERSION",
    "TARGETS_FILE",
    "TIMESTAMP_DURATION_S",
    "Root",
    "RootKey",
    "Snapshot",
    "Timestamp",
    "open_file",
    "open_root",
    "open_snapshot",
    "open_targets",
    "open_timestamp",
    "root_key_name",
    "timestamp_expiry",
]

TIMESTAMP_DURATION_S = 25 * 3_600
"""Seconds from the beginning of its hour for which a timestamp counts."""

SPEC_VERSION = "1.0.31"
PROVINCE_FIELD = "x-deltacare-province"
BOUND_FIELD = "x-deltacare-signed-sha256"
ROOT_FILE, TARGETS_FILE = "root.json", "targets.json"

_HOUR_MAX = 9_020_040  # the year 2999
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PUBLIC_KEY = _SHA256  # 32 bytes in hex, too


def root_key_name(province: str) -> str:
    """Return the name of the key with which a province's office signs."""
    return f"deltacare/{province}/root"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootKey:
    """The two keys of a province that stand in root.

    Attributes:
        province: Six digits.
        root: Of its office, kept offline; signs root, targets and snapshot.
        timestamp: Of its node, online; signs the timestamp.
    """

    province: str
    root: VerifierKey
    timestamp: VerifierKey

    @classmethod
    def of(cls, province: str, *, root: bytes, timestamp: bytes) -> "RootKey":
        """Return the keys of 32 bytes each.

        Raises:
            Refusal: ``INVALID_FIELD``, if one is weak.
        """
        return cls(
            province=province,
            root=_strong(root_key_name(province), root),
            timestamp=_strong(timestamp_key_name(province), timestamp),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Root metadata at one version, verified.

    Attributes:
        version: From 1.
        expires: From when it counts no more.
        keys: By province, ascending.
        statement_threshold: How many root keys must sign root, targets and snapshot.
        timestamp_threshold: How many timestamp keys must sign the timestamp.
        data: The file.
    """

    version: int
    expires: datetime
    keys: tuple[RootKey, ...]
    statement_threshold: int
    timestamp_threshold: int
    data: bytes = field(repr=False)

    @property
    def provinces(self) -> tuple[str, ...]:
        """The provinces whose keys stand there, ascending."""
        return tuple(key.province for key in self.keys)

    def key(self, province: str) -> RootKey | None:
        """Return the keys of a province, ``None`` if it has none."""
        return next((key for key in self.keys if key.province == province), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a snapshot says.

    Attributes:
        version: Of itself, of its targets, and of the federation's statement: one number.
        expires: From when it counts no more.
        root_version: Of the root under which it was signed.
        targets_sha256: Of what is signed of its targets, in hex.
        signed_sha256: Of what is signed of itself.
    """

    version: int
    expires: datetime
    root_version: int
    targets_sha256: str
    signed_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """What a timestamp says.

    Attributes:
        hour: Whole hours since 1970: its version.
        expires: From when it counts no more.
        snapshot_version: The snapshot that is the present one.
        snapshot_sha256: Of what is signed of that snapshot, in hex.
    """

    hour: int
    expires: datetime
    snapshot_version: int
    snapshot_sha256: str


@kept
def open_root(data: bytes) -> Root:
    """Return what a root says; its signatures are not looked at."""
    signed = _opened(data, Role.ROOT, ()).signed
    if signed.consistent_snapshot is not True:
        raise fault(Fault.WRONG_VALUE, Role.ROOT, "It does not ask for consistent snapshots.")
    roles = {Role(name): role for name, role in signed.roles.items()}
    offices, nodes = roles[Role.ROOT], roles[Role.TIMESTAMP]
    for role in roles.values():
        if role.unrecognized_fields:
            raise fault(Fault.UNKNOWN_FIELD, Role.ROOT, "A role has a field that does not belong.")
        if not isinstance(role.keyids, list) or role.keyids != sorted(map(str, role.keyids)):
            raise fault(Fault.NOT_CANONICAL, Role.ROOT, "Key ids of a role do not ascend.")
        if type(role.threshold) is not int or not 1 <= role.threshold <= len(role.keyids):
            raise fault(Fault.WRONG_VALUE, Role.ROOT, "A threshold is not 1 to all keys.")
    if roles[Role.TARGETS] != offices or roles[Role.SNAPSHOT] != offices:
        raise fault(Fault.WRONG_VALUE, Role.ROOT, "Targets and snapshot are not signed as root is.")
    online = _province_keys(signed, nodes.keyids, timestamp_key_name)
    offline = _province_keys(signed, offices.keyids, root_key_name)
    known = {*offices.keyids, *nodes.keyids}
    if offline.keys() != online.keys() or signed.keys.keys() != known:
        raise fault(
            Fault.WRONG_VALUE, Role.ROOT, "Not every province has one root and one timestamp key."
        )
    if len(known) != 2 * len(offline) or not 2 <= len(offline) <= MEMBERS_MAX:  # noqa: PLR2004 - two keys each, two members
        raise fault(Fault.WRONG_VALUE, Role.ROOT, "A key stands there twice, or members are few.")
    return Root(
        version=signed.version,
        expires=signed.expires,
        keys=tuple(
            RootKey(province=province, root=offline[province], timestamp=online[province])
            for province in sorted(offline)
        ),
        statement_threshold=offices.threshold,
        timestamp_threshold=nodes.threshold,
        data=data,
    )


def open_targets(data: bytes) -> "Metadata[Any]":
    """Return targets that name plain documents and delegate nothing."""
    metadata = _opened(data, Role.TARGETS, ())
    if metadata.signed.delegations is not None:
        raise fault(Fault.UNKNOWN_FIELD, Role.TARGETS, "They delegate, which nobody may here.")
    for path, row in metadata.signed.targets.items():
        digest = row.hashes.get("sha256")
        if (
            row.unrecognized_fields
            or row.hashes.keys() != {"sha256"}
            or type(row.length) is not int
            or not _SHA256.fullmatch(digest)
        ):
            raise fault(
                Fault.WRONG_VALUE,
                Role.TARGETS,
                f"{path[:100]} has more or less than length and SHA-256.",
            )
    return metadata


def open_snapshot(data: bytes) -> Snapshot:
    """Return what a snapshot says; its signatures are not looked at.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    signed = _opened(data, Role.SNAPSHOT, (BOUND_FIELD,)).signed
    meta = signed.meta
    if meta.keys() != {ROOT_FILE, TARGETS_FILE}:
        raise fault(Fault.UNKNOWN_FIELD, Role.SNAPSHOT, "It is not over one root and one targets.")
    for row in meta.values():
        _require_bare(row, Role.SNAPSHOT)
    if meta[TARGETS_FILE].version != signed.version:
        raise fault(Fault.WRONG_LINK, Role.SNAPSHOT, "Its version is not that of its targets.")
    return Snapshot(
        version=signed.version,
        expires=signed.expires,
        root_version=meta[ROOT_FILE].version,
        targets_sha256=_bound(signed, Role.SNAPSHOT),
        signed_sha256=signed_sha256(data),
    )


def open_timestamp(data: bytes) -> Timestamp:
    """Return what a timestamp says; its signatures are not looked at.

    Raises:
        PeerFault: ``BAD_METADATA``, also if its expiry is not that of its hour.
    """
    signed = _opened(data, Role.TIMESTAMP, (BOUND_FIELD,)).signed
    if signed.version > _HOUR_MAX:
        raise fault(
            Fault.FROM_THE_FUTURE, Role.TIMESTAMP, f"Its version {signed.version} is no hour."
        )
    _require_bare(signed.snapshot_meta, Role.TIMESTAMP)
    if signed.expires != timestamp_expiry(signed.version):
        raise fault(
            Fault.WRONG_VALUE, Role.TIMESTAMP, "Its expiry is not 25 hours after its hour began."
        )
    return Timestamp(
        hour=signed.version,
        expires=signed.expires,
        snapshot_version=signed.snapshot_meta.version,
        snapshot_sha256=_bound(signed, Role.TIMESTAMP),
    )


def open_file(data: bytes, role: Role) -> "Metadata[Any]":
    """Return metadata of a role after everything that is asked of its form."""
    match role:
        case Role.ROOT:
            open_root(data)
        case Role.TARGETS:
            open_targets(data)
        case Role.SNAPSHOT:
            open_snapshot(data)
        case Role.TIMESTAMP:
            open_timestamp(data)
    return read_metadata(data, role)


def _province_keys(signed: Any, ids: Sequence[str], name: Any) -> dict[str, VerifierKey]:  # noqa: ANN401  # a root of tuf, and a function
    """Return a role's keys by province."""
    found: dict[str, VerifierKey] = {}
    for identifier in ids:
        key = signed.keys.get(identifier)
        if key is None:
            raise fault(Fault.WRONG_LINK, Role.ROOT, "A role names a key that is not there.")
        public = key.keyval.get("public")
        if (
            (key.keytype, key.scheme) != ("ed25519", "ed25519")
            or key.keyval.keys() != {"public"}
            or not isinstance(public, str)
            or not _SHA256.fullmatch(public)  # as long as a digest: 32 bytes in hex
            or key.unrecognized_fields.keys() != {PROVINCE_FIELD}
        ):
            raise fault(
                Fault.WRONG_VALUE, Role.ROOT, "A key is not Ed25519 with its province and no more."
            )
        try:
            province = parse_province(str(key.unrecognized_fields[PROVINCE_FIELD]))
            found_key = _strong(name(province), bytes.fromhex(public))
        except Refusal as error:
            raise fault(Fault.WRONG_VALUE, Role.ROOT, f"A key is wrong: {error.message}") from None
        if key_id(found_key) != identifier or province in found:
            raise fault(
                Fault.WRONG_VALUE,
                Role.ROOT,
                "A key stands under an id that is not its own, or a province has two.",
            )
        found[province] = found_key
    return found


def _strong(name: str, public_key: bytes) -> VerifierKey:
    """Return a key that not everybody can sign for."""
    key = VerifierKey(name=name, algorithm=Algorithm.ED25519, public_key=public_key)
    return VerifierKey.from_text(key.to_text(), algorithm=Algorithm.ED25519)


def _opened(data: bytes, role: Role, fields: tuple[str, ...]) -> "Metadata[Any]":
    """Return metadata whose signed part has exactly some fields beyond TUF's."""
    metadata = read_metadata(data, role)
    signed = metadata.signed
    if signed.spec_version != SPEC_VERSION:
        raise fault(Fault.WRONG_VALUE, role, f"It is not of specification {SPEC_VERSION}.")
    if signed.unrecognized_fields.keys() != set(fields):
        raise fault(Fault.UNKNOWN_FIELD, role, "The signed part has other fields than it should.")
    return metadata


def _require_bare(row: Any, role: Role) -> None:  # noqa: ANN401  # a MetaFile of tuf
    """Refuse a reference that says more than a version."""
    if row.unrecognized_fields or row.length is not None or row.hashes is not None:
        raise fault(Fault.UNKNOWN_FIELD, role, "A reference says more than a version.")
    if type(row.version) is not int:
        raise fault(Fault.WRONG_VALUE, role, "A version is no whole number.")


def _bound(signed: Any, role: Role) -> str:  # noqa: ANN401  # a Signed of tuf
    """Return the digest of the file that this one is bound to."""
    digest = signed.unrecognized_fields[BOUND_FIELD]
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        raise fault(Fault.WRONG_VALUE, role, "What it is bound to is not a SHA-256 in hex.")
    return digest


def timestamp_expiry(hour: int) -> datetime:
    """Return when the timestamp of an hour expires."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour, seconds=TIMESTAMP_DURATION_S)
