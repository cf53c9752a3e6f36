"""What the vault asks of the rooms around it.

The certification room stands above, and knows what the vault must not: where a certificate stands
in a log, and how its salt is kept.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy import Connection

from deltacare.v1.personal_service_pb2 import CompareIdentityRequest, CompareIdentityResponse
from server.log.ports import LogTx

__all__ = ["CertificateBook", "IdentityPeers"]


class CertificateBook(Protocol):
    """The certificates that logs have issued, and the salts of their holders' names."""

    def places(
        self, connection: Connection, author: str, certificate_nos: Collection[str]
    ) -> Mapping[str, int]:
        """Return where certificates stand in their author's registry log, those that do."""
        ...

    def same_names(
        self, connection: Connection, author: str, names: Mapping[str, str]
    ) -> Mapping[str, bool]:
        """Return by certificate whether it was issued to a name, of those that can be compared."""
        ...

    def erase_salts(
        self, tx: LogTx, author: str, certificate_nos: Collection[str], *, before_index: int
    ) -> None:
        """Destroy the salts of certificates, and blind what is kept of requests that named them.

        Args:
            tx: the transaction that stores the erasure.
            author: whose certificates.
            certificate_nos: the certificates.
            before_index: place of the erasure; what lies before it has been projected.
        """
        ...


class IdentityPeers(Protocol):
    """The vaults of partners."""

    async def compare_identity(
        self, issuer: str, request: CompareIdentityRequest
    ) -> CompareIdentityResponse:
        """See PersonalService.CompareIdentity. Raises ``deltacare.errors`` only."""
        ...
