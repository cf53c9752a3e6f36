"""Filing: what is accepted, what is refused and how, and that a repetition changes nothing."""

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
