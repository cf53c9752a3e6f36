"""Tests of what a node starts from, and of what it picks up while it runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from deltacare.ids import LogName
from server.alarms import raise_alarms
from server.app import Node, SystemEntropy
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


def test_alarms_at_the_start(config: NodeConfig) -> None:
    """An expired or foreign certificate is said, and a passphrase that others read."""
    assert config.passphrase_file is not None
    config.passphrase_file.chmod(0o600)
    trust = NodeCredentials.open(config, now=now()).room.trust
    own = config.certificate.read_bytes()
    foreign = (config.directory.parent / "320000" / "node.crt").read_bytes()
    late = now() + timedelta(days=10_000)
    said = []
    for pem, at, mode in (
        (own, now(), 0o600),
        (foreign, now(), 0o600),
        (own, late, 0o600),
        (own, now(), 0o644),
    ):
        config.passphrase_file.chmod(mode)
        with capture_logs() as logs:
            raise_alarms(config, certificate_pem=pem, trust=trust, now=at)
        said.append([(line["event"], line["log_level"]) for line in logs])
    assert [
        [],
        [("certificate_not_issued", "warning")],
        [("certificate_expired", "warning")],
        [("key_file_open", "warning")],
    ] == said


def test_alarms_reach_whoever_starts_a_node(config: NodeConfig) -> None:
    """A node says it when it is put together, before it serves."""
    assert config.passphrase_file is not None
    config.passphrase_file.chmod(0o644)
    with capture_logs() as logs:
        Node(config)
    assert "key_file_open" in [line["event"] for line in logs]
