"""JWS in compact form under ES256 and nothing else (RFC 7515, RFC 7518 section 3.4).

Strict where the standard leaves a choice: one algorithm, one ``typ`` for each use, no header but
``alg``, ``typ`` and ``kid``, canonical base64url, no name twice in a JSON object. So a token cannot
bring its own key, ask for another algorithm, or be read in two ways.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

from deltacare.errors import PeerFault, Reason

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

__all__ = [
    "ALGORITHM",
    "JWS_BYTES_MAX",
    "Jws",
    "SigningKey",
    "VerifyingKey",
    "b64url",
    "bad_token",
    "decode_b64url",
    "parse_json",
    "parse_jws",
    "parse_object",
    "sign_jws",
]

ALGORITHM = "ES256"
JWS_BYTES_MAX = 131_072
"""A list of 1,048,576 places of which every one differs has 350 kB; one of 2 % has 44 kB."""

_COORDINATE_BYTES = 32
_SIGNATURE_BYTES = 2 * _COORDINATE_BYTES
_HEADER_BYTES_MAX = 1_024
_HEADERS_KEPT = 256
_HEADER_NAMES = frozenset({"alg", "kid", "typ"})
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_B64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)
_PARTS = 3
# Of the group (NIST SP 800-186, 3.2.1.3): a key is a number below it.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@lru_cache(maxsize=1)
def _hash() -> "ec.ECDSA":
    """Return what is signed: SHA-256 of the data."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA(hashes.SHA256())


def bad_token(message: str) -> PeerFault:
    """Return the fault of a token that is not taken."""
    return PeerFault(Reason.BAD_SIGNATURE, message)


def b64url(data: bytes) -> str:
    """Return bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_b64url(text: str, what: str) -> bytes:
    """Return the bytes of a text in base64url without padding, spelled in the one way.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    if _B64URL.fullmatch(text) is None:
        raise bad_token(f"{what} is not base64url.")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise bad_token(f"{what} is not base64url.") from None
    # Bits left over must be zero, or one token could be spelled in several ways: only the last
    # character can hold any.
    if b64url(data[-(len(data) % 3 or 3) :]) != text[-(len(text) % 4 or 4) :]:
        raise bad_token(f"{what} is not base64url.")
    return data


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _refuse(_: str) -> float:
    raise ValueError


_DECODER = json.JSONDecoder(
    object_pairs_hook=_once, parse_constant=_refuse, parse_float=_refuse, strict=True
)


def parse_json(data: bytes, what: str) -> object:
    """Return a JSON value in which no name stands twice and every number is whole.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    try:
        value: object = _DECODER.decode(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise bad_token(f"{what} is not JSON, or a name stands twice in it.") from None
    return value


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object; see ``parse_json``.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    value = parse_json(data, what)
    if not isinstance(value, dict):
        raise bad_token(f"{what} is not a JSON object.")
    return value


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public part of a P-256 key.

    Attributes:
        der: SubjectPublicKeyInfo.
    """

    der: bytes
    _key: "ec.EllipticCurvePublicKey" = field(repr=False, compare=False)

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """Return the key of a SubjectPublicKeyInfo.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if it is no P-256 key in its one spelling.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            key = serialization.load_der_public_key(der)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise bad_token("The public key cannot be read.") from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
            raise bad_token("The public key is not on P-256.")
        found = cls._of(key)
        if found.der != der:
            raise bad_token("The public key is not spelled in the one way.")
        return found

    @classmethod
    def from_jwk(cls, jwk: object) -> Self:
        """Return the key of a JWK with ``kty`` EC and ``crv`` P-256 (RFC 7518, 6.2.1).

        Raises:
            PeerFault: ``BAD_SIGNATURE``, also if it holds a private part.
        """
        from cryptography.hazmat.primitives.asymmetric import ec

        if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
            raise bad_token("The key is not a JWK on P-256.")
        if "d" in jwk:
            raise bad_token("The JWK holds a private key: keep it, and give the public part.")
        x, y = (jwk.get(name) for name in ("x", "y"))
        if not isinstance(x, str) or not isinstance(y, str):
            raise bad_token("The JWK lacks x or y.")
        point = [decode_b64url(each, "a coordinate") for each in (x, y)]
        if any(len(each) != _COORDINATE_BYTES for each in point):
            raise bad_token("A coordinate of the JWK has not 32 bytes.")
        try:
            key = ec.EllipticCurvePublicNumbers(
                int.from_bytes(point[0]), int.from_bytes(point[1]), ec.SECP256R1()
            ).public_key()
        except ValueError:
            raise bad_token("The point of the JWK is not on P-256.") from None
        return cls._of(key)

    @classmethod
    def _of(cls, key: "ec.EllipticCurvePublicKey") -> Self:
        from cryptography.hazmat.primitives import serialization

        der = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(der, key)

    def to_jwk(self) -> dict[str, str]:
        """Return the key as a JWK of the required members only."""
        numbers = self._key.public_numbers()
        return {
            "crv": "P-256",
            "kty": "EC",
            "x": b64url(numbers.x.to_bytes(_COORDINATE_BYTES)),
            "y": b64url(numbers.y.to_bytes(_COORDINATE_BYTES)),
        }

    @property
    def thumbprint(self) -> str:
        """The JWK thumbprint under SHA-256 (RFC 7638), which names the key."""
        text = json.dumps(self.to_jwk(), separators=(",", ":"), sort_keys=True)
        return b64url(hashlib.sha256(text.encode()).digest())

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return if a signature, r and s of 32 bytes each, is by this key over the data.

        Raises:
            PeerFault: ``BAD_SIGNATURE``.
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        if len(signature) != _SIGNATURE_BYTES:
            raise bad_token("The signature has not 64 bytes.")
        der = encode_dss_signature(
            int.from_bytes(signature[:_COORDINATE_BYTES]),
            int.from_bytes(signature[_COORDINATE_BYTES:]),
        )
        try:
            self._key.verify(der, data, _hash())
        except InvalidSignature:
            raise bad_token("The signature is not by the key that it names.") from None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A P-256 key that signs; never shown."""

    _key: "ec.EllipticCurvePrivateKey" = field(repr=False, compare=False)

    @classmethod
    def from_secret(cls, secret: bytes) -> Self:
        """Return the key of its 32 bytes; drawn anew where they are none (one draw in 2^32).

        Raises:
            ValueError: If they are no key.
        """
        from cryptography.hazmat.primitives.asymmetric import ec

        if len(secret) != _COORDINATE_BYTES or not 0 < int.from_bytes(secret) < _ORDER:
            raise ValueError
        return cls(ec.derive_private_key(int.from_bytes(secret), ec.SECP256R1()))

    @property
    def secret(self) -> bytes:
        """The 32 bytes to be sealed."""
        return self._key.private_numbers().private_value.to_bytes(_COORDINATE_BYTES)

    @property
    def verifying(self) -> VerifyingKey:
        """The public part."""
        return VerifyingKey._of(self._key.public_key())  # noqa: SLF001  # of this module

    @property
    def key_id(self) -> str:
        """What tokens name it by."""
        return self.verifying.thumbprint

    def sign(self, data: bytes) -> bytes:
        """Return r and s, 32 bytes each."""
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        r, s = decode_dss_signature(self._key.sign(data, _hash()))
        return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Jws:
    """A token that was taken apart and not verified.

    Attributes:
        typ: What its header says that it is.
        key_id: Key that its header names; empty if none.
        payload: The bytes that are signed for.
        signing_input: What the signature is over.
        signature: r and s.
    """

    typ: str
    key_id: str
    payload: bytes
    signing_input: bytes
    signature: bytes

    def check(self, key: VerifyingKey) -> None:
        """Return if the signature is by a key.

        Raises:
            PeerFault: ``BAD_SIGNATURE``.
        """
        key.verify(self.signature, self.signing_input)

    def verify(self, key: VerifyingKey) -> dict[str, Any]:
        """Return the claims, once the signature is by a key.

        Raises:
            PeerFault: ``BAD_SIGNATURE``.
        """
        self.check(key)
        return parse_object(self.payload, "The payload")


def parse_jws(text: str, *, typ: str, bytes_max: int = JWS_BYTES_MAX) -> Jws:
    """Take a compact JWS apart.

    Args:
        text: The token.
        typ: What it must say that it is.
        bytes_max: Longest token taken.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is not exactly such a token.
    """
    # 1. Size, and three parts.
    if len(text) > bytes_max:
        raise bad_token(f"The token has more than {bytes_max} bytes.")
    parts = text.split(".")
    if len(parts) != _PARTS:
        raise bad_token("The token has not three parts.")
    # 2. The header.
    key_id = _read_header(parts[0], typ)
    # 3. The rest.
    return Jws(
        typ=typ,
        key_id=key_id,
        payload=decode_b64url(parts[1], "The payload"),
        signing_input=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=decode_b64url(parts[2], "The signature"),
    )


@lru_cache(maxsize=_HEADERS_KEPT)
def _read_header(part: str, typ: str) -> str:
    """Return the key that a header names; of one algorithm and type, with nothing else in it.

    An issuer writes the same header for years, so it is read once.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    raw = decode_b64url(part, "The header")
    if len(raw) > _HEADER_BYTES_MAX:
        raise bad_token("The header is too long.")
    header = parse_object(raw, "The header")
    if header.get("alg") != ALGORITHM:
        raise bad_token(f"The algorithm is not {ALGORITHM}.")
    if header.get("typ") != typ:
        raise bad_token(f"The token is no {typ}.")
    if not header.keys() <= _HEADER_NAMES:
        raise bad_token("The header says what this version does not know.")
    key_id = header.get("kid", "")
    if not isinstance(key_id, str) or (key_id and _KEY_ID.fullmatch(key_id) is None):
        raise bad_token("The header names no key.")
    return key_id


def sign_jws(claims: object, key: SigningKey, *, typ: str, key_id: str = "") -> str:
    """Return a compact JWS.

    Args:
        claims: A JSON object.
        key: Signs it.
        typ: What it is.
        key_id: Name of the key; empty to name none.
    """
    header = {"alg": ALGORITHM, "typ": typ, **({"kid": key_id} if key_id else {})}
    parts = [
        b64url(json.dumps(each, ensure_ascii=False, separators=(",", ":")).encode())
        for each in (header, claims)
    ]
    signing_input = ".".join(parts)
    return f"{signing_input}.{b64url(key.sign(signing_input.encode('ascii')))}"
