"""Tests of how a node comes into being: its directory, its card, the bundle."""

import json
import stat
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from cryptography import x509

from clients.sdk.credentials import Profile, load_bundle
from deltacare.errors import Reason, Refusal
from server.config import read_config
from server.edge.identity import Identities
from server.setup import (
    SAMPLE_ROLES,
    add_client,
    init_node,
    install_bundle,
    make_bundle,
    read_card,
    read_signer,
)
from tests.support.federated import make_directories
from tests.support.ports import SeededEntropy

NOW = datetime.now(UTC)


def test_directory_is_complete(tmp_path: Path) -> None:
    """A new node has settings, keys, certificates, a client for each role, and a card."""
    directory = make_directories(tmp_path)["310000"]
    assert {path.name for path in directory.iterdir()} == {
        "ca.crt",
        "ca.key",
        "clients",
        "keys",
        "member.json",
        "node.crt",
        "node.key",
        "node.toml",
        "trust.bundle",
        "trust.keys",
    }
    names = {path.name for path in (directory / "clients").iterdir()}
    expected = {f"{role}.{kind}" for role in SAMPLE_ROLES for kind in ("crt", "key")}
    assert names == expected | {"ca.crt", "node.json"}


def test_private_files_are_private(tmp_path: Path) -> None:
    """Every file with a private key is its owner's alone."""
    directory = make_directories(tmp_path)["310000"]
    private = [
        path
        for path in directory.rglob("*")
        if path.is_file() and (path.suffix in {".key", ".secret"} or path.name == "node.toml")
    ]
    assert len(private) == 2 + 2 + len(SAMPLE_ROLES) + 4 + 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    assert b"PRIVATE" not in (directory / "member.json").read_bytes()


def test_certificates_name_their_roles(tmp_path: Path) -> None:
    """Each client's certificate is taken by the bundle's own rules for what its name says."""
    directories = make_directories(tmp_path)
    config = read_config(directories["310000"] / "node.toml")
    keys = tuple(config.bundle_keys.read_text(encoding="utf-8").split())
    trust = load_bundle(config.bundle, keys=keys, threshold=2)
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
    init_node(
        tmp_path / "n",
        province="330000",
        partners=["310000"],
        endpoint="node.example.cn:7310",
        listen="0.0.0.0:7310",
        database_url="sqlite:///node.sqlite",
        now=NOW,
        entropy=SeededEntropy().token,
    )
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
        init_node(
            tmp_path,
            province="310000",
            partners=["320000"],
            endpoint="127.0.0.1:1",
            listen="127.0.0.1:1",
            database_url="sqlite:///node.sqlite",
            now=NOW,
            entropy=SeededEntropy().token,
        )
    assert caught.value.reason is Reason.ALREADY_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_another_client(tmp_path: Path) -> None:
    """A node's CA issues further certificates, each name once, and none as a node."""
    directory = make_directories(tmp_path)["310000"]
    caller = add_client(
        directory, province="310000", role="clerk", name="second", opaque_id="k-2", now=NOW
    )
    assert caller.uri == "spiffe://deltacare/310000/clerk/k-2"
    assert Profile.load(directory / "clients", name="second").credentials.province == "310000"
    for role, name, reason in [
        ("clerk", "second", Reason.ALREADY_EXISTS),
        ("peer", "third", Reason.INVALID_FIELD),
        ("king", "third", Reason.INVALID_FIELD),
        ("clerk", "../third", Reason.INVALID_FIELD),
    ]:
        with pytest.raises(Refusal) as caught:
            add_client(directory, province="310000", role=role, name=name, opaque_id="k-3", now=NOW)
        assert caught.value.reason is reason


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"province": 1}'])
def test_no_card(tmp_path: Path, text: str) -> None:
    """What is no card is refused."""
    path = tmp_path / "member.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        read_card(path)
    assert caught.value.reason is Reason.INVALID_FIELD


def test_card_with_wrong_types(tmp_path: Path) -> None:
    """A card whose fields are not texts is refused."""
    directory = make_directories(tmp_path)["310000"]
    path = directory / "member.json"
    value = json.loads(path.read_text(encoding="utf-8"))
    for name in ("endpoint", "log_keys"):
        path.write_text(json.dumps({**value, name: 7}), encoding="utf-8")
        with pytest.raises(Refusal):
            read_card(directory)


def bundle(directories: dict[str, Path], signers: list[str], *, threshold: int = 2) -> bytes:
    """Return a bundle over directories, signed by some."""
    return make_bundle(
        [read_card(path) for path in directories.values()],
        [read_signer(directories[code]) for code in signers],
        federation="deltacare test",
        version=2,
        opening_date=date(2026, 11, 1),
        registry_quorum=1,
        threshold=threshold,
        now=NOW,
    )


def test_enough_must_sign(tmp_path: Path) -> None:
    """Too few signatures make no bundle; one member signing twice is one."""
    directories = make_directories(tmp_path)
    assert bundle(directories, ["310000", "320000"])
    for signers in (["310000"], ["310000", "310000"], []):
        with pytest.raises(Refusal) as caught:
            bundle(directories, signers)
        assert caught.value.violations[0].field == "sign"


def test_a_stranger_does_not_sign(tmp_path: Path) -> None:
    """The key of who is no member signs nothing."""
    directories = make_directories(tmp_path / "a")
    strangers = make_directories(tmp_path / "b", provinces=("330000", "340000"))
    with pytest.raises(Refusal):
        make_bundle(
            [read_card(path) for path in directories.values()],
            [read_signer(strangers["330000"]), read_signer(directories["310000"])],
            federation="deltacare test",
            version=1,
            opening_date=date(2026, 11, 1),
            registry_quorum=1,
            threshold=2,
            now=NOW,
        )


def test_pinned_keys_are_not_replaced(tmp_path: Path) -> None:
    """A later bundle is installed, other keys are not: those a person replaces."""
    directories = make_directories(tmp_path)
    directory = directories["310000"]
    keys = (directory / "trust.keys").read_text(encoding="utf-8").split()
    later = bundle(directories, ["310000", "320000"])
    install_bundle(directory, later, keys)
    assert (directory / "trust.bundle").read_bytes() == later
    with pytest.raises(Refusal) as caught:
        install_bundle(directory, later, keys[:1])
    assert caught.value.reason is Reason.ALREADY_EXISTS
