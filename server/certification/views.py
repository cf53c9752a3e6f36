"""Shows rows of certification as the contract has them: what the logs say, newest included.

Nothing here decides whether a certificate counts; it shows all that was verified.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from deltacare.ids import LogName
from deltacare.v1.certification_service_pb2 import (
    CertificateEvent,
    RegisteredCertificate,
    StandingEquivalence,
)
from deltacare.v1.entry_pb2 import (
    Certificate,
    CertificateReinstatement,
    CertificateRenewal,
    CertificateRevocation,
    CertificateSuspension,
    Equivalence,
)
from deltacare.v1.types_pb2 import EntryRef
from server.certification.store import read_histories
from server.certification.tables import certificates, equivalences
from server.certification.values import CertificateEventSaid, EventKind

__all__ = ["find_certificate", "find_certificates", "find_equivalences"]


def _ref(author: str, index: int) -> EntryRef:
    return EntryRef(log=str(LogName.registry(author)), index=index)


def _event(author: str, certificate_no: str, said: CertificateEventSaid) -> CertificateEvent:
    """Return one event as it was stated."""
    effective = said.effective_date.isoformat() if said.effective_date else ""
    until = said.until_date.isoformat() if said.until_date else ""
    event = CertificateEvent(entry=_ref(author, said.index))
    match said.kind:
        case EventKind.RENEWED:
            event.renewed.CopyFrom(
                CertificateRenewal(certificate_no=certificate_no, valid_until_date=until)
            )
        case EventKind.SUSPENDED:
            event.suspended.CopyFrom(
                CertificateSuspension(
                    certificate_no=certificate_no,
                    effective_date=effective,
                    until_date=until,
                    reason=said.reason,
                )
            )
        case EventKind.REINSTATED:
            event.reinstated.CopyFrom(
                CertificateReinstatement(
                    certificate_no=certificate_no, effective_date=effective, reason=said.reason
                )
            )
        case EventKind.REVOKED:
            event.revoked.CopyFrom(
                CertificateRevocation(
                    certificate_no=certificate_no, effective_date=effective, reason=said.reason
                )
            )
    return event


def find_certificate(connection: Connection, certificate_no: str) -> RegisteredCertificate | None:
    """Return a certificate with its whole history, ``None`` if no log has it."""
    query = select(certificates).where(certificates.c.certificate_no == certificate_no)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    body = Certificate.FromString(row.body)
    result = RegisteredCertificate(name=f"certificates/{certificate_no}", certificate=body)
    result.events.add(entry=_ref(row.author, row.log_index), issued=body)
    history = read_histories(connection, (certificate_no,))[certificate_no]
    result.events.extend(_event(row.author, certificate_no, said) for said in history.events)
    return result


def find_certificates(
    connection: Connection, *, issuer: str, institution_id: str, after: str, limit: int
) -> Sequence[RegisteredCertificate]:
    """Return certificates by number, without their history.

    Args:
        connection: a snapshot.
        issuer: only of this issuer; empty means all.
        institution_id: only about this institution; empty means any.
        after: only those with a greater number.
        limit: most rows.
    """
    table = certificates.c
    query = select(table.body).where(table.certificate_no > after)
    if issuer:
        query = query.where(table.author == issuer)
    if institution_id:
        query = query.where(table.institution_id == institution_id)
    found = []
    for (data,) in connection.execute(query.order_by(table.certificate_no).limit(limit)):
        body = Certificate.FromString(data)
        found.append(
            RegisteredCertificate(name=f"certificates/{body.certificate_no}", certificate=body)
        )
    return found


def find_equivalences(
    connection: Connection, *, host: str, after: str, limit: int
) -> Sequence[StandingEquivalence]:
    """Return equivalences by id.

    Args:
        connection: a snapshot.
        host: only of this host; empty means all.
        after: only those with a greater id.
        limit: most rows.
    """
    table = equivalences.c
    query = select(equivalences).where(table.equivalence_id > after)
    if host:
        query = query.where(table.author == host)
    return [
        StandingEquivalence(
            equivalence=Equivalence.FromString(row.body),
            host=row.author,
            ended_date=row.ended_date or "",
            entry=_ref(row.author, row.log_index),
        )
        for row in connection.execute(query.order_by(table.equivalence_id).limit(limit))
    ]
