"""The chain of a certificate: what a renewal has to name, and the education that counts for it.

A renewal names the issue or the renewal before it by leaf hash, so that two people who prolong one
certificate at once do not both succeed. Hours of continuing education count from the issue or last
renewal on; a reference counts once in the life of a certificate, however often it is stated.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from sqlalchemy import Connection, select

from deltacare.v1.entry_pb2 import Certificate, CertificateAddition, CertificateRenewal
from server.certification.scheme_rules import education_hours
from server.certification.tables import certificate_events, certificates
from server.certification.values import EventKind
from server.registry.store import chunks

__all__ = ["Chain", "read_chains"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Where the chain of a certificate ends.

    Attributes:
        issuer: province.
        last_hash: leaf hash of the issue or last renewal.
        hours: of continuing education that was added since.
        counted: references that count already, by division and number.
    """

    issuer: str
    last_hash: bytes
    hours: int = 0
    counted: frozenset[tuple[str, str]] = field(default_factory=frozenset)

    @classmethod
    def issued(cls, issuer: str, leaf_hash: bytes, body: Certificate) -> Self:
        """Return the chain of a certificate as issued; what it rests on brings no hours."""
        _, counted = education_hours(issuer, body.references, counted=frozenset())
        return cls(issuer=issuer, last_hash=leaf_hash, counted=counted)

    def added(self, body: CertificateAddition) -> Self:
        """Return it with what was added."""
        hours, counted = education_hours(self.issuer, body.references, counted=self.counted)
        return replace(self, hours=self.hours + hours, counted=counted)

    def hours_with(self, body: CertificateRenewal) -> int:
        """Return the hours that count for a renewal."""
        return self.hours + education_hours(self.issuer, body.references, counted=self.counted)[0]

    def renewed(self, leaf_hash: bytes, body: CertificateRenewal) -> Self:
        """Return it with a renewal: hours count anew from there."""
        _, counted = education_hours(self.issuer, body.references, counted=self.counted)
        return replace(self, last_hash=leaf_hash, hours=0, counted=counted)


def read_chains(connection: Connection, numbers: Iterable[str]) -> dict[str, Chain]:
    """Return the chains of certificates, by number; unknown ones are missing."""
    found: dict[str, Chain] = {}
    for some in chunks(numbers):
        issued = select(certificates.c.author, certificates.c.leaf_hash, certificates.c.body).where(
            certificates.c.certificate_no.in_(some)
        )
        for author, leaf_hash, data in connection.execute(issued):
            body = Certificate.FromString(data)
            found[body.certificate_no] = Chain.issued(author, bytes(leaf_hash), body)
        table = certificate_events.c
        later = (
            select(table.certificate_no, table.kind, table.leaf_hash, table.body)
            .where(
                table.certificate_no.in_(some),
                table.kind.in_((int(EventKind.RENEWED), int(EventKind.ADDED))),
            )
            .order_by(table.author, table.log_index)
        )
        for number, kind, leaf_hash, data in connection.execute(later):
            chain = found[number]
            found[number] = (
                chain.renewed(bytes(leaf_hash), CertificateRenewal.FromString(data))
                if kind == EventKind.RENEWED
                else chain.added(CertificateAddition.FromString(data))
            )
    return found
