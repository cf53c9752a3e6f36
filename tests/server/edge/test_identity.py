"""Tests of who a certificate names, and of every way in which it names nobody."""

import random
import ssl
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from clients.sdk.credentials import node_tls_name
from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from server.certificates import KeyPair, issue_client, new_ca
from server.edge.identity import Cause, Identities
from tests.support.federation import make_trust
from tests.support.tls import Federation, LiveTrust, serial_of

URI = "spiffe://deltacare/310000/system/id-1"
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.fixture(scope="module")
def federation() -> Federation:
    """Four CAs."""
    return Federation.make()


def leaf(
    ca: KeyPair,
    *,
    names: Sequence[x509.GeneralName],
    now: datetime,
    usages: Sequence[x509.ObjectIdentifier] = (CLIENT,),
    is_ca: bool = False,
    others: Sequence[x509.ExtensionType] = (),
) -> bytes:
    """Return a certificate such as our own tools would not issue."""
    issuer = x509.load_pem_x509_certificate(ca.certificate_pem)
    issuer_key = serialization.load_pem_private_key(ca.key_pem, password=None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(issuer.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    for other in others:
        builder = builder.add_extension(other, critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.PEM)


def cause(federation: Federation, pem: bytes | None, *, now: datetime | None = None) -> str:
    """Return the name of the cause for which a certificate is refused."""
    with pytest.raises(Refusal) as caught:
        Identities(federation.trust).caller(pem, now=now or federation.now)
    assert caught.value.reason is Reason.UNAUTHENTICATED
    return caught.value.details["cause"]


def uri(text: str) -> x509.GeneralName:
    """Return a URI among alternative names."""
    return x509.UniformResourceIdentifier(text)


def test_caller_is_read(federation: Federation) -> None:
    """A certificate of the right CA names its principal."""
    pem = federation.client("clerk", province="330000", opaque_id="k7").certificate_pem
    expected = Principal(province="330000", role="clerk", opaque_id="k7")
    assert Identities(federation.trust).caller(pem, now=federation.now) == expected


def test_node_is_a_peer(federation: Federation) -> None:
    """A node's own certificate names it as a peer of its province."""
    pem = federation.node("340000").certificate_pem
    expected = Principal(province="340000", role="peer", opaque_id="node")
    assert Identities(federation.trust).caller(pem, now=federation.now) == expected


def test_only_a_node_has_the_nodes_name(federation: Federation) -> None:
    """The DNS name by which clients know a node stands in no client's certificate."""

    def names(pair: KeyPair) -> list[str]:
        certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return found.value.get_values_for_type(x509.DNSName)

    assert node_tls_name("310000") in names(federation.node())
    assert names(federation.client()) == []


def test_no_certificate(federation: Federation) -> None:
    """A connection without a certificate is nobody's."""
    assert cause(federation, None) == Cause.NO_CERTIFICATE.name


@pytest.mark.parametrize("pem", [b"", b"junk", b"x" * 20_000])
def test_unreadable_certificate(federation: Federation, pem: bytes) -> None:
    """What is no certificate, or too large to be looked at, is refused without an accident."""
    assert cause(federation, pem) == Cause.NOT_READABLE.name


EDI_PARTY = b"\xa5\x04\xa1\x02\x0c\x00"
X400_ADDRESS = b"\xa3\x02\x30\x00"
ODD_EXTENSION = x509.ObjectIdentifier("1.2.3.4")
ALSO_ODD = x509.ObjectIdentifier("1.2.3.5")
ALGORITHM = bytes.fromhex("300a06082a8648ce3d040302")
"""ECDSA with SHA-256, in DER."""


def altered(ca: KeyPair, pem: bytes, old: bytes, new: bytes) -> bytes:
    """Return a certificate with some bytes in place of others, signed anew by its CA."""
    key = serialization.load_pem_private_key(ca.key_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    body = x509.load_pem_x509_certificate(pem).tbs_certificate_bytes
    assert 1 <= body.count(old), "there is something to alter"
    body = body.replace(old, new, 1)
    signature = key.sign(body, ec.ECDSA(hashes.SHA256()))
    inner = body + ALGORITHM + bytes([3, len(signature) + 1, 0]) + signature
    data = b"\x30\x82" + len(inner).to_bytes(2, "big") + inner
    return ssl.DER_cert_to_PEM_cert(data).encode()


@pytest.mark.parametrize("name", [EDI_PARTY, X400_ADDRESS], ids=["EDI party", "X.400"])
def test_names_that_no_library_reads(federation: Federation, name: bytes) -> None:
    """A name of a kind from 1988 beside the right URI is a certificate that cannot be read."""
    text = URI.encode()
    names = bytes([0x86, len(text)]) + text + name
    odd = x509.UnrecognizedExtension(
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME, bytes([0x30, len(names)]) + names
    )
    pem = leaf(federation.cas["310000"], names=[], now=federation.now, others=[odd])
    assert Cause.NOT_READABLE.name == cause(federation, pem)


def test_an_extension_twice(federation: Federation) -> None:
    """A certificate that says one thing twice cannot be read."""
    ca = federation.cas["310000"]
    others = [x509.UnrecognizedExtension(oid, b"\x05\x00") for oid in (ODD_EXTENSION, ALSO_ODD)]
    pem = leaf(ca, names=[uri(URI)], now=federation.now, others=others)
    doubled = altered(ca, pem, b"\x06\x03\x2a\x03\x05", b"\x06\x03\x2a\x03\x04")
    assert Cause.NOT_READABLE.name == cause(federation, doubled)


def test_a_version_that_there_is_not(federation: Federation) -> None:
    """A certificate of X.509's version 4 cannot be read."""
    ca = federation.cas["310000"]
    pem = leaf(ca, names=[uri(URI)], now=federation.now)
    fourth = altered(ca, pem, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x03")
    assert Cause.NOT_READABLE.name == cause(federation, fourth)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_a_serial_number_that_cannot_be_taken_back(federation: Federation) -> None:
    """A certificate without a positive serial number is refused as one that cannot be read."""
    ca = federation.cas["310000"]
    pem = leaf(ca, names=[uri(URI)], now=federation.now)
    for number in (b"\x00", b"\xf2"):
        odd = altered(ca, pem, b"\x02\x01\x02\x02\x01\x07", b"\x02\x01\x02\x02\x01" + number)
        assert Cause.NOT_READABLE.name == cause(federation, odd)


@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@pytest.mark.parametrize("seed", range(4))
def test_no_byte_of_a_certificate_makes_an_accident(federation: Federation, seed: int) -> None:
    """Whatever its CA signs, a certificate names a caller or is refused by a cause."""
    ca = federation.cas["310000"]
    pem = leaf(ca, names=[uri(URI)], now=federation.now)
    body = x509.load_pem_x509_certificate(pem).tbs_certificate_bytes
    identities = Identities(federation.trust)
    chance = random.Random(seed)
    for position in range(8, len(body) - 1):
        old = body[position - 8 : position + 1]
        new = old[:-1] + bytes([chance.randrange(256)])
        try:
            caller = identities.caller(altered(ca, pem, old, new), now=federation.now)
        except Refusal as refusal:
            assert Reason.UNAUTHENTICATED is refusal.reason  # noqa: PT017  # either will do
        else:
            assert "310000" == caller.province


def test_other_provinces_ca(federation: Federation) -> None:
    """A CA vouches for no caller of another province, although TLS takes its certificates."""
    pem = leaf(federation.cas["320000"], names=[uri(URI)], now=federation.now)
    assert cause(federation, pem) == Cause.WRONG_CA.name


def test_namesake_of_a_ca(federation: Federation) -> None:
    """A CA of the same name with another key is not the province's."""
    impostor = new_ca("310000", now=federation.now)
    pem = leaf(impostor, names=[uri(URI)], now=federation.now)
    assert cause(federation, pem) == Cause.WRONG_CA.name


def test_leaf_cannot_issue(federation: Federation) -> None:
    """A client's certificate vouches for nobody, whatever it signs."""
    pem = leaf(federation.client(), names=[uri(URI)], now=federation.now)
    assert cause(federation, pem) == Cause.WRONG_CA.name


@pytest.mark.parametrize(
    "names, expected",
    [
        ([], Cause.NO_URI),
        ([x509.DNSName("localhost")], Cause.NO_URI),
        ([uri(URI), uri("spiffe://deltacare/310000/auditor/id-1")], Cause.SEVERAL_URIS),
        ([uri(URI), uri(URI)], Cause.SEVERAL_URIS),
        ([uri("https://example.org/")], Cause.FOREIGN_URI),
        ([uri("spiffe://elsewhere/310000/system/id-1")], Cause.FOREIGN_URI),
        ([uri("spiffe://deltacare/310000/system/id-1/more")], Cause.FOREIGN_URI),
        ([uri("spiffe://deltacare/350000/system/id-1")], Cause.NOT_A_MEMBER),
    ],
)
def test_names(federation: Federation, names: list[x509.GeneralName], expected: Cause) -> None:
    """Exactly one URI counts, and it must be of a member of this federation."""
    pem = leaf(federation.cas["310000"], names=names, now=federation.now)
    assert cause(federation, pem) == expected.name


def test_not_for_clients(federation: Federation) -> None:
    """A certificate for servers alone, or of a CA, does not call."""
    ca = federation.cas["310000"]
    server_only = leaf(
        ca, names=[uri(URI)], now=federation.now, usages=[ExtendedKeyUsageOID.SERVER_AUTH]
    )
    assert cause(federation, server_only) == Cause.NOT_A_CLIENT.name
    subordinate = leaf(ca, names=[uri(URI)], now=federation.now, is_ca=True)
    assert cause(federation, subordinate) == Cause.NOT_A_CLIENT.name
    assert cause(federation, ca.certificate_pem) == Cause.NOT_A_CLIENT.name


def test_validity_is_asked_at_every_call(federation: Federation) -> None:
    """A certificate that was good is refused once it has expired, and before it begins."""
    pem = leaf(federation.cas["310000"], names=[uri(URI)], now=federation.now)
    identities = Identities(federation.trust)
    assert identities.caller(pem, now=federation.now).opaque_id == "id-1"
    with pytest.raises(Refusal) as caught:
        identities.caller(pem, now=federation.now + timedelta(days=2))
    assert caught.value.details["cause"] == Cause.EXPIRED.name
    too_early = federation.now - timedelta(minutes=10)
    assert cause(federation, pem, now=too_early) == Cause.NOT_YET_VALID.name


def test_remembered_certificates_are_bounded(federation: Federation) -> None:
    """No more certificates are remembered than was said; forgotten ones are read again."""
    identities = Identities(federation.trust, cached_max=2)
    pems = [federation.client(opaque_id=f"id-{n}").certificate_pem for n in range(4)]
    for number, pem in enumerate(pems * 2):
        assert identities.caller(pem, now=federation.now).opaque_id == f"id-{number % 4}"
    assert identities._examined.cache_info().currsize == 2


def test_revoked(federation: Federation) -> None:
    """A serial that its province took back counts no more, from the version that says so on."""
    live = LiveTrust(federation.trust)
    identities = Identities(live.as_trust)
    taken_back = federation.client(opaque_id="gone").certificate_pem
    kept = federation.client(opaque_id="kept").certificate_pem
    assert "gone" == identities.caller(taken_back, now=federation.now).opaque_id
    live.change("310000", revoked_serials=(serial_of(taken_back),))
    with pytest.raises(Refusal) as caught:
        identities.caller(taken_back, now=federation.now)
    assert Cause.REVOKED.name == caught.value.details["cause"]
    assert {"cause"} == set(caught.value.details), "nothing that stands in the certificate"
    assert "kept" == identities.caller(kept, now=federation.now).opaque_id


def test_a_province_revokes_its_own_only(federation: Federation) -> None:
    """The same serial number under another member's CA is another certificate."""
    live = LiveTrust(federation.trust)
    pem = federation.client().certificate_pem
    live.change("320000", revoked_serials=(serial_of(pem),))
    identities = Identities(live.as_trust)
    assert "id-1" == identities.caller(pem, now=federation.now).opaque_id


def test_revoked_ca(federation: Federation) -> None:
    """A CA that was taken back vouches for nobody, though it still stands in the statement."""
    live = LiveTrust(federation.trust)
    ca_pem = federation.cas["310000"].certificate_pem
    live.change("310000", revoked_serials=(serial_of(ca_pem),))
    with pytest.raises(Refusal) as caught:
        Identities(live.as_trust).caller(federation.client().certificate_pem, now=federation.now)
    assert Cause.REVOKED.name == caught.value.details["cause"]


def test_a_ca_is_replaced_while_calls_run(federation: Federation) -> None:
    """With overlap both CAs' callers get in; once the old one is gone its callers are nobody."""
    live = LiveTrust(federation.trust)
    identities = Identities(live.as_trust)
    principal = Principal(province="310000", role="system", opaque_id="id-1")
    new = new_ca("310000", now=federation.now)
    old_pem = federation.client().certificate_pem
    new_pem = issue_client(new, principal, now=federation.now).certificate_pem
    with pytest.raises(Refusal) as caught:
        identities.caller(new_pem, now=federation.now)
    assert Cause.WRONG_CA.name == caught.value.details["cause"]
    both = federation.cas["310000"].certificate_pem + new.certificate_pem
    live.change("310000", ca_pem=both.decode())
    for pem in (old_pem, new_pem):
        assert principal == identities.caller(pem, now=federation.now)
    live.change("310000", ca_pem=new.certificate_pem.decode())
    assert principal == identities.caller(new_pem, now=federation.now)
    with pytest.raises(Refusal) as caught:
        identities.caller(old_pem, now=federation.now)
    assert Cause.WRONG_CA.name == caught.value.details["cause"]


def test_a_member_that_leaves(federation: Federation) -> None:
    """Nobody of a province that is no member any more gets in."""
    live = LiveTrust(federation.trust)
    identities = Identities(live.as_trust)
    pem = federation.node("340000").certificate_pem
    assert "peer" == identities.caller(pem, now=federation.now).role
    rest = ("310000", "320000", "330000")
    pems = {province: federation.cas[province].certificate_pem.decode() for province in rest}
    live.now = replace(make_trust(rest, ca_pem=pems), version=live.now.version + 1)
    with pytest.raises(Refusal) as caught:
        identities.caller(pem, now=federation.now)
    assert Cause.NOT_A_MEMBER.name == caught.value.details["cause"]


def test_self_signed(federation: Federation) -> None:
    """A certificate that vouches for itself names nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    pem = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(federation.now - timedelta(days=1))
        .not_valid_after(federation.now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([CLIENT]), critical=False)
        .add_extension(x509.SubjectAlternativeName([uri(URI)]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    assert Cause.WRONG_CA.name == cause(federation, pem)


def test_expired_ca(federation: Federation) -> None:
    """A CA that has expired vouches for nobody, whatever its certificates say."""
    pem = leaf(federation.cas["310000"], names=[uri(URI)], now=federation.now)
    ca = x509.load_pem_x509_certificate(federation.cas["310000"].certificate_pem)
    after = ca.not_valid_after_utc + timedelta(seconds=1)
    assert Cause.EXPIRED.name == cause(federation, pem, now=after)
