"""What a node says at its start although it starts.

A certificate that nobody will take, a passphrase that others can read: a node with such a fault
still serves what needs no partner, so it is no refusal. The judgement is the doctor's, and so are
the words and the command that mends it. Nothing is changed here.
"""

import os
from datetime import datetime

import structlog

from clients.vault import passphrase_path
from deltacare.trust import Trust
from server.config import NodeConfig
from server.doctor.certificates import CertificateSeen, check_certificate
from server.doctor.findings import Level
from server.doctor.keys import KeyFile, check_files

__all__ = ["raise_alarms"]

_MODE_BITS = 0o7777

_alarm = structlog.get_logger("deltacare.alarm")


def raise_alarms(
    config: NodeConfig, *, certificate_pem: bytes, trust: Trust, now: datetime
) -> None:
    """Log an alarm for each thing that will fail or leak, in the doctor's words.

    Args:
        config: The node's settings.
        certificate_pem: What the node shows.
        trust: Whose CAs and revocations count.
        now: The present instant.
    """
    member = trust.member(config.province)
    findings = [
        check_certificate(
            CertificateSeen(
                subject=config.certificate.name,
                pem=certificate_pem,
                issuers_pem=member.ca_pem.encode(),
                revoked_serials=member.revoked_serials,
                remedy=f"deltacare node certificate renew {config.directory}",
            ),
            now=now,
        )
    ]
    path = passphrase_path(os.environ, config.passphrase_file)
    if path is not None and path.exists():
        mode = path.stat().st_mode & _MODE_BITS
        file = KeyFile(path=path, mode=mode, is_directory=False, is_clear=False)
        findings.extend(check_files([file], directory=config.directory))
    for finding in findings:
        if finding.level is not Level.OK:
            _alarm.warning(
                finding.code.lower(),
                subject=finding.subject,
                text=finding.en,
                text_zh=finding.zh,
                remedy=finding.remedy,
            )
