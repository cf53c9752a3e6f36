"""Tests of what an office sees before it signs, and of what counts and what waits."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from clients.cli.failures import failure_lines
from clients.cli.main import main
from clients.federation.cards import MemberCard
from clients.federation.ceremony import Changes, KeyInstant, open_base, propose_next
from clients.federation.describe import change_lines, difference_lines, member_lines
from clients.federation.fingerprints import ca_fingerprints, spaced
from clients.federation.store import TrustStore
from clients.language import using_language
from clients.sdk.credentials import Profile
from clients.vault import Vault
from deltacare.errors import DeltacareError
from deltacare.trust.roles import sign, timestamp_bytes, timestamp_hour
from server.certificates import new_ca
from server.keyfiles import Keyring
from server.renewal import add_ca, held_keys, new_keys, renew_certificate
from tests.support.federated import PAIR, PASSPHRASE, Offices, make_directories, make_offices

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def offices(tmp_path: Path) -> Offices:
    """Return the offices of a federation of two."""
    return make_offices(tmp_path / "offices", PAIR)


@pytest.fixture
def directories(tmp_path: Path, offices: Offices) -> dict[str, Path]:
    """Return the directories of two nodes whose federation is installed."""
    return make_directories(tmp_path, offices=offices)


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Run a command line; return exit code, standard output and standard error."""
    with pytest.raises(SystemExit) as caught:
        main.main(list(map(str, arguments)))
    shown = capsys.readouterr()
    assert isinstance(caught.value.code, int)
    return caught.value.code, shown.out, shown.err


def stamp(directories: dict[str, Path], offices: Offices) -> None:
    """Let both nodes sign the timestamp of this hour over the first statement, and keep it."""
    data = timestamp_bytes(timestamp_hour(NOW), offices.published["1.snapshot.json"])
    for province, directory in directories.items():
        keys = Keyring.open(directory / "keys", province=province, passphrase=PASSPHRASE)
        data = sign(data, keys.timestamp_signers[0].seed)
    for directory in directories.values():
        TrustStore(directory / "trust").accept_timestamp(data, now=NOW)


def changed(offices: Offices, card: MemberCard) -> list[str]:
    """Return what a proposal with a card says that it changes."""
    changes = Changes(cards=[card])
    proposal = propose_next(open_base(offices.published), changes, now=LATER)
    with using_language("en"):
        return change_lines(proposal.judge())


def with_cas(card: MemberCard, *pems: str) -> MemberCard:
    """Return a card with other CAs."""
    return replace(card, member=replace(card.member, ca_pem="".join(pems)))


def test_card_and_cas_are_named(directories: dict[str, Path], offices: Offices) -> None:
    """Who signs reads the digest of each card and the fingerprint that openssl shows of each CA."""
    base = open_base(offices.published)
    with using_language("en"):
        said = member_lines(base.federation, base.root)
    for directory in directories.values():
        card = MemberCard.read(directory)
        (ca,) = x509.load_pem_x509_certificates(card.member.ca_pem.encode())
        assert f"    card SHA-256 {spaced(card.sha256)}" in said
        assert f"    CA SHA-256 {spaced(ca.fingerprint(SHA256()).hex())}" in said
        assert any(card.member.keys[0].key.key_id.hex() in line for line in said)
    assert 2 == said.count("    may issue under: any scheme")


def test_digest_sees_what_is_exchanged(directories: dict[str, Path]) -> None:
    """Another CA, endpoint, key or timestamp key is another digest; the same card is the same."""
    card, other = (MemberCard.read(directories[province]) for province in PAIR)
    pem = new_ca("310000", now=NOW).certificate_pem.decode()
    cards = [
        card,
        with_cas(card, pem),
        replace(card, member=replace(card.member, endpoint="127.0.0.1:1")),
        replace(card, member=replace(card.member, keys=card.member.keys[1:])),
        replace(card, timestamp=other.timestamp),
    ]
    assert len(cards) == len({each.sha256 for each in cards})
    assert card.sha256 == MemberCard.read(directories["310000"]).sha256


def test_digest_stays_when_it_is_stated(directories: dict[str, Path], offices: Offices) -> None:
    """New keys begin when they are stated; the digest that was read aloud is shown all the same."""
    directory = directories["310000"]
    new_keys(directory, name=None, from_time=NOW, environ={}, entropy=os.urandom)
    card = MemberCard.read(directory)
    assert f"  310000 card SHA-256 {spaced(card.sha256)}" in changed(offices, card)


def test_cas_that_come_and_go(directories: dict[str, Path], offices: Offices) -> None:
    """Each CA that is added or dropped is named; none of the old ones left is a warning."""
    card = MemberCard.read(directories["310000"])
    old, new = card.member.ca_pem, new_ca("310000", now=NOW).certificate_pem.decode()
    adds, drops = (
        f"  310000 {word} CA SHA-256 {spaced(ca_fingerprints(pem)[0])}"
        for word, pem in (("adds", new), ("drops", old))
    )
    both = changed(offices, with_cas(card, old, new))
    assert (True, False) == (adds in both, any("drops" in line for line in both))
    assert not [line for line in both if "Warning" in line]
    alone = changed(offices, with_cas(card, new))
    assert (True, True) == (adds in alone, drops in alone)
    assert 1 == len([line for line in alone if "Warning" in line])


def test_taint_says_what_follows(directories: dict[str, Path], offices: Offices) -> None:
    """What a taint touches is not lost for ever, and the words say how it comes back."""
    base = open_base(offices.published)
    name = "deltacare/310000/registry"
    term = base.federation.member("310000").terms(name)[0]
    new_keys(directories["310000"], name=name, from_time=NOW, environ={}, entropy=os.urandom)
    member = replace(
        base.federation.member("310000"),
        keys=tuple(
            replace(each, tainted_time=NOW) if each == term else each
            for each in MemberCard.read(directories["310000"]).member.keys
        ),
    )
    members = tuple(
        member if each.province == "310000" else each for each in base.federation.members
    )
    later = replace(base.federation, version=2, members=members)
    with using_language("en"):
        said = "\n".join(difference_lines(base.federation, later, base.root, base.root))
    assert "until the province has signed them again with the new key" in said


def test_what_counts_and_what_waits(
    capsys: pytest.CaptureFixture[str], directories: dict[str, Path], offices: Offices
) -> None:
    """Before the full hour a node's directory shows the one in force, and the other as waiting."""
    directory = directories["310000"]
    stamp(directories, offices)
    (key,) = new_keys(
        directory,
        name="deltacare/310000/registry",
        from_time=NOW,
        environ={},
        entropy=os.urandom,
    )
    code, out, _ = run(capsys, "node", "keys", "list", directory, "--json")
    states = {row["key_id"]: row["state"] for row in json.loads(out)}
    assert "not_stated" == states[key.key_id.hex()]
    files = offices.change(Changes(cards=[MemberCard.read(directory)]), now=LATER)
    TrustStore(directory / "trust").add(files)
    code, out, _ = run(capsys, "federation", "show", directory, "--json")
    shown = json.loads(out)
    assert (0, 1, 2) == (code, shown["version"], shown["pending_version"])
    code, out, _ = run(capsys, "federation", "show", directory, "--lang", "en")
    assert "Version 1 is in force; version 2 is signed and counts from the next full hour" in out
    assert f"new key {key.to_text()}" in out
    code, out, _ = run(capsys, "node", "keys", "list", directory, "--json")
    states = {row["key_id"]: row["state"] for row in json.loads(out)}
    assert "pending" == states[key.key_id.hex()]
    assert [True] == [held.is_pending for held in held_keys(directory) if held.key == key]
    code, out, err = run(capsys, "node", "doctor", directory, "--json")
    assert "KEY_NOT_STATED" not in out + err
    assert "stand in the signed statement" in out + err


def test_show_as_json(
    capsys: pytest.CaptureFixture[str], directories: dict[str, Path], offices: Offices
) -> None:
    """Accounts, schemes, revoked serials and digests are there for programs as well."""
    directory = directories["310000"]
    files = offices.change(
        Changes(revoked=[("310000", "1f")], schemes=[("310000", "care-1")]), now=LATER
    )
    TrustStore(directory / "trust").add(files)
    _, out, _ = run(capsys, "federation", "show", directory, "--json")
    member = json.loads(out)["members"][0]
    card = MemberCard.read(directory)
    assert (["1f"], ["care-1"], [], card.sha256, list(ca_fingerprints(card.member.ca_pem))) == (
        member["revoked_serials"],
        member["schemes"],
        member["accounts"],
        member["card_sha256"],
        member["ca_sha256"],
    )
    _, out, _ = run(capsys, "federation", "show", directory, "--lang", "en")
    for word in ("revoked certificates: 1f", "may issue under: care-1", "no account yet"):
        assert word in out


def said_in_chinese(error: DeltacareError) -> str:
    """Return a failure as a Chinese reader has it."""
    with using_language("zh"):
        return "\n".join(failure_lines(error))


def test_reasons_in_chinese(directories: dict[str, Path], offices: Offices) -> None:
    """What the ceremony refuses is said in Chinese, with the numbers in it."""
    base = open_base(offices.published)
    first = propose_next(base, Changes(), now=LATER)
    other = propose_next(base, Changes(revoked=[("310000", "1f")]), now=LATER)
    with pytest.raises(DeltacareError) as few:
        first.publish()
    office = offices.by_province["310000"]
    office.sign(first.to_sign(first.judge()))
    with pytest.raises(DeltacareError) as again:
        office.sign(other.to_sign(other.judge()))
    key = base.federation.member("310000").keys[0].key
    retire = KeyInstant(key_id=key.key_id.hex(), time=LATER + timedelta(days=1))
    with pytest.raises(DeltacareError) as rule:
        propose_next(base, Changes(retires=[retire]), now=LATER)
    with pytest.raises(DeltacareError) as passphrase:
        Vault.open(directories["310000"] / "keys", b"not the passphrase")
    add_ca(directories["310000"], now=NOW, environ={}, entropy=os.urandom)
    with pytest.raises(DeltacareError) as ca:
        renew_certificate(directories["310000"], now=NOW, environ={}, entropy=os.urandom)
    for caught, words in (
        (few, ("BAD_METADATA", "第 1 版根要求 2", "签署")),
        (again, ("本办公室", "第 2 版", "--supersede")),
        (rule, ("T09", "同名密钥首尾相接")),
        (passphrase, ("口令", "密钥")),
        (ca, ("尚未列入声明", "federation propose --from", "--out proposal.json")),
    ):
        said = said_in_chinese(caught.value)
        assert [True] * len(words) == [word in said for word in words], said
        assert [] == [word for word in (" the ", " is ", " it ") if word in said], said


@pytest.mark.parametrize(
    "arguments",
    [("node", "status", "{node}"), ("log", "show", "--as", "{node}/clients", "--timeout", "2")],
)
def test_nobody_answers(
    capsys: pytest.CaptureFixture[str], directories: dict[str, Path], arguments: Sequence[str]
) -> None:
    """A node that is down is named with the command that starts it, not with gRPC's words."""
    directory = directories["310000"]
    endpoint = Profile.load(directory / "clients", name="administrator").endpoint
    words = [word.format(node=directory) for word in arguments]
    code, out, err = run(capsys, *words, "--lang", "en")
    said = out + err
    assert (3, True) == (code, f"No node answers at {endpoint}" in said), said
    assert "deltacare node serve" in said
    assert "ipv4" not in said
