"""A province's office: one encrypted root key in a directory that stays offline, and its memory.

The office signs what people carry to it. It remembers what it signed under every version and signs
another content under the same one only if it is told that the first was given up: two statements of
one version, each with enough signatures, would let nodes disagree for ever.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from clients.federation.cards import OFFICE_CARD_FILE, OfficeCard
from clients.federation.files import write_atomic
from clients.sdk.credentials import read_file
from clients.vault import COST, Vault, write_new
from deltacare.errors import Reason, Refusal, invalid_field
from deltacare.ids import parse_province
from deltacare.keys import LogSigner
from deltacare.trust.roles import Role, root_key_name, sign, signed_sha256, version_of

__all__ = ["Office", "init_office"]

KEY_FILE = "root.key"
SIGNED_FILE = "signed.json"

_SEED_BYTES = 32
_PRIVATE_MODE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """An office whose key is open.

    Attributes:
        directory: Where it stands.
        card: What the others know of it.
        seed: The private key; never shown.
    """

    directory: Path
    card: OfficeCard
    seed: bytes = field(repr=False)

    @classmethod
    def open(cls, directory: Path, passphrase: bytes) -> Self:
        """Open an office.

        Raises:
            Refusal: ``INVALID_FIELD``, naming the file that is missing or wrong, or the passphrase.
        """
        card = OfficeCard.read(directory)
        vault = Vault.open(directory, passphrase)
        seed = vault.read(directory / KEY_FILE, name=root_key_name(card.province))
        if LogSigner(name=card.root.name, seed=seed).verifier != card.root:
            raise invalid_field(
                "office", directory, "The card does not belong to the key.", "Restore the backup."
            )
        return cls(directory=directory, card=card, seed=seed)

    def sign(self, files: Mapping[Role, bytes], *, supersede: bool = False) -> dict[Role, bytes]:
        """Return files with the office's signature, once it remembers what they say.

        Args:
            files: Unsigned or signed by others, by role.
            supersede: People's word that what it signed before under a version was given up.

        Raises:
            Refusal: ``RULE_REFUSED``, if it signed another content under the same version.
            PeerFault: ``BAD_METADATA``, if one is no such file.
        """
        path = self.directory / SIGNED_FILE
        known = _remembered(path)
        for role, data in files.items():
            place, digest = f"{version_of(data)}.{role}", signed_sha256(data)
            if known.get(place, digest) != digest and not supersede:
                raise Refusal(
                    Reason.RULE_REFUSED,
                    f"This office signed another {role} of version {version_of(data)} before. Once "
                    "every copy of that is destroyed, sign this one with --supersede.",
                    details={"file": place, "signed_sha256": known[place]},
                )
            known[place] = digest
        # It remembers before it signs: a signature that it forgot could be taken from it twice.
        text = json.dumps(known, indent=2, sort_keys=True) + "\n"
        write_atomic(path, text.encode(), mode=_PRIVATE_MODE)
        return {role: sign(data, self.seed) for role, data in files.items()}


def init_office(
    directory: Path,
    *,
    province: str,
    passphrase: bytes,
    entropy: Callable[[int], bytes],
    cost: int = COST,
) -> OfficeCard:
    """Make an office: its root key, encrypted, and its card.

    Args:
        directory: Must not exist, or be empty.
        province: Six digits.
        passphrase: Encrypts the key.
        entropy: Returns so many unpredictable bytes.
        cost: Of deriving a key from the passphrase.

    Raises:
        Refusal: ``INVALID_FIELD``; ``ALREADY_EXISTS``, if there is something in the directory.
    """
    parse_province(province)
    if directory.exists() and any(directory.iterdir()):
        raise Refusal(
            Reason.ALREADY_EXISTS,
            f"{directory} is not empty; an office is never made over another.",
            details={"path": str(directory)},
        )
    vault = Vault.create(directory, passphrase, entropy=entropy, cost=cost)
    seed = entropy(_SEED_BYTES)
    root = LogSigner(name=root_key_name(province), seed=seed).verifier
    vault.write(directory / KEY_FILE, seed, name=root.name, public=root.to_text(), entropy=entropy)
    card = OfficeCard(province=province, root=root)
    write_new(directory / OFFICE_CARD_FILE, card.to_bytes(), private=False)
    return card


def _remembered(path: Path) -> dict[str, str]:
    """Return what an office signed, by version and role."""
    if not path.exists():
        return {}
    try:
        value = json.loads(read_file(path, field_name="office"))
    except ValueError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise invalid_field(
            "office", path, "It is not what an office remembers.", "Restore it from the backup."
        )
    return value
