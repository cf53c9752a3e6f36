"""Tests of key files: the owner's alone, never overwritten, noticed in the wrong place."""

import stat
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from server.keyfiles import NodeKeys, read_bundle_key, write_new
from tests.support.federation import PROVINCES
from tests.support.ports import SeededEntropy


def make(directory: Path) -> NodeKeys:
    """Write new keys of 310000."""
    keys = NodeKeys.generate("310000", PROVINCES, entropy=SeededEntropy().token)
    keys.write(directory)
    return keys


def test_keys_come_back(tmp_path: Path) -> None:
    """What is written is read again: a key for each own log, and none of another's."""
    keys = make(tmp_path)
    assert NodeKeys.read(tmp_path, province="310000", provinces=PROVINCES) == keys
    assert sorted(map(str, keys.logs)) == [
        "deltacare/310000/registry",
        "deltacare/310000/settlement/320000",
        "deltacare/310000/settlement/330000",
        "deltacare/310000/settlement/340000",
    ]
    assert read_bundle_key(tmp_path, province="310000") == keys.bundle


def test_every_key_is_another(tmp_path: Path) -> None:
    """No two keys are the same."""
    keys = make(tmp_path)
    seeds = [signer.seed for signer in keys.logs.values()]
    seeds += [keys.witness.seed, keys.bundle.seed]
    seeds += [keys.request_mac_key, keys.salt_key, keys.code_key]
    assert len(set(seeds)) == len(seeds) == 9


def test_only_the_owner_reads(tmp_path: Path) -> None:
    """Every key file is the owner's alone."""
    make(tmp_path)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A key that is there stays."""
    keys = make(tmp_path)
    with pytest.raises(Refusal) as caught:
        NodeKeys.generate("310000", PROVINCES, entropy=SeededEntropy("x").token).write(tmp_path)
    assert caught.value.reason is Reason.ALREADY_EXISTS
    with pytest.raises(Refusal):
        write_new(tmp_path / "witness.key", b"", private=True)
    assert NodeKeys.read(tmp_path, province="310000", provinces=PROVINCES) == keys


def test_keys_are_not_shown(tmp_path: Path) -> None:
    """Nothing of a key stands in what is printed of it."""
    keys = make(tmp_path)
    registry = keys.logs[LogName.registry("310000")]
    assert registry.seed.hex() not in repr(keys)
    assert repr(registry.seed) not in repr(keys)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        "PRIVATE+KEY+deltacare/310000/witness+00000000+AAAA",
        "PRIVATE+KEY+deltacare/310000/witness+zz",
        "\u4e0a\u6d77",
    ],
)
def test_broken_file(tmp_path: Path, text: str) -> None:
    """A damaged key is refused, naming the file and nothing of its content."""
    make(tmp_path)
    path = tmp_path / "witness.key"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        NodeKeys.read(tmp_path, province="310000", provinces=PROVINCES)
    assert caught.value.violations[0].value == str(path)
    assert "secret" not in str(caught.value).replace(str(path), "")


@pytest.mark.parametrize("name", ["log-registry.key", "bundle.key", "witness.key"])
def test_key_in_the_wrong_place(tmp_path: Path, name: str) -> None:
    """A key under the name of another is noticed."""
    make(tmp_path)
    other = tmp_path / "log-settlement-320000.key"
    (tmp_path / name).write_bytes(other.read_bytes())
    with pytest.raises(Refusal) as caught:
        NodeKeys.read(tmp_path, province="310000", provinces=PROVINCES)
    assert caught.value.violations[0].value.endswith(name)


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33])
def test_broken_secret(tmp_path: Path, text: str) -> None:
    """A secret that is not 32 bytes is refused."""
    make(tmp_path)
    (tmp_path / "salt.secret").write_text(text, encoding="ascii")
    with pytest.raises(Refusal):
        NodeKeys.read(tmp_path, province="310000", provinces=PROVINCES)
