"""Shows hosts' suspensions of recognition with what became of each, for issuers to answer.

Everything that was verified is shown, newest included; whether a suspension counts in a check is
decided by the rules. An answer belongs to the suspension whose leaf hash it names, if its author is
the issuer and it names the host; any other has no effect.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from deltacare.ids import LogName
from deltacare.v1.certification_service_pb2 import StandingRecognitionSuspension
from deltacare.v1.entry_pb2 import RecognitionAnswer, RecognitionSuspension
from deltacare.v1.types_pb2 import EntryRef
from server.certification.answers import AnswerSaid, answer_due_date, is_answered, is_overdue
from server.certification.standing import recognition_suspensions
from server.certification.store import read_recognitions
from server.certification.tables import recognition_answers, recognitions
from server.certification.values import RecognitionSaid
from server.registry.store import chunks
from server.registry.values import Reach

__all__ = ["find_suspensions", "is_page_key", "newest_suspension", "page_key", "suspension_is_said"]

_ALL = Reach(restrict_size=2**63 - 1, permit_size=2**63 - 1)
_RUN = 500
_INDEX_DIGITS = 18
_PAGE_KEY = re.compile(r"[0-9]{6}-[0-9]{18}", re.ASCII)


def page_key(host: str, index: int) -> str:
    """Return where a suspension stands in the order of the list."""
    return f"{host}-{index:0{_INDEX_DIGITS}d}"


def is_page_key(text: str) -> bool:
    """Whether a text is a place in the order of the list; a page token is no secret."""
    return _PAGE_KEY.fullmatch(text) is not None


def newest_suspension(connection: Connection, certificate_no: str, host: str) -> bytes | None:
    """Return the leaf hash of a host's newest suspension of a certificate, if there is any."""
    table = recognitions.c
    query = (
        select(table.leaf_hash)
        .where(
            table.author == host,
            table.certificate_no == certificate_no,
            table.is_suspension,
        )
        .order_by(table.log_index.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def suspension_is_said(
    connection: Connection, certificate_no: str, host: str, suspension_hash: bytes
) -> bool:
    """Whether a host said a suspension of a certificate that has this leaf hash."""
    table = recognitions.c
    query = select(table.log_index).where(
        table.author == host,
        table.certificate_no == certificate_no,
        table.is_suspension,
        table.leaf_hash == suspension_hash,
    )
    return connection.execute(query.limit(1)).first() is not None


def find_suspensions(
    connection: Connection,
    *,
    issuer: str,
    host: str,
    open_only: bool,
    after: str,
    limit: int,
    today: date,
) -> Sequence[StandingRecognitionSuspension]:
    """Return suspensions by host and place.

    Args:
        connection: a snapshot.
        issuer: only of certificates of this issuer; empty means all.
        host: only by this host; empty means all.
        open_only: only those that hold today and are not answered.
        after: key of the last one given; empty for the first page.
        limit: most rows.
        today: the business date.
    """
    found: list[StandingRecognitionSuspension] = []
    for rows in _runs(connection, issuer=issuer, host=host, after=after):
        words = read_recognitions(connection, {row.certificate_no for row in rows})
        answers = _answers(connection, [row.leaf_hash for row in rows])
        for row in rows:
            said = [
                each
                for each in answers.get(row.leaf_hash, ())
                if each.body.certificate_no == row.certificate_no and each.body.host == row.author
            ]
            span = [
                each
                for each in recognition_suspensions(words[row.author, row.certificate_no], _ALL)
                if each.index == row.log_index
            ]
            if open_only and (is_answered(said) or not any(each.holds(today) for each in span)):
                continue
            resumed = _resumed_date(words[row.author, row.certificate_no], row)
            found.append(_standing(row, said, resumed, today))
            if len(found) == limit:
                return found
    return found


def _runs(
    connection: Connection, *, issuer: str, host: str, after: str
) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows of suspensions in order, some at a time."""
    table = recognitions.c
    query = (
        select(recognitions)
        .where(table.is_suspension)
        .order_by(table.author, table.log_index)
        .limit(_RUN)
    )
    if issuer:
        query = query.where(table.certificate_no.startswith(f"{issuer}-", autoescape=True))
    if host:
        query = query.where(table.author == host)
    last = after
    while True:
        run = query
        if last:
            author, _, index = last.partition("-")
            run = query.where(
                or_(
                    table.author > author,
                    and_(table.author == author, table.log_index > int(index)),
                )
            )
        rows = connection.execute(run).all()
        if not rows:
            return
        yield rows
        last = page_key(rows[-1].author, rows[-1].log_index)


def _answers(
    connection: Connection, suspension_hashes: Sequence[bytes]
) -> Mapping[bytes, Sequence[AnswerSaid]]:
    """Return what issuers said of suspensions, by leaf hash, in the order of their logs."""
    found: dict[bytes, list[AnswerSaid]] = {}
    table = recognition_answers.c
    for some in chunks(suspension_hashes):
        query = select(recognition_answers).where(table.suspension_hash.in_(some))
        for row in connection.execute(query.order_by(table.author, table.log_index)):
            found.setdefault(row.suspension_hash, []).append(
                AnswerSaid(
                    index=row.log_index,
                    published_date=date.fromisoformat(row.published_date),
                    body=RecognitionAnswer.FromString(row.body),
                )
            )
    return found


def _resumed_date(words: Sequence[RecognitionSaid], row: Row[Any]) -> date | None:
    """Return the first day on which a suspension is over; one that is to come is not ended."""
    begins = date.fromisoformat(row.effective_date)
    later = (
        each.effective_date
        for each in words
        if not each.is_suspension and each.index > row.log_index and each.effective_date >= begins
    )
    return min(later, default=None)


def _standing(
    row: Row[Any], answers: Sequence[AnswerSaid], resumed: date | None, today: date
) -> StandingRecognitionSuspension:
    """Return a suspension as the contract has it."""
    due = answer_due_date(date.fromisoformat(row.published_date))
    return StandingRecognitionSuspension(
        suspension=RecognitionSuspension(
            certificate_no=row.certificate_no,
            effective_date=row.effective_date,
            reason=row.reason,
        ),
        host=row.author,
        entry=EntryRef(log=str(LogName.registry(row.author)), index=row.log_index),
        suspension_hash=row.leaf_hash,
        resumed_date="" if resumed is None else resumed.isoformat(),
        answer=answers[-1].body if answers else None,
        answer_due_date="" if due is None else due.isoformat(),
        overdue=is_overdue(answers, due_date=due, resumed_date=resumed, today=today),
    )
