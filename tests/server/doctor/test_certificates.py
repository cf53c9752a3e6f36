"""Tests of certificates' check: every way in which one can be of no use."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from deltacare.ids import Principal
from server.certificates import KeyPair, issue_client, issue_node, new_ca
from server.doctor.certificates import (
    CertificateSeen,
    check_cas,
    check_certificate,
    check_clients,
)
from server.doctor.findings import Level, Side

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
RENEW = "deltacare node certificate renew DIR"


@pytest.fixture(scope="module")
def ca() -> KeyPair:
    """Return a CA that is valid now."""
    return new_ca("310000", now=NOW)


def seen(pem: bytes, issuers: bytes, *revoked: str) -> CertificateSeen:
    """Return a certificate of ours as it was read."""
    return CertificateSeen(
        subject="node.crt", pem=pem, issuers_pem=issuers, revoked_serials=revoked, remedy=RENEW
    )


@pytest.mark.parametrize(
    "duration_d, at, code, level",
    [
        (365, NOW, "OK", Level.OK),
        (31, NOW, "OK", Level.OK),
        (30, NOW + timedelta(seconds=1), "CERTIFICATE_ENDS_SOON", Level.WARN),
        (30, NOW + timedelta(days=30, seconds=-1), "CERTIFICATE_ENDS_SOON", Level.WARN),
        (30, NOW + timedelta(days=30), "CERTIFICATE_EXPIRED", Level.BAD),
        (365, NOW - timedelta(hours=1), "CERTIFICATE_NOT_YET_VALID", Level.BAD),
    ],
)
def test_days(ca: KeyPair, duration_d: int, at: datetime, code: str, level: Level) -> None:
    """Days left are said, and what ended, ends soon or has not begun."""
    node = issue_node(ca, "310000", hosts=(), now=NOW, duration_d=duration_d)
    found = check_certificate(seen(node.certificate_pem, ca.certificate_pem), now=at)
    assert (code, level) == (found.code, found.level)
    if level is not Level.OK:
        assert (Side.OURS, RENEW) == (found.side, found.remedy)


def test_days_left_are_named(ca: KeyPair) -> None:
    """The line says how many days, in both languages."""
    node = issue_node(ca, "310000", hosts=(), now=NOW, duration_d=12)
    found = check_certificate(seen(node.certificate_pem, ca.certificate_pem), now=NOW)
    assert ("还有 12 天到期（2026-12-04）。", "It expires in 12 days (2026-12-04).") == (
        found.zh,
        found.en,
    )


def test_issuer(ca: KeyPair) -> None:
    """What no CA of the federation issued is of no use; one of two CAs is enough."""
    other = new_ca("310000", now=NOW)
    node = issue_node(ca, "310000", hosts=(), now=NOW)
    alone = check_certificate(seen(node.certificate_pem, other.certificate_pem), now=NOW)
    assert (Level.BAD, "CERTIFICATE_NOT_ISSUED") == (alone.level, alone.code)
    both = other.certificate_pem + ca.certificate_pem
    assert "OK" == check_certificate(seen(node.certificate_pem, both), now=NOW).code


def test_revoked(ca: KeyPair) -> None:
    """A serial that the federation lists is of no use any more."""
    node = issue_node(ca, "310000", hosts=(), now=NOW)
    serial = f"{x509.load_pem_x509_certificate(node.certificate_pem).serial_number:x}"
    found = check_certificate(seen(node.certificate_pem, ca.certificate_pem, serial), now=NOW)
    assert (Level.BAD, "CERTIFICATE_REVOKED") == (found.level, found.code)
    found = check_certificate(seen(node.certificate_pem, ca.certificate_pem, "ab12"), now=NOW)
    assert "OK" == found.code


@pytest.mark.parametrize("pem", [b"", b"not PEM", b"-----BEGIN CERTIFICATE-----\nMAA=\n"])
def test_unreadable(ca: KeyPair, pem: bytes) -> None:
    """A file that holds no certificate is a line, not a crash."""
    assert (
        "CERTIFICATE_UNREADABLE" == check_certificate(seen(pem, ca.certificate_pem), now=NOW).code
    )


def test_cas(ca: KeyPair) -> None:
    """A CA on the card that no statement holds, not even a coming one, wants a proposal."""
    coming, new = (new_ca("310000", now=NOW) for _ in range(2))
    held = [
        ("ca.crt #1", ca.certificate_pem),
        ("ca.crt #2", coming.certificate_pem),
        ("ca.crt #3", new.certificate_pem),
        ("ca.crt #4", b"not PEM"),
    ]
    first, second = check_cas(
        held,
        stated_pem=ca.certificate_pem,
        pending_pem=ca.certificate_pem + coming.certificate_pem,
        directory="n",
    )
    assert ("OK", "ca.crt #2") == (first.code, first.subject)
    assert "counts from the next full hour" in first.en
    assert ("CA_NOT_STATED", Level.WARN, "ca.crt #3", Side.OURS) == (
        second.code,
        second.level,
        second.subject,
        second.side,
    )
    assert "deltacare federation propose --from n --member n --out proposal.json" == second.remedy
    serial = x509.load_pem_x509_certificate(new.certificate_pem).serial_number
    assert f"{serial:x}" in second.en
    assert f"{serial:x}" in second.zh


def test_clients(ca: KeyPair) -> None:
    """Good clients share one line; each bad one has its own."""
    pairs = [
        issue_client(
            ca,
            Principal(province="310000", role="clerk", opaque_id=f"k-{days}"),
            now=NOW,
            duration_d=days,
        )
        for days in (10, 200, 300)
    ]
    clients = [seen(pair.certificate_pem, ca.certificate_pem) for pair in pairs]
    (line,) = check_clients(clients[1:], now=NOW)
    assert "2 client certificates; the first of them has 200 days left." == line.en
    assert ["CERTIFICATE_ENDS_SOON"] == [each.code for each in check_clients(clients, now=NOW)]
    assert [] == check_clients([], now=NOW)
