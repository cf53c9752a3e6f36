"""Tests of alerts of a day itself: what was stated for it takes effect, or ends, and is told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.protobuf.message import Message
from sqlalchemy import select

from deltacare.errors import Refusal
from deltacare.ids import LogName, Principal
from deltacare.v1 import certification_service_pb2 as pb
from deltacare.v1 import entry_pb2 as entry_pb
from server.certification import watch_days, watch_desk, watching
from server.certification.checker import Checker
from server.certification.watch_values import Cursor, DayPlace, Reached
from server.edge.call import Call
from server.registry.tables import agreements
from tests.support.certifying import (
    addition_body,
    institution_certificate,
    resumed,
    revocation,
    suspension,
    unrecognised,
)
from tests.support.nodes import FAST, UNTIL_S
from tests.support.projecting import entry_of
from tests.support.rooms import (
    Rooms,
    agreement_body,
    certificate_body,
    equivalence_body,
    institution_body,
)
from tests.support.supervising import measure_body
from tests.support.watching import Follower, put, rule_of

SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
HOME = "320000-137"
MIDNIGHT = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
"""The first instant of 2026-11-23 in Shanghai."""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let streams ask the clock often."""
    monkeypatch.setattr(watch_desk, "_CLOCK_LOOK_S", 0.02)


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes; Shanghai recognises some of Jiangsu's caregivers."""
    settings = replace(FAST, freshness_s=0.2)
    async with Rooms.open(tmp_path, settings=settings) as opened:
        await opened.agree(agreement_body())
        await opened.declare(SH, equivalence_body())
        await opened.spread(SH)
        yield opened


def caller(rooms: Rooms, province: str) -> Call:
    """Return a call of an operator."""
    principal = Principal(province=province, role="operator", opaque_id="operator-1")
    return replace(rooms.call(province), caller=principal)


async def watching_of(
    rooms: Rooms, province: str, numbers: list[str], **fields: object
) -> Follower:
    """Watch certificates at a node; the follower is not connected yet."""
    call = caller(rooms, province)
    await put(rooms.certification[province], call, HOME, numbers)
    return Follower(rooms.certification[province], call, **fields)


async def state(rooms: Rooms, province: str, *bodies: Message) -> int:
    """Let a province say something, rules or no rules, and return where."""
    node = rooms.nodes[province]
    return await node.append(LogName.registry(province), [entry_of(body) for body in bodies])


def certificate(number: str, **changes: object) -> Message:
    """Return a certificate that is good for years, as the log has it."""
    fields = {"valid_until_date": "2029-12-31", "holder_name_digest": bytes(32), **changes}
    return certificate_body(number, **fields)


def come(rooms: Rooms, day: str) -> None:
    """Let noon of a day come, or come back, in Shanghai."""
    noon = datetime.fromisoformat(f"{day}T04:00:00+00:00")
    rooms.nodes.clock.advance(noon - rooms.nodes.clock.now())


async def current(rooms: Rooms, number: str) -> None:
    """Wait until the logs that a check rests on are current at Shanghai's node."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + UNTIL_S
    while (found := await rooms.check(SH, number)).verdict == pb.VERDICT_STALE or found.age_s:
        assert loop.time() < end_s, "the logs did not become current"
        await asyncio.sleep(0.02)


# Each kind.

SAID = {
    JS: (
        *(certificate(f"320000-D{serial}") for serial in (1, 2, 5, 6, 9)),
        revocation("2026-11-24", number="320000-D1"),
        suspension("2026-11-23", until="2026-11-24", number="320000-D2"),
        certificate("320000-D3", valid_until_date="2026-11-23"),
        certificate("320000-D4", valid_from_date="2026-11-25"),
        measure_body(
            "320000-M1",
            certificate_no="320000-D6",
            from_date="2026-11-23",
            until_date="2026-11-25",
        ),
        certificate("320000-D7", grade="一级"),
        certificate("320000-D8", grade="五级"),
        certificate("320000-D0", grade="四级"),
        institution_body("320000-1"),
        institution_certificate("320000-S1", valid_until_date="2029-12-31"),
        institution_body(
            "320000-1", state=entry_pb.INSTITUTION_STATE_CLOSED, state_date="2026-11-24"
        ),
    ),
    SH: (
        unrecognised("2026-11-24", number="320000-D5"),
        resumed("2026-11-26", number="320000-D5"),
        equivalence_body(
            "310000-E2", grades=("一级",), from_date="2026-11-24", until_date="2026-11-25"
        ),
        equivalence_body("310000-E3", grades=("五级",), agreement_id="310000-A2"),
        equivalence_body("310000-E4", grades=("四级",), until_date="2026-11-26"),
        equivalence_body(
            "310000-E5", grades=("四级",), from_date="2026-11-27", mapped_grade="初级"
        ),
    ),
}
"""What is stated on 22 November; of D9 nothing is to come."""

TOLD = {
    "2026-11-23": {
        "320000-D2": ("RECOGNISED", "SUSPENDED"),
        "320000-D6": ("RECOGNISED", "BARRED"),
    },
    "2026-11-24": {
        "320000-D1": ("RECOGNISED", "REVOKED"),
        "320000-D3": ("RECOGNISED", "EXPIRED"),
        "320000-D5": ("RECOGNISED", "RECOGNITION-SUSPENDED"),
        "320000-D7": ("LEVEL", "RECOGNISED"),
        "320000-S1": ("NO-EQUIVALENCE", "CLOSED"),
    },
    "2026-11-25": {
        "320000-D2": ("SUSPENDED", "RECOGNISED"),
        "320000-D4": ("NOT-YET-VALID", "RECOGNISED"),
        "320000-D8": ("NO-AGREEMENT", "RECOGNISED"),
    },
    "2026-11-26": {
        "320000-D5": ("RECOGNITION-SUSPENDED", "RECOGNISED"),
        "320000-D6": ("BARRED", "RECOGNISED"),
        "320000-D7": ("RECOGNISED", "LEVEL"),
    },
    "2026-11-27": {
        "320000-D0": ("RECOGNISED", "RECOGNISED"),  # as another grade
        "320000-D8": ("RECOGNISED", "NO-AGREEMENT"),
    },
    "2026-11-28": {},
}
"""By day and certificate: the rule of the day before, and of the day."""


async def test_the_day_an_agreement_is_ended_from_is_told(four: Rooms) -> None:
    """Said days before it, told on the day: nothing is said then."""
    await state(four, JS, certificate("320000-D9"))
    await four.spread(JS)
    standing = await four.nodes[SH].database.read(
        lambda connection: connection.execute(select(agreements.c.version_hash)).scalar_one()
    )
    await four.say(JS, "310000-A1", standing, accept=False, ends="2026-11-24")
    await four.spread(JS)
    follower = await watching_of(four, SH, ["320000-D9"])
    await follower.connect()
    for day, rules in (
        ("2026-11-23", []),
        ("2026-11-24", [("R22-RECOGNISED", "R21-NO-AGREEMENT")]),
    ):
        await follower.disconnect()
        come(four, day)
        await current(four, "320000-D9")
        await follower.connect()
        await follower.heard_of(day)
        found = [
            (each.previous_verdict.rule, each.verdict.rule)
            for alert in follower.days
            if alert.day == day
            for each in alert.certificates
        ]
        assert rules == found
    await follower.disconnect()


async def test_each_kind_of_day_is_told_once_on_its_day(four: Rooms) -> None:
    """What begins or ends by date is told on its day; who was away hears what is left of it."""
    await four.agree(agreement_body("310000-A2", from_date="2026-11-25", until_date="2026-11-26"))
    for province, bodies in SAID.items():
        await state(four, province, *bodies)
        await four.spread(province)
    numbers = [*(f"320000-D{serial}" for serial in range(10)), "320000-S1"]
    follower = await watching_of(four, SH, numbers)
    await follower.connect()
    assert "2026-11-22" == (follower.day and follower.day.told_date)
    away = Follower(follower.service, follower.call, day_cursor=follower.day)
    for day in TOLD:
        await follower.disconnect()
        come(four, day)
        await current(four, "320000-D9")
        await follower.connect()
        await follower.heard_of(day)
    await follower.disconnect()
    told: dict[str, dict[str, tuple[str, str]]] = {day: {} for day in TOLD}
    days = list(told)
    for alert in follower.days:
        assert ("", False, False) == (
            alert.body,
            alert.HasField("entry"),
            alert.HasField("entry_time"),
        )
        for each in alert.certificates:
            assert [HOME] == list(each.institution_ids)
            before = (["2026-11-22", *days])[days.index(alert.day)]
            assert (before, alert.day) == (each.previous_verdict.on_date, each.verdict.on_date)
            told[alert.day][each.certificate_no] = (
                rule_of(each.previous_verdict),
                rule_of(each.verdict),
            )
    assert told == TOLD
    assert sum(map(len, TOLD.values())) == sum(len(each.certificates) for each in follower.days)
    assert [] == follower.alerts
    # Six days in one: what changed and changed back is as it was.
    await away.connect()
    assert [
        ("2026-11-28", "320000-D0", "RECOGNISED"),
        ("2026-11-28", "320000-D1", "REVOKED"),
        ("2026-11-28", "320000-D3", "EXPIRED"),
        ("2026-11-28", "320000-D4", "RECOGNISED"),
        ("2026-11-28", "320000-S1", "CLOSED"),
    ] == await away.heard_of("2026-11-28")
    await away.disconnect()


# The moment.


@pytest.fixture
async def home(alone: Rooms) -> Rooms:
    """Jiangsu's node alone, with certificates of which most change by date."""
    await state(
        alone,
        JS,
        *(certificate(number) for number in NUMBERS),
        *(revocation("2026-11-23", number=number) for number in NUMBERS[:7]),
        revocation("2026-11-24", number=NUMBERS[7]),
        suspension("2026-11-24", number=NUMBERS[8]),
    )
    return alone


NUMBERS = [f"320000-D{serial}" for serial in range(10)]
REVOKED = [("2026-11-23", number, "REVOKED") for number in NUMBERS[:7]]
LATER = [
    ("2026-11-24", NUMBERS[7], "REVOKED"),
    ("2026-11-24", NUMBERS[8], "SUSPENDED"),
]


async def test_an_open_stream_tells_soon_after_midnight(home: Rooms) -> None:
    """A second before, nothing; when the day has come, without anything else; the next likewise."""
    clock = home.nodes.clock
    follower = await watching_of(home, JS, NUMBERS)
    await follower.connect()
    clock.advance(MIDNIGHT - timedelta(seconds=1) - clock.now())
    await asyncio.sleep(0.1)
    assert [] == follower.days
    clock.advance(timedelta(seconds=1))
    assert REVOKED == await follower.heard_of("2026-11-23")
    (alert,) = follower.days
    assert pb.WatchDay(told_date="2026-11-23") == alert.day_cursor
    assert {(pb.VERDICT_VALID, "2026-11-22", pb.VERDICT_REVOKED, "2026-11-23")} == {
        (
            each.previous_verdict.verdict,
            each.previous_verdict.on_date,
            each.verdict.verdict,
            each.verdict.on_date,
        )
        for each in alert.certificates
    }
    assert await home.check(JS, NUMBERS[0]) == alert.certificates[0].verdict
    clock.advance(timedelta(days=1))
    assert REVOKED + LATER == await follower.heard_of("2026-11-24")
    await follower.disconnect()


async def test_a_clock_that_is_set_back_tells_nothing_twice(home: Rooms) -> None:
    """Told days stay told, in the stream and behind a break, until a later one comes."""
    follower = await watching_of(home, JS, NUMBERS)
    await follower.connect()
    come(home, "2026-11-23")
    await follower.heard_of("2026-11-23")
    come(home, "2026-11-22")
    await asyncio.sleep(0.1)
    await follower.disconnect()
    await follower.connect()
    await state(home, JS, addition_body(number=NUMBERS[9]))
    await follower.heard(1)
    come(home, "2026-11-23")
    await asyncio.sleep(0.1)
    assert REVOKED == await follower.heard_of("2026-11-23")
    come(home, "2026-11-24")
    assert REVOKED + LATER == await follower.heard_of("2026-11-24")
    await follower.disconnect()


async def test_a_day_is_resumed_at_every_point(
    home: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off after each answer, by a restart too, and on the next day: each once, in order."""
    monkeypatch.setattr(watch_days, "CERTIFICATES_MAX", 2)
    follower = await watching_of(home, JS, NUMBERS)
    await follower.connect()
    await follower.disconnect()
    come(home, "2026-11-23")
    places: list[tuple[str, str, str]] = []
    told = []
    while not places or places[-1] != ("2026-11-24", "", ""):
        stream = follower.service.watch_certificates(
            pb.WatchCertificatesRequest(cursors=follower.cursors.values(), day_cursor=follower.day),
            follower.call,
        )
        async with asyncio.timeout(UNTIL_S):
            first = await anext(stream)
            assert follower.day == first.day_cursor
            alert = await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
        follower.day = alert.day_cursor
        told += [(alert.day, e.certificate_no, rule_of(e.verdict)) for e in alert.certificates]
        place = alert.day_cursor
        places.append((place.told_date, place.next_date, place.after_certificate_no))
        if len(places) == 2:
            come(home, "2026-11-24")
            await home.nodes[JS].stop()
            await home.nodes[JS].start(write_unconfirmed=True)
            home.restarted(JS)
            follower.service = home.certification[JS]
    assert REVOKED + LATER == told
    assert [
        ("2026-11-22", "2026-11-23", NUMBERS[1]),
        ("2026-11-22", "2026-11-23", NUMBERS[3]),
        ("2026-11-22", "2026-11-23", NUMBERS[5]),
        ("2026-11-22", "2026-11-23", NUMBERS[7]),
        ("2026-11-23", "", ""),
        ("2026-11-23", "2026-11-24", NUMBERS[7]),
        ("2026-11-24", "", ""),
    ] == places


# Beside entries.


async def test_a_long_day_and_a_long_entry_take_turns(
    home: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry that comes while a day is told is told between; either is told whole, and once."""
    monkeypatch.setattr(watch_days, "CERTIFICATES_MAX", 1)
    monkeypatch.setattr(watching, "CERTIFICATES_MAX", 1)
    follower = await watching_of(home, JS, NUMBERS)
    stream = follower.service.watch_certificates(pb.WatchCertificatesRequest(), follower.call)
    await anext(stream)
    come(home, "2026-11-23")
    first = await anext(stream)
    assert [NUMBERS[0]] == [each.certificate_no for each in first.certificates]
    index = await state(home, JS, addition_body(number=NUMBERS[9]))
    told = [first]
    async with asyncio.timeout(UNTIL_S):
        while told[-1].day_cursor.told_date != "2026-11-23":
            told.append(await anext(stream))
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    kinds = ["entry" if each.HasField("entry") else each.day for each in told]
    assert index == next(each.entry.index for each in told if each.HasField("entry"))
    assert "entry" in kinds[1:4]
    assert REVOKED == [
        (each.day, one.certificate_no, rule_of(one.verdict))
        for each in told
        if each.day
        for one in each.certificates
    ]


async def test_what_an_entry_said_on_the_day_is_not_said_again_by_the_day(home: Rooms) -> None:
    """Who comes back hears the entries that came meanwhile, and of the day only what they left."""
    follower = await watching_of(home, JS, NUMBERS)
    await follower.connect()
    await follower.disconnect()
    come(home, "2026-11-23")
    await state(home, JS, revocation("2026-11-23", number=NUMBERS[9]))
    await state(home, JS, measure_body("320000-M1", certificate_no=NUMBERS[0]))
    await follower.connect()
    told = await follower.heard_of("2026-11-23")
    assert [NUMBERS[9], NUMBERS[0]] == [number for _, _, number in follower.told()]
    assert {"REVOKED"} == {rule_of(alert.certificates[0].verdict) for alert in follower.alerts}
    assert REVOKED[1:] == told
    await follower.disconnect()


# Logs that are too old.


async def test_a_day_that_comes_while_a_log_is_too_old_is_told(four: Rooms) -> None:
    """The verdict is stale, as a check says; that the day changes it is told all the same."""
    await state(four, JS, certificate("320000-D1"), certificate("320000-D2"))
    await state(four, JS, revocation("2026-11-24", number="320000-D1"))
    await four.spread(JS)
    await current(four, "320000-D1")
    follower = await watching_of(four, SH, ["320000-D1", "320000-D2"])
    await follower.connect()
    await follower.disconnect()
    for province in (JS, ZJ, AH):
        four.nodes.network.cut(SH, province)
    come(four, "2026-11-24")
    await state(four, SH, unrecognised("2026-12-01", number="320000-D1"))
    await follower.connect()
    assert [("2026-11-24", "320000-D1", "STALE")] == await follower.heard_of("2026-11-24")
    ((each,),) = [alert.certificates for alert in follower.days]
    assert (pb.VERDICT_STALE, pb.VERDICT_VALID) == (
        each.verdict.verdict,
        each.previous_verdict.verdict,
    )
    # That an entry of the day was told with the same word says nothing of what the day changes.
    assert ["STALE"] == [rule_of(alert.certificates[0].verdict) for alert in follower.alerts]
    await follower.disconnect()


# Places.


@pytest.mark.parametrize(
    "place, fields",
    [
        (pb.WatchDay(), ["day_cursor.told_date"]),
        (pb.WatchDay(told_date="22.11.2026"), ["day_cursor.told_date"]),
        (pb.WatchDay(told_date="1899-12-31"), ["day_cursor.told_date"]),
        (pb.WatchDay(told_date="2026-11-24"), ["day_cursor.told_date"]),
        (pb.WatchDay(told_date="2026-11-20", next_date="soon"), ["day_cursor.next_date"]),
        (pb.WatchDay(told_date="2026-11-20", next_date="2026-11-24"), ["day_cursor.next_date"]),
        (pb.WatchDay(told_date="2026-11-20", next_date="2026-11-20"), ["day_cursor.next_date"]),
        (
            pb.WatchDay(told_date="2026-11-20", after_certificate_no="320000-D1"),
            ["day_cursor.after_certificate_no"],
        ),
        (
            pb.WatchDay(
                told_date="2026-11-20", next_date="2026-11-22", after_certificate_no="320000-\0"
            ),
            ["day_cursor.after_certificate_no"],
        ),
    ],
)
async def test_a_place_that_is_none_is_refused(
    alone: Rooms, place: pb.WatchDay, fields: list[str]
) -> None:
    """Each bad field of a place is named."""
    follower = Follower(alone.certification[JS], caller(alone, JS), day_cursor=place)
    with pytest.raises(Refusal) as caught:
        await follower.connect()
    assert fields == [fault.field for fault in caught.value.violations]


async def test_a_very_old_place_is_one_comparison(home: Rooms) -> None:
    """From 1900 on all that is good now was not yet; each is told once."""
    place = pb.WatchDay(told_date="1900-01-01")
    follower = await watching_of(home, JS, NUMBERS, day_cursor=place)
    await follower.connect()
    told = await follower.heard_of("2026-11-22")
    assert [("2026-11-22", number, "HOME") for number in NUMBERS] == told
    assert {"NOT-YET-VALID"} == {
        rule_of(each.previous_verdict) for each in follower.days[0].certificates
    }
    await follower.disconnect()


async def test_a_place_of_a_clock_ahead_waits_for_its_day(home: Rooms) -> None:
    """At a replica whose day begins later nothing is told until a day after the last told."""
    place = pb.WatchDay(told_date="2026-11-23")
    follower = await watching_of(home, JS, NUMBERS, day_cursor=place)
    await follower.connect()
    come(home, "2026-11-23")
    await asyncio.sleep(0.1)
    assert [] == follower.days
    come(home, "2026-11-24")
    assert LATER == await follower.heard_of("2026-11-24")
    await follower.disconnect()


async def test_a_list_begins_with_its_day(home: Rooms) -> None:
    """What putting a list gives back is the day before the first that is told of it."""
    service, call = home.certification[JS], caller(home, JS)
    answer = await put(service, call, HOME, NUMBERS)
    assert pb.WatchDay(told_date="2026-11-22") == answer.day_cursor
    await put(service, call, "320000-138", NUMBERS[6:8])
    come(home, "2026-11-24")
    follower = Follower(service, call, day_cursor=answer.day_cursor, institution_id="320000-138")
    await follower.connect()
    await follower.heard_of("2026-11-24")
    assert [(NUMBERS[6], ["320000-138"]), (NUMBERS[7], ["320000-138"])] == [
        (each.certificate_no, list(each.institution_ids))
        for alert in follower.days
        for each in alert.certificates
    ]
    await follower.disconnect()


async def test_a_reader_who_does_not_read_costs_nothing_when_days_come(
    home: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a stream is not read its node compares nothing; read again, it is one comparison."""
    asked: list[int] = []
    answer_many = Checker.answer_many

    async def counted(self: Checker, questions: list[object], now: datetime) -> object:
        """Count what is asked."""
        asked.append(len(questions))
        return await answer_many(self, questions, now)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(Checker, "answer_many", counted)
    follower = await watching_of(home, JS, NUMBERS)
    stream = follower.service.watch_certificates(pb.WatchCertificatesRequest(), follower.call)
    await anext(stream)
    for day in ("2026-11-23", "2026-11-24", "2026-11-25"):
        come(home, day)
        await asyncio.sleep(0.05)
    assert [] == asked
    alert = await anext(stream)
    assert ("2026-11-25", 9) == (alert.day, len(alert.certificates))
    assert [10] == asked
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator


def test_which_day_is_due() -> None:
    """None before it comes; a day begun is finished first; one that was told never comes again."""
    told = DayPlace(told_date=datetime(2026, 11, 22, tzinfo=UTC).date())
    days = [told.told_date + timedelta(days=n) for n in range(-1, 3)]
    assert [None, None, days[2], days[3]] == [told.due(day) for day in days]
    begun = told.within(days[2], "x")
    assert [None, None, days[2], days[2]] == [begun.due(day) for day in days]
    assert DayPlace(told_date=days[2]) == begun.past(days[2])


def test_what_comes_before_a_day_is_bounded() -> None:
    """A log that grows without end holds no day up; what was said is kept until its day is told."""
    today = datetime(2026, 11, 23, tzinfo=UTC).date()
    days = watch_desk._Days(DayPlace(told_date=today - timedelta(days=1)))
    assert [True, False] == [days.begins(today), days.begins(today)]
    log = LogName.registry(JS)
    days.ends = {log: Reached(size=5, quorum_size=4)}
    days.passed(log, Cursor(next_index=5, next_permit_index=3), has_more=True)
    assert [log] == list(days.ends)
    days.passed(log, Cursor(next_index=5, next_permit_index=4), has_more=True)
    assert {} == days.ends
    answers = {
        (f"320000-D{each.day}", ""): pb.CheckCertificationResponse(on_date=each.isoformat())
        for each in (today - timedelta(days=1), today, today + timedelta(days=1))
    }
    days.note([number for number, _ in answers], answers)
    assert ["320000-D23", "320000-D24"] == list(days.said)
    days.move(days.place.past(today))
    assert (["320000-D24"], None) == (list(days.said), days.due)
