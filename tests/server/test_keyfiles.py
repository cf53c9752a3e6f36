"""Tests of a node's keys: several of one name, encrypted, noticed in the wrong place."""

import base64
import stat
from pathlib import Path

import pytest

from clients.vault import Vault
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, own_logs
from deltacare.trust import key_names, witness_key_name
from server.keyfiles import Keyring, list_keys, new_signing_key
from server.log.settings import Signers
from tests.support.federated import CHEAP, PASSPHRASE
from tests.support.federation import PROVINCES
from tests.support.ports import SeededEntropy

PROVINCE = "310000"
REGISTRY = LogName.registry(PROVINCE)


def make(directory: Path, seed: str = "") -> Keyring:
    """Write new keys of 310000."""
    entropy = SeededEntropy(f"keys{seed}").token
    vault = Vault.create(directory, PASSPHRASE, entropy=entropy, cost=CHEAP)
    return Keyring.generate(vault, province=PROVINCE, provinces=PROVINCES, entropy=entropy)


def reopened(directory: Path) -> Keyring:
    """Read the keys again."""
    return Keyring.open(directory, province=PROVINCE, passphrase=PASSPHRASE)


def secrets(keys: Keyring) -> list[bytes]:
    """Return everything that nobody else may know."""
    signers = [signer for log in own_logs(PROVINCE, PROVINCES) for signer in keys.log_signers(log)]
    seeds = [
        *(signer.seed for signer in signers),
        *(signer.seed for signer in keys.witness_signers),
        *(signer.seed for signer in (*keys.verdict_signers, *keys.timestamp_signers)),
    ]
    return [*seeds, keys.request_mac_key, keys.salt_key, keys.code_key]


def test_keys_come_back(tmp_path: Path) -> None:
    """What is made is read again: one key for each own log, for witness, verdicts, timestamp."""
    keys = make(tmp_path)
    again: Signers = reopened(tmp_path)
    assert isinstance(again, Keyring)
    assert secrets(keys) == secrets(again)
    for log in own_logs(PROVINCE, PROVINCES):
        (signer,) = again.log_signers(log)
        assert str(log) == signer.verifier.name
    assert () == again.log_signers(LogName.registry("320000"))
    names = {*key_names(PROVINCE, PROVINCES), "deltacare/310000/timestamp"}
    assert names == {key.name for _, key in list_keys(tmp_path)}


def test_every_key_is_another(tmp_path: Path) -> None:
    """No two secrets are the same."""
    found = secrets(make(tmp_path))
    assert len(set(found)) == len(found) == 11


def test_nothing_private_in_clear(tmp_path: Path) -> None:
    """No file holds a secret in any spelling, and every file is the owner's alone."""
    keys = make(tmp_path)
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)
        for secret in secrets(keys):
            for spelled in (secret, secret.hex().encode(), base64.b64encode(secret)):
                assert spelled not in data
    assert not any(secret.hex() in repr(keys) for secret in secrets(keys))
    assert not any(repr(secret) in repr(keys) for secret in secrets(keys))


def test_a_second_key_of_one_name(tmp_path: Path) -> None:
    """A key made while the node runs is held after a reload, beside the old one."""
    keys = make(tmp_path)
    (old,) = keys.log_signers(REGISTRY)
    entropy = SeededEntropy("more").token
    new = new_signing_key(keys.vault, str(REGISTRY), entropy=entropy)
    witness = new_signing_key(keys.vault, witness_key_name(PROVINCE), entropy=entropy)
    assert (old,) == keys.log_signers(REGISTRY)
    keys.reload()
    assert {old.verifier, new} == {s.verifier for s in keys.log_signers(REGISTRY)}
    assert witness in {signer.verifier for signer in keys.witness_signers}
    assert 2 == len(keys.witness_signers)


def test_a_reload_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A node that runs keeps its keys when somebody damages a file."""
    keys = make(tmp_path)
    before = secrets(keys)
    next(tmp_path.glob("witness.*.key")).write_bytes(b"")
    with pytest.raises(Refusal):
        keys.reload()
    assert before == secrets(keys)


@pytest.mark.parametrize("name", ["log-registry", "witness", "timestamp", "log-audit"])
def test_key_in_the_wrong_place(tmp_path: Path, name: str) -> None:
    """A key under the file name of another is noticed, even without a passphrase."""
    make(tmp_path)
    (path,) = tmp_path.glob(f"{name}.*.key")
    (other,) = tmp_path.glob("verdicts.*.key")
    path.write_bytes(other.read_bytes())
    for call in (lambda: list_keys(tmp_path), lambda: reopened(tmp_path)):
        with pytest.raises(Refusal) as caught:
            call()
        assert str(path) == caught.value.violations[0].value


def test_keys_of_another_province(tmp_path: Path) -> None:
    """A node does not run with another province's keys."""
    make(tmp_path)
    with pytest.raises(Refusal) as caught:
        Keyring.open(tmp_path, province="320000", passphrase=PASSPHRASE)
    assert caught.value.reason is Reason.INVALID_FIELD


@pytest.mark.parametrize("name", ["request-mac", "salt", "code"])
def test_missing_secret(tmp_path: Path, name: str) -> None:
    """A secret that is gone is named."""
    make(tmp_path)
    path = tmp_path / f"{name}.secret"
    path.unlink()
    with pytest.raises(Refusal) as caught:
        reopened(tmp_path)
    assert str(path) == caught.value.violations[0].value


def test_secret_of_a_wrong_size(tmp_path: Path) -> None:
    """A secret that is not 32 bytes is refused, and so is a seed."""
    keys = make(tmp_path)
    for file, name in (("salt.secret", "salt"),):
        path = tmp_path / file
        path.unlink()
        keys.vault.write(path, b"short", name=name, entropy=SeededEntropy().token)
    with pytest.raises(Refusal):
        reopened(tmp_path)


def test_wrong_passphrase(tmp_path: Path) -> None:
    """Another passphrase opens nothing."""
    make(tmp_path)
    with pytest.raises(Refusal) as caught:
        Keyring.open(tmp_path, province=PROVINCE, passphrase=b"another passphrase")
    assert "passphrase" == caught.value.violations[0].field
