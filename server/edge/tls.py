"""The node's certificate while it is renewed: what is shown and trusted at the next handshake.

A certificate is replaced on disk and a CA in the federation's statement, both while calls run.
Nothing is restarted for that: each handshake takes what stands there then, and what does not fit
together is left aside for what did. Who may call is not decided here, but for each call.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

import grpc
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from deltacare.errors import DeltacareError, invalid_field
from deltacare.trust import Trust

__all__ = ["CertificateFiles", "CertificateSource", "ServerTls", "TlsFiles"]

_Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]

_alarm = structlog.get_logger("deltacare.alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """What a node shows: a certificate and its key. As a source it never changes.

    Attributes:
        certificate_pem: The node's certificate.
        key_pem: Its private key, not encrypted.
    """

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)

    def current(self) -> "TlsFiles":
        """Return what is to be shown now."""
        return self


class CertificateSource(Protocol):
    """Where the node's certificate comes from."""

    def current(self) -> TlsFiles:
        """Return what is to be shown now; any thread may ask."""
        ...


class CertificateFiles:
    """A certificate on disk, read again when a file has changed.

    Two files are not replaced in one step, so a pair that does not fit is looked at again at the
    next question, and meanwhile the last one that fitted is shown.

    Args:
        paths: The files to watch.
        load: Reads them.

    Raises:
        Refusal: ``INVALID_FIELD``, if they cannot be read or do not fit together at first.
    """

    def __init__(self, paths: Sequence[Path], load: Callable[[], TlsFiles]) -> None:
        self._paths = tuple(paths)
        self._load = load
        self._lock = threading.Lock()
        self._stamp = self._look()
        self._failed: _Stamp | None = None
        self._files = _checked(load(), self._paths[0])

    def current(self) -> TlsFiles:
        """Return what is to be shown now; any thread may ask."""
        stamp = self._look()
        if stamp != self._stamp:
            with self._lock:
                self._read(stamp)
        return self._files

    def _read(self, stamp: _Stamp) -> None:
        try:
            files = _checked(self._load(), self._paths[0])
        except DeltacareError as error:
            # Once may be the moment between two files; twice is an operator's mistake.
            if self._failed == stamp:
                _alarm.error("certificate_not_renewed", reason=error.reason.name, text=str(error))
            self._failed = stamp
            return
        self._stamp, self._failed = stamp, None
        self._files = files

    def _look(self) -> _Stamp:
        """Return what tells that a file is not the one that was read."""
        found: list[tuple[int, int, int] | None] = []
        for path in self._paths:
            try:
                stat = path.stat()
                found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
            except OSError:
                found.append(None)
        return tuple(found)


class ServerTls:
    """What a server shows and trusts at each handshake.

    Args:
        source: The node's certificate.
        trust: Whose CAs vouch for callers.
    """

    def __init__(self, source: CertificateSource, trust: Trust) -> None:
        self._source = source
        self._trust = trust
        self._given: tuple[TlsFiles, bytes] | None = None

    def credentials(self) -> grpc.ServerCredentials:
        """Return gRPC's form, which asks again at every handshake."""
        self._given = self._now()
        return grpc.dynamic_ssl_server_credentials(
            _configuration(*self._given),
            self._renewed,  # type: ignore[arg-type]  # None says that nothing changed
            require_client_authentication=True,
        )

    def _renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return a new configuration if anything changed; called on gRPC's own threads."""
        now = self._now()
        if now == self._given:
            return None
        self._given = now
        return _configuration(*now)

    def _now(self) -> tuple[TlsFiles, bytes]:
        trust = self._trust
        cas = "".join(trust.member(province).ca_pem for province in trust.provinces)
        return self._source.current(), cas.encode()


def _configuration(files: TlsFiles, cas: bytes) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(files.key_pem, files.certificate_pem)], root_certificates=cas
    )


def _checked(files: TlsFiles, path: Path) -> TlsFiles:
    """Return a certificate and a key that belong together."""
    try:
        certificate = x509.load_pem_x509_certificates(files.certificate_pem)[0]
        key = serialization.load_pem_private_key(files.key_pem, password=None)
        fits = _public(key.public_key()) == _public(certificate.public_key())
    except (ValueError, TypeError):
        fits = False
    if not fits:
        raise invalid_field(
            "tls",
            path,
            "Certificate and key cannot be read, or do not belong together.",
            "Renew both with deltacare node certificate renew.",
        )
    return files


def _public(key: object) -> bytes:
    """Return a public key's bytes, to compare."""
    assert hasattr(key, "public_bytes"), "a public key of X.509"
    data: bytes = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return data
