"""Private keys on disk: each file encrypted under a passphrase that lies somewhere else.

One key-encryption key a directory, derived by scrypt from the passphrase and the salt in
``kdf.json``; each file then is AES-256-GCM under it, bound to the name and the public part that
stand beside the ciphertext in clear. A backup of the directory gives nothing away, and a file put
in another's place is noticed. What the keys may sign is decided elsewhere.

Sources: RFC 7914 (scrypt); NIST SP 800-38D (GCM, 96-bit random nonces: one directory holds far
fewer files than the 2^32 that they allow).
"""

import base64
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Self

from deltacare.errors import DeltacareError, Reason, Refusal, invalid_field

__all__ = [
    "COST",
    "PASSPHRASE_CHARS_MIN",
    "SealedKey",
    "Vault",
    "describe",
    "passphrase_path",
    "read_passphrase",
    "require_passphrase",
    "write_new",
]

COST = 2**15
"""scrypt's n: about a tenth of a second and 32 MiB for each guess at the passphrase."""

PASSPHRASE_CHARS_MIN = 12
KDF_FILE = "kdf.json"
VARIABLE = "DELTACARE_KEY_PASSPHRASE"
FILE_VARIABLE = "DELTACARE_KEY_PASSPHRASE_FILE"

_COSTS = {2**power for power in range(10, 19)}
_BLOCK, _PARALLEL = 8, 1
_KEY_BYTES, _SALT_BYTES, _NONCE_BYTES = 32, 16, 12
_FILE_BYTES_MAX = 65_536
_KDF_FORMAT = "deltacare/kdf/v1"
_KEY_FORMAT = "deltacare/key/v1"
_CHECK = "passphrase"
_NUMBERS = {"n", "p", "r"}
_PRIVATE_MODE, _PUBLIC_MODE, _DIRECTORY_MODE = 0o600, 0o644, 0o700
_DERIVED_MAX = 256

_derived: dict[tuple[bytes, int, bytes], bytes] = {}
_lock = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """What stands in clear in a key file.

    Attributes:
        name: What the key is for.
        public: Its public part as text; empty for a secret that has none.
    """

    name: str
    public: str


def read_passphrase(environ: Mapping[str, str], file: Path | None = None) -> bytes | None:
    """Return the passphrase, ``None`` if nobody says one.

    The file that ``DELTACARE_KEY_PASSPHRASE_FILE`` names comes first, then
    ``DELTACARE_KEY_PASSPHRASE``, then the file that the settings name.

    Args:
        environ: The environment.
        file: As the settings name it.

    Raises:
        Refusal: ``INVALID_FIELD``, if a file that is named cannot be read or is empty.
    """
    path = passphrase_path(environ, file)
    if path is not None:
        return _passphrase_of(path)
    said = environ.get(VARIABLE)
    return said.encode() if said else None


def passphrase_path(environ: Mapping[str, str], file: Path | None = None) -> Path | None:
    """Return the file that holds the passphrase, ``None`` if it comes from no file.

    Args:
        environ: The environment.
        file: As the settings name it.
    """
    named = environ.get(FILE_VARIABLE)
    if named:
        return Path(named)
    return None if environ.get(VARIABLE) else file


def require_passphrase(environ: Mapping[str, str], file: Path | None = None) -> bytes:
    """Return the passphrase.

    Raises:
        Refusal: ``INVALID_FIELD``, if nobody says one.
    """
    found = read_passphrase(environ, file)
    if found is None:
        raise invalid_field(
            "passphrase",
            "",
            "The private keys are encrypted, and no passphrase is given.",
            f"Set {FILE_VARIABLE} to a file that holds it, or {VARIABLE} to itself.",
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """Opens and seals the key files of one directory; the key itself is never shown.

    Attributes:
        directory: Where ``kdf.json`` and the key files stand.
    """

    directory: Path
    _key: bytes = field(repr=False)

    @classmethod
    def create(
        cls,
        directory: Path,
        passphrase: bytes,
        *,
        entropy: Callable[[int], bytes],
        cost: int = COST,
    ) -> Self:
        """Make a directory for keys that shall be encrypted under a passphrase.

        Args:
            directory: Made if need be.
            passphrase: At least 12 characters.
            entropy: Returns so many unpredictable bytes.
            cost: scrypt's n, a power of two from 2^10 to 2^18.

        Raises:
            Refusal: ``INVALID_FIELD``, if the passphrase is too short; ``ALREADY_EXISTS``, if there
                is such a directory.
        """
        assert cost in _COSTS, "a cost that reading accepts"
        if len(passphrase.decode(errors="replace")) < PASSPHRASE_CHARS_MIN:
            raise invalid_field(
                "passphrase",
                "",
                f"It has fewer than {PASSPHRASE_CHARS_MIN} characters.",
                "Take six random words, or openssl rand -base64 24.",
            )
        directory.mkdir(parents=True, exist_ok=True, mode=_DIRECTORY_MODE)
        salt = entropy(_SALT_BYTES)
        vault = cls(directory=directory, _key=_derive(passphrase, salt, cost))
        value = {
            "format": _KDF_FORMAT,
            "kdf": "scrypt",
            "n": cost,
            "r": _BLOCK,
            "p": _PARALLEL,
            "salt": salt.hex(),
            "check": vault._seal(_CHECK, "", b"", entropy(_NONCE_BYTES)),
        }
        write_new(directory / KDF_FILE, _json(value), private=True)
        return vault

    @classmethod
    def open(cls, directory: Path, passphrase: bytes) -> Self:
        """Open a directory of keys.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is none, or the passphrase is another.
        """
        path = directory / KDF_FILE
        value = _read(path, _KDF_FORMAT, ("check", "format", "kdf", "n", "p", "r", "salt"))
        try:
            salt = bytes.fromhex(value["salt"])
            known = (value["kdf"], value["r"], value["p"]) == ("scrypt", _BLOCK, _PARALLEL)
        except ValueError:
            raise _damaged(path) from None
        cost = value["n"]
        if not known or type(cost) is not int or cost not in _COSTS or len(salt) != _SALT_BYTES:
            raise _damaged(path)
        vault = cls(directory=directory, _key=_derive(passphrase, salt, cost))
        try:
            vault._open(_CHECK, "", value["check"])
        except ValueError:
            raise invalid_field(
                "passphrase",
                "",
                f"It does not open the keys in {directory}.",
                f"Give the one they were made with, by {FILE_VARIABLE} or {VARIABLE}.",
            ) from None
        return vault

    def write(
        self,
        path: Path,
        secret: bytes,
        *,
        name: str,
        public: str = "",
        entropy: Callable[[int], bytes],
    ) -> None:
        """Seal a secret into a file that must not exist.

        Args:
            path: Where to.
            secret: What.
            name: What it is for.
            public: Its public part.
            entropy: Returns so many unpredictable bytes.

        Raises:
            Refusal: ``ALREADY_EXISTS``.
        """
        write_new(
            path, self.sealed(secret, name=name, public=public, entropy=entropy), private=True
        )

    def sealed(
        self, secret: bytes, *, name: str, public: str = "", entropy: Callable[[int], bytes]
    ) -> bytes:
        """Return the content of a key file, for a caller who replaces one."""
        sealed = self._seal(name, public, secret, entropy(_NONCE_BYTES))
        return _json({"format": _KEY_FORMAT, "name": name, "public": public, "sealed": sealed})

    def read(self, path: Path, *, name: str) -> bytes:
        """Return the secret of a file.

        Args:
            path: The file.
            name: What it must be for.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the file, if it is missing, damaged, or another's.
        """
        found = describe(path)
        if found.name != name:
            raise _damaged(path)
        value = _read(path, _KEY_FORMAT, ("format", "name", "public", "sealed"))
        try:
            return self._open(found.name, found.public, value["sealed"])
        except ValueError:
            raise _damaged(path) from None

    def _seal(self, name: str, public: str, secret: bytes, nonce: bytes) -> str:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        sealed = AESGCM(self._key).encrypt(nonce, secret, _bound(name, public))
        return base64.b64encode(nonce + sealed).decode()

    def _open(self, name: str, public: str, text: str) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        data = base64.b64decode(text, validate=True)
        try:
            return AESGCM(self._key).decrypt(
                data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(name, public)
            )
        except InvalidTag:
            raise ValueError from None


def describe(path: Path) -> SealedKey:
    """Return what stands in clear in a key file; no passphrase is needed.

    Raises:
        Refusal: ``INVALID_FIELD``, naming the file.
    """
    value = _read(path, _KEY_FORMAT, ("format", "name", "public", "sealed"))
    return SealedKey(name=value["name"], public=value["public"])


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


def _derive(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    """Return the key-encryption key; derived once a process for a directory and passphrase."""
    place = (salt, cost, hashlib.sha256(passphrase).digest())
    with _lock:
        found = _derived.get(place)
    if found is None:
        found = hashlib.scrypt(
            passphrase,
            salt=salt,
            n=cost,
            r=_BLOCK,
            p=_PARALLEL,
            maxmem=256 * cost * _BLOCK,
            dklen=_KEY_BYTES,
        )
        with _lock:
            if len(_derived) >= _DERIVED_MAX:
                _derived.clear()
            _derived[place] = found
    return found


def _bound(name: str, public: str) -> bytes:
    return f"{_KEY_FORMAT}\n{name}\n{public}".encode()


def _json(value: Mapping[str, object]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _read(path: Path, kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the object of a file, of exactly these names."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise invalid_field(
            "keys",
            path,
            f"The file cannot be read: {error.strerror or type(error).__name__}.",
            "Check the path and the right to read it, or restore it from the backup.",
        ) from None
    try:
        value = json.loads(data) if len(data) <= _FILE_BYTES_MAX else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or sorted(value) != list(names) or value["format"] != kind:
        raise _damaged(path)
    if not all(isinstance(item, str) for name, item in value.items() if name not in _NUMBERS):
        raise _damaged(path)
    return value


def _passphrase_of(path: Path) -> bytes:
    """Return the passphrase in a file: its content without the last line's end."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_BYTES_MAX)
    except OSError as error:
        raise invalid_field(
            "passphrase",
            path,
            f"The file cannot be read: {error.strerror or type(error).__name__}.",
            f"Check {FILE_VARIABLE}, or passphrase_file in the settings.",
        ) from None
    found = data.removesuffix(b"\n").removesuffix(b"\r")
    if not found:
        raise invalid_field("passphrase", path, "The file is empty.", "Write the passphrase in it.")
    return found


def _damaged(path: Path) -> DeltacareError:
    """Return the refusal of a key file; never with anything of its content."""
    return invalid_field(
        "keys",
        path,
        "The file does not hold the key that belongs there.",
        "Restore it from the backup of this directory.",
    )
