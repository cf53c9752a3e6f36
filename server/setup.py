"""How a node comes into being: keys, test CA, certificates, settings, member card, trust bundle.

A province runs ``init`` alone and hands its public card to the others; the cards become a bundle
that members sign. Everything is written once and never overwritten. How members agree on a later
bundle is not decided here.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from clients.sdk.credentials import CA_FILE, PROFILE_FILE, read_file
from deltacare.divisions import PROVINCES
from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.ids import Principal, parse_opaque_id
from deltacare.keys import LogSigner
from deltacare.trust import Member, TrustBundle
from server.certificates import KeyPair, issue_client, issue_node, new_ca
from server.config import CONFIG_FILE, config_text, parse_address, read_config
from server.edge.rights import Role
from server.keyfiles import NodeKeys, read_bundle_key, write_new

__all__ = [
    "CLIENTS_DIRECTORY",
    "MEMBER_FILE",
    "SAMPLE_ROLES",
    "Initialised",
    "add_client",
    "init_node",
    "install_bundle",
    "make_bundle",
    "read_card",
]

MEMBER_FILE = "member.json"
CLIENTS_DIRECTORY = "clients"

_CA_KEY_FILE = "ca.key"
_OPAQUE_BYTES = 8
_PRIVATE_DIRECTORY_MODE = 0o700
_MEMBER_FIELDS = (
    "province",
    "name_zh",
    "name_en",
    "endpoint",
    "ca_pem",
    "log_keys",
    "witness_key",
    "bundle_key",
)

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
    card: Member
    clients: Mapping[str, str]


def init_node(
    directory: Path,
    *,
    province: str,
    partners: Iterable[str],
    endpoint: str,
    listen: str,
    database_url: str,
    now: datetime,
    entropy: Callable[[int], bytes],
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
        now: The present instant.
        entropy: Returns so many unpredictable bytes.

    Raises:
        Refusal: ``INVALID_FIELD``, if an address is none; ``ALREADY_EXISTS``, if there is something
            in the directory.
    """
    parse_address(endpoint, field="endpoint")
    parse_address(listen, field="listen")
    if directory.exists() and any(directory.iterdir()):
        raise Refusal(
            Reason.ALREADY_EXISTS,
            f"{directory} is not empty; a node is never made over another.",
            details={"path": str(directory)},
        )
    # 1. Keys.
    keys_directory = directory / "keys"
    clients = directory / CLIENTS_DIRECTORY
    for path in (directory, keys_directory, clients):
        path.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_DIRECTORY_MODE)
    keys = NodeKeys.generate(province, {province, *partners}, entropy=entropy)
    keys.write(keys_directory)
    # 2. CA and the node's certificate.
    ca = new_ca(province, now=now)
    write_new(directory / CA_FILE, ca.certificate_pem, private=False)
    write_new(directory / _CA_KEY_FILE, ca.key_pem, private=True)
    host = endpoint.rpartition(":")[0].strip("[]")
    _write_pair(directory, "node", issue_node(ca, province, hosts=(host,), now=now))
    # 3. Client certificates.
    write_new(clients / CA_FILE, ca.certificate_pem, private=False)
    profile = {"province": province, "endpoint": endpoint}
    write_new(clients / PROFILE_FILE, _json(profile), private=False)
    opaque_ids = {
        str(role): add_client(
            directory,
            province=province,
            role=role,
            name=role,
            opaque_id=entropy(_OPAQUE_BYTES).hex(),
            now=now,
        ).opaque_id
        for role in SAMPLE_ROLES
    }
    # 4. Settings.
    settings = config_text(province=province, listen=listen, database_url=database_url)
    write_new(directory / CONFIG_FILE, settings.encode(), private=True)
    # 5. Card.
    card = Member(
        province=province,
        name_zh=PROVINCES[province].name_zh,
        name_en=PROVINCES[province].name_en,
        endpoint=endpoint,
        ca_pem=ca.certificate_pem.decode(),
        log_keys={str(log): signer.verifier.to_text() for log, signer in keys.logs.items()},
        witness_key=keys.witness.verifier.to_text(),
        bundle_key=keys.bundle.verifier.to_text(),
    )
    write_new(
        directory / MEMBER_FILE,
        _json({name: getattr(card, name) for name in _MEMBER_FIELDS}),
        private=False,
    )
    return Initialised(directory=directory, card=card, clients=opaque_ids)


def add_client(
    directory: Path, *, province: str, role: str, name: str, opaque_id: str, now: datetime
) -> Principal:
    """Issue a client certificate of a node's own CA into its ``clients`` directory.

    Args:
        directory: Of the node.
        province: Whose node it is.
        role: One that people and systems may have.
        name: Name of the two files.
        opaque_id: Of the principal; says nothing about the person.
        now: The present instant.

    Raises:
        Refusal: ``INVALID_FIELD``; ``ALREADY_EXISTS``, if there is a client of that name.
    """
    if role not in SAMPLE_ROLES:
        raise invalid_field(
            "role", role, "No client has this role.", f"Use one of {', '.join(SAMPLE_ROLES)}."
        )
    parse_opaque_id(name, field="name")
    caller = Principal(province=province, role=role, opaque_id=parse_opaque_id(opaque_id))
    ca = KeyPair(
        certificate_pem=read_file(directory / CA_FILE, field_name="ca"),
        key_pem=read_file(directory / _CA_KEY_FILE, field_name="ca"),
    )
    _write_pair(directory / CLIENTS_DIRECTORY, name, issue_client(ca, caller, now=now))
    return caller


def read_card(path: Path) -> Member:
    """Read a member card.

    Args:
        path: The file, or a node's directory.

    Raises:
        Refusal: ``INVALID_FIELD``, if it is none.
    """
    file = path / MEMBER_FILE if path.is_dir() else path
    try:
        value: Any = json.loads(read_file(file, field_name="member"))
    except ValueError:
        raise _no_card(file) from None
    if not isinstance(value, dict) or sorted(value) != sorted(_MEMBER_FIELDS):
        raise _no_card(file)
    log_keys = value["log_keys"]
    texts = [item for name, item in value.items() if name != "log_keys"]
    if not isinstance(log_keys, dict):
        raise _no_card(file)
    if not all(isinstance(item, str) for item in (*texts, *log_keys.values())):
        raise _no_card(file)
    return Member(**value)


def make_bundle(
    cards: Sequence[Member],
    signers: Sequence[LogSigner],
    *,
    federation: str,
    version: int,
    opening_date: date,
    registry_quorum: int,
    threshold: int,
    now: datetime,
) -> bytes:
    """Join members' cards into a bundle and sign it.

    Args:
        cards: Of every member.
        signers: Bundle keys of members who consent.
        federation: Its name.
        version: Number of the bundle, from 1.
        opening_date: The first business date that settlement logs close.
        registry_quorum: How many partners must cosign a registry log.
        threshold: How many signatures it must have.
        now: The present instant.

    Raises:
        Refusal: ``INVALID_FIELD``, if the cards do not fit together or too few sign.
    """
    bundle = TrustBundle(
        federation=federation,
        version=version,
        issued_time=now.replace(microsecond=0),
        opening_date=opening_date,
        members=tuple(sorted(cards, key=lambda card: card.province)),
        registry_quorum=registry_quorum,
    )
    keys = [member.bundle_key for member in bundle.members]
    signing = {signer.verifier.to_text(): signer for signer in signers}
    if not signing.keys() <= set(keys):
        raise invalid_field("sign", "", "A signing key is not that of a member's card.")
    if len(signing) < threshold:
        raise invalid_field(
            "sign",
            len(signing),
            f"{threshold} members must sign.",
            "Give the directory of each with --sign.",
        )
    note = bundle.to_note(signing.values())
    TrustBundle.from_note(note, keys=keys, threshold=threshold)
    return note


def read_signer(directory: Path) -> LogSigner:
    """Return the key with which the node of a directory consents to bundles."""
    return read_bundle_key(directory / "keys", province=read_card(directory).province)


def install_bundle(directory: Path, note: bytes, keys: Sequence[str]) -> None:
    """Give a node its bundle and the keys that it pins.

    Args:
        directory: Of the node.
        note: The signed bundle.
        keys: Bundle keys, of every member.

    Raises:
        Refusal: ``ALREADY_EXISTS``, if it has other keys: whoever replaces pinned keys does it
            by hand.
    """
    config = read_config(directory / CONFIG_FILE)
    pinned = "".join(f"{key}\n" for key in keys).encode()
    if config.bundle_keys.exists():
        if read_file(config.bundle_keys, field_name="keys") != pinned:
            raise Refusal(
                Reason.ALREADY_EXISTS,
                f"{config.bundle_keys} pins other keys; it is replaced by hand only.",
                details={"path": str(config.bundle_keys)},
            )
    else:
        write_new(config.bundle_keys, pinned, private=False)
    draft = config.bundle.with_suffix(".new")
    draft.unlink(missing_ok=True)
    write_new(draft, note, private=False)
    shutil.move(draft, config.bundle)


def _write_pair(directory: Path, name: str, pair: KeyPair) -> None:
    """Write a certificate and its key."""
    write_new(directory / f"{name}.key", pair.key_pem, private=True)
    write_new(directory / f"{name}.crt", pair.certificate_pem, private=False)


def _json(value: Mapping[str, object]) -> bytes:
    """Return JSON that people can read."""
    return (json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _no_card(path: Path) -> Refusal:
    """Return the refusal of what is no card."""
    return invalid_field(
        "member", path, "This is no member card.", "Use the member.json that node init wrote."
    )
