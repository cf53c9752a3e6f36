"""Tests of what a node starts from, and of what it picks up while it runs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deltacare.ids import LogName
from server.app import SystemEntropy
from server.config import NodeConfig, read_config
from server.credentials import NodeCredentials, Renewals
from server.edge.tls import TlsFiles
from server.renewal import new_keys, renew_certificate
from tests.support.federated import make_directories

REGISTRY = LogName.registry("310000")


@pytest.fixture
def config(tmp_path: Path) -> NodeConfig:
    """A node's settings, with everything installed."""
    return read_config(make_directories(tmp_path)["310000"] / "node.toml")


def now() -> datetime:
    """Return the present instant: certificates are real."""
    return datetime.now(UTC)


def test_new_key_is_held_without_a_restart(config: NodeConfig) -> None:
    """A key that is made while the node runs is held at the next look, and both stay."""
    credentials = NodeCredentials.open(config, now=now())
    renewals = Renewals(credentials, on_certificate=lambda _: None)
    (first,) = credentials.keys.log_signers(REGISTRY)
    renewals.look()
    new_keys(
        config.directory,
        name=str(REGISTRY),
        from_time=now(),
        environ={},
        entropy=SystemEntropy().token,
    )
    renewals.look()
    held = credentials.keys.log_signers(REGISTRY)
    assert (len(held), first in held) == (2, True)


def test_damaged_key_leaves_what_was_held(config: NodeConfig) -> None:
    """A file that cannot be read is an alarm, and the node signs on with what it has."""
    credentials = NodeCredentials.open(config, now=now())
    renewals = Renewals(credentials, on_certificate=lambda _: None)
    held = credentials.keys.log_signers(REGISTRY)
    path = next(config.keys.glob("log-registry.*.key"))
    path.write_bytes(b"rubbish")
    with capture_logs() as logs:
        renewals.look()
        renewals.look()
    assert ["keys_not_reloaded"] == [line["event"] for line in logs]
    assert held == credentials.keys.log_signers(REGISTRY)


def test_renewed_certificate_is_told(config: NodeConfig) -> None:
    """A renewed certificate is told once, to who shows it elsewhere."""
    credentials = NodeCredentials.open(config, now=now())
    told: list[TlsFiles] = []
    renewals = Renewals(credentials, on_certificate=told.append)
    renewals.look()
    renew_certificate(config.directory, now=now(), environ={}, entropy=SystemEntropy().token)
    renewals.look()
    renewals.look()
    assert [config.certificate.read_bytes()] == [files.certificate_pem for files in told]
    assert b"PRIVATE KEY" in told[0].key_pem
    assert "PRIVATE KEY" not in repr(told[0])
