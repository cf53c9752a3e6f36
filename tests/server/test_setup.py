"""Tests of how a node comes into being: its directory, its card, its clients."""

import base64
import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from clients.federation.cards import MemberCard
from clients.federation.store import TrustStore
from clients.sdk.credentials import Profile
from clients.vault import require_passphrase
from deltacare.errors import Reason, Refusal
from deltacare.trust import key_names
from server.config import CONFIG_FILE, read_config
from server.edge.identity import Identities
from server.keyfiles import Keyring
from server.setup import SAMPLE_ROLES, add_client, client_pkcs8, init_node, open_vault
from tests.support.federated import CHEAP, PAIR, PASSPHRASE, make_directories
from tests.support.ports import SeededEntropy

NOW = datetime.now(UTC)


def make(directory: Path, **changes: object) -> None:
    """Make a node of 330000 whose passphrase nobody wrote down."""
    init_node(
        directory,
        **{
            "province": "330000",
            "partners": ["310000"],
            "endpoint": "node.example.cn:7310",
            "listen": "0.0.0.0:7310",
            "database_url": "sqlite:///node.sqlite",
            "passphrase": PASSPHRASE,
            "now": NOW,
            "entropy": SeededEntropy().token,
            "cost": CHEAP,
            **changes,
        },  # type: ignore[arg-type]  # the arguments by name
    )


def test_directory_is_complete(tmp_path: Path) -> None:
    """A new node has settings, keys, certificates, a client for each role, a card, and trust."""
    directory = make_directories(tmp_path)["310000"]
    assert {path.name for path in directory.iterdir()} == {
        "ca.crt",
        "clients",
        "keys",
        "member.json",
        "node.crt",
        "node.toml",
        "trust",
    }
    names = {path.name for path in (directory / "clients").iterdir()}
    expected = {f"{role}.{kind}" for role in SAMPLE_ROLES for kind in ("crt", "key")}
    assert names == expected | {"ca.crt", "kdf.json", "node.json"}


def test_nothing_private_in_clear(tmp_path: Path) -> None:
    """No file of a node's directory holds a private key or a secret, in any spelling."""
    directory = make_directories(tmp_path)["310000"]
    keys = Keyring.open(directory / "keys", province="310000", passphrase=PASSPHRASE)
    seeds = [
        *(s.seed for log in key_names("310000", PAIR) for s in keys._held.signers[log]),
        *(s.seed for s in keys.timestamp_signers),
        *(keys.request_mac_key, keys.salt_key, keys.code_key),
    ]
    tls = keys.tls_key_pem(directory / "keys" / "tls.key")
    assert tls.startswith(b"-----BEGIN PRIVATE KEY-----")
    client = Profile.load(directory / "clients", name="system").credentials.key_pem
    inner = [b"".join(pem.splitlines()[1:-1]) for pem in (tls, client)]
    hidden = [*seeds, *(s.hex().encode() for s in seeds), *map(base64.b64encode, seeds), *inner]
    for path in directory.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        assert b"PRIVATE KEY" not in data, path
        assert PASSPHRASE not in data, path
        assert not any(secret in data for secret in hidden), path


def test_private_files_are_private(tmp_path: Path) -> None:
    """Every key file is its owner's alone, and so are the settings."""
    directory = make_directories(tmp_path)["310000"]
    private = [
        path
        for path in directory.rglob("*")
        if path.suffix in {".key", ".secret"} or path.name in {"node.toml", "kdf.json"}
    ]
    # Keys of three logs, witness, verdicts, timestamp, TLS and CA; secrets; clients; the rest.
    assert 8 + 4 + len(SAMPLE_ROLES) + 3 == len(private)
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


def test_certificates_name_their_roles(tmp_path: Path) -> None:
    """Each client's certificate is taken by the federation's own rules for what its name says."""
    directories = make_directories(tmp_path)
    trust = TrustStore(directories["310000"] / "trust").load()
    identities = Identities(trust)
    seen = set()
    for role in SAMPLE_ROLES:
        profile = Profile.load(directories["310000"] / "clients", name=role)
        caller = identities.caller(profile.credentials.certificate_pem, now=datetime.now(UTC))
        assert (caller.province, caller.role) == ("310000", str(role))
        seen.add(caller.opaque_id)
    assert len(seen) == len(SAMPLE_ROLES)
    assert profile.endpoint == trust.member("310000").endpoint


def test_node_is_found_by_its_host(tmp_path: Path) -> None:
    """The node's certificate carries the host of its endpoint, for clients that are not ours."""
    make(tmp_path / "n")
    certificate = x509.load_pem_x509_certificate((tmp_path / "n" / "node.crt").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [
        "330000.node.deltacare.internal",
        "node.example.cn",
        "localhost",
    ]


def test_nothing_is_made_over_another(tmp_path: Path) -> None:
    """A directory that holds anything is refused and left as it is."""
    (tmp_path / "note.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        make(tmp_path)
    assert caught.value.reason is Reason.ALREADY_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"passphrase": b"too short"}, "passphrase"),
        ({"endpoint": "nowhere"}, "endpoint"),
        ({"listen": ":"}, "listen"),
    ],
)
def test_bad_input_makes_no_keys(tmp_path: Path, changes: dict[str, object], field: str) -> None:
    """What is wrong is found before any key is made."""
    with pytest.raises(Refusal) as caught:
        make(tmp_path / "n", **changes)
    assert field == caught.value.violations[0].field
    assert not list((tmp_path / "n").rglob("*.key"))


def test_card(tmp_path: Path) -> None:
    """The card states every key that a member has, and is the whole of what is public."""
    make(tmp_path / "n")
    card = MemberCard.read(tmp_path / "n")
    assert ("330000", "浙江", "Zhejiang") == (
        card.province,
        card.member.name_zh,
        card.member.name_en,
    )
    names = key_names("330000", ("310000", "330000"))
    assert sorted(names) == sorted(term.key.name for term in card.member.keys)
    assert {NOW.replace(microsecond=0)} == {term.from_time for term in card.member.keys}
    assert "deltacare/330000/timestamp" == card.timestamp.name
    assert card.to_bytes() == (tmp_path / "n" / "member.json").read_bytes()


def test_a_key_for_other_languages(tmp_path: Path) -> None:
    """Encrypted PKCS#8 of the client's very key: nothing in clear, opened by the passphrase."""
    directory = make_directories(tmp_path)["310000"]
    config = read_config(directory / CONFIG_FILE)
    secret = require_passphrase({}, config.passphrase_file)
    pem = client_pkcs8(directory, name="system", environ={})
    assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    certificate = x509.load_pem_x509_certificate((directory / "clients/system.crt").read_bytes())
    key = load_pem_private_key(pem, secret)
    assert certificate.public_key() == key.public_key()
    with pytest.raises(ValueError, match="Incorrect password"):
        load_pem_private_key(pem, b"another passphrase")
    with pytest.raises(Refusal) as caught:
        client_pkcs8(directory, name="nobody", environ={})
    assert Reason.INVALID_FIELD is caught.value.reason


def test_another_client(tmp_path: Path) -> None:
    """A node's CA issues further certificates, each name once, and none as a node."""
    directory = make_directories(tmp_path)["310000"]

    def add(role: str, name: str, opaque_id: str) -> str:
        return add_client(
            directory,
            role=role,
            name=name,
            opaque_id=opaque_id,
            now=NOW,
            environ={},
            entropy=os.urandom,
        ).uri

    assert add("clerk", "second", "k-2") == "spiffe://deltacare/310000/clerk/k-2"
    assert Profile.load(directory / "clients", name="second").credentials.province == "310000"
    for role, name, reason in [
        ("clerk", "second", Reason.ALREADY_EXISTS),
        ("peer", "third", Reason.INVALID_FIELD),
        ("king", "third", Reason.INVALID_FIELD),
        ("clerk", "../third", Reason.INVALID_FIELD),
    ]:
        with pytest.raises(Refusal) as caught:
            add(role, name, "k-3")
        assert caught.value.reason is reason


def test_passphrase_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file in the settings the environment says it, for the node and its clients."""
    make(tmp_path / "n")
    for name in ("DELTACARE_KEY_PASSPHRASE", "DELTACARE_KEY_PASSPHRASE_FILE"):
        monkeypatch.delenv(name, raising=False)
    for call in (
        lambda: open_vault(tmp_path / "n", {}),
        lambda: Profile.load(tmp_path / "n" / "clients", name="clerk"),
    ):
        with pytest.raises(Refusal) as caught:
            call()
        assert "DELTACARE_KEY_PASSPHRASE_FILE" in caught.value.violations[0].remedy
    monkeypatch.setenv("DELTACARE_KEY_PASSPHRASE", PASSPHRASE.decode())
    assert "330000" == open_vault(tmp_path / "n", os.environ)[0].province
    assert Profile.load(tmp_path / "n" / "clients", name="clerk").credentials.key_pem


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": "deltacare/card/v1"}',
        '{"format":"deltacare/card/v1","member":{},"timestamp_key":"x"}',
        '{"format":"deltacare/card/v1","member":7,"timestamp_key":"x"}',
        '{"format":"deltacare/card/v1","member":"\\ud800","timestamp_key":"x"}',
    ],
)
def test_no_card(tmp_path: Path, text: str) -> None:
    """What is no card is refused."""
    path = tmp_path / "member.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        MemberCard.read(path)
    assert caught.value.reason is Reason.INVALID_FIELD
    assert str(path) == caught.value.violations[0].value


def test_card_with_wrong_types(tmp_path: Path) -> None:
    """A card whose fields are of other types, or whose key is another's, is refused."""
    directory = make_directories(tmp_path)["310000"]
    path = directory / "member.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    other = MemberCard.read(tmp_path / "320000").timestamp.to_text()
    for changes in (
        {"timestamp_key": 7},
        {"timestamp_key": other},
        {"member": {**value["member"], "endpoint": 7}},
        {"member": {**value["member"], "province": "99"}},
    ):
        path.write_text(json.dumps({**value, **changes}), encoding="utf-8")
        with pytest.raises(Refusal):
            MemberCard.read(directory)
