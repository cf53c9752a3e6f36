"""Who calls: the principal that a client certificate names, if the right CA says so.

TLS has checked that some member's CA issued the certificate, and any of them will do for it; that
a CA vouches only for its own province, and has not taken it back, is checked here. Members, CAs and
revocations change while a node runs and are read anew with each version of the trust. Nothing here
opens a connection, reads a clock or decides what a caller may do.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.trust import Trust

__all__ = ["Cause", "Identities"]

CERTIFICATES_CACHED_MAX = 4_096
CERTIFICATE_BYTES_MAX = 16_384

# What cryptography says of certificates that are not as RFC 5280 has them; most are no ValueError.
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


class Cause(enum.Enum):
    """Why a certificate names no caller, in the order in which it is examined."""

    NO_CERTIFICATE = "The connection carries no client certificate."
    NOT_READABLE = "The client certificate cannot be read."
    NOT_A_CLIENT = "The certificate is a CA's, or is not meant for clients."
    NO_URI = "The certificate names no URI."
    SEVERAL_URIS = "The certificate names more than one URI."
    FOREIGN_URI = "The URI is not of the form spiffe://deltacare/<province>/<role>/<opaque id>."
    NOT_A_MEMBER = "The URI's province is no member of the federation."
    WRONG_CA = "The certificate was not issued by a CA of the URI's province."
    REVOKED = "The certificate, or the CA that issued it, was revoked by its province."
    NOT_YET_VALID = "The certificate, or the CA that issued it, is not valid yet."
    EXPIRED = "The certificate, or the CA that issued it, has expired."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vouched:
    """What a certificate says for as long as it is valid, and the CA that issued it is."""

    caller: Principal
    from_time: datetime
    until_time: datetime


class Identities:
    """Reads callers from certificates, each certificate once.

    Args:
        trust: Names the members, the CAs that vouch for each one's callers, and the certificates
            that these took back.
        cached_max: Certificates remembered at a time, good and bad ones.
    """

    def __init__(self, trust: Trust, *, cached_max: int = CERTIFICATES_CACHED_MAX) -> None:
        self._trust = trust
        self._version = -1
        self._issuers: Mapping[str, tuple[x509.Certificate, ...]] = {}
        self._revoked: frozenset[tuple[str, int]] = frozenset()
        # A certificate's bytes settle everything but the time, so they are the whole key.
        self._examined = lru_cache(maxsize=cached_max)(self._examine)
        self._follow()

    def _follow(self) -> None:
        """Read members, CAs and revocations anew, and forget who was known by the old ones."""
        trust = self._trust
        version = trust.version
        members = [trust.member(province) for province in trust.provinces]
        self._issuers = {
            member.province: tuple(x509.load_pem_x509_certificates(member.ca_pem.encode()))
            for member in members
        }
        self._revoked = frozenset(
            (member.province, int(serial, 16))
            for member in members
            for serial in member.revoked_serials
        )
        self._examined.cache_clear()
        self._version = version

    def caller(self, certificate_pem: bytes | None, *, now: datetime) -> Principal:
        """Return the caller that a client certificate names.

        1. There is a certificate of bearable size. 2. It is a client's, readable, and names
        exactly one URI. 3. The URI is one of this federation. 4. A CA of that very province
        issued it directly, and neither is revoked. 5. Both are valid now.

        Args:
            certificate_pem: The leaf as TLS took it, in PEM; ``None`` if there was none.
            now: The present instant.

        Raises:
            Refusal: ``UNAUTHENTICATED``, with the name of a `Cause` in ``details["cause"]``.
        """
        # 1. There is a certificate.
        if certificate_pem is None:
            raise _refusal(Cause.NO_CERTIFICATE)
        if len(certificate_pem) > CERTIFICATE_BYTES_MAX:
            raise _refusal(Cause.NOT_READABLE)
        # 2. to 4. depend on its bytes and on this version of the trust alone.
        if self._trust.version != self._version:
            self._follow()
        vouched = self._examined(certificate_pem)
        if isinstance(vouched, Cause):
            raise _refusal(vouched)
        # 5. Both are valid now; a connection may outlive its certificate.
        if now < vouched.from_time:
            raise _refusal(Cause.NOT_YET_VALID)
        if now > vouched.until_time:
            raise _refusal(Cause.EXPIRED)
        return vouched.caller

    def _examine(self, certificate_pem: bytes) -> _Vouched | Cause:  # noqa: PLR0911  # one a cause
        """Return what a certificate says, or why it says nothing."""
        # 2. It is a client's and names exactly one URI.
        try:
            leaf = x509.load_pem_x509_certificate(certificate_pem)
            uris = _uris(leaf)
            is_client = _is_client(leaf)
        except _UNREADABLE:
            return Cause.NOT_READABLE
        if leaf.serial_number < 1:
            # RFC 5280 has none, and a province could not say that it takes this one back.
            return Cause.NOT_READABLE
        if not is_client:
            return Cause.NOT_A_CLIENT
        if len(uris) != 1:
            return Cause.SEVERAL_URIS if uris else Cause.NO_URI
        # 3. The URI is one of this federation.
        try:
            caller = Principal.parse(uris[0])
        except Refusal:
            return Cause.FOREIGN_URI
        issuers = self._issuers.get(caller.province)
        if issuers is None:
            return Cause.NOT_A_MEMBER
        # 4. A CA of that very province issued it directly.
        issuer = _issuer(leaf, issuers)
        if issuer is None:
            return Cause.WRONG_CA
        revoked = {(caller.province, each.serial_number) for each in (leaf, issuer)}
        if revoked & self._revoked:
            return Cause.REVOKED
        return _Vouched(
            caller=caller,
            from_time=max(leaf.not_valid_before_utc, issuer.not_valid_before_utc),
            until_time=min(leaf.not_valid_after_utc, issuer.not_valid_after_utc),
        )


def _issuer(
    leaf: x509.Certificate, issuers: tuple[x509.Certificate, ...]
) -> x509.Certificate | None:
    """Return the CA that issued a certificate directly, if one of these did."""
    for issuer in issuers:
        try:
            leaf.verify_directly_issued_by(issuer)
        except (*_UNREADABLE, InvalidSignature):
            continue
        return issuer
    return None


def _uris(leaf: x509.Certificate) -> list[str]:
    """Return the URIs among a certificate's alternative names."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def _is_client(leaf: x509.Certificate) -> bool:
    """Whether a certificate is an end's, for clients, and not a CA's."""
    extensions = leaf.extensions
    try:
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage


def _refusal(cause: Cause) -> Refusal:
    """Return the refusal of a caller who is nobody."""
    return Refusal(Reason.UNAUTHENTICATED, cause.value, details={"cause": cause.name})
