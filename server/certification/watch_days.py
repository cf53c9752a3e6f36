"""Tells whose verdict changes because a day has come, though no entry says anything then.

A revocation, a suspension or its end, a certificate's first or last day, an equivalence, an
agreement or a measure may have been stated for later. When the business day is later than the last
one told, every watched certificate is judged for both days by one set of facts, and those that
differ are told. That a log is too old at the moment is no difference: both are judged as if each
log were current, while the verdict that is given is that of a check, which fails closed.

Nothing is kept between two turns but the place. How the entries come is for
``server.certification.watching``.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from deltacare.errors import ViolationCollector
from deltacare.ids import CertificateNumber
from deltacare.times import parse_date
from deltacare.v1.certification_service_pb2 import (
    CheckCertificationRequest,
    CheckCertificationResponse,
    Verdict,
    WatchDay,
)
from server.certification.facts import Facts, LogFacts, Outcome
from server.certification.questions import Question
from server.certification.requests import read_question
from server.certification.room import Room
from server.certification.rules import check
from server.certification.watch_lists import find_watched
from server.certification.watch_values import DayPlace, Watcher

__all__ = [
    "CERTIFICATES_MAX",
    "DayChange",
    "DayTurn",
    "Said",
    "ask",
    "read_day",
    "read_place",
    "said_of",
]

CERTIFICATES_MAX = 1_000
"""Most certificates that one turn compares."""

# A place may come from another replica, whose day began a moment earlier.
_CLOCKS_APART: Final = timedelta(days=1)
# Comparisons made before others get a turn: some milliseconds.
_COMPARED_AT_ONCE = 64

Said = tuple[date, Verdict.ValueType, str, str, str]
"""What an answer says that somebody acts on: day, verdict, rule, and what it counts as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayChange:
    """A certificate whose verdict is another because a day has come.

    Attributes:
        certificate_no: the certificate.
        institution_ids: on whose lists it stands, ascending.
        verdict: what a check says for the day.
        previous: what the same facts say for the last day told.
    """

    certificate_no: str
    institution_ids: tuple[str, ...]
    verdict: CheckCertificationResponse
    previous: CheckCertificationResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTurn:
    """What one look at a day found.

    Attributes:
        changes: by certificate, ascending.
        place: where to go on.
    """

    changes: tuple[DayChange, ...]
    place: DayPlace


def read_place(given: WatchDay, *, today: date, field: str, bad: ViolationCollector) -> DayPlace:
    """Return the place that a request gives.

    Args:
        given: as it came.
        today: the business date.
        field: of the request, for the violations.
        bad: takes the violations.
    """
    told_date = bad.take(parse_date, given.told_date, field=f"{field}.told_date") or today
    next_date = None
    if given.next_date:
        next_date = bad.take(parse_date, given.next_date, field=f"{field}.next_date")
    for name, day in (("told_date", told_date), ("next_date", next_date)):
        if day is not None and day > today + _CLOCKS_APART:
            bad.note(
                f"{field}.{name}",
                day.isoformat(),
                "Nothing can have been told of a day that is still to come.",
                "Give the place back as it came, or leave it out to begin with the present day.",
            )
    if next_date is not None and next_date <= told_date:
        bad.note(f"{field}.next_date", given.next_date, "It is no later than the last day told.")
    after = ""
    if given.after_certificate_no:
        at = f"{field}.after_certificate_no"
        number = bad.take(CertificateNumber.parse, given.after_certificate_no, field=at)
        after = str(number or "")
        if not given.next_date:
            bad.note(at, after, "It stands only beside next_date.")
    return DayPlace(told_date=told_date, next_date=next_date, after=after)


def ask(room: Room, number: str, host: str, now: datetime, on_date: str = "") -> Question:
    """Return the question whether a certificate is good today, or on a day.

    Raises:
        Refusal: ``INVALID_FIELD``, if the host cannot be read.
    """
    request = CheckCertificationRequest(certificate_no=number, host=host, on_date=on_date)
    return read_question(request, now=now, own=room.own, members=room.members)


async def read_day(
    room: Room,
    watcher: Watcher,
    host: str,
    place: DayPlace,
    day: date,
    *,
    told: Mapping[str, Said],
) -> DayTurn:
    """Return the next certificates of a watcher whose verdict is another on a day.

    Args:
        room: what is asked.
        watcher: whose certificates.
        host: division for which verdicts are given; empty means the node's province.
        place: where to go on.
        day: the day that has come.
        told: what the watcher was told already of certificates; the same is not told again.
    """
    found = await room.database.read(
        lambda connection: find_watched(
            connection, watcher, after=place.after, limit=CERTIFICATES_MAX + 1
        )
    )
    numbers = list(found)[:CERTIFICATES_MAX]
    if not numbers:
        return DayTurn(changes=(), place=place.past(day))
    await room.reader.refresh()
    now = room.clock.now()
    question = ask(room, numbers[0], host, now, day.isoformat())
    answers = await room.checker.answer_many(
        [
            replace(question, certificate_no=number, issuer=CertificateNumber.parse(number).issuer)
            for number in numbers
        ],
        now,
    )
    logs = _as_if_current(answers[0].facts)  # all are of one moment
    changes: list[DayChange] = []
    for count, answered in enumerate(answers):
        if count % _COMPARED_AT_ONCE == _COMPARED_AT_ONCE - 1:
            await asyncio.sleep(0)
        facts = replace(answered.facts, logs=logs, unconfirmed_since=None)
        before = replace(facts, on_date=place.told_date)
        on_day, on_day_before = _said(check(facts)), _said(check(before))
        number = facts.certificate_no
        if on_day == on_day_before or told.get(number) == (day, *on_day):
            continue
        changes.append(
            DayChange(
                certificate_no=number,
                institution_ids=found[number],
                verdict=answered.response,
                previous=room.checker.judge(before).response,
            )
        )
    is_more = len(found) > len(numbers)
    return DayTurn(
        changes=tuple(changes),
        place=place.within(day, numbers[-1]) if is_more else place.past(day),
    )


def said_of(response: CheckCertificationResponse) -> Said:
    """Return what an answer says that somebody acts on."""
    return (
        date.fromisoformat(response.on_date),
        response.verdict,
        response.rule,
        response.mapped_scheme,
        response.mapped_grade,
    )


def _said(outcome: Outcome) -> tuple[Verdict.ValueType, str, str, str]:
    """Return what an outcome says that somebody acts on, whatever the day."""
    return outcome.verdict, outcome.rule.code, outcome.mapped_scheme, outcome.mapped_grade


def _as_if_current(facts: Facts) -> Mapping[str, LogFacts]:
    """Return how far each log is held as if all were current and could be read.

    What is too old today was so for the day before: nothing would differ, and the day would be gone
    when it is current again.
    """
    return {
        province: replace(log, fresh_time=facts.known_time, is_stalled=False)
        for province, log in facts.logs.items()
    }
