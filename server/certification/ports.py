"""What this room asks of the vault of persons, in two forms; ``server.app`` wires in the rest.

So a certificate can be issued and checked without this room knowing how a person's values are
kept, and without a vault where a test needs none.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from server.log.ports import LogTx

__all__ = ["HolderVault", "IdentityComparer", "StatedSchemes"]


class IdentityComparer(Protocol):
    """Compares identity numbers where the holder's is kept: at the issuer, and nowhere else."""

    async def same(self, certificate_no: str, issuer: str, identity_number: str) -> bool | None:
        """Return whether an identity number is that of a certificate's holder.

        Args:
            certificate_no: the certificate.
            issuer: province that issued it, whose node is asked.
            identity_number: of who shows the certificate, checked for its form before.

        Returns:
            ``False`` also if the issuer keeps none; ``None`` if it could not be compared.
        """
        ...


class HolderVault(Protocol):
    """Keeps who holds a certificate, encrypted; own certificates only."""

    def put(
        self,
        tx: LogTx,
        subject_ref: str,
        holder_name: str,
        identity_number: str,
        certificate_nos: Sequence[str],
    ) -> bool:
        """Keep values of a person in the transaction that issues certificates to them.

        Args:
            tx: the issuing transaction.
            subject_ref: the person, by the reference of the caller's own system.
            holder_name: as it was given; empty leaves the one that is kept.
            identity_number: likewise.
            certificate_nos: certificates that the person holds now; added to those known.

        Returns:
            Whether the person was not known before.

        Raises:
            Refusal: a certificate is another person's, or its holder was erased.
        """
        ...

    def held_by(self, connection: Connection, subject_ref: str) -> frozenset[str]:
        """Return the certificates that a person holds."""
        ...

    def name_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the holder's name of an own certificate; ``None`` if none is kept."""
        ...


class StatedSchemes(Protocol):
    """Tells what the federation's signed statements let provinces issue; at once, touching no disk.

    One that was in force at a past moment is held as long as the ones after it.
    """

    def at(self, province: str, known_time: datetime) -> frozenset[str]:
        """Return the schemes that a province was let issue under at a moment; none stand for any.

        Args:
            province: a member now.
            known_time: the moment; the present one, or one that is past.
        """
        ...
