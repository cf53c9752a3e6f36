"""How a node comes into being: keys, CA, certificates, settings, and the card for the others.

A province runs ``init`` alone and hands its public card to the offices, who state in the
federation's metadata what stands on it (`clients.federation.ceremony`). What is made once is never
overwritten; what is replaced while the node runs is replaced in `server.renewal`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from clients.federation.cards import CARD_FILE, MemberCard
from clients.sdk.credentials import CA_FILE, PROFILE_FILE, client_key_name, read_file
from clients.vault import COST, Vault, require_passphrase, write_new
from deltacare.divisions import PROVINCES
from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.identity_numbers import holds_identity_number
from deltacare.ids import Principal, own_logs, parse_opaque_id
from deltacare.sm2 import Sm2VerifierKey, require_sm2_available
from deltacare.tlog.suite import Suite
from deltacare.trust import KeyTerm, Member, SuiteTerm, suite_key_names
from server.certificates import KeyPair, issue_client, issue_node, new_ca
from server.config import CONFIG_FILE, NodeConfig, config_text, parse_address, read_config
from server.edge.rights import Role
from server.keyfiles import CA_KEY_NAME, TLS_KEY_FILE, TLS_KEY_NAME, Keyring, new_suite_key

__all__ = [
    "CLIENTS_DIRECTORY",
    "NODE_CERTIFICATE_FILE",
    "SAMPLE_ROLES",
    "Initialised",
    "add_client",
    "ca_key_file",
    "client_pkcs8",
    "init_node",
    "newest_ca",
    "open_vault",
]

CLIENTS_DIRECTORY = "clients"
KEYS_DIRECTORY = "keys"
NODE_CERTIFICATE_FILE = "node.crt"

_OPAQUE_BYTES = 8
_PRIVATE_DIRECTORY_MODE = 0o700

SAMPLE_ROLES = tuple(role for role in Role if role is not Role.PEER)
"""Roles for which a new node gets a client certificate, so that every command can be tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialised:
    """What ``init`` made.

    Attributes:
        directory: Of the node.
        card: What the other members need of it; public.
        clients: Opaque ids by role.
    """

    directory: Path
    card: MemberCard
    clients: Mapping[str, str]


def init_node(
    directory: Path,
    *,
    province: str,
    partners: Iterable[str],
    endpoint: str,
    listen: str,
    database_url: str,
    passphrase: bytes,
    passphrase_file: Path | None = None,
    now: datetime,
    entropy: Callable[[int], bytes],
    cost: int = COST,
    suite: Suite | None = None,
) -> Initialised:
    """Make a new node's directory.

    1. Keys. 2. CA and the node's certificate. 3. Client certificates. 4. Settings. 5. Card.

    Args:
        directory: Must not exist, or be empty.
        province: Six digits, a province of the delta.
        partners: The other members.
        endpoint: ``host:port`` at which partners and clients reach it.
        listen: ``host:port`` it serves on.
        database_url: SQLAlchemy URL; a SQLite path may be relative to the directory.
        passphrase: Encrypts every private key.
        passphrase_file: Where it is read from later, if the settings shall say so.
        now: The present instant.
        entropy: Returns so many unpredictable bytes.
        cost: Of deriving a key from the passphrase.
        suite: The suite of further keys, for every log and the witness; ``None`` for none.

    Raises:
        Refusal: ``INVALID_FIELD``, if an address is none or the passphrase is too short;
            ``ALREADY_EXISTS``, if there is something in the directory;
            ``SUITE_NOT_AVAILABLE``, if this installation lacks the suite.
    """
    if suite is not None:
        require_sm2_available()
    parse_address(endpoint, field="endpoint")
    parse_address(listen, field="listen")
    if directory.exists() and any(directory.iterdir()):
        raise Refusal(
            Reason.ALREADY_EXISTS,
            f"{directory} is not empty; a node is never made over another.",
            details={"path": str(directory)},
        )
    # 1. Keys.
    directory.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_DIRECTORY_MODE)
    provinces = {province, *partners}
    vault = Vault.create(directory / KEYS_DIRECTORY, passphrase, entropy=entropy, cost=cost)
    keys = Keyring.generate(vault, province=province, provinces=provinces, entropy=entropy)
    suite_keys: list[Sm2VerifierKey] = []
    if suite is not None:
        for name, use in suite_key_names(province, provinces).items():
            suite_keys.append(new_suite_key(vault, name, use, entropy=entropy))
    # 2. CA and the node's certificate.
    ca = new_ca(province, now=now)
    write_new(directory / CA_FILE, ca.certificate_pem, private=False)
    vault.write(ca_key_file(vault, ca), ca.key_pem, name=CA_KEY_NAME, entropy=entropy)
    host = endpoint.rpartition(":")[0].strip("[]")
    node = issue_node(ca, province, hosts=(host,), now=now)
    vault.write(vault.directory / TLS_KEY_FILE, node.key_pem, name=TLS_KEY_NAME, entropy=entropy)
    write_new(directory / NODE_CERTIFICATE_FILE, node.certificate_pem, private=False)
    # 3. Client certificates.
    clients = directory / CLIENTS_DIRECTORY
    profile = {"province": province, "endpoint": endpoint}
    if passphrase_file is not None:
        profile["passphrase_file"] = str(passphrase_file.absolute())
    client_vault = Vault.create(clients, passphrase, entropy=entropy, cost=cost)
    write_new(clients / CA_FILE, ca.certificate_pem, private=False)
    write_new(clients / PROFILE_FILE, _json(profile), private=False)
    opaque_ids: dict[str, str] = {}
    for role in SAMPLE_ROLES:
        opaque_ids[str(role)] = entropy(_OPAQUE_BYTES).hex()
        caller = Principal(province=province, role=role, opaque_id=opaque_ids[str(role)])
        _write_client(client_vault, role, issue_client(ca, caller, now=now), entropy)
    # 4. Settings.
    settings = config_text(
        province=province,
        listen=listen,
        database_url=database_url,
        passphrase_file=None if passphrase_file is None else passphrase_file.absolute(),
    )
    write_new(directory / CONFIG_FILE, settings.encode(), private=True)
    # 5. Card.
    card = _card(
        keys,
        province,
        provinces,
        endpoint=endpoint,
        ca_pem=ca.certificate_pem,
        now=now,
        suite_keys=suite_keys,
    )
    write_new(directory / CARD_FILE, card.to_bytes(), private=False)
    return Initialised(directory=directory, card=card, clients=opaque_ids)


def open_vault(directory: Path, environ: Mapping[str, str]) -> tuple[NodeConfig, Vault]:
    """Return a node's settings and what opens its keys.

    Args:
        directory: Of the node.
        environ: May hold the passphrase.

    Raises:
        Refusal: ``INVALID_FIELD``.
    """
    config = read_config(directory / CONFIG_FILE)
    return config, Vault.open(config.keys, require_passphrase(environ, config.passphrase_file))


def add_client(
    directory: Path,
    *,
    role: str,
    name: str,
    opaque_id: str,
    now: datetime,
    environ: Mapping[str, str],
    entropy: Callable[[int], bytes],
) -> Principal:
    """Issue a client certificate of a node's newest CA into its ``clients`` directory.

    Args:
        directory: Of the node.
        role: One that people and systems may have.
        name: Name of the two files.
        opaque_id: Of the principal; says nothing about the person.
        now: The present instant.
        environ: May hold the passphrase.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``INVALID_FIELD``; ``ALREADY_EXISTS``, if there is a client of that name.
    """
    if role not in SAMPLE_ROLES:
        raise invalid_field(
            "role", role, "No client has this role.", f"Use one of {', '.join(SAMPLE_ROLES)}."
        )
    parse_opaque_id(name, field="name")
    parse_opaque_id(opaque_id)
    if holds_identity_number(opaque_id):
        raise invalid_field(
            "principal_id",
            "",
            "Somebody's identity number stands in it, which no log may carry.",
            "Use a number or reference of your own that says nothing of the person.",
        )
    config, vault = open_vault(directory, environ)
    caller = Principal(province=config.province, role=role, opaque_id=opaque_id)
    clients = directory / CLIENTS_DIRECTORY
    client_vault = Vault.open(clients, require_passphrase(environ, config.passphrase_file))
    pair = issue_client(newest_ca(directory, vault), caller, now=now)
    _write_client(client_vault, name, pair, entropy)
    return caller


def client_pkcs8(directory: Path, *, name: str, environ: Mapping[str, str]) -> bytes:
    """Return a client's private key as encrypted PKCS#8, for systems that do not use our SDK.

    Args:
        directory: Of the node.
        name: Of the client.
        environ: May hold the passphrase, which also opens what is returned.

    Returns:
        PEM, ``ENCRYPTED PRIVATE KEY`` (RFC 5958, PBES2).

    Raises:
        Refusal: ``INVALID_FIELD``, if there is no such client, or the passphrase is another.
    """
    config, _ = open_vault(directory, environ)
    passphrase = require_passphrase(environ, config.passphrase_file)
    vault = Vault.open(directory / CLIENTS_DIRECTORY, passphrase)
    pem = vault.read(vault.directory / f"{name}.key", name=client_key_name(name))
    return serialization.load_pem_private_key(pem, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )


def newest_ca(directory: Path, vault: Vault) -> KeyPair:
    """Return the CA of a node that came last, with its private key.

    Args:
        directory: Of the node.
        vault: Opens its keys.

    Raises:
        Refusal: ``INVALID_FIELD``, naming the file that is missing.
    """
    pem = newest_certificate(read_file(directory / CA_FILE, field_name="ca"))
    pair = KeyPair(certificate_pem=pem, key_pem=b"")
    return KeyPair(
        certificate_pem=pem, key_pem=vault.read(ca_key_file(vault, pair), name=CA_KEY_NAME)
    )


def newest_certificate(pem: bytes) -> bytes:
    """Return the last certificate of a PEM file: what is added is added at the end."""
    last = x509.load_pem_x509_certificates(pem)[-1]
    return to_pem(last)


def to_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate in PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def ca_key_file(vault: Vault, ca: KeyPair) -> Path:
    """Return where the private key of a CA stands: by its serial number."""
    serial = x509.load_pem_x509_certificate(ca.certificate_pem).serial_number
    return vault.directory / f"ca.{serial:x}.key"


def _card(
    keys: Keyring,
    province: str,
    provinces: Iterable[str],
    *,
    endpoint: str,
    ca_pem: bytes,
    now: datetime,
    suite_keys: Iterable[Sm2VerifierKey],
) -> MemberCard:
    """Return the card of a new node."""
    instant = now.replace(microsecond=0)
    signers = [
        *(keys.log_signers(log)[0] for log in own_logs(province, provinces)),
        *keys.verdict_signers,
        *keys.witness_signers,
    ]
    return MemberCard(
        member=Member(
            province=province,
            name_zh=PROVINCES[province].name_zh,
            name_en=PROVINCES[province].name_en,
            endpoint=endpoint,
            ca_pem=ca_pem.decode(),
            keys=tuple(KeyTerm(key=s.verifier, from_time=instant) for s in signers),
            suite_keys=tuple(SuiteTerm(key=key, from_time=instant) for key in suite_keys),
        ),
        timestamp=keys.timestamp_signers[0].verifier,
    )


def _write_client(vault: Vault, name: str, pair: KeyPair, entropy: Callable[[int], bytes]) -> None:
    """Write a client's certificate and its sealed key."""
    vault.write(
        vault.directory / f"{name}.key", pair.key_pem, name=client_key_name(name), entropy=entropy
    )
    write_new(vault.directory / f"{name}.crt", pair.certificate_pem, private=False)


def _json(value: Mapping[str, object]) -> bytes:
    """Return JSON that people can read."""
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
