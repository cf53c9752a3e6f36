"""Certificates about closed institutions: checks, past moments, files, nights' days and alerts."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from deltacare.ids import LogName, Principal
from deltacare.times import ServiceMonth
from deltacare.v1 import entry_pb2 as pb
from server.certification.rules import check
from server.certification.standing import certificate_good_days, certificate_standing
from server.certification.values import RecognitionFacts
from server.certification.watch_touches import Span, touches_in
from server.certification.watch_values import Cursor, Reached, Watcher
from server.registry.closings import ClosingSaid, closings
from server.registry.projector import RegistryProjector
from server.store.database import Database
from tests.server.certification.test_evidence import verified
from tests.server.certification.test_rules import FACTS, JS
from tests.support.certifying import institution_certificate, verdict
from tests.support.projecting import Book
from tests.support.rooms import Rooms, institution_body
from tests.support.watching import Follower, put

SH, ZJ, AH = "310000", "330000", "340000"
JS_LOG = LogName.registry(JS)
NUMBER = "320000-S1"
CLOSED, OPERATING = pb.INSTITUTION_STATE_CLOSED, pb.INSTITUTION_STATE_OPERATING
TODAY = "2026-11-22"


def stated(day: str, state: int = CLOSED, **changes: object) -> pb.Institution:
    """Return a statement of the institution that the certificate is about."""
    return institution_body(
        "320000-1", state=state, state_date=day, state_reason="MERGED", **changes
    )


@pytest.fixture
async def homes(four: Rooms) -> Rooms:
    """Jiangsu certified an institution; a caregiver has a certificate as before."""
    await four.register(JS, institution_body("320000-1"), institution_body("320000-2"))
    await four.issue(JS, institution_certificate())
    await four.spread(JS)
    return four


async def rules(rooms: Rooms, number: str = NUMBER, **fields: object) -> list[str]:
    """Return by which rules Shanghai's and Jiangsu's nodes answer for Jiangsu."""
    answers = [await rooms.check(each, number, host=JS, **fields) for each in (SH, JS)]
    return [each.rule for each in answers]


async def test_closing_counts_everywhere_and_coming_back_too(homes: Rooms) -> None:
    """From its day on, at each node, though facts and verdicts were remembered before."""
    assert ["R14-HOME"] * 2 == await rules(homes)
    await homes.register(JS, stated("2026-11-20"))
    await homes.spread(JS)
    assert ["R13-CLOSED"] * 2 == await rules(homes)
    assert ["R14-HOME"] * 2 == await rules(homes, on_date="2026-11-19")
    answer = await homes.check(ZJ, NUMBER)
    assert ("NOT_RECOGNISED_HERE", "R13-CLOSED", "MERGED") == (
        verdict(answer),
        answer.rule,
        answer.reason,
    )
    index = homes.nodes[JS].logs.reader.position(JS_LOG).size - 1
    assert (str(JS_LOG), index) == (answer.entries[-1].log, answer.entries[-1].index)
    assert ["R14-HOME"] * 2 == await rules(homes, "320000-C1"), "a caregiver's is not touched"
    await homes.register(JS, stated(TODAY, OPERATING))
    await homes.spread(JS)
    assert ["R14-HOME"] * 2 == await rules(homes)
    assert ["R13-CLOSED"] * 2 == await rules(homes, on_date="2026-11-21")


async def test_only_closed_is_closed(homes: Rooms) -> None:
    """Suspended, or another one closed, changes nothing."""
    await homes.register(JS, stated("2026-11-20", pb.INSTITUTION_STATE_SUSPENDED))
    await homes.register(JS, institution_body("320000-2", state=CLOSED, state_date="2026-11-20"))
    await homes.spread(JS)
    assert ["R14-HOME"] * 2 == await rules(homes)


async def test_closing_counts_before_its_quorum_and_coming_back_after(homes: Rooms) -> None:
    """Cut off from the other witnesses, Shanghai believes a closing and no coming back."""
    for province in (ZJ, AH):
        homes.nodes.network.isolate(province)
    size = homes.nodes[JS].logs.reader.position(JS_LOG).size
    await homes.register(JS, stated("2026-11-20"))
    await homes.nodes[SH].holds(JS_LOG, size + 1)
    assert ["R13-CLOSED"] * 2 == await rules(homes)
    await homes.register(JS, stated("2026-11-20", OPERATING))
    await homes.nodes[SH].holds(JS_LOG, size + 2)
    assert ["R13-CLOSED", "R14-HOME"] == await rules(homes), "of its own log a node asks none"
    for province in (ZJ, AH):
        for other in (SH, JS):
            homes.nodes.network.heal(province, other)
    await homes.nodes[SH].has_quorum(JS_LOG, size + 2)
    assert ["R14-HOME"] * 2 == await rules(homes)


async def test_what_was_known(homes: Rooms) -> None:
    """A past moment knows nothing of what was stated later, for whatever day."""
    moment = Timestamp()
    moment.FromDatetime(homes.nodes.clock.now())
    homes.nodes.clock.advance(timedelta(minutes=5))
    await homes.register(JS, stated("2026-01-01"))
    await homes.spread(JS)
    assert ["R13-CLOSED"] * 2 == await rules(homes, on_date="2026-06-01")
    assert ["R14-HOME"] * 2 == await rules(homes, on_date="2026-06-01", known_time=moment)


async def test_files_show_it(homes: Rooms, tmp_path: Path) -> None:
    """Closed, back, and with other beds: the verifier works out the same from the file alone."""
    for body, rule, count in (
        (stated("2026-11-20"), "R13-CLOSED", 2),
        (stated("2026-11-20", approved_beds=7), "R13-CLOSED", 2),
        (stated("2026-11-21", OPERATING), "R14-HOME", 3),
        (stated("2026-11-21", OPERATING, approved_beds=8), "R14-HOME", 3),
    ):
        await homes.register(JS, body)
        await homes.spread(JS)
        answer = await homes.check(SH, NUMBER, host=JS, evidence=True)
        found, steps = verified(homes, answer.evidence, tmp_path)
        assert (rule, count) == (found.summary["rule"], len(steps[2].facts["entries"]))


async def test_whoever_watches_hears_of_it(homes: Rooms) -> None:
    """The closing and the coming back are told once each; other statements are not."""
    principal = Principal(province=SH, role="operator", opaque_id="operator-1")
    call = replace(homes.call(SH), caller=principal)
    await put(homes.certification[SH], call, "310000-137", (NUMBER, "320000-C1"))
    follower = Follower(homes.certification[SH], call)
    await follower.connect()
    expected = []
    for body, is_told in (
        (institution_body("320000-1", approved_beds=7), False),
        (stated("2026-11-20"), True),
        (institution_body("320000-2", state=CLOSED), False),
        (stated("2026-11-20", approved_beds=7), False),
        (stated("2026-11-21", OPERATING), True),
    ):
        size = homes.nodes[JS].logs.reader.position(JS_LOG).size
        await homes.register(JS, body)
        await homes.spread(JS)
        if is_told:
            expected.append((str(JS_LOG), size, NUMBER))
            await follower.heard(len(expected))
    # A word about the caregiver comes after all of these.
    await homes.revoke(JS, "320000-C1", TODAY)
    await homes.spread(JS)
    await follower.heard(len(expected) + 1)
    assert expected == follower.told()[:-1]
    await follower.disconnect()


async def test_a_closing_that_is_to_come_is_told_with_its_day(homes: Rooms) -> None:
    """The alert names the day and the verdict that it brings."""
    principal = Principal(province=SH, role="operator", opaque_id="operator-1")
    call = replace(homes.call(SH), caller=principal)
    await put(homes.certification[SH], call, "310000-137", (NUMBER,))
    follower = Follower(homes.certification[SH], call)
    await follower.connect()
    await homes.register(JS, stated("2026-12-01"))
    await homes.spread(JS)
    await follower.heard(1)
    (alert,) = follower.alerts
    assert ("institution", "2026-12-01") == (alert.body, alert.effective_date)
    coming = alert.certificates[0].coming_verdict
    assert ("R13-CLOSED", "2026-12-01") == (coming.rule, coming.on_date)
    await follower.disconnect()


MONTH = ServiceMonth(year=2026, month=11)
DAYS = st.dates(date(2026, 10, 28), date(2026, 12, 3))


@settings(max_examples=200, deadline=None)
@given(
    said=st.lists(st.tuples(st.booleans(), DAYS), max_size=5),
    size=st.integers(15, 26),
    unseen=st.integers(0, 3),
)
def test_a_nights_days_are_those_of_checks(
    said: list[tuple[bool, date]], size: int, unseen: int
) -> None:
    """The mask has the bits of exactly those days on which a check does not answer R13."""
    told = tuple(
        ClosingSaid(index=20 + place, is_closed=is_closed, from_date=day, reason="")
        for place, (is_closed, day) in enumerate(said)
    )
    assert FACTS.certificate is not None
    about = replace(
        FACTS.certificate, subject=pb.CERTIFICATE_SUBJECT_INSTITUTION, institution_id="320000-1"
    )
    log = replace(FACTS.logs[JS], size=size, quorum_size=size - unseen)
    facts = replace(FACTS, host=JS, certificate=about, closings=told, logs={**FACTS.logs, JS: log})
    expected = 0
    for offset in range(MONTH.days):
        day = MONTH.first_date + timedelta(days=offset)
        if check(replace(facts, on_date=day)).rule.code != "R13-CLOSED":
            expected |= MONTH.bit(day)
    standing = certificate_standing(about, log.reach)
    assert standing is not None
    night = RecognitionFacts(
        certificates={about.certificate_no: standing},
        suspensions={},
        equivalences={},
        closings={"320000-1": closings(told, log.reach)},
    )
    actual = certificate_good_days(
        night,
        about.certificate_no,
        place=JS,
        month=MONTH,
        subject=pb.CERTIFICATE_SUBJECT_INSTITUTION,
    )
    assert expected == actual


def test_a_closing_is_told_once_verified_and_coming_back_under_a_quorum(database: Database) -> None:
    """Each is due by the index of its sort, and says so, for paging goes on by that one."""
    book = Book(database, RegistryProjector())
    book.say(JS, institution_body("320000-1"), stated("2026-11-20"), stated(TODAY, OPERATING))

    def told(size: int, quorum_size: int) -> list[tuple[int, bool, str]]:
        span = Span(
            author=JS,
            cursor=Cursor(next_index=0, next_permit_index=0),
            reached=Reached(size=size, quorum_size=quorum_size),
        )
        watcher = Watcher(caller="operator-1")
        found, end = database.read_now(lambda c: touches_in(c, span, watcher))
        assert end is None
        return [(each.index, each.is_permit, each.subject) for each in found]

    assert [] == told(1, 1)
    assert [(1, False, "320000-1")] == told(3, 2)
    assert [(1, False, "320000-1"), (2, True, "320000-1")] == told(3, 3)
