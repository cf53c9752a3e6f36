"""SD-JWT: a signed token of which the holder shows as much as is asked for (RFC 9901).

Only flat claims at the top level are made selective, and only such disclosures are read: three
strings and no nesting. Every disclosure must have its digest in the token, once; a digest that
stands twice, a claim disclosed over one in clear, or a disclosure nobody signed for is refused.
With a key of the holder's phone in the token, a presentation can be bound to one verifier's nonce.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from deltacare.credential.jws import (
    Jws,
    SigningKey,
    VerifyingKey,
    b64url,
    bad_token,
    decode_b64url,
    parse_json,
    parse_jws,
    sign_jws,
)
from deltacare.times import posix_s

__all__ = [
    "DISCLOSURES_MAX",
    "KEY_BINDING_TYPE",
    "SALT_BYTES",
    "SD_JWT_BYTES_MAX",
    "Disclosure",
    "Presentation",
    "check_key_binding",
    "mint_sd_jwt",
    "present",
    "read_disclosures",
]

SD_JWT_BYTES_MAX = 16_384
DISCLOSURES_MAX = 32
SALT_BYTES = 16
KEY_BINDING_TYPE = "kb+jwt"

KEY_BINDING_AGE_MAX = timedelta(minutes=5)
"""A nonce is answered at once; more is somebody's replay or a wrong clock."""

_DISCLOSURE_PARTS = 3
_RESERVED = frozenset({"_sd", "...", "_sd_alg"})
# draft-ietf-oauth-sd-jwt-vc, section 2.2.2: what may not be left out.
_NEVER_SELECTIVE = frozenset({"cnf", "exp", "iss", "nbf", "status", "vct"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """One claim that the holder may show or leave out.

    Attributes:
        name: Of the claim.
        value: A text.
        encoded: As it travels.
    """

    name: str
    value: str
    encoded: str

    @classmethod
    def make(cls, salt: bytes, name: str, value: str) -> Self:
        """Return a disclosure under a salt of 16 bytes."""
        assert len(salt) == SALT_BYTES, "a salt has 128 bits"
        text = json.dumps([b64url(salt), name, value], ensure_ascii=False)
        return cls(name=name, value=value, encoded=b64url(text.encode()))

    @classmethod
    def parse(cls, encoded: str) -> Self:
        """Return a disclosure that was received.

        Raises:
            PeerFault: ``BAD_SIGNATURE``.
        """
        row = parse_json(decode_b64url(encoded, "A disclosure"), "A disclosure")
        if (
            not isinstance(row, list)
            or len(row) != _DISCLOSURE_PARTS
            or not all(isinstance(each, str) for each in row)
        ):
            raise bad_token("A disclosure is not a salt, a name and a text.")
        if row[1] in _RESERVED:
            raise bad_token("A disclosure has a name that is reserved.")
        return cls(name=row[1], value=row[2], encoded=encoded)

    @property
    def digest(self) -> str:
        """What stands for it in the token."""
        return b64url(hashlib.sha256(self.encoded.encode("ascii")).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """An SD-JWT as it was shown, taken apart and not verified.

    Attributes:
        jws: What the issuer signed.
        disclosures: What the holder shows of it, encoded.
        key_binding: The holder's own token; empty if there is none.
        bound: What the key binding is over.
    """

    jws: Jws
    disclosures: tuple[str, ...]
    key_binding: str
    bound: str

    @classmethod
    def parse(cls, text: str, *, typ: str) -> Self:
        """Take an SD-JWT apart: token, disclosures, key binding, joined by tildes.

        Raises:
            PeerFault: ``BAD_SIGNATURE``, if it is not exactly that.
        """
        if len(text) > SD_JWT_BYTES_MAX:
            raise bad_token(f"The certificate has more than {SD_JWT_BYTES_MAX} bytes.")
        head, tilde, rest = text.partition("~")
        if not tilde:
            raise bad_token("The certificate has no tilde after its token: it is no SD-JWT.")
        *disclosures, key_binding = rest.split("~")
        if len(disclosures) > DISCLOSURES_MAX:
            raise bad_token(f"The certificate has more than {DISCLOSURES_MAX} disclosures.")
        return cls(
            jws=parse_jws(head, typ=typ, bytes_max=SD_JWT_BYTES_MAX),
            disclosures=tuple(disclosures),
            key_binding=key_binding,
            bound=text[: len(text) - len(key_binding)],
        )


def read_disclosures(claims: Mapping[str, Any], disclosures: Iterable[str]) -> dict[str, str]:
    """Return the claims that the holder shows (RFC 9901, section 7.1), verified against the token.

    Args:
        claims: Of the token, its signature verified.
        disclosures: As they were received.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    # 1. The digests: of one known algorithm, each once, and none below the top level.
    digests = claims.get("_sd", [])
    if claims.get("_sd_alg", "sha-256") != "sha-256":
        raise bad_token("The digests are not of SHA-256.")
    if not isinstance(digests, list) or not all(isinstance(each, str) for each in digests):
        raise bad_token("The digests of what may be disclosed are no texts.")
    if len(digests) > DISCLOSURES_MAX or len(set(digests)) != len(digests):
        raise bad_token("A digest stands twice, or there are too many.")
    # 2. Each disclosure: signed for, named once, and over nothing that stands in clear.
    shown: dict[str, str] = {}
    left = set(digests)
    for encoded in disclosures:
        each = Disclosure.parse(encoded)
        if each.digest not in left:
            raise bad_token("A disclosure was not signed for by the issuer, or stands twice.")
        left.discard(each.digest)
        if each.name in claims or each.name in shown or each.name in _NEVER_SELECTIVE:
            raise bad_token("A disclosure names a claim that stands in clear, or stands twice.")
        shown[each.name] = each.value
    return shown


def mint_sd_jwt(
    claims: Mapping[str, Any],
    selective: Mapping[str, str],
    *,
    key: SigningKey,
    typ: str,
    salt: Callable[[int], bytes],
) -> str:
    """Return an SD-JWT with every disclosure.

    Args:
        claims: In clear.
        selective: What the holder may leave out.
        key: The issuer's; it is named by its thumbprint.
        typ: What the token is.
        salt: Returns so many unpredictable bytes.
    """
    assert not selective.keys() & (claims.keys() | _RESERVED | _NEVER_SELECTIVE), "each once"
    made = [Disclosure.make(salt(SALT_BYTES), name, value) for name, value in selective.items()]
    signed = dict(claims)
    if made:
        # Sorted, so that the order says nothing of the names (RFC 9901, 4.2.4.1).
        signed["_sd"] = sorted(each.digest for each in made)
        signed["_sd_alg"] = "sha-256"
    token = sign_jws(signed, key, typ=typ, key_id=key.key_id)
    return "~".join([token, *(each.encoded for each in made), ""])


def present(
    text: str,
    names: Iterable[str],
    *,
    typ: str,
    holder: SigningKey | None = None,
    audience: str = "",
    nonce: str = "",
    now: datetime | None = None,
) -> str:
    """Return what a holder shows: some disclosures, and if asked a binding to a nonce.

    Args:
        text: The SD-JWT with every disclosure.
        names: Claims to show; those that it has not are passed over.
        typ: What the token is.
        holder: Key of the phone, for a key binding.
        audience: Verifier who asks.
        nonce: What it asks with.
        now: The moment, for a key binding.

    Raises:
        PeerFault: ``BAD_SIGNATURE``, if it is no SD-JWT.
    """
    parsed = Presentation.parse(text, typ=typ)
    wanted = set(names)
    kept = [each for each in parsed.disclosures if Disclosure.parse(each).name in wanted]
    shown = "~".join([text.partition("~")[0], *kept, ""])
    if holder is None:
        return shown
    assert now is not None, "a key binding states its moment"
    claims = {"iat": posix_s(now), "aud": audience, "nonce": nonce, "sd_hash": _sd_hash(shown)}
    return shown + sign_jws(claims, holder, typ=KEY_BINDING_TYPE)


def check_key_binding(
    presentation: Presentation, cnf: object, *, audience: str, nonce: str, now: datetime
) -> None:
    """Return if the phone that the certificate was made for answered this very question.

    RFC 9901, section 7.3.

    Raises:
        PeerFault: ``BAD_SIGNATURE``.
    """
    if not isinstance(cnf, dict) or cnf.keys() != {"jwk"}:
        raise bad_token("The certificate is bound to no key of a phone.")
    if not presentation.key_binding:
        raise bad_token("The phone did not answer the question (no key binding).")
    claims = parse_jws(
        presentation.key_binding, typ=KEY_BINDING_TYPE, bytes_max=SD_JWT_BYTES_MAX
    ).verify(VerifyingKey.from_jwk(cnf["jwk"]))
    issued = claims.get("iat")
    if (claims.get("aud"), claims.get("nonce")) != (audience, nonce):
        raise bad_token("The phone answered another question.")
    if type(issued) is not int or abs(posix_s(now) - issued) > KEY_BINDING_AGE_MAX.seconds:
        raise bad_token("The phone's answer is not of this moment.")
    if claims.get("sd_hash") != _sd_hash(presentation.bound):
        raise bad_token("The phone's answer is about another certificate.")


def _sd_hash(bound: str) -> str:
    return b64url(hashlib.sha256(bound.encode("ascii")).digest())
