"""Tests of encrypted key files: what opens them, what does not, and that nothing leaks."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from clients.vault import COST, Vault, describe, read_passphrase, require_passphrase, write_new
from deltacare.errors import Reason, Refusal
from tests.support.ports import SeededEntropy

PASSPHRASE = b"correct horse battery staple"
SECRET = bytes(range(32))
CHEAP = 2**10


def make(directory: Path, passphrase: bytes = PASSPHRASE, seed: str = "a") -> Vault:
    """Make a vault that is quick to open."""
    return Vault.create(directory, passphrase, entropy=SeededEntropy(seed).token, cost=CHEAP)


def keep(vault: Vault, name: str = "tls", public: str = "") -> Path:
    """Seal a secret and return its file."""
    path = vault.directory / f"{name}.key"
    entropy = SeededEntropy(name).token
    vault.write(path, SECRET, name=name, public=public, entropy=entropy)
    return path


def refused(call: object, *arguments: object, **named: object) -> Refusal:
    """Return the refusal of a call."""
    with pytest.raises(Refusal) as caught:
        call(*arguments, **named)  # type: ignore[operator]
    return caught.value


def test_secret_comes_back(tmp_path: Path) -> None:
    """The passphrase opens what it sealed, and what stands in clear needs none."""
    path = keep(make(tmp_path), public="public part")
    assert SECRET == Vault.open(tmp_path, PASSPHRASE).read(path, name="tls")
    assert ("tls", "public part") == (describe(path).name, describe(path).public)


def test_nothing_private_in_clear(tmp_path: Path) -> None:
    """No file holds the secret or the passphrase, however it is spelled, and all are private."""
    keep(make(tmp_path))
    for path in tmp_path.iterdir():
        data = path.read_bytes()
        assert SECRET not in data
        assert SECRET.hex().encode() not in data
        assert PASSPHRASE not in data
        assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert SECRET.hex() not in repr(make(tmp_path / "other"))


def test_cost_by_default() -> None:
    """A guess at the passphrase costs what RFC 7914 calls interactive, doubled."""
    assert 2**15 == COST


def test_wrong_passphrase(tmp_path: Path) -> None:
    """Another passphrase is refused at once, with a remedy and without being told."""
    make(tmp_path)
    error = refused(Vault.open, tmp_path, b"another passphrase")
    assert Reason.INVALID_FIELD is error.reason
    assert "another" not in str(error)
    assert "DELTACARE_KEY_PASSPHRASE_FILE" in error.violations[0].remedy


@pytest.mark.parametrize("length", [0, 11])
def test_short_passphrase(tmp_path: Path, length: int) -> None:
    """A passphrase that is quickly guessed makes no keys."""
    error = refused(make, tmp_path, b"x" * length)
    assert "12" in error.violations[0].description
    assert not list(tmp_path.iterdir())
    make(tmp_path, "十二个字的口令才够长啊啊".encode())


def test_a_file_in_the_wrong_place(tmp_path: Path) -> None:
    """A file under another name, or of another vault, is noticed."""
    vault = make(tmp_path / "a")
    path = keep(vault)
    assert str(path) == refused(vault.read, path, name="ca").violations[0].value
    other = make(tmp_path / "b", seed="b")
    moved = tmp_path / "b" / "tls.key"
    moved.write_bytes(path.read_bytes())
    assert str(moved) == refused(other.read, moved, name="tls").violations[0].value


@pytest.mark.parametrize("field", ["name", "public"])
def test_what_stands_in_clear_is_bound(tmp_path: Path, field: str) -> None:
    """Nobody changes what a file says of itself."""
    vault = make(tmp_path)
    path = keep(vault, public="k")
    value = json.loads(path.read_text(encoding="utf-8"))
    value[field] = "x"
    path.write_text(json.dumps(value), encoding="utf-8")
    refused(vault.read, path, name=value["name"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "secret",
        '{"format": "deltacare/key/v1", "name": "tls", "public": "", "sealed": ""}',
        '{"format": "deltacare/key/v1", "name": "tls", "public": "", "sealed": "AAAA"}',
        '{"format": "deltacare/key/v1", "name": "tls", "public": "", "sealed": "!!"}',
        '{"format": "deltacare/key/v1", "name": "tls", "public": "", "sealed": 7}',
        '{"format": "deltacare/key/v2", "name": "tls", "public": "", "sealed": ""}',
        '{"format": "deltacare/key/v1", "name": "tls", "sealed": ""}',
    ],
)
def test_damaged_file(tmp_path: Path, text: str) -> None:
    """A damaged file is refused by its name, with nothing of its content."""
    vault = make(tmp_path)
    path = tmp_path / "tls.key"
    path.write_text(text, encoding="utf-8")
    error = refused(vault.read, path, name="tls")
    assert str(path) == error.violations[0].value
    assert "secret" not in str(error).replace(str(path), "")


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 2**30},
        {"n": 7},
        {"n": True},
        {"n": "1024"},
        {"r": 1},
        {"kdf": "none"},
        {"salt": "zz"},
        {"salt": ""},
        {"check": ""},
        {"check": 7},
        {"extra": 1},
    ],
)
def test_damaged_kdf(tmp_path: Path, changes: dict[str, object]) -> None:
    """Parameters that could cost a machine's memory, or protect nothing, are refused."""
    make(tmp_path)
    path = tmp_path / "kdf.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**value, **changes}), encoding="utf-8")
    assert Reason.INVALID_FIELD is refused(Vault.open, tmp_path, PASSPHRASE).reason


def test_missing_directory(tmp_path: Path) -> None:
    """A directory without keys is named."""
    assert "kdf.json" in refused(Vault.open, tmp_path, PASSPHRASE).violations[0].value


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A vault and a key that are there stay."""
    vault = make(tmp_path)
    path = keep(vault)
    for call in (lambda: make(tmp_path), lambda: keep(vault)):
        assert Reason.ALREADY_EXISTS is refused(call).reason
    assert Reason.ALREADY_EXISTS is refused(write_new, path, b"", private=True).reason
    assert SECRET == vault.read(path, name="tls")


def test_where_a_passphrase_comes_from(tmp_path: Path) -> None:
    """The file of the environment wins over its text, and that over the settings."""
    files = {}
    for name in ("environment", "settings"):
        files[name] = tmp_path / name
        files[name].write_bytes(name.encode() + b"\n")
    all_of_them = {
        "DELTACARE_KEY_PASSPHRASE_FILE": str(files["environment"]),
        "DELTACARE_KEY_PASSPHRASE": "text",
    }
    assert b"environment" == read_passphrase(all_of_them, files["settings"])
    assert b"text" == read_passphrase({"DELTACARE_KEY_PASSPHRASE": "text"}, files["settings"])
    assert b"settings" == read_passphrase({}, files["settings"])
    assert read_passphrase({}) is None
    assert b"text" == require_passphrase({"DELTACARE_KEY_PASSPHRASE": "text"})
    assert "DELTACARE_KEY_PASSPHRASE" in refused(require_passphrase, {}).violations[0].remedy


@pytest.mark.parametrize("content", [None, b"", b"\n"])
def test_passphrase_file_that_says_nothing(tmp_path: Path, content: bytes | None) -> None:
    """A file that is missing or empty is named, not passed over."""
    path = tmp_path / "passphrase"
    if content is not None:
        path.write_bytes(content)
    environ = {"DELTACARE_KEY_PASSPHRASE_FILE": str(path), "DELTACARE_KEY_PASSPHRASE": "text"}
    assert str(path) == refused(read_passphrase, environ).violations[0].value


def test_derived_once_a_process(tmp_path: Path) -> None:
    """Opening a vault again costs next to nothing: a thousand times within seconds."""
    Vault.create(tmp_path, PASSPHRASE, entropy=SeededEntropy().token)
    code = (
        "import hashlib, sys; from pathlib import Path; from clients.vault import Vault;"
        "count = [0]; derive = hashlib.scrypt\n"
        "def counted(*a, **k):\n    count[0] += 1\n    return derive(*a, **k)\n"
        "hashlib.scrypt = counted\n"
        "for _ in range(100): Vault.open(Path(sys.argv[1]), sys.argv[2].encode())\n"
        "print(count[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), PASSPHRASE.decode()],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "1\n" == done.stdout
