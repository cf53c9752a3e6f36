"""A node's private keys on disk: one file a key, readable by its owner alone, never overwritten.

Signing keys stand in the text form of Go's ``note`` package, which names the key and carries its
id, so that a file in the wrong place is noticed. Nothing here says what a key may sign.
"""

import base64
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar

from clients.sdk.credentials import read_file
from deltacare.errors import DeltacareError, Reason, Refusal, invalid_field
from deltacare.ids import LogName, all_logs
from deltacare.keys import LogSigner, WitnessSigner
from deltacare.trust import bundle_key_name, witness_key_name

__all__ = ["NodeKeys", "write_new"]

SEED_BYTES = 32

_PREFIX = "PRIVATE+KEY+"
_PRIVATE_MODE = 0o600
_PUBLIC_MODE = 0o644
_BUNDLE = "bundle.key"
_WITNESS = "witness.key"
_REQUEST_MAC = "request-mac.secret"
_SALT = "salt.secret"
_CODE = "enrolment-code.secret"

S = TypeVar("S", LogSigner, WitnessSigner)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKeys:
    """Every private key of a node but that of its certificate; never shown.

    Attributes:
        logs: Of each own log.
        witness: Cosigns.
        bundle: Consents to trust bundles.
        request_mac_key: 32 bytes; compares the content of repeated requests.
        salt_key: 32 bytes; encrypts what may be erased.
        code_key: 32 bytes; enrolment codes are derived from it.
    """

    logs: Mapping[LogName, LogSigner] = field(repr=False)
    witness: WitnessSigner = field(repr=False)
    bundle: LogSigner = field(repr=False)
    request_mac_key: bytes = field(repr=False)
    salt_key: bytes = field(repr=False)
    code_key: bytes = field(repr=False)

    @classmethod
    def generate(
        cls, province: str, provinces: Iterable[str], *, entropy: Callable[[int], bytes]
    ) -> Self:
        """Return new keys for a member.

        Args:
            province: Whose node it is.
            provinces: Every member.
            entropy: Returns so many unpredictable bytes.
        """
        return cls(
            logs={
                log: LogSigner(name=str(log), seed=entropy(SEED_BYTES))
                for log in all_logs(provinces)
                if log.author == province
            },
            witness=WitnessSigner(name=witness_key_name(province), seed=entropy(SEED_BYTES)),
            bundle=LogSigner(name=bundle_key_name(province), seed=entropy(SEED_BYTES)),
            request_mac_key=entropy(SEED_BYTES),
            salt_key=entropy(SEED_BYTES),
            code_key=entropy(SEED_BYTES),
        )

    def write(self, directory: Path) -> None:
        """Write every key into a directory.

        Raises:
            Refusal: ``ALREADY_EXISTS``, if one is there.
        """
        for log, signer in self.logs.items():
            write_new(directory / _log_file(log), _signer_text(signer), private=True)
        write_new(directory / _WITNESS, _signer_text(self.witness), private=True)
        write_new(directory / _BUNDLE, _signer_text(self.bundle), private=True)
        write_new(directory / _REQUEST_MAC, self.request_mac_key.hex().encode(), private=True)
        write_new(directory / _SALT, self.salt_key.hex().encode(), private=True)
        write_new(directory / _CODE, self.code_key.hex().encode(), private=True)

    @classmethod
    def read(cls, directory: Path, *, province: str, provinces: Iterable[str]) -> Self:
        """Read a member's keys.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the file that is missing or holds another key.
        """
        own = [log for log in all_logs(provinces) if log.author == province]
        return cls(
            logs={
                log: _read_signer(directory / _log_file(log), str(log), LogSigner) for log in own
            },
            witness=_read_signer(directory / _WITNESS, witness_key_name(province), WitnessSigner),
            bundle=read_bundle_key(directory, province=province),
            request_mac_key=_read_secret(directory / _REQUEST_MAC),
            salt_key=_read_secret(directory / _SALT),
            code_key=_read_secret(directory / _CODE),
        )


def read_bundle_key(directory: Path, *, province: str) -> LogSigner:
    """Read only the key with which a member consents to bundles."""
    return _read_signer(directory / _BUNDLE, bundle_key_name(province), LogSigner)


def write_new(path: Path, data: bytes, *, private: bool) -> None:
    """Write a file that must not exist, durably.

    Args:
        path: Where to.
        data: What.
        private: Whether only the owner may read it.

    Raises:
        Refusal: ``ALREADY_EXISTS``.
    """
    mode = _PRIVATE_MODE if private else _PUBLIC_MODE
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        raise Refusal(
            Reason.ALREADY_EXISTS,
            f"{path} exists already and is not overwritten.",
            details={"path": str(path)},
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _log_file(log: LogName) -> str:
    """Return the name of a log's key file."""
    return f"log-settlement-{log.partner}.key" if log.partner else "log-registry.key"


def _signer_text(signer: LogSigner | WitnessSigner) -> bytes:
    """Return a signing key's file."""
    verifier = signer.verifier
    material = base64.b64encode(bytes([verifier.algorithm]) + signer.seed).decode()
    return f"{_PREFIX}{verifier.name}+{verifier.key_id.hex()}+{material}\n".encode()


def _read_signer(path: Path, name: str, kind: type[S]) -> S:
    """Read a signing key that must have a name."""
    data = read_file(path, field_name="keys")
    try:
        text = data.decode("ascii").strip()
        # Base64 may hold a plus, a key's name may not.
        key_name, key_id, encoded = text.removeprefix(_PREFIX).split("+", 2)
        material = base64.b64decode(encoded, validate=True)
        signer = kind(name=name, seed=material[1:])
    except (ValueError, AssertionError):
        raise _unreadable(path) from None
    verifier = signer.verifier
    found = (text.startswith(_PREFIX), key_name, key_id, material[0])
    if found != (True, name, verifier.key_id.hex(), verifier.algorithm):
        raise _unreadable(path)
    return signer


def _read_secret(path: Path) -> bytes:
    """Read a secret of 32 bytes."""
    try:
        secret = bytes.fromhex(read_file(path, field_name="keys").decode("ascii").strip())
    except ValueError:
        raise _unreadable(path) from None
    if len(secret) != SEED_BYTES:
        raise _unreadable(path)
    return secret


def _unreadable(path: Path) -> DeltacareError:
    """Return the refusal of a key file; never with anything of its content."""
    return invalid_field(
        "keys",
        path,
        "The file does not hold the key that belongs there.",
        "Restore it from the backup of this node.",
    )
