"""What the own province recognises in the coming days, in the form that a bundle carries.

Asked of the very rules that answer checks: for every kind of certificate that was ever issued, and
for every certificate of which something is said beyond its status list. So offline and online
answers cannot come apart, whatever rules are added. Days are asked one by one, so that a bundle
made today knows of a restriction that was said already and holds from tomorrow on.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, select, union

from deltacare.credential.bundle import ANSWERS_MAX, ClassAnswer, NumberAnswer
from deltacare.ids import CertificateNumber
from deltacare.times import business_date
from deltacare.trust import Trust
from deltacare.v1.certification_service_pb2 import VERDICT_VALID, Verdict
from deltacare.v1.entry_pb2 import CERTIFICATE_SUBJECT_CAREGIVER, Certificate
from server.certification.checker import Checker
from server.certification.facts import Facts, Outcome
from server.certification.lines import same_line
from server.certification.questions import Question
from server.certification.rules import check
from server.certification.tables import certificate_events, certificates, recognitions
from server.certification.values import CertificateHistory
from server.log.ports import LogReader
from server.registry.store import chunks
from server.registry.tables import closings
from server.store.database import Database
from server.supervision.tables import measures

__all__ = ["NUMBERS_MAX", "Answers", "CertificateKind", "Said", "coming_days", "subject_name"]

_ONE_DAY = timedelta(days=1)
_ROWS_AT_ONCE = 20_000
_QUESTIONS_AT_ONCE = 1_000
NUMBERS_MAX = 50_000
"""Single certificates of which one bundle speaks; beyond it, the issuers with most are left out."""

# Never asked about: a certificate of a kind stands for all of them, and none has this number.
_STAND_IN = "KIND"


def subject_name(subject: int) -> str:
    """Return what a bundle and a phone form call the subject of a certificate."""
    return "CAREGIVER" if subject == CERTIFICATE_SUBJECT_CAREGIVER else "INSTITUTION"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CertificateKind:
    """What certificates have in common that the rules treat alike.

    Attributes:
        issuer: Province.
        subject: Value of ``CertificateSubject``.
        scheme: Scheme of the issuer.
        grade: Grade within it.
        division: Office that issued it, six digits.
    """

    issuer: str
    subject: int
    scheme: str
    grade: str
    division: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a bundle says of certificates.

    Attributes:
        classes: Of kinds.
        numbers: Of single ones that do not count.
        left_out: Issuers of whom too much would have to be said: nothing of theirs may count.
    """

    classes: tuple[ClassAnswer, ...]
    numbers: tuple[NumberAnswer, ...]
    left_out: frozenset[str]


class Answers:
    """Asks the rules on behalf of bundles.

    Args:
        own: the province where certificates are to count.
        trust: members.
        database: rows.
        reader: how far logs are held.
        checker: of the room of certification.
    """

    def __init__(
        self, *, own: str, trust: Trust, database: Database, reader: LogReader, checker: Checker
    ) -> None:
        self._own = own
        self._trust = trust
        self._database = database
        self._reader = reader
        self._checker = checker
        # Kinds only ever become more, so what was read of a log need not be read again.
        self._kinds: set[CertificateKind] = set()
        self._read_size: dict[str, int] = {}
        self._lock = asyncio.Lock()

    async def make(
        self,
        issuers: Sequence[str],
        *,
        hidden: Iterable[str],
        days: Sequence[date],
        now: datetime,
    ) -> Said:
        """Return what is said of kinds and of single certificates on some days.

        Args:
            issuers: provinces whose certificates are asked about.
            hidden: certificates that lists show as good and that may be restricted.
            days: consecutive, the first today.
            now: the moment of the call.
        """
        await self._reader.refresh()
        kinds = await self._kinds_of(issuers)
        classes: list[ClassAnswer] = []
        for issuer in issuers:
            of_issuer = sorted(kind for kind in kinds if kind.issuer == issuer)
            if of_issuer:
                facts = await self._facts(issuer, days[0], now)
                for kind in of_issuer:
                    classes += _class_answers(kind, facts, days)
        spoken_of = await self._database.read(
            lambda connection: _spoken_of(connection, self._own, issuers, days)
        )
        numbers, left_out = _as_many_as_fit(spoken_of.union(hidden), len(days))
        return Said(
            classes=tuple(classes),
            numbers=await self._number_answers(sorted(numbers), days, now),
            left_out=left_out,
        )

    async def _facts(self, issuer: str, day: date, now: datetime) -> Facts:
        """Return what the rules look at for certificates of an issuer, but no certificate."""
        number = f"{issuer}-{_STAND_IN}"
        answered = await self._checker.answer(self._question(number, issuer, day), now)
        return answered.facts

    def _question(self, certificate_no: str, issuer: str, day: date) -> Question:
        return Question(
            certificate_no=certificate_no,
            issuer=issuer,
            host=self._own,
            on_date=day,
            known_time=None,
            holder_name="",
        )

    async def _number_answers(
        self, numbers: Sequence[str], days: Sequence[date], now: datetime
    ) -> tuple[NumberAnswer, ...]:
        """Return what is said of single certificates on days on which they do not count."""
        found: list[NumberAnswer] = []
        for first in range(0, len(numbers), _QUESTIONS_AT_ONCE):
            some = numbers[first : first + _QUESTIONS_AT_ONCE]
            asked = [(number, day) for number in some for day in days]
            answers = await self._checker.answer_many(
                [
                    self._question(number, CertificateNumber.parse(number).issuer, day)
                    for number, day in asked
                ],
                now,
            )
            by_number: dict[str, list[tuple[date, Outcome]]] = {}
            for (number, day), answered in zip(asked, answers, strict=True):
                by_number.setdefault(number, []).append((day, answered.outcome))
            for number, outcomes in by_number.items():
                for from_date, until_date, outcome in _runs(outcomes):
                    if outcome.verdict != VERDICT_VALID:
                        found.append(
                            NumberAnswer(
                                certificate_no=number,
                                from_date=from_date,
                                until_date=until_date,
                                verdict=_name(outcome),
                                rule=outcome.rule.code,
                                reason=outcome.reason,
                            )
                        )
        return tuple(found)

    async def _kinds_of(self, issuers: Sequence[str]) -> frozenset[CertificateKind]:
        """Return the kinds of certificates that provinces ever issued."""
        async with self._lock:
            for issuer in issuers:
                while True:
                    first = self._read_size.get(issuer, 0)
                    found, end = await self._database.read(
                        lambda connection, issuer=issuer, first=first: _read_kinds(  # type: ignore[misc]  # bound here
                            connection, issuer, first
                        )
                    )
                    self._kinds |= found
                    self._read_size[issuer] = end
                    if end == first:
                        break
            return frozenset(self._kinds)


def _read_kinds(
    connection: Connection, issuer: str, first: int
) -> tuple[set[CertificateKind], int]:
    """Return the kinds of some certificates from a running number on, and where to go on."""
    table = certificates.c
    rows = connection.execute(
        select(table.status_index, table.body)
        .where(table.author == issuer, table.status_index >= first)
        .order_by(table.status_index)
        .limit(_ROWS_AT_ONCE)
    ).all()
    found = set()
    for _, data in rows:
        body = Certificate.FromString(data)
        found.add(
            CertificateKind(
                issuer=issuer,
                subject=body.subject,
                scheme=body.scheme,
                grade=body.grade,
                division=body.division_code or issuer,
            )
        )
    return found, rows[-1].status_index + 1 if rows else first


def _spoken_of(
    connection: Connection, own: str, issuers: Iterable[str], days: Sequence[date]
) -> set[str]:
    """Return the certificates of which something is said that no status list of today says.

    What the own province says of their recognition, what measures say of them, of others of their
    lines or of the institution that they are about, the closing of that institution, and
    restrictions that begin on one of the days to come.
    """
    wanted = set(issuers)
    numbers = set(
        connection.execute(
            select(recognitions.c.certificate_no)
            .distinct()
            .where(recognitions.c.author == own, recognitions.c.is_suspension)
        ).scalars()
    )
    events = certificate_events.c
    subjects = connection.execute(
        union(
            select(measures.c.subject),
            select(closings.c.institution_id),
            select(events.certificate_no).where(
                events.effective_date > days[0].isoformat(),
                events.effective_date <= days[-1].isoformat(),
            ),
        )
    ).scalars()
    numbers |= set(subjects)
    # Of what is no certificate's number, institutions, those that are about them.
    for some in chunks(numbers):
        numbers |= set(
            connection.execute(
                select(certificates.c.certificate_no).where(
                    certificates.c.institution_id.in_(some), certificates.c.institution_id != ""
                )
            ).scalars()
        )
    # What a measure says of one certificate, it says of the others of its line.
    numbers |= same_line(connection, numbers) or frozenset()
    known: set[str] = set()
    for some in chunks(numbers):
        known |= set(
            connection.execute(
                select(certificates.c.certificate_no).where(
                    certificates.c.certificate_no.in_(some), certificates.c.author.in_(wanted)
                )
            ).scalars()
        )
    return known


def _as_many_as_fit(
    numbers: Iterable[str], day_count: int
) -> tuple[frozenset[str], frozenset[str]]:
    """Return the certificates of the issuers of whom all can be said, and the other issuers.

    Half of what is said would be worse than nothing: the rest would look good.
    """
    by_issuer: dict[str, set[str]] = {}
    for number in numbers:
        by_issuer.setdefault(CertificateNumber.parse(number).issuer, set()).add(number)
    free = min(NUMBERS_MAX, ANSWERS_MAX // day_count)
    taken: set[str] = set()
    left_out: set[str] = set()
    for issuer in sorted(by_issuer, key=lambda each: (len(by_issuer[each]), each)):
        if len(by_issuer[issuer]) > free - len(taken):
            left_out.add(issuer)
        else:
            taken |= by_issuer[issuer]
    return frozenset(taken), frozenset(left_out)


def _class_answers(
    kind: CertificateKind, facts: Facts, days: Sequence[date]
) -> Iterable[ClassAnswer]:
    """Return what the rules say of a certificate of a kind that is itself in order."""
    number = f"{kind.issuer}-{_STAND_IN}"
    history = CertificateHistory(
        certificate_no=number,
        issuer=kind.issuer,
        index=-1,
        subject=kind.subject,
        scheme=kind.scheme,
        grade=kind.grade,
        holder_name_digest=b"",
        institution_id="",
        valid_from_date=days[0],
        valid_until_date=days[-1],
        division_code="" if kind.division == kind.issuer else kind.division,
    )
    outcomes = [
        (
            day,
            check(
                replace(
                    facts,
                    certificate=history,
                    on_date=day,
                    recognitions=(),
                    measures=(),
                    closings=(),
                )
            ),
        )
        for day in days
    ]
    for from_date, until_date, outcome in _runs(outcomes):
        yield ClassAnswer(
            issuer=kind.issuer,
            subject=subject_name(kind.subject),
            scheme=kind.scheme,
            grade=kind.grade,
            division=kind.division,
            from_date=from_date,
            until_date=until_date,
            verdict=_name(outcome),
            rule=outcome.rule.code,
            mapped_scheme=outcome.mapped_scheme,
            mapped_grade=outcome.mapped_grade,
        )


def _runs(outcomes: Sequence[tuple[date, Outcome]]) -> Iterable[tuple[date, date, Outcome]]:
    """Return consecutive days of one answer together."""
    runs: list[tuple[date, date, Outcome]] = []
    for day, outcome in outcomes:
        if runs and _said(runs[-1][2]) == _said(outcome):
            runs[-1] = (runs[-1][0], day, outcome)
        else:
            runs.append((day, day, outcome))
    return runs


def _said(outcome: Outcome) -> tuple[object, ...]:
    return (
        outcome.verdict,
        outcome.rule.code,
        outcome.mapped_scheme,
        outcome.mapped_grade,
        outcome.reason,
    )


def _name(outcome: Outcome) -> str:
    return Verdict.Name(outcome.verdict).removeprefix("VERDICT_")


def coming_days(now: datetime, stale_after_s: int) -> Sequence[date]:
    """Return the days on which something made now may still be used."""
    first, last = business_date(now), business_date(now + timedelta(seconds=stale_after_s))
    return [first + _ONE_DAY * offset for offset in range((last - first).days + 1)]
