"""Tests of claims and disagreements through the service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deltacare.errors import Reason
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import registry_service_pb2 as reg_pb
from tests.server.registry.support import fields_of, refused
from tests.support.rooms import DUTY, Rooms, institution_body, request_id

SH, JS = "310000", "320000"


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Shanghai's node alone."""
    async with Rooms.alone(tmp_path, SH) as opened:
        yield opened


def claim(institution_id: str = "310000-1", **changes: object) -> pb.InstitutionClaim:
    """Return what a directory says of an institution's beds."""
    fields: dict[str, object] = {
        "institution_id": institution_id,
        "source": "MAP",
        "authority": pb.AUTHORITY_DIRECTORY,
        "attribute": "approved_beds",
        "value": "120",
        "as_of_date": "2026-10-01",
    }
    return pb.InstitutionClaim(**{**fields, **changes})


async def say(
    rooms: Rooms, *claims: pb.InstitutionClaim, province: str = SH, rid: str | None = None
) -> reg_pb.BatchStateClaimsResponse:
    """State claims."""
    request = reg_pb.BatchStateClaimsRequest(
        request_id=rid or request_id(), duty=DUTY, claims=claims
    )
    return await rooms.registry[province].batch_state_claims(
        request, rooms.call(province, "BatchStateClaims")
    )


async def listed(rooms: Rooms, province: str = SH, **asked: object) -> list[tuple[str, ...]]:
    """Return institution, attribute, author and source of every claim that counts, by pages."""
    request = reg_pb.ListClaimsRequest(page_size=1, **asked)
    found = []
    while True:
        page = await rooms.registry[province].list_claims(request, rooms.call(province))
        found += [
            (c.claim.institution_id, c.claim.attribute, c.author, c.claim.source)
            for c in page.claims
        ]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_claims_are_stated_once_and_withdrawn(rooms: Rooms) -> None:
    """The same words are skipped, other words replace, an empty value withdraws, once."""
    answer = await say(rooms, claim(), claim("320000-7"))
    assert (2, 0, 2) == (
        answer.stated_count,
        answer.unchanged_count,
        answer.appended.entry_count,
    )
    answer = await say(rooms, claim(), claim("320000-7", value="5"))
    assert (1, 1) == (answer.stated_count, answer.unchanged_count)
    key = ("approved_beds", SH, "MAP")
    assert [("310000-1", *key), ("320000-7", *key)] == await listed(rooms)
    gone = claim(value="", as_of_date="2026-11-01")
    assert 1 == (await say(rooms, gone)).stated_count
    assert [("320000-7", *key)] == await listed(rooms)
    never = claim("310000-9", value="")
    again = await say(rooms, gone, never)
    assert (0, 2, 0) == (again.stated_count, again.unchanged_count, again.appended.entry_count)


async def test_spelling_of_a_value_is_no_difference(rooms: Rooms) -> None:
    """A division in twelve digits says what it says in six."""
    await say(rooms, claim(attribute="division_code", value="310105000000"))
    answer = await say(rooms, claim(attribute="division_code", value="310105"))
    assert 1 == answer.unchanged_count


async def test_one_request_one_answer(rooms: Rooms) -> None:
    """The same request again appends nothing and gets the first answer."""
    rid = request_id()
    first = await say(rooms, claim(), rid=rid)
    await say(rooms, claim(value=""))
    assert first == await say(rooms, claim(), rid=rid)
    assert [] == await listed(rooms)


async def test_every_bad_claim_is_named(rooms: Rooms) -> None:
    """One refusal names every field of every claim, and nothing is kept."""
    error = await refused(
        say(
            rooms,
            claim("310000"),
            claim(source="a map"),
            claim(authority=0),
            claim(attribute="institution_id"),
            claim(value="many", source="A"),
            claim(value="x" * 301, attribute="address"),
            claim(as_of_date="today", source="B"),
            claim(authority=pb.AUTHORITY_CIVIL_AFFAIRS, source="C"),
            claim("320000-1", authority=pb.AUTHORITY_HEALTH),
            claim("110000-1"),
            claim("310000-5"),
            claim("310000-5", value="7"),
        )
    )
    assert Reason.INVALID_FIELD is error.reason
    assert {
        "claims[0].institution_id",
        "claims[1].source",
        "claims[2].authority",
        "claims[3].attribute",
        "claims[4].value",
        "claims[5].value",
        "claims[6].as_of_date",
        "claims[7].authority",
        "claims[8].authority",
        "claims[9].institution_id",
        "claims[10].attribute",
        "claims[11].attribute",
    } == fields_of(error)
    assert [] == await listed(rooms)


@pytest.mark.parametrize("count", [0, 1_001])
async def test_a_batch_has_a_size(rooms: Rooms, count: int) -> None:
    """A batch holds 1 to 1,000."""
    error = await refused(say(rooms, *(claim(f"310000-{n}") for n in range(count))))
    assert {"claims"} == fields_of(error)


async def test_claims_are_listed_in_order_and_by_filter(rooms: Rooms) -> None:
    """Pages of one show every claim once, by institution, attribute, author and source."""
    await say(
        rooms,
        claim("310000-2"),
        claim("310000-1", source="SURVEY"),
        claim("310000-1"),
        claim("310000-1", attribute="address", value="示例路1号"),
    )
    everything = [
        ("310000-1", "address", SH, "MAP"),
        ("310000-1", "approved_beds", SH, "MAP"),
        ("310000-1", "approved_beds", SH, "SURVEY"),
        ("310000-2", "approved_beds", SH, "MAP"),
    ]
    assert everything == await listed(rooms)
    assert everything[:3] == await listed(rooms, institution_id="310000-1")
    assert everything[2:3] == await listed(rooms, source="SURVEY")
    assert [] == await listed(rooms, source="OTHER")
    error = await refused(listed(rooms, institution_id="1", source="a b"))
    assert {"institution_id", "source"} == fields_of(error)


async def test_claims_of_two_provinces_stand_in_the_history(tmp_path: Path) -> None:
    """A claim of another province is seen beside the statement, at every node, with its author."""
    async with Rooms.open(tmp_path) as four:
        await four.register(SH, institution_body("310000-1"))
        await say(four, claim(), province=JS)
        await four.spread(SH)
        await four.spread(JS)
        for province in (SH, JS, "340000"):
            found = await four.registry[province].get_institution_history(
                reg_pb.GetInstitutionHistoryRequest(name="institutions/310000-1"),
                four.call(province),
            )
            assert [(JS, "120")] == [(each.author, each.claim.value) for each in found.claims]
            assert ["310000-1"] == [each.institution.institution_id for each in found.statements]


async def disagreements(rooms: Rooms, **asked: object) -> list[tuple[str, str, str, str, str]]:
    """Return kind, institutions, attribute, stated and claimed of every disagreement, by pages."""
    request = reg_pb.ListDisagreementsRequest(page_size=1, **asked)
    found = []
    while True:
        page = await rooms.registry[SH].list_disagreements(request, rooms.call(SH))
        found += [
            (
                reg_pb.DisagreementKind.Name(each.kind).removeprefix("DISAGREEMENT_KIND_"),
                " ".join(each.institution_ids),
                each.attribute,
                each.stated,
                each.claimed,
            )
            for each in page.disagreements
        ]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_disagreements(rooms: Rooms) -> None:
    """Claims against statements and what registers hold against themselves, sorted, by filter."""
    await rooms.register(
        SH,
        institution_body("310000-1", division_code="310103", name="示例", address="示例路1号"),
        institution_body("310000-2", division_code="310103", address="示例路１号"),
        institution_body("310000-3", street="示例镇", name="示例"),
    )
    await say(
        rooms,
        claim("310000-1"),
        claim("310000-2", value="100"),
        claim("310000-2", attribute="open_beds", value="4"),
        claim("320000-7"),
    )
    everything = [
        ("CLAIM", "310000-1", "approved_beds", "100", "120"),
        ("CLAIM_ONLY", "310000-2", "open_beds", "", "4"),
        ("CLAIM_ONLY", "320000-7", "approved_beds", "", "120"),
        ("SAME_ADDRESS", "310000-1 310000-2", "address", "示例路1号", ""),
        ("SAME_NAME", "310000-1 310000-3", "name", "示例", ""),
        ("DIVISION_ABOLISHED", "310000-1", "division_code", "310103", "310101"),
        ("DIVISION_ABOLISHED", "310000-2", "division_code", "310103", "310101"),
        ("STREET_UNKNOWN", "310000-3", "street", "示例镇", ""),
    ]
    assert everything == await disagreements(rooms)
    assert everything[2:3] == await disagreements(rooms, division="320000")
    assert [each for each in everything if "320000-7" not in each] == await disagreements(
        rooms, division="31"
    )
    # 卢湾 lies in 黄浦 today: what is asked of the one is found under the other.
    huangpu = [*everything[:2], *everything[3:7]]
    for division in ("310101", "310103"):
        assert huangpu == await disagreements(rooms, division=division)
    assert everything[3:4] == await disagreements(rooms, kind=reg_pb.DISAGREEMENT_KIND_SAME_ADDRESS)
    error = await refused(disagreements(rooms, division="3", kind=99))
    assert {"division", "kind"} == fields_of(error)


async def test_disagreements_follow_what_is_said(rooms: Rooms) -> None:
    """What is mended, closed or withdrawn disagrees no more, at once."""
    await rooms.register(SH, institution_body("310000-1", approved_beds=9))
    assert [] == await disagreements(rooms)
    await say(rooms, claim())
    assert 1 == len(await disagreements(rooms))
    await rooms.register(SH, institution_body("310000-1", approved_beds=120))
    assert [] == await disagreements(rooms)
    await rooms.register(SH, institution_body("310000-1", approved_beds=8))
    assert 1 == len(await disagreements(rooms))
    await say(rooms, claim(value="", as_of_date="2026-11-02"))
    assert [] == await disagreements(rooms)
