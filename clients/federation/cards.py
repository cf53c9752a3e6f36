"""Public cards: what a province hands to the others of its node and of its office.

A node's card says what shall be signed about the member: endpoint, CA, keys, accounts. An office's
card holds the one key that signs. Cards are not signed; people compare the keys on them by another
way, and what is signed afterwards holds them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from clients.federation.fingerprints import card_sha256
from clients.sdk.credentials import read_file
from deltacare.errors import DeltacareError, Refusal, invalid_field
from deltacare.ids import parse_province
from deltacare.keys import Algorithm, VerifierKey
from deltacare.trust import Member, timestamp_key_name
from deltacare.trust.documents import canonical, read_object, require_type
from deltacare.trust.roles import root_key_name

__all__ = ["CARD_FILE", "OFFICE_CARD_FILE", "MemberCard", "OfficeCard"]

CARD_FILE = "member.json"
OFFICE_CARD_FILE = "office.json"

_MEMBER_FORMAT = "deltacare/card/v1"
_OFFICE_FORMAT = "deltacare/office/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCard:
    """What the others need of a member's node.

    Attributes:
        member: As it shall be stated.
        timestamp: The key with which the node signs the federation's timestamp.
    """

    member: Member
    timestamp: VerifierKey

    @property
    def province(self) -> str:
        """Whose node it is."""
        return self.member.province

    @property
    def sha256(self) -> str:
        """The digest that people compare by telephone, in hex."""
        return card_sha256(self.member, self.timestamp)

    def to_bytes(self) -> bytes:
        """Return the file."""
        return canonical(
            {
                "format": _MEMBER_FORMAT,
                "member": json.loads(self.member.to_bytes()),
                "timestamp_key": self.timestamp.to_text(),
            }
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a card.

        Args:
            path: The file, or a node's directory.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is none.
        """
        file = path / CARD_FILE if path.is_dir() else path
        try:
            value = read_object(
                read_file(file, field_name="member"),
                fields=("format", "member", "timestamp_key"),
                kind=_MEMBER_FORMAT,
                where="member",
            )
            member = Member.from_bytes(canonical(value["member"]))
            key = _key(value["timestamp_key"], timestamp_key_name(member.province))
        except (Refusal, KeyError) as error:
            raise _no_card(file, CARD_FILE, error) from None
        return cls(member=member, timestamp=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeCard:
    """What the others need of a province's office.

    Attributes:
        province: Six digits.
        root: The key with which it signs for the province.
    """

    province: str
    root: VerifierKey

    def to_bytes(self) -> bytes:
        """Return the file."""
        return canonical(
            {
                "format": _OFFICE_FORMAT,
                "province": self.province,
                "root_key": self.root.to_text(),
            }
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a card.

        Args:
            path: The file, or an office's directory.

        Raises:
            Refusal: ``INVALID_FIELD``, if it is none.
        """
        file = path / OFFICE_CARD_FILE if path.is_dir() else path
        try:
            value = read_object(
                read_file(file, field_name="office"),
                fields=("format", "province", "root_key"),
                kind=_OFFICE_FORMAT,
                where="office",
            )
            province = parse_province(require_type(value["province"], str, "office.province"))
            root = _key(value["root_key"], root_key_name(province))
        except (Refusal, KeyError) as error:
            raise _no_card(file, OFFICE_CARD_FILE, error) from None
        return cls(province=province, root=root)


def _key(value: object, name: str) -> VerifierKey:
    """Return a key that must have a name."""
    text = require_type(value, str, "key")
    key = VerifierKey.from_text(text, algorithm=Algorithm.ED25519, field_name="key")
    if key.name != name:
        raise invalid_field("key", key.name, f"The key is not named {name}.")
    return key


def _no_card(path: Path, name: str, error: Exception) -> DeltacareError:
    """Return the refusal of what is no card."""
    why = error.message if isinstance(error, DeltacareError) else "It lacks a field."
    return invalid_field(
        "card", path, f"This is no such card. {why}", f"Use the {name} that init wrote."
    )
