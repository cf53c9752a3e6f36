"""What a node replaces while it runs: signing keys, its certificate, its CA; always with overlap.

A new key or CA is made beside the old one and written on the member card; it counts once the
offices stated it. The node reads its key directory and its certificate again by itself. Old keys
stay: what they signed in their time rests on them only as public keys, so their files may be
deleted by hand once their window is over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from cryptography import x509

from clients.federation.cards import CARD_FILE, MemberCard
from clients.federation.files import write_atomic
from clients.federation.store import Statement, TrustStore
from clients.sdk.credentials import CA_FILE, read_file
from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.keys import VerifierKey
from deltacare.sm2 import Sm2Use, Sm2VerifierKey, require_sm2_available
from deltacare.trust import (
    KeyTerm,
    SuiteTerm,
    timestamp_key_name,
    verdict_key_name,
    witness_key_name,
)
from server.certificates import issue_node, new_ca
from server.config import CONFIG_FILE, read_config
from server.keyfiles import (
    CA_KEY_NAME,
    TLS_KEY_NAME,
    list_keys,
    list_suite_keys,
    new_signing_key,
    new_suite_key,
)
from server.setup import (
    CLIENTS_DIRECTORY,
    ca_key_file,
    newest_ca,
    newest_certificate,
    open_vault,
    to_pem,
)

__all__ = [
    "HeldKey",
    "add_ca",
    "drop_old_cas",
    "held_keys",
    "new_keys",
    "new_suite_keys",
    "renew_certificate",
]

_PRIVATE_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """A signing key that a node holds.

    Attributes:
        path: Its file.
        key: Its public part.
        stated: As the members stated it; ``None`` if they did not yet. A timestamp key stands in
            root and has no window.
        in_root: Whether it is the timestamp key that stands in root.
        is_pending: Whether only a statement says so that is signed and counts from the next hour.
    """

    path: Path
    key: VerifierKey | Sm2VerifierKey
    stated: KeyTerm | SuiteTerm | None
    in_root: bool
    is_pending: bool


def held_keys(directory: Path) -> tuple[HeldKey, ...]:
    """Return the signing keys of a node by name; no passphrase is needed.

    Args:
        directory: Of the node.

    Raises:
        Refusal: ``INVALID_FIELD``.
        PeerFault: ``BAD_METADATA``, if the federation's metadata was altered on disk.
    """
    config = read_config(directory / CONFIG_FILE)
    store = TrustStore(config.trust)
    statements: list[Statement] = []
    if store.is_pinned:
        pending = store.pending()
        statements = [store.current(), *([] if pending is None else [pending])]

    def held(path: Path, key: VerifierKey | Sm2VerifierKey) -> HeldKey:
        for number, statement in enumerate(statements):
            member = statement.federation.member(config.province)
            terms: tuple[KeyTerm | SuiteTerm, ...] = (*member.keys, *member.suite_keys)
            stated = next((term for term in terms if term.key == key), None)
            row = statement.root.key(config.province)
            in_root = row is not None and key == row.timestamp
            if stated is not None or in_root:
                return HeldKey(
                    path=path, key=key, stated=stated, in_root=in_root, is_pending=number > 0
                )
        return HeldKey(path=path, key=key, stated=None, in_root=False, is_pending=False)

    return (
        *(held(path, key) for path, key in list_keys(config.keys)),
        *(held(path, sm2) for path, sm2 in list_suite_keys(config.keys)),
    )


def new_keys(
    directory: Path,
    *,
    name: str | None,
    from_time: datetime,
    environ: Mapping[str, str],
    entropy: Callable[[int], bytes],
) -> tuple[VerifierKey, ...]:
    """Make keys that shall follow those of a node, and write them on its card.

    Args:
        directory: Of the node.
        name: Of the key; ``None`` makes one for each name on the card. The key of the timestamp
            stands in root and is made only when it is named.
        from_time: From when it shall count; no statement lets it count earlier than it was issued.
        environ: May hold the passphrase.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``INVALID_FIELD``, if the node has no key of that name.
    """
    _, vault = open_vault(directory, environ)
    card = MemberCard.read(directory)
    known = tuple(dict.fromkeys(term.key.name for term in card.member.keys))
    timestamp = timestamp_key_name(card.province)
    if name is not None and name not in {*known, timestamp}:
        raise invalid_field(
            "name", name, "The node has no key of that name.", f"Use one of {', '.join(known)}."
        )
    made: list[VerifierKey] = []
    for each in known if name is None else (name,):
        key = new_signing_key(vault, each, entropy=entropy)
        made.append(key)
        if each == timestamp:
            card = replace(card, timestamp=key)
            continue
        keys = [*card.member.keys, KeyTerm(key=key, from_time=from_time.replace(microsecond=0))]
        keys.sort(key=lambda term: (known.index(term.key.name), term.from_time))
        card = replace(card, member=replace(card.member, keys=tuple(keys)))
    write_atomic(directory / CARD_FILE, card.to_bytes())
    return tuple(made)


def new_suite_keys(
    directory: Path,
    *,
    name: str | None,
    from_time: datetime,
    environ: Mapping[str, str],
    entropy: Callable[[int], bytes],
) -> tuple[Sm2VerifierKey, ...]:
    """Make keys of the second suite for a node, its first or later ones, and write its card.

    Args:
        directory: Of the node.
        name: Of a log or the witness; ``None`` makes one for each of them.
        from_time: From when it shall count; no statement lets it count earlier than it was issued.
        environ: May hold the passphrase.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``INVALID_FIELD``, if nothing of that name signs with the suite;
            ``SUITE_NOT_AVAILABLE``, if this installation lacks it.
    """
    require_sm2_available()
    _, vault = open_vault(directory, environ)
    card = MemberCard.read(directory)
    known = tuple(dict.fromkeys(term.key.name for term in card.member.keys))
    names = tuple(each for each in known if each != verdict_key_name(card.province))
    if name is not None and name not in names:
        raise invalid_field(
            "name",
            name,
            "The node has no key of that name in this suite.",
            f"Use one of {', '.join(names)}.",
        )
    witness = witness_key_name(card.province)
    instant = from_time.replace(microsecond=0)
    terms = [*card.member.suite_keys]
    made: list[Sm2VerifierKey] = []
    for each in names if name is None else (name,):
        use = Sm2Use.COSIGNATURE if each == witness else Sm2Use.NOTE
        made.append(new_suite_key(vault, each, use, entropy=entropy))
        terms.append(SuiteTerm(key=made[-1], from_time=instant))
    terms.sort(key=lambda term: (names.index(term.key.name), term.from_time))
    card = replace(card, member=replace(card.member, suite_keys=tuple(terms)))
    write_atomic(directory / CARD_FILE, card.to_bytes())
    return tuple(made)


def renew_certificate(
    directory: Path,
    *,
    now: datetime,
    environ: Mapping[str, str],
    entropy: Callable[[int], bytes],
) -> x509.Certificate:
    """Replace a node's certificate and its key by new ones of the newest CA.

    Args:
        directory: Of the node.
        now: The present instant.
        environ: May hold the passphrase.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``RULE_REFUSED``, if partners do not know that CA yet.
    """
    config, vault = open_vault(directory, environ)
    ca = newest_ca(directory, vault)
    store = TrustStore(config.trust)
    if store.is_pinned:
        stated = store.load().member(config.province).ca_pem
        known = x509.load_pem_x509_certificates(stated.encode())
        if x509.load_pem_x509_certificate(ca.certificate_pem) not in known:
            raise Refusal(
                Reason.RULE_REFUSED,
                "The newest CA is not stated yet, so partners would refuse the certificate. "
                "Publish the card first: "
                f"deltacare federation propose --from {directory} --member {directory} "
                "--out proposal.json",
            )
    host = MemberCard.read(directory).member.endpoint.rpartition(":")[0].strip("[]")
    pair = issue_node(ca, config.province, hosts=(host,), now=now)
    sealed = vault.sealed(pair.key_pem, name=TLS_KEY_NAME, entropy=entropy)
    write_atomic(config.key, sealed, mode=_PRIVATE_MODE)
    write_atomic(config.certificate, pair.certificate_pem)
    return x509.load_pem_x509_certificate(pair.certificate_pem)


def add_ca(
    directory: Path,
    *,
    now: datetime,
    environ: Mapping[str, str],
    entropy: Callable[[int], bytes],
) -> x509.Certificate:
    """Make a new CA beside the old one, and write both on the card and for the clients.

    Args:
        directory: Of the node.
        now: The present instant.
        environ: May hold the passphrase.
        entropy: Returns so many unpredictable bytes.
    """
    config, vault = open_vault(directory, environ)
    ca = new_ca(config.province, now=now)
    vault.write(ca_key_file(vault, ca), ca.key_pem, name=CA_KEY_NAME, entropy=entropy)
    held = read_file(directory / CA_FILE, field_name="ca")
    _write_cas(directory, held.rstrip(b"\n") + b"\n" + ca.certificate_pem)
    return x509.load_pem_x509_certificate(ca.certificate_pem)


def drop_old_cas(directory: Path) -> tuple[x509.Certificate, ...]:
    """Leave only the newest CA on the card and for the clients; return those that went.

    Their private keys stay, encrypted, until they are deleted by hand.

    Args:
        directory: Of the node.

    Raises:
        Refusal: ``RULE_REFUSED``, if the node's certificate is still of an old one.
    """
    config = read_config(directory / CONFIG_FILE)
    held = read_file(directory / CA_FILE, field_name="ca")
    newest = newest_certificate(held)
    ca = x509.load_pem_x509_certificate(newest)
    leaf = x509.load_pem_x509_certificate(read_file(config.certificate, field_name="certificate"))
    try:
        leaf.verify_directly_issued_by(ca)
    except Exception:  # noqa: BLE001  # any reason not to be of it; cryptography raises several
        raise Refusal(
            Reason.RULE_REFUSED,
            "The node's certificate is still of an old CA. "
            f"Renew it first: deltacare node certificate renew {directory}.",
        ) from None
    _write_cas(directory, newest)
    return tuple(each for each in x509.load_pem_x509_certificates(held) if each != ca)


def _write_cas(directory: Path, pem: bytes) -> None:
    """Write a node's CAs where they are read: beside its keys, for clients, and on the card."""
    pem = b"".join(to_pem(each) for each in x509.load_pem_x509_certificates(pem))
    write_atomic(directory / CA_FILE, pem)
    write_atomic(directory / CLIENTS_DIRECTORY / CA_FILE, pem)
    card = MemberCard.read(directory)
    card = replace(card, member=replace(card.member, ca_pem=pem.decode()))
    write_atomic(directory / CARD_FILE, card.to_bytes())
