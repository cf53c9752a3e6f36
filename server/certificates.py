"""A province's own small CA, and the certificates it gives to its node and its clients.

For provinces that have no CA of their own yet, for tests and for the demo. Everything is ECDSA
P-256; the time is passed in; nothing here reads or writes files, or decides who may have a
certificate.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clients.sdk.credentials import node_tls_name
from deltacare.ids import Principal

__all__ = ["KeyPair", "issue_client", "issue_node", "new_ca"]

CA_DURATION_D = 3_650
LEAF_DURATION_D = 730
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A certificate and its private key, in PEM.

    Attributes:
        certificate_pem: X.509.
        key_pem: PKCS #8, not encrypted.
    """

    certificate_pem: bytes
    key_pem: bytes = field(repr=False)


def new_ca(province: str, *, now: datetime, duration_d: int = CA_DURATION_D) -> KeyPair:
    """Return a new CA that vouches for a province's callers.

    Args:
        province: Six digits.
        now: The present instant; it is valid from shortly before.
        duration_d: Days until it expires.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"deltacare {province} CA")
    certificate = (
        _builder(name, name, key.public_key(), now=now, duration_d=duration_d)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _pair(certificate, key)


def issue_client(
    ca: KeyPair, caller: Principal, *, now: datetime, duration_d: int = LEAF_DURATION_D
) -> KeyPair:
    """Return a certificate with which a principal calls its node.

    Args:
        ca: Of the principal's province.
        caller: Whom the certificate names.
        now: The present instant.
        duration_d: Days until it expires.
    """
    return _issue(
        ca,
        caller,
        names=[x509.UniformResourceIdentifier(caller.uri)],
        usages=[ExtendedKeyUsageOID.CLIENT_AUTH],
        now=now,
        duration_d=duration_d,
    )


def issue_node(
    ca: KeyPair,
    province: str,
    *,
    hosts: Sequence[str],
    now: datetime,
    duration_d: int = LEAF_DURATION_D,
) -> KeyPair:
    """Return a node's certificate: it serves with it, and calls other nodes as ``peer``.

    Args:
        ca: Of the node's province.
        province: Six digits.
        hosts: Names and addresses under which clients that are not ours find it.
        now: The present instant.
        duration_d: Days until it expires.
    """
    caller = Principal(province=province, role="peer", opaque_id="node")
    return _issue(
        ca,
        caller,
        names=[
            x509.UniformResourceIdentifier(caller.uri),
            x509.DNSName(node_tls_name(province)),
            *(_host_name(host) for host in dict.fromkeys((*hosts, "localhost", "127.0.0.1"))),
        ],
        usages=[ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
        now=now,
        duration_d=duration_d,
    )


def _issue(
    ca: KeyPair,
    caller: Principal,
    *,
    names: Sequence[x509.GeneralName],
    usages: Sequence[x509.ObjectIdentifier],
    now: datetime,
    duration_d: int,
) -> KeyPair:
    """Return a leaf certificate that a CA signed."""
    issuer = x509.load_pem_x509_certificate(ca.certificate_pem)
    issuer_key = serialization.load_pem_private_key(ca.key_pem, password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey), "our CAs sign with ECDSA"
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"{caller.province} {caller.role} {caller.opaque_id}"[:64])
    certificate = (
        _builder(subject, issuer.subject, key.public_key(), now=now, duration_d=duration_d)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    return _pair(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    now: datetime,
    duration_d: int,
) -> x509.CertificateBuilder:
    """Return what all certificates share."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=duration_d))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    """Return what a key is for."""
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    """Return a distinguished name of one common name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host_name(host: str) -> x509.GeneralName:
    """Return an alternative name of a host: an address or a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    """Return a certificate and its key in PEM."""
    return KeyPair(
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
        key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
