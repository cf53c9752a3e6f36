"""Days that were paid for twice: cleared settlements of the own province that lie beyond a month.

What is open is held; what was cleared before an overlap came to light is past holding, and home
lists it to be reversed, as long as the overlap stands. Only home can: the tags by which two homes
find one person are computed inside their nodes. Nothing of it enters a digest.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from deltacare.times import ServiceMonth
from server.registry.store import chunks
from server.settlement import overlap_tables as tables
from server.settlement.overlap_look import Cell, OverlapLook
from server.settlement.overlap_rules import Service, cleared_by_homes, cleared_by_hosts

__all__ = ["cleared_overlaps"]


def cleared_overlaps(
    connection: Connection, own: str, host: str, look: OverlapLook
) -> Mapping[str, str]:
    """Return the settlements with a host that were closed and lie beyond a month.

    Args:
        connection: A snapshot.
        own: Home.
        host: The host.
        look: Reads own records.

    Returns:
        By number, the date whose close found it, or the later one that cleared it.
    """
    overlaps = connection.execute(select(tables.overlap)).all()
    persons = sorted({(bytes(row.person_key), row.service_month) for row in overlaps})
    services: dict[Cell, Sequence[Service]] = {}
    for some in chunks(persons):
        services.update(look.services(connection, some))
    found: dict[str, str] = {}
    for row in overlaps:
        cell = (bytes(row.person_key), row.service_month, row.exclusivity_group)
        here = services.get(cell, ())
        length = ServiceMonth.parse(row.service_month).days
        beyond = (
            cleared_by_hosts(here, length)
            if row.other_home == own
            else cleared_by_homes(here, row.other_days, length)
        )
        for each in beyond:
            if each.host == host and each.closed_date is not None:
                noticed_date = max(row.noticed_date, each.closed_date)
                found[each.settlement_no] = min(
                    noticed_date, found.get(each.settlement_no, noticed_date)
                )
    return found
