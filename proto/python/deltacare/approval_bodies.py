"""What `deltacare.approvals` reads of the contract's messages, by attribute.

The kernel imports no generated code: these are the shapes that messages of ``entry.proto`` have
anyway. Nothing here checks a value.
"""

from typing import Protocol

__all__ = ["AdvanceBody", "ClawbackBody", "KeyBody", "SignedBody"]


class KeyBody(Protocol):
    """An ``ApprovalKey``, as far as it is read here."""

    @property
    def key_id(self) -> str:
        """Name of the key."""

    @property
    def principal(self) -> str:
        """Whose it is."""

    @property
    def algorithm(self) -> str:
        """With what it signs."""

    @property
    def public_key(self) -> bytes:
        """The public key."""

    @property
    def from_date(self) -> str:
        """First day."""

    @property
    def until_date(self) -> str:
        """Last day, or empty."""


class SignedBody(Protocol):
    """An ``Approval``, as far as it is read here."""

    @property
    def principal(self) -> str:
        """Who signed."""

    @property
    def key_id(self) -> str:
        """With which key."""

    @property
    def duty(self) -> int:
        """In which duty."""

    @property
    def signature(self) -> bytes:
        """The signature."""


class AdvanceBody(Protocol):
    """An ``Advance``, as far as it is signed."""

    @property
    def advance_id(self) -> str:
        """Its number."""

    @property
    def payee(self) -> str:
        """Who is paid."""

    @property
    def amount_fen(self) -> int:
        """How much."""


class ClawbackBody(Protocol):
    """A ``Clawback``, as far as it is signed."""

    @property
    def clawback_id(self) -> str:
        """Its number."""

    @property
    def settlement_no(self) -> str:
        """Number of the settlement."""

    @property
    def home(self) -> str:
        """Home province."""

    @property
    def host(self) -> str:
        """Host province."""

    @property
    def amount_fen(self) -> int:
        """How much."""

    @property
    def reason(self) -> str:
        """Code of the reason."""

    @property
    def document_hash(self) -> bytes:
        """Hash of the document, or empty."""
