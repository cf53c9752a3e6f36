"""Ed25519 keys under the names and key ids of C2SP signed notes, and salted name digests.

The one place of the kernel that touches a cryptographic library for signatures. Private keys and
entropy are passed in as bytes; nothing here generates, stores or reads them. What is signed is
decided elsewhere: `deltacare.tlog.note` and `deltacare.tlog.cosignature` each define their bytes.

Source: https://c2sp.org/signed-note (verifier keys, signature types 0x01 and 0x04).
"""

import base64
import binascii
import enum
import hashlib
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Self

from deltacare.errors import PeerFault, Reason, invalid_field

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

__all__ = [
    "SALT_BYTES",
    "Algorithm",
    "LogSigner",
    "NoteSignature",
    "VerifierKey",
    "WitnessSigner",
    "decode_base64",
    "ed25519_public_key",
    "ed25519_sign",
    "is_ed25519_public_key",
    "is_ed25519_signature",
    "is_key_name",
    "name_digest",
]

KEY_BYTES = 32
SIGNATURE_BYTES = 64
KEY_ID_BYTES = 4
KEY_NAME_CHARS_MAX = 255
SALT_BYTES = 16
NAME_CHARS_MAX = 256

# Points whose order divides 8 verify signatures that nobody made; by their y coordinate.
_FIELD = 2**255 - 19
_ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_WEAK_Y = frozenset({0, 1, _FIELD - 1, _ORDER_8_Y, _FIELD - _ORDER_8_Y})

_VKEY_CHARS_MAX = 1_024
_KEY_ID_HEX = re.compile(r"[0-9a-f]{8}", re.ASCII)
_NO_NAME = re.compile(r"[\s+\x00-\x1f\x7f]")
_NAME_DIGEST_DOMAIN = b"deltacare/v1/name-digest"


class Algorithm(enum.IntEnum):
    """Signature types of C2SP signed-note that this version speaks."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


def is_key_name(name: str) -> bool:
    """Whether a text may name a key: not empty, no space of any script, no plus, no control."""
    return 0 < len(name) <= KEY_NAME_CHARS_MAX and _NO_NAME.search(name) is None


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of canonical standard base64 (RFC 4648 section 4), else ``None``.

    Canonical: padded, no foreign characters, no stray bits, so that one value has one spelling.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode("ascii") == text else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSignature:
    """One signature line of a note.

    Attributes:
        name: Key name.
        key_id: Four bytes that with the name find the key.
        signature: What follows the key id; for type 0x04 the timestamp comes first.
    """

    name: str
    key_id: bytes
    signature: bytes

    def to_line(self) -> str:
        """Return the line with its final newline."""
        encoded = base64.b64encode(self.key_id + self.signature).decode("ascii")
        return f"\N{EM DASH} {self.name} {encoded}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key with its name and algorithm: what C2SP calls a vkey.

    Attributes:
        name: Key name; for a log its origin.
        algorithm: Signature type.
        public_key: 32 bytes, RFC 8032.
    """

    name: str
    algorithm: Algorithm
    public_key: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        assert is_key_name(self.name), "a key needs a name without spaces and plus"
        assert len(self.public_key) == KEY_BYTES, "an Ed25519 public key has 32 bytes"
        message = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key
        object.__setattr__(self, "key_id", hashlib.sha256(message).digest()[:KEY_ID_BYTES])

    @classmethod
    def from_text(
        cls, text: str, *, algorithm: Algorithm | None = None, field_name: str = "key"
    ) -> Self:
        """Return the key of a vkey text ``name+hex+base64``.

        Args:
            text: The vkey.
            algorithm: The one type that is acceptable here; ``None`` for any known one.
            field_name: The name that a refusal gives.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no such text, its key id is not that of its key,
                or its type is another.
        """
        parts = text.split("+", 2) if len(text) <= _VKEY_CHARS_MAX else []
        remedy = "Copy the verifier key as its owner published it: name+8 hex digits+base64."
        if len(parts) != 3 or not is_key_name(parts[0]):  # noqa: PLR2004 - three parts
            raise invalid_field(field_name, text, "This is not a verifier key.", remedy)
        name, key_id_hex, encoded = parts
        material = decode_base64(encoded)
        if not _KEY_ID_HEX.fullmatch(key_id_hex) or material is None:
            raise invalid_field(field_name, text, "This is not a verifier key.", remedy)
        if len(material) != 1 + KEY_BYTES or material[0] not in (1, 4):
            raise invalid_field(
                field_name, text, "The key is not of type 0x01 or 0x04 (Ed25519).", remedy
            )
        found = Algorithm(material[0])
        if algorithm is not None and found is not algorithm:
            raise invalid_field(
                field_name,
                text,
                f"The key is of type 0x{found:02x}, but 0x{algorithm:02x} is needed here.",
                remedy,
            )
        key = cls(name=name, algorithm=found, public_key=material[1:])
        if key.key_id.hex() != key_id_hex:
            raise invalid_field(field_name, text, "The key id is not that of the key.", remedy)
        if _is_weak(key.public_key):
            raise invalid_field(
                field_name, text, "The key is weak: anyone can sign for it.", "Make another key."
            )
        return key

    def to_text(self) -> str:
        """Return the vkey text."""
        material = base64.b64encode(bytes([self.algorithm]) + self.public_key).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def matches(self, signature: NoteSignature) -> bool:
        """Whether a signature line claims to be by this key."""
        return signature.key_id == self.key_id and signature.name == self.name

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check an Ed25519 signature over exactly `message`.

        Args:
            message: The signed bytes.
            signature: 64 bytes, without key id or timestamp.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if it is not this key's signature over `message`.
        """
        from cryptography.exceptions import InvalidSignature

        try:
            _verify(self.public_key, message, signature)
        except (InvalidSignature, ValueError):
            raise PeerFault(
                Reason.BAD_SIGNATURE,
                f"A signature in the name of {self.name} does not verify.",
                details={"key": self.name, "key_id": self.key_id.hex()},
            ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    """A private key under a name. The seed is never shown."""

    name: str
    seed: bytes = field(repr=False)
    verifier: VerifierKey = field(init=False)

    def __post_init__(self) -> None:
        assert len(self.seed) == KEY_BYTES, "an Ed25519 private key is 32 bytes of entropy"
        public = _private_key(self.seed).public_key().public_bytes_raw()
        verifier = VerifierKey(name=self.name, algorithm=self._algorithm(), public_key=public)
        object.__setattr__(self, "verifier", verifier)

    @classmethod
    def _algorithm(cls) -> Algorithm:
        raise NotImplementedError

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of the Ed25519 signature over `message` (RFC 8032)."""
        return _private_key(self.seed).sign(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSigner(_Signer):
    """Signs notes as type 0x01: a log's checkpoints, or a member's consent to a trust bundle.

    Args:
        name: Key name; for a log its origin.
        seed: 32 bytes of entropy: the private key itself.
    """

    @classmethod
    def _algorithm(cls) -> Algorithm:
        return Algorithm.ED25519


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessSigner(_Signer):
    """Signs cosignatures as type 0x04. Its key signs nothing else.

    Args:
        name: Key name of the witness.
        seed: 32 bytes of entropy: the private key itself.
    """

    @classmethod
    def _algorithm(cls) -> Algorithm:
        return Algorithm.COSIGNATURE_V1


def ed25519_public_key(seed: bytes) -> bytes:
    """Return the public key of 32 bytes of entropy."""
    return _private_key(seed).public_key().public_bytes_raw()


def ed25519_sign(seed: bytes, message: bytes) -> bytes:
    """Return the 64 bytes of the signature over `message` (RFC 8032)."""
    return _private_key(seed).sign(message)


def is_ed25519_public_key(public_key: bytes) -> bool:
    """Whether bytes may be a public key: 32 of them, and not one that anybody can sign for."""
    return len(public_key) == KEY_BYTES and not _is_weak(public_key)


def is_ed25519_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether bytes are a key's signature over exactly `message`."""
    from cryptography.exceptions import InvalidSignature

    if not is_ed25519_public_key(public_key):
        return False
    try:
        _verify(public_key, message, signature)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_weak(public_key: bytes) -> bool:
    """Whether a public key is of small order or spelled in another way than RFC 8032's."""
    y = int.from_bytes(public_key, "little") & (2**255 - 1)
    return y >= _FIELD or y in _WEAK_Y


@lru_cache(maxsize=256)
def _public_key(raw: bytes) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(raw)


@lru_cache(maxsize=4_096)
def _verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Verify once: a checkpoint and its cosignatures arrive by several ways.

    What does not verify raises, and is not remembered.
    """
    _public_key(public_key).verify(signature, message)


@lru_cache(maxsize=64)
def _private_key(seed: bytes) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(seed)


def name_digest(name: str, *, salt: bytes) -> bytes:
    """Return the digest under which a person's or an institution's name stands in a log.

    SHA-256 over the domain ``deltacare/v1/name-digest``, the salt and the name, each preceded by
    its length in four bytes, big-endian. The name is first put in NFC and loses every space, so
    that two spellings of one name compare equal; nothing else is folded. Without the salt the
    digest says nothing about the name; deleting the salt erases it.

    Args:
        name: The name, 1 to 256 characters after folding.
        salt: 16 random bytes, one salt a name.

    Raises:
        Refusal: ``INVALID_FIELD``, if the name is empty or too long.
    """
    assert len(salt) == SALT_BYTES, "a salt has 16 bytes"
    folded = "".join(c for c in unicodedata.normalize("NFC", name) if not c.isspace())
    if not 0 < len(folded) <= NAME_CHARS_MAX:
        raise invalid_field(
            "name", "", f"A name has 1 to {NAME_CHARS_MAX} characters without spaces."
        )
    digest = hashlib.sha256()
    for part in (_NAME_DIGEST_DOMAIN, salt, folded.encode()):
        digest.update(len(part).to_bytes(4, "big"))
        digest.update(part)
    return digest.digest()
