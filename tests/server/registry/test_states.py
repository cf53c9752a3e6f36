"""Tests of the states of institutions, their successors and history, through the service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deltacare.errors import Reason
from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import registry_service_pb2 as reg_pb
from tests.server.registry.support import fields_of, refused
from tests.support.rooms import DUTY, Rooms, institution_body, request_id

SH = "310000"
CLOSED = pb.INSTITUTION_STATE_CLOSED


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Shanghai's node alone."""
    async with Rooms.alone(tmp_path, SH) as opened:
        yield opened


async def state(rooms: Rooms, *bodies: pb.Institution) -> reg_pb.BatchUpsertInstitutionsResponse:
    """State institutions of Shanghai."""
    request = reg_pb.BatchUpsertInstitutionsRequest(
        request_id=request_id(), duty=DUTY, institutions=bodies
    )
    return await rooms.registry[SH].batch_upsert_institutions(request, rooms.call(SH, "Upsert"))


async def history(rooms: Rooms, number: int) -> reg_pb.InstitutionHistory:
    """Return the history of an institution of Shanghai."""
    request = reg_pb.GetInstitutionHistoryRequest(name=f"institutions/310000-{number}")
    return await rooms.registry[SH].get_institution_history(request, rooms.call(SH))


FULL = institution_body(
    "310000-1",
    provider_type=pb.PROVIDER_TYPE_RESIDENTIAL_INSTITUTION,
    open_beds=100,
    grades=[pb.InstitutionGrade(scheme="GB_T_37276", grade="三级", from_date="2024-01-01")],
    medical_facilities=[pb.MedicalFacility(kind=pb.MEDICAL_FACILITY_KIND_CLINIC, insured=True)],
    state_date="2020-01-01",
    state_reason="OPENED",
)


async def test_every_field_is_kept(rooms: Rooms) -> None:
    """What is stated comes back whole, and is not stated again while nothing differs."""
    assert 1 == (await state(rooms, FULL)).created_count
    assert 1 == (await state(rooms, FULL)).unchanged_count
    again = pb.Institution()
    again.CopyFrom(FULL)
    again.medical_facilities[0].insured = False
    assert 1 == (await state(rooms, again)).updated_count
    assert [FULL, again] == [each.institution for each in (await history(rooms, 1)).statements]


@pytest.mark.parametrize(
    "changes, field",
    [
        ({"provider_type": 9}, "provider_type"),
        ({"open_beds": 101}, "open_beds"),
        (
            {"grades": [{"scheme": "gb", "grade": "三级", "from_date": "2024-01-01"}]},
            "grades[0].scheme",
        ),
        ({"grades": [{"scheme": "GB", "from_date": "2024-01-01"}]}, "grades[0].grade"),
        ({"grades": [{"scheme": "GB", "grade": "三级"}]}, "grades[0].from_date"),
        (
            {
                "grades": [
                    {
                        "scheme": "GB",
                        "grade": "三级",
                        "from_date": "2024-01-02",
                        "until_date": "2024-01-01",
                    }
                ]
            },
            "grades[0].until_date",
        ),
        ({"grades": [{"scheme": "GB", "grade": "三级", "from_date": "2024-01-01"}] * 2}, "grades"),
        (
            {
                "grades": [
                    {"scheme": "GB", "grade": "三级", "from_date": f"2024-01-{day:02d}"}
                    for day in range(1, 18)
                ]
            },
            "grades",
        ),
        ({"medical_facilities": [{"kind": 0}]}, "medical_facilities[0].kind"),
        ({"medical_facilities": [{"kind": 1}, {"kind": 1, "insured": True}]}, "medical_facilities"),
        ({"successor_ids": ["310000"], "state": CLOSED}, "successor_ids[0]"),
        ({"successor_ids": ["310000-2"] * 2, "state": CLOSED}, "successor_ids"),
        (
            {"successor_ids": [f"310000-{n}" for n in range(2, 11)], "state": CLOSED},
            "successor_ids",
        ),
        ({"successor_ids": ["310000-2"]}, "successor_ids"),
        ({"successor_ids": ["310000-2"], "state": CLOSED}, "successor_ids"),
        ({"state_date": "2024"}, "state_date"),
        ({"state_reason": "moved away"}, "state_reason"),
    ],
)
async def test_what_cannot_be_stated(rooms: Rooms, changes: dict[str, object], field: str) -> None:
    """Each field is refused by its name, and nothing is kept."""
    error = await refused(state(rooms, institution_body("310000-1", **changes)))
    assert (Reason.INVALID_FIELD, {f"institutions[0].{field}"}) == (error.reason, fields_of(error))
    assert Reason.NOT_FOUND is (await refused(history(rooms, 1))).reason


async def test_an_institution_closes_and_is_succeeded(rooms: Rooms) -> None:
    """The successor may come in the same batch, behind; the history shows each state."""
    await state(rooms, institution_body("310000-1"))
    closed = institution_body(
        "310000-1",
        state=CLOSED,
        successor_ids=["310000-2"],
        state_date="2026-10-01",
        state_reason="MERGED",
    )
    answer = await state(rooms, closed, institution_body("310000-2"))
    assert (1, 1) == (answer.created_count, answer.updated_count)
    found = await history(rooms, 1)
    assert [
        (pb.INSTITUTION_STATE_OPERATING, [], 0),
        (CLOSED, ["310000-2"], 2),
    ] == [
        (each.institution.state, list(each.institution.successor_ids), each.entry.index)
        for each in found.statements
    ]


async def test_a_closed_one_comes_back_with_a_reason(rooms: Rooms) -> None:
    """A batch that opens a closed one without a word is refused whole; with day and reason not."""
    await state(rooms, institution_body("310000-1", state=CLOSED), institution_body("310000-2"))
    error = await refused(
        state(
            rooms,
            institution_body("310000-2", approved_beds=1),
            institution_body("310000-1"),
        )
    )
    assert {"institutions[1].state"} == fields_of(error)
    assert "G17-REOPENED" in error.violations[0].description
    assert 1 == len((await history(rooms, 2)).statements)
    back = institution_body("310000-1", state_date="2026-10-01", state_reason="CLOSED_IN_ERROR")
    assert 1 == (await state(rooms, back)).updated_count


async def test_a_refusal_stays_under_its_id(rooms: Rooms) -> None:
    """The same request again gets the first refusal, though the register has changed since."""
    request = reg_pb.BatchUpsertInstitutionsRequest(
        request_id=request_id(),
        duty=DUTY,
        institutions=[institution_body("310000-1", state=CLOSED, successor_ids=["310000-2"])],
    )
    call = rooms.call(SH, "Upsert")
    first = await refused(rooms.registry[SH].batch_upsert_institutions(request, call))
    await state(rooms, institution_body("310000-2"))
    again = await refused(rooms.registry[SH].batch_upsert_institutions(request, call))
    assert (first.message, first.violations) == (again.message, again.violations)


async def test_filters_of_the_new_fields(rooms: Rooms) -> None:
    """Lists and counts restrict by sort of provider and open beds."""
    await state(
        rooms, FULL, institution_body("310000-2", open_beds=3), institution_body("310000-3")
    )

    async def listed(**wanted: object) -> list[str]:
        request = reg_pb.ListInstitutionsRequest(filter=reg_pb.InstitutionFilter(**wanted))
        found = await rooms.registry[SH].list_institutions(request, rooms.call(SH))
        return [each.institution.institution_id for each in found.institutions]

    assert ["310000-1"] == await listed(provider_type=pb.PROVIDER_TYPE_RESIDENTIAL_INSTITUTION)
    assert ["310000-1", "310000-2"] == await listed(open_beds_min=3)
    assert ["310000-1"] == await listed(open_beds_min=4)
    error = await refused(listed(provider_type=9))
    assert {"filter.provider_type"} == fields_of(error)


async def test_search_through_the_service(rooms: Rooms) -> None:
    """The service finds by name and place, twenty unless told, and names every bad field."""
    await state(
        rooms,
        *(
            institution_body(f"310000-{n}", longitude_e6=n * 100, latitude_e6=1)
            for n in range(1, 23)
        ),
    )

    async def found(**asked: object) -> reg_pb.SearchInstitutionsResponse:
        request = reg_pb.SearchInstitutionsRequest(**asked)
        return await rooms.registry[SH].search_institutions(request, rooms.call(SH))

    everything = await found(query="slyly")
    assert (20, True) == (len(everything.institutions), everything.more)
    nearest = await found(longitude_e6=500, latitude_e6=1, radius_m=1, page_size=1)
    assert ["institutions/310000-5"] == [each.institution.name for each in nearest.institutions]
    error = await refused(
        found(
            query="x" * 65,
            longitude_e6=180_000_001,
            latitude_e6=90_000_001,
            radius_m=500_001,
            page_size=201,
            filter=reg_pb.InstitutionFilter(division="x"),
        )
    )
    names = {"query", "longitude_e6", "latitude_e6", "radius_m", "page_size", "filter.division"}
    assert names == fields_of(error)
    assert {"radius_m"} == fields_of(await refused(found(radius_m=5)))
