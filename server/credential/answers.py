"""What the own province recognises in the coming days, in the form that a bundle carries.

Asked of the very rules that answer checks: for every kind of certificate that was ever issued, and
for every certificate of which something is said beyond its status list. So offline and online
answers cannot come apart, whatever rules are added. Days are asked one by one, so that a bundle
made today knows of a restriction that was said already and holds from tomorrow on. What was worked
out is kept for as long as no log grew, none became too old and no day came.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from deltacare.credential.bundle import ClassAnswer, NumberAnswer, json_bytes
from deltacare.credential.kinds import KindTable, KindWithoutOffice, kind_of
from deltacare.ids import LogName
from deltacare.times import business_date
from deltacare.trust import Trust
from deltacare.v1.certification_service_pb2 import VERDICT_VALID
from server.certification.checker import Answered, Checker
from server.certification.facts import Facts, is_fresh
from server.certification.questions import Question
from server.credential.kinds import (
    KINDS_MAX,
    NOT_NAMED,
    STAND_IN,
    Kinds,
    Word,
    class_answers,
    runs_of,
    subject_name,
)
from server.credential.spoken import spoken_of
from server.log.ports import LogReader
from server.registry.values import Reach
from server.store.database import Database

__all__ = ["ASKED_MAX", "NUMBERS_MAX", "Answers", "Said", "coming_days"]

NUMBERS_MAX = 20_000
"""Single certificates of one issuer of which a bundle speaks: as many as a message can carry."""

ASKED_MAX = 5 * NUMBERS_MAX
"""Those that are asked about one by one; of most of them nothing need be said."""

_ONE_DAY = timedelta(days=1)
_NUMBERS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a bundle could say of an issuer's certificates.

    Attributes:
        classes: Of kinds.
        numbers: Of single ones that do not count although their kind may; ``None`` if they are too
            many: half of them would be worse than nothing, since the rest would look good.
        classes_bytes: What the classes take of a file, by kind.
        numbers_bytes: What the numbers take of a file.
    """

    classes: tuple[ClassAnswer, ...]
    numbers: tuple[NumberAnswer, ...] | None
    classes_bytes: Mapping[KindWithoutOffice, int]
    numbers_bytes: int

    @classmethod
    def of(cls, classes: tuple[ClassAnswer, ...], numbers: tuple[NumberAnswer, ...] | None) -> Self:
        """Return it measured."""
        sizes: dict[KindWithoutOffice, int] = {}
        for each in classes:
            kind = kind_of(each)
            sizes[kind] = sizes.get(kind, 0) + json_bytes(each)
        return cls(
            classes=classes,
            numbers=numbers,
            classes_bytes=sizes,
            numbers_bytes=sum(json_bytes(each) for each in numbers or ()),
        )


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
        self._kinds = Kinds(database)
        self._kept: dict[str, tuple[object, Said]] = {}
        self._lock = asyncio.Lock()

    async def make(
        self,
        hidden: Mapping[str, frozenset[str]],
        *,
        days: Sequence[date],
        now: datetime,
    ) -> Mapping[str, Said]:
        """Return what is said of kinds and of single certificates on some days, by issuer.

        Args:
            hidden: by issuer that is asked about the certificates that its lists show as good and
                that may be restricted.
            days: consecutive, the first today.
            now: the moment of the call.
        """
        await self._reader.refresh()
        # Who asks at the same time waits for one answer and does not work it out again.
        async with self._lock:
            return {
                issuer: await self._said(issuer, numbers, days, now)
                for issuer, numbers in hidden.items()
            }

    async def _said(
        self, issuer: str, hidden: frozenset[str], days: Sequence[date], now: datetime
    ) -> Said:
        """Return what is said of an issuer's certificates, from memory while nothing changed."""
        kinds = await self._kinds.of(issuer)
        facts = await self._facts(issuer, days[0], now)
        state = (_state(facts), self._trust.version, tuple(days), hidden, NUMBERS_MAX)
        kept = self._kept.get(issuer)
        if kept is not None and kept[0] == state:
            return kept[1]
        said = Said.of((), None)
        if len(kinds) <= KINDS_MAX:
            classes = await class_answers(kinds, facts, days)
            spoken = await self._spoken_of(issuer, days)
            asked = sorted(spoken | hidden)
            numbers = await self._numbers(issuer, asked, classes, days, now)
            said = await asyncio.to_thread(Said.of, classes, numbers)
        self._kept[issuer] = (state, said)
        return said

    async def _facts(self, issuer: str, day: date, now: datetime) -> Facts:
        """Return what the rules look at for certificates of an issuer, but no certificate."""
        question = self._question(f"{issuer}-{STAND_IN}", issuer, day)
        return (await self._checker.answer(question, now)).facts

    def _question(self, certificate_no: str, issuer: str, day: date) -> Question:
        return Question(
            certificate_no=certificate_no,
            issuer=issuer,
            host=self._own,
            on_date=day,
            known_time=None,
            holder_name="",
        )

    async def _spoken_of(self, issuer: str, days: Sequence[date]) -> frozenset[str]:
        """Return the certificates of which something is said beyond kinds and lists."""
        positions = {
            each: self._reader.position(LogName.registry(each)) for each in (self._own, issuer)
        }
        reaches = {
            each: Reach(restrict_size=position.size, permit_size=position.quorum_size)
            for each, position in positions.items()
        }
        return await self._database.read(
            lambda connection: spoken_of(
                connection, own=self._own, issuer=issuer, days=days, reaches=reaches
            )
        )

    async def _numbers(
        self,
        issuer: str,
        asked: Sequence[str],
        classes: Sequence[ClassAnswer],
        days: Sequence[date],
        now: datetime,
    ) -> tuple[NumberAnswer, ...] | None:
        """Return what is said of single certificates on days on which their kind says otherwise.

        Returns:
            ``None`` if that is too much.
        """
        if len(asked) > ASKED_MAX:
            return None
        table, count = KindTable(classes), 0
        found: list[NumberAnswer] = []
        for first in range(0, len(asked), _NUMBERS_AT_ONCE):
            some = asked[first : first + _NUMBERS_AT_ONCE]
            answers = await self._checker.answer_many(
                [self._question(number, issuer, day) for number in some for day in days], now
            )
            for place, number in enumerate(some):
                of_number = answers[place * len(days) : (place + 1) * len(days)]
                rows = [
                    NumberAnswer(
                        certificate_no=number,
                        from_date=from_date,
                        until_date=until_date,
                        verdict=word.verdict,
                        rule=word.rule,
                        reason=word.reason,
                    )
                    for from_date, until_date, word in runs_of(
                        (each.facts.on_date, _word(each, table)) for each in of_number
                    )
                ]
                count += bool(rows)
                found += rows
            if count > NUMBERS_MAX:
                return None
        return tuple(found)


def _word(answered: Answered, table: KindTable) -> Word | None:
    """Return what has to be said of a certificate on a day, ``None`` if its kind says it."""
    word = Word.of(answered.outcome)
    if answered.outcome.verdict == VERDICT_VALID:
        return None
    history = answered.facts.certificate
    if history is not None:
        kind = KindWithoutOffice(
            issuer=history.issuer,
            subject=subject_name(history.subject),
            scheme=history.scheme,
            grade=history.grade,
        )
        said = table.on(kind, history.issuing_place, answered.facts.on_date)
        if word == (NOT_NAMED if said is None else Word(said.verdict, said.rule)):
            return None
    return word


def _state(facts: Facts) -> object:
    """Return what answers about an issuer rest on, without how old each log is to the second."""
    return (
        tuple(
            (
                province,
                log.size,
                log.quorum_size,
                log.is_stalled,
                log.is_forked,
                is_fresh(facts, log),
            )
            for province, log in sorted(facts.logs.items())
        ),
        facts.stated_schemes,
        facts.unconfirmed_since is None,
    )


def coming_days(now: datetime, stale_after_s: int) -> Sequence[date]:
    """Return the days on which something made now may still be used."""
    first, last = business_date(now), business_date(now + timedelta(seconds=stale_after_s))
    return [first + _ONE_DAY * offset for offset in range((last - first).days + 1)]
