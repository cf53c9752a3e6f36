"""SM2 with SM3: the keys of the second suite, for offices whose rules ask for national algorithms.

A signature of this suite stands beside an Ed25519 one and never in its place. It is a signed-note
signature of type 0xff, so verifiers that do not know it pass over it; who demands it says so in a
policy of its own (`deltacare.tlog.suite`). GmSSL does the arithmetic on private keys; it comes with
the extra ``deltacare[sm]`` and is asked for only when something is signed or verified. GmSSL draws
the random number of each signature itself, so that no two signatures are equal. Of what it refuses
it writes lines to standard error; they name its source files and no data.

A signature is r and s in 32 bytes each, big-endian, and not the DER of GB/T 35276: like Ed25519's
it has one length and one spelling, so nothing about the encoding is left to check. A public key is
the 65 bytes of GB/T 32918.1 section 4.2.9: 0x04, x, y.

Source: GB/T 32918.2-2016 (signatures), GB/T 32918.5-2017 (curve), GB/T 32905-2016 (SM3),
GB/T 35276-2017 section 10 (the default identity), https://c2sp.org/signed-note (type 0xff).
"""

import base64
import enum
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Self

from deltacare.errors import PeerFault, Reason, Refusal, invalid_field
from deltacare.keys import NoteSignature, decode_base64, is_key_name
from deltacare.sm2_curve import (
    FIELD_BYTES,
    PUBLIC_BYTES,
    UNCOMPRESSED,
    A,
    B,
    G,
    N,
    P,
    combine,
    point_of,
)

__all__ = [
    "SM2_ID",
    "SM2_SIGNATURE_BYTES",
    "Sm2Signer",
    "Sm2Use",
    "Sm2VerifierKey",
    "is_sm2_private_key",
    "is_sm2_public_key",
    "is_sm2_signature",
    "require_sm2_available",
]

SM2_ID = b"1234567812345678"
"""The signer's identity in ZA, for every key: the default of GB/T 35276."""
SM2_SIGNATURE_BYTES = 64

_TYPE = 0xFF
_KEY_ID_BYTES = 4
_VKEY_CHARS_MAX = 1_024


class Sm2Use(enum.Enum):
    """What a key may sign. The value follows the type byte 0xff and is part of the key's id.

    No value begins another, and what follows it has one length, so it needs no terminator.
    """

    NOTE = b"deltacare/sm2-sm3/note/v1"
    COSIGNATURE = b"deltacare/sm2-sm3/cosignature/v1"
    APPROVAL = b"deltacare/sm2-sm3/approval/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2VerifierKey:
    """A public key of the second suite with its name and use.

    Attributes:
        name: Key name; for a log its origin, for a witness that of its Ed25519 key.
        use: What it may sign.
        public_key: 65 bytes.
    """

    name: str
    use: Sm2Use
    public_key: bytes
    key_id: bytes = field(init=False)

    def __post_init__(self) -> None:
        assert is_key_name(self.name), "a key needs a name without spaces and plus"
        assert len(self.public_key) == PUBLIC_BYTES, "an SM2 public key has 65 bytes"
        digest = hashlib.sha256(self.name.encode() + b"\n" + self._material()).digest()
        object.__setattr__(self, "key_id", digest[:_KEY_ID_BYTES])

    @classmethod
    def from_text(cls, text: str, *, use: Sm2Use | None = None, field_name: str = "key") -> Self:
        """Return the key of a vkey text ``name+hex+base64``.

        Args:
            text: The vkey.
            use: The one use that is acceptable here; ``None`` for any.
            field_name: The name that a refusal gives.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is no such text, its key id is not that of its key,
                its point is not on the curve, or it is for another use.
        """
        remedy = "Copy the verifier key as its owner published it: name+8 hex digits+base64."
        parts = text.split("+", 2) if len(text) <= _VKEY_CHARS_MAX else []
        if len(parts) != 3 or not is_key_name(parts[0]):  # noqa: PLR2004 - three parts
            raise invalid_field(field_name, text, "This is not a verifier key.", remedy)
        name, key_id_hex, encoded = parts
        material = decode_base64(encoded)
        if material is None:
            raise invalid_field(field_name, text, "This is not a verifier key.", remedy)
        found = next((u for u in Sm2Use if material.startswith(bytes([_TYPE]) + u.value)), None)
        public_key = material[1 + len(found.value) :] if found else b""
        if found is None or len(public_key) != PUBLIC_BYTES:
            raise invalid_field(field_name, text, "This is not a key of SM2 with SM3.", remedy)
        if use is not None and found is not use:
            raise invalid_field(
                field_name,
                text,
                f"The key is for {found.value.decode()}, but {use.value.decode()} is needed here.",
                remedy,
            )
        key = cls(name=name, use=found, public_key=public_key)
        if key.key_id.hex() != key_id_hex:
            raise invalid_field(field_name, text, "The key id is not that of the key.", remedy)
        if point_of(public_key) is None:
            raise invalid_field(
                field_name, text, "The key is not a point of the curve of SM2.", remedy
            )
        return key

    def to_text(self) -> str:
        """Return the vkey text."""
        encoded = base64.b64encode(self._material()).decode("ascii")
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def matches(self, signature: NoteSignature) -> bool:
        """Whether a signature line claims to be by this key."""
        return signature.key_id == self.key_id and signature.name == self.name

    def verify(self, message: bytes, signature: bytes) -> None:
        """Check an SM2 signature over exactly `message` (GB/T 32918.2 section 7.1).

        Args:
            message: The signed bytes.
            signature: 64 bytes, without key id or timestamp.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if it is not this key's signature over `message`.
            Refusal: ``SUITE_NOT_AVAILABLE``, if this installation cannot tell.
        """
        gmssl = _gmssl()
        from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

        # B1, B2, and of B5 that t is not zero. What passes has one DER, which GmSSL reads.
        r = int.from_bytes(signature[:FIELD_BYTES], "big")
        s = int.from_bytes(signature[FIELD_BYTES:], "big")
        is_sound = len(signature) == SM2_SIGNATURE_BYTES and 0 < r < N and 0 < s < N
        if not is_sound or (r + s) % N == 0 or point_of(self.public_key) is None:
            raise self._bad()
        # B3 to B7.
        try:
            verified = gmssl.sm2_verify(
                self.public_key[1:], message, encode_dss_signature(r, s), SM2_ID
            )
        except gmssl.GmsslInnerError:
            raise self._bad() from None
        if verified is not True:
            raise self._bad()

    def _material(self) -> bytes:
        return bytes([_TYPE]) + self.use.value + self.public_key

    def _bad(self) -> PeerFault:
        return PeerFault(
            Reason.BAD_SIGNATURE,
            f"An SM2 signature in the name of {self.name} does not verify.",
            details={"key": self.name, "key_id": self.key_id.hex()},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sm2Signer:
    """A private key of the second suite under a name. The seed is never shown.

    Args:
        name: Key name.
        use: What it may sign.
        seed: 32 bytes of entropy for which `is_sm2_private_key` holds: the private key itself.

    Raises:
        Refusal: ``INVALID_FIELD``, if the bytes are no private key (of random ones one in 2^32);
            ``SUITE_NOT_AVAILABLE``, if this installation cannot sign.
    """

    name: str
    use: Sm2Use
    seed: bytes = field(repr=False)
    verifier: Sm2VerifierKey = field(init=False)

    def __post_init__(self) -> None:
        assert len(self.seed) == FIELD_BYTES, "an SM2 private key is 32 bytes of entropy"
        require_sm2_available()  # the public key may be remembered
        if not is_sm2_private_key(self.seed):
            raise invalid_field(
                "seed", "", "The bytes are not a private key of SM2.", "Make another key."
            )
        verifier = Sm2VerifierKey(name=self.name, use=self.use, public_key=_public_key(self.seed))
        object.__setattr__(self, "verifier", verifier)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of a signature over `message` (GB/T 32918.2 section 6.1)."""
        from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

        public_key = self.verifier.public_key[1:]
        r, s = decode_dss_signature(_gmssl().sm2_sign(self.seed, public_key, message, SM2_ID))
        return r.to_bytes(FIELD_BYTES, "big") + s.to_bytes(FIELD_BYTES, "big")


def is_sm2_private_key(seed: bytes) -> bool:
    """Whether 32 bytes are a private key: 1 to n - 2 (GB/T 32918.1 section 6.1)."""
    return len(seed) == FIELD_BYTES and 0 < int.from_bytes(seed, "big") < N - 1


def require_sm2_available() -> None:
    """Ask for the suite before anything rests on it.

    Raises:
        Refusal: ``SUITE_NOT_AVAILABLE``, if this installation can neither sign nor verify.
    """
    _gmssl()


def is_sm2_public_key(public_key: bytes) -> bool:
    """Whether bytes are a public key: the 65 that spell a point of the curve."""
    return len(public_key) == PUBLIC_BYTES and point_of(public_key) is not None


def is_sm2_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether 64 bytes are a key's signature over `message` (GB/T 32918.2 section 7.1).

    Worked out without GmSSL, in about 8 ms: what every node has to decide alike cannot hang
    on an extra. Nothing here is secret.

    Args:
        public_key: 65 bytes, of any origin.
        message: The signed bytes.
        signature: r and s.
    """
    if not is_sm2_public_key(public_key) or len(signature) != SM2_SIGNATURE_BYTES:
        return False
    # B1, B2 and B5.
    r = int.from_bytes(signature[:FIELD_BYTES], "big")
    s = int.from_bytes(signature[FIELD_BYTES:], "big")
    t = (r + s) % N
    if not (0 < r < N and 0 < s < N and t):
        return False
    # B3, B4: the message goes after the digest of identity, curve and key.
    curve = (A, B, *G)
    identity = b"".join(
        (
            (8 * len(SM2_ID)).to_bytes(2, "big"),
            SM2_ID,
            *(each.to_bytes(FIELD_BYTES, "big") for each in curve),
            public_key[1:],
        )
    )
    e = int.from_bytes(_sm3(_sm3(identity) + message), "big")
    # B6, B7.
    point = combine(s, G, t, point_of(public_key))
    return point is not None and (e + point[0]) % N == r


def _sm3(data: bytes) -> bytes:
    """Return the SM3 digest of bytes."""
    from cryptography.hazmat.primitives.hashes import SM3, Hash

    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize()


def _gmssl() -> ModuleType:
    """Return GmSSL, or say how to get it."""
    try:
        import gmssl_pyx  # type: ignore[import-untyped]  # no py.typed
    except ImportError:
        raise Refusal(
            Reason.SUITE_NOT_AVAILABLE,
            "SM2 with SM3 is not available here. Install it: pip install 'deltacare[sm]'",
            details={"suite": "sm2", "extra": "sm"},
        ) from None
    module: ModuleType = gmssl_pyx
    return module


@lru_cache(maxsize=64)
def _public_key(seed: bytes) -> bytes:
    """Return the public key of a private one.

    GmSSL's wrapper does not derive it, and Python's numbers take a time that tells of their
    value. So the private key signs twice, and the public key is found from what everybody may
    know: each signature fits two keys, and both signatures fit only one.
    """
    (point,) = _keys_that_fit(seed, b"0") & _keys_that_fit(seed, b"1")
    return bytes([UNCOMPRESSED]) + b"".join(c.to_bytes(FIELD_BYTES, "big") for c in point)


def _keys_that_fit(seed: bytes, label: bytes) -> set[tuple[int, int]]:
    """Return the two points for which a new signature verifies.

    It does for P if e + x(sG + tP) = r, where t = r + s; so P is one of (-s/t)G + (1/t)(x, ±y).
    """
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    digest = hashlib.sha256(b"deltacare/sm2-sm3/public-key " + label).digest()
    r, s = decode_dss_signature(_gmssl().sm2_sign_sm3_digest(seed, digest))
    x = (r - int.from_bytes(digest, "big")) % N
    # The field's order is 3 modulo 4: the power is a root.
    y = pow((x * x + A) * x + B, (P + 1) // 4, P)
    inverse = pow(r + s, -1, N)
    found = (combine(-s * inverse % N, G, inverse, (x, each)) for each in (y, P - y))
    return {point for point in found if point}
