"""Tests of profiles: what a client needs to reach its node, and what it says when it lacks it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clients.sdk.credentials import (
    FILE_BYTES_MAX,
    Credentials,
    Profile,
    node_tls_name,
    read_file,
)
from deltacare.errors import Reason, Refusal


def make(directory: Path, text: str = '{"endpoint": "h:1", "province": "310000"}') -> Path:
    """Write a profile whose files hold their own names."""
    (directory / "node.json").write_text(text, encoding="utf-8")
    for name in ("ca.crt", "clerk.crt", "clerk.key"):
        (directory / name).write_text(name, encoding="ascii")
    return directory


def test_profile(tmp_path: Path) -> None:
    """A profile is one directory and a name in it."""
    profile = Profile.load(make(tmp_path), name="clerk")
    assert profile.endpoint == "h:1"
    assert profile.credentials == Credentials(
        province="310000", ca_pem=b"ca.crt", certificate_pem=b"clerk.crt", key_pem=b"clerk.key"
    )
    assert "clerk.key" not in repr(profile)


@pytest.mark.parametrize("name", ["node.json", "ca.crt", "clerk.crt", "clerk.key"])
def test_missing_file(tmp_path: Path, name: str) -> None:
    """A file that is missing is named."""
    (make(tmp_path) / name).unlink()
    with pytest.raises(Refusal) as caught:
        Profile.load(tmp_path, name="clerk")
    assert caught.value.reason is Reason.INVALID_FIELD
    assert caught.value.violations[0].value == str(tmp_path / name)


@pytest.mark.parametrize(
    "text", ["", "[]", "7", '{"endpoint": "h:1"}', '{"endpoint": 1, "province": "310000"}']
)
def test_wrong_profile(tmp_path: Path, text: str) -> None:
    """A profile without endpoint or province is refused."""
    with pytest.raises(Refusal):
        Profile.load(make(tmp_path, text), name="clerk")


def test_wrong_province(tmp_path: Path) -> None:
    """A province that is none is refused before anything is dialled."""
    with pytest.raises(Refusal) as caught:
        Profile.load(make(tmp_path, '{"endpoint": "h:1", "province": "31"}'), name="clerk")
    assert caught.value.violations[0].field == "province"


def test_file_too_large(tmp_path: Path) -> None:
    """A file that cannot be a key is not read whole."""
    make(tmp_path)
    (tmp_path / "clerk.key").write_bytes(bytes(FILE_BYTES_MAX + 1))
    with pytest.raises(Refusal) as caught:
        Profile.load(tmp_path, name="clerk")
    assert str(FILE_BYTES_MAX) in caught.value.violations[0].description


def test_every_node_has_its_own_name() -> None:
    """The name that a node's certificate carries differs by province."""
    assert node_tls_name("310000") == "310000.node.deltacare.internal"
    assert node_tls_name("320000") != node_tls_name("310000")


def test_what_is_no_regular_file_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to, a directory and an endless device are named, not read."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, Path("/dev/zero")):
        with pytest.raises(Refusal, match="not a regular file") as caught:
            read_file(path, field_name="proposal")
        assert [("proposal", str(path))] == [
            (each.field, each.value) for each in caught.value.violations
        ]
    # In a process of its own, which can be ended if it waits.
    program = "from clients.cli.main import main; main()"
    asked = subprocess.run(
        [sys.executable, "-c", program, "federation", "show", str(pipe)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert 2 == asked.returncode
    assert str(pipe) in asked.stderr
