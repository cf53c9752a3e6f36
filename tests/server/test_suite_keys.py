"""Tests of a node's SM2 keys: made, sealed, stated, and refused without the extra."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clients.cli.main import main
from clients.federation.cards import MemberCard
from clients.federation.ceremony import Changes, KeyInstant
from clients.federation.store import TrustStore
from clients.vault import Vault
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.sm2 import Sm2Use
from deltacare.trust import sm2_policy_path, suite_key_names
from server.keyfiles import Keyring, list_keys, list_suite_keys, new_suite_key
from server.renewal import held_keys, new_suite_keys
from tests.support.federated import (
    PAIR,
    PASSPHRASE,
    Offices,
    make_directories,
    make_offices,
    publish,
)

NAME = "deltacare/310000/registry"
WITNESS = "deltacare/310000/witness"
NOW = datetime.now(UTC).replace(microsecond=0)
USES = suite_key_names("310000", PAIR)


@pytest.fixture
def offices(tmp_path: Path) -> Offices:
    """Return the offices of a federation of two."""
    return make_offices(tmp_path / "offices", PAIR)


@pytest.fixture
def directory(tmp_path: Path, offices: Offices) -> Path:
    """Return the directory of a node whose federation is installed."""
    return make_directories(tmp_path, offices=offices)["310000"]


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the extra away."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "gmssl_pyx", None)
        yield


def keyring(directory: Path) -> Keyring:
    """Return the keys of a node."""
    return Keyring.open(directory / "keys", province="310000", passphrase=PASSPHRASE)


def make(directory: Path, name: str | None = None) -> list[str]:
    """Make keys of the suite and return their names."""
    made = new_suite_keys(directory, name=name, from_time=NOW, environ={}, entropy=os.urandom)
    return [key.name for key in made]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run a command line; return exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as caught:
        main.main([*map(str, arguments), "--lang", "en"])
    shown = capsys.readouterr()
    code = caught.value.code
    assert isinstance(code, int)
    return code, shown.out, shown.err


def test_keys_for_every_log_and_the_witness(directory: Path) -> None:
    """One of each, with its use, on the card and in the keyring; the first suite sees none."""
    before = [key for _, key in list_keys(directory / "keys")]
    assert () == keyring(directory).suite_signers(NAME)
    assert sorted(USES) == sorted(make(directory))
    card = MemberCard.read(directory).member
    assert dict(USES) == {term.key.name: term.key.use for term in card.suite_keys}
    keys = keyring(directory)
    for name in USES:
        signers = [signer.verifier for signer in keys.suite_signers(name)]
        assert [term.key for term in card.suite_terms(name)] == signers
    assert before == [key for _, key in list_keys(directory / "keys")]


def test_they_are_sealed_as_the_others(directory: Path) -> None:
    """Nothing of a private key stands in clear, and only the owner may read the file."""
    make(directory)
    keys = keyring(directory)
    seeds = [signer.seed for name in USES for signer in keys.suite_signers(name)]
    assert len(USES) == len(seeds)
    for path, _ in list_suite_keys(directory / "keys"):
        data = path.read_bytes()
        assert not any(seed in data or seed.hex().encode() in data for seed in seeds)
        assert 0o600 == path.stat().st_mode & 0o777


def test_entropy_that_is_no_key_is_drawn_again(tmp_path: Path) -> None:
    """One number in 2^32 is none: another takes its place."""
    draws = [bytes(32), b"\xff" * 32, b"\x01" * 32]
    vault = Vault.create(tmp_path / "keys", PASSPHRASE, entropy=os.urandom, cost=1024)

    def entropy(size: int) -> bytes:
        return draws.pop(0) if draws else os.urandom(size)

    key = new_suite_key(vault, WITNESS, Sm2Use.COSIGNATURE, entropy=entropy)
    ((path, found),) = list_suite_keys(tmp_path / "keys")
    assert (key, b"\x01" * 32) == (found, vault.read(path, name=WITNESS))


def test_a_file_in_anothers_place_is_noticed(directory: Path) -> None:
    """Swapped, renamed, or another province's: named, and nothing of it is shown."""
    make(directory)
    files = {key.name: path for path, key in list_suite_keys(directory / "keys")}
    first, second = files[NAME], files[WITNESS]
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    with pytest.raises(Refusal, match="does not hold the key") as caught:
        keyring(directory)
    assert Reason.INVALID_FIELD is caught.value.reason
    first.write_bytes(held)
    keyring(directory)
    first.rename(first.with_name("log-registry.00000000.sm2.key"))
    with pytest.raises(Refusal, match="does not hold the key"):
        keyring(directory)


def test_the_offices_state_them(directory: Path, offices: Offices) -> None:
    """From the card into the statement, replaced, tainted and ended like any other key."""
    make(directory)

    def change(changes: Changes, days: int) -> None:
        publish(directory, offices.change(changes, now=NOW + timedelta(days=days)))

    change(Changes(cards=[MemberCard.read(directory)]), 1)
    (first,) = TrustStore(directory / "trust").load().suite_keys(NAME)
    assert NOW + timedelta(days=1) == first.from_time
    stated = {held.key.key_id for held in held_keys(directory) if held.stated is not None}
    assert {signer.verifier.key_id for signer in keyring(directory).suite_signers(NAME)} <= stated
    assert [NAME] == make(directory, NAME)
    taint = KeyInstant(key_id=first.key.key_id.hex(), time=NOW + timedelta(days=1))
    change(Changes(cards=[MemberCard.read(directory)], taints=[taint]), 2)
    old, new = TrustStore(directory / "trust").load().suite_keys(NAME)
    assert (first.key, taint.time, None) == (old.key, old.tainted_time, new.tainted_time)
    retire = KeyInstant(key_id=new.key.key_id.hex(), time=NOW + timedelta(days=4))
    change(Changes(retires=[retire]), 3)
    federation = TrustStore(directory / "trust").load()
    assert retire.time == federation.suite_keys(NAME)[1].until_time
    # The partner has none: no policy of its own for a log that it cannot cosign in the suite.
    assert sm2_policy_path(LogName.parse(NAME)) not in federation.to_documents()


def test_names_that_have_no_such_key(directory: Path) -> None:
    """Verdicts and the timestamp are signed by the first suite alone."""
    for name in ("deltacare/310000/verdicts", "deltacare/310000/timestamp", "other"):
        with pytest.raises(Refusal, match="no key of that name") as caught:
            make(directory, name)
        assert Reason.INVALID_FIELD is caught.value.reason
    assert () == list_suite_keys(directory / "keys")


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_nothing_is_made(directory: Path) -> None:
    """Refused with the remedy before a file is written."""
    card = (directory / "member.json").read_bytes()
    with pytest.raises(Refusal, match=r"pip install 'deltacare\[sm\]'") as caught:
        make(directory)
    assert Reason.SUITE_NOT_AVAILABLE is caught.value.reason
    assert () == list_suite_keys(directory / "keys")
    assert card == (directory / "member.json").read_bytes()


def test_a_node_that_holds_keys_needs_the_extra(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not start and say less than its members expect; its keys can still be listed."""
    make(directory)
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    with pytest.raises(Refusal, match="SM2 with SM3 is not available") as caught:
        keyring(directory)
    assert Reason.SUITE_NOT_AVAILABLE is caught.value.reason
    assert len(USES) == len(list_suite_keys(directory / "keys"))


def test_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``init --suite``, ``keys new --suite``, ``keys list``."""
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", PASSPHRASE.decode())
    node = tmp_path / "n"
    init = ("node", "init", node, "--province", "310000", "--suite", "sm2")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "gmssl_pyx", None)
        code, _, err = run(capsys, *init)
        assert (1, True, False) == (code, "SUITE_NOT_AVAILABLE" in err, node.exists())
    assert 0 == run(capsys, *init)[0]
    assert 6 == len(MemberCard.read(node).member.suite_keys)
    code, out, _ = run(capsys, "node", "keys", "new", node, "--suite", "sm2", "--name", WITNESS)
    assert (0, True) == (code, out.startswith(f"{WITNESS}+"))
    assert 2 == len(MemberCard.read(node).member.suite_terms(WITNESS))
    code, out, _ = run(capsys, "node", "keys", "list", node, "--json")
    rows = [row for row in json.loads(out) if row["suite"] == "sm2"]
    assert (0, 7) == (code, len(rows))
    assert 7 == run(capsys, "node", "keys", "list", node)[1].count("(SM2)")


def test_serving_without_the_extra(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node that holds such keys says what it lacks and ends; it does not crash."""
    make(directory)
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    code, _, err = run(capsys, "node", "serve", directory)
    assert (1, True, False) == (code, "SUITE_NOT_AVAILABLE" in err, "Traceback" in err)
    assert "pip install 'deltacare[sm]'" in err
