"""Tests of what a node replaces while it runs: keys, certificate, CA; always beside the old."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from clients.federation.cards import MemberCard
from clients.federation.ceremony import Changes
from clients.federation.store import TrustStore
from clients.sdk.credentials import Profile
from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.trust import in_force
from server.keyfiles import Keyring
from server.renewal import add_ca, drop_old_cas, held_keys, new_keys, renew_certificate
from server.setup import add_client
from tests.support.federated import (
    PAIR,
    PASSPHRASE,
    Offices,
    make_directories,
    make_offices,
    publish,
)

NAME = "deltacare/310000/registry"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def offices(tmp_path: Path) -> Offices:
    """Return the offices of a federation of two."""
    return make_offices(tmp_path / "offices", PAIR)


@pytest.fixture
def directory(tmp_path: Path, offices: Offices) -> Path:
    """Return the directory of a node whose federation is installed."""
    return make_directories(tmp_path, offices=offices)["310000"]


def state_card(directory: Path, offices: Offices, *, days: int = 1) -> None:
    """Let the offices state a node's card some days later, and install what they signed."""
    changes = Changes(cards=[MemberCard.read(directory)])
    publish(directory, offices.change(changes, now=NOW + timedelta(days=days)))


def leaf(directory: Path) -> x509.Certificate:
    """Return the certificate of a node, which must fit its key."""
    certificate = x509.load_pem_x509_certificate((directory / "node.crt").read_bytes())
    keys = Keyring.open(directory / "keys", province="310000", passphrase=PASSPHRASE)
    key = load_pem_private_key(keys.tls_key_pem(directory / "keys" / "tls.key"), password=None)
    assert certificate.public_key() == key.public_key()
    return certificate


def cas(directory: Path) -> list[x509.Certificate]:
    """Return the CAs of a node: the same on its card, beside its keys and for its clients."""
    found = [
        (directory / "ca.crt").read_bytes(),
        (directory / "clients" / "ca.crt").read_bytes(),
        MemberCard.read(directory).member.ca_pem.encode(),
    ]
    assert 1 == len(set(found))
    return x509.load_pem_x509_certificates(found[0])


def test_a_new_key_counts_once_it_is_stated(directory: Path, offices: Offices) -> None:
    """It stands on the card at once, and in force from the statement on, never before it."""
    old = next(held for held in held_keys(directory) if held.key.name == NAME)
    later = NOW + timedelta(hours=1)
    (key,) = new_keys(directory, name=NAME, from_time=later, environ={}, entropy=os.urandom)
    assert [old.key, key] == [term.key for term in MemberCard.read(directory).member.terms(NAME)]
    stated = {held.key: held.stated for held in held_keys(directory)}
    assert stated[key] is None
    state_card(directory, offices)
    term = next(held.stated for held in held_keys(directory) if held.key == key)
    assert term is not None
    assert NOW + timedelta(days=1) == term.from_time
    terms = TrustStore(directory / "trust").load().member("310000").terms(NAME)
    at = NOW + timedelta(days=2)
    assert [key, old.key] == [term.key for term in in_force(terms, at)]
    keys = Keyring.open(directory / "keys", province="310000", passphrase=PASSPHRASE)
    signers = keys.log_signers(LogName.registry("310000"))
    assert {old.key, key} == {signer.verifier for signer in signers}


def test_all_keys_at_once(directory: Path, offices: Offices) -> None:
    """Every name but the timestamp's gets another key, and the federation takes them all."""
    made = new_keys(directory, name=None, from_time=NOW, environ={}, entropy=os.urandom)
    names = {term.key.name for term in MemberCard.read(directory).member.keys}
    assert names == {key.name for key in made}
    assert len(names) == len(made) == 5
    state_card(directory, offices)
    assert not [held for held in held_keys(directory) if held.stated is None and not held.in_root]


def test_the_timestamp_key_changes_root(directory: Path, offices: Offices) -> None:
    """A new timestamp key stands in a new root, and the old one no more."""
    name = "deltacare/310000/timestamp"
    (key,) = new_keys(directory, name=name, from_time=NOW, environ={}, entropy=os.urandom)
    assert [False, True] == sorted(h.in_root for h in held_keys(directory) if h.key.name == name)
    state_card(directory, offices)
    store = TrustStore(directory / "trust")
    row = store.root().key("310000")
    assert row is not None
    assert (2, key) == (store.root().version, row.timestamp)
    assert [key] == [held.key for held in held_keys(directory) if held.in_root]


def test_key_of_no_name(directory: Path) -> None:
    """A name that the node has no key of is refused, and nothing is written."""
    before = MemberCard.read(directory)
    for name in ("deltacare/320000/registry", "deltacare/310000/root", "", "../x"):
        with pytest.raises(Refusal) as caught:
            new_keys(directory, name=name, from_time=NOW, environ={}, entropy=os.urandom)
        assert "name" == caught.value.violations[0].field
    assert before == MemberCard.read(directory)


def test_certificate(directory: Path) -> None:
    """A new certificate and key take the place of the old ones, of the same CA."""
    old = leaf(directory)
    made = renew_certificate(directory, now=NOW, environ={}, entropy=os.urandom)
    assert made == leaf(directory)
    assert old.serial_number != made.serial_number
    assert old.public_key() != made.public_key()
    assert old.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ) == made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    made.verify_directly_issued_by(cas(directory)[0])


def test_ca_with_overlap(directory: Path, offices: Offices) -> None:
    """The new CA is stated beside the old one, then signs the certificate, then stands alone."""
    old = leaf(directory)
    ca = add_ca(directory, now=NOW, environ={}, entropy=os.urandom)
    assert [True, False] == [old.issuer == each.subject and each != ca for each in cas(directory)]
    # 1. Partners do not know it yet.
    with pytest.raises(Refusal) as caught:
        renew_certificate(directory, now=NOW, environ={}, entropy=os.urandom)
    assert caught.value.reason is Reason.RULE_REFUSED
    assert old == leaf(directory)
    # 2. It is stated, and the certificate follows; clients know both.
    state_card(directory, offices)
    with pytest.raises(Refusal) as caught:
        drop_old_cas(directory)
    assert caught.value.reason is Reason.RULE_REFUSED
    made = renew_certificate(directory, now=NOW, environ={}, entropy=os.urandom)
    made.verify_directly_issued_by(ca)
    assert 2 == Profile.load(directory / "clients", name="clerk").credentials.ca_pem.count(
        b"BEGIN CERTIFICATE"
    )
    # 3. The old one goes.
    (gone,) = drop_old_cas(directory)
    old.verify_directly_issued_by(gone)
    assert [ca] == cas(directory)
    state_card(directory, offices, days=2)
    stated = TrustStore(directory / "trust").load().member("310000").ca_pem
    assert [ca] == x509.load_pem_x509_certificates(stated.encode())


def test_clients_are_of_the_newest_ca(directory: Path) -> None:
    """A client that is issued after the change has a certificate of the new CA."""
    ca = add_ca(directory, now=NOW, environ={}, entropy=os.urandom)
    add_client(
        directory,
        role="clerk",
        name="new",
        opaque_id="k-9",
        now=NOW,
        environ={},
        entropy=os.urandom,
    )
    issued = x509.load_pem_x509_certificate((directory / "clients" / "new.crt").read_bytes())
    issued.verify_directly_issued_by(ca)
