"""What this room asks of others; ``server.app`` wires it."""

from typing import Protocol

from sqlalchemy import Connection

__all__ = ["HolderNames", "StatusListPeer"]


class HolderNames(Protocol):
    """Who holds own certificates, as the vault of persons knows it."""

    def name_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the holder's name of an own certificate; ``None`` if none is kept."""
        ...

    def holder_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the person that holds an own certificate, if that is known."""
        ...


class StatusListPeer(Protocol):
    """The way to partners' status lists. Raises ``deltacare.errors`` only."""

    async def get_status_list(self, province: str, list_number: int) -> str:
        """Return a partner's newest token."""
        ...
