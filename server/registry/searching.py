"""Finds institutions by name and by distance, best first, alike on both databases.

The database narrows down: names and readings that contain what was typed, a box around the place.
What fits how well, and what is how far, is worked out here, so that order never depends on a
database's collation or arithmetic.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, func, or_, select

from deltacare.addresses import address_place
from deltacare.v1.entry_pb2 import INSTITUTION_STATE_CLOSED, Institution
from deltacare.v1.registry_service_pb2 import (
    FoundInstitution,
    InstitutionFilter,
    SearchInstitutionsResponse,
)
from server.registry.names import fold_query, name_fit
from server.registry.tables import institutions
from server.registry.views import conditions_of, registered

__all__ = ["QUERY_CHARS_MAX", "Place", "Search", "distance_m", "search_institutions"]

QUERY_CHARS_MAX = 64
# Mean radius of the earth (IUGG R1).
_EARTH_RADIUS_M = 6_371_008.8
_METRES_PER_DEGREE = math.pi * _EARTH_RADIUS_M / 180
_E6 = 1_000_000
_HALF_TURN_E6 = 180 * _E6
_QUARTER_TURN_E6 = 90 * _E6


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place on the earth.

    Attributes:
        longitude_e6: in micro-degrees.
        latitude_e6: in micro-degrees.
    """

    longitude_e6: int
    latitude_e6: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched for, besides a filter.

    Attributes:
        query: as typed; may be empty.
        place: to measure from.
        radius_m: farthest distance; ``None`` does not restrict.
        limit: most institutions wanted.
    """

    query: str
    place: Place | None
    radius_m: int | None
    limit: int


def distance_m(one: Place, other: Place) -> float:
    """Return the length in metres of the great circle between two places (haversine)."""
    latitudes = (math.radians(one.latitude_e6 / _E6), math.radians(other.latitude_e6 / _E6))
    half_up = (latitudes[1] - latitudes[0]) / 2
    half_across = math.radians((other.longitude_e6 - one.longitude_e6) / _E6) / 2
    square = math.sin(half_up) ** 2 + (
        math.cos(latitudes[0]) * math.cos(latitudes[1]) * math.sin(half_across) ** 2
    )
    return 2 * _EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, square)))


def _box(place: Place, radius_m: int) -> list[ColumnElement[bool]]:
    """Return conditions that nothing within a distance fails: the exact test comes after."""
    table = institutions.c
    # A little more than needed, so that rounding leaves nobody out.
    up_e6 = math.ceil(radius_m / _METRES_PER_DEGREE * _E6) + 1
    low, high = place.latitude_e6 - up_e6, place.latitude_e6 + up_e6
    conditions: list[ColumnElement[bool]] = [table.latitude_e6.between(low, high)]
    if max(abs(low), abs(high)) >= _QUARTER_TURN_E6:
        return conditions  # around a pole every longitude is near
    # The meridians that touch the circle: sin(across) = sin(radius) / cos(latitude).
    sine = math.sin(radius_m / _EARTH_RADIUS_M) / math.cos(math.radians(place.latitude_e6 / _E6))
    across_e6 = math.ceil(math.degrees(math.asin(min(1.0, sine))) * _E6) + 1
    west, east = place.longitude_e6 - across_e6, place.longitude_e6 + across_e6
    if west >= -_HALF_TURN_E6 and east <= _HALF_TURN_E6:
        conditions.append(table.longitude_e6.between(west, east))
    return conditions


def _named(folded: str, spoken: str) -> ColumnElement[bool]:
    """Return a condition that no name which a query fits fails."""
    table = institutions.c
    named = table.name_folded.contains(folded, autoescape=True)
    if not spoken:
        return named
    return or_(
        named,
        func.replace(table.name_pinyin, "'", "").contains(spoken, autoescape=True),
        table.name_initials.contains(spoken, autoescape=True),
    )


def search_institutions(
    connection: Connection, search: Search, wanted: InstitutionFilter, *, on_date: date
) -> SearchInstitutionsResponse:
    """Return the institutions that fit best.

    With a place the nearest come first, and those whose place is not known last; then by how well
    the name fits, the shorter name before the longer, then by id.

    Args:
        connection: a snapshot.
        search: what for.
        wanted: which; its division is canonical.
        on_date: date on which divisions are compared.
    """
    table = institutions.c
    folded, spoken = fold_query(search.query)
    conditions = conditions_of(connection, wanted, on_date)
    if folded:
        conditions.append(_named(folded, spoken))
    if search.place is not None and search.radius_m is not None:
        conditions += _box(search.place, search.radius_m)
    query = select(
        table.institution_id,
        table.author,
        table.log_index,
        table.name_folded,
        table.name_pinyin,
        table.name_initials,
        table.longitude_e6,
        table.latitude_e6,
    ).where(*conditions)
    found: list[tuple[float, int, int, str, float | None, str, int]] = []
    for row in connection.execute(query):
        fit: int | None = 0
        if folded:
            keys = (row.name_folded, row.name_pinyin, row.name_initials)
            fit = name_fit(keys, folded, spoken)
        if fit is None:
            continue
        away: float | None = None
        if search.place is not None and row.latitude_e6 is not None:
            place = Place(longitude_e6=row.longitude_e6, latitude_e6=row.latitude_e6)
            away = distance_m(search.place, place)
        if search.radius_m is not None and (away is None or away > search.radius_m):
            continue
        order = (
            math.inf if away is None else round(away),
            fit,
            len(row.name_folded) if folded else 0,
            row.institution_id,
        )
        found.append((*order, away, row.author, row.log_index))
    found.sort(key=lambda each: each[:4])
    best = found[: search.limit]
    bodies = _bodies(connection, [(author, index) for *_, author, index in best])
    uncertain = _uncertain(connection, bodies) if search.place is not None else frozenset()
    return SearchInstitutionsResponse(
        institutions=[
            FoundInstitution(
                institution=registered(author, index, bodies[author, index]),
                distance_m=None if away is None else round(away),
                place_uncertain=away is not None and (author, index) in uncertain,
            )
            for *_, away, author, index in best
        ],
        more=len(found) > search.limit,
    )


def _bodies(
    connection: Connection, places: list[tuple[str, int]]
) -> dict[tuple[str, int], Institution]:
    """Return statements by author and index."""
    table = institutions.c
    found: dict[tuple[str, int], Institution] = {}
    for author in sorted({author for author, _ in places}):
        indexes = [index for each, index in places if each == author]
        query = select(table.log_index, table.body).where(
            table.author == author, table.log_index.in_(indexes)
        )
        for index, body in connection.execute(query):
            found[author, index] = Institution.FromString(body)
    return found


def _uncertain(
    connection: Connection, found: Mapping[tuple[str, int], Institution]
) -> frozenset[tuple[str, int]]:
    """Return those at whose place others of their register stand under other addresses."""
    table = institutions.c
    addresses: dict[tuple[str, int, int], set[tuple[str, str]]] = {}
    for author in sorted({author for author, _ in found}):
        latitudes = {body.latitude_e6 for (each, _), body in found.items() if each == author}
        query = select(table.body).where(
            table.author == author,
            table.superseded_index.is_(None),
            table.latitude_e6.in_(sorted(latitudes)),
        )
        for data in connection.execute(query).scalars():
            body = Institution.FromString(data)
            address = address_place(body.address, body.street, body.division_code)
            if address is not None and body.state != INSTITUTION_STATE_CLOSED:
                addresses.setdefault(_at(author, body), set()).add(address)
    return frozenset(
        (author, index)
        for (author, index), body in found.items()
        if len(addresses.get(_at(author, body), ())) > 1
    )


def _at(author: str, body: Institution) -> tuple[str, int, int]:
    return author, body.longitude_e6, body.latitude_e6
