"""Shows rows of certification as the contract has them: what the logs say, newest included.

Nothing here decides whether a certificate counts; it shows all that was verified.
"""

from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.message import Message
from sqlalchemy import Connection, select

from deltacare.ids import LogName
from deltacare.v1.certification_service_pb2 import (
    CertificateEvent,
    RegisteredCertificate,
    StandingEquivalence,
)
from deltacare.v1.entry_pb2 import (
    Certificate,
    CertificateAddition,
    CertificateReinstatement,
    CertificateRenewal,
    CertificateRevocation,
    CertificateSuspension,
    Equivalence,
    Erased,
)
from deltacare.v1.types_pb2 import EntryRef
from server.certification.store import read_equivalence_ends
from server.certification.tables import certificate_events, certificates, equivalences
from server.certification.values import EventKind
from server.personal.tables import erasures

__all__ = ["find_certificate", "find_certificates", "find_equivalences"]


def _ref(author: str, index: int) -> EntryRef:
    return EntryRef(log=str(LogName.registry(author)), index=index)


_STATED: Mapping[EventKind, tuple[str, type[Message]]] = {
    EventKind.RENEWED: ("renewed", CertificateRenewal),
    EventKind.SUSPENDED: ("suspended", CertificateSuspension),
    EventKind.REINSTATED: ("reinstated", CertificateReinstatement),
    EventKind.REVOKED: ("revoked", CertificateRevocation),
    EventKind.ADDED: ("added", CertificateAddition),
}
"""Field of ``CertificateEvent`` and the body in it, by kind."""


def _events(connection: Connection, certificate_no: str) -> Iterable[CertificateEvent]:
    """Yield what happened to a certificate after it was issued, as it was stated.

    Of an erasure, which may be of many, only that it was of this one.
    """
    table = certificate_events.c
    query = (
        select(table.author, table.log_index, table.kind, table.body)
        .where(table.certificate_no == certificate_no)
        .order_by(table.log_index)
    )
    for row in connection.execute(query):
        name, body = _STATED[EventKind(row.kind)]
        event = CertificateEvent(entry=_ref(row.author, row.log_index))
        getattr(event, name).CopyFrom(body.FromString(row.body))
        yield event
    query = select(erasures).where(erasures.c.certificate_no == certificate_no)
    for row in connection.execute(query):
        erased = Erased(certificate_nos=(certificate_no,), reason=row.reason)
        yield CertificateEvent(entry=_ref(row.author, row.log_index), erased=erased)


def find_certificate(connection: Connection, certificate_no: str) -> RegisteredCertificate | None:
    """Return a certificate with its whole history, ``None`` if no log has it."""
    query = select(certificates).where(certificates.c.certificate_no == certificate_no)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    body = Certificate.FromString(row.body)
    result = RegisteredCertificate(name=f"certificates/{certificate_no}", certificate=body)
    result.events.add(entry=_ref(row.author, row.log_index), issued=body)
    result.events.extend(
        sorted(_events(connection, certificate_no), key=lambda event: event.entry.index)
    )
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
    rows = connection.execute(query.order_by(table.equivalence_id).limit(limit)).all()
    ends = read_equivalence_ends(connection, [row.equivalence_id for row in rows])
    return [
        StandingEquivalence(
            equivalence=Equivalence.FromString(row.body),
            host=row.author,
            ended_date=min(
                (each.from_date.isoformat() for each in ends.get(row.equivalence_id, ())),
                default="",
            ),
            entry=_ref(row.author, row.log_index),
        )
        for row in rows
    ]
