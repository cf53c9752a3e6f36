"""Reads which entries of a registry log touch certificates, and which of a watcher's these are.

Tables whose rows name one certificate are joined with the watch lists, so that only rows of the
watcher are read, through the indexes by place and by certificate. What speaks of many (measures
against institutions, their closing, equivalences, agreements) is rare, and its certificates are
read by pages. Void entries left no row. When an entry is due is for
``server.certification.watching``.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, false, or_, select, true

from deltacare.v1.entry_pb2 import Certificate
from server.certification.store import read_equivalences
from server.certification.tables import (
    certificate_events,
    certificates,
    equivalence_ends,
    equivalences,
    recognition_answers,
    recognitions,
)
from server.certification.values import EquivalenceHistory, EventKind
from server.certification.watch_lists import is_list_of
from server.certification.watch_tables import watched
from server.certification.watch_values import Cursor, Reached, Watcher
from server.personal.tables import erasures
from server.registry.store import chunks
from server.registry.tables import agreement_words, closings
from server.supervision.tables import lifts, measures, reports

__all__ = ["Span", "Touch", "numbers_touched", "touches_in", "watchers_touched"]

_ROWS_MAX = 1_000
_WATCHERS_MAX = 1_000
_PERMITS = (EventKind.RENEWED, EventKind.REINSTATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """An entry and whom it speaks of.

    Attributes:
        index: its place.
        is_permit: whether it counts only under a quorum.
        numbers: the certificates of the watcher that it names: the one it is about, and the one
            that this follows; none if it is about others.
        subject: the certificate or institution that a measure is against, or the institution that
            is closed or opened again; else empty.
        erased_by: author, if it erases the holders of certificates; else empty.
        equivalences: those through which it is about certificates.
    """

    index: int
    is_permit: bool
    numbers: tuple[str, ...] = ()
    subject: str = ""
    erased_by: str = ""
    equivalences: tuple[EquivalenceHistory, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The entries of a log that are due: restricting ones and permitting ones."""

    author: str
    cursor: Cursor
    reached: Reached

    def restricts(self, column: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a place is due of what restricts."""
        return and_(column >= self.cursor.next_index, column < self.reached.size)

    def permits(self, column: ColumnElement[int]) -> ColumnElement[bool]:
        """Whether a place is due of what permits."""
        return and_(column >= self.cursor.next_permit_index, column < self.reached.quorum_size)

    def either(
        self, column: ColumnElement[int], *, is_permit: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        """Whether a place is due, of rows of either sort."""
        first = min(self.cursor.next_index, self.cursor.next_permit_index)
        return and_(
            # One range for the index by place; what follows picks from it.
            column >= first,
            column < self.reached.size,
            or_(and_(is_permit, self.permits(column)), and_(~is_permit, self.restricts(column))),
        )


def touches_in(
    connection: Connection, span: Span, watcher: Watcher
) -> tuple[list[Touch], int | None]:
    """Return what is due, in order, and from where on it is not known; ``None`` if all is.

    Args:
        connection: a snapshot.
        span: what is due.
        watcher: of whose certificates, where an entry is about one.
    """
    touches: dict[int, Touch] = {}
    ends: list[int] = []

    def cut(places: Sequence[int]) -> None:
        """Note from where on a source is not known."""
        if len(places) > _ROWS_MAX:
            ends.append(places[_ROWS_MAX])

    # 1. Entries about one certificate: only those of the watcher.
    for source in _direct(span):
        query = (
            select(source.index, source.number, source.is_permit)
            .where(source.is_due, _is_watched(watcher, source.number))
            .order_by(source.index)
            .limit(_ROWS_MAX + 1)
        )
        rows = connection.execute(query).all()
        cut([place for place, _, _ in rows])
        for place, number, is_permit in rows:
            others = touches[place].numbers if place in touches else ()
            touches[place] = Touch(
                index=place, is_permit=bool(is_permit), numbers=(*others, number)
            )
    # 2. Entries about many: few in all, whomever they concern.
    wide: set[int] = set()
    for query_wide in _wide_queries(span):
        places = [place for (place,) in connection.execute(query_wide.limit(_ROWS_MAX + 1))]
        cut(places)
        wide.update(places)
    end = min(ends, default=None)
    for some in chunks(place for place in wide if end is None or place < end):
        for touch in _wide(connection, span.author, frozenset(some)):
            touches[touch.index] = touch
    return [touches[place] for place in sorted(touches) if end is None or place < end], end


def watchers_touched(
    connection: Connection, author: str, before: Reached, reached: Reached
) -> frozenset[str] | None:
    """Return the callers whose certificates the growth of a log touches.

    Args:
        connection: a snapshot.
        author: whose registry log.
        before: how far it was held.
        reached: how far it is held now.

    Returns:
        Opaque ids; ``None`` if it may be anybody's.
    """
    cursor = Cursor(next_index=before.size, next_permit_index=before.quorum_size)
    span = Span(author=author, cursor=cursor, reached=reached)
    if any(connection.execute(query.limit(1)).first() for query in _wide_queries(span)):
        return None
    callers: set[str] = set()
    for source in _direct(span):
        query = (
            select(watched.c.caller)
            .where(source.is_due, watched.c.certificate_no == source.number)
            .distinct()
            .limit(_WATCHERS_MAX + 1)
        )
        callers.update(caller for (caller,) in connection.execute(query))
    return None if len(callers) > _WATCHERS_MAX else frozenset(callers)


def numbers_touched(
    connection: Connection, watcher: Watcher, touch: Touch, *, after: str, limit: int
) -> list[str]:
    """Return the watched certificates that an entry touches, ascending.

    Args:
        connection: a snapshot.
        watcher: whose lists.
        touch: the entry.
        after: only those with a greater number.
        limit: most of them.
    """
    if touch.numbers:
        return sorted(number for number in touch.numbers if number > after)[:limit]
    found: set[str] = set()
    if touch.subject:
        found.update(_under_measure(connection, watcher, touch.subject, after=after, limit=limit))
    if touch.erased_by:
        number = erasures.c.certificate_no
        query = select(number).where(
            erasures.c.author == touch.erased_by,
            erasures.c.log_index == touch.index,
            number > after,
            _is_watched(watcher, number),
        )
        rows = connection.execute(query.order_by(number).limit(limit))
        found.update(each for (each,) in rows)
    for issuer in {each.issuer for each in touch.equivalences}:
        speaking = [each for each in touch.equivalences if each.issuer == issuer]
        found.update(_spoken_of(connection, watcher, issuer, speaking, after=after, limit=limit))
    return sorted(found)[:limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """A column of a table whose rows name one certificate each.

    Attributes:
        index: column of the place.
        number: column of the certificate.
        is_permit: whether a row permits.
        is_due: whether a row is due.
    """

    index: ColumnElement[int]
    number: ColumnElement[str]
    is_permit: ColumnElement[bool]
    is_due: ColumnElement[bool]


def _direct(span: Span) -> Iterator[_Source]:
    """Yield the columns whose rows name one certificate each."""
    issued, said, words = certificates.c, certificate_events.c, recognitions.c
    # An issue is about its own certificate and, if it follows another, about that.
    for number in (issued.certificate_no, issued.predecessor_no):
        yield _Source(
            index=issued.log_index,
            number=number,
            is_permit=true(),
            is_due=and_(issued.author == span.author, span.permits(issued.log_index)),
        )
    is_permit = said.kind.in_([int(kind) for kind in _PERMITS])
    yield _Source(
        index=said.log_index,
        number=said.certificate_no,
        is_permit=is_permit,
        is_due=and_(said.author == span.author, span.either(said.log_index, is_permit=is_permit)),
    )
    yield _Source(
        index=words.log_index,
        number=words.certificate_no,
        is_permit=~words.is_suspension,
        is_due=and_(
            words.author == span.author,
            span.either(words.log_index, is_permit=~words.is_suspension),
        ),
    )
    answers = recognition_answers.c
    yield _Source(
        index=answers.log_index,
        number=answers.certificate_no,
        is_permit=false(),
        is_due=and_(answers.author == span.author, span.restricts(answers.log_index)),
    )


def _wide_queries(span: Span) -> Iterator[Select[Any]]:
    """Yield queries for the places of entries that may be about any number of certificates."""
    taken, mended, words = measures.c, reports.c, agreement_words.c
    closed = closings.c
    declared, ended = equivalences.c, equivalence_ends.c
    for column, is_due in (
        (taken.log_index, span.restricts(taken.log_index)),
        (lifts.c.log_index, span.permits(lifts.c.log_index)),
        (mended.log_index, span.either(mended.log_index, is_permit=mended.is_accepted)),
        (closed.log_index, span.either(closed.log_index, is_permit=~closed.is_closed)),
        (declared.log_index, span.permits(declared.log_index)),
        (ended.log_index, span.restricts(ended.log_index)),
        (words.log_index, span.either(words.log_index, is_permit=words.ended_date.is_(None))),
        (erasures.c.log_index, span.restricts(erasures.c.log_index)),
    ):
        yield (
            select(column)
            .where(column.table.c.author == span.author, is_due)
            .distinct()
            .order_by(column)
        )


def _wide(connection: Connection, author: str, places: Collection[int]) -> Iterator[Touch]:
    """Yield what entries about many certificates speak of."""
    yield from _measured(connection, author, places)
    declared = [each for group in read_equivalences(connection).values() for each in group]
    for each in declared:
        if each.host == author:
            said = ((each.index, True), *((end.index, False) for end in each.ends))
            for place, is_permit in said:
                if place in places:
                    yield Touch(index=place, is_permit=is_permit, equivalences=(each,))
    words = agreement_words.c
    query = select(words.log_index, words.agreement_id, words.ended_date)
    for place, agreement_id, ended_date in connection.execute(
        query.where(words.author == author, words.log_index.in_(places))
    ):
        based = tuple(each for each in declared if each.agreement_id == agreement_id)
        yield Touch(index=place, is_permit=ended_date is None, equivalences=based)
    gone = erasures.c.log_index
    for (place,) in connection.execute(
        select(gone).where(erasures.c.author == author, gone.in_(places)).distinct()
    ):
        yield Touch(index=place, is_permit=False, erased_by=author)


def _measured(connection: Connection, author: str, places: Collection[int]) -> Iterator[Touch]:
    """Yield whom measures, and the closing of institutions, are about."""
    taken, mended = measures.c, reports.c
    query = select(taken.log_index, taken.subject).where(
        taken.author == author, taken.log_index.in_(places)
    )
    for place, subject in connection.execute(query):
        yield Touch(index=place, is_permit=False, subject=subject)
    query_lifted = (
        select(lifts.c.log_index, taken.subject)
        .join_from(lifts, measures, taken.measure_id == lifts.c.measure_id)
        .where(lifts.c.author == author, lifts.c.log_index.in_(places))
    )
    for place, subject in connection.execute(query_lifted):
        yield Touch(index=place, is_permit=True, subject=subject)
    query_mended = (
        select(mended.log_index, mended.is_accepted, taken.subject)
        .join_from(reports, measures, taken.measure_id == mended.measure_id)
        .where(mended.author == author, mended.log_index.in_(places))
    )
    for place, is_accepted, subject in connection.execute(query_mended):
        yield Touch(index=place, is_permit=is_accepted, subject=subject)
    closed = closings.c
    query_closed = select(closed.log_index, closed.is_closed, closed.institution_id).where(
        closed.author == author, closed.log_index.in_(places)
    )
    for place, is_closed, institution_id in connection.execute(query_closed):
        yield Touch(index=place, is_permit=not is_closed, subject=institution_id)


def _is_watched(watcher: Watcher, number: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a certificate stands on a list of the watcher."""
    conditions = [watched.c.caller == watcher.caller, watched.c.certificate_no == number]
    if watcher.institution_id:
        conditions.append(watched.c.institution_id == watcher.institution_id)
    return exists().where(*conditions)


def _under_measure(
    connection: Connection, watcher: Watcher, subject: str, *, after: str, limit: int
) -> Iterator[str]:
    """Yield the watched certificates of the institution or line that a measure is against."""
    number = certificates.c.certificate_no
    measured = certificates.alias("measured")
    line = select(measured.c.line_no).where(measured.c.certificate_no == subject)
    for is_meant in (
        certificates.c.institution_id == subject,
        certificates.c.line_no == line.scalar_subquery(),
    ):
        query = select(number).where(is_meant, number > after, _is_watched(watcher, number))
        yield from (each for (each,) in connection.execute(query.order_by(number).limit(limit)))
    mine = select(watched.c.certificate_no).where(
        watched.c.certificate_no == subject, is_list_of(watcher)
    )
    if subject > after and connection.execute(mine.limit(1)).first() is not None:
        yield subject


def _spoken_of(
    connection: Connection,
    watcher: Watcher,
    issuer: str,
    speaking: Iterable[EquivalenceHistory],
    *,
    after: str,
    limit: int,
) -> list[str]:
    """Return the watched certificates of an issuer that equivalences speak of, ascending."""
    pairs = {(each.scheme, grade) for each in speaking for grade in each.grades}
    number = certificates.c.certificate_no
    found: list[str] = []
    while len(found) < limit:
        query = (
            select(number, certificates.c.body)
            .where(
                certificates.c.author == issuer,
                number > after,
                number.startswith(f"{issuer}-", autoescape=True),
                _is_watched(watcher, number),
            )
            .order_by(number)
            .limit(_ROWS_MAX)
        )
        rows = connection.execute(query).all()
        for each, data in rows:
            body = Certificate.FromString(data)
            if (body.scheme, body.grade) in pairs:
                found.append(each)
        if len(rows) < _ROWS_MAX:
            break
        after = rows[-1][0]
    return found[:limit]
