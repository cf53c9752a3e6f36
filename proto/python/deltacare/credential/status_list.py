"""Token Status List: two bits a certificate, signed for five minutes at a time.

The list is bytes in which place i stands in bits 2·(i mod 4) and up of byte i div 4, the lowest
bits first, compressed as a ZLIB stream (draft-ietf-oauth-status-list, section 4). What a value
means: 0 valid, 1 invalid for good (revoked), 2 suspended; 3 is left to applications by the draft
and not used here: a certificate that ran out says so itself, and one whose holder was erased is
still a certificate.

Two forms of one list: a JWT, which everybody reads, and a CWT, which is little larger than the
compressed list because its bytes are not written as text twice. Decompression is bounded before it
begins, so a list that would unpack to more than its places costs nothing.
"""

import enum
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from deltacare.credential.jws import (
    SigningKey,
    VerifyingKey,
    b64url,
    bad_token,
    decode_b64url,
    parse_jws,
    parse_object,
    sign_jws,
)
from deltacare.credential.names import issuer_of_uri, parse_status_uri, status_uri
from deltacare.errors import Refusal
from deltacare.times import from_posix_s, parse_date, posix_s

__all__ = [
    "LIST_BYTES_MAX",
    "LIST_PLACES",
    "STATUS_BITS",
    "STATUS_LIST_TYPE",
    "TOKEN_BYTES_MAX",
    "TTL_S",
    "Status",
    "StatusListToken",
    "compress_list",
    "decompress_list",
    "list_bytes",
    "list_hash",
    "new_list",
    "require_places",
    "set_status",
    "status_at",
    "verified_list",
]

STATUS_BITS = 2
LIST_PLACES = 1_048_576
LIST_BYTES_MAX = LIST_PLACES * STATUS_BITS // 8
STATUS_LIST_TYPE = "statuslist+jwt"
TTL_S = 300
"""Seconds after which whoever has a network asks for a newer list."""

TOKEN_BYTES_MAX = 524_288
_PER_BYTE = 8 // STATUS_BITS
_MASK = (1 << STATUS_BITS) - 1
_LEVEL = 9  # 24.7 kB instead of 28.3 kB at 2 % of a million, for a tenth of a second

_CLAIMS = frozenset(
    {"entry_count", "exp", "iat", "iss", "log_size", "on_date", "status_list", "sub", "ttl"}
)
_LIST_NAMES = frozenset({"bits", "lst"})


class Status(enum.IntEnum):
    """What a list says of a certificate (draft-ietf-oauth-status-list, section 7.1)."""

    VALID = 0
    INVALID = 1
    SUSPENDED = 2


def list_bytes(entry_count: int) -> int:
    """Return the size of a list of so many places: whole bytes."""
    return -(-entry_count // _PER_BYTE)


def new_list(entry_count: int) -> bytearray:
    """Return a list in which every place is valid."""
    return bytearray(list_bytes(entry_count))


def set_status(data: bytearray, index: int, status: Status) -> None:
    """Write one place."""
    at, shift = index // _PER_BYTE, index % _PER_BYTE * STATUS_BITS
    data[at] = data[at] & ~(_MASK << shift) | int(status) << shift


def status_at(data: bytes | bytearray, index: int) -> int:
    """Return the value at a place.

    Raises:
        IndexError: If the list has no such place.
    """
    return data[index >> 2] >> ((index & 3) << 1) & 3


def list_hash(data: bytes | bytearray) -> bytes:
    """Return what an entry states of a list: SHA-256 of it, uncompressed."""
    return hashlib.sha256(data).digest()


def compress_list(data: bytes | bytearray) -> bytes:
    """Return a list as a ZLIB stream (RFC 1950)."""
    return zlib.compress(data, _LEVEL)


def decompress_list(data: bytes) -> bytes:
    """Return a list from its ZLIB stream; of no more than 1,048,576 places.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(data, LIST_BYTES_MAX + 1)
    except zlib.error:
        raise bad_token("The status list is not compressed as it should be.") from None
    if len(found) > LIST_BYTES_MAX:
        raise bad_token(f"The status list has more than {LIST_PLACES} places.")
    if not stream.eof or stream.unused_data:
        raise bad_token("The status list is not compressed as it should be.")
    return found


def require_places(data: bytes, entry_count: int) -> bytes:
    """Return a list, if it has the bytes of so many places.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    if len(data) != list_bytes(entry_count):
        raise bad_token("The status list has not as many places as it says.")
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusListToken:
    """A signed status list.

    Attributes:
        issuer: Province.
        list_number: From 0.
        data: The list, uncompressed.
        entry_count: Places in use: certificates that were issued later are not in the list, also
            where its last byte has room for them.
        issued_time: When it was signed.
        expires_time: From when on it counts for nothing.
        ttl_s: Seconds after which a newer one should be asked for.
        log_size: Entries of the issuer's registry log that it takes in.
        on_date: Day as of which it holds.
        key_id: Key that signs it.
    """

    issuer: str
    list_number: int
    data: bytes
    entry_count: int
    issued_time: datetime
    expires_time: datetime
    ttl_s: int
    log_size: int
    on_date: date
    key_id: str

    @property
    def uri(self) -> str:
        """Its name."""
        return status_uri(self.issuer, self.list_number)

    def status(self, index: int) -> int | None:
        """Return the value at a place, ``None`` if the list has no such place."""
        if index >= self.entry_count:
            return None
        # As `status_at`, without the cost of the call: a gate asks a million times a second.
        return self.data[index >> 2] >> ((index & 3) << 1) & 3

    def to_jwt(self, key: SigningKey, compressed: bytes | None = None) -> str:
        """Return the token as a JWT.

        Args:
            key: Signs it.
            compressed: The compressed list, if it is at hand.
        """
        lst = b64url(compress_list(self.data) if compressed is None else compressed)
        claims = {
            "iss": f"deltacare://{self.issuer}",
            "sub": self.uri,
            "iat": posix_s(self.issued_time),
            "exp": posix_s(self.expires_time),
            "ttl": self.ttl_s,
            "entry_count": self.entry_count,
            "log_size": self.log_size,
            "on_date": self.on_date.isoformat(),
            "status_list": {"bits": STATUS_BITS, "lst": lst},
        }
        return sign_jws(claims, key, typ=STATUS_LIST_TYPE, key_id=self.key_id)

    @classmethod
    def open(cls, token: str, keys: Mapping[str, VerifyingKey]) -> Self:
        """Return the list of a token, once its signature was verified.

        Args:
            token: As received.
            keys: Of the issuer that is asked about, by id.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if it is not exactly such a token by one of these keys.
        """
        # 1. The form, and the key it names.
        jws = parse_jws(token, typ=STATUS_LIST_TYPE, bytes_max=TOKEN_BYTES_MAX)
        key = keys.get(jws.key_id)
        if key is None:
            raise bad_token("The status list is signed by a key that the issuer did not state.")
        # 2. The signature.
        claims = jws.verify(key)
        # 3. What it says.
        return cls.read(claims, jws.key_id)

    @classmethod
    def read(cls, claims: Mapping[str, Any], key_id: str) -> Self:
        """Return the list that claims state; for whoever verified their signature.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if they are not exactly those of such a token.
        """
        try:
            return cls._read(claims, key_id)
        except Refusal as refusal:
            raise bad_token(f"The status list cannot be read: {refusal.message}") from None

    @classmethod
    def _read(cls, claims: Mapping[str, Any], key_id: str) -> Self:
        listed = claims.get("status_list")
        if claims.keys() != _CLAIMS or not isinstance(listed, dict) or listed.keys() != _LIST_NAMES:
            raise bad_token("The status list has not exactly the claims that it should have.")
        numbers = [claims[name] for name in ("iat", "exp", "ttl", "log_size", "entry_count")]
        if any(type(number) is not int or number < 0 for number in (*numbers, listed["bits"])):
            raise bad_token("A number in the status list is none.")
        if listed["bits"] != STATUS_BITS or not isinstance(listed["lst"], str):
            raise bad_token("The status list has not two bits for each place.")
        issuer, number = parse_status_uri(claims["sub"])
        if issuer_of_uri(claims["iss"]) != issuer:
            raise bad_token("The status list is of another issuer.")
        if not isinstance(claims["on_date"], str):
            raise bad_token("The status list names no day.")
        return cls(
            issuer=issuer,
            list_number=number,
            data=require_places(
                decompress_list(decode_b64url(listed["lst"], "The status list")), numbers[4]
            ),
            entry_count=numbers[4],
            issued_time=from_posix_s(numbers[0], field="iat"),
            expires_time=from_posix_s(numbers[1], field="exp"),
            ttl_s=numbers[2],
            log_size=numbers[3],
            on_date=parse_date(claims["on_date"], field="on_date"),
            key_id=key_id,
        )


def verified_list(token: str) -> StatusListToken:
    """Return the list of a token whose signature was verified before; nothing here verifies it.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is no such token.
    """
    jws = parse_jws(token, typ=STATUS_LIST_TYPE, bytes_max=TOKEN_BYTES_MAX)
    return StatusListToken.read(parse_object(jws.payload, "The payload"), jws.key_id)
