"""What this room asks of the vault of persons, in two forms; ``server.app`` wires in the rest.

So a certificate can be issued and checked without this room knowing how a person's values are
kept, and without a vault where a test needs none.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from server.log.ports import LogTx
from server.personal.persons import Sought

__all__ = ["HolderVault", "IdentityComparer", "NamedCertificates", "StatedSchemes"]


class IdentityComparer(Protocol):
    """Compares identity numbers where the holder's is kept: at the issuer, and nowhere else."""

    async def same(self, certificate_no: str, issuer: str, identity_number: str) -> bool | None:
        """Return whether an identity number is that of a certificate's holder.

        Args:
            certificate_no: the certificate.
            issuer: province that issued it, whose node is asked.
            identity_number: of who shows the certificate, checked for its form before.

        Returns:
            ``False`` also if the issuer keeps none; ``None`` if it could not be asked, or will not
            say more of this person today.
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

    def held_by_each(
        self, connection: Connection, sought: Sequence[Sought]
    ) -> Sequence[frozenset[str]]:
        """Return what each person holds, also under other references of the same identity number.

        Args:
            connection: a snapshot.
            sought: persons, by reference, certificate or identity number.
        """
        ...

    def holders_of(
        self, connection: Connection, certificate_nos: Collection[str]
    ) -> Mapping[str, str]:
        """Return who holds own certificates, by reference, of those of which it is known."""
        ...

    def values_of_each(
        self, connection: Connection, subject_refs: Collection[str]
    ) -> Mapping[str, Mapping[str, str]]:
        """Return what is kept of persons, by name of the field: ``holder_name`` and others."""
        ...

    def name_of(self, connection: Connection, certificate_no: str) -> str | None:
        """Return the holder's name of an own certificate; ``None`` if none is kept."""
        ...


class NamedCertificates(Protocol):
    """Tells to which names certificates were issued."""

    def same_names(
        self, connection: Connection, author: str, names: Mapping[str, str]
    ) -> Mapping[str, bool]:
        """Return by certificate whether it was issued to a name, of those that can be compared."""
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
