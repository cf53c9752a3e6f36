"""Tests of watching: lists, what touches a certificate, once and in order, resumed after breaks."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from sqlalchemy import insert

from deltacare.errors import Reason, Refusal, Unavailable
from deltacare.ids import LogName, Principal
from deltacare.v1 import certification_service_pb2 as pb
from deltacare.v1 import entry_pb2 as entry_pb
from server.certification import watch_lists
from server.certification.watch_answers import FIRST_DAYS, LAST_DAYS
from server.certification.watch_hub import STREAMS_PER_CALLER_MAX
from server.certification.watch_values import Cursor, Reached, Watcher
from server.certification.watching import CERTIFICATES_MAX, read_turn
from server.edge.call import Call
from server.personal.tables import erasures
from server.store.database import Database
from tests.support.certifying import (
    addition_body,
    equivalence_end,
    institution_certificate,
    reinstatement,
    resumed,
    revocation,
    suspension,
    unrecognised,
)
from tests.support.nodes import until
from tests.support.projecting import entry_of
from tests.support.rooms import (
    Rooms,
    agreement_body,
    certificate_body,
    equivalence_body,
    institution_body,
)
from tests.support.supervising import measure_body
from tests.support.watching import Follower, put

SH, JS, ZJ, AH = "310000", "320000", "330000", "340000"
SH_LOG, JS_LOG = LogName.registry(SH), LogName.registry(JS)
HOME = "310000-137"
SEED = 20261122


def caller(rooms: Rooms, opaque_id: str = "operator-1") -> Call:
    """Return a call of one of Shanghai's operators."""
    principal = Principal(province=SH, role="operator", opaque_id=opaque_id)
    return replace(rooms.call(SH), caller=principal)


async def recognised(rooms: Rooms) -> None:
    """Let Shanghai recognise Jiangsu's caregivers, of whom there are two."""
    await rooms.agree(agreement_body())
    await rooms.declare(SH, equivalence_body())
    await rooms.issue(JS, certificate_body(), certificate_body("320000-C2"))


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes; Shanghai recognises Jiangsu's caregivers, of whom there are two."""
    async with Rooms.laid(tmp_path, recognised) as opened:
        yield opened


async def follow(rooms: Rooms, *numbers: str, opaque_id: str = "operator-1") -> Follower:
    """Watch certificates at Shanghai's node."""
    call = caller(rooms, opaque_id)
    await put(rooms.certification[SH], call, HOME, numbers)
    follower = Follower(rooms.certification[SH], call)
    await follower.connect()
    return follower


async def state(rooms: Rooms, province: str, *bodies: Message) -> int:
    """Let a province say something, rules or no rules, and return where."""
    node = rooms.nodes[province]
    return await node.append(LogName.registry(province), [entry_of(body) for body in bodies])


# Lists.


async def test_lists_are_replaced_and_removed(four: Rooms) -> None:
    """What is put is kept, each certificate once, by caller and institution; an empty list goes."""
    service, call = four.certification[SH], caller(four)
    first = await put(service, call, HOME, ["320000-C2", "320000-C1", "320000-C1"])
    assert (2, 0) == (first.added_count, first.removed_count)
    assert ["320000-C1", "320000-C2"] == list(first.list.certificate_nos)
    second = await put(service, call, HOME, ["320000-C2", "320000-X"])
    assert (1, 1) == (second.added_count, second.removed_count)
    await put(service, call, "320000-9", ["320000-C1"])
    await put(service, caller(four, "operator-2"), HOME, ["320000-C1"])
    page = await service.list_watch_lists(pb.ListWatchListsRequest(page_size=1), call)
    rest = await service.list_watch_lists(
        pb.ListWatchListsRequest(page_size=1, page_token=page.next_page_token), call
    )
    assert [(HOME, ["320000-C2", "320000-X"]), ("320000-9", ["320000-C1"])] == [
        (each.institution_id, list(each.certificate_nos)) for each in (*page.lists, *rest.lists)
    ]
    assert "" == rest.next_page_token
    third = await put(service, call, HOME, [])
    assert 2 == third.removed_count
    left = await service.list_watch_lists(pb.ListWatchListsRequest(), call)
    assert ["320000-9"] == [each.institution_id for each in left.lists]


async def test_lists_are_bounded(four: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list, a caller's lists and all it watches have limits; what is refused changes nothing."""
    service, call = four.certification[SH], caller(four)
    with pytest.raises(Refusal) as caught:
        await put(
            service,
            call,
            HOME,
            [f"320000-C{n}" for n in range(watch_lists.NUMBERS_PER_LIST_MAX + 1)],
        )
    assert ["list.certificate_nos"] == [fault.field for fault in caught.value.violations]
    monkeypatch.setattr(watch_lists, "WATCHED_PER_CALLER_MAX", 3)
    monkeypatch.setattr(watch_lists, "LISTS_PER_CALLER_MAX", 2)
    await put(service, call, HOME, ["320000-C1", "320000-C2"])
    with pytest.raises(Refusal) as caught:
        await put(service, call, "320000-1", ["320000-C1", "320000-C2"])
    assert ["list.certificate_nos"] == [fault.field for fault in caught.value.violations]
    await put(service, call, "320000-1", ["320000-C1"])
    await put(service, call, HOME, ["320000-C1"])
    with pytest.raises(Refusal) as caught:
        await put(service, call, "320000-2", ["320000-C1"])
    assert ["list.institution_id"] == [fault.field for fault in caught.value.violations]
    kept = await service.list_watch_lists(pb.ListWatchListsRequest(), call)
    assert [HOME, "320000-1"] == [each.institution_id for each in kept.lists]


# What touches a certificate.


async def test_a_revocation_is_told_with_its_verdict(four: Rooms) -> None:
    """The subscriber hears which entry, when, on whose list, and what a check says now."""
    follower = await follow(four, "320000-C1", "320000-C9")
    for province in (SH, JS):
        await four.spread(province)
    # A verdict names how far each log stands under its quorum: for the check to find the same, the
    # revocation gets none.
    for other in (ZJ, AH):
        four.nodes.network.cut(JS, other)
        four.nodes.network.cut(SH, other)
    await four.revoke(JS, "320000-C1", "2026-01-01")
    (alert,) = await follower.heard(1)
    size = four.nodes[JS].logs.reader.position(JS_LOG).size
    assert ("certificate_revocation", str(JS_LOG), size - 1) == (
        alert.body,
        alert.entry.log,
        alert.entry.index,
    )
    assert four.nodes.clock.now() == alert.entry_time.ToDatetime(
        tzinfo=four.nodes.clock.now().tzinfo
    )
    (touched,) = alert.certificates
    assert ("320000-C1", [HOME], pb.VERDICT_REVOKED, "R07-REVOKED") == (
        touched.certificate_no,
        list(touched.institution_ids),
        touched.verdict.verdict,
        touched.verdict.rule,
    )
    assert await four.check(SH, "320000-C1") == touched.verdict
    await follower.disconnect()


async def test_a_restriction_that_is_to_come_is_told_with_its_days(four: Rooms) -> None:
    """Today's verdict is still good; the alert says from when and until when that will change."""
    follower = await follow(four, "320000-C1")
    await state(four, JS, suspension("2027-02-01", until="2027-03-01"))
    await state(four, JS, revocation("2027-04-01"))
    await follower.heard(2)
    told = [(alert, alert.certificates[0]) for alert in follower.alerts]
    assert [
        ("certificate_suspension", "2027-02-01", "2027-03-01", pb.VERDICT_SUSPENDED),
        ("certificate_revocation", "2027-04-01", "", pb.VERDICT_REVOKED),
    ] == [
        (alert.body, alert.effective_date, alert.until_date, each.coming_verdict.verdict)
        for alert, each in told
    ]
    assert {pb.VERDICT_VALID} == {each.verdict.verdict for _, each in told}
    assert ["2027-02-01", "2027-04-01"] == [each.coming_verdict.on_date for _, each in told]
    await follower.disconnect()


def test_days_are_fields_of_their_bodies() -> None:
    """What is read of a body is there."""
    for name, field in (*FIRST_DAYS.items(), *LAST_DAYS.items()):
        body = entry_pb.Entry.DESCRIPTOR.fields_by_name[name].message_type
        assert body is not None
        assert field in body.fields_by_name


async def test_everything_that_touches_is_told_once_in_order(four: Rooms) -> None:
    """Its issuer's words, the host's, measures, equivalences, agreements; void ones not at all."""
    await four.register(JS, institution_body("320000-1"))
    await four.issue(JS, institution_certificate())
    await four.spread(JS)
    follower = await follow(four, "320000-C1", "320000-C3", "320000-S1")
    said = [
        (JS, certificate_body("320000-C3", holder_name_digest=bytes(32)), ["320000-C3"]),
        (JS, suspension("2026-02-01"), ["320000-C1"]),
        (JS, reinstatement("2026-03-01"), ["320000-C1"]),
        (JS, suspension("2026-02-01", number="320000-C2"), []),  # not watched
        (ZJ, suspension("2026-02-01"), []),  # void: not its issuer's
        (JS, addition_body(), ["320000-C1"]),
        (SH, unrecognised("2026-04-01"), ["320000-C1"]),
        (SH, resumed("2026-05-01"), ["320000-C1"]),
        (SH, resumed("2026-05-01"), []),  # void: nothing is suspended
        (JS, measure_body("320000-M1"), ["320000-S1"]),
        (
            JS,
            entry_pb.MeasureLift(
                measure_id="320000-M1", effective_date="2026-11-01", reason="MENDED"
            ),
            ["320000-S1"],
        ),
        (JS, measure_body("320000-M2", certificate_no="320000-C1"), ["320000-C1"]),
        (SH, equivalence_body("310000-E2"), ["320000-C1", "320000-C3"]),
        (SH, equivalence_end(), ["320000-C1", "320000-C3"]),
        (SH, equivalence_end(), []),  # void: ended before
        (JS, revocation("2026-01-01", number="320000-C3"), ["320000-C3"]),
    ]
    expected = []
    for province, body, numbers in said:
        index = await state(four, province, body)
        await four.spread(province)
        log = str(LogName.registry(province))
        expected += [(log, index, number) for number in numbers]
        await follower.heard(len({place[:2] for place in expected}))
    assert expected == follower.told()
    await follower.disconnect()


async def test_words_on_an_agreement_touch_what_rests_on_it(four: Rooms) -> None:
    """The end of the agreement touches every certificate recognised by it, and no other."""
    await four.issue(JS, certificate_body("320000-C5", grade="五级"))
    await four.spread(JS)
    follower = await follow(four, "320000-C1", "320000-C5")
    (standing,) = await four.nodes[SH].database.read(_version_hashes)
    # From a day to come: it says which, and what is to be said then.
    await four.say(JS, "310000-A1", standing, accept=False, ends="2062-03-01")
    (alert,) = await follower.heard(1)
    (told,) = alert.certificates
    assert ("agreement_answer", "2062-03-01", "320000-C1") == (
        alert.body,
        alert.effective_date,
        told.certificate_no,
    )
    assert ("R22-RECOGNISED", "2062-03-01") == (told.verdict.rule, told.coming_verdict.on_date)
    await four.say(JS, "310000-A1", standing, accept=False)
    (_, alert) = await follower.heard(2)
    assert ("agreement_answer", [("320000-C1", "R21-NO-AGREEMENT")]) == (
        alert.body,
        [(each.certificate_no, each.verdict.rule) for each in alert.certificates],
    )
    await follower.disconnect()


def _version_hashes(connection: object) -> list[bytes]:
    """Return the hashes of all versions of agreements."""
    from sqlalchemy import select

    from server.registry.tables import agreements

    return list(connection.execute(select(agreements.c.version_hash)).scalars())  # type: ignore[attr-defined]


async def test_an_erasure_touches_whom_it_names(four: Rooms) -> None:
    """The erased holder's certificates are told of, those of one entry together, others not."""
    service, call, node = four.certification[SH], caller(four), four.nodes[SH]
    await put(service, call, HOME, ["320000-C1", "320000-C2"])
    rows: list[dict[str, Any]] = [
        {"author": JS, "certificate_no": number, "log_index": 7, "reason": "REQUESTED"}
        for number in ("320000-C1", "320000-C2", "320000-C3")
    ]
    await node.database.write(lambda connection: connection.execute(insert(erasures), rows))
    said = entry_of(entry_pb.Erased(certificate_nos=[row["certificate_no"] for row in rows]))
    turn = await node.database.read(
        lambda connection: read_turn(
            connection,
            Watcher(caller="operator-1"),
            JS,
            Cursor(next_index=5, next_permit_index=5),
            Reached(size=9, quorum_size=5),
            entry_bytes=lambda _: said.SerializeToString(),
        )
    )
    assert [(7, {"320000-C1": (HOME,), "320000-C2": (HOME,)})] == [
        (found.index, found.institutions) for found in turn.found
    ]
    assert Cursor(next_index=9, next_permit_index=5) == turn.cursor


async def test_what_permits_waits_for_its_quorum_and_holds_nothing_up(four: Rooms) -> None:
    """A suspension behind a reinstatement that lacks its quorum is told at once, and that later."""
    await state(four, JS, suspension("2026-02-01"))
    await four.spread(JS)
    follower = await follow(four, "320000-C1", "320000-C2")
    for other in (ZJ, AH):
        four.nodes.network.cut(JS, other)
        four.nodes.network.cut(SH, other)
    reinstated = await state(four, JS, reinstatement("2026-03-01"))
    suspended = await state(four, JS, suspension("2026-02-01", number="320000-C2"))
    await follower.heard(1)
    assert [(str(JS_LOG), suspended, "320000-C2")] == follower.told()
    await follower.disconnect()
    await follower.connect()
    for other in (ZJ, AH):
        four.nodes.network.heal(JS, other)
        four.nodes.network.heal(SH, other)
    await follower.heard(2)
    assert [suspended, reinstated] == [index for _, index, _ in follower.told()]
    assert pb.VERDICT_VALID == follower.alerts[1].certificates[0].verdict.verdict
    await follower.disconnect()


# Resuming.


async def test_nothing_is_lost_or_doubled_across_breaks(four: Rooms) -> None:
    """Broken off again and again under load, a follower hears each entry once, in order."""
    chooser = random.Random(SEED)
    numbers = [f"320000-D{serial}" for serial in range(40)]
    await state(
        four, JS, *(certificate_body(number, holder_name_digest=bytes(32)) for number in numbers)
    )
    await four.spread(JS)
    follower = await follow(four, *numbers[::2])
    expected: list[tuple[str, int, str]] = []

    async def load() -> None:
        """Suspend and reinstate at random; some of it is void, some is not watched."""
        suspended: set[str] = set()
        for _ in range(60):
            bodies: list[Message] = []
            numbers_said = []
            for number in chooser.sample(numbers, 4):
                if number in suspended:
                    suspended.discard(number)
                    bodies.append(reinstatement("2026-03-01", number=number))
                else:
                    suspended.add(number)
                    bodies.append(suspension("2026-02-01", number=number))
                numbers_said.append(number)
            first = await state(four, JS, *bodies)
            expected.extend(
                (str(JS_LOG), first + place, number)
                for place, number in enumerate(numbers_said)
                if number in numbers[::2]
            )
            await asyncio.sleep(0)

    loading = asyncio.create_task(load())
    breaks = 0
    while not loading.done():
        target = len(follower.alerts) + chooser.randrange(6)
        await until(lambda: len(follower.alerts) >= target or loading.done())  # noqa: B023
        await follower.disconnect()
        await follower.connect()
        breaks += 1
    await loading
    await follower.heard(len(expected))
    await four.spread(JS)
    await follower.disconnect()
    assert breaks > 5
    assert sorted(expected) == sorted(follower.told())
    kinds = {alert.entry.index: alert.body for alert in follower.alerts}
    for body in ("certificate_suspension", "certificate_reinstatement"):
        places = [place for _, place, _ in follower.told() if kinds[place] == body]
        assert sorted(places) == places


async def test_an_entry_that_touches_many_is_told_in_pages(four: Rooms) -> None:
    """More than an answer holds come in several; a break between them loses and doubles none."""
    count = 2 * CERTIFICATES_MAX + 50
    numbers = [f"320000-D{serial:05d}" for serial in range(count)]
    for start in range(0, count, 500):
        await state(
            four,
            JS,
            *(
                certificate_body(number, holder_name_digest=bytes(32))
                for number in numbers[start : start + 500]
            ),
        )
    await four.spread(JS)
    service, call = four.certification[SH], caller(four)
    await put(service, call, HOME, numbers[:1500])
    await put(service, call, "310000-138", numbers[1400:])
    follower = Follower(service, call)
    await follower.connect()
    await follower.disconnect()
    index = await state(four, SH, equivalence_end())
    await four.spread(SH)
    told: list[str] = []
    sizes = []
    while len(told) < count:
        request = pb.WatchCertificatesRequest(cursors=follower.cursors.values())
        stream = service.watch_certificates(request, call)
        async for alert in stream:
            for cursor in alert.cursors:
                follower.cursors[cursor.log] = cursor
            if alert.HasField("entry"):
                assert index == alert.entry.index
                told += [each.certificate_no for each in alert.certificates]
                sizes.append(len(alert.certificates))
                break
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator
    assert numbers == told
    assert [CERTIFICATES_MAX, CERTIFICATES_MAX, 50] == sizes
    await follower.connect()
    await state(four, JS, suspension("2026-02-01", number=numbers[1450]))
    (alert,) = await follower.heard(1)
    assert [HOME, "310000-138"] == list(alert.certificates[0].institution_ids)
    await follower.disconnect()


async def test_a_reader_who_does_not_read_costs_nothing(four: Rooms) -> None:
    """While a stream is not read its node keeps no alerts for it; read again, all of them come."""
    service, call = four.certification[SH], caller(four)
    await put(service, call, HOME, ["320000-C1"])
    stream = service.watch_certificates(pb.WatchCertificatesRequest(), call)
    await anext(stream)
    (subscription,) = service._hub._subscriptions  # what would grow
    places = [await state(four, JS, suspension(f"2026-0{month}-01")) for month in range(1, 9)]
    await four.nodes[SH].holds(JS_LOG, places[-1] + 1)
    await until(lambda: JS_LOG in subscription._pending)
    assert len(four.nodes.nodes) >= len(subscription._pending)
    assert places == [(await anext(stream)).entry.index for _ in places]
    await stream.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_quiet_streams_do_not_look(four: Rooms) -> None:
    """What touches others' certificates wakes nobody else, and moves the quiet on."""
    busy = await follow(four, "320000-C1", opaque_id="operator-1")
    quiet_one = await follow(four, "320000-C2", opaque_id="operator-2")
    hub = four.certification[SH]._hub
    (waiting,) = [each for each in hub._subscriptions if each.caller == "operator-2"]
    for month in range(1, 5):
        await state(four, JS, suspension(f"2026-0{month}-01"))
    await busy.heard(4)
    assert not waiting._pending
    index = await state(four, JS, suspension("2026-02-01", number="320000-C2"))
    await quiet_one.heard(1)
    assert [(str(JS_LOG), index, "320000-C2")] == quiet_one.told()
    await busy.disconnect()
    await quiet_one.disconnect()
    assert hub._task is None


async def test_a_list_put_while_following_begins_where_its_cursors_say(
    four: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes while the list waits to be kept is before its cursors; a stream tells the rest."""
    service, call = four.certification[SH], caller(four)
    follower = await follow(four, "320000-C2")
    during: list[int] = []
    write = Database.write

    async def late(self: Database, function: Any) -> Any:
        """Let both certificates be suspended while the list waits, and the stream pass that."""
        if "put_watch_list" in getattr(function, "__qualname__", "") and not during:
            for number in ("320000-C1", "320000-C2"):
                at = await state(four, JS, suspension("2026-02-01", number=number))
                during.append(at)
            await follower.heard(1)
        return await write(self, function)

    with monkeypatch.context() as patch:
        patch.setattr(Database, "write", late)
        answer = await put(service, call, HOME, ["320000-C1", "320000-C2"])
    starts = {cursor.log: cursor.next_index for cursor in answer.cursors}
    assert during[1] + 1 == starts[str(JS_LOG)]
    places = [
        await state(four, JS, reinstatement("2026-03-01", number=number))
        for number in ("320000-C1", "320000-C2")
    ]
    await four.spread(JS)
    await follower.heard(3)
    fresh = Follower(service, call, cursors=answer.cursors)
    await fresh.connect()
    await fresh.heard(2)
    expected = [(str(JS_LOG), at, f"320000-C{n}") for n, at in enumerate(places, start=1)]
    assert expected == fresh.told()
    assert [(str(JS_LOG), during[1], "320000-C2"), *expected] == follower.told()
    await fresh.disconnect()
    await follower.disconnect()


# Bounds and bad questions.


async def test_streams_of_a_caller_are_bounded(four: Rooms) -> None:
    """One stream too many is refused for now; when one ends there is room again."""
    followers = [Follower(four.certification[SH], caller(four)) for _ in range(9)]
    for follower in followers[:STREAMS_PER_CALLER_MAX]:
        await follower.connect()
    with pytest.raises(Unavailable) as caught:
        await followers[-1].connect()
    assert Reason.OVERLOADED is caught.value.reason
    await followers[0].disconnect()
    await followers[-1].connect()
    for follower in followers:
        await follower.disconnect()


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"institution_id": "no id"}, "institution_id"),
        ({"host": "110000"}, "host"),
        ({"cursors": [pb.WatchCursor(log="x")]}, "cursors[0].log"),
        (
            {"cursors": [pb.WatchCursor(log="deltacare/310000/settlement/320000")]},
            "cursors[0].log",
        ),
        (
            {"cursors": [pb.WatchCursor(log=str(JS_LOG)), pb.WatchCursor(log=str(JS_LOG))]},
            "cursors[1].log",
        ),
        (
            {"cursors": [pb.WatchCursor(log=str(JS_LOG), next_index=2**64 - 1)]},
            "cursors[0].next_index",
        ),
        (
            {"cursors": [pb.WatchCursor(log=str(JS_LOG), after_certificate_no="320000-\0")]},
            "cursors[0].after_certificate_no",
        ),
    ],
)
async def test_what_cannot_be_read_is_refused(
    four: Rooms, fields: dict[str, object], field: str
) -> None:
    """Every bad field of a question is named."""
    follower = Follower(four.certification[SH], caller(four), **fields)
    with pytest.raises(Refusal) as caught:
        await follower.connect()
    assert [field] == [fault.field for fault in caught.value.violations]


async def test_watching_leaves_no_names(four: Rooms, quiet: list[dict[str, object]]) -> None:
    """A name in the place of a number is refused to its sender and stands in no log line."""
    name = "示例乙"
    with pytest.raises(Refusal):
        await put(four.certification[SH], caller(four), HOME, ["320000-C1", name])
    follower = await follow(four, "320000-C1")
    await four.revoke(JS, "320000-C1", "2026-01-01")
    await follower.heard(1)
    await follower.disconnect()
    four.nodes.clock.advance(timedelta(seconds=1))
    lines = json.dumps(quiet, ensure_ascii=False, default=str)
    assert name not in lines
    assert "320000-C1" not in lines
