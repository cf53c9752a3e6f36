"""Filing: what is accepted, what is refused and how, and that a repetition changes nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName
from deltacare.purposes import Purpose
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.types_pb2 import Duty
from server.edge.call import Call, Disclosed
from tests.server.settlement.world import DUTY, HOME, HOST, World, day, entries
from tests.support.persons import NUMBER

LOG = LogName.settlement(HOST, HOME)


def spans(call: Call) -> list[Disclosed]:
    """Return what a call's answer discloses."""
    assert call.disclosures is not None
    return call.disclosures.spans


async def test_filing_and_lists(tmp_path: Path) -> None:
    """Batches are answered in order and idempotently; a bad one is refused whole; lists page."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=5)
        # 1. A stream goes on behind a refused batch.
        bad = world.record("bad no", 1, amount_fen=-5, beneficiary_ref="110101194910010014")
        bad.home = "340000"
        requests = [
            spb.FileRecordsRequest(
                request_id=world.request_id(), duty=DUTY, partner=HOME, records=records
            )
            for records in (
                [world.record("S1"), world.record("S2", 1)],
                [world.record("S3", 2), bad],
                [world.record(f"T{number}", 2) for number in range(20)],
            )
        ]
        first, refused, third = await world.stream(HOST, requests)
        assert (0, 2) == (first.appended.first_index, first.appended.entry_count)
        assert first.appended.checkpoint.startswith(f"{LOG}\n2\n".encode())
        assert ("INVALID_FIELD", 4) == (refused.refusal_reason, refused.fault_count)
        faults = {fault.field: fault.value for fault in refused.faults}
        assert {
            "records[1].home": f"340000/{HOST}",
            "records[1].settlement_no": "bad no",
            "records[1].beneficiary_ref": "",
            "records[1].amount_fen": "-5",
        } == faults, "each fault is named, and nothing that may be an identity number is repeated"
        assert not refused.HasField("appended")
        assert 2 == third.appended.first_index, "nothing of the refused batch was written"
        # 2. A repetition gets the first answer; other content under the id is refused.
        assert [first] == await world.stream(HOST, requests[:1])
        other = spb.FileRecordsRequest()
        other.CopyFrom(requests[0])
        other.records[0].amount_fen = 1
        (answer,) = await world.stream(HOST, [other])
        assert "REQUEST_ID_REUSED" == answer.refusal_reason
        # 3. Pages in the order of the log.
        found: list[str] = []
        token = ""
        while True:
            page = await world[HOST].settlement.list_records(
                spb.ListRecordsRequest(partner=HOME, page_size=9, page_token=token),
                world.call(HOST),
            )
            found += [each.record.settlement_no for each in page.records]
            token = page.next_page_token
            if not token:
                break
        assert ["S1", "S2", *(f"T{number}" for number in range(20))] == found
        # 4. Home's inbox holds what it has neither filed nor refused.
        await world[HOME].node.holds(LOG, 22)
        await world.file(HOME, [world.record("S1")])
        await world[HOME].settlement.refuse_records(
            spb.RefuseRecordsRequest(
                request_id=world.request_id(),
                duty=DUTY,
                partner=HOST,
                refusals=[
                    epb.RecordRefusal(settlement_no="S2", home=HOME, host=HOST, reason="UNKNOWN")
                ],
            ),
            world.call(HOME, "RefuseRecords"),
        )
        inbox = await world[HOME].settlement.list_records(
            spb.ListRecordsRequest(partner=HOST, view=spb.RECORD_VIEW_INBOX), world.call(HOME)
        )
        assert [f"T{number}" for number in range(20)] == [
            each.record.settlement_no for each in inbox.records
        ]
        own = await world[HOME].settlement.list_records(
            spb.ListRecordsRequest(
                partner=HOST, view=spb.RECORD_VIEW_OWN, filed_date=day(1), settlement_no="S1"
            ),
            world.call(HOME),
        )
        assert [("S1", day(1))] == [
            (each.record.settlement_no, each.filed_date) for each in own.records
        ]
        # 5. What cannot be: a stranger's batch, one person for both, an unknown number.
        answer = await world.file(HOST, [world.record("X")], partner="340000")
        assert "partner" == answer.faults[0].field
        same = spb.FileRecordsRequest()
        same.CopyFrom(requests[0])
        same.request_id = world.request_id()
        same.duty.CopyFrom(Duty(maker="x", reviewer="x"))
        (answer,) = await world.stream(HOST, [same])
        assert ["duty.reviewer"] == [fault.field for fault in answer.faults]
        with pytest.raises(Refusal, match="S11") as caught:
            await world.reverse(HOST, "S1", "NEVER")
        assert Reason.NOT_FOUND is caught.value.reason
        assert ["reversals[1].settlement_no"] == [v.field for v in caught.value.violations]


async def test_a_stream_of_many_batches_is_answered_in_order(tmp_path: Path) -> None:
    """Twice as many batches as may be unanswered come back in their order."""
    async with World.open(tmp_path) as world:
        requests = [
            spb.FileRecordsRequest(
                request_id=world.request_id(),
                duty=DUTY,
                partner=HOME,
                records=[world.record(f"S{number}")],
            )
            for number in range(17)
        ]
        answers = await world.stream(HOST, requests)
        assert [each.request_id for each in requests] == [each.request_id for each in answers]
        assert list(range(17)) == [each.appended.first_index for each in answers]


async def test_what_an_author_may_not_say_is_void(tmp_path: Path) -> None:
    """What verifies but breaks a numbered rule is void on both nodes, and has no effect."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=1)
        unreadable = world.record("U", amount_fen=0)
        stranger = world.record("STRANGER")
        stranger.home = "330000"
        other_key = world.record("OTHER", replaces_index=0)
        host_says = [
            *entries("settlement_record", world.record("S1"), unreadable, stranger, other_key),
            *entries("settlement_record", world.record("S1", replaces_index=0)),
            *entries("settlement_record", world.record("S1", replaces_index=0)),
            *entries("settlement_record", world.record("S1", replaces_index=99)),
            *entries("reversal", epb.Reversal(settlement_no="N", home=HOME, host=HOST, reason="E")),
            *entries(
                "hold",
                epb.Hold(
                    settlement_no="S1",
                    home=HOME,
                    host=HOST,
                    hold_class=epb.HOLD_CLASS_OVERLAP,
                    reason="E",
                ),
            ),
            *entries(
                "record_refusal",
                epb.RecordRefusal(settlement_no="S1", home=HOME, host=HOST, reason="E"),
            ),
            *entries("hold_end", epb.HoldEnd(hold_index=0, reason="E")),
            *entries(
                "enrolment_end",
                epb.EnrolmentEnd(enrolment_id="N", effective_date=day(1), reason="E"),
            ),
            *entries("day_close", epb.DayClose(business_date=day(2), rules_version=1)),
            *entries("day_close", epb.DayClose(business_date=day(1), rules_version=1)),
            *entries("day_close", epb.DayClose(business_date=day(1), rules_version=1)),
            *entries("subsidy_policy", epb.SubsidyPolicy(subsidy_kind="X")),
        ]
        await world[HOST].node.append(LOG, host_says)
        await world[HOME].node.holds(LOG, len(host_says))
        expected = [
            (1, "S04-UNREADABLE"),
            (2, "S02-WRONG-PAIR"),
            (3, "S08-REPLACES-OTHER-KEY"),
            (5, "S09-REPLACES-REPLACED"),
            (6, "S07-REPLACES-UNKNOWN"),
            (7, "S11-REVERSES-UNKNOWN"),
            (8, "S03-NOT-HOME"),
            (9, "S03-NOT-HOME"),
            (10, "S12-HOLD-UNKNOWN"),
            (11, "S06-ENROLMENT-UNKNOWN"),
            (12, "S14-CLOSE-OUT-OF-ORDER"),
            (14, "S14-CLOSE-OUT-OF-ORDER"),
            (15, "Y01-NOT-REGISTRY"),
        ]
        for province in (HOST, HOME):
            assert expected == await world.voids(province, LOG)
        # Home: a second enrolment under a number, a second end of a hold, and a close too early.
        log = LogName.settlement(HOME, HOST)
        size = world[HOME].node.logs.reader.position(log).size
        await world.enrol([0])
        hold = epb.Hold(
            settlement_no="S1",
            home=HOME,
            host=HOST,
            hold_class=epb.HOLD_CLASS_OVERLAP,
            reason="E",
        )
        end = epb.HoldEnd(hold_index=size + 1, reason="E")
        await world[HOME].node.append(log, [*entries("hold", hold), *entries("hold_end", end, end)])
        closes = [epb.DayClose(business_date=day(each), rules_version=1) for each in range(1, 23)]
        await world[HOME].node.append(log, entries("day_close", *closes))
        await world[HOST].node.holds(log, size + 4 + len(closes))
        expected = [
            (size, "S05-ENROLMENT-EXISTS"),
            (size + 3, "S13-HOLD-ENDED"),
            (size + 4 + 21, "S15-CLOSE-TOO-EARLY"),
        ]
        for province in (HOST, HOME):
            assert expected == await world.voids(province, log)


async def test_enrolment_codes(tmp_path: Path) -> None:
    """A code leads its host to the enrolment, is not kept, and every question is audited."""
    files = [tmp_path / f"{HOME}.db"]
    async with World.open(tmp_path) as world:
        service = world[HOME].settlement
        new = [
            spb.NewEnrolment(
                elder_handle=handle,
                enrolment=epb.Enrolment(
                    enrolment_id=enrolment_id,
                    home_division="320106",
                    subsidy_kinds=["CARE_BED"],
                    from_date="2026-01-01",
                ),
            )
            for enrolment_id, handle in (("A1", "h-1"), ("A2", "h-1"), ("A3", "h-2"))
        ]
        request = spb.CreateEnrolmentsRequest(
            request_id=world.request_id(), duty=DUTY, host=HOST, enrolments=new
        )
        call = world.call(HOME, "CreateEnrolments", purpose=Purpose.ENROLMENT)
        answer = await service.create_enrolments(request, call)
        log = LogName.settlement(HOME, HOST)
        first = answer.appended.first_index
        assert [Disclosed(log=log, first_index=first, entry_count=3)] == spans(call)
        tickets = answer.tickets
        assert ["A1", "A2", "A3"] == [each.enrolment_id for each in tickets]
        assert tickets[0].beneficiary_ref == tickets[1].beneficiary_ref
        assert 2 == len({each.beneficiary_ref for each in tickets})
        assert 3 == len({each.enrolment_code for each in tickets})
        assert {16} == {len(each.enrolment_code) for each in tickets}
        assert answer == await service.create_enrolments(request, call)
        request.request_id = world.request_id()
        with pytest.raises(Refusal, match="S05"):
            await service.create_enrolments(request, call)
        # The host's node asks home's.
        code = tickets[2].enrolment_code
        asked = spb.ResolveEnrolmentRequest(
            home=HOME, enrolment_code=f"{code[:4]}-{code[4:].lower()}"
        )
        call = world.call(HOST, purpose=Purpose.CARE_PLACEMENT)
        found = await world[HOST].settlement.resolve_enrolment(asked, call)
        # Both nodes say which entry they disclose, home for whom its partner asks.
        expected = [Disclosed(log=log, first_index=first + 2, entry_count=1)]
        (asked_home,) = world.asked
        assert (expected, expected) == (spans(call), spans(asked_home))
        assert Purpose.CARE_PLACEMENT is asked_home.purpose
        assert asked_home.disclosures is not None
        assert "sys-1" == asked_home.disclosures.on_behalf_of
        assert ("A3", tickets[2].beneficiary_ref) == (
            found.enrolment.enrolment_id,
            found.enrolment.beneficiary_ref,
        )
        assert str(LogName.settlement(HOME, HOST)) == found.entry.log
        # To another host it says no more than of a code that never was.
        for province, wrong in (("330000", code), (HOST, "A" * 16), (HOST, "no code")):
            asked = spb.ResolveEnrolmentRequest(home=HOME, enrolment_code=wrong, principal="p-1")
            call = world.call(province, role="peer", purpose=Purpose.SETTLEMENT)
            with pytest.raises(Refusal) as caught:
                await service.resolve_enrolment(asked, call)
            assert "NOT_FOUND: No enrolment stands behind this code." == str(caught.value)
            assert [] == spans(call)
        end = epb.EnrolmentEnd(enrolment_id="A3", effective_date="2026-10-11", reason="MOVED")
        await service.end_enrolment(
            spb.EndEnrolmentRequest(request_id=world.request_id(), duty=DUTY, host=HOST, end=end),
            world.call(HOME, "EndEnrolment"),
        )
        asked = spb.ResolveEnrolmentRequest(home=HOME, enrolment_code=code)
        call = world.call(HOME, purpose=Purpose.DISPUTE)
        ended = await service.resolve_enrolment(asked, call)
        assert "2026-10-11" == ended.ended_date
    # No code stands anywhere in the database, nor the handle that home gave.
    stored = b"".join(path.read_bytes() for path in files)
    assert tickets[0].beneficiary_ref.encode() in stored
    assert code.encode() not in stored
    assert b"h-1" not in stored


async def test_identity_numbers_are_not_filed(tmp_path: Path) -> None:
    """In a settlement number, a certificate or who made it: named by field, never repeated."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=1)
        bad = world.record(f"NO{NUMBER}", caregiver_cert_no=f"{HOME}-C{NUMBER}")
        malformed = world.record(f"no {NUMBER}")
        requests = [
            spb.FileRecordsRequest(
                request_id=world.request_id(), duty=duty, partner=HOME, records=records
            )
            for duty, records in (
                (DUTY, [world.record("S1"), bad]),
                (DUTY, [malformed]),
                (Duty(maker=f"m-{NUMBER}", reviewer=DUTY.reviewer), [world.record("S1")]),
                (DUTY, [world.record("999999500101001")]),  # a serial number as well as any
            )
        ]
        *refused, let = await world.stream(HOST, requests)
        assert [
            ["records[1].settlement_no", "records[1].caregiver_cert_no"],
            ["records[0].settlement_no"],
            ["duty.maker"],
        ] == [[fault.field for fault in each.faults] for each in refused]
        assert NUMBER not in repr(refused)
        assert 1 == let.appended.entry_count


async def test_what_is_only_validated(tmp_path: Path) -> None:
    """It is answered as if it were filed, and nothing of it stays, not even its request id."""
    async with World.open(tmp_path) as world:
        request = spb.FileRecordsRequest(
            request_id=world.request_id(),
            duty=DUTY,
            partner=HOME,
            records=[world.record("S1")],
            validate_only=True,
        )
        bad = spb.FileRecordsRequest()
        bad.CopyFrom(request)
        bad.records.append(world.record("S2", service_month="2027-03"))
        bad.records.append(world.record("S3", replaces_index=7))
        same = spb.FileRecordsRequest()
        same.CopyFrom(request)
        same.duty.reviewer = same.duty.maker
        good, *refused = await world.stream(HOST, [request, bad, same])
        assert (request.request_id, "", False) == (
            good.request_id,
            good.refusal_reason,
            good.HasField("appended"),
        )
        assert ["INVALID_FIELD", "INVALID_FIELD"] == [each.refusal_reason for each in refused]
        assert ["records[1].service_month"] == [each.field for each in refused[0].faults]
        assert ["duty.reviewer"] == [each.field for each in refused[1].faults]
        # The same id files other content then, and it stands at the beginning of the log.
        request.validate_only = False
        request.records.append(world.record("S4"))
        (filed,) = await world.stream(HOST, [request])
        assert (0, 2) == (filed.appended.first_index, filed.appended.entry_count)
        # A draft says what is to be filed: in it this means nothing.
        request.validate_only = True
        call = world.call(HOST, "FileRecords")
        with pytest.raises(Refusal, match="validate_only"):
            await world[HOST].settlement.file_batch(request, call)


async def test_a_number_is_reversed_once(tmp_path: Path) -> None:
    """Again it is refused with the rule, also twice in one batch; the whole batch is named."""
    async with World.open(tmp_path) as world:
        await world.file(HOST, [world.record("S1"), world.record("S2"), world.record("S3")])
        with pytest.raises(Refusal, match="S32-REVERSED-BEFORE") as caught:
            await world.reverse(HOST, "S2", "S1", "S2")
        assert ["reversals[2].settlement_no"] == [each.field for each in caught.value.violations]
        await world.reverse(HOST, "S1", "S2")
        with pytest.raises(Refusal, match="S32-REVERSED-BEFORE") as caught:
            await world.reverse(HOST, "S1", "S3", "S2")
        assert Reason.ALREADY_EXISTS is caught.value.reason
        assert [("reversals[0].settlement_no", "S1"), ("reversals[2].settlement_no", "S2")] == [
            (each.field, each.value) for each in caught.value.violations
        ]
        # What was filed under it since can be withdrawn; the other side's word is its own.
        await world.file(HOST, [world.record("S1")])
        await world.reverse(HOST, "S1", "S3")
        await world.file(HOME, [world.record("S1")])
        await world.reverse(HOME, "S1")


async def test_a_month_that_has_not_begun(tmp_path: Path) -> None:
    """What cannot have been served yet is refused whole, row by row; the open month is not."""
    async with World.open(tmp_path) as world:
        answer = await world.file(
            HOST,
            [
                world.record("S1"),
                world.record("S2", service_month="2026-12"),
                world.record("S3", service_month="2027-03"),
            ],
        )
        assert "INVALID_FIELD" == answer.refusal_reason
        assert [
            ("records[1].service_month", "2026-12"),
            ("records[2].service_month", "2027-03"),
        ] == [(each.field, each.value) for each in answer.faults]
        (said,) = {each.description for each in answer.faults}
        assert said.startswith(f"The month begins after {day(1)}, the business date")
        assert all(each.remedy for each in answer.faults)
        answer = await world.file(HOST, [world.record("S4", service_month="2026-11")])
        assert not answer.refusal_reason
        # Once its first day is the open date, a month can be filed.
        world.nodes.clock.advance(timedelta(days=40))
        await world.close(30)
        answer = await world.file(HOST, [world.record("S5", service_month="2026-12")])
        assert not answer.refusal_reason, answer


async def test_a_list_of_some_numbers(tmp_path: Path) -> None:
    """Records under any of them, over pages, in the order of the log; not more than a thousand."""
    async with World.open(tmp_path) as world:
        numbers = ["S1", "S2", "S3", "S1"]
        answer = await world.file(HOST, [world.record(each) for each in numbers])
        assert not answer.refusal_reason
        request = spb.ListRecordsRequest(
            partner=HOME,
            view=spb.RECORD_VIEW_OWN,
            settlement_nos=["S3", "S1", "S3", "NONE"],
            page_size=2,
        )
        first = await world[HOST].settlement.list_records(request, world.call(HOST))
        request.page_token = first.next_page_token
        second = await world[HOST].settlement.list_records(request, world.call(HOST))
        assert ["S1", "S3", "S1"] == [
            each.record.settlement_no for each in (*first.records, *second.records)
        ]
        assert "" == second.next_page_token
        # A token is of its question.
        for changed in (["S1"], ["X"] * 1_001):
            request.settlement_nos[:] = changed
            with pytest.raises(Refusal):
                await world[HOST].settlement.list_records(request, world.call(HOST))


async def test_more_days_than_the_month_has(tmp_path: Path) -> None:
    """A kind that is paid by days has no more of them than its month; uses may be more."""
    async with World.open(tmp_path) as world:
        await world.facts(elders=2)
        meals = epb.SubsidyPolicy(
            subsidy_kind="CARE_MEAL",
            unit=epb.SUBSIDY_UNIT_USE,
            rate_fen=1_000,
            cap_fen=310_000,
            from_date="2026-01-01",
        )
        await world.registry(HOME, *entries("subsidy_policy", meals))
        await world.settled()
        days = {"service_month": "2026-02", "service_days": 29, "amount_fen": 290_000}
        answer = await world.file(
            HOST,
            [
                world.record("S1", 0, **{**days, "service_days": 28}),
                world.record("S2", 0, **days),
                world.record("NOBODY", 77, **days),
                world.record("MEALS", 0, **{**days, "subsidy_kind": "CARE_MEAL"}),
                world.record("NO-POLICY", 0, **{**days, "subsidy_kind": "CARE_BATH"}),
            ],
        )
        assert "INVALID_FIELD" == answer.refusal_reason
        assert [("records[1].service_days", "29"), ("records[2].service_days", "29")] == [
            (each.field, each.value) for each in answer.faults
        ]
        assert {"The month has 28 days."} == {each.description for each in answer.faults}
