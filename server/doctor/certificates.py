"""Certificates: how long they last, who issued them, and whether the federation still takes them.

Judges PEM that was read from files or seen on a connection; opens neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from server.doctor.findings import Check, Finding, Level, Side, ago, well

__all__ = ["SOON", "CertificateSeen", "check_cas", "check_certificate", "check_clients"]

SOON = timedelta(days=30)
"""So long before a certificate ends it is time to renew it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateSeen:
    """A certificate and what is known of where it belongs.

    Attributes:
        subject: What it is called in the report, such as ``node.crt``.
        pem: As read; the first certificate counts.
        issuers_pem: Certificates of CAs, of which one must have issued it; empty if it is a CA.
        revoked_serials: In hex; such certificates count no more.
        side: Who can renew it.
        province: The partner, where it is one's.
        remedy: The command that renews it.
    """

    subject: str
    pem: bytes
    issuers_pem: bytes = b""
    revoked_serials: tuple[str, ...] = ()
    side: Side = Side.OURS
    province: str = ""
    remedy: str


def check_certificate(seen: CertificateSeen, *, now: datetime) -> Finding:
    """Return how a certificate is: read, issued, revoked, begun, not ended, not ending soon.

    Args:
        seen: The certificate.
        now: The present instant.
    """
    try:
        certificate = x509.load_pem_x509_certificates(seen.pem)[0]
    except (ValueError, IndexError):
        return _finding(
            seen,
            Level.BAD,
            "CERTIFICATE_UNREADABLE",
            "不是 PEM 格式的证书。",
            "It is not a certificate in PEM.",
        )
    wrong = _wrong(certificate, seen, now)
    if wrong is not None:
        return _finding(seen, *wrong)
    end = certificate.not_valid_after_utc
    days = (end - now).days
    if end - now < SOON:
        return _finding(
            seen,
            Level.WARN,
            "CERTIFICATE_ENDS_SOON",
            f"还有 {days} 天到期（{end:%Y-%m-%d}）。",
            f"It expires in {days} days ({end:%Y-%m-%d}).",
        )
    return well(
        Check.CERTIFICATES,
        f"还有 {days} 天（至 {end:%Y-%m-%d}）。",
        f"{days} days left (until {end:%Y-%m-%d}).",
        subject=seen.subject,
        province=seen.province,
    )


def check_cas(
    held: Sequence[tuple[str, bytes]], *, stated_pem: bytes, pending_pem: bytes, directory: str
) -> list[Finding]:
    """Return which CAs of the node the federation does not know: partners refuse what they issue.

    Args:
        held: Subject and PEM of each; what is no certificate is for `check_certificate`.
        stated_pem: Of the CAs that the federation states.
        pending_pem: Of those in the statement that is signed and counts from the next full hour.
        directory: Of the node.
    """
    stated, pending = _certificates(stated_pem), _certificates(pending_pem)
    found: list[Finding] = []
    for subject, pem in held:
        for ca in _certificates(pem):
            serial = f"{ca.serial_number:x}"
            if ca in stated:
                continue
            if ca in pending:
                found.append(
                    well(
                        Check.CERTIFICATES,
                        f"CA {serial} 已列入签署的声明，自下一个整点起生效。",
                        f"The CA {serial} stands in the signed statement that counts from the next "
                        "full hour.",
                        subject=subject,
                    )
                )
                continue
            found.append(
                Finding(
                    check=Check.CERTIFICATES,
                    level=Level.WARN,
                    code="CA_NOT_STATED",
                    subject=subject,
                    side=Side.OURS,
                    zh=f"CA {serial} 尚未列入联盟文件，不能用它签发证书。",
                    en=f"The federation does not state the CA {serial} yet: nothing is issued "
                    "by it.",
                    remedy=f"deltacare federation propose --from {directory} --member {directory} "
                    "--out proposal.json",
                )
            )
    return found


def check_clients(seen: Sequence[CertificateSeen], *, now: datetime) -> list[Finding]:
    """Return how the clients' certificates are: one line if all are well, else one for each bad.

    Args:
        seen: The certificates.
        now: The present instant.
    """
    findings = [check_certificate(each, now=now) for each in seen]
    wrong = [finding for finding in findings if finding.level is not Level.OK]
    if wrong or not seen:
        return wrong
    days = min(
        (x509.load_pem_x509_certificates(each.pem)[0].not_valid_after_utc - now).days
        for each in seen
    )
    return [
        well(
            Check.CERTIFICATES,
            f"{len(seen)} 张客户端证书，最早的还有 {days} 天。",
            f"{len(seen)} client certificates; the first of them has {days} days left.",
            subject="clients/",
        )
    ]


def _certificates(pem: bytes) -> list[x509.Certificate]:
    """Return the certificates in a file; none if it is no PEM."""
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []


def _is_issued(certificate: x509.Certificate, issuers_pem: bytes) -> bool:
    """Whether one of the issuers signed it; a CA is asked for none."""
    if not issuers_pem:
        return True
    for issuer in _certificates(issuers_pem):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _wrong(
    certificate: x509.Certificate, seen: CertificateSeen, now: datetime
) -> tuple[Level, str, str, str] | None:
    """Return level, code and words of what makes a certificate useless, if anything does."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    serial = f"{certificate.serial_number:x}"
    if not _is_issued(certificate, seen.issuers_pem):
        return (
            Level.BAD,
            "CERTIFICATE_NOT_ISSUED",
            "不是联盟所公布的 CA 签发的。",
            "None of the CAs that the federation states issued it.",
        )
    if serial in seen.revoked_serials:
        return (
            Level.BAD,
            "CERTIFICATE_REVOKED",
            f"序列号 {serial} 已被撤销。",
            f"Its serial {serial} is revoked.",
        )
    if now < begin:
        return (
            Level.BAD,
            "CERTIFICATE_NOT_YET_VALID",
            f"{begin:%Y-%m-%d %H:%M}Z 起才有效。",
            f"It is valid only from {begin:%Y-%m-%d %H:%M}Z.",
        )
    if now >= end:
        zh, en = ago(now - end)
        return (
            Level.BAD,
            "CERTIFICATE_EXPIRED",
            f"已于 {zh}前（{end:%Y-%m-%d}）到期。",
            f"It expired {en} ago ({end:%Y-%m-%d}).",
        )
    return None


def _finding(seen: CertificateSeen, level: Level, code: str, zh: str, en: str) -> Finding:
    return Finding(
        check=Check.CERTIFICATES,
        level=level,
        code=code,
        subject=seen.subject,
        side=seen.side,
        province=seen.province,
        zh=zh,
        en=en,
        remedy=seen.remedy,
    )
