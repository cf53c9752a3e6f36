"""Tests of RegistryService over four nodes: writes, reads, pages, filters and the stream."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from deltacare.errors import Reason, Refusal
from deltacare.ids import LogName, Principal
from deltacare.times import business_date
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import registry_service_pb2 as reg_pb
from deltacare.v1.types_pb2 import Duty
from server.edge.call import Call
from tests.support.rooms import (
    DUTY,
    Rooms,
    agreement_body,
    institution_body,
    listing_body,
    request_id,
)

SH, JS, ZJ = "310000", "320000", "330000"


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Shanghai's node alone."""
    async with Rooms.alone(tmp_path, SH) as opened:
        yield opened


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes."""
    async with Rooms.open(tmp_path) as opened:
        yield opened


def upsert(
    *bodies: pb.Institution, duty: Duty = DUTY, rid: str | None = None
) -> reg_pb.BatchUpsertInstitutionsRequest:
    """Return a request that states institutions."""
    return reg_pb.BatchUpsertInstitutionsRequest(
        request_id=request_id() if rid is None else rid, duty=duty, institutions=bodies
    )


async def state(
    rooms: Rooms, *bodies: pb.Institution, rid: str | None = None
) -> reg_pb.BatchUpsertInstitutionsResponse:
    """State institutions of Shanghai and return the answer."""
    return await rooms.registry[SH].batch_upsert_institutions(
        upsert(*bodies, rid=rid), rooms.call(SH, "Upsert")
    )


def counts(answer: reg_pb.BatchUpsertInstitutionsResponse) -> tuple[int, int, int, int]:
    """Return created, updated, unchanged and entries."""
    return (
        answer.created_count,
        answer.updated_count,
        answer.unchanged_count,
        answer.appended.entry_count,
    )


async def listed(rooms: Rooms, province: str = SH, **wanted: object) -> list[str]:
    """Return the ids that a filter finds."""
    request = reg_pb.ListInstitutionsRequest(filter=reg_pb.InstitutionFilter(**wanted))
    found = await rooms.registry[province].list_institutions(request, rooms.call(province))
    return [each.institution.institution_id for each in found.institutions]


async def refused(awaitable: object) -> Refusal:
    """Return how a call was refused."""
    with pytest.raises(Refusal) as caught:
        await awaitable
    return caught.value


async def test_import_again_appends_what_differs(rooms: Rooms) -> None:
    """The first import creates, the same again appends nothing, a change appends one."""
    one, two = institution_body("310000-1"), institution_body("310000-2")
    assert (2, 0, 0, 2) == counts(await state(rooms, one, two))
    assert (0, 0, 2, 0) == counts(await state(rooms, one, two))
    two.approved_beds = 101
    three = institution_body("310000-3")
    answer = await state(rooms, one, two, three)
    assert (1, 1, 1, 2) == counts(answer)
    assert 2 == answer.appended.first_index
    assert answer.appended.checkpoint.startswith(b"deltacare/310000/registry\n4\n")


async def test_spelling_of_a_code_is_no_difference(rooms: Rooms) -> None:
    """A division in twelve digits is the one in nine."""
    await state(rooms, institution_body("310000-1", division_code="310105001000"))
    answer = await state(rooms, institution_body("310000-1", division_code="310105001"))
    assert (0, 0, 1, 0) == counts(answer)


async def test_all_violations_at_once(rooms: Rooms) -> None:
    """One refusal names every field of every element, and nothing is kept."""
    request = upsert(
        institution_body("310000-1", name="", division_code="31x", approved_beds=100_001),
        institution_body("310000-2", postcode="2000", state=0),
        institution_body("310000-3"),
        institution_body("310000-3"),
        institution_body("320000-1"),
        institution_body("310000-4", division_code="320102"),
        institution_body("310000-5", operation_mode=9, established_date="2026-02-30"),
        institution_body("310000-6", unified_social_credit_code="91310000", street=" 徐家汇"),
        duty=Duty(maker="sys-1", reviewer="sys-1"),
        rid="x",
    )
    error = await refused(
        rooms.registry[SH].batch_upsert_institutions(request, rooms.call(SH, "Upsert"))
    )
    assert Reason.INVALID_FIELD is error.reason
    assert {
        "request_id",
        "duty.reviewer",
        "institutions[0].name",
        "institutions[0].division_code",
        "institutions[0].approved_beds",
        "institutions[1].postcode",
        "institutions[1].state",
        "institutions[2].institution_id",
        "institutions[3].institution_id",
        "institutions[4].institution_id",
        "institutions[5].institution_id",
        "institutions[6].operation_mode",
        "institutions[6].established_date",
        "institutions[7].unified_social_credit_code",
        "institutions[7].street",
    } == {violation.field for violation in error.violations}
    assert [] == await listed(rooms)


@pytest.mark.parametrize("count", [0, 1_001])
async def test_batch_has_a_size(rooms: Rooms, count: int) -> None:
    """A batch holds 1 to 1,000."""
    bodies = [institution_body(f"310000-{n}") for n in range(count)]
    error = await refused(state(rooms, *bodies))
    assert ["institutions"] == [violation.field for violation in error.violations]


async def test_request_id_brings_one_answer(rooms: Rooms) -> None:
    """The same request again gets the first answer; another under its id is refused."""
    rid = request_id()
    first = await state(rooms, institution_body("310000-1"), rid=rid)
    assert first == await state(rooms, institution_body("310000-1"), rid=rid)
    error = await refused(state(rooms, institution_body("310000-2"), rid=rid))
    assert Reason.REQUEST_ID_REUSED is error.reason


async def test_another_province_does_not_write_here(rooms: Rooms) -> None:
    """Whatever the edge lets in, a caller of another province writes nothing."""
    caller = Principal(province=JS, role="system", opaque_id="sys-1")
    call = Call(caller=caller, method="/x/y", now=rooms.nodes.clock.now())
    request = upsert(institution_body("310000-1"))
    error = await refused(rooms.registry[SH].batch_upsert_institutions(request, call))
    assert Reason.WRONG_PROVINCE is error.reason


async def test_get_and_batch_get(four: Rooms) -> None:
    """One is got by name at any node; several come in the order asked for, with the missing."""
    await state(four, institution_body("310000-1"), institution_body("310000-2"))
    await four.spread(SH)
    got = await four.registry[ZJ].get_institution(
        reg_pb.GetInstitutionRequest(name="institutions/310000-2"), four.call(ZJ)
    )
    assert institution_body("310000-2") == got.institution
    assert ("deltacare/310000/registry", 1) == (got.entry.log, got.entry.index)
    names = [f"institutions/310000-{n}" for n in (2, 9, 1)]
    found = await four.registry[ZJ].batch_get_institutions(
        reg_pb.BatchGetInstitutionsRequest(names=names), four.call(ZJ)
    )
    assert [names[0], names[2]] == [each.name for each in found.institutions]
    assert [names[1]] == found.missing_names
    error = await refused(
        four.registry[ZJ].get_institution(
            reg_pb.GetInstitutionRequest(name=names[1]), four.call(ZJ)
        )
    )
    assert Reason.NOT_FOUND is error.reason
    for name in ("310000-1", "institutions/310000"):
        request = reg_pb.GetInstitutionRequest(name=name)
        error = await refused(four.registry[ZJ].get_institution(request, four.call(ZJ)))
        assert Reason.INVALID_FIELD is error.reason


async def test_filters(rooms: Rooms) -> None:
    """Each filter restricts, alone and together."""
    await state(
        rooms,
        institution_body("310000-1", name="甲 Home 示例", approved_beds=10),
        institution_body("310000-2", name="100%示例", approved_beds=20, division_code="310101013"),
        institution_body("310000-3", approved_beds=30, operation_mode=0),
        institution_body("310000-4", state=pb.INSTITUTION_STATE_CLOSED, division_code="310151"),
    )
    everything = ["310000-1", "310000-2", "310000-3", "310000-4"]
    assert everything == await listed(rooms)
    assert everything[:1] == await listed(rooms, name_part="hOmE")
    assert everything[1:2] == await listed(rooms, name_part="0%示")
    assert [] == await listed(rooms, name_part="_")
    assert everything[1:3] == await listed(rooms, beds_min=20, beds_max=30)
    assert everything[2:3] == await listed(rooms, beds_min=20, beds_max=30, division="310105")
    mode = pb.OPERATION_MODE_PUBLIC_PRIVATE
    assert ["310000-1", "310000-2", "310000-4"] == await listed(rooms, operation_mode=mode)
    assert everything[3:] == await listed(rooms, state=pb.INSTITUTION_STATE_CLOSED)
    for division in ("31", "3101", "310000", "310000000000"):
        assert everything == await listed(rooms, division=division)
    for division in ("310101", "310101013", "310101013000"):
        assert everything[1:2] == await listed(rooms, division=division)
    assert [] == await listed(rooms, division="310101014")
    assert [] == await listed(rooms, division="32")


async def test_division_filter_knows_successors(rooms: Rooms) -> None:
    """崇明县 310230 is 崇明区 310151 today, on either side; a merged district is where it lies."""
    await state(
        rooms,
        institution_body("310000-1", division_code="310230"),
        institution_body("310000-2", division_code="310151001"),
        institution_body("310000-3", division_code="310106"),
    )
    for division in ("310230", "310151"):
        assert ["310000-1", "310000-2"] == await listed(rooms, division=division)
    assert ["310000-3"] == await listed(rooms, division="310108")


async def test_filter_that_cannot_be_read(rooms: Rooms) -> None:
    """Every field of a filter that cannot be read is named at once."""
    request = reg_pb.ListInstitutionsRequest(
        filter=reg_pb.InstitutionFilter(
            division="3", name_part="x" * 65, operation_mode=9, state=9, beds_min=3, beds_max=2
        ),
        page_size=1_001,
        page_token="?",
    )
    error = await refused(rooms.registry[SH].list_institutions(request, rooms.call(SH)))
    fields = {"division", "name_part", "operation_mode", "state", "beds_max"}
    assert {f"filter.{name}" for name in fields} | {"page_size", "page_token"} == {
        violation.field for violation in error.violations
    }


async def test_counts_by_province(four: Rooms) -> None:
    """Counts go by province and the same filter; a province without any is left out."""
    await state(four, *(institution_body(f"310000-{n}") for n in range(1, 4)))
    await four.register(JS, institution_body("320000-1", approved_beds=5))
    await four.spread(JS)

    async def count(**wanted: object) -> list[tuple[str, int, int]]:
        request = reg_pb.CountInstitutionsRequest(filter=reg_pb.InstitutionFilter(**wanted))
        answer = await four.registry[SH].count_institutions(request, four.call(SH))
        return [(c.province, c.institution_count, c.approved_beds) for c in answer.counts]

    assert [(SH, 3, 300), (JS, 1, 5)] == await count()
    assert [(JS, 1, 5)] == await count(beds_max=99)
    assert [] == await count(beds_min=1_000)


async def test_pages_hold_still(rooms: Rooms) -> None:
    """Rows that come or change between pages neither repeat nor hide others."""
    await state(rooms, *(institution_body(f"310000-{n}") for n in (2, 4, 6, 8)))
    request = reg_pb.ListInstitutionsRequest(page_size=2)
    first = await rooms.registry[SH].list_institutions(request, rooms.call(SH))
    await state(
        rooms,
        institution_body("310000-1"),
        institution_body("310000-5"),
        institution_body("310000-6", approved_beds=7),
    )
    request.page_token = first.next_page_token
    second = await rooms.registry[SH].list_institutions(request, rooms.call(SH))
    ids = [each.institution.institution_id for each in (*first.institutions, *second.institutions)]
    assert ["310000-2", "310000-4", "310000-5", "310000-6"] == ids
    request.page_token = second.next_page_token
    last = await rooms.registry[SH].list_institutions(request, rooms.call(SH))
    assert (["310000-8"], "") == (
        [each.institution.institution_id for each in last.institutions],
        last.next_page_token,
    )
    again = reg_pb.ListInstitutionsRequest(page_size=2)
    assert first.next_page_token != ""
    repeated = await rooms.registry[SH].list_institutions(again, rooms.call(SH))
    assert ["310000-1", "310000-2"] == [
        each.institution.institution_id for each in repeated.institutions
    ]


async def test_token_belongs_to_its_question(rooms: Rooms) -> None:
    """A token of one filter is refused under another."""
    await state(rooms, *(institution_body(f"310000-{n}") for n in (1, 2)))
    request = reg_pb.ListInstitutionsRequest(page_size=1)
    first = await rooms.registry[SH].list_institutions(request, rooms.call(SH))
    other = reg_pb.ListInstitutionsRequest(
        filter=reg_pb.InstitutionFilter(beds_min=1), page_token=first.next_page_token
    )
    error = await refused(rooms.registry[SH].list_institutions(other, rooms.call(SH)))
    assert ["page_token"] == [violation.field for violation in error.violations]


async def test_watch_resumes(four: Rooms) -> None:
    """The stream gives what is there, then what comes, and goes on from a cursor."""
    await state(four, institution_body("310000-1"), institution_body("310000-2"))
    stream = four.registry[SH].watch_institutions(reg_pb.WatchInstitutionsRequest(), four.call(SH))
    seen = [await asyncio.wait_for(anext(stream), 10) for _ in range(2)]
    await state(four, institution_body("310000-1", approved_beds=7))
    await four.register(JS, institution_body("320000-1"))
    seen += [await asyncio.wait_for(anext(stream), 10) for _ in range(2)]
    await stream.aclose()
    assert [("310000-1", 100), ("310000-2", 100)] == [
        (c.institution.institution.institution_id, c.institution.institution.approved_beds)
        for c in seen[:2]
    ]
    assert {("310000-1", 7), ("320000-1", 100)} == {
        (c.institution.institution.institution_id, c.institution.institution.approved_beds)
        for c in seen[2:]
    }
    resumed = four.registry[SH].watch_institutions(
        reg_pb.WatchInstitutionsRequest(cursors=[seen[0].cursor]), four.call(SH)
    )
    change = await asyncio.wait_for(anext(resumed), 10)
    await resumed.aclose()
    assert seen[1] == change


async def test_watch_refuses_cursors_of_no_registry(rooms: Rooms) -> None:
    """A cursor names the registry log of a member, once."""
    log = str(LogName.settlement(SH, JS))
    twice = [reg_pb.LogCursor(log=log), reg_pb.LogCursor(log=log)]
    stream = rooms.registry[SH].watch_institutions(
        reg_pb.WatchInstitutionsRequest(cursors=twice), rooms.call(SH)
    )
    error = await refused(anext(stream))
    assert {"cursors", "cursors[0].log", "cursors[1].log"} == {
        violation.field for violation in error.violations
    }


async def test_listings(four: Rooms) -> None:
    """A listing is published once, seen everywhere, withdrawn again only from an earlier day."""
    await four.register(SH, institution_body("310000-1"))
    await four.publish(SH, listing_body())
    error = await refused(four.publish(SH, listing_body()))
    assert (Reason.ALREADY_EXISTS, "G05-LISTING-TAKEN") == (error.reason, error.details["rule"])
    error = await refused(four.publish(SH, listing_body("310000-L2", "310000-1", "310000-7")))
    assert (Reason.NOT_FOUND, "310000-L2, 310000-7") == (error.reason, error.details["subject"])
    error = await refused(four.publish(JS, listing_body()))
    assert Reason.NOT_AUTHOR is error.reason

    async def withdraw(day: str = "2026-12-01") -> reg_pb.WithdrawListingResponse:
        withdrawal = pb.ListingWithdrawal(
            listing_id="310000-L1", effective_date=day, reason="RENOVATION"
        )
        return await four.registry[SH].withdraw_listing(
            reg_pb.WithdrawListingRequest(
                request_id=request_id(), duty=DUTY, withdrawal=withdrawal
            ),
            four.call(SH, "Withdraw"),
        )

    assert (await withdraw("2062-12-01")).appended.entry_count == 1
    assert (await withdraw()).appended.entry_count == 1
    error = await refused(withdraw())
    assert (Reason.RULE_REFUSED, "G08-LISTING-WITHDRAWN") == (error.reason, error.details["rule"])
    await four.spread(SH)
    found = await four.registry[ZJ].list_listings(reg_pb.ListListingsRequest(), four.call(ZJ))
    assert [("310000-L1", "2026-12-01", 1)] == [
        (each.listing.listing_id, each.withdrawn_date, each.entry.index) for each in found.listings
    ]
    none = await four.registry[ZJ].list_listings(
        reg_pb.ListListingsRequest(province=JS), four.call(ZJ)
    )
    assert [] == list(none.listings)


async def agreements(
    rooms: Rooms, province: str, **asked: object
) -> list[reg_pb.StandingAgreement]:
    """Return the agreements that a node shows."""
    request = reg_pb.ListAgreementsRequest(**asked)
    answer = await rooms.registry[province].list_agreements(request, rooms.call(province))
    return list(answer.agreements)


async def test_agreement_is_proposed_accepted_replaced_and_ended(four: Rooms) -> None:
    """In force from the acceptance of all, at every node, between its dates, until one ends it."""
    version_hash = await four.propose(SH, agreement_body(until_date="2026-11-30"))
    await four.spread(SH)
    (found,) = await agreements(four, ZJ)
    assert not found.in_force
    assert [
        (SH, pb.AGREEMENT_WORD_ACCEPTED, version_hash),
        (JS, pb.AGREEMENT_WORD_UNSPECIFIED, b""),
    ] == [(word.province, word.word, word.version_hash) for word in found.words]

    await four.say(JS, "310000-A1", version_hash)
    await four.spread(JS)
    in_force = [
        (await agreements(four, ZJ, on_date=day))[0].in_force
        for day in ("2025-12-31", "2026-01-01", "2026-11-30", "2026-12-01")
    ]
    assert [False, True, True, False] == in_force

    # An amendment that is open ends nothing, and says who accepted what.
    amendment = agreement_body(predecessor_hash=version_hash, scopes=[1], subsidy_kinds=[])
    second = await four.propose(SH, amendment)
    await four.spread(SH)
    (found,) = await agreements(four, ZJ, on_date="2026-11-22")
    assert (second, 2, True, 1) == (
        found.version_hash, found.version_number, found.in_force, found.in_force_number,
    )  # fmt: skip
    assert "2026-11-30" == found.in_force_version.until_date
    assert [(SH, 2), (JS, 1)] == [(word.province, word.version_number) for word in found.words]
    error = await refused(four.say(JS, "310000-A1", version_hash))
    assert "G13-NOT-NEWEST" == error.details["rule"]
    await four.say(JS, "310000-A1", second)
    await four.spread(JS)
    assert [2] == [each.in_force_number for each in await agreements(four, ZJ)]

    # One that begins later takes over on its first day.
    third = await four.propose(SH, agreement_body(predecessor_hash=second, from_date="2062-01-01"))
    await four.spread(SH)
    await four.say(JS, "310000-A1", third)
    await four.spread(JS)
    (found,) = await agreements(four, ZJ)
    assert (2, "2062-01-01") == (found.in_force_number, found.replaced_date)
    (found,) = await agreements(four, ZJ, on_date="2062-01-01")
    assert (3, "") == (found.in_force_number, found.replaced_date)

    answered = await four.say(JS, "310000-A1", third, accept=False)
    today = business_date(four.nodes.clock.now())
    assert today.isoformat() == answered.effective_date
    log = LogName.registry(JS)
    await four.nodes[ZJ].holds(log, four.nodes[JS].logs.reader.position(log).size)
    (found,) = await agreements(four, ZJ)
    assert not found.in_force
    assert [("", 3), (today.isoformat(), 3)] == [
        (word.effective_date, word.version_number) for word in found.words
    ]
    # The day before stays what it was.
    yesterday = (today - timedelta(days=1)).isoformat()
    (found,) = await agreements(four, ZJ, on_date=yesterday)
    assert (2, today.isoformat(), "") == (
        found.in_force_number, found.ended_date, found.replaced_date,
    )  # fmt: skip


async def test_agreement_is_ended_from_a_day_to_come(four: Rooms) -> None:
    """Shown as ending, in force and in the matrix until then; the earliest day counts."""
    version_hash = await four.agree(agreement_body())
    for province, day, ended in (
        (JS, "2062-03-01", "2062-03-01"),
        (SH, "2062-02-01", "2062-02-01"),
        (JS, "2062-03-15", "2062-02-01"),
    ):
        answered = await four.say(province, "310000-A1", version_hash, accept=False, ends=day)
        assert day == answered.effective_date
        await four.spread(province)
        (found,) = await agreements(four, ZJ)
        assert (True, ended, "") == (found.in_force, found.ended_date, found.replaced_date)

    async def pairs(day: str) -> int:
        request = reg_pb.GetAgreementMatrixRequest(
            row_divisions=[SH], column_divisions=[JS], on_date=day
        )
        return len((await four.registry[ZJ].get_agreement_matrix(request, four.call(ZJ))).cells)

    for day, count in (("2062-01-31", 1), ("2062-02-01", 0)):
        assert [bool(count)] == [each.in_force for each in await agreements(four, ZJ, on_date=day)]
        assert count == await pairs(day)

    # Whoever ended it accepts it anew, and is in it again; the other side's end stays.
    await four.say(SH, "310000-A1", version_hash)
    await four.spread(SH)
    assert ["2062-03-01"] == [each.ended_date for each in await agreements(four, ZJ)]
    await four.say(JS, "310000-A1", version_hash)
    await four.spread(JS)
    assert [(True, "")] == [(each.in_force, each.ended_date) for each in await agreements(four, ZJ)]

    error = await refused(four.say(JS, "310000-A1", version_hash, accept=False, ends="2026-01-01"))
    assert (Reason.RULE_REFUSED, "G23-ENDED-PAST") == (error.reason, error.details["rule"])
    error = await refused(four.say(JS, "310000-A1", version_hash, ends="2062-01-01"))
    assert ["answer.effective_date"] == [each.field for each in error.violations]
    error = await refused(four.say(JS, "310000-A1", version_hash, accept=False, ends="tomorrow"))
    assert ["answer.effective_date"] == [each.field for each in error.violations]


async def test_agreement_rules_refuse(four: Rooms) -> None:
    """One proposes under its own code, with a party of its own, and answers what it knows."""
    error = await refused(four.propose(JS, agreement_body()))
    assert Reason.NOT_AUTHOR is error.reason
    error = await refused(four.propose(SH, agreement_body(parties=("320100", "330100"))))
    assert "G10-NO-OWN-PARTY" == error.details["rule"]
    error = await refused(four.propose(SH, agreement_body(predecessor_hash=b"1" * 32)))
    assert "G11-PREDECESSOR" == error.details["rule"]
    error = await refused(four.propose(SH, agreement_body(parties=("310000", "440000"))))
    assert ["agreement.parties[1]"] == [violation.field for violation in error.violations]
    error = await refused(four.say(JS, "310000-A7", b"1" * 32))
    assert (Reason.NOT_FOUND, "G12-AGREEMENT-UNKNOWN") == (error.reason, error.details["rule"])
    version_hash = await four.propose(SH, agreement_body())
    await four.spread(SH)
    error = await refused(four.say(ZJ, "310000-A1", version_hash))
    assert "G10-NO-OWN-PARTY" == error.details["rule"]


async def test_agreements_by_division(rooms: Rooms) -> None:
    """A division finds the agreements of what contains it and of what lies in it."""
    await rooms.propose(SH, agreement_body("310000-A1", parties=("310000", "320500")))
    await rooms.propose(SH, agreement_body("310000-A2", parties=("310115", "320000")))
    await rooms.propose(SH, agreement_body("310000-A3", parties=("310230", "330100")))

    async def ids(division: str) -> list[str]:
        found = await agreements(rooms, SH, division=division)
        return [each.agreement.agreement_id for each in found]

    assert ["310000-A1", "310000-A2", "310000-A3"] == await ids("310000")
    assert ["310000-A1", "310000-A2"] == await ids("320505")
    assert ["310000-A2"] == await ids("320100")
    assert ["310000-A1", "310000-A3"] == await ids("310151")
    assert [] == await ids("340000")


async def test_agreement_pages(rooms: Rooms) -> None:
    """Agreements come in pages by id."""
    for number in (3, 1, 2):
        await rooms.propose(SH, agreement_body(f"310000-A{number}"))
    request = reg_pb.ListAgreementsRequest(page_size=2)
    first = await rooms.registry[SH].list_agreements(request, rooms.call(SH))
    request.page_token = first.next_page_token
    second = await rooms.registry[SH].list_agreements(request, rooms.call(SH))
    assert [["310000-A1", "310000-A2"], ["310000-A3"]] == [
        [each.agreement.agreement_id for each in page.agreements] for page in (first, second)
    ]
    assert "" == second.next_page_token
