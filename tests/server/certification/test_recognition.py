"""Recognition at real nodes: places, measures, holders, schemes, and answers to suspensions."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from deltacare.errors import PeerFault, Reason, Refusal, Unavailable
from deltacare.v1 import certification_service_pb2 as cert_pb
from deltacare.v1 import entry_pb2 as pb
from server.certification import holders
from tests.support.certifying import NAME
from tests.support.federation import PROVINCES
from tests.support.rooms import DUTY, Rooms, agreement_body, certificate_body, request_id

SH, JS, ZJ, AH = PROVINCES
NUMBER = "320000-C1"
# Generated, with a right check character, of a division that does not exist: nobody's.
IDENTITY = "999999190001010007"


def ban(author: str, **changes: object) -> pb.SupervisionMeasure:
    """Return a ban on the holder."""
    fields: dict[str, object] = {
        "measure_id": f"{author}-M1",
        "kind": pb.MEASURE_KIND_BAN,
        "certificate_no": NUMBER,
        "from_date": "2026-11-01",
        "reason": "ABUSE",
    }
    return pb.SupervisionMeasure(**{**fields, **changes})  # type: ignore[arg-type]  # a test's own


async def suspend(rooms: Rooms, day: str = "2026-11-20") -> None:
    """Let Shanghai suspend its recognition, and everybody see it."""
    await rooms.certification[SH].suspend_recognition(
        cert_pb.SuspendRecognitionRequest(
            request_id=request_id(),
            duty=DUTY,
            suspension=pb.RecognitionSuspension(
                certificate_no=NUMBER, effective_date=day, reason="COMPLAINT"
            ),
        ),
        rooms.call(SH, "SuspendRecognition"),
    )
    await rooms.spread(SH)


async def answered(
    rooms: Rooms, word: int, *, by: str = JS, **changes: object
) -> cert_pb.AnswerRecognitionSuspensionResponse:
    """Answer the suspension."""
    body = pb.RecognitionAnswer(certificate_no=NUMBER, host=SH, reason="LOOKED_INTO", **changes)  # type: ignore[arg-type]  # a test's own
    body.word = word  # type: ignore[assignment]  # a number of the enum
    response = await rooms.certification[by].answer_recognition_suspension(
        cert_pb.AnswerRecognitionSuspensionRequest(request_id=request_id(), duty=DUTY, answer=body),
        rooms.call(by, "Answer"),
    )
    await rooms.spread(by)
    return response


async def listed(
    rooms: Rooms, province: str, **fields: object
) -> list[cert_pb.StandingRecognitionSuspension]:
    """List suspensions at a node."""
    response = await rooms.certification[province].list_recognition_suspensions(
        cert_pb.ListRecognitionSuspensionsRequest(**fields),  # type: ignore[arg-type]  # a test's own
        rooms.call(province, "List"),
    )
    return list(response.suspensions)


async def rule(rooms: Rooms, province: str, **fields: object) -> str:
    """Return the rule that decides a check."""
    return (await rooms.check(province, NUMBER, **fields)).rule[:3]


async def test_a_measure_is_noticed_at_once_by_what_was_remembered(four: Rooms) -> None:
    """By the own province everywhere, by a host there alone; lifted by a new entry."""
    for _ in range(2):
        assert ["R22", "R14"] == [await rule(four, SH), await rule(four, JS)]
    await four.take(SH, ban(SH))
    await four.spread(SH)
    for _ in range(2):
        assert ["R16", "R14"] == [await rule(four, SH), await rule(four, JS)]
    await four.take(JS, ban(JS))
    await four.spread(JS)
    for _ in range(2):
        assert ["R12"] * 3 == [await rule(four, each) for each in (SH, JS, AH)]
    await four.lift(JS, f"{JS}-M1", "2026-11-20")
    await four.spread(JS)
    assert ["R16", "R14"] == [await rule(four, SH), await rule(four, JS)]
    # What was so on a past day stays so.
    assert "R12" == await rule(four, JS, on_date="2026-11-10")


async def test_a_measure_against_an_institution_bars_its_certificates(four: Rooms) -> None:
    """Also one whose facts were in memory before."""
    body = certificate_body(
        "320000-C9",
        subject=pb.CERTIFICATE_SUBJECT_INSTITUTION,
        scheme="GB_T_37276",
        institution_id="320000-1",
    )
    from tests.support.rooms import institution_body

    await four.register(JS, institution_body("320000-1"))
    await four.issue(JS, body)
    assert "R14" == (await four.check(JS, "320000-C9")).rule[:3]
    await four.take(JS, ban(JS, certificate_no="", institution_id="320000-1"))
    checked = await four.check(JS, "320000-C9")
    assert ("R12-BARRED", "ABUSE") == (checked.rule, checked.reason)
    # On a day before the measure it was not known to hold, whichever way it is asked.
    assert "R14" == (await four.check(JS, "320000-C9", on_date="2026-10-31")).rule[:3]


async def test_places_of_any_level(four: Rooms) -> None:
    """A division is named in 2 to 12 digits; what is no division of a member is refused."""
    for host, place in (
        ("31", "310000"), ("3101", "310100"), ("310105", "310105"),
        ("310105001", "310105001"), ("310105001002", "310105001002"), ("310108", "310108"),
    ):  # fmt: skip
        checked = await four.check(SH, NUMBER, host=host)
        assert (place, "R22-RECOGNISED") == (checked.host, checked.rule)
    for host in ("440000", "3", "310005", "somewhere"):
        with pytest.raises(Refusal) as caught:
            await four.check(SH, NUMBER, host=host)
        assert ["host"] == [each.field for each in caught.value.violations]


async def test_an_agreement_of_a_district_carries_inside_it_only(four: Rooms) -> None:
    """The district and its streets, not the city, once it takes the wider one's place."""
    again = agreement_body(
        parties=("310105", "320000"),
        predecessor_hash=(await _newest(four)),
    )
    await four.agree(again)
    for host, expected in (("310105", "R22"), ("310105001", "R22"), ("", "R21"), ("310104", "R21")):
        assert expected == await rule(four, SH, host=host)


async def _newest(rooms: Rooms) -> bytes:
    """Return the hash of the newest version of the agreement."""
    from server.registry.store import load_agreement_histories

    found = await rooms.nodes[SH].database.read(load_agreement_histories)
    return found["310000-A1"].versions[-1].version_hash


def compare(rooms: Rooms, same: object) -> list[str]:
    """Let identity numbers be compared at Shanghai's node as said; return what is asked for."""
    asked: list[str] = []

    class Comparer:
        async def same(self, certificate_no: str, issuer: str, identity_number: str) -> bool | None:
            asked.append(f"{certificate_no} {issuer} {identity_number}")
            if same == "hangs":
                await asyncio.Event().wait()
            if same == "refuses":
                raise PeerFault(Reason.BAD_PROOF, "no")
            return same  # type: ignore[return-value]  # a test's own

    rooms.certification[SH]._room.checker._holders._comparer = Comparer()
    return asked


@pytest.mark.parametrize("same", [None, "refuses", "hangs"])
async def test_a_network_accuses_nobody(
    four: Rooms, monkeypatch: pytest.MonkeyPatch, same: object
) -> None:
    """Where the issuer cannot be asked nothing is said or signed of the holder, now or then."""
    monkeypatch.setattr(holders, "IDENTITY_WAIT_S", 0.2)
    compare(four, same)
    request = cert_pb.CheckCertificationRequest(
        certificate_no=NUMBER, identity_number=IDENTITY, evidence=True
    )
    for is_past in (False, True):
        if is_past:
            request.known_time.FromDatetime(four.nodes.clock.now())
        with pytest.raises(Unavailable) as caught:
            await four.certification[SH].check_certification(request, four.call(SH))
        assert Reason.PEER_UNREACHABLE is caught.value.reason
        assert IDENTITY not in caught.value.message
    # A name that differs was compared here; what asks for no holder decides as it did.
    assert "R06" == await rule(four, SH, holder_name="示例乙", identity_number=IDENTITY)
    unknown = await four.check(SH, "320000-C99", identity_number=IDENTITY)
    foreign = await four.check(SH, "510000-C1", identity_number=IDENTITY)
    assert ("R05-NOT-FOUND", "R01-ISSUER") == (unknown.rule, foreign.rule)


@pytest.mark.parametrize(
    "same, holder_name, expected",
    [
        (True, "", "R22"),
        (True, NAME, "R22"),
        (True, "示例乙", "R06"),
        (False, NAME, "R06"),
    ],
)
async def test_the_holder_by_name_and_number(
    four: Rooms, same: object, holder_name: str, expected: str
) -> None:
    """Both must match."""
    asked = compare(four, same)
    fields = {"holder_name": holder_name, "identity_number": IDENTITY}
    assert expected == await rule(four, SH, **fields)
    assert asked == ([] if holder_name == "示例乙" else [f"{NUMBER} {JS} {IDENTITY}"])
    # The same for a past moment, and never remembered for whoever does not ask.
    request = cert_pb.CheckCertificationRequest(certificate_no=NUMBER, **fields)  # type: ignore[arg-type]  # a test's own
    request.known_time.FromDatetime(four.nodes.clock.now())
    past = await four.certification[SH].check_certification(request, four.call(SH))
    assert expected == past.rule[:3]
    assert "R22" == await rule(four, SH)


async def test_an_identity_number_is_read_and_not_repeated(four: Rooms) -> None:
    """One with a wrong check character is refused without being said again."""
    wrong = IDENTITY[:-1] + "1"
    with pytest.raises(Refusal) as caught:
        await four.check(SH, NUMBER, identity_number=wrong)
    assert ["identity_number"] == [each.field for each in caught.value.violations]
    assert wrong not in str(caught.value.violations)


async def test_schemes_of_the_statement_then_in_force(four: Rooms) -> None:
    """The present by the present statement, a past moment by the one that was in force then."""
    then = four.nodes.clock.now()
    four.nodes.clock.advance(timedelta(minutes=5))

    class Stated:
        def at(self, province: str, known_time: object) -> frozenset[str]:
            assert province == JS
            return frozenset({"OTHER"}) if known_time > then else frozenset()  # type: ignore[operator]  # a moment

    four.certification[SH]._room.checker._schemes = Stated()
    assert "R11" == await rule(four, SH)
    request = cert_pb.CheckCertificationRequest(certificate_no=NUMBER)
    request.known_time.FromDatetime(then)
    past = await four.certification[SH].check_certification(request, four.call(SH))
    assert "R22-RECOGNISED" == past.rule


async def test_a_suspension_is_answered_by_its_issuer(four: Rooms) -> None:
    """Due after ten working days; who is looking into it has not answered; the last word counts."""
    await suspend(four)
    (open_one,) = await listed(four, JS, issuer=JS, open_only=True)
    assert (SH, "2026-12-04", False) == (
        open_one.host, open_one.answer_due_date, open_one.overdue
    )  # fmt: skip
    await answered(four, pb.RECOGNITION_WORD_INVESTIGATING)
    (still,) = await listed(four, AH, open_only=True)
    assert (pb.RECOGNITION_WORD_INVESTIGATING, open_one.suspension_hash) == (
        still.answer.word, still.answer.suspension_hash
    )  # fmt: skip
    await answered(four, pb.RECOGNITION_WORD_CONTESTED, suspension_hash=open_one.suspension_hash)
    assert [] == await listed(four, SH, open_only=True)
    (found,) = await listed(four, SH, host=SH)
    assert (pb.RECOGNITION_WORD_CONTESTED, False) == (found.answer.word, found.overdue)
    # It is an answer, no resumption: that is the host's word.
    assert "R17" == await rule(four, SH)


async def test_what_is_not_answered_in_time_is_overdue(four: Rooms) -> None:
    """From the day after the last day; an answer that came late stays late."""
    await suspend(four)
    four.nodes.clock.advance(timedelta(days=12))
    assert [False] == [each.overdue for each in await listed(four, JS)]
    four.nodes.clock.advance(timedelta(days=1))
    assert [True] == [each.overdue for each in await listed(four, JS)]


@pytest.mark.parametrize(
    "by, changes, reason, rule_code",
    [
        (AH, {}, Reason.NOT_AUTHOR, "C28-ANSWER-NOT-ISSUER"),
        (JS, {"suspension_hash": b"x" * 32}, Reason.NOT_FOUND, "C29-SUSPENSION-UNKNOWN"),
    ],
)
async def test_only_the_issuer_answers_what_was_said(
    four: Rooms, by: str, changes: dict[str, object], reason: Reason, rule_code: str
) -> None:
    """Nobody else's word, and none about a suspension that is not there."""
    await suspend(four)
    with pytest.raises(Refusal) as caught:
        await answered(four, pb.RECOGNITION_WORD_CONFIRMED, by=by, **changes)
    assert (reason, rule_code) == (caught.value.reason, caught.value.details["rule"])


async def test_nothing_to_answer(four: Rooms) -> None:
    """Without any suspension there is none to mean."""
    with pytest.raises(Refusal) as caught:
        await answered(four, pb.RECOGNITION_WORD_CONFIRMED)
    assert Reason.NOT_FOUND is caught.value.reason


async def test_pages_of_suspensions(four: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every suspension stands on one page; a token of another question is refused."""
    from server.certification import suspensions

    monkeypatch.setattr(suspensions, "_RUN", 2)
    for day in ("2026-11-10", "2026-11-12", "2026-11-14"):
        await suspend(four, day)
    call: Callable[..., object] = four.certification[SH].list_recognition_suspensions
    found, token = [], ""
    while True:
        request = cert_pb.ListRecognitionSuspensionsRequest(page_size=1, page_token=token)
        page = await call(request, four.call(SH))  # type: ignore[misc]  # a coroutine
        found += [each.suspension.effective_date for each in page.suspensions]
        token = page.next_page_token
        if not token:
            break
    assert ["2026-11-10", "2026-11-12", "2026-11-14"] == found
    with pytest.raises(Refusal):
        await listed(four, SH, page_token="AAAA", open_only=True)


async def test_a_resumption_leaves_what_begins_later(four: Rooms) -> None:
    """It ends the suspensions that hold on its day; one that is to come stands."""
    await suspend(four, "2026-11-01")
    await suspend(four, "2026-12-01")
    await four.certification[SH].resume_recognition(
        cert_pb.ResumeRecognitionRequest(
            request_id=request_id(),
            duty=DUTY,
            resumption=pb.RecognitionResumption(
                certificate_no=NUMBER, effective_date="2026-11-20", reason="CLEARED"
            ),
        ),
        four.call(SH, "ResumeRecognition"),
    )
    await four.spread(SH)
    days = ("2026-11-19", "2026-11-20", "2026-11-30", "2026-12-01")
    found = [(await four.check(SH, NUMBER, on_date=day)).rule[:3] for day in days]
    assert ["R17", "R22", "R22", "R17"] == found
    shown = await four.certification[SH].list_recognition_suspensions(
        cert_pb.ListRecognitionSuspensionsRequest(), four.call(SH)
    )
    assert ["2026-11-20", ""] == [each.resumed_date for each in shown.suspensions]


async def test_an_end_of_a_wrong_day_is_put_right(four: Rooms) -> None:
    """Ended from a later day by mistake it can be ended now; the past keeps what it knew."""
    clock = four.nodes.clock
    await end(four, "2026-12-20")
    await four.spread(SH)
    assert "R22" == (await four.check(SH, NUMBER)).rule[:3]
    before = clock.now()
    clock.advance(timedelta(minutes=5))
    await end(four, "2026-11-22")
    await four.spread(SH)
    assert "R18" == (await four.check(SH, NUMBER, on_date="2026-11-22")).rule[:3]
    past = Timestamp()
    past.FromDatetime(before)
    for day, rule in (("2026-11-22", "R22"), ("2026-12-19", "R22"), ("2026-12-20", "R18")):
        found = await four.check(SH, NUMBER, on_date=day, known_time=past)
        assert rule == found.rule[:3]
    (shown,) = (
        await four.certification[SH].list_equivalences(
            cert_pb.ListEquivalencesRequest(), four.call(SH)
        )
    ).equivalences
    assert "2026-11-22" == shown.ended_date
    with pytest.raises(Refusal) as caught:
        await end(four, "2026-11-23")
    assert "C12-EQUIVALENCE-ENDED" == caught.value.details["rule"]


async def end(rooms: Rooms, day: str) -> None:
    """Let Shanghai end its equivalence."""
    await rooms.certification[SH].end_equivalence(
        cert_pb.EndEquivalenceRequest(
            request_id=request_id(),
            duty=DUTY,
            end=pb.EquivalenceEnd(equivalence_id="310000-E1", effective_date=day, reason="REVIEW"),
        ),
        rooms.call(SH, "EndEquivalence"),
    )
