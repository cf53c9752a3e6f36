"""Tests of SupervisionService: writes, reads, pages and filters at one node; effects over four."""

from collections.abc import AsyncIterator, Awaitable
from datetime import date
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, Principal
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import supervision_service_pb2 as sup_pb
from deltacare.v1.types_pb2 import Duty
from server.edge.call import Call
from server.registry.values import Reach
from server.supervision.rules import barred_on, bars_known
from server.supervision.store import load_measures
from server.supervision.values import Effect
from tests.support.federation import PROVINCES
from tests.support.rooms import DUTY, Rooms, certificate_body, institution_body, request_id
from tests.support.supervising import inspection_body, measure_body

SH, JS, ZJ = "310000", "320000", "330000"


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Shanghai's node alone, with two institutions."""
    async with Rooms.alone(tmp_path, SH) as opened:
        await opened.register(SH, institution_body("310000-1"), institution_body("310000-2"))
        yield opened


async def registered(rooms: Rooms) -> None:
    """Let Shanghai state an institution."""
    await rooms.register(SH, institution_body("310000-1"))


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes; Shanghai has an institution."""
    async with Rooms.laid(tmp_path, registered) as opened:
        yield opened


async def inspect(rooms: Rooms, body: pb.Inspection, province: str = SH) -> None:
    """State an inspection."""
    await rooms.supervision[province].record_inspection(
        sup_pb.RecordInspectionRequest(request_id=request_id(), duty=DUTY, inspection=body),
        rooms.call(province, "Inspect"),
    )


async def report(rooms: Rooms, day: str, *, accepted: bool = True) -> None:
    """Report on Shanghai's first measure."""
    body = pb.RectificationReport(
        measure_id="310000-M1", report_date=day, accepted=accepted, reason="SEEN"
    )
    await rooms.supervision[SH].report_rectification(
        sup_pb.ReportRectificationRequest(request_id=request_id(), duty=DUTY, report=body),
        rooms.call(SH, "Report"),
    )


async def listed(
    rooms: Rooms, province: str = SH, **wanted: object
) -> list[sup_pb.StandingMeasure]:
    """Return the measures that a node shows."""
    request = sup_pb.ListMeasuresRequest(**wanted)  # type: ignore[arg-type]  # a test's own
    answer = await rooms.supervision[province].list_measures(request, rooms.call(province))
    assert "" == answer.next_page_token
    return list(answer.measures)


async def ids(rooms: Rooms, province: str = SH, **wanted: object) -> list[str]:
    """Return the ids of the measures that a node shows."""
    return [row.measure.measure_id for row in await listed(rooms, province, **wanted)]


async def standing(rooms: Rooms, province: str, day: str) -> tuple[str, list[str], bool]:
    """Return state, effects and reach of the one measure that a node shows, on a day."""
    (row,) = await listed(rooms, province, on_date=day)
    return (
        sup_pb.MeasureState.Name(row.state).removeprefix("MEASURE_STATE_"),
        [sup_pb.MeasureEffect.Name(each).removeprefix("MEASURE_EFFECT_") for each in row.effects],
        row.everywhere,
    )


async def refused(awaitable: Awaitable[object]) -> Refusal:
    """Return how a call was refused."""
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


def rule_of(refusal: Refusal) -> str:
    """Return the rule by which a write was refused."""
    return str(refusal.details["rule"])


async def barred(rooms: Rooms, node: str, province: str, day: date) -> str | None:
    """Return by which measure a node holds the institution unlisted in a province, on a day."""
    found = rooms.nodes[node]
    reaches = {}
    for author in PROVINCES:
        position = found.logs.reader.position(LogName.registry(author))
        reaches[author] = Reach(restrict_size=position.size, permit_size=position.quorum_size)
    measures = await found.database.read(lambda c: load_measures(c, ["310000-1"]))
    known = bars_known(measures.get("310000-1", ()), reaches)
    bar = barred_on(known, day=day, effect=Effect.UNLISTED, province=province)
    return None if bar is None else bar.measure_id


# --- Writes ---------------------------------------------------------------------------------------


async def test_story_of_an_institution(rooms: Rooms) -> None:
    """Inspected, ordered to mend, refused once, mended late, lifted: shown as each stands."""
    await inspect(rooms, inspection_body())
    order = measure_body(
        kind=pb.MEASURE_KIND_RECTIFICATION, due_date="2026-10-10", inspection_id="310000-I1"
    )
    await rooms.take(SH, order)
    assert ("PENDING", ["RECORDED"], True) == await standing(rooms, SH, "2026-09-30")
    assert ("IN_FORCE", ["RECORDED"], True) == await standing(rooms, SH, "2026-10-10")
    assert ("OVERDUE", ["UNLISTED"], True) == await standing(rooms, SH, "2026-10-11")
    await report(rooms, "2026-10-12", accepted=False)
    await report(rooms, "2026-10-14")
    assert ("OVERDUE", ["UNLISTED"], True) == await standing(rooms, SH, "2026-10-13")
    assert ("MENDED", ["RECORDED"], True) == await standing(rooms, SH, "2026-10-14")
    assert "M12-MENDED" == rule_of(await refused(report(rooms, "2026-10-15")))
    await rooms.lift(SH, "310000-M1", "2062-10-01")
    await rooms.lift(SH, "310000-M1", "2026-10-01")
    (row,) = await listed(rooms, on_date="2026-10-13")
    assert order == row.measure
    assert ("M22-RECTIFICATION", "310000", 3) == (row.rule, row.author, row.entry.index)
    assert [("2026-10-12", False), ("2026-10-14", True)] == [
        (each.report_date, each.accepted) for each in row.reports
    ]
    assert ("2026-10-01", "MENDED") == (row.lift.effective_date, row.lift.reason)
    assert ("LIFTED", ["RECORDED"], True) == await standing(rooms, SH, "2026-10-13")


async def test_all_violations_at_once(rooms: Rooms) -> None:
    """One refusal names every field, and nothing is kept."""
    body = measure_body(
        "310000", institution_id="", kind=0, from_date="soon", reason="a person", due_date="x"
    )
    request = sup_pb.TakeMeasureRequest(
        request_id="1", duty=Duty(maker="a-1", reviewer="a-1"), measure=body
    )
    refusal = await refused(rooms.supervision[SH].take_measure(request, rooms.call(SH)))
    assert Reason.INVALID_FIELD is refusal.reason
    assert [
        "request_id",
        "duty.reviewer",
        "measure.measure_id",
        "measure.kind",
        "measure.institution_id",
        "measure.from_date",
        "measure.due_date",
        "measure.reason",
    ] == [each.field for each in refusal.violations]
    assert [] == await ids(rooms)


@pytest.mark.parametrize(
    "body, rule",
    [
        (measure_body("320000-M1", institution_id="310000-1"), "M03-NOT-OWN"),
        (measure_body(institution_id="310000-9"), "M06-SUBJECT-UNKNOWN"),
        (measure_body(certificate_no="310000-C9"), "M06-SUBJECT-UNKNOWN"),
        (measure_body(inspection_id="310000-I9"), "M08-INSPECTION-UNKNOWN"),
        (measure_body(due_date="2026-10-10"), "M09-DUE-DATE"),
    ],
)
async def test_measure_refused(rooms: Rooms, body: pb.SupervisionMeasure, rule: str) -> None:
    """What breaks a rule, or names nobody, is refused with the rule in both languages."""
    refusal = await refused(rooms.take(SH, body))
    assert rule == rule_of(refusal)
    assert refusal.details["text_zh"]
    assert [] == await ids(rooms)


async def test_inspection_refused(rooms: Rooms) -> None:
    """An inspection is of somebody known, with members, and not of tomorrow."""
    stranger = inspection_body(joined_by=("440000",))
    assert "M05-NO-MEMBER" == rule_of(await refused(inspect(rooms, stranger)))
    nobody = inspection_body(institution_id="310000-9")
    assert "M06-SUBJECT-UNKNOWN" == rule_of(await refused(inspect(rooms, nobody)))
    today = rooms.nodes.clock.now().date().isoformat()
    await inspect(rooms, inspection_body(inspection_date=today))
    late = inspection_body("310000-I2", inspection_date="2999-01-01")
    assert Reason.INVALID_FIELD is (await refused(inspect(rooms, late))).reason


async def test_certificate_must_be_known(rooms: Rooms) -> None:
    """A measure against the holder of a certificate names one that a log states."""
    await rooms.issue(SH, certificate_body("310000-C1"))
    await rooms.take(SH, measure_body(certificate_no="310000-C1"))
    (row,) = await listed(rooms, on_date="2026-10-01", certificate_no="310000-C1")
    assert [sup_pb.MEASURE_EFFECT_NOT_RECOGNISED] == list(row.effects)


async def test_repetition_gets_the_first_answer(rooms: Rooms) -> None:
    """The same request again appends nothing; another under its id is refused."""
    request = sup_pb.TakeMeasureRequest(request_id=request_id(), duty=DUTY, measure=measure_body())
    call = rooms.call(SH, "Take")
    first = await rooms.supervision[SH].take_measure(request, call)
    assert first == await rooms.supervision[SH].take_measure(request, call)
    request.measure.reason = "OTHER"
    refusal = await refused(rooms.supervision[SH].take_measure(request, call))
    assert Reason.REQUEST_ID_REUSED is refusal.reason
    again = await refused(rooms.take(SH, measure_body()))
    assert ("M04-ID-TAKEN", Reason.ALREADY_EXISTS) == (rule_of(again), again.reason)


async def test_only_the_own_province_writes(rooms: Rooms) -> None:
    """Whatever the edge let in."""
    caller = Principal(province=JS, role="system", opaque_id="sys-1")
    call = Call(caller=caller, method="/x/Y", now=rooms.nodes.clock.now())
    request = sup_pb.TakeMeasureRequest(request_id=request_id(), duty=DUTY, measure=measure_body())
    refusal = await refused(rooms.supervision[SH].take_measure(request, call))
    assert Reason.WRONG_PROVINCE is refusal.reason


# --- Reads ----------------------------------------------------------------------------------------


async def test_filters(rooms: Rooms) -> None:
    """Measures are found by id, author, subject and by whether they hold on a day."""
    await rooms.take(SH, measure_body("310000-M1"))
    await rooms.take(SH, measure_body("310000-M2", institution_id="310000-2"))
    await rooms.take(SH, measure_body("310000-M3", until_date="2026-10-01"))
    await rooms.take(SH, measure_body("310000-M4", from_date="2026-10-03"))
    await rooms.lift(SH, "310000-M1", "2026-10-02")
    every = ["310000-M1", "310000-M2", "310000-M3", "310000-M4"]
    assert every == await ids(rooms)
    assert every == await ids(rooms, author=SH)
    assert [] == await ids(rooms, author=JS)
    assert ["310000-M2"] == await ids(rooms, institution_id="310000-2")
    assert ["310000-M3"] == await ids(rooms, measure_id="310000-M3")
    assert every[:3] == await ids(rooms, in_force_only=True, on_date="2026-10-01")
    assert every[1:2] == await ids(rooms, in_force_only=True, on_date="2026-10-02")
    assert [every[1], every[3]] == await ids(rooms, in_force_only=True, on_date="2026-10-03")


async def test_pages(rooms: Rooms) -> None:
    """Pages follow on one another; a token is good for its own question only."""
    for number in range(5):
        await rooms.take(SH, measure_body(f"310000-M{number}"))
        await inspect(rooms, inspection_body(f"310000-I{number}"))
    service, call = rooms.supervision[SH], rooms.call(SH)
    found, token = [], ""
    while True:
        request = sup_pb.ListMeasuresRequest(page_size=2, page_token=token)
        page = await service.list_measures(request, call)
        found.append([row.measure.measure_id for row in page.measures])
        token = page.next_page_token
        if not token:
            break
        kept = token
    assert [["310000-M0", "310000-M1"], ["310000-M2", "310000-M3"], ["310000-M4"]] == found
    other = sup_pb.ListMeasuresRequest(page_token=kept, in_force_only=True)
    refusal = await refused(service.list_measures(other, call))
    assert ["page_token"] == [each.field for each in refusal.violations]
    first = await service.list_inspections(sup_pb.ListInspectionsRequest(page_size=3), call)
    rest = await service.list_inspections(
        sup_pb.ListInspectionsRequest(page_size=3, page_token=first.next_page_token), call
    )
    assert [f"310000-I{number}" for number in range(5)] == [
        row.inspection.inspection_id for row in (*first.inspections, *rest.inspections)
    ]


async def test_inspections_by_whom_and_of_whom(rooms: Rooms) -> None:
    """Inspections are shown with their place, filtered by author and institution."""
    await inspect(rooms, inspection_body(joined_by=(JS,)))
    service, call = rooms.supervision[SH], rooms.call(SH)

    async def found(**wanted: str) -> list[sup_pb.StatedInspection]:
        request = sup_pb.ListInspectionsRequest(**wanted)  # type: ignore[arg-type]  # by name
        return list((await service.list_inspections(request, call)).inspections)

    (row,) = await found(author=SH, institution_id="310000-1")
    assert inspection_body(joined_by=(JS,)) == row.inspection
    assert (SH, "deltacare/310000/registry", 2) == (row.author, row.entry.log, row.entry.index)
    assert [] == await found(author=JS)
    assert [] == await found(institution_id="310000-2")


@pytest.mark.parametrize(
    "wanted, fields",
    [
        ({"page_size": 1_001}, ["page_size"]),
        ({"author": "31"}, ["author"]),
        ({"measure_id": "M1"}, ["measure_id"]),
        ({"institution_id": "1"}, ["institution_id"]),
        ({"certificate_no": "1"}, ["certificate_no"]),
        ({"on_date": "today"}, ["on_date"]),
        (
            {"institution_id": "310000-1", "certificate_no": "310000-C1"},
            ["certificate_no"],
        ),
    ],
)
async def test_bad_questions(rooms: Rooms, wanted: dict[str, object], fields: list[str]) -> None:
    """A question that cannot be read names its field."""
    refusal = await refused(listed(rooms, SH, **wanted))
    assert fields == [each.field for each in refusal.violations]


async def test_today_is_the_default_day(rooms: Rooms) -> None:
    """Without a day, a measure stands where it stands today in Asia/Shanghai."""
    await rooms.take(SH, measure_body(from_date="2000-01-01", until_date="2000-01-02"))
    await rooms.take(SH, measure_body("310000-M2", from_date="2000-01-01"))
    assert [sup_pb.MEASURE_STATE_ENDED, sup_pb.MEASURE_STATE_IN_FORCE] == [
        row.state for row in await listed(rooms)
    ]


# --- Over four nodes ------------------------------------------------------------------------------


async def test_ban_seen_by_the_others_and_lifted(four: Rooms) -> None:
    """A ban by the institution's province counts everywhere, until a new entry lifts it."""
    day = date(2026, 10, 5)
    await four.take(SH, measure_body())
    await four.spread(SH)
    for node in PROVINCES:
        ban = ("IN_FORCE", ["UNLISTED", "NOT_RECOGNISED"], True)
        assert ban == await standing(four, node, "2026-10-05")
        for province in PROVINCES:
            assert "310000-M1" == await barred(four, node, province, day)
    await four.lift(SH, "310000-M1", "2026-10-05")
    await four.spread(SH)
    for node in PROVINCES:
        assert ("LIFTED", ["RECORDED"], True) == await standing(four, node, "2026-10-05")
        assert None is await barred(four, node, JS, day)
        assert "310000-M1" == await barred(four, node, JS, date(2026, 10, 4))


async def test_ban_of_another_province_counts_there(four: Rooms) -> None:
    """A measure against another province's institution counts in the author's province alone."""
    day = date(2026, 10, 5)
    await four.take(JS, measure_body("320000-M1", institution_id="310000-1"))
    await four.spread(JS)
    for node in PROVINCES:
        (row,) = await listed(four, node, institution_id="310000-1", on_date="2026-10-05")
        assert (JS, False) == (row.author, row.everywhere)
        assert {SH: None, JS: "320000-M1", ZJ: None} == {
            province: await barred(four, node, province, day) for province in (SH, JS, ZJ)
        }


async def test_ban_counts_before_its_quorum_and_the_lift_after(four: Rooms) -> None:
    """What restricts counts once it is verified; what gives back once a quorum cosigned it."""
    await four.take(SH, measure_body())
    await four.spread(SH)
    network = four.nodes.network
    # Zhejiang and Anhui are gone: Jiangsu hears Shanghai, which gets no quorum of two.
    for province in (ZJ, "340000"):
        network.isolate(province)
    await four.lift(SH, "310000-M1", "2026-10-02")
    await four.take(SH, measure_body("310000-M2", from_date="2026-12-01"))
    log = LogName.registry(SH)
    await four.nodes[JS].holds(log, 4)
    assert ["310000-M1", "310000-M2"] == await ids(four, JS)
    first, second = await listed(four, JS, on_date="2026-12-01")
    assert sup_pb.MEASURE_STATE_IN_FORCE == first.state
    assert "2026-10-02" == first.lift.effective_date
    assert sup_pb.MEASURE_STATE_IN_FORCE == second.state
    assert "310000-M1" == await barred(four, JS, JS, date(2026, 12, 1))
    # At the author its own word counts at once.
    own, _ = await listed(four, SH, on_date="2026-12-01")
    assert sup_pb.MEASURE_STATE_LIFTED == own.state
    for province in (ZJ, "340000"):
        for other in PROVINCES:
            if other != province:
                network.heal(province, other)
    await four.nodes[JS].has_quorum(log, 4)
    first, _ = await listed(four, JS, on_date="2026-12-01")
    assert sup_pb.MEASURE_STATE_LIFTED == first.state
    assert None is await barred(four, JS, JS, date(2026, 11, 30))
    assert "310000-M2" == await barred(four, JS, JS, date(2026, 12, 1))
