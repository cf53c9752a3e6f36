"""The queue: what is submitted, by whom, who approves it, and that it is filed once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import Principal
from deltacare.purposes import Purpose
from deltacare.v1 import entry_pb2 as epb
from deltacare.v1 import review_service_pb2 as rpb
from deltacare.v1 import settlement_service_pb2 as spb
from deltacare.v1.types_pb2 import Duty
from server.review import rules, store
from tests.server.personal.searching import found_in, spellings
from tests.server.review.queue import CLERK, LOG, OTHER_REVIEWER, REVIEWER, Queue
from tests.server.settlement.world import DUTY, HOME, HOST
from tests.support.persons import NUMBER, OTHER_NUMBER

WAITING = rpb.DRAFT_STATE_WAITING
FILED = rpb.DRAFT_STATE_FILED
REJECTED = rpb.DRAFT_STATE_REJECTED
WITHDRAWN = rpb.DRAFT_STATE_WITHDRAWN


def rule_of(caught: pytest.ExceptionInfo[Refusal]) -> str:
    """Return the number of the rule that refused."""
    return caught.value.details.get("rule", "")[:3]


def files_in(folder: Path) -> list[Path]:
    """Return every file of a folder."""
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_from_submission_to_the_log(tmp_path: Path) -> None:
    """What a clerk submits is in no log until a reviewer approves what was submitted."""
    async with Queue.open(tmp_path) as queue:
        before = queue.log_size()
        request = queue.records("S1", "S2")
        draft = await queue.submit(request, control_count=2, control_fen=600_000)
        assert (WAITING, CLERK, "", 2, 600_000, HOST) == (
            draft.state,
            draft.maker,
            draft.reviewer,
            draft.item_count,
            draft.sum_fen,
            draft.partner,
        )
        assert before == queue.log_size(), "a rehearsal leaves nothing"
        shown = await queue.get(draft)
        assert request.SerializeToString(deterministic=True) == shown.request
        assert draft.digest == shown.digest
        filed = await queue.approve(shown)
        assert (FILED, REVIEWER, before, 2) == (
            filed.state,
            filed.reviewer,
            filed.appended.first_index,
            filed.appended.entry_count,
        )
        assert [
            (CLERK, REVIEWER, request.request_id, 0, "S1"),
            (CLERK, REVIEWER, request.request_id, 1, "S2"),
        ] == [
            (
                each.maker,
                each.reviewer,
                each.request_id,
                each.request_position,
                each.settlement_record.settlement_no,
            )
            for each in await queue.entries(before)
        ]
        # A second approval, by whomever, gets the first answer.
        assert filed.appended == (await queue.approve(shown)).appended
        again = await queue.approve(shown, reviewer=OTHER_REVIEWER)
        assert (filed.appended, REVIEWER) == (again.appended, again.reviewer)
        assert before + 2 == queue.log_size()
        # So does a second submission.
        same = await queue.submit(request, control_count=2, control_fen=600_000)
        assert (FILED, filed.appended) == (same.state, same.appended)
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.records("S1"), request_id=request.request_id)
        assert Reason.INVALID_FIELD is caught.value.reason, "the inner id is another"
        other = queue.records("S9")
        other.request_id = request.request_id
        with pytest.raises(Refusal) as caught:
            await queue.submit(other)
        assert Reason.REQUEST_ID_REUSED is caught.value.reason


async def test_every_fault_is_named_when_it_is_submitted(tmp_path: Path) -> None:
    """A request is checked as if it were filed, and nothing of a bad one is kept."""
    async with Queue.open(tmp_path) as queue:
        request = queue.records("S1", "S2")
        request.records[0].amount_fen = 0
        request.records[1].service_month = "2026-13"
        with pytest.raises(Refusal) as caught:
            await queue.submit(request)
        assert {"records[0].amount_fen", "records[1].service_month"} == {
            each.field for each in caught.value.violations
        }
        # What only the log knows is asked as well.
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.reversals("NEVER-FILED"))
        assert Reason.NOT_FOUND is caught.value.reason
        assert ["reversals[0].settlement_no"] == [each.field for each in caught.value.violations]
        # 总分核对: both figures are told.
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.records("S1"), control_count=2, control_fen=299_999)
        assert {"control_count": "2", "control_fen": "299999"} == {
            each.field: each.value for each in caught.value.violations
        }
        assert "300000" in caught.value.violations[1].description
        assert [] == await queue.waiting()


@pytest.mark.parametrize(
    "change, field",
    [
        ({"method": "/deltacare.v1.SettlementService/CloseDay"}, "method"),
        ({"method": "FileRecords"}, "method"),
        ({"request": b"\xff\xff\xff"}, "request"),
        ({"request_id": "1"}, "request_id"),
    ],
)
async def test_hostile_submissions(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    """What is no submission is refused by name and breaks nothing."""
    async with Queue.open(tmp_path) as queue:
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.records("S1"), **change)
        assert Reason.INVALID_FIELD is caught.value.reason
        assert field in {each.field for each in caught.value.violations}
        assert [] == await queue.waiting()


async def test_the_request_within_is_held_to_the_edge(tmp_path: Path) -> None:
    """Unknown fields, a duty, an identity number and a size are refused within as well."""
    async with Queue.open(tmp_path) as queue:
        plain = queue.records("S1")
        data = plain.SerializeToString(deterministic=True)
        signed = queue.records("S1")
        signed.duty.CopyFrom(Duty(maker=CLERK, reviewer=REVIEWER))
        personal = queue.records(NUMBER)
        unknown = data + b"\xfa\x3f\x01x"
        for request, given, field in (
            (plain, unknown, "1023"),
            (signed, signed.SerializeToString(), "request.duty"),
            (personal, personal.SerializeToString(), "records[0].settlement_no"),
        ):
            with pytest.raises(Refusal) as caught:
                await queue.submit(request, request=given)
            assert [field] == [each.field for each in caught.value.violations]
            assert not any(NUMBER in each.value for each in caught.value.violations)
        with pytest.raises(Refusal) as caught:
            await queue.submit(plain, request=bytes(rules.REQUEST_BYTES_MAX + 1))
        assert Reason.TOO_LARGE is caught.value.reason


async def test_who_may_do_what(tmp_path: Path) -> None:
    """Roles by the kind of request; the maker never reviews, in whatever role."""
    async with Queue.open(tmp_path) as queue:
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.records("S1"), role="payer", maker="payer-1")
        assert Reason.ROLE_NOT_ALLOWED is caught.value.reason
        draft = await queue.submit(queue.records("S1"))
        with pytest.raises(Refusal) as caught:
            await queue.approve(draft, reviewer="payer-1", role="payer")
        assert Reason.ROLE_NOT_ALLOWED is caught.value.reason
        with pytest.raises(Refusal) as caught:
            await queue.approve(draft, reviewer=CLERK)
        assert "V01" == rule_of(caught)
        with pytest.raises(Refusal) as caught:
            await queue.reject(draft, reviewer=CLERK)
        assert "V01" == rule_of(caught)
        with pytest.raises(Refusal) as caught:
            await queue.approve(draft, digest=bytes(32))
        assert "V03" == rule_of(caught)
        with pytest.raises(Refusal) as caught:
            await queue.withdraw(draft, maker="clerk-2")
        assert "V04" == rule_of(caught)
        assert [draft] == await queue.waiting(), "none of it changed anything"


async def test_rejected_and_withdrawn(tmp_path: Path) -> None:
    """What was sent back or taken back is never filed, and lists say why."""
    async with Queue.open(tmp_path) as queue:
        before = queue.log_size()
        one, two, three = [await queue.submit(queue.records(f"S{number}")) for number in range(3)]
        rejected = await queue.reject(one)
        assert (REJECTED, REVIEWER, "WRONG_MONTH") == (
            rejected.state,
            rejected.reviewer,
            rejected.reason,
        )
        assert WITHDRAWN == (await queue.withdraw(two)).state
        for draft in (one, two):
            with pytest.raises(Refusal) as caught:
                await queue.approve(draft)
            assert "V02" == rule_of(caught)
            with pytest.raises(Refusal) as caught:
                await queue.withdraw(draft)
            assert "V02" == rule_of(caught)
        with pytest.raises(Refusal) as caught:
            await queue.reject(three, reason="wrong month")
        assert Reason.INVALID_FIELD is caught.value.reason
        assert [three.name] == [each.name for each in await queue.waiting()]
        every = await queue.waiting(*range(1, 5))
        assert [one.name, two.name, three.name] == [each.name for each in every]
        assert before == queue.log_size()


async def test_two_reviewers_at_once(tmp_path: Path) -> None:
    """Of two who approve at the same time one files, and both hear the same."""
    async with Queue.open(tmp_path) as queue:
        before = queue.log_size()
        draft = await queue.submit(queue.records("S1"))
        found = await asyncio.gather(
            *(queue.approve(draft, reviewer=f"reviewer-{number % 2 + 1}") for number in range(8))
        )
        assert before + 1 == queue.log_size()
        assert 1 == len({(each.appended.first_index, each.reviewer) for each in found})
        (entry,) = await queue.entries(before)
        assert found[0].reviewer == entry.reviewer


async def test_an_end_and_an_approval_at_once(tmp_path: Path) -> None:
    """Whoever comes first decides: a draft is filed or withdrawn, never both."""
    async with Queue.open(tmp_path) as queue:
        for number in range(4):
            before = queue.log_size()
            draft = await queue.submit(queue.records(f"S{number}"))
            await asyncio.gather(
                queue.approve(draft), queue.withdraw(draft), return_exceptions=True
            )
            (row,) = [
                each for each in await queue.waiting(FILED, WITHDRAWN) if each.name == draft.name
            ]
            assert (row.state == FILED) == (queue.log_size() == before + 1)


async def test_a_crash_between_append_and_mark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mark is made with the entries: what breaks leaves neither, and a retry files once."""
    async with Queue.open(tmp_path) as queue:
        before = queue.log_size()
        draft = await queue.submit(queue.records("S1"))
        real = store.mark_filed

        def broken(*arguments: Any, **options: Any) -> None:
            real(*arguments, **options)
            raise OSError("the power went")

        monkeypatch.setattr(store, "mark_filed", broken)
        with pytest.raises(OSError, match="power"):
            await queue.approve(draft)
        monkeypatch.setattr(store, "mark_filed", real)
        assert before == queue.log_size()
        assert [WAITING] == [each.state for each in await queue.waiting()]
        filed = await queue.approve(draft, reviewer=OTHER_REVIEWER)
        assert (before, OTHER_REVIEWER) == (filed.appended.first_index, filed.reviewer)
        assert before + 1 == queue.log_size()


async def test_what_no_longer_fits_waits_on(tmp_path: Path) -> None:
    """A draft that is refused now keeps the refusal and is filed once nothing stands against it."""
    async with Queue.open(tmp_path) as queue:
        world = queue.world
        await world.file(HOST, [world.record("S1")])
        await world[HOME].node.holds(LOG.__class__.settlement(HOST, HOME), 1)
        refusing = spb.RefuseRecordsRequest(
            request_id=world.request_id(),
            partner=HOST,
            refusals=[
                epb.RecordRefusal(settlement_no="S1", home=HOME, host=HOST, reason="UNKNOWN")
            ],
        )
        draft = await queue.submit(refusing)
        await world.file(HOME, [world.record("S1")])
        for reviewer in (REVIEWER, REVIEWER, OTHER_REVIEWER):
            with pytest.raises(Refusal, match="S23"):
                await queue.approve(draft, reviewer=reviewer)
        (waiting,) = await queue.waiting()
        assert WAITING == waiting.state
        assert "S23" in waiting.refusal
        await world.reverse(HOME, "S1")
        filed = await queue.approve(draft)
        assert (FILED, "") == (filed.state, filed.refusal)


async def test_duties_exclude_each_other(tmp_path: Path) -> None:
    """Who tries two of the three duties is refused when submitting and when approving."""
    async with Queue.open(tmp_path) as queue:
        # Two drafts of one person wait, which is no duty yet; the first that is filed makes it one.
        policy = await queue.submit(queue.policy(), maker="both-1")
        records = await queue.submit(queue.records("S1"), maker="both-1")
        await queue.approve(policy, reviewer="city-2")
        with pytest.raises(Refusal) as caught:
            await queue.approve(records)
        assert "S24" == rule_of(caught)
        # Who set policy submits no records.
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.records("S2"), maker="both-1")
        assert "S24" == rule_of(caught)
        # Who reviewed records neither makes nor reviews policy.
        await queue.approve(await queue.submit(queue.records("S3")))
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.policy("CARE_BATH"), maker=REVIEWER)
        assert "S22" == rule_of(caught)
        bath = await queue.submit(queue.policy("CARE_BATH"), maker="city-1")
        with pytest.raises(Refusal) as caught:
            await queue.approve(bath)
        assert "S22" == rule_of(caught)


async def test_values_of_persons_are_sealed_and_wiped(tmp_path: Path) -> None:
    """An enrolment's values are sealed at rest, shown for a purpose, and gone once it is filed."""
    async with Queue.open(tmp_path) as queue:
        request = queue.enrolments([NUMBER, OTHER_NUMBER])
        draft = await queue.submit(request)
        assert b"" == draft.digest, "nobody tries guesses against a digest"
        hidden = {text: spellings(text) for text in (NUMBER, OTHER_NUMBER, "handle-of-1")}
        files = files_in(tmp_path)
        assert any(b"review_drafts" in path.read_bytes() for path in files)
        assert set() == found_in(files, hidden)
        # Without a purpose nothing says who it is.
        shown = await queue.get(draft)
        seen = spb.CreateEnrolmentsRequest.FromString(shown.request)
        assert [("Q0", "", ""), ("Q1", "", "")] == [
            (each.enrolment.enrolment_id, each.elder_handle, each.identity_number)
            for each in seen.enrolments
        ]
        assert b"" == shown.digest
        whole = await queue.get(draft, purpose=Purpose.ENROLMENT)
        assert request == spb.CreateEnrolmentsRequest.FromString(whole.request)
        # Approved without a purpose it is filed, and tells no pseudonym.
        with pytest.raises(Refusal) as caught:
            await queue.approve(shown)
        assert "V03" == rule_of(caught)
        filed = await queue.approve(whole)
        assert (FILED, b"") == (filed.state, filed.response)
        (row,) = await queue.waiting(FILED)
        assert b"" == (await queue.get(row, purpose=Purpose.ENROLMENT)).request, "it is wiped"
        # With one, the codes follow; and again, for whoever asks.
        codes = []
        for _ in range(2):
            told = await queue.approve(whole, purpose=Purpose.ENROLMENT)
            response = spb.CreateEnrolmentsResponse.FromString(told.response)
            codes.append([each.enrolment_code for each in response.tickets])
            assert 2 == len({each.beneficiary_ref for each in response.tickets})
        assert codes[0] == codes[1]
        found = await queue.world[HOST].settlement.resolve_enrolment(
            spb.ResolveEnrolmentRequest(home=HOME, enrolment_code=codes[0][1]),
            queue.world.call(HOST, "ResolveEnrolment", purpose=Purpose.SETTLEMENT),
        )
        assert "Q1" == found.enrolment.enrolment_id


async def test_rejected_enrolments_are_wiped(tmp_path: Path) -> None:
    """What is sent back leaves no value of a person behind."""
    async with Queue.open(tmp_path) as queue:
        draft = await queue.submit(queue.enrolments([NUMBER]))
        await queue.reject(draft)
        gone = await queue.get(draft, purpose=Purpose.ENROLMENT)
        assert (REJECTED, b"") == (gone.state, gone.request)


async def test_only_so_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One person's drafts are bounded; another's are not touched by it."""
    monkeypatch.setattr(rules, "DRAFTS_WAITING_MAX", 2)
    async with Queue.open(tmp_path) as queue:
        for number in range(2):
            await queue.submit(queue.records(f"S{number}"))
        with pytest.raises(Refusal) as caught:
            await queue.submit(queue.records("S8"))
        assert Reason.TOO_LARGE is caught.value.reason
        await queue.submit(queue.records("S9"), maker="clerk-2")


async def test_a_systems_call_is_not_touched(tmp_path: Path) -> None:
    """What a system files goes straight to the log; beside it a refusal stays under its id."""
    async with Queue.open(tmp_path) as queue:
        world = queue.world
        request = queue.reversals("S1")
        request.duty.CopyFrom(DUTY)
        call = world.call(HOME, "FileReversals")
        assert Principal(province=HOME, role="system", opaque_id="sys-1") == call.caller
        with pytest.raises(Refusal):
            await world[HOME].settlement.file_reversals(request, call)
        await world.file(HOME, [world.record("S1")])
        with pytest.raises(Refusal):
            await world[HOME].settlement.file_reversals(request, call)
