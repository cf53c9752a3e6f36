"""``deltacare institution search``: by name, pinyin or initials, by place, by what is free."""

from collections.abc import Sequence
from typing import Any

import click

from clients.cli.commands import Command, option
from clients.cli.connection import Connection, connected
from clients.cli.failures import InputRefused
from clients.cli.output import answer, print_table, say
from clients.language import both, tr
from clients.plain import plain

__all__ = ["search"]

_FOUND_DEFAULT = 20
_FOUND_MAX = 200
_RADIUS_M_MAX = 500_000
_DEGREES_MAX = (180, 90)
_TYPES = {
    "residential": 1,
    "care-home": 2,
    "nursing-station": 3,
    "community": 4,
}


@click.command(
    "search",
    cls=Command,
    help=both(
        "按名称、名称的一部分、拼音或拼音首字母查找；给出地点则由近及远。",
        "Find institutions by name, a part of it, pinyin or initials; by distance from a place.",
    ),
)
@click.argument("query", default="")
@option("--near", default="", metavar="LNG,LAT", help=both("地点（GCJ-02）。", "Place, GCJ-02."))
@option(
    "--within",
    "radius_m",
    type=click.IntRange(1, _RADIUS_M_MAX),
    default=None,
    metavar="M",
    help=both("最远距离（米），与 --near 同用。", "Farthest distance in metres, with --near."),
)
@option("--division", default="", metavar="CODE", help=both("地区代码。", "Division."))
@option(
    "--type",
    "provider_type",
    type=click.Choice(list(_TYPES)),
    default=None,
    help=both(
        "机构类别：养老机构、照护之家、护理站、社区组织。",
        "Residential, care home, nursing station or community organisation.",
    ),
)
@option(
    "--open-beds",
    type=click.IntRange(0),
    default=0,
    help=both(
        "至少有多少可入住床位；今天未运营的机构没有。",
        "At least so many beds that can be taken now; who does not operate today has none.",
    ),
)
@option(
    "--limit",
    type=click.IntRange(1, _FOUND_MAX),
    default=_FOUND_DEFAULT,
    show_default=True,
    help=both("最多列出多少家。", "List at most so many."),
)
@connected
def search(
    *,
    connection: Connection,
    query: str,
    near: str,
    radius_m: int | None,
    division: str,
    provider_type: str | None,
    open_beds: int,
    limit: int,
) -> None:
    """Find institutions by name and place."""
    from clients.cli.institution_measures import measures_in_force, measures_text
    from clients.cli.institution_state import other_state
    from clients.cli.supervision import today
    from deltacare.v1.entry_pb2 import ProviderType
    from deltacare.v1.registry_service_pb2 import InstitutionFilter, SearchInstitutionsRequest

    longitude_e6, latitude_e6 = _place(near)
    if radius_m is not None and not near:
        raise InputRefused(
            tr("--within 须与 --near 同用。", "--within needs --near, the place to measure from.")
        )
    request = SearchInstitutionsRequest(
        query=query,
        filter=InstitutionFilter(
            division=division,
            provider_type=ProviderType.ValueType(_TYPES[provider_type] if provider_type else 0),
            open_beds_min=open_beds,
        ),
        longitude_e6=longitude_e6,
        latitude_e6=latitude_e6,
        radius_m=radius_m or 0,
        page_size=limit,
    )
    with connection.open() as node:
        found = node.registry.SearchInstitutions(request)
        ids = [each.institution.institution.institution_id for each in found.institutions]
        measures = measures_in_force(node, ids) if ids else {}
    rows = [
        plain(each.institution)
        | {
            "measures": None
            if measures is None
            else [
                plain(row) for row in measures.get(each.institution.institution.institution_id, ())
            ]
        }
        | (
            {"distance_m": each.distance_m, "place_uncertain": each.place_uncertain}
            if each.HasField("distance_m")
            else {}
        )
        for each in found.institutions
    ]
    if not answer({"institutions": rows, "more": found.more}):
        return
    day = today()
    # Where nothing is to be said of anybody, the addresses have the room.
    more = [
        (heading, shown)
        for heading, shown in (
            (
                tr("状态", "state"),
                [other_state(each.institution.institution, day) for each in found.institutions],
            ),
            (
                tr("有效措施", "measures in force"),
                [measures_text(measures, each) for each in ids],
            ),
        )
        if any(shown)
    ]
    print_table(
        [
            tr("编号", "id"),
            tr("名称", "name"),
            tr("地区", "division"),
            tr("床位", "beds"),
            tr("可入住", "open"),
            tr("距离（米）", "metres"),
            tr("地址", "address"),
            *(heading for heading, _ in more),
        ],
        [
            (*_found_row(each), *(column[place] for _, column in more))
            for place, each in enumerate(found.institutions)
        ],
        numbers=(3, 4, 5),
    )
    if found.more:
        say(tr("还有更多，请写得更具体。", "There are more; ask more precisely."))


def _place(text: str) -> tuple[int, int]:
    """Return a place in micro-degrees, both 0 if none was given."""
    from decimal import Decimal, InvalidOperation

    if not text:
        return 0, 0
    try:
        longitude, latitude = (Decimal(part.strip()) for part in text.replace("，", ",").split(","))
        is_on_earth = abs(longitude) <= _DEGREES_MAX[0] and abs(latitude) <= _DEGREES_MAX[1]
        if is_on_earth and (longitude or latitude):
            return int(longitude * 1_000_000), int(latitude * 1_000_000)
    except (InvalidOperation, ValueError):
        pass
    raise InputRefused(
        tr(
            f"--near “{text}” 不是地点；写成 经度,纬度，如 121.4737,31.2304。",
            f"--near {text!r} is no place; write LNG,LAT, such as 121.4737,31.2304.",
        )
    )


def _found_row(found: Any) -> Sequence[object]:  # noqa: ANN401  # a message
    home = found.institution.institution
    return (
        home.institution_id,
        home.name,
        home.division_code,
        home.approved_beds,
        home.open_beds if home.HasField("open_beds") else "",
        _distance(found),
        home.address,
    )


def _distance(found: Any) -> str:  # noqa: ANN401  # a message
    """Return a distance, marked where it is uncertain."""
    if not found.HasField("distance_m"):
        return ""
    return (tr("约", "~") if found.place_uncertain else "") + str(found.distance_m)
