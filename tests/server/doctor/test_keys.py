"""Tests of keys' check: files open to others or in the clear, and which keys are in force."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deltacare.keys import LogSigner, VerifierKey
from deltacare.trust.terms import KeyTerm
from server.doctor.files import NodeFiles
from server.doctor.findings import Finding, Level
from server.doctor.keys import KeyFile, check_files, check_keys
from tests.support.federated import make_directories
from tests.support.federation import seed

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
BEGIN = NOW - timedelta(days=300)
NAME = "deltacare/310000/registry"
DIRECTORY = Path("/n/310000")


def key(label: str) -> VerifierKey:
    """Return a public key of the registry log."""
    return LogSigner(name=NAME, seed=seed(label)).verifier


def lines(found: list[Finding]) -> list[tuple[Level, str, str]]:
    """Return what matters of some lines."""
    return [(each.level, each.code, each.subject) for each in found]


def checked(terms: list[KeyTerm], held: list[VerifierKey]) -> list[tuple[Level, str, str]]:
    """Return the lines about the keys of the registry log."""
    return lines(check_keys({NAME: terms}, {NAME: held}, directory=DIRECTORY, now=NOW))


def file(name: str, mode: int, *, is_clear: bool = False) -> KeyFile:
    """Return a file, or a directory if it has no suffix."""
    path = DIRECTORY / name
    return KeyFile(path=path, mode=mode, is_directory=not path.suffix, is_clear=is_clear)


@pytest.mark.parametrize(
    "kept, code, remedy",
    [
        (file("keys/log.key", 0o600), "OK", ""),
        (file("keys/log.key", 0o400), "OK", ""),
        (file("keys/log.key", 0o640), "KEY_FILE_OPEN", "chmod 600 /n/310000/keys/log.key"),
        (file("keys/log.key", 0o604), "KEY_FILE_OPEN", "chmod 600 /n/310000/keys/log.key"),
        (file("keys", 0o755), "KEY_FILE_OPEN", "chmod 700 /n/310000/keys"),
        (
            file("keys/log.key", 0o600, is_clear=True),
            "KEY_FILE_CLEAR",
            "deltacare node keys new /n/310000",
        ),
    ],
)
def test_files(kept: KeyFile, code: str, remedy: str) -> None:
    """A file that others get at, or that is not encrypted, is bad, with the command for it."""
    (found,) = check_files([kept], directory=DIRECTORY)
    assert (code, remedy) == (found.code, found.remedy)
    assert (Level.OK if code == "OK" else Level.BAD) is found.level


def test_in_force() -> None:
    """The key that the federation states is held: nothing to say."""
    assert [(Level.OK, "OK", "")] == checked([KeyTerm(key=key("a"), from_time=BEGIN)], [key("a")])


def test_not_held() -> None:
    """The node cannot sign with a key that lies elsewhere."""
    found = checked([KeyTerm(key=key("a"), from_time=BEGIN)], [])
    assert [(Level.BAD, "KEY_NOT_HELD", NAME)] == found


def test_none_in_force() -> None:
    """A key whose time is over, or that was declared bad, signs nothing."""
    over = KeyTerm(key=key("a"), from_time=BEGIN, until_time=NOW)
    tainted = KeyTerm(key=key("a"), from_time=BEGIN, tainted_time=NOW - timedelta(days=1))
    for term in (over, tainted):
        assert [(Level.BAD, "KEY_NONE_IN_FORCE", NAME)] == checked([term], [key("a")])


def test_ends_soon() -> None:
    """A key that ends wants a successor that is stated and held."""
    ending = KeyTerm(key=key("a"), from_time=BEGIN, until_time=NOW + timedelta(days=29))
    later = KeyTerm(key=key("a"), from_time=BEGIN, until_time=NOW + timedelta(days=31))
    successor = KeyTerm(key=key("b"), from_time=NOW + timedelta(days=10))
    assert [(Level.WARN, "KEY_ENDS_SOON", NAME)] == checked([ending], [key("a")])
    assert [(Level.WARN, "KEY_ENDS_SOON", NAME)] == checked([ending, successor], [key("a")])
    assert [(Level.OK, "OK", "")] == checked([ending, successor], [key("a"), key("b")])
    assert [(Level.OK, "OK", "")] == checked([later], [key("a")])


def test_not_stated() -> None:
    """A key that nobody signed for is waiting, and the line says for what."""
    found = check_keys(
        {NAME: [KeyTerm(key=key("a"), from_time=BEGIN)]},
        {NAME: [key("a"), key("b")]},
        directory=DIRECTORY,
        now=NOW,
    )
    assert [(Level.WARN, "KEY_NOT_STATED", NAME)] == lines(found)
    assert found[0].remedy.startswith("deltacare federation propose --from /n/310000 ")


def test_stated_and_waiting() -> None:
    """A key in the statement that counts from the next hour needs no proposal, and follows."""
    found = check_keys(
        {NAME: [KeyTerm(key=key("a"), from_time=BEGIN, until_time=NOW + timedelta(days=3))]},
        {NAME: [key("a"), key("b")]},
        directory=DIRECTORY,
        now=NOW,
        pending=frozenset({key("b")}),
    )
    assert [(Level.OK, "OK", ""), (Level.OK, "OK", "pending")] == lines(found)


def test_passphrase_file_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that the environment names is looked at like the one that the settings name."""
    directory = make_directories(tmp_path)["310000"]
    path = tmp_path / "elsewhere"
    path.write_text("correct horse battery staple", encoding="utf-8")
    path.chmod(0o644)
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE_FILE", str(path))
    found = check_files(NodeFiles.of(directory).key_files(), directory=directory)
    assert [("KEY_FILE_OPEN", f"chmod 600 {path}")] == [(each.code, each.remedy) for each in found]
