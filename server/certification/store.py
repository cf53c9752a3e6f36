"""Reads the rows of certification as the values that its rules work on.

The ``load_*`` functions are for a night: they take pins, the size to which each registry log was
closed, and answer what was known then. The others answer all that is known. Logs that are not
pinned count for nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, select, union_all

from deltacare.ids import LogName
from deltacare.v1.entry_pb2 import Certificate, Equivalence
from server.certification.lines import with_lines
from server.certification.standing import (
    certificate_standing,
    equivalence_standing,
    recognition_suspensions,
)
from server.certification.tables import (
    certificate_events,
    certificates,
    equivalence_ends,
    equivalences,
    recognitions,
)
from server.certification.values import (
    CertificateEventSaid,
    CertificateHistory,
    CertificateStanding,
    EquivalenceHistory,
    EquivalenceStanding,
    EventKind,
    LineMember,
    RecognitionFacts,
    RecognitionSaid,
    Span,
)
from server.registry.store import chunks, load_agreements, load_closings, optional_date
from server.registry.values import AgreementVersion, EndSaid, reaches_of
from server.supervision.store import load_bars

__all__ = [
    "about_institutions",
    "history_of",
    "load_certificates",
    "load_equivalences",
    "load_recognition_facts",
    "load_recognition_suspensions",
    "read_equivalence_ends",
    "read_equivalences",
    "read_histories",
    "read_recognitions",
    "touched",
]


def history_of(
    author: str,
    log_index: int,
    body: Certificate,
    events: Iterable[CertificateEventSaid] = (),
    *,
    line_no: str = "",
    line: Iterable[LineMember] = (),
) -> CertificateHistory:
    """Return the history of a certificate from its entry and events.

    Args:
        author: whose log.
        log_index: place of its issue in it.
        body: as issued.
        events: in the order of the log.
        line_no: the first certificate of its line; empty stands for its own number.
        line: the others of its line, in any order.
    """
    return CertificateHistory(
        certificate_no=body.certificate_no,
        issuer=author,
        index=log_index,
        subject=body.subject,
        scheme=body.scheme,
        grade=body.grade,
        holder_name_digest=body.holder_name_digest,
        institution_id=body.institution_id,
        valid_from_date=date.fromisoformat(body.valid_from_date),
        valid_until_date=date.fromisoformat(body.valid_until_date),
        events=tuple(events),
        division_code=body.division_code,
        predecessor_no=body.predecessor_no,
        line_no=line_no or body.certificate_no,
        line=tuple(sorted(line, key=lambda each: each.index)),
    )


def read_histories(connection: Connection, numbers: Iterable[str]) -> dict[str, CertificateHistory]:
    """Return all that issuers ever said of certificates and their standing rests on, by number."""
    found: dict[str, CertificateHistory] = {}
    for some in chunks(numbers):
        events: dict[str, list[CertificateEventSaid]] = {}
        table = certificate_events.c
        event_query = (
            select(
                table.certificate_no,
                table.log_index,
                table.kind,
                table.effective_date,
                table.until_date,
                table.reason,
            )
            .where(
                certificate_events.c.certificate_no.in_(some),
                certificate_events.c.kind != int(EventKind.ADDED),
            )
            .order_by(certificate_events.c.log_index)
        )
        for row in connection.execute(event_query):
            events.setdefault(row.certificate_no, []).append(
                CertificateEventSaid(
                    index=row.log_index,
                    kind=EventKind(row.kind),
                    effective_date=optional_date(row.effective_date),
                    until_date=optional_date(row.until_date),
                    reason=row.reason,
                )
            )
        issued: list[Any] = []
        lines: dict[str, list[LineMember]] = {}
        # Each with its whole line, itself included: one statement for both.
        for asked, each in with_lines(connection, some):
            number = each.certificate_no
            if number == asked:
                issued.append(each)
            else:
                member = LineMember(
                    certificate_no=number, index=each.log_index, predecessor_no=each.predecessor_no
                )
                lines.setdefault(asked, []).append(member)
        for each in issued:
            number = each.certificate_no
            found[number] = history_of(
                each.author,
                each.log_index,
                Certificate.FromString(each.body),
                events.get(number, ()),
                line_no=each.line_no,
                line=lines.get(number, ()),
            )
    return found


def read_recognitions(
    connection: Connection, numbers: Iterable[str]
) -> dict[tuple[str, str], tuple[RecognitionSaid, ...]]:
    """Return what hosts ever said of certificates of other issuers, by host and number."""
    found: dict[tuple[str, str], list[RecognitionSaid]] = {}
    for some in chunks(numbers):
        query = (
            select(recognitions)
            .where(recognitions.c.certificate_no.in_(some))
            .order_by(recognitions.c.author, recognitions.c.log_index)
        )
        for row in connection.execute(query):
            found.setdefault((row.author, row.certificate_no), []).append(
                RecognitionSaid(
                    host=row.author,
                    index=row.log_index,
                    is_suspension=row.is_suspension,
                    effective_date=date.fromisoformat(row.effective_date),
                    reason=row.reason,
                )
            )
    return {key: tuple(words) for key, words in found.items()}


def read_equivalences(
    connection: Connection, equivalence_ids: Iterable[str] | None = None
) -> dict[str, tuple[EquivalenceHistory, ...]]:
    """Return the equivalences that were ever declared, by host, the newest first.

    Args:
        connection: a snapshot.
        equivalence_ids: only these; ``None`` means all.
    """
    found: dict[str, list[EquivalenceHistory]] = {}
    query = select(equivalences).order_by(equivalences.c.author, equivalences.c.log_index.desc())
    asked = None if equivalence_ids is None else tuple(equivalence_ids)
    if asked is not None:
        query = query.where(equivalences.c.equivalence_id.in_(asked))
    ends = read_equivalence_ends(connection, asked)
    for row in connection.execute(query):
        body = Equivalence.FromString(row.body)
        found.setdefault(row.author, []).append(
            EquivalenceHistory(
                equivalence_id=body.equivalence_id,
                host=row.author,
                index=row.log_index,
                issuer=body.issuer,
                scheme=body.scheme,
                grades=frozenset(body.grades),
                mapped_scheme=body.mapped_scheme,
                mapped_grade=body.mapped_grade,
                from_date=date.fromisoformat(body.from_date),
                until_date=optional_date(body.until_date),
                agreement_id=body.agreement_id,
                ends=ends.get(body.equivalence_id, ()),
            )
        )
    return {host: tuple(declared) for host, declared in found.items()}


def read_equivalence_ends(
    connection: Connection, equivalence_ids: Collection[str] | None = None
) -> dict[str, tuple[EndSaid, ...]]:
    """Return what ended equivalences, by id, in the order of the log.

    Args:
        connection: a snapshot.
        equivalence_ids: only these; ``None`` means all.
    """
    found: dict[str, tuple[EndSaid, ...]] = {}
    table = equivalence_ends.c
    query = select(equivalence_ends).order_by(table.log_index)
    if equivalence_ids is not None:
        query = query.where(table.equivalence_id.in_(equivalence_ids))
    for row in connection.execute(query):
        end = EndSaid(index=row.log_index, from_date=date.fromisoformat(row.effective_date))
        found[row.equivalence_id] = (*found.get(row.equivalence_id, ()), end)
    return found


def load_certificates(
    connection: Connection, pins: Mapping[LogName, int], numbers: Iterable[str]
) -> dict[str, CertificateStanding]:
    """Return what counts of certificates at the pins, by number; unknown ones are missing.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
        numbers: the certificates asked for.
    """
    reaches = reaches_of(pins)
    found: dict[str, CertificateStanding] = {}
    for number, history in read_histories(connection, numbers).items():
        reach = reaches.get(history.issuer)
        standing = None if reach is None else certificate_standing(history, reach)
        if standing is not None:
            found[number] = standing
    return found


def load_equivalences(
    connection: Connection, pins: Mapping[LogName, int]
) -> dict[str, tuple[EquivalenceStanding, ...]]:
    """Return the equivalences that count at the pins, by host.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
    """
    reaches = reaches_of(pins)
    found: dict[str, tuple[EquivalenceStanding, ...]] = {}
    for host, declared in read_equivalences(connection).items():
        if host in reaches:
            standings = (equivalence_standing(each, reaches[host]) for each in declared)
            found[host] = tuple(each for each in standings if each is not None)
    return found


def load_recognition_suspensions(
    connection: Connection, pins: Mapping[LogName, int], numbers: Iterable[str]
) -> dict[tuple[str, str], tuple[Span, ...]]:
    """Return on which days hosts do not recognise certificates, by host and number.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
        numbers: the certificates asked for.
    """
    reaches = reaches_of(pins)
    return {
        (host, number): recognition_suspensions(words, reaches[host])
        for (host, number), words in read_recognitions(connection, numbers).items()
        if host in reaches
    }


def load_recognition_facts(
    connection: Connection, pins: Mapping[LogName, int], numbers: Iterable[str]
) -> RecognitionFacts:
    """Return all that ``certificate_good_days`` needs for some certificates at the pins.

    Args:
        connection: a snapshot.
        pins: entries that count of each log; settlement logs are passed over.
        numbers: the certificates asked for.
    """
    asked = frozenset(numbers)
    standings = load_certificates(connection, pins, asked)
    agreements: dict[str, tuple[AgreementVersion, ...]] = {}
    for version in load_agreements(connection, pins):
        agreements[version.agreement_id] = (*agreements.get(version.agreement_id, ()), version)
    return RecognitionFacts(
        certificates=standings,
        suspensions=load_recognition_suspensions(connection, pins, asked),
        equivalences=load_equivalences(connection, pins),
        agreements=agreements,
        bars=load_bars(
            connection,
            pins,
            {subject for each in standings.values() for subject in each.subjects},
        ),
        closings=load_closings(
            connection, pins, {each.history.institution_id for each in standings.values()} - {""}
        ),
    )


def about_institutions(
    connection: Connection, institution_ids: Iterable[str], *, limit: int
) -> frozenset[str] | None:
    """Return the certificates about some institutions; ``None`` if more than the limit."""
    found: set[str] = set()
    for some in chunks(institution_ids):
        query = select(certificates.c.certificate_no).where(
            certificates.c.institution_id.in_(some), certificates.c.institution_id != ""
        )
        found.update(number for (number,) in connection.execute(query.limit(limit + 1)))
        if len(found) > limit:
            return None
    return frozenset(found)


def touched(
    connection: Connection, author: str, first_index: int, end_index: int, *, limit: int
) -> tuple[frozenset[str], bool] | None:
    """Return what a run of a registry log says anything of.

    Args:
        connection: a snapshot.
        author: whose log.
        first_index: first of the run.
        end_index: one past its last.
        limit: most certificates to name.

    Returns:
        The certificates, and whether equivalences are among the rest; ``None`` if there are more
        certificates than the limit.
    """
    parts = [
        select(table.c.certificate_no).where(
            table.c.author == author,
            table.c.log_index >= first_index,
            table.c.log_index < end_index,
        )
        for table in (certificates, certificate_events, recognitions)
    ]
    rows = connection.execute(union_all(*parts).limit(limit + 1)).all()
    if len(rows) > limit:
        return None
    is_declared = any(
        connection.execute(
            select(table.c.equivalence_id)
            .where(
                table.c.author == author,
                table.c.log_index >= first_index,
                table.c.log_index < end_index,
            )
            .limit(1)
        ).first()
        is not None
        for table in (equivalences, equivalence_ends)
    )
    return frozenset(row.certificate_no for row in rows), is_declared
