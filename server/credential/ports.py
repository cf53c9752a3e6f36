"""What this room asks of others; ``server.app`` wires it."""

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import Connection

__all__ = ["HolderNames", "NameBook", "StatusListPeer"]


class HolderNames(Protocol):
    """Who holds own certificates, as the vault of persons knows it."""

    def name_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the holder's name of an own certificate; ``None`` if none is kept."""
        ...

    def holder_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the person that holds an own certificate, if that is known."""
        ...


class NameBook(Protocol):
    """To which names own certificates were issued, as far as digests and salts tell."""

    def same_names(
        self, connection: Connection, author: str, names: Mapping[str, str]
    ) -> Mapping[str, bool]:
        """Return by certificate whether it was issued to a name, of those that can be compared."""
        ...


class StatusListPeer(Protocol):
    """The way to partners' status lists. Raises ``deltacare.errors`` only."""

    async def get_status_list(self, province: str, list_number: int) -> str:
        """Return a partner's newest token."""
        ...
