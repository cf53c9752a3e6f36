"""Tests of the search by name, filter and distance, on both databases."""

import random
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import pytest

from deltacare.v1 import entry_pb2 as pb
from deltacare.v1 import registry_service_pb2 as reg_pb
from server.registry.projector import RegistryProjector
from server.registry.searching import Place, Search, distance_m, search_institutions
from server.store.database import Database
from tests.support.databases import lent_database
from tests.support.projecting import Book
from tests.support.rooms import institution_body

SH, JS = "310000", "320000"
TODAY = date(2026, 11, 22)
SQUARE = Place(longitude_e6=121_473_667, latitude_e6=31_230_525)


def search(
    database: Database,
    query: str = "",
    *,
    place: Place | None = None,
    radius_m: int | None = None,
    limit: int = 20,
    **wanted: object,
) -> reg_pb.SearchInstitutionsResponse:
    """Return what is found."""
    asked = Search(query=query, place=place, radius_m=radius_m, limit=limit)
    wanted_rows = reg_pb.InstitutionFilter(**wanted)
    return database.read_now(lambda c: search_institutions(c, asked, wanted_rows, on_date=TODAY))


def ids(found: reg_pb.SearchInstitutionsResponse) -> list[str]:
    """Return the numbers of what was found, in order."""
    return [
        each.institution.institution.institution_id.partition("-")[2] for each in found.institutions
    ]


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def registers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    """Two registers, generated, which are only read; names belong to nobody."""
    with lent_database(request.param, tmp_path_factory.mktemp("registers")) as database:
        _fill(database)
        yield database


def _fill(database: Database) -> None:
    """State two registers."""
    book = Book(database, RegistryProjector())
    book.say(
        SH,
        institution_body("310000-1", name="示例长者照护之家", provider_type=2, open_beds=4),
        institution_body("310000-2", name="示例养老院（二）", open_beds=0),
        institution_body("310000-3", name="养老院", division_code="310101"),
        institution_body("310000-4", name="旧名养老院"),
        institution_body("310000-4", name="HOME 100%_"),
    )
    book.say(JS, institution_body("320000-5", name="另一示例养老院", open_beds=9))


@pytest.mark.parametrize(
    "query, expected",
    [
        ("", ["1", "2", "3", "4", "5"]),
        ("养老院", ["3", "5", "2"]),
        ("示例", ["1", "2", "5"]),
        ("养老院(二)", ["2"]),
        ("yly", ["3", "5", "2"]),
        ("yanglaoyuan", ["3", "5", "2"]),
        ("shili", ["1", "2", "5"]),
        ("slzzzhzj", ["1"]),
        ("slczzhzj", ["1"]),
        ("home", ["4"]),
        ("100%", ["4"]),
        ("%_", ["4"]),
        ("_", ["4"]),
        ("旧名", []),
        ("敬老", []),
    ],
)
def test_by_name(registers: Database, query: str, expected: list[str]) -> None:
    """The whole name comes first, then its beginning, then a part; shorter names before longer."""
    assert expected == ids(search(registers, query))


@pytest.mark.parametrize(
    "wanted, expected",
    [
        ({"division": "320000"}, ["5"]),
        ({"division": "310101"}, ["3"]),
        ({"open_beds_min": 1}, ["5", "1"]),
        ({"open_beds_min": 5}, ["5"]),
        ({"provider_type": pb.PROVIDER_TYPE_COMMUNITY_CARE_HOME}, ["1"]),
        ({"name_part": "二"}, ["2"]),
    ],
)
def test_by_filter(registers: Database, wanted: dict[str, object], expected: list[str]) -> None:
    """The filter of lists restricts a search too; who states no open beds has none to show."""
    assert sorted(expected) == sorted(ids(search(registers, **wanted)))
    assert set(expected) & {"1", "2", "5"} == set(ids(search(registers, "sl", **wanted)))


OPEN, SHUT, OVER = (
    pb.INSTITUTION_STATE_OPERATING,
    pb.INSTITUTION_STATE_SUSPENDED,
    pb.INSTITUTION_STATE_CLOSED,
)


@pytest.mark.parametrize(
    "states, is_found",
    [
        ([(OPEN, "")], True),
        ([(SHUT, "")], False),
        ([(OVER, "")], False),
        ([(OPEN, ""), (SHUT, "2026-11-22")], False),
        ([(OPEN, ""), (SHUT, "2026-11-23")], True),
        ([(OPEN, ""), (OVER, "2026-11-22")], False),
        ([(OPEN, ""), (OVER, "2026-11-23")], True),
        ([(SHUT, ""), (OVER, "2026-11-23")], False),
        ([(OVER, "2026-11-01"), (OPEN, "2026-11-23")], False),
        ([(OVER, "2026-11-01"), (OPEN, "2026-11-22")], True),
        # A closing that is said again for a later day gives no day back.
        ([(OPEN, ""), (OVER, "2026-11-01"), (OVER, "2027-01-01")], False),
        ([(OPEN, "2027-01-01")], False),
    ],
)
def test_beds_of_those_who_take_nobody(
    database: Database, states: list[tuple[int, str]], *, is_found: bool
) -> None:
    """A bed can be taken today where the institution operates today, whatever comes later."""
    book = Book(database, RegistryProjector())
    for state, day in states:
        reason = "IN_ERROR" if day else ""
        book.say(
            SH,
            institution_body(
                "310000-1", open_beds=4, state=state, state_date=day, state_reason=reason
            ),
        )
    assert {} == book.rules(SH)
    assert ["1"] == ids(search(database))
    assert (["1"] if is_found else []) == ids(search(database, open_beds_min=1))


@pytest.mark.parametrize("dot", ["·", "•", "・", "･", "‧", "∙", "⋅", " · "])
def test_a_dot_in_a_name_means_nothing(database: Database, dot: str) -> None:
    """Signs, licences and registers of one house set it or leave it out."""
    book = Book(database, RegistryProjector())
    book.say(
        SH,
        institution_body("310000-1", name="示例之家申园（二）养老院"),
        institution_body("310000-2", name=f"示例之家{dot}乙园养老院"),
    )
    assert ["1"] == ids(search(database, f"示例之家{dot}申园"))
    assert ["2"] == ids(search(database, "示例之家乙园"))
    assert ["2"] == ids(search(database, f"slzj{dot}yy"))


def test_more_than_wanted(registers: Database) -> None:
    """The answer says whether there are more; ties go by id."""
    some, rest = search(registers, limit=4), search(registers, limit=5)
    assert (["1", "2", "3", "4"], True) == (ids(some), some.more)
    assert (["1", "2", "3", "4", "5"], False) == (ids(rest), rest.more)


def test_distance_is_that_of_the_sphere() -> None:
    """A degree of a great circle is 111.195 km, half the way round 180 times as much."""
    origin = Place(longitude_e6=0, latitude_e6=0)
    north = Place(longitude_e6=0, latitude_e6=1_000_000)
    east = Place(longitude_e6=1_000_000, latitude_e6=0)
    far = Place(longitude_e6=180_000_000, latitude_e6=0)
    assert [111_195, 111_195, 20_015_114, 0] == [
        round(distance_m(origin, each)) for each in (north, east, far, origin)
    ]
    # Over the date line: two degrees, not 358.
    west = Place(longitude_e6=-179_000_000, latitude_e6=0)
    assert 222_390 == round(distance_m(Place(longitude_e6=179_000_000, latitude_e6=0), west))


def placed(number: int, place: Place) -> pb.Institution:
    """Return an institution at a place."""
    return institution_body(
        f"310000-{number}", longitude_e6=place.longitude_e6, latitude_e6=place.latitude_e6
    )


def test_by_distance_as_by_asking_everybody(database: Database) -> None:
    """The box leaves out nobody whom the circle holds, wherever on the earth it is drawn."""
    seed = 20261122
    dice = random.Random(seed)
    centres = [
        SQUARE,
        Place(longitude_e6=179_990_000, latitude_e6=-17_000_000),
        Place(longitude_e6=10_000_000, latitude_e6=89_990_000),
        Place(longitude_e6=1, latitude_e6=0),
    ]
    places = []
    for centre in centres:
        for _ in range(60):
            # Around the pole every longitude is near.
            spread = 60_000 if centre.latitude_e6 < 80_000_000 else 169_000_000
            longitude = centre.longitude_e6 + dice.randint(-spread, spread)
            latitude = centre.latitude_e6 + dice.randint(-60_000, 60_000)
            if longitude > 180_000_000:
                longitude -= 360_000_000
            places.append(Place(longitude_e6=longitude, latitude_e6=min(latitude, 90_000_000)))
    book = Book(database, RegistryProjector())
    book.say(SH, *(placed(number, place) for number, place in enumerate(places)))
    for centre in centres:
        for radius_m in (1, 800, 3_000, 9_000):
            near = {
                str(number): distance_m(centre, place)
                for number, place in enumerate(places)
                if distance_m(centre, place) <= radius_m
            }
            found = search(database, place=centre, radius_m=radius_m, limit=200)
            assert set(near) == set(ids(found)), (seed, centre, radius_m)
            distances = [each.distance_m for each in found.institutions]
            assert [round(near[number]) for number in ids(found)] == distances
            assert all(one <= other for one, other in pairwise(distances))


def test_the_radius_holds_its_own_edge(database: Database) -> None:
    """Who stands just inside the circle is in, who stands a little outside is not."""
    # To the north-east, where the box around the circle still holds it.
    edge = Place(longitude_e6=SQUARE.longitude_e6 + 7_000, latitude_e6=SQUARE.latitude_e6 + 7_000)
    away = distance_m(SQUARE, edge)
    book = Book(database, RegistryProjector())
    book.say(SH, placed(1, edge))
    inside, outside = int(away) + 1, int(away)
    assert 0 < away - outside < 0.5
    assert ["1"] == ids(search(database, place=SQUARE, radius_m=inside))
    assert [] == ids(search(database, place=SQUARE, radius_m=outside))


def test_places_that_are_not_known(database: Database) -> None:
    """Without a radius who has no place comes last and shows no distance; with one, not at all."""
    book = Book(database, RegistryProjector())
    far = Place(longitude_e6=121_000_000, latitude_e6=31_000_000)
    book.say(SH, institution_body("310000-1"), placed(2, far), placed(3, SQUARE))
    found = search(database, place=SQUARE)
    assert ["3", "2", "1"] == ids(found)
    assert [True, True, False] == [each.HasField("distance_m") for each in found.institutions]
    assert ["3", "2"] == ids(search(database, place=SQUARE, radius_m=500_000))
    assert not search(database).institutions[0].HasField("distance_m")


def test_a_place_that_several_addresses_share(database: Database) -> None:
    """Its distance is uncertain; not where they share the address, nor of who has closed."""
    at = {"longitude_e6": SQUARE.longitude_e6, "latitude_e6": SQUARE.latitude_e6}
    beside = {**at, "latitude_e6": SQUARE.latitude_e6 + 1_000}
    farther = {**at, "latitude_e6": SQUARE.latitude_e6 + 2_000}
    closed = {"state": pb.INSTITUTION_STATE_CLOSED}
    Book(database, RegistryProjector()).say(
        SH,
        institution_body("310000-1", address="示例路1号", **at),
        institution_body("310000-2", address="示例路2号", **at),
        institution_body("310000-3", address="示例路3号", **beside),
        institution_body("310000-4", address="上海市示例路3号", **beside),
        institution_body("310000-5", address="示例路5号", **farther),
        institution_body("310000-6", address="示例路6号", **farther, **closed),
    )
    found = search(database, place=SQUARE)
    assert {"1": True, "2": True, "3": False, "4": False, "5": False, "6": False} == {
        number: each.place_uncertain
        for number, each in zip(ids(found), found.institutions, strict=True)
    }
    assert not any(each.place_uncertain for each in search(database).institutions)
