"""Tags by which two home provinces find an elder whom both are asked to pay for, and learn no more.

Each member has an X25519 key. Two of them agree on a secret that nobody else can compute (RFC
7748), and make of it a key for the two and one year of service (HKDF-SHA-256, RFC 5869). An elder's
tag is the first half of an HMAC of the identity number under that key: the same from both, another
with every other member and in every other year, and for whoever holds neither private key a random
number. That identity numbers are few enough to be tried one by one is therefore of no use to anyone
but the two. Which tags are stated, and what follows from them, is decided elsewhere.
"""

import hashlib
import hmac
import re
from typing import TYPE_CHECKING

from deltacare.ids import parse_identity_number

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

__all__ = [
    "OVERLAP_KEY_BYTES",
    "OVERLAP_TAG_BYTES",
    "OverlapSecret",
    "TagKey",
    "is_overlap_key_id",
    "is_overlap_public_key",
    "overlap_key_id",
]

OVERLAP_KEY_BYTES = 32
OVERLAP_TAG_BYTES = 16

_DOMAIN = "deltacare/v1/overlap"
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_KEY_ID_BYTES = 8
# Any private key will do: whether a public one is of small order does not depend on it.
_PROBE = bytes([9] * OVERLAP_KEY_BYTES)


def is_overlap_key_id(text: str) -> bool:
    """Whether a text has the form of a key's name."""
    return _KEY_ID.fullmatch(text) is not None


def is_overlap_public_key(data: bytes) -> bool:
    """Whether bytes are a public key with which a secret can be shared.

    A point of small order would make one secret with everybody's key (RFC 7748, section 6.1).
    """
    if len(data) != OVERLAP_KEY_BYTES:
        return False
    try:
        _exchanged(_private_key(_PROBE), data)
    except ValueError:
        return False
    return True


def overlap_key_id(public_key: bytes) -> str:
    """Return the name that a node gives a key: the first half of its SHA-256, in hexadecimal."""
    return hashlib.sha256(public_key).digest()[:_KEY_ID_BYTES].hex()


def _private_key(data: bytes) -> "X25519PrivateKey":
    """Return a private key of its bytes."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(data)


def _exchanged(private_key: "X25519PrivateKey", public_key: bytes) -> bytes:
    """Return what two keys have in common.

    Raises:
        ValueError: If the public one is of small order.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    return private_key.exchange(X25519PublicKey.from_public_bytes(public_key))


class TagKey:
    """The key of two provinces and one year; makes tags and shows nothing of itself."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "TagKey()"

    def tag(self, identity_number: str) -> bytes:
        """Return the tag of a person: 16 bytes.

        Args:
            identity_number: As `parse_identity_number` accepts it; it is normalised here, so that
                both sides tag the same bytes.

        Raises:
            Refusal: ``INVALID_FIELD``, without repeating the value.
        """
        number = parse_identity_number(identity_number)
        return hmac.digest(self._key, number.encode(), hashlib.sha256)[:OVERLAP_TAG_BYTES]


class OverlapSecret:
    """A province's private key; it agrees with others and is never shown.

    Args:
        private_key: 32 bytes of entropy.
    """

    __slots__ = ("_private_key", "public_key")

    def __init__(self, private_key: bytes) -> None:
        assert len(private_key) == OVERLAP_KEY_BYTES, "X25519 has keys of 32 bytes"
        self._private_key = _private_key(private_key)
        self.public_key = self._private_key.public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"OverlapSecret({self.key_id})"

    @property
    def key_id(self) -> str:
        """Name of the key."""
        return overlap_key_id(self.public_key)

    def agree(self, public_key: bytes, *, own: str, other: str, service_year: int) -> TagKey:
        """Return the key of two provinces for a year of service.

        Args:
            public_key: The other's, for which `is_overlap_public_key` holds.
            own: Own province.
            other: The other one.
            service_year: Year of the months of service.
        """
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        assert own != other, "a province agrees with another"
        shared = _exchanged(self._private_key, public_key)
        lower, higher = sorted((own, other))
        info = "\n".join((_DOMAIN, lower, higher, str(service_year))).encode()
        salt = hashlib.sha256(b"".join(sorted((self.public_key, public_key)))).digest()
        key = HKDF(algorithm=SHA256(), length=OVERLAP_KEY_BYTES, salt=salt, info=info)
        return TagKey(key.derive(shared))
