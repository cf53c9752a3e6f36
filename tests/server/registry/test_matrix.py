"""Tests of the matrix of agreements over four nodes: 13 districts by 24 cities in one call."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import registry_service_pb2 as reg_pb
from tests.server.registry.support import fields_of, refused
from tests.support.rooms import Rooms, agreement_body

SH, JS, ZJ = "310000", "320000", "330000"
DISTRICTS = (
    *("310101", "310104", "310105", "310106", "310107", "310109", "310110"),
    *("310112", "310113", "310114", "310115", "310116", "310117"),
)
CITIES = (
    *(f"32{n:02d}00" for n in range(1, 14)),
    *(f"33{n:02d}00" for n in range(1, 12)),
)


@pytest.fixture
async def four(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Four nodes."""
    async with Rooms.open(tmp_path) as opened:
        yield opened


async def matrix(rooms: Rooms, province: str, **asked: object) -> dict[tuple[str, str], list[str]]:
    """Return the cells that a node shows."""
    request = reg_pb.GetAgreementMatrixRequest(
        row_divisions=DISTRICTS, column_divisions=CITIES, **asked
    )
    answer = await rooms.registry[province].get_agreement_matrix(request, rooms.call(province))
    order = [(cell.row_division, cell.column_division) for cell in answer.cells]
    assert (
        sorted(order, key=lambda each: (DISTRICTS.index(each[0]), CITIES.index(each[1]))) == order
    )
    return {
        (cell.row_division, cell.column_division): list(cell.agreement_ids) for cell in answer.cells
    }


async def test_matrix_of_districts_and_cities(four: Rooms) -> None:
    """What is in force counts, at every node, by the parties themselves and by wider ones."""
    care = (pb.AGREEMENT_SCOPE_CAREGIVER_QUALIFICATION,)
    await four.agree(
        agreement_body("310000-A1", parties=("310101", "320500"), scopes=care, subsidy_kinds=())
    )
    await four.agree(agreement_body("310000-A2", parties=(SH, "330100"), until_date="2026-12-31"))
    await four.propose(SH, agreement_body("310000-A3", parties=("310104", "320500")))
    await four.spread(SH)
    await four.spread(JS)
    hangzhou = {(each, "330100"): ["310000-A2"] for each in DISTRICTS}
    for province in (SH, JS, ZJ, "340000"):
        everything = await matrix(four, province, on_date="2026-12-31")
        assert {("310101", "320500"): ["310000-A1"], **hangzhou} == everything
    assert {("310101", "320500"): ["310000-A1"]} == await matrix(four, SH, on_date="2027-01-01")
    assert {} == await matrix(four, SH, on_date="2025-12-31")
    assert hangzhou == await matrix(
        four, SH, on_date="2026-12-31", scope=pb.AGREEMENT_SCOPE_SUBSIDY
    )


async def test_matrix_that_cannot_be_asked(four: Rooms) -> None:
    """Divisions are of six digits, named once, 1 to 64 on each side."""
    request = reg_pb.GetAgreementMatrixRequest(
        row_divisions=["310101", "310101"],
        column_divisions=["3205", *(f"{n}" for n in range(320101, 320165))],
        scope=9,
        on_date="soon",
    )
    error = await refused(four.registry[SH].get_agreement_matrix(request, four.call(SH)))
    assert {"row_divisions", "column_divisions", "column_divisions[0]", "scope", "on_date"} == (
        fields_of(error)
    )
    unknown = reg_pb.GetAgreementMatrixRequest(
        row_divisions=["310101", "999999"], column_divisions=["110000", "320500"]
    )
    error = await refused(four.registry[SH].get_agreement_matrix(unknown, four.call(SH)))
    assert {"row_divisions[1]", "column_divisions[0]"} == fields_of(error)
    empty = reg_pb.GetAgreementMatrixRequest()
    error = await refused(four.registry[SH].get_agreement_matrix(empty, four.call(SH)))
    assert {"row_divisions", "column_divisions"} == fields_of(error)
