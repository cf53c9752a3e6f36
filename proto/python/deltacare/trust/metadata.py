"""TUF metadata as files: one strict spelling, one set of signatures, sizes limited.

`tuf` reads and verifies; what it tolerates (fields it does not know, other spellings, whatever
size) is refused here, so that two nodes never hold different bytes for the same statement without
noticing. What the roles may say is decided in `deltacare.trust.roles`.

Source: The Update Framework specification 1.0.31, sections 4.2 to 4.6.
"""

import enum
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

from deltacare.errors import DeltacareError, PeerFault, Reason
from deltacare.keys import LogSigner, VerifierKey
from deltacare.times import require_utc

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

__all__ = [
    "BYTES_MAX",
    "Fault",
    "Role",
    "check_not_older",
    "expires_time",
    "fault",
    "kept",
    "key_id",
    "merge",
    "read_metadata",
    "sign",
    "signature_of",
    "signed_sha256",
    "signing_key_ids",
    "to_file",
    "version_of",
    "with_signature",
]


class Role(enum.StrEnum):
    """The four top-level roles of TUF; the federation delegates to no other."""

    ROOT = "root"
    TARGETS = "targets"
    SNAPSHOT = "snapshot"
    TIMESTAMP = "timestamp"


BYTES_MAX: Mapping[Role, int] = {
    Role.ROOT: 512_000,
    Role.TARGETS: 2_000_000,
    Role.SNAPSHOT: 65_536,
    Role.TIMESTAMP: 16_384,
}
"""The largest file of each role that is looked at; none above what `tuf.ngclient` accepts."""

P = ParamSpec("P")
R = TypeVar("R")

VERSION_MAX = 2**31 - 1
SIGNATURES_MAX = 128  # old and new root keys of every province that GB/T 2260 counts

_KEPT_MAX = 64
_KEPT_BYTES_MAX = 32_768  # many times a file of four provinces

_KEY_ID = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{128}", re.ASCII)


class Fault(enum.Enum):
    """What is wrong with metadata; travels in the details of ``BAD_METADATA``."""

    OVERSIZED = "oversized"
    NOT_CANONICAL = "not in its canonical spelling"
    UNKNOWN_FIELD = "a field that does not belong there"
    WRONG_ROLE = "of another role"
    WRONG_VALUE = "a value that cannot be"
    TOO_FEW_SIGNATURES = "signed by too few"
    ROLLED_BACK = "older than what is known"
    OTHER_CONTENT = "another content under a version that is known"
    WRONG_LINK = "does not belong to the file it came with"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from an hour that has not come"


def fault(what: Fault, role: Role | str, text: str, **details: object) -> PeerFault:
    """Return the error of a metadata file, to be raised.

    Args:
        what: The kind of fault.
        role: Of which role the file is.
        text: One sentence.
        details: Facts for a program.
    """
    facts = {name: str(value) for name, value in details.items()}
    return PeerFault(
        Reason.BAD_METADATA,
        f"{role}: {text}",
        details={"role": str(role), "fault": what.name, **facts},
    )


def key_id(key: VerifierKey) -> str:
    """Return the TUF key id of an Ed25519 key: SHA-256 of its canonical JSON, in hex."""
    text = (
        f'{{"keytype":"ed25519","keyval":{{"public":"{key.public_key.hex()}"}},"scheme":"ed25519"}}'
    )
    return hashlib.sha256(text.encode()).hexdigest()


def kept(judge: Callable[Concatenate[bytes, P], R]) -> Callable[Concatenate[bytes, P], R]:
    """Remember what was found of the last files, which are asked about again and again.

    What is found follows from the bytes alone, and nobody may change it. Refusals are not
    remembered, nor are large files: whoever sends rubbish fills nothing with it.

    Args:
        judge: What is asked of a file.
    """
    remembering = lru_cache(maxsize=_KEPT_MAX)(judge)

    @wraps(judge)
    def found(data: bytes, /, *args: P.args, **kwargs: P.kwargs) -> R:
        if len(data) > _KEPT_BYTES_MAX:
            return judge(data, *args, **kwargs)
        return remembering(data, *args, **kwargs)  # type: ignore[arg-type]  # roles and bytes

    return found


@kept
def read_metadata(data: bytes, role: Role) -> "Metadata[Any]":
    """Return the metadata of a file in its one spelling; signatures are not looked at.

    1. Its size. 2. JSON of whole numbers, each name once. 3. Role and version. 4. What `tuf` makes
    of it, spelled again, gives the same bytes. 5. Signatures are well formed and in order.

    It is not for changing: others get the same one. Copy it.

    Args:
        data: The file.
        role: What it must be.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    from tuf.api.metadata import Metadata
    from tuf.api.serialization import DeserializationError, SerializationError

    # 1. Size.
    if len(data) > BYTES_MAX[role]:
        raise fault(
            Fault.OVERSIZED,
            role,
            f"The file has {len(data)} bytes, more than {BYTES_MAX[role]}.",
            size=len(data),
        )
    # 2. JSON.
    signed = _signed_object(data, role)
    # 3. Role and version.
    if signed.get("_type") != role.value:
        raise fault(Fault.WRONG_ROLE, role, "The file is of another role.")
    version = signed.get("version")
    if type(version) is not int or not 1 <= version <= VERSION_MAX:
        raise fault(Fault.WRONG_VALUE, role, f"The version is no number from 1 to {VERSION_MAX}.")
    # 4. One spelling.
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(data)
        spelled = metadata.to_bytes()
    except (DeserializationError, SerializationError):
        raise fault(Fault.NOT_CANONICAL, role, "The file is not metadata of TUF.") from None
    if spelled != data:
        raise fault(Fault.NOT_CANONICAL, role, "The file is not in its canonical spelling.")
    if metadata.unrecognized_fields:
        raise fault(Fault.UNKNOWN_FIELD, role, "A field beside the signed part does not belong.")
    # 5. Signatures.
    _check_signatures(metadata, role)
    return metadata


def to_file(metadata: "Metadata[Any]") -> bytes:
    """Return the one spelling of metadata, its signatures in order of their key ids."""
    ordered = dict(sorted(metadata.signatures.items()))
    metadata.signatures.clear()
    metadata.signatures.update(ordered)
    return metadata.to_bytes()


@kept
def signed_sha256(data: bytes) -> str:
    """Return the SHA-256 in hex of what is signed of a file, whoever signed it.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    return hashlib.sha256(read_metadata(data, _role(data)).signed_bytes).hexdigest()


def version_of(data: bytes) -> int:
    """Return the version that a file states of itself.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    version: int = read_metadata(data, _role(data)).signed.version
    return version


def expires_time(data: bytes) -> datetime:
    """Return the instant from which a file counts no more.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    return require_utc(read_metadata(data, _role(data)).signed.expires)


def signing_key_ids(data: bytes) -> tuple[str, ...]:
    """Return the key ids under which a file has signatures; whether they verify is not said.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    return tuple(read_metadata(data, _role(data)).signatures)


def sign(data: bytes, seed: bytes) -> bytes:
    """Return a file with one more signature; signing twice changes nothing.

    Args:
        data: The file.
        seed: 32 bytes, the Ed25519 private key.

    Raises:
        PeerFault: ``BAD_METADATA``, if it is no such file.
    """
    key = LogSigner(name="signer", seed=seed).verifier
    return with_signature(data, key=key, signature=signature_of(data, seed))


def signature_of(data: bytes, seed: bytes) -> bytes:
    """Return the 64 bytes of a key's signature over what is signed of a file.

    Args:
        data: The file.
        seed: 32 bytes, the Ed25519 private key.

    Raises:
        PeerFault: ``BAD_METADATA``.
    """
    metadata = read_metadata(data, _role(data))
    return LogSigner(name="signer", seed=seed).sign(metadata.signed_bytes)


def with_signature(data: bytes, *, key: VerifierKey, signature: bytes) -> bytes:
    """Return a file with a signature that somebody else made, once it verified.

    Args:
        data: The file.
        key: Whose it is said to be.
        signature: 64 bytes.

    Raises:
        PeerFault: ``BAD_METADATA``, if it is no such file; ``BAD_SIGNATURE``.
    """
    key.verify(read_metadata(data, _role(data)).signed_bytes, signature)
    value = json.loads(data)
    rows = {row["keyid"]: row for row in value["signatures"]}
    rows[key_id(key)] = {"keyid": key_id(key), "sig": signature.hex()}
    value["signatures"] = [row for _, row in sorted(rows.items())]
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def merge(first: bytes, second: bytes) -> bytes:
    """Return one file with the signatures of two copies.

    Where both hold a signature of one key, the first one's stays.

    Args:
        first: The file.
        second: A copy of it, signed by others.

    Raises:
        PeerFault: ``BAD_METADATA``, if they do not say the same.
    """
    role = _role(first)
    ours, theirs = deepcopy(read_metadata(first, role)), read_metadata(second, role)
    if ours.signed_bytes != theirs.signed_bytes:
        raise fault(Fault.OTHER_CONTENT, role, "The two copies do not say the same.")
    ours.signatures.update({**theirs.signatures, **ours.signatures})
    return to_file(ours)


def check_not_older(known: bytes, offered: bytes) -> None:
    """Refuse a file that may not replace another of its role.

    The same content under the same version is well, whoever signed it.

    Args:
        known: What was accepted.
        offered: What shall take its place.

    Raises:
        PeerFault: ``BAD_METADATA``, if it is older, or says something else under the same version.
    """
    role = _role(known)
    old, new = read_metadata(known, role), read_metadata(offered, role)
    if new.signed.version < old.signed.version:
        raise fault(
            Fault.ROLLED_BACK,
            role,
            f"Version {new.signed.version} is older than {old.signed.version}, which is known.",
            version=new.signed.version,
            known=old.signed.version,
        )
    if new.signed.version == old.signed.version and new.signed_bytes != old.signed_bytes:
        raise fault(
            Fault.OTHER_CONTENT,
            role,
            f"Version {new.signed.version} is known with another content.",
            version=new.signed.version,
        )


def _check_signatures(metadata: "Metadata[Any]", role: Role) -> None:
    """Refuse signatures out of order or form."""
    ids = list(metadata.signatures)
    are_texts = all(isinstance(identifier, str) for identifier in ids)
    if not are_texts or ids != sorted(set(ids)) or len(ids) > SIGNATURES_MAX:
        raise fault(
            Fault.NOT_CANONICAL, role, f"Signatures stand by key id, at most {SIGNATURES_MAX}."
        )
    for signature in metadata.signatures.values():
        if signature.unrecognized_fields:
            raise fault(Fault.UNKNOWN_FIELD, role, "A signature has a field that does not belong.")
        texts = (signature.keyid, signature.signature)
        forms = (_KEY_ID, _SIGNATURE)
        if not all(
            isinstance(text, str) and form.fullmatch(text)
            for text, form in zip(texts, forms, strict=True)
        ):
            raise fault(Fault.NOT_CANONICAL, role, "A signature is not key id and 64 bytes in hex.")


@kept
def _role(data: bytes) -> Role:
    """Return the role that a file states of itself."""
    if len(data) > max(BYTES_MAX.values()):
        raise fault(Fault.OVERSIZED, "metadata", "The file is too large for any role.")
    text = _signed_object(data, "metadata").get("_type")
    if not isinstance(text, str) or text not in set(Role):
        raise fault(Fault.WRONG_ROLE, "metadata", "The file is of no role that there is.")
    return Role(text)


def _signed_object(data: bytes, role: Role | str) -> dict[str, Any]:
    """Return the signed part as a plain object."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError
        return dict(pairs)

    def refuse(_: str) -> NoReturn:
        raise ValueError

    try:
        value = json.loads(
            data.decode("ascii"), object_pairs_hook=once, parse_float=refuse, parse_constant=refuse
        )
    except (ValueError, RecursionError):
        raise _no_json(role) from None
    if not isinstance(value, dict) or not isinstance(value.get("signed"), dict):
        raise _no_json(role)
    signed: dict[str, Any] = value["signed"]
    return signed


def _no_json(role: Role | str) -> DeltacareError:
    return fault(
        Fault.NOT_CANONICAL,
        role,
        "The file is not JSON of an object that holds what is signed.",
    )
