"""What the own province recognises of each kind of certificate, in as few answers as say it.

The rules are asked, not repeated. Of the office that issued a certificate they ask one thing: which
parties of agreements it lies in. So offices that lie in the same ones are asked about once, and an
answer that a wider office has already is not given again: how many offices issue costs little.
Nothing here looks at single certificates.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, select

from deltacare.credential.bundle import ClassAnswer
from deltacare.credential.kinds import KindWithoutOffice, offices
from deltacare.divisions import province_of
from deltacare.v1.certification_service_pb2 import Verdict
from deltacare.v1.entry_pb2 import (
    CERTIFICATE_SUBJECT_CAREGIVER,
    CERTIFICATE_SUBJECT_INSTITUTION,
    Certificate,
)
from server.certification.facts import Facts, Outcome
from server.certification.rules import check
from server.certification.standing import parties_containing
from server.certification.tables import certificates
from server.certification.values import CertificateHistory
from server.certification.verdicts import R03_STALE, R18_NO_EQUIVALENCE
from server.store.database import Database

__all__ = [
    "KINDS_MAX",
    "NOT_NAMED",
    "STAND_IN",
    "Kinds",
    "Turns",
    "Word",
    "class_answers",
    "runs_of",
    "stale_answer",
    "subject_name",
]

KINDS_MAX = 10_000
"""Kinds of one issuer that are asked about, whichever offices issued them."""

# Never asked about: a certificate of a kind stands for all of them, and none has this number.
STAND_IN = "KIND"

_SUBJECTS = {
    "CAREGIVER": CERTIFICATE_SUBJECT_CAREGIVER,
    "INSTITUTION": CERTIFICATE_SUBJECT_INSTITUTION,
}
_ROWS_AT_ONCE = 20_000
# Steps before others get a turn: some milliseconds, as between the answers of a batch of checks.
_STEPS_AT_ONCE = 64


class Word(NamedTuple):
    """What a bundle says for some days."""

    verdict: str
    rule: str
    mapped_scheme: str = ""
    mapped_grade: str = ""
    reason: str = ""

    @classmethod
    def of(cls, outcome: Outcome) -> "Word":
        """Return what the rules said."""
        return cls(
            verdict=Verdict.Name(outcome.verdict).removeprefix("VERDICT_"),
            rule=outcome.rule.code,
            mapped_scheme=outcome.mapped_scheme,
            mapped_grade=outcome.mapped_grade,
            reason=outcome.reason,
        )


NOT_NAMED = Word("NOT_RECOGNISED_HERE", R18_NO_EQUIVALENCE.code)
"""What is thought of a kind that a bundle does not name."""

_Run = tuple[date, date, Word]
_Runs = tuple[_Run, ...]


class Turns:
    """Gives others a turn between some steps and the next."""

    __slots__ = ("_steps",)

    def __init__(self) -> None:
        self._steps = 0

    async def step(self) -> None:
        """Count a step."""
        self._steps += 1
        if self._steps % _STEPS_AT_ONCE == 0:
            await asyncio.sleep(0)


class Kinds:
    """The kinds of certificates that provinces ever issued, and by which offices.

    They only ever become more, so what was read of a log is not read again.

    Args:
        database: rows.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._offices: dict[str, dict[KindWithoutOffice, set[str]]] = {}
        self._read_size: dict[str, int] = {}

    async def of(self, issuer: str) -> Mapping[KindWithoutOffice, frozenset[str]]:
        """Return the offices of an issuer by kind; of no more kinds than one beyond the most."""
        held = self._offices.setdefault(issuer, {})
        while True:
            first = self._read_size.get(issuer, 0)
            found, end = await self._database.read(
                lambda connection, first=first: _read_kinds(connection, issuer, first)  # type: ignore[misc]  # bound here
            )
            for kind, issuing in found.items():
                if kind in held or len(held) <= KINDS_MAX:
                    held.setdefault(kind, set()).update(issuing)
            self._read_size[issuer] = end
            if end == first:
                return {kind: frozenset(issuing) for kind, issuing in held.items()}


def subject_name(subject: int) -> str:
    """Return what a bundle and a phone form call the subject of a certificate."""
    return "CAREGIVER" if subject == CERTIFICATE_SUBJECT_CAREGIVER else "INSTITUTION"


def _read_kinds(
    connection: Connection, issuer: str, first: int
) -> tuple[dict[KindWithoutOffice, set[str]], int]:
    """Return the kinds of some certificates from a running number on, and where to go on."""
    table = certificates.c
    rows = connection.execute(
        select(table.status_index, table.body)
        .where(table.author == issuer, table.status_index >= first)
        .order_by(table.status_index)
        .limit(_ROWS_AT_ONCE)
    ).all()
    found: dict[KindWithoutOffice, set[str]] = {}
    for _, data in rows:
        body = Certificate.FromString(data)
        kind = KindWithoutOffice(
            issuer=issuer,
            subject=subject_name(body.subject),
            scheme=body.scheme,
            grade=body.grade,
        )
        found.setdefault(kind, set()).add(body.division_code or issuer)
    return found, rows[-1].status_index + 1 if rows else first


async def class_answers(
    kinds: Mapping[KindWithoutOffice, frozenset[str]], facts: Facts, days: Sequence[date]
) -> tuple[ClassAnswer, ...]:
    """Return what the rules say of certificates that are themselves in order.

    Args:
        kinds: of one issuer, with the offices that issued them.
        facts: of a certificate of that issuer that does not exist.
        days: consecutive.
    """
    turns, parties = Turns(), _parties(facts)
    wider: dict[str, tuple[str, ...]] = {}
    lying_in: dict[str, tuple[frozenset[str], ...]] = {}
    found: list[ClassAnswer] = []
    for kind in sorted(kinds):
        # 1. The offices that issued them and those around, wider ones first.
        for place in kinds[kind]:
            await turns.step()
            for each in offices(kind.issuer, place):
                if each not in wider:
                    wider[each] = offices(kind.issuer, each)[1:]
        around = {each for place in kinds[kind] for each in (place, *wider[place])}
        ordered = sorted(around, key=lambda each: (len(wider[each]), each))
        # 2. What the rules say of each, where that is not what they say of a wider one.
        answers: dict[tuple[frozenset[str], ...], _Runs] = {}
        named: dict[str, _Runs] = {}
        for office in ordered:
            await turns.step()
            if office not in lying_in:
                lying_in[office] = tuple(parties_containing(parties, office, day) for day in days)
            where = lying_in[office]
            if where not in answers:
                words = []
                for day in days:
                    await turns.step()
                    words.append((day, _word(kind, office, facts, days, day)))
                answers[where] = runs_of(words)
            nearest = next((each for each in wider[office] if each in named), None)
            said = ((days[0], days[-1], NOT_NAMED),) if nearest is None else named[nearest]
            if answers[where] != said:
                named[office] = answers[where]
        found += [_answer(kind, office, run) for office, runs in named.items() for run in runs]
    return tuple(found)


def stale_answer(kind: KindWithoutOffice, days: Sequence[date]) -> ClassAnswer:
    """Return what is said of a kind of which too much would have to be said."""
    word = Word("STALE", R03_STALE.code)
    return _answer(kind, kind.issuer, (days[0], days[-1], word))


def _answer(kind: KindWithoutOffice, office: str, run: _Run) -> ClassAnswer:
    from_date, until_date, word = run
    return ClassAnswer(
        issuer=kind.issuer,
        subject=kind.subject,
        scheme=kind.scheme,
        grade=kind.grade,
        division=office,
        from_date=from_date,
        until_date=until_date,
        verdict=word.verdict,
        rule=word.rule,
        mapped_scheme=word.mapped_scheme,
        mapped_grade=word.mapped_grade,
    )


def _parties(facts: Facts) -> frozenset[str]:
    """Return the parties within the issuer's province of agreements that the host goes by."""
    agreements = (
        facts.agreements.get(each.agreement_id)
        for each in facts.equivalences
        if each.issuer == facts.issuer
    )
    return frozenset(
        party
        for history in agreements
        if history is not None
        for version in history.versions
        for party in version.parties
        if province_of(party) == facts.issuer
    )


def _word(
    kind: KindWithoutOffice, office: str, facts: Facts, days: Sequence[date], day: date
) -> Word:
    """Return what the rules say on a day of a certificate of a kind that is itself in order."""
    history = CertificateHistory(
        certificate_no=f"{kind.issuer}-{STAND_IN}",
        issuer=kind.issuer,
        index=-1,
        subject=_SUBJECTS[kind.subject],
        scheme=kind.scheme,
        grade=kind.grade,
        holder_name_digest=b"",
        institution_id="",
        valid_from_date=days[0],
        valid_until_date=days[-1],
        division_code="" if office == kind.issuer else office,
    )
    asked = replace(
        facts, certificate=history, on_date=day, recognitions=(), measures=(), closings=()
    )
    return Word.of(check(asked))


def runs_of(words: Iterable[tuple[date, Word | None]]) -> _Runs:
    """Return consecutive days of one answer together; days without any are left out."""
    runs: list[_Run] = []
    before: Word | None = None
    for day, word in words:
        if word is not None:
            if word == before:
                runs[-1] = (runs[-1][0], day, word)
            else:
                runs.append((day, day, word))
        before = word
    return tuple(runs)
